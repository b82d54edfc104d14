"""The measures themselves: arrays in, figures out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NAN = float("nan")


class Ranking:
    """Rows in falling order of a score, equal scores as one step: sorted once, weighed often."""

    def __init__(self, is_true: Bools, score: Floats) -> None:
        self.order = np.argsort(-score, kind="stable")
        self.is_true = is_true[self.order]
        ranked = score[self.order]
        self.ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True)[: len(ranked)])

    def curve(self, weight: Floats | None = None) -> tuple[Floats, Floats]:
        """Return recall and precision where each step of the score ends, best score first."""
        weights = np.ones(len(self.order)) if weight is None else weight[self.order]
        taken = np.cumsum(weights)[self.ends]
        right = np.cumsum(weights * self.is_true)[self.ends]
        if not len(right) or right[-1] == 0:
            return np.array([NAN]), np.array([NAN])
        with np.errstate(invalid="ignore"):
            return right / right[-1], np.where(taken > 0, right / taken, 1.0)

    def average_precision(self, weight: Floats | None = None) -> float:
        """Return the average precision, as scikit-learn's; NaN where nothing is true."""
        recall, precision = self.curve(weight)
        return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def average_precision(is_true: Bools, score: Floats) -> float:
    """Return the average precision of a score; NaN where nothing is true."""
    return Ranking(is_true, score).average_precision()


def equal_count_bins(p: Floats, bins: int) -> Ints:
    """Return the bin (from 0) of each probability: about equal counts, equal values together."""
    inner = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)[1:-1])) if len(p) else p
    return np.searchsorted(inner, p, side="left").astype(np.int64)


def calibration_error(bin_p: Floats, bin_true: Floats, bin_weight: Floats) -> Floats:
    """Return the expected calibration error from sums over bins, which lie on the last axis."""
    return np.abs(bin_p - bin_true).sum(axis=-1) / bin_weight.sum(axis=-1)


def brier_skill(squares: Floats, true: Floats, weight: Floats) -> Floats:
    """Return 1 - Brier score / Brier score of the base rate, from sums of squares and truths."""
    base = true * (1 - true / weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base > 0, 1 - squares / base, NAN)


def total_z(p: Floats, is_true: Bools) -> float:
    """Return (sum p - true) in standard deviations of independent outcomes; NaN where p is sure."""
    spread = math.sqrt(float(np.sum(p * (1 - p))))
    return float((p.sum() - is_true.sum()) / spread) if spread > 0 else NAN


def ratio_over_seeds(top: Floats, bottom: Floats, level: float) -> tuple[float, float, float]:
    """Return sum(top) / sum(bottom) and its interval, from one entry a seed; NaN where unknown.

    The linearised error of a ratio of sums over independent seeds, Student's t with one degree of
    freedom less than seeds (Cochran 1977, chapter 6). One seed has no interval.
    """
    whole, count = float(bottom.sum()), len(bottom)
    if whole <= 0:
        return NAN, NAN, NAN
    ratio = float(top.sum()) / whole
    if count < 2:
        return ratio, NAN, NAN
    from scipy.stats import t

    left = top - ratio * bottom
    error = math.sqrt(count / (count - 1) * float(left @ left)) / whole
    half = float(t.ppf((1 + level) / 2, count - 1)) * error
    return ratio, max(ratio - half, 0.0), ratio + half


def f_half(precision: Floats, recall: Floats) -> Floats:
    """Return F0.5, in which precision weighs twice as much as recall."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.25 * precision * recall / (0.25 * precision + recall)


def wilson(successes: int, count: int, level: float) -> tuple[float, float]:
    """Return Wilson's interval of a proportion (Wilson 1927); NaN where nothing was counted."""
    if count == 0:
        return NAN, NAN
    from scipy.stats import binomtest

    ends = binomtest(successes, count).proportion_ci(level, method="wilson")
    return float(ends.low), float(ends.high)
