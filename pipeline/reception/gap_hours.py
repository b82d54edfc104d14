"""Table gap_hours: where a ship could have been in every hour of a gap, and what was expected."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from pipeline.reception.judge import Inside, find_ends, number_silences
from pipeline.reception.learn import Learned

SCHEMA = {
    "gap_id": pl.String,
    "hour": pl.Datetime("us"),
    "cell_lon_deg": pl.Float64,
    "cell_lat_deg": pl.Float64,
    "is_live": pl.Boolean,
    "expected_receptions": pl.Float32,
}


def list_gap_hours(silences: pl.DataFrame, learned: Learned | None, end: datetime) -> pl.DataFrame:
    """Return SCHEMA, a row per whole UTC hour inside a silence, as `judge_gaps` takes it.

    The hours of both ends, in which the ship was heard, are left out. `expected_receptions` is what
    the others let expect of it in that hour and place, times its mean own factor at the off point.

    Args:
        silences, learned, end: as of `judge_gaps`.

    Returns:
        Sorted by gap_id, hour.
    """
    if learned is None or silences.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    window = learned.window
    rows = number_silences(silences, window)
    if rows.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    first, until = find_ends(window, rows, end)
    own = learned.factor[np.minimum(first.astype(np.int64), window.rows - 1)]
    number, row = Inside(window, first, until).list_rows()
    place = window.place[row]
    return pl.DataFrame(
        {
            "gap_id": rows["gap_id"].gather(number),
            "at": window.hour[row],
            "cell_lon_deg": window.corners[place, 0],
            "cell_lat_deg": window.corners[place, 1],
            "is_live": learned.rates.is_live[row],
            "expected_receptions": np.round(learned.rates.expected[row] * own[number], 3),
        }
    ).select(
        pl.lit(window.start).add(pl.duration(hours="at")).alias(name)
        if name == "hour"
        else pl.col(name).cast(dtype)
        for name, dtype in SCHEMA.items()
    )
