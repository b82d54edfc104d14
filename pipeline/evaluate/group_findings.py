"""Figures about the port group: is the likeliest one right, and is its probability? (METHOD 8)"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from pipeline.areas import NO_PORT_GROUP
from pipeline.evaluate import measures
from pipeline.evaluate.curves import reliability_points
from pipeline.evaluate.findings import Finding, Target, find, not_yet
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.resample import Resampler

TOPIC = "port group"
TOP, LOSS = "top-1", "log-loss"
ERROR = "expected calibration error of the likeliest"
OURS = "p_call + p_unheard"
TOP_TARGET = Target("at least 0.80", low=0.80)
# METHOD 8 asks for "calibrated" and has a figure for p_off alone.
ERROR_TARGET = Target("calibrated: at most 0.05, as p_off", high=0.05)
# What is ranked -> column with the group it names.
SUBJECTS = {
    OURS: "likeliest",
    "nearest port": "off_port_group",
    "first candidate": "first_group",
    "no call ever": "never",
}
ALL = "all"


def judge_groups(chances: pl.DataFrame) -> pl.DataFrame:
    """Return one row per gap with two or more candidate groups and a posterior.

    `likeliest` of the groups and `none` by p_call + p_unheard, with `p_likeliest`; `p_true` of the
    true group, 0 where it is no candidate; `first_group`, the earliest window; `never`, no call.

    Args:
        chances: `call_truth.list_chances`.
    """
    told = chances.filter(pl.col("p_call").is_not_null()).with_columns(
        p=pl.col("p_call") + pl.col("p_unheard")
    )
    key = ["run", "gap_id"]
    return (
        told.group_by(key, maintain_order=True)
        .agg(
            pl.col("cluster", "off_port_group", "true_group", "is_off", "duration_h").first(),
            pl.col("has_end_in_port").first(),
            groups=(pl.col("port_group") != NO_PORT_GROUP).sum(),
            p_likeliest=pl.col("p").max(),
            likeliest=_first_by_p(),
            p_true=pl.col("p").filter(pl.col("port_group") == pl.col("true_group")).sum(),
            first_group=pl.col("port_group")
            .sort_by("window_from", "port_group", nulls_last=True)
            .first(),
            never=pl.lit(NO_PORT_GROUP),
        )
        .filter(pl.col("groups") >= 2)
    )


def _first_by_p() -> pl.Expr:
    """Return the port group of the largest p, ties by name."""
    return pl.col("port_group").sort_by("p", "port_group", descending=[True, False]).first()


def each_part(judged: pl.DataFrame, rules: EvaluationRules) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield (name, gaps) of all judged gaps and of the parts that are told apart."""
    is_away = ~pl.col("has_end_in_port")
    yield ALL, judged
    yield "set truly off", judged.filter(pl.col("is_off"))
    yield "a call truly made", judged.filter(pl.col("true_group") != NO_PORT_GROUP)
    yield "no end in a port", judged.filter(is_away)
    yield "set truly off, no end in a port", judged.filter(pl.col("is_off"), is_away)
    long = judged.filter(pl.col("duration_h") >= rules.measured_min_h)
    yield f"{rules.measured_min_h:g} h and more", long


def measure_port_groups(judged: pl.DataFrame, rules: EvaluationRules) -> list[Finding]:
    """Return top-1, log-loss and calibration of `judge_groups`, baselines beside, by part."""
    if judged.is_empty():
        empty = "the table of candidates"
        return [
            not_yet(TOPIC, TOP, empty, TOP_TARGET.words),
            not_yet(TOPIC, LOSS, empty),
            not_yet(TOPIC, ERROR, empty, ERROR_TARGET.words),
        ]
    return [one for name, part in each_part(judged, rules) for one in _measure(part, name, rules)]


def draw_groups(judged: pl.DataFrame, rules: EvaluationRules) -> dict[str, list[dict[str, Any]]]:
    """Return reliability points by part: probability of the likeliest against how often right."""
    return {
        name: reliability_points(
            _is_right(part, "likeliest"), part["p_likeliest"].to_numpy(), rules
        )
        for name, part in each_part(judged, rules)
        if part.height and name in (ALL, "set truly off", "no end in a port")
    }


def _is_right(part: pl.DataFrame, column: str) -> measures.Bools:
    right = part.select(pl.col(column).fill_null("unknown") == pl.col("true_group"))
    return right.to_series().to_numpy().astype(np.bool_)


def _measure(part: pl.DataFrame, stratum: str, rules: EvaluationRules) -> list[Finding]:
    """Return the figures of one part; intervals by drawing ships anew."""
    resampler = Resampler(part["cluster"].to_numpy(), rules)
    more: dict[str, Any] = {"stratum": stratum, "count": part.height}
    found: list[Finding] = []
    for subject, column in SUBJECTS.items():
        right = _is_right(part, column)
        target = TOP_TARGET if (subject, stratum) == (OURS, ALL) else None
        found.append(_mean(TOP, right, resampler, target, subject=subject, **more))
    p_true = np.maximum(part["p_true"].to_numpy(), rules.least_p)
    found.append(_mean(LOSS, -np.log(p_true), resampler, None, subject=OURS, **more))
    return [*found, _calibrate(part, resampler, rules, **more)]


def _mean(
    measure: str, values: Any, resampler: Resampler, target: Target | None, **more: Any
) -> Finding:
    """Return the mean of some values over gaps."""
    columns = np.column_stack((values, np.ones(len(values)))).astype(np.float64)
    drawn = resampler.sums(columns)
    shares = drawn[:, 0] / np.maximum(drawn[:, 1], 1)
    value = float(np.mean(values)) if len(values) else math.nan
    return find(TOPIC, measure, value, resampler.interval(shares), target, **more)


def _calibrate(
    part: pl.DataFrame, resampler: Resampler, rules: EvaluationRules, **more: Any
) -> Finding:
    """Return the calibration error of the likeliest group's probability."""
    p, right = part["p_likeliest"].to_numpy(), _is_right(part, "likeliest")
    bins = measures.equal_count_bins(p, rules.calibration_bins)
    spread = np.zeros((3, len(p), rules.calibration_bins))
    spread[:, np.arange(len(p)), bins] = p, right, np.ones(len(p))
    columns = np.column_stack((*spread,))

    def error(sums: measures.Floats) -> measures.Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return measures.calibration_error(*np.split(sums, 3, axis=1))

    (once,) = error(columns.sum(axis=0, keepdims=True))
    target = ERROR_TARGET if more["stratum"] == ALL else None
    note = f"{rules.calibration_bins} bins of equal count" if target else ""
    interval = resampler.interval(error(resampler.sums(columns)))
    return find(TOPIC, ERROR, float(once), interval, target, subject=OURS, note=note, **more)
