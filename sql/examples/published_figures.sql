-- One row per published count by month and flag, beside our nearest comparable and its exposure.
-- Ours: merchant ships, 30 h and more, everywhere. The published threshold and area are not
-- known: a ratio far from 1 is no error of either side, and nothing is tuned to it.
select
    strftime(month, '%Y-%m') as month,
    flag,
    measure,
    published,
    ours,
    difference,
    round(ratio, 2) as ratio,
    ships_seen,
    round(ship_hours, 1) as ship_hours,
    status,
    source,
    note
from published_beside_ours
order by month, flag, measure
