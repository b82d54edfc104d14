-- One row per month in the form of CNA's Table 5: Russian and Iranian ships and their gaps.
-- Nearest comparable: merchant ships, silences of 30 h and more, everywhere, uncorrected. Ships
-- are those with such a gap; beside them what the counts stand on: ships seen and ship-hours.
-- Gaps are not port calls. Null where nothing was observed.
with
nearest as (
    select
        month,
        max(ships_with_gap) filter (where flag = 'RUS') as russian_ships,
        max(gaps) filter (where flag = 'RUS') as russian_gaps,
        max(ships_with_gap) filter (where flag = 'IRN') as iranian_ships,
        max(gaps) filter (where flag = 'IRN') as iranian_gaps,
        max(ships_seen) filter (where flag = 'RUS') as russian_ships_seen,
        max(ship_hours) filter (where flag = 'RUS') as russian_ship_hours,
        max(ships_seen) filter (where flag = 'IRN') as iranian_ships_seen,
        max(ship_hours) filter (where flag = 'IRN') as iranian_ship_hours
    from monthly_gaps
    where
        at_least_h = 30
        and fleet = 'merchant'
        and area = 'all'
        and port_group = 'all'
    group by month
)

select
    strftime(months.month, '%Y-%m') as month,
    case when months.has_data then coalesce(nearest.russian_ships, 0) end as russian_ships,
    case when months.has_data then coalesce(nearest.russian_gaps, 0) end as russian_gaps,
    case when months.has_data then coalesce(nearest.iranian_ships, 0) end as iranian_ships,
    case when months.has_data then coalesce(nearest.iranian_gaps, 0) end as iranian_gaps,
    case
        when months.has_data then coalesce(nearest.russian_ships_seen, 0)
    end as russian_ships_seen,
    case
        when months.has_data then round(coalesce(nearest.russian_ship_hours, 0), 1)
    end as russian_ship_hours,
    case
        when months.has_data then coalesce(nearest.iranian_ships_seen, 0)
    end as iranian_ships_seen,
    case
        when months.has_data then round(coalesce(nearest.iranian_ship_hours, 0), 1)
    end as iranian_ship_hours,
    months.gap_status as status
from months
left join nearest on months.month = nearest.month
order by months.month
