-- One row per month x flag x fleet x at_least_h, as reported with data up to `ts` (UTC).
-- The counts of monthly_gaps over all areas and port groups, as the run of gaps_as_of(ts) told
-- them: an open gap has its length up to that run's data_end. `all` stands for flag and fleet. A
-- month, flag or fleet without a silence has no row. The rungs are those of the rules of today.
create or replace macro monthly_gaps_as_of(ts) as table
    with
    silences as (
        select
            run,
            data_end,
            month,
            ship_id,
            coalesce(flag, 'unknown') as flag,
            fleet,
            case
                when cause = 'left_region' then 'left_region'
                when is_closed then 'gap'
                else 'open_gap'
            end as kind,
            case
                when is_closed then duration_s
                else date_sub('second', off_at, data_end)
            end as length_s
        from gaps_as_of(ts)
    ),

    reached as (
        select
            silences.run,
            silences.data_end,
            silences.month,
            silences.ship_id,
            silences.flag,
            silences.fleet,
            thresholds.at_least_h,
            case when silences.length_s >= thresholds.least_s then silences.kind end as kind
        from silences
        cross join thresholds
    )

    select
        run,
        data_end,
        month,
        case when grouping(flag) = 1 then 'all' else flag end as flag,
        case when grouping(fleet) = 1 then 'all' else fleet end as fleet,
        at_least_h,
        count(distinct ship_id) filter (where kind = 'gap') as ships_with_gap,
        count(*) filter (where kind = 'gap') as gaps,
        count(*) filter (where kind = 'open_gap') as open_gaps,
        count(*) filter (where kind = 'left_region') as left_region
    from reached
    group by run, data_end, month, at_least_h, cube (flag, fleet)
    order by month, flag, fleet, at_least_h
