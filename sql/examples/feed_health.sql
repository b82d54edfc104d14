-- One row per receiver and month: was it alive? The latest month first, the worst first in it.
-- Twelve months up to the end of the data; for earlier ones put another instant into `asked`.
-- Hours that are not judged (too little history) are no outages. A receiver that was silent for 28
-- days is gone and has no rows. `delay_s` is the median over hours of receipt minus sending.
with
asked as (
    select max(data_end) - interval 12 month as from_at
    from runs
),

heard as (
    select
        feed,
        receiver,
        station,
        is_outage,
        why,
        messages,
        ships,
        delay_s,
        cast(date_trunc('month', hour) as date) as month
    from feed_health
    where hour >= (select asked.from_at from asked)
)

select
    month,
    feed,
    receiver,
    station,
    count(*) as hours,
    count(*) filter (where is_outage) as outage_hours,
    round(100 * count(*) filter (where is_outage) / count(*), 1) as outage_percent,
    count(*) filter (where messages = 0) as silent_hours,
    count(*) filter (where why = 'not_judged') as not_judged_hours,
    cast(sum(messages) as bigint) as messages,
    round(avg(ships), 1) as ships_an_hour,
    median(delay_s) as delay_s
from heard
group by month, feed, receiver, station
order by month desc, outage_percent desc, feed asc, receiver asc, station asc
