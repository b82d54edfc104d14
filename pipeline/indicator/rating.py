"""Low, Medium or High: the class of twelve months of dark port calls, and how surely (METHOD 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipeline.indicator.draws import Floats, draw_uniforms
from pipeline.indicator.totals import in_scope, is_judged, take_ends
from pipeline.rules import IndicatorRules

CLASSES = ("Low", "Medium", "High")
NOT_ASSESSABLE = "not assessable"
MONTHS = 12
SCHEMA = {
    "expected": pl.Float64,
    "expected_low": pl.Float64,
    "expected_high": pl.Float64,
    "p_low": pl.Float64,
    "p_medium": pl.Float64,
    "p_high": pl.Float64,
    "rating": pl.String,
    "rating_why": pl.String,
}
DIGITS = 6


@dataclass(frozen=True, eq=False)
class Evidence:
    """What twelve months are rated by.

    Attributes:
        totals: (scope, month) -> calls under each draw; none: no draw has any.
        expected: (scope, month) -> exact sum, proved calls as 1 and refuted ones as 0.
        chances: table call_chances, with `rung` (length) of each row's gap.
        observed: months with data, and whether anybody could have been heard in them.
        draws: how many.
    """

    totals: Mapping[tuple[str, date], np.ndarray]
    expected: Mapping[tuple[str, date], float]
    chances: pl.DataFrame
    observed: Mapping[date, bool]
    draws: int


def rate_months(
    evidence: Evidence, months: Sequence[date], scopes: Sequence[str], rules: IndicatorRules
) -> list[dict[str, Any]]:
    """Return the rating of each scope over `months` (those of a year): `scope`, SCHEMA."""
    lacking = [month for month in months if month not in evidence.observed]
    if lacking or len(months) != MONTHS:
        why = f"only {len(months) - len(lacking)} of twelve months have data"
        return [_decline(scope, why) for scope in scopes]
    rows = evidence.chances.filter(pl.col("month").is_in(list(months)))
    known = rows.filter(is_judged())
    blind = rows.filter("is_unobservable")
    if not any(evidence.observed[month] for month in months):
        return [_decline(scope, "nowhere could anybody have been heard") for scope in scopes]
    if known.is_empty() and blind.height:
        why = f"all {blind['gap_id'].n_unique()} gaps that could hide a call are unobservable"
        return [_decline(scope, why) for scope in scopes]
    supposed = _suppose_calls(blind, known)
    could = _draw_supposed(supposed, evidence.draws)
    return [
        _rate_scope(evidence, months, scope, could[in_scope(supposed, scope)], rules)
        for scope in scopes
    ]


def _decline(scope: str, why: str) -> dict[str, Any]:
    empty = dict.fromkeys(SCHEMA)
    return {"scope": scope, **empty, "rating": NOT_ASSESSABLE, "rating_why": f"{why}"}


def _rate_scope(
    evidence: Evidence,
    months: Sequence[date],
    scope: str,
    could: np.ndarray,
    rules: IndicatorRules,
) -> dict[str, Any]:
    """Return the row of one scope; `could`: unobservable rows of the scope, drawn as supposed."""
    nothing = np.zeros(evidence.draws, np.int64)
    total = sum((evidence.totals.get((scope, month), nothing) for month in months), nothing)
    expected = sum(evidence.expected.get((scope, month), 0.0) for month in months)
    low, high = take_ends(total, rules.interval_level)
    chances = find_class_chances(total, rules)
    plain = print_class(chances, rules)
    with_blind = find_class_chances(total + could.sum(axis=0), rules)
    rating = guard_class(plain, print_class(with_blind, rules))
    return {
        "scope": scope,
        "expected": round(expected, DIGITS),
        "expected_low": min(float(low), round(expected, DIGITS)),
        "expected_high": max(float(high), round(expected, DIGITS)),
        **dict(zip(("p_low", "p_medium", "p_high"), chances, strict=True)),
        "rating": rating,
        "rating_why": _tell_rating(expected, (int(low), int(high)), chances, could, with_blind),
    }


def find_class_chances(totals: np.ndarray, rules: IndicatorRules) -> tuple[float, ...]:
    """Return P(Low), P(Medium), P(High) of calls a year under each draw."""
    low = float(np.mean(totals < rules.medium_from))
    high = float(np.mean(totals > rules.high_above))
    return round(low, DIGITS), round(1 - low - high, DIGITS), round(high, DIGITS)


def print_class(chances: Sequence[float], rules: IndicatorRules) -> str:
    """Return the class that is printed: one where it is sure enough, else the two likeliest."""
    order = sorted(range(len(CLASSES)), key=lambda one: -chances[one])
    count = 1 if chances[order[0]] >= rules.printed_from else 2
    return " or ".join(CLASSES[one] for one in sorted(order[:count]))


def guard_class(plain: str, with_blind: str) -> str:
    """Return the class, as a lower bound where it hangs on the gaps nobody can tell (METHOD 7)."""
    least = plain.split(" or ", 1)[0]
    if plain == with_blind or least == CLASSES[-1]:
        return plain
    return f"at least {least}"


def _suppose_calls(blind: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the unobservable rows that count, with the mean P_call of rows that could be judged.

    Of the same port group and length; of all groups of that length, and of all, where there are
    none. The same as `upper`, its running sum over the groups of the gap, at most 1 in all.
    """
    means = [
        known.filter("is_counted")
        .group_by(key)
        .agg(pl.col("p_call").mean().alias(f"mean_{number}"))
        for number, key in enumerate((["port_group", "rung"], ["rung"]))
    ]
    overall = known.filter("is_counted")["p_call"].mean()
    supposed = (
        blind.filter("is_counted")
        .join(means[0], on=["port_group", "rung"], how="left")
        .join(means[1], on="rung", how="left")
        .with_columns(
            mean=pl.coalesce("mean_0", "mean_1", pl.lit(overall, pl.Float64)).fill_null(0)
        )
        .sort("gap_id", "port_group")
    )
    total = pl.col("mean").sum().over("gap_id")
    return supposed.with_columns(mean=pl.col("mean") / pl.max_horizontal(total, 1.0)).with_columns(
        upper=pl.col("mean").cum_sum().over("gap_id")
    )


