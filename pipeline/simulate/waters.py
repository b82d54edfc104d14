"""The waters of a geo folder for the simulator: ports, ways between them, shore and region.

It reads the GeoJSON itself and shares no code with the stages that are measured against it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape

from pipeline.errors import AreasError, ConfigError
from pipeline.simulate.model import Bools, Floats
from pipeline.simulate.setting import Group
from pipeline.simulate.waters_fields import (
    FieldSettings,
    RegionMask,
    ShoreGrid,
    build_region_mask,
    build_shore_grid,
)
from pipeline.simulate.waters_lines import AZOV, VOLGA, LineSettings, build_waterway
from pipeline.simulate.waters_mesh import Mesh, MeshSettings, build_mesh
from pipeline.simulate.waters_ports import (
    Harbourmaster,
    Port,
    PortSettings,
    PortShapes,
    make_shapes,
    nearest_ports,
)
from pipeline.simulate.waters_routes import Lock, Route
from pipeline.simulate.waters_ways import ROADS, Place, Ways

__all__ = ["AZOV", "VOLGA", "Lock", "Place", "Port", "Route", "Waters", "WatersSettings"]
__all__ += ["load_waters"]

Box = tuple[float, float, float, float]
TRIES = 200


class WatersSettings(Group):
    """How the waters are read: mesh, lines, ports, lookup grids."""

    mesh: MeshSettings = MeshSettings()
    lines: LineSettings = LineSettings()
    ports: PortSettings = PortSettings()
    fields: FieldSettings = FieldSettings()


@dataclass(frozen=True, eq=False)
class Waters:
    """Ports and ways between them. Ask `route` for ways; the rest answers for many points."""

    ports: dict[str, Port]
    ways: Ways
    mesh: Mesh
    shapes: PortShapes
    region: RegionMask
    shore: ShoreGrid
    _mesh_shore_km: Floats

    def route(self, origin: Place, destination: Place) -> Route:
        """Return the shortest way by water; the way back is the same way turned round.

        Raises:
            AreasError: a place is unknown or no water.
        """
        return self.ways.route(origin, destination)

    def is_inside_region(self, lon_deg: Floats, lat_deg: Floats) -> Bools:
        """Return whether points lie in geo/region.geojson; what is not a number does not."""
        return self.region.contains(lon_deg, lat_deg)

    def shore_km(self, lon_deg: Floats, lat_deg: Floats) -> Floats:
        """Return km to the shore of the sea, 0 on land and rivers, right to about 1 km."""
        return self.shore.look_up_km(lon_deg, lat_deg)

    def ports_near(
        self, lon_deg: Floats, lat_deg: Floats, within_km: float
    ) -> Sequence[Port | None]:
        """Return the nearest port of each point, by its polygon, or None where none is within."""
        rows = nearest_ports(self.shapes.measure_km(lon_deg, lat_deg, within_km))
        return [None if row is None else self.ports[self.shapes.ids[row]] for row in rows]

    def are_roads_on_way(self, origin: Place, port: str, detour_km: float = 30.0) -> bool:
        """Return whether a vessel bound for a port passes its roads, but for a small detour.

        The roads of Astrakhan are at sea: who comes down the Volga does not go there.
        """
        roads = ROADS + port
        by_roads_km = self.route(origin, roads).long_km + self.route(roads, port).long_km
        return by_roads_km <= self.route(origin, port).long_km + detour_km

    def draw_sea_points(
        self,
        count: int,
        random: np.random.Generator,
        box: Box | None = None,
        at_least_km_from_shore: float = 0.0,
    ) -> tuple[Floats, Floats]:
        """Return longitudes and latitudes of points spread evenly over water ships can reach.

        `box` is west, south, east, north in degrees.

        Raises:
            ConfigError: no such water in the box.
        """
        lon, lat = self.mesh.points.T
        is_fit = (self._mesh_shore_km >= at_least_km_from_shore) & _is_in_box(lon, lat, box)
        places = np.flatnonzero(is_fit)
        if not len(places):
            raise ConfigError(f"no sea {at_least_km_from_shore:g} km off the shore in box {box}")
        weight = np.cos(np.radians(lat[places]))
        weight /= weight.sum()
        half = self.mesh.settings.step_deg / 2
        found = np.zeros((0, 2))
        for _ in range(TRIES):
            drawn = self.mesh.points[random.choice(places, size=count, p=weight)]
            drawn = drawn + random.uniform(-half, half, (count, 2))
            x, y = drawn.T
            kept = _is_in_box(x, y, box) & shapely.contains_xy(self.mesh.fairway, x, y)
            kept &= self.shore_km(x, y) >= at_least_km_from_shore
            found = np.vstack([found, drawn[kept]])
            if len(found) >= count:
                return found[:count, 0], found[:count, 1]
        raise ConfigError(f"too little sea {at_least_km_from_shore:g} km off the shore in {box}")


def load_waters(geo: Path, settings: WatersSettings | None = None) -> Waters:
    """Return the waters of a geo folder; a folder is read once.

    Raises:
        AreasError: a file or a feature is lacking.
    """
    return _load_once(geo.resolve(), (settings or WatersSettings()).model_dump_json())


@cache
def _load_once(geo: Path, settings_json: str) -> Waters:
    settings = WatersSettings.model_validate_json(settings_json)
    lines = {name: line for name, (_, line) in _read(geo, "lines.geojson").items()}
    waterway = build_waterway(lines, settings.lines)
    sea = _only(geo, "shoreline.geojson")
    mesh = build_mesh(sea, settings.mesh)
    shore = build_shore_grid(sea, settings.fields)
    areas = _read(geo, "ports.geojson")
    polygons = {name: area for name, (facts, area) in areas.items() if facts["kind"] == "port"}
    roads = {name: area for name, (facts, area) in areas.items() if facts["kind"] == "roads"}
    drawn = [area for _, area in _read(geo, "drawn.geojson").values()]
    mesh_shore_km = shore.look_up_km(*mesh.points.T)
    shapes, bay = make_shapes(polygons), shapely.union_all(drawn)
    master = Harbourmaster(mesh, waterway, shapes, roads, bay, mesh_shore_km, settings.ports)
    settled = {name: master.settle(areas[name][0], area) for name, area in polygons.items()}
    ports = {name: port for name, (port, _) in settled.items()}
    landings = {name: one for name, (_, one) in settled.items() if one is not None}
    return Waters(
        ports,
        Ways(ports, landings, mesh, waterway),
        mesh,
        shapes,
        build_region_mask(_only(geo, "region.geojson"), settings.fields),
        shore,
        mesh_shore_km,
    )


def _read(geo: Path, name: str) -> dict[str, tuple[dict[str, Any], Any]]:
    """Return properties and geometry of every feature of a file, by id."""
    path = geo / name
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return {
            one["properties"]["id"]: (one["properties"], shape(one["geometry"])) for one in features
        }
    except (OSError, KeyError, ValueError) as error:
        raise AreasError(f"{name} of {geo} is no file of areas: {error}") from error


def _only(geo: Path, name: str) -> Any:
    features = list(_read(geo, name).values())
    if len(features) != 1:
        raise AreasError(f"{name} of {geo} holds {len(features)} features, expected one")
    return features[0][1]


def _is_in_box(lon: Floats, lat: Floats, box: Box | None) -> Bools:
    if box is None:
        return np.ones(len(lon), dtype=bool)
    west, south, east, north = box
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
