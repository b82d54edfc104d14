-- One row per published count of a month, beside our nearest comparable and its exposure.
-- Ours: merchant ships, 30 h and more, of that flag everywhere, or of all flags in our_areas. What
-- is not known of a figure says its note: a ratio far from 1 is no error of either side, and
-- nothing is tuned to it.
select
    strftime(month, '%Y-%m') as month,
    flag,
    area,
    at_least_h,
    measure,
    published,
    our_areas,
    ours,
    difference,
    round(ratio, 2) as ratio,
    ships_seen,
    round(ship_hours, 1) as ship_hours,
    status,
    source,
    note
from published_beside_ours
order by month, flag nulls last, measure, figure_id
