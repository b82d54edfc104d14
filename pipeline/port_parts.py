"""Where a ship was among the ports, a UTC day at a time, in parts that join over midnight.

The port state machine (METHOD 6) needs of the past only whether the sighting before lay within
4 km of the same port group, and whether the ship had come within 3 km since. So a day is
compressed to runs of sightings near one port group, or near none, each cut in two where the ship
first came within 3 km: a part of the approach and a part of the stay. Parts of any days, one after
the other, join to the parts of all of them, whatever was joined before.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.areas import NO_GROUP, Areas
from pipeline.areas_index import Codes
from pipeline.geodesy import KM_PER_NM, local_distance_km
from pipeline.rules import Rules
from pipeline.runs import (
    Flags,
    Positions,
    as_instants,
    epoch_us,
    find_ends,
    find_last,
    find_starts,
    least_in_runs,
    mark_changes,
    mark_changes_of,
    most_in_runs,
    null_where,
    sum_runs,
)
from pipeline.tracks import epoch_s

SEGMENT, TRACK = ("mmsi", "segment"), ("mmsi", "track")
# Sightings of one second are ordered by place, and so are parts of one second.
ORDER = ("first_at", "last_at", "first_lon", "first_lat")


def find_port_parts(ordered: pl.DataFrame, areas: Areas, rules: Rules) -> pl.DataFrame:
    """Return the parts of one UTC day: one row per run of sightings near one port group or none.

    Args:
        ordered: sightings sorted by (mmsi, segment, seen_at, lon, lat), with sog_kn and
            is_outside.
        areas: for the ports.
        rules: of ports; what is slow (`ships`), what is a gap (`gaps`).

    Returns:
        In order of time within a segment:

        - mmsi, segment, port_group (null away from ports), is_entered (the ship had come within
          `enter_within_km` in the run), first_at, last_at, first_lon, first_lat, sightings;
        - silences, silent_s, longest_s: silences of `shortest_s` and more, their sum, and the
          longest silence of any length, in s;
        - stopped_s: seconds from a sighting to the next while stopped, silences left out;
          unsigned_s: likewise before any sighting said whether the ship was stopped or moving;
          is_stopped_at_end: the last that was said of it, null where nothing was;
        - slow_sightings, first_slow_at, last_slow_at: those slow enough for a known port
          (METHOD 7).
    """
    group, is_entry, may_be_known = mark_near(ordered, areas, rules)
    begins = mark_changes(ordered, "mmsi", "segment") | mark_changes_of(group)
    is_entered = find_last(is_entry) >= find_last(begins)
    is_start = begins | mark_changes_of(is_entered)
    starts = find_starts(is_start)
    ends = find_ends(starts, ordered.height)
    of_part = null_where(pl.Series("group", group[starts]), group[starts] == NO_GROUP)
    names = areas.port_groups()["port_group"].gather(of_part.cast(pl.UInt32))
    first, last = (
        ordered.select("mmsi", "segment", "seen_at", "lon", "lat")[at] for at in (starts, ends)
    )
    speed_kn = judge_speed(ordered, rules)
    is_slow = (speed_kn <= rules.ships.stay_max_speed_kn).fill_null(value=False).to_numpy()
    return pl.DataFrame(
        [
            first["mmsi"],
            first["segment"],
            names.alias("port_group"),
            pl.Series("is_entered", is_entered[starts]),
            first["seen_at"].alias("first_at"),
            last["seen_at"].alias("last_at"),
            first["lon"].alias("first_lon"),
            first["lat"].alias("first_lat"),
            pl.Series("sightings", ends + 1 - starts, dtype=pl.Int64),
            *_sum_steps(ordered, speed_kn, is_start, rules),
            *_sum_slow(ordered, is_slow & may_be_known, starts),
        ]
    )


def mark_near(ordered: pl.DataFrame, areas: Areas, rules: Rules) -> tuple[Codes, Flags, Flags]:
    """Return the port group each sighting is near, and whether it is nearer still.

    Returns:
        - the row in `areas.port_groups` of the nearest within `leave_beyond_km`, NO_GROUP where
          there is none: where two are that near, the nearer one counts;
        - whether that or another is within `enter_within_km`, and within `ships.stay_within_km`.
    """
    limits_km = (
        rules.ports.leave_beyond_km,
        rules.ports.enter_within_km,
        rules.ships.stay_within_km,
    )
    apart_km = list(dict.fromkeys(limits_km))
    found = dict(zip(apart_km, areas.nearest_groups(ordered, apart_km), strict=True))
    inside = ~ordered["is_outside"].to_numpy()
    leave, entry, known = (found[km] for km in limits_km)
    group = np.where(inside, leave, np.int16(NO_GROUP))
    return group, (entry != NO_GROUP) & inside, (known != NO_GROUP) & inside


def _sum_steps(
    ordered: pl.DataFrame, speed_kn: pl.Series, is_start: Flags, rules: Rules
) -> list[pl.Series]:
    """Return what is counted of the time from each sighting to the next of its part, by part."""
    starts = find_starts(is_start)
    seconds = epoch_us(ordered) // 1_000_000
    to_next_s = np.zeros(len(seconds), np.int64)
    np.subtract(seconds[1:], seconds[:-1], out=to_next_s[:-1], where=~is_start[1:])
    is_silence = to_next_s >= rules.gaps.shortest_s
    silent_s = np.where(is_silence, to_next_s, 0)
    heard_s = to_next_s - silent_s
    said = speed_kn.to_frame("speed_kn").select(judge_stopped(pl.col("speed_kn"), rules))
    # What the last sighting of the part that said so says, unknown before the first one.
    said_at = find_last(said.to_series().is_not_null().to_numpy())
    is_known = said_at >= find_last(is_start)
    is_stopped = is_known & said.to_series().fill_null(value=False).to_numpy()[said_at]
    at_end = find_ends(starts, ordered.height)
    return [
        pl.Series("silences", sum_runs(is_silence, starts)),
        pl.Series("silent_s", sum_runs(silent_s, starts)),
        pl.Series("longest_s", most_in_runs(to_next_s, starts)),
        pl.Series("stopped_s", sum_runs(np.where(is_stopped, heard_s, 0), starts)),
        pl.Series("unsigned_s", sum_runs(np.where(is_known, 0, heard_s), starts)),
        null_where(pl.Series("is_stopped_at_end", is_stopped[at_end]), ~is_known[at_end]),
    ]


def _sum_slow(ordered: pl.DataFrame, is_slow: Flags, starts: Positions) -> list[pl.Series]:
    """Return how many sightings of each part are slow, the first and the last instant of them."""
    count, seen_us = sum_runs(is_slow, starts), epoch_us(ordered)
    earliest = least_in_runs(np.where(is_slow, seen_us, np.iinfo(np.int64).max), starts)
    latest = most_in_runs(np.where(is_slow, seen_us, np.iinfo(np.int64).min), starts)
    return [
        pl.Series("slow_sightings", count),
        null_where(as_instants("first_slow_at", earliest), count == 0),
        null_where(as_instants("last_slow_at", latest), count == 0),
    ]


def judge_speed(ordered: pl.DataFrame, rules: Rules) -> pl.Series:
    """Return the speed of each sighting in kn, a missing one by displacement, null if unknown.

    The displacement is that from the last sighting of the segment (so, of the UTC day) that is at
    least `displaced_over_s` older and no gap away: over less, errors of position look like speed.
    """
    speed = ordered["sog_kn"].cast(pl.Float32)
    if not speed.null_count():
        return speed
    asked = np.flatnonzero(speed.is_null().to_numpy())
    before = _find_before(ordered, asked, rules.ports.displaced_over_s * 1_000_000)
    ends = pl.concat(
        [
            ordered[asked].select("seen_at", "lon", "lat"),
            ordered[np.maximum(before, 0)].select(
                before_at="seen_at", before_lon="lon", before_lat="lat"
            ),
        ],
        how="horizontal",
    )
    seconds = epoch_s("seen_at") - epoch_s("before_at")
    km = local_distance_km(pl.col("before_lon"), pl.col("before_lat"), pl.col("lon"), pl.col("lat"))
    is_displaced = pl.Series(before >= 0) & (seconds < rules.gaps.shortest_s)
    displaced = pl.when(is_displaced).then(km / KM_PER_NM / (seconds / 3600))
    return speed.scatter(asked, ends.select(speed=displaced.cast(pl.Float32))["speed"])


def _find_before(ordered: pl.DataFrame, asked: Positions, older_us: int) -> Positions:
    """Return the last row of the segment at least so much older than each asked one, else -1."""
    if not len(asked):
        return asked
    is_start = mark_changes(ordered, *SEGMENT)
    seen_us = epoch_us(ordered) - epoch_us(ordered).min()
    # Instants of one segment after the other on one axis: a single search for all.
    axis = (is_start.cumsum() - 1) * (seen_us.max() + 1)
    before = np.searchsorted(axis + seen_us, axis[asked] + seen_us[asked] - older_us, "right") - 1
    return np.where(before >= find_last(is_start)[asked], before, -1)


def judge_stopped(speed_kn: pl.Expr, rules: Rules) -> pl.Expr:
    """Return whether a sighting says that the ship is stopped; null between the two speeds."""
    return (
        pl.when(speed_kn <= rules.ports.stopped_most_kn)
        .then(pl.lit(value=True))
        .when(speed_kn >= rules.ports.moving_from_kn)
        .then(pl.lit(value=False))
    )


def merge_port_parts(parts: pl.DataFrame, shortest_s: int) -> pl.DataFrame:
    """Return parts of some days joined: parts of one track at one port group that follow others.

    Parts of some days merged, and merged again with those of other days, give what merging all at
    once gives.

    Args:
        parts: `find_port_parts` of whole days with `track` in place of `segment`, or merged ones.
        shortest_s: the shortest silence that is a gap.
    """
    rows = number_runs(parts).with_columns(
        is_entered=pl.col("is_entered").cast(pl.UInt8).cum_max().over("run").cast(pl.Boolean)
    )
    rows = rows.with_columns(part=_changes("run", "is_entered").cum_sum())
    between_s = (epoch_s("first_at") - epoch_s("last_at").shift(1)).over("part")
    rows = rows.with_columns(
        between_s=between_s,
        was_stopped=pl.col("is_stopped_at_end").shift(1).forward_fill().over("part"),
    ).with_columns(is_silence=(pl.col("between_s") >= shortest_s).fill_null(value=False))
    heard_s = pl.when(~pl.col("is_silence")).then("between_s").otherwise(0).fill_null(0)
    unsigned_s = heard_s + pl.col("unsigned_s")
    return (
        rows.group_by("part", maintain_order=True)
        .agg(
            pl.col(*TRACK, "port_group", "is_entered", "first_at").first(),
            pl.col("last_at").last(),
            pl.col("first_lon", "first_lat").first(),
            pl.col("sightings").sum(),
            silences=pl.col("silences").sum() + pl.col("is_silence").sum().cast(pl.Int64),
            silent_s=pl.col("silent_s").sum() + pl.col("between_s").filter("is_silence").sum(),
            longest_s=pl.max_horizontal(
                pl.col("longest_s").max(), pl.col("between_s").max().fill_null(0)
            ),
            stopped_s=pl.col("stopped_s").sum() + unsigned_s.filter("was_stopped").sum(),
            unsigned_s=unsigned_s.filter(pl.col("was_stopped").is_null()).sum(),
            is_stopped_at_end=pl.col("is_stopped_at_end").drop_nulls().last(),
            slow_sightings=pl.col("slow_sightings").sum(),
            first_slow_at=pl.col("first_slow_at").min(),
            last_slow_at=pl.col("last_slow_at").max(),
        )
        .drop("part")
    )


def number_runs(parts: pl.DataFrame) -> pl.DataFrame:
    """Return parts in order of time with `run`: parts at one port group that follow each other."""
    return parts.sort(*TRACK, *ORDER).with_columns(run=_changes(*TRACK, "port_group").cum_sum())


def _changes(*names: str) -> pl.Expr:
    """Return whether a row differs from the one before it; null equals null, the first differs."""
    differs = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names]
    return pl.any_horizontal(*differs) | (pl.int_range(pl.len()) == 0)
