-- The interval of a probability or an expectation holds it.
with
intervals as (
    select
        'gaps' as relation,
        gap_id as cell,
        p_off_low as low,
        p_off as estimate,
        p_off_high as high
    from gaps
    union all
    select
        'monthly_gaps' as relation,
        concat_ws(' ', month, flag, fleet, area, port_group, at_least_h) as cell,
        expected_off_low as low,
        expected_off as estimate,
        expected_off_high as high
    from monthly_gaps
)

select
    relation,
    cell,
    low,
    estimate,
    high
from intervals
where
    low > estimate
    or estimate > high
    or (estimate is null) <> (low is null)
    or (estimate is null) <> (high is null)
order by relation, cell
