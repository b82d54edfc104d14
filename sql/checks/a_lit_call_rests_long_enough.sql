-- A lit call is at rest or silent for ports.lit_least_h at least, and never longer than it stays.
with
least as (
    select cast(max(value) as double) as lit_least_h
    from rules
    where name = 'ports.lit_least_h'
)

select
    lit_port_calls.call_id,
    lit_port_calls.stay_h,
    lit_port_calls.stopped_h,
    lit_port_calls.silent_h
from lit_port_calls
cross join least
where
    lit_port_calls.stopped_h + lit_port_calls.silent_h < least.lit_least_h
    or lit_port_calls.stopped_h + lit_port_calls.silent_h > lit_port_calls.stay_h + 0.001
order by lit_port_calls.call_id
