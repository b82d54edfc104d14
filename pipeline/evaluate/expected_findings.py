"""Figures about sums: expected dark and unheard calls against the true ones (METHOD 6, 8)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from pipeline.areas import NO_PORT_GROUP
from pipeline.evaluate.call_findings import SCOPES
from pipeline.evaluate.findings import Finding, Target, find, not_yet
from pipeline.evaluate.limits import EvaluationRules

TOPIC = "expected calls"
COUNTRIES = "countries"
DARK, UNHEARD = "sum of P_call / true dark calls", "sum of P_unheard / true unheard calls"
ASSESSED = ", in assessed gaps"
BOTH = "sum of P_call + P_unheard / true stays, off or on"
THERE = "p_call + p_unheard"
SHARE = "share of expected dark calls: "
LIT_TURNED_DARK = f"{SHARE}truly unheard lit calls there (lit turned dark)"
TOLD_IRANIAN = "dark calls elsewhere whose likeliest country is IRN"
TOTAL_TARGET = Target("0.9 to 1.1, or z within 2", low=0.9, high=1.1)
NO_Z = 2.0
IRAN = "IRN"


def pick_assessed(chances: pl.DataFrame) -> pl.DataFrame:
    """Return the chances that table call_sums adds up, but for visits of several gaps.

    Of rated months; no end of the gap in that port, not unobservable, and with a posterior.
    """
    return chances.filter(
        pl.col("is_rated_call"),
        pl.col("port_group") != NO_PORT_GROUP,
        ~pl.col("is_glimpsed"),
        pl.col("cause").ne_missing("unobservable"),
        pl.col("p_call").is_not_null(),
    )


def measure_expected(
    chances: pl.DataFrame,
    covered: pl.DataFrame,
    stays: pl.DataFrame,
    published: Mapping[str, float],
    rules: EvaluationRules,
) -> list[Finding]:
    """Return sums of probabilities over what is true, by scope.

    Args:
        chances: `call_truth.list_chances`.
        covered: `true_calls.cover_calls` of the rated months, with `cluster` and `run`.
        stays: `call_truth.find_stays` with `run`.
        published: expected calls of the rated months by scope, from table call_sums.
        rules: interval level.
    """
    assessed = pick_assessed(chances)
    if assessed.is_empty():
        empty = "the table of candidates"
        return [not_yet(TOPIC, DARK, empty, TOTAL_TARGET.words), not_yet(TOPIC, UNHEARD, empty)]
    found: list[Finding] = []
    for scope, (column, true_column) in SCOPES.items():
        rows = assessed if column is None else assessed.filter(column)
        true = covered if true_column is None else covered.filter(true_column)
        once = compare_sums(rows, "p_call", true, DARK, rules)
        total = published[scope]
        note = f"expected {total:.1f}, true {true.height}, visits once"
        found += [
            replace(one, stratum=scope)
            for one in (
                once,
                find(
                    TOPIC,
                    DARK,
                    total / true.height if true.height else math.nan,
                    subject="published (call_sums)",
                    count=true.height,
                    note=note,
                ),
                compare_sums(rows, "p_call_flat", true, DARK, rules, is_judged=False),
                compare_sums(rows, "p_call", _only_in(true, assessed), DARK + ASSESSED, rules),
            )
        ]
    return [
        *found,
        *_measure_unheard(chances, assessed, stays, rules),
        *_split_expected(assessed),
        *_measure_countries(assessed),
    ]


def compare_sums(
    rows: pl.DataFrame,
    column: str,
    true: pl.DataFrame,
    measure: str,
    rules: EvaluationRules,
    *,
    is_judged: bool = True,
) -> Finding:
    """Return the sum of probabilities over the number of true calls, with z in the note.

    One outcome a gap: the variance is that of its groups together, P (1 - P). Where ships differ by
    more than that (residuals from the common ratio, by ship of a seed), theirs is taken instead.

    Args:
        rows: chances with run, gap_id, cluster.
        column: probability in them.
        true: true calls with cluster.
        measure: name of the figure.
        rules: interval level.
        is_judged: METHOD 8's target holds for it.
    """
    gaps = rows.group_by("run", "gap_id").agg(pl.col("cluster").first(), p=pl.col(column).sum())
    expected, count = float(gaps["p"].sum()), true.height
    p = np.minimum(gaps["p"].to_numpy(), 1.0)
    ships = (
        gaps.group_by("cluster")
        .agg(pl.col("p").sum())
        .join(true.group_by("cluster").agg(true=pl.len()), on="cluster", how="full", coalesce=True)
        .fill_null(0)
    )
    ratio = count / expected if expected else 0.0
    apart = ships["true"].to_numpy() - ratio * ships["p"].to_numpy()
    variance = max(float((p * (1 - p)).sum()), float((apart**2).sum()))
    spread = math.sqrt(variance)
    z = (expected - count) / spread if spread else math.nan
    half = _normal(rules.interval_level) * spread
    value = expected / count if count else math.nan
    ends = ((expected - half) / count, (expected + half) / count) if count else (math.nan, math.nan)
    target = Target(TOTAL_TARGET.words) if abs(z) <= NO_Z else TOTAL_TARGET
    return find(
        TOPIC,
        measure,
        value,
        (max(ends[0], 0.0) if count else math.nan, ends[1]),
        target if is_judged else None,
        subject=column,
        count=count,
        note=f"expected {expected:.1f}, true {count}, z {z:.1f}",
    )


def _normal(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + level) / 2))


def _only_in(true: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the true calls at a group of a gap that is among the rows."""
    return true.join(rows, on=["run", "gap_id", "port_group"], how="semi")


