"""What docs/accuracy.md says of the indicator: classes, intervals, trends (METHOD 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.evaluate import Evaluation
from pipeline.evaluate.findings import Finding, Target, find
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.world_findings import CLASSES, LOW_TARGET, score_classes
from tests.accuracy_tables import lay_head, lay_row, lay_rows, tell_findings

SMALL = "small-"
INDICATOR = (
    "The last trailing year of each world in the headline scope, beside its true dark calls."
    " Glimpsed ones, of which an end of the gap lies in the port, are counted apart by METHOD 6 and"
    " are not expected. METHOD 7's classes are Low below 5, Medium 5 to 20, High above 20. A class"
    " is printed alone from 0.8 on, else the two likeliest; *at least* where gaps that nobody could"
    " have heard may raise it. Small worlds stand for METHOD 8's null, class and trend worlds."
)
CLASS_COLUMNS = (
    *("world", "seed", "true calls", "of them glimpsed", "true class", "expected", "90 % interval"),
    *(f"P({name})" for name in CLASSES),
    "printed",
)
SURE = 0.8  # METHOD 8: of P(Low) in a null world
NO_HIGH_TARGET = Target("none", high=0.0)


def tell_indicator(
    judged: Mapping[str, Evaluation], rules: EvaluationRules, picture: str
) -> list[str]:
    """Return the section on the indicator: classes of all worlds by name, intervals, trends.

    `picture` is the path of that of `draw_ratings`.
    """
    rows = [row for found in judged.values() for row in found.classes]
    told = [
        lay_row(
            [
                row["world"],
                str(row["seed"]),
                str(row["true_calls"]),
                str(row["true_glimpsed"]),
                row["true_class"],
                f"{row['expected_12m']:.1f}",
                f"{row['expected_12m_low']:.0f} to {row['expected_12m_high']:.0f}",
                *(f"{row[name]:.2f}" for name in CLASSES),
                row["rating"],
            ]
        )
        for row in rows
    ]
    pooled = [*score_classes(rows, rules), *_pool_null(judged)]
    return [
        "## The indicator (SIMULATED)",
        "",
        INDICATOR,
        "",
        *lay_head(CLASS_COLUMNS),
        *told,
        "",
        f"![SIMULATED. Expected over true calls]({picture})",
        "",
        *lay_rows(pooled),
        "### Intervals",
        "",
        *tell_findings(judged, lambda one: one.topic == "intervals" and one.value is not None),
        "### Trends",
        "",
        *tell_findings(judged, lambda one: one.topic == "trend" and one.value is not None),
    ]


def _pool_null(judged: Mapping[str, Evaluation]) -> list[Finding]:
    """Return how the worlds without a true headline call are rated, all together."""
    rows = [row for found in judged.values() for row in found.classes if is_null_world(row)]
    if not rows:
        return []
    low = sum(row["Low"] >= SURE for row in rows)
    high = sum("High" in row["rating"] for row in rows)
    return [
        find(
            "null worlds",
            words,
            count / len(rows),
            wilson(count, len(rows), EvaluationRules().interval_level),
            target,
            count=len(rows),
        )
        for words, count, target in (
            ("P(Low) at least 0.8", low, LOW_TARGET),
            ("High printed, alone or beside another class", high, NO_HIGH_TARGET),
        )
    ]


def is_null_world(row: Mapping[str, Any]) -> bool:
    """Return whether a row of classes is of a world without a dark call by its making."""
    return row["world"].removeprefix(SMALL).startswith("null")
