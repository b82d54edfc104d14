-- One row per month x scope x flag x port_country x port_group.
-- expected_calls and expected_unheard are sums of probabilities (call_sums), never counts of rows
-- above a cut; calls_a to calls_d count the rows of dark_port_calls by grade and stand beside.
-- near_port_gaps counts closed gaps near a port group. They are NOT calls, and what lies before
-- and after is not asked of them: in the two crossing scopes they count by flag, fleet and country.
-- The 90 % interval of expected_calls is drawn (call_intervals): what was learned, and one outcome
-- a gap; a proved call (grade A) counts as 1 there, a refuted one (X) as 0.
-- observable_ship_hours are those near the port groups of the row, of ships of the scope's fleet
-- and flags: what lies before and after is not asked of an hour. A gap's hours stand at its off
-- point: they are the exposure of near_port_gaps, not of ships that fell silent elsewhere.
-- dark_share is dark / (dark + lit + unheard), in expectations; null where all three are 0.
-- Every month has a row per scope with everything `all`: 0 where nothing was found in a month
-- with data, null in a month without, unless something found over that month has its middle there.
with
near as (
    select
        near_port_gaps.month,
        scopes.scope,
        coalesce(near_port_gaps.flag, 'unknown') as flag,
        near_port_gaps.port_country,
        near_port_gaps.port_group,
        'near' as kind,
        1 as entries,
        0 as dark_e6,
        0 as unheard_e6
    from near_port_gaps
    cross join scopes
    where
        (scopes.fleet is null or scopes.fleet = near_port_gaps.fleet)
        and (
            scopes.flags is null
            or list_contains(scopes.flags, coalesce(near_port_gaps.flag, 'unknown'))
        )
        and (
            scopes.port_countries is null
            or list_contains(scopes.port_countries, near_port_gaps.port_country)
        )
),

found as (
    select
        month,
        flag,
        port_country,
        port_group,
        in_ru_ir_crossing,
        in_ru_ir_any,
        in_any_flag_crossing,
        grade as kind,
        1 as entries,
        0 as dark_e6,
        0 as unheard_e6
    from dark_port_calls
    -- What dated proof refutes counts nowhere.
    where grade is distinct from 'X'
    union all
    select
        month,
        flag,
        port_country,
        port_group,
        in_ru_ir_crossing,
        in_ru_ir_any,
        in_any_flag_crossing,
        'lit' as kind,
        1 as entries,
        0 as dark_e6,
        0 as unheard_e6
    from lit_port_calls
    where not is_glimpsed
    union all
    select
        month,
        flag,
        port_country,
        port_group,
        in_ru_ir_crossing,
        in_ru_ir_any,
        in_any_flag_crossing,
        'glimpsed' as kind,
        glimpsed as entries,
        -- Sums of whole millionths: the same whatever the order.
        cast(round(expected_calls * 1e6) as bigint) as dark_e6,
        cast(round(expected_unheard * 1e6) as bigint) as unheard_e6
    from call_sums
),

entered as (
    select * from near
    union all
    select
        found.month,
        scopes.scope,
        coalesce(found.flag, 'unknown') as flag,
        found.port_country,
        found.port_group,
        found.kind,
        found.entries,
        found.dark_e6,
        found.unheard_e6
    from found
    cross join scopes
    where
        case scopes.scope
            when 'ru_ir_crossing' then found.in_ru_ir_crossing
            when 'ru_ir_any' then found.in_ru_ir_any
            when 'any_flag_crossing' then found.in_any_flag_crossing
            when 'all' then true
        end
),

counted as (
    select
        month,
        scope,
        case when grouping(flag) = 1 then 'all' else flag end as flag,
        case when grouping(port_country) = 1 then 'all' else port_country end as port_country,
        case when grouping(port_group) = 1 then 'all' else port_group end as port_group,
        coalesce(sum(entries) filter (where kind = 'A'), 0) as calls_a,
        coalesce(sum(entries) filter (where kind = 'B'), 0) as calls_b,
        coalesce(sum(entries) filter (where kind = 'C'), 0) as calls_c,
        coalesce(sum(entries) filter (where kind = 'D'), 0) as calls_d,
        coalesce(sum(entries) filter (where kind = 'near'), 0) as near_port_gaps,
        coalesce(sum(entries) filter (where kind = 'lit'), 0) as lit_calls,
        coalesce(sum(entries) filter (where kind = 'glimpsed'), 0) as glimpsed,
        sum(dark_e6) as dark_e6,
        sum(unheard_e6) as unheard_e6
    from entered
    group by month, scope, cube (flag, port_country, port_group)
),

