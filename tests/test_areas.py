"""Points to areas, port groups and exits, on small folders of squares."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from pipeline.areas import Areas, load_areas
from pipeline.errors import AreasError, SchemaError
from pipeline.rules import Rules
from pipeline.schema import Closures, Seasons, polars_schema

RULES = Rules()
WGS84 = Geod(ellps="WGS84")

Json = dict[str, Any]


def square(lon: float, lat: float, side: float = 0.1) -> shapely.Polygon:
    """Return a square by its south-west corner."""
    return shapely.box(lon, lat, lon + side, lat + side)


def feature(name: str, kind: str, polygon: shapely.Geometry, **more: Any) -> Json:
    properties = {"id": name, "name": name.title(), "kind": kind, "country": None}
    properties |= {"port_group": None, "source": "own work", "licence": "CC0-1.0"}
    if kind == "port":
        properties |= {"country": "RUS", "port_group": name}
    geometry = json.loads(shapely.to_geojson(polygon))
    return {"type": "Feature", "properties": properties | more, "geometry": geometry}


def collection(*features: Json) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def write_folder(folder: Path, toml: str = "", **files: str) -> Path:
    """Write a geo folder; a file is named by its stem."""
    (folder / "areas.toml").write_text('name = "Squares"\n' + toml, "utf-8")
    for stem, text in files.items():
        ending = "csv" if stem in ("seasons", "closures") else "geojson"
        (folder / f"{stem}.{ending}").write_text(text, "utf-8")
    return folder


def points(*places: tuple[float | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame(places, schema={"lon": pl.Float64, "lat": pl.Float64}, orient="row")


# A sea with an island, a canal that overlaps it, four ports of three groups, two exits.
TOML = """
features = ["features.geojson"]
region = "region.geojson"
[[month_areas]]
id = "canal"
of = ["canal"]
[[month_areas]]
id = "sea"
of = ["sea", "bay"]
"""
SEA = shapely.Polygon(
    [(50, 40), (52.013, 40), (52.5, 41), (52, 42.007), (50, 42)],
    [[(51, 41), (51.1, 41.2), (51.2, 41)]],
)
FEATURES = [
    feature("sea", "sea", SEA),
    feature("bay", "bay", square(52.6, 40.2, 0.3)),
    feature("canal", "canal", shapely.LineString([(50.5, 41.5), (50.1, 42.8)]).buffer(0.07)),
    feature("neka", "port", square(50.3, 40.003, 0.06), port_group="amirabad", country="IRN"),
    feature("amirabad", "port", square(50.42, 40.01, 0.05), country="IRN"),
    feature("olya", "port", square(51.3, 40.5, 0.07)),
    feature("aktau", "port", SEA.intersection(square(51.9, 40.6, 0.12)), country="KAZ"),
    feature("roads", "roads", square(51.2, 40.4), port_group="olya"),
    feature("west", "exit", square(49.5, 41, 0.4)),
    feature("north", "exit", square(50.05, 42.7, 0.1)),
]


@cache
def squares() -> Areas:
    region = collection(feature("region", "sea", SEA.buffer(0.5)))
    folder = write_folder(Path(mkdtemp()), TOML, features=collection(*FEATURES), region=region)
    return load_areas(folder)


def polygon_of(name: str) -> shapely.Geometry:
    found = [each for each in FEATURES if each["properties"]["id"] == name]
    return shapely.from_geojson(json.dumps(found[0]["geometry"]))


# ------------------------------------------------------------------------------------ locate


def test_a_folder_that_says_only_its_name_is_the_whole_world(tmp_path: Path) -> None:
    areas = load_areas(write_folder(tmp_path))
    places = points((50.0, 40.0), (-180.0, -90.0), (180.0, 90.0))
    assert areas.locate(places, RULES).rows() == [
        (50, 40, "other", "none", False),
        (-180, -90, "other", "none", False),
        (180, 90, "other", "none", False),
    ]
    assert areas.area_ids == ["other"]
    assert areas.port_groups().is_empty()
    assert areas.near_ports(places, 4.0)["port_id"].to_list() == [None] * 3
    assert areas.straight_km_to_groups(np.zeros(3), np.zeros(3)).shape == (3, 0)
    assert areas.seasons.schema == polars_schema(Seasons)
    assert areas.closures.schema == polars_schema(Closures)


@pytest.mark.parametrize(
    ("lon", "lat", "area", "port_group", "is_outside"),
    [
        (50.8, 41.7, "sea", "none", False),
        (50.45, 41.6, "canal", "none", False),  # in the sea too: the first match wins
        (52.7, 40.3, "sea", "none", False),  # the bay is a part of it
        (51.1, 41.05, "other", "none", False),  # on the island
        (50.0, 41.0, "sea", "none", False),  # on the boundary is inside
        (49.9, 41.0, "other", "none", False),
        (49.4, 41.0, "other", "none", True),
        (50.32, 40.02, "sea", "amirabad", False),
        (51.25, 40.45, "sea", "olya", False),  # near its group's port; roads are no port
    ],
)
def test_a_point_has_area_port_group_and_side_of_the_region(
    lon: float, lat: float, area: str, port_group: str, is_outside: bool
) -> None:
    found = squares().locate(points((lon, lat)), RULES)
    assert found.row(0)[2:] == (area, port_group, is_outside)


def test_other_columns_and_the_order_of_rows_stay() -> None:
    places = points((50.8, 41.7), (49.0, 41.0), (50.8, 41.7)).with_columns(
        mmsi=pl.Series([3, 1, 2])
    )
    found = squares().locate(places, RULES)
    assert found.columns == ["lon", "lat", "mmsi", "area", "port_group", "is_outside"]
    assert found["mmsi"].to_list() == [3, 1, 2]
    assert squares().locate(places.clear(), RULES).schema == found.schema


def test_a_point_without_position_has_no_place() -> None:
    found = squares().locate(points((None, None), (50.8, 41.7), (50.8, None)), RULES)
    assert found["area"].to_list() == [None, "sea", None]
    assert found["port_group"].to_list() == [None, "none", None]
    assert found["is_outside"].to_list() == [None, False, None]


@pytest.mark.parametrize(("lon", "lat"), [(float("nan"), 0.0), (0.0, float("-inf"))])
def test_a_position_that_is_no_number_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(SchemaError, match="expected degrees"):
        squares().locate(points((50.0, 40.0), (lon, lat)), RULES)


def test_the_ends_of_the_globe_are_places_like_any_other(tmp_path: Path) -> None:
    features = collection(
        feature("fiji", "port", shapely.MultiPolygon([square(179.9, -17), square(-180, -17)])),
        feature("polar", "sea", shapely.box(-180, 89, 180, 90)),
    )
    toml = 'features = ["f.geojson"]\n[[month_areas]]\nid = "ice"\nof = ["polar"]'
    areas = load_areas(write_folder(tmp_path, toml, f=features))
    corners = points((180.0, 90.0), (-180.0, 89.5), (180.0, -16.95), (-180.0, -16.95), (0.0, -90.0))
    assert areas.locate(corners, RULES)["area"].to_list() == ["ice", "ice", *["other"] * 3]
    assert areas.near_ports(corners, 4)["port_km"].to_list() == [None, None, 0, 0, None]
    across = areas.near_ports(points((-179.8, -16.95), (179.8, -16.95)), 30)
    assert across["port_km"].to_list() == pytest.approx([10.654, 10.654], abs=0.05)


def test_thirty_miles_reach_from_the_edge_of_the_port(tmp_path: Path) -> None:
    port = collection(feature("olya", "port", square(50, 45)))
    areas = load_areas(write_folder(tmp_path, 'features = ["f.geojson"]', f=port))
    nm_30 = RULES.gaps.near_port_nm * 1852
    inner = WGS84.fwd(50.1, 45.05, 90, nm_30 - 50)[:2]
    outer = WGS84.fwd(50.1, 45.05, 90, nm_30 + 50)[:2]
    assert areas.locate(points(inner, outer), RULES)["port_group"].to_list() == ["olya", "none"]
    wider = Rules.model_validate({"gaps": {"near_port_nm": 50.0}})
    assert areas.locate(points(inner, outer), wider)["port_group"].to_list() == ["olya", "olya"]


def test_equally_near_port_groups_go_by_name(tmp_path: Path) -> None:
    features = collection(
        feature("west", "port", square(49.8, 40), port_group="b"),
        feature("east", "port", square(50.1, 40), port_group="a"),
        feature("twin", "port", square(49.8, 40), port_group="c"),
    )
    areas = load_areas(write_folder(tmp_path, 'features = ["f.geojson"]', f=features))
    places = points((50.0, 40.05), (49.85, 40.05), (49.999, 40.05), (50.001, 40.05))
    assert areas.locate(places, RULES)["port_group"].to_list() == ["a", "b", "b", "a"]
    assert areas.near_ports(places, 30)["port_id"].to_list() == ["east", "west", "west", "east"]


# ------------------------------------------------- the cells change nothing: against every point


def near_an_edge() -> st.SearchStrategy[tuple[float, float]]:
    """Points on or beside boundaries and edges of cells, and anywhere around."""
    boundary = shapely.get_coordinates(
        shapely.segmentize(shapely.GeometryCollection([polygon_of(n) for n in NAMES]), 0.05)
    )
    step = st.sampled_from([0.0, 1e-9, -1e-9, 1e-6, -1e-6, 1e-4, -1e-4, 0.01, -0.01])
    vertex = st.sampled_from([tuple(each) for each in boundary.tolist()])
    beside = st.tuples(vertex, step, step).map(lambda s: (s[0][0] + s[1], s[0][1] + s[2]))
    cell = st.tuples(st.integers(2470, 2645), st.integers(1980, 2145), step, step)
    edge = cell.map(lambda c: (c[0] / 50 + c[2], c[1] / 50 + c[3]))
    anywhere = st.tuples(st.floats(49.0, 53.3), st.floats(39.4, 43.0))
    return st.one_of(beside, edge, anywhere)


NAMES = [each["properties"]["id"] for each in FEATURES]


def port_km(lon: float, lat: float) -> dict[tuple[str, str], float]:
    """Return the geodesic distance to each port, through its boundary every 20 m."""
    return {
        (each["properties"]["port_group"], name): _geodesic_to(name, lon, lat)
        for each, name in zip(FEATURES, NAMES, strict=True)
        if each["properties"]["kind"] == "port"
    }


@cache
def _boundary(name: str) -> Any:
    return shapely.get_coordinates(shapely.segmentize(polygon_of(name).boundary, 2e-4)).T


def _geodesic_to(name: str, lon: float, lat: float) -> float:
    if polygon_of(name).covers(shapely.Point(lon, lat)):
        return 0.0
    lons, lats = _boundary(name)
    return WGS84.inv(np.full_like(lons, lon), np.full_like(lats, lat), lons, lats)[2].min() / 1000


def covered_by(name: str, lon: float, lat: float) -> bool:
    return polygon_of(name).covers(shapely.Point(lon, lat))


@settings(max_examples=60, deadline=None)
@given(places=st.lists(near_an_edge(), min_size=1, max_size=25))
def test_every_point_gets_the_answer_it_gets_alone(places: list[tuple[float, float]]) -> None:
    together = squares().locate(points(*places), RULES)
    region = SEA.buffer(0.5)
    for row in together.iter_rows(named=True):
        lon, lat = row["lon"], row["lat"]
        area = next(
            (
                area
                for area, of in (("canal", ["canal"]), ("sea", ["sea", "bay"]))
                if any(covered_by(name, lon, lat) for name in of)
            ),
            "other",
        )
        assert row["area"] == area
        assert row["is_outside"] == (not region.covers(shapely.Point(lon, lat)))
        exact = port_km(lon, lat)
        groups = {
            group: min(km for (g, _), km in exact.items() if g == group) for group, _ in exact
        }
        nearest = min(groups.values())
        if row["port_group"] == "none":
            assert nearest > 30 * 1.852 - 0.05
        else:
            assert groups[row["port_group"]] <= min(nearest + 0.05, 30 * 1.852 + 0.05)


@settings(max_examples=60, deadline=None)
@given(
    places=st.lists(near_an_edge(), min_size=1, max_size=25), within_km=st.sampled_from([4.0, 60.0])
)
def test_the_nearest_port_is_as_far_as_it_says(
    places: list[tuple[float, float]], within_km: float
) -> None:
    for row in squares().near_ports(points(*places), within_km).iter_rows(named=True):
        exact = port_km(row["lon"], row["lat"])
        nearest = min(exact.values())
        if row["port_id"] is None:
            assert (row["in_port_group"], row["port_km"]) == (None, None)
            assert nearest > within_km - 0.05
        else:
            here = exact[row["in_port_group"], row["port_id"]]
            assert row["port_km"] == pytest.approx(here, abs=0.05)
            assert row["port_km"] <= within_km
            assert here <= nearest + 0.05


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_cells_remembered_from_other_points_change_no_answer(seed: int) -> None:
    random = np.random.default_rng(seed)
    spread = pl.DataFrame(
        {"lon": random.uniform(49, 53.3, 3000), "lat": random.uniform(39.4, 43, 3000)}
    )
    fresh = Areas(squares().folder)
    assert fresh.locate(spread, RULES).equals(squares().locate(spread, RULES))
    assert fresh.locate(spread.reverse(), RULES).reverse().equals(fresh.locate(spread, RULES))
    exact = fresh._ports.group_distances_m(
        spread["lon"].to_numpy(), spread["lat"].to_numpy(), np.inf
    )
    nearest = np.where(exact.min(axis=1) <= 55_560 - 0.2, exact.argmin(axis=1), 3)
    names = np.array([*fresh.port_groups()["port_group"], "none"])
    assert fresh.locate(spread, RULES)["port_group"].to_list() == names[nearest].tolist()
    alone = pl.concat([fresh.near_ports(spread[i], 60) for i in range(0, 3000, 300)])
    assert fresh.near_ports(spread, 60)[::300].equals(alone)


@pytest.mark.parametrize("off_m", [0.5, 5, 50, 500])
def test_distances_are_good_to_25_metres_beside_the_boundary(off_m: float) -> None:
    west, _, east, north = polygon_of("olya").bounds
    edge = [WGS84.fwd(lon, north, 0, off_m)[:2] for lon in np.linspace(west, east, 200)]
    found = squares().near_ports(points(*edge), 4)["port_km"]
    assert np.abs(found.to_numpy() * 1000 - off_m).max() <= 25


# ------------------------------------------------------------------------------- port groups


def test_port_groups_are_listed_by_name_with_their_country_and_ports() -> None:
    assert squares().port_groups().rows() == [
        ("aktau", "KAZ", ["aktau"]),
        ("amirabad", "IRN", ["amirabad", "neka"]),
        ("olya", "RUS", ["olya"]),
    ]


def test_distances_to_port_groups_are_straight_and_zero_inside() -> None:
    km = squares().straight_km_to_groups(np.array([50.44, 51.0]), np.array([40.03, 47.0]))
    assert km[0, 1] == 0
    for column, group in enumerate(("aktau", "amirabad", "olya")):
        exact = [
            min(each for (name, _), each in port_km(*place).items() if name == group)
            for place in ((50.44, 40.03), (51.0, 47.0))
        ]
        assert km[:, column].tolist() == pytest.approx(exact, abs=0.05)


def test_monthly_areas_come_in_order_with_the_default_last() -> None:
    assert squares().area_ids == ["canal", "sea", "other"]


# ------------------------------------------------------------------------------------- exits

# The exit `west` ends at 49.9 E; 0.5 degree east of it is 42 km or 22.7 nm: 6 h at 3.8 kn.
EAST_OF_IT = (50.4, 41.2)


@pytest.mark.parametrize(
    ("what", "place", "sog_kn", "cog_deg", "towards", "from_it"),
    [
        ("in it, moored", (49.7, 41.2), 0.0, None, True, True),
        ("in it, nothing known", (49.7, 41.2), None, None, True, True),
        ("on its edge", (49.9, 41.2), None, None, True, True),
        ("on its way out", EAST_OF_IT, 9.0, 270.0, True, False),
        ("on its way in", EAST_OF_IT, 9.0, 90.0, False, True),
        ("59 degrees off", EAST_OF_IT, 9.0, 329.0, True, False),
        ("61 degrees off", EAST_OF_IT, 9.0, 332.0, False, False),
        ("across the north", (49.7, 40.6), 9.0, 355.0, True, False),
        ("fast enough", EAST_OF_IT, 3.9, 270.0, True, False),
        ("too slow to be there in 6 h", EAST_OF_IT, 3.7, 270.0, False, False),
        ("not under way", (49.91, 41.2), 1.0, 270.0, False, False),
        ("hardly under way", (49.91, 41.2), 1.1, 270.0, True, False),
        ("no course", EAST_OF_IT, 9.0, None, False, False),
        ("no speed", EAST_OF_IT, None, 270.0, False, False),
        ("the other exit", (50.1, 42.4), 9.0, 0.0, True, False),
        ("no position", (None, None), 9.0, 270.0, False, False),
    ],
)
def test_an_exit_is_reached_inside_or_under_way(
    what: str,
    place: tuple[float | None, float | None],
    sog_kn: float | None,
    cog_deg: float | None,
    towards: bool,
    from_it: bool,
) -> None:
    row = points(place).with_columns(
        sog_kn=pl.lit(sog_kn, pl.Float32), cog_deg=pl.lit(cog_deg, pl.Float32)
    )
    assert squares().exit_reach(row, RULES.causes, "towards").to_list() == [towards], what
    assert squares().exit_reach(row, RULES.causes, "from").to_list() == [from_it], what


# ------------------------------------------------------------------------------- the folder


SEASONS = "waterway,year,opened_on,closed_on,days,source\n"
CLOSURES = "waterway,closed_from,closed_to,reason,source\n"


def with_seasons(rows: str) -> Callable[[Path], Path]:
    toml = 'features = ["f.geojson"]\nseasons = "seasons.csv"'
    return lambda folder: write_folder(
        folder, toml, f=collection(FEATURES[2]), seasons=SEASONS + rows
    )


def with_closures(rows: str) -> Callable[[Path], Path]:
    toml = 'features = ["f.geojson"]\nclosures = "closures.csv"'
    return lambda folder: write_folder(
        folder, toml, f=collection(FEATURES[2]), closures=CLOSURES + rows
    )


def with_features(*features: Json, toml: str = "") -> Callable[[Path], Path]:
    toml = f'features = ["f.geojson"]\n{toml}'
    return lambda folder: write_folder(folder, toml, f=collection(*features))


def without(name: str, given: Json) -> Json:
    kept = {key: value for key, value in given["properties"].items() if key != name}
    return {**given, "properties": kept}


OLYA = feature("olya", "port", square(50, 45))
BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda folder: folder, r"areas\.toml: No such file"),
        (lambda folder: write_folder(folder, "name ="), r"areas\.toml: no valid TOML"),
        (
            lambda folder: write_folder(folder, "colour = 1"),
            r"areas\.toml: colour: .*not permitted",
        ),
        (lambda folder: write_folder(folder, "features = 1"), r"areas\.toml: features: .* list"),
        (lambda folder: write_folder(folder, 'region = "r"'), r"/r: No such file"),
        (with_features(toml='[[month_areas]]\nid = "a"'), r"month_areas\.0\.of: Field required"),
        (
            lambda f: write_folder(f, 'features = ["f.geojson"]', f="{"),
            r"f\.geojson: no valid JSON",
        ),
        (with_features(), "f.geojson: expected a FeatureCollection with features"),
        (with_features(OLYA, OLYA), "feature 'olya': the id stands twice"),
        (with_features(without("id", OLYA)), "f.geojson: feature 1: id: Field required"),
        (with_features(without("source", OLYA)), "feature 'olya': source: Field required"),
        (with_features(without("licence", OLYA)), "feature 'olya': licence: Field required"),
        (with_features(without("country", OLYA)), "feature 'olya': a port needs a country"),
        (with_features(without("port_group", OLYA)), "feature 'olya': a port needs a port_group"),
        (with_features(feature("a", "lake", square(0, 0))), "feature 'a': kind: .*found \"lake\""),
        (with_features(feature("a", "sea", square(0, 0), country="ru")), "'a': country: .*\"ru\""),
        (
            with_features(feature("a", "port", square(0, 0), port_group="none")),
            "'none' is reserved",
        ),
        (with_features(feature("a", "sea", BOW_TIE)), "'a': invalid polygon: Self-intersection"),
        (
            with_features(feature("a", "sea", shapely.Polygon())),
            "'a': invalid polygon: it is empty",
        ),
        (with_features(feature("a", "sea", shapely.Point(0, 0))), "'a': .*found 'Point'"),
        (with_features(OLYA | {"properties": None}), "feature 1: expected properties, found None"),
        (with_features(OLYA | {"geometry": None}), "'olya': .*found None"),
        (
            with_features(OLYA | {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1]]]}}),
            "'olya': coordinates cannot be read",
        ),
        (with_features(feature("a", "sea", square(4e6, 5e6))), r"'a': expected degrees"),
        (
            with_features(
                OLYA, feature("b", "port", square(1, 1), port_group="olya", country="IRN")
            ),
            "feature 'b': port group 'olya' lies in RUS, found IRN",
        ),
        (
            with_features(OLYA, toml='[[month_areas]]\nid = "a"\nof = ["sea"]'),
            "month area 'a': no feature has the id 'sea'",
        ),
        (
            with_features(OLYA, toml='[[month_areas]]\nid = "other"\nof = ["olya"]'),
            "month area 'other' stands twice",
        ),
        (with_features(OLYA, toml='default_month_area = "all"'), "month area 'all' is reserved"),
        (with_seasons("canal,2021,1 April,,,s\n"), "row 1: opened_on: expected a day .*'1 April'"),
        (with_seasons("canal,,,,,s\n"), "row 1: year: expected a whole number, found None"),
        (with_seasons("canal,2021,,,,\n"), "row 1: source: expected text, found None"),
        (with_seasons("canal,2021,,,,s\ncanal,2021,,,,s\n"), "row 1: year: .* once per waterway"),
        (with_seasons("canal,2021,2021-04-01,2021-03-01,,s\n"), "row 1: closed_on: .*opened_on"),
        (with_seasons("suez,2021,,,,s\n"), "row 1: waterway: .*found 'suez'"),
        (with_seasons("canal,2021\n,,,,,,,,,,\n"), r"seasons\.csv: no valid CSV"),
        (with_closures("canal,2021-05-09,2021-05-13,r,s\n"), "row 1: closed_from: .*an instant"),
        (
            lambda f: write_folder(f, 'seasons = "seasons.csv"', seasons="waterway,year\n"),
            r"seasons\.csv: expected the columns",
        ),
    ],
)
def test_an_unusable_folder_is_refused_in_one_line(
    write: Callable[[Path], Path], message: str, tmp_path: Path
) -> None:
    with pytest.raises(AreasError, match=message) as refused:
        load_areas(write(tmp_path))
    assert "\n" not in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_seasons_and_closures_are_read_as_their_tables(tmp_path: Path) -> None:
    toml = 'features = ["f.geojson"]\nseasons = "seasons.csv"\nclosures = "closures.csv"'
    seasons = SEASONS + "canal,2021,2021-04-01,2021-12-03,,gazette\ncanal,2022,,,245,gazette\n"
    closures = CLOSURES + 'canal,2021-05-09T06:00:00Z,2021-05-13 18:00,"aground, twice",press\n'
    folder = write_folder(
        tmp_path, toml, f=collection(FEATURES[2]), seasons=seasons, closures=closures
    )
    areas = load_areas(folder)
    assert areas.seasons.schema == polars_schema(Seasons)
    assert areas.seasons.rows() == [
        ("canal", 2021, date(2021, 4, 1), date(2021, 12, 3), None, "gazette"),
        ("canal", 2022, None, None, 245, "gazette"),
    ]
    assert areas.closures.schema == polars_schema(Closures)
    assert areas.closures.rows() == [
        ("canal", datetime(2021, 5, 9, 6), datetime(2021, 5, 13, 18), "aground, twice", "press")
    ]


def test_the_hash_names_what_the_folder_says(tmp_path: Path) -> None:
    write = with_features(OLYA)
    first = load_areas(write(tmp_path)).hash
    assert len(first) == 16
    assert int(first, 16) >= 0
    (tmp_path / "README.md").write_text("not named by areas.toml", "utf-8")
    assert load_areas(tmp_path).hash == first
    with_features(feature("olya", "port", square(50, 45.00001)))(tmp_path)
    assert load_areas(tmp_path).hash != first


def test_areas_travel_to_another_process_and_answer_the_same() -> None:
    place = points((50.32, 40.02), (50.8, 41.7))
    found = squares().locate(place, RULES)
    assert pickle.loads(pickle.dumps(squares())).locate(place, RULES).equals(found)


def test_no_slow_import_is_needed_to_load_areas() -> None:
    code = "import sys, pipeline.areas; print({'pyproj', 'geopandas', 'scipy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
