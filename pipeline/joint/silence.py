"""How likely a ship that sends is not heard all along a way (METHOD 6)."""

from __future__ import annotations

import numpy as np

from pipeline.joint.steps import Stretches
from pipeline.reception.grid import Parameters
from pipeline.reception.window import Floats

TINY = 1e-300


def weigh_silence(
    ways: Stretches,
    expected: Floats,
    before: Floats,
    after: Floats,
    parameters: Parameters,
) -> Floats:
    """Return the log chance of silence in all hours of each way, the set on all along (ways).

    Forward over the own factor alone, which is drawn anew now and then, in port as at sea: when a
    ship stopped inside a silence nobody knows, and no way may have that as its excuse. It is given
    what was heard before and after: the chance of silence and what follows, over the chance of what
    follows had nobody listened on the way.

    Args:
        ways: the hours of the ways.
        expected: receptions expected of a ship with factor 1 (hours of all ways).
        before, after: `ends.Ends` of each way (factors, ways).
        parameters: of the chain.
    """
    factor = parameters.factor[:, None]
    share = parameters.factor_share[:, None]
    redraw = parameters.redraw
    state = np.ascontiguousarray(before[:, ways.order])
    log_scale = np.zeros(state.shape[1])
    for count, hours in ways.walk():
        now = state[:, :count]
        now = (1 - redraw) * now + redraw * now.sum(0) * share
        now *= np.exp(-factor * expected[hours])
        total = np.maximum(now.sum(0), TINY)
        log_scale[:count] += np.log(total)
        state[:, :count] = now / total
    told = log_scale + np.log(np.maximum((state * after[:, ways.order]).sum(0), TINY))
    # Had nobody listened, the factor would be drawn anew now and then, and nothing else happen.
    kept = (1 - redraw) ** ways.size[ways.order]
    unheard = kept * before[:, ways.order] + (1 - kept) * share
    untold = np.log(np.maximum((unheard * after[:, ways.order]).sum(0), TINY))
    found = np.empty(len(ways.size))
    found[ways.order] = told - untold
    return found
