"""Optional calibration of p_off on labels a user gives; the headline stays as it is (METHOD 4.6).

The map from p_off to p_calibrated never falls, so it changes no ranking. With few labels it is a
logistic of logit(p) (Platt 1999), from `isotonic_from` on isotonic regression. Labels that were
sought where p_off is high, or where it is doubted, calibrate for such gaps only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.errors import ConfigError
from pipeline.rules import CalibrationRules

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

KNOTS = 1_001  # of the logistic's curve: straight between them, to about 1e-4


@dataclass(frozen=True)
class Calibration:
    """A map from p_off to a calibrated probability that never falls.

    Attributes:
        method: logistic or isotonic.
        labels, off: labels it was fitted on, and how many of them say off.
        knots_p, knots_calibrated: the map, straight between knots, level beyond the ends.
    """

    method: Literal["logistic", "isotonic"]
    labels: int
    off: int
    knots_p: tuple[float, ...]
    knots_calibrated: tuple[float, ...]

    def apply(self, p_off: pl.Series) -> pl.Series:
        """Return `p_calibrated` of each p_off; null and NaN stay null."""
        p = p_off.cast(pl.Float64).to_numpy()
        mapped = np.interp(p, self.knots_p, self.knots_calibrated)
        return pl.Series("p_calibrated", np.where(np.isnan(p), np.nan, mapped)).fill_nan(None)


def fit_calibration(labels: pl.DataFrame, rules: CalibrationRules) -> Calibration:
    """Return the calibration learnt from labels: gap_id, p_off (no null), is_off.

    Raises:
        ConfigError: labels are too few, or too few of them say off, or not off.
    """
    off = int(labels["is_off"].sum())
    for count, least, words in (
        (labels.height, rules.least_labels, "of gaps with a p_off"),
        (off, rules.least_of_a_class, "that say off"),
        (labels.height - off, rules.least_of_a_class, "that say not off"),
    ):
        if count < least:
            raise ConfigError(f"calibration: {count} labels {words}, expected at least {least}")
    return _fit(labels["p_off"].to_numpy(), labels["is_off"].to_numpy(), rules)


def check_calibration(labels: pl.DataFrame, rules: CalibrationRules) -> pl.DataFrame:
    """Return the reliability of p_off and of p_calibrated, each label predicted by other folds.

    One row per stage (before, after) and bin (bins of about equal count; bin null: all labels):
    labels, p_mean, off_share with the ends of its Wilson interval (off_share_low, off_share_high),
    brier (mean squared error), calibration_error (mean |p_mean - off_share| over the bins, only
    where bin is null). Labels of one `mmsi`, where that column is there, are in one fold.

    Raises:
        ConfigError: as `fit_calibration`.
    """
    fit_calibration(labels, rules)
    ordered = labels.sort("gap_id")
    p, is_off = ordered["p_off"].to_numpy(), ordered["is_off"].to_numpy()
    after = np.empty(len(p))
    fold = _deal_folds(ordered, rules.folds)
    for number in np.unique(fold):
        test = fold == number
        fitted = _fit(p[~test], is_off[~test], rules)
        after[test] = fitted.apply(pl.Series(p[test])).to_numpy()
    rows = [*_reliability("before", p, is_off, rules), *_reliability("after", after, is_off, rules)]
    return pl.DataFrame(rows, schema_overrides={"bin": pl.Int64})


def _fit(p: Floats, is_off: Bools, rules: CalibrationRules) -> Calibration:
    is_many = len(p) >= rules.isotonic_from
    x, y = _isotonic_knots(p, is_off) if is_many else _logistic_knots(p, is_off, rules)
    return Calibration(
        "isotonic" if is_many else "logistic",
        len(p),
        int(is_off.sum()),
        tuple(x.tolist()),
        tuple(y.tolist()),
    )


def _logistic_knots(p: Floats, is_off: Bools, rules: CalibrationRules) -> tuple[Floats, Floats]:
    """Return knots of sigmoid(a + b logit p), b >= 0, by most likelihood (Platt 1999).

    Platt's targets (n_off + 1)/(n_off + 2) and 1/(n_on + 2) keep it finite where p_off parts the
    labels without an error.
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logit

    off = int(is_off.sum())
    target = np.where(is_off, (off + 1) / (off + 2), 1 / (len(p) - off + 2))
    x = logit(np.clip(p, rules.least_p, 1 - rules.least_p))

    def loss(at: Floats) -> tuple[float, Floats]:
        z = at[0] + at[1] * x
        error = expit(z) - target
        # log(1 + exp(z)) without overflow.
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array(
            [error.mean(), (error * x).mean()]
        )

    best = minimize(loss, np.array([0.0, 1.0]), jac=True, bounds=[(None, None), (0, None)])
    knots = expit(np.linspace(logit(rules.least_p), logit(1 - rules.least_p), KNOTS))
    return knots, expit(best.x[0] + best.x[1] * logit(knots))


