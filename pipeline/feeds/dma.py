"""The day files of the Danish Maritime Authority: CSV in three dialects, and JSON."""

from __future__ import annotations

import re
from typing import Any

from pipeline.feeds import layout, values
from pipeline.feeds.dialect import Dialect, first_fields, header_of
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.records import RecordFormat
from pipeline.feeds.table import TableFormat

# The order of the columns, for the files without a header (docs/dma_metadata.txt of the provider).
COLUMNS = (
    "Timestamp",
    "Type of mobile",
    "MMSI",
    "Latitude",
    "Longitude",
    "Navigational status",
    "ROT",
    "SOG",
    "COG",
    "Heading",
    "IMO",
    "Callsign",
    "Name",
    "Ship type",
    "Cargo type",
    "Width",
    "Length",
    "Type of position fixing device",
    "Draught",
    "Destination",
    "ETA",
    "Data source type",
    "A",
    "B",
    "C",
    "D",
)
FEWEST_COLUMNS = 22
KINDS = ("class a", "class b", "base station", "aton", "sar airborne", "search and rescue")
DAY_FIRST = re.compile(r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}")

LAYOUT = Layout(
    {
        "timestamp": layout.time("Timestamp"),
        "is_beacon": field("Type of mobile", read=values.is_beacon_kind),
        "ais_class": field("Type of mobile", read=values.ais_class),
        "mmsi": layout.mmsi("MMSI"),
        "latitude": layout.number("Latitude", is_required=True),
        "longitude": layout.number("Longitude", is_required=True),
        "nav_status": field("Navigational status", read=values.nav_status),
        "sog": layout.number("SOG"),
        "cog": layout.number("COG"),
        "heading": layout.number("Heading"),
        "imo": field("IMO", read=values.imo_number),
        "callsign": field("Callsign"),
        "name": field("Name"),
        "ship_type": field("Ship type", read=values.ship_type),
        "beam_m": layout.number("Width"),
        "length_m": layout.number("Length"),
        "draught_m": layout.number("Draught"),
        "destination": field("Destination"),
        "eta": field("ETA"),
        "bow": layout.number("A"),
        "stern": layout.number("B"),
        "port": layout.number("C"),
        "starboard": layout.number("D"),
    },
    marks=frozenset(
        (
            "type of mobile",
            "navigational status",
            "ship type",
            "cargo type",
            "type of position fixing device",
            "data source type",
        )
    ),
    marks_needed=2,
)


def dialect_of(head: bytes) -> Dialect | None:
    """Return the dialect of a DMA file, of one without a header too, known by its first row."""
    first = first_fields(head)
    if first is None or not FEWEST_COLUMNS <= len(first.columns) <= len(COLUMNS):
        return header_of(head)
    time, kind = first.columns[:2]
    if not DAY_FIRST.fullmatch(time) or not kind.lower().startswith(KINDS):
        return header_of(head)
    columns = COLUMNS[: len(first.columns)]
    return Dialect(
        columns, first.separator, has_header=False, has_decimal_comma=first.has_decimal_comma
    )


DMA = TableFormat(
    "dma",
    "Danish Maritime Authority, CSV",
    "# Timestamp (day first), Type of mobile, MMSI, Latitude, Longitude; or its 22 to 26 columns "
    "without a header",
    LAYOUT,
    dialect_of,
)


def flatten(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its position beside it: coordinates are [latitude, longitude]."""
    position = record.get("Position")
    coordinates = position.get("coordinates") if isinstance(position, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) != 2:
        return record
    return {**record, "latitude": coordinates[0], "longitude": coordinates[1]}


DMA_JSON = RecordFormat(
    "dma_json",
    "Danish Maritime Authority, JSON",
    "Timestamp, MMSI, MsgType, Class, Position with coordinates [latitude, longitude]",
    Layout(
        {
            "timestamp": layout.time("Timestamp"),
            "is_beacon": field("Class", read=values.is_beacon_kind),
            "ais_class": field("Class", read=values.ais_class),
            "mmsi": layout.mmsi("MMSI"),
            "latitude": layout.number("latitude"),
            "longitude": layout.number("longitude"),
            "nav_status": field("Status", read=values.nav_status),
            "sog": layout.number("SoG"),
            "cog": layout.number("CoG"),
            "heading": layout.number("Heading"),
            "imo": field("IMO", read=values.imo_number),
            "callsign": field("CallSign"),
            "name": field("Name"),
            "ship_type": field("VesselType", read=values.ship_type),
            "length_m": layout.number("Length"),
            "beam_m": layout.number("Breadth"),
            "draught_m": layout.number("Draught"),
            "destination": field("Destination"),
            "eta": field("ETA"),
            "bow": layout.number("A"),
            "stern": layout.number("B"),
            "port": layout.number("C"),
            "starboard": layout.number("D"),
        },
        marks=frozenset(("msgtype", "class", "position", "sog", "cog", "vesseltype")),
        marks_needed=2,
    ),
    flatten,
)
