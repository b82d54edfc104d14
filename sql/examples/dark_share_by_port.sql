-- One row per month and port group of Russia or Iran: which part of the calls was dark?
-- Headline scope: merchant ships of either country, coming from or going to the other one.
-- dark_share is dark / (dark + lit + unheard), in expectations; a month with few calls says little.
select
    month,
    port_country,
    port_group,
    expected_calls,
    lit_calls,
    expected_unheard,
    glimpsed,
    dark_share,
    calls_a,
    calls_b,
    calls_c,
    calls_d,
    status
from dark_share('RUS')
where port_group <> 'all'
union all
select
    month,
    port_country,
    port_group,
    expected_calls,
    lit_calls,
    expected_unheard,
    glimpsed,
    dark_share,
    calls_a,
    calls_b,
    calls_c,
    calls_d,
    status
from dark_share('IRN')
where port_group <> 'all'
order by month, port_country, port_group
