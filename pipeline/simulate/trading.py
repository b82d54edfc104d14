"""The trading life of a merchant or ferry: stay, choose, sail, wait for a berth, stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulate.halts import lie
from pipeline.simulate.legs import Chart, reopening_s, wait_for_port_gates
from pipeline.simulate.logbook import Logbook
from pipeline.simulate.model import MOORED, Stop, Vessel, Visit
from pipeline.simulate.sailing import sail_leg
from pipeline.simulate.stays import (
    DAY_S,
    HOUR_S,
    StaySettings,
    draw_berth,
    draw_draught_m,
    draw_queue_s,
    draw_stay_s,
    type_destination,
)
from pipeline.simulate.trades import BEYOND, Habits, draw_order


@dataclass(frozen=True)
class Trader:
    """A trading vessel: itself, its chart, its habits and its luck."""

    vessel: Vessel
    chart: Chart
    stays: StaySettings
    habits: Habits
    longest_wait_s: float
    random: np.random.Generator

    @property
    def flag(self) -> str:
        """Flag at the beginning of the world: where it lays up and is repaired."""
        return self.vessel.identities[0].flag

    def country_of(self, place: str) -> str | None:
        """Return the country of a port; None beyond the region."""
        return None if place in BEYOND else self.chart.waters.ports[place].country


@dataclass(frozen=True)
class Call:
    """The next place to sail to and when to leave for it."""

    place: str
    leaves_s: float
    is_lay_up: bool


def ply(trader: Trader, begins_s: float, until_s: float) -> Logbook:
    """Return the log of a vessel that trades from `begins_s` until after `until_s`."""
    sides = {name: weight for side in trader.habits.sides for name, weight in side.items()}
    ports = {name: weight for name, weight in sides.items() if name not in BEYOND}
    place = draw_order(ports, trader.random)[0]
    log = Logbook(begins_s, *_draw_own_berth(trader, place))
    draught_m = draw_draught_m(trader.vessel, "", trader.stays, trader.random)
    log.sent.append((begins_s, _type(trader, place, ""), draught_m))
    side = trader.habits.side_of(place, 0)
    while log.now_s < until_s:
        call = _stay(trader, log, place, side, draught_m)
        if log.visits and place not in BEYOND:
            draught_m = log.visits[-1].draught_after_m
        _go(trader, log, place, call.place)
        place, side = call.place, trader.habits.side_of(call.place, side)
    # What follows an arrival after the world's end is logged too: a stop beyond the region is
    # known as such only once the vessel lies there.
    _stay(trader, log, place, side, draught_m)
    return log


def _draw_own_berth(trader: Trader, place: str) -> tuple[float, float]:
    port = trader.chart.waters.ports[place]
    return draw_berth(port.lon_deg, port.lat_deg, trader.stays.berth_km, trader.random)


def _type(trader: Trader, place: str, before: str) -> str:
    return type_destination(place, before, trader.stays, trader.random)


def _stay(trader: Trader, log: Logbook, place: str, side: int, draught_m: float) -> Call:
    """Lie where the vessel arrived, log it, and return the call that comes next."""
    arrival_s, country = log.now_s, trader.country_of(place)
    kind, stay_s = _draw_stay(trader, country)
    call = choose_call(trader, place, side, arrival_s + stay_s)
    log.rest(call.leaves_s, MOORED)
    _, text, sent_m = log.sent[-1]
    if country is None:
        log.stops.append(Stop(kind, place, arrival_s, call.leaves_s))
    else:
        after_m = draw_draught_m(trader.vessel, country, trader.stays, trader.random)
        is_sent = bool(trader.random.uniform() < trader.stays.draught_sent_share)
        sent_m = after_m if is_sent else sent_m
        kind = "lay_up" if call.is_lay_up else kind
        where = place, trader.chart.waters.ports[place].group, country
        span = arrival_s, call.leaves_s
        log.visits.append(Visit(*where, *span, draught_m, after_m, is_sent, kind))
    log.sent.append((call.leaves_s, _type(trader, call.place, text), sent_m))
    return call


def _draw_stay(trader: Trader, country: str | None) -> tuple[str, float]:
    """Return the kind of a stay and its least length in seconds."""
    stays, random, fleet = trader.stays, trader.random, trader.vessel.fleet
    if country is None:
        return "outside", random.uniform(*stays.outside_d) * DAY_S
    repaired, unemployed = random.uniform(size=2)
    if country == trader.flag and repaired < stays.repair_share:
        return "repair", random.uniform(*stays.repair_d) * DAY_S
    if fleet == "ferry":
        return "ferry", draw_stay_s(fleet, stays, random)
    if country == trader.flag and unemployed < stays.unemployed_share:
        return "lay_up", random.uniform(*stays.unemployed_d) * DAY_S
    return "cargo", draw_stay_s(fleet, stays, random)


def choose_call(trader: Trader, place: str, side: int, ready_s: float) -> Call:
    """Return where a vessel that is ready at an instant sails to, and when it leaves.

    It waits for a convoy or a cleared grounding. Where the way it would like is shut for longer,
    it lays up if it lies under its own flag and chance has it, else sails elsewhere; where
    everything is shut it waits for the first way to open.
    """
    chart, random, stays = trader.chart, trader.random, trader.stays
    first: tuple[str, float] | None = None
    for option in trader.habits.offer(place, side, random):
        leg = chart.leg(place, option)
        leaves_s = wait_for_port_gates(leg, chart.calendar, chart.settings, ready_s)
        wait_s = leaves_s - ready_s
        planned_kn = trader.vessel.speed_kn * chart.settings.planned_factor
        wait_s += reopening_s(leg, chart.calendar, planned_kn, leaves_s)
        if wait_s <= trader.longest_wait_s:
            late_s = random.uniform(0, chart.settings.gate_spread_h) * HOUR_S
            return Call(option, leaves_s + (late_s if leaves_s > ready_s else 0.0), False)
        if first is None:
            first = option, ready_s + wait_s
            is_home = trader.country_of(place) == trader.flag
            if is_home and random.uniform() < stays.lay_up_share:
                break
    assert first is not None, "a trade has two places"
    more_s = random.uniform(*stays.lay_up_more_d) * DAY_S
    return Call(first[0], first[1] + more_s, place not in BEYOND)


def _go(trader: Trader, log: Logbook, place: str, to: str) -> None:
    """Sail to a place, by its roads where the berth is taken."""
    chart, random, speed_kn = trader.chart, trader.random, trader.vessel.speed_kn
    way = chart.calendar, chart.settings, speed_kn, random
    if to in BEYOND:
        sail_leg(log, chart.leg(place, to), *way, is_cleared=True)
        return
    queue_s = draw_queue_s(trader.vessel.fleet, trader.stays, random)
    berth = _draw_own_berth(trader, to)
    # Who comes down a river to a port with its roads at sea waits at the berth, not there.
    if not queue_s or (place not in BEYOND and not chart.waters.are_roads_on_way(place, to)):
        sail_leg(log, chart.leg(place, to), *way, end=berth, is_cleared=True)
        return
    roads = f"roads:{to}"
    out, home = chart.leg(place, roads), chart.leg(roads, to)
    sail_leg(log, out, *way, is_cleared=True)
    is_sea = bool(out.water[-1] == "sea")
    lie(log, "roads", to, log.now_s + queue_s, chart.settings, is_sea, random)
    # Who waits in a river is in it already; who waits at its mouth has its gate ahead.
    sail_leg(log, home, *way, end=berth, is_cleared=bool(out.water[-1] == home.water[0]))
