"""Which hours are outages: runs of quiet hours that chance does not explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.health.usual import (
    HOURS,
    UNKNOWN,
    Counts,
    Flags,
    Numbers,
    Usual,
    chance_of_at_most,
    find_usual,
)
from pipeline.rules import HealthRules


@dataclass(frozen=True)
class Judged:
    """What is found about every hour of every unit, all arrays (units, days, 24).

    Attributes:
        expected: usual number of ships and beacons, UNKNOWN where not judged.
        is_low: less than the share of the usual was heard, of ships and of beacons.
        is_outage: part of a run of low hours that chance does not explain.
    """

    expected: Counts
    is_low: Flags
    is_outage: Flags


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
    # What was missing before the run already, while the unit heard, is no sign that it does not.
    chance = np.where(
        runs.was_so_before(few_ships & is_lively),
        1.0,
        runs.chance_of_ships(ships, usual_ships, by_ships, rules),
    ) * np.where(
        runs.was_so_before(few_beacons & is_lively),
        1.0,
        runs.at_start(noise_beacons) ** runs.count(by_beacons & low),
    )
    chance = np.maximum(chance, runs.at_start(noise) ** runs.count(low))
    is_outage = low & runs.spread(chance <= rules.most_chance)
    is_known = usual_ships.counts != UNKNOWN
    expected = np.where(is_known, usual_ships.counts + usual_beacons.counts, UNKNOWN)
    return Judged(expected, low, is_outage)


def judge_others(
    ships: Counts,
    others: Counts,
    beacons: Counts,
    has_data: Flags,
    is_counted: Flags,
    rules: HealthRules,
) -> Judged:
    """Return what is found where the flag that a unit hears most is not asked.

    Its ships could have been switched off together. Too few of all ships must be heard, and the
    chance is that of hearing so little of beacons and of ships of the other flags.

    Args:
        ships: all distinct ships heard (units, days, 24).
        others: those of all flags but the one that the unit hears most.
        beacons, has_data, is_counted, rules: as for `judge_hours`.
    """
    usual = find_usual(ships, has_data, rules).counts
    is_alive = (ships > 0) & (ships >= rules.least_share * usual)
    return judge_hours(others, beacons, has_data, is_counted, rules, is_alive)


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
        self.opening = np.flatnonzero(breaks.ravel())
        at = np.flatnonzero(low.ravel())
        run = self.run.ravel()[at]
        with_low, begin, number = np.unique(run, return_index=True, return_counts=True)
        self.first, self.last = np.zeros((2, self.runs), np.int64)
        self.first[with_low] = at[begin]
        self.last[with_low] = at[begin + number - 1]

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

    def was_so_before(self, flags: Flags) -> Flags:
        """Return what is true of the two hours before each run began.

        Of both: an outage that begins within an hour leaves some of its senders unheard in it.
        """
        flat = flags.ravel()
        return flat[self.opening] & flat[np.maximum(self.opening - 1, 0)]

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
