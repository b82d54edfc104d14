"""What a geo folder says, read strictly: areas.toml, its polygons, seasons and closures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import dataframely as dy
import polars as pl
import shapely
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from shapely.geometry.base import BaseGeometry

from pipeline.errors import AreasError, ConfigError
from pipeline.schema import Closures, Seasons, conform, polars_schema
from pipeline.user_files import parse_toml, read_bytes

Kind = Literal["sea", "canal", "river", "reservoir", "bay", "port", "roads", "exit"]

# Words that stand for something else in the monthly tables.
RESERVED_AREAS = {"all"}
RESERVED_PORT_GROUPS = {"all", "none"}

EXPECTED = {
    pl.Date: "a day such as 2021-05-09",
    pl.Datetime: "an instant such as 2021-05-09T00:00:00 (UTC)",
    pl.Int64: "a whole number",
}


class MonthArea(BaseModel):
    """A part of the monthly partition: the features it is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    of: list[str] = Field(min_length=1)


class AreasFile(BaseModel):
    """The keys of areas.toml; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(min_length=1)
    features: list[str] = []
    region: str | None = None
    seasons: str | None = None
    closures: str | None = None
    default_month_area: str = Field("other", min_length=1)
    month_areas: list[MonthArea] = []


class Feature(BaseModel):
    """A polygon (EPSG:4326) and what it says of itself; further properties are its own business."""

    model_config = ConfigDict(frozen=True, strict=True, arbitrary_types_allowed=True)

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    kind: Kind
    country: str | None = Field(None, pattern="^[A-Z]{3}$")
    port_group: str | None = Field(None, min_length=1)
    source: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    polygon: BaseGeometry


@dataclass(frozen=True)
class Folder:
    """A geo folder as read: features in the order of their files, ids known and distinct."""

    file: AreasFile
    features: tuple[Feature, ...]
    region: tuple[BaseGeometry, ...]
    seasons: pl.DataFrame
    closures: pl.DataFrame
    hash: str


def read_folder(folder: Path) -> Folder:
    """Return what the geo folder says; `hash` is 16 hex digits of areas.toml and what it names.

    Raises:
        AreasError: in one line, the file, the feature and what is wrong with it.
    """
    texts = {"areas.toml": _read_bytes(folder / "areas.toml")}
    file = _parse_areas_file(folder / "areas.toml", texts["areas.toml"])
    for name in [*file.features, file.region, file.seasons, file.closures]:
        if name is not None:
            texts[name] = _read_bytes(folder / name)
    features = tuple(
        _parse_feature(folder / name, *found)
        for name in file.features
        for found in _parse_polygons(folder / name, texts[name])
    )
    region = (
        () if file.region is None else _parse_polygons(folder / file.region, texts[file.region])
    )
    _check_features(folder / "areas.toml", features)
    _check_month_areas(folder / "areas.toml", file, features)
    waterways = {area.id for area in file.month_areas} | {each.id for each in features}
    return Folder(
        file=file,
        features=features,
        region=tuple(polygon for _, _, polygon in region),
        seasons=_read_dated(folder, file.seasons, texts, Seasons, waterways),
        closures=_read_dated(folder, file.closures, texts, Closures, waterways),
        hash=_hash_of(texts),
    )


def _read_bytes(path: Path) -> bytes:
    try:
        return read_bytes(path, "geo folder")
    except ConfigError as error:
        raise AreasError(str(error)) from error


def _hash_of(texts: dict[str, bytes]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name, text in texts.items():
        digest.update(f"{name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    try:
        found = json.dumps(first["input"], default=str)[:60]
    except RecursionError:
        found = "something nested too deep"
    return f"{where}: {first['msg']}, found {found}"


def _parse_areas_file(path: Path, text: bytes) -> AreasFile:
    try:
        return AreasFile.model_validate(parse_toml(text.decode("utf-8-sig")))
    except ValidationError as error:
        raise AreasError(f"{path}: {_first_of(error)}") from error
    except ValueError as error:
        raise AreasError(f"{path}: no valid TOML: {error}") from error


def _parse_polygons(path: Path, text: bytes) -> list[tuple[str, Any, BaseGeometry]]:
    """Return (where it stands, properties, polygon) of each feature of a GeoJSON file."""
    try:
        collection = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AreasError(f"{path}: no valid JSON: {error}") from error
    is_collection = isinstance(collection, dict) and collection.get("type") == "FeatureCollection"
    features = collection.get("features") if is_collection else None
    if not isinstance(features, list) or not features:
        raise AreasError(f"{path}: expected a FeatureCollection with features")
    return [_parse_polygon(path, number, feature) for number, feature in enumerate(features, 1)]


def _parse_polygon(path: Path, number: int, feature: Any) -> tuple[str, Any, BaseGeometry]:
    given = feature if isinstance(feature, dict) else {}
    properties, geometry = given.get("properties"), given.get("geometry")
    name = properties.get("id") if isinstance(properties, dict) else None
    place = f"feature {number}" if name is None else f"feature {name!r}"
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        found = geometry.get("type") if isinstance(geometry, dict) else geometry
        raise AreasError(f"{path}: {place}: expected a Polygon or MultiPolygon, found {found!r}")
    try:
        polygon = shapely.force_2d(shapely.from_geojson(json.dumps(geometry)))
    except (shapely.errors.ShapelyError, ValueError, RecursionError) as error:
        raise AreasError(f"{path}: {place}: coordinates cannot be read: {error}") from error
    if polygon.is_empty or not polygon.is_valid:
        reason = "it is empty" if polygon.is_empty else shapely.is_valid_reason(polygon)
        raise AreasError(f"{path}: {place}: invalid polygon: {reason}")
    west, south, east, north = polygon.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise AreasError(
            f"{path}: {place}: expected degrees (EPSG:4326), found bounds "
            f"{west:g} {south:g} {east:g} {north:g}"
        )
    return place, properties, polygon


def _parse_feature(path: Path, place: str, properties: Any, polygon: BaseGeometry) -> Feature:
    if not isinstance(properties, dict):
        raise AreasError(f"{path}: {place}: expected properties, found {properties!r}")
    try:
        feature = Feature.model_validate({**properties, "polygon": polygon})
    except ValidationError as error:
        raise AreasError(f"{path}: {place}: {_first_of(error)}") from error
    missing = [name for name in ("country", "port_group") if getattr(feature, name) is None]
    if feature.kind == "port" and missing:
        raise AreasError(f"{path}: {place}: a port needs a {missing[0]}")
    if feature.port_group in RESERVED_PORT_GROUPS:
        raise AreasError(f"{path}: {place}: port_group {feature.port_group!r} is reserved")
    return feature


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    return next((name for name in names if name in seen or seen.add(name)), None)


def _check_features(path: Path, features: tuple[Feature, ...]) -> None:
    repeated = _repeated(each.id for each in features)
    if repeated is not None:
        raise AreasError(f"{path}: feature {repeated!r}: the id stands twice in its files")
    countries: dict[str, str] = {}
    for each in features:
        if each.kind != "port" or each.port_group is None or each.country is None:
            continue
        first = countries.setdefault(each.port_group, each.country)
        if first != each.country:
            raise AreasError(
                f"{path}: feature {each.id!r}: port group {each.port_group!r} lies in {first}, "
                f"found {each.country}"
            )


def _check_month_areas(path: Path, file: AreasFile, features: tuple[Feature, ...]) -> None:
    known = {each.id for each in features}
    ids = [*(area.id for area in file.month_areas), file.default_month_area]
    repeated = _repeated(ids)
    if repeated is not None:
        raise AreasError(f"{path}: month area {repeated!r} stands twice")
    for name in RESERVED_AREAS.intersection(ids):
        raise AreasError(f"{path}: month area {name!r} is reserved")
    for area in file.month_areas:
        for name in area.of:
            if name not in known:
                raise AreasError(f"{path}: month area {area.id!r}: no feature has the id {name!r}")


def _read_dated(
    folder: Path,
    name: str | None,
    texts: dict[str, bytes],
    table: type[dy.Schema],
    waterways: set[str],
) -> pl.DataFrame:
    """Return seasons or closures as their table, empty where the folder has none."""
    wanted = polars_schema(table)
    if name is None:
        return pl.DataFrame(schema=wanted)
    path = folder / name
    try:
        raw = pl.read_csv(texts[name], infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise AreasError(f"{path}: no valid CSV: {error}") from error
    if sorted(raw.columns) != sorted(wanted):
        raise AreasError(f"{path}: expected the columns {list(wanted)}, found {raw.columns}")
    parsed = raw.select(_parse_text(column, dtype) for column, dtype in wanted.items())
    _check_dated(path, raw, parsed, table, waterways)
    return conform(parsed, table)


def _parse_text(column: str, dtype: pl.DataType) -> pl.Expr:
    """Return a text column as its type, null where the text is none of it.

    An instant has a time of day (UTC): a bare date would leave open whether its day is included.
    """
    text = pl.col(column)
    if dtype == pl.Date:
        return text.str.to_date("%Y-%m-%d", strict=False)
    if dtype == pl.Datetime:
        plain = text.str.strip_suffix("Z").str.replace(" ", "T", literal=True)
        return pl.coalesce(
            plain.str.to_datetime(form, time_unit="us", strict=False)
            for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M")
        )
    return text.cast(dtype, strict=False)


def _check_dated(
    path: Path,
    raw: pl.DataFrame,
    parsed: pl.DataFrame,
    table: type[dy.Schema],
    waterways: set[str],
) -> None:
    """Refuse a text that is not of its type, a repeated key and an end before its begin."""

    def refuse(column: str, is_wrong: pl.Series, expected: str) -> None:
        rows = is_wrong.fill_null(value=False).arg_true()
        if len(rows):
            found = raw[column][rows[0]]
            raise AreasError(
                f"{path}: row {rows[0] + 1}: {column}: expected {expected}, found {found!r}"
            )

    columns = table.columns()
    for column, definition in columns.items():
        expected = EXPECTED.get(type(definition.dtype), "text")
        is_given = raw[column].is_not_null()
        refuse(column, parsed[column].is_null() & is_given, expected)
        if not definition.nullable:
            refuse(column, ~is_given, expected)
    refuse("waterway", ~parsed["waterway"].is_in(waterways), "the id of a feature or month area")
    key = [column for column, definition in columns.items() if definition.primary_key]
    refuse(
        key[-1], parsed.select(pl.struct(key).is_duplicated()).to_series(), "it once per waterway"
    )
    begin, end = ("opened_on", "closed_on") if table is Seasons else ("closed_from", "closed_to")
    refuse(end, parsed[end] < parsed[begin], f"no earlier one than {begin}")
