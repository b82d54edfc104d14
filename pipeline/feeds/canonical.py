"""The canonical feed (DESIGN 3) as CSV: what any provider's data can be mapped to."""

from __future__ import annotations

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Field, Layout, field
from pipeline.feeds.table import TableFormat

REQUIRED = ("mmsi", "timestamp", "longitude", "latitude")

FIELDS: dict[str, Field] = {
    "mmsi": layout.mmsi("mmsi"),
    "timestamp": layout.time("timestamp"),
    "longitude": layout.number("longitude", is_required=True),
    "latitude": layout.number("latitude", is_required=True),
    "sog": layout.number("sog"),
    "cog": layout.number("cog"),
    "heading": layout.number("heading"),
    "nav_status": field("nav_status", read=values.nav_status),
    "ais_class": field("ais_class", read=values.ais_class),
    "message_type": field("message_type", read=values.message_type),
    "receiver": field("receiver", read=values.receiver),
    "station": field("station"),
    "received_at": layout.time("received_at", is_required=False),
    "imo": field("imo", read=values.imo_number),
    "name": field("name"),
    "callsign": field("callsign"),
    "ship_type": field("ship_type", read=values.ship_type),
    "length_m": layout.number("length_m"),
    "beam_m": layout.number("beam_m"),
    "draught_m": layout.number("draught_m"),
    "destination": field("destination"),
    "eta": field("eta"),
}

# Upper and lower case differ: "Timestamp" and "MMSI" are the words of a provider, whose other
# columns may have another meaning than the canonical ones.
LAYOUT = Layout(FIELDS, is_exact=True)

CANONICAL = TableFormat(
    "canonical",
    "canonical feed, CSV",
    f"a header with {', '.join(REQUIRED)}; knots, degrees, metres, UTC",
    LAYOUT,
)
