-- No month with data begins after data_end: rows dated in the future wait for their day.
select
    month,
    data_end
from months
where has_data and month >= data_end
order by month
