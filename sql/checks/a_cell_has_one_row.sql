-- A cell of a monthly table has one row.
with
cells as (
    select
        'monthly_gaps' as relation,
        concat_ws(' ', month, flag, fleet, area, port_group, at_least_h) as cell
    from monthly_gaps
    union all
    select
        'monthly_dark_port_calls' as relation,
        concat_ws(' ', month, scope, flag, port_country, port_group) as cell
    from monthly_dark_port_calls
    union all
    select
        'indicator' as relation,
        concat_ws(' ', month, scope) as cell
    from indicator
)

select
    relation,
    cell,
    count(*) as times
from cells
group by relation, cell
having count(*) > 1
order by relation, cell
