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
    union all
    select
        'monthly_dark_port_calls' as relation,
        concat_ws(' ', month, scope, flag, port_country, port_group) as cell,
        expected_calls_low as low,
        expected_calls as estimate,
        expected_calls_high as high
    from monthly_dark_port_calls
    union all
    select
        'indicator' as relation,
        concat_ws(' ', month, scope) as cell,
        expected_12m_low as low,
        expected_12m as estimate,
        expected_12m_high as high
    from indicator
    union all
    select
        'indicator: count_ratio' as relation,
        concat_ws(' ', month, scope) as cell,
        count_ratio_low as low,
        count_ratio as estimate,
        count_ratio_high as high
    from indicator
    union all
    select
        'indicator: rate_ratio' as relation,
        concat_ws(' ', month, scope) as cell,
        rate_ratio_low as low,
        rate_ratio as estimate,
        rate_ratio_high as high
    from indicator
    union all
    select
        'indicator_years' as relation,
        concat_ws(' ', calendar_year, scope) as cell,
        expected_calls_low as low,
        expected_calls as estimate,
        expected_calls_high as high
    from indicator_years
    union all
    select
        'sensitivity' as relation,
        concat_ws(', ', scope, choice, value) as cell,
        expected_12m_low as low,
        expected_12m as estimate,
        expected_12m_high as high
    from sensitivity
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
