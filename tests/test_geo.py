"""The geo folder: what it holds, what it is checked against, and that the build makes it."""

from __future__ import annotations

import csv
import itertools
import json
import math
import shutil
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from pyproj import Geod
from shapely import Point
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from pipeline import geobuild
from pipeline.areas import load_areas
from pipeline.errors import AreasError
from pipeline.rules import Rules

ROOT = Path(__file__).resolve().parents[1]
GEO = ROOT / "geo"
DENMARK = ROOT / "tests" / "geo_denmark"
REFERENCE = ROOT.parent / "shared" / "geo" / "reference"
EARTH = Geod(ellps="WGS84")
KINDS = {"sea", "canal", "river", "reservoir", "bay", "port", "roads", "exit"}
BOTH = pytest.mark.parametrize("folder", [GEO, DENMARK], ids=["caspian", "denmark"])
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference lines may not be committed with the project"
)

# Each reference centreline, and the line of the project that stands for it.
LINE_OF = {
    "line_volga_astrakhan_volgograd": "volga_lower",
    "line_volga_caspian_canal": "volga_caspian_canal",
    "line_volga_don_canal": "volga_don_canal",
    "line_tsimlyansk": "tsimlyansk_reservoir",
    "line_lower_don": "lower_don",
    "line_don_azov": "lower_don",
}
# Harbour points stated in the project's geometry notes: latitude, longitude.
HARBOURS = {
    "port_astrakhan": (46.350, 48.030),
    "port_olya": (45.783, 47.551),
    "port_makhachkala": (42.994, 47.503),
    "port_anzali": (37.479, 49.465),
    "port_caspian_complex": (37.468, 49.645),
    "port_nowshahr": (36.655, 51.506),
    "port_fereydunkenar": (36.697, 52.557),
    "port_neka": (36.846, 53.265),
    "port_amirabad": (36.854, 53.367),
    "port_alat": (39.972, 49.444),
    "port_aktau": (43.605, 51.216),
    "port_kuryk": (43.184, 51.596),
    "port_turkmenbashi": (40.000, 53.000),
}


# ------------------------------------------------------------------------------ reading


def features(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text("utf-8"))["features"]


def shapes(path: Path) -> dict[str, BaseGeometry]:
    return geobuild.by_id(features(path))


def areas_of(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "areas.toml").read_text("utf-8"))


def areas(folder: Path) -> list[dict[str, Any]]:
    return [one for name in areas_of(folder)["features"] for one in features(folder / name)]


def km_apart(one: BaseGeometry, other: BaseGeometry) -> float:
    plane = geobuild.Plane(one)
    near, far = map(plane.degrees, nearest_points(plane.metres(one), plane.metres(other)))
    return EARTH.inv(near.x, near.y, far.x, far.y)[2] / 1000


def km2(geometry: BaseGeometry) -> float:
    return abs(EARTH.geometry_area_perimeter(geometry)[0]) / 1e6


def km_from_line(line: BaseGeometry, points: np.ndarray) -> np.ndarray:
    plane = geobuild.Plane(line)
    return shapely.distance(plane.metres(shapely.points(points)), plane.metres(line)) / 1000


# ------------------------------------------------------------------------------ the folders


@BOTH
def test_every_geometry_is_a_valid_polygon_inside_the_world(folder: Path) -> None:
    for one in [*areas(folder), *features(folder / areas_of(folder)["region"])]:
        geometry = shape(one["geometry"])
        assert geometry.geom_type in {"Polygon", "MultiPolygon"}, one["properties"]["id"]
        assert geometry.is_valid and not geometry.is_empty, one["properties"]["id"]
        west, south, east, north = geometry.bounds
        assert -180 <= west < east <= 180 and -90 <= south < north <= 90


@BOTH
def test_coordinates_have_at_most_five_decimals(folder: Path) -> None:
    for one in areas(folder):
        numbers = shapely.get_coordinates(shape(one["geometry"]))
        assert np.array_equal(numbers, numbers.round(5)), one["properties"]["id"]


@BOTH
def test_properties_are_complete(folder: Path) -> None:
    for one in areas(folder):
        told = one["properties"]
        assert tuple(told) == geobuild.PROPERTIES
        assert told["kind"] in KINDS
        assert told["id"] and told["name"] and told["source"] and told["licence"]
        is_port = told["kind"] == "port"
        assert (told["country"] is not None) == is_port, told["id"]
        assert (told["port_group"] is not None) == is_port, told["id"]
        assert told["country"] is None or (len(told["country"]) == 3 and told["country"].isupper())


