"""BarentsWatch (Norwegian Coastal Administration): JSON, GeoJSON and server-sent events."""

from __future__ import annotations

from typing import Any

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.records import RecordFormat


def flatten(record: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record; of a GeoJSON feature its properties and its point."""
    properties, geometry = record.get("properties"), record.get("geometry")
    if not isinstance(properties, dict):
        return record
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        return properties
    return {**properties, "longitude": coordinates[0], "latitude": coordinates[1]}


# Draught is in 0.1 m, as AIS sends it: 24 for a tug of 17 m.
BARENTSWATCH = RecordFormat(
    "barentswatch",
    "BarentsWatch, JSON",
    "mmsi, msgtime, longitude and latitude or a point, speedOverGround, courseOverGround",
    Layout(
        {
            "mmsi": layout.mmsi("mmsi"),
            "timestamp": layout.time("msgtime"),
            "message_type": field("messageType", read=values.message_type),
            "ais_class": field("aisClass", "reportClass", read=values.ais_class),
            "longitude": layout.number("longitude"),
            "latitude": layout.number("latitude"),
            "sog": layout.number("speedOverGround"),
            "cog": layout.number("courseOverGround"),
            "heading": layout.number("trueHeading"),
            "nav_status": field("navigationalStatus", read=values.nav_status),
            "imo": field("imoNumber", read=values.imo_number),
            "name": field("name"),
            "callsign": field("callSign"),
            "ship_type": field("shipType", read=values.ship_type),
            "length_m": layout.number("shipLength"),
            "beam_m": layout.number("shipWidth"),
            "draught_m": layout.number("draught", scale=values.scaled(1, 10)),
            "destination": field("destination"),
            "eta": field("eta"),
            "bow": layout.number("dimensionA"),
            "stern": layout.number("dimensionB"),
            "port": layout.number("dimensionC"),
            "starboard": layout.number("dimensionD"),
        },
        marks=frozenset(
            (
                "msgtime",
                "speedoverground",
                "courseoverground",
                "navigationalstatus",
                "trueheading",
                "imonumber",
                "shiptype",
            )
        ),
        marks_needed=2,
    ),
    flatten,
)
