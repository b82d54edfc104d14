"""A UTC day of positions summed up once; summaries of days merge in any order (DESIGN 2).

Everything that a later stage wants of the positions is here: the ends of every segment, the gaps
inside the day, seconds of exposure, hours with sightings. What crosses midnight follows from the
ends alone. Merging is concatenation, so it is associative and knows no order; what is derived from
the merged rows sorts them first.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import polars as pl

from pipeline.areas import Areas
from pipeline.canal_parts import find_canal_parts
from pipeline.port_parts import find_port_parts
from pipeline.rules import Rules
from pipeline.tracks import epoch_s

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
CELL_DEG = 0.5
SPEED_BIN_KN = 0.1


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
    ordered = sort_by_segment(positions)
    return Edges(
        segments=pick_segments(ordered),
        inner_gaps=pick_inner_gaps(ordered, pair_sightings(ordered), rules.gaps.shortest_s),
        hours=count_hours(ordered),
    )


def summarise_day(positions: pl.DataFrame, areas: Areas, rules: Rules) -> Summary:
    """Return the summary of one UTC day of positions (DESIGN 2).

    Args:
        positions: as for `summarise_edges`.
        areas: for port stays.
        rules: thresholds.
    """
    ordered = sort_by_segment(positions)
    return Summary(
        ship_hours=pick_ship_hours(ordered),
        presence=sum_presence(pair_sightings(ordered), rules.gaps.shortest_s),
        cells=count_cells(ordered),
        speeds=count_speeds(ordered),
        classes=count_classes(ordered),
        port_parts=find_port_parts(ordered, areas, rules),
        canal_parts=find_canal_parts(ordered, areas),
    )


def sort_by_segment(positions: pl.DataFrame) -> pl.DataFrame:
    """Return positions sorted by (mmsi, segment, seen_at, lon, lat).

    Stored positions are sorted by (mmsi, seen_at, lon, lat), which is the same unless two
    segments of one MMSI overlap; so the sort is skipped where it changes nothing.
    """
    later_mmsi = pl.col("mmsi") > pl.col("mmsi").shift(1)
    later_segment = (pl.col("mmsi") == pl.col("mmsi").shift(1)) & (
        pl.col("segment") > pl.col("segment").shift(1)
    )
    later = same_segment(1) & (pl.col("seen_at") > pl.col("seen_at").shift(1))
    in_order = (later_mmsi | later_segment | later).fill_null(value=True).all()
    if positions.select(in_order).item():
        return positions
    return positions.sort("mmsi", "segment", "seen_at", "lon", "lat")


def same_segment(step: int) -> pl.Expr:
    """Return whether the row `step` rows away is of the same segment; false at the ends."""
    return (
        (pl.col("mmsi") == pl.col("mmsi").shift(step))
        & (pl.col("segment") == pl.col("segment").shift(step))
    ).fill_null(value=False)


def pair_sightings(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return each sighting with the whole seconds to the next one of its segment (else null)."""
    return ordered.select(
        "mmsi",
        "segment",
        "seen_at",
        "area",
        "port_group",
        "is_outside",
        to_next_s=pl.when(same_segment(-1)).then(epoch_s("seen_at").shift(-1) - epoch_s("seen_at")),
    )


