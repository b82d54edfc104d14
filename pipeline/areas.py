"""Points to areas, port groups and exits, by the polygons of a geo folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from pipeline.areas_folder import Folder, read_folder
from pipeline.areas_index import AMBIGUOUS, Codes, Flags, Partition, Places, PointCodes, covers
from pipeline.areas_shores import Ports, Shore, distances_m, group_of, nearest_codes
from pipeline.errors import SchemaError
from pipeline.geodesy import KM_PER_NM, FloatArray, arc_km, bearing_deg, chord_m
from pipeline.rules import CauseRules, Rules

NO_PORT_GROUP = "none"
NO_GROUP = -1  # of `nearest_groups`

# Points answered in one go: bounds the memory that their distances to all ports take.
SLICE_ROWS = 100_000


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

    def port_groups(self) -> pl.DataFrame:
        """Return one row per port group, by name: port_group, country, ports (their ids)."""
        return self._ports.groups

    def port_centres(self) -> pl.DataFrame:
        """Return one row per port group, by name: port_group, lon, lat of the middle of its ports.

        The centroid of their polygons, degrees.
        """
        return self._ports.centres

    def locate(self, points: pl.DataFrame, rules: Rules) -> pl.DataFrame:
        """Return points (lon, lat in degrees) with area, port_group and is_outside (METHOD 1, 3).

        `area` is the first monthly area that covers the point, else the default one; `port_group`
        the nearest whose port polygons lie within `near_port_nm`, else 'none' (ties by name);
        `is_outside` tells that the region does not cover it. All are null where a coordinate is.

        Raises:
            SchemaError: a coordinate is no number.
        """
        lon, lat, is_known = _coordinates(points)
        near_port_km = rules.gaps.near_port_nm * KM_PER_NM
        area, group, outside = np.empty((3, len(lon)), np.int16)
        for rows in _slices(len(lon)):
            places = Places.of_points(lon[rows], lat[rows])
            area[rows] = self._area_codes.codes(places)
            group[rows] = self._ports.group_codes(places, [near_port_km])[0]
            outside[rows] = self._region_codes.codes(places)
        found = pl.DataFrame(
            {
                "area": _named(self.area_ids, area),
                "port_group": _named([*self.port_groups()["port_group"], NO_PORT_GROUP], group),
                "is_outside": outside == 1,
            }
        )
        return _with_answers(points, found, is_known)

    def near_ports(self, points: pl.DataFrame, within_km: float) -> pl.DataFrame:
        """Return points (lon, lat in degrees) with the nearest port (METHOD 4, 7).

        `port_id`, `in_port_group` and `port_km` (0 inside) of the port whose polygon is nearest
        and at most `within_km` away; ties by port group and id. Null where there is none.

        Raises:
            SchemaError: a coordinate is no number.
        """
        lon, lat, is_known = _coordinates(points)
        ports, shores = self._ports.ports, self._ports.shores
        within_m, mask = chord_m(within_km), self._ports.inside_mask(within_km)
        port, port_km = np.empty(len(lon), np.int16), np.zeros(len(lon))
        for rows in _slices(len(lon)):
            port[rows] = Places.of_points(lon[rows], lat[rows]).codes(mask)
            ask = rows.start + np.flatnonzero(port[rows] == AMBIGUOUS)
            distances = distances_m(shores, lon[ask], lat[ask], within_m)
            port[ask] = nearest_codes(distances, within_m)
            port_km[ask] = arc_km(distances.min(axis=1, initial=np.inf))
        is_near = (port < len(ports)) & is_known
        found = pl.DataFrame(
            {
                "port_id": _named([*(each.id for each in ports), ""], port),
                "in_port_group": _named([*map(group_of, ports), ""], port),
                "port_km": port_km,
            }
        )
        return _with_answers(points, found, is_near)

    def nearest_groups(self, points: pl.DataFrame, limits_km: Sequence[float]) -> list[Codes]:
        """Return the row in `port_groups` of the nearest port group (METHOD 6), NO_GROUP for none.

        An array a limit, of how far the group may be. As `near_ports`, but quicker, as distances
        are not told: most cells lie wholly in reach of one group or of none.

        Raises:
            SchemaError: a coordinate is no number.
        """
        lon, lat, is_known = _coordinates(points)
        found = [np.empty(len(lon), np.int16) for _ in limits_km]
        for rows in _slices(len(lon)):
            places = Places.of_points(lon[rows], lat[rows])
            for codes, some in zip(found, self._ports.group_codes(places, limits_km), strict=True):
                codes[rows] = some
        for codes in found:
            codes[(codes == self.port_groups().height) | ~is_known] = NO_GROUP
        return found

    def straight_km_to_groups(self, lon: FloatArray, lat: FloatArray) -> FloatArray:
        """Return straight distances in km (points, port groups in the order of `port_groups`).

        0 inside a port. No way over water is shorter by more than the 25 m that distances may be
        off: a lower bound until travel times exist.
        """
        return arc_km(self._ports.group_distances_m(lon, lat, np.inf))

    def area_closures(self) -> pl.DataFrame:
        """Return `closures` with the monthly area of the waterway, null where it has none."""
        of_area = {name: area.id for area in self.folder.file.month_areas for name in area.of}
        return self.closures.with_columns(
            area=pl.col("waterway").replace_strict(of_area, default=None, return_dtype=pl.String)
        )

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
            SchemaError: a coordinate is no number.
        """
        lon, lat, is_known = _coordinates(points)
        speed_kn, course_deg = (
            points[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
            for name in ("sog_kn", "cog_deg")
        )
        way_deg = course_deg + {"towards": 0, "from": 180}[direction]
        is_under_way = (speed_kn > rules.exit_min_speed_kn) & np.isfinite(course_deg)
        reach_km = speed_kn * KM_PER_NM * rules.exit_within_h
        is_reached = np.zeros(len(lon), np.bool_)
        for shore in self._exit_shores:
            is_reached |= covers(shore.polygon, lon, lat)
            ask = np.flatnonzero(is_under_way & ~is_reached)
            away_km, exit_lon, exit_lat = shore.nearest(lon[ask], lat[ask])
            bearing = bearing_deg(lon[ask], lat[ask], exit_lon, exit_lat)
            off_deg = np.abs((way_deg[ask] - bearing + 180) % 360 - 180)
            is_reached[ask] = (away_km <= reach_km[ask]) & (
                off_deg <= rules.exit_max_bearing_off_deg
            )
        return pl.Series("is_exit_reached", is_reached & is_known)

    # What is built from the polygons when first asked for; left behind when areas are pickled.

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _area_codes(self) -> PointCodes:
        polygons = {each.id: each.polygon for each in self.folder.features}
        areas = self.folder.file.month_areas
        parts = Partition([[polygons[name] for name in area.of] for area in areas])
        return PointCodes(parts.of_cells, parts.of_points)

    @cached_property
    def _region_codes(self) -> PointCodes:
        region = self.folder.region
        parts = Partition([region] if region else [])
        return PointCodes(parts.of_cells, parts.of_points)

    @cached_property
    def _ports(self) -> Ports:
        return Ports(self.folder.features)

    @cached_property
    def _exit_shores(self) -> list[Shore]:
        return [Shore(each.polygon) for each in self.folder.features if each.kind == "exit"]


def _coordinates(points: pl.DataFrame) -> tuple[FloatArray, FloatArray, Flags]:
    """Return longitudes, latitudes (0 for null) and which points have both.

    A "not available" position (91, 181) that a rules file leaves in counts as the edge of the
    world.
    """
    is_known = np.ones(points.height, np.bool_)
    degrees: list[FloatArray] = []
    for name, limit_deg in (("lon", 180.0), ("lat", 90.0)):
        values = points[name].cast(pl.Float64)
        if values.null_count():
            is_known &= values.is_not_null().to_numpy()
            values = values.fill_null(0)
        array = values.to_numpy()
        # One pass each where all is well: the least and the largest tell of NaN and infinity too.
        least, largest = array.min(initial=0), array.max(initial=0)
        if not (np.isfinite(least) and np.isfinite(largest)):
            raise SchemaError(f"{name}: expected degrees, found {array[~np.isfinite(array)][0]}")
        if least < -limit_deg or largest > limit_deg:
            array = np.clip(array, -limit_deg, limit_deg)
        degrees.append(array)
    return degrees[0], degrees[1], is_known


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, start + SLICE_ROWS) for start in range(0, count, SLICE_ROWS))


def _named(names: list[str], codes: Codes) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(pl.Series(codes).cast(pl.UInt32))


def _with_answers(points: pl.DataFrame, found: pl.DataFrame, is_valid: Flags) -> pl.DataFrame:
    """Return points with the columns of `found`, null where it is not valid."""
    if not is_valid.all():
        found = found.select(pl.when(pl.Series(is_valid)).then(pl.all()))
    return points.with_columns(found.get_columns())
