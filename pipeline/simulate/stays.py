"""Stays: how long vessels lie at a berth or wait for it, what they load, and what they type in."""

from __future__ import annotations

import numpy as np

from pipeline.simulate.logbook import draw_in_disc, shift_point
from pipeline.simulate.model import Vessel
from pipeline.simulate.setting import JUDGEMENT, Group, setting

HOUR_S, DAY_S = 3600.0, 86_400.0


class StaySettings(Group):
    """Berths, queues, cargo and the voyage data crews type in."""

    berth_median_h: dict[str, float] = setting(
        {"merchant": 36.0, "ferry": 11.0, "service": 30.0},
        "h",
        f"{JUDGEMENT}: cargo work takes 18-72 h as a rule; 12 h is usual at least (METHOD 5)",
    )
    berth_sigma: dict[str, float] = setting(
        {"merchant": 0.65, "ferry": 0.5, "service": 0.5},
        "",
        f"{JUDGEMENT}: lognormal; some stays under 12 h, some a week",
    )
    shortest_h: float = setting(3.0, "h", f"{JUDGEMENT}: nobody loads faster")
    idle_share: dict[str, float] = setting(
        {"merchant": 0.28, "ferry": 0.1, "service": 0.0},
        "share of calls",
        f"{JUDGEMENT}: wait in port for cargo, papers or weather",
    )
    idle_median_d: dict[str, float] = setting(
        {"merchant": 5.0, "ferry": 1.0, "service": 1.0}, "d", f"{JUDGEMENT}: such a wait"
    )
    idle_sigma: float = setting(0.8, "", f"{JUDGEMENT}: lognormal")
    longest_idle_d: float = setting(25.0, "d", f"{JUDGEMENT}: longer is laid up")
    longest_queue_h: float = setting(300.0, "h", f"{JUDGEMENT}: nobody waits longer at anchor")
    queue_share: dict[str, float] = setting(
        {"merchant": 0.5, "ferry": 0.35, "service": 0.0},
        "share of calls",
        f"{JUDGEMENT}: half of the calls find the berth free",
    )
    queue_median_h: float = setting(20.0, "h", f"{JUDGEMENT}: hours to days at anchor")
    queue_sigma: float = setting(1.15, "", f"{JUDGEMENT}: lognormal")
    berth_km: float = setting(0.25, "km", f"{JUDGEMENT}: berths of a port lie some 100 m apart")
    repair_share: float = setting(
        0.012, "share of calls", f"{JUDGEMENT}: a stay in dock every other year"
    )
    repair_d: tuple[float, float] = setting((8.0, 40.0), "d", JUDGEMENT)
    unemployed_share: float = setting(
        0.26,
        "share of calls in own ports",
        f"{JUDGEMENT}: laid up between two charters; with it a ship makes some 25-30 calls a year",
    )
    unemployed_d: tuple[float, float] = setting(
        (14.0, 70.0), "d", f"{JUDGEMENT}: METHOD 4 calls 14 days and more laid up"
    )
    outside_d: tuple[float, float] = setting(
        (10.0, 40.0), "d", "issue of the simulator: away by Azov or up the Volga"
    )
    lay_up_share: float = setting(
        0.4, "share", f"{JUDGEMENT}: of those in a port of their flag whose river is shut"
    )
    lay_up_more_d: tuple[float, float] = setting(
        (0.0, 20.0), "d", f"{JUDGEMENT}: not all sail on the first day of the season"
    )
    laden_out: dict[str, float] = setting(
        {"RUS": 0.85, "IRN": 0.4, "AZE": 0.45, "KAZ": 0.85, "TKM": 0.75},
        "share of departures",
        f"{JUDGEMENT}: grain and metals go south, less comes back",
    )
    tanker_laden_out: dict[str, float] = setting(
        {"RUS": 0.2, "IRN": 0.1, "AZE": 0.15, "KAZ": 0.95, "TKM": 0.95},
        "share of departures",
        f"{JUDGEMENT}: oil and products come from the east",
    )
    part: float = setting(
        0.2, "share of the range", f"{JUDGEMENT}: light and laden ships differ in trim by this"
    )
    draught_sent_share: float = setting(
        0.53, "share of visits", "METHOD 6: 47 % of visits carry no draught"
    )
    destination_right_share: float = setting(
        0.52, "share of visits", "METHOD 6: 40-52 % of destinations are wrong"
    )
    destination_stale_share: float = setting(
        0.5, "share of the wrong ones", f"{JUDGEMENT}: most often nobody typed anything"
    )
    destination_other: tuple[str, ...] = setting(
        ("", "", "CASPIAN SEA", "FOR ORDERS", "ASTRAKHAN ROADS", "RU RND", "HOME PORT"),
        "",
        f"{JUDGEMENT}: what crews type instead",
    )
    beyond_texts: dict[str, tuple[str, ...]] = setting(
        {"azov": ("KAVKAZ", "SAMSUN", "TRABZON", "NOVOROSSIYSK"), "volga": ("SARATOV", "SAMARA")},
        "",
        f"{JUDGEMENT}: ports beyond the region",
    )


