-- One row per port group: calls heard against calls dark in the last twelve complete months.
-- All flags and fleets (scope `all`). Dark and unheard calls are sums of probabilities, lit ones
-- are counted; `glimpsed` gaps are in none of them. Where silence cannot be judged (grade D) there
-- may be calls that are in no column.
with
year as (
    select month
    from months
    where is_complete
    order by month desc
    limit 12
)

select
    calls.port_country,
    calls.port_group,
    cast(sum(calls.lit_calls) as bigint) as lit_calls,
    round(sum(calls.expected_calls), 2) as expected_calls,
    round(sum(calls.expected_unheard), 2) as expected_unheard,
    cast(sum(calls.glimpsed) as bigint) as glimpsed,
    cast(sum(calls.calls_d) as bigint) as not_assessable,
    round(
        sum(calls.expected_calls)
        / nullif(sum(calls.expected_calls + calls.lit_calls + calls.expected_unheard), 0),
        3
    ) as dark_share,
    min(calls.month) as from_month,
    max(calls.month) as to_month
from monthly_dark_port_calls as calls
inner join year on calls.month = year.month
where
    calls.scope = 'all'
    and calls.flag = 'all'
    and calls.port_country <> 'all'
    and calls.port_group <> 'all'
group by calls.port_country, calls.port_group
order by expected_calls desc, calls.port_group asc