@BOTH
def test_ids_are_unique(folder: Path) -> None:
    ids = [one["properties"]["id"] for one in areas(folder)]
    assert len(ids) == len(set(ids))


@BOTH
def test_every_feature_has_one_month_area_and_every_month_area_its_features(folder: Path) -> None:
    of = [feature_id for area in areas_of(folder)["month_areas"] for feature_id in area["of"]]
    assert len(of) == len(set(of))
    assert set(of) == {one["properties"]["id"] for one in areas(folder)}


@BOTH
def test_every_port_is_at_the_water(folder: Path) -> None:
    kinds = {"sea", "canal", "river", "reservoir", "bay"}
    water = shapely.union_all(
        [shape(one["geometry"]) for one in areas(folder) if one["properties"]["kind"] in kinds]
    )
    for one in areas(folder):
        port = shape(one["geometry"])
        if one["properties"]["kind"] in {"port", "roads"} and not port.intersects(water):
            assert km_apart(port, water) <= 3.0, one["properties"]["id"]


@BOTH
def test_the_region_holds_every_area(folder: Path) -> None:
    region = shapely.union_all(list(shapes(folder / areas_of(folder)["region"]).values()))
    for one in areas(folder):
        assert region.covers(shape(one["geometry"])), one["properties"]["id"]


@BOTH
def test_an_exit_is_deep_enough_for_a_sighting(folder: Path) -> None:
    """At 10 kn and a report every 15 minutes, 4.6 km apart, 8 km cannot be crossed unheard."""
    exits = [one for one in areas(folder) if one["properties"]["kind"] == "exit"]
    assert exits
    for one in exits:
        polygon = shape(one["geometry"])
        # A polygon whose inner part, 4 km from every edge, is not empty is 8 km deep or more.
        assert not geobuild.buffer_km(polygon, -4.0).is_empty, one["properties"]["id"]


def test_the_month_areas_are_in_the_order_of_the_method() -> None:
    told = areas_of(GEO)
    order = [area["id"] for area in told["month_areas"]] + [told["default_month_area"]]
    assert order == ["lower_volga", "volga_don", "taganrog_bay", "caspian", "other"]


def test_the_apron_is_half_a_degree() -> None:
    region = shapes(GEO / "region.geojson")["region"]
    # Exits end where the region does; the apron lies round everything else.
    inner = [one for one in areas(GEO) if one["properties"]["kind"] != "exit"]
    whole = shapely.union_all([shape(one["geometry"]) for one in inner])
    assert region.covers(whole.buffer(0.5))
    assert whole.buffer(0.65).covers(region)
    assert shapely.get_num_coordinates(region) < 200


def test_port_groups_are_those_of_the_method_and_of_its_rule() -> None:
    groups: dict[str, set[str]] = {}
    for one in areas(GEO):
        if group := one["properties"]["port_group"]:
            groups.setdefault(group, set()).add(one["properties"]["id"].removeprefix("port_"))
    together = {group: ports for group, ports in groups.items() if len(ports) > 1}
    assert together == {
        "amirabad": {"amirabad", "neka"},
        "anzali": {"anzali", "caspian_complex"},
        "astrakhan": {"astrakhan", "solyanka"},
        "kuryk": {"kuryk", "kuryk_west"},
        "alat": {"alat", "gobustan", "sangachal"},
        "hazar": {"alaja", "hazar"},
        "makhachkala": {"kaspiysk", "makhachkala"},
        "rostov": {"azov", "rostov"},
    }
    assert all(group in ports for group, ports in groups.items())


def test_ports_whose_middles_are_within_20_km_are_one_group() -> None:
    ports = {
        one["properties"]["id"]: (shape(one["geometry"]).centroid, one["properties"]["port_group"])
        for one in areas(GEO)
        if one["properties"]["kind"] == "port"
    }
    for (one, (here, group)), (other, (there, other_group)) in itertools.combinations(
        ports.items(), 2
    ):
        if EARTH.inv(here.x, here.y, there.x, there.y)[2] <= 20_000:
            assert group == other_group, f"{one} and {other}"