def _draw_supposed(supposed: pl.DataFrame, draws: int) -> np.ndarray:
    """Return which supposed calls happen: a row per row, a column per draw."""
    if supposed.is_empty():
        return np.zeros((0, draws), np.bool_)
    gaps = supposed.select("gap_id").unique(maintain_order=True).with_row_index("number")
    uniforms: Floats = draw_uniforms(gaps["gap_id"].to_list(), draws)
    of_row = supposed.join(gaps, on="gap_id", maintain_order="left")["number"].to_numpy()
    upper, mean = (supposed[name].to_numpy()[:, None] for name in ("upper", "mean"))
    drawn = uniforms[of_row]
    return (drawn < upper) & (drawn >= upper - mean)


def _tell_rating(
    expected: float,
    ends: tuple[int, int],
    chances: Sequence[float],
    could: np.ndarray,
    with_blind: Sequence[float],
) -> str:
    """Return why, with the figures."""

    def listed(values: Sequence[float]) -> str:
        return ", ".join(f"{name} {value:.2f}" for name, value in zip(CLASSES, values, strict=True))

    told = (
        f"{expected:.1f} dark port calls expected in twelve months"
        f" (90 % interval {ends[0]} to {ends[1]}); probability of {listed(chances)}"
    )
    if not len(could):
        return told
    return (
        f"{told}; {len(could)} possible calls in gaps that nobody could have heard are not in it:"
        f" with the mean of those that could be judged, {listed(with_blind)}"
    )
