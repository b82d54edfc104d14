"""What a unit of each stage of a night costs: assumed, kept of earlier nights, seen tonight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean, median

from pipeline.rules import RemainingRules

# The shares of a first night's time that are assumed where no earlier night was kept, in the order
# of the stages: rounded, between a small simulated world (`python -m tests.measure_progress`, CPU
# time: docs/operations.md) and the first night of `make demo`, at its full rate of reports (wall
# time of its log). They differ from feed to feed: `RemainingRules.share_spread`.
STAGES = {
    "reading raw files": 0.05,
    "putting days together": 0.21,
    "linking tracks": 0.02,
    "finding segments": 0.07,
    "summing up days": 0.10,
    "judging months": 0.04,
    "listing gaps": 0.003,
    "learning reception": 0.43,
    "adding up exposure": 0.003,
    "writing tables": 0.01,
    "keeping history": 0.001,
    "rolling up": 0.02,
    "making the report": 0.02,
    "publishing": 0.001,
}
# What they take of any feed, however small, s of CPU (tests.measure_progress, docs/operations.md).
FLOORS_S = {"rolling up": 2.0, "making the report": 2.0}
# Steps of the same days, in order.
CHAIN = ("putting days together", "finding segments", "summing up days")


@dataclass
class Lap:
    """One stage as it was told.

    Attributes:
        begun_at: units that were done when it was told first: nobody worked on them tonight.
        done, total: units, as told last.
        spent_s: time that passed while it was the stage told last.
        ticks: (units of tonight, s spent) whenever units were done.
    """

    begun_at: int
    done: int
    total: int
    spent_s: float = 0.0
    ticks: list[tuple[int, float]] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Units that are not done."""
        return max(self.total - self.done, 0)


@dataclass(frozen=True)
class Cost:
    """What a unit costs, s: about `s`, and by what factor it may be less or more."""

    s: float
    spread: float


def mix_costs(before: Cost | None, lap: Lap, rules: RemainingRules) -> Cost | None:
    """Return what a unit of a stage costs that has begun: assumed, and as seen so far."""
    units = lap.ticks[-1][0] if lap.ticks else 0
    if before is None and units < rules.prior_units:
        return None
    if before is None or not units:
        return before if before is not None else see_pace(lap, rules)
    seen = see_pace(lap, rules)
    weight = rules.prior_units / (rules.prior_units + units)
    return Cost(
        weight * before.s + (1 - weight) * seen.s,
        before.spread**weight * seen.spread ** (1 - weight),
    )


def see_pace(lap: Lap, rules: RemainingRules) -> Cost:
    """Return the pace of a stage so far; of units that cost more and more, the trend too.

    The units are taken in blocks: on a cluster several are done at once. A block that took many
    times the usual (the machine slept) counts as a few.
    """
    blocks = _cut_blocks(lap.ticks, rules.blocks)
    most = rules.outlier_ratio * median(blocks)
    capped = [min(pace, most) for pace in blocks] if most > 0 else blocks
    pace, recent = fmean(capped), fmean(capped[len(capped) // 2 :])
    low, high = sorted([pace, recent])
    trend = high / low if low > 0 else 1.0
    return Cost((pace + recent) / 2, rules.own_spread * min(trend, rules.outlier_ratio) ** 1.5)


def _cut_blocks(ticks: list[tuple[int, float]], most: int) -> list[float]:
    """Return the seconds a unit took in up to `most` blocks of about equally many ticks."""
    count = min(len(ticks), most)
    ends = [ticks[len(ticks) * (number + 1) // count - 1] for number in range(count)]
    paces: list[float] = []
    units, seconds = 0, 0.0
    for units_now, seconds_now in ends:
        if units_now > units:
            paces.append((seconds_now - seconds) / (units_now - units))
            units, seconds = units_now, seconds_now
    return paces


# ------------------------------------------------------------------------------- kept paces


@dataclass(frozen=True)
class Paces:
    """What earlier nights took: seconds a unit, by kind of night and stage.

    A night that does most days anew and one that adds a day differ in what their units cost.
    """

    by_kind: Mapping[str, Mapping[str, float]]

    def of(self, kind: str) -> tuple[Mapping[str, float], bool]:
        """Return the paces to go by, and whether they are of nights of this kind."""
        alike = self.by_kind.get(kind)
        other = next(iter(self.by_kind.values()), {})
        return (alike, True) if alike else (other, False)

    def add(self, kind: str, tonight: Mapping[str, float]) -> Paces:
        """Return the paces with those of one more night, which counts half."""
        before = self.by_kind.get(kind, {})
        mixed = {stage: (before.get(stage, pace) + pace) / 2 for stage, pace in tonight.items()}
        return Paces({**self.by_kind, kind: {**before, **mixed}})


NO_PACES = Paces({})


def read_paces(content: object) -> Paces:
    """Return the paces of a JSON object, without what are none: they are a comfort only."""
    if not isinstance(content, dict):
        return NO_PACES
    return Paces(
        {
            str(kind): {str(stage): float(pace) for stage, pace in paces.items() if _is_pace(pace)}
            for kind, paces in content.items()
            if isinstance(paces, dict)
        }
    )


def _is_pace(pace: object) -> bool:
    return isinstance(pace, int | float) and math.isfinite(pace) and pace >= 0
