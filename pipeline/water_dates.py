"""When a waterway is shut: navigation seasons and dated closures (METHOD 3)."""

from __future__ import annotations

from collections.abc import Iterable
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
    for begin, end in list_closed(seasons, closures, waterway):
        is_shut |= (instants >= np.datetime64(begin)) & (instants < np.datetime64(end))
    return is_shut


def list_closed(
    seasons: pl.DataFrame, closures: pl.DataFrame, waterway: str
) -> list[tuple[date, date]]:
    """Return from when until when (not included) a waterway is shut, as listed; in any order.

    Dates, or instants of a closure.
    """
    spans = [*closures.filter(waterway=waterway).select("closed_from", "closed_to").iter_rows()]
    for row in seasons.filter(waterway=waterway).iter_rows(named=True):
        first, last = date(row["year"], 1, 1), date(row["year"] + 1, 1, 1)
        if row["opened_on"] is not None:
            spans.append((first, row["opened_on"]))
        if row["closed_on"] is not None:
            spans.append((row["closed_on"] + timedelta(days=1), last))
    return spans


def list_unknown(
    seasons: pl.DataFrame, waterway: str, years: Iterable[int]
) -> list[tuple[date, date]]:
    """Return the parts of years in which nobody knows whether a waterway with seasons was open.

    The first half of a year without the day it opened, the second without the day it closed (a
    season opens before and ends after midsummer; judgement). Empty where it has no season at all.
    """
    own = seasons.filter(waterway=waterway)
    opened, closed = (
        set(own.filter(pl.col(name).is_not_null())["year"]) for name in ("opened_on", "closed_on")
    )
    spans: list[tuple[date, date]] = []
    for year in years if own.height else ():
        middle = date(year, 7, 1)
        if year not in opened:
            spans.append((date(year, 1, 1), middle))
        if year not in closed:
            spans.append((middle, date(year + 1, 1, 1)))
    return spans
