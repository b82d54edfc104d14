"""Where a ship was among the ports, a UTC day at a time, in parts that join over midnight.

The port state machine (METHOD 6) needs of the past only whether the sighting before lay within
4 km of the same port group, and whether the ship had come within 3 km since. So a day is
compressed to runs of sightings near one port group, or near none, each cut in two where the ship
first came within 3 km: a part of the approach and a part of the stay. Parts of any days, one after
the other, join to the parts of all of them, whatever was joined before.
"""

from __future__ import annotations

import polars as pl

from pipeline.areas import Areas
from pipeline.geodesy import KM_PER_NM, local_distance_km
from pipeline.rules import Rules
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
    rows = _number_parts(mark_near(ordered, areas, rules))
    counted = (
        _judge_steps(rows, judge_speed(ordered, rules), rules)
        .group_by("part", maintain_order=True)
        .agg(
            pl.col("mmsi", "segment", "group", "is_entered").first(),
            first_at=pl.col("seen_at").first(),
            last_at=pl.col("seen_at").last(),
            first_lon=pl.col("lon").first(),
            first_lat=pl.col("lat").first(),
            sightings=pl.len().cast(pl.Int64),
            silences=pl.col("is_silence").sum().cast(pl.Int64),
            silent_s=pl.col("silent_s").sum(),
            longest_s=pl.col("to_next_s").max().fill_null(0),
            stopped_s=pl.col("stopped_s").sum(),
            unsigned_s=pl.col("unsigned_s").sum(),
            is_stopped_at_end=pl.col("is_stopped").last(),
            slow_sightings=pl.col("slow_at").count().cast(pl.Int64),
            first_slow_at=pl.col("slow_at").min(),
            last_slow_at=pl.col("slow_at").max(),
        )
    )
    names = areas.port_groups()["port_group"]
    group = names.gather(counted["group"].cast(pl.UInt32)).alias("port_group")
    return counted.select("mmsi", "segment", group, pl.exclude("part", "mmsi", "segment", "group"))


def mark_near(ordered: pl.DataFrame, areas: Areas, rules: Rules) -> pl.DataFrame:
    """Return sightings with `group`, the port group they are near, and whether they enter it.

    `group` is the row in `areas.port_groups` of the nearest within `leave_beyond_km`, null where
    there is none: where two are that near, the nearer one counts. `is_entry` and `may_be_known`
    tell of those within `enter_within_km` of it and within `ships.stay_within_km`.
    """
    points, inside = ordered.select("lon", "lat"), ~ordered["is_outside"]
    limits_km = (
        rules.ports.leave_beyond_km,
        rules.ports.enter_within_km,
        rules.ships.stay_within_km,
    )
    groups = {km: areas.nearest_groups(points, km) for km in set(limits_km)}
    leave, entry, known = (groups[km] for km in limits_km)
    return ordered.select("mmsi", "segment", "seen_at", "lon", "lat").with_columns(
        group=pl.when(inside).then(leave),
        is_entry=entry.is_not_null() & inside,
        may_be_known=known.is_not_null() & inside,
    )


def _number_parts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return sightings with `is_entered`, `part`, its number, and `starts`, its first one."""
    at = pl.int_range(pl.len(), dtype=pl.Int32)
    return (
        rows.with_columns(begins=_changes("mmsi", "segment", "group"))
        .with_columns(
            is_entered=(
                pl.when("is_entry").then(at).forward_fill()
                >= pl.when("begins").then(at).forward_fill()
            ).fill_null(value=False)
        )
        .with_columns(starts=pl.col("begins") | _changes("is_entered"))
        .with_columns(part=pl.col("starts").cum_sum())
    )


def _judge_steps(rows: pl.DataFrame, speed_kn: pl.Series, rules: Rules) -> pl.DataFrame:
    """Return sightings with what is counted of each and of the time to the next of its part."""
    at = pl.int_range(pl.len(), dtype=pl.Int32)
    said = judge_stopped(pl.col("speed_kn"), rules)
    is_slow = (pl.col("speed_kn") <= rules.ships.stay_max_speed_kn) & pl.col("may_be_known")
    stepped = (
        rows.with_columns(
            speed_kn=speed_kn,
            to_next_s=pl.when(~pl.col("starts").shift(-1, fill_value=True)).then(
                epoch_s("seen_at").shift(-1) - epoch_s("seen_at")
            ),
        )
        .with_columns(said=said, slow_at=pl.when(is_slow).then("seen_at"))
        .with_columns(
            is_silence=(pl.col("to_next_s") >= rules.gaps.shortest_s).fill_null(value=False),
            # What the last sighting of the part that said so says, null before the first one.
            is_stopped=pl.when(
                pl.when(pl.col("said").is_not_null()).then(at).forward_fill()
                >= pl.when("starts").then(at).forward_fill()
            ).then(pl.col("said").forward_fill()),
        )
    )
    heard_s = pl.when(~pl.col("is_silence")).then("to_next_s")
    return stepped.with_columns(
        silent_s=pl.when("is_silence").then("to_next_s"),
        stopped_s=pl.when("is_stopped").then(heard_s),
        unsigned_s=pl.when(pl.col("is_stopped").is_null()).then(heard_s),
    )


def judge_speed(ordered: pl.DataFrame, rules: Rules) -> pl.Series:
    """Return the speed of each sighting in kn, a missing one by displacement, null if unknown.

    The displacement is that from the last sighting of the segment (so, of the UTC day) that is at
    least `displaced_over_s` older and no gap away: over less, errors of position look like speed.
    """
    speed = ordered["sog_kn"].cast(pl.Float32)
    if not speed.null_count():
        return speed
    asked = (
        ordered.select("mmsi", "segment", "seen_at", "lon", "lat")
        .with_row_index("at")
        .filter(speed.is_null())
        .with_columns(until=pl.col("seen_at") - pl.duration(seconds=rules.ports.displaced_over_s))
        .sort("until", maintain_order=True)
    )
    before = ordered.select(*SEGMENT, before_at="seen_at", before_lon="lon", before_lat="lat").sort(
        "before_at", maintain_order=True
    )
    paired = asked.join_asof(
        before,
        left_on="until",
        right_on="before_at",
        by=list(SEGMENT),
        strategy="backward",
        check_sortedness=False,
    )
    seconds = epoch_s("seen_at") - epoch_s("before_at")
    km = local_distance_km(pl.col("before_lon"), pl.col("before_lat"), pl.col("lon"), pl.col("lat"))
    displaced = pl.when(seconds < rules.gaps.shortest_s).then(km / KM_PER_NM / (seconds / 3600))
    found = paired.select("at", speed=displaced.cast(pl.Float32))
    return speed.scatter(found["at"], found["speed"])


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
