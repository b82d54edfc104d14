-- One row per month x flag x fleet x area x port_group x at_least_h, with its exposure.
-- `all` stands for flag, fleet, area and port_group in all sixteen combinations. A cell has its
-- rows, one per rung, where a ship was seen, gave hours or fell silent; its counts are 0 there.
-- A month without data has one row per rung, everything `all`, and null for every measure: the
-- hours of ships silent through such a month are no observation and are left out.
-- outage_hours are clock hours of the area, the same in all its rows; under `all` those that are
-- outages of every area in which a ship was seen in the month.
-- expected_off is the sum of p_off over gaps, 0 for a gap explained otherwise. Its 90 % interval is
-- drawn (off_intervals): what was learned, and one outcome a gap.
with
observed as (
    select
        ship_months.month,
        coalesce(ship_months.flag, 'unknown') as flag,
        ship_months.fleet,
        ship_months.area,
        ship_months.port_group,
        ship_months.ship_id,
        ship_months.sightings,
        ship_months.ship_s,
        ship_months.heard_s,
        ship_months.observable_s
    from ship_months
    inner join months using (month)
    where months.has_data
),

exposure as (
    select
        month,
        case when grouping(flag) = 1 then 'all' else flag end as flag,
        case when grouping(fleet) = 1 then 'all' else fleet end as fleet,
        case when grouping(area) = 1 then 'all' else area end as area,
        case when grouping(port_group) = 1 then 'all' else port_group end as port_group,
        count(distinct ship_id) filter (where sightings > 0) as ships_seen,
        cast(sum(ship_s) as bigint) as ship_s,
        cast(sum(heard_s) as bigint) as heard_s,
        cast(sum(observable_s) as bigint) as observable_s
    from observed
    group by month, cube (flag, fleet, area, port_group)
),

begun as (
    select
        gaps.month,
        coalesce(gaps.flag, 'unknown') as flag,
        gaps.fleet,
        gaps.off_area as area,
        gaps.off_port_group as port_group
    from gaps
    inner join months using (month)
    where months.has_data
),

silent as (
    select
        month,
        case when grouping(flag) = 1 then 'all' else flag end as flag,
        case when grouping(fleet) = 1 then 'all' else fleet end as fleet,
        case when grouping(area) = 1 then 'all' else area end as area,
        case when grouping(port_group) = 1 then 'all' else port_group end as port_group
    from begun
    group by month, cube (flag, fleet, area, port_group)
),

counted as (
    select
        month,
        at_least_h,
        case when grouping(flag) = 1 then 'all' else flag end as flag,
        case when grouping(fleet) = 1 then 'all' else fleet end as fleet,
        case when grouping(area) = 1 then 'all' else area end as area,
        case when grouping(port_group) = 1 then 'all' else port_group end as port_group,
        count(distinct ship_id) filter (where kind = 'gap') as ships_with_gap,
        count(*) filter (where kind = 'gap') as gaps,
        count(*) filter (where kind = 'open_gap') as open_gaps,
        count(*) filter (where kind = 'left_region') as left_region,
        -- Sums of whole millionths: the same whatever the order.
        coalesce(
            sum(cast(round(p_off * 1e6) as bigint)) filter (where kind = 'gap'), 0
        ) as expected_off_e6
    from gap_ladder
    group by month, at_least_h, cube (flag, fleet, area, port_group)
),

seen_areas as (
    select
        month,
        area
    from observed
    group by month, area
    having sum(sightings) > 0
),

out_hours as (
    select distinct
        seen_areas.month,
        seen_areas.area,
        outage_hours.hour
    from outage_hours
    inner join seen_areas
        on
            outage_hours.area = seen_areas.area
            and cast(date_trunc('month', outage_hours.hour) as date) = seen_areas.month
),

area_counts as (
    select
        month,
        count(*) as areas
    from seen_areas
    group by month
),

everywhere_out as (
    select
        out_hours.month,
        out_hours.hour
    from out_hours
    inner join area_counts using (month)
    group by out_hours.month, out_hours.hour, area_counts.areas
    having count(*) = area_counts.areas
),

out_of_area as (
    select
        month,
        area,
        count(*) as outage_hours
    from out_hours
    group by month, area
    union all
    select
        month,
        'all' as area,
        count(*) as outage_hours
    from everywhere_out
    group by month
),

cells as (
    select
        month,
        flag,
        fleet,
        area,
        port_group
    from exposure
    union distinct
    select
        month,
        flag,
        fleet,
        area,
        port_group
    from silent
    union distinct
    select
        month,
        'all' as flag,
        'all' as fleet,
        'all' as area,
        'all' as port_group
    from months
),

measured as (
    select
        cells.month,
        cells.flag,
        cells.fleet,
        cells.area,
        cells.port_group,
        thresholds.at_least_h,
        months.has_data,
        months.gap_status,
        coalesce(exposure.ships_seen, 0) as ships_seen,
        coalesce(exposure.ship_s, 0) as ship_s,
        coalesce(exposure.heard_s, 0) as heard_s,
        coalesce(exposure.observable_s, 0) as observable_s,
        coalesce(out_of_area.outage_hours, 0) as outage_hours,
        coalesce(counted.ships_with_gap, 0) as ships_with_gap,
        coalesce(counted.gaps, 0) as gaps,
        coalesce(counted.open_gaps, 0) as open_gaps,
        coalesce(counted.left_region, 0) as left_region,
        coalesce(counted.expected_off_e6, 0) / 1e6 as expected_off,
        coalesce(off_intervals.low, 0) as off_low,
        coalesce(off_intervals.high, 0) as off_high
    from cells
    inner join months using (month)
    cross join thresholds
    left join exposure using (month, flag, fleet, area, port_group)
    left join out_of_area using (month, area)
    left join counted using (month, flag, fleet, area, port_group, at_least_h)
    left join off_intervals using (month, flag, fleet, area, port_group, at_least_h)
)

select
    month,
    flag,
    fleet,
    area,
    port_group,
    at_least_h,
    case when has_data then ships_seen end as ships_seen,
    case when has_data then ship_s / 3600 end as ship_hours,
    case when has_data then heard_s / 3600 end as heard_hours,
    case when has_data then observable_s / 3600 end as observable_ship_hours,
    case when has_data then outage_hours end as outage_hours,
    case when has_data then ships_with_gap end as ships_with_gap,
    case when has_data then gaps end as gaps,
    case when has_data then open_gaps end as open_gaps,
    case when has_data then left_region end as left_region,
    case when has_data and ship_s > 0 then gaps * 3600000 / ship_s end as gaps_per_1000_ship_hours,
    case when has_data then cast(expected_off as double) end as expected_off,
    case
        when has_data then least(cast(off_low as double), cast(expected_off as double))
    end as expected_off_low,
    case
        when has_data then greatest(cast(off_high as double), cast(expected_off as double))
    end as expected_off_high,
    gap_status as status,
    $method_version as method_version,
    $rules_hash as rules_hash
from measured
order by month, flag, fleet, area, port_group, at_least_h
