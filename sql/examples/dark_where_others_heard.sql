-- One row per ship: who goes silent where others are heard? All months, most switch-offs first.
-- Closed and open gaps of 12 h and more with a p_off. `expected_off` is the sum of p_off;
-- `live_percent` is the part of the silence in which somebody else was heard where the ship could
-- be, `off_percent` the part of its gaps in which the set was off. Ships with one gap say little.
with
silences as (
    select
        gaps.ship_id,
        gaps.name,
        gaps.flag,
        gaps.fleet,
        gaps.p_off,
        gaps.witnesses,
        gaps.live_h,
        gaps.cause,
        gaps.off_at,
        date_sub(
            'second',
            gaps.off_at,
            case when gaps.is_closed then gaps.on_at else gaps.data_end end
        ) as silent_s
    from gaps
    where gaps.p_off is not null
)

select
    ship_id,
    max_by(name, off_at) as name,
    max_by(flag, off_at) as flag,
    max_by(fleet, off_at) as fleet,
    round(sum(p_off), 2) as expected_off,
    count(*) filter (where cause = 'probable_off') as probable_off,
    count(*) as gaps,
    round(100 * sum(p_off) / count(*), 1) as off_percent,
    round(sum(silent_s) / 3600, 1) as silent_h,
    round(100 * sum(live_h) / (sum(silent_s) / 3600), 1) as live_percent,
    cast(median(witnesses) as bigint) as usual_witnesses
from silences
where silent_s >= 12 * 3600
group by ship_id
order by expected_off desc, ship_id asc
limit 50
