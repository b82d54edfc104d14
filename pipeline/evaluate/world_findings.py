"""Figures about whole worlds: null worlds, classes, totals, coverage of intervals, trends."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from pipeline.evaluate.findings import Finding, Target, find, not_yet
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.resample import Resampler
from pipeline.evaluate.trend_findings import measure_trends
from pipeline.evaluate.world_calls import WorldCalls

NULL_CALLS = "expected headline calls a year"
NULL_TARGET = Target("at most 3 a year", high=3.0)
LOW_TARGET = Target("P(Low) at least 0.8 in 19 of 20", low=0.95)
TOTAL_TARGET = Target("0.9 to 1.1, or z within 2", low=0.9, high=1.1)
WIDTH_TARGET = Target("at most 1.3", high=1.3)
COVERAGE = "the 95 % interval over seeds contains 0.90"
CLASSES = ("Low", "Medium", "High")
RATED = ("expected_12m", "expected_12m_low", "expected_12m_high", "rating")
# METHOD 6 counts them apart, METHOD 8 among the true ones.
NOT_GLIMPSED = "glimpsed ones left out"
NORMAL_90 = 1.645  # half a 90 % interval, in standard deviations


def measure_worlds(
    worlds: list[WorldCalls], months: pl.DataFrame, rules: EvaluationRules
) -> list[Finding]:
    """Return the figures of `sum_up_world` of all runs and `total_months` of all of them."""
    return [
        *_measure_totals(months),
        *_measure_null(worlds, rules),
        *score_classes(class_rows(worlds, rules), rules),
        *_measure_coverage(months, rules),
        *_measure_width(months),
        *measure_trends(worlds, rules),
    ]


def _measure_totals(months: pl.DataFrame) -> list[Finding]:
    """Return pooled expected calls over true ones; the spread is that of the monthly intervals."""
    words = "pooled expected headline calls / true"
    rated = months.filter("is_rated").drop_nulls("expected_calls")
    if rated.is_empty():
        empty = "monthly_dark_port_calls.expected_calls"
        return [not_yet("dark port calls", words, empty, TOTAL_TARGET.words)]
    return [
        _pool_totals(rated, "true_headline_calls", words),
        _pool_totals(rated, "true_headline_not_glimpsed", f"{words}, {NOT_GLIMPSED}"),
    ]


def _pool_totals(rated: pl.DataFrame, true_calls: str, words: str) -> Finding:
    expected, true, low, high = (
        rated[name].fill_null(math.nan).to_numpy()
        for name in ("expected_calls", true_calls, "expected_calls_low", "expected_calls_high")
    )
    expected, true = float(expected.sum()), float(true.sum())
    half = NORMAL_90 * float(np.sqrt(np.nansum(((high - low) / (2 * NORMAL_90)) ** 2)))
    z = (expected - true) * NORMAL_90 / half if half > 0 else math.nan
    target = Target(TOTAL_TARGET.words) if abs(z) <= 2 else TOTAL_TARGET
    ratio = expected / true if true else math.nan
    ends = ((expected - half) / true, (expected + half) / true) if true else (math.nan, math.nan)
    note = f"expected {expected:.1f}, true {true:.0f}, z {z:.1f}"
    return find("dark port calls", words, ratio, ends, target, count=rated.height, note=note)


def _measure_null(worlds: list[WorldCalls], rules: EvaluationRules) -> list[Finding]:
    topic, null = "null worlds", [one for one in worlds if one.is_null]
    if not null:
        return [Finding(topic, NULL_CALLS, note="no null world among the runs")]
    found: list[Finding] = []
    # What the indicator rates; without one, the sums it will be made of.
    expected = [
        one.expected_a_year if (said := one.published.get("expected_12m")) is None else said
        for one in null
    ]
    known = [value for value in expected if value is not None]
    if known:
        most = max(known)
        target = Target(NULL_TARGET.words, high=rules.null_calls_a_year)
        note = f"the largest of {len(known)} worlds; mean {sum(known) / len(known):.2f}"
        found.append(
            find(
                topic,
                NULL_CALLS,
                most,
                (min(known), most),
                target,
                count=len(known),
                note=note,
            )
        )
    else:
        empty = "indicator.expected_12m"
        found.append(not_yet(topic, NULL_CALLS, empty, NULL_TARGET.words))
    low = [one.published["p_low"] for one in null if one.published.get("p_low") is not None]
    if not low:
        return [*found, not_yet(topic, "P(Low) at least 0.8", "indicator.p_low", LOW_TARGET.words)]
    reached = sum(value >= 0.8 for value in low)
    ends = wilson(reached, len(low), rules.interval_level)
    words = "P(Low) at least 0.8"
    share = reached / len(low)
    return [*found, find(topic, words, share, ends, LOW_TARGET, count=len(low))]


def class_rows(worlds: list[WorldCalls], rules: EvaluationRules) -> list[dict[str, Any]]:
    """Return one row per world with class probabilities: world, seed, true calls and class, P.

    With it what was expected, its interval, and the class that was printed.
    """
    return [
        {
            "world": one.world,
            "seed": one.seed,
            "true_calls": one.true_calls,
            "true_glimpsed": one.true_glimpsed,
            "true_class": one.true_class(rules),
            **{name: one.published.get(name) for name in RATED},
            **{name: one.published[f"p_{name.lower()}"] for name in CLASSES},
        }
        for one in worlds
        if one.published.get("p_low") is not None
    ]


def score_classes(rows: Sequence[Mapping[str, Any]], rules: EvaluationRules) -> list[Finding]:
    """Return log score and calibration of P(class) over worlds (`class_rows`)."""
    topic = "class worlds"
    if not rows:
        empty = "indicator.p_low, p_medium, p_high"
        return [not_yet(topic, name, empty) for name in ("log score", "P(class) calibration error")]
    p = np.array([[row[name] for name in CLASSES] for row in rows])
    truth = np.array([[row["true_class"] == name for name in CLASSES] for row in rows])
    scores = np.log(np.maximum(p[truth], 1e-6))
    resampler = Resampler(np.arange(len(rows)), rules)
    # Each class is a forecast of its own: said with P, came true or not.
    error = float(np.abs(p.mean(axis=0) - truth.mean(axis=0)).mean())
    drawn = resampler.times @ scores / len(rows)
    return [
        find(topic, "log score", float(scores.mean()), resampler.interval(drawn), count=len(rows)),
        find(
            topic,
            "P(class) calibration error",
            error,
            count=len(rows),
            note="mean over classes of |mean P - share that came true|",
        ),
    ]


def _measure_coverage(months: pl.DataFrame, rules: EvaluationRules) -> list[Finding]:
    """Return how often monthly 90 % intervals hold the true total, drawn anew by seed."""
    found: list[Finding] = []
    for name, true in (
        ("expected_off", "true_off_gaps"),
        ("expected_calls", "true_headline_calls"),
        ("expected_calls", "true_headline_not_glimpsed"),
    ):
        words = f"coverage of the 90 % interval of {name}"
        words += f", {NOT_GLIMPSED}" if true.endswith("not_glimpsed") else ""
        rated = months.filter("is_rated").drop_nulls([f"{name}_low", f"{name}_high"])
        table = "monthly_gaps" if name == "expected_off" else "monthly_dark_port_calls"
        if rated.is_empty():
            found.append(not_yet("intervals", words, f"{table}.{name}_low", COVERAGE))
            continue
        inside = rated.select(
            "run", hit=pl.col(true).is_between(pl.col(f"{name}_low"), pl.col(f"{name}_high"))
        )
        wider = rules.model_copy(update={"interval_level": 0.95})
        resampler = Resampler(inside["run"].to_numpy(), wider)
        hit = inside["hit"].cast(pl.Float64).to_numpy()
        drawn = resampler.sums(np.column_stack((hit, np.ones(len(hit)))))
        low, high = resampler.interval(drawn[:, 0] / drawn[:, 1])
        is_told = not math.isnan(low) and inside["run"].n_unique() >= rules.coverage_seeds
        verdict = ("met" if low <= 0.90 <= high else "missed") if is_told else ""
        found.append(
            find(
                "intervals",
                words,
                float(hit.mean()),
                (low, high),
                count=len(hit),
                target=Target(COVERAGE),
                verdict=verdict,
            )
        )
    return found


def _measure_width(months: pl.DataFrame) -> list[Finding]:
    """Return how wide monthly intervals of off gaps are, against those with true parameters."""
    words = "mean width of the 90 % interval of expected_off over that with true parameters"
    rated = months.filter("is_rated").drop_nulls("expected_off_low")
    ours, true = (
        float((rated[f"{name}_off_high"] - rated[f"{name}_off_low"]).to_numpy().sum())
        for name in ("expected", "reference")
    )
    if not true:
        return [Finding("intervals", words, note="no width with true parameters")]
    return [find("intervals", words, ours / true, target=WIDTH_TARGET, count=rated.height)]
