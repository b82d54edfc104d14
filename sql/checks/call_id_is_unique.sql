-- A call_id stands in dark_port_calls once.
select
    call_id,
    count(*) as times
from dark_port_calls
group by call_id
having count(*) > 1
order by call_id
