"""On which side of the Volga-Don canal a ship was, a UTC day at a time (METHOD 7)."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.areas import Areas
from pipeline.areas_index import covers
from pipeline.ordered import OrderedDay
from pipeline.runs import find_ends, find_starts, mark_changes_of

CANAL = "volga_don_canal"
# Monthly areas beyond the canal's ends at Krasnoarmeysk and Kalach. Its own polygon reaches some
# km beyond both ends; in it a ship counts as neither, however the monthly areas overlap it.
SIDES = {
    "volga": ("lower_volga", "caspian"),
    "don": ("volga_don", "taganrog_bay"),
}
OUTSIDE = "outside"


def find_canal_parts(day: OrderedDay, areas: Areas) -> pl.DataFrame:
    """Return the parts of one UTC day: runs of sightings beyond one end of the canal, or outside.

    Sightings in the canal and in no area of either side are passed over. A ship heard outside the
    region may have gone round by sea, so that is a part of its own.

    Args:
        day: sightings with area and is_outside.
        areas: for the canal's polygon; a folder without it has no parts.

    Returns:
        (mmsi, segment, side, first_at, last_at); side is volga, don or outside. In order of time
        within a segment.
    """
    canal = [each.polygon for each in areas.folder.features if each.id == CANAL]
    ordered = day.rows if canal else day.rows.clear()
    is_in_canal = np.zeros(ordered.height, np.bool_)
    starts = find_starts(is_in_canal)
    if canal:
        lon, lat = (ordered[name].cast(pl.Float64).to_numpy() for name in ("lon", "lat"))
        is_in_canal = covers(canal[0], lon, lat)
        changes = day.changes("mmsi", "segment", "area", "is_outside")
        starts = find_starts(changes | mark_changes_of(is_in_canal))
    side = pl.col("area").replace_strict(
        {area: side for side, names in SIDES.items() for area in names},
        default=None,
        return_dtype=pl.String,
    )
    columns = ordered.select("mmsi", "segment", "seen_at", "area", "is_outside")
    rows = columns[starts].select(
        "mmsi",
        "segment",
        "seen_at",
        side=pl.when("is_outside").then(pl.lit(OUTSIDE)).otherwise(side),
        last_at=ordered["seen_at"][find_ends(starts, ordered.height)],
    )
    rows = rows.filter(pl.col("side").is_not_null() & ~pl.Series(is_in_canal[starts]))
    return _join_runs(rows, "segment", "seen_at")


def merge_canal_parts(parts: pl.DataFrame) -> pl.DataFrame:
    """Return parts of some days joined: parts of one track on one side that follow each other.

    Parts of some days merged, and merged again with those of other days, give what merging all at
    once gives.

    Args:
        parts: `find_canal_parts` of whole days with `track` in place of `segment`, or merged ones.
    """
    return _join_runs(parts.sort("mmsi", "track", "first_at", "last_at"), "track", "first_at")


def _join_runs(rows: pl.DataFrame, of: str, first_at: str) -> pl.DataFrame:
    changes = pl.any_horizontal(
        *(pl.col(name) != pl.col(name).shift(1) for name in ("mmsi", of, "side"))
    )
    return (
        rows.with_columns(run=changes.fill_null(value=True).cum_sum())
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("mmsi", of, "side").first(),
            first_at=pl.col(first_at).first(),
            last_at=pl.col("last_at").last(),
        )
        .drop("run")
    )
