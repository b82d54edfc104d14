"""Names of places: the water a point lies in, areas of geo/, ports."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from tests.night import GEO

Hours = NDArray[np.float64]
NEAR_LINE_DEG = 0.02  # some 2 km: berths lie beside the fairway, roads farther off


def find_waters(lon_deg: Hours, lat_deg: Hours) -> NDArray[np.str_]:
    """Return the water each point lies in: the nearest line of a waterway, sea, or beyond."""
    waters = np.full(len(lon_deg), "beyond", dtype="<U24")
    sea = read_areas("caspian_sea.geojson")[0][1]
    shapely.prepare(sea)
    waters[shapely.contains_xy(sea, lon_deg, lat_deg)] = "sea"
    lines = read_areas("lines.geojson")
    points = shapely.points(lon_deg, lat_deg)
    tree = shapely.STRtree([line for _, line in lines])
    near, nearest = tree.query_nearest(points, max_distance=NEAR_LINE_DEG, all_matches=False)
    waters[near] = np.array([facts["id"] for facts, _ in lines])[nearest]
    return waters


def name_port(port: str) -> str:
    """Return a port's name as people write it."""
    return port.removeprefix("port_").replace("_", " ").title()


def read_areas(name: str) -> list[tuple[dict[str, Any], shapely.Geometry]]:
    """Return properties and geometry of every feature of a file of geo/."""
    features = json.loads((GEO / name).read_text("utf-8"))["features"]
    return [(one["properties"], shape(one["geometry"])) for one in features]
