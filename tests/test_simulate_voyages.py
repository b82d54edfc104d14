from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import LineString, Point, shape

from pipeline.simulate.calendar import Calendar, CalendarSettings, draw_calendar
from pipeline.simulate.model import AT_ANCHOR, FISHING, MOORED, Timeline, Vessel
from pipeline.simulate.stays import StaySettings, draw_stay_s
from pipeline.simulate.vessels import VesselSettings, draw_vessels
from pipeline.simulate.voyages import VoyageSettings, sail
from pipeline.simulate.waters import load_waters

GEO = Path(__file__).parent.parent / "geo"
START, DAY_S = datetime(2021, 1, 1), 86_400
SPAN_S = 420 * DAY_S
SETTINGS = VoyageSettings()
RIVERS = {
    "volga": ("volga_caspian_canal", "volga_lower", "volga_above_volgograd"),
    "azov": ("volga_don_canal", "tsimlyansk_reservoir", "lower_don", "taganrog_bay"),
}

WEST_OF = "volga_don_canal"


def km_between(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    scale = np.cos(np.radians((lat[1:] + lat[:-1]) / 2))
    return 111.2 * np.hypot(np.diff(lon) * scale, np.diff(lat))


# ------------------------------------------------------------------ a stand-in for the waters


@dataclass(frozen=True)
class FakePort:
    id: str
    group: str
    country: str
    lon_deg: float
    lat_deg: float
    roads_lon_deg: float
    roads_lat_deg: float
    is_river: bool


@dataclass(frozen=True)
class FakeLock:
    name: str
    km_along: float


@dataclass(frozen=True)
class FakeRoute:
    lon_deg: np.ndarray
    lat_deg: np.ndarray
    km: np.ndarray
    water: np.ndarray
    locks: tuple[FakeLock, ...]


class FakeWaters:
    """Ports and rivers of geo/; the sea is an empty plane between the ports and the sea buoy.

    The Volga is one line from the buoy up to beyond Volgograd, the way west leaves it at the
    canal's mouth; a river port has its place on one of the two.
    """

    def __init__(self) -> None:
        features = json.loads((GEO / "lines.geojson").read_text("utf-8"))["features"]
        lines = {one["properties"]["id"]: one["geometry"]["coordinates"] for one in features}
        mouth = LineString(lines["volga_lower"]).project(Point(lines["volga_don_canal"][0]))
        lower = [
            point
            for point in lines["volga_lower"]
            if LineString(lines["volga_lower"]).project(Point(point)) < mouth
        ]
        up = [(name, lines[name]) for name in RIVERS["volga"]]
        west = [up[0], ("volga_lower", lower), *((name, lines[name]) for name in RIVERS["azov"])]
        self.chains = {
            "volga": _chain([*up, ("beyond", [[45.5, 50.0], [46.0, 51.5]])]),
            "azov": _chain([*west, ("beyond", [[36.6, 45.3], [35.0, 44.0]])]),
        }
        # Below the canal's mouth both ways are one: places there are on the Volga's.
        self.mouth_km = float(
            self.chains["azov"][1][self.chains["azov"][2].tolist().index(WEST_OF)]
        )
        self.at = {name: (name, float(chain[1][-1])) for name, chain in self.chains.items()}
        self.ports: dict[str, FakePort] = {}
        self.polygons = {}
        for one in json.loads((GEO / "ports.geojson").read_text("utf-8"))["features"]:
            if one["properties"]["kind"] == "port":
                self._add_port(one["properties"], shape(one["geometry"]))

    def _add_port(self, properties: dict[str, str], polygon: object) -> None:
        name = properties["id"]
        point = polygon.representative_point()
        self.polygons[name] = polygon
        river, km, off_km = min(
            ((river, *_project(chain, point)) for river, chain in self.chains.items()),
            key=lambda one: one[2],
        )
        is_river = off_km < 12 and properties["country"] == "RUS"
        if is_river:
            self.at[name], self.at[f"roads:{name}"] = (river, km), (river, km - 6)
        berth, roads = (self._place(place, (point.x, point.y)) for place in (name, f"roads:{name}"))
        country, group = properties["country"], properties["port_group"]
        self.ports[name] = FakePort(name, group, country, *berth, *roads, is_river)

    def _place(self, place: str, sea: tuple[float, float]) -> tuple[float, float]:
        if place in self.at:
            river, km = self.at[place]
            points, along, _ = self.chains[river]
            return tuple(float(np.interp(km, along, points[:, axis])) for axis in (0, 1))
        return (sea[0] + 0.05, sea[1] + 0.08) if place.startswith("roads:") else sea

    def route(self, origin: object, destination: object) -> FakeRoute:
        if destination in self.at and origin not in self.at:
            return _reversed(self.route(destination, origin))
        if origin not in self.at:
            return _straight(self._sea(origin), self._sea(destination))
        river, km = self.at[origin]
        if destination in self.at:
            to_river, to_km = self.at[destination]
            if river == to_river:
                return _along(self.chains[river], km, to_km)
            way = _along(self.chains[river], km, self.mouth_km)
            return _joined(way, _along(self.chains[to_river], self.mouth_km, to_km))
        way = _along(self.chains[river], km, 0.0)
        sea = _straight((way.lon_deg[-1], way.lat_deg[-1]), self._sea(destination))
        return _joined(way, sea)

    def _sea(self, place: object) -> tuple[float, float]:
        if isinstance(place, tuple):
            return place
        port = self.ports[str(place).removeprefix("roads:")]
        if str(place).startswith("roads:"):
            return port.roads_lon_deg, port.roads_lat_deg
        return port.lon_deg, port.lat_deg

    def is_inside_region(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return (lon > 37.0) & (lat < 49.4)

    def shore_km(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return np.where((lon > 49) & (lon < 52.5) & (lat > 37.5) & (lat < 44), 40.0, 0.0)

    def are_roads_on_way(self, origin, port, detour_km=30.0):
        return True

    def draw_sea_points(
        self,
        count: int,
        random: np.random.Generator,
        box: tuple[float, float, float, float] | None = None,
        at_least_km_from_shore: float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        return random.uniform(49.8, 51.8, count), random.uniform(38.0, 42.0, count)


def _chain(parts: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points, waters = [parts[0][1][0]], []
    for name, line in parts:
        for point in line:
            if not np.allclose(point, points[-1]):
                points.append(point)
                waters.append(name)
    whole = np.array(points, dtype=float)
    km = np.concatenate([[0.0], np.cumsum(km_between(whole[:, 0], whole[:, 1]))])
    return whole, km, np.array(waters)


def _project(chain: tuple, point: Point) -> tuple[float, float]:
    points, km, _ = chain
    off_km = np.hypot((points[:, 0] - point.x) * 76, (points[:, 1] - point.y) * 111)
    return float(km[np.argmin(off_km)]), float(off_km.min())


def _along(chain: tuple, from_km: float, to_km: float) -> FakeRoute:
    points, km, water = chain
    low, high = min(from_km, to_km), max(from_km, to_km)
    knots = np.concatenate([[low], km[(km > low) & (km < high)], [high]])
    waters = water[np.searchsorted(km, (knots[1:] + knots[:-1]) / 2) - 1]
    inside = knots[1:][waters == "volga_don_canal"] - low
    locks = tuple(FakeLock(f"lock {at}", float(one)) for at, one in enumerate(inside[1:14]))
    lon, lat = (np.interp(knots, km, points[:, axis]) for axis in (0, 1))
    way = FakeRoute(lon, lat, knots - low, waters, locks)
    return way if from_km < to_km else _reversed(way)


def _joined(way: FakeRoute, on: FakeRoute) -> FakeRoute:
    locks = (*way.locks, *(FakeLock(one.name, way.km[-1] + one.km_along) for one in on.locks))
    return FakeRoute(
        np.concatenate([way.lon_deg, on.lon_deg[1:]]),
        np.concatenate([way.lat_deg, on.lat_deg[1:]]),
        np.concatenate([way.km, way.km[-1] + on.km[1:]]),
        np.concatenate([way.water, on.water]),
        locks,
    )


def _reversed(way: FakeRoute) -> FakeRoute:
    locks = tuple(FakeLock(one.name, way.km[-1] - one.km_along) for one in way.locks[::-1])
    lon, lat, water = (one[::-1] for one in (way.lon_deg, way.lat_deg, way.water))
    return FakeRoute(lon, lat, way.km[-1] - way.km[::-1], water, locks)


def _straight(start: tuple[float, float], end: tuple[float, float]) -> FakeRoute:
    lon, lat = np.linspace(start[0], end[0], 15), np.linspace(start[1], end[1], 15)
    km = np.concatenate([[0.0], np.cumsum(km_between(lon, lat))])
    return FakeRoute(lon, lat, km, np.full(14, "sea"), ())


# ------------------------------------------------------------------------------ one world


@dataclass(frozen=True)
class SmallWorld:
    waters: FakeWaters
    calendar: Calendar
    vessels: list[Vessel]
    timelines: list[Timeline]

    def of(self, *fleets: str) -> list[tuple[Vessel, Timeline]]:
        pairs = zip(self.vessels, self.timelines, strict=True)
        return [(vessel, line) for vessel, line in pairs if vessel.fleet in fleets]


def sail_all(seed: int, ships: int, span_s: float = SPAN_S) -> SmallWorld:
    waters = FakeWaters()
    calendar = draw_calendar(CalendarSettings(), GEO, START, span_s, seed)
    vessels = draw_vessels(VesselSettings(ships=ships), seed, span_s)
    lines: list[Timeline] = []
    for vessel in vessels:
        tug = None if vessel.tug is None else lines[vessel.tug]
        lines.append(sail(vessel, waters, calendar, SETTINGS, span_s, START, seed, tug))
    return SmallWorld(waters, calendar, vessels, lines)


@pytest.fixture(scope="module")
def world() -> SmallWorld:
    return sail_all(11, 70)


def piece_kn(line: Timeline) -> np.ndarray:
    return km_between(line.lon_deg, line.lat_deg) / 1.852 / np.diff(line.at_s) * 3600


# ------------------------------------------------------------------------------- calendars


def test_listed_dates_of_the_season_hold_and_the_last_day_is_open() -> None:
    calendar = draw_calendar(CalendarSettings(last_entry_h=0.0), GEO, START, SPAN_S, 3)
    noon = {
        day: (datetime(2021, *day) - START).total_seconds() + DAY_S / 2
        for day in [(3, 31), (4, 1), (12, 3), (12, 4)]
    }
    opens_s = (datetime(2021, 4, 1) - START).total_seconds()
    assert calendar.next_passage("volga_don_canal", noon[3, 31]) == opens_s
    assert calendar.next_passage("volga_don_canal", noon[4, 1]) == noon[4, 1]
    assert calendar.next_passage("volga_don_canal", noon[12, 3]) == noon[12, 3]
    next_spring_s = calendar.next_passage("volga_don_canal", noon[12, 4])
    assert 440 * DAY_S < next_spring_s < 475 * DAY_S
    assert calendar.next_passage("lower_don", noon[12, 4]) == noon[12, 4]


def test_a_year_of_which_only_the_days_are_listed_has_as_many() -> None:
    start = datetime(2022, 1, 1)
    rows = draw_calendar(CalendarSettings(), GEO, start, 365 * DAY_S, 5).closure_rows(start)
    rows = rows.filter(kind="season", waterway="volga_don_canal").sort("from_at")
    assert (rows["from_at"][1] - rows["to_at"][0]).days == 245


def test_nobody_enters_so_late_that_the_season_ends_on_the_way() -> None:
    calendar = draw_calendar(CalendarSettings(last_entry_h=48), GEO, START, SPAN_S, 3)
    shut_s = (datetime(2021, 12, 4) - START).total_seconds()
    early_s, late_s = shut_s - 50 * 3600, shut_s - 40 * 3600
    assert calendar.next_passage("volga_don_canal", early_s) == early_s
    assert calendar.next_passage("volga_don_canal", late_s) > shut_s


def test_a_listed_grounding_shuts_the_sea_canal_until_its_end() -> None:
    calendar = draw_calendar(CalendarSettings(), GEO, START, SPAN_S, 3)
    inside_s = (datetime(2021, 5, 11) - START).total_seconds()
    free_s = (datetime(2021, 5, 14) - START).total_seconds()
    assert calendar.next_passage("volga_caspian_canal", inside_s) == free_s


def test_in_ice_ships_go_by_convoy_and_slower() -> None:
    calendar = draw_calendar(CalendarSettings(groundings_a_year=0), GEO, START, SPAN_S, 3)
    winter = calendar.winters[1]
    at_s = np.linspace(winter.from_s, winter.to_s - 1, 500)
    waits_s = np.array([calendar.next_passage("volga_caspian_canal", one) - one for one in at_s])
    assert waits_s.min() >= 0 and 0.2 * DAY_S < waits_s.mean() < 3 * DAY_S
    assert len({calendar.next_passage("volga_caspian_canal", one) for one in at_s}) < 200
    assert calendar.speed_factor("volga_caspian_canal", at_s[9]) < 0.95
    assert calendar.speed_factor("volga_don_canal", at_s[9]) == 1
    assert calendar.speed_factor("volga_caspian_canal", winter.to_s + DAY_S) == 1


def test_a_passage_in_hard_ice_takes_four_and_a_half_days_on_average() -> None:
    settings = CalendarSettings(severity_shape=(4000.0, 1.0), groundings_a_year=0)
    calendar = draw_calendar(settings, GEO, START, SPAN_S, 3)
    winter = calendar.winters[1]
    at_s = np.linspace(winter.from_s, winter.to_s - 8 * DAY_S, 300)
    waits_s = [calendar.next_passage("volga_caspian_canal", one) - one for one in at_s]
    canal_kn = 9.0 * SETTINGS.legs.speed_factors["volga_caspian_canal"]
    sails_s = 205 / 1.852 / canal_kn / calendar.speed_factor("volga_caspian_canal", at_s[0]) * 3600
    assert 4.0 <= (np.mean(waits_s) + sails_s) / DAY_S <= 5.0


def test_closures_are_rows_of_the_truth_table_that_touch_the_world() -> None:
    calendar = draw_calendar(CalendarSettings(), GEO, START, SPAN_S, 3)
    rows = calendar.closure_rows(START)
    assert {"season", "ice", "grounding"} <= set(rows["kind"])
    assert (
        rows.filter(rows["to_at"] <= START).is_empty() and (rows["from_at"] < rows["to_at"]).all()
    )
    assert datetime(2021, 5, 9) in rows.filter(kind="grounding")["from_at"].to_list()


def test_a_longer_world_has_the_same_winters() -> None:
    short = draw_calendar(CalendarSettings(), GEO, START, 100 * DAY_S, 3)
    long = draw_calendar(CalendarSettings(), GEO, START, 900 * DAY_S, 3)
    assert short.winters == long.winters[: len(short.winters)]
    assert short.winters != draw_calendar(CalendarSettings(), GEO, START, 100 * DAY_S, 4).winters


# --------------------------------------------------------------------------------- voyages


def test_knots_increase_and_cover_the_world_from_mid_life_on(world: SmallWorld) -> None:
    for line in world.timelines:
        assert (np.diff(line.at_s) > 0).all()
        assert line.at_s[0] <= -20 * DAY_S and line.at_s[-1] >= SPAN_S
        assert len(line.nav_status) == len(line.speed_kn) == len(line.episode) == len(line.at_s) - 1
        assert np.isfinite(line.lon_deg).all() and np.isfinite(line.lat_deg).all()
    at_start = [line.nav_status[line.piece_at(np.zeros(1))[0]] for line in world.timelines]
    assert 0.1 < np.mean(np.array(at_start) == MOORED) < 0.9


def test_no_vessel_is_faster_than_its_engine(world: SmallWorld) -> None:
    for vessel, line in zip(world.vessels, world.timelines, strict=True):
        kn = piece_kn(line)
        assert kn.max() <= 1.2 * vessel.speed_kn, (vessel.habit, int(np.argmax(kn)))
        assert np.abs(kn - line.speed_kn).max() < 0.5, vessel.habit


def test_visits_follow_one_another_and_lie_at_rest_in_their_port(world: SmallWorld) -> None:
    for vessel, line in zip(world.vessels, world.timelines, strict=True):
        assert line.visits
        ends = [instant for one in line.visits for instant in (one.arrival_s, one.departure_s)]
        assert ends == sorted(ends) and ends[0] >= line.at_s[0] and ends[-1] <= line.at_s[-1]
        for visit in line.visits:
            middle_s = np.array([(visit.arrival_s + visit.departure_s) / 2])
            piece = line.piece_at(middle_s)[0]
            assert line.nav_status[piece] == MOORED and line.speed_kn[piece] == 0, vessel.habit
            port = world.waters.ports[visit.port]
            lon, lat = (float(one[0]) for one in line.locate(middle_s))
            km = km_between(np.array([lon, port.lon_deg]), np.array([lat, port.lat_deg]))[0]
            assert km < 0.5 and (visit.country, visit.port_group) == (port.country, port.group)


def test_stops_and_visits_never_overlap(world: SmallWorld) -> None:
    for line in world.timelines:
        spans = sorted(
            [(one.from_s, one.to_s) for one in line.stops]
            + [(one.arrival_s, one.departure_s) for one in line.visits]
        )
        before, after = np.array(spans[:-1]), np.array(spans[1:])
        assert (before[:, 1] <= after[:, 0] + 1).all() if len(spans) > 1 else True


def test_an_episode_changes_where_a_vessel_stops_or_sets_sail(world: SmallWorld) -> None:
    for vessel, line in world.of("merchant"):
        assert set(np.diff(line.episode)) <= {0, 1} and line.episode[0] == 0
        for visit in line.visits[1:-1]:
            at_s = np.array([visit.arrival_s - 60, visit.arrival_s + 60, visit.departure_s - 60])
            before, first, last = line.episode[line.piece_at(at_s)]
            assert first == last == before + 1, vessel.number


def test_the_volga_don_canal_is_sailed_in_season_alone(world: SmallWorld) -> None:
    shut = [
        (one.from_s, one.to_s)
        for one in world.calendar.closures
        if (one.kind, one.waterway) == ("season", "volga_don_canal")
    ]
    passages = 0
    for _, line in world.of("merchant"):
        lon, lat = ((one[:-1] + one[1:]) / 2 for one in (line.lon_deg, line.lat_deg))
        on_canal = (lon > 43.65) & (lon < 44.35) & (lat > 48.4) & (line.speed_kn > 1)
        at_s = line.at_s[:-1][on_canal]
        passages += int((np.diff(at_s, prepend=-np.inf) > 3 * DAY_S).sum())
        for from_s, to_s in shut:
            assert not ((at_s > from_s) & (at_s < to_s)).any()
    assert passages > 10


def test_a_shut_river_means_lay_up_or_another_trade(world: SmallWorld) -> None:
    river = [line for vessel, line in world.of("merchant") if vessel.habit == "volga_don"]
    assert any(one.kind == "lay_up" for line in river for one in line.visits)
    winter_s = (datetime(2022, 1, 15) - START).total_seconds()
    assert any(
        one.arrival_s < winter_s + 30 * DAY_S and one.departure_s > winter_s and one.kind == "cargo"
        for line in river
        for one in line.visits
    )
    long_waits = [
        one for line in world.timelines for one in line.stops if one.kind in ("closure", "ice")
    ]
    assert long_waits and max(one.to_s - one.from_s for one in long_waits) < 30 * DAY_S


def test_river_traders_leave_the_region_and_come_back(world: SmallWorld) -> None:
    outside = [
        (line, stop)
        for _, line in world.of("merchant")
        for stop in line.stops
        if stop.kind == "outside" and stop.to_s < SPAN_S
    ]
    assert {stop.place for _, stop in outside} == {"azov", "volga"}
    for line, stop in outside:
        within = (line.at_s >= stop.from_s) & (line.at_s <= stop.to_s)
        inside = world.waters.is_inside_region(line.lon_deg, line.lat_deg)
        assert within.any() and not inside[within].any()
        assert stop.to_s - stop.from_s >= 9 * DAY_S
    for _, line in world.of("merchant"):
        covered = np.zeros(len(line.at_s), dtype=bool)
        for stop in line.stops:
            if stop.kind == "outside":
                covered |= (line.at_s >= stop.from_s) & (line.at_s <= stop.to_s)
        assert (covered | world.waters.is_inside_region(line.lon_deg, line.lat_deg)).all()


def test_draughts_stay_within_light_and_laden(world: SmallWorld) -> None:
    changes = sent = calls = 0
    for vessel, line in world.of("merchant"):
        draughts = [one for v in line.visits for one in (v.draught_before_m, v.draught_after_m)]
        assert min(draughts) >= vessel.draught_light_m and max(draughts) <= vessel.draught_laden_m
        assert max(draughts) <= 4.5
        for before, after in pairwise(line.visits):
            assert after.draught_before_m == before.draught_after_m
        calls += len(line.visits)
        sent += sum(one.is_draught_sent for one in line.visits)
        changes += sum(abs(v.draught_after_m - v.draught_before_m) >= 0.3 for v in line.visits)
    assert 0.45 < sent / calls < 0.6 and changes / calls > 0.3


def test_crews_type_in_half_of_the_draughts_and_destinations(world: SmallWorld) -> None:
    right = calls = 0
    for _, line in world.of("merchant"):
        instants = [at_s for at_s, *_ in line.voyage_sent]
        assert instants == sorted(instants) and instants[0] <= 0
        for before, after in pairwise(line.visits):
            text, draught_m = [
                (text, draught)
                for at_s, text, draught in line.voyage_sent
                if at_s <= before.departure_s
            ][-1]
            if before.is_draught_sent:
                assert draught_m == before.draught_after_m
            calls += 1
            right += text == after.port.removeprefix("port_").replace("_", " ").upper()
    assert 0.4 < right / calls < 0.65


def test_half_of_the_calls_queue_at_the_roads(world: SmallWorld) -> None:
    queues = [s for _, line in world.of("merchant") for s in line.stops if s.kind == "roads"]
    calls = sum(len(line.visits) for _, line in world.of("merchant"))
    assert 0.35 < len(queues) / calls < 0.6
    line, stop = next(
        (line, stop)
        for _, line in world.of("merchant")
        for stop in line.stops
        if stop.kind == "roads" and stop.to_s - stop.from_s > DAY_S
    )
    assert line.nav_status[line.piece_at(np.array([(stop.from_s + stop.to_s) / 2]))[0]] == AT_ANCHOR


def test_stops_of_every_usual_kind_happen(world: SmallWorld) -> None:
    kinds = Counter(stop.kind for line in world.timelines for stop in line.stops)
    assert {"roads", "lock", "ice", "sts", "drift", "outside"} <= set(kinds)
    halts_h = [
        (stop.to_s - stop.from_s) / 3600
        for line in world.timelines
        for stop in line.stops
        if stop.kind in ("sts", "drift")
    ]
    assert min(halts_h) >= 8 and max(halts_h) <= 40


def test_stays_at_a_berth_last_a_day_or_two_as_a_rule() -> None:
    settings, random = StaySettings(idle_share={"merchant": 0.0}), np.random.default_rng(1)
    stays_h = np.array([draw_stay_s("merchant", settings, random) for _ in range(4000)]) / 3600
    assert 0.6 < np.mean((stays_h >= 18) & (stays_h <= 72)) < 0.85
    assert 0.01 < np.mean(stays_h < 12) < 0.1 and 0.001 < np.mean(stays_h > 168) < 0.05


def test_a_ferry_goes_to_and_fro_on_one_pair(world: SmallWorld) -> None:
    for _, line in world.of("ferry"):
        groups = [visit.port_group for visit in line.visits]
        assert len(set(groups)) == 2 and len(groups) > 100
        assert all(here != after for here, after in pairwise(groups))


def test_crossing_merchants_call_in_both_countries(world: SmallWorld) -> None:
    flags = Counter()
    for vessel, line in world.of("merchant"):
        for here, after in pairwise(line.visits):
            if {here.country, after.country} == {"RUS", "IRN"}:
                flags[vessel.identities[0].flag] += 1
    assert flags["RUS"] > 50 and flags["IRN"] > 50


def test_tows_are_beside_their_tug_while_towed(world: SmallWorld) -> None:
    tows = world.of("in_tow")
    assert tows
    for vessel, line in tows:
        tug = world.timelines[vessel.tug or 0]
        moving = np.flatnonzero(line.speed_kn > 1)
        assert len(moving) > 100 and len({visit.port for visit in line.visits}) == 2
        at_s = (line.at_s[moving] + line.at_s[moving + 1]) / 2
        lon, lat = (
            np.stack(both) for both in zip(line.locate(at_s), tug.locate(at_s), strict=True)
        )
        km = np.array([km_between(lon[:, at], lat[:, at])[0] for at in range(len(at_s))])
        assert km.max() <= 0.4 and np.median(km) > 0.2


def test_a_tow_without_a_tug_lies_in_port(world: SmallWorld) -> None:
    vessel = world.of("in_tow")[0][0]
    line = sail(vessel, world.waters, world.calendar, SETTINGS, SPAN_S, START, 11)
    assert len(line.visits) == 1 and line.speed_kn.max() == 0 and line.at_s[-1] >= SPAN_S


def test_small_craft_come_back_to_their_base(world: SmallWorld) -> None:
    for vessel, line in world.of("service", "naval", "fishing", "class_b"):
        home = [visit for visit in line.visits if visit.port == vessel.home]
        assert len(home) > 8 and all(visit.kind == "base" for visit in home)
        assert vessel.habit == "tug_tow" or len(home) == len(line.visits)
    for vessel, line in world.of("service", "class_b"):
        if vessel.habit != "tug_tow":
            port = world.waters.ports[vessel.home]
            scale = np.cos(np.radians(port.lat_deg))
            east, north = (line.lon_deg - port.lon_deg) * scale, line.lat_deg - port.lat_deg
            assert 111.2 * np.hypot(east, north).max() < 45
    for _, line in world.of("fishing"):
        assert 0.2 < np.average(line.nav_status == FISHING, weights=np.diff(line.at_s)) < 0.8


def test_the_same_seed_sails_the_same_voyages_and_another_seed_others() -> None:
    first, again, other = (sail_all(seed, 25, 60 * DAY_S) for seed in (1, 1, 2))
    for line, same, change in zip(first.timelines, again.timelines, other.timelines, strict=True):
        assert line.at_s.tobytes() == same.at_s.tobytes()
        assert line.lon_deg.tobytes() == same.lon_deg.tobytes()
        assert (line.visits, line.stops, line.voyage_sent) == (
            same.visits,
            same.stops,
            same.voyage_sent,
        )
        assert line.at_s.tobytes() != change.at_s.tobytes()


def test_a_vessel_sails_the_same_whoever_else_is_there(world: SmallWorld) -> None:
    vessel = next(one for one, _ in world.of("merchant"))
    alone = sail(vessel, FakeWaters(), world.calendar, SETTINGS, SPAN_S, START, 11)
    assert alone.at_s.tobytes() == world.timelines[vessel.number].at_s.tobytes()


def test_on_the_waters_of_geo_visits_lie_in_ports_and_halts_at_sea() -> None:
    waters, span_s = load_waters(GEO), 200 * DAY_S
    calendar = draw_calendar(CalendarSettings(), GEO, START, span_s, 5)
    polygons = FakeWaters().polygons
    vessels = draw_vessels(VesselSettings(ships=20), 5, span_s)
    lines: list[Timeline] = []
    for vessel in vessels:
        tug = None if vessel.tug is None else lines[vessel.tug]
        line = sail(vessel, waters, calendar, SETTINGS, span_s, START, 5, tug)
        lines.append(line)
        assert piece_kn(line).max() <= 1.2 * vessel.speed_kn, vessel.habit
        middle_s = np.array([(one.arrival_s + one.departure_s) / 2 for one in line.visits])
        for visit, lon, lat in zip(line.visits, *line.locate(middle_s), strict=True):
            assert polygons[visit.port].distance(Point(lon, lat)) < 0.003, visit.port
    halts_s = [
        (line, np.array([(one.from_s + one.to_s) / 2]))
        for line in lines
        for one in line.stops
        if one.kind in ("sts", "drift")
    ]
    shore_km = [float(waters.shore_km(*line.locate(at_s))[0]) for line, at_s in halts_s]
    assert len(shore_km) > 3 and min(shore_km) > 8
