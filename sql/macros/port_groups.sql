-- One row per port group: port_groups() lists the names to ask by, and what was found there.
-- Over all ships and months. `gaps` begin near it (4 h and more, closed); the rest is at the ports.
create or replace macro port_groups() as table
    with
    named as (
        select
            port_group,
            country
        from port_candidates
        union distinct
        select
            port_group,
            port_country
        from lit_port_calls
        union distinct
        select
            off_port_group,
            null as country
        from gaps
    ),

    begun as (
        select
            off_port_group as port_group,
            count(*) as gaps
        from gaps
        where is_closed and cause is distinct from 'left_region'
        group by off_port_group
    ),

    called as (
        select
            port_group,
            sum(lit_calls) as lit_calls,
            sum(expected_calls) as expected_calls,
            sum(expected_unheard) as expected_unheard
        from monthly_dark_port_calls
        where scope = 'all' and flag = 'all' and port_country = 'all'
        group by port_group
    )

    select
        named.port_group,
        max(named.country) as country,
        coalesce(max(begun.gaps), 0) as gaps,
        cast(coalesce(max(called.lit_calls), 0) as bigint) as lit_calls,
        round(coalesce(max(called.expected_calls), 0), 1) as expected_calls,
        round(coalesce(max(called.expected_unheard), 0), 1) as expected_unheard
    from named
    left join begun on named.port_group = begun.port_group
    left join called on named.port_group = called.port_group
    where named.port_group <> 'none'
    group by named.port_group
    order by named.port_group