def draw_lognormal_s(
    median_s: float, sigma: float, random: np.random.Generator, least_s: float = 0.0
) -> float:
    """Return one lognormal span in seconds."""
    return max(least_s, median_s * float(np.exp(random.normal(0, sigma))))


def draw_stay_s(fleet: str, settings: StaySettings, random: np.random.Generator) -> float:
    """Return how long a vessel lies at a berth: cargo work, and for some a wait in port."""
    stay_s = draw_lognormal_s(
        settings.berth_median_h[fleet] * HOUR_S,
        settings.berth_sigma[fleet],
        random,
        settings.shortest_h * HOUR_S,
    )
    idle_s = draw_lognormal_s(settings.idle_median_d[fleet] * DAY_S, settings.idle_sigma, random)
    idle_s = min(idle_s, settings.longest_idle_d * DAY_S)
    return stay_s + (idle_s if random.uniform() < settings.idle_share[fleet] else 0.0)


def draw_queue_s(fleet: str, settings: StaySettings, random: np.random.Generator) -> float:
    """Return how long a vessel waits at the roads for its berth; often 0."""
    queue_s = draw_lognormal_s(settings.queue_median_h * HOUR_S, settings.queue_sigma, random)
    queue_s = min(queue_s, settings.longest_queue_h * HOUR_S)
    return queue_s if random.uniform() < settings.queue_share[fleet] else 0.0


def draw_draught_m(
    vessel: Vessel, country: str, settings: StaySettings, random: np.random.Generator
) -> float:
    """Return the true draught a vessel leaves a port of a country with."""
    is_tanker = 80 <= vessel.ship_type < 90
    laden_out = settings.tanker_laden_out if is_tanker else settings.laden_out
    is_laden = random.uniform() < laden_out.get(country, 0.5)
    away = random.uniform(0, settings.part)
    share = 1 - away if is_laden else away
    return round(
        vessel.draught_light_m + share * (vessel.draught_laden_m - vessel.draught_light_m), 1
    )


def draw_berth(
    lon_deg: float, lat_deg: float, radius_km: float, random: np.random.Generator
) -> tuple[float, float]:
    """Return a berth near the middle of a port's berths."""
    east_km, north_km = draw_in_disc(random, 1, radius_km)
    return shift_point(lon_deg, lat_deg, float(east_km[0]), float(north_km[0]))


def type_destination(
    place: str, before: str, settings: StaySettings, random: np.random.Generator
) -> str:
    """Return the destination a crew bound for a place sends: right, wrong, empty or as before."""
    right, stale, pick = random.uniform(size=3)
    if right < settings.destination_right_share:
        texts = settings.beyond_texts.get(place)
        if texts is None:
            return place.removeprefix("port_").replace("_", " ").upper()
        return texts[int(pick * len(texts))]
    if stale < settings.destination_stale_share:
        return before
    return settings.destination_other[int(pick * len(settings.destination_other))]
