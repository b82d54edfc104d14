-- A ship is observable for no longer than it was there.
select
    month,
    mmsi,
    area,
    port_group,
    observable_s,
    ship_s
from ship_months
where observable_s < 0 or observable_s > ship_s
order by month, mmsi, area, port_group
