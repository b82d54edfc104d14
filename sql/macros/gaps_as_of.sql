-- One row per gap as reported with data up to `ts` (UTC): gaps_as_of('2023-06-10').
-- What the run with the latest data_end up to `ts` told, the last of several such runs; `run` and
-- `data_end` name it, `since_run` is the run that told the gap so first. A date means its midnight.
create or replace macro gaps_as_of(ts) as table
    with
    as_of as (
        select
            run,
            data_end
        from runs
        where data_end <= cast(ts as timestamp)
        order by data_end desc, run desc
        limit 1
    ),

    last_versions as (
        select
            gap_versions.gap_id,
            max(gap_versions.version) as last_version
        from gap_versions
        inner join as_of on gap_versions.run <= as_of.run
        group by gap_versions.gap_id
    )

    select
        as_of.run,
        as_of.data_end,
        told.gap_id,
        told.version,
        told.run as since_run,
        told.mmsi,
        told.ship_id,
        told.flag,
        told.fleet,
        told.month,
        told.off_at,
        told.on_at,
        told.off_area,
        told.off_port_group,
        told.duration_s,
        told.is_closed,
        told.cause,
        told.p_off
    from gap_versions as told
    inner join last_versions
        on told.gap_id = last_versions.gap_id and told.version = last_versions.last_version
    cross join as_of
    where told.is_present
    order by told.gap_id
