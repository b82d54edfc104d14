-- One row per ship: which ships fell silent most often near Astrakhan in a month?
-- Closed gaps of 4 h and more that begin near the port group. The month is the last complete one
-- with data; put another date into `asked` to ask for another.
with
asked as (
    select max(month) as month
    from months
    where is_complete and has_data
),

exposure as (
    select
        ship_id,
        cast(sum(sightings) as bigint) as sightings,
        cast(sum(ship_s) as bigint) as ship_s
    from ship_months
    where
        port_group = 'astrakhan'
        and month = (select asked.month from asked)
    group by ship_id
)

select
    asked.month,
    gaps.ship_id,
    max(gaps.name) as name,
    max(gaps.flag) as flag,
    max(gaps.fleet) as fleet,
    count(*) as gaps,
    round(sum(gaps.duration_s) / 3600, 1) as silent_h,
    max(exposure.sightings) as sightings,
    round(max(exposure.ship_s) / 3600, 1) as ship_hours
from gaps
inner join asked on gaps.month = asked.month
left join exposure on gaps.ship_id = exposure.ship_id
where
    gaps.is_closed
    and gaps.cause is distinct from 'left_region'
    and gaps.off_port_group = 'astrakhan'
group by asked.month, gaps.ship_id
order by count(*) desc, gaps.ship_id asc
limit 20
