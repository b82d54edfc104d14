"""CSV layouts met in published research data, each of one project."""

from __future__ import annotations

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.table import TableFormat

DEGREE = values.scaled(1, 600_000)
TENTH = values.scaled(1, 10)

ORBCOMM_INTEGERS = TableFormat(
    "orbcomm_integers",
    "Orbcomm, CSV of AIS integers",
    "mmsi, timeStamp, longitude and latitude in 1/600000 degree, speed_over_ground in 0.1 kn",
    Layout(
        {
            "message_type": field("message_type", read=values.message_type),
            "mmsi": layout.mmsi("mmsi"),
            "nav_status": field("navigation_status", read=values.nav_status),
            "sog": layout.number("speed_over_ground", scale=TENTH),
            "longitude": layout.number("longitude", scale=DEGREE, is_required=True),
            "latitude": layout.number("latitude", scale=DEGREE, is_required=True),
            "cog": layout.number("course_over_ground", scale=TENTH),
            "heading": layout.number("true_heading"),
            "timestamp": layout.time("timeStamp"),
        },
        marks=frozenset(
            ("navigation_status", "speed_over_ground", "course_over_ground", "true_heading")
        ),
        marks_needed=3,
    ),
)

SKYTRUTH = TableFormat(
    "skytruth",
    "SkyTruth, CSV",
    "mmsi, longitude, latitude, timestamp (epoch seconds), navstat, hdg, cog, sog",
    Layout(
        {
            "mmsi": layout.mmsi("mmsi"),
            "longitude": layout.number("longitude", is_required=True),
            "latitude": layout.number("latitude", is_required=True),
            "timestamp": layout.time("timestamp"),
            "nav_status": field("navstat", read=values.nav_status),
            "heading": layout.number("hdg"),
            "cog": layout.number("cog"),
            "sog": layout.number("sog"),
        },
        marks=frozenset(("navstat", "hdg", "score")),
        marks_needed=2,
    ),
)

SPACEEYES = TableFormat(
    "spaceeyes",
    "SpaceEyes, CSV",
    "mmsi, timestamp, lat, long, sog, cog, heading, nav_stt, shiptype",
    Layout(
        {
            "latitude": layout.number("lat", is_required=True),
            "longitude": layout.number("long", is_required=True),
            "sog": layout.number("sog"),
            "cog": layout.number("cog"),
            "heading": layout.number("heading"),
            "nav_status": field("nav_stt", read=values.nav_status),
            "timestamp": layout.time("timestamp"),
            "mmsi": layout.mmsi("mmsi"),
            "ship_type": field("shiptype", read=values.ship_type),
        },
        marks=frozenset(("nav_stt", "long", "shiptype")),
        marks_needed=2,
    ),
)

SHIP_SAMPLE = TableFormat(
    "ship_sample",
    "track of a ship, CSV",
    "position_timestamp (day first), mmsi, latitude, longitude",
    Layout(
        {
            "timestamp": layout.time("position_timestamp"),
            "mmsi": layout.mmsi("mmsi"),
            "latitude": layout.number("latitude", is_required=True),
            "longitude": layout.number("longitude", is_required=True),
        },
        marks=frozenset(("position_timestamp",)),
        marks_needed=1,
    ),
)
