-- The headline of the sensitivity table is the indicator of the last complete month.
with
latest as (
    select
        month,
        scope,
        expected_12m,
        expected_12m_low,
        expected_12m_high,
        p_low,
        p_medium,
        p_high,
        rating
    from indicator
    where month = (select max(month) from indicator)
),

told as (
    select
        month,
        scope,
        expected_12m,
        expected_12m_low,
        expected_12m_high,
        p_low,
        p_medium,
        p_high,
        rating
    from sensitivity
    where choice = 'headline'
),

apart as (
    (
        select * from latest
        except
        select * from told
    )
    union all
    (
        select * from told
        except
        select * from latest
    )
)

select
    month,
    scope,
    expected_12m,
    p_low,
    p_medium,
    p_high,
    rating
from apart
order by month, scope
