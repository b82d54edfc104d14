"""Who hears a sender: receptions drawn from what stations and satellites expect.

A slot expects `mu` receptions; with the private factor g the first of a Poisson stream comes after
E / (mu g) of the slot, E exponential with mean 1. So one draw says whether anything is heard
(E < mu g, with chance 1 - exp(-mu g)) and when first: the truncated exponential.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate.model import Bools, Floats, Ints
from pipeline.simulate.passes import Passes, find_overlaps
from pipeline.simulate.sending import Slots
from pipeline.simulate.stations import StationNet, choose_stations, find_reach

TERRESTRIAL, SATELLITE = 0, 1


@dataclass(frozen=True)
class Sender:
    """What sends: factor of its antenna, class, and where it is in the middle of each hour."""

    antenna: float
    is_class_b: bool
    hours: tuple[Floats, Floats]


@dataclass(frozen=True)
class Receptions:
    """Receptions, one entry each; `slot` is the slot they fall in, `at_s` whole seconds."""

    at_s: Ints
    slot: Ints
    kind: NDArray[np.int8]
    station: NDArray[np.int16]
    delay_s: Floats
    is_long: Bools
    is_copy: Bools


@dataclass(frozen=True)
class Listened:
    """Receptions of both kinds sorted by time, kind, copies last; and what each slot expected."""

    receptions: Receptions
    expected_terrestrial: Floats
    expected_satellite: Floats


def hear_slots(
    net: StationNet,
    passes: Passes,
    slots: Slots,
    sender: Sender,
    private: Floats,
    random: np.random.Generator,
) -> Listened:
    """Return what is heard of some slots: at most one message a slot and receiver kind.

    Args:
        net: stations.
        passes: satellite passes.
        slots: what is sent when and where.
        sender: who sends.
        private: factor on every expected reception by slot.
        random: draws for every slot, heard or not.
    """
    shore, beyond, terrestrial = _hear_stations(net, slots, sender, private, random)
    space, satellite = _hear_satellites(
        net, passes, slots, sender, slots.long_messages * beyond, private, random
    )
    return Listened(join_receptions(shore, space), terrestrial, satellite)


def join_receptions(*found: Receptions) -> Receptions:
    """Return receptions together, sorted by time, kind, copies last, station."""
    joined = Receptions(
        *(
            np.concatenate([getattr(one, name) for one in found])
            for name in Receptions.__dataclass_fields__
        )
    )
    order = np.lexsort((joined.station, joined.is_copy, joined.kind, joined.at_s))
    return keep_receptions(joined, order)


def keep_receptions(receptions: Receptions, kept: Bools | NDArray[np.intp]) -> Receptions:
    """Return some receptions, by mask or by number."""
    return Receptions(
        *(getattr(receptions, name)[kept] for name in Receptions.__dataclass_fields__)
    )


def _hear_stations(
    net: StationNet,
    slots: Slots,
    sender: Sender,
    private: Floats,
    random: np.random.Generator,
) -> tuple[Receptions, Bools, Floats]:
    """Return receptions by stations, whether slots are beyond all of them, what slots expect."""
    reach = find_reach(net, slots, sender.hours, sender.antenna, sender.is_class_b)
    size = len(slots.from_s)
    waits, choices = random.standard_exponential(size), random.random(size)
    other_choices, copy_draws = random.random(size), random.random(size)
    delays_s = net.settings.delay_s * random.standard_exponential(2 * size)
    mean = reach.expected * private
    is_heard = waits < mean
    first, _ = choose_stations(reach, is_heard, choices)
    second, expects = choose_stations(reach, is_heard, other_choices)
    # The chance that the second station receives the very message that the first one did.
    same = 1 - np.exp(-expects * private / np.maximum(slots.messages, 1e-9))
    is_twice = is_heard & (second != first) & (copy_draws < net.settings.copy_share * same)
    slot = np.concatenate([np.flatnonzero(is_heard), np.flatnonzero(is_twice)])
    is_copy = np.repeat([False, True], [is_heard.sum(), is_twice.sum()])
    at_s = slots.from_s[slot] + waits[slot] / mean[slot] * (slots.to_s - slots.from_s)[slot]
    receptions = Receptions(
        np.floor(at_s).astype(np.int64),
        slot,
        np.full(len(slot), TERRESTRIAL, dtype=np.int8),
        np.where(is_copy, second[slot], first[slot]),
        delays_s[slot + size * is_copy],
        np.zeros(len(slot), dtype=np.bool_),
        is_copy,
    )
    return receptions, reach.is_beyond, reach.expected


def _hear_satellites(
    net: StationNet,
    passes: Passes,
    slots: Slots,
    sender: Sender,
    long_messages: Floats,
    private: Floats,
    random: np.random.Generator,
) -> tuple[Receptions, Floats]:
    """Return receptions by satellites, and what slots expect of them."""
    factor = sender.antenna * (passes.class_b_factor if sender.is_class_b else 1.0)
    met = find_overlaps(passes, slots, long_messages, factor)
    waits = random.standard_exponential(len(met.slot))
    long_draws = random.random(len(met.slot))
    mean = met.expected * private[met.slot]
    heard = np.flatnonzero(waits < mean)
    at_s = met.from_s[heard] + waits[heard] / mean[heard] * (met.to_s - met.from_s)[heard]
    # Of two passes over one slot the one that hears first is kept.
    order = np.lexsort((at_s, met.slot[heard]))
    slot, first = np.unique(met.slot[heard][order], return_index=True)
    heard, at_s = heard[order][first], at_s[order][first]
    passage = met.passage[heard]
    receptions = Receptions(
        np.floor(at_s).astype(np.int64),
        slot,
        np.full(len(slot), SATELLITE, dtype=np.int8),
        passes.satellite[passage],
        passes.to_s[passage] - at_s + passes.delay_s[passage],
        long_draws[heard] * met.expected[heard] < met.expected_long[heard],
        np.zeros(len(slot), dtype=np.bool_),
    )
    expected = np.bincount(met.slot, weights=met.expected, minlength=len(slots.from_s))
    return receptions, expected.astype(np.float64)
