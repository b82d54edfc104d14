-- A class is rated where all twelve months have data, and only with its probabilities.
with
rated as (
    select
        'indicator' as relation,
        concat_ws(' ', month, scope) as cell,
        cast(month as date) as last_month,
        rating,
        expected_12m as expected,
        p_low,
        p_medium,
        p_high
    from indicator
    union all
    select
        'indicator_years' as relation,
        concat_ws(' ', calendar_year, scope) as cell,
        make_date(calendar_year, 12, 1) as last_month,
        rating,
        expected_calls as expected,
        p_low,
        p_medium,
        p_high
    from indicator_years
),

counted as (
    select
        rated.relation,
        rated.cell,
        rated.rating,
        rated.expected,
        rated.p_low,
        rated.p_medium,
        rated.p_high,
        count(months.month) as months_with_data
    from rated
    left join months
        on
            months.has_data
            and months.is_complete
            and months.month between rated.last_month - interval 11 month and rated.last_month
    group by all
)

select
    relation,
    cell,
    rating,
    expected,
    p_low,
    p_medium,
    p_high,
    months_with_data
from counted
where
    (rating <> 'not assessable' and months_with_data <> 12)
    or (rating = 'not assessable') <> (expected is null)
    or (rating = 'not assessable') <> (p_low is null)
    or abs(p_low + p_medium + p_high - 1) > 0.00001
order by relation, cell
