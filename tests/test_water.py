"""The water network: no way over land, published distances, travel times, closures, snapping."""

from __future__ import annotations

import heapq
import pickle
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import waterbuild
from pipeline.errors import AreasError, SchemaError
from pipeline.geodesy import KM_PER_NM, geodesic_km, local_distance_km_array
from pipeline.water import Water, load_water
from pipeline.water_dates import list_unknown
from pipeline.water_fields import bounding_cost_h, usual_cost_h
from pipeline.water_folder import EDGE_COLUMNS, Network, read_shape
from pipeline.water_paths import lengths_km
from pipeline.water_ways import Ways
from tests.night import GEO
from tests.water_figures import HARBOURS, PUBLISHED, way_nm

DENMARK = Path(__file__).parent / "geo_denmark"
CANAL, SEA_CANAL = "volga_don_canal", "volga_caspian_canal"


@pytest.fixture(scope="module")
def water() -> Water:
    return load_water(GEO)


@pytest.fixture(scope="module")
def network(water: Water) -> Network:
    assert water.network is not None
    return water.network


def node(water: Water, name: str) -> np.ndarray:
    lat, lon = HARBOURS[name]
    return water.snap([lon], [lat])[0]


def some_nodes(network: Network, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, len(network.lon), count).astype(np.int32)


