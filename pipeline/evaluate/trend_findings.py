"""Figures about trends: said where nothing changed, and where behaviour rose."""

from __future__ import annotations

import math

from pipeline.evaluate.findings import Finding, Target, find, not_yet
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.world_calls import WorldCalls

# How far a true ratio may lie from 1 to be no change, and from where it is a rise.
STEADY = (0.8, 1.25)  # judgement: half way, in the logarithm, to the 1.5 of METHOD 7
RISEN = 1.5  # METHOD 7: beyond the widest interval that still says no change


def measure_trends(worlds: list[WorldCalls], rules: EvaluationRules) -> list[Finding]:
    """Return how trends are called where behaviour truly did not change, and where it rose."""
    found: list[Finding] = []
    for column in ("count_trend", "rate_trend"):
        said = [
            (one.true_ratio, one.published[column])
            for one in worlds
            if one.published.get(column) is not None and one.true_ratio is not None
        ]
        if not said:
            found.append(
                not_yet("trend", f"{column} in worlds with base years", f"indicator.{column}")
            )
            continue
        steady = [word for ratio, word in said if STEADY[0] <= ratio <= STEADY[1]]
        risen = [word for ratio, word in said if ratio >= RISEN]
        for words, sample, word, target in (
            ("Upward where nothing changed", steady, "Upward", Target("at most 5 %", high=0.05)),
            (
                "Not assessable where nothing changed",
                steady,
                "Not assessable",
                Target("at most 10 %", high=0.10),
            ),
            ("Upward where it rose", risen, "Upward", Target("at least 80 %", low=0.80)),
            ("No change where it rose", risen, "No change", Target("at most 10 %", high=0.10)),
        ):
            hits = sum(one == word for one in sample)
            share = hits / len(sample) if sample else math.nan
            ends = wilson(hits, len(sample), rules.interval_level)
            found.append(
                find("trend", words, share, ends, target, subject=column, count=len(sample))
            )
    return found
