"""Ways between places: over the sea, along the waterway, or both, joined at the sea buoy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.errors import AreasError
from pipeline.simulate.waters_lines import AZOV, VOLGA, Spot, Waterway
from pipeline.simulate.waters_mesh import Mesh
from pipeline.simulate.waters_ports import Landing, Port
from pipeline.simulate.waters_routes import Route, join_routes, make_route, reverse_route

# A port id, "roads:<port id>", "azov", "volga", or longitude and latitude at sea.
Place = str | tuple[float, float]
ROADS = "roads:"


@dataclass(frozen=True, eq=False)
class Ways:
    """Ports, how river ports join the waterway, and the routes found so far."""

    ports: dict[str, Port]
    landings: dict[str, Landing]
    mesh: Mesh
    waterway: Waterway
    _routes: dict[tuple[Place, Place], Route] = field(default_factory=dict)

    def route(self, origin: Place, destination: Place) -> Route:
        """Return the shortest way by water; the way back is the same way turned round.

        Raises:
            AreasError: a place is unknown or no water.
        """
        key = origin, destination
        if key not in self._routes:
            # The search tree hangs on the first place: ports before points at sea.
            if _rank(origin) > _rank(destination):
                self._routes[key] = reverse_route(self.route(destination, origin))
            else:
                self._routes[key] = self._find_route(origin, destination)
        return self._routes[key]

    def _find_route(self, origin: Place, destination: Place) -> Route:
        from_spot, to_spot = self._find_spot(origin), self._find_spot(destination)
        if origin == destination:
            at = self._locate(origin)
            return make_route(
                np.array([at, at]), self.waterway.water_at(from_spot) if from_spot else "sea"
            )
        if from_spot is None and to_spot is None:
            return self._cross_sea(self._locate(origin), self._locate(destination))
        if from_spot is None:
            return reverse_route(self._find_route(destination, origin))
        out = self._join_spot(origin, from_spot)
        if to_spot is not None:
            way = self.waterway.between(from_spot, to_spot)
            return join_routes(out, way, reverse_route(self._join_spot(destination, to_spot)))
        down = self.waterway.between(from_spot, Spot(False, 0.0))
        buoy = self.waterway.trunk.locate(0.0)
        return join_routes(out, down, self._cross_sea(buoy, self._locate(destination)))

    def _cross_sea(self, origin: tuple[float, float], destination: tuple[float, float]) -> Route:
        return make_route(self.mesh.find_way(origin, destination), "sea")

    def _join_spot(self, place: Place, spot: Spot) -> Route:
        """Return the short piece from a berth to the fairway; of no length for other places."""
        ends = np.array([self._locate(place), self.waterway.locate(spot)])
        return make_route(ends, self.waterway.water_at(spot))

    def _find_spot(self, place: Place) -> Spot | None:
        """Return where a place joins the waterway, None if it lies at sea."""
        if place in (AZOV, VOLGA):
            is_branch = place == VOLGA
            return Spot(is_branch, self.waterway.way(is_branch).long_km)
        if not isinstance(place, str):
            return None
        landing = self.landings.get(place.removeprefix(ROADS))
        if landing is None:
            return None
        return landing.roads if place.startswith(ROADS) else landing.berth

    def _locate(self, place: Place) -> tuple[float, float]:
        if not isinstance(place, str):
            return float(place[0]), float(place[1])
        if place in (AZOV, VOLGA):
            way = self.waterway.way(place == VOLGA)
            return way.locate(way.long_km)
        port = self.ports.get(place.removeprefix(ROADS))
        if port is None:
            raise AreasError(f"{place!r} is no port of the geo folder")
        if place.startswith(ROADS):
            return port.roads_lon_deg, port.roads_lat_deg
        return port.lon_deg, port.lat_deg


def _rank(place: Place) -> tuple[bool, str]:
    return not isinstance(place, str), str(place)