def lines_between(network: Network, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    ends = [np.column_stack((network.lon[at], network.lat[at])) for at in (one, other)]
    return shapely.linestrings(np.stack(ends, axis=1))


# ------------------------------------------------------------------------------ the ways


@pytest.mark.parametrize(("one", "other"), PUBLISHED)
def test_published_distances_are_met_within_3_percent(water: Water, one: str, other: str) -> None:
    assert way_nm(water, one, other) == pytest.approx(PUBLISHED[one, other], rel=0.03)


def test_no_edge_crosses_land(network: Network) -> None:
    """Edges of open waters lie wholly on them; all others are legs of the drawn lines."""
    lines = shapely.union_all(
        [read_shape(GEO / "lines.geojson", way.id) for way in network.file.waterways]
    )
    edges = lines_between(network, network.start, network.end)
    shapely.prepare(network.water)
    is_afloat = shapely.covers(network.water, edges)
    along_lines = lines.buffer(2e-5)  # rounding of nodes between vertices
    shapely.prepare(along_lines)
    assert (is_afloat | shapely.covers(along_lines, edges)).all()
    assert is_afloat[network.edges["waterway"].is_in(["caspian_sea"]).to_numpy()].all()


def test_no_path_crosses_land(water: Water, network: Network) -> None:
    """Walked in steps of a kilometre: every place is on open water or on a line."""
    paths = water.paths(some_nodes(network, 40), some_nodes(network, 40, seed=2))
    assert np.isfinite(paths.length_km).all()
    counts = np.ceil(paths.length_km).astype(int)
    pairs = np.repeat(np.arange(40), counts)
    km = np.concatenate([np.arange(count) for count in counts])
    places = shapely.points(np.column_stack(water.place_along(paths, pairs, km)))
    lines = shapely.union_all(
        [read_shape(GEO / "lines.geojson", way.id) for way in network.file.waterways]
    ).buffer(2e-5)
    shapely.prepare(lines)
    shapely.prepare(network.water)
    rounding = network.water.buffer(1e-9, quad_segs=1)
    shapely.prepare(rounding)
    assert (shapely.covers(rounding, places) | shapely.covers(lines, places)).all()


def test_steps_along_a_path_are_as_long_as_they_say(water: Water, network: Network) -> None:
    paths = water.paths(some_nodes(network, 5), some_nodes(network, 5, seed=2))
    for pair in range(5):
        km = np.linspace(0, paths.length_km[pair], 4000)
        lon, lat = water.place_along(paths, np.full(4000, pair), km)
        steps = local_distance_km_array(lon[:-1], lat[:-1], lon[1:], lat[1:])
        # A step over a bend is shorter.
        assert (steps <= km[1] * 1.003).all()
        assert steps.sum() == pytest.approx(paths.length_km[pair], rel=0.002)


def test_a_place_beyond_an_end_is_that_end(water: Water, network: Network) -> None:
    a, b = some_nodes(network, 2)
    paths = water.paths([a, a], [b, a])
    lon, lat = water.place_along(paths, [0, 0, 1], [-5.0, 1e6, 3.0])
    ends = [water.lon_lat(at) for at in (a, b, a)]
    assert [*zip(lon, lat, strict=True)] == [tuple(map(float, end)) for end in ends]
    assert paths.length_km[1] == 0


def oracle_h(network: Network, cost: np.ndarray, start: int) -> np.ndarray:
    """Return the least cost to all nodes, one node at a time."""
    ways: dict[int, list[tuple[int, float]]] = {}
    for one, other, weight in zip(network.start, network.end, cost, strict=True):
        ways.setdefault(int(one), []).append((int(other), weight))
        ways.setdefault(int(other), []).append((int(one), weight))
    best = np.full(len(network.lon), np.inf)
    heap = [(0.0, start)]
    while heap:
        so_far, at = heapq.heappop(heap)
        if so_far < best[at]:
            best[at] = so_far
            for other, weight in ways[at]:
                heapq.heappush(heap, (so_far + weight, other))
    return best


def test_ways_are_those_of_a_slow_search(water: Water, network: Network) -> None:
    start = int(node(water, "amirabad")[0])
    lengths = oracle_h(network, network.length_km, start)
    ends = some_nodes(network, 300)
    found = lengths_km(
        Ways(network, network.length_km, frozenset()), np.full(300, start, np.int32), ends
    )
    assert found == pytest.approx(lengths[ends])


def test_fields_add_up_to_the_least_hours_of_a_slow_search(water: Water, network: Network) -> None:
    """Where nothing is avoided, at usual speeds, the field's parts are the search's hours."""
    speeds = network.file.speeds
    at = water.targets.index("olya")
    field = water.fields()
    sources = np.flatnonzero((field.sea_km + field.river_km)[:, at] == 0)
    assert len(sources) >= 1
    slow = np.min([oracle_h(network, usual_cost_h(network), int(one)) for one in sources], axis=0)
    hours = field.hours(
        np.arange(len(network.lon)), [at], np.full(len(network.lon), speeds.usual_sea_kn)
    )[:, 0]
    assert (hours <= slow + 1e-9).all()
    is_free = ~np.isin(np.arange(len(slow)), network.start[network.edges["avoided"].is_not_null()])
    assert np.median(np.abs(hours - slow)[is_free]) < 1e-9


def test_lengths_do_not_hang_on_the_pairs_asked_together(water: Water, network: Network) -> None:
    a, b = some_nodes(network, 150), some_nodes(network, 150, seed=2)
    together = water.between_km(a, b)
    alone = [water.between_km([one], [other])[0] for one, other in zip(a[:5], b[:5], strict=True)]
    assert together[:5] == pytest.approx(alone)
    assert water.paths(a, b).length_km == pytest.approx(together)


def test_parts_of_a_way_between_nodes_are_its_length_and_hours(
    water: Water, network: Network
) -> None:
    a, b = some_nodes(network, 40), some_nodes(network, 40, seed=2)
    parts, back = water.between_parts(a, b), water.between_parts(b, a)
    assert (parts.sea_km + parts.river_km)[:, 0] == pytest.approx(water.between_km(a, b))
    assert back.river_km == pytest.approx(parts.river_km)
    # From a node to the one node of a port: what the field of the port says.
    field, column = water.fields(), water.targets.index("olya")
    sources = np.flatnonzero((field.sea_km + field.river_km)[:, column] == 0)
    ways = [water.between_parts(a, np.full(40, one)) for one in sources]
    speed_kn = np.full(40, network.file.speeds.usual_sea_kn)
    hours = np.min([way.hours(np.arange(40), [0], speed_kn)[:, 0] for way in ways], axis=0)
    assert hours == pytest.approx(water.hours_to(["olya"], a, 10.0)[:, 0], rel=0.02)
    shut = water.between_parts(node(water, "rostov"), node(water, "baku"), frozenset({CANAL}))
    assert np.isinf(shut.sea_km).all()


def test_half_years_without_a_listed_day_are_unknown(water: Water) -> None:
    unknown = list_unknown(water.areas.seasons, CANAL, [2020, 2021, 2023])
    days = [date(2020, 7, 1), date(2021, 1, 1), date(2023, 1, 1), date(2023, 7, 1)]
    assert unknown == [
        (days[0], days[1]),
        (days[2], days[3]),
        (days[3], date(2024, 1, 1)),
    ]
    # It has no season, so there is nothing to know.
    assert list_unknown(water.areas.seasons, SEA_CANAL, [2023]) == []


def test_ways_over_the_mesh_are_hardly_longer_than_straight_ones(network: Network) -> None:
    """What bounding figures are divided by holds for nodes in sight of each other.

    Beside the canal's banks, where the mesh is kept away from its line, it does not.
    """
    a, b = some_nodes(network, 4000), some_nodes(network, 4000, seed=2)
    beside = shapely.box(47.2, 44.8, 48.1, 45.7)
    shapely.prepare(network.water)
    is_fair = shapely.covers(network.water, lines_between(network, a, b)) & (a != b)
    for at in (a, b):
        is_fair &= ~shapely.contains_xy(beside, network.lon[at], network.lat[at])
    a, b = a[is_fair], b[is_fair]
    straight = geodesic_km(network.lon[a], network.lat[a], network.lon[b], network.lat[b])
    ways = lengths_km(Ways(network, bounding_cost_h(network), frozenset()), a, b)
    assert len(a) > 500
    assert np.percentile(ways / straight, 99) < 1.02
    assert (ways / network.file.speeds.detour - network.file.speeds.detour_km < straight).all()


# ------------------------------------------------------------------------------ hours


def test_hours_are_sea_river_and_locks(water: Water) -> None:
    at = node(water, "amirabad")
    field = water.fields()
    column = water.targets.index("rostov")
    sea, river, locks = (
        part[at[0], column] for part in (field.sea_km, field.river_km, field.fixed_h)
    )
    assert locks == pytest.approx((13 + 2 + 3) * 0.3)
    for speed in (5.0, 12.0):
        expected = (sea / speed + river / min(speed, 7.5)) / KM_PER_NM + locks
        assert water.hours_to(["rostov"], at, speed)[0, 0] == pytest.approx(expected)


def test_the_volga_don_canal_takes_10_to_12_hours(water: Water) -> None:
    """As publicly stated (water.toml)."""
    ends = water.snap([44.55361, 43.53913], [48.5275, 48.62273])[0].reshape(2, 1)
    assert 95 < water.between_km(*ends)[0] < 105
    hours = [float(water.hours_to(["volgodonsk"], end, 10.0)[0, 0]) for end in ends]
    assert 10 <= hours[0] - hours[1] <= 12


def test_no_ship_is_faster_than_the_least_hours(water: Water, network: Network) -> None:
    nodes = some_nodes(network, 2000)
    for speed in (6.0, 10.0, 18.0):
        usual = water.hours_to(water.targets, nodes, speed)
        least = water.least_hours_to(water.targets, nodes, speed, offset_km=2.0)
        assert (least <= usual).all() and (least >= 0).all()
    amirabad = node(water, "amirabad")
    assert water.least_hours_to(["astrakhan"], amirabad, 10.0)[0, 0] < (649 / 10)


def test_inside_a_port_it_is_no_way(water: Water) -> None:
    for name in ("amirabad", "olya", "baku", "turkmenbashi"):
        assert water.km_to(name, node(water, name))[0] == 0
        assert water.least_hours_to([name], node(water, name), 10.0)[0, 0] == 0


def test_every_port_and_exit_can_be_reached_from_everywhere(water: Water, network: Network) -> None:
    hours = water.hours_to(water.targets, np.arange(len(network.lon)), 10.0)
    assert np.isfinite(hours).all()
    assert set(water.areas.port_groups()["port_group"]) | {
        "exit_azov",
        "exit_volga_above_volgograd",
    } == set(water.targets)


def test_an_unknown_port_is_refused(water: Water) -> None:
    with pytest.raises(SchemaError, match="atlantis"):
        water.km_to("atlantis", [0])


# ------------------------------------------------------------------------------ closures


def test_a_closed_canal_lets_nobody_through(water: Water) -> None:
    sea, river = node(water, "amirabad"), node(water, "astrakhan")
    closed = frozenset({CANAL})
    assert np.isinf(water.hours_to(["rostov", "exit_azov"], river, 10.0, closed)).all()
    assert np.isinf(water.least_hours_to(["rostov"], river, 10.0, closed)).all()
    assert water.km_to("astrakhan", sea, closed) == pytest.approx(water.km_to("astrakhan", sea))
    assert np.isinf(water.between_km(sea, node(water, "rostov"), closed))[0]
    closed = frozenset({SEA_CANAL})
    assert np.isinf(water.km_to("astrakhan", sea, closed))[0]
    # Above the gate ships still move: Olya and Astrakhan reach each other.
    assert water.km_to("olya", river, closed) == pytest.approx(water.km_to("olya", river))


def test_a_pair_without_way_has_no_path_and_no_place(water: Water) -> None:
    pairs = ([*node(water, "amirabad")] * 2, [*node(water, "rostov"), *node(water, "anzali")])
    paths = water.paths(*pairs, frozenset({CANAL}))
    assert np.isinf(paths.length_km).tolist() == [True, False]
    lon, _ = water.place_along(paths, [0, 1], [10.0, 10.0])
    assert np.isnan(lon).tolist() == [True, False]
    none = water.paths([pairs[0][0]], [pairs[1][0]], frozenset({CANAL}))
    assert np.isnan(water.place_along(none, [0], [1.0])).all()


def test_a_waterway_without_gate_shuts_nothing(water: Water, network: Network) -> None:
    nodes = some_nodes(network, 50)
    open_, same = (
        water.hours_to(water.targets, nodes, 10.0, closed)
        for closed in (frozenset(), frozenset({"caspian_sea", "no such water"}))
    )
    assert np.array_equal(open_, same)


@pytest.mark.parametrize(
    ("waterway", "at", "is_shut"),
    [
        (CANAL, "2021-02-01T00:00:00", True),
        (CANAL, "2021-03-31T23:59:59", True),
        (CANAL, "2021-04-01T00:00:00", False),
        (CANAL, "2021-12-03T23:59:59", False),
        (CANAL, "2021-12-04T00:00:00", True),
        (CANAL, "2022-01-15T00:00:00", False),  # listed without dates: excludes nothing
        (CANAL, "2019-01-15T00:00:00", False),  # not listed
        (CANAL, "2017-12-20T00:00:00", True),
        (SEA_CANAL, "2021-05-09T00:00:00", True),
        (SEA_CANAL, "2021-05-13T23:59:59", True),
        (SEA_CANAL, "2021-05-14T00:00:00", False),
        ("lower_don", "2021-02-01T00:00:00", False),
    ],
)
def test_seasons_and_closures_shut_a_waterway(
    water: Water, waterway: str, at: str, is_shut: bool
) -> None:
    assert water.is_closed(waterway, np.datetime64(at)) == is_shut
    assert water.is_closed(waterway, np.array([at, at], "datetime64[us]")).tolist() == [is_shut] * 2


# ------------------------------------------------------------------------------ snapping


def test_points_on_the_water_get_a_node_in_sight(water: Water, network: Network) -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(46.7, 54.1, 20_000), rng.uniform(36.5, 47.0, 20_000)
    is_afloat = shapely.contains_xy(network.water, lon, lat)
    lon, lat = lon[is_afloat], lat[is_afloat]
    nodes, offset_km = water.snap(lon, lat)
    assert nodes.dtype == np.int32
    places = np.stack((np.column_stack((lon, lat)), np.column_stack(water.lon_lat(nodes))), axis=1)
    seen = shapely.covers(network.water, shapely.linestrings(places))
    # Ponds of the marshes in the north-east, joined to nothing a ship could use.
    assert seen.mean() > 0.99
    assert offset_km == pytest.approx(geodesic_km(lon, lat, *water.lon_lat(nodes)), abs=0.002)
    assert np.percentile(offset_km, 99) < 8


@pytest.mark.parametrize(
    ("name", "place", "within_km"),
    [
        ("on the Volga", (46.62, 47.70), 6.0),
        ("ashore at Volgograd", (44.50, 48.71), 6.0),
        ("on the Don", (41.09, 47.57), 4.0),
        ("sea part of the canal", (47.735, 45.24), 1.5),
        ("berth at Makhachkala", (47.503, 42.994), 1.5),
        ("berth at Amirabad", (53.367, 36.854), 1.5),
    ],
)
def test_points_of_rivers_and_berths_have_a_node_nearby(
    water: Water, name: str, place: tuple[float, float], within_km: float
) -> None:
    nodes, offset_km = water.snap([place[0]], [place[1]])
    assert offset_km[0] < within_km, name
    assert np.isfinite(water.km_to("astrakhan", nodes)[0])


def test_a_peninsula_is_not_snapped_across(water: Water) -> None:
    """North and south of the Absheron peninsula, 3 km inland of Dubendi's side and of Baku's."""
    north, south = water.snap([50.15, 50.15], [40.47, 40.33])[0]
    assert water.between_km([north], [south])[0] > 30


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(36.5, 54.5), st.floats(36.0, 49.4)), min_size=2, max_size=20))
def test_the_node_of_a_point_hangs_on_no_other_point(places: list[tuple[float, float]]) -> None:
    water = CACHED.setdefault("water", load_water(GEO))
    lon, lat = np.array(places).T
    together = water.snap(lon, lat)[0]
    assert together.tolist() == [int(water.snap([x], [y])[0][0]) for x, y in places]


