"""Monthly totals: what truly happened beside counts and expectations with their intervals."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.evaluate.call_findings import HEADLINE
from pipeline.evaluate.hidden_findings import GLIMPSED
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import Run

FIGURES = (
    "true_off_gaps",
    "gaps_at_least_12h",
    "gaps_at_least_30h",
    "expected_off",
    "expected_off_low",
    "expected_off_high",
    "reference_off_low",
    "reference_off_high",
    "true_dark_calls",
    "near_port_gaps",
    "true_headline_calls",
    "true_headline_not_glimpsed",
    "expected_calls",
    "expected_calls_low",
    "expected_calls_high",
)


def total_months(
    run: Run, number: int, gaps: pl.DataFrame, covered: pl.DataFrame, rules: EvaluationRules
) -> pl.DataFrame:
    """Return one row per month of a run: `FIGURES`, with run, world, seed and `is_rated`.

    Gaps are the closed ones of 12 h and more that begin in the month; true ones are the labelled
    off gaps among them, and the reference interval is that of their number by somebody who knows
    the true parameters (`reference.judge_with_truth`). True calls count in the month of the middle
    of their stay. Expectations are those of all flags, fleets, areas and port groups; calls those
    of the headline scope.

    Args:
        run: the night and its world.
        number: of the run.
        gaps: its labelled gaps.
        covered: all true dark calls of its world.
        rules: thresholds of the evaluation.
    """
    months = pl.DataFrame(
        {
            "month": pl.date_range(
                run.world.start.date().replace(day=1), run.world.end.date(), "1mo", eager=True
            )
        }
    ).filter(pl.col("month") < run.world.end)
    joined = months
    for part in (_count_gaps(gaps, rules), _count_calls(covered), _refer_to_truth(gaps, rules)):
        joined = joined.join(part, on="month", how="left", maintain_order="left")
    joined = joined.with_columns(pl.exclude("month").fill_null(0))
    for part in _published_months(run, rules):
        joined = joined.join(part, on="month", how="left", maintain_order="left")
    return joined.select(
        "month",
        pl.lit(number).alias("run"),
        pl.lit(run.world.name).alias("world"),
        pl.lit(run.world.seed).alias("seed"),
        (pl.col("month") >= run.world.rated_from.date()).alias("is_rated"),
        *(pl.col(name).cast(pl.Float64) for name in FIGURES),
    )


def _count_gaps(gaps: pl.DataFrame, rules: EvaluationRules) -> pl.DataFrame:
    return (
        _pick_counted(gaps, rules)
        .group_by("month")
        .agg(
            true_off_gaps=pl.col("is_off").sum(),
            gaps_at_least_12h=pl.len(),
            gaps_at_least_30h=(pl.col("duration_h") >= rules.long_min_h).sum(),
        )
    )


def _pick_counted(gaps: pl.DataFrame, rules: EvaluationRules) -> pl.DataFrame:
    return gaps.filter(
        pl.col("is_closed"),
        pl.col("duration_h") >= rules.measured_min_h,
        pl.col("cause").ne_missing("left_region"),
    )


def _refer_to_truth(gaps: pl.DataFrame, rules: EvaluationRules) -> pl.DataFrame:
    """Return the interval of the number of off gaps a month under the true parameters."""
    tail = (1 - rules.interval_level) / 2
    rows: list[tuple[Any, int, int]] = []
    labelled = _pick_counted(gaps, rules).drop_nulls("p_reference")
    for (month,), part in labelled.group_by("month"):
        below = np.cumsum(count_chances(part["p_reference"].to_numpy()))
        low, high = np.searchsorted(below, [tail, 1 - tail])
        rows.append((month, int(low), int(high)))
    names = ("reference_off_low", "reference_off_high")
    schema = {"month": pl.Date, **dict.fromkeys(names, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def count_chances(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely each number, from 0 to all, of independent events is (Poisson binomial)."""
    return reduce(np.convolve, ([1 - one, one] for one in p), np.ones(1))


def _count_calls(covered: pl.DataFrame) -> pl.DataFrame:
    is_glimpsed = pl.col("hidden_by") == GLIMPSED
    return covered.group_by("month").agg(
        true_dark_calls=pl.len(),
        true_headline_calls=pl.col("is_ru_ir_crossing").sum(),
        true_headline_not_glimpsed=(pl.col("is_ru_ir_crossing") & ~is_glimpsed).sum(),
    )


def _published_months(run: Run, rules: EvaluationRules) -> list[pl.DataFrame]:
    """Return the published totals of a month: of gaps, of near-port gaps, of headline calls."""
    everything = [pl.col(name) == "all" for name in ("flag", "port_group")]
    gaps = run.published["monthly_gaps"].filter(
        *everything,
        pl.col("fleet") == "all",
        pl.col("area") == "all",
        pl.col("at_least_h") == int(rules.measured_min_h),
    )
    calls = run.published["monthly_dark_port_calls"].filter(
        *everything, pl.col("port_country") == "all"
    )
    return [
        gaps.select("month", "expected_off", "expected_off_low", "expected_off_high"),
        calls.filter(pl.col("scope") == "all").select("month", "near_port_gaps"),
        calls.filter(pl.col("scope") == HEADLINE).select(
            "month", "expected_calls", "expected_calls_low", "expected_calls_high"
        ),
    ]
