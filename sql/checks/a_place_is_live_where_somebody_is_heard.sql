-- A place is live in an hour if a ship was heard there, or one by satellite anywhere.
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
    above.most as most_by_satellite,
    cells.is_live
from reception_cells as cells
inner join above using (hour)
where cells.is_live <> (cells.ships_heard > 0 or above.most > 0)
order by cells.hour, cells.cell_lon_deg, cells.cell_lat_deg
