-- Every gap has an area and a port group at its off point, 'none' where no port is near.
select
    gap_id,
    off_area,
    off_port_group
from gaps
where off_area is null or off_port_group is null
order by gap_id
