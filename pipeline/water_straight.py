"""Waters without a network: every distance is a great circle, and nothing is in the way.

A node is a cell of 1/128 degree (at most 0.87 km), so that all that asks for nodes goes on.
"""

from __future__ import annotations

import numpy as np

from pipeline.geodesy import ECCENTRICITY_SQUARED, FloatArray, ecef_m, local_distance_km_array
from pipeline.water_folder import Nodes
from pipeline.water_paths import Paths

PORT_REACH_KM = 4.0  # METHOD 4, 6: within 4 km of a port is in the port

CELLS_PER_DEG = 128
COLUMNS, ROWS = 360 * CELLS_PER_DEG, 180 * CELLS_PER_DEG


def snap(lon: FloatArray, lat: FloatArray) -> tuple[Nodes, FloatArray]:
    """Return the cell of each point and the distance to its middle in km."""
    column = np.clip(np.floor((lon + 180) * CELLS_PER_DEG), 0, COLUMNS - 1)
    row = np.clip(np.floor((lat + 90) * CELLS_PER_DEG), 0, ROWS - 1)
    nodes = (row * COLUMNS + column).astype(np.int32)
    return nodes, local_distance_km_array(lon, lat, *places(nodes))


def places(nodes: Nodes) -> tuple[FloatArray, FloatArray]:
    """Return longitude and latitude of the middles of cells."""
    row, column = np.divmod(nodes.astype(np.int64), COLUMNS)
    return (column + 0.5) / CELLS_PER_DEG - 180, (row + 0.5) / CELLS_PER_DEG - 90


def between_km(nodes_a: Nodes, nodes_b: Nodes) -> FloatArray:
    """Return the straight distance of pairs in km; 0 within a cell."""
    return local_distance_km_array(*places(nodes_a), *places(nodes_b))


def along(nodes_a: Nodes, nodes_b: Nodes, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return longitude and latitude at a share of the great circle of each pair."""
    one, other = (
        point / np.linalg.norm(point, axis=1, keepdims=True)
        for point in (ecef_m(*places(nodes_a)), ecef_m(*places(nodes_b)))
    )
    angle = np.arccos(np.clip(np.einsum("ij,ij->i", one, other), -1, 1))
    whole = np.where(angle > 0, np.sin(angle), 1)
    first = np.where(angle > 0, np.sin((1 - share) * angle) / whole, 1)
    second = np.where(angle > 0, np.sin(share * angle) / whole, 0)
    x, y, z = (first[:, None] * one + second[:, None] * other).T
    # Geocentric to geodetic: undoes what `ecef_m` brought in.
    lat = np.degrees(np.arctan2(z, np.hypot(x, y) * (1 - ECCENTRICITY_SQUARED)))
    return np.degrees(np.arctan2(y, x)), lat


def paths(nodes_a: Nodes, nodes_b: Nodes) -> Paths:
    """Return the great circles of pairs as ways of two nodes."""
    count = len(nodes_a)
    km = np.zeros(2 * count)
    km[1::2] = between_km(nodes_a, nodes_b)
    node = np.column_stack((nodes_a, nodes_b)).ravel()
    return Paths(np.repeat(np.arange(count), 2), node, km, count)
