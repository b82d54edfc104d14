"""How likely a set that is on stays unheard, on the true path (METHOD 4, 8)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluate.hours import TrueHours

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Silence:
    """Chance that a set that is on stays unheard over a time span, on the true path.

    Receptions are Poisson given a private factor, which is Gamma of mean 1 and drawn anew each
    episode; so an episode with expected receptions L is silent with (1 + L / shape) ** -shape.
    In the episode in which the set was heard at `heard_s` the factor is known to be no small one:
    there it is (1 + L / shape) ** -(shape + 1).
    """

    hours: TrueHours
    shape: float

    @cached_property
    def _episode(self) -> Ints:
        """Number of the episode of each vessel and hour, counted through all vessels."""
        changes = np.ones(self.hours.episode.shape, dtype=np.bool_)
        changes[:, 1:] = np.diff(self.hours.episode, axis=1) != 0
        return np.cumsum(changes.ravel()).reshape(changes.shape) - 1

    @cached_property
    def _bounds(self) -> tuple[Floats, Floats, Floats]:
        """Receptions until start and end of each episode, and the running sum of their logs."""
        flat = self._episode.ravel()
        first = np.flatnonzero(np.append(True, np.diff(flat) != 0))
        last = np.append(first[1:] - 1, len(flat) - 1)
        starts = self.hours.received[:, :-1].ravel()[first]
        ends = self.hours.received[:, 1:].ravel()[last]
        return starts, ends, np.append(0.0, np.cumsum(-self.shape * self._log(ends - starts)))

    def _log(self, receptions: Floats) -> Floats:
        return np.log1p(np.maximum(receptions, 0) / self.shape)

    def log_chance(self, place: Ints, heard_s: Floats, from_s: Floats, to_s: Floats) -> Floats:
        """Return the log of the chance of hearing nothing from `from_s` to `to_s`."""
        starts, ends, logs = self._bounds
        heard, begin, finish = (
            self._episode[place, self.hours.hour_of(at_s)] for at_s in (heard_s, from_s, to_s)
        )
        before = self.hours.receptions_until(place, from_s)
        after = self.hours.receptions_until(place, to_s)
        first = self._log(np.minimum(after, ends[begin]) - before)
        across = (
            logs[finish]
            - logs[np.minimum(begin + 1, finish)]
            - self.shape * self._log(after - starts[finish])
        )
        chance = np.where(begin == finish, 0.0, across) - self.shape * first
        return np.where(begin == heard, chance - first, chance)

    def log_ending(self, place: Ints, heard_s: Floats, from_s: Floats, to_s: Floats) -> Floats:
        """Return the log of the density of a silence that a reception ends at `to_s`.

        Less the rate there, which is the same whoever is judged: what remains is the mean of the
        private factor of the last episode, which falls as its silence goes on.
        """
        starts = self._bounds[0]
        finish = self._episode[place, self.hours.hour_of(to_s)]
        begun = np.maximum(self.hours.receptions_until(place, from_s), starts[finish])
        last = self.hours.receptions_until(place, to_s) - begun
        return self.log_chance(place, heard_s, from_s, to_s) - self._log(last)
