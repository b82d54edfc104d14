"""How likely a ship that sends is heard: receptions by place, hour and stratum (METHOD 4.2).

Nobody bears witness for himself: whatever is said of a ship's hour rests on the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.reception.window import STRATA, Bools, Floats, Ints, Window
from pipeline.rules import ReceptionRules

HOURS_A_DAY = 24


@dataclass(frozen=True, eq=False)
class Rates:
    """What is expected of every row of a window.

    Attributes:
        expected: receptions expected in the hour of a ship like this that sends; 0 where nobody
            else was heard (not live).
        is_live: somebody else was heard there, or a satellite heard somebody.
    """

    expected: Floats
    is_live: Bools


@dataclass(frozen=True, eq=False)
class Group:
    """Rows under one key, and those of one ship among them, both numbered from 0."""

    key: Ints
    own: Ints

    def without_own(self, value: Floats) -> Floats:
        """Return for every row the sum over its key less what its own ship adds."""
        return np.maximum(
            np.bincount(self.key, value)[self.key] - np.bincount(self.own, value)[self.own], 0
        )


@dataclass(frozen=True, eq=False)
class Groups:
    """The keys by which rows are summed up, made once for a window."""

    stratum: Group
    track: Ints
    place: Group
    place_stratum: Group
    place_day: Group
    place_hour: Group
    hour: Group

    @classmethod
    def of(cls, window: Window) -> Groups:
        """Return the groups of a window."""
        days = window.hours // HOURS_A_DAY + 1

        def group(key: Ints) -> Group:
            ships = int(window.ship.max()) + 1
            return Group(_rank(key), _rank(key * ships + window.ship))

        return cls(
            group(window.stratum),
            window.track,
            group(window.place),
            group(window.place * len(STRATA) + window.stratum),
            group(window.place * days + window.hour // HOURS_A_DAY),
            group(window.place * window.hours + window.hour),
            group(window.hour),
        )


def estimate_rates(window: Window, groups: Groups, sends: Floats, rules: ReceptionRules) -> Rates:
    """Return the expected receptions of every hour of every ship.

    Args:
        window: the hours.
        groups: `Groups.of(window)`.
        sends: how much each row counts: the probability that the set was on, from the pass before.
        rules: thresholds.
    """
    weight = np.where(window.is_outside | window.returns, 0.0, sends)
    shore = _Kind(window.terrestrial, weight, rules)
    space = _Kind(window.satellite, weight, rules)
    share = shore.find_share(groups.stratum, np.zeros(window.rows), 0.0)
    # How often a beacon is heard says nothing of how often ships are: only when it is.
    ships = _Kind(window.terrestrial, np.where(window.is_beacon, 0.0, weight), rules)
    share = ships.find_share(groups.place, share, rules.prior_hours)
    share = shore.find_share(groups.place_stratum, share, rules.prior_hours)
    share = np.where(window.is_beacon, shore.find_own_share(groups.track), share)
    shore_rate = shore.find_receptions(share)
    shore_rate = shore.follow(shore_rate, groups.place_day, rules.day_weight)
    shore_rate = shore.follow(shore_rate, groups.place_hour, rules.hour_weight)
    share = space.find_share(groups.stratum, np.zeros(window.rows), 0.0)
    share = np.where(window.is_beacon, space.find_own_share(groups.track), share)
    space_rate = space.follow(space.find_receptions(share), groups.hour, rules.pass_weight)
    by_shore = shore.count_others(groups.place_hour)
    by_space = space.count_others(groups.hour)
    expected = shore_rate * (by_shore > 0) + space_rate * (by_space > 0)
    is_live = ((by_shore > 0) | (by_space > 0)) & ~window.is_outside
    expected = np.where(window.is_outside, 0.0, np.minimum(expected, rules.most_receptions))
    return Rates(expected, is_live)


def expect_further(
    window: Window,
    sends: Floats,
    ship: Ints,
    hour: Ints,
    place: Ints,
    stratum: Ints,
    rules: ReceptionRules,
) -> Floats:
    """Return the receptions expected in hours in which nobody was known to be, one entry an hour.

    Args:
        window: the hours that teach.
        sends: how much each of its rows counts.
        ship: whose the further hours are; it bears no witness for itself in them.
        hour, place, stratum: of the further hours, as in the window.
        rules: thresholds.
    """
    more = window.extend(ship, hour, place, stratum)
    weights = np.concatenate([sends, np.zeros(len(hour))])
    return estimate_rates(more, Groups.of(more), weights, rules).expected[window.rows :]


class _Kind:
    """What one kind of receiver heard of every row, and how much each row counts."""

    def __init__(self, is_heard: Bools, weight: Floats, rules: ReceptionRules) -> None:
        self.heard = is_heard.astype(np.float64)
        self.weight = weight
        self.rules = rules

    def find_share(self, group: Group, prior: Floats, prior_hours: float) -> Floats:
        """Return the share of the others' hours with a reception, shrunk (beta-binomial)."""
        heard = group.without_own(self.weight * self.heard)
        hours = group.without_own(self.weight)
        return (heard + prior_hours * prior) / np.maximum(hours + prior_hours, 1e-9)

    def find_own_share(self, track: Ints) -> Floats:
        """Return the share of a track's own hours with a reception: what is expected of a beacon,

        which never moves, never goes off, and is judged by nobody.
        """
        heard = np.bincount(track, self.weight * self.heard)
        return (heard / np.maximum(np.bincount(track, self.weight), 1e-9))[track]

    def find_receptions(self, share: Floats) -> Floats:
        """Return the expected receptions an hour of which that share has at least one.

        Ships hear unalike: their own factor is Gamma of mean 1 and shape `spread`.
        """
        spread = self.rules.spread
        return spread * np.expm1(-np.log1p(-np.minimum(share, self.rules.most_share)) / spread)

    def follow(self, rate: Floats, group: Group, prior: float) -> Floats:
        """Return a rate times what the others received over what was expected of them.

        Of a ship of which much is expected an hour says little: its own factor is unknown.
        """
        spread = self.rules.spread
        seldom = 1 / (1 + rate / spread)
        at_least_one = -np.expm1(-spread * np.log1p(rate / spread))
        if_heard = rate / np.maximum(at_least_one, 1e-9)
        received = group.without_own(self.weight * self.heard * if_heard * seldom)
        expected = group.without_own(self.weight * rate * seldom)
        return rate * (received + prior) / (expected + prior)

    def count_others(self, group: Group) -> Floats:
        """Return how many others that count were heard under the key of each row."""
        return np.round(group.without_own((self.weight > 0) * self.heard))


def _rank(key: Ints) -> Ints:
    """Return keys numbered from 0 without holes."""
    return pl.Series(key).rank("dense").to_numpy().astype(np.int64) - 1
