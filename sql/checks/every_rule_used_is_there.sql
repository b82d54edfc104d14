-- Every threshold that the tables and checks read is in rules, once.
with
used as (
    select
        unnest([
            'gaps.min_gap_s',
            'gaps.ladder_h',
            'gaps.count_above_only',
            'gaps.final_after_d',
            'gaps.calls_final_after_d'
        ]) as threshold
)

select
    used.threshold,
    count(rules.name) as times
from used
left join rules on used.threshold = rules.name
group by used.threshold
having count(rules.name) <> 1
order by used.threshold
