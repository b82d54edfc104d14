"""What the years before 2022 say: of the own archive, or of the user's baseline file (METHOD 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipeline.indicator.baseline import pick_parts
from pipeline.indicator.draws import draw_uniforms
from pipeline.indicator.trends import Base, Drawn
from pipeline.rules import IndicatorRules

CALLS = ("expected_calls", "visits", "observability")


@dataclass(frozen=True, eq=False)
class GapCounts:
    """Gaps of a scope's flags and fleet by month: of the archive, and in the base years."""

    trailing: Mapping[date, int]
    base: Mapping[date, int]

    def ratio(self, months: Sequence[date]) -> float | None:
        """Return gaps of `months` over those of the same calendar months of a mean base year.

        Months without a like month in the base years, or in them themselves, are left out; null
        where none is left or the base has no gap.
        """
        pairs = [
            (
                self.trailing[month],
                [count for one, count in self.base.items() if one.month == month.month],
            )
            for month in months
            if month in self.trailing and month not in self.base
        ]
        known = [(count, sum(same) / len(same)) for count, same in pairs if same]
        total = sum(base for _, base in known)
        return round(sum(count for count, _ in known) / total, 6) if total else None


def find_base(
    scope: str,
    own: Mapping[date, Drawn],
    usable: Mapping[date, bool],
    baseline: pl.DataFrame,
    draws: int,
    rules: IndicatorRules,
) -> Base:
    """Return the base years of a scope: of the baseline file where it has any, else our own.

    Args:
        scope: its name.
        own: calls and visits of our own months.
        usable: months with data -> was enough of them observable.
        baseline: schema.Baseline.
        draws: how many.
        rules: thresholds.
    """
    rows = baseline.filter(
        pl.col("scope") == scope, pl.col("month").dt.year().is_in(list(rules.base_years))
    )
    if rows.height:
        return _read_base(scope, rows, draws, rules)
    base = [month for month in usable if month.year in rules.base_years]
    if not base:
        years = " and ".join(str(year) for year in rules.base_years)
        return Base({}, "none", f"no data of {years}, and no baseline file with them")
    source = f"{_span(base)}, own archive"
    seen = [month for month in base if usable[month]]
    if not seen:
        return Base({}, source, "too little could have been heard in the base years")
    empty = Drawn(np.zeros(draws + 1), np.zeros(draws + 1))
    return Base({month: own.get(month, empty) for month in seen}, source, "")


def _read_base(scope: str, rows: pl.DataFrame, draws: int, rules: IndicatorRules) -> Base:
    """Return the base years as a baseline file tells them.

    Its expected calls are taken as counts of that size (Poisson): a Gamma number each month.
    """
    from scipy.special import gammaincinv

    source = f"{_span(rows['month'].to_list())}, baseline file"
    # The same calls stand in the rows of each threshold.
    once = rows.sort("at_least_h").unique(
        ["month", "flag", "area", "port_group"], keep="first", maintain_order=True
    )
    parts = pick_parts(once).sort("month", "flag", "area", "port_group")
    told = parts.filter(pl.all_horizontal(pl.col(CALLS).is_not_null()).all().over("month"))
    if told.is_empty():
        return Base(
            {}, source, "the baseline file gives no expected calls, visits or observability"
        )
    weight = (1 / pl.col("observability")).clip(1.0, rules.weight_cap)
    is_seen = pl.col("observability").mean() * rules.weight_cap >= 1
    months = (
        told.group_by("month", maintain_order=True)
        .agg(
            calls=(pl.col("expected_calls") * weight).sum(),
            visits=(pl.col("visits") * weight).sum(),
            size=pl.col("expected_calls").sum(),
            is_seen=is_seen,
        )
        .filter("is_seen")
    )
    if months.is_empty():
        return Base({}, source, "too little could have been heard in the base years")
    uniforms = draw_uniforms([f"{scope}|base|{month}" for month in months["month"]], draws)
    found: dict[date, Drawn] = {}
    for drawn, (month, calls, visits, size, _) in zip(uniforms, months.iter_rows(), strict=True):
        factor = np.ones(draws + 1)
        if size > 0:
            factor[1:] = gammaincinv(size, drawn) / size
        found[month] = Drawn(calls * factor, visits - calls + calls * factor)
    return Base(found, source, "")


def sum_gaps(
    scopes: pl.DataFrame,
    scope: str,
    monthly_gaps: pl.DataFrame,
    baseline: pl.DataFrame,
    rules: IndicatorRules,
) -> GapCounts:
    """Return the gaps of `comparable_h` and more of a scope's flags and fleet.

    Args:
        scopes: mart, with flags and fleet of each.
        scope: its name.
        monthly_gaps: mart.
        baseline: schema.Baseline; where it has base years with gaps, they stand for our own.
        rules: thresholds.
    """
    held = scopes.row(by_predicate=pl.col("scope") == scope, named=True)
    ours = monthly_gaps.filter(
        pl.col("fleet") == (held["fleet"] or "all"),
        pl.col("flag").is_in(list(held["flags"] or ["all"])),
        pl.col("area") == "all",
        pl.col("port_group") == "all",
        pl.col("at_least_h") == rules.comparable_h,
    )
    years = list(rules.base_years)
    with_data = monthly_gaps.filter(pl.col("gaps").is_not_null())["month"].unique()
    counted = dict(ours.group_by("month").agg(pl.col("gaps").sum()).iter_rows())
    now = {month: counted.get(month, 0) for month in sorted(with_data)}
    file = baseline.filter(
        pl.col("scope") == scope,
        pl.col("month").dt.year().is_in(years),
        pl.col("at_least_h") == rules.comparable_h,
        pl.col("gaps").is_not_null(),
    )
    if file.height:
        base = dict(pick_parts(file).group_by("month").agg(pl.col("gaps").sum()).iter_rows())
    else:
        base = {month: count for month, count in now.items() if month.year in years}
    return GapCounts(now, dict(sorted(base.items())))


def _span(months: Sequence[date]) -> str:
    return f"{min(months):%Y-%m} to {max(months):%Y-%m}"
