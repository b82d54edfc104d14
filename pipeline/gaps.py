"""From merged day summaries to silences, open ones included (METHOD 1, 2).

What crosses midnight comes from the ends of the linked segments alone; what lies inside a day was
found when the day was summed up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from pipeline.geodesy import local_distance_km
from pipeline.rules import GapRules, Rules
from pipeline.summaries import END_FIELDS, prefixed
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


def close_silences(
    inner_gaps: pl.DataFrame, linked: pl.DataFrame, rules: GapRules, earlier: pl.DataFrame
) -> pl.DataFrame:
    """Return the silences that some days ended: at least `shortest_s`, off point in the region.

    Args:
        inner_gaps: silences inside the segments of these days.
        linked: the segments of these days with `track`.
        rules: what a gap is.
        earlier: the tracks of all days before (`tracks.merge_tracks`).

    Returns:
        mmsi, track and END_FIELDS with the prefixes `off_` and `on_`, sorted.
    """
    inner = inner_gaps.join(linked.select("mmsi", "segment", "track"), on=["mmsi", "segment"])
    crossing = pair_segments(pl.concat([earlier.select(linked.columns), linked])).filter(
        epoch_s("on_at") - epoch_s("off_at") >= rules.shortest_s
    )
    columns = ["mmsi", "track", *OFF, *ON]
    return (
        pl.concat([inner.select(columns), crossing.select(columns)])
        .filter(~pl.col("off_is_outside"))
        .sort("mmsi", "off_at", "off_lon", "off_lat")
    )


def open_silences(tracks: pl.DataFrame, rules: GapRules, data_end: datetime) -> pl.DataFrame:
    """Return the silences not ended by `data_end`, in the columns of `close_silences`.

    A one-sighting track is pending, or a ship seen once: no gap (METHOD 2).

    Args:
        tracks: the tracks of all days up to `data_end` (`tracks.merge_tracks`).
        rules: what a gap is.
        data_end: end of the data; a track not heard since is an open silence.
    """
    ends = tracks.select(
        "mmsi",
        "track",
        "sightings",
        *(
            pl.col(prefixed("last", name)).alias(off)
            for name, off in zip(END_FIELDS, OFF, strict=True)
        ),
        *(
            pl.lit(None, dtype=tracks.schema[prefixed("first", name)]).alias(on)
            for name, on in zip(END_FIELDS, ON, strict=True)
        ),
    )
    return (
        ends.filter(
            (pl.col("sightings") > 1)
            & (pl.lit(data_end).dt.epoch("s") - epoch_s("off_at") >= rules.shortest_s)
            & ~pl.col("off_is_outside")
        )
        .drop("sightings")
        .sort("mmsi", "off_at", "off_lon", "off_lat")
    )


def pair_segments(linked: pl.DataFrame) -> pl.DataFrame:
    """Return, for two consecutive segments of a track, the end of one and the start of the next.

    The tracks of earlier days may stand among the segments as one segment each.
    """
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
    still_open: pl.DataFrame, tracks: pl.DataFrame, ships: pl.DataFrame, rules: Rules
) -> pl.DataFrame:
    """Return open silences, closed where the ship next appears under another MMSI.

    Identity is the trusted IMO number (METHOD 2). The on point is the first sighting of a track
    of another MMSI of the ship that begins after the off time and that the ship can have reached.

    Args:
        still_open: `open_silences`.
        tracks: the tracks of all days (`tracks.merge_tracks`).
        ships: mmsi, ship_id, imo.
        rules: reach of a ship, what a gap is.

    Returns:
        The same rows, those heard again within the threshold left out, with `on_mmsi` (null where
        the MMSI stays the same).
    """
    still_open = still_open.with_columns(on_mmsi=pl.lit(None, dtype=pl.Int32))
    of_ship = ships.filter(pl.col("imo").is_not_null()).select("mmsi", "ship_id")
    several = of_ship.filter(pl.len().over("ship_id") > 1)
    if several.is_empty():
        return still_open
    begins = tracks.join(several, on="mmsi").select(
        "ship_id", pl.col("mmsi").alias("on_mmsi"), *first_as_on()
    )
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
            still_open.join(closed, on=["mmsi", "track"], how="anti"),
            closed.filter("is_gap").select(still_open.columns),
        ]
    ).sort("mmsi", "off_at", "off_lon", "off_lat")


def count_by_track(hours: pl.DataFrame, linked: pl.DataFrame) -> pl.DataFrame:
    """Return sightings by mmsi, track and UTC hour, and how many each kind of receiver heard."""
    return (
        hours.join(linked.select("mmsi", "segment", "track"), on=["mmsi", "segment"])
        .group_by("mmsi", "track", "hour")
        .agg(pl.col("sightings", "terrestrial", "satellite").sum())
        .sort("mmsi", "track", "hour")
    )


def keep_last_hours(
    track_hours: pl.DataFrame, tracks: pl.DataFrame, rules: GapRules
) -> pl.DataFrame:
    """Return the hours of each track that `count_positions_before` can still ask for."""
    last_hour = pl.col("last_at").dt.truncate("1h")
    return (
        track_hours.join(tracks.select("mmsi", "track", "last_at"), on=["mmsi", "track"])
        .filter(pl.col("hour") >= last_hour - timedelta(hours=rules.positions_before_h - 1))
        .select(track_hours.columns)
        .sort("mmsi", "track", "hour")
    )


def count_positions_before(
    silences: pl.DataFrame, track_hours: pl.DataFrame, rules: GapRules
) -> pl.DataFrame:
    """Return silences with the sightings of their track in the 12 UTC hours up to the off time.

    METHOD 1: the UTC hour of the off time and the 11 before it, by receiver kind.

    Args:
        silences: with mmsi, track, off_at.
        track_hours: `count_by_track`, those of earlier days too.
        rules: how many hours.
    """
    off_hour = pl.col("off_at").dt.truncate("1h")
    wanted = silences.select("mmsi", "track", "off_at").with_columns(
        hour=pl.datetime_ranges(
            off_hour - timedelta(hours=rules.positions_before_h - 1), off_hour, "1h"
        )
    )
    counts = (
        wanted.explode("hour")
        .join(track_hours, on=["mmsi", "track", "hour"])
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
