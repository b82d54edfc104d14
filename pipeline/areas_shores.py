"""How far polygons are: shores, and the ports with their groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import shapely
from shapely.geometry.base import BaseGeometry

from pipeline.areas_folder import Feature
from pipeline.areas_index import (
    AMBIGUOUS,
    CellMask,
    Cells,
    Codes,
    Flags,
    Places,
    cells_within,
    covers,
)
from pipeline.geodesy import MEAN_RADIUS_KM, FloatArray, arc_km, chord_m, ecef_m

if TYPE_CHECKING:
    from scipy.spatial import KDTree

# 0.00044 degree is at most 49.2 m. A point of the boundary is at most half of that from a sample.
SAMPLE_SPACING_DEG = 0.00044
SAMPLE_ERROR_M = 25.0


class Shore:
    """Distances to one polygon, through samples of its boundary in earth-centred metres."""

    def __init__(self, polygon: BaseGeometry) -> None:
        self.polygon = polygon
        fine = shapely.segmentize(polygon.boundary, SAMPLE_SPACING_DEG)
        self.lon, self.lat = shapely.get_coordinates(fine).T
        samples = ecef_m(self.lon, self.lat)
        self.middle = samples.mean(axis=0)
        self.radius_m = float(np.linalg.norm(samples - self.middle, axis=1).max())
        self.tree = _tree(samples)

    def nearest(
        self, lon: FloatArray, lat: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return distance in km, longitude and latitude of the nearest point of the boundary."""
        chords, at = self.tree.query(ecef_m(lon, lat))
        return arc_km(chords), self.lon[at], self.lat[at]


def _tree(points: FloatArray) -> KDTree:
    from scipy.spatial import KDTree  # here, since not every command asks for distances

    return KDTree(points)


def distances_m(
    shores: Sequence[Shore], lon: FloatArray, lat: FloatArray, within_m: float = np.inf
) -> FloatArray:
    """Return straight distances (points, shores) in m: 0 inside, infinite where well beyond reach.

    Off by at most 25 m, and that only within metres of the boundary. Rounded to centimetres, so
    that equal distances are equal and ties go by the order of the shores.
    """
    distances = np.full((len(lon), len(shores)), np.inf)
    points = ecef_m(lon, lat)
    is_near = _are_near(shores, points, within_m)
    for number in np.flatnonzero(is_near.any(axis=0)):
        near, shore = np.flatnonzero(is_near[:, number]), shores[int(number)]
        # The bound of the tree itself is not included, ours is.
        found, _ = shore.tree.query(points[near], distance_upper_bound=within_m + 1)
        found = np.round(found, 2)
        found[covers(shore.polygon, lon[near], lat[near])] = 0
        distances[near, number] = found
    return distances


def _are_near(shores: Sequence[Shore], points: FloatArray, within_m: float) -> Flags:
    """Return which points (rows) are not well beyond reach of which shores (columns).

    A polygon bulges over its chords by r^2 / 2R, so a point within it may be further from the
    middle than its boundary is: by less than r^2 / R.
    """
    if not len(shores):
        return np.zeros((len(points), 0), np.bool_)
    radius_m = np.array([shore.radius_m for shore in shores])
    reach_m = radius_m + radius_m**2 / (MEAN_RADIUS_KM * 1000) + within_m + 1
    squared_m2 = np.zeros((len(points), len(shores)))
    middles = np.array([shore.middle for shore in shores])
    for axis in range(3):
        squared_m2 += (points[:, axis, None] - middles[:, axis]) ** 2
    return squared_m2 <= reach_m * reach_m


def nearest_codes(distances: FloatArray, within_m: float) -> Codes:
    """Return the column of the smallest distance of each row, their number where all are beyond."""
    beyond = np.full((len(distances), 1), within_m)
    return np.hstack((distances, beyond)).argmin(axis=1).astype(np.int16)


def nearest_codes_of_cells(
    measure: Callable[[FloatArray, FloatArray, float], FloatArray], cells: Cells, within_m: float
) -> Codes:
    """Return `nearest_codes` of each cell in all of which the answer is the same.

    Distances change by no more than the way from the middle, and the sampled boundary adds its
    error: a cell is decided where the nearest stays in (or out of) reach, and ahead of the second.
    """
    slack_m = cells.radius_m + SAMPLE_ERROR_M + 1
    distances = measure(*cells.centre, within_m + 3 * float(slack_m.max()))
    codes = nearest_codes(distances, within_m)
    padded = np.pad(distances, ((0, 0), (0, 2)), constant_values=np.inf)
    first, second = np.sort(padded, axis=1)[:, :2].T
    is_beyond = first - slack_m > within_m
    is_decided = (first + slack_m <= within_m) & (second > first + 2 * slack_m)
    codes[~(is_beyond | is_decided)] = AMBIGUOUS
    return codes


