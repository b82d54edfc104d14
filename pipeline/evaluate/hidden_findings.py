"""Figures about what hides true dark calls, and about calls told where there were none."""

from __future__ import annotations

import math

import polars as pl

from pipeline.areas import NO_PORT_GROUP
from pipeline.evaluate.call_findings import SCOPES, TOPIC
from pipeline.evaluate.findings import Finding, find
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson

# What hides a true dark call, first match.
NO_GAP, OPEN = "in no gap", "in an open gap"
EXPLAINED = "in a gap something else explains (in_port, laid_up, outage, ...)"
GLIMPSED = "glimpsed: an end of the gap in that port"
BLIND, OUT_OF_REACH = "in an unobservable gap (grade D)", "not among the candidates"
ASSESSED = "assessed"
HIDDEN = "true dark calls: "
FALSE = "false calls per 1,000 ship-days, voyages without a call"
NOT_GLIMPSED = "recall, glimpsed calls left out"
HIDING = (NO_GAP, OPEN, EXPLAINED, GLIMPSED, BLIND, OUT_OF_REACH, ASSESSED)


def measure_glimpsed(
    rows: pl.DataFrame, covered: pl.DataFrame, rules: EvaluationRules
) -> list[Finding]:
    """Return what hides true dark calls, and the recall of those that METHOD 6 calls dark.

    Args:
        rows: as of `measure_calls`.
        covered: true dark calls of the rated months with `hidden_by`, see `name_hiding`.
        rules: interval level.
    """
    found: list[Finding] = []
    for scope, (row_column, true_column) in SCOPES.items():
        true = covered if true_column is None else covered.filter(true_column)
        ours = rows if row_column is None else rows.filter(row_column)
        for words in HIDING:
            count = true.filter(pl.col("hidden_by") == words).height
            if scope != "ru_ir_any":
                measure = f"{HIDDEN}{words}"
                found.append(_share_of(TOPIC, measure, count, true.height, rules, scope))
        for words, part in (
            (NOT_GLIMPSED, true.filter(pl.col("hidden_by") != GLIMPSED)),
            (f"recall, {ASSESSED} alone", true.filter(pl.col("hidden_by") == ASSESSED)),
        ):
            right = part.join(
                ours, left_on=["run", "call_id"], right_on=["run", "true_id"], how="semi"
            )
            found.append(_share_of(TOPIC, words, right.height, part.height, rules, scope))
    return found


def name_hiding(covered: pl.DataFrame, chances: pl.DataFrame) -> pl.DataFrame:
    """Return true dark calls with `hidden_by`, one of HIDING, by the gap that covers them.

    Args:
        covered: `true_calls.cover_calls` with `run` and the `cause` of the gap.
        chances: `call_truth.list_chances`.
    """
    asked = chances.select("run", "gap_id", is_asked=pl.lit(value=True)).unique()
    there = chances.select("run", "gap_id", "port_group", "is_glimpsed")
    joined = covered.join(asked, on=["run", "gap_id"], how="left", maintain_order="left").join(
        there, on=["run", "gap_id", "port_group"], how="left", maintain_order="left"
    )
    return joined.with_columns(
        hidden_by=pl.when(pl.col("gap_id").is_null())
        .then(pl.lit(NO_GAP))
        .when(pl.col("is_open"))
        .then(pl.lit(OPEN))
        .when(pl.col("is_asked").is_null())
        .then(pl.lit(EXPLAINED))
        .when(pl.col("is_glimpsed"))
        .then(pl.lit(GLIMPSED))
        .when(pl.col("cause") == "unobservable")
        .then(pl.lit(BLIND))
        .when(pl.col("is_glimpsed").is_null())
        .then(pl.lit(OUT_OF_REACH))
        .otherwise(pl.lit(ASSESSED))
    ).drop("is_asked", "is_glimpsed")


def measure_false(rows: pl.DataFrame, chances: pl.DataFrame, ship_days: float) -> list[Finding]:
    """Return false calls per 1,000 ship-days on voyages that made none: rows, and P_call summed.

    A voyage made none where its gaps hide no part of a stay of 4 h and more, at any port.

    Args:
        rows: as of `measure_calls`, with `is_idle`: so it is for all of its gaps.
        chances: assessed chances (`expected_findings.pick_assessed`).
        ship_days: days of vessels inside the region in the rated time.
    """
    if not ship_days:
        return []
    idle = chances.filter(pl.col("true_group") == NO_PORT_GROUP)
    note = f"{ship_days:.0f} ship-days inside the region"
    return [
        find(
            TOPIC,
            FALSE,
            1000 * number / ship_days,
            subject=subject,
            count=count,
            note=note,
        )
        for subject, number, count in (
            ("dark_port_calls", rows.filter("is_idle").height, rows.height),
            ("sum of P_call", float(idle["p_call"].sum()), idle["gap_id"].n_unique()),
        )
    ]


def _share_of(
    topic: str, measure: str, right: int, count: int, rules: EvaluationRules, scope: str
) -> Finding:
    share = right / count if count else math.nan
    interval = wilson(right, count, rules.interval_level)
    return find(topic, measure, share, interval, stratum=scope, count=count)
