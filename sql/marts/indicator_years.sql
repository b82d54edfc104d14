-- One row per calendar year with data x scope: the rating of January to December.
-- Rated where all twelve months are complete and have data; else not assessable.
with
years as (
    select
        year(month) as calendar_year,
        count(*) as months_with_data
    from months
    where is_complete and has_data
    group by year(month)
),

graded as (
    select
        year(month) as calendar_year,
        scope,
        cast(sum(calls_a) as bigint) as calls_a,
        cast(sum(calls_b) as bigint) as calls_b
    from monthly_dark_port_calls
    where flag = 'all' and port_country = 'all' and port_group = 'all'
    group by year(month), scope
)

select
    year_ratings.calendar_year,
    year_ratings.scope,
    years.months_with_data,
    graded.calls_a,
    graded.calls_b,
    year_ratings.expected as expected_calls,
    year_ratings.expected_low as expected_calls_low,
    year_ratings.expected_high as expected_calls_high,
    year_ratings.p_low,
    year_ratings.p_medium,
    year_ratings.p_high,
    year_ratings.rating,
    year_ratings.rating
    || ': '
    || year_ratings.rating_why
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
from year_ratings
inner join years on year_ratings.calendar_year = years.calendar_year
left join graded
    on
        year_ratings.calendar_year = graded.calendar_year
        and year_ratings.scope = graded.scope
order by year_ratings.calendar_year, year_ratings.scope
