-- One row per raw file: what was read, what became of it, and why rows were refused.
with
reasons as (
    select
        feed,
        file,
        unnest(json_keys(rejected_by_reason)) as reason,
        unnest(json_extract(rejected_by_reason, '$.*')) as refused
    from files
),

told as (
    select
        feed,
        file,
        string_agg(
            reason || ' ' || refused, ', ' order by cast(refused as bigint) desc, reason
        ) as refused_because
    from reasons
    group by feed, file
)

select
    files.feed,
    files.file,
    files.format,
    files.read,
    files.accepted,
    files.duplicate,
    files.outside,
    files.rejected,
    round(files.rejected * 100 / nullif(files.read, 0), 2) as rejected_percent,
    told.refused_because,
    files.first_at,
    files.last_at,
    files.error as refused_as_a_whole
from files
left join told using (feed, file)
order by files.feed, files.file
