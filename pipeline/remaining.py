"""How long a night will still take: a range, or nothing where it would be a guess.

What is left of each stage, times what a unit of it costs. The cost is known from earlier nights of
the same kind (`.state/paces.json` of the published night), else assumed as a share of the whole;
how fast tonight is by either measure is seen as it goes, and the running stage's own pace takes
over. It is measured where units are asked for: on a cluster it is that of the whole cluster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.paces import CHAIN, FLOORS_S, STAGES, Cost, Lap, mix_costs, see_pace
from pipeline.rules import RemainingRules

Clock = Callable[[], float]


@dataclass(frozen=True)
class Remaining:
    """How long it will still take, s: about `s`, between `low_s` and `high_s`."""

    s: float
    low_s: float
    high_s: float

    def __add__(self, other: Remaining) -> Remaining:
        """Return the sum; what is too low in one may be so in all."""
        return Remaining(self.s + other.s, self.low_s + other.low_s, self.high_s + other.high_s)


NOTHING = Remaining(0.0, 0.0, 0.0)
FIELDS = ("remaining_s", "remaining_low_s", "remaining_high_s")
UNITS = ((3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Work:
    """What a stage has to do.

    Attributes:
        left: units that are not done yet.
        whole: units if nothing had been done before; at least 1.
    """

    left: int
    whole: int = 1


class Forecast:
    """Follows one night and says how long it will still take.

    `estimate` may be asked from another thread, as a terminal's display does.
    """

    def __init__(self, clock: Clock, rules: RemainingRules | None = None) -> None:
        self._clock = clock
        self._rules = rules or RemainingRules()
        self.begin()

    def begin(self) -> None:
        """Begin (again) a night of which nothing is known."""
        self.know({})
        self._expected: dict[str, Work] = {}
        self._laps: dict[str, Lap] = {}
        self._stage: str | None = None
        self._told_at = self._clock()
        self._is_over = False

    def know(self, paces: Mapping[str, float], *, is_alike: bool = True) -> None:
        """Take the seconds that a unit of each stage took in earlier nights.

        Args:
            paces: by stage.
            is_alike: they were nights of this kind (`Paces`).
        """
        self._paces = dict(paces)
        rules = self._rules
        self._known_spread = rules.known_spread if is_alike else rules.share_spread

    def expect(self, work: Mapping[str, Work]) -> None:
        """Say what stages that were not told yet will have to do."""
        self._expected |= work

    def tell(self, stage: str, done: int, total: int) -> None:
        """Take how far a stage is; the time since the last word belongs to the stage of it."""
        now = self._clock()
        spent = max(now - self._told_at, 0.0)
        if self._stage is not None:
            self._laps[self._stage].spent_s += spent
        lap = self._laps.get(stage)
        if lap is None:
            self._laps[stage] = Lap(done, done, total)
        else:
            if done > lap.done:
                lap.ticks.append((done - lap.begun_at, lap.spent_s))
            lap.begun_at = min(lap.begun_at, done)
            lap.done, lap.total = done, total
        self._stage, self._told_at = stage, now

    def finish(self) -> None:
        """Say that nothing is left."""
        self._is_over = True

    def paces(self) -> dict[str, float]:
        """Return the seconds that a unit of each stage took tonight, where any was done."""
        return {
            stage: round(lap.spent_s / lap.ticks[-1][0], 6)
            for stage, lap in self._laps.items()
            if lap.ticks and not self._is_done_before(stage)
        }

    def stage_seconds(self) -> dict[str, float]:
        """Return the seconds of each stage so far."""
        return {stage: lap.spent_s for stage, lap in self._laps.items()}

    def estimate(self) -> Remaining | None:
        """Return how long it will still take; None where that would be a guess."""
        if self._is_over:
            return NOTHING
        idle_s = max(self._clock() - self._told_at, 0.0)
        laps = dict(self._laps)
        if not laps or not self._expected:
            return None
        assumed = {stage: self._assume(stage) for stage in {*STAGES, *self._paces}}
        speed = self._see_speed(laps, assumed)
        # A machine that is many times as fast (or slow) as in earlier nights may not stay so.
        doubt = max(speed, 1 / speed) ** 0.5 if speed and self._paces else 1.0
        left = NOTHING
        for stage in dict.fromkeys([*STAGES, *laps, *self._expected]):
            cost = assumed.get(stage)
            least_s = 0.0 if stage in self._paces else FLOORS_S.get(stage, 0.0)
            before = None
            if cost and speed:
                before = Cost(max(cost.s * speed, least_s), cost.spread * doubt)
            lap = laps.get(stage)
            units = lap.left if lap else self._count_ahead(stage, laps)
            if not units:
                continue
            now = mix_costs(before, lap, self._rules) if lap else before
            if now is None:
                return None
            left += _price(now, units, idle_s if stage == self._stage else 0.0)
        rules = self._rules
        is_guess = left.high_s > rules.widest_ratio * left.low_s + rules.widest_slack_s
        return None if is_guess else left

    def _count_ahead(self, stage: str, laps: Mapping[str, Lap]) -> int:
        """Return the units of a stage that was not told yet.

        What days an earlier step makes anew, a later one makes anew too.
        """
        work = self._expected.get(stage)
        if work is None:
            return 0
        steps = CHAIN if stage in CHAIN else ()
        told = [max(laps[one].total, 0) for one in steps if one in laps]
        return min(max([work.left, *told]), max(work.whole, work.left))

    def _assume(self, stage: str) -> Cost:
        """Return what a unit is assumed to cost before tonight's speed is seen."""
        if stage in self._paces:
            return Cost(self._paces[stage], self._known_spread)
        order = list(STAGES)
        known = [one for one in order if one in self._paces]
        # Without any pace the unit of time is a whole night; tonight's speed is all of it then.
        night_s = 1.0
        if known:
            # A stage like it, and as long as it by its share: its neighbour.
            near = min(known, key=lambda one: abs(order.index(one) - order.index(stage)))
            night_s = self._paces[near] * self._whole(near) / STAGES[near]
        return Cost(STAGES[stage] * night_s / self._whole(stage), self._rules.share_spread)

    def _whole(self, stage: str) -> int:
        """Return the units of a stage if nothing had been done before."""
        lap, work = self._laps.get(stage), self._expected.get(stage)
        return max(work.whole if work else 1, lap.total if lap else 1, 1)

    def _count_tonight(self, stage: str, laps: Mapping[str, Lap]) -> int:
        lap = laps.get(stage)
        return max(lap.total - lap.begun_at, 0) if lap else self._count_ahead(stage, laps)

    def _is_done_before(self, stage: str) -> bool:
        """Return whether a stopped run did it all: that it is looked through is no pace."""
        work = self._expected.get(stage)
        return work is not None and work.left == 0

    def _see_speed(self, laps: Mapping[str, Lap], assumed: Mapping[str, Cost]) -> float | None:
        """Return what tonight costs, as a multiple of what was assumed; None while unseen."""
        spent_s = assumed_s = 0.0
        for stage, lap in laps.items():
            if lap.ticks and stage in assumed and not self._is_done_before(stage):
                units = lap.ticks[-1][0]
                spent_s += units * see_pace(lap, self._rules).s
                assumed_s += units * assumed[stage].s
        if self._paces:
            # A few cheap units must not say much of tonight.
            tonight_s = sum(
                cost.s * self._count_tonight(stage, laps) for stage, cost in assumed.items()
            )
            weight = self._rules.trust_share * tonight_s
            return (spent_s + weight) / (assumed_s + weight) if weight > 0 else None
        return spent_s / assumed_s if assumed_s >= self._rules.least_seen else None


