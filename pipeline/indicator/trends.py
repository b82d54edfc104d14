"""More than in 2020-21? The count trend and the rate trend (METHOD 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from pipeline.indicator.draws import LEAST_P, Floats, Learned, draw_uniforms
from pipeline.indicator.rating import DIGITS, MONTHS
from pipeline.indicator.totals import SETS_AT_ONCE, in_scope, is_judged, take_ends, take_judged
from pipeline.rules import IndicatorRules

CONCLUDED = ("p_call", "p_unheard")
UNDETERMINED, NOT_ASSESSABLE = "Undetermined", "Not assessable"
SCHEMA = {
    "count_trend": pl.String,
    "count_ratio": pl.Float64,
    "count_ratio_low": pl.Float64,
    "count_ratio_high": pl.Float64,
    "rate_trend": pl.String,
    "rate_ratio": pl.Float64,
    "rate_ratio_low": pl.Float64,
    "rate_ratio_high": pl.Float64,
    "baseline": pl.String,
    "trend_why": pl.String,
}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Weighted calls and visits of a month and scope: the estimate first, then a value a draw."""

    calls: Floats
    visits: Floats


@dataclass(frozen=True, eq=False)
class Base:
    """What the trailing twelve months are compared with.

    Attributes:
        months: the base months that can be used -> their calls and visits.
        source: where they come from, as it is printed.
        why_not: why there is none, where there is none.
    """

    months: Mapping[date, Drawn]
    source: str
    why_not: str


def draw_month_sums(
    chances: pl.DataFrame,
    lit: pl.DataFrame,
    weights: pl.DataFrame,
    learned: Learned,
    scopes: Sequence[str],
) -> dict[tuple[str, date], Drawn]:
    """Return weighted calls and visits by scope and month, ships and parameters drawn anew.

    Ships are drawn by the Bayesian bootstrap (Rubin 1981): a weight each, exponential, the same in
    all months. Calls count by P_call whatever was proved: proof follows the press.

    Args:
        chances: table call_chances with `totals.JUDGED`.
        lit: table lit_port_calls, glimpsed ones left out.
        weights: month, port_group, weight: 1 / observability.
        learned: drawn.
        scopes: which.
    """
    counted = chances.filter("is_counted", is_judged())
    dark = counted.join(weights, on=["month", "port_group"], how="left", maintain_order="left")
    heard = lit.join(weights, on=["month", "port_group"], how="left", maintain_order="left")
    empty = np.zeros(learned.draws + 1)
    found: dict[tuple[str, date], Drawn] = {}

    def add(scope: str, month: date, calls: Floats, others: Floats) -> None:
        before = found.get((scope, month), Drawn(empty, empty))
        found[scope, month] = Drawn(before.calls + calls, before.visits + calls + others)

    for (month,), rows in dark.sort("month", "gap_id", "port_group").group_by(
        "month", maintain_order=True
    ):
        for part in rows.iter_slices(SETS_AT_ONCE):
            called, unheard = _draw_rows(part, learned)
            for scope in scopes:
                mine = in_scope(part, scope)
                add(scope, month, called[mine].sum(axis=0), unheard[mine].sum(axis=0))  # pyright: ignore[reportArgumentType]
    for (month,), rows in heard.sort("month", "call_id").group_by("month", maintain_order=True):
        for part in rows.iter_slices(SETS_AT_ONCE):
            visited = _weigh_ships(part, learned.draws)
            for scope in scopes:
                add(scope, month, empty, visited[in_scope(part, scope)].sum(axis=0))  # pyright: ignore[reportArgumentType]
    return found


def _draw_rows(rows: pl.DataFrame, learned: Learned) -> tuple[Floats, Floats]:
    """Return weighted P_call and P_unheard of each row: as published, then a column per draw."""
    p_off = rows["p_off"].fill_null(0.0).to_numpy()[:, None]
    gaps = rows.unique("gap_id", maintain_order=True).with_row_index("number")
    of_row = rows.select("gap_id").join(
        gaps.select("gap_id", "number"), on="gap_id", maintain_order="left"
    )["number"]
    moved = learned.draw_p_off(*take_judged(gaps))[of_row.to_numpy()]
    moved = np.concatenate([p_off, moved], axis=1)
    ships = _weigh_ships(rows, learned.draws)
    p_call, p_unheard = (rows[name].fill_null(0.0).to_numpy()[:, None] for name in CONCLUDED)
    # Rounding may leave a part above its whole; both are kept below 1.
    whole, rest = (
        np.maximum(one, LEAST_P)
        for one in (np.maximum(p_off, p_call), np.maximum(1 - p_off, p_unheard))
    )
    return ships * p_call * (moved / whole), ships * p_unheard * ((1 - moved) / rest)


