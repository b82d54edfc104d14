"""Build the water network: `python -m pipeline.waterbuild geo`.

    shoreline, drawn waters, lines, ports  --water.toml-->  water_nodes.parquet, water_edges.parquet

Lines get nodes along them, open waters a mesh (`waterbuild_mesh`); both are joined where a line
runs through open water. Running the build twice gives the same bytes. `docs/water.md` says more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from pipeline.areas_folder import read_folder
from pipeline.errors import AreasError, DarkportError
from pipeline.geodesy import FloatArray
from pipeline.water_file import Point, WaterFile
from pipeline.water_folder import (
    EDGE_COLUMNS,
    NODE_COLUMNS,
    read_shape,
    read_water,
    read_water_file,
)
from pipeline.waterbuild_mesh import Pairs, Plane, join_nodes, lay_open_water

DECIMALS = 5
LICENCE = (
    "ODbL-1.0: made from the Caspian shoreline (c) OpenStreetMap contributors, see geo/LICENCE.md"
)


def lay_line(line: BaseGeometry, plane: Plane, spacing_km: float) -> FloatArray:
    """Return the vertices of a line and what lies between, at most `spacing_km` apart."""
    corners = shapely.get_coordinates(line)
    steps_km = np.hypot(*np.diff(plane.km(corners), axis=0).T)
    parts = np.ceil(steps_km / spacing_km).astype(int)
    pieces = [
        np.linspace(one, other, count, endpoint=False)
        for one, other, count in zip(corners[:-1], corners[1:], parts, strict=True)
    ]
    return np.vstack([*pieces, corners[-1:]]).round(DECIMALS)


def lay_lines(folder: Path, file: WaterFile, plane: Plane) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return nodes (lon, lat, waterway) and edges (start, end, waterway) of all lines.

    Where two lines have a vertex in common it is one node, of the line named first.
    """
    numbers: dict[Point, int] = {}
    nodes: list[tuple[float, float, str]] = []
    edges: list[tuple[int, int, str]] = []
    for way in file.waterways:
        line = read_shape(folder / file.lines.file, way.id)
        places = map(tuple, lay_line(line, plane, file.lines.spacing_km).tolist())
        chain: list[int] = []
        for place in places:
            if place not in numbers:
                numbers[place] = len(nodes)
                nodes.append((*place, way.id))
            chain.append(numbers[place])
        edges += [(one, other, way.id) for one, other in pairwise(chain)]
    return (
        pl.DataFrame(nodes, NODE_COLUMNS, orient="row"),
        pl.DataFrame(
            edges, {"start": pl.Int32, "end": pl.Int32, "waterway": pl.String}, orient="row"
        ),
    )


def nearest_edge(nodes: pl.DataFrame, edges: pl.DataFrame, line: str, at: Point) -> int:
    """Return the row of the edge of a line that is nearest to a point.

    Raises:
        AreasError: no edge is of that line.
    """
    place = nodes.select("lon", "lat").to_numpy()
    rows = edges.with_row_index().filter(waterway=line)
    if rows.is_empty():
        raise AreasError(f"water.toml: no waterway is called {line!r}")
    ends = np.stack((place[rows["start"].to_numpy()], place[rows["end"].to_numpy()]), axis=1)
    away = shapely.distance(shapely.linestrings(ends), shapely.points(at))
    return int(rows["index"][int(away.argmin())])


