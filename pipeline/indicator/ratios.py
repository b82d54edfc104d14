"""Counts against counts: ratios with quasi-Poisson intervals, and how much more they vary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from pipeline.indicator.draws import NINETY


@dataclass(frozen=True)
class Ratio:
    """A ratio of two counts with its 90 % interval.

    Attributes:
        ratio, low, high: count over base.
        dispersion: variance over mean that the interval was made with; 1 is Poisson's.
    """

    ratio: float
    low: float
    high: float
    dispersion: float


def find_ratio(count: float, base: float, dispersion: float = 1.0) -> Ratio:
    """Return count / base with a quasi-Poisson 90 % interval.

    The logarithm of the ratio has the variance dispersion x (1 / count + 1 / base) (McCullagh and
    Nelder 1989, 9.2).

    Raises:
        ValueError: a count is not above 0.
    """
    if count <= 0 or base <= 0:
        raise ValueError(f"a ratio needs counts above 0, found {count} and {base}")
    half = NINETY * sqrt(dispersion * (1 / count + 1 / base))
    ratio = count / base
    return Ratio(ratio, exp(log(ratio) - half), exp(log(ratio) + half), dispersion)


def find_dispersion(series: Sequence[Sequence[float]]) -> float:
    """Return Pearson's dispersion of counts around the mean of their own series, at least 1.

    Raises:
        ValueError: no series has two counts and a mean above 0.
    """
    squares, freedom = 0.0, 0
    for counts in series:
        mean = sum(counts) / len(counts) if counts else 0.0
        if len(counts) > 1 and mean > 0:
            squares += sum((count - mean) ** 2 for count in counts) / mean
            freedom += len(counts) - 1
    if not freedom:
        raise ValueError("dispersion needs a series of two counts at least")
    return max(squares / freedom, 1.0)
