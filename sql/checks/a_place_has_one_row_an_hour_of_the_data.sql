-- A place has one row in an hour, on the hour and before data_end.
with
ends as (
    select max(data_end) as data_end
    from months
)

select
    reception_cells.hour,
    reception_cells.cell_lon_deg,
    reception_cells.cell_lat_deg,
    ends.data_end,
    count(*) as rows_there
from reception_cells
cross join ends
group by
    reception_cells.hour, reception_cells.cell_lon_deg, reception_cells.cell_lat_deg, ends.data_end
having
    count(*) > 1
    or reception_cells.hour >= ends.data_end
    or reception_cells.hour <> date_trunc('hour', reception_cells.hour)
order by reception_cells.hour, reception_cells.cell_lon_deg, reception_cells.cell_lat_deg
