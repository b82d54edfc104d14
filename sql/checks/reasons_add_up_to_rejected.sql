-- The rows refused for each reason add up to the rows refused, for every file.
with
reasons as (
    select
        feed,
        file,
        unnest(json_extract(rejected_by_reason, '$.*')) as refused
    from files
),

summed as (
    select
        feed,
        file,
        sum(cast(refused as bigint)) as refused
    from reasons
    group by feed, file
)

select
    files.feed,
    files.file,
    files.rejected,
    coalesce(summed.refused, 0) as by_reason
from files
left join summed using (feed, file)
where files.rejected <> coalesce(summed.refused, 0)
order by files.feed, files.file