near_hours as (
    select
        ship_months.month,
        ship_months.fleet,
        coalesce(ship_months.flag, 'unknown') as flag,
        port_groups.country as port_country,
        ship_months.port_group,
        ship_months.observable_s
    from ship_months
    inner join port_groups using (port_group)
),

exposed as (
    select
        near_hours.month,
        scopes.scope,
        case when grouping(near_hours.flag) = 1 then 'all' else near_hours.flag end as flag,
        case
            when grouping(near_hours.port_country) = 1 then 'all' else near_hours.port_country
        end as port_country,
        case
            when grouping(near_hours.port_group) = 1 then 'all' else near_hours.port_group
        end as port_group,
        cast(sum(near_hours.observable_s) as bigint) as observable_s
    from near_hours
    cross join scopes
    where
        (scopes.fleet is null or scopes.fleet = near_hours.fleet)
        and (scopes.flags is null or list_contains(scopes.flags, near_hours.flag))
        and (
            scopes.port_countries is null
            or list_contains(scopes.port_countries, near_hours.port_country)
        )
    group by
        near_hours.month,
        scopes.scope,
        cube (near_hours.flag, near_hours.port_country, near_hours.port_group)
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
),

measured as (
    select
        cells.*,
        months.call_status,
        months.has_data or counted.month is not null as is_known,
        coalesce(counted.calls_a, 0) as calls_a,
        coalesce(counted.calls_b, 0) as calls_b,
        coalesce(counted.calls_c, 0) as calls_c,
        coalesce(counted.calls_d, 0) as calls_d,
        coalesce(counted.near_port_gaps, 0) as near_port_gaps,
        coalesce(counted.lit_calls, 0) as lit_calls,
        coalesce(counted.glimpsed, 0) as glimpsed,
        coalesce(counted.dark_e6, 0) / 1e6 as dark,
        coalesce(counted.unheard_e6, 0) / 1e6 as unheard,
        coalesce(call_intervals.low, 0) as low,
        coalesce(call_intervals.high, 0) as high,
        case when months.has_data then coalesce(exposed.observable_s, 0) end as observable_s
    from cells
    inner join months using (month)
    left join counted using (month, scope, flag, port_country, port_group)
    left join call_intervals using (month, scope, flag, port_country, port_group)
    left join exposed using (month, scope, flag, port_country, port_group)
)

select
    month,
    scope,
    flag,
    port_country,
    port_group,
    cast(case when is_known then calls_a end as bigint) as calls_a,
    cast(case when is_known then calls_b end as bigint) as calls_b,
    cast(case when is_known then calls_c end as bigint) as calls_c,
    cast(case when is_known then calls_d end as bigint) as calls_d,
    cast(case when is_known then near_port_gaps end as bigint) as near_port_gaps,
    cast(case when is_known then dark end as double) as expected_calls,
    case
        when is_known then least(cast(low as double), cast(dark as double))
    end as expected_calls_low,
    case
        when is_known then greatest(cast(high as double), cast(dark as double))
    end as expected_calls_high,
    cast(case when is_known then unheard end as double) as expected_unheard,
    cast(case when is_known then lit_calls end as bigint) as lit_calls,
    cast(case when is_known then glimpsed end as bigint) as glimpsed,
    cast(
        case when dark + lit_calls + unheard > 0 then dark / (dark + lit_calls + unheard) end
        as double
    ) as dark_share,
    cast(observable_s / 3600 as double) as observable_ship_hours,
    call_status as status,
    $method_version as method_version,
    $rules_hash as rules_hash,
    $contract_version as contract_version
from measured
order by month, scope, flag, port_country, port_group
