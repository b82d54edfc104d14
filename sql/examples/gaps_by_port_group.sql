-- One row per port group: near which ports do most gaps of 12 h and more begin, and what was seen?
-- Open gaps and ships that left the region stand apart. More ship-hours make more gaps, so read
-- the rate beside the count; near a port means within 30 nm, it is no call.
select
    port_group,
    cast(sum(gaps) as bigint) as gaps,
    cast(sum(open_gaps) as bigint) as open_gaps,
    cast(sum(left_region) as bigint) as left_region,
    round(sum(ship_hours), 1) as ship_hours,
    round(sum(gaps) * 1000 / nullif(sum(ship_hours), 0), 2) as gaps_per_1000_ship_hours,
    min(month) as from_month,
    max(month) as to_month
from monthly_gaps
where
    at_least_h = 12
    and flag = 'all'
    and fleet = 'all'
    and area = 'all'
    and port_group <> 'all'
group by port_group
order by sum(gaps) desc, port_group asc
