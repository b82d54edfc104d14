"""What was heard in a UTC day, by receiver and hour: exact counts that stand beside each other.

A unit is a feed, a receiver kind and a station; a feed that names no stations is one unit per
receiver kind.
"""

from __future__ import annotations

import polars as pl

from pipeline.ships import mid_flag

UNIT = ("feed", "receiver", "station")
# Stands for all units together: the distinct ships anybody heard.
ANYBODY = {"feed": "", "receiver": "any", "station": ""}
# In place of a flag: base stations and aids to navigation.
BEACON = "beacon"
NO_FLAG = "unknown"

STATION_HOURS = pl.Schema(
    {
        "feed": pl.String,
        "receiver": pl.String,
        "station": pl.String,
        "hour": pl.Datetime("us"),
        "messages": pl.Int64,
        "ships": pl.Int64,
        "beacons": pl.Int64,
        "delay_s": pl.Int64,
    }
)
STATION_AREAS = pl.Schema(
    {
        "feed": pl.String,
        "receiver": pl.String,
        "station": pl.String,
        "area": pl.String,
        "flag": pl.String,
        "hour": pl.Datetime("us"),
        "ships": pl.Int64,
    }
)


def count_station_hours(
    sightings: pl.DataFrame | None, beacons: pl.DataFrame | None
) -> pl.DataFrame:
    """Return what each unit heard in each hour of one UTC day, duplicates included.

    Args:
        sightings: staged sightings before duplicates are dropped: mmsi, seen_at, feed, receiver,
            station, received_at; None without any.
        beacons: staged reports of beacons: mmsi, seen_at, feed, receiver, station; None without.

    Returns:
        STATION_HOURS, sorted by unit and hour: `messages` are positions of ships; `ships` distinct
        MMSIs among them; `beacons` distinct base stations and aids to navigation; `delay_s` the
        lower median of receipt minus sending in whole seconds, null where no receipt is told. An
        hour in which nothing was heard has no row.
    """
    parts = []
    hour = pl.col("seen_at").dt.truncate("1h").cast(pl.Datetime("us")).alias("hour")
    if sightings is not None:
        delay_s = pl.col("received_at").dt.epoch("s") - pl.col("seen_at").dt.epoch("s")
        parts.append(
            sightings.group_by(*UNIT, hour).agg(
                messages=pl.len().cast(pl.Int64),
                ships=pl.col("mmsi").n_unique().cast(pl.Int64),
                beacons=pl.lit(0, dtype=pl.Int64),
                delay_s=delay_s.quantile(0.5, interpolation="lower").cast(pl.Int64),
            )
        )
    if beacons is not None:
        parts.append(
            beacons.group_by(*UNIT, hour).agg(
                messages=pl.lit(0, dtype=pl.Int64),
                ships=pl.lit(0, dtype=pl.Int64),
                beacons=pl.col("mmsi").n_unique().cast(pl.Int64),
                delay_s=pl.lit(None, dtype=pl.Int64),
            )
        )
    if not parts:
        return pl.DataFrame(schema=STATION_HOURS)
    return (
        pl.concat([part.select(STATION_HOURS.names()).cast(STATION_HOURS) for part in parts])
        .group_by(*UNIT, "hour")
        .agg(pl.col("messages", "ships", "beacons").sum(), pl.col("delay_s").max())
        .sort(*UNIT, "hour")
    )


def count_station_areas(kept: pl.DataFrame, beacons: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return how many ships each unit heard in each area and hour of one UTC day, by flag.

    `flag` is the country of the MMSI's MID, NO_FLAG without one, BEACON for beacons: coarse, only
    to tell one flag's silence from everybody's. Rows of ANYBODY count distinct ships over all
    units.

    Args:
        kept: the day's sightings, duplicates merged: mmsi, seen_at, area, heard_by
            ("feed|receiver|station", separated by ";").
        beacons: the day's reports of beacons: mmsi, seen_at, feed, receiver, station, area (null
            where a beacon does not say where it is); None leaves beacons out.

    Returns:
        STATION_AREAS, sorted by all columns; a ship heard in two areas of an hour counts in both.
    """
    hour = pl.col("seen_at").dt.truncate("1h").cast(pl.Datetime("us")).alias("hour")
    flag = mid_flag(pl.col("mmsi")).fill_null(NO_FLAG).alias("flag")
    # Few of the rows are left before the lists are taken apart: a ship is heard many times an hour.
    heard = kept.select("heard_by", "area", "mmsi", hour).unique().with_columns(flag)
    by_unit = heard.with_columns(pl.col("heard_by").str.split(";")).explode("heard_by")
    parts = [_with_unit(by_unit), heard.with_columns(_anybody())]
    if beacons is not None:
        placed = beacons.filter(pl.col("area").is_not_null()).select(
            *UNIT, "area", "mmsi", hour, flag=pl.lit(BEACON)
        )
        parts += [placed, placed.with_columns(_anybody())]
    rows = [part.select(*UNIT, "area", "flag", "hour", "mmsi") for part in parts]
    return (
        pl.concat([row.cast({"mmsi": pl.Int64, "area": pl.String}) for row in rows])
        .group_by(*UNIT, "area", "flag", "hour")
        .agg(ships=pl.col("mmsi").n_unique().cast(pl.Int64))
        .sort(*UNIT, "area", "flag", "hour")
        .cast(STATION_AREAS)
    )


def _with_unit(heard: pl.DataFrame) -> pl.DataFrame:
    """Return rows with the columns of UNIT, from one entry of `heard_by` each."""
    parts = pl.col("heard_by").str.split("|")
    return heard.with_columns(parts.list.get(at).alias(name) for at, name in enumerate(UNIT))


def _anybody() -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in ANYBODY.items()]