def test_ports_do_not_overlap_each_other_or_an_exit() -> None:
    ports = [one for one in areas(GEO) if one["properties"]["kind"] in {"port", "exit"}]
    for one, other in itertools.combinations(ports, 2):
        shared = shape(one["geometry"]).intersection(shape(other["geometry"]))
        assert km2(shared) < 0.05, f"{one['properties']['id']} and {other['properties']['id']}"


@pytest.mark.parametrize("port", HARBOURS)
def test_a_stated_harbour_point_lies_in_its_port(port: str) -> None:
    latitude, longitude = HARBOURS[port]
    assert km_apart(shapes(GEO / "ports.geojson")[port], Point(longitude, latitude)) <= 1.5


def test_the_shoreline_is_no_area_and_lies_inside_the_fence() -> None:
    shoreline = features(GEO / "shoreline.geojson")
    assert [one["properties"]["kind"] for one in shoreline] == ["shoreline"]
    assert "shoreline.geojson" not in areas_of(GEO)["features"]
    fence = shapes(GEO / "caspian_sea.geojson")["caspian_sea"]
    assert fence.covers(shape(shoreline[0]["geometry"]))


def test_whatever_comes_from_openstreetmap_says_so() -> None:
    for path in sorted(GEO.rglob("*.geojson")):
        for one in features(path):
            told = one["properties"]
            if told["licence"].startswith("ODbL"):
                assert "(c) OpenStreetMap contributors" in told["source"], (path, told["id"])
            else:
                assert told["licence"].startswith("CC0-1.0"), (path, told["id"])


def test_dates_of_seasons_and_closures_can_be_read() -> None:
    ids = {one["properties"]["id"] for one in areas(GEO)}
    with (GEO / "seasons.csv").open(encoding="utf-8", newline="") as file:
        seasons = {(row["waterway"], row["year"]): row for row in csv.DictReader(file)}
    assert set(seasons) == {("volga_don_canal", year) for year in ("2017", "2020", "2021", "2022")}
    assert seasons["volga_don_canal", "2017"]["closed_on"] == "2017-12-07"
    assert seasons["volga_don_canal", "2020"]["opened_on"] == "2020-03-24"
    assert seasons["volga_don_canal", "2021"]["opened_on"] == "2021-04-01"
    assert seasons["volga_don_canal", "2021"]["closed_on"] == "2021-12-03"
    assert seasons["volga_don_canal", "2022"]["days"] == "245"
    with (GEO / "closures.csv").open(encoding="utf-8", newline="") as file:
        closures = list(csv.DictReader(file))
    for row in closures:
        begin, end = map(datetime.fromisoformat, (row["closed_from"], row["closed_to"]))
        assert begin < end
    assert {row["waterway"] for row in [*seasons.values(), *closures]} <= ids
    assert closures[0]["waterway"] == "volga_caspian_canal"
    # The grounding of 9-13 May 2021, its last day included: the end is the midnight after it.
    assert closures[0]["closed_from"] == "2021-05-09T00:00:00"
    assert closures[0]["closed_to"] == "2021-05-14T00:00:00"
    assert all(row["source"] for row in [*seasons.values(), *closures])


def located(
    folder: Path, points: dict[str, tuple[float, float]]
) -> dict[str, tuple[str, str, bool]]:
    """Return month area, port group and is_outside of named points (latitude, longitude)."""
    frame = pl.DataFrame(
        {"lon": [lon for _, lon in points.values()], "lat": [lat for lat, _ in points.values()]}
    )
    found = load_areas(folder).locate(frame, Rules())
    columns = found.select("area", "port_group", "is_outside").iter_rows()
    return dict(zip(points, columns, strict=True))


def test_the_pipeline_finds_caspian_places() -> None:
    places = {
        "Astrakhan": (46.350, 48.030),
        "off Amirabad": (36.90, 53.37),
        "open Caspian": (42.0, 50.5),
        "sea part of the canal": (45.20, 47.72),
        "canal at Chervlyonoye": (48.44, 44.37),
        "Don at Konstantinovsk": (47.57, 41.09),
        "open Taganrog Bay": (46.85, 38.10),
        "Rostov": (47.2, 39.69),
        "steppe": (47.0, 43.0),
        "Black Sea": (43.5, 34.0),
    }
    assert located(GEO, places) == {
        "Astrakhan": ("lower_volga", "astrakhan", False),
        "off Amirabad": ("caspian", "amirabad", False),
        "open Caspian": ("caspian", "none", False),
        "sea part of the canal": ("lower_volga", "none", False),
        "canal at Chervlyonoye": ("volga_don", "volgograd", False),
        "Don at Konstantinovsk": ("volga_don", "none", False),
        "open Taganrog Bay": ("taganrog_bay", "none", False),
        "Rostov": ("volga_don", "rostov", False),
        "steppe": ("other", "none", True),
        "Black Sea": ("other", "none", True),
    }


