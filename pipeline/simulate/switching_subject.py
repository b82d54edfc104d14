"""Whose set is switched off: a vessel with its timeline, and how strongly it tends to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from pipeline.simulate.model import Bools, Floats, Timeline, Vessel
from pipeline.simulate.setting import stream
from pipeline.simulate.switching_plans import Stays
from pipeline.simulate.switching_settings import SwitchingSettings

HOUR_S, DAY_S, YEAR_S = 3600.0, 86_400.0, 31_557_600.0


@dataclass(frozen=True)
class Subject:
    """Whose set it is, where it is when, and what the world says of switching off.

    `calm` marks visits beside forced ones, at which the set is not switched off on purpose.
    """

    vessel: Vessel
    timeline: Timeline
    stays: Stays
    settings: SwitchingSettings
    start: datetime
    span_s: float
    seed: int
    calm: Bools

    def draw(self, behaviour: str, *numbers: int) -> np.random.Generator:
        """Return the random stream of one behaviour of this vessel, or of one visit's."""
        return stream(self.seed, "switching", self.vessel.number, behaviour, *numbers)

    def rate(self, rates: Mapping[Any, float]) -> float:
        """Return the figure of this vessel's fleet; 0 where the fleet is left out."""
        return rates.get(self.vessel.fleet, 0.0)

    def shares(self, rates: Mapping[Any, float], at_s: Floats) -> Floats:
        """Return this vessel's chance of a behaviour at some instants."""
        settings, base = self.settings, self.rate(rates)
        if not base:
            return np.zeros(len(at_s))
        flags = flags_at(self.vessel, at_s)
        flag_factor = np.array([settings.flag_factor.get(flag, 1.0) for flag in flags])
        return self.raise_shares(np.full(len(at_s), base), at_s, flag_factor)

    def raise_shares(self, base: Floats, at_s: Floats, flag_factor: Floats | float = 1.0) -> Floats:
        """Return chances times the habitual, flag and change factors, cut at `largest_share`."""
        habitual = self.settings.habitual_factor if self.vessel.is_habitual else 1.0
        raised = base * habitual * flag_factor * change_factors(self.settings, self.start, at_s)
        # A share that is above the limit was set so on purpose.
        return np.minimum(raised, np.maximum(base, self.settings.largest_share))


def flags_at(vessel: Vessel, at_s: Floats) -> list[str]:
    """Return the flag the vessel flies at each of some instants."""
    since = np.array([one.from_s for one in vessel.identities])
    place = np.clip(np.searchsorted(since, at_s, side="right") - 1, 0, None)
    return [vessel.identities[i].flag for i in place]


def change_factors(settings: SwitchingSettings, start: datetime, at_s: Floats) -> Floats:
    """Return the factor on deliberate switching off at some instants: 1 before the change."""
    if settings.change_at is None:
        return np.ones(len(at_s))
    change_s = (settings.change_at - start.replace(tzinfo=None)).total_seconds()
    return np.where(at_s >= change_s, settings.change_factor, 1.0)


def draw_between(ends: tuple[float, float], dice: Floats) -> Floats:
    """Return values between two ends, evenly in the logarithm (evenly where one end is 0)."""
    low, high = ends
    return low * (high / low) ** dice if low > 0 else low + (high - low) * dice
