"""Distances and travel times over water: the network of a geo folder (METHOD 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from pipeline import water_straight as straight
from pipeline.areas import Areas, load_areas
from pipeline.areas_shores import Shore, distances_m, group_of
from pipeline.errors import AreasError, SchemaError
from pipeline.geodesy import KM_PER_NM, FloatArray, arc_km
from pipeline.water_dates import is_closed
from pipeline.water_fields import Charts, Fields, nodes_of, parts_of_edges
from pipeline.water_folder import Network, Nodes, read_network
from pipeline.water_paths import Paths, sum_along, walk
from pipeline.water_snap import Snapper
from pipeline.water_ways import Closed

OPEN: Closed = frozenset()


def load_water(folder: Path) -> Water:
    """Return the waters of a geo folder.

    Without a water.toml there is no network: distances are great circles without any limit.

    Raises:
        AreasError: in one line, the file and what is wrong with it.
    """
    return Water(load_areas(folder), read_network(folder))


@dataclass(frozen=True, eq=False)
class Water:
    """The waters of a geo folder: nodes, and the ways from them to ports, exits and each other.

    Without a network nodes are small cells of the globe and ways are great circles. `closed` names
    the waterways that are shut at their gates; a name without a gate shuts nothing.
    """

    areas: Areas
    network: Network | None

    @cached_property
    def hash(self) -> str:
        """16 hex digits that name everything the areas and the network say."""
        own = "straight" if self.network is None else self.network.hash
        return hashlib.blake2b(f"{self.areas.hash} {own}".encode(), digest_size=8).hexdigest()

    @cached_property
    def targets(self) -> list[str]:
        """All port groups in the order of `Areas.port_groups`, then all exits by id."""
        return [*self.areas.port_groups()["port_group"], *self.exits]

    @cached_property
    def exits(self) -> list[str]:
        """All exits by id."""
        return sorted(each.id for each in self.areas.folder.features if each.kind == "exit")

    @cached_property
    def waterways(self) -> frozenset[str]:
        """The waterways that a closure or a season can shut."""
        if self.network is None:
            return OPEN
        return frozenset(self.network.edges["closes_with"].drop_nulls())

    def snap(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Nodes, FloatArray]:
        """Return the node of each point in degrees, and how far it is in km.

        The nearest node that can be reached without crossing land, where there is one.

        Raises:
            SchemaError: a coordinate is no number.
        """
        x, y = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise SchemaError("lon, lat: expected degrees, found what is no number")
        return straight.snap(x, y) if self.network is None else self._snapper.snap(x, y)

    def lon_lat(self, nodes: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return longitude and latitude of nodes in degrees."""
        at = np.asarray(nodes, np.int32)
        if self.network is None:
            return straight.places(at)
        return self.network.lon[at], self.network.lat[at]

    # -------------------------------------------------------------------- to ports and exits

    def fields(self, closed: Closed = OPEN) -> Fields:
        """Return the parts of the usual way from every node to every target (kept once made).

        Raises:
            AreasError: the geo folder has no network, so that there is no list of nodes.
        """
        return self._charts.usual(closed)

    def bounding_fields(self, closed: Closed = OPEN) -> Fields:
        """Return the same of the fastest conceivable way: what excludes a port rests on it.

        Raises:
            AreasError: the geo folder has no network, so that there is no list of nodes.
        """
        return self._charts.bounding(closed)

    def km_to(self, target: str, nodes: ArrayLike, closed: Closed = OPEN) -> FloatArray:
        """Return the length of the usual way to a port group or exit in km, infinite without."""
        at, column = np.asarray(nodes, np.int32), self._columns([target])[0]
        if self.network is None:
            return self._straight_km(at)[:, column]
        field = self.fields(closed)
        return field.sea_km[at, column] + field.river_km[at, column]

    def hours_to(
        self, targets: Sequence[str], nodes: ArrayLike, speed_kn: ArrayLike, closed: Closed = OPEN
    ) -> FloatArray:
        """Return the hours of the usual way (nodes, targets), infinite where there is none.

        Args:
            targets: port groups and exits.
            nodes: from `snap`.
            speed_kn: of the ship in open water, one for all or one a node.
            closed: waterways that are shut.
        """
        at, speed = _with_speeds(nodes, speed_kn)
        columns = self._columns(targets)
        if self.network is None:
            return self._straight_km(at)[:, columns] / (speed[:, None] * KM_PER_NM)
        return self.fields(closed).hours(at, columns, speed)

    def least_hours_to(
        self,
        targets: Sequence[str],
        nodes: ArrayLike,
        speed_kn: ArrayLike,
        closed: Closed = OPEN,
        offset_km: ArrayLike = 0.0,
    ) -> FloatArray:
        """Return hours (nodes, targets) below which no ship of that bounding speed gets there.

        `offset_km` (of `snap`) is taken off the way: the ship may lie to the side of the target.
        """
        at, speed = _with_speeds(nodes, speed_kn)
        columns = self._columns(targets)
        less_km = np.asarray(offset_km, np.float64)
        if self.network is None:
            hours = self._straight_km(at)[:, columns] / (speed[:, None] * KM_PER_NM)
            less_km = less_km + straight.PORT_REACH_KM
        else:
            field = self.bounding_fields(closed)
            hours = field.hours(at, columns, speed)
            speed = np.minimum(speed, field.river_kn)
        less_h = np.broadcast_to(less_km / (speed * KM_PER_NM), at.shape)
        return np.maximum(hours - less_h[:, None], 0)

    # -------------------------------------------------------------------- between nodes

    def between_km(
        self, nodes_a: ArrayLike, nodes_b: ArrayLike, closed: Closed = OPEN
    ) -> FloatArray:
        """Return the length of the usual way of each pair of nodes in km, infinite without."""
        parts = self.between_parts(nodes_a, nodes_b, closed)
        return (parts.sea_km + parts.river_km)[:, 0]

    def between_parts(
        self, nodes_a: ArrayLike, nodes_b: ArrayLike, closed: Closed = OPEN
    ) -> Fields:
        """Return the parts of the usual way of each pair of nodes: arrays (pairs, 1)."""
        one, other = _pairs(nodes_a, nodes_b)
        if self.network is None:
            km = straight.between_km(one, other)[:, None]
            return Fields(km, np.zeros_like(km), np.zeros_like(km), np.inf)
        speeds = self.network.file.speeds
        # There and back are one way.
        one, other = np.minimum(one, other), np.maximum(one, other)
        keys = one.astype(np.int64) << 32 | other
        distinct, which = np.unique(keys, return_inverse=True)
        one, other = (distinct >> 32).astype(np.int32), distinct.astype(np.int32)
        values = parts_of_edges(self.network, speeds.usual_lock_h)
        sums = sum_along(self._charts.ways(closed), one, other, values)[:, which, None]
        return Fields(*sums, river_kn=speeds.usual_river_kn)

    def paths(self, nodes_a: ArrayLike, nodes_b: ArrayLike, closed: Closed = OPEN) -> Paths:
        """Return the usual ways of pairs as flat arrays: pair, node, km so far."""
        one, other = _pairs(nodes_a, nodes_b)
        if self.network is None:
            return straight.paths(one, other)
        return walk(self._charts.ways(closed), one, other)

    def place_along(
        self, paths: Paths, pairs: ArrayLike, km: ArrayLike
    ) -> tuple[FloatArray, FloatArray]:
        """Return longitude and latitude `km` along the way of pairs, NaN where there is no way.

        A share of the way is `share * paths.length_km[pairs]` km; beyond an end it is that end.
        """
        before, after, share = paths.find_legs(pairs, km)
        if not len(paths.km):
            return np.full(len(before), np.nan), np.full(len(before), np.nan)
        one, other = paths.node[before], paths.node[after]
        if self.network is None:
            lon, lat = straight.along(one, other, share)
        else:
            lon, lat = (
                values[one] + share * (values[other] - values[one])
                for values in (self.network.lon, self.network.lat)
            )
        return np.where(before < 0, np.nan, lon), np.where(before < 0, np.nan, lat)

    def is_closed(self, waterway: str, at: ArrayLike) -> NDArray[np.bool_]:
        """Return whether a waterway is shut at instants (UTC), by seasons and closures (METHOD 3).

        A year that is not listed excludes nothing.
        """
        return is_closed(self.areas.seasons, self.areas.closures, waterway, at)

    # What is built when first asked for; left behind when waters are pickled.

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _needed(self) -> Network:
        if self.network is None:
            raise AreasError("the geo folder has no water.toml, and so no list of nodes")
        return self.network

    @cached_property
    def _snapper(self) -> Snapper:
        return Snapper(self._needed)

    @cached_property
    def _charts(self) -> Charts:
        polygons: dict[str, list[BaseGeometry]] = {name: [] for name in self.targets}
        for each in self.areas.folder.features:
            if each.kind in ("port", "exit"):
                polygons[each.id if each.kind == "exit" else group_of(each)].append(each.polygon)
        return Charts(self._needed, [nodes_of(self._needed, polygons[n]) for n in self.targets])

    @cached_property
    def _exit_shores(self) -> list[Shore]:
        exits = [each for each in self.areas.folder.features if each.kind == "exit"]
        return [Shore(each.polygon) for each in sorted(exits, key=lambda each: each.id)]

    def _straight_km(self, nodes: Nodes) -> FloatArray:
        """Return straight distances (nodes, targets) in km."""
        place = straight.places(nodes)
        to_exits = arc_km(distances_m(self._exit_shores, *place))
        return np.hstack((self.areas.straight_km_to_groups(*place), to_exits))

    def _columns(self, targets: Sequence[str]) -> list[int]:
        numbers = {name: number for number, name in enumerate(self.targets)}
        unknown = [name for name in targets if name not in numbers]
        if unknown:
            raise SchemaError(f"{unknown[0]!r} is no port group and no exit of the geo folder")
        return [numbers[name] for name in targets]


def _with_speeds(nodes: ArrayLike, speed_kn: ArrayLike) -> tuple[Nodes, FloatArray]:
    at = np.asarray(nodes, np.int32)
    return at, np.broadcast_to(np.asarray(speed_kn, np.float64), at.shape)


def _pairs(nodes_a: ArrayLike, nodes_b: ArrayLike) -> tuple[Nodes, Nodes]:
    one, other = np.broadcast_arrays(np.asarray(nodes_a, np.int32), np.asarray(nodes_b, np.int32))
    return one.ravel(), other.ravel()
