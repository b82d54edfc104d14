"""What a message can say (ITU-R M.1371-5): the values a set can send, and its "not available".

Positions stand on the grid of their message (1/10,000 minute, type 27 1/10 minute), speed in 0.1
kn, texts in six-bit characters. So a sighting is the same one whichever format its file is in.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.simulate.model import Bools, Floats

# Message types; words for "not available"; units a degree; longest texts; largest measures.
CLASS_A_POSITION, CLASS_B_POSITION, LONG_RANGE = 1, 18, 27
CLASS_A_STATIC, CLASS_B_STATIC = 5, 24
BASE_STATION, AID_TO_NAVIGATION = 4, 21
NO_LONGITUDE, NO_LATITUDE, NO_SOG, NO_COG, NO_HEADING = 181.0, 91.0, 102.3, 360.0, 511
FASTEST_KN, FASTEST_LONG_RANGE_KN = 102.2, 62.0
FINE_PER_DEGREE, COARSE_PER_DEGREE = 600_000, 600
NAME_LETTERS, CALLSIGN_LETTERS, DESTINATION_LETTERS = 20, 7, 20
LONGEST_M, WIDEST_M, DEEPEST_M = 1022, 126, 25.5
NOT_SIX_BIT = r"[^ -?A-_]"


def as_sent(name: str, letters: int) -> pl.Expr:
    """Return a text as a set sends it: six-bit characters, at most `letters`; null where empty."""
    text = pl.col(name).str.to_uppercase().str.replace_all(NOT_SIX_BIT, "?")
    text = text.str.slice(0, letters).str.strip_chars(" ")
    return pl.when(text != "").then(text).alias(name)


def as_draught() -> pl.Expr:
    """Return `draught_m` in 0.1 m as a set sends it, null for 0, which means not available."""
    draught = pl.col("draught_m").clip(0, DEEPEST_M).round(1)
    return pl.when(draught > 0).then(draught).alias("draught_m")


def place_on_grid(lon_deg: Floats, lat_deg: Floats, is_long: Bools) -> tuple[Floats, Floats]:
    """Return coordinates on the grid of their message, in degrees rounded to 1e-6.

    A report without one of the two has neither.
    """
    is_known = np.isfinite(lon_deg) & np.isfinite(lat_deg)
    placed: list[Floats] = []
    for degrees, missing in ((lon_deg, NO_LONGITUDE), (lat_deg, NO_LATITUDE)):
        told = np.where(is_known, degrees, missing)
        # Whole numbers up to the last division, so that a place has one spelling only.
        fine = (np.rint(told * FINE_PER_DEGREE).astype(np.int64) * 10 + 3) // 6
        if is_long.any():
            coarse = (np.rint(told * COARSE_PER_DEGREE).astype(np.int64) * 10_000 + 3) // 6
            fine = np.where(is_long, coarse, fine)
        placed.append(fine / 1e6)
    return placed[0], placed[1]


def round_speeds(sog_kn: Floats, is_long: Bools) -> NDArray[np.float32]:
    """Return speeds in 0.1 kn, whole knots in type 27, at most what the message can say."""
    is_known = np.isfinite(sog_kn) & (np.abs(sog_kn - NO_SOG) > 1e-3)
    fine = np.clip(np.rint(sog_kn * 10) / 10, 0, FASTEST_KN)
    coarse = np.clip(np.rint(sog_kn), 0, FASTEST_LONG_RANGE_KN)
    return np.where(is_known, np.where(is_long, coarse, fine), NO_SOG).astype(np.float32)


def round_courses(cog_deg: Floats, is_long: Bools) -> NDArray[np.float32]:
    """Return courses in 0.1 degree, whole degrees in type 27; 360 is "not available" alone."""
    is_known = np.isfinite(cog_deg) & (cog_deg < NO_COG)
    fine, coarse = (np.rint(cog_deg * 10) / 10) % 360, np.rint(cog_deg) % 360
    return np.where(is_known, np.where(is_long, coarse, fine), NO_COG).astype(np.float32)


def round_headings(heading_deg: Floats) -> NDArray[np.int16]:
    """Return headings in whole degrees below 360; 511 where there is none."""
    is_known = np.isfinite(heading_deg) & (heading_deg < NO_HEADING)
    known = np.where(is_known, heading_deg, 0)
    return np.where(is_known, np.rint(known) % 360, NO_HEADING).astype(np.int16)
