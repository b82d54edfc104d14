-- One row per month and area: where and when could a ship have been heard at all?
-- How many places and hours held ships, and in how many of them somebody else could be heard. Thin
-- reception here means that silence there says little. Twelve months up to the end of the data.
with
asked as (
    select max(data_end) - interval 12 month as from_at
    from runs
)

select
    cast(date_trunc('month', hour) as date) as month,
    coalesce(area, 'several') as area,
    count(*) as place_hours,
    count(*) filter (where is_live) as live_place_hours,
    round(100.0 * count(*) filter (where is_live) / count(*), 1) as live_percent,
    sum(ships_present) as ship_hours,
    sum(ships_heard) as ship_hours_heard,
    round(avg(expected_under_way), 2) as receptions_an_hour_under_way,
    round(avg(expected_stopped), 2) as receptions_an_hour_stopped
from reception_cells
where hour >= (select asked.from_at from asked)
group by all
order by month, area
