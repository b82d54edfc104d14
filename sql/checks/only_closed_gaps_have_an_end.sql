-- A closed gap has an end and a length, an open one has neither.
select
    gap_id,
    is_closed,
    on_at,
    duration_s,
    duration_h
from gaps
where
    is_closed <> (on_at is not null)
    or is_closed <> (duration_s is not null)
    or is_closed <> (duration_h is not null)
order by gap_id
