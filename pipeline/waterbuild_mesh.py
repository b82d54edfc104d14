"""The mesh of an open water: nodes on a grid, finer near land and ports, joined in sight.

Two nodes are in sight where the line between them, straight in degrees, stays on the water.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import KDTree
from shapely.geometry.base import BaseGeometry

from pipeline.geodesy import FloatArray
from pipeline.water_file import Mesh, OpenWater, Point, WaterFile

DECIMALS = 5
CHUNK_EDGES = 20_000  # edges judged in one go: bounds memory
CHUNK_TREES = 500  # nodes whose ways are sought in one go
Pairs: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Laid:
    """Nodes of one water: degrees, km in the plane, spacing, and the node of a line or -1."""

    lon_lat: FloatArray
    xy_km: FloatArray
    spacing_km: FloatArray
    line_node: NDArray[np.int64]


class Plane:
    """A plane in km round a middle (Lambert azimuthal): spacings are laid in it, not measured."""

    def __init__(self, middle: Point) -> None:
        laea = f"+proj=laea +lon_0={middle[0]} +lat_0={middle[1]} +datum=WGS84 +units=km"
        self._to = Transformer.from_crs("EPSG:4326", laea, always_xy=True)
        self._back = Transformer.from_crs(laea, "EPSG:4326", always_xy=True)

    def km(self, lon_lat: FloatArray) -> FloatArray:
        """Return points in degrees (n, 2) as points in km."""
        return np.column_stack(self._to.transform(*lon_lat.T))

    def degrees(self, xy_km: FloatArray) -> FloatArray:
        """Return points in km (n, 2) as points in degrees of 5 decimals."""
        return np.column_stack(self._back.transform(*xy_km.T)).round(DECIMALS)

    def shape_km(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return a geometry in degrees as one in km."""
        return shapely.transform(geometry, self.km)


class Edge:
    """The boundary of polygons in the plane, and how far points lie from it."""

    def __init__(self, polygons: Sequence[BaseGeometry]) -> None:
        rings = shapely.get_rings(shapely.get_parts(list(polygons)))
        corners = [shapely.get_coordinates(ring) for ring in rings]
        segments = [np.stack((each[:-1], each[1:]), axis=1) for each in corners]
        lines = np.atleast_1d(np.asarray(shapely.linestrings(np.concatenate(segments))))
        self._tree = shapely.STRtree(lines)

    def distance_km(self, xy_km: FloatArray) -> FloatArray:
        """Return the distance of each point (n, 2) in km."""
        (asked, _), found = self._tree.query_nearest(
            shapely.points(xy_km), return_distance=True, all_matches=False
        )
        distances = np.empty(len(xy_km))
        distances[asked] = found
        return distances


def lay_open_water(
    file: WaterFile,
    water: OpenWater,
    polygon: BaseGeometry,
    ports: Sequence[BaseGeometry],
    plane: Plane,
    lines: pl.DataFrame,
) -> Laid:
    """Return the nodes of a water: grid, capes, ports, and the nodes of lines that join it.

    `lines` are nodes of lines with `is_joined` and `clear_km`: no node of the mesh is kept so
    near one that does not join.
    """
    mesh = file.mesh
    in_km = plane.shape_km(polygon)
    port_shapes = [plane.shape_km(port) for port in ports]
    grid, grid_spacing = lay_grid(mesh, water.spacing_km, in_km, port_shapes)
    corners = lay_corners(mesh, in_km)
    harbours = lay_harbours(polygon, ports, plane)
    extra = np.vstack((harbours, corners))
    xy = np.vstack((extra, grid))
    spacing = np.concatenate((np.full(len(extra), mesh.port_km), grid_spacing))
    lon_lat = plane.degrees(xy)
    shapely.prepare(polygon)
    is_kept = shapely.contains_xy(polygon, lon_lat) & is_first(lon_lat)

    places = lines.select("lon", "lat").to_numpy()
    in_water = shapely.contains_xy(polygon, places)
    is_joined = in_water & lines["is_joined"].to_numpy()
    apart = np.flatnonzero(~lines["is_joined"].to_numpy())
    if len(apart):
        away, at = KDTree(plane.km(places[apart])).query(xy)
        is_kept &= away >= lines["clear_km"].to_numpy()[apart[at]]
    joined = np.flatnonzero(is_joined)
    return Laid(
        lon_lat=np.vstack((places[joined], lon_lat[is_kept])),
        xy_km=np.vstack((plane.km(places[joined]), xy[is_kept])),
        spacing_km=np.concatenate((np.full(len(joined), mesh.port_km), spacing[is_kept])),
        line_node=np.concatenate((joined, np.full(int(is_kept.sum()), -1))),
    )


