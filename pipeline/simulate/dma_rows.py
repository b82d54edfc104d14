"""Canonical rows in the words of the Danish Maritime Authority's day files, 26 columns.

The format has one instant (when a station heard the report), no station, no receiver kind, no
message type, and ship types by their first digit: less than the canonical feed. A static report is
a row without a place, where the authority repeats it beside every position: so a report is one
row in every format the world can be written in.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipeline.simulate.sendable import AID_TO_NAVIGATION, BASE_STATION, NO_COG, NO_HEADING, NO_SOG

UNKNOWN, UNDEFINED = "Unknown", "Undefined"
NO_STATUS = "Unknown value"

NAV_STATUS_WORDS: dict[int, str] = {
    0: "Under way using engine",
    1: "At anchor",
    2: "Not under command",
    3: "Restricted maneuverability",
    4: "Constrained by her draught",
    5: "Moored",
    6: "Aground",
    7: "Engaged in fishing",
    8: "Under way sailing",
    9: "Reserved for future amendment [HSC]",
    10: "Reserved for future amendment [WIG]",
    11: "Power-driven vessel towing astern",
    12: "Power-driven vessel pushing ahead or towing alongside",
    13: "Reserved for future use",
    14: "AIS-SART (Active)",
}
SHIP_TYPE_WORDS: dict[int, str] = {
    30: "Fishing",
    31: "Towing",
    32: "Towing long/wide",
    33: "Dredging",
    34: "Diving",
    35: "Military",
    36: "Sailing",
    37: "Pleasure",
    50: "Pilot",
    51: "SAR",
    52: "Tug",
    53: "Port tender",
    54: "Anti-pollution",
    55: "Law enforcement",
    56: "Spare 1",
    57: "Spare 2",
    58: "Medical",
    59: "Not party to conflict",
    **dict.fromkeys(range(20, 30), "WIG"),
    **dict.fromkeys(range(40, 50), "HSC"),
    **dict.fromkeys(range(60, 70), "Passenger"),
    **dict.fromkeys(range(70, 80), "Cargo"),
    **dict.fromkeys(range(80, 90), "Tanker"),
    **dict.fromkeys(range(90, 100), "Other"),
}


def dma_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return canonical rows, texts of categories, as rows of a DMA file, in their order.

    Instants are day first; what is not available is empty, `Unknown` or `Undefined`.
    """
    length, beam = pl.col("length_m").cast(pl.Int32), pl.col("beam_m").cast(pl.Int32)
    return rows.select(
        pl.col("timestamp").dt.strftime("%d/%m/%Y %H:%M:%S").alias("# Timestamp"),
        _kind_of_mobile().alias("Type of mobile"),
        pl.col("mmsi").alias("MMSI"),
        pl.col("latitude").alias("Latitude"),
        pl.col("longitude").alias("Longitude"),
        _word("nav_status", NAV_STATUS_WORDS, NO_STATUS).alias("Navigational status"),
        pl.lit(None, pl.Float32).alias("ROT"),
        _known("sog", NO_SOG).alias("SOG"),
        _known("cog", NO_COG).alias("COG"),
        _known("heading", NO_HEADING).alias("Heading"),
        pl.col("imo").cast(pl.String).fill_null(UNKNOWN).alias("IMO"),
        pl.col("callsign").fill_null(UNKNOWN).alias("Callsign"),
        pl.col("name").alias("Name"),
        _word("ship_type", SHIP_TYPE_WORDS, UNDEFINED).alias("Ship type"),
        pl.lit(None, pl.String).alias("Cargo type"),
        beam.alias("Width"),
        length.alias("Length"),
        pl.lit("GPS").alias("Type of position fixing device"),
        pl.when(pl.col("draught_m") > 0).then("draught_m").alias("Draught"),
        pl.col("destination").fill_null(UNKNOWN).alias("Destination"),
        pl.col("eta").alias("ETA"),
        pl.lit("AIS").alias("Data source type"),
        (length // 2).alias("A"),
        (length - length // 2).alias("B"),
        (beam // 2).alias("C"),
        (beam - beam // 2).alias("D"),
    )


def _kind_of_mobile() -> pl.Expr:
    return (
        pl.when(pl.col("message_type") == BASE_STATION)
        .then(pl.lit("Base Station"))
        .when(pl.col("message_type") == AID_TO_NAVIGATION)
        .then(pl.lit("AtoN"))
        .otherwise(pl.lit("Class ") + pl.col("ais_class"))
    )


def _known(name: str, missing: float) -> pl.Expr:
    """Return a column, null from the sender's word for "not available" on."""
    return pl.when(pl.col(name) < missing - 1e-3).then(name)


def _word(name: str, words: Mapping[int, str], otherwise: str) -> pl.Expr:
    return pl.col(name).replace_strict(
        dict(words), default=pl.lit(otherwise), return_dtype=pl.String
    )
