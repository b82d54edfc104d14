"""Simulated stations on the shore: how far each hears, hour by hour, and what reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from pipeline.simulate.growth import Growth, find_factors
from pipeline.simulate.model import Bools, Floats, Ints
from pipeline.simulate.outages import Outage, Silences, merge_silences
from pipeline.simulate.sending import Slots
from pipeline.simulate.setting import Group, setting, stream
from pipeline.simulate.station_places import AIDS, STATIONS, Aid, Station

KM_PER_DEGREE = 111.19  # of latitude, on a sphere of 6,371 km
HOUR_S = 3600
# How far a vessel may be from where it is in the middle of the hour: 30 kn for half an hour.
HOUR_SLACK_KM = 30.0
Singles = NDArray[np.float32]


class StationSettings(Group):
    """The stations and how they hear: beside a mast a message expects `top_receptions`."""

    table: tuple[Station, ...] = setting(STATIONS, "", "invented places on the shores; judgement")
    aids: tuple[Aid, ...] = setting(
        AIDS, "", "invented aids along the canal and at roads; judgement"
    )
    range_factor: float = setting(1.0, "", "judgement: below 1 every station hears less far", gt=0)
    top_receptions: float = setting(
        2.0, "", "judgement: 1 - exp(-2) = 86 % of the messages sent beside a station arrive", gt=0
    )
    edge_share: float = setting(
        0.08, "", "judgement: width of the logistic edge, as a share of the range", gt=0
    )
    class_b_range: float = setting(
        0.55, "", "judgement: 2 W instead of 12.5 W and a low antenna", gt=0, le=1
    )
    duct_spread: float = setting(
        0.12, "", "judgement: standard deviation of the logarithm of the range, hour by hour", ge=0
    )
    duct_memory_h: float = setting(12.0, "h", "judgement: weather lasts half a day", gt=0)
    duct_shared: float = setting(
        0.6, "", "judgement: share of the variance all stations have in common", ge=0, le=1
    )
    duct_summer_night: float = setting(
        0.3, "", "judgement: logarithm of the range on the best hour of a July night; ducts over"
        " warm shallow water carry VHF beyond the horizon", ge=0,
    )  # fmt: skip
    duct_least: float = setting(0.6, "", "judgement: least factor on the range", gt=0)
    duct_most: float = setting(2.0, "", "judgement: greatest factor on the range", gt=0)
    delay_s: float = setting(4.0, "s", "judgement: mean time to the provider", ge=0)
    copy_share: float = setting(
        0.25, "", "judgement: providers drop most of what a second station heard, too", ge=0, le=1
    )


@dataclass(frozen=True)
class StationNet:
    """All stations of a world: places, range in km by hour (stations, hours), and silences."""

    settings: StationSettings
    lon_deg: Floats
    lat_deg: Floats
    range_km: Singles
    silences: tuple[Silences, ...]
    growth: tuple[Growth, ...]
    start: datetime


@dataclass(frozen=True)
class Reach:
    """What stations may hear of a sender: per station the slots, and receptions expected in each.

    `expected` is their sum by slot; `is_beyond` tells slots outside the range of all stations.
    """

    expected: Floats
    parts: tuple[tuple[int, Ints, Floats], ...]
    is_beyond: Bools


def build_stations(
    settings: StationSettings,
    growth: Sequence[Growth],
    outages: Sequence[Outage],
    start: datetime,
    span_s: int,
    seed: int,
) -> StationNet:
    """Return the stations of a world; their outages are among `outages`, their feeds' too."""
    table = settings.table
    return StationNet(
        settings,
        np.array([one.lon_deg for one in table]),
        np.array([one.lat_deg for one in table]),
        _draw_ranges(settings, start, span_s, seed),
        tuple(
            merge_silences(
                one for one in outages
                if (one.kind, one.place) in {("station", station.id), ("feed", station.feed)}
            )
            for station in table
        ),
        tuple(growth),
        start,
    )  # fmt: skip


