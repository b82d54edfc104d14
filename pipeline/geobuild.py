"""Build a geo folder: `python -m pipeline.geobuild geo` turns its hand-made inputs into areas.

    lines.geojson, drawn.geojson, inputs/*  --build.toml-->  fences, ports, exits, region, copies

The inputs are edited by hand, the outputs never: running the build twice gives the same bytes.
`geo/README.md` says what each file is; nothing else of the pipeline reads `build.toml`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyproj import Transformer
from shapely import Polygon
from shapely.geometry import box, mapping, shape
from shapely.geometry.base import BaseGeometry

from pipeline.errors import AreasError, DarkportError

DECIMALS = 5  # about 1 m: finer than any input
PROPERTIES = ("id", "name", "kind", "country", "port_group", "source", "licence")
Feature = dict[str, Any]
Geometries = Mapping[str, BaseGeometry]


class Strict(BaseModel):
    """A table of build.toml; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sourced(Strict):
    """What every derived feature is told about itself."""

    id: str
    name: str
    source: str
    licence: str


class Region(Strict):
    """The apron round all areas."""

    output: str
    name: str
    margin_deg: float = Field(gt=0)
    simplify_deg: float = Field(gt=0)
    source: str
    licence: str


class Copy(Strict):
    """A feature of an input that becomes an output as it is."""

    input: str
    id: str
    name: str
    kind: str
    output: str


class Fence(Sourced):
    """A buffer of a line, of a drawn water, or of both."""

    kind: str
    line: str | None = None
    half_width_km: float = 0.0
    water: str | None = None
    margin_km: float = 0.0
    minus: str | None = None


class Fences(Strict):
    """All fences and the file they go to."""

    output: str
    simplify_km: float
    features: tuple[Fence, ...]


class RiverPort(Sourced):
    """A port along a river: a buffer of the parts of lines inside a box."""

    country: str
    lines: tuple[str, ...]
    box: tuple[float, float, float, float]
    half_width_km: float
    minus: tuple[str, ...]


class Ports(Strict):
    """The given ports, the river ports, and which of them are one group."""

    input: str
    output: str
    kinds: dict[str, str]
    river: tuple[RiverPort, ...]
    groups: dict[str, tuple[str, ...]]


class Exit(Sourced):
    """An exit: a drawn polygon, cut at the edge of the region."""

    drawn: str


class Exits(Strict):
    """All exits and the file they go to."""

    output: str
    features: tuple[Exit, ...]


class Plan(Strict):
    """All of build.toml."""

    region: Region
    copies: tuple[Copy, ...]
    fences: Fences
    ports: Ports
    exits: Exits


# ------------------------------------------------------------------------------ geometry


