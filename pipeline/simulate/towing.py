"""Tugs that tow, and what hangs behind them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np

from pipeline.errors import UsageError
from pipeline.simulate.legs import Chart, runs
from pipeline.simulate.logbook import KM_PER_NM, Logbook, flat_km
from pipeline.simulate.model import AT_ANCHOR, MOORED, UNDER_WAY, Timeline, Vessel, Visit
from pipeline.simulate.rounds import DAY_S, HOUR_S, Rounds, Way, stay_at, work_rounds
from pipeline.simulate.sailing import sail_leg
from pipeline.simulate.setting import JUDGEMENT, Group, setting
from pipeline.simulate.stays import StaySettings, draw_stay_s

TOWING_ASTERN = 11  # ITU-R M.1371: power-driven vessel towing astern
AT_REST_KN = 0.5  # METHOD 6: GFW's value; between waits (0 kn) and tows (4 kn and more)


class TowSettings(Group):
    """How tugs tow."""

    tow_kn: tuple[float, float] = setting((4.6, 5.4), "kn", f"{JUDGEMENT}: a laden barge astern")
    way_km: tuple[float, float] = setting(
        (40.0, 500.0), "km", f"{JUDGEMENT}: to another port of the same state, open all year"
    )
    at_base_d: tuple[float, float] = setting(
        (4.0, 20.0), "d", f"{JUDGEMENT}: harbour work between two tows"
    )
    berth_kn: float = setting(2.0, "kn", f"{JUDGEMENT}: the last metres to the berth")
    behind_m: tuple[float, float] = setting(
        (220.0, 380.0), "m", "issue of the simulator: a tow follows 200-400 m behind"
    )


def tow_to_and_fro(
    log: Logbook,
    vessel: Vessel,
    chart: Chart,
    ways: list[Way],
    rounds: Rounds,
    settings: tuple[TowSettings, StaySettings],
    until_s: float,
    start: datetime,
    random: np.random.Generator,
    visit: Visit,
) -> None:
    """Work near the base, tow to another port, stay there, tow back; until the instant is past."""
    tows, stays = settings
    other = choose_tow_port(chart, vessel.home, tows, random)
    berth = log.lon_deg, log.lat_deg
    near = vessel, ways, rounds
    if other is None:
        work_rounds(log, *near, until_s, start, random, visit)
        return
    port = chart.waters.ports[other]
    there = replace(visit, port=other, port_group=port.group, country=port.country, kind="cargo")
    while True:
        at_base_s = random.uniform(*tows.at_base_d) * DAY_S
        work_rounds(log, *near, log.now_s + at_base_s, start, random, visit)
        if log.now_s >= until_s:
            return
        way = chart.calendar, chart.settings, random.uniform(*tows.tow_kn), random
        sail_leg(log, chart.leg(vessel.home, other), *way, status=TOWING_ASTERN)
        arrival_s = log.now_s
        log.rest(arrival_s + draw_stay_s("service", stays, random), MOORED)
        log.visits.append(stay_at(there, arrival_s, log.now_s))
        sail_leg(log, chart.leg(other, vessel.home), *way, end=berth, status=TOWING_ASTERN)


def choose_tow_port(
    chart: Chart, base: str, settings: TowSettings, random: np.random.Generator
) -> str | None:
    """Return a port of the same state to tow to, or None where there is none all year round."""
    ports = chart.waters.ports
    near, far = settings.way_km
    fits = []
    for name, port in ports.items():
        if name == base or port.country != ports[base].country:
            continue
        leg = chart.leg(base, name)
        is_open = all(gate.waterway == chart.calendar.ice_waterway for gate in leg.gates)
        if is_open and near <= leg.long_km <= far:
            fits.append(name)
    return fits[int(random.integers(len(fits)))] if fits else None


def follow_tug(vessel: Vessel, tug: Timeline, settings: TowSettings, behind: float) -> Timeline:
    """Return the timeline of a vessel that is towed wherever its tug tows, and lies there else.

    It is on the tug's track, a fixed way behind; in port it lies at the tug's own berth.

    Args:
        vessel: the tow.
        tug: timeline of its tug.
        settings: how far behind a tow may be.
        behind: 0 to 1, where in that range this one is.

    Raises:
        UsageError: the tug's timeline holds no visit.
    """
    if not tug.visits:
        raise UsageError(f"vessel {vessel.number}: its tug calls nowhere")
    behind_km = float(np.interp(behind, [0, 1], settings.behind_m)) / 1000
    first = int(np.searchsorted(tug.at_s, tug.visits[0].arrival_s))
    log = Logbook(float(tug.at_s[first]), float(tug.lon_deg[first]), float(tug.lat_deg[first]))
    log.sent.append((log.now_s, "", vessel.draught_light_m))
    arrived_s = log.now_s
    for here, after in pairwise(tug.visits):
        if here.port == after.port:
            continue
        leaves_s = _follow(log, tug, here.departure_s, after.arrival_s, behind_km, settings)
        log.visits.append(_lie(vessel, here, arrived_s, leaves_s))
        arrived_s = log.now_s
    log.rest(max(float(tug.at_s[-1]), log.now_s + DAY_S), MOORED)
    log.visits.append(_lie(vessel, tug.visits[-1], arrived_s, log.now_s))
    return log.finish()


def _follow(
    log: Logbook, tug: Timeline, from_s: float, to_s: float, behind_km: float, settings: TowSettings
) -> float:
    """Log one tow behind the tug and return when it began to move."""
    first, last = np.searchsorted(tug.at_s, [from_s, to_s])
    at_s, lon, lat = (one[first : last + 1] for one in (tug.at_s, tug.lon_deg, tug.lat_deg))
    km = np.concatenate([[0.0], np.cumsum(flat_km(lon[:-1], lat[:-1], lon[1:], lat[1:]))])
    leaves_s = float(np.interp(behind_km, km, at_s))
    # When the tow passes the tug's knots, and where it is when the tug passes them.
    knots_s = np.concatenate([at_s, np.interp(km + behind_km, km, at_s)])
    knots_s = np.unique(np.round(knots_s[(knots_s > leaves_s) & (knots_s <= at_s[-1])], 3))
    along_km = np.append(np.interp(knots_s, at_s, km) - behind_km, km[-1])
    berths_s = behind_km / (settings.berth_kn * KM_PER_NM) * HOUR_S
    knots_s = np.append(knots_s, at_s[-1] + berths_s)
    log.rest(leaves_s, MOORED)
    pieces_s = np.diff(knots_s, prepend=leaves_s)
    kn = np.diff(along_km, prepend=0.0) / KM_PER_NM / pieces_s * HOUR_S
    is_at_rest = kn < AT_REST_KN
    for begin, end in runs(is_at_rest):
        of = slice(begin, end + 1)
        status = AT_ANCHOR if is_at_rest[begin] else UNDER_WAY
        place = np.interp(along_km[of], km, lon), np.interp(along_km[of], km, lat)
        log.move(knots_s[of], *place, kn[of], status, bool(is_at_rest[begin]))
    return leaves_s


def lie_at_home(
    vessel: Vessel, visit: Visit, berth: tuple[float, float], span: tuple[float, float]
) -> Timeline:
    """Return the timeline of a tow without a tug: it lies in port from `span[0]` to `span[1]`."""
    log = Logbook(span[0], *berth)
    log.rest(span[1], MOORED)
    log.visits.append(stay_at(visit, *span))
    log.sent.append((span[0], "", vessel.draught_light_m))
    return log.finish()


def _lie(vessel: Vessel, like: Visit, arrival_s: float, departure_s: float) -> Visit:
    """Return the visit of a tow where its tug calls, with a draught of its own."""
    light_m = vessel.draught_light_m
    own = replace(like, draught_before_m=light_m, draught_after_m=light_m, is_draught_sent=False)
    return stay_at(own, arrival_s, departure_s)
