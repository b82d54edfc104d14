-- One row per flag: gaps of the last complete month as reported ten days after its end, and today.
-- The question is "May 2023 as reported with data up to 10 June": closed gaps of 12 h and more,
-- all fleets. What was told then is null where no run had data up to that day, not later.
-- For another month or day put its dates in place of the two in `asked`.
with
asked as (
    select
        cast(date_trunc('month', max(data_end) - interval '10 days') - interval '1 month' as date)
            as month,
        date_trunc('month', max(data_end) - interval '10 days') + interval '10 days' as up_to
    from runs
),

run_then as (
    select max_by(runs.run, (runs.data_end, runs.run)) as run
    from runs
    cross join asked
    where runs.data_end <= asked.up_to
),

told_then as (
    select
        month,
        flag,
        gaps,
        open_gaps
    from monthly_gaps_as_of((select up_to from asked))
    where at_least_h = 12 and fleet = 'all'
),

told_now as (
    select
        month,
        flag,
        gaps,
        open_gaps
    from monthly_gaps
    where at_least_h = 12 and fleet = 'all' and area = 'all' and port_group = 'all'
),

told as (
    select
        month,
        flag,
        told_then.gaps as gaps_then,
        told_then.open_gaps as open_gaps_then,
        told_now.gaps as gaps_now,
        told_now.open_gaps as open_gaps_now
    from told_then
    full outer join told_now using (month, flag)
)

select
    told.month,
    told.flag,
    run_then.run as run_then,
    runs.data_end as data_end_then,
    case when runs.run is not null then coalesce(told.gaps_then, 0) end as gaps_then,
    coalesce(told.gaps_now, 0) as gaps_now,
    case when runs.run is not null then coalesce(told.open_gaps_then, 0) end as open_gaps_then,
    coalesce(told.open_gaps_now, 0) as open_gaps_now
from told
inner join asked using (month)
cross join run_then
left join runs on run_then.run = runs.run
order by told.month, told.flag