def _isotonic_knots(p: Floats, is_off: Bools) -> tuple[Floats, Floats]:
    """Return the ends of the level steps of isotonic regression.

    One label against the run stands beyond each end, so that no gap becomes certain.
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(p, kind="stable")
    x, first = np.unique(np.concatenate([[0.0], p[order], [1.0]]), return_index=True)
    truth = np.concatenate([[1.0], is_off[order].astype(np.float64), [0.0]])
    # Equal p_off are one observation, else their order would matter.
    count = np.diff(np.append(first, len(truth))).astype(np.float64)
    level = isotonic_regression(np.add.reduceat(truth, first) / count, weights=count)
    starts = level.blocks[:-1]
    ends = level.blocks[1:] - 1
    at = np.unique(np.concatenate([starts, ends]))
    return x[at], np.asarray(level.x, dtype=np.float64)[at]


def _deal_folds(labels: pl.DataFrame, folds: int) -> Ints:
    """Return the fold of each label, by the hash of its ship or gap: no matter in which order.

    The groups go round the folds in the order of their hashes, those with an off label first, so
    that both answers are in each training set.
    """
    by = "mmsi" if "mmsi" in labels.columns else "gap_id"
    groups = labels.group_by(by).agg(has_off=pl.col("is_off").any())
    ranked = sorted(groups.iter_rows(), key=lambda row: (not row[1], _hash(row[0])))
    place = {name: number % folds for number, (name, _) in enumerate(ranked)}
    return np.array([place[name] for name in labels[by].to_list()], dtype=np.int64)


def _hash(name: object) -> str:
    return hashlib.blake2b(str(name).encode(), digest_size=8).hexdigest()


def _reliability(
    stage: str, p: Floats, is_off: Bools, rules: CalibrationRules
) -> list[dict[str, Any]]:
    """Return one row per bin, and one over all labels."""
    inner = np.unique(np.quantile(p, np.linspace(0, 1, rules.bins + 1)[1:-1]))
    bins = np.searchsorted(inner, p, side="left")
    rows = [
        {"stage": stage, "bin": number, **_tell(p[bins == at], is_off[bins == at], rules)}
        for number, at in enumerate(np.unique(bins))
    ]
    error = sum(row["labels"] * abs(row["p_mean"] - row["off_share"]) for row in rows) / len(p)
    every = {"stage": stage, "bin": None, **_tell(p, is_off, rules)}
    return [{**row, "calibration_error": None} for row in rows] + [
        {**every, "calibration_error": error}
    ]


def _tell(p: Floats, is_off: Bools, rules: CalibrationRules) -> dict[str, Any]:
    from scipy.stats import binomtest

    interval = binomtest(int(is_off.sum()), len(p)).proportion_ci(rules.interval_level, "wilson")
    return {
        "labels": len(p),
        "p_mean": float(p.mean()),
        "off_share": float(is_off.mean()),
        "off_share_low": float(interval.low),
        "off_share_high": float(interval.high),
        "brier": float(np.mean((p - is_off) ** 2)),
    }
