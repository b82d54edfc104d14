-- One row per gap across which the typed-in draught changed by 0.3 m or more, largest change first.
-- Closed gaps of 12 h and more, not those of a ship lying in one port; the last draught sent within
-- 30 days before the gap and the first within 30 days after it (both limits from table rules).
-- Draught is typed in by hand, often late or never; transfer at sea changes it too; that it did not
-- change says nothing. Where the gap led to a row of dark_port_calls its port and P_call are given.
with
asked as (
    select
        cast(max(value) filter (where name = 'calls.draught_change_m') as double) as least_m,
        cast(max(value) filter (where name = 'ports.known_within_d') as double) as within_d
    from rules
),

drawn as (
    select
        mmsi,
        first_at,
        last_at,
        draught_m
    from statics
    where draught_m is not null
),

silences as (
    select *
    from gaps
    where
        is_closed
        and duration_s >= 12 * 3600
        and coalesce(cause, 'not judged') not in ('left_region', 'identity', 'in_port')
),

measured as (
    select
        silences.gap_id,
        silences.ship_id,
        silences.name,
        silences.flag,
        silences.fleet,
        silences.off_at,
        silences.on_at,
        silences.duration_h,
        silences.off_port_group,
        silences.on_port_group,
        silences.p_off,
        earlier.draught_m as draught_before_m,
        later.draught_m as draught_after_m,
        round(later.draught_m - earlier.draught_m, 2) as draught_change_m
    from silences
    cross join asked
    asof inner join drawn as earlier
        on silences.mmsi = earlier.mmsi and silences.off_at >= earlier.last_at
    asof inner join drawn as later
        on silences.mmsi = later.mmsi and silences.on_at <= later.first_at
    where
        silences.off_at - earlier.last_at <= to_seconds(asked.within_d * 86400)
        and later.first_at - silences.on_at <= to_seconds(asked.within_d * 86400)
        and abs(round(later.draught_m - earlier.draught_m, 2)) >= asked.least_m
),

called as (
    select
        unnest(string_split(gap_ids, ';')) as gap_id,
        port_group,
        p_call,
        grade
    from dark_port_calls
)

select
    measured.gap_id,
    measured.ship_id,
    measured.name,
    measured.flag,
    measured.fleet,
    measured.off_at,
    measured.on_at,
    round(measured.duration_h, 1) as silent_h,
    measured.off_port_group,
    measured.on_port_group,
    measured.draught_before_m,
    measured.draught_after_m,
    measured.draught_change_m,
    round(measured.p_off, 3) as p_off,
    called.port_group as call_port_group,
    called.grade as call_grade,
    round(called.p_call, 3) as p_call
from measured
left join called on measured.gap_id = called.gap_id
order by abs(measured.draught_change_m) desc, measured.gap_id asc
