"""Ports of the waters: where ships berth and where they wait outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Point, Polygon
from shapely.ops import nearest_points

from pipeline.errors import AreasError
from pipeline.simulate.model import Bools, Floats
from pipeline.simulate.setting import Group, setting
from pipeline.simulate.waters_lines import Spot, Waterway
from pipeline.simulate.waters_mesh import KM_PER_DEG, Mesh, largest_part


class PortSettings(Group):
    """Where berths and waiting ships are put."""

    roads_off_port_km: float = setting(
        4.5, "km", "METHOD 7: within 4 km of a port is in port; half a kilometre of room"
    )
    roads_off_berth_km: float = setting(5.0, "km", "judgement: approaches of 5 to 10 km", ge=4)
    roads_off_shore_km: float = setting(1.2, "km", "judgement: ships at anchor swing and drag")
    roads_off_line_km: float = setting(2.0, "km", "judgement: the canal's approach is kept free")
    roads_within_km: float = setting(
        60.0, "km by water", "judgement: roads farther off serve others"
    )
    own_roads: dict[str, str] = setting(
        {"port_olya": "roadstead_astrakhan"},
        "",
        "judgement: all ships for the canal wait at its seaward end",
    )
    quays: dict[str, tuple[float, float]] = setting(
        {"port_volgograd": (44.53, 48.71)},
        "deg",
        "judgement: quays of the city by the map, where the middle of a port misleads",
    )
    river_berth_aside_km: float = setting(0.2, "km", "judgement: quays lie beside the fairway")
    river_step_km: float = setting(0.5, "km", "judgement: roads on a river are sought this closely")


@dataclass(frozen=True)
class Port:
    """A port: berth and roads, its group and country.

    `is_river`: reached along the waterway; its roads are then on the fairway, or at sea before
    the canal where geo has such roads.
    """

    id: str
    name: str
    group: str
    country: str
    lon_deg: float
    lat_deg: float
    roads_lon_deg: float
    roads_lat_deg: float
    is_river: bool


@dataclass(frozen=True)
class Landing:
    """How a river port joins the waterway: the spot abreast of its berth or of its roads."""

    berth: Spot
    roads: Spot | None


@dataclass(frozen=True, eq=False)
class PortShapes:
    """The polygons of all ports, for distances to them."""

    ids: tuple[str, ...]
    polygons: tuple[Polygon, ...]

    def measure_km(self, lon_deg: Floats, lat_deg: Floats, within_km: float) -> Floats:
        """Return km from points to every port (ports, points); infinite beyond `within_km`."""
        lon, lat = np.asarray(lon_deg, dtype=float), np.asarray(lat_deg, dtype=float)
        km = np.full((len(self.polygons), len(lon)), np.inf)
        for row, polygon in enumerate(self.polygons):
            west, south, east, north = polygon.bounds
            narrow = float(np.cos(np.radians((south + north) / 2)))
            up = within_km / KM_PER_DEG * 1.01
            across = up / narrow
            near = (lon >= west - across) & (lon <= east + across)
            near &= (lat >= south - up) & (lat <= north + up)
            if not near.any():
                continue
            plane = shapely.transform(polygon, lambda ends, by=narrow: ends * [by, 1.0])
            away = shapely.distance(plane, shapely.points(lon[near] * narrow, lat[near]))
            km[row, near] = KM_PER_DEG * away
        return np.where(km <= within_km, km, np.inf)

    def is_off(self, lon_deg: Floats, lat_deg: Floats, km: float) -> Bools:
        """Return whether points lie farther than `km` from every port."""
        return np.isinf(self.measure_km(lon_deg, lat_deg, km).min(axis=0))


@dataclass(frozen=True, eq=False)
class Harbourmaster:
    """What berths and roads are found with."""

    mesh: Mesh
    waterway: Waterway
    shapes: PortShapes
    roads: dict[str, Polygon]
    bay: shapely.Geometry
    mesh_shore_km: Floats
    settings: PortSettings

    def settle(self, feature: dict[str, Any], polygon: Polygon) -> tuple[Port, Landing | None]:
        """Return the port of one feature, and how it joins the waterway if it is a river port."""
        is_river = not polygon.intersects(self.mesh.fairway)
        facts = feature["id"], feature["name"], feature["port_group"], feature["country"]
        if not is_river:
            berth = _find_sea_berth(polygon, self.mesh.fairway)
            roads = self._find_sea_roads(feature, self.mesh.find_anchor(*berth), berth)
            return Port(*facts, *berth, *roads, False), None
        berth, spot = self._find_river_berth(polygon, str(feature["id"]))
        buoy = self.waterway.trunk.locate(0.0)
        if self._own_roads(feature) is not None:
            roads = self._find_sea_roads(feature, self.mesh.find_anchor(*buoy), berth)
            return Port(*facts, *berth, *roads, True), Landing(spot, None)
        roads_spot = self._find_river_roads(spot, str(feature["id"]))
        roads = self.waterway.locate(roads_spot)
        return Port(*facts, *berth, *roads, True), Landing(spot, roads_spot)

    def _own_roads(self, feature: dict[str, Any]) -> Polygon | None:
        name = self.settings.own_roads.get(feature["id"], f"roadstead_{feature['port_group']}")
        return self.roads.get(name)

    def _find_sea_roads(
        self, feature: dict[str, Any], anchor: int, berth: tuple[float, float]
    ) -> tuple[float, float]:
        """Return the nearest point by water that is fit to wait at, in the port's roads if any."""
        points, settings = self.mesh.points, self.settings
        km = self.mesh.measure_near(anchor, settings.roads_within_km)
        is_fit = np.isfinite(km) & (self.mesh_shore_km >= settings.roads_off_shore_km)
        fit = points[is_fit]
        is_fit[is_fit] = self.shapes.is_off(fit[:, 0], fit[:, 1], settings.roads_off_port_km)
        scale = KM_PER_DEG * np.array([np.cos(np.radians(berth[1])), 1.0])
        is_fit &= np.hypot(*((points - berth) * scale).T) >= settings.roads_off_berth_km
        off_deg = settings.roads_off_line_km / KM_PER_DEG
        is_fit[is_fit] = (
            shapely.distance(self.waterway.line, shapely.points(points[is_fit])) >= off_deg
        )
        own = self._own_roads(feature)
        if own is not None:
            is_own = is_fit & shapely.contains_xy(own, points)
            is_fit = is_own if is_own.any() else is_fit
        if not is_fit.any():
            raise AreasError(f"{feature['id']}: no water to wait in within reach of its berth")
        place = int(np.argmin(np.where(is_fit, km, np.inf)))
        return float(points[place, 0]), float(points[place, 1])

    def _find_river_berth(self, polygon: Polygon, port: str) -> tuple[tuple[float, float], Spot]:
        """Return a berth beside the fairway or in the bay of a port, and the spot abreast of it."""
        middle = Point(self.settings.quays.get(port, polygon.centroid.coords[0]))
        fairway = polygon.intersection(self.waterway.line)
        if fairway.is_empty:
            water = polygon.intersection(self.bay)
            if water.is_empty:
                raise AreasError(f"{port} lies off all waters")
            berth = nearest_points(water, middle)[0]
            return (berth.x, berth.y), self.waterway.find_spot(berth.x, berth.y)
        abreast = nearest_points(fairway, middle)[0]
        spot = self.waterway.find_spot(abreast.x, abreast.y)
        return _step_aside(middle, abreast, self.settings.river_berth_aside_km), spot

    def _find_river_roads(self, berth: Spot, port: str) -> Spot:
        """Return the nearest spot of the fairway off all ports, without a lock between."""
        km = np.arange(0, self.settings.roads_within_km, self.settings.river_step_km)
        for away in km:
            for sign in (1.0, -1.0):
                spot = self.waterway.step(berth, sign * float(away))
                if spot is None:
                    continue
                lon, lat = self.waterway.locate(spot)
                at = np.array([lon]), np.array([lat])
                is_off = self.shapes.is_off(*at, self.settings.roads_off_port_km)[0]
                if is_off and not self.waterway.between(berth, spot).locks:
                    return spot
        raise AreasError(f"{port}: no fairway to wait in within reach of its berth")