def _weigh_ships(rows: pl.DataFrame, draws: int) -> Floats:
    """Return weight x ship's weight of each row: as it is, then a column per draw."""
    ships = rows.select("ship_id").unique(maintain_order=True).with_row_index("number")
    drawn = -np.log(draw_uniforms([f"ship|{one}" for one in ships["ship_id"]], draws))
    of_row = rows.select("ship_id").join(ships, on="ship_id", maintain_order="left")["number"]
    weight = rows["weight"].fill_null(1.0).to_numpy()[:, None]
    ones = np.ones((rows.height, 1))
    return weight * np.concatenate([ones, drawn[of_row.to_numpy()]], axis=1)


def compare_years(
    months: Sequence[date],
    own: Mapping[date, Drawn],
    base: Base,
    usable: Mapping[date, bool],
    rules: IndicatorRules,
) -> dict[str, Any]:
    """Return SCHEMA of one scope: `months` (of a trailing year) against the base years.

    Args:
        months: twelve.
        own: calls and visits of our months with any.
        base: what to compare with.
        usable: months with data -> was enough of them observable.
        rules: thresholds.
    """
    if base.why_not:
        return _decline(base.why_not, base.source)
    if any(month.year in rules.base_years for month in months):
        return _decline("the twelve months lie in the base years", base.source)
    if len(months) != MONTHS or any(month not in usable for month in months):
        return _decline("not all of the twelve months have data", base.source)
    pairs = [
        (month, same)
        for month in months
        if usable[month] and (same := [one for one in base.months if one.month == month.month])
    ]
    if len(pairs) < rules.base_least_months:
        why = f"only {len(pairs)} calendar months were observable both then and now"
        return _decline(why, base.source)
    nothing = np.zeros(next(iter(base.months.values())).calls.shape)
    trailing = [own.get(month, Drawn(nothing, nothing)) for month, _ in pairs]
    calls = sum((one.calls for one in trailing), nothing)
    visits = sum((one.visits for one in trailing), nothing)
    base_calls, base_visits = (
        sum(
            (
                sum((getattr(base.months[one], name) for one in same), nothing) / len(same)
                for _, same in pairs
            ),
            nothing,
        )
        for name in ("calls", "visits")
    )
    prior = rules.prior_calls * len(pairs) / MONTHS
    count = (calls + prior) / (base_calls + prior)
    told = _tell("count", count, rules)
    if visits[0] > 0 and base_visits[0] > 0:
        told |= _tell("rate", count * (base_visits + prior) / (visits + prior), rules)
    else:
        told |= dict.fromkeys(name for name in SCHEMA if name.startswith("rate_ratio"))
        told["rate_trend"] = NOT_ASSESSABLE
    why = (
        f"calls {told['count_ratio']:.2f} times those of {base.source}"
        f" (90 % interval {told['count_ratio_low']:.2f} to {told['count_ratio_high']:.2f}):"
        f" {told['count_trend']}; calls a visit: "
    )
    rate = told["rate_ratio"]
    interval = f"({told['rate_ratio_low']:.2f} to {told['rate_ratio_high']:.2f})" if rate else ""
    why += f"{rate:.2f} times {interval}: {told['rate_trend']}" if rate else told["rate_trend"]
    return {**told, "baseline": base.source, "trend_why": why}


def _tell(kind: str, ratio: Floats, rules: IndicatorRules) -> dict[str, Any]:
    """Return the trend of a ratio: its estimate first, then its draws."""
    low, high = take_ends(ratio[1:], rules.interval_level)
    estimate = float(ratio[0])
    low, high = min(float(low), estimate), max(float(high), estimate)
    told = {f"{kind}_ratio": estimate, f"{kind}_ratio_low": low, f"{kind}_ratio_high": high}
    return {f"{kind}_trend": name_trend(low, high, rules)} | {
        name: round(value, DIGITS) for name, value in told.items()
    }


def name_trend(low: float, high: float, rules: IndicatorRules) -> str:
    """Return what a ratio with this 90 % interval says (METHOD 7)."""
    if low > rules.upward_above:
        return "Upward"
    if high < rules.downward_below:
        return "Downward"
    if low >= rules.steady_from and high <= rules.steady_to:
        return "No change"
    return UNDETERMINED


def _decline(why: str, source: str) -> dict[str, Any]:
    empty = dict.fromkeys(SCHEMA)
    trends = dict.fromkeys(("count_trend", "rate_trend"), NOT_ASSESSABLE)
    return {**empty, **trends, "baseline": source, "trend_why": f"trends not assessable: {why}"}
