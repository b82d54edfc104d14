-- The near_port_gaps of the scope 'all' are the rows of near_port_gaps, month by month.
with
recounted as (
    select
        month,
        count(*) as near_port_gaps
    from near_port_gaps
    group by month
),

margins as (
    select
        month,
        near_port_gaps
    from monthly_dark_port_calls
    where scope = 'all' and flag = 'all' and port_country = 'all' and port_group = 'all'
)

select
    month,
    recounted.near_port_gaps as rows_of_near_port_gaps,
    margins.near_port_gaps
from recounted
full join margins using (month)
where coalesce(recounted.near_port_gaps, 0) <> coalesce(margins.near_port_gaps, 0)
order by month
