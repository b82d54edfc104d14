-- The month of a gap is the UTC month of its off point.
select
    gap_id,
    off_at,
    month
from gaps
where month <> date_trunc('month', off_at)
order by gap_id