def pick_segments(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return the first and last sighting of every segment, one row a segment."""
    firsts = ordered.filter(~same_segment(1)).select(
        "mmsi", "segment", *(pl.col(name).alias(prefixed("first", name)) for name in END_FIELDS)
    )
    lasts = ordered.filter(~same_segment(-1)).select(
        pl.col(name).alias(prefixed("last", name)) for name in END_FIELDS
    )
    starts = ordered.select((~same_segment(1)).arg_true()).to_series().cast(pl.Int64)
    ends = ordered.select((~same_segment(-1)).arg_true()).to_series().cast(pl.Int64)
    counts = (ends - starts + 1).alias("sightings")
    return pl.concat([firsts, lasts], how="horizontal").with_columns(counts)


def prefixed(prefix: str, name: str) -> str:
    """Return the column of an END_FIELDS field at one end: `off_at` for seen_at, else `off_lon`."""
    return f"{prefix}_at" if name == "seen_at" else f"{prefix}_{name}"


def pick_inner_gaps(ordered: pl.DataFrame, paired: pl.DataFrame, shortest_s: int) -> pl.DataFrame:
    """Return the silences of at least `shortest_s` inside a segment, with both their ends."""
    at = paired.select((pl.col("to_next_s") >= shortest_s).arg_true()).to_series()
    off, on = ordered[at], ordered[at + 1]
    return pl.concat(
        [
            off.select(
                "mmsi",
                "segment",
                *(pl.col(name).alias(prefixed("off", name)) for name in END_FIELDS),
            ),
            on.select(pl.col(name).alias(prefixed("on", name)) for name in END_FIELDS),
        ],
        how="horizontal",
    )


def sum_presence(paired: pl.DataFrame, shortest_s: int) -> pl.DataFrame:
    """Return sightings and heard seconds by date, ship, area and port group (METHOD 2).

    Seconds go to the area of the earlier sighting; outside sightings give none.
    """
    heard = pl.when(pl.col("to_next_s") < shortest_s).then("to_next_s").otherwise(0)
    return (
        paired.filter(~pl.col("is_outside"))
        .group_by(pl.col("seen_at").dt.date().alias("date"), "mmsi", "area", "port_group")
        .agg(sightings=pl.len().cast(pl.Int64), heard_s=heard.sum().cast(pl.Int64))
        .sort("date", "mmsi", "area", "port_group")
    )


def count_hours(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return sightings by segment and UTC hour, and how many each kind of receiver heard."""
    kind = pl.col("receiver")
    return (
        ordered.group_by("mmsi", "segment", pl.col("seen_at").dt.truncate("1h").alias("hour"))
        .agg(
            sightings=pl.len().cast(pl.Int64),
            terrestrial=kind.is_in(["terrestrial", "both"]).sum().cast(pl.Int64),
            satellite=kind.is_in(["satellite", "both"]).sum().cast(pl.Int64),
        )
        .sort("mmsi", "segment", "hour")
    )


def pick_ship_hours(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return where each segment was last in each UTC hour, and who heard it in it."""
    kind = pl.col("receiver")
    return (
        ordered.group_by(
            "mmsi",
            "segment",
            pl.col("seen_at").dt.truncate("1h").alias("hour"),
            maintain_order=True,
        )
        .agg(
            pl.col("lon", "lat", "sog_kn").last(),
            is_class_b=(pl.col("ais_class") == "B").any(),
            # A receiver of unknown kind hears what is near it, as far as anybody knows.
            terrestrial=(kind != "satellite").any(),
            satellite=kind.is_in(["satellite", "both"]).any(),
            is_outside=pl.col("is_outside").last(),
            area=pl.col("area").last(),
            port_group=pl.col("port_group").last(),
        )
        .sort("mmsi", "segment", "hour")
    )


def count_cells(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return the ships heard by UTC hour, cell of 0.5 degree, receiver kind and class."""
    return (
        ordered.group_by(
            pl.col("seen_at").dt.truncate("1h").alias("hour"),
            (pl.col("lon") / CELL_DEG).floor().cast(pl.Int16).alias("cell_x"),
            (pl.col("lat") / CELL_DEG).floor().cast(pl.Int16).alias("cell_y"),
            "receiver",
            "ais_class",
        )
        .agg(ships=pl.col("mmsi").n_unique().cast(pl.Int64))
        .sort("hour", "cell_x", "cell_y", "receiver", "ais_class", nulls_last=False)
    )


def count_speeds(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return sightings by ship, month and bin of 0.1 kn: speeds as integers, so that they add."""
    return (
        ordered.filter(pl.col("sog_kn").is_not_null())
        .group_by(
            "mmsi",
            pl.col("seen_at").dt.truncate("1mo").dt.date().alias("month"),
            (pl.col("sog_kn") / SPEED_BIN_KN).round().cast(pl.Int16).alias("speed_bin"),
        )
        .agg(sightings=pl.len().cast(pl.Int64))
        .sort("mmsi", "month", "speed_bin")
    )


def count_classes(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return sightings by ship and AIS class, null where the feed does not say."""
    return (
        ordered.group_by("mmsi", "ais_class")
        .agg(reports=pl.len().cast(pl.Int64))
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
