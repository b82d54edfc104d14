-- One row per published count of ships or gaps by month and flag, with our nearest comparable.
-- Ours: merchant ships, everywhere, silences of 30 h and more, uncorrected. The threshold and the
-- area behind the published figures are not known, so a difference is no error of either side,
-- and nothing is tuned to it. `ships` is compared with ships that have such a gap; ships_seen
-- stands beside it. Ours is null in a month without data, or where the ladder has no 30 h.
with
published as (
    select
        figure_id,
        source,
        measure,
        period_from as month,
        flag,
        value,
        note
    from published_counts
    where
        measure in ('ships', 'gaps')
        and flag is not null
        and period_from = date_trunc('month', period_from)
        and period_to = last_day(period_from)
),

nearest as (
    select
        month,
        flag,
        ships_seen,
        ships_with_gap,
        gaps,
        ship_hours
    from monthly_gaps
    where
        at_least_h = 30
        and fleet = 'merchant'
        and area = 'all'
        and port_group = 'all'
),

compared as (
    select
        published.figure_id,
        published.source,
        published.measure,
        published.month,
        published.flag,
        published.value,
        months.gap_status,
        published.note,
        cast(coalesce(
            case published.measure
                when 'ships' then nearest.ships_with_gap
                when 'gaps' then nearest.gaps
            end,
            case when thresholds.at_least_h is not null and months.has_data then 0 end
        ) as bigint) as ours,
        case when months.has_data then coalesce(nearest.ships_seen, 0) end as ships_seen,
        case when months.has_data then coalesce(nearest.ship_hours, 0) end as ship_hours
    from published
    left join months using (month)
    left join thresholds on thresholds.at_least_h = 30
    left join nearest using (month, flag)
)

select
    figure_id,
    source,
    measure,
    month,
    flag,
    value as published,
    ours,
    ours - value as difference,
    ours / value as ratio,
    ships_seen,
    ship_hours,
    gap_status as status,
    note,
    $method_version as method_version,
    $rules_hash as rules_hash
from compared
order by month, flag, measure, figure_id
