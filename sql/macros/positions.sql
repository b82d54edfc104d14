-- One row per sighting, out of the files of a processed folder: positions('data/processed').
-- Too large for the database. With a `date` a query reads that day's file alone: always give one.
create or replace macro positions(folder) as table
    select
        mmsi,
        segment,
        seen_at,
        lon,
        lat,
        sog_kn,
        cog_deg,
        heading_deg,
        nav_status,
        ais_class,
        message_type,
        receiver,
        heard_by,
        is_outside,
        date
    from read_parquet(folder || '/positions/date=*/positions.parquet', hive_partitioning = true)
