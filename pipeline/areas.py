"""Points to areas, port groups and exits, by the polygons of a geo folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from pipeline.areas_folder import Feature, Folder, read_folder
from pipeline.areas_index import (
    AMBIGUOUS,
    CellMask,
    Cells,
    Codes,
    Partition,
    Shore,
    cell_keys,
    covers,
    distances_m,
    inside_codes_of_cells,
    nearest_codes,
    nearest_codes_of_cells,
)
from pipeline.errors import SchemaError
from pipeline.geodesy import KM_PER_NM, FloatArray, arc_km, bearing_deg, chord_m
from pipeline.rules import CauseRules, Rules

NO_PORT_GROUP = "none"

# Points answered in one go: bounds the memory that their distances to all ports take.
SLICE_ROWS = 200_000


def load_areas(folder: Path) -> Areas:
    """Return the areas of a geo folder.

    Raises:
        AreasError: in one line, the file, the feature and what is wrong with it.
    """
    return Areas(read_folder(folder))


@dataclass(frozen=True, eq=False)
class Areas:
    """The areas, ports and exits of a geo folder, and what they say about points.

    A point on the boundary of a polygon is inside. Polygons are what their coordinates say: one
    across the antimeridian comes in two parts. Distances are straight until travel times exist.
    The answer for a point never depends on which points come together.
    """

    folder: Folder

    @property
    def hash(self) -> str:
        """16 hex digits that name everything the folder says."""
        return self.folder.hash

    @property
    def seasons(self) -> pl.DataFrame:
        """Navigation seasons (table Seasons)."""
        return self.folder.seasons

    @property
    def closures(self) -> pl.DataFrame:
        """Dated closures (table Closures)."""
        return self.folder.closures

    @cached_property
    def area_ids(self) -> list[str]:
        """Ids of the monthly areas in the order in which they match, the default one last."""
        file = self.folder.file
        return [*(area.id for area in file.month_areas), file.default_month_area]

    @cached_property
    def ports(self) -> list[Feature]:
        """Features of kind port, by port group and id: the order in which ties are decided."""
        ports = [each for each in self.folder.features if each.kind == "port"]
        return sorted(ports, key=lambda each: (_group_of(each), each.id))

    def port_groups(self) -> pl.DataFrame:
        """Return one row per port group, by name: port_group, country, ports (their ids)."""
        schema = {"port_group": pl.String, "country": pl.String, "port": pl.String}
        rows = [(each.port_group, each.country, each.id) for each in self.ports]
        ports = pl.DataFrame(rows, schema=schema, orient="row")
        return (
            ports.group_by("port_group", "country", maintain_order=True)
            .agg(ports="port")
            .sort("port_group")
        )

    def locate(self, points: pl.DataFrame, rules: Rules) -> pl.DataFrame:
        """Return points (lon, lat in degrees) with area, port_group and is_outside (METHOD 1, 3).

        `area` is the first monthly area that covers the point, else the default one; `port_group`
        the nearest whose port polygons lie within `near_port_nm`, else 'none' (ties by name);
        `is_outside` tells that the region does not cover it. All are null where a coordinate is.

        Raises:
            SchemaError: a coordinate is out of range or no number.
        """
        lon, lat, is_known = _coordinates(points)
        group_mask = self._group_mask(rules.gaps.near_port_nm * KM_PER_NM)
        area, group, outside = np.empty((3, len(lon)), np.int16)
        for rows in _slices(len(lon)):
            place = (lon[rows], lat[rows], cell_keys(lon[rows], lat[rows]))
            area[rows] = self._area_mask.codes(*place)
            group[rows] = group_mask.codes(*place)
            outside[rows] = self._region_mask.codes(*place)
        found = pl.DataFrame(
            {
                "area": _named(self.area_ids, area),
                "port_group": _named([*self._group_names, NO_PORT_GROUP], group),
                "is_outside": outside == 1,
            }
        )
        return _with_answers(points, found, is_known)

    def near_ports(self, points: pl.DataFrame, within_km: float) -> pl.DataFrame:
        """Return points (lon, lat in degrees) with the nearest port (METHOD 4, 7).

        `port_id`, `in_port_group` and `port_km` (0 inside) of the port whose polygon is nearest
        and at most `within_km` away; ties by port group and id. Null where there is none.

        Raises:
            SchemaError: a coordinate is out of range or no number.
        """
        lon, lat, is_known = _coordinates(points)
        within_m, mask = chord_m(within_km), self._port_mask(within_km)
        port, port_km = np.empty(len(lon), np.int16), np.zeros(len(lon))
        for rows in _slices(len(lon)):
            port[rows] = mask.cell_codes(cell_keys(lon[rows], lat[rows]))
            ask = rows.start + np.flatnonzero(port[rows] == AMBIGUOUS)
            distances = distances_m(self._port_shores, lon[ask], lat[ask], within_m)
            port[ask] = nearest_codes(distances, within_m)
            port_km[ask] = arc_km(distances.min(axis=1, initial=np.inf))
        is_near = pl.Series(port < len(self.ports)) & is_known
        found = pl.DataFrame(
            {
                "port_id": _named([*(each.id for each in self.ports), ""], port),
                "in_port_group": _named([*map(_group_of, self.ports), ""], port),
                "port_km": port_km,
            }
        )
        return _with_answers(points, found, is_near)

    def straight_km_to_groups(self, lon: FloatArray, lat: FloatArray) -> FloatArray:
        """Return straight distances in km (points, port groups in the order of `port_groups`).

        0 inside a port. No way over water is shorter: a bound until travel times exist.
        """
        return arc_km(self._group_distances_m(lon, lat, np.inf))

    def exit_reach(
        self, points: pl.DataFrame, rules: CauseRules, direction: Literal["towards", "from"]
    ) -> pl.Series:
        """Return whether points lie in an exit or were under way to or from one (METHOD 1).

        Under way: faster than `exit_min_speed_kn`, the course (reversed for 'from') within
        `exit_max_bearing_off_deg` of the bearing to the nearest point of the exit, and that at
        most `exit_within_h` away at the own speed, in a straight line until travel times exist.
        Without speed or course only the first test counts; false where a coordinate is null.

        Args:
            points: lon, lat, sog_kn, cog_deg.
            rules: the thresholds.
            direction: 'towards' for the last sighting before a silence, 'from' for the first after.

        Raises:
            SchemaError: a coordinate is out of range or no number.
        """
        lon, lat, is_known = _coordinates(points)
        speed_kn, course_deg = (
            points[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in ("sog_kn", "cog_deg")
        )
        heading_deg = course_deg + {"towards": 0, "from": 180}[direction]
        is_under_way = (speed_kn > rules.exit_min_speed_kn) & np.isfinite(course_deg)
        reach_km = speed_kn * KM_PER_NM * rules.exit_within_h
        is_reached = np.zeros(len(lon), np.bool_)
        for shore in self._exit_shores:
            is_reached |= covers(shore.polygon, lon, lat)
            ask = np.flatnonzero(is_under_way & ~is_reached)
            away_km, exit_lon, exit_lat = shore.nearest(lon[ask], lat[ask])
            bearing = bearing_deg(lon[ask], lat[ask], exit_lon, exit_lat)
            off_deg = np.abs((heading_deg[ask] - bearing + 180) % 360 - 180)
            is_reached[ask] = (away_km <= reach_km[ask]) & (
                off_deg <= rules.exit_max_bearing_off_deg
            )
        return pl.Series("is_exit_reached", is_reached) & is_known

    # What is built from the polygons when first asked for; left behind when areas are pickled.

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _masks(self) -> dict[tuple[str, float], CellMask]:
        return {}

    @cached_property
    def _area_mask(self) -> CellMask:
        polygons = {each.id: each.polygon for each in self.folder.features}
        areas = self.folder.file.month_areas
        parts = Partition([[polygons[name] for name in area.of] for area in areas])
        return CellMask(parts.of_cells, parts.of_points)

    @cached_property
    def _region_mask(self) -> CellMask:
        region = self.folder.region
        parts = Partition([region] if region else [])
        return CellMask(parts.of_cells, parts.of_points)

    def _group_mask(self, within_km: float) -> CellMask:
        """The mask of `nearest_codes` of port groups."""
        within_m = chord_m(within_km)

        def of_points(lon: FloatArray, lat: FloatArray) -> Codes:
            return nearest_codes(self._group_distances_m(lon, lat, within_m), within_m)

        def of_cells(cells: Cells) -> Codes:
            return nearest_codes_of_cells(self._group_distances_m, cells, within_m)

        return self._kept("group", within_km, of_cells, of_points)

    def _port_mask(self, within_km: float) -> CellMask:
        """The mask of `nearest_codes` of ports where their distance is 0 or beyond reach."""
        within_m = chord_m(within_km)

        def of_points(lon: FloatArray, lat: FloatArray) -> Codes:
            return nearest_codes(distances_m(self._port_shores, lon, lat, within_m), within_m)

        def of_cells(cells: Cells) -> Codes:
            return inside_codes_of_cells(self._port_shores, cells, within_m)

        return self._kept("port", within_km, of_cells, of_points)

    def _kept(self, name: str, within_km: float, *codes_of: Any) -> CellMask:
        key = (name, within_km)
        if key not in self._masks:
            self._masks[key] = CellMask(*codes_of)
        return self._masks[key]

    @cached_property
    def _port_shores(self) -> list[Shore]:
        return [Shore(each.polygon) for each in self.ports]

    @cached_property
    def _exit_shores(self) -> list[Shore]:
        return [Shore(each.polygon) for each in self.folder.features if each.kind == "exit"]

    @cached_property
    def _group_names(self) -> list[str]:
        return self.port_groups()["port_group"].to_list()

    def _group_distances_m(self, lon: FloatArray, lat: FloatArray, within_m: float) -> FloatArray:
        distances = distances_m(self._port_shores, lon, lat, within_m)
        group_of = [self._group_names.index(_group_of(each)) for each in self.ports]
        starts = np.flatnonzero(np.diff(group_of, prepend=-1))
        return np.minimum.reduceat(distances, starts, axis=1)


def _group_of(port: Feature) -> str:
    assert port.port_group is not None, f"port {port.id} has no port group"
    return port.port_group


def _coordinates(points: pl.DataFrame) -> tuple[FloatArray, FloatArray, pl.Series]:
    """Return longitudes, latitudes (0 for null) and which points have both."""
    lon, lat = (points[name].cast(pl.Float64) for name in ("lon", "lat"))
    for values, limit in ((lon, 180), (lat, 90)):
        wrong = values.filter(~values.is_between(-limit, limit))
        if len(wrong):
            raise SchemaError(
                f"{values.name}: expected degrees from -{limit} to {limit}, found {wrong[0]}"
            )
    is_known = lon.is_not_null() & lat.is_not_null()
    return lon.fill_null(0).to_numpy(), lat.fill_null(0).to_numpy(), is_known


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, start + SLICE_ROWS) for start in range(0, count, SLICE_ROWS))


def _named(names: list[str], codes: Codes) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(pl.Series(codes).cast(pl.UInt32))


def _with_answers(points: pl.DataFrame, found: pl.DataFrame, is_valid: pl.Series) -> pl.DataFrame:
    """Return points with the columns of `found`, null where it is not valid."""
    if not is_valid.all():
        found = found.select(pl.when(is_valid).then(pl.all()))
    return points.with_columns(found.get_columns())
