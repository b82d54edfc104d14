"""How long ships were seen, and where: what every count is divided by (METHOD 2)."""

from __future__ import annotations

import polars as pl

from pipeline.gaps import pair_segments
from pipeline.rules import GapRules
from pipeline.tracks import epoch_s

WHERE = ("month", "mmsi", "area", "port_group")


def sum_short(linked: pl.DataFrame, earlier: pl.DataFrame, rules: GapRules) -> pl.DataFrame:
    """Return the seconds between the segments of a track that are no gap, by month and place.

    Args:
        linked: the segments of some days with `track`.
        earlier: the tracks of all days before (`tracks.merge_tracks`).
        rules: what a gap is.

    Returns:
        month, mmsi, area, port_group, sightings (0), ship_s, heard_s: like `sum_days`.
    """
    pairs = pair_segments(pl.concat([earlier.select(linked.columns), linked]))
    short = pairs.filter(
        (epoch_s("on_at") - epoch_s("off_at") < rules.shortest_s) & ~pl.col("off_is_outside")
    )
    return _sum_spans(short, is_heard=True)


def sum_days(presence: pl.DataFrame) -> pl.DataFrame:
    """Return the presence of some days by month and place: sightings, ship_s, heard_s."""
    return (
        presence.with_columns(month=pl.col("date").dt.truncate("1mo"), ship_s="heard_s")
        .group_by(WHERE)
        .agg(pl.col("sightings", "ship_s", "heard_s").sum())
        .sort(WHERE)
    )


def sum_exposure(by_month: pl.DataFrame, silences: pl.DataFrame) -> pl.DataFrame:
    """Return exposure by month, MMSI, area and port group, in integer seconds (METHOD 2).

    `heard_s` lies between sightings less than the threshold apart; `ship_s` adds the closed
    silences but those of cause `left_region`. Credited to the area of the earlier sighting, cut
    at UTC midnight (so at the turn of the month); outside sightings give nothing.

    Args:
        by_month: `sum_days` and `sum_short` of all days, and `sum_silences` of those silences
            that are not given, one under the other.
        silences: with `cause`.

    Returns:
        month, mmsi, area, port_group, sightings, ship_s, heard_s.
    """
    return (
        pl.concat([by_month, sum_silences(silences).select(by_month.columns)])
        .group_by(WHERE)
        .agg(pl.col("sightings", "ship_s", "heard_s").sum())
        .sort(WHERE)
    )


def add_observable(exposed: pl.DataFrame, observable: pl.DataFrame) -> pl.DataFrame:
    """Return exposure with `observable_s`, whole live hours, never more than `ship_s`.

    Args:
        exposed: `sum_exposure`.
        observable: month, mmsi, area, port_group, observable_s; several rows of one add up.
    """
    found = observable.group_by(WHERE).agg(pl.col("observable_s").sum())
    return exposed.join(found, on=WHERE, how="left", maintain_order="left").with_columns(
        observable_s=pl.min_horizontal(pl.col("observable_s").fill_null(0), "ship_s")
    )


def sum_silences(silences: pl.DataFrame) -> pl.DataFrame:
    """Return the seconds of closed silences like `sum_days`; those of `left_region` give none."""
    closed = silences.filter(
        pl.col("on_at").is_not_null() & pl.col("cause").ne_missing("left_region")
    )
    return _sum_spans(closed, is_heard=False)


def _sum_spans(pairs: pl.DataFrame, *, is_heard: bool) -> pl.DataFrame:
    heard = pl.col("seconds") if is_heard else pl.lit(0, dtype=pl.Int64)
    return (
        cut_by_month(_spans(pairs))
        .with_columns(sightings=pl.lit(0, dtype=pl.Int64), ship_s="seconds", heard_s=heard)
        .group_by(WHERE)
        .agg(pl.col("sightings", "ship_s", "heard_s").sum())
        .sort(WHERE)
    )


def _spans(pairs: pl.DataFrame) -> pl.DataFrame:
    return pairs.select(
        "mmsi",
        "off_at",
        "on_at",
        area="off_area",
        port_group="off_port_group",
    )


def cut_by_month(spans: pl.DataFrame) -> pl.DataFrame:
    """Return spans (off_at, on_at) cut at the turns of months, with `month` and `seconds`."""
    first, last = pl.col("off_at").dt.truncate("1mo"), pl.col("on_at").dt.truncate("1mo")
    pieces = spans.with_columns(month=pl.datetime_ranges(first, last, "1mo")).explode("month")
    start = pl.max_horizontal("off_at", "month")
    end = pl.min_horizontal("on_at", pl.col("month").dt.offset_by("1mo"))
    return pieces.with_columns(
        seconds=end.dt.epoch("s") - start.dt.epoch("s"), month=pl.col("month").dt.date()
    ).filter(pl.col("seconds") > 0)
