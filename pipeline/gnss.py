"""Table gnss_hours: hours and places in which many ships' positions jumped (METHOD 2, 4)."""

from __future__ import annotations

import polars as pl

from pipeline.health.counts import NO_FLAG
from pipeline.rules import GnssRules
from pipeline.schema import GnssHours, conform
from pipeline.ships import mid_flag


def find_leaps(sightings: pl.DataFrame, rules: GnssRules) -> pl.DataFrame:
    """Return where the ships of one UTC day leapt: from a sighting to one out of reach of it.

    Two consecutive sightings of an MMSI in two segments are such a leap (METHOD 2), jumps that
    the merge refuses later among them.

    Args:
        sightings: one UTC day with `segment`; any order.
        rules: size of a cell.

    Returns:
        mmsi, hour of the later sighting, and the cells of both: from_x, from_y, to_x, to_y
        (whole cells east and north of 0); each once, sorted.
    """
    several = sightings.filter(pl.col("segment").n_unique().over("mmsi") > 1)
    ordered = several.sort("mmsi", "seen_at", "lon", "lat").select(
        "mmsi",
        "segment",
        hour=pl.col("seen_at").dt.truncate("1h"),
        x=cell_of("lon", rules),
        y=cell_of("lat", rules),
    )
    is_leap = (pl.col("mmsi") == pl.col("mmsi").shift(1)) & (
        pl.col("segment") != pl.col("segment").shift(1)
    )
    leaps = ordered.with_columns(
        from_x=pl.col("x").shift(1), from_y=pl.col("y").shift(1), is_leap=is_leap
    ).filter("is_leap")
    keys = ("mmsi", "hour", "from_x", "from_y", "to_x", "to_y")
    return leaps.rename({"x": "to_x", "y": "to_y"}).select(keys).unique().sort(keys)


def mark_hours(leaps: pl.DataFrame, rules: GnssRules) -> pl.DataFrame:
    """Return table gnss_hours of some days: hours and cells in which many ships leapt.

    A ship counts in a cell that it leapt from or to, and in the eight around it: interference
    reaches further than a cell. A cell is marked where at least `least_ships` ships of at least
    `least_flags` flags count; so neither a single bad position nor two ships that share one MMSI
    mark anything.

    Args:
        leaps: `find_leaps` of these days.
        rules: thresholds.
    """
    ends = [
        leaps.select("mmsi", "hour", x=f"{end}_x", y=f"{end}_y").unique() for end in ("from", "to")
    ]
    steps = pl.DataFrame({"step": pl.Series([-1, 0, 1], dtype=pl.Int32)})
    around = steps.rename({"step": "dx"}).join(steps.rename({"step": "dy"}), how="cross")
    counted = (
        pl.concat(ends)
        .unique()
        .join(around, how="cross")
        .with_columns(pl.col("x") + pl.col("dx"), pl.col("y") + pl.col("dy"))
        .group_by("hour", "x", "y")
        .agg(
            ships=pl.col("mmsi").n_unique(),
            flags=mid_flag(pl.col("mmsi")).fill_null(NO_FLAG).n_unique(),
        )
        .filter((pl.col("ships") >= rules.least_ships) & (pl.col("flags") >= rules.least_flags))
    )
    marked = counted.select(
        "hour",
        "ships",
        "flags",
        cell_lon_deg=pl.col("x") * rules.cell_deg,
        cell_lat_deg=pl.col("y") * rules.cell_deg,
    )
    return conform(marked, GnssHours).sort("hour", "cell_lon_deg", "cell_lat_deg")


def cell_of(degrees: str, rules: GnssRules) -> pl.Expr:
    """Return the number of the cell, east or north of 0, that a longitude or latitude lies in."""
    return (pl.col(degrees) / rules.cell_deg).floor().cast(pl.Int32)
