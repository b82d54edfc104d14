"""A calibrated classifier of gaps that needs no tracks, and its cross-validation.

Setting, calibration and threshold are chosen inside the training folds: a test fold is used once,
to be scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluate.limits import RealLabelRules
from pipeline.evaluate.measures import Bools, Floats, Ints, Ranking, f_half
from pipeline.evaluate.real_labels import deal_folds

LEAST_P = 1e-6  # a probability of 0 would make one wrong row's loss endless


@dataclass(frozen=True)
class Setting:
    """One way to fit: additive splines into a logistic regression (0 leaves), or boosted trees."""

    name: str
    leaves: int


SETTINGS = (
    Setting("additive splines", 0),
    Setting("trees of 7 leaves", 7),
    Setting("trees of 15 leaves", 15),
)


@dataclass(frozen=True, eq=False)
class Classifier:
    """A fitted model with what was learnt on rows it had not seen.

    Attributes:
        setting: the one with the least log loss.
        model: of scikit-learn, on all training rows.
        isotonic: from its scores to probabilities.
        threshold: of the probability from which F0.5 is greatest.
    """

    setting: Setting
    model: Any
    isotonic: Any
    threshold: float

    def predict(self, features: Floats) -> Floats:
        """Return the calibrated probability of `off` of each row."""
        return self.isotonic.predict(_score(self.model, features))


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """What each row got while it was not trained on: p, is_flagged, fold, and the classifiers'."""

    p: Floats
    is_flagged: Bools
    fold: Ints
    settings: tuple[str, ...]
    thresholds: tuple[float, ...]


def cross_validate(
    features: Floats, is_off: Bools, groups: Ints, rules: RealLabelRules, share: float = 1.0
) -> CrossValidated:
    """Return the predictions for every row by classifiers that were fitted without its fold.

    `share`: of the training groups; less than 1 shows what fewer rows would give.
    """
    fold = deal_folds(groups, rules.folds, rules.seed)
    p, is_flagged = np.zeros(len(is_off)), np.zeros(len(is_off), dtype=np.bool_)
    settings, thresholds = [], []
    for number in range(rules.folds):
        train = (fold != number) & _is_kept(groups, share, rules.seed)
        test = fold == number
        fitted = fit_classifier(features[train], is_off[train], groups[train], rules)
        p[test] = fitted.predict(features[test])
        is_flagged[test] = p[test] >= fitted.threshold
        settings.append(fitted.setting.name)
        thresholds.append(fitted.threshold)
    return CrossValidated(p, is_flagged, fold, tuple(settings), tuple(thresholds))


def fit_classifier(
    features: Floats, is_off: Bools, groups: Ints, rules: RealLabelRules
) -> Classifier:
    """Return the classifier of these rows; everything is chosen on inner folds of whole groups."""
    from sklearn.isotonic import IsotonicRegression

    fold = deal_folds(groups, rules.inner_folds, rules.seed + 1)
    unseen = {setting: _score_unseen(setting, features, is_off, fold) for setting in SETTINGS}
    setting = min(SETTINGS, key=lambda one: log_loss(is_off, unseen[one]))
    isotonic = IsotonicRegression(y_min=LEAST_P, y_max=1 - LEAST_P, out_of_bounds="clip")
    isotonic.fit(unseen[setting], is_off)
    threshold = choose_threshold(is_off, isotonic.predict(unseen[setting]))
    model = _make_model(setting).fit(features, is_off)
    return Classifier(setting, model, isotonic, threshold)


def choose_threshold(is_off: Bools, p: Floats) -> float:
    """Return the probability from which on flagging gives the greatest F0.5."""
    ranking = Ranking(is_off, p)
    recall, precision = ranking.curve()
    best = int(np.nanargmax(f_half(precision, recall)))
    return float(p[ranking.order][ranking.ends[best]])


def log_loss(is_off: Bools, p: Floats) -> float:
    """Return the mean of -log of the probability given to what was so, in nats."""
    kept = np.clip(p, LEAST_P, 1 - LEAST_P)
    return float(-np.mean(np.log(np.where(is_off, kept, 1 - kept))))


def _score_unseen(setting: Setting, features: Floats, is_off: Bools, fold: Ints) -> Floats:
    score = np.zeros(len(is_off))
    for number in np.unique(fold):
        test = fold == number
        model = _make_model(setting).fit(features[~test], is_off[~test])
        score[test] = _score(model, features[test])
    return score


def _score(model: Any, features: Floats) -> Floats:
    return model.predict_proba(features)[:, 1]


def _make_model(setting: Setting) -> Any:
    """Return an unfitted model; the numbers are judgement and were compared on no test fold."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    if setting.leaves == 0:
        splines = SplineTransformer(n_knots=7, knots="quantile", extrapolation="constant")
        return make_pipeline(splines, LogisticRegression(C=1.0, max_iter=300))
    # Stopping early would split rows of one group; the stubs know its `auto` only.
    options: dict[str, Any] = {"early_stopping": False, "random_state": 0}
    return HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=setting.leaves,
        min_samples_leaf=200,
        **options,
    )


def _is_kept(groups: Ints, share: float, seed: int) -> Bools:
    """Return whether a row's group is among the share of groups trained on."""
    names, codes = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(seed + 2).permutation(len(names)) < share * len(names)
    return drawn[codes]
