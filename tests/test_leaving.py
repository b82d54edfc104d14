"""A ship that sails out is not silent (METHOD 1, `left_region`)."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import shapely

from pipeline.geodesy import KM_PER_NM, bearing_deg, geodesic_km
from tests import night

START = datetime(2023, 5, 2)
SPEED_KN = 9.0
MMSI = 273_111_222
Point = tuple[float, float]

INSIDE = {"exit_azov": (38.6, 47.0), "exit_volga_above_volgograd": (44.60, 48.70)}
BLACK_SEA = (33.0, 44.0)


def exit_point(exit_id: str) -> Point:
    collection = shapely.from_geojson((night.GEO / "exits.geojson").read_text("utf-8"))
    import json

    features = json.loads((night.GEO / "exits.geojson").read_text("utf-8"))["features"]
    at = [feature["properties"]["id"] for feature in features].index(exit_id)
    centre = shapely.get_parts(collection)[at].centroid
    return centre.x, centre.y


def beyond(inside: Point, through: Point, times: float = 4.0) -> Point:
    return (
        inside[0] + times * (through[0] - inside[0]),
        inside[1] + times * (through[1] - inside[1]),
    )


def sail(points: list[Point], start: datetime, every_min: int = 10) -> pl.DataFrame:
    """Return the reports of a ship along straight lines at SPEED_KN."""
    rows: list[tuple[int, datetime, float, float, float, float]] = []
    at = start
    for (lon, lat), (to_lon, to_lat) in itertools.pairwise(points):
        km = float(geodesic_km(lon, lat, to_lon, to_lat))
        course = float(bearing_deg(lon, lat, to_lon, to_lat))
        steps = max(1, round(km / KM_PER_NM / SPEED_KN * 60 / every_min))
        for step in range(steps):
            share = step / steps
            rows.append(
                (
                    MMSI,
                    at,
                    lon + share * (to_lon - lon),
                    lat + share * (to_lat - lat),
                    SPEED_KN,
                    course,
                )
            )
            at += timedelta(minutes=every_min)
    return pl.DataFrame(
        rows, schema=["mmsi", "timestamp", "longitude", "latitude", "sog", "cog"], orient="row"
    )


def moored(point: Point, start: datetime, hours: int) -> pl.DataFrame:
    """Return reports of a moored ship every half hour: the feed lives on."""
    instants = [start + timedelta(minutes=30 * step) for step in range(2 * hours)]
    return pl.DataFrame(
        {
            "mmsi": [273_999_998] * len(instants),
            "timestamp": instants,
            "longitude": [point[0]] * len(instants),
            "latitude": [point[1]] * len(instants),
            "sog": [0.0] * len(instants),
            "cog": [0.0] * len(instants),
        }
    )


def out_and_back(leave_by: str, return_by: str) -> pl.DataFrame:
    """Return a ship that leaves by one exit, is away for days, and returns by one."""
    out_from, out_by = INSIDE[leave_by], exit_point(leave_by)
    back_to, back_by = INSIDE[return_by], exit_point(return_by)
    away, again = beyond(out_from, out_by), beyond(back_to, back_by)
    leaving = sail([out_from, away], START)
    last = leaving["timestamp"][-1]
    assert isinstance(last, datetime)
    # Far away nobody hears it for ten days.
    coming = sail([again, back_to], last + timedelta(days=10))
    end = coming["timestamp"][-1]
    assert isinstance(end, datetime)
    hours = int((end - START).total_seconds() // 3600) + 2
    return pl.concat([leaving, coming, moored((47.75, 44.9), START, hours)])


def clip(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows inside the region: a feed cut to a box."""
    region = shapely.from_geojson((night.GEO / "region.geojson").read_text("utf-8"))
    shapely.prepare(region)
    inside = shapely.contains_xy(
        region, frame["longitude"].to_numpy(), frame["latitude"].to_numpy()
    )
    return frame.filter(pl.Series(inside))


def gaps_of(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    night.write_canonical(folder / "raw", "feed", frame)
    return night.run(folder / "raw", folder / "processed", areas=night.GEO).table("gaps")


@pytest.mark.parametrize("leave_by", list(INSIDE))
@pytest.mark.parametrize("return_by", list(INSIDE))
def test_a_ship_heard_outside_has_no_gap(leave_by: str, return_by: str, tmp_path: Path) -> None:
    assert gaps_of(out_and_back(leave_by, return_by), tmp_path).height == 0


@pytest.mark.parametrize("leave_by", list(INSIDE))
@pytest.mark.parametrize("return_by", list(INSIDE))
def test_on_a_clipped_feed_it_left_the_region(
    leave_by: str, return_by: str, tmp_path: Path
) -> None:
    gaps = gaps_of(clip(out_and_back(leave_by, return_by)), tmp_path)
    assert gaps["cause"].to_list() == ["left_region"]
    monthly = pl.read_parquet(tmp_path / "processed" / "monthly_gaps.parquet").filter(
        (pl.col("flag") == "all")
        & (pl.col("fleet") == "all")
        & (pl.col("area") == "all")
        & (pl.col("port_group") == "all")
        & (pl.col("at_least_h") == 4)
        & (pl.col("month") == START.date().replace(day=1))
    )
    assert monthly.select("gaps", "open_gaps", "left_region").row(0) == (0, 0, 1)


@pytest.mark.parametrize("leave_by", list(INSIDE))
def test_a_ship_that_does_not_come_back_left_the_region(leave_by: str, tmp_path: Path) -> None:
    out_from, out_by = INSIDE[leave_by], exit_point(leave_by)
    leaving = sail([out_from, beyond(out_from, out_by)], START)
    feed = pl.concat([clip(leaving), moored((47.75, 44.9), START, 24 * 20)])
    gaps = gaps_of(feed, tmp_path)
    assert gaps.select("cause", "is_closed").rows() == [("left_region", False)]


def test_off_in_mid_caspian_and_on_in_the_black_sea_is_a_gap(tmp_path: Path) -> None:
    before = sail([(50.5, 40.9), (50.3, 41.2)], START)
    after = sail([BLACK_SEA, (33.2, 44.1)], START + timedelta(days=12))
    # Nobody is heard on its way out, by the Volga.
    feed = pl.concat([before, after, moored((53.37, 36.9), START, 24 * 13)])
    gaps = gaps_of(feed, tmp_path)
    assert gaps.select("cause", "is_closed", "on_is_outside").rows() == [
        ("unobservable", True, True)
    ]


def test_off_at_an_exit_and_on_deep_inside_is_a_gap(tmp_path: Path) -> None:
    inside, exit_at = INSIDE["exit_azov"], exit_point("exit_azov")
    before = sail([inside, exit_at], START)
    after = sail([(50.5, 40.9), (50.3, 41.2)], START + timedelta(days=12))
    # Nobody is heard on its way back, by the Volga.
    gaps = gaps_of(pl.concat([before, after, moored((53.37, 36.9), START, 24 * 13)]), tmp_path)
    assert gaps.filter("is_closed")["cause"].to_list() == ["unobservable"]
