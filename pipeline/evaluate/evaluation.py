"""The evaluation of one or more runs: every measure of METHOD 8 that its tables allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import UsageError
from pipeline.evaluate.call_findings import measure_calls, measure_near_port
from pipeline.evaluate.candidate_findings import measure_candidates
from pipeline.evaluate.curves import draw_curves
from pipeline.evaluate.expected_findings import measure_expected, pick_assessed
from pipeline.evaluate.findings import Finding
from pipeline.evaluate.gap_findings import measure_gaps, pick_measured
from pipeline.evaluate.group_findings import draw_groups, judge_groups, measure_port_groups
from pipeline.evaluate.hidden_findings import measure_false, measure_glimpsed
from pipeline.evaluate.judged import Judged, judge_run
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.off_findings import measure_habitual, measure_null_offs, measure_recovery
from pipeline.evaluate.off_totals import OffTotals
from pipeline.evaluate.rule_findings import score_rules
from pipeline.evaluate.runs import Run
from pipeline.evaluate.world_findings import class_rows, measure_worlds
from pipeline.resources import bundled_folder

MEASURED = "measured: labelled, rated months, 12 h and more"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation found.

    Attributes:
        title: what was evaluated, in words.
        is_simulated: the feed is a simulated one.
        worlds: name and seed of each run; empty where the feed is not a simulated one.
        findings: the figures, in the order of METHOD 8.
        curves: points of `reliability` and `precision_recall`, by subject, and of `port_groups`.
        months: one row per run and month.
        classes: one row per world with P(class).
        offs: one row per run: switch-offs, true and expected.
    """

    title: str
    is_simulated: bool
    findings: tuple[Finding, ...]
    worlds: tuple[dict[str, Any], ...] = ()
    curves: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    months: tuple[dict[str, Any], ...] = ()
    classes: tuple[dict[str, Any], ...] = ()
    offs: tuple[OffTotals, ...] = ()


def evaluate(
    runs: Sequence[Run], geo: Path | None = None, rules: EvaluationRules | None = None
) -> Evaluation:
    """Return every figure of one or more runs pooled; clusters are the ships of each seed.

    Args:
        runs: nights with truth, usually one world with several seeds.
        geo: geo folder whose shoreline a baseline needs; default: the Caspian one.
        rules: numbers of the evaluation; default: those of METHOD 8.

    Raises:
        UsageError: there is no run.
    """
    if not runs:
        raise UsageError("nothing to evaluate: give at least one run with its truth")
    rules = rules or EvaluationRules()
    geo = geo or bundled_folder("geo")
    judged = [judge_run(run, number, geo, rules) for number, run in enumerate(runs)]
    gaps, months = (
        pl.concat([getattr(one, name) for one in judged]) for name in ("gaps", "months")
    )
    worlds = [one.world for one in judged]
    offs = tuple(one.offs for one in judged)
    years = sum(run.world.rated_years for run in runs)
    days = sum(one.ship_days for one in judged)
    measured = pick_measured(gaps, rules)
    groups = judge_groups(pl.concat([one.chances.filter("is_rated") for one in judged]))
    findings = [
        *_count(gaps, measured),
        *measure_gaps(measured, rules),
        *measure_recovery(offs, rules),
        *measure_habitual(offs, rules),
        *score_rules(measured, years, rules),
        *_measure_calls(judged, years, days, rules),
        *measure_port_groups(groups, rules),
        *measure_null_offs(offs),
        *measure_worlds(worlds, months, rules),
    ]
    return Evaluation(
        title=_name(runs),
        is_simulated=any(run.world.is_simulated for run in runs),
        findings=tuple(findings),
        worlds=tuple({"name": run.world.name, "seed": run.world.seed} for run in runs),
        curves={**draw_curves(measured, rules), "port_groups": draw_groups(groups, rules)},
        months=tuple(months.to_dicts()),
        classes=tuple(class_rows(worlds, rules)),
        offs=offs,
    )


def _measure_calls(
    judged: Sequence[Judged], years: float, days: float, rules: EvaluationRules
) -> list[Finding]:
    """Return the figures of calls and candidates in the rated months of all runs."""
    rows, near, covered, stays, sets, chances = (
        pl.concat([getattr(one, name) for one in judged])
        for name in ("rows", "near", "covered", "stays", "sets", "chances")
    )
    rows, near, covered, sets = (part.filter("is_rated") for part in (rows, near, covered, sets))
    published = {
        scope: sum(one.published[scope] for one in judged) for scope in judged[0].published
    }
    return [
        *measure_calls(rows, covered, years, days, rules),
        *measure_near_port(near, covered, years, days, rules),
        *measure_glimpsed(rows, covered, rules),
        *measure_false(rows, pick_assessed(chances), days),
        *measure_expected(chances, covered, stays, published, rules),
        *measure_candidates(sets, stays, chances, rules),
    ]


def _count(gaps: pl.DataFrame, measured: pl.DataFrame) -> list[Finding]:
    """Return how many gaps there are, and how many of them have a label."""
    closed = gaps.filter("is_closed")
    counts = {
        "closed gaps": closed.height,
        "of a vessel the truth does not know": closed["vessel"].is_null().sum(),
        "of a shared MMSI": closed["is_shared"].fill_null(value=False).sum(),
        "in which the vessel was heard on another track": closed["is_heard_meanwhile"].sum(),
        "with a label": closed["is_off"].is_not_null().sum(),
        MEASURED: measured.height,
        "measured, but heard on another track": measured["is_heard_meanwhile"].sum(),
    }
    return [Finding("gaps", words, value=float(count)) for words, count in counts.items()]


def _name(runs: Sequence[Run]) -> str:
    names = sorted({run.world.name for run in runs})
    seeds = sorted({run.world.seed for run in runs})
    several = "seeds" if len(seeds) > 1 else "seed"
    return f"world {', '.join(names)}, {several} {', '.join(map(str, seeds))}"