CACHED: dict[str, Water] = {}


def test_a_coordinate_that_is_no_number_is_refused(water: Water) -> None:
    with pytest.raises(SchemaError, match="no number"):
        water.snap([50.0, float("nan")], [40.0, 40.0])


def test_nothing_asked_is_nothing_answered(water: Water) -> None:
    nodes, offset_km = water.snap([], [])
    assert len(nodes) == len(offset_km) == 0
    assert water.hours_to(water.targets, nodes, 10.0).shape == (0, len(water.targets))
    assert len(water.between_km(nodes, nodes)) == 0
    assert len(water.paths(nodes, nodes).km) == 0


# ------------------------------------------------------------------------------ folders


def test_a_folder_without_network_has_great_circles() -> None:
    water = load_water(DENMARK)
    assert water.network is None
    lon, lat = np.array([10.6, 11.5]), np.array([57.72, 56.7])
    nodes, offset_km = water.snap(lon, lat)
    assert (offset_km < 0.9).all()
    assert water.lon_lat(nodes)[0] == pytest.approx(lon, abs=0.01)
    length = water.between_km(nodes[:1], nodes[1:])[0]
    assert length == pytest.approx(geodesic_km(10.6, 57.72, 11.5, 56.7), abs=1.5)
    hours = water.hours_to(water.targets, nodes, 10.0)
    km = np.column_stack([water.km_to(target, nodes) for target in water.targets])
    assert hours == pytest.approx(km / (10 * KM_PER_NM))
    assert water.km_to("skagen", nodes[:1])[0] < 5
    assert (water.least_hours_to(water.targets, nodes, 10.0) <= hours).all()
    paths = water.paths(nodes[:1], nodes[1:])
    middle = water.place_along(paths, [0], paths.length_km / 2)
    assert geodesic_km(*water.lon_lat(nodes[:1]), *middle) == pytest.approx(length / 2, rel=1e-3)
    with pytest.raises(AreasError, match=r"water\.toml"):
        water.fields()


