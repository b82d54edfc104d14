"""Figures about dark port calls: how many can be found at all, and how many rows are right."""

from __future__ import annotations

import math
from dataclasses import replace

import polars as pl

from pipeline.evaluate.baselines import RULES
from pipeline.evaluate.findings import Finding, Target, find, not_yet, pick
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.rule_findings import score_flags

TOPIC = "dark port calls"
HEADLINE = "ru_ir_crossing"
NEAR_PORT = "near_port"
GRADES = ("A", "B", "C")
GRADE_B = "precision of grade B"
B_TARGET = Target("at least 0.85 (issue 6)", low=0.85)

# Scope -> its column in dark_port_calls (None: every row), and in the truth.
SCOPES: dict[str, tuple[str | None, str | None]] = {
    "all": (None, None),
    "ru_ir_any": ("in_ru_ir_any", "is_ru_ir_any"),
    HEADLINE: ("in_ru_ir_crossing", "is_ru_ir_crossing"),
}


def match_rows(rows: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """Return rows of dark_port_calls with `true_id`: the true dark call each has found, or null.

    A row is right where one of its gaps covers a true dark call at its port group.
    """
    found = (
        rows.select("run", "call_id", "port_group", gap_id=pl.col("gap_ids").str.split(";"))
        .explode("gap_id")
        .join(
            covered.select("run", "gap_id", "port_group", true_id="call_id").drop_nulls("gap_id"),
            on=["run", "gap_id", "port_group"],
        )
        .sort("run", "call_id", "true_id")
        .unique(["run", "call_id"], keep="first", maintain_order=True)
        .select("run", "call_id", "true_id")
    )
    return rows.join(found, on=["run", "call_id"], how="left", maintain_order="left")


def measure_calls(
    rows: pl.DataFrame,
    covered: pl.DataFrame,
    world_years: float,
    ship_days: float,
    rules: EvaluationRules,
) -> list[Finding]:
    """Return the figures of calls by scope.

    Args:
        rows: `match_rows` of the rated months, with `cluster`.
        covered: `true_calls.cover_calls` of the rated months, with `cluster` and `run`.
        world_years: rated years of all worlds.
        ship_days: days of vessels inside the region in them.
        rules: resamples.
    """
    found: list[Finding] = []
    for scope, (row_column, true_column) in SCOPES.items():
        true = covered if true_column is None else covered.filter(true_column)
        found += measure_bound(true, scope, world_years, rules)
        if row_column is not None and rows.height and rows[row_column].is_null().all():
            found.append(_scope_not_yet(scope, row_column))
            continue
        ours = rows if row_column is None else rows.filter(row_column)
        flagged = pair_up(ours, true)
        subject = "dark_port_calls"
        scored = score_flags(flagged, TOPIC, subject, world_years, rules, stratum=scope)
        a_year = pick(scored, "false a year", subject, scope)
        found += [*scored, *per_ship_days(a_year, world_years, ship_days)]
    return found + measure_grades(rows, rules)


def per_ship_days(a_year: Finding | None, world_years: float, ship_days: float) -> list[Finding]:
    """Return the figure `false a year` a thousand days of ships inside the region."""
    if a_year is None or not ship_days:
        return []
    scale = 1000 * world_years / ship_days
    value, low, high = (
        math.nan if number is None else number * scale
        for number in (a_year.value, a_year.low, a_year.high)
    )
    return [
        find(
            TOPIC,
            "false calls per 1,000 ship-days",
            value,
            (low, high),
            subject=a_year.subject,
            stratum=a_year.stratum,
            count=a_year.count,
            note=f"{ship_days:.0f} ship-days inside the region",
        )
    ]


def pair_up(ours: pl.DataFrame, true: pl.DataFrame) -> pl.DataFrame:
    """Return one case per row and per missed true call: cluster, is_flagged, is_true."""
    known = true.select("run", true_id="call_id", in_scope=pl.lit(value=True))
    judged = ours.join(known, on=["run", "true_id"], how="left", maintain_order="left").select(
        "cluster",
        is_flagged=pl.lit(value=True),
        is_true=pl.col("in_scope").fill_null(value=False),
    )
    missed = true.join(ours, left_on=["run", "call_id"], right_on=["run", "true_id"], how="anti")
    return pl.concat(
        [
            judged,
            missed.select("cluster", is_flagged=pl.lit(value=False), is_true=pl.lit(value=True)),
        ]
    )


def measure_bound(
    true: pl.DataFrame, scope: str, world_years: float, rules: EvaluationRules
) -> list[Finding]:
    """Return how many true dark calls there are, and the share that some gap covers."""
    a_year = true.height / world_years if world_years else math.nan
    found = [find(TOPIC, "true dark calls a year", a_year, stratum=scope, count=true.height)]
    closed = true.filter(pl.col("gap_h").is_not_null())
    long = closed.filter(pl.col("gap_h") >= rules.measured_min_h)
    still_open = true.filter(pl.col("gap_id").is_not_null() & pl.col("gap_h").is_null())
    for words, height in (
        ("covered by a closed gap (upper bound of recall)", closed.height),
        (f"covered by a closed gap of {rules.measured_min_h:g} h and more", long.height),
        ("covered by an open gap only", still_open.height),
    ):
        share = height / true.height if true.height else math.nan
        interval = wilson(height, true.height, rules.interval_level)
        found.append(find(TOPIC, words, share, interval, stratum=scope, count=true.height))
    return found


def measure_grades(rows: pl.DataFrame, rules: EvaluationRules) -> list[Finding]:
    """Return the precision of rows by grade, in the headline scope and of all."""
    if rows["grade"].is_null().all():
        return [not_yet(TOPIC, GRADE_B, "dark_port_calls.grade", B_TARGET.words)]
    found: list[Finding] = []
    for scope, part in ((HEADLINE, rows.filter("in_ru_ir_crossing")), ("all", rows)):
        for grade in GRADES:
            graded = part.filter(pl.col("grade") == grade)
            right = graded["true_id"].count()
            share = right / graded.height if graded.height else math.nan
            interval = wilson(right, graded.height, rules.interval_level)
            found.append(
                find(
                    TOPIC,
                    f"precision of grade {grade}",
                    share,
                    interval,
                    B_TARGET if grade == "B" else None,
                    stratum=scope,
                    count=graded.height,
                )
            )
    return found


def measure_near_port(
    rows: pl.DataFrame,
    covered: pl.DataFrame,
    world_years: float,
    ship_days: float,
    rules: EvaluationRules,
) -> list[Finding]:
    """Return what the first form of dark port calls would find: every closed gap near a port.

    Args:
        rows: near_port_gaps as `match_rows` of the rated months, with `cluster`.
        covered, world_years, ship_days, rules: as of `measure_calls`.
    """
    found: list[Finding] = []
    for scope in ("all", "ru_ir_any"):
        row_column, true_column = SCOPES[scope]
        true = covered if true_column is None else covered.filter(true_column)
        ours = rows if row_column is None else rows.filter(row_column)
        flagged = pair_up(ours, true)
        note = RULES[NEAR_PORT]
        scored = score_flags(flagged, TOPIC, NEAR_PORT, world_years, rules, note, scope)
        a_year = pick(scored, "false a year", NEAR_PORT, scope)
        found += [*scored, *per_ship_days(a_year, world_years, ship_days)]
    return found


def _scope_not_yet(scope: str, column: str) -> Finding:
    return replace(not_yet(TOPIC, "precision", f"dark_port_calls.{column}"), stratum=scope)
