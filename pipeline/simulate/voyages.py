"""The whole plan of one vessel: where it is at every instant of a world, and what it does there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import UsageError
from pipeline.simulate.closures import Calendar
from pipeline.simulate.cruises import CRUISES, Cruise, cruise
from pipeline.simulate.legs import Chart, LegSettings
from pipeline.simulate.logbook import Logbook
from pipeline.simulate.model import Stop, Timeline, Vessel, Visit
from pipeline.simulate.rounds import DAY_S, RoundSettings, find_ways, work_rounds
from pipeline.simulate.setting import JUDGEMENT, Group, setting, stream
from pipeline.simulate.stays import StaySettings, draw_berth
from pipeline.simulate.towing import TowSettings, follow_tug, lie_at_home, tow_to_and_fro
from pipeline.simulate.trades import TRADES, Trade, draw_habits
from pipeline.simulate.trading import Trader, ply

if TYPE_CHECKING:
    from pipeline.simulate.waters import Waters


class VoyageSettings(Group):
    """How vessels move, trade, stay and work."""

    legs: LegSettings = LegSettings()
    stays: StaySettings = StaySettings()
    rounds: RoundSettings = RoundSettings()
    tows: TowSettings = TowSettings()
    trades: dict[str, Trade] = setting(
        TRADES, "", f"{JUDGEMENT}: after the ports METHOD names and the lines that are advertised"
    )
    cruises: dict[str, Cruise] = setting(CRUISES, "", f"{JUDGEMENT}: by habit of the vessel")
    own_taste: float = setting(
        1.2, "", f"{JUDGEMENT}: Gamma shape of a ship's own weights; small means few ports each"
    )
    longest_wait_d: float = setting(
        12.0, "d", f"{JUDGEMENT}: who would wait longer at a gate sails elsewhere or lays up"
    )
    warm_up_d: tuple[float, float] = setting(
        (25.0, 70.0), "d", f"{JUDGEMENT}: plans begin this long before the world, in mid-life"
    )


@dataclass(frozen=True)
class Base:
    """A vessel's own berth at home."""

    berth: tuple[float, float]
    visit: Visit


def sail(
    vessel: Vessel,
    waters: Waters,
    calendar: Calendar,
    settings: VoyageSettings,
    span_s: float,
    start: datetime,
    seed: int,
    tug_timeline: Timeline | None = None,
) -> Timeline:
    """Return the plan of one vessel from some weeks before the world to its end or later.

    It depends on settings and seed alone, not on other vessels (but a tow on its tug).

    Args:
        vessel: whose plan.
        waters: ports and routes.
        calendar: when waterways are shut.
        settings: of trades, stays, legs and craft.
        span_s: length of the world in seconds.
        start: its first instant, UTC.
        seed: of the world.
        tug_timeline: of the vessel that tows this one; None: it lies in port.

    Raises:
        UsageError: no settings for the vessel's habit.
    """
    random = stream(seed, "voyages", vessel.number)
    begins_s = -float(np.round(random.uniform(*settings.warm_up_d) * DAY_S))
    if vessel.fleet in ("merchant", "ferry"):
        return _trade(vessel, waters, calendar, settings, (begins_s, span_s), random)
    base = _draw_base(vessel, waters, settings, random)
    if vessel.fleet == "in_tow":
        if tug_timeline is None:
            return lie_at_home(vessel, base.visit, base.berth, (begins_s, span_s + DAY_S))
        return follow_tug(vessel, tug_timeline, settings.tows, random.uniform())
    chart = Chart(waters, calendar, without_chances(settings.legs))
    return _work(vessel, chart, settings, base, (begins_s, span_s), start, random)


def without_chances(settings: LegSettings) -> LegSettings:
    """Return settings without drifting, ship-to-ship transfer and running aground."""
    return settings.model_copy(update={"drift_share": 0.0, "sts_share": 0.0, "aground_share": 0.0})


def _draw_base(
    vessel: Vessel, waters: Waters, settings: VoyageSettings, random: np.random.Generator
) -> Base:
    port, light_m = waters.ports[vessel.home], vessel.draught_light_m
    berth = draw_berth(port.lon_deg, port.lat_deg, settings.rounds.base_km, random)
    visit = Visit(vessel.home, port.group, port.country, 0.0, 0.0, light_m, light_m, False, "base")
    return Base(berth, visit)


def _trade(
    vessel: Vessel,
    waters: Waters,
    calendar: Calendar,
    settings: VoyageSettings,
    span: tuple[float, float],
    random: np.random.Generator,
) -> Timeline:
    trade = settings.trades.get(vessel.habit)
    if trade is None:
        raise UsageError(f"voyages.trades: no trade {vessel.habit!r} for vessel {vessel.number}")
    is_merchant = vessel.fleet == "merchant"
    legs = settings.legs if is_merchant else without_chances(settings.legs)
    trader = Trader(
        vessel,
        Chart(waters, calendar, legs),
        settings.stays,
        draw_habits(trade, settings.own_taste if is_merchant else 1.0, random),
        settings.longest_wait_d * DAY_S,
        random,
    )
    return extend_outside(ply(trader, *span).finish(), waters)


def _work(
    vessel: Vessel,
    chart: Chart,
    settings: VoyageSettings,
    base: Base,
    span: tuple[float, float],
    start: datetime,
    random: np.random.Generator,
) -> Timeline:
    """Return the plan of a vessel with a base: service craft, small craft, fishing, naval."""
    log = Logbook(span[0], *base.berth)
    log.sent.append((span[0], "", vessel.draught_light_m))
    habit = vessel.habit
    if habit in settings.cruises:
        cruise(log, vessel, chart, settings.cruises[habit], span[1], random, base.visit)
        return log.finish()
    rounds = settings.rounds.rounds.get(habit)
    if rounds is None:
        raise UsageError(f"voyages.rounds: nothing for habit {habit!r} of vessel {vessel.number}")
    ways = find_ways(chart, vessel.home, base.berth, settings.rounds)
    if habit == "tug_tow":
        both = settings.tows, settings.stays
        near = vessel, chart, ways, rounds, both
        tow_to_and_fro(log, *near, span[1], start, random, base.visit)
    else:
        work_rounds(log, vessel, ways, rounds, span[1], start, random, base.visit)
    return log.finish()


def extend_outside(timeline: Timeline, waters: Waters) -> Timeline:
    """Return the timeline with its stops beyond the region reaching over all knots outside it."""
    if all(stop.kind != "outside" for stop in timeline.stops):
        return timeline
    inside = np.flatnonzero(waters.is_inside_region(timeline.lon_deg, timeline.lat_deg))
    at_s = timeline.at_s
    stops: list[Stop] = []
    for stop in timeline.stops:
        if stop.kind != "outside":
            stops.append(stop)
        else:
            knot = np.searchsorted(at_s, stop.from_s)
            after = int(np.searchsorted(inside, knot))
            left = inside[after - 1] + 1 if after > 0 else 0
            back = inside[after] - 1 if after < len(inside) else len(at_s) - 1
            span = float(at_s[left]), float(at_s[max(back, left)])
            stops.append(Stop(stop.kind, stop.place, *span))
    return replace(timeline, stops=tuple(stops))