def find_reach(
    net: StationNet,
    slots: Slots,
    hours: tuple[Floats, Floats],
    antenna: float,
    is_class_b: bool,
) -> Reach:
    """Return the receptions by stations that slots may expect.

    A station that is silent in any part of a slot hears nothing in it.

    Args:
        net: the stations.
        slots: what is sent when and where.
        hours: longitude and latitude of the sender in the middle of each hour of the world.
        antenna: factor on every expected reception.
        is_class_b: heard less far.
    """
    settings, last = net.settings, net.range_km.shape[1] - 1
    class_factor = settings.class_b_range if is_class_b else 1.0
    slot_hour = np.minimum((slots.from_s // HOUR_S).astype(np.int64), last)
    nearest = np.full(len(slots.from_s), np.inf, dtype=np.float32)
    expected = np.zeros(len(slots.from_s))
    parts: list[tuple[int, Ints, Floats]] = []
    for station in range(len(net.lon_deg)):
        # Beyond 12 widths of the edge less than 1 in 100,000 messages arrives.
        far_km = net.range_km[station] * (1 + 12 * settings.edge_share) + HOUR_SLACK_KM
        is_near = _distance_km(net, station, *hours) <= far_km
        if not is_near.any():
            continue
        near = np.flatnonzero(is_near[slot_hour])
        distance_km = _distance_km(net, station, slots.lon_deg[near], slots.lat_deg[near])
        share = distance_km / net.range_km[station][slot_hour[near]]
        nearest[near] = np.minimum(nearest[near], share)
        receptions = antenna * _expect(settings, share / np.float32(class_factor))
        receptions[net.silences[station].overlap(slots.from_s[near], slots.to_s[near])] = 0
        feed = settings.table[station].feed
        growth = find_factors(net.growth, feed, net.start, slots.from_s[near])
        part = receptions * slots.messages[near] * growth
        expected[near] += part
        parts.append((station, near, part))
    return Reach(expected, tuple(parts), nearest > 1)


def choose_stations(reach: Reach, asked: Bools, draws: Floats) -> tuple[NDArray[np.int16], Floats]:
    """Return who heard each slot, drawn by what each expects, and what the chosen one expects.

    Args:
        reach: what stations expect.
        asked: slots that somebody heard.
        draws: a draw from [0, 1) for each slot.
    """
    chosen = np.full(len(asked), -1, dtype=np.int16)
    chosen_expects, below = np.zeros(len(asked)), np.zeros(len(asked))
    mark = draws * reach.expected
    for station, slots, part in reach.parts:
        heard, expects = slots[asked[slots]], part[asked[slots]]
        upper = below[heard] + expects
        mine = (below[heard] <= mark[heard]) & (mark[heard] < upper)
        chosen[heard[mine]] = station
        chosen_expects[heard[mine]] = expects[mine]
        below[heard] = upper
    return chosen, chosen_expects


def _expect(settings: StationSettings, share: Singles) -> Singles:
    """Return the receptions a message expects at some shares of the range."""
    edge = np.exp(np.minimum((share - 1) / np.float32(settings.edge_share), 60))
    return (settings.top_receptions / (1 + edge)).astype(np.float32)


def _distance_km(net: StationNet, station: int, lon_deg: Floats, lat_deg: Floats) -> Singles:
    """Return distances on a plane round the station: within 2 % up to 200 km."""
    north = (lat_deg - net.lat_deg[station]).astype(np.float32)
    east = (lon_deg - net.lon_deg[station]).astype(np.float32)
    east *= np.float32(np.cos(np.radians(net.lat_deg[station])))
    return (KM_PER_DEGREE * np.sqrt(north * north + east * east)).astype(np.float32)


def _draw_ranges(settings: StationSettings, start: datetime, span_s: int, seed: int) -> Singles:
    """Return the range of each station in each hour, in km: (stations, hours)."""
    hours = -(-span_s // HOUR_S)
    shared = _draw_weather(settings, hours, stream(seed, "ducts"))
    rows = []
    for number, station in enumerate(settings.table):
        own = _draw_weather(settings, hours, stream(seed, "ducts", number))
        weather = np.sqrt(settings.duct_shared) * shared + np.sqrt(1 - settings.duct_shared) * own
        logarithm = settings.duct_spread * weather
        logarithm += settings.duct_summer_night * _summer_night(start, hours, station.lon_deg)
        duct = np.clip(np.exp(logarithm), settings.duct_least, settings.duct_most)
        rows.append(station.range_km * settings.range_factor * duct)
    return np.array(rows, dtype=np.float32).reshape(len(rows), hours)


def _draw_weather(settings: StationSettings, hours: int, random: np.random.Generator) -> Floats:
    """Return a stationary AR(1) series of variance 1."""
    keep = float(np.exp(-1 / settings.duct_memory_h))
    steps = random.standard_normal(hours) * np.sqrt(1 - keep**2)
    steps[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], steps))


def _summer_night(start: datetime, hours: int, lon_deg: float) -> Floats:
    """Return 1 in the best hour (2 o'clock by the sun, middle of July), 0 at noon or in January."""
    middle = start + timedelta(minutes=30)
    first_h = (middle.timetuple().tm_yday - 1) * 24 + middle.hour + middle.minute / 60
    clock_h = first_h + np.arange(hours)
    summer = (1 + np.cos(2 * np.pi * (clock_h / 24 - 196) / 365.25)) / 2
    night = (1 + np.cos(2 * np.pi * (clock_h + lon_deg / 15 - 2) / 24)) / 2
    return summer * night
