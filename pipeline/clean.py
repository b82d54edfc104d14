"""What is accepted, what is refused and why; duplicates, outside runs (METHOD 1, 2).

Reports come from feeds in batches; `judge_reports` names the first reason against each row and
nulls what the sender calls "not available". The accepted ones part into sightings, static
reports and beacons. What needs a whole UTC day (duplicates, outside runs) stands below that;
what needs the neighbouring days (jumps, unconfirmed pings) is decided in `tracks`.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pipeline.rules import CleanRules
from pipeline.schema import MAX_MMSI, STATIC_FIELDS

# Sentinels and ranges of ITU-R M.1371-5, table 48 and following.
LATITUDE_NOT_AVAILABLE = 91.0
LONGITUDE_NOT_AVAILABLE = 181.0
MICRO = 1e-6

# What makes two sightings one (METHOD 2); also the order of sightings within an MMSI.
SIGHTING_KEY = ("mmsi", "seen_at", "lon", "lat")
CONTENT = (
    "sog_kn",
    "cog_deg",
    "heading_deg",
    "nav_status",
    "ais_class",
    "message_type",
    "receiver",
    "received_at",
)


def is_ship_mmsi(mmsi: pl.Expr) -> pl.Expr:
    """Return true where `mmsi` can be a ship's (METHOD 2).

    Not ships: ids not of nine digits (which leaves out coast stations 00x and groups 0x),
    aircraft 111x, handhelds 8xx, rescue devices 97x, auxiliary craft 98x, aids to navigation 99x.
    Other ids without a country (150x, 96x) are sent by real ships and stay; their flag is unknown.
    """
    head = mmsi // 1_000_000
    return head.is_between(100, 799) & (head != 111) | head.is_between(900, 969)


def has_static_content() -> pl.Expr:
    """Return true where a report tells anything about the ship itself or its voyage."""
    return pl.any_horizontal(pl.col(name).is_not_null() for name in STATIC_FIELDS)


def judge_reports(reports: pl.DataFrame, rules: CleanRules) -> pl.DataFrame:
    """Return `reports` with `reason` filled for every refused row, first match.

    Optional values that are "not available" or out of the range of ITU-R M.1371 become null
    (the row stays). A row that holds a position and static data is judged by its position: one
    row has one fate.

    Args:
        reports: schema.Reports, in canonical units.
        rules: thresholds of METHOD 1 and 2.

    Returns:
        The same rows and columns, plus `is_position` and `is_static`.
    """
    earliest = datetime.fromisoformat(rules.earliest_time)
    latest = datetime.fromisoformat(rules.latest_time)
    latitude, longitude = pl.col("latitude"), pl.col("longitude")
    has_position = latitude.is_not_null() | longitude.is_not_null()
    not_available = (
        ((latitude - LATITUDE_NOT_AVAILABLE).abs() < MICRO)
        | ((longitude - LONGITUDE_NOT_AVAILABLE).abs() < MICRO)
    ).fill_null(value=False)
    in_range = (latitude.is_between(-90, 90) & longitude.is_between(-180, 180)).fill_null(
        value=False
    )
    keeps_sentinels = pl.lit(not rules.reject_not_available) & not_available
    no_ship = pl.lit(rules.reject_not_a_ship) & ~is_ship_mmsi(pl.col("mmsi"))
    refused_id = no_ship | ~pl.col("mmsi").is_between(0, MAX_MMSI)
    is_beacon = pl.col("is_beacon")
    return (
        reports.with_columns(null_not_available(rules))
        .with_columns(
            reason=pl.when(pl.col("reason").is_not_null())
            .then("reason")
            .when(pl.col("mmsi").is_null())
            .then(pl.lit("no_mmsi"))
            .when(pl.col("timestamp").is_null())
            .then(pl.lit("no_time"))
            .when(~pl.col("timestamp").is_between(earliest, latest, closed="left"))
            .then(pl.lit("bad_time"))
            .when(is_beacon & pl.col("mmsi").is_between(0, MAX_MMSI))
            .then(None)
            .when(refused_id)
            .then(pl.lit("not_a_ship"))
            .when(~has_position & ~has_static_content())
            .then(pl.lit("no_content"))
            .when(~has_position | keeps_sentinels)
            .then(None)
            .when(not_available)
            .then(pl.lit("position_not_available"))
            .when(~in_range)
            .then(pl.lit("position_out_of_range"))
            .otherwise(None)
        )
        .with_columns(
            is_position=pl.col("reason").is_null() & has_position & ~is_beacon,
            is_static=pl.col("reason").is_null() & has_static_content() & ~is_beacon,
        )
    )


def null_not_available(rules: CleanRules) -> list[pl.Expr]:
    """Return expressions that null optional values which say "not available" or cannot be."""
    earliest = datetime.fromisoformat(rules.earliest_time)
    latest = datetime.fromisoformat(rules.latest_time)

    def within(name: str, low: float, high: float) -> pl.Expr:
        return pl.when(pl.col(name).is_between(low, high)).then(pl.col(name)).alias(name)

    def text(name: str) -> pl.Expr:
        stripped = pl.col(name).str.strip_chars(" @\t\r\n\x00")
        return pl.when(stripped.str.len_chars().is_between(1, rules.longest_text)).then(stripped)

    received_at = pl.col("received_at")

    return [
        within("sog", 0, 102.25),
        pl.when(pl.col("cog").is_between(0, 360, closed="left")).then("cog").alias("cog"),
        pl.when(pl.col("heading").is_between(0, 360, closed="left"))
        .then("heading")
        .alias("heading"),
        within("nav_status", 0, 14),
        within("message_type", 1, 27),
        within("ship_type", 1, 255),
        within("imo", 1, 2**30 - 1),
        pl.when(received_at.is_between(earliest, latest, closed="left")).then(received_at),
        pl.when((pl.col("length_m") > 0) & (pl.col("length_m") <= 1022)).then("length_m"),
        pl.when((pl.col("beam_m") > 0) & (pl.col("beam_m") <= 126)).then("beam_m"),
        pl.when((pl.col("draught_m") > 0) & (pl.col("draught_m") <= 25.5)).then("draught_m"),
        pl.when(pl.col("ais_class").is_in(["A", "B"])).then("ais_class"),
        pl.when(pl.col("receiver").is_in(["terrestrial", "satellite"]))
        .then("receiver")
        .otherwise(pl.lit("unknown"))
        .alias("receiver"),
        *(text(name) for name in ("name", "callsign", "destination", "eta", "station")),
    ]


def pick_sightings(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the accepted positions of judged reports, in the columns of a sighting.

    Instants are cut to whole seconds and positions rounded to micro-degrees: the precision at
    which two reports are one sighting (METHOD 2), so that an id or a duration does not change
    when a duplicate arrives later.
    """
    return judged.filter("is_position").select(
        "row",
        "rows",
        pl.col("mmsi").cast(pl.Int32),
        seen_at=pl.col("timestamp").dt.truncate("1s"),
        lon=micro_degrees("longitude"),
        lat=micro_degrees("latitude"),
        sog_kn=pl.col("sog").cast(pl.Float32),
        cog_deg=pl.col("cog").cast(pl.Float32),
        heading_deg=pl.col("heading").cast(pl.Float32),
        nav_status="nav_status",
        ais_class="ais_class",
        message_type="message_type",
        receiver="receiver",
        station=plain_label("station"),
        received_at="received_at",
    )


