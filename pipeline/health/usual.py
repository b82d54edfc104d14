"""What a unit usually hears, hour by hour, and how unlikely it is that it heard so little.

A unit is whatever hears alone: a station, a satellite, a receiver kind of a feed without names, or
one of these in one area. Counts lie in arrays of (units, UTC days, 24 hours).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from pipeline.rules import HealthRules

Counts = NDArray[np.int32]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]

UNKNOWN = -1
HOURS = 24
# Half the width of the middle half of a normal distribution, in standard deviations.
QUARTILES_APART = 1.349


@dataclass(frozen=True)
class Usual:
    """What one kind of sender usually gives a unit.

    Attributes:
        counts: lower median of the same hour of the day; UNKNOWN with too few days with data.
            (units, days, 24)
        spread: relative standard deviation of the sum of a day beyond chance, robust.
            (units, days)
    """

    counts: Counts
    spread: Numbers


@dataclass(frozen=True)
class Judged:
    """What is found about every hour of every unit, all arrays (units, days, 24).

    Attributes:
        ships: usual number of ships, UNKNOWN where not judged.
        beacons: usual number of beacons, UNKNOWN where not judged.
        is_low: less than the share of the usual was heard, of ships and of beacons.
        is_outage: part of a run of low hours that chance does not explain.
    """

    ships: Counts
    beacons: Counts
    is_low: Flags
    is_outage: Flags


def find_days(*counts: Counts) -> Flags:
    """Return whether anything was counted on a day: (units, days)."""
    return np.logical_or.reduce([np.asarray(one.max(axis=2, initial=0) > 0) for one in counts])


def find_last_days(has_data: Flags) -> NDArray[np.int64]:
    """Return the number of the last day with data before each day, -1 without: (units, days)."""
    days = np.where(has_data, np.arange(has_data.shape[1]), -1)
    last = np.maximum.accumulate(days, axis=1)
    return np.hstack([np.full((len(last), 1), -1), last[:, :-1]])


def find_usual(counts: Counts, has_data: Flags, rules: HealthRules) -> Usual:
    """Return what is usual by the trailing window: the days up to the last one with data.

    A day on which the unit heard nothing at all is left out, so that a dead day does not become
    usual; the window ends with the last day heard, so that a long outage is judged by what was
    before it, until the unit counts as gone.

    Args:
        counts: (units, days, 24).
        has_data: the unit heard something on that day (units, days).
        rules: length of the window, days needed.
    """
    units, days, _ = counts.shape
    usual = np.full(counts.shape, UNKNOWN, np.int32)
    spread = np.zeros((units, days))
    last = find_last_days(has_data)
    for day in range(days):
        ends = last[:, day]
        window = ends[:, None] + np.arange(1 - rules.window_d, 1)
        at = np.maximum(window, 0)
        rows = np.arange(units)[:, None]
        used = (window >= 0) & has_data[rows, at]
        number = used.sum(axis=1)
        known = (number >= rules.least_days) & (day - ends <= rules.window_d)
        if not known.any():
            continue
        sample = np.where(used[:, :, None], counts[rows, at], np.iinfo(np.int32).max)
        middle = np.take_along_axis(
            np.sort(sample, axis=1), np.maximum(number - 1, 0)[:, None, None] // 2, axis=1
        )[:, 0]
        usual[known, day] = middle[known]
        sums = np.where(used, counts[rows, at].sum(axis=2, dtype=np.int64), np.iinfo(np.int64).max)
        spread[known, day] = _relative_spread(sums, number)[known]
    return Usual(usual, spread)


def _relative_spread(sums: NDArray[np.int64], number: NDArray[np.int64]) -> Numbers:
    """Return (upper - lower quartile) / 1.349 / median of the first `number` sums, by row."""
    ordered = np.sort(sums, axis=1)

    def quantile(quarters: int) -> Numbers:
        at = np.maximum(number - 1, 0) * quarters // 4
        return np.take_along_axis(ordered, at[:, None], axis=1)[:, 0].astype(float)

    middle = np.maximum(quantile(2), 1.0)
    return (quantile(3) - quantile(1)) / QUARTILES_APART / middle


def chance_of_at_most(heard: Numbers, expected: Numbers, spread: Numbers) -> Numbers:
    """Return P(X <= heard), X negative binomial of mean `expected`, variance m + (spread x m)^2.

    A Poisson number whose rate varies by the relative standard deviation `spread` (> 0).
    """
    size = 1 / spread**2
    mean = np.maximum(expected, 1e-9)
    return betainc(size, np.floor(heard) + 1, size / (size + mean))


def judge_hours(
    ships: Counts,
    beacons: Counts,
    has_data: Flags,
    is_counted: Flags,
    rules: HealthRules,
    is_alive: Flags | None = None,
) -> Judged:
    """Return what is usual, and which hours are outages, for every unit and hour.

    An hour is low where of ships and of beacons alike less than `least_share` of the usual was
    heard and something is usual. Low hours with no livelier hour between them are one run; a run
    is an outage where the chance of so little is at most `most_chance`.

    Args:
        ships: distinct ships heard (units, days, 24).
        beacons: distinct base stations and aids heard.
        has_data: the unit heard something on that day (units, days).
        is_counted: the hour lies between the unit's first hour and the end of the data.
        rules: thresholds.
        is_alive: hours in which something else shows that the unit heard.
    """
    usual_ships = find_usual(ships, has_data, rules)
    usual_beacons = find_usual(beacons, has_data, rules)
    by_ships, by_beacons = usual_ships.counts > 0, usual_beacons.counts > 0
    few_ships = ships < rules.least_share * usual_ships.counts
    few_beacons = beacons < rules.least_share * usual_beacons.counts
    # Where one kind is not usual, its silence says nothing but its presence does.
    low = (
        (by_ships | by_beacons)
        & (few_ships | ((usual_ships.counts <= 0) & (ships == 0)))
        & (few_beacons | ((usual_beacons.counts <= 0) & (beacons == 0)))
        & is_counted
    )
    is_lively = ((ships > 0) | (beacons > 0)) & ~low
    if is_alive is not None:
        low &= ~is_alive
        is_lively |= is_alive
    runs = _Runs(low, is_lively, is_counted)
    noise = runs.noise(low, (by_ships | by_beacons) & is_counted, rules)
    noise_beacons = runs.noise(few_beacons & by_beacons, by_beacons & is_counted, rules)
    chance = runs.chance_of_ships(ships, usual_ships, by_ships, rules)
    chance *= runs.at_start(noise_beacons) ** runs.count(by_beacons & low)
    chance = np.maximum(chance, runs.at_start(noise) ** runs.count(low))
    is_outage = low & runs.spread(chance <= rules.most_chance)
    return Judged(usual_ships.counts, usual_beacons.counts, low, is_outage)


class _Runs:
    """Runs of low hours of each unit, in the order of units and hours."""

    def __init__(self, low: Flags, is_lively: Flags, is_counted: Flags) -> None:
        self.shape = low.shape
        self.low = low
        units = low.shape[0]
        breaks = is_lively.reshape(units, -1) | ~is_counted.reshape(units, -1)
        breaks[:, 0] = True
        # A lively hour opens a stretch; the low hours up to the next one are its run.
        self.run = (np.cumsum(breaks.ravel()) - 1).reshape(low.shape)
        self.runs = int(self.run.max()) + 1 if self.run.size else 0
        at = np.flatnonzero(low.ravel())
        run = self.run.ravel()[at]
        self.first = np.full(self.runs, 0)
        self.last = np.full(self.runs, -1)
        self.first[run[::-1]] = at[::-1]
        self.last[run] = at

    def count(self, flags: Flags) -> NDArray[np.int64]:
        """Return how many hours of each run are flagged."""
        return np.bincount(self.run[flags], minlength=self.runs)

    def sum(self, numbers: NDArray[np.int32], flags: Flags) -> Numbers:
        """Return the sum of numbers over the flagged hours of each run; exact, they are whole."""
        sums = np.bincount(self.run[flags], weights=numbers[flags], minlength=self.runs)
        return sums.astype(float)

    def spread(self, flags: Flags) -> Flags:
        """Return, for every hour, what is true of its run."""
        return flags[self.run]

    def at_start(self, by_day: Numbers) -> Numbers:
        """Return a number of each day (units, days) at the first low hour of each run."""
        return by_day.ravel()[self.first // HOURS]

    def chance_of_ships(
        self, ships: Counts, usual: Usual, is_judged: Flags, rules: HealthRules
    ) -> Numbers:
        """Return for each run the chance of hearing so few ships in its low hours.

        The same ships are heard hour after hour: of a run of n hours only (1 + (n - 1) / stay_h)
        hours count as independent. 1 where fewer than `least_ships` are usual.
        """
        judged = self.low & is_judged
        number = np.maximum(self.count(judged), 1)
        length = np.maximum(self.last - self.first + 1, 1)
        factor = np.minimum((1 + (length - 1) / rules.stay_h) / number, 1.0)
        spread = np.maximum(self.at_start(usual.spread), rules.least_spread)
        expected = self.sum(usual.counts, judged)
        chance = chance_of_at_most(self.sum(ships, judged) * factor, expected * factor, spread)
        return np.where(expected >= rules.least_ships * number, chance, 1.0)

    def noise(self, few: Flags, is_judged: Flags, rules: HealthRules) -> Numbers:
        """Return how often the unit hears too little by chance: (units, days).

        The share of the judged hours of the days before that were low in a run of at most
        `short_run_h`: longer runs are outages, not noise. One hour of each is added for what was
        not seen yet.
        """
        units, days, _ = self.shape
        flat = (few & is_judged).reshape(units, -1)
        padded = np.pad(flat, ((0, 0), (1, 1)))
        starts = padded[:, 1:-1] & ~padded[:, :-2]
        run = np.cumsum(starts.ravel()).reshape(flat.shape)
        lengths = np.bincount(run[flat], minlength=int(run.max(initial=0)) + 1)
        short = flat & (lengths[run] <= rules.short_run_h)

        def before(flags: Flags) -> NDArray[np.int64]:
            sums = flags.reshape(units, days, HOURS).sum(axis=2).cumsum(axis=1)
            sums = np.hstack([np.zeros((units, 1), np.int64), sums])
            start = np.maximum(np.arange(days) - rules.window_d, 0)
            return sums[:, np.arange(days)] - sums[:, start]

        return (before(short) + 1) / (before(is_judged.reshape(units, -1)) + 2)
