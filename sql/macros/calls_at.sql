-- One row per dark, lit or glimpsed call at a port group, in order of time: calls_at('amirabad').
-- from_at and to_at are the window of a dark call, and the stay heard of a lit one. Dark calls are
-- rows of dark_port_calls (P_call of 0.4 and more; grade D is `not assessable`): add them up in no
-- total, expected_calls of monthly_dark_port_calls holds the likely and the unlikely ones.
create or replace macro calls_at(port) as table
    with
    asked as (
        select lower(port) as port_group
    ),

    calls as (
        select
            case when grade = 'D' then 'not assessable' else 'dark' end as kind,
            grade,
            p_call,
            call_id,
            ship_id,
            name,
            flag,
            fleet,
            port_group,
            window_from as from_at,
            window_to as to_at,
            in_ru_ir_crossing,
            reasons
        from dark_port_calls
        union all
        select
            case when is_glimpsed then 'glimpsed' else 'lit' end as kind,
            null as grade,
            null as p_call,
            call_id,
            ship_id,
            name,
            flag,
            fleet,
            port_group,
            entered_at,
            left_at,
            in_ru_ir_crossing,
            null as reasons
        from lit_port_calls
    )

    select calls.*
    from calls
    inner join asked on calls.port_group = asked.port_group
    order by calls.from_at, calls.kind, calls.call_id