def micro_degrees(name: str) -> pl.Expr:
    """Return degrees rounded to micro-degrees.

    Never minus zero: it equals zero, so two reports at the meridian of Greenwich are one sighting,
    and which of the two zeros was stored would hang on the order of the raw files.
    """
    degrees = pl.col(name).round(6)
    # polars leaves `+ 0.0` out.
    return pl.when(degrees == 0).then(0.0).otherwise(degrees)


def plain_label(name: str) -> pl.Expr:
    """Return the column with the separators of `heard_by` replaced, "" for null."""
    return pl.col(name).str.replace_all(r"[|;\s]+", "_").fill_null("").alias(name)


def pick_statics(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the static reports among judged reports, instants cut to whole seconds."""
    is_only_static = ~pl.col("is_position")
    return judged.filter("is_static").select(
        "row",
        "rows",
        pl.col("mmsi").cast(pl.Int32),
        pl.col("timestamp").dt.truncate("1s").alias("seen_at"),
        "ais_class",
        *STATIC_FIELDS,
        is_only_static=is_only_static,
    )


def pick_beacons(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the reports of base stations and aids to navigation among judged reports."""
    fine = (
        pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180)
    ).fill_null(value=False)
    return judged.filter(pl.col("is_beacon") & pl.col("reason").is_null()).select(
        "row",
        "rows",
        pl.col("mmsi").cast(pl.Int32),
        pl.col("timestamp").dt.truncate("1s").alias("seen_at"),
        "receiver",
        plain_label("station"),
        lon=pl.when(fine).then(micro_degrees("longitude")),
        lat=pl.when(fine).then(micro_degrees("latitude")),
    )


