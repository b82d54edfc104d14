"""Times in which waterways are shut or go by convoy, and when a vessel may enter one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from pipeline.simulate.truth import TrueClosures


@dataclass(frozen=True)
class Closure:
    """A time in which a waterway was shut (season, grounding) or went by convoy (ice)."""

    kind: str
    waterway: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Winter:
    """One winter's ice: when, how hard (0 to 1), and when convoys set off from both ends."""

    from_s: float
    to_s: float
    severity: float
    convoys_s: tuple[float, ...]


@dataclass(frozen=True)
class Calendar:
    """All closures and winters round a world, in seconds from its start.

    Attributes:
        closures: sorted by waterway and time, ice among them.
        winters: in order of time.
        shut: (from, to) in which nothing may enter, by waterway, sorted and disjoint.
        ice_waterway: the line that goes by convoy in winter.
        ice_slows_by: loss of speed there in hard ice, as a share.
        span_s: length of the world.
    """

    closures: tuple[Closure, ...]
    winters: tuple[Winter, ...]
    shut: dict[str, tuple[tuple[float, float], ...]]
    ice_waterway: str
    ice_slows_by: float
    span_s: float

    @property
    def waterways(self) -> frozenset[str]:
        """Return the waterways a vessel may have to wait for."""
        return frozenset(self.shut) | {self.ice_waterway}

    def next_passage(self, waterway: str, at_s: float) -> float:
        """Return the first instant from `at_s` on at which a vessel may enter a waterway."""
        while True:
            entered_s = self._after_convoy(waterway, self._after_shut(waterway, at_s))
            if entered_s == at_s:
                return at_s
            at_s = entered_s

    def speed_factor(self, waterway: str, at_s: float) -> float:
        """Return the factor of ice on speed in a waterway, 1 where there is none."""
        winter = self._winter(waterway, at_s)
        return 1.0 if winter is None else 1.0 - self.ice_slows_by * winter.severity

    def closure_rows(self, start: datetime) -> pl.DataFrame:
        """Return the truth table `closures` of the world that began at `start`."""
        rows = [
            (
                one.kind,
                one.waterway,
                start + timedelta(seconds=round(one.from_s)),
                start + timedelta(seconds=round(one.to_s)),
            )
            for one in self.closures
            if one.to_s > 0 and one.from_s < self.span_s
        ]
        frame = pl.DataFrame(rows, schema=TrueClosures.column_names(), orient="row")
        return TrueClosures.validate(frame, cast=True)

    def _after_shut(self, waterway: str, at_s: float) -> float:
        shut = self.shut.get(waterway, ())
        at = bisect_right(shut, (at_s, np.inf)) - 1
        return shut[at][1] if at >= 0 and at_s < shut[at][1] else at_s

    def _winter(self, waterway: str, at_s: float) -> Winter | None:
        if waterway != self.ice_waterway:
            return None
        return next((one for one in self.winters if one.from_s <= at_s < one.to_s), None)

    def _after_convoy(self, waterway: str, at_s: float) -> float:
        winter = self._winter(waterway, at_s)
        if winter is None:
            return at_s
        at = bisect_left(winter.convoys_s, at_s)
        return winter.convoys_s[at] if at < len(winter.convoys_s) else winter.to_s
