"""Routes: ways over water with their km, waters and locks, and how they are cut and joined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyproj import Geod

from pipeline.simulate.model import Floats

WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Lock:
    """A lock on a route, so many km after its beginning."""

    name: str
    km_along: float


@dataclass(frozen=True, eq=False)
class Route:
    """A way over water: knots, km from its beginning (WGS84), the water of each piece, locks.

    `water` has one entry less than the knots: "sea", the id of a line, or beyond the region
    "azov" or "volga".
    """

    lon_deg: Floats
    lat_deg: Floats
    km: Floats
    water: tuple[str, ...]
    locks: tuple[Lock, ...] = ()

    @property
    def long_km(self) -> float:
        """Length."""
        return float(self.km[-1])

    def locate(self, km: float) -> tuple[float, float]:
        """Return longitude and latitude so many km along."""
        lon, lat = np.interp(km, self.km, self.lon_deg), np.interp(km, self.km, self.lat_deg)
        return float(lon), float(lat)


def measure_km(lon: Floats, lat: Floats) -> Floats:
    """Return the length of every piece between knots (WGS84)."""
    return np.asarray(WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], dtype=float) / 1000


def make_route(points: Floats, water: tuple[str, ...] | str) -> Route:
    """Return the route through points (k, 2); a single name is the water of all its pieces."""
    lon, lat = np.array(points[:, 0], dtype=float), np.array(points[:, 1], dtype=float)
    km = np.concatenate([[0.0], np.cumsum(measure_km(lon, lat))])
    return Route(lon, lat, km, (water,) * (len(lon) - 1) if isinstance(water, str) else water)


def reverse_route(route: Route) -> Route:
    """Return the way back."""
    locks = tuple(Lock(one.name, route.long_km - one.km_along) for one in route.locks[::-1])
    km = route.long_km - route.km[::-1]
    return Route(route.lon_deg[::-1], route.lat_deg[::-1], km, route.water[::-1], locks)


def join_routes(*routes: Route) -> Route:
    """Return one route after the other; each begins where the one before ends."""
    kept = [route for route in routes if route.long_km > 0] or [routes[0]]
    begins = np.concatenate([[0.0], np.cumsum([route.long_km for route in kept])])
    ways = list(zip(kept, begins[:-1].tolist(), strict=True))
    return Route(
        np.concatenate([kept[0].lon_deg, *(way.lon_deg[1:] for way in kept[1:])]),
        np.concatenate([kept[0].lat_deg, *(way.lat_deg[1:] for way in kept[1:])]),
        np.concatenate([kept[0].km, *(km + way.km[1:] for way, km in ways[1:])]),
        tuple(name for way in kept for name in way.water),
        tuple(Lock(one.name, km + one.km_along) for way, km in ways for one in way.locks),
    )


def cut_route(route: Route, from_km: float, to_km: float) -> Route:
    """Return the part of a route between two distances along it, turned round if need be."""
    if from_km > to_km:
        return reverse_route(cut_route(route, to_km, from_km))
    inner = (route.km > from_km) & (route.km < to_km)
    km = np.concatenate([[from_km], route.km[inner], [to_km]])
    middle = (km[:-1] + km[1:]) / 2
    piece = np.clip(np.searchsorted(route.km, middle) - 1, 0, len(route.water) - 1)
    return Route(
        np.interp(km, route.km, route.lon_deg),
        np.interp(km, route.km, route.lat_deg),
        km - from_km,
        tuple(route.water[one] for one in piece),
        tuple(
            Lock(one.name, one.km_along - from_km)
            for one in route.locks
            if from_km < one.km_along <= to_km
        ),
    )
