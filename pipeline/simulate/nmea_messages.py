"""Canonical rows as the fields of AIS messages: values and widths in bits (ITU-R M.1371-5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.simulate.sendable import (
    AID_TO_NAVIGATION,
    BASE_STATION,
    CALLSIGN_LETTERS,
    CLASS_A_POSITION,
    CLASS_A_STATIC,
    CLASS_B_POSITION,
    CLASS_B_STATIC,
    COARSE_PER_DEGREE,
    DESTINATION_LETTERS,
    FINE_PER_DEGREE,
    LONG_RANGE,
    NAME_LETTERS,
    NO_COG,
    NO_HEADING,
    NO_LATITUDE,
    NO_LONGITUDE,
    NO_SOG,
    as_sent,
)

# A field of a message: its value in every row, or one for all, and its width in bits.
Values = NDArray[np.int64] | int
Field = tuple[Values, int]
Fields = list[Field]

# "Not available": rate of turn, status, type 27's speed and course, hour, minute.
NO_TURN, NO_STATUS, NO_SOG_LONG, NO_COG_LONG, NO_HOUR, NO_MINUTE = 128, 15, 63, 511, 24, 60
GPS = 1


def _whole(rows: pl.DataFrame, name: str, missing: int, per_unit: int = 1) -> Values:
    """Return a column in whole numbers of a `per_unit`-th, `missing` for null."""
    scaled = np.rint(rows[name].cast(pl.Float64).to_numpy() * per_unit)
    return np.where(np.isnan(scaled), missing, scaled).astype(np.int64)


def _place(rows: pl.DataFrame, per_degree: int, bits: int) -> Fields:
    """Return longitude in `bits` and latitude in one bit less."""
    return [
        (_whole(rows, "longitude", int(NO_LONGITUDE) * per_degree, per_degree), bits),
        (_whole(rows, "latitude", int(NO_LATITUDE) * per_degree, per_degree), bits - 1),
    ]


def _text(rows: pl.DataFrame, name: str, letters: int) -> Fields:
    """Return the six-bit characters of a text, which ends at the first @."""
    texts = rows.select(as_sent(name, letters).fill_null("").str.pad_end(letters, "@"))
    codes = np.frombuffer(texts[name].str.join("").item().encode("ascii"), np.uint8)
    codes = (codes & 63).reshape(rows.height, letters).astype(np.int64)
    return [(codes[:, place], 6) for place in range(letters)]


def _size(rows: pl.DataFrame) -> Fields:
    """Return the distances from the antenna amidships to bow, stern, port and starboard."""
    length, beam = _whole(rows, "length_m", 0), _whole(rows, "beam_m", 0)
    return [(length // 2, 9), (length - length // 2, 9), (beam // 2, 6), (beam - beam // 2, 6)]


def _head(rows: pl.DataFrame, message_type: int) -> Fields:
    return [(message_type, 6), (0, 2), (_whole(rows, "mmsi", 0), 30)]


def _motion(rows: pl.DataFrame) -> Fields:
    """Return speed, accuracy, place, course, heading and second, as types 1 and 18 have them."""
    return [
        (_whole(rows, "sog", round(NO_SOG * 10), 10), 10),
        (0, 1),
        *_place(rows, FINE_PER_DEGREE, 28),
        (_whole(rows, "cog", round(NO_COG * 10), 10), 12),
        (_whole(rows, "heading", NO_HEADING), 9),
        (rows["timestamp"].dt.second().to_numpy(), 6),
    ]


def _class_a(rows: pl.DataFrame) -> Fields:
    status = (_whole(rows, "nav_status", NO_STATUS), 4)
    head = _head(rows, CLASS_A_POSITION)
    return [*head, status, (NO_TURN, 8), *_motion(rows), (0, 6), (0, 19)]


def _class_b(rows: pl.DataFrame) -> Fields:
    return [*_head(rows, CLASS_B_POSITION), (0, 8), *_motion(rows), (0, 9), (0, 20)]


def _long_range(rows: pl.DataFrame) -> Fields:
    sog, cog = _whole(rows, "sog", NO_SOG_LONG), _whole(rows, "cog", NO_COG_LONG)
    return [
        *_head(rows, LONG_RANGE),
        (0, 2),
        (_whole(rows, "nav_status", NO_STATUS), 4),
        *_place(rows, COARSE_PER_DEGREE, 18),
        (np.where(sog < NO_SOG_LONG, sog, NO_SOG_LONG), 6),
        (np.where(cog < NO_COG, cog, NO_COG_LONG), 9),
        (0, 2),
    ]


def _static_a(rows: pl.DataFrame) -> Fields:
    return [
        *_head(rows, CLASS_A_STATIC),
        (0, 2),
        (_whole(rows, "imo", 0), 30),
        *_text(rows, "callsign", CALLSIGN_LETTERS),
        *_text(rows, "name", NAME_LETTERS),
        (_whole(rows, "ship_type", 0), 8),
        *_size(rows),
        (GPS, 4),
        *((0, 4), (0, 5), (NO_HOUR, 5), (NO_MINUTE, 6)),
        (_whole(rows, "draught_m", 0, 10), 8),
        *_text(rows, "destination", DESTINATION_LETTERS),
        (0, 2),
    ]


def _static_b_name(rows: pl.DataFrame) -> Fields:
    return [*_head(rows, CLASS_B_STATIC), (0, 2), *_text(rows, "name", NAME_LETTERS)]


def _static_b_ship(rows: pl.DataFrame) -> Fields:
    ship_type = (_whole(rows, "ship_type", 0), 8)
    callsign = _text(rows, "callsign", CALLSIGN_LETTERS)
    head = _head(rows, CLASS_B_STATIC)
    return [*head, (1, 2), ship_type, (0, 42), *callsign, *_size(rows), (0, 6)]


def _base_station(rows: pl.DataFrame) -> Fields:
    at = rows["timestamp"].dt
    clock = (at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second())
    widths = (14, 4, 5, 5, 6, 6)
    fields: Fields = [(part.to_numpy(), bits) for part, bits in zip(clock, widths, strict=True)]
    place = _place(rows, FINE_PER_DEGREE, 28)
    return [*_head(rows, BASE_STATION), *fields, (0, 1), *place, (GPS, 4), (0, 30)]


def _aid_to_navigation(rows: pl.DataFrame) -> Fields:
    named = rows.with_columns(pl.col("name").fill_null("SIMULATED"))
    place = _place(rows, FINE_PER_DEGREE, 28)
    head = [*_head(rows, AID_TO_NAVIGATION), (0, 5), *_text(named, "name", NAME_LETTERS)]
    return [*head, (0, 1), *place, (0, 30), (GPS, 4), (NO_MINUTE, 6), (0, 13)]


# What a row of each type is sent as; the name and the ship of class B are two messages.
MESSAGES: dict[int, Sequence[Callable[[pl.DataFrame], Fields]]] = {
    CLASS_A_POSITION: (_class_a,),
    CLASS_B_POSITION: (_class_b,),
    LONG_RANGE: (_long_range,),
    CLASS_A_STATIC: (_static_a,),
    CLASS_B_STATIC: (_static_b_name, _static_b_ship),
    BASE_STATION: (_base_station,),
    AID_TO_NAVIGATION: (_aid_to_navigation,),
}
