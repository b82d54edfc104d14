-- One row per calendar month (UTC) from the first with data to that of data_end.
-- has_data: at least one sighting in it. A month without data has null measures everywhere.
-- data_end is exclusive: data that end on 1 June at 00:00 make May complete and add no June.
with
dated as (
    select month from ship_months
    union all
    select month from gaps
    union all
    select cast(date_trunc('month', $data_end - interval 1 microsecond) as date) as month
),

calendar as (
    select cast(unnest(generate_series(min(month), max(month), interval 1 month)) as date) as month
    from dated
),

sighted as (
    select month
    from ship_months
    group by month
    having sum(sightings) > 0
),

waits as (
    select
        cast(max(value) filter (where name = 'gaps.final_after_d') as integer) as gaps_d,
        cast(max(value) filter (where name = 'gaps.calls_final_after_d') as integer) as calls_d
    from rules
),

ended as (
    select
        month,
        month + interval 1 month as ends_at,
        cast($data_end as timestamp) as data_end,
        month in (select sighted.month from sighted) as has_data
    from calendar
)

select
    ended.month,
    ended.ends_at,
    ended.data_end,
    ended.has_data,
    ended.ends_at <= ended.data_end as is_complete,
    case
        when ended.ends_at + to_days(waits.gaps_d) <= ended.data_end then 'final'
        else 'provisional'
    end as gap_status,
    case
        when ended.ends_at + to_days(waits.calls_d) <= ended.data_end then 'final'
        else 'provisional'
    end as call_status
from ended
cross join waits
order by ended.month
