"""Where a ship was among the ports, a UTC day at a time, in parts that join over midnight.

The port state machine (METHOD 6) needs of the past only whether the sighting before lay within
4 km of the same port group, and whether the ship had come within 3 km since. So a day is
compressed to runs of sightings near one port group, or near none, each cut in two where the ship
first came within 3 km: a part of the approach and a part of the stay. Parts of any days, one after
the other, join to the parts of all of them, whatever was joined before.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.areas import NO_GROUP, Areas
from pipeline.areas_index import Codes
from pipeline.geodesy import KM_PER_NM, local_distance_km_array
from pipeline.ordered import OrderedDay
from pipeline.rules import Rules
from pipeline.runs import (
    Flags,
    Positions,
    as_instants,
    find_ends,
    find_latest,
    find_next,
    find_starts,
    mark_changes_of,
    most_in_runs,
    null_where,
    sum_runs,
)
from pipeline.tracks import epoch_s

TRACK = ("mmsi", "track")
Speeds: TypeAlias = NDArray[np.float32]

# Sightings of one second are ordered by place, and so are parts of one second.
ORDER = ("first_at", "last_at", "first_lon", "first_lat")


def find_port_parts(day: OrderedDay, areas: Areas, rules: Rules) -> pl.DataFrame:
    """Return the parts of one UTC day: one row per run of sightings near one port group or none.

    Args:
        day: sightings with sog_kn and is_outside.
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
    group, is_entry, may_be_known = mark_near(day.rows, areas, rules)
    starts, is_entered = cut_parts(day.is_segment_start | mark_changes_of(group), is_entry)
    ends = find_ends(starts, day.rows.height)
    of_part = null_where(pl.Series("group", group[starts]), group[starts] == NO_GROUP)
    names = areas.port_groups()["port_group"].gather(of_part.cast(pl.UInt32))
    columns = day.rows.select("mmsi", "segment", "seen_at", "lon", "lat")
    first, last_at = columns[starts], columns["seen_at"][ends]
    speed_kn = judge_speed(day, rules)
    is_slow = speed_kn <= rules.ships.stay_max_speed_kn
    return pl.DataFrame(
        [
            first["mmsi"],
            first["segment"],
            names.alias("port_group"),
            pl.Series("is_entered", is_entered),
            first["seen_at"].alias("first_at"),
            last_at.alias("last_at"),
            first["lon"].alias("first_lon"),
            first["lat"].alias("first_lat"),
            pl.Series("sightings", ends + 1 - starts, dtype=pl.Int64),
            *_sum_steps(day, speed_kn, starts, rules),
            *_sum_slow(day, is_slow & may_be_known, starts),
        ]
    )


def cut_parts(begins: Flags, is_entry: Flags) -> tuple[Positions, Flags]:
    """Return the first rows of the parts, and whether the ship had come near enough to enter.

    A run begins where a flag of `begins` stands; it is cut in two at its first entry.
    """
    runs, rows = find_starts(begins), len(begins)
    entered_at = find_next(find_starts(is_entry), runs, rows)
    is_cut = (entered_at > runs) & (entered_at <= find_ends(runs, rows))
    starts = np.sort(np.concatenate((runs, entered_at[is_cut])))
    return starts, starts >= entered_at[np.searchsorted(runs, starts, "right") - 1]


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
    day: OrderedDay, speed_kn: Speeds, starts: Positions, rules: Rules
) -> list[pl.Series]:
    """Return what is counted of the time from each sighting to the next of its part, by part."""
    at_end = find_ends(starts, day.rows.height)
    to_next_s = day.to_next_s.copy()
    to_next_s[at_end] = 0
    is_silence = to_next_s >= rules.gaps.shortest_s
    silent_s = np.where(is_silence, to_next_s, 0)
    heard_s = to_next_s - silent_s
    is_stopped, is_known = judge_stopped(speed_kn, starts, rules)
    return [
        pl.Series("silences", sum_runs(is_silence, starts)),
        pl.Series("silent_s", sum_runs(silent_s, starts)),
        pl.Series("longest_s", most_in_runs(to_next_s, starts)),
        pl.Series("stopped_s", sum_runs(np.where(is_stopped, heard_s, 0), starts)),
        pl.Series("unsigned_s", sum_runs(np.where(is_known, 0, heard_s), starts)),
        null_where(pl.Series("is_stopped_at_end", is_stopped[at_end]), ~is_known[at_end]),
    ]


def _sum_slow(day: OrderedDay, is_slow: Flags, starts: Positions) -> list[pl.Series]:
    """Return how many sightings of each part are slow, the first and the last instant of them."""
    ends, slow = find_ends(starts, day.rows.height), find_starts(is_slow)
    count = sum_runs(is_slow, starts)
    # Where a part has none, any instant does: it is nulled.
    earliest, latest = find_next(slow, starts, -1), find_latest(slow, ends)
    return [
        pl.Series("slow_sightings", count),
        null_where(as_instants("first_slow_at", day.seen_us[earliest]), count == 0),
        null_where(as_instants("last_slow_at", day.seen_us[latest]), count == 0),
    ]


def judge_speed(day: OrderedDay, rules: Rules) -> Speeds:
    """Return the speed of each sighting in kn, a missing one by displacement, NaN if unknown.

    The displacement is that from the last sighting of the segment (so, of the UTC day) that is at
    least `displaced_over_s` older and no gap away: over less, errors of position look like speed.
    """
    speed = day.rows["sog_kn"].cast(pl.Float32)
    if not speed.null_count():
        return speed.to_numpy()
    asked = find_starts(speed.is_null().to_numpy())
    before = _find_before(day, asked, rules.ports.displaced_over_s * 1_000_000)
    seconds = (day.seen_us[asked] // 1_000_000) - (day.seen_us[before] // 1_000_000)
    is_displaced = (before >= 0) & (seconds < rules.gaps.shortest_s)
    asked, before = asked[is_displaced], before[is_displaced]
    lon, lat = (day.rows[name].to_numpy() for name in ("lon", "lat"))
    km = local_distance_km_array(lon[before], lat[before], lon[asked], lat[asked])
    speed_kn = speed.to_numpy(writable=True)
    speed_kn[asked] = km / KM_PER_NM / (seconds[is_displaced] / 3600)
    return speed_kn


def _find_before(day: OrderedDay, asked: Positions, older_us: int) -> Positions:
    """Return the last row of the segment at least so much older than each asked one, else -1."""
    seen_us = day.seen_us - day.seen_us.min()
    # Instants of one segment after the other on one axis: a single search for all.
    axis = (np.cumsum(day.is_segment_start) - 1) * (seen_us.max() + 1) + seen_us
    before = np.searchsorted(axis, axis[asked] - older_us, "right") - 1
    return np.where(before >= find_latest(find_starts(day.is_segment_start), asked), before, -1)


def judge_stopped(speed_kn: Speeds, starts: Positions, rules: Rules) -> tuple[Flags, Flags]:
    """Return whether a ship is stopped by each sighting, and whether that is known.

    It is what the last sighting of the part says that says so: one at a speed between the two
    limits says nothing. Where it is not known, the ship does not count as stopped.
    """
    is_stopped = speed_kn <= rules.ports.stopped_most_kn
    is_known = is_stopped | (speed_kn >= rules.ports.moving_from_kn)
    unsaid = find_starts(~is_known)
    said_at = find_latest(find_starts(is_known), unsaid)
    is_known[unsaid] = said_at >= find_latest(starts, unsaid)
    is_stopped[unsaid] = is_known[unsaid] & is_stopped[said_at]
    return is_stopped, is_known


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
