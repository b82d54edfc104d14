"""Distances and bearings on the WGS84 ellipsoid."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pyproj import Geod

KM_PER_NM = 1.852
EQUATOR_RADIUS_KM = 6378.137
FLATTENING = 1 / 298.257223563
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)
MEAN_RADIUS_KM = EQUATOR_RADIUS_KM * (1 - FLATTENING / 3)

FloatArray: TypeAlias = NDArray[np.float64]


def local_distance_km(lon1: pl.Expr, lat1: pl.Expr, lon2: pl.Expr, lat2: pl.Expr) -> pl.Expr:
    """Return the distance between two points in degrees as an expression, in km.

    Against the geodesic it is off by at most 0.04 mm at 10 km, 4 cm at 100 km, 35 m at 1,000 km,
    4.4 km (0.09 %) at 5,000 km and 0.4 % at 10,000 km, at every latitude and across the
    antimeridian (within metres of a pole by 5 mm); beyond that it falls short, by up to 7 % near
    the antipode.
    """
    functions = (pl.Expr.sin, pl.Expr.sqrt, pl.Expr.arcsin)
    return _distance_km(lon1, lat1, lon2, lat2, functions)


def local_distance_km_array(
    lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike
) -> FloatArray:
    """Return `local_distance_km` of arrays in degrees, in km; NaN where a coordinate is NaN."""
    x1, y1, x2, y2 = (np.asarray(values, np.float64) for values in (lon1, lat1, lon2, lat2))
    return _distance_km(x1, y1, x2, y2, (np.sin, np.sqrt, np.arcsin))


def _distance_km(
    lon1: Any, lat1: Any, lon2: Any, lat2: Any, functions: tuple[Callable[[Any], Any], ...]
) -> Any:
    """Return the haversine with the radii of curvature M and N at the mid-latitude, in km.

    In the small this is the local plane: M times the difference of latitude, N times the cosine
    times the difference of longitude. Written with half-angle sines it needs no branch for the
    poles, for far points, or for the antimeridian (the squared sine has the period of a turn).
    """
    sin, sqrt, arcsin = functions
    half = math.pi / 360
    mid_sin = sin((lat1 + lat2) * half)
    mid_part = mid_sin * mid_sin
    lat_sin = sin((lat2 - lat1) * half)
    lat_part = lat_sin * lat_sin
    lon_sin = sin((lon2 - lon1) * half)
    w = 1 - ECCENTRICITY_SQUARED * mid_part  # N = a / sqrt(w)
    m_over_n = (1 - ECCENTRICITY_SQUARED) / w  # at most 1, so the arcsin needs no cap
    cosines = 1 - mid_part - lat_part  # cos(lat1) * cos(lat2)
    haversine = m_over_n * m_over_n * lat_part + cosines * (lon_sin * lon_sin)
    return 2 * EQUATOR_RADIUS_KM * arcsin(sqrt(haversine)) / sqrt(w)


def geodesic_km(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> FloatArray:
    """Return the length of the geodesic between points in degrees, in km; NaN where one is NaN.

    For events: exact to nanometres, at about a million pairs a second.
    """
    return _inverse(lon1, lat1, lon2, lat2)[2] / 1000


def bearing_deg(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> FloatArray:
    """Return the true bearing of the second point from the first, in degrees in [0, 360).

    It is that of the geodesic; NaN where a coordinate is NaN, without meaning between equal points.
    """
    return _inverse(lon1, lat1, lon2, lat2)[0] % 360


def ecef_m(lon: ArrayLike, lat: ArrayLike) -> FloatArray:
    """Return earth-centred coordinates (n, 3) of points in degrees on the ellipsoid, in m."""
    east, north = np.radians(np.asarray(lon, np.float64)), np.radians(np.asarray(lat, np.float64))
    n_m = EQUATOR_RADIUS_KM * 1000 / np.sqrt(1 - ECCENTRICITY_SQUARED * np.sin(north) ** 2)
    across_m = n_m * np.cos(north)
    return np.column_stack(
        (
            across_m * np.cos(east),
            across_m * np.sin(east),
            n_m * (1 - ECCENTRICITY_SQUARED) * np.sin(north),
        )
    )


def arc_km(chord_m: FloatArray) -> FloatArray:
    """Return the distance over the surface that belongs to straight chords in m, in km.

    On the mean sphere: off the geodesic by 0.01 m at 100 km, 20 m at 1,200 km.
    """
    share = np.minimum(chord_m / (2000 * MEAN_RADIUS_KM), 1)
    return 2 * MEAN_RADIUS_KM * np.arcsin(share)


def chord_m(distance_km: float) -> float:
    """Return the straight chord below a distance over the surface in km, in m: undoes `arc_km`."""
    return 2000 * MEAN_RADIUS_KM * math.sin(min(distance_km / (2 * MEAN_RADIUS_KM), math.pi / 2))


@cache
def _wgs84() -> Geod:
    from pyproj import Geod  # here, since the import takes longer than most commands

    return Geod(ellps="WGS84")


def _inverse(
    lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike
) -> tuple[Any, Any, Any]:
    # Copies: pyproj may write its answer over what it is given.
    x1, y1, x2, y2 = (np.array(v, np.float64) for v in np.broadcast_arrays(lon1, lat1, lon2, lat2))
    return _wgs84().inv(x1, y1, x2, y2)
