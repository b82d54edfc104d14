-- upper_bound_12m is printed where all twelve months have data, and only there.
with
years as (
    select
        indicator.month,
        indicator.scope,
        indicator.upper_bound_12m,
        count(months.month) as months_with_data
    from indicator
    left join months
        on
            months.has_data
            and indicator.month >= months.month
            and indicator.month < months.month + interval 12 month
    group by indicator.month, indicator.scope, indicator.upper_bound_12m
)

select
    month,
    scope,
    upper_bound_12m,
    months_with_data
from years
where (upper_bound_12m is not null) <> (months_with_data = 12)
order by month, scope
