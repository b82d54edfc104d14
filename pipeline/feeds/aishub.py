"""AISHub as JSON and CSV, human-readable or in the integers of AIS."""

from __future__ import annotations

from typing import Any

import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.records import RecordFormat
from pipeline.feeds.table import TableFormat

TITLE = "AISHub"
DEGREE, TENTH = values.scaled(1, 600_000), values.scaled(1, 10)


def is_epoch(text: pl.Expr) -> pl.Expr:
    """Say whether a time is epoch seconds, as in rows of AIS integers."""
    return text.str.contains(r"^\s*\d+\s*$")


def with_integers_scaled(read: pl.DataFrame) -> pl.DataFrame:
    """Return the table with rows of AIS integers in degrees, knots and metres."""
    scales = {
        "longitude": DEGREE,
        "latitude": DEGREE,
        "sog": TENTH,
        "cog": TENTH,
        "draught_m": TENTH,
    }
    return read.with_columns(
        pl.when("is_integers").then(scale(pl.col(name))).otherwise(name).alias(name)
        for name, scale in scales.items()
    )


LAYOUT = Layout(
    {
        "mmsi": layout.mmsi("MMSI"),
        "timestamp": layout.time("TIME"),
        "is_integers": field("TIME", read=is_epoch),
        "longitude": layout.number("LONGITUDE", is_required=True),
        "latitude": layout.number("LATITUDE", is_required=True),
        "cog": layout.number("COG"),
        "sog": layout.number("SOG"),
        "heading": layout.number("HEADING"),
        "nav_status": field("NAVSTAT", read=values.nav_status),
        "imo": field("IMO", read=values.imo_number),
        "name": field("NAME"),
        "callsign": field("CALLSIGN"),
        "ship_type": field("TYPE", read=values.ship_type),
        "bow": layout.number("A"),
        "stern": layout.number("B"),
        "port": layout.number("C"),
        "starboard": layout.number("D"),
        "draught_m": layout.number("DRAUGHT"),
        "destination": field("DEST"),
        "eta": field("ETA"),
    },
    marks=frozenset(("navstat", "dest", "callsign", "rot", "draught")),
    marks_needed=3,
    finish=with_integers_scaled,
)


def answered(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the ships in an object of the answer: none in its head, which tells errors.

    Raises:
        RawFileError: the answer is an error instead of ships.
    """
    if "ERROR" not in value:
        return [value]
    if value["ERROR"] is True:
        raise RawFileError(f"{TITLE}: an error instead of ships: {value.get('ERROR_MESSAGE', '')}")
    return []


AISHUB = TableFormat(
    "aishub",
    f"{TITLE}, CSV",
    "MMSI, TIME, LONGITUDE, LATITUDE, NAVSTAT, DEST; in words or in AIS integers",
    LAYOUT,
)

AISHUB_JSON = RecordFormat(
    "aishub_json",
    f"{TITLE}, JSON",
    "[{ERROR, RECORDS}, [{MMSI, TIME, LONGITUDE, LATITUDE, NAVSTAT, DEST}]]; in words or integers",
    LAYOUT,
    expand=answered,
)
