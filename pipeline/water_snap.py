"""From points to nodes of the water network, without crossing land where that is possible."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from pipeline.areas_index import LOCK
from pipeline.geodesy import FloatArray, arc_km, ecef_m
from pipeline.water_folder import Network, Nodes

CANDIDATES = 16  # nodes tried for a point, the nearest first
OFF_SHORE_M = 60.0  # the tolerance of the shoreline
SHORE_SPACING_DEG = 0.002  # at most 220 m between samples of the shore


def nearest(
    tree: KDTree, places: FloatArray, count: int = 1
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return distances and numbers (places, count) of the nearest members of a tree."""
    ranks: Any = [*range(1, count + 1)]
    found: Any = tree.query(places, k=ranks)
    return found


class Snapper:
    """Finds the nearest node in sight; the answer for a point hangs on no other point."""

    def __init__(self, network: Network) -> None:
        self._network = network
        with LOCK:
            shapely.prepare(network.water)
        self._places = np.column_stack((network.lon, network.lat))
        self._tree = KDTree(ecef_m(network.lon, network.lat))
        self._line_nodes = np.flatnonzero(~network.is_on_mesh)

    @cached_property
    def _line_tree(self) -> KDTree:
        at = self._line_nodes
        return KDTree(ecef_m(self._network.lon[at], self._network.lat[at]))

    @cached_property
    def _shore(self) -> tuple[FloatArray, KDTree]:
        rings = shapely.get_parts(self._network.water.boundary)
        fine = shapely.get_coordinates(shapely.segmentize(rings, SHORE_SPACING_DEG))
        return fine, KDTree(ecef_m(*fine.T))

    def snap(self, lon: FloatArray, lat: FloatArray) -> tuple[Nodes, FloatArray]:
        """Return the node of each point and the distance to it in km.

        On open water: the nearest of 16 nodes that can be reached in a straight line without
        crossing land, else the nearest. Off it: a node of a river or canal, or, where the shore
        is nearer, what the nearest point of the shore would get.
        """
        points = np.column_stack((lon, lat))
        places = ecef_m(lon, lat)
        nodes = np.empty(len(points), np.int64)
        with LOCK:
            is_afloat = shapely.intersects_xy(self._network.water, points)
        afloat, ashore = np.flatnonzero(is_afloat), np.flatnonzero(~is_afloat)
        if len(afloat):
            nodes[afloat] = self._in_sight(points[afloat], places[afloat])
        if len(ashore):
            nodes[ashore] = self._off_water(places[ashore])
        offset_km = arc_km(np.linalg.norm(places - self._tree.data[nodes], axis=1))
        return nodes.astype(np.int32), offset_km

    def _in_sight(self, points: FloatArray, places: FloatArray) -> NDArray[np.int64]:
        found = nearest(self._tree, places)[1][:, 0]
        left = np.flatnonzero(~self._is_seen(points, found))
        if not len(left):
            return found
        most = min(CANDIDATES, len(self._places))
        candidates = nearest(self._tree, places[left], most)[1]
        for rank in range(1, most):
            is_seen = self._is_seen(points[left], candidates[:, rank])
            found[left[is_seen]] = candidates[is_seen, rank]
            left, candidates = left[~is_seen], candidates[~is_seen]
        return found

    def _is_seen(self, points: FloatArray, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
        ways = shapely.linestrings(np.stack((points, self._places[nodes]), axis=1))
        with LOCK:
            return np.asarray(shapely.covers(self._network.water, ways))

    def _off_water(self, places: FloatArray) -> NDArray[np.int64]:
        shore_m, at = nearest(self._shore[1], places)
        samples, which = np.unique(at[:, 0], return_inverse=True)
        nodes = self._of_shore(samples)[which]
        if len(self._line_nodes):
            line_m, line = nearest(self._line_tree, places)
            # Nodes of a line stand up to `spacing_km` apart: the line itself is nearer.
            half_m = self._network.file.lines.spacing_km * 500
            is_line = (line_m - half_m <= shore_m)[:, 0]
            nodes[is_line] = self._line_nodes[line[is_line, 0]]
        return nodes

    def _of_shore(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the node of points of the shore: the nearest in sight from just off it."""
        shore, _ = self._shore
        points = shore[samples]
        places = ecef_m(*points.T)
        most = min(CANDIDATES, len(self._places))
        candidates = nearest(self._tree, places, most)[1]
        found = candidates[:, 0].copy()
        left = np.arange(len(samples))
        for rank in range(most):
            nodes = candidates[left, rank]
            # From a little off the shore, since a point of it is in sight of nothing for sure.
            away_m = np.linalg.norm(places[left] - self._tree.data[nodes], axis=1)
            share = np.minimum(OFF_SHORE_M / np.maximum(away_m, 1), 1)[:, None]
            off = points[left] + share * (self._places[nodes] - points[left])
            is_seen = self._is_seen(off, nodes)
            found[left[is_seen]] = nodes[is_seen]
            left = left[~is_seen]
        return found
