-- One row per month x scope x flag x port_country x port_group.
-- near_port_gaps counts the rows of dark_port_calls: closed gaps near a port group. They are NOT
-- calls: the place of a gap says only that a call is not ruled out. What must be inferred (calls
-- by grade, expected, lit and unheard calls) is null until it is.
-- Where a scope's flag is null because crossings are not known yet, near_port_gaps counts by
-- flag, fleet and country only: the two crossing scopes then hold domestic calls too.
-- Every month has a row per scope with everything `all`: 0 where nothing was found in a month
-- with data, null in a month without, unless a gap over that month has its midpoint there.
with
judged as (
    select
        dark_port_calls.month,
        scopes.scope,
        coalesce(dark_port_calls.flag, 'unknown') as flag,
        dark_port_calls.port_country,
        dark_port_calls.port_group,
        case scopes.scope
            when 'ru_ir_crossing' then dark_port_calls.in_ru_ir_crossing
            when 'ru_ir_any' then dark_port_calls.in_ru_ir_any
            when 'any_flag_crossing' then dark_port_calls.in_any_flag_crossing
            when 'all' then true
        end as is_said_in_scope,
        (scopes.fleet is null or scopes.fleet = dark_port_calls.fleet)
        and (
            scopes.flags is null
            or list_contains(scopes.flags, coalesce(dark_port_calls.flag, 'unknown'))
        )
        and (
            scopes.port_countries is null
            or list_contains(scopes.port_countries, dark_port_calls.port_country)
        ) as is_in_scope_by_flag
    from dark_port_calls
    cross join scopes
),

counted as (
    select
        month,
        scope,
        case when grouping(flag) = 1 then 'all' else flag end as flag,
        case when grouping(port_country) = 1 then 'all' else port_country end as port_country,
        case when grouping(port_group) = 1 then 'all' else port_group end as port_group,
        count(*) as near_port_gaps
    from judged
    where coalesce(is_said_in_scope, is_in_scope_by_flag)
    group by month, scope, cube (flag, port_country, port_group)
),

cells as (
    select
        month,
        scope,
        flag,
        port_country,
        port_group
    from counted
    union distinct
    select
        months.month,
        scopes.scope,
        'all' as flag,
        'all' as port_country,
        'all' as port_group
    from months
    cross join scopes
)

select
    month,
    scope,
    flag,
    port_country,
    port_group,
    cast(null as bigint) as calls_a,
    cast(null as bigint) as calls_b,
    cast(null as bigint) as calls_c,
    cast(null as bigint) as calls_d,
    coalesce(counted.near_port_gaps, case when months.has_data then 0 end) as near_port_gaps,
    cast(null as double) as expected_calls,
    cast(null as double) as expected_calls_low,
    cast(null as double) as expected_calls_high,
    cast(null as double) as expected_unheard,
    cast(null as bigint) as lit_calls,
    cast(null as bigint) as glimpsed,
    cast(null as double) as dark_share,
    cast(null as double) as observable_ship_hours,
    months.call_status as status,
    $method_version as method_version,
    $rules_hash as rules_hash
from cells
inner join months using (month)
left join counted using (month, scope, flag, port_country, port_group)
order by month, scope, flag, port_country, port_group
