"""Where ships were between two sightings: along the water, and beyond an exit (METHOD 4)."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.geodesy import FloatArray
from pipeline.rules import CauseRules, ReceptionRules
from pipeline.water import Water

# Hours of silences off the straight line between two sightings, or outside the region.
WAYS = {
    "mmsi": pl.Int32,
    "track": pl.Int64,
    "hour": pl.Datetime("us"),
    "way_lon": pl.Float64,
    "way_lat": pl.Float64,
    "is_beyond": pl.Boolean,
}


def find_ways(
    silences: pl.DataFrame, water: Water, rules: ReceptionRules, causes: CauseRules
) -> pl.DataFrame:
    """Return WAYS: the whole hours of closed silences as a ship on its way would have passed them.

    The way is the usual one over water, sailed evenly over the whole time. A ship that went silent
    near an exit and is heard again deep inside, or went silent inside and is heard again outside,
    is taken to have sailed from or to the nearest exit at `usual_kn`: the other hours are beyond
    (METHOD 1: only hours possibly inside the region can be live).

    Args:
        silences: `gap_table.measure_silences`, with cause.
        water: ways and exits.
        rules, causes: thresholds.
    """
    asked = silences.filter(pl.col("on_at").is_not_null(), pl.col("cause").is_null())
    if asked.is_empty():
        return pl.DataFrame(schema=WAYS)
    until_h, from_h = _find_inside(asked, water, rules, causes)
    asked = asked.with_columns(until_h=pl.Series(until_h), from_h=pl.Series(from_h)).filter(
        (pl.col("distance_km") >= rules.way_from_km)
        | pl.col("until_h").is_not_nan()
        | pl.col("from_h").is_not_nan()
    )
    off, on = pl.col("off_at").dt.truncate("1h"), pl.col("on_at").dt.truncate("1h")
    hours = (
        asked.with_row_index("pair")
        .with_columns(begin=off, end=on)
        .filter(pl.col("end") - pl.col("begin") > pl.duration(hours=1))
        .with_columns(hour=pl.datetime_ranges("begin", "end", "1h", closed="none"))
        .explode("hour")
    )
    if hours.is_empty():
        return pl.DataFrame(schema=WAYS)
    off_nodes, on_nodes = (
        water.snap(asked[f"{end}_lon"], asked[f"{end}_lat"])[0] for end in ("off", "on")
    )
    paths = water.paths(off_nodes, on_nodes)
    pair = hours["pair"].to_numpy()
    after_h = (pl.col("hour") - pl.col("begin")).dt.total_hours()
    before_h = (pl.col("end") - pl.col("hour")).dt.total_hours()
    until_h, from_h = pl.col("until_h").fill_nan(np.inf), pl.col("from_h").fill_nan(np.inf)
    under_way_h = pl.min_horizontal(after_h + before_h, until_h, from_h)
    share = pl.when(from_h.is_finite()).then(1 - before_h / under_way_h)
    share = share.otherwise(after_h / under_way_h).clip(0, 1)
    km = hours.select(share).to_series().to_numpy() * paths.length_km[pair]
    lon, lat = water.place_along(paths, pair, np.where(np.isfinite(km), km, 0.0))
    beyond = (after_h > until_h) | (before_h > from_h)
    return (
        hours.with_columns(
            way_lon=pl.Series(lon, nan_to_null=True),
            way_lat=pl.Series(lat, nan_to_null=True),
            is_beyond=beyond,
        )
        .select(*WAYS)
        .cast(WAYS)  # pyright: ignore[reportArgumentType]
        .sort("mmsi", "track", "hour")
    )


def _find_inside(
    silences: pl.DataFrame, water: Water, rules: ReceptionRules, causes: CauseRules
) -> tuple[FloatArray, FloatArray]:
    """Return hours after the off point until a ship has left, and before the on point since it is
    back; NaN where it need not have left."""
    none = np.full(silences.height, np.nan)
    if not water.exits:
        return none, none

    def hours_to_exit(end: str) -> FloatArray:
        nodes, _ = water.snap(silences[f"{end}_lon"], silences[f"{end}_lat"])
        return water.hours_to(water.exits, nodes, rules.usual_kn).min(axis=1)

    leaves = silences["on_is_outside"].fill_null(value=False).to_numpy()
    at_off = silences.select(
        lon="off_lon", lat="off_lat", sog_kn="off_sog_kn", cog_deg="off_cog_deg"
    )
    returns = water.areas.exit_reach(at_off, causes, "towards").to_numpy() & ~leaves
    return (
        np.where(leaves, hours_to_exit("off"), np.nan),
        np.where(returns, hours_to_exit("on"), np.nan),
    )