def test_waters_travel_to_another_process_and_answer_the_same(
    water: Water, network: Network
) -> None:
    other = pickle.loads(pickle.dumps(water))
    nodes = some_nodes(network, 10)
    assert np.array_equal(
        other.hours_to(other.targets, nodes, 9.0), water.hours_to(water.targets, nodes, 9.0)
    )
    assert other.hash == water.hash and len(water.hash) == 16


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GEO, tmp_path / "geo"))


def test_the_hash_names_what_the_folder_says(copied: Path, water: Water) -> None:
    assert load_water(copied).hash == water.hash
    toml = copied / "water.toml"
    toml.write_text(toml.read_text("utf-8").replace("usual_river_kn = 7.5", "usual_river_kn = 8.0"))
    assert load_water(copied).hash != water.hash


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("usual_river_kn", "river_kn", "speeds"),
        ("usual_river_kn = 7.5", "usual_river_kn = 0.0", "usual_river_kn"),
        ("[speeds]", "[speeds", "TOML"),
        ('nodes = "water_nodes.parquet"', 'nodes = "none.parquet"', "none.parquet"),
        ('nodes = "water_nodes.parquet"', 'nodes = "water_edges.parquet"', "columns"),
        ('nodes = "water_nodes.parquet"', 'nodes = "seasons.csv"', "Parquet"),
        ('feature = "caspian_shoreline"', 'feature = "black_sea"', "black_sea"),
        ('file = "shoreline.geojson"', 'file = "seasons.csv"', "GeoJSON"),
    ],
)
def test_an_unusable_network_is_refused_in_one_line(
    copied: Path, old: str, new: str, expected: str
) -> None:
    toml = copied / "water.toml"
    toml.write_text(toml.read_text("utf-8").replace(old, new, 1))
    with pytest.raises(AreasError, match=expected) as caught:
        load_water(copied)
    assert "\n" not in str(caught.value)


