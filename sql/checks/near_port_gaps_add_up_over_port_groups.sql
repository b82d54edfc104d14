-- Over port groups, near_port_gaps add up to those of 'all'.
with
summed as (
    select
        month,
        scope,
        flag,
        port_country,
        sum(near_port_gaps) filter (where port_group = 'all') as all_gaps,
        sum(near_port_gaps) filter (where port_group <> 'all') as parts_gaps
    from monthly_dark_port_calls
    group by month, scope, flag, port_country
)

select *
from summed
where coalesce(all_gaps, 0) <> coalesce(parts_gaps, 0)
order by month, scope, flag, port_country
