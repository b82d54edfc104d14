-- A gap begins in a month with data: its off point is a sighting.
select
    gaps.gap_id,
    gaps.off_at,
    gaps.month,
    months.has_data
from gaps
left join months using (month)
where not coalesce(months.has_data, false)
order by gaps.gap_id
