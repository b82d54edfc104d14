"""What a whole world says of its headline calls: the true ones, and the published indicator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.evaluate.call_findings import HEADLINE
from pipeline.evaluate.call_truth import sum_published
from pipeline.evaluate.hidden_findings import GLIMPSED
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import Run

BASE_YEARS = (2020, 2021)  # of the trends (METHOD 7)


@dataclass(frozen=True)
class WorldCalls:
    """Truth and published indicator of one world, in the headline scope.

    Attributes:
        world, seed: its name and seed.
        true_calls: true dark headline calls in the rated time.
        true_glimpsed: those of them that METHOD 6 counts apart: an end of the gap is in port.
        is_null: no dark call in the headline scope in the whole world.
        true_ratio: true calls a year, rated over base years; None where there are no base years.
        published: last row of the indicator; empty where there is none.
        expected_a_year: sum of P_call of the rated time by table call_sums, a year.
    """

    world: str
    seed: int
    true_calls: int
    true_glimpsed: int
    is_null: bool
    true_ratio: float | None
    published: dict[str, Any]
    expected_a_year: float | None = None

    def true_class(self, rules: EvaluationRules) -> str:
        """Return the class of the true calls (CNA Table 8)."""
        if self.true_calls > rules.high_above:
            return "High"
        return "Medium" if self.true_calls >= rules.medium_from else "Low"


def sum_up_world(run: Run, covered: pl.DataFrame) -> WorldCalls:
    """Return what the whole world says of its headline calls.

    Args:
        run: the world and what was published of it.
        covered: all its dark calls with `hidden_by` (`hidden_findings.name_hiding`).
    """
    true = covered.filter("is_ru_ir_crossing")
    rows = run.published["indicator"].filter(pl.col("scope") == HEADLINE).sort("month")
    base = true.filter(pl.col("month").dt.year().is_in(BASE_YEARS)).height / len(BASE_YEARS)
    rated = true.filter("is_rated")
    has_base = run.world.start.year <= BASE_YEARS[0] and base > 0
    return WorldCalls(
        world=run.world.name,
        seed=run.world.seed,
        true_calls=rated.height,
        true_glimpsed=rated.filter(pl.col("hidden_by") == GLIMPSED).height,
        is_null=true.is_empty(),
        true_ratio=rated.height / run.world.rated_years / base if has_base else None,
        published=rows.tail(1).to_dicts()[0] if rows.height else {},
        expected_a_year=_expect_a_year(run),
    )


def _expect_a_year(run: Run) -> float | None:
    """Return the headline calls a year that table call_sums expects; None where it is empty."""
    is_filled = run.published["call_sums"].height > 0 and run.world.rated_years > 0
    return sum_published(run)[HEADLINE] / run.world.rated_years if is_filled else None
