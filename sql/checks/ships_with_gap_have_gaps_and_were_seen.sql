-- There are no more ships with a gap than gaps, nor, over all flags and fleets, than ships seen.
-- By flag or fleet the second need not hold: a ship that changes its flag within a month is seen
-- under one and may fall silent under the other.
select
    month,
    flag,
    fleet,
    area,
    port_group,
    at_least_h,
    ships_seen,
    ships_with_gap,
    gaps
from monthly_gaps
where
    ships_with_gap > gaps
    or (ships_with_gap = 0 and gaps > 0)
    or (flag = 'all' and fleet = 'all' and ships_with_gap > ships_seen)
order by month, flag, fleet, area, port_group, at_least_h
