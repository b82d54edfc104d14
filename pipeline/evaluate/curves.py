"""Points of the curves that are drawn: reliability and precision over recall."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipeline.evaluate.gap_findings import SUBJECTS
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import Ranking, equal_count_bins, wilson

MOST_POINTS = 200  # of a precision-recall curve, evenly along it: more cannot be seen

Points = dict[str, list[dict[str, Any]]]


def draw_curves(measured: pl.DataFrame, rules: EvaluationRules) -> dict[str, Points]:
    """Return `reliability` and `precision_recall`: points of each subject that has a score."""
    known = {
        subject: measured[column].to_numpy()
        for subject, column in SUBJECTS.items()
        if measured.height and not measured[column].is_null().any()
    }
    is_off = measured["is_off"].cast(pl.Boolean).to_numpy()
    return {
        "reliability": {
            subject: reliability_points(is_off, p, rules)
            for subject, p in known.items()
            if subject != "duration"
        },
        "precision_recall": {
            subject: precision_points(is_off, score) for subject, score in known.items()
        },
    }


def reliability_points(
    is_true: np.ndarray[Any, np.dtype[np.bool_]],
    p: np.ndarray[Any, np.dtype[np.float64]],
    rules: EvaluationRules,
) -> list[dict[str, Any]]:
    """Return one point per bin: mean probability, share that was true with interval, count."""
    bins = equal_count_bins(p, rules.calibration_bins)
    points: list[dict[str, Any]] = []
    for number in np.unique(bins):
        inside = bins == number
        true, count = int(is_true[inside].sum()), int(inside.sum())
        low, high = wilson(true, count, rules.interval_level)
        mean = float(p[inside].mean())
        share = true / count
        points.append({"p": mean, "share": share, "low": low, "high": high, "count": count})
    return points


def precision_points(
    is_true: np.ndarray[Any, np.dtype[np.bool_]], score: np.ndarray[Any, np.dtype[np.float64]]
) -> list[dict[str, Any]]:
    """Return at most MOST_POINTS points of precision over recall, best score first."""
    recall, precision = Ranking(is_true, score).curve()
    chosen = np.unique(np.linspace(0, len(recall) - 1, MOST_POINTS).astype(int))
    return [{"recall": float(recall[at]), "precision": float(precision[at])} for at in chosen]
