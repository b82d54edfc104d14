-- A canal transit that is not lit names the closed gap that spans it, and a lit one names none.
select
    canal_transits.mmsi,
    canal_transits.entered_at,
    canal_transits.passage,
    canal_transits.gap_id
from canal_transits
left join gaps using (gap_id)
where
    (canal_transits.passage = 'lit') <> (canal_transits.gap_id is null)
    or (
        canal_transits.gap_id is not null
        and not coalesce(
            gaps.off_at <= canal_transits.entered_at and gaps.on_at >= canal_transits.left_at,
            false
        )
    )
order by canal_transits.mmsi, canal_transits.entered_at
