-- One row per month and area: gaps that overlap hours in which receivers were down.
-- `outage_hours` are UTC hours in which nobody could be heard there. `overlapping` gaps hold at
-- least a part of one of them; of these `explained` have cause outage (what is left is below 4 h),
-- and from the others the hours are subtracted before p_off is asked. Off point in the area.
with
down as (
    select distinct
        area,
        hour,
        cast(date_trunc('month', hour) as date) as month
    from outage_hours
),

hours_down as (
    select
        month,
        area,
        count(*) as outage_hours
    from down
    group by month, area
),

overlapping as (
    select gaps.gap_id
    from gaps
    inner join down
        on
            gaps.off_area = down.area
            and down.hour + interval 1 hour > gaps.off_at
            and down.hour < case when gaps.is_closed then gaps.on_at else gaps.data_end end
    group by gaps.gap_id
),

begun as (
    select
        gaps.month,
        gaps.off_area as area,
        count(*) as gaps,
        count(overlapping.gap_id) as overlapping,
        count(*) filter (where gaps.cause = 'outage') as explained,
        count(*) filter (
            where overlapping.gap_id is not null and gaps.cause = 'probable_off'
        ) as still_probable_off
    from gaps
    left join overlapping on gaps.gap_id = overlapping.gap_id
    where gaps.cause is distinct from 'left_region'
    group by gaps.month, gaps.off_area
)

select
    coalesce(begun.month, hours_down.month) as month,
    coalesce(begun.area, hours_down.area) as area,
    coalesce(hours_down.outage_hours, 0) as outage_hours,
    coalesce(begun.gaps, 0) as gaps,
    coalesce(begun.overlapping, 0) as overlapping,
    coalesce(begun.explained, 0) as explained,
    coalesce(begun.still_probable_off, 0) as still_probable_off
from begun
full outer join hours_down on begun.month = hours_down.month and begun.area = hours_down.area
where coalesce(hours_down.outage_hours, 0) > 0 or begun.overlapping > 0
order by month, area