def drop_duplicates(sightings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (one row per sighting, duplicates per file) of one UTC day (METHOD 2).

    Same MMSI, second and micro-degrees are one sighting. The representative is the smallest
    (feed, station, content); `heard_by` keeps everybody who heard it and `receiver` says which
    kinds did.

    Args:
        sightings: staged sightings with `feed` and `file_no`, any order.

    Returns:
        Sightings sorted by (mmsi, seen_at, lon, lat), and (file_no, duplicate).
    """
    heard = pl.concat_str("feed", "receiver", "station", separator="|")
    ordered = sightings.with_columns(heard_by=heard).sort(*SIGHTING_KEY, nulls_last=False)
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in SIGHTING_KEY)
    ordered = ordered.with_columns(repeats=same.fill_null(value=False))
    in_group = pl.col("repeats") | pl.col("repeats").shift(-1, fill_value=False)
    alone = ordered.filter(~in_group).drop("repeats")
    several = ordered.filter(in_group).drop("repeats")
    if several.is_empty():
        return alone, pl.DataFrame(schema={"file_no": pl.Int32, "duplicate": pl.Int64})
    several = several.sort(
        *SIGHTING_KEY, "feed", "station", *CONTENT, "file_no", "row", nulls_last=False
    )
    kinds = pl.col("receiver")
    merged = several.group_by(SIGHTING_KEY, maintain_order=True).agg(
        pl.exclude("heard_by", "receiver").first(),
        heard_by=pl.col("heard_by").unique().sort().str.join(";"),
        receiver=pl.when((kinds == "terrestrial").any() & (kinds == "satellite").any())
        .then(pl.lit("both"))
        .when((kinds == "terrestrial").any())
        .then(pl.lit("terrestrial"))
        .when((kinds == "satellite").any())
        .then(pl.lit("satellite"))
        .otherwise(pl.lit("unknown")),
    )
    kept = merged.group_by("file_no").agg(kept=pl.col("rows").sum())
    duplicates = (
        several.group_by("file_no")
        .agg(total=pl.col("rows").sum())
        .join(kept, on="file_no", how="left")
        .select("file_no", duplicate=pl.col("total") - pl.col("kept").fill_null(0))
    )
    unique = pl.concat([alone, merged.select(alone.columns)])
    return unique.sort(*SIGHTING_KEY), duplicates


def thin_outside(sightings: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (sightings kept, outside rows per file) of one UTC day (METHOD 1).

    Inside the region every sighting is kept; of every run of consecutive outside sightings of an
    MMSI the first and the last.

    Args:
        sightings: sorted by (mmsi, seen_at, lon, lat), with `is_outside`.
    """
    same_run = (pl.col("mmsi") == pl.col("mmsi").shift(1)) & pl.col("is_outside").shift(1)
    goes_on = (pl.col("mmsi") == pl.col("mmsi").shift(-1)) & pl.col("is_outside").shift(-1)
    dropped = (pl.col("is_outside") & same_run & goes_on).fill_null(value=False)
    marked = sightings.with_columns(dropped=dropped)
    outside = marked.filter("dropped").group_by("file_no").agg(outside=pl.col("rows").sum())
    return marked.filter(~pl.col("dropped")).drop("dropped"), outside


def summarise_statics(statics: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (static data by UTC day and value, duplicates per file) of one UTC day.

    Same MMSI, second and content are one report. Rows whose position counts already (a provider
    row with both) are never counted as duplicates here: one row has one fate.
    """
    values = ("ais_class", *STATIC_FIELDS)
    ordered = statics.sort(
        "mmsi", "seen_at", *values, "is_only_static", "file_no", "row", nulls_last=False
    )
    one = ordered.group_by("mmsi", "seen_at", *values, maintain_order=True).agg(
        pl.col("file_no", "row").first()
    )
    duplicates = (
        ordered.join(one, on=["file_no", "row"], how="anti")
        .filter("is_only_static")
        .group_by("file_no")
        .agg(duplicate=pl.col("rows").sum())
    )
    spans = one.group_by("mmsi", *values).agg(
        first_at=pl.col("seen_at").min(),
        last_at=pl.col("seen_at").max(),
        reports=pl.len().cast(pl.Int64),
    )
    return spans.sort("mmsi", "first_at", *values, nulls_last=False), duplicates


def summarise_beacons(beacons: pl.DataFrame) -> pl.DataFrame:
    """Return table `beacons` of one UTC day: who was heard in which hour, by whom."""
    return (
        beacons.with_columns(hour=pl.col("seen_at").dt.truncate("1h"))
        .sort("mmsi", "seen_at", "lon", "lat", nulls_last=True)
        .group_by("mmsi", "hour", "feed", "receiver", "station", maintain_order=True)
        .agg(
            pl.col("lon").first(),
            pl.col("lat").first(),
            messages=pl.len().cast(pl.Int64),
        )
    )
