-- One row per ship and direction: who sails between Amirabad and Astrakhan again and again?
-- Legs between known ports, by how they were passed: dark (a gap of p_off 0.8 and more on the way),
-- unheard (other gaps only), lit. A port called at dark is no known port: such a voyage is part of
-- a longer leg and not counted here. `expected_off` sums p_off of the gaps on the way.
select
    ship_id,
    from_group,
    to_group,
    max_by(flag, left_at) as flag,
    max_by(fleet, left_at) as fleet,
    count(*) as legs,
    count(*) filter (where passage = 'dark') as dark_legs,
    count(*) filter (where passage = 'unheard') as unheard_legs,
    count(*) filter (where passage = 'lit') as lit_legs,
    round(sum(expected_off), 2) as expected_off,
    round(median(hours), 1) as usual_hours,
    min(left_at) as first_left_at,
    max(left_at) as last_left_at
from legs
where
    (from_group = 'amirabad' and to_group = 'astrakhan')
    or (from_group = 'astrakhan' and to_group = 'amirabad')
group by ship_id, from_group, to_group
having count(*) >= 2
order by dark_legs desc, legs desc, ship_id asc, from_group asc
