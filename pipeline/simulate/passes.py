"""Simulated satellites: when they pass over the basin and how much of what is sent they hear.

All satellites fly sun-synchronous orbits: each comes by round two hours of the day, with a hole of
some hours between. A pass hears the whole basin (METHOD 4), which is small beside a footprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate.growth import Growth, find_factors
from pipeline.simulate.model import Floats, Ints
from pipeline.simulate.outages import Outage, merge_silences
from pipeline.simulate.sending import Slots
from pipeline.simulate.setting import Group, setting, stream

KM_PER_DEGREE = 111.19
SATELLITE_FEED = "simulated_satellite"


class Satellite(Group):
    """A simulated satellite: solar time at which it crosses the basin, going one way."""

    id: str = setting(..., "", "invented", pattern=r"^simsat-\d+$")
    node_h: float = setting(..., "h", "solar time of a crossing; the other is 12 h later")
    hears_long_range: bool = setting(True, "", "newer receivers hear type 27")


# Solar times are spread so that passes miss some hours twice a day (the hole).
SATELLITES = (
    Satellite(id="simsat-1", node_h=6.5),
    Satellite(id="simsat-2", node_h=9.5),
    Satellite(id="simsat-3", node_h=10.5),
    Satellite(id="simsat-4", node_h=13.7),
    Satellite(id="simsat-5", node_h=18.7, hears_long_range=False),
    Satellite(id="simsat-6", node_h=21.9),
    Satellite(id="simsat-7", node_h=1.4),
)
# METHOD's warning (b), the study of satellite silences: passes, collisions, lost days and the
# private factor were set together so that an honest class A ship heard by satellite alone has a
# longest daily silence of about 4.3 h (median) and 19.5 h (90th percentile).
SILENCES = "judgement, set so that daily silences agree with METHOD's warning (b)"


class SatelliteSettings(Group):
    """The satellites, their passes, and the chance that a message gets through."""

    table: tuple[Satellite, ...] = setting(SATELLITES, "", "invented; judgement")
    feed: str = setting(SATELLITE_FEED, "", "feed that delivers them", pattern=r"^simulated_")
    middle_lon_deg: float = setting(50.0, "deg", "middle of the basin")
    middle_lat_deg: float = setting(42.0, "deg", "middle of the basin")
    period_min: float = setting(97.0, "min", "circular orbit at about 600 km", gt=0)
    footprint_km: float = setting(2600.0, "km", "horizon seen from about 600 km", gt=0)
    longest_min: float = setting(14.0, "min", "issue of the simulator: passes of 8-14 min", gt=0)
    shortest_min: float = setting(8.0, "min", "the same; lower ones hear next to nothing", gt=0)
    missing_share: float = setting(
        0.08, "", SILENCES + ": passes without power, memory or downlink", ge=0, le=1
    )
    sets_in_footprint: float = setting(
        6000.0, "", "judgement: Black Sea, Persian Gulf and eastern Mediterranean send, too", ge=0
    )
    sets_spread: float = setting(
        0.5, "", "judgement: standard deviation of its logarithm from pass to pass", ge=0
    )
    alone_receptions: float = setting(
        0.5, "", "judgement: receptions a message expects in an empty footprint", ge=0
    )
    collision_sets: float = setting(
        4500.0, "", SILENCES + ": so many more sets divide what is received by e", gt=0
    )
    long_collision_sets: float = setting(
        25_000.0, "", SILENCES + ": type 27 has channels of its own and is sent seldom", gt=0
    )
    class_b_factor: float = setting(
        0.15, "", "judgement: 2 W instead of 12.5 W and a low antenna", ge=0, le=1
    )
    delay_min: float = setting(45.0, "min", "judgement: median, to the next ground station", gt=0)
    delay_spread: float = setting(0.7, "", "judgement: deviation of its logarithm", ge=0)
    delay_longest_min: float = setting(360.0, "min", "judgement: some orbits later", gt=0)


@dataclass(frozen=True)
class Passes:
    """Passes over the basin sorted by time: span, satellite, receptions a message expects.

    `delay_s` runs from the end of the pass to the provider. Class B expects `class_b_factor` of
    the receptions.
    """

    from_s: Floats
    to_s: Floats
    satellite: NDArray[np.int16]
    receptions: Floats
    long_receptions: Floats
    delay_s: Floats
    class_b_factor: float

    def keep(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Passes:
        """Return some of the passes, by mask or by number."""
        return Passes(
            self.from_s[kept],
            self.to_s[kept],
            self.satellite[kept],
            self.receptions[kept],
            self.long_receptions[kept],
            self.delay_s[kept],
            self.class_b_factor,
        )


@dataclass(frozen=True)
class Overlaps:
    """Where passes and slots meet: numbers of both, the common span, receptions expected in it.

    `expected` counts all messages, `expected_long` those of type 27 among them.
    """

    slot: Ints
    passage: Ints
    from_s: Floats
    to_s: Floats
    expected: Floats
    expected_long: Floats


def build_passes(
    settings: SatelliteSettings,
    growth: Sequence[Growth],
    outages: Sequence[Outage],
    start: datetime,
    span_s: int,
    seed: int,
) -> Passes:
    """Return the passes of a world. One that touches an outage is lost as a whole."""
    found = [
        _find_passes(settings, number, start, span_s, seed) for number in range(len(settings.table))
    ]
    passes = _join(found, settings.class_b_factor)
    silences = merge_silences(
        one for one in outages
        if one.kind == "satellites" or (one.kind, one.place) == ("feed", settings.feed)
    )  # fmt: skip
    passes = passes.keep(~silences.overlap(passes.from_s, passes.to_s))
    factors = find_factors(growth, settings.feed, start, passes.from_s)
    return Passes(
        passes.from_s,
        passes.to_s,
        passes.satellite,
        passes.receptions * factors,
        passes.long_receptions * factors,
        passes.delay_s,
        passes.class_b_factor,
    )


def find_overlaps(passes: Passes, slots: Slots, long_messages: Floats, factor: float) -> Overlaps:
    """Return where slots meet passes, in order of pass and slot.

    Args:
        passes: passes of all satellites.
        slots: what is sent when.
        long_messages: of type 27 that are truly sent in each slot.
        factor: on every expected reception: antenna, class.
    """
    first = np.searchsorted(slots.to_s, passes.from_s, side="right")
    count = np.searchsorted(slots.from_s, passes.to_s, side="left") - first
    count = np.maximum(count, 0)
    passage = np.repeat(np.arange(len(first)), count)
    slot = np.arange(len(passage)) - np.repeat(np.cumsum(count) - count - first, count)
    from_s = np.maximum(slots.from_s[slot], passes.from_s[passage])
    to_s = np.minimum(slots.to_s[slot], passes.to_s[passage])
    share = factor * (to_s - from_s) / (slots.to_s[slot] - slots.from_s[slot])
    long = share * long_messages[slot] * passes.long_receptions[passage]
    short = share * slots.messages[slot] * passes.receptions[passage]
    return Overlaps(slot, passage, from_s, to_s, short + long, long)


def _find_passes(
    settings: SatelliteSettings, number: int, start: datetime, span_s: int, seed: int
) -> Passes:
    """Return the passes of one satellite that lie wholly in the world."""
    random = stream(seed, "passes", number)
    at_s, off_km = _find_crossings(settings, settings.table[number], start, span_s, random)
    length_s = (
        settings.longest_min
        * 60
        * np.sqrt(np.maximum(1 - (off_km / settings.footprint_km) ** 2, 0))
    )
    # Drawn for every crossing, so that one setting does not shift what the others draw.
    is_missing = random.uniform(size=len(at_s)) < settings.missing_share
    sets = settings.sets_in_footprint * np.exp(
        settings.sets_spread * random.standard_normal(len(at_s))
    )
    delay_s = 60 * np.minimum(
        settings.delay_min * np.exp(settings.delay_spread * random.standard_normal(len(at_s))),
        settings.delay_longest_min,
    )
    satellite = np.full(len(at_s), number, dtype=np.int16)
    hears_long = float(settings.table[number].hears_long_range)
    passes = Passes(
        np.floor(at_s - length_s / 2),
        np.floor(at_s + length_s / 2),
        satellite,
        settings.alone_receptions * np.exp(-sets / settings.collision_sets),
        hears_long * settings.alone_receptions * np.exp(-sets / settings.long_collision_sets),
        delay_s,
        settings.class_b_factor,
    )
    is_high = length_s >= settings.shortest_min * 60
    return passes.keep(is_high & ~is_missing & (passes.from_s >= 0) & (passes.to_s <= span_s))


def _find_crossings(
    settings: SatelliteSettings,
    satellite: Satellite,
    start: datetime,
    span_s: int,
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return when a satellite crosses the basin's latitude, and how far from its middle in km.

    Where it crosses follows from the solar time, which is always the same: that is what
    sun-synchronous means. It crosses twice an orbit, going north and going south.
    """
    period_s = settings.period_min * 60
    at_s = np.arange(random.uniform(0, period_s), span_s, period_s)
    # The other crossing is not half an orbit later, but its phase does not matter here.
    other_s = np.arange(random.uniform(0, period_s), span_s, period_s)
    midnight_h = start.hour + start.minute / 60 + start.second / 3600
    node_h = np.repeat([satellite.node_h, satellite.node_h + 12], [len(at_s), len(other_s)])
    both_s = np.concatenate([at_s, other_s])
    lon_deg = 15 * (node_h - midnight_h - both_s / 3600)
    off_deg = (lon_deg - settings.middle_lon_deg + 180) % 360 - 180
    per_degree_km = KM_PER_DEGREE * np.cos(np.radians(settings.middle_lat_deg))
    order = np.argsort(both_s, kind="stable")
    return both_s[order], np.abs(off_deg[order]) * per_degree_km


def _join(found: Sequence[Passes], class_b_factor: float) -> Passes:
    """Return the passes of several satellites sorted by time."""
    if not found:
        empty = np.zeros(0)
        return Passes(empty, empty, empty.astype(np.int16), empty, empty, empty, class_b_factor)
    joined = Passes(
        np.concatenate([one.from_s for one in found]),
        np.concatenate([one.to_s for one in found]),
        np.concatenate([one.satellite for one in found]),
        np.concatenate([one.receptions for one in found]),
        np.concatenate([one.long_receptions for one in found]),
        np.concatenate([one.delay_s for one in found]),
        class_b_factor,
    )
    return joined.keep(np.lexsort((joined.satellite, joined.from_s)))
