-- gaps_per_1000_ship_hours is gaps over ship_hours times 1000, and null without ship_hours.
select
    month,
    flag,
    fleet,
    area,
    port_group,
    at_least_h,
    gaps,
    ship_hours,
    gaps_per_1000_ship_hours
from monthly_gaps
where
    (coalesce(ship_hours, 0) = 0) <> (gaps_per_1000_ship_hours is null)
    or abs(gaps_per_1000_ship_hours * ship_hours - gaps * 1000) > 0.000001
order by month, flag, fleet, area, port_group, at_least_h
