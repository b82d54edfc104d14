-- Every published row names the version of the method and the hash of its rules.
with
published as (
    select
        'gaps' as relation,
        gap_id as cell,
        method_version,
        rules_hash
    from gaps
    union all
    select
        'dark_port_calls' as relation,
        call_id as cell,
        method_version,
        rules_hash
    from dark_port_calls
    union all
    select
        'lit_port_calls' as relation,
        call_id as cell,
        method_version,
        rules_hash
    from lit_port_calls
    union all
    select
        'legs' as relation,
        concat_ws(' ', ship_id, left_at) as cell,
        method_version,
        rules_hash
    from legs
    union all
    select
        'canal_transits' as relation,
        concat_ws(' ', mmsi, track, entered_at) as cell,
        method_version,
        rules_hash
    from canal_transits
    union all
    select
        'near_port_gaps' as relation,
        gap_id as cell,
        method_version,
        rules_hash
    from near_port_gaps
    union all
    select
        'monthly_gaps' as relation,
        concat_ws(' ', month, flag, fleet, area, port_group, at_least_h) as cell,
        method_version,
        rules_hash
    from monthly_gaps
    union all
    select
        'monthly_dark_port_calls' as relation,
        concat_ws(' ', month, scope, flag, port_country, port_group) as cell,
        method_version,
        rules_hash
    from monthly_dark_port_calls
    union all
    select
        'indicator' as relation,
        concat_ws(' ', month, scope) as cell,
        method_version,
        rules_hash
    from indicator
    union all
    select
        'indicator_years' as relation,
        concat_ws(' ', calendar_year, scope) as cell,
        method_version,
        rules_hash
    from indicator_years
    union all
    select
        'sensitivity' as relation,
        concat_ws(', ', scope, choice, value) as cell,
        method_version,
        rules_hash
    from sensitivity
    union all
    select
        'spikes' as relation,
        concat_ws(' ', month, flags) as cell,
        method_version,
        rules_hash
    from spikes
    union all
    select
        'published_beside_ours' as relation,
        figure_id as cell,
        method_version,
        rules_hash
    from published_beside_ours
)

select
    relation,
    cell,
    method_version,
    rules_hash
from published
where coalesce(method_version, '') = '' or coalesce(rules_hash, '') = ''
order by relation, cell
