-- Every month has a row of all ships everywhere, per threshold and per scope.
with
wanted as (
    select
        months.month,
        'monthly_gaps' as relation,
        cast(thresholds.at_least_h as varchar) as part
    from months
    cross join thresholds
    union all
    select
        months.month,
        'monthly_dark_port_calls' as relation,
        scopes.scope as part
    from months
    cross join scopes
),

found as (
    select
        month,
        'monthly_gaps' as relation,
        cast(at_least_h as varchar) as part
    from monthly_gaps
    where flag = 'all' and fleet = 'all' and area = 'all' and port_group = 'all'
    union all
    select
        month,
        'monthly_dark_port_calls' as relation,
        scope as part
    from monthly_dark_port_calls
    where flag = 'all' and port_country = 'all' and port_group = 'all'
)

select
    month,
    relation,
    part
from wanted
anti join found using (month, relation, part)
order by month, relation, part
