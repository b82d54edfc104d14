"""Switch-offs of a whole run: how many there truly were, and how many are expected (METHOD 8)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.evaluate.gap_findings import HABITUAL, OTHERS, pick_measured
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import Run

ALL, SHORT_TOO = "all", "short gaps too"
# Without those whose cause explains them before anybody asks for p_off (METHOD 4).
ALL_JUDGED = "gaps with a p_off"
HABITUAL_JUDGED, OTHERS_JUDGED = f"{HABITUAL}, {ALL_JUDGED}", f"{OTHERS}, {ALL_JUDGED}"


@dataclass(frozen=True)
class OffSum:
    """Sums over measured gaps (`pick_measured`) of some ships.

    Attributes:
        gaps: how many there are.
        true: how many of them are off by the truth.
        expected: sum of p_off.
        variance: sum of p_off (1 - p_off), of independent outcomes.
    """

    gaps: int = 0
    true: int = 0
    expected: float = 0.0
    variance: float = 0.0

    @property
    def z(self) -> float:
        """Return (expected - true) in standard deviations; NaN where p_off is sure."""
        spread = math.sqrt(self.variance)
        return (self.expected - self.true) / spread if spread else math.nan


@dataclass(frozen=True)
class PublishedOff:
    """What `monthly_gaps` says of the rated months together, at one rung of the ladder.

    Attributes:
        gaps: closed gaps of the rung and more, labelled or not.
        expected, low, high: sums of expected_off and of the ends of its monthly 90 % intervals:
            the ends of the whole if what was learned errs the same way in all months, which is
            wide rather than narrow. None where nobody fills expected_off.
    """

    gaps: int
    expected: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class OffTotals:
    """Switch-offs of one run in the rated time, true and expected.

    Attributes:
        world, seed: name of the world and its seed.
        years: length of the rated time.
        is_null: no set is ever off in the whole world.
        is_judged: the night gave some gap a p_off.
        switch_offs: times off that begin in the rated time, whether a gap shows them or not.
        sums: of measured gaps, by group of ships: `ALL`, `HABITUAL`, `OTHERS`, and of each the gaps
            with a p_off; `SHORT_TOO`: of all ships, gaps below `measured_min_h` too.
        published: by threshold in h (`measured_min_h`, `stored_min_h`).
    """

    world: str
    seed: int
    years: float
    is_null: bool
    is_judged: bool
    switch_offs: int
    sums: Mapping[str, OffSum]
    published: Mapping[int, PublishedOff]


def sum_up_offs(run: Run, gaps: pl.DataFrame, rules: EvaluationRules) -> OffTotals:
    """Return the totals of a run; `gaps` are its labelled gaps with `is_rated`."""
    offs = run.truth["off_intervals"]
    measured = pick_measured(gaps, rules)
    is_judged = "is_judged" if "is_judged" in measured.columns else pl.lit(value=False)
    with_p_off = measured.filter(is_judged)
    every_length = rules.model_copy(update={"measured_min_h": rules.stored_min_h})
    world = run.world
    return OffTotals(
        world=world.name,
        seed=world.seed,
        years=world.rated_years,
        is_null=offs.is_empty(),
        is_judged=bool(gaps["p_off"].is_not_null().any()),
        switch_offs=offs.filter(pl.col("off_at").is_between(world.rated_from, world.end)).height,
        sums={
            ALL: _sum_gaps(measured),
            HABITUAL: _sum_gaps(measured.filter("is_habitual")),
            OTHERS: _sum_gaps(measured.filter(pl.col("is_habitual").not_())),
            ALL_JUDGED: _sum_gaps(with_p_off),
            HABITUAL_JUDGED: _sum_gaps(with_p_off.filter("is_habitual")),
            OTHERS_JUDGED: _sum_gaps(with_p_off.filter(pl.col("is_habitual").not_())),
            SHORT_TOO: _sum_gaps(pick_measured(gaps, every_length)),
        },
        published={
            int(rung_h): _sum_published(run, int(rung_h))
            for rung_h in (rules.measured_min_h, rules.stored_min_h)
        },
    )


def add_sums(sums: Iterable[OffSum]) -> OffSum:
    """Return the sums of several runs."""
    many = list(sums)
    return OffSum(
        sum(one.gaps for one in many),
        sum(one.true for one in many),
        sum(one.expected for one in many),
        sum(one.variance for one in many),
    )


def _sum_gaps(gaps: pl.DataFrame) -> OffSum:
    p = pl.col("p_off")
    gap_count, true, expected, variance = gaps.select(
        pl.len(), pl.col("is_off").sum(), p.sum().alias("sum"), (p * (1 - p)).sum().alias("spread")
    ).row(0)
    return OffSum(int(gap_count), int(true), float(expected), float(variance))


def _sum_published(run: Run, rung_h: int) -> PublishedOff:
    cells = [pl.col(name) == "all" for name in ("flag", "fleet", "area", "port_group")]
    rated = run.published["monthly_gaps"].filter(
        *cells,
        pl.col("at_least_h") == rung_h,
        pl.col("month") >= run.world.rated_from.date(),
        pl.col("month") < run.world.end.date(),
    )
    names = ("expected_off", "expected_off_low", "expected_off_high")
    is_filled = bool(rated["expected_off"].is_not_null().any())
    ends = [float(np.nansum(rated[name].to_numpy())) if is_filled else None for name in names]
    return PublishedOff(int(rated["gaps"].sum() or 0), *ends)
