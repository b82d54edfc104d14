-- A month is final in every row or in none, and never before its wait after its end is over.
with
waits as (
    select
        cast(max(value) filter (where name = 'gaps.final_after_d') as integer) as gaps_d,
        cast(max(value) filter (where name = 'gaps.calls_final_after_d') as integer) as calls_d
    from rules
),

rows_by_status as (
    select distinct
        'monthly_gaps' as relation,
        monthly_gaps.month,
        monthly_gaps.status,
        months.data_end - to_days(waits.gaps_d) as final_until
    from monthly_gaps
    inner join months using (month)
    cross join waits
    union all
    select distinct
        'monthly_dark_port_calls' as relation,
        monthly_dark_port_calls.month,
        monthly_dark_port_calls.status,
        months.data_end - to_days(waits.calls_d) as final_until
    from monthly_dark_port_calls
    inner join months using (month)
    cross join waits
)

select
    relation,
    month,
    status,
    final_until
from rows_by_status
where (status = 'final') <> (month + interval 1 month <= final_until)
order by relation, month, status
