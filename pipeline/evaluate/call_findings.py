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
GROUPS = "port group"
CANDIDATES = "candidates"
HEADLINE = "ru_ir_crossing"

TOP_TARGET = Target("at least 0.80", low=0.80)
WINDOW_TARGET = Target("at least 0.97", low=0.97)

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
        subject = "near_port" if rows["p_call"].is_null().all() else "dark_port_calls"
        note = RULES["near_port"] if subject == "near_port" else ""
        scored = score_flags(flagged, TOPIC, subject, world_years, rules, note, scope)
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
    """Return the precision of grade B rows of the headline scope."""
    if rows["grade"].is_null().all():
        return [not_yet(TOPIC, "precision of grade B", "dark_port_calls.grade")]
    graded = rows.filter((pl.col("grade") == "B") & pl.col("in_ru_ir_crossing"))
    right = graded["true_id"].count()
    share = right / graded.height if graded.height else math.nan
    interval = wilson(right, graded.height, rules.interval_level)
    return [
        find(TOPIC, "precision of grade B", share, interval, stratum=HEADLINE, count=graded.height)
    ]


def measure_port_groups(
    gaps: pl.DataFrame, rows: pl.DataFrame, rules: EvaluationRules
) -> list[Finding]:
    """Return how often the port group is right: nearest port, and the rows' own.

    Args:
        gaps: labelled gaps of the rated months with `true_port_group`.
        rows: `match_rows`.
        rules: interval level.
    """
    hiding = gaps.filter(pl.col("true_port_group").is_not_null())
    nearest = hiding.filter(pl.col("off_port_group") == pl.col("true_port_group")).height
    truly = pl.col("true_port_group").fill_null("none")
    with_none = gaps.filter(pl.col("off_port_group") == truly).height
    found = [
        _share(GROUPS, "right where a dark call is hidden", nearest, hiding.height, rules),
        _share(GROUPS, "right, `none` included", with_none, gaps.height, rules),
    ]
    if rows["p_call"].is_null().all():
        empty = "dark_port_calls.p_call"
        return [
            *found,
            not_yet(GROUPS, "top-1", empty, TOP_TARGET.words),
            not_yet(GROUPS, "log-loss", empty),
            not_yet(CANDIDATES, "true stay inside the window", empty, WINDOW_TARGET.words),
            *_candidates_not_yet(),
        ]
    return [*found, *_measure_rows_of(hiding, rows, rules), *_candidates_not_yet()]


def _measure_rows_of(
    hiding: pl.DataFrame, rows: pl.DataFrame, rules: EvaluationRules
) -> list[Finding]:
    """Return how often inferred rows name the true group, and hold the true stay."""
    hidden = (
        rows.select(
            "run",
            "call_id",
            "true_id",
            "window_from",
            "window_to",
            gap_id=pl.col("gap_ids").str.split(";"),
        )
        .explode("gap_id")
        .join(hiding.select("run", "gap_id", "arrival_at", "departure_at"), on=["run", "gap_id"])
        .unique(["run", "call_id"], maintain_order=True)
    )
    right = hidden.filter(pl.col("true_id").is_not_null())
    held = right.filter(
        pl.col("window_from") <= pl.col("arrival_at"),
        pl.col("window_to") >= pl.col("departure_at"),
    )
    return [
        _share(GROUPS, "top-1", right.height, hidden.height, rules, TOP_TARGET, "p_call"),
        _share(
            CANDIDATES,
            "true stay inside the window",
            held.height,
            right.height,
            rules,
            WINDOW_TARGET,
            "p_call",
        ),
        not_yet(GROUPS, "log-loss", "the table of candidates"),
    ]


def _candidates_not_yet() -> list[Finding]:
    empty = "the table of candidates"
    return [
        not_yet(CANDIDATES, "recall", empty, "at least 0.99"),
        not_yet(CANDIDATES, "mean set over the great-circle ellipse's", empty, "at most 0.6"),
    ]


def _share(
    topic: str,
    measure: str,
    successes: int,
    count: int,
    rules: EvaluationRules,
    target: Target | None = None,
    subject: str = "nearest port",
) -> Finding:
    share = successes / count if count else math.nan
    interval = wilson(successes, count, rules.interval_level)
    return find(topic, measure, share, interval, target, subject=subject, count=count)


def _scope_not_yet(scope: str, column: str) -> Finding:
    return replace(not_yet(TOPIC, "precision", f"dark_port_calls.{column}"), stratum=scope)
