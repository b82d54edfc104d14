-- The near_port_gaps of the scope 'all' are the rows of dark_port_calls, month by month.
with
recounted as (
    select
        month,
        count(*) as near_port_gaps
    from dark_port_calls
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
    recounted.near_port_gaps as rows_of_dark_port_calls,
    margins.near_port_gaps
from recounted
full join margins using (month)
where coalesce(recounted.near_port_gaps, 0) <> coalesce(margins.near_port_gaps, 0)
order by month
