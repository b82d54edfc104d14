"""Figures of the classifier of real labelled gaps: ranking, calibration, F0.5, by kind of fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.evaluate.labels_classifier import CrossValidated, cross_validate
from pipeline.evaluate.limits import EvaluationRules, RealLabelRules
from pipeline.evaluate.measures import (
    NAN,
    Bools,
    Floats,
    average_precision,
    brier_skill,
    calibration_error,
    equal_count_bins,
    f_half,
)
from pipeline.evaluate.real_labels import (
    FEATURE_SETS,
    LABEL,
    PUBLISHED,
    build_features,
    group_rows,
)
from pipeline.evaluate.resample import Resampler


@dataclass(frozen=True)
class FlagScore:
    """Flags against labels: precision, recall, F0.5 and its interval over row blocks."""

    precision: float
    recall: float
    f_half: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class LabelScore:
    """What one feature set reached under one kind of fold.

    Attributes:
        features, folds: their names; `share`: of the training groups that was trained on.
        flags: pooled over the test folds; `fold_f_half`: each test fold alone.
        average_precision, brier, skill, calibration_error: of the pooled probabilities.
        settings, thresholds: chosen inside the training folds, by fold.
        p, is_flagged: of each row, by the fold it was not trained in.
    """

    features: str
    folds: str
    share: float
    flags: FlagScore
    fold_f_half: tuple[float, ...]
    average_precision: float
    brier: float
    skill: float
    calibration_error: float
    settings: tuple[str, ...]
    thresholds: tuple[float, ...]
    p: Floats
    is_flagged: Bools


@dataclass(frozen=True)
class Gain:
    """F0.5 of a feature set under row blocks less that of a published rule, with its interval."""

    features: str
    rule: str
    gain: float
    low: float
    high: float


def score_classifiers(
    gaps: pl.DataFrame, rules: RealLabelRules, limits: EvaluationRules
) -> Iterator[LabelScore]:
    """Return the score of each feature set under each kind of fold, row blocks first.

    Row blocks are run once more with `learning_share` of the training groups.
    """
    is_off = gaps[LABEL].to_numpy() == 1
    groups = group_rows(gaps, rules)
    blocks = Resampler(groups["row blocks"], limits)
    runs = [(kind, 1.0) for kind in groups] + [("row blocks", rules.learning_share)]
    for name, columns in FEATURE_SETS.items():
        features = build_features(gaps, columns)
        for kind, share in runs:
            found = cross_validate(features, is_off, groups[kind], rules, share)
            yield score_predictions(name, kind, share, is_off, found, blocks, limits)


def score_predictions(
    features: str,
    folds: str,
    share: float,
    is_off: Bools,
    found: CrossValidated,
    blocks: Resampler,
    limits: EvaluationRules,
) -> LabelScore:
    """Return the figures of cross-validated predictions."""
    squares = (found.p - is_off) ** 2
    true, rows = np.asarray(float(is_off.sum())), np.asarray(float(len(is_off)))
    each = [found.fold == number for number in np.unique(found.fold)]
    return LabelScore(
        features,
        folds,
        share,
        score_flags(is_off, found.is_flagged, blocks),
        tuple(_f_half(_counts(is_off[one], found.is_flagged[one]).sum(axis=0)) for one in each),
        average_precision(is_off, found.p),
        float(squares.mean()),
        float(brier_skill(np.asarray(squares.sum()), true, rows)),
        expected_calibration_error(is_off, found.p, limits),
        found.settings,
        found.thresholds,
        found.p,
        found.is_flagged,
    )


def score_published(
    gaps: pl.DataFrame, limits: EvaluationRules, rules: RealLabelRules
) -> dict[str, FlagScore]:
    """Return the published rules' scores on the rows their thresholds were chosen on."""
    is_off = gaps[LABEL].to_numpy() == 1
    blocks = Resampler(group_rows(gaps, rules)["row blocks"], limits)
    return {one.name: score_flags(is_off, one.flag(gaps), blocks) for one in PUBLISHED}


def compare_published(
    gaps: pl.DataFrame, scores: Sequence[LabelScore], limits: EvaluationRules, rules: RealLabelRules
) -> list[Gain]:
    """Return what each feature set gains over each published rule, on the same drawn blocks."""
    is_off = gaps[LABEL].to_numpy() == 1
    blocks = Resampler(group_rows(gaps, rules)["row blocks"], limits)
    gains = []
    for one in (score for score in scores if score.folds == "row blocks" and score.share == 1):
        ours = _drawn_f_half(is_off, one.is_flagged, blocks)
        for rule in PUBLISHED:
            flags = rule.flag(gaps)
            low, high = blocks.interval(ours - _drawn_f_half(is_off, flags, blocks))
            gain = one.flags.f_half - _f_half(_counts(is_off, flags).sum(axis=0))
            gains.append(Gain(one.features, rule.name, gain, low, high))
    return gains


def score_flags(is_off: Bools, is_flagged: Bools, blocks: Resampler) -> FlagScore:
    """Return precision, recall and F0.5 of flags, the interval by drawing row blocks anew.

    Without a flag there is no precision (NaN), and F0.5 is 0.
    """
    counts = _counts(is_off, is_flagged)
    right, flagged, true = counts.sum(axis=0)
    low, high = blocks.interval(_drawn_f_half(is_off, is_flagged, blocks))
    return FlagScore(
        float(right / flagged) if flagged else NAN,
        float(right / true),
        _f_half(counts.sum(axis=0)),
        low,
        high,
    )


def expected_calibration_error(is_off: Bools, p: Floats, limits: EvaluationRules) -> float:
    """Return the mean distance of probability and share, over bins of equal count."""
    bins = equal_count_bins(p, limits.calibration_bins)
    p_sum, true_sum, count = (
        np.bincount(bins, weights).astype(np.float64)
        for weights in (p, is_off.astype(np.float64), np.ones(len(p)))
    )
    return float(calibration_error(p_sum, true_sum, count))


def _drawn_f_half(is_off: Bools, is_flagged: Bools, blocks: Resampler) -> Floats:
    """Return F0.5 in every resample of row blocks; no number where nothing is flagged."""
    right, flagged, true = blocks.sums(_counts(is_off, is_flagged)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return f_half(right / flagged, right / true)


def _counts(is_off: Bools, is_flagged: Bools) -> Floats:
    """Return rightly flagged, flagged and truly off, 0 or 1 (rows, 3)."""
    return np.column_stack([is_off & is_flagged, is_flagged, is_off]).astype(np.float64)


def _f_half(counts: Floats) -> float:
    right, flagged, true = counts
    if flagged == 0 or right == 0:
        return 0.0
    return float(f_half(np.asarray(right / flagged), np.asarray(right / true)))
