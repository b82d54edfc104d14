"""The budgets of DESIGN 6 beside what was measured: a row a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests import bench_chain, bench_nights

# Where a budget is missed, what bounds it is told there.
BOUNDS = "[benchmarks_profile.md](benchmarks_profile.md)"

BACKFILL_ROWS = 99_000_000  # a feed of about a hundred million


@dataclass(frozen=True)
class Budget:
    """One line of DESIGN 6.

    Attributes:
        what: what is bounded.
        to_reach: the bound in words.
        seen: the measured figures, by what they are of.
        limit: the bound.
        is_least: the figure must be at least the limit, else at most.
        unit: behind each figure.
        is_whole: it was measured on as much as the budget is of.
    """

    what: str
    to_reach: str
    seen: dict[str, float]
    limit: float
    is_least: bool = False
    unit: str = "x"
    is_whole: bool = True

    def is_met(self, value: float) -> bool:
        """Return whether one figure keeps the budget."""
        return value >= self.limit if self.is_least else value <= self.limit

    @property
    def verdict(self) -> str:
        """Whether all figures keep it, none, or some."""
        if not self.is_whole:
            return "not measured on so much"
        met = [self.is_met(value) for value in self.seen.values()]
        if not met:
            return "not measured"
        return "met" if all(met) else "met in part" if any(met) else "missed"


def list_budgets(sizes: Sequence[dict[str, Any]], nights: dict[str, Any] | None) -> list[Budget]:
    """Return the budgets with their figures.

    Args:
        sizes: of `bench.measure_size`, by rising number of rows.
        nights: of `bench.measure_nights`, if they were measured.
    """
    chains = {f"{one['chain']['rows'] / 1e6:.0f} M": one["chain"] for one in sizes}
    against_scan = {
        stage: {
            size: chain["stages"][stage]["cpu_s"] / chain["stages"][bench_chain.BARE_SCAN]["cpu_s"]
            for size, chain in chains.items()
        }
        for stage in (bench_chain.DETECT, bench_chain.SUMMARISE)
    }
    pairs = sizes[-1]["row_by_row"]["loop"]["pairs"]
    loop = {name: pair["loop"]["cpu_s"] / pair["ours"]["cpu_s"] for name, pair in pairs.items()}
    nmea = {
        size: one["ingest"]["nmea"]["pyais"]["cpu_s"] / one["ingest"]["nmea"]["ours"]["cpu_s"]
        for size, one in zip(chains, sizes, strict=True)
    }
    peak_gb = {size: chain["night"]["peak_mb"] / 1000 for size, chain in chains.items()}
    if nights:
        longest = nights["nights"]["medians"][list(bench_nights.ARCHIVES)[-1]]
        peak_gb["one more night on 3 years"] = longest["peak_mb"]["whole night"] / 1000
    most_rows = max((chain["rows"] for chain in chains.values()), default=0)
    return [
        Budget(
            "gap rows and edges from stored positions",
            "at most 3x a bare scan",
            against_scan[bench_chain.DETECT],
            3,
        ),
        Budget(
            "whole day summaries",
            "at most 12x a bare scan",
            against_scan[bench_chain.SUMMARISE],
            12,
        ),
        Budget(
            "against a dictionary-and-loop detector, same output",
            "at least 30x less CPU",
            loop,
            30,
            is_least=True,
        ),
        Budget(
            "one more night on 3 years, against 1 month",
            "at most 1.2x",
            _compare_nights(nights),
            1.2,
        ),
        Budget(
            "memory of a night on all the raw files",
            "at most 2 GB with 100 M positions",
            peak_gb,
            2,
            unit=" GB",
            is_whole=most_rows >= BACKFILL_ROWS,
        ),
        Budget("NMEA against pyais", "at least 5x, same answers", nmea, 5, is_least=True),
        Budget(
            "example queries on 3 years",
            "under 0.1 s each",
            {"the slowest": max(nights["examples"].values())} if nights else {},
            0.1,
            unit=" s",
        ),
    ]


def _compare_nights(nights: dict[str, Any] | None) -> dict[str, float]:
    if nights is None:
        return {}
    short, long = (nights["nights"]["medians"][name] for name in bench_nights.ARCHIVES)
    part = bench_nights.TO_GAPS
    return {
        f"{part}, {words}": long[clock][part] / short[clock][part]
        for clock, words in (("wall_s", "wall"), ("cpu_s", "CPU"), ("peak_mb", "memory"))
    }


def tell_budgets(budgets: Sequence[Budget]) -> list[str]:
    """Return the budgets as lines of Markdown."""
    return [
        "## Budgets",
        "",
        f"What was to be reached, and what was seen in one run; {BOUNDS} tells what bounds those"
        " that are missed.",
        "",
        "| what | to reach | seen | |",
        "|---|---|---|---|",
        *(
            f"| {one.what} | {one.to_reach} |"
            f" {'; '.join(f'{name}: {value:.3g}{one.unit}' for name, value in one.seen.items())}"
            f" | {one.verdict} |"
            for one in budgets
        ),
    ]
