-- A gap is final when its month is, and provisional until then.
select
    gaps.gap_id,
    gaps.month,
    gaps.status,
    months.gap_status
from gaps
inner join months using (month)
where gaps.status <> months.gap_status
order by gaps.gap_id
