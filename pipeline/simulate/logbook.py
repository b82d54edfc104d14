"""A vessel's logbook: its knots as its plan is made, and the timeline they become."""

from __future__ import annotations

import numpy as np

from pipeline.simulate.model import Floats, Stop, Timeline, Visit

KM_PER_NM = 1.852
KM_PER_DEG = 111.2  # of latitude; good to 0.5 % here
SHORTEST_PIECE_S = 1.0  # knots closer than this are one: a report is on whole seconds


def flat_km(from_lon: Floats, from_lat: Floats, to_lon: Floats, to_lat: Floats) -> Floats:
    """Return distances in km on a plane, for points some tens of km apart."""
    scale = np.cos(np.radians((from_lat + to_lat) / 2))
    return KM_PER_DEG * np.hypot((to_lon - from_lon) * scale, to_lat - from_lat)


def shift_point(
    lon_deg: float, lat_deg: float, east_km: float, north_km: float
) -> tuple[float, float]:
    """Return longitude and latitude of a point some km east and north of another."""
    east_deg = east_km / (KM_PER_DEG * np.cos(np.radians(lat_deg)))
    return float(lon_deg + east_deg), float(lat_deg + north_km / KM_PER_DEG)


def draw_in_disc(
    random: np.random.Generator, count: int, radius_km: float
) -> tuple[Floats, Floats]:
    """Return `count` offsets east and north in km, evenly over a disc."""
    draws = random.uniform(size=(2, count))
    far, turn = radius_km * np.sqrt(draws[0]), 2 * np.pi * draws[1]
    return far * np.cos(turn), far * np.sin(turn)


class Logbook:
    """Knots, visits and stops of one vessel so far; `now_s` and a place where it is now."""

    def __init__(self, now_s: float, lon_deg: float, lat_deg: float) -> None:
        self.now_s, self.lon_deg, self.lat_deg = now_s, lon_deg, lat_deg
        self.visits: list[Visit] = []
        self.stops: list[Stop] = []
        self.sent: list[tuple[float, str, float]] = []
        self._at = [np.array([now_s])]
        self._lon, self._lat = [np.array([lon_deg])], [np.array([lat_deg])]
        self._speed: list[Floats] = []
        self._status: list[tuple[int, bool, int]] = []

    def move(
        self,
        at_s: Floats,
        lon_deg: Floats,
        lat_deg: Floats,
        speed_kn: Floats,
        status: int,
        is_at_rest: bool = False,
    ) -> None:
        """Add knots after now; `speed_kn` and `status` are those of the pieces that end in them.

        `is_at_rest`: the vessel lies there, however the wind turns it.
        """
        if not len(at_s):
            return
        self._at.append(at_s)
        self._lon.append(lon_deg)
        self._lat.append(lat_deg)
        self._speed.append(speed_kn)
        self._status.append((status, is_at_rest, len(at_s)))
        self.now_s, self.lon_deg, self.lat_deg = (
            float(at_s[-1]),
            float(lon_deg[-1]),
            float(lat_deg[-1]),
        )

    def rest(self, until_s: float, status: int) -> None:
        """Stay where the vessel is until an instant; nothing where that is past."""
        if until_s > self.now_s:
            here = np.array([self.lon_deg]), np.array([self.lat_deg])
            self.move(np.array([until_s]), *here, np.zeros(1), status, is_at_rest=True)

    def turn_about(
        self,
        until_s: float,
        radius_km: float,
        every_s: float,
        status: int,
        random: np.random.Generator,
        is_at_rest: bool = True,
    ) -> None:
        """Turn about within `radius_km` of here until an instant, and end here again."""
        count = int((until_s - self.now_s) / every_s)
        if count < 2:
            self.rest(until_s, status)
            return
        at_s = np.linspace(self.now_s, until_s, count + 1)
        east_km, north_km = draw_in_disc(random, count + 1, radius_km)
        scale = KM_PER_DEG * np.cos(np.radians(self.lat_deg))
        lon_deg, lat_deg = self.lon_deg + east_km / scale, self.lat_deg + north_km / KM_PER_DEG
        lon_deg[[0, -1]], lat_deg[[0, -1]] = self.lon_deg, self.lat_deg
        km = flat_km(lon_deg[:-1], lat_deg[:-1], lon_deg[1:], lat_deg[1:])
        speed_kn = km / KM_PER_NM / np.diff(at_s) * 3600
        self.move(at_s[1:], lon_deg[1:], lat_deg[1:], speed_kn, status, is_at_rest)

    def finish(self) -> Timeline:
        """Return the timeline of all that was logged; too short pieces are part of the next."""
        at_s, lon, lat = (np.concatenate(part) for part in (self._at, self._lon, self._lat))
        counts = [count for *_, count in self._status]
        status = np.repeat(np.array([one for one, *_ in self._status], dtype=np.int8), counts)
        is_at_rest = np.repeat(np.array([one for _, one, _ in self._status]), counts)
        speed_kn = np.concatenate(self._speed)
        kept = np.diff(at_s) >= SHORTEST_PIECE_S
        knots = np.concatenate([[True], kept])
        changes = np.diff(is_at_rest[kept].astype(np.int8)) != 0
        return Timeline(
            at_s[knots],
            lon[knots],
            lat[knots],
            status[kept],
            speed_kn[kept],
            np.concatenate([[0], np.cumsum(changes)]).astype(np.int32),
            tuple(self.visits),
            tuple(self.stops),
            tuple(self.sent),
        )
