"""Figures about switch-offs: prevalence, ranking, calibration, whole and by stratum (METHOD 8)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.evaluate import measures
from pipeline.evaluate.findings import Finding, Target, find, not_yet, pick
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import Ranking
from pipeline.evaluate.resample import Resampler

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TOPIC = "switch-offs"
PREVALENCE, PRECISION = "prevalence", "average precision"
RELATIVE = "average precision over the reference's"
ERROR, TOTAL, SKILL = "expected calibration error", "sum(p) / true", "Brier skill over base rate"

EASY = Target("below 0.65, else the world is too easy", high=0.65)
RELATIVE_TARGET = Target("at least 0.95", low=0.95)
ERROR_TARGET = Target("at most 0.05", high=0.05)
TOTAL_TARGET = Target("0.9 to 1.1, or z within 2", low=0.9, high=1.1)
SKILL_TARGET = Target("at least 0.5", low=0.5)
NO_Z = 2.0

# What is judged -> column with its score.
SUBJECTS = {"p_off": "p_off", "reference (true parameters)": "p_reference", "duration": "duration"}
REFERENCE = "reference (true parameters)"

HABITUAL, OTHERS = "habitual", "other ships"
SEASONS = {
    "winter": (12, 1, 2),
    "spring": (3, 4, 5),
    "summer": (6, 7, 8),
    "autumn": (9, 10, 11),
}


def pick_measured(gaps: pl.DataFrame, rules: EvaluationRules) -> pl.DataFrame:
    """Return the gaps that are measured: labelled, in rated months, of 12 h and more.

    `left_region` is no gap (METHOD 1). A gap without p_off counts as 0 where others have one, as
    in expected_off; `p_off` stays null where no gap has one.
    """
    measured = gaps.filter(
        pl.col("is_off").is_not_null(),
        pl.col("is_rated"),
        pl.col("duration_h") >= rules.measured_min_h,
        pl.col("cause").ne_missing("left_region"),
    )
    if measured["p_off"].is_not_null().any():
        measured = measured.with_columns(
            pl.col("p_off").fill_null(0.0), is_judged=pl.col("p_off").is_not_null()
        )
    return measured


def name_strata(gaps: pl.DataFrame, rules: EvaluationRules) -> pl.DataFrame:
    """Return gaps with a column per kind of stratum, as texts; null: not told apart."""
    month = pl.col("month").dt.month()
    season = pl.coalesce(
        pl.when(month.is_in(months)).then(pl.lit(name)) for name, months in SEASONS.items()
    )
    return gaps.with_columns(
        pl.col("off_area").fill_null("unknown").alias("area"),
        season.alias("season"),
        pl.col("off_receiver").fill_null("unknown").alias("receiver"),
        pl.col("fleet").alias("fleet"),
        pl.col("flag").fill_null("unknown").alias("flag"),
        _name_lengths(rules).alias("length"),
        pl.when("is_habitual")
        .then(pl.lit(HABITUAL))
        .when(pl.col("is_habitual").not_())
        .then(pl.lit(OTHERS))
        .alias("ship"),
        pl.when("is_shared").then(pl.lit("shared")).otherwise(pl.lit("own")).alias("mmsi_use"),
        # A track of false places makes gaps in which the vessel was heard all the time.
        pl.when("is_heard_meanwhile")
        .then(pl.lit("heard on another track"))
        .otherwise(pl.lit("silent"))
        .alias("vessel"),
        pl.col("cause").fill_null("not judged"),
        # Causes before `unobservable` have no p_off (METHOD 4), and count as 0.
        (pl.when("is_judged").then(pl.lit("has a p_off")).otherwise(pl.lit("has none"))).alias(
            "judged"
        )
        if "is_judged" in gaps.columns
        else pl.lit(None, pl.String).alias("judged"),
    )


def _name_lengths(rules: EvaluationRules) -> pl.Expr:
    """Return from which rung of the ladder to the next a gap lasts; null below the first."""
    edges = rules.length_edges_h
    names = [f"{low:g} to {high:g} h" for low, high in pairwise(edges)]
    rungs = zip(edges, [*names, f"{edges[-1]:g} h and more"], strict=True)
    return pl.coalesce(
        pl.when(pl.col("duration_h") >= low).then(pl.lit(name)) for low, name in [*rungs][::-1]
    )


STRATA = (
    "area",
    "season",
    "receiver",
    "length",
    "fleet",
    "ais_class",
    "flag",
    "ship",
    "mmsi_use",
    "vessel",
    "cause",
    "judged",
)


def each_stratum(gaps: pl.DataFrame, rules: EvaluationRules) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield (name, gaps) of all gaps and of each stratum with `stratum_min_gaps` or more."""
    yield "all", gaps
    named = name_strata(gaps, rules)
    for kind in STRATA:
        parts = named.drop_nulls(kind).partition_by(kind, as_dict=True)
        for (value,), part in sorted(parts.items()):
            if part.height >= rules.stratum_min_gaps:
                yield f"{kind}: {value}", part