def test_an_edge_to_nowhere_is_refused(copied: Path) -> None:
    edges = pl.read_parquet(copied / "water_edges.parquet")
    edges.with_columns(pl.lit(10**6, pl.Int32).alias("end")).write_parquet(
        copied / "water_edges.parquet"
    )
    with pytest.raises(AreasError, match="end: expected one of"):
        load_water(copied)


# ------------------------------------------------------------------------------ the build


def test_the_build_makes_the_committed_network(copied: Path) -> None:
    """An edge along the shore may fall otherwise with another GEOS; all else to the letter."""
    files = [copied / f"water_{name}.parquet" for name in PARTS]
    committed = [pl.read_parquet(path) for path in files]
    contents = [path.read_bytes() for path in files]
    assert waterbuild.main([str(copied)]) == 0
    nodes, edges = map(pl.read_parquet, files)
    assert nodes.equals(committed[0])
    both = edges.join(committed[1], on=[*EDGE_COLUMNS], how="semi", nulls_equal=True)
    assert len(both) >= 0.999 * max(len(edges), len(committed[1]))
    if edges.equals(committed[1]):
        # What was committed is the first of two runs.
        assert [path.read_bytes() for path in files] == contents
    assert "OpenStreetMap" in pl.read_parquet_metadata(files[1])["licence"]


PARTS = ("nodes", "edges")


def test_the_network_is_connected_and_of_the_size_it_should_be(network: Network) -> None:
    assert 5_000 <= len(network.lon) <= 12_000
    assert sum((GEO / f"water_{name}.parquet").stat().st_size for name in PARTS) < 500_000
    assert np.array_equal(network.lon, network.lon.round(5))
    assert (network.start < network.end).all()
    assert np.isfinite(oracle_h(network, network.length_km, 0)).all()


def test_a_lock_of_an_unknown_line_is_refused(copied: Path) -> None:
    toml = copied / "water.toml"
    toml.write_text(toml.read_text("utf-8").replace('line = "lower_don"', 'line = "upper_don"', 1))
    with pytest.raises(AreasError, match="upper_don"):
        waterbuild.build(copied)
    assert waterbuild.main([str(copied)]) == AreasError.exit_code
