-- heard_hours are at most ship_hours, and neither is negative.
select
    month,
    flag,
    fleet,
    area,
    port_group,
    at_least_h,
    ship_hours,
    heard_hours
from monthly_gaps
where heard_hours > ship_hours or heard_hours < 0
order by month, flag, fleet, area, port_group, at_least_h
