"""exactEarth's CSV of decoded messages, every field of every message type in its own column."""

from __future__ import annotations

import polars as pl

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.table import TableFormat


def with_eta(read: pl.DataFrame) -> pl.DataFrame:
    """Return the table with month, day, hour and minute of the ETA as one text, "MM-DD HH:MM"."""
    parts = [
        pl.col(f"eta_{part}").cast(pl.Int64, strict=False).cast(pl.String).str.zfill(2)
        for part in ("month", "day", "hour", "minute")
        if f"eta_{part}" in read.columns
    ]
    if len(parts) < 4:
        return read
    return read.with_columns(eta=pl.format("{}-{} {}:{}", *parts))


# Static messages (types 5 and 24) have no position. Time is the whole second; the column
# Millisecond is left out, so that the same message is the same instant in every feed.
EXACTEARTH = TableFormat(
    "exactearth",
    "exactEarth, CSV",
    "MMSI, Message_ID, Time (yyyymmdd_HHMMSS), Longitude, Latitude, 127 columns or more",
    Layout(
        {
            "mmsi": layout.mmsi("MMSI"),
            "message_type": field("Message_ID", read=values.message_type),
            "timestamp": layout.time("Time"),
            "longitude": layout.number("Longitude", is_required=True),
            "latitude": layout.number("Latitude", is_required=True),
            "sog": layout.number("SOG"),
            "cog": layout.number("COG"),
            "heading": layout.number("Heading"),
            "nav_status": field("Navigational_status", read=values.nav_status),
            "station": field("Base_station"),
            "imo": field("IMO", read=values.imo_number),
            "name": field("Vessel_Name"),
            "callsign": field("Call_sign"),
            "ship_type": field("Ship_Type", read=values.ship_type),
            "draught_m": layout.number("Draught", scale=values.scaled(1, 10)),
            "destination": field("Destination"),
            "bow": layout.number("Dimension_to_Bow"),
            "stern": layout.number("Dimension_to_stern"),
            "port": layout.number("Dimension_to_port"),
            "starboard": layout.number("Dimension_to_starboard"),
            "eta_month": layout.number("ETA_month"),
            "eta_day": layout.number("ETA_day"),
            "eta_hour": layout.number("ETA_hour"),
            "eta_minute": layout.number("ETA_minute"),
        },
        marks=frozenset(
            ("message_id", "repeat_indicator", "dimension_to_bow", "raim_flag", "vessel_name")
        ),
        marks_needed=3,
        finish=with_eta,
    ),
)
