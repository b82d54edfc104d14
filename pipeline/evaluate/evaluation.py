"""The evaluation of one or more runs: every measure of METHOD 8 that its tables allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.errors import UsageError
from pipeline.evaluate.baselines import flag_gaps
from pipeline.evaluate.call_findings import match_rows, measure_calls, measure_port_groups
from pipeline.evaluate.curves import draw_curves
from pipeline.evaluate.findings import Finding
from pipeline.evaluate.gap_findings import measure_gaps, pick_measured
from pipeline.evaluate.hours import HOUR_S, lay_out_hours
from pipeline.evaluate.labels import label_gaps, mark_heard_meanwhile, match_vessels
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.monthly import total_months
from pipeline.evaluate.off_findings import measure_habitual, measure_null_offs, measure_recovery
from pipeline.evaluate.off_totals import OffTotals, sum_up_offs
from pipeline.evaluate.reference import judge_with_truth
from pipeline.evaluate.rule_findings import score_rules
from pipeline.evaluate.runs import Run
from pipeline.evaluate.true_calls import attach_calls, cover_calls, dark_calls
from pipeline.evaluate.world_calls import WorldCalls, sum_up_world
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
        curves: points of `reliability` and `precision_recall`, by subject.
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


@dataclass(frozen=True, eq=False)
class Judged:
    """One run with the truth beside it.

    Attributes:
        gaps: all gaps with labels, reference, baselines and hidden calls.
        rows: dark_port_calls with the true call each has found.
        covered: all true dark calls with the gap that covers each.
        months: `total_months`.
        world: `sum_up_world`.
        ship_days: days of vessels inside the region in the rated time.
        offs: `sum_up_offs`.
    """

    gaps: pl.DataFrame
    rows: pl.DataFrame
    covered: pl.DataFrame
    months: pl.DataFrame
    world: WorldCalls
    ship_days: float
    offs: OffTotals


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
    gaps, rows, covered, months = (
        pl.concat([getattr(one, name) for one in judged])
        for name in ("gaps", "rows", "covered", "months")
    )
    worlds = [one.world for one in judged]
    offs = tuple(one.offs for one in judged)
    years = sum(run.world.rated_years for run in runs)
    days = sum(one.ship_days for one in judged)
    measured = pick_measured(gaps, rules)
    rated_rows, rated_calls = rows.filter("is_rated"), covered.filter("is_rated")
    findings = [
        *_count(gaps, measured),
        *measure_gaps(measured, rules),
        *measure_recovery(offs, rules),
        *measure_habitual(offs, rules),
        *score_rules(measured, years, rules),
        *measure_calls(rated_rows, rated_calls, years, days, rules),
        *measure_port_groups(measured, rated_rows, rules),
        *measure_null_offs(offs),
        *measure_worlds(worlds, months, rules),
    ]
    return Evaluation(
        title=_name(runs),
        is_simulated=any(run.world.is_simulated for run in runs),
        findings=tuple(findings),
        worlds=tuple({"name": run.world.name, "seed": run.world.seed} for run in runs),
        curves=draw_curves(measured, rules),
        months=tuple(months.to_dicts()),
        classes=tuple(class_rows(worlds, rules)),
        offs=offs,
    )


def judge_run(run: Run, number: int, geo: Path, rules: EvaluationRules) -> Judged:
    """Return one run with the truth beside it; `number` tells runs apart."""
    ship_hours = run.truth["ship_hours"]
    world = run.world
    hours = lay_out_hours(ship_hours, run.truth["off_intervals"], world.start, rules)
    first_hour = (world.rated_from - world.start).total_seconds() / HOUR_S
    inside_s = ship_hours.filter(pl.col("hour") >= first_hour)["inside_s"].to_numpy()
    gaps = mark_heard_meanwhile(match_vessels(run.published["gaps"], run, hours))
    gaps = judge_with_truth(label_gaps(gaps, run, hours, rules), run, hours, rules)
    dark = dark_calls(run.truth["port_calls"]).with_columns(
        middle_at=pl.col("arrival_at") + (pl.col("departure_at") - pl.col("arrival_at")) / 2
    )
    covered = (
        cover_calls(gaps, dark)
        .with_columns(
            pl.lit(number).alias("run"),
            month=pl.col("middle_at").dt.truncate("1mo").dt.date(),
            is_rated=pl.col("middle_at") >= world.rated_from,
        )
        .with_columns(name_cluster("vessel"))
    )
    gaps = (
        flag_gaps(attach_calls(gaps, covered), geo, rules)
        .with_columns(pl.lit(number).alias("run"), is_rated=pl.col("off_at") >= world.rated_from)
        .with_columns(name_cluster("vessel"))
    )
    return Judged(
        gaps=gaps,
        rows=_judge_rows(run, number, gaps, covered),
        covered=covered,
        months=total_months(run, number, gaps, covered, rules),
        world=sum_up_world(run, covered),
        ship_days=float(inside_s.sum(dtype=np.int64)) / 86_400,
        offs=sum_up_offs(run, gaps, rules),
    )


def _judge_rows(run: Run, number: int, gaps: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """Return dark_port_calls of a run with the true call each has found, and its cluster."""
    middle = pl.col("window_from") + (pl.col("window_to") - pl.col("window_from")) / 2
    first_gap = pl.col("gap_ids").str.split(";").list.first()
    # Grade D says that nothing can be told, and grade X that there was no call.
    rows = run.published["dark_port_calls"].filter(
        ~pl.col("grade").is_in(["D", "X"]).fill_null(value=False)
    )
    return (
        match_rows(rows.with_columns(pl.lit(number).alias("run")), covered)
        .with_columns(is_rated=middle >= run.world.rated_from, first_gap=first_gap)
        .join(gaps.select("cluster", first_gap="gap_id"), on="first_gap", how="left")
        .with_columns(pl.col("cluster").fill_null(f"{number}|unknown"))
    )


def name_cluster(ship: str) -> pl.Expr:
    """Return the column `cluster`: the ship of a seed, whose gaps are drawn together."""
    known = pl.col(ship).cast(pl.String).fill_null("unknown")
    return pl.format("{}|{}", "run", known).alias("cluster")


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
