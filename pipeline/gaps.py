"""From merged day summaries to silences, open ones included (METHOD 1, 2).

What crosses midnight comes from the ends of the linked segments alone; what lies inside a day was
found when the day was summed up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from pipeline.geodesy import local_distance_km
from pipeline.rules import GapRules, Rules
from pipeline.summaries import END_FIELDS, Summary, prefixed
from pipeline.tracks import epoch_s, reach_km

OFF = tuple(prefixed("off", name) for name in END_FIELDS)
ON = tuple(prefixed("on", name) for name in END_FIELDS)


def find_data_end(hours: pl.DataFrame, rules: GapRules) -> datetime:
    """Return the end of the data (METHOD 1): later rows wait in their day.

    The end of the latest UTC hour with a sighting whose preceding 24 h, itself included, hold at
    least max(2, 10 % of the median daily number of sightings over the 7 days with data before
    those 24 h) sightings; if no hour does, the hour of the last sighting. So one row dated in the
    future does not close the books. Several such rows are days with data themselves, and the usual
    day before the last of them would be one row: so 1 % of the median of all days is asked for
    as well.

    Args:
        hours: `hour` and `sightings`, any number of rows an hour; not empty.
    """
    hourly = hours.group_by("hour").agg(pl.col("sightings").sum()).sort("hour")
    daily = hourly.group_by(pl.col("hour").dt.date().alias("date")).agg(pl.col("sightings").sum())
    daily = daily.sort("date")
    recent = hourly.with_columns(
        last_24h=pl.col("sightings").rolling_sum_by("hour", window_size="24h")
    )
    least = max(
        rules.data_end_min_sightings, rules.data_end_floor_share * _median(daily["sightings"])
    )
    one_hour, one_day = timedelta(hours=1), timedelta(days=1)
    for hour, last_24h in recent.select("hour", "last_24h").reverse().iter_rows():
        end = hour + one_hour
        whole_days = daily.filter(pl.col("date") + one_day <= end - one_day).tail(
            rules.data_end_days
        )
        if last_24h >= max(least, rules.data_end_share * _median(whole_days["sightings"])):
            return end
    return recent["hour"][-1] + one_hour


def _median(numbers: pl.Series) -> float:
    median = numbers.median()
    return median if isinstance(median, float) else 0.0


def find_silences(
    summary: Summary, linked: pl.DataFrame, rules: GapRules, data_end: datetime
) -> pl.DataFrame:
    """Return every silence of at least `shortest_s` whose off point is inside the region.

    Args:
        summary: all days up to `data_end`, merged.
        linked: its segments with `track`.
        rules: what a gap is.
        data_end: end of the data; a track not heard since is an open silence.

    Returns:
        mmsi, track and END_FIELDS with the prefixes `off_` and `on_`; `on_*` null while open.
    """
    tracks = linked.select("mmsi", "segment", "track")
    inner = summary.inner_gaps.join(tracks, on=["mmsi", "segment"])
    crossing = pair_segments(linked).filter(
        epoch_s("on_at") - epoch_s("off_at") >= rules.shortest_s
    )
    ends = linked.group_by("mmsi", "track").agg(
        pl.col("sightings").sum(),
        *(
            pl.col(prefixed("last", name)).sort_by("segment").last().alias(off)
            for name, off in zip(END_FIELDS, OFF, strict=True)
        ),
    )
    # A one-sighting track is pending, or a ship seen once: no gap (METHOD 2).
    still_silent = ends.filter(
        (pl.col("sightings") > 1)
        & (pl.lit(data_end).dt.epoch("s") - epoch_s("off_at") >= rules.shortest_s)
    )
    columns = ["mmsi", "track", *OFF, *ON]
    silences = pl.concat(
        [inner.select(columns), crossing.select(columns), still_silent], how="diagonal"
    )
    return (
        silences.select(columns)
        .filter(~pl.col("off_is_outside"))
        .sort("mmsi", "off_at", "off_lon", "off_lat")
    )


def pair_segments(linked: pl.DataFrame) -> pl.DataFrame:
    """Return, for two consecutive segments of a track, the end of one and the start of the next."""
    ordered = linked.sort("mmsi", "track", "segment")
    same = (pl.col("mmsi") == pl.col("mmsi").shift(1)) & (
        pl.col("track") == pl.col("track").shift(1)
    )

    return ordered.select(
        "mmsi",
        "track",
        *(
            pl.col(prefixed("last", name)).shift(1).alias(off)
            for name, off in zip(END_FIELDS, OFF, strict=True)
        ),
        *first_as_on(),
        follows=same.fill_null(value=False),
    ).filter("follows")


def first_as_on() -> list[pl.Expr]:
    """Return the first sighting of a segment as the on point of a silence."""
    return [
        pl.col(prefixed("first", name)).alias(on) for name, on in zip(END_FIELDS, ON, strict=True)
    ]


def close_under_other_mmsi(
    silences: pl.DataFrame, linked: pl.DataFrame, ships: pl.DataFrame, rules: Rules
) -> pl.DataFrame:
    """Return silences, open ones closed where the ship next appears under another MMSI.

    Identity is the trusted IMO number (METHOD 2). The on point is the first sighting of a track
    of another MMSI of the ship that begins after the off time and that the ship can have reached.

    Returns:
        The same rows with `on_mmsi` (null where the MMSI stays the same).
    """
    silences = silences.with_columns(on_mmsi=pl.lit(None, dtype=pl.Int32))
    of_ship = ships.filter(pl.col("imo").is_not_null()).select("mmsi", "ship_id")
    several = of_ship.filter(pl.len().over("ship_id") > 1)
    if several.is_empty():
        return silences
    begins = (
        linked.filter(pl.col("segment") == pl.col("track"))
        .join(several, on="mmsi")
        .select(
            "ship_id",
            pl.col("mmsi").alias("on_mmsi"),
            *first_as_on(),
        )
    )
    still_open = silences.filter(pl.col("on_at").is_null())
    candidates = (
        still_open.select("mmsi", "track", *OFF)
        .join(several, on="mmsi")
        .join(begins, on="ship_id")
        .filter((pl.col("on_mmsi") != pl.col("mmsi")) & (pl.col("on_at") > pl.col("off_at")))
    )
    seconds = epoch_s("on_at") - epoch_s("off_at")
    km = local_distance_km(pl.col("off_lon"), pl.col("off_lat"), pl.col("on_lon"), pl.col("on_lat"))
    closed = (
        candidates.filter(km <= reach_km(seconds, rules.tracks.v_max_kn, rules.tracks))
        .sort("mmsi", "track", "on_at", "on_lon", "on_lat", "on_mmsi")
        .unique(["mmsi", "track"], keep="first", maintain_order=True)
        # Heard again within 4 h under another MMSI: the ship was not silent.
        .with_columns(is_gap=seconds >= rules.gaps.shortest_s)
    )
    return pl.concat(
        [
            silences.filter(pl.col("on_at").is_not_null()),
            still_open.join(closed, on=["mmsi", "track"], how="anti"),
            closed.filter("is_gap").select(silences.columns),
        ]
    ).sort("mmsi", "off_at", "off_lon", "off_lat")


def count_positions_before(
    silences: pl.DataFrame, hours: pl.DataFrame, linked: pl.DataFrame, rules: GapRules
) -> pl.DataFrame:
    """Return silences with the sightings of their track in the 12 UTC hours up to the off time.

    METHOD 1: the UTC hour of the off time and the 11 before it, by receiver kind.
    """
    by_track = (
        hours.join(linked.select("mmsi", "segment", "track"), on=["mmsi", "segment"])
        .group_by("mmsi", "track", "hour")
        .agg(pl.col("sightings", "terrestrial", "satellite").sum())
    )
    off_hour = pl.col("off_at").dt.truncate("1h")
    wanted = silences.select("mmsi", "track", "off_at").with_columns(
        hour=pl.datetime_ranges(
            off_hour - timedelta(hours=rules.positions_before_h - 1), off_hour, "1h"
        )
    )
    counts = (
        wanted.explode("hour")
        .join(by_track, on=["mmsi", "track", "hour"])
        .group_by("mmsi", "track", "off_at")
        .agg(
            positions_12h_before=pl.col("sightings").sum(),
            positions_12h_before_terrestrial=pl.col("terrestrial").sum(),
            positions_12h_before_satellite=pl.col("satellite").sum(),
        )
    )
    return silences.join(
        counts, on=["mmsi", "track", "off_at"], how="left", maintain_order="left"
    ).with_columns(
        pl.col(
            "positions_12h_before",
            "positions_12h_before_terrestrial",
            "positions_12h_before_satellite",
        ).fill_null(0)
    )
