"""MarineTraffic exports. Those without an MMSI are read to the end, every row refused as such."""

from __future__ import annotations

from pipeline.feeds import layout, values
from pipeline.feeds.layout import Layout, field
from pipeline.feeds.table import TableFormat

# ELAPSED counts minutes before an unknown moment: a row has no time of its own, none is invented.
TILE = TableFormat(
    "marinetraffic_tile",
    "MarineTraffic map tile, CSV",
    "MMSI and TIMESTAMP beside LAT, LON, SPEED (0.1 kn); tiles have neither, their rows are "
    "refused as no_mmsi",
    Layout(
        {
            "mmsi": layout.mmsi("MMSI", is_required=False),
            "timestamp": layout.time("TIMESTAMP", is_required=False),
            "longitude": layout.number("LON", is_required=True),
            "latitude": layout.number("LAT", is_required=True),
            "sog": layout.number("SPEED", scale=values.scaled(1, 10)),
            "cog": layout.number("COURSE"),
            "heading": layout.number("HEADING"),
            "name": field("SHIPNAME"),
            "length_m": layout.number("LENGTH"),
            "beam_m": layout.number("WIDTH"),
            "destination": field("DESTINATION"),
        },
        marks=frozenset(("ship_id", "elapsed", "l_fore", "w_left", "gt_shiptype", "dwt")),
        marks_needed=3,
    ),
)

POSITIONS = TableFormat(
    "marinetraffic_positions",
    "MarineTraffic positions, CSV",
    "MMSI beside ais_pos_timestamp (day first), longitude, latitude; rows of files without it are "
    "refused as no_mmsi",
    Layout(
        {
            "mmsi": layout.mmsi("MMSI", is_required=False),
            "timestamp": layout.time("ais_pos_timestamp"),
            "longitude": layout.number("longitude", is_required=True),
            "latitude": layout.number("latitude", is_required=True),
        },
        marks=frozenset(("ais_pos_timestamp",)),
        marks_needed=1,
    ),
)
