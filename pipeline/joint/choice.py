"""A conditional logit: which of several was chosen, and what speaks for each (McFadden 1974)."""

from __future__ import annotations

import numpy as np

from pipeline.reception.window import Bools, Floats, Ints


def weigh_choices(features: Floats, chooser: Ints, weights: Floats) -> Floats:
    """Return the probability of each choice; over those of a chooser they add up to one.

    Args:
        features: (choices, features).
        chooser: whose choice each is, numbered from 0; each has one at least (choices).
        weights: (features), or one row a choice (choices, features).
    """
    score = (features * weights).sum(-1)
    most = np.full(int(chooser.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(most, chooser, score)
    share = np.exp(score - most[chooser])
    return share / np.bincount(chooser, share)[chooser]


def fit_choice(
    features: Floats,
    chooser: Ints,
    is_chosen: Bools,
    prior: Floats,
    prior_scale: float,
    most_steps: int,
) -> Floats:
    """Return the likeliest weights (features), under a normal prior: L-BFGS, exact gradient.

    Args:
        features, chooser: as of `weigh_choices`.
        is_chosen: the one of each chooser that was chosen.
        prior: mean of the weights.
        prior_scale: standard deviation of the weights.
        most_steps: steps of the search at most.
    """
    from scipy.optimize import minimize

    def lose(weights: Floats) -> tuple[float, Floats]:
        share = weigh_choices(features, chooser, weights)
        apart = (weights - prior) / prior_scale
        loss = -np.log(np.maximum(share[is_chosen], 1e-300)).sum() + (apart**2).sum() / 2
        slope = features.T @ (share - is_chosen) + apart / prior_scale
        return float(loss), slope

    found = minimize(
        lose, prior.astype(np.float64), jac=True, method="L-BFGS-B", options={"maxiter": most_steps}
    )
    # The same figures on machines whose sums end in other digits.
    return np.round(found.x, 6)
