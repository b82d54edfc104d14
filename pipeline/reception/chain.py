"""Was the set on, hour by hour: a hidden Markov chain over the hours of every track (METHOD 4.4).

While on, a ship has a factor of its own on what is expected of it: it holds for a while (a stay, a
leg) and is then drawn anew. While off, it comes back after a time whose density is a mixture of
exponentials. So the length density, the own-ship factor, the over-dispersion of silence and the
mixing weight are one likelihood, and the whole past and future of a track speak for each of its
hours (forward-backward, Rabiner 1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from pipeline.reception.grid import Cells, Counted, Grid, Parameters
from pipeline.reception.passes import Copies, run_backward, run_forward
from pipeline.reception.window import Floats

# Bounds the memory, whatever the fleet: of six months, some 360 MB for two answers.
TRACKS_AT_ONCE = 256
LEAST_RATE, MOST_RATE = 1e-5, 0.5
LEAST_REDRAW, MOST_REDRAW = 1e-4, 0.9  # from 0 and 1 nothing could be learned any more


@dataclass(frozen=True, eq=False)
class Smoothed:
    """What the chain says of every hour (hours, tracks), and what it counted on the way.

    Attributes:
        on: probability that the set was on.
        factor: mean own factor while on, given the hours until then alone.
        log_likelihood: of all that was heard and not heard.
        counted: what `improve` needs.
    """

    on: Floats
    factor: Floats
    log_likelihood: float
    counted: Counted


def smooth(
    grid: Grid,
    expected: Sequence[Floats],
    parameters: Sequence[Parameters],
    *,
    is_counted: bool = True,
) -> list[Smoothed]:
    """Return the probability of every hour that the set was on, given all hours of its track.

    Args:
        grid: the hours.
        expected: receptions expected of a ship with factor 1 (hours, tracks), for each answer.
        parameters: what was learned, for each answer; all with the same own factors.
        is_counted: whether `counted` is wanted; else it stays 0.
    """
    starts = range(0, grid.is_there.shape[1], TRACKS_AT_ONCE)
    slices = [slice(start, start + TRACKS_AT_ONCE) for start in starts]
    parts = [
        _smooth_tracks(grid.pick(one), [of[:, one] for of in expected], parameters, is_counted)
        for one in slices
    ]
    return [_put_together(of_answer) for of_answer in zip(*parts, strict=True)]


def _put_together(parts: Sequence[Smoothed]) -> Smoothed:
    """Return what is said of some tracks and of others as one."""
    return Smoothed(
        np.concatenate([one.on for one in parts], axis=1),
        np.concatenate([one.factor for one in parts], axis=1),
        sum(one.log_likelihood for one in parts),
        reduce(Counted.add, (one.counted for one in parts)),
    )


def _smooth_tracks(
    grid: Cells, expected: Sequence[Floats], parameters: Sequence[Parameters], is_counted: bool
) -> list[Smoothed]:
    copies = Copies(grid, expected, parameters)
    ahead, factor, fit = run_forward(copies)
    on, counted = run_backward(copies, ahead, is_counted=is_counted)
    return [
        Smoothed(on[:, of_copy], factor[:, of_copy], float(fit[copy]), counted[copy])
        for copy in range(copies.count)
        for of_copy in [slice(copy * copies.tracks, (copy + 1) * copies.tracks)]
    ]


def improve(
    parameters: Parameters, counted: Counted, prior: Parameters, prior_weight: float
) -> Parameters:
    """Return the parameters that make what was counted likeliest (Baum-Welch), lightly shrunk.

    How own factors spread is not learned: ships that are off would pass for very weak ones.

    Args:
        parameters: those with which it was counted.
        counted: `Smoothed.counted`.
        prior: what holds where little was counted.
        prior_weight: events that the prior is worth.
    """
    on_hours, off_hours = counted.on_hours, counted.off_hours
    # Areas with few switch-offs lean on the rate of all areas together.
    overall = (counted.switched_off.sum() + prior_weight) / (
        on_hours.sum() + prior_weight / prior.off_rate.mean()
    )
    return replace(
        parameters,
        off_rate=(counted.switched_off + prior_weight) / (on_hours + prior_weight / overall),
        phase_share=_shares(counted.phases + prior_weight * prior.phase_share),
        back_rate=np.clip(
            (counted.returns + prior_weight) / (off_hours + prior_weight / prior.back_rate),
            LEAST_RATE,
            MOST_RATE,
        ),
        redraw=_rate(counted, 0, prior.redraw, prior_weight),
        redraw_at_change=_rate(counted, 1, prior.redraw_at_change, prior_weight),
    )


def _rate(counted: Counted, kind: int, prior: float, prior_weight: float) -> float:
    """Return the chance of a redraw."""
    found = (counted.redrawn[kind] + prior_weight) / (counted.chances[kind] + prior_weight / prior)
    return float(np.clip(found, LEAST_REDRAW, MOST_REDRAW))


def _shares(values: Floats) -> Floats:
    return values / values.sum()
