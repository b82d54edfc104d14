-- One row per complete month (the end of a trailing year) x scope.
-- The rating stays null until intervals are drawn. upper_bound_12m: closed gaps of at least 4 h of
-- the scope's flags and fleet that begin in the twelve months, wherever they begin, without the
-- causes left_region, identity and in_port. At most one call is counted for a gap (METHOD 6), so
-- this bounds the calls from above. It is null unless all twelve months have data.
with
years as (
    select
        ends.month,
        count(*) filter (where trail.has_data) as months_with_data
    from months as ends
    inner join months as trail
        on trail.month between ends.month - interval 11 month and ends.month
    where ends.is_complete
    group by ends.month
),

monthly as (
    select
        gaps.month,
        scopes.scope,
        count(*) as gaps
    from gaps
    inner join scopes
        on
            (scopes.fleet is null or gaps.fleet = scopes.fleet)
            and (
                scopes.flags is null
                or list_contains(scopes.flags, coalesce(gaps.flag, 'unknown'))
            )
    where
        gaps.is_closed
        and coalesce(gaps.cause, '') not in ('left_region', 'identity', 'in_port')
    group by gaps.month, scopes.scope
),

bounds as (
    select
        years.month,
        years.months_with_data,
        scopes.scope,
        cast(coalesce(sum(monthly.gaps), 0) as bigint) as gaps
    from years
    cross join scopes
    left join monthly
        on
            scopes.scope = monthly.scope
            and monthly.month between years.month - interval 11 month and years.month
    group by years.month, years.months_with_data, scopes.scope
)

select
    month,
    scope,
    cast(null as bigint) as calls_12m_a,
    cast(null as bigint) as calls_12m_b,
    case when months_with_data = 12 then gaps end as upper_bound_12m,
    cast(null as double) as expected_12m,
    cast(null as double) as expected_12m_low,
    cast(null as double) as expected_12m_high,
    cast(null as double) as p_low,
    cast(null as double) as p_medium,
    cast(null as double) as p_high,
    cast(null as varchar) as rating,
    cast(null as varchar) as count_trend,
    cast(null as double) as count_ratio,
    cast(null as double) as count_ratio_low,
    cast(null as double) as count_ratio_high,
    cast(null as varchar) as rate_trend,
    cast(null as double) as rate_ratio,
    cast(null as double) as rate_ratio_low,
    cast(null as double) as rate_ratio_high,
    cast(null as double) as raw_gap_ratio,
    cast(null as varchar) as baseline,
    'dark port calls are not rated yet: gap counts are not calls'
    || case
        when months_with_data < 12
            then
                '; of the twelve months to '
                || strftime(month, '%Y-%m')
                || ' only '
                || months_with_data
                || ' have data'
        else ''
    end
    || case
        when
            (
                select count(*) > 0
                from files
                where starts_with(files.feed, 'simulated_')
            )
            then '; from a SIMULATED feed'
        else ''
    end as why,
    $method_version as method_version,
    $rules_hash as rules_hash
from bounds
order by month, scope
