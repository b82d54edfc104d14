-- No gap begins after data_end, and no closed gap ends after it.
select
    gap_id,
    off_at,
    on_at,
    data_end
from gaps
where off_at > data_end or on_at > data_end
order by gap_id
