-- One row per whole UTC hour inside a gap, by its id: hours_of_gap('7358ebfdca2405e3').
-- Where the ship could have been, who else was heard there, and the receptions expected of it if
-- its set was on: those of a class A ship in the place times own_factor; null where nothing is
-- known. Between the two points of a gap a ship lies on the straight line, an open gap stays at its
-- off point. An open gap ends with the data.
create or replace macro hours_of_gap(id) as table
    with
    limits as (
        select
            max(case when name = 'reception.cell_deg' then cast(value as double) end) as cell_deg,
            max(
                case when name = 'reception.moving_from_kn' then cast(value as double) end
            ) as moving_from_kn
        from rules
    ),

    asked as (
        select
            gap_id,
            mmsi,
            off_lon,
            off_lat,
            own_factor,
            date_trunc('hour', off_at) as off_hour,
            date_trunc('hour', coalesce(on_at, data_end)) as on_hour,
            coalesce(on_lon, off_lon) as on_lon,
            coalesce(on_lat, off_lat) as on_lat,
            coalesce(implied_speed_kn, 0) as speed_kn
        from gaps
        where gap_id = id
    ),

    hours as (
        select
            gap_id,
            unnest(
                generate_series(
                    off_hour + interval 1 hour, on_hour - interval 1 hour, interval 1 hour
                )
            ) as hour
        from asked
    ),

    placed as (
        select
            asked.gap_id,
            asked.mmsi,
            asked.own_factor,
            asked.speed_kn,
            hours.hour,
            date_diff('second', asked.off_hour, hours.hour)
            / date_diff('second', asked.off_hour, asked.on_hour) as share,
            asked.off_lon + (asked.on_lon - asked.off_lon) * share as lon,
            asked.off_lat + (asked.on_lat - asked.off_lat) * share as lat,
            round(floor(lon / limits.cell_deg) * limits.cell_deg, 6) as cell_lon_deg,
            round(floor(lat / limits.cell_deg) * limits.cell_deg, 6) as cell_lat_deg,
            asked.speed_kn > limits.moving_from_kn as is_under_way
        from hours
        inner join asked using (gap_id)
        cross join limits
    ),

    above as (
        select
            hour,
            sum(ships_heard_by_satellite) as ships_heard
        from reception_cells
        where
            hour between
            (select min(placed.hour) from placed) and (select max(placed.hour) from placed)
        group by hour
    )

    select
        placed.gap_id,
        placed.hour,
        placed.cell_lon_deg,
        placed.cell_lat_deg,
        cells.area,
        coalesce(cells.ships_heard, 0) as ships_heard,
        cast(coalesce(above.ships_heard, 0) as integer) as ships_heard_by_satellite,
        coalesce(cells.ships_heard, 0) > 0 or coalesce(above.ships_heard, 0) > 0 as is_live,
        round(
            case
                when ships.ais_class = 'B' then null
                when placed.is_under_way then cells.expected_under_way
                else cells.expected_stopped
            end * placed.own_factor,
            3
        ) as expected_receptions
    from placed
    left join reception_cells as cells
        on
            placed.hour = cells.hour
            and placed.cell_lon_deg = cells.cell_lon_deg
            and placed.cell_lat_deg = cells.cell_lat_deg
    left join above on placed.hour = above.hour
    left join ships on placed.mmsi = ships.mmsi
    order by placed.hour
