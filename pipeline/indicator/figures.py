"""From published tables to drawn ones: intervals, ratings, trends; what sql/marts joins (METHOD 7).

Frames in, frames out: `rollup` reads them from the database and puts the results there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from pipeline.indicator import rating, trends
from pipeline.indicator.base_years import find_base, sum_gaps
from pipeline.indicator.draws import Learned, draw_learned
from pipeline.indicator.rating import Evidence, rate_months
from pipeline.indicator.totals import (
    SCOPES,
    draw_call_intervals,
    draw_calls,
    draw_off_intervals,
)
from pipeline.indicator.trends import compare_years, draw_month_sums
from pipeline.rules import IndicatorRules

OFF_INTERVALS = {
    "month": pl.Date,
    **dict.fromkeys(("flag", "fleet", "area", "port_group"), pl.String),
    "at_least_h": pl.Int64,
    "low": pl.Int64,
    "high": pl.Int64,
}
CALL_INTERVALS = {
    "month": pl.Date,
    **dict.fromkeys(("scope", "flag", "port_country", "port_group"), pl.String),
    "low": pl.Int64,
    "high": pl.Int64,
}
RATINGS = {"month": pl.Date, "scope": pl.String, **rating.SCHEMA}
YEAR_RATINGS = {"calendar_year": pl.Int64, "scope": pl.String, **rating.SCHEMA}
TRENDS = {
    "month": pl.Date,
    "scope": pl.String,
    **trends.SCHEMA,
    "raw_gap_ratio": pl.Float64,
}


@dataclass(frozen=True, eq=False)
class Published:
    """The tables that intervals, ratings and trends are drawn from.

    Attributes:
        gaps, call_chances, dark_port_calls, lit_port_calls, ship_months, baseline: by schema.
        gap_ladder, months, scopes: marts.
        rules: thresholds.
        months_back: months one learns from (`reception.months_back`).
    """

    gaps: pl.DataFrame
    call_chances: pl.DataFrame
    dark_port_calls: pl.DataFrame
    lit_port_calls: pl.DataFrame
    ship_months: pl.DataFrame
    baseline: pl.DataFrame
    gap_ladder: pl.DataFrame
    months: pl.DataFrame
    scopes: pl.DataFrame
    rules: IndicatorRules
    months_back: int

    @cached_property
    def judged(self) -> pl.DataFrame:
        """Gaps with the month in which they were judged: that of their end."""
        return self.gaps.filter(pl.col("is_closed")).select(
            "gap_id",
            "p_off",
            "p_off_low",
            "p_off_high",
            judged_month=pl.col("on_at").dt.truncate("1mo").dt.date(),
        )

    @cached_property
    def learned(self) -> Learned:
        """What was learned, drawn anew."""
        months = self.months["month"].sort().to_list()
        return draw_learned(months, self.months_back, self.rules)

    @cached_property
    def chances(self) -> pl.DataFrame:
        """Table call_chances with p_off, length and the grade that proof gave a row, if any."""
        rungs = self.gap_ladder.group_by("gap_id").agg(rung=pl.col("at_least_h").max())
        proved = (
            self.dark_port_calls.filter(pl.col("grade").is_in(["A", "X"]))
            .select("grade", "port_group", gap_id=pl.col("gap_ids").str.split(";"))
            .explode("gap_id")
            .unique(["gap_id", "port_group"])
        )
        return (
            self.call_chances.join(self.judged, on="gap_id", how="left", maintain_order="left")
            .join(rungs, on="gap_id", how="left", maintain_order="left")
            .join(proved, on=["gap_id", "port_group"], how="left", maintain_order="left")
        )


def draw_gap_intervals(published: Published) -> pl.DataFrame:
    """Return OFF_INTERVALS."""
    if published.months.is_empty() or published.gap_ladder.is_empty():
        return pl.DataFrame(schema=OFF_INTERVALS)
    judged = published.judged.select("gap_id", "judged_month")
    ladder = published.gap_ladder.join(judged, on="gap_id", how="left", maintain_order="left")
    level = published.rules.interval_level
    return draw_off_intervals(ladder, published.learned, level).cast(OFF_INTERVALS)  # pyright: ignore[reportArgumentType]


def rate(published: Published) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return CALL_INTERVALS, RATINGS of complete months, YEAR_RATINGS of years with data."""
    schemas = (CALL_INTERVALS, RATINGS, YEAR_RATINGS)
    if published.months.is_empty():
        return tuple(pl.DataFrame(schema=one) for one in schemas)  # pyright: ignore[reportReturnType]
    rules, scopes = published.rules, list(SCOPES)
    intervals: list[pl.DataFrame] = []
    totals: dict[tuple[str, date], np.ndarray] = {}
    expected: dict[tuple[str, date], float] = {}
    for drawn in draw_calls(published.chances, published.learned):
        intervals.append(draw_call_intervals(drawn, rules.interval_level))
        for scope in scopes:
            totals[scope, drawn.month] = drawn.total(scope)
            expected[scope, drawn.month] = drawn.expect(scope)
    evidence = Evidence(
        totals, expected, published.chances, find_observed(published), published.learned.draws
    )
    ratings = [
        {"month": months[-1], **row}
        for months in list_trailing_years(published.months)
        for row in rate_months(evidence, months, scopes, rules)
    ]
    years = [
        {"calendar_year": year, **row}
        for year, months in _list_years(published.months)
        for row in rate_months(evidence, months, scopes, rules)
    ]
    found = (intervals and pl.concat(intervals), ratings, years)
    return tuple(  # pyright: ignore[reportReturnType]
        pl.DataFrame(rows, schema=schema) for rows, schema in zip(found, schemas, strict=True)
    )


