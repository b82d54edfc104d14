-- One row per silence x rung of the ladder that it has reached.
-- kind: `gap` (closed), `open_gap` (not ended by data_end, its length so far), `left_region`
-- (closed or open: the ship sailed out; in no count of gaps). One silence has one kind.
with
silences as (
    select
        gap_id,
        ship_id,
        month,
        coalesce(flag, 'unknown') as flag,
        fleet,
        off_area as area,
        off_port_group as port_group,
        cause,
        p_off,
        p_off_low,
        p_off_high,
        case
            when cause = 'left_region' then 'left_region'
            when is_closed then 'gap'
            when not is_closed then 'open_gap'
        end as kind,
        case
            when is_closed then duration_s
            when not is_closed then date_sub('second', off_at, $data_end)
        end as length_s
    from gaps
)

select
    silences.gap_id,
    thresholds.at_least_h,
    silences.kind,
    silences.ship_id,
    silences.month,
    silences.flag,
    silences.fleet,
    silences.area,
    silences.port_group,
    silences.cause,
    silences.length_s,
    silences.p_off,
    silences.p_off_low,
    silences.p_off_high
from silences
inner join thresholds on silences.length_s >= thresholds.least_s
order by silences.gap_id, thresholds.at_least_h
