-- Over areas, gaps, open gaps, left_region, hours and expected_off add up to those of 'all'.
with
cells as (
    select
        month,
        flag,
        fleet,
        port_group,
        at_least_h,
        area,
        gaps,
        open_gaps,
        left_region,
        cast(round(ship_hours * 3600) as bigint) as ship_s,
        cast(round(heard_hours * 3600) as bigint) as heard_s,
        cast(round(observable_ship_hours * 3600) as bigint) as observable_s,
        cast(round(expected_off * 1e6) as bigint) as expected_off_e6
    from monthly_gaps
),

summed as (
    select
        month,
        flag,
        fleet,
        port_group,
        at_least_h,
        sum(gaps) filter (where area = 'all') as all_gaps,
        sum(gaps) filter (where area <> 'all') as parts_gaps,
        sum(open_gaps) filter (where area = 'all') as all_open_gaps,
        sum(open_gaps) filter (where area <> 'all') as parts_open_gaps,
        sum(left_region) filter (where area = 'all') as all_left_region,
        sum(left_region) filter (where area <> 'all') as parts_left_region,
        sum(ship_s) filter (where area = 'all') as all_ship_s,
        sum(ship_s) filter (where area <> 'all') as parts_ship_s,
        sum(heard_s) filter (where area = 'all') as all_heard_s,
        sum(heard_s) filter (where area <> 'all') as parts_heard_s,
        sum(observable_s) filter (where area = 'all') as all_observable_s,
        sum(observable_s) filter (where area <> 'all') as parts_observable_s,
        sum(expected_off_e6) filter (where area = 'all') as all_expected_off_e6,
        sum(expected_off_e6) filter (where area <> 'all') as parts_expected_off_e6
    from cells
    group by month, flag, fleet, port_group, at_least_h
)

select *
from summed
where
    all_gaps is distinct from parts_gaps
    or all_open_gaps is distinct from parts_open_gaps
    or all_left_region is distinct from parts_left_region
    or all_ship_s is distinct from parts_ship_s
    or all_heard_s is distinct from parts_heard_s
    or all_observable_s is distinct from parts_observable_s
    or all_expected_off_e6 is distinct from parts_expected_off_e6
order by month, flag, fleet, port_group, at_least_h
