"""Runs: neighbouring rows of a sorted frame that agree, summed up without grouping by hash.

Sightings sorted by ship and time stay in their hour, place and kind for many rows. To find where
one of them changes takes a pass over the columns; what is left to group is a tenth of the rows.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

Flags: TypeAlias = NDArray[np.bool_]
Positions: TypeAlias = NDArray[np.intp]
Whole: TypeAlias = NDArray[np.int64]


def find_changes(values: pl.Series) -> Flags:
    """Return whether a row differs from the one before it; null equals null, the first differs."""
    if values.null_count():
        flags = values.ne_missing(values.shift(1)).to_numpy(writable=True)
        flags[:1] = True
        return flags
    # Numpy compares numbers several times faster; it knows no texts.
    if values.dtype != pl.String:
        return mark_changes_of(as_numbers(values))
    flags = np.ones(len(values), np.bool_)
    flags[1:] = (values.slice(1) != values.slice(0, max(len(values) - 1, 0))).to_numpy()
    return flags


def as_numbers(values: pl.Series) -> NDArray[Any]:
    """Return numbers as they are, and instants as whole numbers of their unit since 1970."""
    array = values.to_numpy()
    return array.view(np.int64) if array.dtype.kind == "M" else array


def mark_changes_of(values: NDArray[Any]) -> Flags:
    """Return whether a value differs from the one before it; the first differs."""
    flags = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=flags[1:])
    return flags


def find_starts(flags: Flags) -> Positions:
    """Return the positions of the first rows of the runs that begin where a flag stands."""
    return np.flatnonzero(flags)


def find_ends(starts: Positions, rows: int) -> Positions:
    """Return the positions of the last rows of runs, in a frame of so many rows."""
    return np.append(starts[1:], rows)[: len(starts)] - 1


def sum_runs(values: NDArray[Any], starts: Positions) -> Whole:
    """Return the sum of whole numbers, or how many flags stand, over each run."""
    return _reduce(np.add, values.astype(np.int64), starts)


def most_in_runs(values: Whole, starts: Positions) -> Whole:
    """Return the largest number of each run."""
    return _reduce(np.maximum, values, starts)


def any_in_runs(flags: Flags, starts: Positions) -> Flags:
    """Return whether any flag of each run stands."""
    return _reduce(np.logical_or, flags, starts)


def _reduce(how: np.ufunc, values: NDArray[Any], starts: Positions) -> NDArray[Any]:
    return how.reduceat(values, starts) if len(starts) else values[:0]


def find_latest(positions: Positions, rows: Positions) -> Positions:
    """Return, for each row, the last of some sorted positions up to it, -1 where there is none."""
    return np.append(positions, -1)[np.searchsorted(positions, rows, "right") - 1]


def find_next(positions: Positions, rows: Positions, otherwise: int) -> Positions:
    """Return, for each row, the first of some sorted positions from it on, else `otherwise`."""
    return np.append(positions, otherwise)[np.searchsorted(positions, rows)]


def epoch_us(frame: pl.DataFrame, name: str = "seen_at") -> Whole:
    """Return an instant (Datetime in microseconds) as whole microseconds since 1970."""
    return as_numbers(frame[name])


def as_instants(name: str, values_us: Whole) -> pl.Series:
    """Return whole microseconds since 1970 as instants."""
    return pl.Series(name, values_us).cast(pl.Datetime("us"))


def null_where(values: pl.Series, is_null: Flags) -> pl.Series:
    """Return values, null where flags stand."""
    nulls = pl.Series(values.name, [None], dtype=values.dtype)
    return values.zip_with(pl.Series(~is_null), nulls)
