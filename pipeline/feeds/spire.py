"""Spire's CSV of historical messages: positions and static data between each other."""

from __future__ import annotations

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.table import TableFormat

# `timestamp` is the transmission, `created_at` the arrival at Spire.
SPIRE = TableFormat(
    "spire",
    "Spire, CSV",
    "timestamp, mmsi, msg_type, longitude, latitude; created_at, collection_type where told",
    Layout(
        {
            "received_at": layout.time("created_at", is_required=False),
            "timestamp": layout.time("timestamp"),
            "mmsi": layout.mmsi("mmsi"),
            "message_type": field("msg_type", read=values.message_type),
            "longitude": layout.number("longitude", is_required=True),
            "latitude": layout.number("latitude", is_required=True),
            "sog": layout.number("speed"),
            "cog": layout.number("course"),
            "heading": layout.number("heading"),
            "nav_status": field("status", read=values.nav_status),
            "imo": field("imo", read=values.imo_number),
            "name": field("name"),
            "callsign": field("call_sign"),
            "ship_type": field("ship_and_cargo_type", "ship_type", read=values.ship_type),
            "length_m": layout.number("length"),
            "beam_m": layout.number("width"),
            "draught_m": layout.number("draught"),
            "destination": field("destination"),
            "eta": field("eta"),
            "receiver": field("collection_type", read=values.receiver),
        },
        marks=frozenset(("created_at", "msg_type", "collection_type", "call_sign")),
        marks_needed=2,
    ),
)
