-- One row per length and cause: why were ships not heard? Closed gaps of all months.
-- at_least_h is cumulative: gaps of 30 h are among those of 12 h. Causes are found in this order,
-- the first that fits: those before `unobservable` have no p_off; `coverage` below 0.2,
-- `unexplained` between, `probable_off` from 0.8 on. Silences that left the region are no gaps.
with
counted as (
    select
        at_least_h,
        coalesce(cause, 'not judged') as cause,
        count(*) as gaps,
        count(distinct ship_id) as ships,
        sum(length_s) as silent_s,
        avg(p_off) as mean_p_off,
        sum(p_off) as expected_off
    from gap_ladder
    where kind = 'gap'
    group by at_least_h, coalesce(cause, 'not judged')
)

select
    at_least_h,
    cause,
    gaps,
    round(100 * gaps / sum(gaps) over (partition by at_least_h), 1) as percent_of_gaps,
    ships,
    round(silent_s / 3600, 1) as silent_h,
    round(mean_p_off, 3) as mean_p_off,
    round(expected_off, 1) as expected_off
from counted
order by at_least_h asc, gaps desc, cause asc