def is_first(lon_lat: FloatArray) -> Bools:
    """Return which points are not a repetition of one before."""
    _, first = np.unique(lon_lat, axis=0, return_index=True)
    found = np.zeros(len(lon_lat), np.bool_)
    found[first] = True
    return found


def lay_grid(
    mesh: Mesh, spacing_km: float, in_km: BaseGeometry, ports: Sequence[BaseGeometry]
) -> tuple[FloatArray, FloatArray]:
    """Return grid points (n, 2) in km and their spacing: each as dense as its place asks for."""
    shore = Edge([in_km])
    shapely.prepare(in_km)
    harbours = shapely.union_all(list(ports))
    near = [
        (mesh.port_km, harbours.buffer(mesh.port_within_km)),
        (mesh.harbour_km, harbours.buffer(mesh.harbour_within_km)),
    ]
    west, south, east, north = in_km.bounds
    points, spacings = [], []
    for spacing in sorted({mesh.harbour_km, mesh.port_km, mesh.shore_km, spacing_km}):
        # All grids have the origin of the plane in common: the coarse lies on the fine.
        x = np.arange(np.floor(west / spacing), np.ceil(east / spacing) + 1) * spacing
        y = np.arange(np.floor(south / spacing), np.ceil(north / spacing) + 1) * spacing
        grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        grid = grid[shapely.contains_xy(in_km, grid)]
        wanted = np.where(
            shore.distance_km(grid) < mesh.shore_within_km,
            min(mesh.shore_km, spacing_km),
            spacing_km,
        )
        for asked_km, area in near:
            shapely.prepare(area)
            wanted[shapely.contains_xy(area, grid)] = asked_km
        points.append(grid[wanted == spacing])
        spacings.append(np.full(len(points[-1]), spacing))
    return np.vstack(points), np.concatenate(spacings)


def lay_corners(mesh: Mesh, in_km: BaseGeometry) -> FloatArray:
    """Return points off capes and islands, where ways bend: one per cell of `port_km`."""
    inner = in_km.buffer(-mesh.corner_km, quad_segs=2).simplify(mesh.corner_simplify_km)
    found = []
    for ring in shapely.get_rings(shapely.get_parts(shapely.orient_polygons(inner))):
        corners = shapely.get_coordinates(ring)[:-1]
        into, out = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
        # Water lies to the left: ways bend where the ring turns to the right.
        turn = into[:, 0] * out[:, 1] - into[:, 1] * out[:, 0]
        found.append(corners[turn < 0])
    points = np.vstack(found)
    cell = np.floor(points / mesh.port_km)
    return points[is_first(cell)]


def lay_harbours(polygon: BaseGeometry, ports: Sequence[BaseGeometry], plane: Plane) -> FloatArray:
    """Return a point of the water inside each port that has some."""
    waters = [polygon.intersection(port) for port in ports]
    inside = [each.representative_point() for each in waters if each.area > 0]
    return plane.km(shapely.get_coordinates(inside)) if inside else np.empty((0, 2))


