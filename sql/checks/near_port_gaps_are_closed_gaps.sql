-- Every gap named in near_port_gaps or dark_port_calls is a closed gap that left no region.
with
named as (
    select
        call_id,
        unnest(string_split(gap_ids, ';')) as gap_id
    from dark_port_calls
    union all
    select
        'near' as call_id,
        gap_id
    from near_port_gaps
)

select
    named.call_id,
    named.gap_id,
    gaps.is_closed,
    gaps.cause
from named
left join gaps using (gap_id)
where not coalesce(gaps.is_closed, false) or gaps.cause = 'left_region'
order by named.call_id, named.gap_id
