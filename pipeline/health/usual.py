"""What a unit usually hears, hour by hour, and the chance of hearing so little.

A unit is whatever hears alone: a station, a satellite, a receiver kind of a feed without names, or
one of these in one area. Counts lie in arrays of (units, UTC days, 24 hours).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from pipeline.rules import HealthRules

Counts = NDArray[np.int32]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

UNKNOWN = -1
HOURS = 24
# Half the width of the middle half of a normal distribution, in standard deviations.
QUARTILES_APART = 1.349


@dataclass(frozen=True)
class Usual:
    """What one kind of sender usually gives a unit.

    Attributes:
        counts: lower median of the same hour of the day; UNKNOWN with too few days with data.
            (units, days, 24)
        spread: relative standard deviation of the sum of a day beyond chance, robust.
            (units, days)
    """

    counts: Counts
    spread: Numbers


def find_days(*counts: Counts) -> Flags:
    """Return whether anything was counted on a day: (units, days)."""
    return np.logical_or.reduce([np.asarray(one.max(axis=2, initial=0) > 0) for one in counts])


def find_last_days(has_data: Flags) -> NDArray[np.int64]:
    """Return the number of the last day with data before each day, -1 without: (units, days)."""
    days = np.where(has_data, np.arange(has_data.shape[1]), -1)
    last = np.maximum.accumulate(days, axis=1)
    return np.hstack([np.full((len(last), 1), -1), last[:, :-1]])


def find_usual(counts: Counts, has_data: Flags, rules: HealthRules) -> Usual:
    """Return what is usual by the trailing window: the days up to the last one with data.

    A day on which the unit heard nothing at all is left out, so that a dead day does not become
    usual; the window ends with the last day heard, so that a long outage is judged by what was
    before it, until the unit counts as gone.

    Args:
        counts: (units, days, 24).
        has_data: the unit heard something on that day (units, days).
        rules: length of the window, days needed.
    """
    units, days, _ = counts.shape
    usual = np.full(counts.shape, UNKNOWN, np.int32)
    spread = np.zeros((units, days))
    last = find_last_days(has_data)
    for day in range(days):
        ends = last[:, day]
        window = ends[:, None] + np.arange(1 - rules.window_d, 1)
        at = np.maximum(window, 0)
        rows = np.arange(units)[:, None]
        used = (window >= 0) & has_data[rows, at]
        number = used.sum(axis=1)
        known = (number >= rules.least_days) & (day - ends <= rules.window_d)
        if not known.any():
            continue
        sample = np.where(used[:, :, None], counts[rows, at], np.iinfo(np.int32).max)
        middle = np.take_along_axis(
            np.sort(sample, axis=1), np.maximum(number - 1, 0)[:, None, None] // 2, axis=1
        )[:, 0]
        usual[known, day] = middle[known]
        sums = np.where(used, counts[rows, at].sum(axis=2, dtype=np.int64), np.iinfo(np.int64).max)
        spread[known, day] = _relative_spread(sums, number)[known]
    return Usual(usual, spread)


def _relative_spread(sums: NDArray[np.int64], number: NDArray[np.int64]) -> Numbers:
    """Return (upper - lower quartile) / 1.349 / median of the first `number` sums, by row."""
    ordered = np.sort(sums, axis=1)

    def quantile(quarters: int) -> Numbers:
        at = np.maximum(number - 1, 0) * quarters // 4
        return np.take_along_axis(ordered, at[:, None], axis=1)[:, 0].astype(float)

    middle = np.maximum(quantile(2), 1.0)
    return (quantile(3) - quantile(1)) / QUARTILES_APART / middle


def chance_of_at_most(heard: Numbers, expected: Numbers, spread: Numbers) -> Numbers:
    """Return P(X <= heard), X negative binomial of mean `expected`, variance m + (spread x m)^2.

    A Poisson number whose rate varies by the relative standard deviation `spread` (> 0).
    """
    size = 1 / spread**2
    mean = np.maximum(expected, 1e-9)
    return betainc(size, np.floor(heard) + 1, size / (size + mean))
