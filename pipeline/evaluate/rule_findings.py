"""Figures of rules that say yes or no: precision, recall, F0.5, false ones, bias of the total."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.evaluate import measures
from pipeline.evaluate.baselines import RULES, SCORES
from pipeline.evaluate.findings import Finding, find, not_yet
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import Ranking
from pipeline.evaluate.resample import Resampler

Floats = NDArray[np.float64]

TOPIC = "baselines"
GAP_RULES = ("at_least_12h", "at_least_30h", "gfw_rule")


def score_rules(
    measured: pl.DataFrame, world_years: float, rules: EvaluationRules
) -> list[Finding]:
    """Return the figures of every rule and score on measured gaps, p_off's own cut included.

    Recall is of the off gaps among the measured ones, so that of `at_least_12h` is 1.
    """
    found: list[Finding] = []
    for rule in GAP_RULES:
        if measured[rule].is_null().any():
            note = "not assessable: the geo folder has no shoreline"
            found.append(Finding(TOPIC, "precision", rule, note=note))
            continue
        flagged = measured.select("cluster", is_flagged=rule, is_true="is_off")
        found += score_flags(flagged, TOPIC, rule, world_years, rules, note=RULES[rule])
        found.append(_rank(measured, rule, rules))
    found += [_rank(measured, score, rules, SCORES[score]) for score in SCORES]
    cut = f"p_off at least {rules.probable_off:g}"
    if measured["p_off"].is_null().any() or measured.is_empty():
        return [*found, not_yet(TOPIC, f"precision of {cut}", "gaps.p_off")]
    flagged = measured.select(
        "cluster", is_flagged=pl.col("p_off") >= rules.probable_off, is_true="is_off"
    )
    return [*found, *score_flags(flagged, TOPIC, cut, world_years, rules)]


def score_flags(
    flagged: pl.DataFrame,
    topic: str,
    subject: str,
    world_years: float,
    rules: EvaluationRules,
    note: str = "",
    stratum: str = "all",
) -> list[Finding]:
    """Return precision, recall, F0.5, flagged, false ones a year and the bias of the total.

    Args:
        flagged: one row per case: cluster, is_flagged, is_true.
        topic, subject, note, stratum: see Finding.
        world_years: years in which the cases arose, over all worlds.
        rules: resamples.
    """
    says, true = (flagged[name].cast(pl.Boolean).to_numpy() for name in ("is_flagged", "is_true"))
    resampler = Resampler(flagged["cluster"].to_numpy(), rules)
    columns = np.column_stack((says & true, says & ~true, ~says & true)).astype(np.float64)
    drawn = _rule_figures(resampler.sums(columns), world_years)
    once = _rule_figures(columns.sum(axis=0, keepdims=True), world_years)
    return [
        find(
            topic,
            measure,
            float(once[measure][0]),
            resampler.interval(drawn[measure]),
            subject=subject,
            stratum=stratum,
            count=flagged.height,
            note=note if measure == "precision" else "",
        )
        for measure in once
    ]


def _rule_figures(sums: Floats, world_years: float) -> dict[str, Floats]:
    """Return the figures from sums of right, false and missed ones (rows: resamples)."""
    right, false, missed = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = right / (right + false), right / (right + missed)
        bias = (right + false) / (right + missed)
        a_year = false / world_years if world_years > 0 else np.full(len(false), math.nan)
    return {
        "precision": _finite(precision),
        "recall": _finite(recall),
        "F0.5": _finite(measures.f_half(precision, recall)),
        "flagged": right + false,
        "false a year": _finite(a_year),
        "flagged / true": _finite(bias),
    }


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, math.nan)


def _rank(measured: pl.DataFrame, column: str, rules: EvaluationRules, note: str = "") -> Finding:
    resampler = Resampler(measured["cluster"].to_numpy(), rules)
    is_off = measured["is_off"].cast(pl.Boolean).to_numpy()
    ranking = Ranking(is_off, measured[column].cast(pl.Float64).to_numpy())
    interval = resampler.interval(resampler.values(ranking.average_precision))
    return find(
        TOPIC,
        "average precision",
        ranking.average_precision(),
        interval,
        subject=column,
        count=measured.height,
        note=note,
    )
