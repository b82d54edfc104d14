"""One run with the truth beside it: gaps, candidates and calls, each with what was true of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.areas import NO_PORT_GROUP, load_areas
from pipeline.evaluate.baselines import flag_gaps
from pipeline.evaluate.call_findings import match_rows
from pipeline.evaluate.call_truth import (
    attach_stays,
    compare_sets,
    find_stays,
    list_chances,
    sum_published,
)
from pipeline.evaluate.hidden_findings import name_hiding
from pipeline.evaluate.hours import HOUR_S, lay_out_hours
from pipeline.evaluate.labels import label_gaps, mark_heard_meanwhile, match_vessels
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.monthly import total_months
from pipeline.evaluate.off_totals import OffTotals, sum_up_offs
from pipeline.evaluate.reference import judge_with_truth
from pipeline.evaluate.runs import Run
from pipeline.evaluate.true_calls import attach_calls, cover_calls, dark_calls
from pipeline.evaluate.world_calls import WorldCalls, sum_up_world
from pipeline.rules import Rules


@dataclass(frozen=True, eq=False)
class Judged:
    """One run with the truth beside it.

    Attributes:
        gaps: all gaps with labels, reference, baselines and hidden calls.
        rows: dark_port_calls with the true call each has found.
        near: near_port_gaps, likewise.
        covered: all true dark calls with the gap that covers each, and what hides it.
        chances: `list_chances`.
        stays: `find_stays`.
        sets: `compare_sets`.
        published: `sum_published`.
        months: `total_months`.
        world: `sum_up_world`.
        ship_days: days of vessels inside the region in the rated time.
        offs: `sum_up_offs`.
    """

    gaps: pl.DataFrame
    rows: pl.DataFrame
    near: pl.DataFrame
    covered: pl.DataFrame
    chances: pl.DataFrame
    stays: pl.DataFrame
    sets: pl.DataFrame
    published: Mapping[str, float]
    months: pl.DataFrame
    world: WorldCalls
    ship_days: float
    offs: OffTotals


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
    areas = load_areas(geo)
    stays = find_stays(gaps, run.truth["port_calls"], rules)
    gaps = attach_stays(gaps, stays)
    chances = list_chances(run, gaps, stays, areas, Rules())
    causes = gaps.select("gap_id", "cause")
    # Grade D says that nothing can be told, and grade X that there was no call.
    calls = run.published["dark_port_calls"].filter(
        ~pl.col("grade").is_in(["D", "X"]).fill_null(value=False)
    )
    near = run.published["near_port_gaps"].with_columns(call_id="gap_id", gap_ids="gap_id")
    middle = pl.col("window_from") + (pl.col("window_to") - pl.col("window_from")) / 2
    hidden = name_hiding(
        covered.join(causes, on="gap_id", how="left", maintain_order="left"), chances
    )
    return Judged(
        gaps=gaps,
        rows=_judge_rows(calls, number, gaps, covered).with_columns(
            is_rated=middle >= world.rated_from
        ),
        near=_judge_rows(near, number, gaps, covered),
        covered=hidden,
        chances=chances,
        stays=stays.join(gaps.select("gap_id", "run", "cluster"), on="gap_id"),
        sets=compare_sets(chances, gaps, areas, Rules()),
        published=sum_published(run),
        months=total_months(run, number, gaps, hidden, rules),
        world=sum_up_world(run, hidden),
        ship_days=float(inside_s.sum(dtype=np.int64)) / 86_400,
        offs=sum_up_offs(run, gaps, rules),
    )


def _judge_rows(
    rows: pl.DataFrame, number: int, gaps: pl.DataFrame, covered: pl.DataFrame
) -> pl.DataFrame:
    """Return rows of one run with the true call each has found, cluster, is_rated and is_idle.

    `is_rated` is that of the first gap; `is_idle`: no gap of the row hides a true stay.
    """
    first_gap = pl.col("gap_ids").str.split(";").list.first()
    busy = gaps.filter(pl.col("true_group") != NO_PORT_GROUP)["gap_id"]
    is_idle = (
        ~pl.col("gap_ids").str.split(";").list.eval(pl.element().is_in(busy.implode())).list.any()
    )
    return (
        match_rows(rows.with_columns(pl.lit(number).alias("run")), covered)
        .with_columns(first_gap=first_gap, is_idle=is_idle)
        .join(
            gaps.select("cluster", "is_rated", first_gap="gap_id"),
            on="first_gap",
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.col("cluster").fill_null(f"{number}|unknown"))
    )


def name_cluster(ship: str) -> pl.Expr:
    """Return the column `cluster`: the ship of a seed, whose gaps are drawn together."""
    known = pl.col(ship).cast(pl.String).fill_null("unknown")
    return pl.format("{}|{}", "run", known).alias("cluster")
