"""Gaps made of lit voyages whose middle is hidden, and where the ship was meanwhile (METHOD 6).

What is learned of them is taken to hold for ships that are off: an assumption.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.geodesy import bearing_deg, local_distance_km_array
from pipeline.reception.window import CHAIN, Floats, Ints
from pipeline.rules import JointRules

NONE = "none"  # no call: at sea, at roads, drifting, beside another ship, or out of the region
STAYS = {
    "mmsi": pl.Int32,
    "port_group": pl.String,
    "entered_at": pl.Datetime("us"),
    "left_at": pl.Datetime("us"),
}
HOUR_US = 3_600_000_000
LONGEST_H = 1 << 24  # hours of one track never reach so far


def draw_hidden(
    ship_hours: pl.DataFrame, stays: pl.DataFrame, min_visit_h: float, rules: JointRules
) -> pl.DataFrame:
    """Return gaps as they would be, had a ship not been heard for a while, and what it did.

    They begin at hours and last as long as real silences do, both drawn by a hash of MMSI and hour.
    Only stretches without a silence of their own that could hide a call are taken.

    Args:
        ship_hours: `reception.COLUMNS`, of months m-5 to m.
        stays: STAYS; `left_at` null: still there.
        min_visit_h: the shortest call.
        rules: thresholds.

    Returns:
        Sorted by gap_id: gap_id, mmsi, track, off_at, on_at and the columns off_ and on_ lon, lat,
        sog_kn, cog_deg as of table gaps (instants to half an hour, courses from the hour before or
        after); `called_at`, the group with the longest call inside, or none; and `is_within`: it
        lay in one port stay all the time.
    """
    hours = (
        ship_hours.sort(*CHAIN, "hour", "lon", "lat")
        .unique([*CHAIN, "hour"], keep="last", maintain_order=True)
        .select(*CHAIN, "hour", "lon", "lat", "sog_kn", "is_outside")
    )
    if hours.is_empty():
        return _pick(hours, np.zeros(0, np.int64), np.zeros(0, np.int64)).with_columns(
            called_at=pl.lit(NONE), is_within=pl.lit(value=False)
        )
    track = hours.select(pl.struct(CHAIN).rank("dense")).to_series().to_numpy().astype(np.int64)
    hour = hours["hour"].dt.epoch("us").to_numpy() // HOUR_US
    step = np.where(np.diff(track, prepend=-1) == 0, np.diff(hour, prepend=0), 0)
    lengths = np.sort(step[step >= rules.hidden_least_h])
    lengths = lengths if len(lengths) else np.array([rules.hidden_usual_h])
    chance = _hash(hours["mmsi"].to_numpy(), hour)
    length = lengths[(chance >> 20) % len(lengths)]
    # The first hour in which it would be heard again, on an axis of all tracks end to end.
    axis = track * LONGEST_H + (hour - hour.min())
    on = np.minimum(np.searchsorted(axis, axis + length), len(axis) - 1)
    silent = np.cumsum(step > rules.hidden_most_silent_h)
    outside = np.cumsum(hours["is_outside"].to_numpy())
    off = np.arange(len(axis))
    is_whole = (track[on] == track) & (on > off) & (hour[on] - hour >= length)
    is_known = (silent[on] == silent) & (outside[on] == outside) & ~hours["is_outside"].to_numpy()
    drawn = np.flatnonzero(is_whole & is_known)
    drawn = drawn[np.argsort(chance[drawn], kind="stable")][: rules.most_hidden]
    return _add_calls(_pick(hours, drawn, on[drawn]), stays, min_visit_h)


def _hash(mmsi: NDArray[np.int32], hour: Ints) -> Ints:
    """Return a number of 60 bits of each MMSI and hour, evenly spread (splitmix64)."""
    mixed = mmsi.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + hour.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(4)).astype(np.int64)


def _pick(hours: pl.DataFrame, off: Ints, on: Ints) -> pl.DataFrame:
    """Return gaps between pairs of rows of hours."""
    before, after = np.maximum(off - 1, 0), np.minimum(on + 1, hours.height - 1)

    def end(name: str, row: Ints) -> pl.DataFrame:
        return hours[row].select(
            (pl.col("hour") + pl.duration(minutes=30)).alias(f"{name}_at"),
            pl.col("lon").alias(f"{name}_lon"),
            pl.col("lat").alias(f"{name}_lat"),
            pl.col("sog_kn").cast(pl.Float64).alias(f"{name}_sog_kn"),
        )

    courses = {
        "off_cog_deg": _find_course(hours, before, off),
        "on_cog_deg": _find_course(hours, on, after),
    }
    ids = pl.format("{}-{}", pl.col("mmsi"), pl.col("off_at").dt.epoch("s")).alias("gap_id")
    return (
        pl.concat([hours[off].select(CHAIN), end("off", off), end("on", on)], how="horizontal")
        .with_columns(pl.Series(name, values).fill_nan(None) for name, values in courses.items())
        .with_columns(ids)
        # Two tracks of one ship may go silent in the same hour.
        .sort("gap_id", "track")
        .unique("gap_id", keep="first", maintain_order=True)
    )


def _find_course(hours: pl.DataFrame, one: Ints, other: Ints) -> Floats:
    """Return the bearing from one row to another in deg; NaN where it is not the next hour."""
    lon, lat = hours["lon"].to_numpy(), hours["lat"].to_numpy()
    ends = (lon[one], lat[one], lon[other], lat[other])
    same = (hours[one].select(CHAIN) == hours[other].select(CHAIN)).select(
        pl.all_horizontal(pl.all())
    )
    took_h = (hours["hour"].gather(other) - hours["hour"].gather(one)).dt.total_hours()
    moved = local_distance_km_array(*ends) > 1
    is_next = same.to_series().to_numpy() & (took_h <= 2).to_numpy() & moved
    return np.where(is_next, bearing_deg(*ends), np.nan)


def find_calls(gaps: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Return the stays that overlap gaps: gap_id, port_group, hours (inside), is_within (no gap).

    Args:
        gaps: gap_id, mmsi, off_at, on_at.
        stays: STAYS.
    """
    begins, ends = pl.max_horizontal("entered_at", "off_at"), pl.min_horizontal("left_at", "on_at")
    return (
        gaps.select("gap_id", "mmsi", "off_at", "on_at")
        .join(stays.select(*STAYS), on="mmsi")
        .with_columns(pl.col("left_at").fill_null(pl.col("on_at")))
        .filter(pl.col("left_at") >= pl.col("off_at"), pl.col("entered_at") <= pl.col("on_at"))
        .select(
            "gap_id",
            "port_group",
            hours=(ends - begins).dt.total_seconds() / 3600,
            is_within=(pl.col("entered_at") <= pl.col("off_at"))
            & (pl.col("left_at") >= pl.col("on_at")),
        )
        .sort("gap_id", "port_group", "hours")
    )


def _add_calls(gaps: pl.DataFrame, stays: pl.DataFrame, min_visit_h: float) -> pl.DataFrame:
    """Return gaps with `called_at` and `is_within`."""
    calls = find_calls(gaps, stays)
    longest = (
        calls.filter(pl.col("hours") >= min_visit_h)
        .sort("gap_id", pl.col("hours"), "port_group", descending=[False, True, False])
        .unique("gap_id", keep="first", maintain_order=True)
        .select("gap_id", "is_within", called_at="port_group")
    )
    return (
        gaps.join(longest, on="gap_id", how="left")
        .with_columns(
            pl.col("called_at").fill_null(NONE), pl.col("is_within").fill_null(value=False)
        )
        .sort("gap_id")
    )
