"""When a waterway is shut: navigation seasons and dated closures (METHOD 3)."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Instants = NDArray[np.datetime64]


def is_closed(
    seasons: pl.DataFrame, closures: pl.DataFrame, waterway: str, at: ArrayLike
) -> NDArray[np.bool_]:
    """Return whether a waterway is shut at instants (UTC; whatever numpy takes as datetime64).

    Shut is a year before the day it opened and after the day it closed, the days themselves not;
    a year or a date that is not listed excludes nothing. A closure ends before its `closed_to`.
    """
    instants = np.asarray(at, "datetime64[us]")
    is_shut = np.zeros(instants.shape, np.bool_)
    own = closures.filter(waterway=waterway)
    spans = [*own.select("closed_from", "closed_to").iter_rows()]
    for row in seasons.filter(waterway=waterway).iter_rows(named=True):
        first, last = date(row["year"], 1, 1), date(row["year"] + 1, 1, 1)
        if row["opened_on"] is not None:
            spans.append((first, row["opened_on"]))
        if row["closed_on"] is not None:
            spans.append((row["closed_on"] + timedelta(days=1), last))
    for begin, end in spans:
        is_shut |= (instants >= np.datetime64(begin)) & (instants < np.datetime64(end))
    return is_shut