def inside_codes_of_cells(shores: Sequence[Shore], cells: Cells, within_m: float) -> Codes:
    """Return the code of cells wholly inside their nearest polygon, or with none in reach."""
    codes = nearest_codes_of_cells(partial(distances_m, shores), cells, within_m)
    for number, shore in enumerate(shores):
        chosen = np.flatnonzero(codes == number)
        is_within, _ = cells_within([shore.polygon], cells, chosen)
        codes[chosen[~is_within]] = AMBIGUOUS
    return codes


class Ports:
    """The ports of a folder by port group and id: the order in which ties are decided."""

    def __init__(self, features: Sequence[Feature]) -> None:
        ports = [each for each in features if each.kind == "port"]
        self.ports = sorted(ports, key=lambda each: (group_of(each), each.id))
        self._group_masks: dict[float, CellMask] = {}
        self._inside_masks: dict[float, CellMask] = {}

    @cached_property
    def shores(self) -> list[Shore]:
        """The shores of the ports, in their order."""
        return [Shore(each.polygon) for each in self.ports]

    @cached_property
    def groups(self) -> pl.DataFrame:
        """One row per port group, by name: port_group, country, ports (their ids)."""
        schema = {"port_group": pl.String, "country": pl.String, "port": pl.String}
        rows = [(each.port_group, each.country, each.id) for each in self.ports]
        ports = pl.DataFrame(rows, schema=schema, orient="row")
        keys = ("port_group", "country")
        return ports.group_by(*keys, maintain_order=True).agg(ports="port")

    @cached_property
    def centres(self) -> pl.DataFrame:
        """One row per port group, by name: port_group, lon, lat of the centroid of its polygons."""
        groups = self.groups["port_group"].to_list()
        middles = [
            shapely.union_all([each.polygon for each in self.ports if group_of(each) == name])
            for name in groups
        ]
        at = shapely.get_coordinates(shapely.centroid(middles)).round(6).reshape(-1, 2)
        return pl.DataFrame(
            {"port_group": groups, "lon": at[:, 0], "lat": at[:, 1]},
            schema={"port_group": pl.String, "lon": pl.Float64, "lat": pl.Float64},
        )

    @cached_property
    def _group_starts(self) -> list[int]:
        groups = [group_of(each) for each in self.ports]
        return [groups.index(name) for name in self.groups["port_group"]]

    def group_distances_m(self, lon: FloatArray, lat: FloatArray, within_m: float) -> FloatArray:
        """Return `distances_m` to the nearest port of each group."""
        distances = distances_m(self.shores, lon, lat, within_m)
        return np.minimum.reduceat(distances, np.array(self._group_starts, np.intp), axis=1)

    def group_codes(self, places: Places, limits_km: Sequence[float]) -> list[Codes]:
        """Return `nearest_codes` of groups for points, an array a limit of how far they may be.

        Points in ambiguous cells are measured once for all limits.
        """
        found = [places.codes(self._group_mask(within_km)) for within_km in limits_km]
        is_asked = [codes == AMBIGUOUS for codes in found]
        ask = np.flatnonzero(np.logical_or.reduce(is_asked))
        if len(ask):
            widest_m = chord_m(max(limits_km))
            distances = self.group_distances_m(places.lon[ask], places.lat[ask], widest_m)
            for codes, own, within_km in zip(found, is_asked, limits_km, strict=True):
                codes[own] = nearest_codes(distances[own[ask]], chord_m(within_km))
        return found

    def _group_mask(self, within_km: float) -> CellMask:
        """Return the cells in all of which the nearest group is the same, or none in reach."""
        within_m = chord_m(within_km)

        def of_cells(cells: Cells) -> Codes:
            return nearest_codes_of_cells(self.group_distances_m, cells, within_m)

        if within_km not in self._group_masks:
            self._group_masks[within_km] = CellMask(of_cells)
        return self._group_masks[within_km]

    def inside_mask(self, within_km: float) -> CellMask:
        """Return the cells wholly inside their nearest port (its code) or far from all."""
        within_m = chord_m(within_km)

        def of_cells(cells: Cells) -> Codes:
            return inside_codes_of_cells(self.shores, cells, within_m)

        if within_km not in self._inside_masks:
            self._inside_masks[within_km] = CellMask(of_cells)
        return self._inside_masks[within_km]


def group_of(port: Feature) -> str:
    """Return the port group of a port, which every port has."""
    assert port.port_group is not None, f"port {port.id} has no port group"
    return port.port_group
