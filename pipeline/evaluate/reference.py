"""The reference: the likelihood of METHOD 4 with the world's own parameters (METHOD 8).

How well can gaps be told apart at all by somebody who knows the true reception, the true path and
how long sets stay off, and lacks only the private factor that no witness can know?
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.evaluate.hours import HOUR_S, TrueHours, seconds_since
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import Run
from pipeline.evaluate.silence import Silence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLICE_GAPS = 5_000  # bounds the memory: a slice has reference_steps times as many steps
STEEPNESS = 6.0  # of the steps of a gap: the last is 400 times shorter than the first
LENGTH_POINTS = 400  # of the length distribution, evenly in the logarithm: about 2 % apart


@dataclass(frozen=True, eq=False)
class OffLengths:
    """Distribution of the lengths of off times of at least the stored minimum, in hours."""

    hours_h: Floats
    share: Floats

    def below(self, length_h: Floats) -> Floats:
        """Return the share of off times shorter than a length; 0 up to the stored minimum."""
        return np.interp(length_h, self.hours_h, self.share)


def learn_off_lengths(
    off_intervals: pl.DataFrame, end_s: float, run: Run, rules: EvaluationRules
) -> OffLengths | None:
    """Return how long sets truly stay off; None where no set was off for the stored minimum.

    Kernels on the logarithm, width by Silverman's rule within each kind, kinds by their numbers.
    Off times that outlast the world are left out.
    """
    from scipy.special import ndtr

    since = seconds_since(run.world.start)
    lengths = (
        off_intervals.with_columns(on_s=since("on_at"))
        .filter(pl.col("on_s") <= end_s)
        .select("kind", log_h=((pl.col("on_s") - since("off_at")) / HOUR_S).log())
        .filter(pl.col("log_h") >= math.log(rules.stored_min_h))
    )
    if lengths.is_empty():
        return None
    longest = float(lengths["log_h"].to_numpy().max())
    points = np.linspace(math.log(rules.stored_min_h), longest + 1, LENGTH_POINTS)
    below = np.zeros(LENGTH_POINTS)
    for (_,), kind in lengths.sort("kind", "log_h").group_by(["kind"], maintain_order=True):
        logs = kind["log_h"].to_numpy()
        width = max(1.06 * logs.std() * len(logs) ** -0.2, rules.reference_bandwidth)
        below += ndtr((points[:, None] - logs[None, :]) / width).sum(axis=1)
    share = (below - below[0]) / (below[-1] - below[0])
    return OffLengths(np.exp(points), share)


def judge_with_truth(
    gaps: pl.DataFrame, run: Run, hours: TrueHours, rules: EvaluationRules
) -> pl.DataFrame:
    """Return gaps of `label_gaps` with `p_reference`; null where there is no label.

    The density of a silence of this length, given one of the stored minimum (METHOD 4), if on:
    unheard on the true path; if off: off for a length drawn from the true ones, then on and unheard
    until the gap ends. The weight of off is the true share in the area of the off point. A gap in
    which the vessel was heard all the same is no silence, and 0.
    """
    lengths = learn_off_lengths(run.truth["off_intervals"], hours.hours * HOUR_S, run, rules)
    since = seconds_since(run.world.start)
    labelled = gaps.filter(pl.col("is_off").is_not_null(), ~pl.col("is_heard_meanwhile")).select(
        "gap_id", "place", "off_area", "is_off", off_s=since("off_at"), on_s=since("on_at")
    )
    weights = _off_weight(labelled, rules)
    scale = Scale(Silence(hours, run.world.private_shape), lengths, run.world.slot_s, rules)
    parts = [pl.Series("p_reference", [], dtype=pl.Float64)]
    for start in range(0, labelled.height, SLICE_GAPS):
        rows = slice(start, start + SLICE_GAPS)
        place, off_s, on_s = (
            labelled[name].to_numpy()[rows] for name in ("place", "off_s", "on_s")
        )
        weight = weights[rows]
        off = weight * scale.density_if_off(place, off_s, on_s)
        mixed = off + (1 - weight) * scale.density_if_on(place, off_s, on_s)
        p = np.divide(off, mixed, out=weight.copy(), where=mixed > 0)
        parts.append(pl.Series("p_reference", p))
    judged = labelled.select("gap_id").with_columns(pl.concat(parts))
    no_silence = pl.col("is_heard_meanwhile") & pl.col("is_off").is_not_null()
    return gaps.join(judged, on="gap_id", how="left", maintain_order="left").with_columns(
        p_reference=pl.when(no_silence).then(0.0).otherwise("p_reference")
    )


def _off_weight(labelled: pl.DataFrame, rules: EvaluationRules) -> Floats:
    """Return the true share of off gaps in the area of each gap, of all areas where few."""
    by_area = pl.col("is_off").mean().over("off_area")
    counted = pl.len().over("off_area")
    return (
        labelled.select(
            weight=pl.when(counted >= rules.reference_min_gaps)
            .then(by_area)
            .otherwise(pl.col("is_off").mean())
        )["weight"]
        .cast(pl.Float64)
        .to_numpy()
    )


@dataclass(frozen=True, eq=False)
class Scale:
    """Densities of silences that begin with a sighting at `off_s` and end with one at `on_s`.

    Nothing more is heard in a slot of the feed once its first position is: a silence begins with
    the next slot, and a set that comes back is first heard in the slot after.
    """

    silence: Silence
    lengths: OffLengths | None
    slot_s: float
    rules: EvaluationRules

    def density_if_on(self, place: Ints, off_s: Floats, on_s: Floats) -> Floats:
        """Return the density of silences of sets that are on, given the stored minimum."""
        stored_s = off_s + self.rules.stored_min_h * HOUR_S
        begun_s = np.minimum(self._next_slot(off_s), stored_s)
        given = self.silence.log_chance(place, off_s, begun_s, np.minimum(stored_s, on_s))
        return np.exp(self.silence.log_ending(place, off_s, begun_s, on_s) - given)

    def density_if_off(self, place: Ints, off_s: Floats, on_s: Floats) -> Floats:
        """Return the density of silences of sets that go off at `off_s`.

        Summed over steps that get shorter towards the end of the gap, where a return is likely.
        """
        if self.lengths is None:
            return np.zeros(len(place))
        span_s = (on_s - off_s)[:, None]
        grid = np.linspace(0, 1, self.rules.reference_steps + 1)
        # How far before the end of the gap, as a share of it: from 1 down to 0.
        before = np.expm1(STEEPNESS * grid[::-1]) / math.expm1(STEEPNESS)
        edges_h = (1 - before) * span_s / HOUR_S
        share = np.diff(self.lengths.below(edges_h), axis=1)
        back_s = off_s[:, None] + (edges_h[:, 1:] + edges_h[:, :-1]) / 2 * HOUR_S
        heard_s = np.minimum(self._next_slot(back_s), self._own_slot(on_s)[:, None])
        where, cells = np.nonzero(share > 0)
        unheard = np.zeros_like(share)
        unheard[where, cells] = np.exp(
            self.silence.log_ending(place[where], off_s[where], heard_s[where, cells], on_s[where])
        )
        return (share * unheard).sum(axis=1)

    def _next_slot(self, at_s: Floats) -> Floats:
        return np.ceil(at_s / self.slot_s) * self.slot_s if self.slot_s else at_s

    def _own_slot(self, at_s: Floats) -> Floats:
        return np.floor(at_s / self.slot_s) * self.slot_s if self.slot_s else at_s
