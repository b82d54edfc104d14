-- No silence is shorter than the rule's minimum, neither a closed one nor an open one so far.
with
minimum as (
    select cast(value as bigint) as min_gap_s
    from rules
    where name = 'gaps.min_gap_s'
),

silences as (
    select
        gap_id,
        case
            when is_closed then duration_s
            else date_sub('second', off_at, data_end)
        end as length_s
    from gaps
)

select
    silences.gap_id,
    silences.length_s,
    minimum.min_gap_s
from silences
cross join minimum
where silences.length_s < minimum.min_gap_s
order by silences.gap_id
