"""How long ships were seen, and where: what every count is divided by (METHOD 2)."""

from __future__ import annotations

import polars as pl

from pipeline.gaps import pair_segments
from pipeline.rules import GapRules
from pipeline.summaries import Summary
from pipeline.tracks import epoch_s


def sum_exposure(
    summary: Summary, linked: pl.DataFrame, silences: pl.DataFrame, rules: GapRules
) -> pl.DataFrame:
    """Return exposure by month, MMSI, area and port group, in integer seconds (METHOD 2).

    `heard_s` lies between sightings less than the threshold apart; `ship_s` adds the closed
    silences but those of cause `left_region`. Credited to the area of the earlier sighting, cut
    at UTC midnight (so at the turn of the month); outside sightings give nothing.

    Returns:
        month, mmsi, area, port_group, sightings, ship_s, heard_s.
    """
    where = ["month", "mmsi", "area", "port_group"]
    by_day = summary.presence.select(
        "mmsi",
        "area",
        "port_group",
        "sightings",
        month=pl.col("date").dt.truncate("1mo"),
        ship_s=pl.col("heard_s"),
        heard_s=pl.col("heard_s"),
    )
    short = pair_segments(linked).filter(
        (epoch_s("on_at") - epoch_s("off_at") < rules.shortest_s) & ~pl.col("off_is_outside")
    )
    closed = silences.filter(
        pl.col("on_at").is_not_null() & pl.col("cause").ne_missing("left_region")
    )
    spans = pl.concat(
        [
            _spans(short).with_columns(is_heard=pl.lit(value=True)),
            _spans(closed).with_columns(is_heard=pl.lit(value=False)),
        ]
    )
    cut = cut_by_month(spans).select(
        "mmsi",
        "area",
        "port_group",
        "month",
        sightings=pl.lit(0, dtype=pl.Int64),
        ship_s=pl.col("seconds"),
        heard_s=pl.when("is_heard").then("seconds").otherwise(0),
    )
    return (
        pl.concat([by_day, cut], how="diagonal")
        .group_by(where)
        .agg(pl.col("sightings", "ship_s", "heard_s").sum())
        .sort(where)
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
