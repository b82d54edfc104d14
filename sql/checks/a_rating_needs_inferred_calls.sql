-- Without a graded call in dark_port_calls no class is printed and no call is counted.
select
    month,
    scope,
    rating,
    expected_12m,
    calls_12m_a,
    calls_12m_b
from indicator
where
    (select count(dark_port_calls.grade) from dark_port_calls) = 0
    and (
        rating is not null
        or expected_12m is not null
        or calls_12m_a is not null
        or calls_12m_b is not null
    )
order by month, scope