def _price(cost: Cost, units: int, idle_s: float) -> Remaining:
    """Return the time of some units; of the first, `idle_s` have passed.

    A unit that takes longer than thought may well take as long again.
    """
    low, high = cost.s / cost.spread, cost.s * cost.spread
    rest = units - 1
    return Remaining(
        rest * cost.s + max(cost.s - idle_s, idle_s / 4),
        rest * low + max(low - idle_s, 0.0),
        rest * high + max(high - idle_s, idle_s),
    )


def figures_of(remaining: Remaining | None) -> dict[str, float | None]:
    """Return the fields of a log; null where the remaining time is not known yet."""
    if remaining is None:
        return dict.fromkeys(FIELDS)
    seconds = (remaining.s, remaining.low_s, remaining.high_s)
    return {name: round(one, 1) for name, one in zip(FIELDS, seconds, strict=True)}


def say_remaining(remaining: Remaining | None) -> str:
    """Return the line for a person."""
    if remaining is None:
        return "remaining time not known yet"
    unit_s, unit = next(one for one in UNITS if remaining.s >= one[0] * 1.5 or one[1] == "s")
    # A tenth of an hour is said; a tenth of a minute would be more than is known.
    step = 10 if unit == "h" else 1
    low = math.floor(remaining.low_s / unit_s * step) / step
    about = round(remaining.s / unit_s * step) / step
    high = math.ceil(remaining.high_s / unit_s * step) / step
    return f"about {about:g} {unit} left ({low:g} to {high:g})"
