"""What the log-odds of p_off are made of: the explanation of a gap (METHOD 4, output)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.reception.chain import smooth
from pipeline.reception.grid import Grid
from pipeline.reception.learn import Learned
from pipeline.reception.window import Floats, Ints
from pipeline.schema import LEAST_TOLD_P


def weigh_parts(learned: Learned, inside: Ints, middle: Ints) -> tuple[Floats, Floats]:
    """Return two of the three parts of the log-odds of p_off, one entry a gap.

    The chain is asked twice more, as if every ship had the own factor 1: once with the silent hours
    of the gaps saying nothing, once with all that was to be expected in them. The first is what is
    known before: how often sets go off there, for how long, and that the ship was heard on both
    sides. The second less the first is what the silence of a middling ship says. What is left to
    the log-odds of p_off is what the ship's own factor, before, in and after, changes.

    Args:
        learned: of the window.
        inside: rows of the window inside any of the gaps.
        middle: the row at which each gap is judged.

    Returns:
        Log-odds before, and what the silence adds; each log-odds within that of `LEAST_TOLD_P`.
    """
    window = learned.window
    is_asked = np.zeros(window.tracks.height, np.bool_)
    is_asked[window.track[middle]] = True
    grid = Grid.of(window, is_asked[window.track])
    alike = replace(learned.parameters, factor=np.ones(1), factor_share=np.ones(1))
    expected = learned.rates.expected
    is_silent = np.zeros(window.rows, np.bool_)
    is_silent[inside] = ~window.is_heard[inside]

    told = [np.where(is_silent, 0.0, expected), expected]
    found = smooth(grid, [grid.spread(one) for one in told], [alike, alike], is_counted=False)
    before, whole = (take_log_odds(1 - grid.gather(one.on)[middle]) for one in found)
    return before, whole - before


def take_log_odds(p: Floats) -> Floats:
    """Return log-odds of probabilities, as far as the published digits tell them apart."""
    from scipy.special import logit

    return logit(np.clip(p, LEAST_TOLD_P, 1 - LEAST_TOLD_P))
