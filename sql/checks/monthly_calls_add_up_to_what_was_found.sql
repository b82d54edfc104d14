-- In the scope 'all' a month's calls by grade, lit, glimpsed and expected are those of its tables.
with
graded as (
    select
        month,
        count(*) as calls
    from dark_port_calls
    where grade is distinct from 'X'
    group by month
),

lit as (
    select
        month,
        count(*) as lit_calls
    from lit_port_calls
    where not is_glimpsed
    group by month
),

sums as (
    select
        month,
        sum(glimpsed) as glimpsed,
        sum(expected_calls) as expected_calls,
        sum(expected_unheard) as expected_unheard
    from call_sums
    group by month
),

margins as (
    select *
    from monthly_dark_port_calls
    where scope = 'all' and flag = 'all' and port_country = 'all' and port_group = 'all'
)

select
    month,
    graded.calls,
    lit.lit_calls,
    sums.glimpsed,
    sums.expected_calls,
    sums.expected_unheard
from margins
full join graded using (month)
full join lit using (month)
full join sums using (month)
where
    coalesce(margins.calls_a + margins.calls_b + margins.calls_c + margins.calls_d, 0)
    <> coalesce(graded.calls, 0)
    or coalesce(margins.lit_calls, 0) <> coalesce(lit.lit_calls, 0)
    or coalesce(margins.glimpsed, 0) <> coalesce(sums.glimpsed, 0)
    or abs(coalesce(margins.expected_calls, 0) - coalesce(sums.expected_calls, 0)) > 0.001
    or abs(coalesce(margins.expected_unheard, 0) - coalesce(sums.expected_unheard, 0)) > 0.001
order by month
