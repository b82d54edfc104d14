"""Months with more gaps than those before foresee, per hour that could be observed (METHOD 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipeline.rules import IndicatorRules
from pipeline.schema import Spikes, conform, polars_schema

# Series: every flag, and the two of the report, alone and together.
SERIES = {"all": ("all",), "IRN": ("IRN",), "RUS": ("RUS",), "RUS+IRN": ("RUS", "IRN")}
MONTHS_A_YEAR = 12


def find_spikes(
    monthly: pl.DataFrame, rules: IndicatorRules, method_version: str, rules_hash: str
) -> pl.DataFrame:
    """Return table spikes: a row per month with data x series.

    Merchant ships, gaps of `comparable_h` and more, everywhere; exposure is the ship-hours in which
    somebody could be heard. What the months before foresee is their rate; the limit is that of
    Farrington and others (J R Stat Soc A 159, 1996: quasi-Poisson, 2/3 power), with Student's t for
    the few months the dispersion is of.

    Args:
        monthly: mart monthly_gaps.
        rules: thresholds.
        method_version, rules_hash: as in every published table.
    """
    found: list[dict[str, Any]] = []
    for series, flags in SERIES.items():
        counted = _sum_series(monthly, flags, rules)
        gaps = counted["gaps"].to_numpy().astype(np.float64)
        hours = counted["observable_ship_hours"].to_numpy()
        for at, month in enumerate(counted["month"].to_list()):
            before = slice(max(0, at - rules.spike_months), at)
            is_usable = hours[before] > 0
            tested = _test_month(
                gaps[at], hours[at], gaps[before][is_usable], hours[before][is_usable], rules
            )
            found.append({"month": month, "flags": series, **tested})
    return conform(
        pl.DataFrame(found, schema_overrides=_floats())
        .with_columns(
            at_least_h=pl.lit(rules.comparable_h),
            false_alarms_a_year=pl.lit(rules.spike_false_alarms),
            method_version=pl.lit(method_version),
            rules_hash=pl.lit(rules_hash),
        )
        .select(polars_schema(Spikes).names())
        if found
        else pl.DataFrame(schema=polars_schema(Spikes)),
        Spikes,
    ).sort("month", "flags")


def _sum_series(
    monthly: pl.DataFrame, flags: tuple[str, ...], rules: IndicatorRules
) -> pl.DataFrame:
    """Return month, gaps, observable_ship_hours of a series, months with data alone."""
    rows = monthly.filter(
        pl.col("fleet") == "merchant",
        pl.col("area") == "all",
        pl.col("port_group") == "all",
        pl.col("at_least_h") == rules.comparable_h,
        pl.col("flag").is_in(list(flags)),
        pl.col("gaps").is_not_null(),
    )
    return (
        rows.group_by("month")
        .agg(pl.col("gaps").sum(), pl.col("observable_ship_hours").sum())
        .sort("month")
    )


def _test_month(
    gaps: float, hours: float, before: np.ndarray, hours_before: np.ndarray, rules: IndicatorRules
) -> dict[str, Any]:
    """Return what is foreseen of a month and whether it lies beyond."""
    told: dict[str, Any] = {
        "gaps": int(gaps),
        "observable_ship_hours": float(hours),
        "months_before": len(before),
        "expected": None,
        "limit": None,
        "dispersion": None,
        "is_spike": None,
    }
    if len(before) < rules.spike_least_months:
        return {**told, "why": f"only {len(before)} months before it with somebody to be heard"}
    if hours <= 0:
        return {**told, "why": "nobody could have been heard in the month"}
    if before.sum() == 0:
        return {**told, "why": "no gap in the months before: there is no rate to compare with"}
    expected, limit, dispersion = find_limit(hours, before, hours_before, rules)
    is_spike = bool(gaps > limit)
    why = (
        f"{gaps:.0f} gaps where {expected:.1f} are foreseen by the {len(before)} months before"
        f" and {limit:.1f} would be the limit"
    )
    return {
        **told,
        "expected": round(expected, 3),
        "limit": round(limit, 3),
        "dispersion": round(dispersion, 3),
        "is_spike": is_spike,
        "why": why,
    }


def find_limit(
    hours: float, before: np.ndarray, hours_before: np.ndarray, rules: IndicatorRules
) -> tuple[float, float, float]:
    """Return what a month is expected to have, the limit beyond which it is a spike, dispersion."""
    from scipy.stats import t

    rate = before.sum() / hours_before.sum()
    foreseen = rate * hours_before
    freedom = len(before) - 1
    dispersion = max(float(((before - foreseen) ** 2 / foreseen).sum()) / freedom, 1.0)
    expected = rate * hours
    # Of the month itself, and of the rate that is known from so many gaps.
    variance = dispersion * (expected + expected**2 / before.sum())
    alpha = rules.spike_false_alarms / MONTHS_A_YEAR
    reach = float(t.ppf(1 - alpha, freedom)) * np.sqrt(variance) / expected
    return float(expected), float(expected * (1 + 2 / 3 * reach) ** 1.5), dispersion


def _floats() -> dict[str, Any]:
    names = ("expected", "limit", "dispersion")
    return {**dict.fromkeys(names, pl.Float64), "is_spike": pl.Boolean}
