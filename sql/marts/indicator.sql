-- One row per complete month (the end of a trailing year) x scope.
-- Ratings and trends are drawn (ratings, trends). upper_bound_12m: closed gaps of at least 4 h of
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
),

graded as (
    select
        years.month,
        counted.scope,
        cast(sum(counted.calls_a) as bigint) as calls_a,
        cast(sum(counted.calls_b) as bigint) as calls_b
    from years
    inner join monthly_dark_port_calls as counted
        on counted.month between years.month - interval 11 month and years.month
    where
        years.months_with_data = 12
        and counted.flag = 'all'
        and counted.port_country = 'all'
        and counted.port_group = 'all'
    group by years.month, counted.scope
)

select
    bounds.month,
    bounds.scope,
    graded.calls_a as calls_12m_a,
    graded.calls_b as calls_12m_b,
    case when bounds.months_with_data = 12 then bounds.gaps end as upper_bound_12m,
    ratings.expected as expected_12m,
    ratings.expected_low as expected_12m_low,
    ratings.expected_high as expected_12m_high,
    ratings.p_low,
    ratings.p_medium,
    ratings.p_high,
    ratings.rating,
    trends.count_trend,
    trends.count_ratio,
    trends.count_ratio_low,
    trends.count_ratio_high,
    trends.rate_trend,
    trends.rate_ratio,
    trends.rate_ratio_low,
    trends.rate_ratio_high,
    trends.raw_gap_ratio,
    trends.baseline,
    -- The report's Table 4: capitals, and an arrow for calls against 2020-21.
    case
        when ratings.rating = 'not assessable' then ratings.rating
        else upper(ratings.rating)
    end as report_rating,
    case trends.count_trend
        when 'Upward' then 'up'
        when 'No change' then 'right'
        when 'Downward' then 'down'
        when 'Undetermined' then 'undetermined'
        when 'Not assessable' then 'not assessable'
    end as report_arrow,
    ratings.rating
    || ': '
    || ratings.rating_why
    || '; '
    || trends.trend_why
    || case
        when
            trends.raw_gap_ratio is not null
            then '; raw gap counts ' || round(trends.raw_gap_ratio, 2) || ' times those of the base'
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
    $rules_hash as rules_hash,
    $contract_version as contract_version
from bounds
inner join ratings on bounds.month = ratings.month and bounds.scope = ratings.scope
inner join trends on bounds.month = trends.month and bounds.scope = trends.scope
left join graded on bounds.month = graded.month and bounds.scope = graded.scope
order by bounds.month, bounds.scope
