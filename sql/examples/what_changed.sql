-- One row per gap of which the last run told something new: what, and why, final months first.
-- A first run tells every gap for the first time. `what` quotes names as strangers typed them in.
select
    gap_versions.gap_id,
    gap_versions.ship_id,
    gaps.name,
    gap_versions.flag,
    gap_versions.month,
    gap_versions.was_final,
    gap_versions.off_at,
    gap_versions.on_at,
    gap_versions.change,
    gap_versions.why,
    gap_versions.what,
    gap_versions.run,
    runs.data_end
from gap_versions
inner join runs using (run)
left join gaps using (gap_id)
where gap_versions.run = (select max(latest.run) from runs as latest)
order by
    gap_versions.was_final desc,
    gap_versions.month asc,
    gap_versions.off_at asc,
    gap_versions.gap_id asc
