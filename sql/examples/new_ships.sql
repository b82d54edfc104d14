-- One row per ship that showed the pattern first in the last three complete months, newest first.
-- The pattern: a dark port call of grade A to C in the headline scope (a merchant ship of Russia or
-- Iran between the two countries), or a leg between the two with a gap of p_off 0.8 and more.
-- `first_seen` tells ships that are new altogether, `months_seen` for how long it could have shown
-- the pattern before; in the first months of an archive every ship is new.
with
asked as (
    select max(month) - interval 2 month as from_month
    from months
    where is_complete
),

shown as (
    select
        ship_id,
        window_from as shown_at,
        month,
        'dark port call at ' || port_group as what
    from dark_port_calls
    where in_ru_ir_crossing and grade in ('A', 'B', 'C')
    union all
    select
        ship_id,
        left_at as shown_at,
        month,
        'dark leg ' || from_group || ' to ' || to_group as what
    from legs
    where is_ru_ir_crossing and passage = 'dark'
),

firsts as (
    select
        ship_id,
        min(month) as first_month,
        min(shown_at) as first_at,
        min_by(what, (shown_at, what)) as first_shown,
        count(*) as times
    from shown
    group by ship_id
),

seen as (
    select
        ship_id,
        min(month) as first_seen,
        count(distinct month) as months_seen
    from ship_months
    where sightings > 0
    group by ship_id
),

named as (
    select
        ship_id,
        max(name) as name,
        max(flag) as flag,
        max(fleet) as fleet
    from ships
    group by ship_id
)

select
    firsts.ship_id,
    named.name,
    named.flag,
    named.fleet,
    firsts.first_at,
    firsts.first_shown,
    firsts.times,
    seen.first_seen,
    seen.months_seen
from firsts
inner join asked on firsts.first_month >= asked.from_month
left join seen on firsts.ship_id = seen.ship_id
left join named on firsts.ship_id = named.ship_id
order by firsts.first_at desc, firsts.ship_id asc