def test_the_pipeline_finds_danish_places() -> None:
    places = {
        "Skagen": (57.715, 10.59),
        "Kattegat": (56.7, 11.5),
        "Oslo": (59.9, 10.7),
    }
    assert located(DENMARK, places) == {
        "Skagen": ("skaw", "skagen", False),
        "Kattegat": ("danish_waters", "none", False),
        "Oslo": ("other", "none", True),
    }


# ------------------------------------------------------------------------------ the lines


def test_every_vertex_of_a_line_has_its_source() -> None:
    lines = shapes(GEO / "lines.geojson")
    told: dict[str, list[int]] = {}
    with (GEO / "line_sources.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["source"] and row["licence"]
            vertices = range(int(row["first_vertex"]), int(row["last_vertex"]) + 1)
            told.setdefault(row["line"], []).extend(vertices)
    assert set(told) == set(lines)
    for line_id, line in lines.items():
        assert told[line_id] == list(range(len(line.coords))), line_id


def test_lines_are_simple_and_meet_end_to_end() -> None:
    lines = shapes(GEO / "lines.geojson")
    assert all(line.is_simple for line in lines.values())
    vertices = {line_id: set(line.coords) for line_id, line in lines.items()}
    for one, other in [
        ("volga_caspian_canal", "volga_lower"),
        ("volga_lower", "volga_above_volgograd"),
        ("volga_lower", "volga_don_canal"),
        ("volga_don_canal", "tsimlyansk_reservoir"),
        ("tsimlyansk_reservoir", "lower_don"),
        ("lower_don", "taganrog_bay"),
    ]:
        assert vertices[one] & vertices[other], f"{one} and {other} do not meet in a vertex"


def test_the_water_way_leads_from_exit_to_sea() -> None:
    lines = shapes(GEO / "lines.geojson")
    exits = shapes(GEO / "exits.geojson")
    sea = shapes(GEO / "caspian_sea.geojson")["caspian_sea"]
    assert sea.covers(Point(lines["volga_caspian_canal"].coords[0]))
    assert exits["exit_azov"].covers(Point(lines["taganrog_bay"].coords[-1]))
    assert exits["exit_volga_above_volgograd"].intersects(lines["volga_above_volgograd"])


def test_lengths_are_those_officially_stated() -> None:
    """Volga-Don canal 101 km; Olya at km 67 of the 188 km from Astrakhan to the sea buoy."""
    lines = shapes(GEO / "lines.geojson")
    assert EARTH.geometry_length(lines["volga_don_canal"]) / 1000 == pytest.approx(101, rel=0.05)
    canal = lines["volga_caspian_canal"]
    latitude, longitude = HARBOURS["port_olya"]
    olya = next(
        index
        for index, (x, y) in enumerate(canal.coords)
        if math.dist((x, y), (longitude, latitude)) < 0.001
    )
    to_olya = shapely.LineString(canal.coords[: olya + 1])
    assert EARTH.geometry_length(to_olya) / 1000 == pytest.approx(188 - 67, rel=0.05)


@pytest.mark.parametrize(
    "fence", ["volga_lower", "volga_caspian_canal", "volga_don_canal", "lower_don"]
)
def test_a_fence_reaches_5_km_to_both_sides_of_its_line(fence: str) -> None:
    line = shapes(GEO / "lines.geojson")[fence]
    assert shapes(GEO / "waterways.geojson")[fence].covers(geobuild.buffer_km(line, 5.0))


@needs_reference
@pytest.mark.parametrize("reference", LINE_OF)
def test_reference_vertices_are_within_3_km_of_the_line_and_inside_its_fence(
    reference: str,
) -> None:
    points = shapely.get_coordinates(shapes(REFERENCE / "waterway_lines.geojson")[reference])
    line = shapes(GEO / "lines.geojson")[LINE_OF[reference]]
    apart = km_from_line(line, points)
    print(f"{reference}: at most {apart.max():.2f} km, median {np.median(apart):.2f} km")
    assert apart.max() <= 3.0
    fence = shapes(GEO / "waterways.geojson")[LINE_OF[reference]]
    assert shapely.contains_xy(fence, points).all()


@needs_reference
def test_reference_harbours_lie_in_their_ports() -> None:
    ports = shapes(GEO / "ports.geojson")
    with (REFERENCE / "port_coordinates.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            harbour = Point(float(row["ref_lon"]), float(row["ref_lat"]))
            assert km_apart(ports[f"port_{row['port']}"], harbour) <= 1.5, row["port"]


@needs_reference
def test_reference_waters_are_covered() -> None:
    """Next to nothing of the reference reservoirs, bays and fences lies outside all areas."""
    whole = shapely.union_all([shape(one["geometry"]) for one in areas(GEO)])
    for water_id, water in shapes(REFERENCE / "waterways.geojson").items():
        assert km2(water.difference(whole)) <= 0.02 * km2(water), water_id


# ------------------------------------------------------------------------------ the build


def test_the_build_makes_the_committed_files(tmp_path: Path) -> None:
    """Properties to the letter; geometry to a millionth, as another GEOS may round elsewhere."""
    assert geobuild.main([str(GEO), "--out", str(tmp_path)]) == 0
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == [
        "caspian_sea.geojson",
        "exits.geojson",
        "ports.geojson",
        "region.geojson",
        "shoreline.geojson",
        "waterways.geojson",
    ]
    for name in made:
        fresh, committed = features(tmp_path / name), features(GEO / name)
        assert [one["properties"] for one in fresh] == [one["properties"] for one in committed]
        for one, other in zip(fresh, committed, strict=True):
            now, then = shape(one["geometry"]), shape(other["geometry"])
            assert now.symmetric_difference(then).area <= 1e-6 * then.area, one["properties"]["id"]


def test_the_build_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    """In place, too: no output is an input of the next build."""
    folder = tmp_path / "geo"
    shutil.copytree(GEO, folder)
    assert geobuild.main([str(folder)]) == 0
    first = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    assert geobuild.main([str(folder)]) == 0
    assert {path: path.read_bytes() for path in first} == first


def test_a_buffer_is_true_on_the_ground() -> None:
    line = shapely.LineString([(45.0, 47.0), (46.0, 48.0)])
    fence = geobuild.buffer_km(line, 5.0)
    corners = shapely.get_coordinates(fence)
    assert km_from_line(line, corners) == pytest.approx(5.0, abs=0.05)
    # Straight north of the southern end the buffer ends 5 km away on the ellipsoid, too.
    south = min(corners, key=lambda corner: corner[1])
    assert EARTH.inv(*south, 45.0, 47.0)[2] / 1000 == pytest.approx(5.0, abs=0.05)


def test_a_plan_that_names_an_unknown_line_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "geo"
    shutil.copytree(GEO, folder)
    plan = folder / "build.toml"
    plan.write_text(
        plan.read_text("utf-8").replace('line = "lower_don"', 'line = "upper_don"'), "utf-8"
    )
    with pytest.raises(AreasError, match="upper_don"):
        geobuild.build(folder)
    assert geobuild.main([str(folder)]) == AreasError.exit_code


def test_a_plan_with_an_unknown_key_or_port_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "geo"
    shutil.copytree(GEO, folder)
    plan = folder / "build.toml"
    good = plan.read_text("utf-8")
    plan.write_text(good.replace("margin_deg", "apron_deg"), "utf-8")
    with pytest.raises(AreasError, match="apron_deg"):
        geobuild.build(folder)
    plan.write_text(good.replace('"port_alaja", "port_hazar"', '"port_atlantis"'), "utf-8")
    with pytest.raises(AreasError, match="port_atlantis"):
        geobuild.build(folder)
    plan.write_text(good.replace('"port_alaja", "port_hazar"', '"port_azov"'), "utf-8")
    with pytest.raises(AreasError, match="two groups"):
        geobuild.build(folder)


def test_the_geo_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in GEO.rglob("*") if path.is_file()) < 1_500_000
