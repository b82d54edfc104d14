"""Rivers and canals ships go along: one trunk to the Azov, one branch up the Volga.

Lines are those of geo/lines.geojson, end to end; beyond the region they go on along a few points,
so that a vessel that leaves is somewhere all the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from shapely.geometry import LineString, Point
from shapely.ops import substring

from pipeline.errors import AreasError
from pipeline.simulate.setting import Group, setting
from pipeline.simulate.waters_routes import (
    Lock,
    Route,
    cut_route,
    join_routes,
    make_route,
    reverse_route,
)

AZOV, VOLGA = "azov", "volga"  # places beyond the region, and the waters on the way there


class LineSettings(Group):
    """Which lines make the waterway, where it goes on outside, and where its locks are."""

    trunk: tuple[str, ...] = setting(
        (
            "volga_caspian_canal",
            "volga_lower",
            "volga_don_canal",
            "tsimlyansk_reservoir",
            "lower_don",
            "taganrog_bay",
        ),
        "",
        "geo/README.md: joined end to end from the sea buoy to the Sea of Azov",
    )
    branch: tuple[str, ...] = setting(
        ("volga_lower", "volga_above_volgograd"), "", "geo/README.md: up the Volga, past the dam"
    )
    beyond_azov: tuple[tuple[float, float], ...] = setting(
        ((36.75, 46.2), (36.6, 45.45), (36.53, 45.2), (36.45, 45.0), (35.0, 44.4)),
        "deg",
        "judgement: Sea of Azov, Kerch strait and the Black Sea off Feodosia, by the map",
    )
    beyond_volga: tuple[tuple[float, float], ...] = setting(
        (
            (45.1, 49.6),
            (45.4, 50.06),
            (45.75, 50.9),
            (46.1, 51.53),
            (47.7, 51.97),
            (48.4, 53.15),
            (50.05, 53.2),
        ),
        "deg",
        "judgement: Kamyshin, Saratov, Balakovo, Syzran and Samara, by the map",
    )
    volga_slope_km: tuple[float, ...] = setting(
        (0.8, 4.0, 8.0, 12.5, 14.2, 15.9, 17.6, 19.3, 21.0),
        "km from the Volga",
        "geo/line_sources.csv: locks 4-9 lie within 9 km up to canal km 21; 1-3 judgement",
    )
    don_slope_km: tuple[float, ...] = setting(
        (69.0, 75.0, 88.0, 95.0),
        "km from the Volga",
        "judgement: locks 10-13, from the Karpovka reservoir down to the Don, spread by the map",
    )
    tsimlyansk_km: tuple[float, ...] = setting(
        (0.6, 3.5), "km below the dam", "judgement: locks 14 and 15 at Volgodonsk"
    )
    don_weirs: tuple[tuple[float, float], ...] = setting(
        ((41.52, 47.61), (41.09, 47.57), (40.86, 47.55)),
        "deg",
        "judgement: Nikolayevskaya, Konstantinovsk, Kochetovskaya by the map; nearest point of"
        " the line",
    )
    volga_dam: tuple[tuple[float, float], ...] = setting(
        ((44.672, 48.826), (44.672, 48.826)),
        "deg",
        "geo/line_sources.csv: Volga hydroelectric station; one step of two chambers",
    )


@dataclass(frozen=True)
class Spot:
    """A point of the waterway: so many km along the trunk, or along the branch."""

    is_branch: bool
    km: float


@dataclass(frozen=True, eq=False)
class Waterway:
    """The trunk from the sea buoy to the Black Sea, and the branch up the Volga off it."""

    trunk: Route
    branch: Route
    junction_km: float

    def way(self, is_branch: bool) -> Route:
        """Return the branch or the trunk."""
        return self.branch if is_branch else self.trunk

    @cached_property
    def line(self) -> shapely.Geometry:
        """All of it, beyond the region too, in degrees."""
        ways = (self.trunk, self.branch)
        return shapely.multilinestrings(
            [LineString(np.column_stack([way.lon_deg, way.lat_deg])) for way in ways]
        )

    def between(self, origin: Spot, destination: Spot) -> Route:
        """Return the way between two spots."""
        if origin.is_branch == destination.is_branch:
            return cut_route(self.way(origin.is_branch), origin.km, destination.km)
        if origin.is_branch:
            return reverse_route(self.between(destination, origin))
        return join_routes(
            cut_route(self.trunk, origin.km, self.junction_km),
            cut_route(self.branch, 0.0, destination.km),
        )

    def find_spot(self, lon_deg: float, lat_deg: float) -> Spot:
        """Return the nearest point of the waterway."""
        found = [
            (*_project(way, lon_deg, lat_deg), is_branch)
            for way, is_branch in ((self.trunk, False), (self.branch, True))
        ]
        _, km, is_branch = min(found)
        return Spot(is_branch, km)

    def locate(self, spot: Spot) -> tuple[float, float]:
        """Return longitude and latitude of a spot."""
        return self.way(spot.is_branch).locate(spot.km)

    def step(self, spot: Spot, km: float) -> Spot | None:
        """Return the spot so many km farther from the sea, or towards it if negative, if any."""
        to_km = spot.km + km
        if spot.is_branch and to_km < 0:
            return Spot(False, self.junction_km + to_km)
        is_on_it = 0 <= to_km <= self.way(spot.is_branch).long_km
        return Spot(spot.is_branch, to_km) if is_on_it else None

    def water_at(self, spot: Spot) -> str:
        """Return the water a spot lies in."""
        way = self.way(spot.is_branch)
        return way.water[min(int(np.searchsorted(way.km, spot.km, "right")), len(way.water)) - 1]


def build_waterway(lines: dict[str, LineString], settings: LineSettings) -> Waterway:
    """Return the waterway made of the lines of a geo folder.

    Raises:
        AreasError: lines.geojson lacks one of the lines.
    """
    lacking = sorted({*settings.trunk, *settings.branch} - set(lines))
    if lacking:
        raise AreasError(f"lines.geojson has no line {', '.join(lacking)}")
    shared = settings.branch[0]
    # Where the trunk leaves the line that the branch follows.
    fork = Point(lines[settings.trunk[settings.trunk.index(shared) + 1]].coords[0])
    split = lines[shared].project(fork)
    below = substring(lines[shared], 0, split)
    above = substring(lines[shared], split, lines[shared].length)
    trunk = [(name, below if name == shared else lines[name]) for name in settings.trunk]
    branch = [(name, above if name == shared else lines[name]) for name in settings.branch]
    down = _chain([*trunk, (AZOV, LineString([trunk[-1][1].coords[-1], *settings.beyond_azov]))])
    up = _chain([*branch, (VOLGA, LineString([branch[-1][1].coords[-1], *settings.beyond_volga]))])
    junction_km = _begin_km(down, settings.trunk[settings.trunk.index(shared) + 1])
    return Waterway(_with_locks(down, settings), _with_dam(up, settings), junction_km)


def _chain(parts: Sequence[tuple[str, shapely.Geometry]]) -> Route:
    routes = [make_route(shapely.get_coordinates(line), name) for name, line in parts]
    return join_routes(*routes)


def _begin_km(route: Route, water: str) -> float:
    return float(route.km[route.water.index(water)])


def _with_locks(trunk: Route, settings: LineSettings) -> Route:
    """Return the trunk with the locks of the Volga-Don canal, of Tsimlyansk and of the Don."""
    canal_km, don_km = _begin_km(trunk, "volga_don_canal"), _begin_km(trunk, "lower_don")
    steps = [canal_km + km for km in (*settings.volga_slope_km, *settings.don_slope_km)]
    steps += [don_km + km for km in settings.tsimlyansk_km]
    steps += [_project(trunk, lon, lat)[1] for lon, lat in settings.don_weirs]
    locks = tuple(Lock(f"volga_don_{number}", km) for number, km in enumerate(sorted(steps), 1))
    return Route(trunk.lon_deg, trunk.lat_deg, trunk.km, trunk.water, locks)


def _with_dam(branch: Route, settings: LineSettings) -> Route:
    spots = [_project(branch, lon, lat)[1] for lon, lat in settings.volga_dam]
    locks = tuple(Lock(f"volgograd_{number}", km) for number, km in enumerate(spots, 1))
    return Route(branch.lon_deg, branch.lat_deg, branch.km, branch.water, locks)


def _project(route: Route, lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """Return (distance in degrees of latitude, km along) of the nearest point of a route."""
    narrow = np.cos(np.radians(lat_deg))
    plane = LineString(np.column_stack([route.lon_deg * narrow, route.lat_deg]))
    point = Point(lon_deg * narrow, lat_deg)
    along = plane.project(point)
    knots = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(np.array(plane.coords), axis=0).T))])
    return plane.distance(point), float(np.interp(along, knots, route.km))
