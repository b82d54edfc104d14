-- One row per event of a ship, in order of time: ship_story(9990545).
-- By IMO number, MMSI or ship_id. Gaps, dark port calls (the window, not the stay), lit port calls,
-- legs between known ports and passages of the Volga-Don canal. They overlap: a leg holds its gaps,
-- a dark call lies in a gap; of grade D nothing is known but that the ship could have been there.
-- `probability` is p_off of gaps and transits, p_call of dark port calls, null of what was heard.
create or replace macro ship_story(ship) as table
    with
    named as (
        select cast(ship as varchar) as number
    ),

    asked as (
        select distinct ships.ship_id
        from ships
        inner join named
            on
                named.number in (
                    ships.ship_id, cast(ships.imo as varchar), cast(ships.mmsi as varchar)
                )
    ),

    events as (
        select
            gaps.ship_id,
            gaps.off_at as from_at,
            gaps.on_at as to_at,
            case
                when gaps.cause = 'left_region' then 'left region'
                when gaps.is_closed then 'gap'
                else 'open gap'
            end as what,
            gaps.off_port_group || coalesce(' to ' || gaps.on_port_group, '') as near_ports,
            gaps.p_off as probability,
            gaps.cause as said,
            gaps.gap_id as id,
            gaps.reasons
        from gaps
        union all
        select
            dark_port_calls.ship_id,
            dark_port_calls.window_from,
            dark_port_calls.window_to,
            case
                when dark_port_calls.grade = 'D' then 'call not assessable'
                else 'dark port call'
            end as what,
            dark_port_calls.port_group,
            dark_port_calls.p_call,
            'grade ' || dark_port_calls.grade as said,
            dark_port_calls.call_id,
            dark_port_calls.reasons
        from dark_port_calls
        union all
        select
            lit_port_calls.ship_id,
            lit_port_calls.entered_at,
            lit_port_calls.left_at,
            'lit port call' as what,
            lit_port_calls.port_group,
            null as probability,
            case when lit_port_calls.is_glimpsed then 'glimpsed' else 'lit' end as said,
            lit_port_calls.call_id,
            null as reasons
        from lit_port_calls
        union all
        select
            legs.ship_id,
            legs.left_at,
            legs.arrived_at,
            'leg' as what,
            legs.from_group || ' to ' || legs.to_group as near_ports,
            null as probability,
            legs.passage,
            null as id,
            null as reasons
        from legs
        union all
        select
            canal_transits.ship_id,
            canal_transits.entered_at,
            canal_transits.left_at,
            'canal transit' as what,
            canal_transits.direction,
            canal_transits.p_off,
            canal_transits.passage,
            canal_transits.gap_id,
            null as reasons
        from canal_transits
    )

    select
        events.ship_id,
        events.from_at,
        events.to_at,
        round(date_sub('second', events.from_at, events.to_at) / 3600, 1) as hours,
        events.what,
        events.near_ports,
        events.said,
        round(events.probability, 3) as probability,
        events.id,
        events.reasons
    from events
    inner join asked on events.ship_id = asked.ship_id
    order by events.from_at, events.what, events.id
