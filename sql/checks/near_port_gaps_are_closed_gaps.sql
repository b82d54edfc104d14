-- Every gap named in dark_port_calls is a closed gap that did not leave the region.
with
named as (
    select
        call_id,
        unnest(string_split(gap_ids, ';')) as gap_id
    from dark_port_calls
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
