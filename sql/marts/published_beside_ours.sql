-- One row per published count of ships or gaps of a month, with our nearest comparable.
-- Ours: merchant ships, silences of 30 h and more, uncorrected; by flag and everywhere beside a
-- figure by flag (CNA's Table 5 and text), all flags in `our_areas` beside one of an area (LLI).
-- The threshold and the area behind the former, the outline and the fleet behind the latter are not
-- known (`note`), so a difference is no error of either side, and nothing is tuned to it. `ships`
-- is compared with ships that have such a gap; ships_seen stands beside it, everywhere only, as
-- ships do not add up over areas. Ours is null in a month without data, or where the ladder has no
-- 30 h.
with
-- What a source calls an area, in our monthly areas.
outlines as (
    select
        named.area,
        unnest(named.our_areas) as our_area,
        array_to_string(named.our_areas, ';') as our_areas
    from (
        values
        ('Caspian', ['caspian']),
        ('Don and Volga', ['lower_volga', 'volga_don'])
    ) as named (area, our_areas)
),

published as (
    select
        figure_id,
        source,
        measure,
        period_from as month,
        flag,
        area,
        at_least_h,
        value,
        note
    from published_counts
    where
        measure in ('ships', 'gaps')
        and (flag is not null or area in (select outlines.area from outlines))
        and period_from = date_trunc('month', period_from)
        and period_to = last_day(period_from)
),

asked as (
    select
        published.figure_id,
        coalesce(outlines.our_areas, 'all') as our_areas,
        coalesce(outlines.our_area, 'all') as our_area,
        coalesce(published.flag, 'all') as our_flag
    from published
    left join outlines on published.flag is null and published.area = outlines.area
),

nearest as (
    select
        asked.figure_id,
        asked.our_areas,
        sum(monthly.ships_seen) filter (where asked.our_area = 'all') as ships_seen,
        sum(monthly.ships_with_gap) filter (where asked.our_area = 'all') as ships_with_gap,
        sum(monthly.gaps) as gaps,
        -- Whole seconds: the same whatever the order.
        sum(cast(round(monthly.ship_hours * 3600) as bigint)) / 3600 as ship_hours
    from asked
    inner join published on asked.figure_id = published.figure_id
    left join monthly_gaps as monthly
        on
            published.month = monthly.month
            and asked.our_flag = monthly.flag
            and asked.our_area = monthly.area
            and monthly.at_least_h = 30
            and monthly.fleet = 'merchant'
            and monthly.port_group = 'all'
    group by asked.figure_id, asked.our_areas
),

compared as (
    select
        published.figure_id,
        published.source,
        published.measure,
        published.month,
        published.flag,
        published.area,
        published.at_least_h,
        published.value,
        published.note,
        months.gap_status,
        nearest.our_areas,
        cast(coalesce(
            case published.measure
                when 'ships' then nearest.ships_with_gap
                when 'gaps' then nearest.gaps
            end,
            case when thresholds.at_least_h is not null and months.has_data then 0 end
        ) as bigint) as ours,
        case
            when months.has_data and nearest.our_areas = 'all' then coalesce(nearest.ships_seen, 0)
        end as ships_seen,
        case when months.has_data then coalesce(nearest.ship_hours, 0) end as ship_hours
    from published
    inner join nearest on published.figure_id = nearest.figure_id
    left join months on published.month = months.month
    left join thresholds on thresholds.at_least_h = 30
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
    cast(ships_seen as bigint) as ships_seen,
    ship_hours,
    gap_status as status,
    note,
    $method_version as method_version,
    $rules_hash as rules_hash,
    area,
    at_least_h,
    our_areas
from compared
order by month, flag nulls last, measure, figure_id