def measure_gaps(measured: pl.DataFrame, rules: EvaluationRules) -> list[Finding]:
    """Return the figures of `pick_measured` gaps: column `cluster` names the ship of a seed."""
    found: list[Finding] = []
    for stratum, part in each_stratum(measured, rules):
        found += measure_stratum(part, stratum, rules)
    return found


def measure_stratum(part: pl.DataFrame, stratum: str, rules: EvaluationRules) -> list[Finding]:
    """Return the figures of one stratum."""
    resampler = Resampler(part["cluster"].to_numpy(), rules)
    is_off = part["is_off"].cast(pl.Boolean).to_numpy()
    more = {"stratum": stratum, "count": part.height}
    sums = resampler.sums(np.column_stack((is_off, np.ones(part.height))))
    shares = sums[:, 0] / np.maximum(sums[:, 1], 1)
    prevalence = float(is_off.mean()) if part.height else math.nan
    found = [find(TOPIC, PREVALENCE, prevalence, resampler.interval(shares), **more)]
    scores: dict[str, Floats] = {}
    for subject, column in SUBJECTS.items():
        if part.is_empty() or part[column].is_null().any():
            if subject == "p_off" and stratum == "all":
                found += _nothing_yet()
            continue
        score = part[column].to_numpy()
        scores[subject] = _resampled_precision(is_off, score, resampler)
        value = measures.average_precision(is_off, score)
        target = EASY if subject == "duration" and stratum == "all" else None
        interval = resampler.interval(scores[subject])
        found.append(find(TOPIC, PRECISION, value, interval, target, subject=subject, **more))
        if subject != "duration" and (
            stratum == "all" or part.height >= rules.calibration_min_gaps
        ):
            found += calibrate(is_off, score, subject, stratum, resampler, rules)
    return found + _compare(found, scores, stratum, resampler)


def calibrate(
    is_off: Bools,
    p: Floats,
    subject: str,
    stratum: str,
    resampler: Resampler,
    rules: EvaluationRules,
) -> list[Finding]:
    """Return calibration error, total and Brier skill of probabilities, with intervals."""
    bins = measures.equal_count_bins(p, rules.calibration_bins)
    spread = np.zeros((3, len(p), rules.calibration_bins))
    spread[:, np.arange(len(p)), bins] = p, is_off, np.ones(len(p))
    columns = np.column_stack((*spread, (p - is_off) ** 2))
    drawn = resampler.sums(columns)
    once = columns.sum(axis=0, keepdims=True)
    is_judged = subject != REFERENCE
    more = {"subject": subject, "stratum": stratum, "count": len(p)}

    def figures(sums: Floats) -> tuple[Floats, Floats, Floats]:
        by_p, by_true, by_weight = np.split(sums[:, :-1], 3, axis=1)
        true, weight = by_true.sum(axis=1), by_weight.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            total = np.where(true > 0, by_p.sum(axis=1) / true, math.nan)
        error = measures.calibration_error(by_p, by_true, by_weight)
        return error, total, measures.brier_skill(sums[:, -1], true, weight)

    (error,), (total,), (skill,) = figures(once)
    errors, totals, skills = figures(drawn)
    z = measures.total_z(p, is_off)
    reached = Target(TOTAL_TARGET.words) if abs(z) <= NO_Z else TOTAL_TARGET
    bins_note = f"{rules.calibration_bins} bins of equal count"
    targets = (ERROR_TARGET, reached, SKILL_TARGET) if is_judged else (None, None, None)
    return [
        find(TOPIC, ERROR, error, resampler.interval(errors), targets[0], note=bins_note, **more),
        find(
            TOPIC, TOTAL, total, resampler.interval(totals), targets[1], note=f"z {z:.1f}", **more
        ),
        find(TOPIC, SKILL, skill, resampler.interval(skills), targets[2], **more),
    ]


def _resampled_precision(is_off: Bools, score: Floats, resampler: Resampler) -> Floats:
    ranking = Ranking(is_off, score)
    return resampler.values(ranking.average_precision)


def _compare(
    found: list[Finding], scores: dict[str, Floats], stratum: str, resampler: Resampler
) -> list[Finding]:
    """Return the average precision of p_off over the reference's, drawn together."""
    ours = pick(found, PRECISION, "p_off", stratum)
    best = pick(found, PRECISION, REFERENCE, stratum)
    if ours is None or best is None or not ours.value or not best.value:
        return []
    interval = resampler.interval(scores["p_off"] / scores[REFERENCE])
    target = RELATIVE_TARGET if stratum == "all" else None
    return [
        find(
            TOPIC,
            RELATIVE,
            ours.value / best.value,
            interval,
            target,
            subject="p_off",
            stratum=stratum,
            count=ours.count,
        )
    ]


def _nothing_yet() -> list[Finding]:
    wanted = {
        RELATIVE: RELATIVE_TARGET,
        ERROR: ERROR_TARGET,
        TOTAL: TOTAL_TARGET,
        SKILL: SKILL_TARGET,
    }
    return [not_yet(TOPIC, name, "gaps.p_off", target.words) for name, target in wanted.items()]
