"""When a simulated vessel's set is off: around ports, over voyages, at sea, in port, by failure.

Each behaviour draws from a stream of its own and rolls the same dice whatever its shares are, so a
world in which one behaviour is changed keeps all the others.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from pipeline.errors import UsageError
from pipeline.simulate.model import Bools, Off, Timeline, Vessel
from pipeline.simulate.switching_calls import plan_dark_calls
from pipeline.simulate.switching_habits import list_habits
from pipeline.simulate.switching_plans import (
    Plans,
    cut_lit,
    find_covered,
    join_plans,
    list_stays,
    merge_plans,
    to_offs,
)
from pipeline.simulate.switching_settings import SwitchingSettings
from pipeline.simulate.switching_subject import HOUR_S, Subject

__all__ = ["SwitchingSettings", "switch_off"]


def switch_off(
    vessel: Vessel,
    timeline: Timeline,
    settings: SwitchingSettings,
    start: datetime,
    span_s: float,
    seed: int,
    forced: frozenset[int] = frozenset(),
    barred: frozenset[int] = frozenset(),
) -> tuple[Off, ...]:
    """Return when the vessel's set is off: disjoint, sorted, whole seconds from `start`.

    `forced` and `barred` index the timeline's visits: a forced one lies wholly inside one Off, a
    barred one of `min_visit_h` or more never does. Visits beside a forced one are barred too, and
    have no switch-off in port. An Off may reach beyond the world's span; one wholly outside it is
    left out. `barred` may name visits beyond the last. UsageError for visits both forced and
    barred, forced beyond the last, or forced where nobody may do it.
    """
    _check_wishes(settings, forced, barred, len(timeline.visits))
    if not settings.is_any:
        return ()
    stays = list_stays(timeline)
    is_forced = _mark(forced, len(timeline.visits))
    beside = _mark({visit + step for visit in forced for step in (-1, 1)}, len(is_forced))
    calm = beside & ~is_forced
    may_not = np.full(len(is_forced), not settings.is_any_dark_call)
    may_not |= _mark(barred, len(is_forced)) | calm
    subject = Subject(vessel, timeline, stays, settings, start, span_s, seed, calm)
    parts = [plan_dark_calls(subject, is_forced, may_not), *list_habits(subject)]
    merged = merge_plans(join_plans(parts), settings.shortest_on_s)
    return to_offs(_light_barred(subject, merged, may_not), span_s)


def _check_wishes(
    settings: SwitchingSettings, forced: frozenset[int], barred: frozenset[int], visits: int
) -> None:
    if forced & barred:
        raise UsageError(f"visits {sorted(forced & barred)} are both forced dark and barred")
    if forced and not (settings.is_any and settings.is_any_dark_call):
        raise UsageError("dark calls are asked for by number in a world that has none")
    if unknown := sorted(visit for visit in forced if not 0 <= visit < visits):
        raise UsageError(f"visits {unknown} are to be dark, of a timeline with {visits} visits")


def _mark(numbers: set[int] | frozenset[int], count: int) -> Bools:
    """Return which of `count` visits are among some numbers."""
    return np.isin(np.arange(count), list(numbers))


def _light_barred(subject: Subject, plans: Plans, may_not: Bools) -> Plans:
    """Return times off with a part of every barred visit cut out that they would wholly cover."""
    settings, stays = subject.settings, subject.stays
    dice = subject.draw("barred").random((len(may_not), 2))
    stay_s = stays.departure_s - stays.arrival_s
    dark = may_not & find_covered(plans, stays) & (stay_s >= settings.min_visit_h * HOUR_S)
    low, high = settings.barred_lit_share
    lit_s = stay_s * (low + (high - low) * dice[:, 0])
    lit_from = stays.arrival_s + dice[:, 1] * (stay_s - lit_s)
    return cut_lit(plans, np.floor(lit_from)[dark], np.ceil(lit_from + lit_s)[dark])
