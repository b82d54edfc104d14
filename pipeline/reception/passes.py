"""Forward and backward over the hours of many tracks at once (Rabiner 1989).

Arrays of a state are (1 + phases, factors, tracks): first on, then off by phase, each with the own
factor. Tracks lie last, so that sums over states and factors run along whole rows of numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.reception.grid import Counted, Grid, Parameters
from pipeline.reception.window import Bools, Floats

Singles = NDArray[np.float32]
NEVER = np.float32(1e-9)  # chance of hearing a set that is off: none, but for a slip of the clock
UNEXPLAINED = np.float32(0.5)  # of hearing one of which nothing was expected: tells no factor
ONE = np.float32(1)
TINY = 1e-30


class Seen:
    """Chance of what was heard in an hour: given on by factor, and given off."""

    def __init__(self, grid: Grid, expected: Floats, factor: Floats) -> None:
        self.grid = grid
        self.expected = expected.astype(np.float32)
        self.factor = factor.astype(np.float32)[:, None]
        self.is_heard = grid.is_heard & grid.is_there
        self.is_mute = ~grid.is_there | (grid.is_mute & ~grid.is_heard)

    def on(self, hour: int) -> Singles:
        """Return the chance given on (factors, tracks)."""
        expected = self.expected[hour]
        silent = np.exp(-self.factor * expected)
        heard = np.where(expected > 0, np.maximum(ONE - silent, NEVER), UNEXPLAINED)
        chance = np.where(self.is_heard[hour], heard, silent)
        return np.where(self.is_mute[hour], ONE, chance)

    def off(self, hour: int) -> Singles:
        """Return the chance given off (tracks)."""
        return np.where(self.is_heard[hour], NEVER, ONE)


def run_forward(grid: Grid, seen: Seen, parameters: Parameters) -> tuple[Singles, Floats, float]:
    """Return the state of every hour given the hours until then, its mean factor, and the fit."""
    hours, tracks = grid.is_there.shape
    factor = parameters.factor.astype(np.float32)
    share = parameters.factor_share.astype(np.float32)[:, None]
    states = 1 + len(parameters.back_rate)
    ahead = np.empty((hours, states, len(factor), tracks), np.float32)
    mean_factor = np.ones((hours, tracks))
    state = np.zeros((states, len(factor), tracks), np.float32)
    state[0] = share
    log_likelihood = 0.0
    for hour in range(hours):
        state = _step(state, grid, hour, parameters)
        begins = grid.begins[hour]
        if begins.any():
            state[:, :, begins] = 0
            state[0, :, begins] = share[:, 0]
        state[0] *= seen.on(hour)
        state[1:] *= seen.off(hour)
        total = state.sum((0, 1))
        log_likelihood += float(np.log(np.maximum(total, TINY)).sum())
        state /= total
        ahead[hour] = state
        mean_factor[hour] = factor @ state[0] / np.maximum(state[0].sum(0), TINY)
    return ahead, mean_factor, log_likelihood


def _redraws(grid: Grid, hour: int, parameters: Parameters) -> Singles:
    chance = np.where(grid.changes[hour], parameters.redraw_at_change, parameters.redraw)
    return chance.astype(np.float32)


def _column(values: Floats) -> Singles:
    """Return values by phase as (phases, 1, 1)."""
    return values.astype(np.float32)[:, None, None]


def _step(state: Singles, grid: Grid, hour: int, parameters: Parameters) -> Singles:
    """Return the state an hour later, before anything is heard in it."""
    rate = parameters.off_rate[grid.area[hour]].astype(np.float32)
    redraw, back_rate = _redraws(grid, hour, parameters), _column(parameters.back_rate)
    share = parameters.factor_share.astype(np.float32)[:, None]
    drawn = (redraw * state.sum(1))[:, None, :] * share
    state = (ONE - redraw) * state + drawn
    back = (state[1:] * back_rate).sum(0)
    goes = state[0] * rate
    state[0] += back - goes
    state[1:] *= ONE - back_rate
    state[1:] += goes * _column(parameters.phase_share)
    return state


def run_backward(
    grid: Grid, seen: Seen, ahead: Singles, parameters: Parameters, *, is_counted: bool
) -> tuple[Floats, Counted]:
    """Return the probability of on given all hours, and the numbers of what happened."""
    hours, tracks = grid.is_there.shape
    share = parameters.factor_share.astype(np.float32)
    phases, back_rate = _column(parameters.phase_share), _column(parameters.back_rate)
    off_rate = parameters.off_rate.astype(np.float32)
    after = np.ones(ahead.shape[1:], np.float32)
    probability = np.ones((hours, tracks))
    counted = Counted.empty(parameters)
    for hour in range(hours - 1, -1, -1):
        now = (ahead[hour] * after).sum(1)
        now /= np.maximum(now.sum(0), np.float32(TINY))
        probability[hour] = now[0]
        there, area = grid.is_there[hour], grid.area[hour]
        if is_counted:
            counted.add_hours(area, now * there)
        if hour == 0:
            break
        # What this hour says of the state an hour before; a track that begins says nothing.
        says = after
        says[0] *= seen.on(hour)
        says[1:] *= seen.off(hour)
        begins = grid.begins[hour]
        if begins.any():
            says[:, :, begins] = 1
        rate, redraw = off_rate[area], _redraws(grid, hour, parameters)
        kept = np.empty_like(says)
        kept[0] = (ONE - rate) * says[0] + rate * (says[1:] * phases).sum(0)
        kept[1:] = (ONE - back_rate) * says[1:] + back_rate * says[0]
        drawn_says = np.tensordot(kept, share, (1, 0))[:, None, :]
        before: Singles = ((ONE - redraw) * kept + redraw * drawn_says).astype(np.float32)
        goes_on = there & ~begins & grid.is_there[hour - 1]
        if is_counted and goes_on.any():
            _count(counted, ahead[hour - 1], before, kept, says, grid, hour, goes_on, parameters)
        after = before / before.max((0, 1))
    return probability, counted


def _count(
    counted: Counted,
    ahead: Singles,
    before: Singles,
    kept: Singles,
    says: Singles,
    grid: Grid,
    hour: int,
    goes_on: Bools,
    parameters: Parameters,
) -> None:
    """Add what happened between the hour before and `hour` on the tracks that go on."""
    area = grid.area[hour]
    rate = parameters.off_rate[area].astype(np.float32)
    redraw = _redraws(grid, hour, parameters)
    total = np.maximum((ahead * before).sum((0, 1)), np.float32(TINY))
    weight = np.where(goes_on, ONE / total, np.float32(0))
    share = parameters.factor_share.astype(np.float32)[:, None]
    drawn = (weight * redraw * ahead.sum(1))[:, None, :] * share
    drawn_of = (drawn * kept).sum((0, 1))
    changes = grid.changes[hour].astype(np.int64)
    counted.redrawn += np.bincount(changes, drawn_of, minlength=2)
    counted.chances += np.bincount(changes, goes_on, minlength=2)
    mixed = weight * (ONE - redraw) * ahead + drawn
    switched = (mixed[0] * rate * says[1:]).sum(1) * parameters.phase_share[:, None]
    counted.phases += switched.sum(1)
    counted.switched_off += np.bincount(area, switched.sum(0), minlength=len(counted.switched_off))
    returned = (mixed[1:] * says[0]).sum(1) * parameters.back_rate[:, None]
    counted.returns += returned.sum(1)
