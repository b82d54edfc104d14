-- The length of a closed gap is the time from its off to its on, in seconds and in hours.
select
    gap_id,
    off_at,
    on_at,
    duration_s,
    duration_h
from gaps
where
    is_closed
    and (
        duration_s <> date_sub('second', off_at, on_at)
        or round(duration_h * 3600) <> duration_s
    )
order by gap_id
