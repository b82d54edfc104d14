-- Ships heard in a place and hour are among those known to be there, of whom there is one at least.
select
    hour,
    cell_lon_deg,
    cell_lat_deg,
    ships_present,
    ships_heard,
    ships_heard_by_satellite
from reception_cells
where
    least(ships_heard, ships_heard_by_satellite) < 0
    or greatest(1, ships_heard, ships_heard_by_satellite) > ships_present
order by hour, cell_lon_deg, cell_lat_deg
