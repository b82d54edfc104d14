"""Optional calibration of p_off on labels a user gives; the headline stays as it is (METHOD 4.6).

The map from p_off to p_off_calibrated never falls, so it turns no ranking round. With few labels it
is a logistic of logit(p) (Platt 1999), from `isotonic_from` on isotonic regression. Labels that
were sought where p_off is high, or where it is doubted, calibrate for such gaps only.
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

Method = Literal["logistic", "isotonic"]

KNOTS = 1_001  # of the logistic's curve: straight between them, to about 1e-4


@dataclass(frozen=True)
class Calibration:
    """A map from p_off to a calibrated probability that never falls.

    Attributes:
        method: logistic or isotonic.
        labels, off: labels it was fitted on, and how many of them say off.
        knots_p, knots_calibrated: the map, straight between knots, level beyond the ends.
        intercept, slope: a and b of sigmoid(a + b logit p_off); null of an isotonic map.
    """

    method: Method
    labels: int
    off: int
    knots_p: tuple[float, ...]
    knots_calibrated: tuple[float, ...]
    intercept: float | None = None
    slope: float | None = None

    def apply(self, p_off: pl.Series) -> pl.Series:
        """Return `p_off_calibrated` of each p_off; null and NaN stay null."""
        p = p_off.cast(pl.Float64).to_numpy()
        mapped = np.interp(p, self.knots_p, self.knots_calibrated)
        return pl.Series("p_off_calibrated", np.where(np.isnan(p), np.nan, mapped)).fill_nan(None)


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
    return fit_map(labels, rules, choose_method(labels, rules))


def choose_method(labels: pl.DataFrame, rules: CalibrationRules) -> Method:
    """Return the kind of map for so many labels; folds and draws of them keep to it."""
    return "isotonic" if labels.height >= rules.isotonic_from else "logistic"


def fit_map(labels: pl.DataFrame, rules: CalibrationRules, method: Method) -> Calibration:
    """Return the map of a kind that fits labels best, however few they are and what they say."""
    p, is_off = labels["p_off"].to_numpy(), labels["is_off"].to_numpy()
    counts = (labels.height, int(is_off.sum()))
    if method == "isotonic":
        x, y = _isotonic_knots(p, is_off)
        return Calibration(method, *counts, tuple(x.tolist()), tuple(y.tolist()))
    a, b = _fit_logistic(p, is_off, rules)
    x, y = _logistic_knots(a, b, rules)
    return Calibration(method, *counts, tuple(x.tolist()), tuple(y.tolist()), a, b)


def check_calibration(labels: pl.DataFrame, rules: CalibrationRules) -> pl.DataFrame:
    """Return the reliability of p_off and of p_off_calibrated, each label predicted by other folds.

    One row per stage (before, after) and bin (bins of about equal count; bin null: all labels):
    labels, p_mean, off_share with the ends of its Wilson interval (off_share_low, off_share_high),
    brier (mean squared error), calibration_error (mean |p_mean - off_share| over the bins, only
    where bin is null). Labels of one `mmsi`, where that column is there, are in one fold.

    Raises:
        ConfigError: as `fit_calibration`, or the labels are of too few ships to part them by ship.
    """
    fit_calibration(labels, rules)
    _require_ships(labels, rules)
    method = choose_method(labels, rules)
    ordered = labels.sort("gap_id")
    p, is_off = ordered["p_off"].to_numpy(), ordered["is_off"].to_numpy()
    after = np.empty(len(p))
    fold = _deal_folds(ordered, rules.folds)
    for number in np.unique(fold):
        test = fold == number
        fitted = fit_map(ordered.filter(~test), rules, method)
        after[test] = fitted.apply(pl.Series(p[test])).to_numpy()
    rows = [*_reliability("before", p, is_off, rules), *_reliability("after", after, is_off, rules)]
    return pl.DataFrame(rows, schema_overrides={"bin": pl.Int64})


def _require_ships(labels: pl.DataFrame, rules: CalibrationRules) -> None:
    """Refuse labels of which some fold would leave no ship, or none of one answer, to learn from.

    Raises:
        ConfigError: saying of how many ships they are and how many are needed.
    """
    by = group_column(labels)
    ships = {
        "": labels[by].n_unique(),
        " that say off": labels.filter("is_off")[by].n_unique(),
        " that say not off": labels.filter(~pl.col("is_off"))[by].n_unique(),
    }
    for words, count in ships.items():
        least = 2 if words else rules.folds
        if count < least:
            raise ConfigError(
                f"calibration: the labels{words} are of {count} ships, expected at least {least}:"
                " each ship's labels are predicted from other ships'"
            )


def _fit_logistic(p: Floats, is_off: Bools, rules: CalibrationRules) -> tuple[float, float]:
    """Return a and b of sigmoid(a + b logit p), b >= 0, by most likelihood (Platt 1999).

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

    # Not L-BFGS: its threads wait for each other on a busy machine, for two numbers.
    free, not_falling = (None, None), (0, None)
    best = minimize(loss, np.array([0.0, 1.0]), jac=True, bounds=[free, not_falling], method="TNC")
    return float(best.x[0]), float(best.x[1])


def _logistic_knots(a: float, b: float, rules: CalibrationRules) -> tuple[Floats, Floats]:
    from scipy.special import expit, logit

    x = np.linspace(logit(rules.least_p), logit(1 - rules.least_p), KNOTS)
    return expit(x), expit(a + b * x)


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
    by = group_column(labels)
    groups = labels.group_by(by).agg(has_off=pl.col("is_off").any())
    ranked = sorted(groups.iter_rows(), key=lambda row: (not row[1], _hash(row[0])))
    place = {name: number % folds for number, (name, _) in enumerate(ranked)}
    return np.array([place[name] for name in labels[by].to_list()], dtype=np.int64)


def group_column(labels: pl.DataFrame) -> str:
    """Return the column whose labels hang together: the ship's, where it is there."""
    return "mmsi" if "mmsi" in labels.columns else "gap_id"


def _hash(name: object) -> str:
    return hashlib.blake2b(str(name).encode(), digest_size=8).hexdigest()


def _reliability(
    stage: str, p: Floats, is_off: Bools, rules: CalibrationRules
) -> list[dict[str, Any]]:
    """Return one row per bin, and one over all labels."""
    count = min(max(len(p) // rules.labels_a_bin, rules.least_bins), rules.most_bins)
    inner = np.unique(np.quantile(p, np.linspace(0, 1, count + 1)[1:-1]))
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
