-- One row per scope of the calls (METHOD 7), with what it holds; null stands for any.
-- Scopes overlap: they are never added up.
select
    named.scope,
    named.fleet,
    named.flags,
    named.port_countries,
    named.is_crossing,
    named.meaning
from (
    values
    (
        'ru_ir_crossing',
        'merchant',
        ['RUS', 'IRN'],
        ['RUS', 'IRN'],
        true,
        'headline: merchant ships of Russia or Iran at a port of Russia or Iran, coming from '
        || 'or going to the other country'
    ),
    (
        'ru_ir_any',
        'merchant',
        ['RUS', 'IRN'],
        ['RUS', 'IRN'],
        false,
        'the same with domestic calls'
    ),
    (
        'any_flag_crossing',
        'merchant',
        null,
        ['RUS', 'IRN'],
        true,
        'merchant ships of any flag at a port of Russia or Iran, coming from or going to the '
        || 'other country'
    ),
    (
        'all',
        null,
        null,
        null,
        false,
        'every row'
    )
) as named (scope, fleet, flags, port_countries, is_crossing, meaning)
order by named.scope
