-- Receptions are expected in a place and hour if and only if it is live, and never fewer than none.
select
    hour,
    cell_lon_deg,
    cell_lat_deg,
    is_live,
    expected_stopped,
    expected_under_way
from reception_cells
where
    is_live <> (expected_stopped is not null)
    or is_live <> (expected_under_way is not null)
    or least(expected_stopped, expected_under_way) < 0
order by hour, cell_lon_deg, cell_lat_deg