def _measure_unheard(
    chances: pl.DataFrame, assessed: pl.DataFrame, stays: pl.DataFrame, rules: EvaluationRules
) -> list[Finding]:
    """Return the sum of P_unheard over true calls with the set on, in assessed gaps and others."""
    blind = chances.filter(
        pl.col("is_rated_call"),
        pl.col("port_group") != NO_PORT_GROUP,
        ~pl.col("is_glimpsed"),
        pl.col("cause") == "unobservable",
        pl.col("p_call").is_not_null(),
    )
    unheard = stays.filter("is_unheard")
    return [
        compare_sums(assessed, "p_unheard", _only_in(unheard, assessed), UNHEARD + ASSESSED, rules),
        compare_sums(
            assessed.with_columns((pl.col("p_call") + pl.col("p_unheard")).alias(THERE)),
            THERE,
            _only_in(stays, assessed),
            BOTH + ASSESSED,
            rules,
            is_judged=False,
        ),
        compare_sums(
            blind,
            "p_unheard",
            _only_in(unheard, blind),
            f"{UNHEARD}, in unobservable gaps",
            rules,
            is_judged=False,
        ),
    ]


def _split_expected(assessed: pl.DataFrame) -> list[Finding]:
    """Return what the expected dark calls truly were, as shares of their sum."""
    whole = float(assessed["p_call"].sum())
    is_dark, is_unheard = pl.col("is_dark_here"), pl.col("is_unheard_here")
    parts = {
        f"{SHARE}truly dark calls there": is_dark,
        LIT_TURNED_DARK: ~is_dark & is_unheard,
        f"{SHARE}there, but not off or not silent all the while": ~is_dark
        & ~is_unheard
        & pl.col("is_stay_here"),
        f"{SHARE}at another port": ~pl.col("is_stay_here")
        & (pl.col("true_group") != NO_PORT_GROUP),
        f"{SHARE}at no port": ~pl.col("is_stay_here") & (pl.col("true_group") == NO_PORT_GROUP),
    }
    return [
        find(
            TOPIC,
            words,
            float(assessed.filter(test)["p_call"].sum()) / whole if whole else math.nan,
            subject="p_call",
            count=assessed["gap_id"].n_unique(),
        )
        for words, test in parts.items()
    ]


def _measure_countries(assessed: pl.DataFrame) -> list[Finding]:
    """Return the likeliest country of truly dark calls, and how often it is wrongly Iran."""
    key = ["run", "gap_id"]
    likeliest = (
        assessed.group_by(*key, told="country")
        .agg(pl.col("p_call").sum())
        .sort(*key, "p_call", "told", descending=[False, False, True, False])
        .unique(key, keep="first", maintain_order=True)
    )
    calls = (
        assessed.filter("is_dark_here")
        .select(*key, true="country")
        .join(likeliest, on=key)
        .sort("true", "told")
    )
    elsewhere = calls.filter(pl.col("true") != IRAN)
    wrong = elsewhere.filter(pl.col("told") == IRAN).height
    found = [
        find(
            COUNTRIES,
            TOLD_IRANIAN,
            wrong / elsewhere.height if elsewhere.height else math.nan,
            count=elsewhere.height,
        )
    ]
    for (true,), part in calls.partition_by("true", as_dict=True, maintain_order=True).items():
        for told, count in part.group_by("told", maintain_order=True).len().iter_rows():
            words = f"truly {true}, likeliest {told}"
            found.append(
                find(COUNTRIES, "dark calls", count / part.height, subject=words, count=count)
            )
    return found
