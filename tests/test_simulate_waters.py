"""The waters of the simulated Caspian: ports, ways over water, shore and region."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import LineString, Point, shape

from pipeline.errors import AreasError, ConfigError
from pipeline.simulate.setting import stream
from pipeline.simulate.waters import Route, Waters, WatersSettings, load_waters

GEO = Path(__file__).parents[1] / "geo"
WGS84 = Geod(ellps="WGS84")
KM_PER_NM = 1.852
TRUNK = (
    "volga_caspian_canal",
    "volga_lower",
    "volga_don_canal",
    "tsimlyansk_reservoir",
    "lower_don",
    "taganrog_bay",
    "azov",
)


@pytest.fixture(scope="module")
def waters() -> Waters:
    return load_waters(GEO)


def read_features(name: str) -> dict[str, tuple[dict, shapely.Geometry]]:
    features = json.loads((GEO / name).read_text())["features"]
    return {
        one["properties"]["id"]: (one["properties"], shape(one["geometry"])) for one in features
    }


@pytest.fixture(scope="module")
def sea() -> shapely.Geometry:
    (_, sea) = read_features("shoreline.geojson")["caspian_shoreline"]
    shapely.prepare(sea)
    return sea


@pytest.fixture(scope="module")
def ports() -> dict[str, tuple[dict, shapely.Geometry]]:
    areas = read_features("ports.geojson")
    return {name: one for name, one in areas.items() if one[0]["kind"] == "port"}


def km_between(lon: float, lat: float, to_lon: float, to_lat: float) -> float:
    return WGS84.inv(lon, lat, to_lon, to_lat)[2] / 1000


def pieces(route: Route) -> np.ndarray:
    knots = np.column_stack([route.lon_deg, route.lat_deg])
    return shapely.linestrings(np.stack([knots[:-1], knots[1:]], axis=1))


def waters_in_order(route: Route) -> list[str]:
    return list(dict.fromkeys(route.water))


def lock_names(route: Route) -> list[str]:
    return [lock.name for lock in route.locks]


# ------------------------------------------------------------ ports
def test_every_port_of_the_geo_folder_is_there_with_its_group_and_country(waters, ports):
    assert list(waters.ports) == list(ports)
    assert len(ports) == 35
    for name, (facts, _) in ports.items():
        port = waters.ports[name]
        expected = facts["id"], facts["name"], facts["port_group"], facts["country"]
        assert (port.id, port.name, port.group, port.country) == expected


def test_every_berth_lies_in_its_port_and_within_one_km_of_water(waters, ports, sea):
    lines = shapely.union_all([line for _, line in read_features("lines.geojson").values()])
    bay = read_features("drawn.geojson")["taganrog_bay_water"][1]
    water = shapely.union_all([sea, lines, bay])
    for name, (_, area) in ports.items():
        berth = Point(waters.ports[name].lon_deg, waters.ports[name].lat_deg)
        assert area.covers(berth), name
        assert water.distance(berth) * 111.2 < 1, name


def test_roads_are_more_than_four_km_from_every_berth_and_port(waters):
    roads = np.array([(port.roads_lon_deg, port.roads_lat_deg) for port in waters.ports.values()])
    assert set(waters.ports_near(roads[:, 0], roads[:, 1], 4.0)) == {None}
    for port in waters.ports.values():
        for lon, lat in roads:
            assert km_between(port.lon_deg, port.lat_deg, lon, lat) > 4


def test_roads_lie_in_the_roads_polygon_of_their_port_where_there_is_one(waters):
    areas = read_features("ports.geojson")
    served = set()
    for name, (facts, area) in areas.items():
        if facts["kind"] == "roads":
            group = name.removeprefix("roadstead_")
            for port in waters.ports.values():
                if port.group == group:
                    served.add(name)
                    assert area.contains(Point(port.roads_lon_deg, port.roads_lat_deg)), port.id
    assert len(served) == 8


def test_other_roads_at_sea_are_5_to_20_km_out_by_water(waters):
    own = {"aktau", "alat", "amirabad", "anzali", "makhachkala", "nowshahr", "turkmenbashi"}
    found = [port for port in waters.ports.values() if not port.is_river and port.group not in own]
    assert len(found) > 10
    for port in found:
        assert 5 <= waters.route(port.id, f"roads:{port.id}").long_km <= 20, port.id


def test_river_ports_are_those_of_the_volga_and_the_don(waters):
    river = {port.id.removeprefix("port_") for port in waters.ports.values() if port.is_river}
    assert river == {
        *("astrakhan", "solyanka", "olya", "volgograd", "kalach"),
        *("volgodonsk", "rostov", "azov", "taganrog"),
    }


def test_no_lock_lies_between_a_berth_and_its_roads(waters):
    for name in waters.ports:
        assert waters.route(name, f"roads:{name}").locks == ()


def test_nearest_port_is_found_by_its_polygon(waters):
    lon = np.array([waters.ports["port_amirabad"].lon_deg, 51.0, 53.31])
    lat = np.array([waters.ports["port_amirabad"].lat_deg, 38.5, 36.85])
    found = waters.ports_near(lon, lat, 4.0)
    assert [port and port.id for port in found] == ["port_amirabad", None, "port_neka"]


# ------------------------------------------------------------ routes
@pytest.mark.parametrize(
    ("origin", "destination", "nm"),
    [
        ("port_amirabad", "port_astrakhan", 649),
        ("port_anzali", "port_astrakhan", 597),
        ("port_amirabad", "port_makhachkala", 459),
        ("port_anzali", "port_makhachkala", 407),
    ],
)
def test_distances_between_ports_are_those_of_the_method_within_three_percent(
    waters, origin, destination, nm
):
    assert waters.route(origin, destination).long_km / KM_PER_NM == pytest.approx(nm, rel=0.03)


def test_no_route_at_sea_crosses_land(waters, sea):
    at_sea = [name for name, port in waters.ports.items() if not port.is_river]
    places = [*at_sea, "port_astrakhan", *(f"roads:{name}" for name in waters.ports)]
    for origin in places[::3]:
        for destination in places:
            route = waters.route(origin, destination)
            is_sea = np.array([water == "sea" for water in route.water])
            assert shapely.covers(sea, pieces(route)[is_sea]).all(), (origin, destination)


def test_open_water_is_crossed_straight(waters):
    route = waters.route((50.5, 37.8), (52.5, 38.5))
    assert route.long_km == pytest.approx(km_between(50.5, 37.8, 52.5, 38.5), rel=0.001)


def test_ways_round_land_are_nearly_as_short_as_can_be(waters):
    # Round the oil fields off Absheron, whose corners are a setting.
    alat, makhachkala = waters.ports["port_alat"], waters.ports["port_makhachkala"]
    turns = [(51.01, 40.14), (51.01, 40.29)]
    ends = [(alat.lon_deg, alat.lat_deg), (50.8, 40.04), *turns]
    ends.append((makhachkala.lon_deg, makhachkala.lat_deg))
    by_hand_km = sum(km_between(*start, *stop) for start, stop in pairwise(ends))
    assert waters.route("port_alat", "port_makhachkala").long_km <= 1.03 * by_hand_km


def test_no_way_is_much_longer_than_one_through_a_third_port(waters):
    names = [name for name, port in waters.ports.items() if not port.is_river]
    km = np.array([[waters.route(one, other).long_km for other in names] for one in names])
    for between in range(len(names)):
        by_third = km[:, between, None] + km[None, between, :]
        assert (km <= 1.12 * by_third).all()


def test_the_way_back_is_the_way_turned_round(waters):
    out, back = waters.route("port_anzali", "volga"), waters.route("volga", "port_anzali")
    np.testing.assert_array_equal(out.lon_deg, back.lon_deg[::-1])
    np.testing.assert_array_equal(out.lat_deg, back.lat_deg[::-1])
    assert out.water == back.water[::-1]
    assert back.long_km == out.long_km
    assert lock_names(out) == lock_names(back)[::-1]
    assert waters.route("port_anzali", "volga") is out


def test_km_along_a_route_are_those_on_the_ellipsoid(waters):
    for origin, destination in (("port_bautino", "azov"), ("port_volgograd", "volga")):
        route = waters.route(origin, destination)
        assert route.km[0] == 0
        assert len(route.water) == len(route.km) - 1
        expected = WGS84.line_length(route.lon_deg, route.lat_deg) / 1000
        assert route.long_km == pytest.approx(expected, rel=1e-4)
        assert (np.diff(route.km) >= 0).all()


def test_pieces_are_short_enough_that_degrees_are_even_in_km(waters):
    route = waters.route("port_amirabad", "port_aktau")
    assert np.diff(route.km).max() < 61


def test_a_route_begins_and_ends_at_its_places(waters):
    spot = (50.9, 38.4)
    route = waters.route("port_olya", spot)
    olya = waters.ports["port_olya"]
    assert (route.lon_deg[0], route.lat_deg[0]) == (olya.lon_deg, olya.lat_deg)
    assert (route.lon_deg[-1], route.lat_deg[-1]) == spot
    roads = waters.route("roads:port_rostov", "port_azov")
    rostov = waters.ports["port_rostov"]
    assert roads.lon_deg[0] == pytest.approx(rostov.roads_lon_deg)
    assert roads.lat_deg[0] == pytest.approx(rostov.roads_lat_deg)


def test_a_route_to_itself_has_no_length(waters):
    for place in ("port_rostov", "port_neka", "azov"):
        assert waters.route(place, place).long_km == pytest.approx(0, abs=1e-9)


# ------------------------------------------------------------ rivers and canals
def test_the_way_to_the_azov_passes_all_waters_in_order(waters):
    assert waters_in_order(waters.route("port_neka", "azov")) == ["sea", *TRUNK]


def test_lengths_of_the_lines_are_those_of_the_geo_folder(waters):
    route = waters.route("port_baku", "azov")
    lines = read_features("lines.geojson")
    for water in ("volga_caspian_canal", "volga_don_canal", "lower_don", "taganrog_bay"):
        long_km = np.diff(route.km)[[one == water for one in route.water]].sum()
        assert long_km == pytest.approx(WGS84.geometry_length(lines[water][1]) / 1000, rel=0.001)


def test_rivers_are_followed_within_their_fences(waters):
    fences = read_features("waterways.geojson")
    route = waters.route("port_astrakhan", "azov")
    for water in TRUNK[:5]:
        is_there = [one == water for one in route.water]
        assert any(is_there)
        assert shapely.covers(fences[water][1], pieces(route)[is_there]).all()


def test_the_spur_to_taganrog_stays_in_its_bay(waters, ports):
    bay = read_features("drawn.geojson")["taganrog_bay_water"][1]
    spur = pieces(waters.route("port_taganrog", "azov"))[0]
    assert bay.union(ports["port_taganrog"][1]).covers(spur)


def test_volga_don_has_thirteen_locks_in_its_canal_and_five_below(waters):
    route = waters.route("port_volgograd", "port_rostov")
    assert lock_names(route) == [f"volga_don_{number}" for number in range(1, 19)]
    ends = {water: route.km[1:][[one == water for one in route.water]][-1] for water in TRUNK[1:5]}
    km = np.array([lock.km_along for lock in route.locks])
    canal_km = ends["volga_lower"]
    assert (np.diff(km) > 0).all()
    assert ((km[:13] > canal_km) & (km[:13] < ends["volga_don_canal"])).all()
    assert (km[:9] < canal_km + 25).all()
    assert (km[9:13] > canal_km + 60).all()
    assert (km[13:15] < ends["tsimlyansk_reservoir"] + 5).all()
    assert (km[13:] > ends["tsimlyansk_reservoir"]).all()


def test_up_the_volga_is_one_step_of_two_locks_and_no_canal(waters):
    route = waters.route("port_astrakhan", "volga")
    assert lock_names(route) == ["volgograd_1", "volgograd_2"]
    expected = ["volga_caspian_canal", "volga_lower", "volga_above_volgograd", "volga"]
    assert waters_in_order(route) == expected


def test_who_comes_down_the_don_does_not_pass_the_locks_of_the_volga_dam(waters):
    assert not waters.route("port_rostov", "port_volgograd").locks[0].name.startswith("volgograd")
    assert waters_in_order(waters.route("port_volgograd", "port_azov"))[0] == "volga_lower"


def test_beyond_the_region_ways_go_on_outside(waters):
    for place, water in (("azov", "azov"), ("volga", "volga")):
        route = waters.route("port_volgograd", place)
        is_inside = waters.is_inside_region(route.lon_deg, route.lat_deg)
        outside_km = route.long_km - route.km[np.flatnonzero(is_inside)[-1]]
        assert outside_km > 200
        assert route.water[-1] == water
        assert not is_inside[-1]


def test_roads_of_astrakhan_are_passed_from_the_sea_only(waters):
    assert waters.are_roads_on_way("port_anzali", "port_astrakhan")
    assert not waters.are_roads_on_way("port_rostov", "port_astrakhan")


# ------------------------------------------------------------ region, shore, points at sea
def test_region_is_exact_for_many_points(waters):
    random = stream(1, "region")
    lon, lat = random.uniform(36, 56, 100_000), random.uniform(35, 50, 100_000)
    region = read_features("region.geojson")["region"][1]
    inside = waters.is_inside_region(lon, lat)
    np.testing.assert_array_equal(inside, shapely.contains_xy(region, lon, lat))
    assert 0.1 < inside.mean() < 0.9


def test_what_is_no_number_is_outside_the_region(waters):
    assert not waters.is_inside_region(np.array([np.nan, 181.0]), np.array([40.0, 91.0])).any()


def test_distance_to_shore_is_right_to_a_few_km(waters, sea):
    lon, lat = waters.draw_sea_points(60, stream(2, "shore"))
    for x, y, km in zip(lon, lat, waters.shore_km(lon, lat), strict=True):
        narrow = np.cos(np.radians(y))
        plane = shapely.transform(sea.boundary, lambda ends, by=narrow: ends * [by, 1.0])
        assert km == pytest.approx(plane.distance(Point(x * narrow, y)) * 111.2, rel=0.03, abs=2.5)


def test_shore_is_no_distance_away_on_land_and_far_off(waters):
    assert (waters.shore_km(np.array([49.0, 46.0, 0.0]), np.array([40.0, 48.0, 0.0])) == 0).all()


def test_drawn_points_lie_at_sea_in_the_box_and_off_the_shore(waters, sea):
    box = (49.5, 38.0, 51.5, 39.5)
    lon, lat = waters.draw_sea_points(500, stream(3, "sea"), box, at_least_km_from_shore=30.0)
    assert len(lon) == len(lat) == 500
    assert shapely.contains_xy(sea, lon, lat).all()
    assert (waters.shore_km(lon, lat) >= 30).all()
    assert ((lon >= 49.5) & (lon <= 51.5) & (lat >= 38.0) & (lat <= 39.5)).all()
    assert lon.std() > 0.3


def test_drawn_points_can_be_sailed_to(waters):
    lon, lat = waters.draw_sea_points(50, stream(4, "sea"))
    for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
        assert waters.route("port_baku", (x, y)).long_km > 0


def test_the_same_stream_draws_the_same_points(waters):
    first = waters.draw_sea_points(20, stream(5, "sea"))
    again = waters.draw_sea_points(20, stream(5, "sea"))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, waters.draw_sea_points(20, stream(6, "sea")))


# ------------------------------------------------------------ refusals
def test_unknown_places_and_land_are_refused(waters):
    for place, message in (
        ("port_atlantis", "no port"),
        ("roads:port_atlantis", "no port"),
        ((46.0, 40.0), "no water"),
    ):
        with pytest.raises(AreasError, match=message):
            waters.route("port_baku", place)


def test_a_box_without_sea_is_refused(waters):
    with pytest.raises(ConfigError, match="no sea"):
        waters.draw_sea_points(5, stream(7, "sea"), box=(30.0, 50.0, 31.0, 51.0))


def test_a_geo_folder_without_its_lines_is_refused(tmp_path):
    for name in ("shoreline.geojson", "ports.geojson", "region.geojson", "drawn.geojson"):
        shutil.copy(GEO / name, tmp_path / name)
    with pytest.raises(AreasError, match=r"lines\.geojson"):
        load_waters(tmp_path)
    (tmp_path / "lines.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(AreasError, match="has no line lower_don"):
        load_waters(tmp_path)


def test_a_folder_is_read_once_and_other_settings_make_other_waters(waters):
    assert load_waters(GEO) is waters
    coarse = load_waters(GEO, WatersSettings.model_validate({"mesh": {"step_deg": 0.08}}))
    assert len(coarse.mesh.points) < len(waters.mesh.points) / 5
    fine_km = waters.route("port_neka", "port_astrakhan").long_km
    coarse_km = coarse.route("port_neka", "port_astrakhan").long_km
    assert coarse_km == pytest.approx(fine_km, rel=0.03)


def test_a_way_is_a_line_a_ship_can_follow_without_jumping(waters):
    route = waters.route("port_turkmenbashi", "port_azov")
    line = LineString(np.column_stack([route.lon_deg, route.lat_deg]))
    assert line.is_simple
    lon, lat = route.locate(route.long_km / 2)
    assert line.distance(Point(lon, lat)) < 1e-6
