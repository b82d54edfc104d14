-- One row per ship of the watch list: what was found of it, most switch-offs first?
-- A list is a label, never evidence: it was made from the same allegations. Gaps of 12 h and more,
-- closed; a ship that was never heard stands here with none. A ship on several lists counts once.
with
listed as (
    select
        ships.ship_id,
        max(ships.name) as name,
        max(ships.flag) as flag,
        string_agg(distinct watch_list.source, '; ' order by watch_list.source) as listed_by
    from watch_list
    left join ships on watch_list.imo = ships.imo or watch_list.mmsi = ships.mmsi
    group by
        ships.ship_id, case when ships.ship_id is null then watch_list.imo end,
        case when ships.ship_id is null then watch_list.mmsi end
),

silences as (
    select
        ship_id,
        count(*) as gaps,
        sum(p_off) as expected_off
    from gaps
    where is_closed and duration_s >= 12 * 3600 and cause is distinct from 'left_region'
    group by ship_id
),

called as (
    select
        ship_id,
        count(*) as likely_calls
    from dark_port_calls
    where grade in ('A', 'B', 'C')
    group by ship_id
)

select
    listed.ship_id,
    listed.name,
    listed.flag,
    listed.listed_by,
    coalesce(silences.gaps, 0) as gaps,
    round(coalesce(silences.expected_off, 0), 2) as expected_off,
    coalesce(called.likely_calls, 0) as likely_calls
from listed
left join silences on listed.ship_id = silences.ship_id
left join called on listed.ship_id = called.ship_id
order by expected_off desc, listed.ship_id asc
