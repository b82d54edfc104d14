-- Hours of a gap lie inside it, and no more is expected in them, nor are more live, than in all.
select
    gaps.gap_id,
    gaps.off_at,
    gaps.on_at,
    min(gap_hours.hour) as first_hour,
    max(gap_hours.hour) as last_hour,
    count(*) filter (where gap_hours.is_live) as live_hours,
    gaps.live_h,
    round(sum(gap_hours.expected_receptions), 3) as expected_in_hours,
    gaps.expected_receptions
from gap_hours
left join gaps using (gap_id)
group by all
having
    gaps.off_at is null
    or gaps.live_h is null
    or min(gap_hours.hour) <= gaps.off_at
    or max(gap_hours.hour) + interval 1 hour > coalesce(gaps.on_at, gaps.data_end)
    or count(*) filter (where gap_hours.is_live) > gaps.live_h + 0.001
    -- Each hour is rounded to a thousandth.
    or sum(gap_hours.expected_receptions) > gaps.expected_receptions + 0.001 * (1 + count(*))
order by gaps.gap_id
