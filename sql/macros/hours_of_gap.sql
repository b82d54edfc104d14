-- One row per whole UTC hour inside a gap, by its id: hours_of_gap('7358ebfdca2405e3').
-- Where the ship could have been, how many others were heard there by ground stations and in the
-- basin by satellites, and how many receptions were to be expected of it if its set was on. Between
-- the two points of a gap a ship lies on the way over water; an open gap stays at its off point.
create or replace macro hours_of_gap(id) as table
    with
    inside as (
        select *
        from gap_hours
        where gap_id = id
    ),

    above as (
        select
            hour,
            sum(ships_heard_by_satellite) as ships_heard
        from reception_cells
        where
            hour between
            (select min(inside.hour) from inside) and (select max(inside.hour) from inside)
        group by hour
    )

    select
        inside.gap_id,
        inside.hour,
        inside.cell_lon_deg,
        inside.cell_lat_deg,
        cells.area,
        inside.is_live,
        inside.expected_receptions,
        coalesce(cells.ships_heard, 0) as ships_heard,
        coalesce(cells.beacons_heard, 0) as beacons_heard,
        cast(coalesce(above.ships_heard, 0) as integer) as ships_heard_by_satellite
    from inside
    left join reception_cells as cells
        on
            inside.hour = cells.hour
            and inside.cell_lon_deg = cells.cell_lon_deg
            and inside.cell_lat_deg = cells.cell_lat_deg
    left join above on inside.hour = above.hour
    order by inside.hour
