"""Distances and bearings against the geodesics of pyproj."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Geod

from pipeline.geodesy import (
    arc_km,
    bearing_deg,
    chord_m,
    ecef_m,
    geodesic_km,
    local_distance_km,
    local_distance_km_array,
)

WGS84 = Geod(ellps="WGS84")
LON = st.floats(-180, 180)
LAT = st.floats(-90, 90)
BEARING = st.floats(0, 360)


def as_expression(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    points = pl.DataFrame({"lon1": [lon1], "lat1": [lat1], "lon2": [lon2], "lat2": [lat2]})
    columns = [pl.col(name) for name in points.columns]
    return points.select(local_distance_km(*columns)).item()


@pytest.mark.parametrize(
    ("distance_km", "error_km"),
    [(0.01, 5e-6), (10, 4e-8), (100, 4e-5), (500, 5e-3), (1_000, 0.036), (5_000, 4.5)],
)
@settings(deadline=None)
@given(lon=LON, lat=LAT, bearing=BEARING)
@example(lon=180.0, lat=0.0, bearing=90.0)
@example(lon=-180.0, lat=45.0, bearing=270.0)
@example(lon=0.0, lat=90.0, bearing=180.0)
@example(lon=51.0, lat=-90.0, bearing=10.0)
def test_the_local_distance_is_as_near_the_geodesic_as_it_says(
    distance_km: float, error_km: float, lon: float, lat: float, bearing: float
) -> None:
    lon2, lat2, _ = WGS84.fwd(lon, lat, bearing, distance_km * 1000)
    assert as_expression(lon, lat, lon2, lat2) == pytest.approx(distance_km, abs=error_km)


@settings(deadline=None)
@given(lon1=LON, lat1=LAT, lon2=LON, lat2=LAT)
@example(lon1=0.0, lat1=0.0, lon2=180.0, lat2=0.0)
@example(lon1=0.0, lat1=90.0, lon2=0.0, lat2=-90.0)
def test_far_points_are_far_in_expression_and_array_alike(
    lon1: float, lat1: float, lon2: float, lat2: float
) -> None:
    found = as_expression(lon1, lat1, lon2, lat2)
    assert found == pytest.approx(
        float(local_distance_km_array(lon1, lat1, lon2, lat2)), abs=1e-9, rel=1e-12
    )
    exact = float(geodesic_km(lon1, lat1, lon2, lat2))
    assert found == pytest.approx(exact, rel=0.004 if exact <= 10_000 else 0.075, abs=1e-7)


def test_two_sides_of_the_antimeridian_are_neighbours() -> None:
    assert as_expression(179.99, 10.0, -179.99, 10.0) == pytest.approx(2.193, abs=0.001)
    assert as_expression(180.0, 10.0, -180.0, 10.0) == pytest.approx(0, abs=1e-9)


def test_a_missing_coordinate_gives_no_distance() -> None:
    points = pl.DataFrame(
        {"lon": [None, 1.0], "lat": [1.0, 1.0]}, schema_overrides={"lon": pl.Float64}
    )
    found = points.select(
        local_distance_km(pl.col("lon"), pl.col("lat"), pl.lit(1.0), pl.lit(1.0)).alias("km")
    )
    assert found["km"].to_list() == [None, 0.0]
    assert np.isnan(geodesic_km([np.nan], [1.0], [1.0], [1.0])).all()


def test_the_geodesic_is_that_of_pyproj_and_leaves_its_inputs_alone() -> None:
    lon = np.array([49.465, 53.367])
    distances_km = geodesic_km(lon, [37.479, 36.854], 48.03, 46.35)
    assert distances_km.tolist() == [
        WGS84.inv(49.465, 37.479, 48.03, 46.35)[2] / 1000,
        WGS84.inv(53.367, 36.854, 48.03, 46.35)[2] / 1000,
    ]
    assert lon.tolist() == [49.465, 53.367]


@settings(deadline=None)
@given(lon=LON, lat=st.floats(-89, 89), bearing=BEARING)
def test_a_bearing_leads_to_where_it_was_taken(lon: float, lat: float, bearing: float) -> None:
    lon2, lat2, _ = WGS84.fwd(lon, lat, bearing, 50_000)
    found = float(bearing_deg(lon, lat, lon2, lat2))
    assert 0 <= found < 360
    assert abs((found - bearing + 180) % 360 - 180) < 1e-6


@settings(deadline=None)
@given(lon=LON, lat=LAT, bearing=BEARING, distance_km=st.floats(0, 1_500))
def test_a_chord_through_the_earth_gives_the_distance_over_it(
    lon: float, lat: float, bearing: float, distance_km: float
) -> None:
    lon2, lat2, _ = WGS84.fwd(lon, lat, bearing, distance_km * 1000)
    ends = ecef_m([lon, lon2], [lat, lat2])
    chord = np.linalg.norm(ends[1] - ends[0])
    assert float(arc_km(chord)) == pytest.approx(distance_km, abs=1e-7, rel=5e-5)
    assert chord_m(float(arc_km(chord))) == pytest.approx(float(chord), abs=1e-6)
