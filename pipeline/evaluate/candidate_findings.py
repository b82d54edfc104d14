"""Figures about candidates: is the true port among them, at the right time, and are they few?"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from pipeline.evaluate.findings import Finding, Target, find, not_yet
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.resample import Resampler

TOPIC = "candidates"
EMPTY = "the table of candidates"
RECALL, WINDOW = "recall", "true stay inside the window"
SET = "mean set over the great-circle ellipse's"
RECALL_TARGET = Target("at least 0.99", low=0.99)
WINDOW_TARGET = Target("at least 0.97", low=0.97)
SET_TARGET = Target("at most 0.6", high=0.6)
SAME_SPEED, V_MAX = "same bounding speed", "30 kn"


def measure_candidates(
    sets: pl.DataFrame, stays: pl.DataFrame, chances: pl.DataFrame, rules: EvaluationRules
) -> list[Finding]:
    """Return recall, share of stays inside the window, and size of the set (METHOD 8).

    Args:
        sets: `call_truth.compare_sets` of the rated months.
        stays: `call_truth.find_stays` with `run`.
        chances: `call_truth.list_chances`.
        rules: interval level, resamples.
    """
    if chances.is_empty():
        return [
            not_yet(TOPIC, measure, EMPTY, target.words)
            for measure, target in (
                (RECALL, RECALL_TARGET),
                (WINDOW, WINDOW_TARGET),
                (SET, SET_TARGET),
            )
        ]
    found = _measure_stays(sets, stays, chances, rules)
    long = sets.filter(pl.col("duration_h") >= rules.measured_min_h)
    for stratum, part in (("all", sets), (f"{rules.measured_min_h:g} h and more", long)):
        found += _measure_sizes(part, stratum, rules)
    return found


def _measure_stays(
    sets: pl.DataFrame, stays: pl.DataFrame, chances: pl.DataFrame, rules: EvaluationRules
) -> list[Finding]:
    """Return how many true stays wholly inside judged gaps are at a candidate, in its window."""
    judged = stays.filter("is_inside").join(
        sets.select("run", "gap_id"), on=["run", "gap_id"], how="semi"
    )
    told = chances.select(
        "run", "gap_id", "port_group", "window_from", "window_to", is_told=pl.lit(value=True)
    )
    judged = judged.join(
        told, on=["run", "gap_id", "port_group"], how="left", maintain_order="left"
    ).with_columns(
        pl.col("is_told").fill_null(value=False),
        is_held=(pl.col("window_from") <= pl.col("arrival_at"))
        & (pl.col("window_to") >= pl.col("departure_at")),
    )
    found: list[Finding] = []
    for stratum, part in (
        ("all", judged),
        ("set off for the whole stay", judged.filter("is_dark")),
        ("set on for the whole stay", judged.filter("is_unheard")),
    ):
        told_part = part.filter("is_told")
        is_whole = stratum == "all"
        for measure, right, count, target in (
            (RECALL, told_part.height, part.height, RECALL_TARGET),
            (WINDOW, told_part.filter("is_held").height, told_part.height, WINDOW_TARGET),
        ):
            share = right / count if count else math.nan
            interval = wilson(right, count, rules.interval_level)
            found.append(
                find(
                    TOPIC,
                    measure,
                    share,
                    interval,
                    target if is_whole else None,
                    stratum=stratum,
                    count=count,
                )
            )
    return found


def _measure_sizes(sets: pl.DataFrame, stratum: str, rules: EvaluationRules) -> list[Finding]:
    """Return the mean set over that of an ellipse of the same speed, and of one of 30 kn."""
    found: list[Finding] = []
    for subject, column in ((SAME_SPEED, "ellipse"), (V_MAX, "ellipse_v_max")):
        known = sets.filter(pl.col(column).is_not_null())
        columns = known.select("candidates", column).to_numpy().astype(np.float64)
        ours, ellipse = columns.sum(axis=0)
        resampler = Resampler(known["cluster"].to_numpy(), rules)
        drawn = resampler.sums(columns)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = drawn[:, 0] / drawn[:, 1]
        note = f"mean {ours / known.height:.2f} of {ellipse / known.height:.2f}" if ours else ""
        left_out = sets.height - known.height
        note += f"; {left_out} gaps left out, no speed told" if left_out else ""
        is_judged = subject == SAME_SPEED and stratum == "all"
        found.append(
            find(
                TOPIC,
                SET,
                ours / ellipse if ellipse else math.nan,
                resampler.interval(ratios),
                SET_TARGET if is_judged else None,
                subject=subject,
                stratum=stratum,
                count=known.height,
                note=note,
            )
        )
    return found
