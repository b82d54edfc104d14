"""The sea as a mesh of points, and the shortest ways over it, made smooth.

Points on a regular grid, each joined to 16 neighbours where the straight line keeps clear of land;
scipy's Dijkstra finds the way, and of its points only those are kept that a ship must turn at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree
from shapely.geometry import Polygon

from pipeline.errors import AreasError
from pipeline.simulate.model import Bools, Floats, Ints
from pipeline.simulate.setting import Group, setting

KM_PER_DEG = 111.2
# Half of the 16 neighbours as (rows, columns); the others are their opposites.
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))


class MeshSettings(Group):
    """How fine the mesh of the sea is, and how far ships keep off the shore."""

    step_deg: float = setting(
        0.025, "deg", "judgement: fine enough for the bays of Turkmenbashi and Gorgan", gt=0
    )
    north_limit_deg: float = setting(
        45.3, "deg", "judgement: north of it the sea is shallower than about 3 m but for the canal"
    )
    clear_deg: float = setting(0.003, "deg", "judgement: no ship sails within 300 m of a shore")
    off_shore_deg: float = setting(0.02, "deg", "judgement: long courses keep 2 km off")
    near_shore_cost: float = setting(
        1.5, "factor on length", "judgement: nearer than that only where there is no other way"
    )
    short_cut_km: float = setting(
        12.0, "km", "judgement: courses up to this long may pass within 2 km of a shore"
    )
    oil_fields: tuple[tuple[tuple[float, float], ...], ...] = setting(
        (
            (
                (50.33, 40.17),
                (50.8, 40.05),
                (51.0, 40.15),
                (51.0, 40.28),
                (50.85, 40.4),
                (50.36, 40.45),
            ),
        ),
        "deg",
        "judgement: platforms from Absheron to Neft Daslari, by the map; with ships passing outside"
        " the distances from Anzali are those of METHOD 5, through the strait 4 to 5 % shorter",
    )
    oil_field_cost: float = setting(
        2.75, "factor on length", "judgement: traffic of Baku passes the strait, others do not"
    )
    kept_trees: int = setting(150, "", "judgement: 0.2 MB each; more than ports and roads", ge=1)
    long_piece_km: float = setting(
        60.0, "km", "judgement: pieces are cut to this, so that a degree east is even in km"
    )


@dataclass(frozen=True, eq=False)
class Mesh:
    """Points of the sea (n, 2), joined by a symmetric graph whose weights are km.

    `fairway` is the water ships use, `open_sea` the part of it off the shore and oil fields, `sea`
    all of it to the very shore; islands are holes.
    """

    points: Floats
    graph: csr_matrix
    sea: Polygon
    fairway: Polygon
    open_sea: Polygon
    settings: MeshSettings
    _index: KDTree
    _trees: dict[int, NDArray[np.int32]] = field(default_factory=dict)

    def find_anchor(self, lon_deg: float, lat_deg: float) -> int:
        """Return the number of the nearest mesh point with no land between.

        Raises:
            AreasError: there is none within three steps.
        """
        reach = 3 * self.settings.step_deg
        near = [int(one) for one in self._index.query_ball_point([lon_deg, lat_deg], reach)]
        away = np.hypot(*(self.points[near] - [lon_deg, lat_deg]).T)
        for place in np.argsort(away, kind="stable"):
            ends = [(lon_deg, lat_deg), tuple(self.points[near[place]])]
            if self.sea.covers(shapely.linestrings(ends)):
                return near[place]
        raise AreasError(f"no water for ships at {lon_deg:.3f} E {lat_deg:.3f} N")

    def find_way(self, origin: tuple[float, float], destination: tuple[float, float]) -> Floats:
        """Return the points (k, 2) of the way between two places at sea, both included.

        The search tree of the origin is kept, so all ways from one port cost one search.
        """
        root, leaf = self.find_anchor(*origin), self.find_anchor(*destination)
        numbers = [leaf]
        tree = self._tree(root)
        while numbers[-1] != root:
            numbers.append(int(tree[numbers[-1]]))
        path = np.vstack([origin, self.points[numbers[::-1]], destination])
        return self._densify(self._pull_taut(path))

    def measure_near(self, root: int, limit_km: float) -> Floats:
        """Return km by water from one mesh point to all, infinite beyond the limit."""
        return np.asarray(dijkstra(self.graph, indices=root, limit=limit_km))

    def _tree(self, root: int) -> NDArray[np.int32]:
        if root not in self._trees:
            if len(self._trees) >= self.settings.kept_trees:
                self._trees.pop(next(iter(self._trees)))
            _, before = dijkstra(self.graph, indices=root, return_predecessors=True)
            self._trees[root] = before
        return self._trees[root]

    def _is_clear(self, path: Floats, first: int, last: int) -> bool:
        """Return whether a ship may sail straight from one point of a path to another."""
        line = shapely.linestrings(path[[first, last]])
        if bool(self.open_sea.covers(line)):
            return True
        if _flat_km(path[first : first + 1], path[last : last + 1])[0] > self.settings.short_cut_km:
            return False
        # The ends of a path may lie nearer to the shore than ships sail.
        is_end = first == 0 or last == len(path) - 1
        return bool((self.sea if is_end else self.fairway).covers(line))

    def _pull_taut(self, path: Floats) -> Floats:
        """Return the points of a path that remain when every straight course is taken."""
        kept, here, end = [0], 0, len(path) - 1
        while here < end:
            low, high = here + 1, end
            if self._is_clear(path, here, end):
                low = end
            while high - low > 1:
                middle = (low + high) // 2
                if self._is_clear(path, here, middle):
                    low = middle
                else:
                    high = middle
            kept.append(low)
            here = low
        return path[kept]

    def _densify(self, path: Floats) -> Floats:
        counts = np.ceil(_flat_km(path[:-1], path[1:]) / self.settings.long_piece_km)
        parts = [
            np.linspace(start, stop, max(int(count), 1), endpoint=False)
            for start, stop, count in zip(path[:-1], path[1:], counts, strict=True)
        ]
        return np.vstack([*parts, path[-1:]])


def build_mesh(sea: Polygon, settings: MeshSettings) -> Mesh:
    """Return the mesh over the largest connected water of a sea polygon.

    Raises:
        AreasError: the sea is too small for the mesh.
    """
    fairway = _shrink(sea, settings.clear_deg)
    fields = shapely.union_all([Polygon(ring) for ring in settings.oil_fields])
    open_sea = largest_part(_shrink(sea, settings.off_shore_deg).difference(fields))
    for polygon in (sea, fairway, open_sea):
        shapely.prepare(polygon)
    points, first, last = _lay_grid(fairway, settings)
    if not len(first):
        raise AreasError(f"the sea is too small for a mesh of {settings.step_deg} degrees")
    is_clear = shapely.covers(fairway, shapely.linestrings(points[np.column_stack([first, last])]))
    first, last = first[is_clear], last[is_clear]
    shapely.prepare(fields)
    cost = np.where(shapely.contains_xy(open_sea, points), 1.0, settings.near_shore_cost)
    cost[shapely.contains_xy(fields, points)] = settings.oil_field_cost
    weight = _flat_km(points[first], points[last]) * np.maximum(cost[first], cost[last])
    graph = _join(first, last, weight, len(points))
    label = connected_components(graph, directed=False)[1]
    kept = np.flatnonzero(label == np.argmax(np.bincount(label)))
    points = points[kept]
    mesh_graph = csr_matrix(graph[kept][:, kept])
    return Mesh(points, mesh_graph, sea, fairway, open_sea, settings, KDTree(points))


def largest_part(area: shapely.Geometry) -> Polygon:
    """Return the largest polygon of an area."""
    return max(shapely.get_parts(area), key=lambda part: part.area)


def _shrink(sea: Polygon, by_deg: float) -> Polygon:
    """Return the largest part of a sea at least so far from its shore, with fewer vertices."""
    # Simplifying moves the edge by at most its tolerance, which the buffer adds before.
    slack_deg = by_deg / 4
    return largest_part(sea.buffer(-by_deg - slack_deg).simplify(slack_deg))


def _lay_grid(fairway: Polygon, settings: MeshSettings) -> tuple[Floats, Ints, Ints]:
    """Return grid points in the fairway (n, 2) and which of them are neighbours."""
    west, south, east, north = fairway.bounds
    lon = np.arange(west, east, settings.step_deg)
    lat = np.arange(south, min(north, settings.north_limit_deg), settings.step_deg)
    lon, lat = np.meshgrid(lon, lat)
    is_water: Bools = shapely.contains_xy(fairway, lon, lat)
    number = np.where(is_water, np.cumsum(is_water).reshape(is_water.shape) - 1, -1)
    rows, columns = number.shape
    pairs = []
    for down, across in NEIGHBOURS:
        left, right = max(0, -across), columns - max(0, across)
        here = number[: rows - down, left:right]
        there = number[down:, left + across : right + across]
        both = (here >= 0) & (there >= 0)
        pairs.append(np.stack([here[both], there[both]]))
    first, last = np.concatenate(pairs, axis=1)
    return np.column_stack([lon[is_water], lat[is_water]]), first, last


def _join(first: Ints, last: Ints, weight: Floats, count: int) -> csr_matrix:
    ends = np.concatenate([first, last]), np.concatenate([last, first])
    return csr_matrix((np.concatenate([weight, weight]), ends), shape=(count, count))


def _flat_km(start: Floats, stop: Floats) -> Floats:
    """Return km between points (n, 2) as on a plane: right to 0.5 % over short distances."""
    narrow = np.cos(np.radians((start[:, 1] + stop[:, 1]) / 2))
    return KM_PER_DEG * np.hypot((stop[:, 0] - start[:, 0]) * narrow, stop[:, 1] - start[:, 1])
