"""Rows of section 2: a figure of the world beside what is published or stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

JUDGEMENT, ISSUE = "judgement", "issue of the simulator"


@dataclass(frozen=True)
class Row:
    """One figure of the world beside what is published or stated."""

    figure: str
    ours: str
    stated: str = "-"
    source: str = JUDGEMENT


ROW_HEAD = "| figure | ours | published or stated | source |", "|---|---|---|---|"


def lay_rows(rows: list[Row]) -> list[str]:
    """Return a table of figures."""
    return [
        *ROW_HEAD,
        *(f"| {row.figure} | {row.ours} | {row.stated} | {row.source} |" for row in rows),
    ]


def percentiles(values: Any, *shares: float, digits: int = 1) -> tuple[str, ...]:
    """Return some percentiles of values as texts; empty ones where there is no value."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return ("-",) * len(shares)
    return tuple(f"{one:,.{digits}f}" for one in np.quantile(values, shares))


def spread(values: Any, low: float, high: float, unit: str, digits: int = 1) -> str:
    """Return "median (low-high) unit" with two percentiles."""
    lowest, middle, highest = percentiles(values, low, 0.5, high, digits=digits)
    return f"{middle} ({lowest} to {highest}) {unit}"


def percent(share: float) -> str:
    """Return a share as a text."""
    return "-" if math.isnan(share) else f"{100 * share:.1f} %"


def mean(values: pl.Series) -> float:
    """Return the mean of numbers or truths, NaN of none."""
    return float(values.cast(pl.Float64).to_numpy().mean()) if len(values) else math.nan


def total(values: pl.Series) -> int:
    """Return the sum of whole numbers or truths."""
    return int(values.cast(pl.Int64).to_numpy().sum())


def ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN where there is nothing."""
    return part / whole if whole else math.nan