class Plane:
    """A plane in metres round the middle of a geometry (Lambert azimuthal, equal areas).

    Within 300 km of the middle its scale is true to 0.05 %, far below the width of any fence.
    """

    def __init__(self, geometry: BaseGeometry) -> None:
        middle = geometry.centroid
        laea = f"+proj=laea +lat_0={middle.y:.4f} +lon_0={middle.x:.4f} +datum=WGS84 +units=m"
        self._to = Transformer.from_crs("EPSG:4326", laea, always_xy=True)
        self._back = Transformer.from_crs(laea, "EPSG:4326", always_xy=True)

    def metres(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return a geometry in degrees as one in metres."""
        return shapely.transform(geometry, lambda xy: np.column_stack(self._to.transform(*xy.T)))

    def degrees(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return a geometry in metres as one in degrees."""
        return shapely.transform(geometry, lambda xy: np.column_stack(self._back.transform(*xy.T)))


def tidy(geometry: BaseGeometry) -> BaseGeometry:
    """Return the polygons of `geometry`: valid, of 5 decimals, in one fixed order of vertices.

    Raises:
        AreasError: nothing is left.
    """
    rounded = shapely.set_precision(shapely.make_valid(geometry), 10**-DECIMALS)
    polygons = [part for part in shapely.get_parts(rounded) if isinstance(part, Polygon)]
    if not polygons:
        raise AreasError(f"nothing is left of a {geometry.geom_type} after rounding")
    merged = shapely.union_all(polygons, grid_size=10**-DECIMALS)
    return shapely.orient_polygons(shapely.normalize(merged))


def buffer_km(geometry: BaseGeometry, km: float) -> BaseGeometry:
    """Return everything within `km` of `geometry` (degrees in, degrees out)."""
    plane = Plane(geometry)
    return plane.degrees(plane.metres(geometry).buffer(km * 1000, quad_segs=8, cap_style="round"))


def simplify_km(geometry: BaseGeometry, km: float) -> BaseGeometry:
    """Return `geometry` with vertices left out that move its edge by less than `km`."""
    plane = Plane(geometry)
    return plane.degrees(plane.metres(geometry).simplify(km * 1000))


def feature(geometry: BaseGeometry, **given: Any) -> Feature:
    """Return a GeoJSON feature with exactly the seven properties; those not given are null."""
    unknown = set(given) - set(PROPERTIES)
    assert not unknown, f"no such property: {unknown}"
    properties = {name: given.get(name) for name in PROPERTIES}
    return {"type": "Feature", "properties": properties, "geometry": mapping(geometry)}


def build_fence(fence: Fence, lines: Geometries, drawn: Geometries, tolerance_km: float) -> Feature:
    """Return a fence: within half_width_km of its line, and margin_km of its water, minus."""
    parts = []
    if fence.line is not None:
        parts.append(buffer_km(find(lines, fence.line), fence.half_width_km))
    if fence.water is not None:
        parts.append(buffer_km(find(drawn, fence.water), fence.margin_km))
    whole = simplify_km(shapely.union_all(parts), tolerance_km)
    if fence.minus is not None:
        # What lies beyond the subtracted polygon is no part of the fence.
        rest = shapely.get_parts(whole.difference(find(drawn, fence.minus)))
        whole = max(rest, key=lambda part: part.area)
    told = fence.model_dump(include={"id", "name", "kind", "source", "licence"})
    return feature(tidy(whole), **told)


def build_exit(exit_: Exit, drawn: Geometries, region: BaseGeometry) -> Feature:
    """Return an exit of kind `exit`: it ends where the region does.

    Two metres short of it, since its corners on the region's edge are rounded.
    """
    polygon = find(drawn, exit_.drawn).intersection(region.buffer(-2e-5))
    told = exit_.model_dump(include={"id", "name", "source", "licence"})
    return feature(tidy(polygon), kind="exit", **told)


def build_river_port(port: RiverPort, lines: Geometries, ports: Geometries) -> BaseGeometry:
    """Return the polygon of a river port, without the ports that lie inside it."""
    reach = shapely.union_all([find(lines, line) for line in port.lines]).intersection(
        box(*port.box)
    )
    whole = buffer_km(reach, port.half_width_km)
    return tidy(whole.difference(shapely.union_all([find(ports, other) for other in port.minus])))


def build_ports(plan: Ports, given: Sequence[Feature], lines: Geometries) -> list[Feature]:
    """Return the given ports and roads and the river ports, by id, each port with its group.

    Raises:
        AreasError: a group names an unknown port, or a port is in two groups.
    """
    shapes = {one["properties"]["id"]: shape(one["geometry"]) for one in given}
    rows: dict[str, Feature] = {}
    for one in given:
        told = one["properties"]
        kind = plan.kinds.get(told["kind"])
        if kind is None:
            raise AreasError(
                f"{plan.input}: {told['id']}: kind {told['kind']} is not in ports.kinds"
            )
        rows[told["id"]] = feature(
            shapes[told["id"]],
            id=told["id"],
            name=told["name"],
            kind=kind,
            country=told["country"] if kind == "port" else None,
            source=told["source"],
            licence=told["licence"].removesuffix(" (own work)"),
        )
    for port in plan.river:
        told = port.model_dump(include={"id", "name", "country", "source", "licence"})
        rows[port.id] = feature(build_river_port(port, lines, shapes), kind="port", **told)
    groups = {port: group for group, ports in plan.groups.items() for port in ports}
    if len(groups) != sum(map(len, plan.groups.values())):
        raise AreasError("ports.groups: a port is in two groups")
    if unknown := set(groups) - set(rows):
        raise AreasError(f"ports.groups: no such port: {', '.join(sorted(unknown))}")
    for port_id, row in rows.items():
        if row["properties"]["kind"] == "port":
            row["properties"]["port_group"] = groups.get(port_id, port_id.removeprefix("port_"))
    return [rows[port_id] for port_id in sorted(rows)]


def build_region(plan: Region, areas: Iterable[Feature]) -> Feature:
    """Return one polygon that holds every area and `margin_deg` round it, of few vertices.

    Raises:
        AreasError: it does not (the simplification was not outward).
    """
    whole = shapely.union_all([shape(area["geometry"]) for area in areas])
    wide = whole.buffer(plan.margin_deg + 1.5 * plan.simplify_deg).simplify(plan.simplify_deg)
    filled = shapely.union_all([Polygon(part.exterior) for part in shapely.get_parts(wide)])
    region = tidy(filled)
    if not region.covers(whole.buffer(plan.margin_deg)):
        raise AreasError("region: it does not hold every area with its apron")
    told = plan.model_dump(include={"name", "source", "licence"})
    return feature(region, id="region", kind="region", **told)


# ------------------------------------------------------------------------------ the folder


def find(geometries: Geometries, name: str) -> BaseGeometry:
    """Return the geometry called `name`.

    Raises:
        AreasError: there is none.
    """
    if name not in geometries:
        raise AreasError(
            f"build.toml names {name}, the inputs hold {', '.join(sorted(geometries))}"
        )
    return geometries[name]


def read_features(path: Path) -> list[Feature]:
    """Return the features of a GeoJSON file.

    Raises:
        AreasError: the file is missing or no feature collection.
    """
    try:
        return json.loads(path.read_text("utf-8"))["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AreasError(f"{path}: no GeoJSON feature collection: {error!r}") from error


def by_id(features: Iterable[Feature]) -> dict[str, BaseGeometry]:
    """Return the geometries of `features` by id."""
    return {one["properties"]["id"]: shape(one["geometry"]) for one in features}


def read_plan(path: Path) -> Plan:
    """Return build.toml.

    Raises:
        AreasError: the file is missing, no TOML, or has an unknown key or a wrong value.
    """
    try:
        return Plan.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise AreasError(f"{path}: {' '.join(str(error).split())}") from error


def build(folder: Path) -> dict[str, list[Feature]]:
    """Return the features of every derived file of the geo folder, by file name."""
    plan = read_plan(folder / "build.toml")
    lines = by_id(read_features(folder / "lines.geojson"))
    drawn = by_id(read_features(folder / "drawn.geojson"))
    built: dict[str, list[Feature]] = {}
    for copy in plan.copies:
        given = {one["properties"]["id"]: one for one in read_features(folder / copy.input)}[
            copy.id
        ]
        told = {key: given["properties"][key] for key in ("source", "licence")}
        row = feature(shape(given["geometry"]), id=copy.id, name=copy.name, kind=copy.kind, **told)
        built.setdefault(copy.output, []).append(row)
    built[plan.fences.output] = [
        build_fence(fence, lines, drawn, plan.fences.simplify_km) for fence in plan.fences.features
    ]
    built[plan.ports.output] = build_ports(
        plan.ports, read_features(folder / plan.ports.input), lines
    )
    areas = [one for rows in built.values() for one in rows]
    region = build_region(plan.region, areas)
    edge = shape(region["geometry"])
    built[plan.exits.output] = [build_exit(one, drawn, edge) for one in plan.exits.features]
    built[plan.region.output] = [region]
    return built


def as_text(features: Iterable[Feature]) -> str:
    """Return a GeoJSON feature collection, one feature a line, coordinates of 5 decimals."""
    rows = [
        json.dumps(_rounded(one), ensure_ascii=False, separators=(",", ":")) for one in features
    ]
    return '{"type":"FeatureCollection","features":[\n' + ",\n".join(rows) + "\n]}\n"


def _rounded(value: Any) -> Any:
    """Return `value` with every number in it rounded to 5 decimals."""
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Build a geo folder in place, or into another folder; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.geobuild", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, help="the geo folder, with build.toml")
    parser.add_argument("--out", type=Path, help="write the derived files here instead")
    asked = parser.parse_args(arguments)
    out: Path = asked.out or asked.folder
    try:
        built = build(asked.folder)
    except DarkportError as error:
        sys.stderr.write(f"geobuild: {error}\n")
        return error.exit_code
    out.mkdir(parents=True, exist_ok=True)
    for name, features in built.items():
        (out / name).write_text(as_text(features), "utf-8", newline="\n")
        sys.stdout.write(f"{out / name}: {len(features)} features\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
