-- Lit calls, legs and canal transits end after they begin, and no later than data_end.
with
voyages as (
    select
        'lit_port_calls' as relation,
        call_id as cell,
        entered_at as begins_at,
        left_at as ends_at
    from lit_port_calls
    union all
    select
        'legs' as relation,
        ship_id as cell,
        left_at as begins_at,
        arrived_at as ends_at
    from legs
    union all
    select
        'canal_transits' as relation,
        concat_ws(' ', mmsi, track) as cell,
        entered_at as begins_at,
        left_at as ends_at
    from canal_transits
),

ends as (
    select max(data_end) as data_end
    from months
)

select
    voyages.relation,
    voyages.cell,
    voyages.begins_at,
    voyages.ends_at,
    ends.data_end
from voyages
cross join ends
where voyages.ends_at < voyages.begins_at or voyages.ends_at > ends.data_end
order by voyages.relation, voyages.cell, voyages.begins_at
