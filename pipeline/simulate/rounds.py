"""Work near the base: tugs, pilots and dredgers to and fro, small craft on day trips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from pipeline.simulate.legs import Chart, Leg
from pipeline.simulate.logbook import KM_PER_NM, Logbook, flat_km
from pipeline.simulate.model import MOORED, UNDER_WAY, Floats, Vessel, Visit
from pipeline.simulate.setting import JUDGEMENT, Group, setting

HOUR_S, DAY_S = 3600.0, 86_400.0
SUMMER = range(4, 11)


class Rounds(Group):
    """How one sort of craft works near its base."""

    stay_median_h: float = setting(4.0, "h", f"{JUDGEMENT}: at the base between two jobs")
    stay_sigma: float = setting(0.8, "", f"{JUDGEMENT}: lognormal")
    shortest_stay_h: float = setting(0.5, "h", f"{JUDGEMENT}: to change crew")
    out_km: tuple[float, float] = setting((2.0, 25.0), "km", f"{JUDGEMENT}: tens of km from base")
    work_h: tuple[float, float] = setting((0.5, 4.0), "h", f"{JUDGEMENT}: one job")
    work_km: float = setting(0.3, "km", f"{JUDGEMENT}: room the job takes")
    work_every_h: float = setting(0.5, "h", f"{JUDGEMENT}: between turns at work")
    pace: tuple[float, float] = setting(
        (0.6, 1.0), "factor on speed", f"{JUDGEMENT}: seldom in haste"
    )
    trips_a_day: tuple[float, float] | None = setting(
        None, "1/d in summer, in winter", "day trips from a morning on; by default day and night"
    )
    leaves_at_h: tuple[float, float] = setting(
        (2.0, 8.0), "h UTC", f"{JUDGEMENT}: mornings on the Caspian, where trips are by day"
    )


ROUNDS = {
    "tug": Rounds(stay_median_h=8.0),
    "tug_tow": Rounds(stay_median_h=9.0),
    "pilot": Rounds(stay_median_h=6.0, work_h=(0.3, 1.0), work_km=0.1),
    "dredger": Rounds(
        stay_median_h=14.0, out_km=(1.0, 12.0), work_h=(8.0, 30.0), work_km=0.6, work_every_h=1.0
    ),
    "class_b": Rounds(out_km=(1.0, 30.0), work_h=(0.5, 5.0), work_km=1.0, trips_a_day=(0.35, 0.08)),
}


class RoundSettings(Group):
    """Rounds by habit, and where they lead."""

    rounds: dict[str, Rounds] = setting(ROUNDS, "", f"{JUDGEMENT}: by habit of the vessel")
    neighbours: int = setting(
        3, "ports", f"{JUDGEMENT}: craft work on the ways to these and to the roads"
    )
    least_km: float = setting(2.0, "km", f"{JUDGEMENT}: a way with less to a shut river is none")
    base_km: float = setting(0.25, "km", f"{JUDGEMENT}: own berth, some 100 m from the others'")


@dataclass(frozen=True)
class Way:
    """A way out of the base: points, km along it, and factor on speed of its pieces."""

    lon_deg: Floats
    lat_deg: Floats
    km: Floats
    factor: Floats
    limit_km: float


def find_ways(
    chart: Chart, base: str, berth: tuple[float, float], settings: RoundSettings
) -> list[Way]:
    """Return the ways from a berth of the base to its roads and towards its neighbours.

    They end where a river begins that is shut in winter: near work is done all year.
    """
    ports = chart.waters.ports
    lon = np.array([port.lon_deg for port in ports.values()])
    lat = np.array([port.lat_deg for port in ports.values()])
    away_km = flat_km(np.array(berth[0]), np.array(berth[1]), lon, lat)
    nearest = [list(ports)[at] for at in np.argsort(away_km, kind="stable")]
    others = [name for name in nearest if name != base][: settings.neighbours]
    ways = [_make_way(chart, chart.leg(base, place), berth) for place in (f"roads:{base}", *others)]
    return [way for way in ways if way.limit_km >= settings.least_km] or ways[:1]


def _make_way(chart: Chart, leg: Leg, berth: tuple[float, float]) -> Way:
    lon, lat, pieces_km = leg.lon_deg.copy(), leg.lat_deg.copy(), np.diff(leg.km)
    lon[0], lat[0] = berth
    pieces_km[0] = max(float(flat_km(lon[:1], lat[:1], lon[1:2], lat[1:2])[0]), 1e-3)
    seasonal = [gate.km for gate in leg.gates if gate.waterway != chart.calendar.ice_waterway]
    km = np.concatenate([[0.0], np.cumsum(pieces_km)])
    return Way(lon, lat, km, leg.factor, min([float(km[-1]), *seasonal]))


def work_rounds(
    log: Logbook,
    vessel: Vessel,
    ways: list[Way],
    rounds: Rounds,
    until_s: float,
    start: datetime,
    random: np.random.Generator,
    visit: Visit,
) -> None:
    """Lie at the base and go out to work, again and again, until the instant is past.

    Args:
        log: of a vessel that lies at its base; so it does in the end.
        vessel: whose speed counts.
        ways: where it works.
        rounds: how.
        until_s: the last stay ends after it.
        start: first instant of the world, for summer and winter.
        random: decides all chances.
        visit: a visit to the base; instants are filled in.
    """
    while True:
        arrival_s = log.now_s
        log.rest(_next_trip_s(rounds, arrival_s, start, random), MOORED)
        log.visits.append(stay_at(visit, arrival_s, log.now_s))
        if log.now_s >= until_s:
            return
        way = ways[int(random.integers(len(ways)))]
        out_km, work_h = random.uniform(*rounds.out_km), random.uniform(*rounds.work_h)
        speed_kn = vessel.speed_kn * random.uniform(*rounds.pace)
        to_km = min(out_km, way.limit_km)
        _go_along(log, way, 0.0, to_km, speed_kn)
        work = log.now_s + work_h * HOUR_S, rounds.work_km, rounds.work_every_h * HOUR_S
        log.turn_about(*work, UNDER_WAY, random, is_at_rest=False)
        _go_along(log, way, to_km, 0.0, speed_kn)


def stay_at(visit: Visit, arrival_s: float, departure_s: float) -> Visit:
    """Return a visit like another, at another time (`dataclasses.replace`, but fast)."""
    return Visit(
        visit.port,
        visit.port_group,
        visit.country,
        arrival_s,
        departure_s,
        visit.draught_before_m,
        visit.draught_after_m,
        visit.is_draught_sent,
        visit.kind,
    )


def _next_trip_s(
    rounds: Rounds, now_s: float, start: datetime, random: np.random.Generator
) -> float:
    """Return when a craft that has just come in goes out again."""
    stay_h = max(
        rounds.stay_median_h * float(np.exp(random.normal(0, rounds.stay_sigma))),
        rounds.shortest_stay_h,
    )
    if rounds.trips_a_day is None:
        return now_s + stay_h * HOUR_S
    month = (start + timedelta(seconds=now_s)).month
    share = rounds.trips_a_day[0 if month in SUMMER else 1]
    midnight_s = (np.floor(now_s / DAY_S) + random.geometric(share)) * DAY_S
    return float(midnight_s + random.uniform(*rounds.leaves_at_h) * HOUR_S)


def _go_along(log: Logbook, way: Way, from_km: float, to_km: float, speed_kn: float) -> None:
    """Sail on a way from one km to another, either direction."""
    low, high = min(from_km, to_km), max(from_km, to_km)
    first, after = np.searchsorted(way.km, low, "right"), np.searchsorted(way.km, high, "left")
    knots_km = np.concatenate([[low], way.km[first:after], [high]])
    speeds_kn = speed_kn * way.factor[first - 1 : after]
    if from_km > to_km:
        knots_km, speeds_kn = knots_km[::-1], speeds_kn[::-1]
    took_s = np.abs(np.diff(knots_km)) / (speeds_kn * KM_PER_NM) * HOUR_S
    log.move(
        log.now_s + np.cumsum(took_s),
        np.interp(knots_km[1:], way.km, way.lon_deg),
        np.interp(knots_km[1:], way.km, way.lat_deg),
        speeds_kn,
        UNDER_WAY,
    )
