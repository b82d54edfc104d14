-- outage_hours fit into the month's hours with data and are the same in all rows of an area.
with
hours as (
    select
        month,
        has_data,
        ceil(
            date_diff('second', cast(month as timestamp), least(ends_at, data_end)) / 3600
        ) as hours_at_most
    from months
)

select
    monthly_gaps.month,
    monthly_gaps.area,
    hours.hours_at_most,
    min(monthly_gaps.outage_hours) as lowest,
    max(monthly_gaps.outage_hours) as highest,
    count(monthly_gaps.outage_hours) as known_rows
from monthly_gaps
inner join hours using (month)
group by monthly_gaps.month, monthly_gaps.area, hours.has_data, hours.hours_at_most
having
    min(monthly_gaps.outage_hours) <> max(monthly_gaps.outage_hours)
    or min(monthly_gaps.outage_hours) < 0
    or max(monthly_gaps.outage_hours) > hours.hours_at_most
    or count(monthly_gaps.outage_hours) <> case when hours.has_data then count(*) else 0 end
order by monthly_gaps.month, monthly_gaps.area
