-- One row per month: passages of the Volga-Don canal, heard through or not, beside its season.
-- Month of the exit. The last columns hold what was published of the year: the official number of
-- transits, and a provider's change on the year before. The two disagree; both are printed.
with
passed as (
    select
        month,
        count(*) as transits,
        count(*) filter (where direction = 'volga_to_don') as volga_to_don,
        count(*) filter (where direction = 'don_to_volga') as don_to_volga,
        count(*) filter (where passage = 'lit') as lit,
        count(*) filter (where passage = 'dark') as dark,
        count(*) filter (where passage = 'unheard') as unheard,
        count(distinct ship_id) as ships,
        round(median(hours), 1) as usual_hours,
        max(season_days) as season_days
    from canal_transits
    group by month
),

published as (
    select
        year(period_from) as of_year,
        max(value) filter (where figure_id like 'official_volga_don_transits%') as transits,
        max(value) filter (where figure_id like 'windward_volga_don_change%') as change_percent
    from published_counts
    group by year(period_from)
)

select
    months.month,
    case when months.has_data then coalesce(passed.transits, 0) end as transits,
    case when months.has_data then coalesce(passed.volga_to_don, 0) end as volga_to_don,
    case when months.has_data then coalesce(passed.don_to_volga, 0) end as don_to_volga,
    case when months.has_data then coalesce(passed.lit, 0) end as lit,
    case when months.has_data then coalesce(passed.dark, 0) end as dark,
    case when months.has_data then coalesce(passed.unheard, 0) end as unheard,
    passed.ships,
    passed.usual_hours,
    passed.season_days,
    cast(published.transits as bigint) as official_transits_of_the_year,
    published.change_percent as windward_change_of_the_year_percent
from months
left join passed on months.month = passed.month
left join published on year(months.month) = published.of_year
order by months.month
