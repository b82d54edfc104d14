"""Who hears what of a simulated vessel: receptions drawn slot by slot from its sending rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.simulate.beacons import listen_beacons
from pipeline.simulate.hearing import (
    Listened,
    Receptions,
    Sender,
    hear_slots,
    keep_receptions,
)
from pipeline.simulate.model import (
    Bools,
    Floats,
    Heard,
    HeardStatics,
    Hours,
    Ints,
    Off,
    Timeline,
    Vessel,
)
from pipeline.simulate.receivers import Radio, RadioSettings, build_radio, outage_rows
from pipeline.simulate.reports import report_positions
from pipeline.simulate.sending import (
    Slots,
    cut_slots,
    cut_span,
    find_pace,
    find_sent_status,
    list_beats,
    list_messages,
    point_slots,
)
from pipeline.simulate.setting import stream

__all__ = [
    "Radio",
    "RadioSettings",
    "build_radio",
    "listen",
    "listen_beacons",
    "outage_rows",
]
HOUR_S = 3600


@dataclass(frozen=True)
class Draws:
    """What is drawn once an episode: private factor, and whether the status sent is stale."""

    private: Floats
    status: Floats


def listen(
    radio: Radio,
    vessel: Vessel,
    timeline: Timeline,
    offs: Sequence[Off],
    thin_s: int,
    full_rate: bool,
    span_s: int,
    seed: int,
) -> tuple[Heard, HeardStatics, Hours]:
    """Return the positions and static reports heard of one vessel, and what its hours expect.

    Everything is drawn as if the set were always on; what falls in a switch-off is dropped at the
    end. So a world without switch-offs has the same receptions at all other times.

    Args:
        radio: receivers of the world.
        vessel: who sends.
        timeline: where it is when; its knots span the world.
        offs: when its set is off, [from, to).
        thin_s: at most one position each so many seconds and receiver kind.
        full_rate: every message instead, one slot each.
        span_s: length of the world.
        seed: seed of the world.
    """
    settings = radio.settings
    draws = _draw_episodes(timeline, settings.private_shape, vessel.number, seed)
    status = find_sent_status(timeline, settings.sending.stale_status_share, draws.status)
    pace = find_pace(vessel, timeline, status, settings.sending)
    sender = Sender(vessel.antenna, vessel.ais_class == "B", _locate_hours(timeline, span_s))
    random = stream(seed, "radio", vessel.number)
    long_range_s = np.inf if sender.is_class_b else settings.sending.long_range_s
    if full_rate:
        slots = list_messages(timeline, pace, span_s, long_range_s, random)
    else:
        edges = cut_span(thin_s, span_s)
        messages = np.diff(pace.count_at(edges))
        slots = cut_slots(timeline, edges, messages, long_range_s)
    listened = _hear(radio, timeline, slots, sender, draws, random)
    positions = report_positions(
        vessel,
        timeline,
        status,
        listened.receptions,
        settings.reports,
        stream(seed, "reports", vessel.number),
    )
    statics = _hear_statics(radio, timeline, sender, draws, full_rate, span_s, vessel.number, seed)
    hours = _sum_hours(timeline, slots, listened, draws, sender.hours)
    return _drop_off(positions, offs), _drop_off_statics(statics, offs), hours


def _draw_episodes(timeline: Timeline, shape: float, number: int, seed: int) -> Draws:
    random = stream(seed, "radio episodes", number)
    episodes = int(timeline.episode.max()) + 1
    return Draws(random.gamma(shape, 1 / shape, episodes), random.random(episodes))


def _locate_hours(timeline: Timeline, span_s: int) -> tuple[Floats, Floats]:
    return timeline.locate((np.arange(-(-span_s // HOUR_S), dtype=float) + 0.5) * HOUR_S)


def _hear(
    radio: Radio,
    timeline: Timeline,
    slots: Slots,
    sender: Sender,
    draws: Draws,
    random: np.random.Generator,
) -> Listened:
    private = draws.private[timeline.episode[timeline.piece_at(slots.middle_s)]]
    return hear_slots(radio.stations, radio.passes, slots, sender, private, random)


def _hear_statics(
    radio: Radio,
    timeline: Timeline,
    sender: Sender,
    draws: Draws,
    full_rate: bool,
    span_s: int,
    number: int,
    seed: int,
) -> Receptions:
    """Return receptions of static reports: all at full rate, else the first of each thinning."""
    settings = radio.settings.sending
    random = stream(seed, "radio statics", number)
    if full_rate:
        at_s = list_beats(settings.static_s, span_s, random)
        slots = point_slots(timeline, at_s, np.zeros(len(at_s), dtype=np.bool_))
        return _hear(radio, timeline, slots, sender, draws, random).receptions
    edges = cut_span(settings.static_step_s, span_s)
    slots = cut_slots(timeline, edges, np.diff(edges) / settings.static_s, np.inf)
    heard = _hear(radio, timeline, slots, sender, draws, random).receptions
    thinned = heard.at_s // settings.static_thin_s * 2 + heard.kind
    return keep_receptions(heard, np.sort(np.unique(thinned, return_index=True)[1]))


def _sum_hours(
    timeline: Timeline,
    slots: Slots,
    listened: Listened,
    draws: Draws,
    places: tuple[Floats, Floats],
) -> Hours:
    """Return what each hour of the world expects, its set on or off."""
    count = len(places[0])
    slot_hour = np.minimum((slots.from_s // HOUR_S).astype(np.int64), count - 1)
    begins = timeline.episode[timeline.piece_at(np.arange(count, dtype=float) * HOUR_S)]
    private = draws.private[timeline.episode[timeline.piece_at(slots.middle_s)]]
    slots_in_hour = np.bincount(slot_hour, minlength=count)
    mean = np.bincount(slot_hour, private, count) / np.maximum(slots_in_hour, 1)
    return Hours(
        places[0],
        places[1],
        np.bincount(slot_hour, listened.expected_terrestrial, count).astype(np.float64),
        np.bincount(slot_hour, listened.expected_satellite, count).astype(np.float64),
        np.where(slots_in_hour > 0, mean, draws.private[begins]),
        begins,
    )


def _find_off(at_s: Ints, offs: Sequence[Off]) -> Bools:
    """Return which instants lie in a switch-off."""
    is_off = np.zeros(len(at_s), dtype=np.bool_)
    for off in offs:
        is_off |= (at_s >= off.from_s) & (at_s < off.to_s)
    return is_off


def _drop_off(heard: Heard, offs: Sequence[Off]) -> Heard:
    """Return what is heard while the set is on, sorted by time, kind and station."""
    kept = np.flatnonzero(~_find_off(heard.at_s, offs))
    order = np.lexsort((heard.station[kept], heard.kind[kept], heard.at_s[kept]))
    kept = kept[order]
    return Heard(**{name: getattr(heard, name)[kept] for name in Heard.__dataclass_fields__})


def _drop_off_statics(heard: Receptions, offs: Sequence[Off]) -> HeardStatics:
    kept = ~_find_off(heard.at_s, offs) & ~heard.is_copy
    return HeardStatics(
        heard.at_s[kept], heard.kind[kept], heard.station[kept], heard.delay_s[kept]
    )
