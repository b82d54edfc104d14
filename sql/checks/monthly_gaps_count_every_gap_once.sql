-- The gaps, open gaps and left_region of all ships everywhere are those of the table gaps.
-- Counted here without the ladder: from the lengths of gaps and the rule alone.
with
rule as (
    select cast(value as boolean) as is_above_only
    from rules
    where name = 'gaps.count_above_only'
),

silences as (
    select
        month,
        is_closed,
        coalesce(cause = 'left_region', false) as has_left,
        case
            when is_closed then on_at - off_at
            else data_end - off_at
        end as silence
    from gaps
),

recounted as (
    select
        silences.month,
        thresholds.at_least_h,
        count(*) filter (where silences.is_closed and not silences.has_left) as gaps,
        count(*) filter (where not silences.is_closed and not silences.has_left) as open_gaps,
        count(*) filter (where silences.has_left) as left_region
    from silences
    cross join thresholds
    cross join rule
    where
        silences.silence > to_hours(thresholds.at_least_h)
        or (silences.silence = to_hours(thresholds.at_least_h) and not rule.is_above_only)
    group by silences.month, thresholds.at_least_h
),

margins as (
    select
        month,
        at_least_h,
        gaps,
        open_gaps,
        left_region
    from monthly_gaps
    where flag = 'all' and fleet = 'all' and area = 'all' and port_group = 'all'
)

select
    month,
    at_least_h,
    recounted.gaps,
    margins.gaps as monthly_gaps,
    recounted.open_gaps,
    margins.open_gaps as monthly_open_gaps,
    recounted.left_region,
    margins.left_region as monthly_left_region
from recounted
full join margins using (month, at_least_h)
where
    coalesce(recounted.gaps, 0) <> coalesce(margins.gaps, 0)
    or coalesce(recounted.open_gaps, 0) <> coalesce(margins.open_gaps, 0)
    or coalesce(recounted.left_region, 0) <> coalesce(margins.left_region, 0)
order by month, at_least_h
