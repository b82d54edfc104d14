"""The feed of a night as it would be without some stations: a canonical feed, written again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from pipeline import store
from pipeline.errors import UsageError
from pipeline.schema import STATIC_FIELDS, Statics, polars_schema

STATIONS_SHOWN = 8
# A beacon's or static report's number per row is written again up to these (judgement: the rules
# ask for three static reports on two days, and hours of beacons are read as heard or not).
STATIC_REPORTS, BEACON_REPORTS = 3, 4
BASE_STATION, AID_TO_NAVIGATION = 4, 21

CANONICAL = {
    "lon": "longitude",
    "lat": "latitude",
    "seen_at": "timestamp",
    "sog_kn": "sog",
    "cog_deg": "cog",
    "heading_deg": "heading",
}


def write_without(processed: Path, stations: Sequence[str], raw: Path) -> pl.DataFrame:
    """Write the published sightings that other stations heard, and return the others.

    One row per sighting and hearer, one file a feed and day, below `raw`. Statics and beacons
    follow as far as they are published: statics do not say who heard them and are kept whole,
    beacons lose the hours of the withheld stations. What a provider had thinned or the night had
    refused does not come back.

    Args:
        processed: published tables of a whole night.
        stations: names as the feed gives them, or `feed|receiver|station`.
        raw: folder that takes the feeds.

    Returns:
        mmsi, seen_at of the sightings that only withheld stations heard.

    Raises:
        UsageError: no positions are published there, or a station heard nothing.
    """
    paths = sorted(processed.glob("positions/date=*/positions.parquet"))
    if not paths:
        raise UsageError(f"no published positions in {processed}: run darkport nightly")
    heard: dict[str, None] = {}
    lost: list[pl.DataFrame] = []
    for path in paths:
        day = pl.read_parquet(path, hive_partitioning=False)
        hearers = split_hearers(day)
        heard |= dict.fromkeys(hearers["hearer"].unique().sort().to_list())
        kept = hearers.filter(~is_withheld(stations))
        lost.append(day.join(kept, on=["mmsi", "seen_at", "lon", "lat"], how="anti"))
        _write_feeds(_as_canonical(kept), raw, path.parent.name.removeprefix("date="))
    _refuse_strangers(stations, list(heard))
    first_feed = next(iter(sorted(heard))).split("|")[0]
    statics = store.read_table(processed, "statics")
    if statics.height:
        _write_feeds(_static_rows(statics, first_feed), raw, "statics")
    beacons = store.read_table(processed, "beacons").with_columns(
        hearer=pl.concat_str("feed", "receiver", "station", separator="|")
    )
    if beacons.height:
        _write_feeds(_beacon_rows(beacons.filter(~is_withheld(stations))), raw, "beacons")
    return pl.concat(lost).select("mmsi", "seen_at")


def split_hearers(positions: pl.DataFrame) -> pl.DataFrame:
    """Return a row per sighting and hearer: `hearer`, and its feed, receiver and station."""
    return (
        positions.with_columns(hearer=pl.col("heard_by").str.split(";"))
        .explode("hearer")
        .with_columns(
            pl.col("hearer")
            .str.splitn("|", 3)
            .struct.rename_fields(["feed", "receiver_kind", "station"])
            .alias("parts")
        )
        .unnest("parts")
        .with_columns(receiver=pl.col("receiver_kind"))
        .drop("receiver_kind", "heard_by")
    )


def is_withheld(stations: Sequence[str]) -> pl.Expr:
    """Return whether a row's `hearer` is one of the stations, by whole name or by its own."""
    return pl.col("hearer").is_in(list(stations)) | pl.col("station").is_in(list(stations))


def _refuse_strangers(stations: Sequence[str], heard: list[str]) -> None:
    names = {one.split("|", 2)[2] for one in heard} | set(heard)
    strangers = [station for station in stations if station not in names]
    if strangers or not stations:
        shown = ", ".join(sorted(heard)[:STATIONS_SHOWN])
        more = f" and {len(heard) - STATIONS_SHOWN} more" if len(heard) > STATIONS_SHOWN else ""
        asked = ", ".join(strangers) or "none"
        raise UsageError(
            f"stations to withhold: {asked}, which heard nothing; heard: {shown}{more}"
        )


def _as_canonical(kept: pl.DataFrame) -> pl.DataFrame:
    return kept.rename(CANONICAL).select(
        "feed",
        "mmsi",
        "timestamp",
        *(name for name in CANONICAL.values() if name != "timestamp"),
        "nav_status",
        "ais_class",
        "message_type",
        _receiver(),
        "station",
    )


def _receiver() -> pl.Expr:
    return pl.when(pl.col("receiver").is_in(["terrestrial", "satellite"])).then("receiver")


def _static_rows(statics: pl.DataFrame, feed: str) -> pl.DataFrame:
    """Return static reports spread from the first to the last instant of each row."""
    reports = pl.col("reports").clip(1, STATIC_REPORTS)
    span = pl.col("last_at") - pl.col("first_at")
    part = pl.col("number") / (pl.col("shown") - 1).clip(1)
    at = pl.col("first_at") + (span.dt.total_microseconds() * part).cast(pl.Int64).cast(
        pl.Duration("us")
    )
    nothing = pl.lit(None, dtype=pl.Float64)
    return (
        statics.select(polars_schema(Statics).names())
        .with_columns(shown=reports)
        .with_columns(number=pl.int_ranges(0, pl.col("shown")))
        .explode("number")
        .select(
            pl.lit(feed).alias("feed"),
            "mmsi",
            at.dt.truncate("1s").alias("timestamp"),
            nothing.alias("longitude"),
            nothing.alias("latitude"),
            "ais_class",
            *STATIC_FIELDS,
        )
    )


def _beacon_rows(beacons: pl.DataFrame) -> pl.DataFrame:
    """Return beacon reports, a minute apart from the start of their hour."""
    kind = pl.when(pl.col("mmsi") >= 990_000_000).then(AID_TO_NAVIGATION).otherwise(BASE_STATION)
    return (
        beacons.with_columns(minute=pl.int_ranges(0, pl.col("messages").clip(1, BEACON_REPORTS)))
        .explode("minute")
        .select(
            "feed",
            pl.format("{}", pl.col("mmsi").cast(pl.String).str.zfill(9)).alias("mmsi"),
            (pl.col("hour") + pl.duration(minutes="minute")).alias("timestamp"),
            longitude="lon",
            latitude="lat",
            message_type=kind,
            receiver=_receiver(),
            station="station",
        )
    )


def _write_feeds(rows: pl.DataFrame, raw: Path, name: str) -> None:
    for feed, part in _each_feed(rows):
        path = raw / feed / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ", float_precision=6)


def _each_feed(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (feed,), part in rows.partition_by(
        "feed", as_dict=True, include_key=False, maintain_order=True
    ).items():
        yield str(feed), part
