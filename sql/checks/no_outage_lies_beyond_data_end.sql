-- No outage hour begins at or after data_end.
with
ends as (
    select max(data_end) as data_end
    from months
)

select
    outage_hours.area,
    outage_hours.hour,
    outage_hours.why,
    ends.data_end
from outage_hours
cross join ends
where outage_hours.hour >= ends.data_end
order by outage_hours.area, outage_hours.hour, outage_hours.why
