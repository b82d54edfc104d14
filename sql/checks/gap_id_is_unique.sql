-- A gap_id stands in gaps once.
select
    gap_id,
    count(*) as times
from gaps
group by gap_id
having count(*) > 1
order by gap_id
