-- One row per rung of the ladder of lengths (METHOD 1), with the least whole seconds it takes.
-- Lengths count from the threshold on; with the rule count_above_only, from a second above it.
with
ladder as (
    select distinct unnest(cast(value as bigint[])) as at_least_h
    from rules
    where name = 'gaps.ladder_h'
),

counting as (
    select cast(cast(max(value) as boolean) as bigint) as added_s
    from rules
    where name = 'gaps.count_above_only'
)

select
    ladder.at_least_h,
    ladder.at_least_h * 3600 + counting.added_s as least_s
from ladder
cross join counting
order by ladder.at_least_h
