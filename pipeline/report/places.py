"""Where: shore, waterways and ports to draw; where somebody could be heard; which feeds lived."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import shapely

from pipeline.report.limits import ReportRules
from pipeline.report.packing import pack_frame

WATER_KINDS = ("shoreline", "water")
# Drawn as area, line and point; a geo folder of other waters may lack any of them.
WATER_FILES = ("shoreline.geojson", "drawn.geojson")
LINE_FILE, PORT_FILE = "lines.geojson", "ports.geojson"


def pack_map(geo: Path, rules: ReportRules) -> dict[str, Any]:
    """Return {waters, lines, ports} in degrees, simplified; parts that `geo` lacks are empty."""
    waters = [
        _coordinates(ring, rules)
        for name in WATER_FILES
        for shape, _ in _read_shapes(geo / name, WATER_KINDS)
        for polygon in _polygons(shape.simplify(rules.shore_tolerance_deg))
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    lines = [
        _coordinates(shape.simplify(rules.shore_tolerance_deg), rules)
        for shape, _ in _read_shapes(geo / LINE_FILE)
    ]
    groups: dict[str, list[shapely.Point]] = {}
    names: dict[str, list[str]] = {}
    countries: dict[str, str | None] = {}
    for shape, told in _read_shapes(geo / PORT_FILE, ("port",)):
        group = told.get("port_group") or told["id"]
        groups.setdefault(group, []).append(shape.centroid)
        names.setdefault(group, []).append(str(told.get("name") or told["id"]))
        countries[group] = told.get("country")
    ports = []
    for group, points in sorted(groups.items()):
        middle = shapely.MultiPoint(points).centroid
        ports.append(
            {
                "port_group": group,
                "name": ", ".join(names[group]),
                "country": countries[group],
                "lon": round(middle.x, rules.coordinate_digits),
                "lat": round(middle.y, rules.coordinate_digits),
            }
        )
    return {"waters": waters, "lines": lines, "ports": ports}


def _read_shapes(path: Path, kinds: tuple[str, ...] | None = None) -> list[tuple[Any, Any]]:
    """Return (shape, properties) of a GeoJSON file's features of some kinds; none without it."""
    if not path.is_file():
        return []
    features = json.loads(path.read_text("utf-8"))["features"]
    return [
        (shapely.from_geojson(json.dumps(feature["geometry"])), feature["properties"])
        for feature in features
        if kinds is None or feature["properties"].get("kind") in kinds
    ]


def _polygons(shape: Any) -> list[Any]:
    return list(shape.geoms) if shape.geom_type == "MultiPolygon" else [shape]


def _coordinates(line: Any, rules: ReportRules) -> list[float]:
    """Return longitude and latitude in turn."""
    points = shapely.get_coordinates(line).round(rules.coordinate_digits)
    return [float(number) for number in points.ravel()]


def pack_cells(cells: pl.DataFrame, first_month: date) -> dict[str, Any]:
    """Return by month and cell: ship-hours there, heard ones, hours and those in which it was live.

    `expected` is the mean of the receptions expected an hour of a class A ship under way, hours
    that were not live counting as none.
    """
    months = cells.filter(pl.col("hour") >= pl.lit(first_month).cast(pl.Datetime("us")))
    heard = pl.max_horizontal("ships_heard", "ships_heard_by_satellite")
    summed = (
        months.group_by(
            pl.col("hour").dt.truncate("1mo").dt.date().alias("month"),
            "cell_lon_deg",
            "cell_lat_deg",
        )
        .agg(
            hours=pl.len(),
            live_hours=pl.col("is_live").sum(),
            ship_hours=pl.col("ships_present").cast(pl.Int64).sum(),
            # Heard by the ground and by satellites are not told apart ship by ship: at least these.
            heard_ship_hours=heard.cast(pl.Int64).sum(),
            expected=pl.col("expected_under_way").fill_null(0).cast(pl.Float64).mean().round(2),
        )
        .sort("month", "cell_lon_deg", "cell_lat_deg")
    )
    return pack_frame(summed)


def pack_health(health: pl.DataFrame, first_month: date) -> dict[str, Any]:
    """Return by month and receiver: hours told of, silent or thin ones, messages."""
    months = health.filter(pl.col("hour") >= pl.lit(first_month).cast(pl.Datetime("us")))
    by = ("feed", "receiver", "station")
    summed = (
        months.group_by(pl.col("hour").dt.truncate("1mo").dt.date().alias("month"), *by)
        .agg(
            hours=pl.len(),
            outage_hours=pl.col("is_outage").sum(),
            messages=pl.col("messages").sum(),
        )
        .sort(*by, "month")
    )
    return pack_frame(summed)


def pack_outages(outages: pl.DataFrame, first_month: date) -> dict[str, Any]:
    """Return by month, area and reason: clock hours in which nobody could be heard."""
    months = outages.filter(pl.col("hour") >= pl.lit(first_month).cast(pl.Datetime("us")))
    summed = months.group_by(
        pl.col("hour").dt.truncate("1mo").dt.date().alias("month"), "area", "why"
    ).agg(hours=pl.len())
    return pack_frame(summed.sort("month", "area", "why"))
