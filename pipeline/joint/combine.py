"""The posterior over {on, off} x {none, port groups} of each gap (METHOD 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.reception.window import Floats, Ints


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is concluded, in entries of pairs of gap and group (or none).

    Attributes:
        off: P(off, k), the set off and the ship there.
        on: P(on, k), the set on, and nobody could hear it.
        p_off: sum of `off` over the pairs of a gap (gaps).
    """

    off: Floats
    on: Floats
    p_off: Floats


def combine(
    gap: Ints,
    prior: Floats,
    log_ratio: Floats,
    p_off: Floats,
    on_all_along: Floats,
) -> Posterior:
    """Return the posterior; over the pairs of a gap `off` and `on` add up to one.

    p_off of the direct way leaves 1 - p_off: the set was on all along, or off in a part that does
    not count. Only the first depends on how silence on the way is to be explained, so that
    P(off, k) ~ p_off P(k) and P(on, k) ~ (on all along x L_k / L_direct + the rest) P(k).

    Args:
        gap: number of the gap (pairs).
        prior: P(k | what is known of the gap), adding up to one over its pairs (pairs).
        log_ratio: log L_k - log L_direct, 0 for none (pairs).
        p_off: of the direct way (gaps).
        on_all_along: probability that the set was on all along, on the direct way (gaps).
    """
    on_all_along = np.minimum(on_all_along, 1 - p_off)
    rest = np.maximum(1 - p_off - on_all_along, 0.0)
    with np.errstate(divide="ignore"):
        log_prior, log_off = np.log(prior), np.log(p_off)
        log_all, log_rest = np.log(on_all_along), np.log(rest)
        # In logarithms, as L_k / L_direct may be beyond all numbers.
        log_off = log_prior + log_off[gap]
        log_on = log_prior + np.logaddexp(log_all[gap] + log_ratio, log_rest[gap])
    most = np.full(len(p_off), -np.inf)
    np.maximum.at(most, gap, np.maximum(log_off, log_on))
    off, on = np.exp(log_off - most[gap]), np.exp(log_on - most[gap])
    total = np.bincount(gap, off + on, minlength=len(p_off))[gap]
    off, on = off / total, on / total
    p_off = np.bincount(gap, off, minlength=len(p_off)).astype(np.float64)
    return Posterior(off, on, p_off)
