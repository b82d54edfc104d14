"""What a set sends and when, as ITU-R M.1371-5 says, and the slots in which it may be heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate.model import AT_ANCHOR, MOORED, Floats, Timeline, Vessel
from pipeline.simulate.setting import Group, setting

ITU = "ITU-R M.1371-5, Annex 1, Table 1"
ITU_B = "ITU-R M.1371-5, Annex 1, Table 2 (class B that senses the carrier)"


class SendingSettings(Group):
    """Reporting intervals. Changing one makes a set that ITU-R M.1371 does not know."""

    resting_s: float = setting(180.0, "s", ITU + ": at anchor or moored, at most 3 kn", gt=0)
    resting_kn: float = setting(3.0, "kn", ITU, ge=0)
    slow_s: float = setting(10.0, "s", ITU + ": up to 14 kn", gt=0)
    slow_turning_s: float = setting(10 / 3, "s", ITU + ": up to 14 kn, changing course", gt=0)
    fast_kn: float = setting(14.0, "kn", ITU, gt=0)
    fast_s: float = setting(6.0, "s", ITU + ": 14 to 23 kn", gt=0)
    fast_turning_s: float = setting(2.0, "s", ITU + ": above 14 kn, changing course", gt=0)
    faster_kn: float = setting(23.0, "kn", ITU, gt=0)
    faster_s: float = setting(2.0, "s", ITU + ": above 23 kn", gt=0)
    class_b_s: float = setting(30.0, "s", ITU_B + ": above 2 kn", gt=0)
    class_b_resting_s: float = setting(180.0, "s", ITU_B + ": at most 2 kn", gt=0)
    class_b_resting_kn: float = setting(2.0, "kn", ITU_B, ge=0)
    long_range_s: float = setting(180.0, "s", "ITU-R M.1371-5, message 27", gt=0)
    static_s: float = setting(360.0, "s", "ITU-R M.1371-5, messages 5 and 24", gt=0)
    static_thin_s: int = setting(
        21_600, "s", "judgement: providers deliver static reports a few times a day", gt=0
    )
    static_step_s: int = setting(
        1800, "s", "judgement: how finely thinned static reports are drawn", gt=0
    )
    turn_deg: float = setting(10.0, "deg", "judgement: sets sense turns of some degrees", gt=0)
    turn_s: float = setting(60.0, "s", "judgement: a coaster turns within a minute or so", gt=0)
    stale_status_share: float = setting(
        0.12, "", "judgement: stays and legs on which the mate leaves the last status standing",
        ge=0, le=1,
    )  # fmt: skip


@dataclass(frozen=True)
class Pace:
    """Position messages sent since the first knot, as a line through (`at_s`, `count`)."""

    at_s: Floats
    count: Floats

    def count_at(self, at_s: Floats) -> Floats:
        """Return messages sent until some instants."""
        return np.interp(at_s, self.at_s, self.count)

    def time_of(self, count: Floats) -> Floats:
        """Return when some messages are sent, in seconds."""
        return np.interp(count, self.count, self.at_s)


@dataclass(frozen=True)
class Slots:
    """Spans of time [from, to) in which a set sends some messages, sorted by time.

    In a thinned world they follow each other without a break; at full rate each is the one second
    of one message. `long_messages` are those of type 27, sent only beyond the reach of stations.
    """

    from_s: Floats
    to_s: Floats
    lon_deg: Floats
    lat_deg: Floats
    messages: Floats
    long_messages: Floats

    @property
    def middle_s(self) -> Floats:
        """Middle of each slot."""
        return (self.from_s + self.to_s) / 2


def find_courses(timeline: Timeline) -> Floats:
    """Return the course of each piece in degrees; a piece at rest keeps the one before it."""
    north = np.diff(timeline.lat_deg)
    east = np.diff(timeline.lon_deg) * np.cos(np.radians(timeline.lat_deg[:-1]))
    course = np.degrees(np.arctan2(east, north)) % 360
    moving = (north != 0) | (east != 0)
    latest = np.maximum.accumulate(np.where(moving, np.arange(len(course)), 0))
    return course[latest]


def find_sent_status(timeline: Timeline, share: float, draws: Floats) -> NDArray[np.int8]:
    """Return the navigational status each piece is sent with.

    Where the draw of its episode is below `share`, it is still that of the piece before the
    episode. The reporting interval follows what is typed in, not what is true.
    """
    begins = np.concatenate([[True], np.diff(timeline.episode) != 0])
    first = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
    stale = draws[timeline.episode] < share
    return np.where(stale, timeline.nav_status[np.maximum(first - 1, 0)], timeline.nav_status)


def find_pace(
    vessel: Vessel, timeline: Timeline, sent_status: NDArray[np.int8], settings: SendingSettings
) -> Pace:
    """Return how many position messages a set sends by when (class A 1 to 3, class B 18)."""
    if vessel.ais_class == "B":
        at_rest = timeline.speed_kn <= settings.class_b_resting_kn
        interval_s = np.where(at_rest, settings.class_b_resting_s, settings.class_b_s)
        return _as_pace(timeline.at_s, interval_s)
    bounds, piece, is_turning = _cut_at_turns(timeline, settings)
    speed = timeline.speed_kn[piece]
    resting = np.isin(sent_status[piece], (AT_ANCHOR, MOORED)) & (speed <= settings.resting_kn)
    interval_s = np.select(
        [resting, speed > settings.faster_kn, speed > settings.fast_kn],
        [
            np.full(len(piece), settings.resting_s),
            np.full(len(piece), settings.faster_s),
            np.where(is_turning, settings.fast_turning_s, settings.fast_s),
        ],
        np.where(is_turning, settings.slow_turning_s, settings.slow_s),
    )
    return _as_pace(bounds, interval_s)


def cut_span(step_s: int, span_s: int) -> Floats:
    """Return the edges of steps that cover a world; the last may be shorter."""
    return np.append(np.arange(0, span_s, step_s, dtype=float), float(span_s))


def cut_slots(timeline: Timeline, edges: Floats, messages: Floats, long_range_s: float) -> Slots:
    """Return slots between edges; `long_range_s` is inf where the set sends no type 27."""
    lon, lat = timeline.locate((edges[:-1] + edges[1:]) / 2)
    return Slots(edges[:-1], edges[1:], lon, lat, messages, np.diff(edges) / long_range_s)


def list_messages(
    timeline: Timeline,
    pace: Pace,
    span_s: int,
    long_range_s: float,
    random: np.random.Generator,
) -> Slots:
    """Return one slot of a second for every single message, type 27 among them."""
    first, last = pace.count_at(np.array([0.0, span_s]))
    own = np.floor(pace.time_of(np.arange(first + random.uniform(), last)))
    is_sent = np.isfinite(long_range_s)
    long = list_beats(long_range_s, span_s, random) if is_sent else np.zeros(0)
    at_s = np.concatenate([own, long])
    is_long = np.repeat([False, True], [len(own), len(long)])
    order = np.lexsort((is_long, at_s))
    at_s, is_long = at_s[order], is_long[order]
    return point_slots(timeline, at_s, is_long)


def list_beats(interval_s: float, span_s: int, random: np.random.Generator) -> Floats:
    """Return the whole seconds of messages sent at one interval from a random phase on."""
    return np.floor(np.arange(random.uniform(0, interval_s), span_s, interval_s))


def point_slots(timeline: Timeline, at_s: Floats, is_long: NDArray[np.bool_]) -> Slots:
    """Return the seconds of single messages as slots."""
    lon, lat = timeline.locate(at_s)
    return Slots(at_s, at_s + 1, lon, lat, (~is_long).astype(float), is_long.astype(float))


def _as_pace(bounds: Floats, interval_s: Floats) -> Pace:
    return Pace(bounds, np.concatenate([[0.0], np.cumsum(np.diff(bounds) / interval_s)]))


def _cut_at_turns(
    timeline: Timeline, settings: SendingSettings
) -> tuple[Floats, NDArray[np.intp], NDArray[np.bool_]]:
    """Return bounds, the piece each span between them belongs to, and whether it is a turn.

    After a knot at which the course changes, the first `turn_s` of the piece are the turn.
    """
    course, knots = find_courses(timeline), timeline.at_s
    change = np.abs((np.diff(course, prepend=course[0]) + 180) % 360 - 180)
    under_way = timeline.speed_kn > settings.resting_kn
    turns = (change >= settings.turn_deg) & under_way & np.roll(under_way, 1)
    turns[0] = False
    turned_s = np.minimum(knots[:-1] + settings.turn_s, knots[1:])
    bounds = np.unique(np.concatenate([knots, turned_s[turns]]))
    piece = np.searchsorted(knots, bounds[:-1], side="right") - 1
    return bounds, piece, turns[piece] & (bounds[:-1] < turned_s[piece])
