"""Intervals by drawing ships anew: the gaps of one ship are no independent witnesses."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.limits import EvaluationRules

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Resampler:
    """Draws whole clusters (a ship of a seed) with replacement, the same way for each measure.

    Attributes:
        codes: cluster of each row, from 0.
    """

    def __init__(self, clusters: NDArray[np.generic], rules: EvaluationRules) -> None:
        self.codes: Ints = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
        self.count = int(self.codes.max()) + 1 if len(self.codes) else 0
        self.rules = rules

    @cached_property
    def times(self) -> Floats:
        """How often each cluster is drawn (resamples, clusters)."""
        if self.count == 0:
            return np.zeros((self.rules.resamples, 0))
        random = np.random.default_rng([self.rules.seed, zlib.crc32(b"resample")])
        shares = np.full(self.count, 1 / self.count)
        return random.multinomial(self.count, shares, self.rules.resamples).astype(np.float64)

    def sums(self, columns: Floats) -> Floats:
        """Return the sums of columns (rows, k) in every resample (resamples, k)."""
        by_cluster = np.zeros((self.count, columns.shape[1]))
        np.add.at(by_cluster, self.codes, columns)
        return self.times @ by_cluster

    def interval(self, values: Floats) -> tuple[float, float]:
        """Return the ends of the interval of a figure from its values in the resamples."""
        known = values[np.isfinite(values)]
        if self.count < 2 or len(known) < len(values) / 2:
            return float("nan"), float("nan")
        tail = (1 - self.rules.interval_level) / 2
        low, high = np.quantile(known, [tail, 1 - tail])
        return float(low), float(high)

    def values(self, statistic: Callable[[Floats], float]) -> Floats:
        """Return a figure that needs the weights of all rows, in every resample."""
        return np.array([statistic(times[self.codes]) for times in self.times])
