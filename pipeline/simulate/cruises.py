"""Days at sea and back to the base: fishing trips and naval exercises."""

from __future__ import annotations

import numpy as np

from pipeline.simulate.legs import Chart
from pipeline.simulate.logbook import KM_PER_DEG, KM_PER_NM, Logbook, draw_in_disc, flat_km
from pipeline.simulate.model import FISHING, MOORED, UNDER_WAY, Vessel, Visit
from pipeline.simulate.rounds import HOUR_S, stay_at
from pipeline.simulate.sailing import sail_leg
from pipeline.simulate.setting import JUDGEMENT, Group, setting


class Cruise(Group):
    """How one sort of vessel goes to sea from its base."""

    stay_h: tuple[float, float] = setting((12.0, 120.0), "h", f"{JUDGEMENT}: at the base")
    at_sea_h: tuple[float, float] = setting(
        (24.0, 144.0), "h", "issue of the simulator: fishing trips of 1-6 days"
    )
    kn: tuple[float, float] = setting((2.5, 4.5), "kn", f"{JUDGEMENT}: with gear out, or patrol")
    radius_km: float = setting(12.0, "km", f"{JUDGEMENT}: size of a ground")
    shore_km: float = setting(
        20.0, "km", f"{JUDGEMENT}: more than its size, so that no straight line crosses land"
    )
    box_deg: float = setting(1.3, "deg", f"{JUDGEMENT}: grounds lie this near to the base")
    grounds: int = setting(6, "", f"{JUDGEMENT}: each vessel has its own")
    status: int = setting(FISHING, "ITU-R M.1371", "engaged in fishing, or 0 under way")


CRUISES = {
    "fishing": Cruise(),
    "naval": Cruise(
        stay_h=(72.0, 900.0),
        at_sea_h=(8.0, 96.0),
        kn=(7.0, 11.0),
        radius_km=18.0,
        shore_km=22.0,
        status=UNDER_WAY,
    ),
}


def cruise(
    log: Logbook,
    vessel: Vessel,
    chart: Chart,
    cruises: Cruise,
    until_s: float,
    random: np.random.Generator,
    visit: Visit,
) -> None:
    """Lie at the base and go to sea, again and again, until the instant is past.

    `visit` is a visit to the base; its instants are filled in. Some of the grounds may lie
    further off than `box_deg` where the sea near the base is too narrow.
    """
    grounds = draw_grounds(chart, vessel.home, cruises, random)
    berth = log.lon_deg, log.lat_deg
    while True:
        arrival_s = log.now_s
        log.rest(arrival_s + random.uniform(*cruises.stay_h) * HOUR_S, MOORED)
        log.visits.append(stay_at(visit, arrival_s, log.now_s))
        if log.now_s >= until_s:
            return
        ground = grounds[int(random.integers(len(grounds)))]
        way = chart.calendar, chart.settings, vessel.speed_kn, random
        sail_leg(log, chart.leg(vessel.home, ground), *way)
        _cross_about(log, cruises, vessel.speed_kn, random)
        sail_leg(log, chart.leg(ground, vessel.home), *way, end=berth)


def draw_grounds(
    chart: Chart, base: str, cruises: Cruise, random: np.random.Generator
) -> list[tuple[float, float]]:
    """Return the middles of a vessel's grounds, at sea and far enough from any shore."""
    port = chart.waters.ports[base]
    box = (
        port.roads_lon_deg - cruises.box_deg,
        port.roads_lat_deg - cruises.box_deg,
        port.roads_lon_deg + cruises.box_deg,
        port.roads_lat_deg + cruises.box_deg,
    )
    lon, lat = chart.waters.draw_sea_points(
        cruises.grounds, random, box=box, at_least_km_from_shore=cruises.shore_km
    )
    return [(float(x), float(y)) for x, y in zip(lon, lat, strict=True)]


def _cross_about(
    log: Logbook, cruises: Cruise, speed_kn: float, random: np.random.Generator
) -> None:
    """Sail from point to point of a ground, and back to its middle."""
    slow, fast = (min(kn, speed_kn) for kn in cruises.kn)
    hours = random.uniform(*cruises.at_sea_h)
    # The mean distance of two points of a disc is 0.905 radii (128 / 45 pi).
    count = 2 + int(hours * (slow + fast) / 2 * KM_PER_NM / (0.905 * cruises.radius_km))
    east_km, north_km = draw_in_disc(random, count, cruises.radius_km)
    scale = KM_PER_DEG * np.cos(np.radians(log.lat_deg))
    lon = np.concatenate([[log.lon_deg], log.lon_deg + east_km / scale, [log.lon_deg]])
    lat = np.concatenate([[log.lat_deg], log.lat_deg + north_km / KM_PER_DEG, [log.lat_deg]])
    kn = random.uniform(slow, fast, count + 1)
    took_s = flat_km(lon[:-1], lat[:-1], lon[1:], lat[1:]) / (kn * KM_PER_NM) * HOUR_S
    log.move(log.now_s + np.cumsum(took_s), lon[1:], lat[1:], kn, cruises.status)
