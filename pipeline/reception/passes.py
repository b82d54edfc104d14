"""Forward and backward over the hours of many tracks at once (Rabiner 1989).

Arrays of a state are (1 + phases, factors, tracks): first on, then off by phase, each with the own
factor. Tracks lie last, so that sums over states and factors run along whole rows of numbers.
Several copies of all tracks, each with parameters of its own, lie side by side: an hour costs
little more.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.reception.grid import Cells, Counted, Parameters
from pipeline.reception.window import Bools, Floats

Singles = NDArray[np.float32]
NEVER = np.float32(1e-9)  # chance of hearing a set that is off: none, but for a slip of the clock
UNEXPLAINED = np.float32(0.5)  # of hearing one of which nothing was expected: tells no factor
ONE = np.float32(1)
TINY = 1e-30
BLOCK_H = 64  # hours of which chances are found at once


class Copies:
    """A grid several times side by side (hours, copies x tracks), with what is asked of each copy.

    All copies have the same own factors, drawn with the same shares.
    """

    def __init__(
        self, grid: Cells, expected: Sequence[Floats], parameters: Sequence[Parameters]
    ) -> None:
        self.count = len(parameters)
        self.hours, self.tracks = grid.is_there.shape
        self.areas = len(parameters[0].off_rate)
        self.factor = parameters[0].factor.astype(np.float32)[:, None]
        self.share = parameters[0].factor_share.astype(np.float32)[:, None]
        self.states = 1 + len(parameters[0].back_rate)
        self.expected = np.concatenate(expected, axis=1, dtype=np.float32, casting="same_kind")
        self.is_there = self._beside(grid.is_there)
        self.begins = self._beside(grid.begins)
        self.changes = self._beside(grid.changes)
        self.is_heard = self._beside(grid.is_heard) & self.is_there
        self.is_mute = ~self.is_there | (self._beside(grid.is_mute) & ~self.is_heard)
        self.area = np.concatenate(
            [grid.area + self.areas * copy for copy in range(self.count)], axis=1
        )
        off_rate = np.concatenate([one.off_rate for one in parameters]).astype(np.float32)
        # Chance that a set that is on goes off in an hour.
        self.off_rate = off_rate[self.area]
        self.phase_share = self._by_track([one.phase_share for one in parameters])[:, None]
        self.back_rate = self._by_track([one.back_rate for one in parameters])[:, None]
        # Chance that the own factor is drawn anew in an hour.
        self.redraw = np.where(
            self.changes,
            self._by_track([one.redraw_at_change for one in parameters]),
            self._by_track([one.redraw for one in parameters]),
        )
        self._block, self._chances = -1, np.zeros((0, 0, 0), np.float32)

    def _beside(self, cells: Bools) -> Bools:
        return np.tile(cells, (1, self.count))

    def _by_track(self, values: Sequence[Floats] | Sequence[float]) -> Singles:
        """Return what each copy has, for each of its tracks (..., copies x tracks)."""
        return np.repeat(np.stack(values, axis=-1), self.tracks, axis=-1).astype(np.float32)

    def chance_on(self, hour: int) -> Singles:
        """Return the chance of what was heard of a set that is on (factors, copies x tracks)."""
        block, at = divmod(hour, BLOCK_H)
        if block != self._block:
            self._block = block
            self._chances = self._find_chances(slice(block * BLOCK_H, (block + 1) * BLOCK_H))
        return self._chances[at]

    def _find_chances(self, hours: slice) -> Singles:
        expected, is_heard = self.expected[hours, None], self.is_heard[hours, None]
        silent = np.exp(-self.factor * expected)
        heard = np.where(expected > 0, np.maximum(ONE - silent, NEVER), UNEXPLAINED)
        return np.where(self.is_mute[hours, None], ONE, np.where(is_heard, heard, silent))

    def chance_off(self, hour: int) -> Singles:
        """Return the chance of what was heard of a set that is off (copies x tracks)."""
        return np.where(self.is_heard[hour], NEVER, ONE)

    def sum_by_copy(self, values: Floats) -> Floats:
        """Return sums over the tracks of each copy (copies, ...) of (..., copies x tracks)."""
        return values.reshape(*values.shape[:-1], self.count, self.tracks).sum(-1).T

    def count_by(self, number: NDArray[np.int64], values: Singles | Bools, numbers: int) -> Floats:
        """Return sums by number (copies, numbers); `number` counts on from copy to copy."""
        sums: Floats = np.bincount(number, values, self.count * numbers).astype(np.float64)
        return sums.reshape(self.count, numbers)


def run_forward(copies: Copies) -> tuple[Singles, Floats, Floats]:
    """Return the state of every hour given the hours until then, its mean factor, and the fit.

    Returns:
        (hours, states, factors, copies x tracks); (hours, copies x tracks); log-likelihood of each
        copy.
    """
    tracks = copies.count * copies.tracks
    shape = (copies.states, len(copies.factor), tracks)
    ahead = np.empty((copies.hours, *shape), np.float32)
    mean_factor = np.ones((copies.hours, tracks))
    state = np.zeros(shape, np.float32)
    state[0] = copies.share
    fit = np.zeros(tracks)
    for hour in range(copies.hours):
        state = _step(state, copies, hour)
        begins = copies.begins[hour]
        if begins.any():
            state[:, :, begins] = 0
            state[0, :, begins] = copies.share[:, 0]
        state[0] *= copies.chance_on(hour)
        state[1:] *= copies.chance_off(hour)
        total = state.sum((0, 1))
        fit += np.log(np.maximum(total, TINY))
        state /= total
        ahead[hour] = state
        mean_factor[hour] = copies.factor[:, 0] @ state[0] / np.maximum(state[0].sum(0), TINY)
    return ahead, mean_factor, copies.sum_by_copy(fit)


def _step(state: Singles, copies: Copies, hour: int) -> Singles:
    """Return the state an hour later, before anything is heard in it."""
    redraw = copies.redraw[hour]
    drawn = (redraw * state.sum(1))[:, None, :] * copies.share
    state = (ONE - redraw) * state + drawn
    back = (state[1:] * copies.back_rate).sum(0)
    goes = state[0] * copies.off_rate[hour]
    state[0] += back - goes
    state[1:] *= ONE - copies.back_rate
    state[1:] += goes * copies.phase_share
    return state


def run_backward(
    copies: Copies, ahead: Singles, *, is_counted: bool
) -> tuple[Floats, list[Counted]]:
    """Return the probability of on given all hours, and the numbers of what happened by copy."""
    share = copies.share.T
    after = np.ones(ahead.shape[1:], np.float32)
    probability = np.ones((copies.hours, ahead.shape[-1]))
    counted = Tally(copies)
    for hour in range(copies.hours - 1, -1, -1):
        now = (ahead[hour] * after).sum(1)
        now /= np.maximum(now.sum(0), np.float32(TINY))
        probability[hour] = now[0]
        there = copies.is_there[hour]
        if is_counted:
            counted.add_hour(hour, now * there)
        if hour == 0:
            break
        # What this hour says of the state an hour before; a track that begins says nothing.
        says = after
        says[0] *= copies.chance_on(hour)
        says[1:] *= copies.chance_off(hour)
        begins = copies.begins[hour]
        if begins.any():
            says[:, :, begins] = 1
        rate, redraw = copies.off_rate[hour], copies.redraw[hour]
        kept = np.empty_like(says)
        kept[0] = (ONE - rate) * says[0] + rate * (says[1:] * copies.phase_share).sum(0)
        kept[1:] = (ONE - copies.back_rate) * says[1:] + copies.back_rate * says[0]
        drawn_says = np.matmul(share, kept)
        before: Singles = ((ONE - redraw) * kept + redraw * drawn_says).astype(np.float32)
        goes_on = there & ~begins & copies.is_there[hour - 1]
        if is_counted and goes_on.any():
            counted.add_step(hour, ahead[hour - 1], before, kept, says, goes_on)
        after = before / before.max((0, 1))
    return probability, counted.split()


class Tally:
    """Expected numbers of what happens, added up hour by hour."""

    def __init__(self, copies: Copies) -> None:
        self.copies = copies
        phases = copies.states - 1
        self.switched_off, self.on_hours = np.zeros((2, copies.count, copies.areas))
        # By phase and track; summed up by copy in the end.
        by_track = (3, phases, copies.count * copies.tracks)
        self.phases, self.returns, self.off_hours = np.zeros(by_track)
        self.redrawn, self.chances = np.zeros((2, copies.count, 2))
        # Whether a ship stops or starts, counted on from copy to copy.
        self.first_kind = 2 * np.repeat(np.arange(copies.count), copies.tracks)

    def add_hour(self, hour: int, now: Singles) -> None:
        """Add an hour: how likely each state is (states, copies x tracks), 0 where no track is."""
        copies = self.copies
        self.on_hours += copies.count_by(copies.area[hour], now[0], copies.areas)
        self.off_hours += now[1:]

    def add_step(
        self,
        hour: int,
        ahead: Singles,
        before: Singles,
        kept: Singles,
        says: Singles,
        goes_on: Bools,
    ) -> None:
        """Add what happened between the hour before and `hour` on the tracks that go on."""
        copies = self.copies
        redraw = copies.redraw[hour]
        total = np.maximum((ahead * before).sum((0, 1)), np.float32(TINY))
        weight = np.where(goes_on, ONE / total, np.float32(0))
        drawn = (weight * redraw * ahead.sum(1))[:, None, :] * copies.share
        drawn_of = (drawn * kept).sum((0, 1))
        kind = self.first_kind + copies.changes[hour]
        self.redrawn += copies.count_by(kind, drawn_of, 2)
        self.chances += copies.count_by(kind, goes_on, 2)
        mixed = weight * (ONE - redraw) * ahead + drawn
        switched = (mixed[0] * copies.off_rate[hour] * says[1:]).sum(1) * copies.phase_share[:, 0]
        self.phases += switched
        self.switched_off += copies.count_by(copies.area[hour], switched.sum(0), copies.areas)
        self.returns += (mixed[1:] * says[0]).sum(1) * copies.back_rate[:, 0]

    def split(self) -> list[Counted]:
        """Return the numbers of each copy."""
        phases, returns, off_hours = (
            self.copies.sum_by_copy(values)
            for values in (self.phases, self.returns, self.off_hours)
        )
        return [
            Counted(
                switched_off=self.switched_off[copy],
                on_hours=self.on_hours[copy],
                phases=phases[copy],
                returns=returns[copy],
                off_hours=off_hours[copy],
                redrawn=self.redrawn[copy],
                chances=self.chances[copy],
            )
            for copy in range(self.copies.count)
        ]
