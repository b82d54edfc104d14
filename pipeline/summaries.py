"""A UTC day of positions summed up once; summaries of days merge in any order (DESIGN 2).

Everything that a later stage wants of the positions is here: the ends of every segment, the gaps
inside the day, seconds of exposure, hours with sightings. What crosses midnight follows from the
ends alone. Merging is concatenation, so it is associative and knows no order; what is derived from
the merged rows sorts them first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from pipeline.areas import Areas
from pipeline.canal_parts import find_canal_parts
from pipeline.ordered import OrderedDay
from pipeline.port_parts import find_port_parts
from pipeline.rules import Rules
from pipeline.runs import (
    Positions,
    any_in_runs,
    as_numbers,
    find_ends,
    find_starts,
    mark_changes_of,
    sum_runs,
)

END_FIELDS = (
    "seen_at",
    "lon",
    "lat",
    "sog_kn",
    "cog_deg",
    "nav_status",
    "receiver",
    "area",
    "port_group",
    "is_outside",
)
OF_SEGMENT = ("mmsi", "segment")
CELL_DEG = 0.5
SPEED_BIN_KN = 0.1
# More than there are bins of 16 bits, so that ship and bin are told apart in one number.
BINS = 2**16


@dataclass(frozen=True)
class Edges:
    """What the merge needs of some UTC days: their segments, and the silences inside them.

    Attributes:
        segments: one row per segment: mmsi, segment, sightings, and END_FIELDS of its first and
            last sighting with the prefixes `first_` and `last_` (`first_at`, `last_at`).
        inner_gaps: one row per silence inside a segment of at least `shortest_s`: mmsi, segment
            and END_FIELDS with the prefixes `off_` and `on_`.
        hours: one row per mmsi x segment x UTC hour: sightings, terrestrial, satellite.
    """

    segments: pl.DataFrame
    inner_gaps: pl.DataFrame
    hours: pl.DataFrame


@dataclass(frozen=True)
class Summary:
    """What is kept of some UTC days beside their edges, once jumps are refused.

    Attributes:
        ship_hours: one row per mmsi x segment x UTC hour: the last sighting in it (lon, lat,
            sog_kn, is_outside, area, port_group), is_class_b, and whether any was heard by ground
            stations and by satellites.
        presence: one row per date x mmsi x area x port group, outside sightings excluded:
            `sightings` and `heard_s`, the seconds between sightings less than the threshold apart.
        cells: one row per UTC hour x cell of 0.5 degree x receiver x class: `ships` heard.
        speeds: one row per mmsi x month x bin of 0.1 kn: sightings.
        classes: one row per mmsi x AIS class: `reports`, sightings that say so.
        port_parts: runs of sightings near one port group or none (`port_parts.find_port_parts`).
        canal_parts: runs on one side of the canal (`canal_parts.find_canal_parts`).
    """

    ship_hours: pl.DataFrame
    presence: pl.DataFrame
    cells: pl.DataFrame
    speeds: pl.DataFrame
    classes: pl.DataFrame
    port_parts: pl.DataFrame
    canal_parts: pl.DataFrame


def frames_of(summary: Edges | Summary) -> dict[str, pl.DataFrame]:
    """Return the frames of edges or a summary by name."""
    return {field.name: getattr(summary, field.name) for field in fields(summary)}


def summarise_edges(positions: pl.DataFrame, rules: Rules) -> Edges:
    """Return the edges of one UTC day of positions (DESIGN 2).

    Args:
        positions: sightings of the day with `segment`, `area`, `port_group`, `is_outside`; any
            order.
        rules: thresholds.
    """
    day = OrderedDay(sort_by_segment(positions))
    return Edges(
        segments=pick_segments(day),
        inner_gaps=pick_inner_gaps(day, rules.gaps.shortest_s),
        hours=count_hours(day),
    )


def summarise_day(positions: pl.DataFrame, areas: Areas, rules: Rules) -> Summary:
    """Return the summary of one UTC day of positions (DESIGN 2).

    Args:
        positions: as for `summarise_edges`.
        areas: for port stays.
        rules: thresholds.
    """
    day = OrderedDay(sort_by_segment(positions))
    return Summary(
        ship_hours=pick_ship_hours(day),
        presence=sum_presence(day, rules.gaps.shortest_s),
        cells=count_cells(day),
        speeds=count_speeds(day),
        classes=count_classes(day),
        port_parts=find_port_parts(day, areas, rules),
        canal_parts=find_canal_parts(day, areas),
    )


def sort_by_segment(positions: pl.DataFrame) -> pl.DataFrame:
    """Return positions sorted by (mmsi, segment, seen_at, lon, lat).

    Stored positions are sorted by (mmsi, seen_at, lon, lat), which is the same unless two
    segments of one MMSI overlap; so the sort is skipped where it changes nothing.
    """
    if is_in_order(positions):
        return positions
    return positions.sort("mmsi", "segment", "seen_at", "lon", "lat")


def is_in_order(positions: pl.DataFrame) -> bool:
    """Return whether positions are sorted by (mmsi, segment, seen_at, lon, lat)."""
    is_tied = np.ones(max(positions.height - 1, 0), np.bool_)
    for name in ("mmsi", "segment", "seen_at", "lon", "lat"):
        values = as_numbers(positions[name])
        if ((values[1:] < values[:-1]) & is_tied).any():
            return False
        is_tied &= values[1:] == values[:-1]
        if not is_tied.any():
            return True
    return True


def pick_segments(day: OrderedDay) -> pl.DataFrame:
    """Return the first and last sighting of every segment, one row a segment."""
    starts = find_starts(day.is_segment_start)
    ends = find_ends(starts, day.rows.height)
    counts = pl.Series("sightings", ends + 1 - starts, dtype=pl.Int64)
    return _lay_side_by_side(day.rows, {"first": starts, "last": ends}).hstack([counts])


def _lay_side_by_side(rows: pl.DataFrame, ends: Mapping[str, Positions]) -> pl.DataFrame:
    """Return mmsi and segment, then END_FIELDS of the rows at two lists of positions.

    Args:
        rows: sightings.
        ends: prefix of the columns, and positions; both lists are as long.
    """
    (prefix, at), (other_prefix, other_at) = ends.items()
    # One gathering for both, and no expressions: a day has few such rows, and is one of thousands.
    both = rows[[*OF_SEGMENT, *END_FIELDS]][np.concatenate((at, other_at))]
    left, right = both.head(len(at)), both[list(END_FIELDS)].tail(len(at))
    left.columns = [*OF_SEGMENT, *(prefixed(prefix, name) for name in END_FIELDS)]
    right.columns = [prefixed(other_prefix, name) for name in END_FIELDS]
    return left.hstack(right)


def prefixed(prefix: str, name: str) -> str:
    """Return the column of an END_FIELDS field at one end: `off_at` for seen_at, else `off_lon`."""
    return f"{prefix}_at" if name == "seen_at" else f"{prefix}_{name}"


def pick_inner_gaps(day: OrderedDay, shortest_s: int) -> pl.DataFrame:
    """Return the silences of at least `shortest_s` inside a segment, with both their ends."""
    at = np.flatnonzero(day.to_next_s >= shortest_s)
    return _lay_side_by_side(day.rows, {"off": at, "on": at + 1})


def sum_presence(day: OrderedDay, shortest_s: int) -> pl.DataFrame:
    """Return sightings and heard seconds by date, ship, area and port group (METHOD 2).

    Seconds go to the area of the earlier sighting; outside sightings give none.
    """
    starts = find_starts(day.changes("mmsi", "area", "port_group", "is_outside"))
    heard_s = np.where(day.to_next_s < shortest_s, day.to_next_s, 0)
    return (
        day.rows.select("mmsi", "area", "port_group", "is_outside")[starts]
        .with_columns(
            sightings=count_rows(day, starts), heard_s=pl.Series(sum_runs(heard_s, starts))
        )
        .filter(~pl.col("is_outside"))
        .group_by("mmsi", "area", "port_group")
        .agg(pl.col("sightings", "heard_s").sum())
        .sort("mmsi", "area", "port_group")
        .select(pl.lit(day.date, dtype=pl.Date).alias("date"), pl.all())
    )


def count_rows(day: OrderedDay, starts: Positions) -> pl.Series:
    """Return the number of sightings of each run."""
    return pl.Series(find_ends(starts, day.rows.height) + 1 - starts, dtype=pl.Int64)


def count_hours(day: OrderedDay) -> pl.DataFrame:
    """Return sightings by segment and UTC hour, and how many each kind of receiver heard."""
    starts = find_starts(day.is_hour_start)
    is_by_both = day.is_said("receiver", "both")
    is_on_ground, is_in_space = (
        is_by_both | day.is_said("receiver", kind) for kind in ("terrestrial", "satellite")
    )
    return day.rows.select("mmsi", "segment", "seen_at")[starts].select(
        "mmsi",
        "segment",
        hour=pl.col("seen_at").dt.truncate("1h"),
        sightings=count_rows(day, starts),
        terrestrial=pl.Series(sum_runs(is_on_ground, starts)),
        satellite=pl.Series(sum_runs(is_in_space, starts)),
    )


def pick_ship_hours(day: OrderedDay) -> pl.DataFrame:
    """Return where each segment was last in each UTC hour, and who heard it in it."""
    starts = find_starts(day.is_hour_start)
    is_by_satellite = day.is_said("receiver", "satellite")
    # A receiver of unknown kind hears what is near it, as far as anybody knows.
    is_on_ground = ~is_by_satellite & day.rows["receiver"].is_not_null().to_numpy()
    is_in_space = is_by_satellite | day.is_said("receiver", "both")
    columns = day.rows.select(
        "mmsi", "segment", "seen_at", "lon", "lat", "sog_kn", "is_outside", "area", "port_group"
    )
    return columns[find_ends(starts, day.rows.height)].select(
        "mmsi",
        "segment",
        pl.col("seen_at").dt.truncate("1h").alias("hour"),
        "lon",
        "lat",
        "sog_kn",
        is_class_b=pl.Series(any_in_runs(day.is_said("ais_class", "B"), starts)),
        terrestrial=pl.Series(any_in_runs(is_on_ground, starts)),
        satellite=pl.Series(any_in_runs(is_in_space, starts)),
        is_outside="is_outside",
        area="area",
        port_group="port_group",
    )


def count_cells(day: OrderedDay) -> pl.DataFrame:
    """Return the ships heard by UTC hour, cell of 0.5 degree, receiver kind and class."""
    cell_x, cell_y = (
        np.floor(day.rows[name].to_numpy() / CELL_DEG).astype(np.int16) for name in ("lon", "lat")
    )
    starts = find_starts(
        day.is_hour_start
        | day.changes("receiver", "ais_class")
        | mark_changes_of(cell_x)
        | mark_changes_of(cell_y)
    )
    return (
        day.rows.select("mmsi", "seen_at", "receiver", "ais_class")[starts]
        .group_by(
            pl.col("seen_at").dt.truncate("1h").alias("hour"),
            pl.Series("cell_x", cell_x[starts]),
            pl.Series("cell_y", cell_y[starts]),
            "receiver",
            "ais_class",
        )
        .agg(ships=pl.col("mmsi").n_unique().cast(pl.Int64))
        .sort("hour", "cell_x", "cell_y", "receiver", "ais_class", nulls_last=False)
    )


def count_speeds(day: OrderedDay) -> pl.DataFrame:
    """Return sightings by ship, month and bin of 0.1 kn: speeds as integers, so that they add."""
    speeds = day.rows.select(
        "mmsi", speed_bin=(pl.col("sog_kn") / SPEED_BIN_KN).round().cast(pl.Int16)
    ).drop_nulls("speed_bin")
    # One packed key: sorting it is several times faster than grouping by two columns.
    packed, counts = np.unique(
        speeds["mmsi"].to_numpy().astype(np.int64) * BINS + speeds["speed_bin"].to_numpy(),
        return_counts=True,
    )
    mmsi = (packed + BINS // 2) // BINS
    return pl.DataFrame(
        {
            "mmsi": pl.Series(mmsi).cast(day.rows.schema["mmsi"]),
            "speed_bin": pl.Series(packed - mmsi * BINS).cast(pl.Int16),
            "sightings": pl.Series(counts, dtype=pl.Int64),
        }
    ).select(
        "mmsi",
        pl.lit(day.date and day.date.replace(day=1), dtype=pl.Date).alias("month"),
        "speed_bin",
        "sightings",
    )


def count_classes(day: OrderedDay) -> pl.DataFrame:
    """Return sightings by ship and AIS class, null where the feed does not say."""
    starts = find_starts(day.changes("mmsi", "ais_class"))
    return (
        day.rows.select("mmsi", "ais_class")[starts]
        .with_columns(reports=count_rows(day, starts))
        .group_by("mmsi", "ais_class")
        .agg(pl.col("reports").sum())
        .sort("mmsi", "ais_class", nulls_last=False)
    )


def pick_port_visits(parts: pl.DataFrame) -> pl.DataFrame:
    """Return the slow sightings of `port_parts.find_port_parts`, a row a part (METHOD 7)."""
    return (
        parts.filter(pl.col("slow_sightings") > 0)
        .select(
            "mmsi",
            "port_group",
            arrived_at="first_slow_at",
            left_at="last_slow_at",
            sightings="slow_sightings",
        )
        .sort("mmsi", "arrived_at", "port_group")
    )


def merge_port_visits(visits: pl.DataFrame, min_sightings: int = 1) -> pl.DataFrame:
    """Return port stays: visits to one port group that follow each other are one (METHOD 7).

    Visits of some days merged, and merged again with those of other days, give what merging all
    at once gives, as long as `min_sightings` is asked for at the end only.

    Returns:
        (mmsi, port_group, arrived_at, left_at, sightings) of stays of at least `min_sightings`.
    """
    changes = (pl.col("mmsi") != pl.col("mmsi").shift(1)) | (
        pl.col("port_group") != pl.col("port_group").shift(1)
    )
    return (
        visits.sort("mmsi", "arrived_at", "port_group")
        .with_columns(run=changes.fill_null(value=True).cum_sum())
        .group_by("run")
        .agg(
            pl.col("mmsi").first(),
            pl.col("port_group").first(),
            pl.col("arrived_at").min(),
            pl.col("left_at").max(),
            pl.col("sightings").sum(),
        )
        .filter(pl.col("sightings") >= min_sightings)
        .sort("mmsi", "arrived_at", "port_group")
        .drop("run")
    )
