"""What a geo folder says of its waters, read strictly: water.toml, nodes, edges, polygons."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry

from pipeline.errors import AreasError, ConfigError
from pipeline.geodesy import FloatArray, local_distance_km_array
from pipeline.user_files import parse_toml, read_bytes
from pipeline.water_file import OpenWater, WaterFile

Nodes: TypeAlias = NDArray[np.int32]

SETTINGS = "water.toml"
NODE_COLUMNS = {"lon": pl.Float64, "lat": pl.Float64, "waterway": pl.String}
EDGE_COLUMNS = {
    "start": pl.Int32,
    "end": pl.Int32,
    "waterway": pl.String,
    "avoided": pl.String,
    "closes_with": pl.String,
    "locks": pl.Int8,
}


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes and edges as read: positions in degrees, edges without direction, all checked.

    `water` are the polygons of the open waters, `is_on_mesh` tells which nodes lie in them.
    """

    file: WaterFile
    lon: FloatArray
    lat: FloatArray
    is_on_mesh: NDArray[np.bool_]
    edges: pl.DataFrame
    water: BaseGeometry
    hash: str

    @cached_property
    def start(self) -> Nodes:
        """The first node of each edge."""
        return self.edges["start"].to_numpy()

    @cached_property
    def end(self) -> Nodes:
        """The other node of each edge."""
        return self.edges["end"].to_numpy()

    @cached_property
    def length_km(self) -> FloatArray:
        """Length of each edge in km."""
        one, other = self.start, self.end
        return local_distance_km_array(
            self.lon[one], self.lat[one], self.lon[other], self.lat[other]
        )

    @cached_property
    def is_river(self) -> NDArray[np.bool_]:
        """Whether the river speeds hold on each edge."""
        rivers = [each.id for each in self.file.waterways if each.is_river]
        return self.edges["waterway"].is_in(rivers).to_numpy()


def read_network(folder: Path) -> Network | None:
    """Return the water network of a geo folder, none where it has no water.toml.

    Raises:
        AreasError: in one line, the file and what is wrong with it.
    """
    if not (folder / SETTINGS).exists():
        return None
    file = read_water_file(folder)
    names = [SETTINGS, file.nodes, file.edges, *(each.file for each in file.waters)]
    texts = {name: _bytes_of(folder / name) for name in names}
    nodes = _frame_of(folder / file.nodes, texts[file.nodes], NODE_COLUMNS)
    edges = _frame_of(folder / file.edges, texts[file.edges], EDGE_COLUMNS)
    _check(folder, file, nodes, edges)
    water = shapely.union_all([read_water(folder, each) for each in file.waters])
    shapely.prepare(water)
    lon, lat = (nodes[name].to_numpy() for name in ("lon", "lat"))
    return Network(
        file=file,
        lon=lon,
        lat=lat,
        is_on_mesh=shapely.intersects_xy(water, lon, lat),
        edges=edges,
        water=water,
        hash=_hash_of(texts),
    )


def read_water_file(folder: Path) -> WaterFile:
    """Return water.toml.

    Raises:
        AreasError: it is missing, no TOML, or has an unknown key or a wrong value.
    """
    path = folder / SETTINGS
    try:
        return WaterFile.model_validate(parse_toml(_bytes_of(path).decode("utf-8-sig")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise AreasError(f"{path}: {where}: {first['msg']}") from error
    except ValueError as error:
        raise AreasError(f"{path}: no valid TOML: {error}") from error


def read_water(folder: Path, water: OpenWater) -> BaseGeometry:
    """Return the polygon of an open water.

    Raises:
        AreasError: there is no such feature.
    """
    return read_shape(folder / water.file, water.feature)


def read_shape(path: Path, name: str) -> BaseGeometry:
    """Return the geometry with the id `name` of a GeoJSON file.

    Raises:
        AreasError: the file is none, or has no such feature.
    """
    try:
        for each in json.loads(_bytes_of(path))["features"]:
            if each["properties"]["id"] == name:
                return shapely.from_geojson(json.dumps(each["geometry"]))
    except (ValueError, KeyError, TypeError, RecursionError, shapely.errors.ShapelyError) as error:
        raise AreasError(f"{path}: no GeoJSON feature collection: {error!r}") from error
    raise AreasError(f"{path}: no feature has the id {name!r}")


def _bytes_of(path: Path) -> bytes:
    try:
        return read_bytes(path, "geo folder")
    except ConfigError as error:
        raise AreasError(str(error)) from error


def _frame_of(path: Path, content: bytes, columns: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(content)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise AreasError(f"{path}: no Parquet file: {error}") from error
    if dict(frame.schema) != columns:
        raise AreasError(f"{path}: expected the columns {list(columns)}, found {frame.schema}")
    return frame


def _check(folder: Path, file: WaterFile, nodes: pl.DataFrame, edges: pl.DataFrame) -> None:
    """Refuse nodes off the globe and edges without two nodes."""
    is_place = nodes["lon"].is_between(-180, 180) & nodes["lat"].is_between(-90, 90)
    if not len(nodes) or not is_place.fill_null(value=False).all():
        raise AreasError(f"{folder / file.nodes}: expected nodes in degrees")
    for column in ("start", "end"):
        if not edges[column].is_between(0, len(nodes) - 1).fill_null(value=False).all():
            raise AreasError(f"{folder / file.edges}: {column}: expected one of {len(nodes)} nodes")


def _hash_of(texts: dict[str, bytes]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name, text in texts.items():
        digest.update(f"{name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()
