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
    -- Of the four scopes of each month the last month's.
    qualify rank() over (order by month desc) = 1
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
