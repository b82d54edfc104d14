"""How far every node of the water network is from every port group and exit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from pipeline.geodesy import KM_PER_NM, FloatArray
from pipeline.water_folder import Network, Nodes
from pipeline.water_ways import Closed, Ways


@dataclass(frozen=True, eq=False)
class Fields:
    """Parts of the way from each node to each target: arrays (nodes, targets).

    Args:
        sea_km: where a ship keeps its speed; infinite where there is no way.
        river_km: where it goes at most `river_kn`; infinite where there is no way.
        fixed_h: in locks; infinite where there is no way.
        river_kn: the speed in rivers and canals.
    """

    sea_km: FloatArray
    river_km: FloatArray
    fixed_h: FloatArray
    river_kn: float

    def hours(self, nodes: Nodes, targets: Sequence[int], speed_kn: FloatArray) -> FloatArray:
        """Return hours (nodes, targets) at speeds in kn (one a node); infinite without way."""
        sea_speed = np.asarray(speed_kn, np.float64)[:, None] * KM_PER_NM
        river_speed = np.minimum(sea_speed, self.river_kn * KM_PER_NM)
        chosen = np.ix_(nodes, np.asarray(targets, np.intp))
        return (
            self.sea_km[chosen] / sea_speed
            + self.river_km[chosen] / river_speed
            + self.fixed_h[chosen]
        )


class Charts:
    """Ways and fields of a network to sets of nodes, kept once made for what is closed."""

    def __init__(self, network: Network, sources: list[Nodes]) -> None:
        self._network, self._sources = network, sources
        self._gates: Closed = frozenset(network.edges["closes_with"].drop_nulls())
        self._usual: dict[Closed, Fields] = {}
        self._bounding: dict[Closed, Fields] = {}
        self._ways: dict[Closed, Ways] = {}

    def usual(self, closed: Closed) -> Fields:
        """Return the fields of usual ways."""
        key = closed & self._gates
        if key not in self._usual:
            self._usual[key] = usual_fields(self._network, self._sources, key)
        return self._usual[key]

    def bounding(self, closed: Closed) -> Fields:
        """Return the fields of the fastest conceivable ways."""
        key = closed & self._gates
        if key not in self._bounding:
            self._bounding[key] = bounding_fields(self._network, self._sources, key)
        return self._bounding[key]

    def ways(self, closed: Closed) -> Ways:
        """Return the graph of usual ways."""
        key = closed & self._gates
        if key not in self._ways:
            self._ways[key] = Ways(self._network, usual_cost_h(self._network), key)
        return self._ways[key]


def usual_cost_h(network: Network) -> FloatArray:
    """Return the hours each edge counts when a usual way is chosen: `avoided` waters cost more."""
    speeds = network.file.speeds
    factors = {each.id: each.factor for each in network.file.avoided}
    factor = network.edges["avoided"].replace_strict(factors, default=1.0).to_numpy()
    speed_kn = np.where(network.is_river, speeds.usual_river_kn, speeds.usual_sea_kn)
    locks = network.edges["locks"].to_numpy()
    return network.length_km * factor / (speed_kn * KM_PER_NM) + locks * speeds.usual_lock_h


def bounding_cost_h(network: Network) -> FloatArray:
    """Return the hours each edge takes at least: nothing is avoided."""
    speeds = network.file.speeds
    speed_kn = np.where(network.is_river, speeds.usual_river_kn, speeds.usual_sea_kn)
    locks = network.edges["locks"].to_numpy()
    return network.length_km / (speed_kn * KM_PER_NM) + locks * speeds.least_lock_h


def nodes_of(network: Network, polygons: Sequence[BaseGeometry]) -> Nodes:
    """Return the nodes in one of the polygons, else the node nearest to them."""
    area = shapely.union_all(list(polygons))
    shapely.prepare(area)
    inside = np.flatnonzero(shapely.intersects_xy(area, network.lon, network.lat))
    if not len(inside):
        places = shapely.points(network.lon, network.lat)
        inside = np.array([np.argmin(shapely.distance(places, area))])
    return inside.astype(np.int32)


def usual_fields(network: Network, sources: list[Nodes], closed: Closed) -> Fields:
    """Return the fields of usual ways to sets of nodes."""
    speeds = network.file.speeds
    ways = Ways(network, usual_cost_h(network), closed)
    sea, river, fixed = _parts(ways, sources, speeds.usual_lock_h)
    return Fields(sea, river, fixed, speeds.usual_river_kn)


def bounding_fields(network: Network, sources: list[Nodes], closed: Closed) -> Fields:
    """Return the fields of the least conceivable: no ship is faster than these hours say.

    Ways cut through what ships avoid, the detours of the mesh are taken off, the part of the way
    within a port's reach is left out, locks take their least time.
    """
    speeds = network.file.speeds
    ways = Ways(network, bounding_cost_h(network), closed)
    sea, river, fixed = _parts(ways, sources, speeds.least_lock_h)
    sea = np.maximum(sea / speeds.detour - speeds.detour_km, 0)
    return Fields(
        *_shortened(sea, river, speeds.port_reach_km),
        fixed_h=fixed,
        river_kn=speeds.limit_river_kn,
    )


def _shortened(
    sea_km: FloatArray, river_km: FloatArray, less_km: float
) -> tuple[FloatArray, FloatArray]:
    """Return both parts, `less_km` shorter together: first where ships are slow."""
    river_less = np.minimum(np.where(np.isfinite(river_km), river_km, 0), less_km)
    sea_less = less_km - river_less
    return np.maximum(sea_km - sea_less, 0), river_km - river_less


def _parts(
    ways: Ways, sources: list[Nodes], lock_h: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return sea km, river km and hours in locks (nodes, targets) of the cheapest ways."""
    _, next_node = ways.trees_to(sources)
    sea, river, fixed = ways.sum_along(next_node, parts_of_edges(ways.network, lock_h))
    return (
        np.ascontiguousarray(sea.T),
        np.ascontiguousarray(river.T),
        np.ascontiguousarray(fixed.T),
    )


def parts_of_edges(network: Network, lock_h: float) -> FloatArray:
    """Return sea km, river km and hours in locks of each edge (3, edges)."""
    return np.stack(
        (
            np.where(network.is_river, 0, network.length_km),
            np.where(network.is_river, network.length_km, 0),
            network.edges["locks"].to_numpy() * lock_h,
        )
    )