def join_nodes(laid: Laid, polygon: BaseGeometry, mesh: Mesh) -> Pairs:
    """Return the pairs of nodes that are joined: near enough, in sight, and needed."""
    spacing, xy = laid.spacing_km, laid.xy_km
    pairs = KDTree(xy).query_pairs(mesh.reach * spacing.max(), output_type="ndarray")
    one, other = pairs.T
    length = np.hypot(*(xy[one] - xy[other]).T)
    is_near = length <= mesh.reach * np.sqrt(spacing[one] * spacing[other])
    is_line = laid.line_node >= 0
    pairs = pairs[is_near & ~(is_line[one] & is_line[other])]
    ways = shapely.linestrings(laid.lon_lat[pairs])
    shapely.prepare(polygon)
    pairs = pairs[shapely.covers(polygon, ways)]
    pairs = in_order(pairs)
    pairs = pairs[~is_spared(pairs, xy, mesh.prune)]
    missed = find_shortcuts(pairs, laid, polygon, mesh)
    both = in_order(np.vstack((pairs, missed)))
    return both[~is_spared(both, xy, mesh.prune)]


def in_order(pairs: Pairs) -> Pairs:
    """Return pairs by their first and second node."""
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def find_shortcuts(pairs: Pairs, laid: Laid, polygon: BaseGeometry, mesh: Mesh) -> Pairs:
    """Return pairs in sight whose way over the mesh is much longer than the straight one.

    They look through narrows in which no node lies. Only nodes near land are asked.
    """
    xy, count = laid.xy_km, len(laid.xy_km)
    length = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    graph = coo_array((length, pairs.T), (count, count)).tocsr()
    near = np.flatnonzero((laid.spacing_km <= mesh.shore_km) & (laid.line_node < 0))
    asked = near[KDTree(xy[near]).query_pairs(mesh.shortcut_km, output_type="ndarray")]
    asked = in_order(np.sort(asked, axis=1))
    asked = asked[shapely.covers(polygon, shapely.linestrings(laid.lon_lat[asked]))]
    length = np.hypot(*(xy[asked[:, 0]] - xy[asked[:, 1]]).T)
    found = [np.empty((0, 2), np.int64)]
    limit_km = mesh.shortcut_km * mesh.shortcut_detour
    for sources in np.split(near, range(CHUNK_TREES, len(near), CHUNK_TREES)):
        way_km = dijkstra(graph, directed=False, indices=sources, limit=limit_km)
        rows = slice(*np.searchsorted(asked[:, 0], (sources[0], sources[-1] + 1)))
        one, other = asked[rows].T
        is_far = way_km[np.searchsorted(sources, one), other] > mesh.shortcut_detour * length[rows]
        found.append(asked[rows][is_far])
    return np.vstack(found)


def is_spared(pairs: Pairs, xy: FloatArray, prune: float) -> Bools:
    """Return which edges can be left out: two other, shorter ones make the way hardly longer."""
    count = len(xy)
    one, other = np.concatenate((pairs, pairs[:, ::-1])).T
    order = np.lexsort((other, one))
    keys = (one * count + other)[order]
    degree = np.bincount(one, minlength=count)
    starts = np.concatenate(([0], np.cumsum(degree)))
    length = np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T)
    spared = np.zeros(len(pairs), np.bool_)
    for chunk in range(0, len(pairs), CHUNK_EDGES):
        rows = np.arange(chunk, min(chunk + CHUNK_EDGES, len(pairs)))
        from_, to = pairs[rows].T
        times = degree[from_]
        row = np.repeat(np.arange(len(rows)), times)
        slot = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
        via = keys[starts[from_[row]] + slot] % count
        first = np.hypot(*(xy[from_[row]] - xy[via]).T)
        second = np.hypot(*(xy[via] - xy[to[row]]).T)
        whole = length[rows][row]
        is_short = (first + second <= prune * whole) & (first < whole) & (second < whole)
        row, via = row[is_short], via[is_short]
        key = via * count + to[row]
        is_edge = keys[np.minimum(np.searchsorted(keys, key), len(keys) - 1)] == key
        spared[rows[row[is_edge]]] = True
    return spared
