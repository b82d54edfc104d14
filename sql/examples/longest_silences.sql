-- One row per silence, the twenty longest: who, where, how long, and the row's story in words.
-- An open gap counts with its length so far. Silences of ships that left the region are left out.
select
    gap_id,
    name,
    flag,
    fleet,
    off_at,
    on_at,
    is_closed,
    off_area,
    off_port_group,
    on_port_group,
    cause,
    reasons,
    round(
        date_sub('second', off_at, case when is_closed then on_at else data_end end) / 3600, 1
    ) as silent_h
from gaps
where cause is distinct from 'left_region'
order by silent_h desc, gap_id asc
limit 20
