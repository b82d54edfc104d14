"""NOAA MarineCadastre broadcast points: the classic columns, and those from 2025 on."""

from __future__ import annotations

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.table import TableFormat

CLASSIC = TableFormat(
    "noaa",
    "NOAA MarineCadastre, CSV until 2024",
    "MMSI, BaseDateTime, LAT, LON and the columns of a vessel",
    Layout(
        {
            "mmsi": layout.mmsi("MMSI"),
            "timestamp": layout.time("BaseDateTime"),
            "latitude": layout.number("LAT", is_required=True),
            "longitude": layout.number("LON", is_required=True),
            "sog": layout.number("SOG"),
            "cog": layout.number("COG"),
            "heading": layout.number("Heading"),
            "name": field("VesselName"),
            "imo": field("IMO", read=values.imo_number),
            "callsign": field("CallSign"),
            "ship_type": field("VesselType", read=values.ship_type),
            "nav_status": field("Status", read=values.nav_status),
            "length_m": layout.number("Length"),
            "beam_m": layout.number("Width"),
            "draught_m": layout.number("Draft"),
            # Some years' files misspell it.
            "ais_class": field("TransceiverClass", "TranscieverClass", read=values.ais_class),
        },
        marks=frozenset(("basedatetime", "vesselname", "vesseltype", "callsign", "draft", "cargo")),
        marks_needed=3,
    ),
)

# Also the columns of its GeoParquet, whose positions may be points in a geometry column only.
LAYOUT_2025 = Layout(
    {
        "mmsi": layout.mmsi("mmsi"),
        "timestamp": layout.time("base_date_time"),
        "longitude": layout.number("longitude", is_required=True),
        "latitude": layout.number("latitude", is_required=True),
        "sog": layout.number("sog"),
        "cog": layout.number("cog"),
        "heading": layout.number("heading"),
        "name": field("vessel_name"),
        "imo": field("imo", read=values.imo_number),
        "callsign": field("call_sign"),
        "ship_type": field("vessel_type", read=values.ship_type),
        "nav_status": field("status", read=values.nav_status),
        "length_m": layout.number("length"),
        "beam_m": layout.number("width"),
        "draught_m": layout.number("draft"),
        "ais_class": field("transceiver", "transceiver_class", read=values.ais_class),
    },
    marks=frozenset(
        ("base_date_time", "vessel_name", "call_sign", "vessel_type", "draft", "transceiver")
    ),
    marks_needed=3,
)

NOAA_2025 = TableFormat(
    "noaa_2025",
    "NOAA MarineCadastre, CSV from 2025",
    "mmsi, base_date_time, longitude, latitude and the columns of a vessel",
    LAYOUT_2025,
)
