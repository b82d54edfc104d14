"""Legs between places: routes made ready with speeds by water, locks and gates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate.closures import Calendar
from pipeline.simulate.logbook import KM_PER_DEG, KM_PER_NM
from pipeline.simulate.model import Floats
from pipeline.simulate.setting import JUDGEMENT, Group, setting

if TYPE_CHECKING:
    from pipeline.simulate.waters import Waters

Place = str | tuple[float, float]


class LegSettings(Group):
    """How vessels move between places."""

    speed_factors: dict[str, float] = setting(
        {
            "sea": 1.0,
            "volga_caspian_canal": 0.75,
            "volga_lower": 0.85,
            "volga_don_canal": 0.5,
            "tsimlyansk_reservoir": 0.95,
            "lower_don": 0.75,
            "taganrog_bay": 0.9,
            "volga_above_volgograd": 0.9,
        },
        "factor on speed by water",
        f"{JUDGEMENT}: canals and rivers have speed limits; waters not listed are as the sea",
    )
    approach_km: float = setting(3.0, "km", f"{JUDGEMENT}: from here in, ships manoeuvre")
    approach_factor: float = setting(0.5, "factor on speed", f"{JUDGEMENT}: while they do")
    leg_sigma: float = setting(0.06, "", f"{JUDGEMENT}: lognormal, one draw a leg (wind, load)")
    piece_sigma: float = setting(0.03, "", f"{JUDGEMENT}: lognormal, one draw a piece of it")
    fastest: float = setting(1.15, "factor on speed", f"{JUDGEMENT}: no engine gives more")
    slowest: float = setting(0.4, "factor on speed", f"{JUDGEMENT}: by wind and sea")
    gale_share: float = setting(0.12, "share of legs", f"{JUDGEMENT}: the Caspian is a windy sea")
    gale_factor: tuple[float, float] = setting(
        (0.55, 0.85), "factor on speed", f"{JUDGEMENT}: in head seas"
    )
    lock_h: tuple[float, float] = setting((0.5, 1.5), "h", f"{JUDGEMENT}: wait and locking")
    gate_min_km: float = setting(
        30.0, "km", f"{JUDGEMENT}: who only touches a waterway at one end of a leg does not wait"
    )
    port_gate_km: float = setting(5.0, "km", f"{JUDGEMENT}: a gate this near is waited for in port")
    gate_aside_km: tuple[float, float] = setting(
        (0.3, 7.0), "km", f"{JUDGEMENT}: ships anchor some way before a gate"
    )
    gate_spread_h: float = setting(3.0, "h", f"{JUDGEMENT}: ships pass a gate one after another")
    anchor_sea_km: float = setting(0.8, "km", f"{JUDGEMENT}: spread of ships at one anchorage")
    anchor_river_km: float = setting(0.1, "km", f"{JUDGEMENT}: the same within a river")
    anchor_kn: float = setting(3.0, "kn", f"{JUDGEMENT}: speed to the anchorage")
    swing_km: float = setting(0.05, "km", f"{JUDGEMENT}: a chain's length")
    swing_h: float = setting(6.0, "h", f"{JUDGEMENT}: wind turns")
    planned_factor: float = setting(
        0.5, "factor on speed", f"{JUDGEMENT}: masters reckon with this near the season's end"
    )
    drift_share: float = setting(0.05, "share of sea legs", f"{JUDGEMENT}: waiting for orders")
    sts_share: float = setting(0.04, "share of sea legs", f"{JUDGEMENT}: ship-to-ship transfer")
    halt_h: tuple[float, float] = setting((8.0, 40.0), "h", f"{JUDGEMENT}: drift or transfer")
    drift_km: float = setting(1.2, "km", f"{JUDGEMENT}: at some 0.3 kn")
    drift_every_h: float = setting(3.0, "h", f"{JUDGEMENT}: between turns of the drift")
    sts_km: float = setting(0.15, "km", f"{JUDGEMENT}: at anchor, two ships together")
    halt_shore_km: float = setting(
        15.0, "km", f"{JUDGEMENT}: drift and transfer happen this far from any shore"
    )
    sway_km: float = setting(
        4.0, "km", f"{JUDGEMENT}: standard deviation across a sea route, no lane is one line"
    )
    sway_shore_km: float = setting(
        10.0, "km", f"{JUDGEMENT}: nearer to a shore ships keep to the route"
    )
    sway_every_km: float = setting(50.0, "km", f"{JUDGEMENT}: between two points of a sea route")
    aground_share: float = setting(
        0.0006, "share of canal legs", f"{JUDGEMENT}: a few a year in the Volga-Caspian canal"
    )
    aground_h: tuple[float, float] = setting((6.0, 72.0), "h", JUDGEMENT)
    aground_water: str = setting("volga_caspian_canal", "", f"{JUDGEMENT}: the shallowest")


@dataclass(frozen=True)
class Gate:
    """Where a leg enters a waterway that may be shut, and its pieces in it."""

    km: float
    waterway: str
    first_piece: int
    last_piece: int


@dataclass(frozen=True)
class Leg:
    """A route made ready for sailing.

    `factor` (on speed) and `water` are of its pieces. `sway_lon_deg` and `sway_lat_deg` are one
    standard deviation across the route at its points, `halts_km` the points for halts at sea.
    """

    lon_deg: Floats
    lat_deg: Floats
    km: Floats
    factor: Floats
    gates: tuple[Gate, ...]
    locks: tuple[tuple[float, str], ...]
    halts_km: Floats
    sway_lon_deg: Floats
    sway_lat_deg: Floats
    water: NDArray[np.str_]

    @property
    def long_km(self) -> float:
        """Length."""
        return float(self.km[-1])

    def is_at_sea(self, km: float) -> bool:
        """Return whether a point of the leg lies at sea; the last one before a river does."""
        piece = int(np.searchsorted(self.km, km, side="left")) - 1
        return bool(self.water[max(piece, 0)] == "sea")


class Chart:
    """Legs of one vessel between places, each made ready once."""

    def __init__(self, waters: Waters, calendar: Calendar, settings: LegSettings) -> None:
        self.waters, self.calendar, self.settings = waters, calendar, settings
        self._legs: dict[tuple[Place, Place], Leg] = {}

    def leg(self, origin: Place, destination: Place) -> Leg:
        """Return the leg between two places in the words of `waters.route`."""
        key = (origin, destination)
        if key not in self._legs:
            self._legs[key] = self._prepare(origin, destination)
        return self._legs[key]

    def _prepare(self, origin: Place, destination: Place) -> Leg:
        route = self.waters.route(origin, destination)
        settings = self.settings
        km, water = np.asarray(route.km, dtype=float), np.asarray(route.water)
        kept = np.concatenate([[True], np.diff(km) > 0])
        lon, lat, water = route.lon_deg[kept], route.lat_deg[kept], water[kept[1:]]
        km = km[kept]
        near = min(settings.approach_km, float(km[-1]) / 3)
        knots = np.unique(np.concatenate([km, [near, km[-1] - near], self._between(km, water)]))
        middle = (knots[:-1] + knots[1:]) / 2
        waters = water[np.searchsorted(km, middle) - 1]
        factor = np.array([settings.speed_factors.get(one, 1.0) for one in waters.tolist()])
        is_near = (middle < near) | (middle > km[-1] - near)
        lon, lat = np.interp(knots, km, lon), np.interp(knots, km, lat)
        is_sea = np.concatenate([[False], waters == "sea"]) & np.append(waters == "sea", False)
        shore_km = np.where(is_sea, self.waters.shore_km(lon, lat), 0.0)
        # A lock this near to a berth is part of the port.
        locks = [one for one in route.locks if near < one.km_along < km[-1] - near]
        sway_lon_deg, sway_lat_deg = self._sways(lon, lat, shore_km)
        return Leg(
            lon_deg=lon,
            lat_deg=lat,
            km=knots,
            factor=np.where(is_near, np.minimum(factor, settings.approach_factor), factor),
            gates=self._gates(knots, waters),
            locks=tuple((float(one.km_along), str(one.name)) for one in locks),
            water=waters,
            halts_km=knots[shore_km >= settings.halt_shore_km],
            sway_lon_deg=sway_lon_deg,
            sway_lat_deg=sway_lat_deg,
        )

    def _between(self, km: Floats, water: np.ndarray) -> Floats:
        """Return km of points along the sea, so that long straight pieces have some."""
        every_km = np.arange(0.0, km[-1], self.settings.sway_every_km)[1:]
        return every_km[water[np.searchsorted(km, every_km) - 1] == "sea"]

    def _sways(self, lon: Floats, lat: Floats, shore_km: Floats) -> tuple[Floats, Floats]:
        """Return degrees east and north of one standard deviation across the route at its points.

        Two of them leave at least `sway_shore_km` to the shore; 0 on rivers and at both ends.
        """
        room_km = np.maximum(shore_km - self.settings.sway_shore_km, 0.0) / 2
        sway_km = np.minimum(room_km, self.settings.sway_km)
        scale = np.cos(np.radians(lat))
        east, north = np.gradient(lon) * scale, np.gradient(lat)
        sway_deg = sway_km / KM_PER_DEG / np.maximum(np.hypot(east, north), 1e-9)
        return -north * sway_deg / scale, east * sway_deg

    def _gates(self, km: Floats, waters: np.ndarray) -> tuple[Gate, ...]:
        gates = []
        for first, last in runs(waters):
            is_through = first > 0 and last < len(waters) - 1
            is_long = km[last + 1] - km[first] >= self.settings.gate_min_km
            if str(waters[first]) in self.calendar.waterways and (is_through or is_long):
                gates.append(Gate(float(km[first]), str(waters[first]), first, last))
        return tuple(gates)


def runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Return (first, last) of every run of equal values."""
    edges = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1, [len(values)]])
    return [(int(first), int(after) - 1) for first, after in pairwise(edges)]


def wait_for_port_gates(leg: Leg, calendar: Calendar, settings: LegSettings, at_s: float) -> float:
    """Return when a vessel in port may leave for a leg whose first waterway begins right there."""
    for gate in leg.gates:
        if gate.km < settings.port_gate_km:
            at_s = calendar.next_passage(gate.waterway, at_s)
    return at_s


def reopening_s(leg: Leg, calendar: Calendar, speed_kn: float, leaves_s: float) -> float:
    """Return the longest wait at a gate of a leg, in seconds, for a vessel at an even speed."""
    longest = 0.0
    for gate in leg.gates:
        at_s = leaves_s + gate.km / (speed_kn * KM_PER_NM) * 3600
        longest = max(longest, calendar.next_passage(gate.waterway, at_s) - at_s)
    return longest
