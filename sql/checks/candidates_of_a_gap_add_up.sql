-- What a gap's candidates are given adds up to one, and what is given to the set off to its p_off.
with
summed as (
    select
        gap_id,
        sum(p_prior) as p_prior,
        sum(p_call) as p_call,
        sum(p_unheard) as p_unheard
    from port_candidates
    group by gap_id
)

select
    summed.gap_id,
    summed.p_prior,
    summed.p_call,
    summed.p_unheard,
    gaps.p_off
from summed
left join gaps using (gap_id)
where
    not coalesce(gaps.is_closed, false)
    or abs(summed.p_prior - 1) > 0.000001
    or abs(summed.p_call + summed.p_unheard - 1) > 0.000001
    or (summed.p_call is null) <> (gaps.p_off is null)
    or abs(summed.p_call - gaps.p_off) > 0.000001
order by summed.gap_id
