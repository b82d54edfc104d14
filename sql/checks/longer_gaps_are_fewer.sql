-- At a higher threshold there are no more gaps, open gaps, left_region or ships with a gap.
with
steps as (
    select
        month,
        flag,
        fleet,
        area,
        port_group,
        at_least_h,
        gaps,
        open_gaps,
        left_region,
        ships_with_gap,
        lag(gaps) over rungs as gaps_below,
        lag(open_gaps) over rungs as open_gaps_below,
        lag(left_region) over rungs as left_region_below,
        lag(ships_with_gap) over rungs as ships_with_gap_below
    from monthly_gaps
    window rungs as (partition by month, flag, fleet, area, port_group order by at_least_h)
)

select *
from steps
where
    gaps > gaps_below
    or open_gaps > open_gaps_below
    or left_region > left_region_below
    or ships_with_gap > ships_with_gap_below
order by month, flag, fleet, area, port_group, at_least_h
