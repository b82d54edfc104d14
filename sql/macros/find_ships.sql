-- One row per ship and identity whose name, call sign or number holds a text: find_ships('volga').
-- Names are typed in by strangers; one ship may have sent several, and several ships one. Ask the
-- story of a ship by its IMO number or MMSI: ship_story(9990545).
create or replace macro find_ships(piece) as table
    with
    asked as (
        select lower(cast(piece as varchar)) as piece_of_name
    )

    select
        ships.ship_id,
        ships.mmsi,
        ships.imo,
        ships.name,
        ships.callsign,
        ships.flag,
        ships.fleet,
        ships.ship_type,
        ships.length_m
    from ships
    cross join asked
    where
        contains(lower(coalesce(ships.name, '')), asked.piece_of_name)
        or contains(lower(coalesce(ships.callsign, '')), asked.piece_of_name)
        or contains(ships.ship_id, asked.piece_of_name)
        or contains(cast(ships.mmsi as varchar), asked.piece_of_name)
        or contains(coalesce(cast(ships.imo as varchar), ''), asked.piece_of_name)
    order by ships.name, ships.ship_id, ships.mmsi
