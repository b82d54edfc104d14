-- One row per month x port group of a country: dark, unheard and lit calls: dark_share('IRN').
-- The headline scope unless `of_scope` names another (table scopes): merchant ships of Russia and
-- Iran, coming from or going to the other country. `all` stands for the whole country. dark_share
-- is dark / (dark + lit + unheard), in expectations; null where all three are 0. Groups without
-- anything in the month have no row.
create or replace macro dark_share(of_country, of_scope := 'ru_ir_crossing') as table
    with
    asked as (
        select
            upper(of_country) as port_country,
            lower(of_scope) as scope
    )

    select
        calls.month,
        calls.port_country,
        calls.port_group,
        calls.scope,
        round(calls.expected_calls, 2) as expected_calls,
        round(calls.expected_unheard, 2) as expected_unheard,
        calls.lit_calls,
        calls.glimpsed,
        round(calls.dark_share, 3) as dark_share,
        calls.calls_a,
        calls.calls_b,
        calls.calls_c,
        calls.calls_d,
        calls.status
    from monthly_dark_port_calls as calls
    inner join asked on calls.port_country = asked.port_country and calls.scope = asked.scope
    where calls.flag = 'all'
    order by calls.month, calls.port_group
