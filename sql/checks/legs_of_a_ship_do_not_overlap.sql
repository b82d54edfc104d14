-- A ship begins a leg no sooner than it has ended the one before.
with
followed as (
    select
        ship_id,
        left_at,
        arrived_at,
        lead(left_at) over (partition by ship_id order by left_at) as next_left_at
    from legs
)

select *
from followed
where next_left_at < arrived_at
order by ship_id, left_at