def make_shapes(polygons: dict[str, Polygon]) -> PortShapes:
    """Return the polygons of ports, ready for distances."""
    return PortShapes(tuple(polygons), tuple(polygons.values()))


def nearest_ports(km: Floats) -> Sequence[int | None]:
    """Return the row of the nearest port of each point, None where all are beyond reach."""
    nearest = km.argmin(axis=0)
    is_near = np.isfinite(km.min(axis=0))
    return [int(row) if near else None for row, near in zip(nearest, is_near, strict=True)]


def _find_sea_berth(polygon: Polygon, fairway: Polygon) -> tuple[float, float]:
    """Return the point of a port's water along its shore that is nearest to its middle."""
    quays = polygon.intersection(fairway.boundary)
    water = largest_part(polygon.intersection(fairway))
    berth = nearest_points(water if quays.is_empty else quays, polygon.centroid)[0]
    return berth.x, berth.y


def _step_aside(middle: Point, abreast: Point, aside_km: float) -> tuple[float, float]:
    """Return a point beside the fairway, towards the middle of a port."""
    east, north = middle.x - abreast.x, middle.y - abreast.y
    long_deg = float(np.hypot(east, north))
    if long_deg == 0:
        return abreast.x, abreast.y
    share = min(aside_km / KM_PER_DEG / long_deg, 1.0)
    return abreast.x + share * east, abreast.y + share * north
