-- A place is live in an hour if a ship or beacon was heard there, or a ship by satellite anywhere.
-- (It may be live without: a satellite may hear a beacon where no ship is.)
with
above as (
    select
        hour,
        max(ships_heard_by_satellite) as most
    from reception_cells
    group by hour
)

select
    cells.hour,
    cells.cell_lon_deg,
    cells.cell_lat_deg,
    cells.ships_heard,
    cells.beacons_heard,
    above.most as most_by_satellite
from reception_cells as cells
inner join above using (hour)
where
    not cells.is_live
    and (cells.ships_heard > 0 or cells.beacons_heard > 0 or above.most > 0)
order by cells.hour, cells.cell_lon_deg, cells.cell_lat_deg
