-- One row per month: gaps of 12 h and more on the Volga-Don, beside the navigation season.
-- The season is dated per year. A year that is not listed, or whose dates are not known, excludes
-- nothing and says `season_unknown`; navigable_days counts the days of the month in the season,
-- season_days are those of the whole year, where only their number is published.
with
seasons_by_year as (
    select
        year,
        max(opened_on) as opened_on,
        max(closed_on) as closed_on,
        max(days) as season_days
    from seasons
    where starts_with(waterway, 'volga_don')
    group by year
),

volga_don as (
    select
        month,
        ships_seen,
        ship_hours,
        ships_with_gap,
        gaps,
        open_gaps,
        gaps_per_1000_ship_hours
    from monthly_gaps
    where
        at_least_h = 12
        and flag = 'all'
        and fleet = 'all'
        and area = 'volga_don'
        and port_group = 'all'
),

dated as (
    select
        months.month,
        months.has_data,
        months.gap_status,
        seasons_by_year.opened_on,
        seasons_by_year.closed_on,
        seasons_by_year.season_days,
        greatest(months.month, seasons_by_year.opened_on) as first_day,
        least(last_day(months.month), seasons_by_year.closed_on) as last_day
    from months
    left join seasons_by_year on year(months.month) = seasons_by_year.year
)

select
    strftime(dated.month, '%Y-%m') as month,
    case
        when dated.opened_on is null and dated.closed_on is null then 'season_unknown'
        when dated.first_day > dated.last_day then 'closed'
        when dated.opened_on is null or dated.closed_on is null then 'season_unknown'
        when dated.first_day = dated.month and dated.last_day = last_day(dated.month) then 'open'
        else 'open in part'
    end as season,
    case
        when dated.opened_on is not null and dated.closed_on is not null
            then greatest(dated.last_day - dated.first_day + 1, 0)
    end as navigable_days,
    dated.season_days,
    case when dated.has_data then coalesce(volga_don.ships_seen, 0) end as ships_seen,
    case when dated.has_data then round(coalesce(volga_don.ship_hours, 0), 1) end as ship_hours,
    case when dated.has_data then coalesce(volga_don.ships_with_gap, 0) end as ships_with_gap,
    case when dated.has_data then coalesce(volga_don.gaps, 0) end as gaps,
    case when dated.has_data then coalesce(volga_don.open_gaps, 0) end as open_gaps,
    round(volga_don.gaps_per_1000_ship_hours, 2) as gaps_per_1000_ship_hours,
    dated.gap_status as status
from dated
left join volga_don on dated.month = volga_don.month
order by dated.month
