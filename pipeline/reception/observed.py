"""The hours in which a ship could have been heard: what counts of gaps are held against."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from pipeline.reception.learn import Learned

SCHEMA = {
    "month": pl.Date,
    "mmsi": pl.Int32,
    "area": pl.String,
    "port_group": pl.String,
    "observable_s": pl.Int64,
}
HOUR_S = 3600


def sum_observable(
    learned: Learned | None, places: pl.DataFrame, silences: pl.DataFrame, month: date
) -> pl.DataFrame:
    """Return the seconds of live hours by month, MMSI, area and port group, sorted (SCHEMA).

    Hours of the month, and hours of earlier months inside silences that ended in it: those were
    not known to be between two sightings before.

    Args:
        learned: of the months up to `month`; None: of no hours.
        places: mmsi, track, hour, area, port_group of the hours with a sighting.
        silences: mmsi, track, off_at of those that ended in the month.
        month: the month.
    """
    if learned is None:
        return pl.DataFrame(schema=SCHEMA)
    window = learned.window
    begin = int((datetime(month.year, month.month, 1) - window.start).total_seconds() // HOUR_S)
    tracks = window.tracks.with_row_index("number")
    rows = pl.DataFrame(
        {
            "number": window.track.astype(np.uint32),
            "at": window.hour,
            "is_live": learned.rates.is_live & ~window.is_beacon,
        }
    )
    rows = rows.with_columns(is_counted=_find_counted(rows, tracks, silences, window.start, begin))
    where = places.join(tracks, on=["mmsi", "track"]).select(
        "number",
        "mmsi",
        "area",
        "port_group",
        at=((pl.col("hour") - window.start).dt.total_hours()),
    )
    last = where.sort("number", "at", "area", "port_group").unique(
        ["number", "at"], keep="last", maintain_order=True
    )
    return (
        rows.join(last, on=["number", "at"], how="left", maintain_order="left")
        .with_columns(pl.col("mmsi", "area", "port_group").forward_fill())
        .filter("is_counted", pl.col("mmsi").is_not_null())
        .with_columns(
            month=(pl.lit(window.start) + pl.duration(hours="at")).dt.truncate("1mo").dt.date()
        )
        .group_by("month", "mmsi", "area", "port_group")
        .agg(observable_s=pl.len().cast(pl.Int64) * HOUR_S)
        .sort("month", "mmsi", "area", "port_group")
        .select(*SCHEMA)
    )


def _find_counted(
    rows: pl.DataFrame, tracks: pl.DataFrame, silences: pl.DataFrame, start: datetime, begin: int
) -> pl.Series:
    """Return which live rows count: those of the month, and earlier ones inside a silence."""
    since = (
        silences.join(tracks, on=["mmsi", "track"])
        .select("number", since=((pl.col("off_at") - start).dt.total_hours() + 1))
        .filter(pl.col("since") < begin)
        .group_by("number")
        .agg(pl.col("since").min())
    )
    joined = rows.join(since, on="number", how="left", maintain_order="left")
    counts = (pl.col("at") >= begin) | (pl.col("at") >= pl.col("since")).fill_null(value=False)
    return joined.select(pl.col("is_live") & counts).to_series()