def mark_gates_and_locks(file: WaterFile, nodes: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return edges with `closes_with` (the waterway whose closure shuts them) and `locks`."""
    gates: list[str | None] = [None] * len(edges)
    locks = [0] * len(edges)
    for way in file.waterways:
        if way.gate is not None:
            gates[nearest_edge(nodes, edges, way.id, way.gate)] = way.id
    for each in file.locks:
        locks[nearest_edge(nodes, edges, each.line, each.at)] += each.count
    return edges.with_columns(
        pl.Series("closes_with", gates, pl.String), pl.Series("locks", locks, pl.Int8)
    )


def joined_lines(file: WaterFile, nodes: pl.DataFrame) -> pl.DataFrame:
    """Return nodes of lines with `is_joined`: whether the mesh may be joined to them."""
    limits = pl.DataFrame(
        {
            "waterway": [way.id for way in file.waterways],
            "limit": [way.joins_south_of for way in file.waterways],
            "clear_km": [way.clear_km for way in file.waterways],
        }
    )
    return nodes.join(limits, on="waterway", how="left", maintain_order="left").with_columns(
        is_joined=pl.col("lat") <= pl.col("limit")
    )


def join_waters(
    folder: Path, file: WaterFile, plane: Plane, lines: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the nodes of all meshes, and all edges but those of lines.

    Nodes are numbered after those of the lines.
    """
    ports = [each.polygon for each in read_folder(folder).features if each.kind == "port"]
    joined = joined_lines(file, lines)
    nodes: list[pl.DataFrame] = []
    edges: list[pl.DataFrame] = []
    count = len(lines)
    for water in file.waters:
        polygon = read_water(folder, water)
        laid = lay_open_water(file, water, polygon, ports, plane, joined)
        pairs = join_nodes(laid, polygon, file.mesh)
        # A node of a line keeps its number, the others are new.
        is_new = laid.line_node < 0
        number = np.where(is_new, count + np.cumsum(is_new) - 1, laid.line_node)
        new = pl.DataFrame(laid.lon_lat[is_new], ["lon", "lat"], orient="row")
        nodes.append(new.with_columns(waterway=pl.lit(water.id)))
        edges.append(edge_frame(number[pairs], water.id))
        count += len(new)
    return pl.concat(nodes), pl.concat(edges)


def edge_frame(pairs: Pairs, waterway: str) -> pl.DataFrame:
    """Return pairs of nodes as edges, the smaller number first."""
    return pl.DataFrame(
        {"start": pairs.min(axis=1), "end": pairs.max(axis=1)},
        {"start": pl.Int32, "end": pl.Int32},
    ).with_columns(waterway=pl.lit(waterway))


def mark_avoided(file: WaterFile, nodes: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Return edges with `avoided`: what they lead through that ships keep out of."""
    place = nodes.select("lon", "lat").to_numpy()
    ways = shapely.linestrings(
        np.stack((place[edges["start"].to_numpy()], place[edges["end"].to_numpy()]), axis=1)
    )
    avoided = pl.lit(None, pl.String)
    for each in reversed(file.avoided):
        polygon = Polygon(each.ring)
        shapely.prepare(polygon)
        is_through = pl.lit(pl.Series(np.asarray(shapely.intersects(polygon, ways))))
        avoided = pl.when(is_through).then(pl.lit(each.id)).otherwise(avoided)
    return edges.with_columns(avoided=avoided)


def keep_connected(nodes: pl.DataFrame, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the largest connected part: ponds no ship can leave are no part of the network."""
    size = len(nodes)
    ones = np.ones(len(edges), np.int8)
    graph = coo_array((ones, (edges["start"], edges["end"])), (size, size))
    _, part = connected_components(graph, directed=False)
    is_kept = part == np.bincount(part).argmax()
    number = pl.Series(np.cumsum(is_kept) - 1).cast(pl.Int32)
    edges = edges.filter(pl.Series(is_kept[edges["start"].to_numpy()]))
    return nodes.filter(pl.Series(is_kept)), edges.with_columns(
        start=number.gather(edges["start"]), end=number.gather(edges["end"])
    )


def build(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the nodes and edges of the network of a geo folder.

    Raises:
        AreasError: water.toml or a file it names is unusable.
    """
    file = read_water_file(folder)
    plane = Plane(file.mesh.origin)
    line_nodes, line_edges = lay_lines(folder, file, plane)
    line_edges = mark_gates_and_locks(file, line_nodes, line_edges)
    mesh_nodes, mesh_edges = join_waters(folder, file, plane, line_nodes)
    nodes = pl.concat((line_nodes, mesh_nodes))
    edges = pl.concat((line_edges, mesh_edges), how="diagonal").with_columns(
        pl.col("locks").fill_null(0)
    )
    nodes, edges = keep_connected(nodes, mark_avoided(file, nodes, edges))
    return nodes.select(*NODE_COLUMNS), edges.select(*EDGE_COLUMNS).sort("start", "end")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the network of a geo folder in place, or into another folder; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.waterbuild", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, help="the geo folder, with water.toml")
    parser.add_argument("--out", type=Path, help="write the derived files here instead")
    asked = parser.parse_args(arguments)
    out: Path = asked.out or asked.folder
    try:
        file = read_water_file(asked.folder)
        nodes, edges = build(asked.folder)
    except DarkportError as error:
        sys.stderr.write(f"waterbuild: {error}\n")
        return error.exit_code
    out.mkdir(parents=True, exist_ok=True)
    for name, frame in ((file.nodes, nodes), (file.edges, edges)):
        frame.write_parquet(
            out / name,
            compression="zstd",
            compression_level=19,
            statistics=False,
            metadata={"licence": LICENCE},
        )
        sys.stdout.write(f"{out / name}: {len(frame)} rows\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