def tell_trends(published: Published, monthly_gaps: pl.DataFrame) -> pl.DataFrame:
    """Return TRENDS of each complete month and scope.

    Args:
        published: tables.
        monthly_gaps: mart.
    """
    if published.months.is_empty():
        return pl.DataFrame(schema=TRENDS)
    rules, scopes = published.rules, list(SCOPES)
    lit = published.lit_port_calls.filter(~pl.col("is_glimpsed"))
    weights = weigh_places(published.ship_months, rules)
    sums = draw_month_sums(published.chances, lit, weights, published.learned, scopes)
    usable = _find_usable(published, rules)
    rows: list[dict[str, Any]] = []
    for scope in scopes:
        mine = {month: drawn for (name, month), drawn in sums.items() if name == scope}
        base = find_base(scope, mine, usable, published.baseline, published.learned.draws, rules)
        gaps = sum_gaps(published.scopes, scope, monthly_gaps, published.baseline, rules)
        for months in list_trailing_years(published.months):
            told = compare_years(months, mine, base, usable, rules)
            raw = gaps.ratio(months)
            rows.append({"month": months[-1], "scope": scope, **told, "raw_gap_ratio": raw})
    return pl.DataFrame(rows, schema=TRENDS)


def list_trailing_years(months: pl.DataFrame) -> list[list[date]]:
    """Return the twelve calendar months up to each complete one, as far as the archive reaches."""
    known = months.sort("month")
    every, complete = known["month"].to_list(), known["is_complete"].to_list()
    return [
        every[max(0, at - rating.MONTHS + 1) : at + 1]
        for at, is_complete in enumerate(complete)
        if is_complete
    ]


def _list_years(months: pl.DataFrame) -> list[tuple[int, list[date]]]:
    """Return the complete months of each calendar year with data."""
    known = months.filter(pl.col("is_complete")).sort("month")
    years = known.with_columns(year=pl.col("month").dt.year())
    return [
        (int(year), rows["month"].to_list())  # pyright: ignore[reportArgumentType]
        for (year,), rows in years.group_by("year", maintain_order=True)
        if rows["has_data"].any()
    ]


def find_observed(published: Published) -> dict[date, bool]:
    """Return the months with data -> could anybody have been heard in them."""
    seen = published.ship_months.group_by("month").agg(pl.col("observable_s").sum() > 0)
    known = published.months.filter("has_data").select("month").join(seen, on="month", how="left")
    return {month: bool(is_any) for month, is_any in known.iter_rows()}


def weigh_places(ship_months: pl.DataFrame, rules: IndicatorRules) -> pl.DataFrame:
    """Return month, port_group, weight: 1 / observability, at most `weight_cap`.

    Observability is the observable part of the ship-hours there, of all ships; of a place without
    ship-hours in a month it is not asked (no row).
    """
    seconds = ship_months.group_by("month", "port_group").agg(
        pl.col("ship_s").sum(), pl.col("observable_s").sum()
    )
    weight = pl.col("ship_s") / pl.max_horizontal("observable_s", 1)
    return (
        seconds.filter(pl.col("ship_s") > 0)
        .with_columns(weight=weight.clip(1.0, rules.weight_cap))
        .select("month", "port_group", "weight")
        .sort("month", "port_group")
    )


def _find_usable(published: Published, rules: IndicatorRules) -> dict[date, bool]:
    """Return the months with data -> was at least 1 / `weight_cap` of the hours near ports seen."""
    near = published.ship_months.filter(pl.col("port_group") != "none")
    seen = near.group_by("month").agg(
        is_usable=pl.col("observable_s").sum() * rules.weight_cap >= pl.col("ship_s").sum()
    )
    known = published.months.filter("has_data").select("month").join(seen, on="month", how="left")
    return {month: bool(is_usable) for month, is_usable in known.iter_rows()}
