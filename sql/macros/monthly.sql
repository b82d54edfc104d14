-- One row per month: a flag's ships and gaps with their exposure: monthly('RUS', at_least_h := 30).
-- Merchant ships unless `of_fleet` says otherwise ('all' for all), over all areas and ports; 'all'
-- stands for every flag. Null in a month without data. Asked for a length that is not in table
-- thresholds there is no row.
create or replace macro monthly(of_flag, at_least_h := 30, of_fleet := 'merchant') as table
    with
    named as (
        select
            lower(of_flag) as flag,
            lower(of_fleet) as fleet,
            cast(at_least_h as bigint) as asked_h
    ),

    asked as (
        select
            named.flag,
            named.fleet,
            thresholds.at_least_h
        from named
        inner join thresholds on named.asked_h = thresholds.at_least_h
    ),

    counted as (
        select *
        from monthly_gaps
        where area = 'all' and port_group = 'all'
    )

    select
        months.month,
        case
            when asked.flag in ('all', 'unknown') then asked.flag
            else upper(asked.flag)
        end as flag,
        asked.fleet,
        asked.at_least_h,
        case when months.has_data then coalesce(counted.ships_seen, 0) end as ships_seen,
        case when months.has_data then round(coalesce(counted.ship_hours, 0), 1) end as ship_hours,
        case
            when months.has_data then round(coalesce(counted.observable_ship_hours, 0), 1)
        end as observable_ship_hours,
        case when months.has_data then coalesce(counted.ships_with_gap, 0) end as ships_with_gap,
        case when months.has_data then coalesce(counted.gaps, 0) end as gaps,
        case when months.has_data then coalesce(counted.open_gaps, 0) end as open_gaps,
        round(counted.gaps_per_1000_ship_hours, 2) as gaps_per_1000_ship_hours,
        round(counted.expected_off, 2) as expected_off,
        round(counted.expected_off_low, 2) as expected_off_low,
        round(counted.expected_off_high, 2) as expected_off_high,
        months.gap_status as status
    from months
    cross join asked
    left join counted
        on
            months.month = counted.month
            and asked.flag = lower(counted.flag)
            and asked.fleet = counted.fleet
            and asked.at_least_h = counted.at_least_h
    order by months.month
