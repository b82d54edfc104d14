-- Every probability lies between 0 and 1.
with
probabilities as (
    select
        'gaps' as relation,
        gap_id as cell,
        unnest([p_off, p_off_low, p_off_high]) as p
    from gaps
    union all
    select
        'dark_port_calls' as relation,
        call_id as cell,
        unnest([p_off, p_call]) as p
    from dark_port_calls
    union all
    select
        'monthly_dark_port_calls' as relation,
        concat_ws(' ', month, scope, flag, port_country, port_group) as cell,
        dark_share as p
    from monthly_dark_port_calls
    union all
    select
        'indicator' as relation,
        concat_ws(' ', month, scope) as cell,
        unnest([p_low, p_medium, p_high]) as p
    from indicator
    union all
    select
        'indicator_years' as relation,
        concat_ws(' ', calendar_year, scope) as cell,
        unnest([p_low, p_medium, p_high]) as p
    from indicator_years
    union all
    select
        'sensitivity' as relation,
        concat_ws(', ', scope, choice, value) as cell,
        unnest([p_low, p_medium, p_high]) as p
    from sensitivity
    union all
    select
        'call_chances' as relation,
        concat_ws(' ', gap_id, port_group) as cell,
        unnest([p_call, p_unheard]) as p
    from call_chances
)

select
    relation,
    cell,
    p
from probabilities
where p < 0 or p > 1 or isnan(p)
order by relation, cell
