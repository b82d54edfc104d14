"""Reach: which port groups could a silent ship have called at, and when (METHOD 5)."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.geodesy import KM_PER_NM, geodesic_km
from pipeline.reach import CANDIDATES, SPEEDS, find_candidates, sum_up_speeds
from pipeline.reach.gates import find_gates, merge_spans
from pipeline.reach.speeds import bound_speeds
from pipeline.rules import Rules
from pipeline.water import Water, load_water
from tests.night import GEO

RULES = Rules()
SHIP, OTHER, NEW = 273_000_001, 273_000_002, 273_000_009
DENMARK = Path(__file__).parent / "geo_denmark"
HOUR = timedelta(hours=1)
# Longitude, latitude.
AMIRABAD, NEKA, OLYA = (53.367, 36.854), (53.30, 36.85), (47.551, 45.783)
OFF_AMIRABAD, OPEN_SEA, MID_SEA = (53.2, 37.0), (51.0, 39.5), (50.0, 42.0)
MAKHACHKALA, VOLGOGRAD, BAKU_ROADS = (47.503, 42.994), (44.55, 48.62), (49.95, 40.25)
VOLGA_MOUTH = (47.75, 45.0)
TEHRAN, BLACK_SEA = (51.4, 35.7), (36.5, 45.0)
DON_PORTS = {"rostov", "taganrog", "volgodonsk", "kalach"}


@pytest.fixture(scope="module")
def water() -> Water:
    return load_water(GEO)


def gap(
    off: tuple[float, float],
    off_at: datetime,
    hours: float,
    on: tuple[float, float] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a gap; `on` is where it began unless said otherwise."""
    on = on or off
    row = {"mmsi": SHIP, "off_at": off_at, "on_at": off_at + hours * HOUR}
    row |= {"off_lon": off[0], "off_lat": off[1], "on_lon": on[0], "on_lat": on[1]}
    return row | {"on_is_outside": False} | more


def gaps_of(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"gap_id": f"gap-{number}"} | row for number, row in enumerate(rows)],
        schema_overrides={
            "mmsi": pl.Int32,
            "on_at": pl.Datetime("us"),
            "off_at": pl.Datetime("us"),
        },
    )


def speeds_of(own_kn: float = 12.0, usual_kn: float = 9.5) -> pl.DataFrame:
    return pl.DataFrame(
        {"mmsi": [SHIP], "own_p99_kn": [own_kn], "class_p99_kn": [10.0], "usual_kn": [usual_kn]},
        schema=SPEEDS,
    )


def find(water: Water, *rows: dict[str, Any], own_kn: float = 12.0) -> pl.DataFrame:
    return find_candidates(gaps_of(*rows), speeds_of(own_kn), water, RULES)


def groups_of(found: pl.DataFrame) -> set[str]:
    return set(found["port_group"])


def row_of(found: pl.DataFrame, group: str) -> dict[str, Any]:
    return found.row(by_predicate=pl.col("port_group") == group, named=True)


# ------------------------------------------------------------------------------ speeds


def histogram(rows: list[tuple[int, int, int]]) -> pl.DataFrame:
    """Return bins of (mmsi, bin of 0.1 kn, sightings)."""
    return pl.DataFrame(
        [(mmsi, date(2023, 5, 1), speed, count) for mmsi, speed, count in rows],
        schema={
            "mmsi": pl.Int32,
            "month": pl.Date,
            "speed_bin": pl.Int16,
            "sightings": pl.Int64,
        },
        orient="row",
    )


def ships_of(fleets: dict[int, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"mmsi": [*fleets], "fleet": [*fleets.values()]},
        schema={"mmsi": pl.Int32, "fleet": pl.String},
    )


def test_the_99th_percentile_is_the_least_speed_that_99_percent_do_not_exceed() -> None:
    bins = histogram([(SHIP, 90, 98), (SHIP, 110, 1), (SHIP, 130, 1), (OTHER, 150, 900)])
    fleets = ships_of({SHIP: "merchant", OTHER: "merchant"})
    own = row_by_ship(sum_up_speeds(bins, fleets, RULES), SHIP)
    assert own["own_p99_kn"] == 11.0
    assert own["class_p99_kn"] == 15.0


def row_by_ship(speeds: pl.DataFrame, mmsi: int) -> dict[str, Any]:
    return speeds.row(by_predicate=pl.col("mmsi") == mmsi, named=True)


def test_ships_at_rest_and_impossible_speeds_do_not_count() -> None:
    bins = histogram([(SHIP, 0, 9_000), (SHIP, 10, 9_000), (SHIP, 100, 200), (SHIP, 900, 50)])
    own = row_by_ship(sum_up_speeds(bins, ships_of({SHIP: "merchant"}), RULES), SHIP)
    assert own["own_p99_kn"] == own["class_p99_kn"] == own["usual_kn"] == 10.0


def test_a_fleet_seldom_seen_has_the_speed_of_all_ships() -> None:
    bins = histogram([(SHIP, 200, 5), (OTHER, 100, 2_000)])
    found = sum_up_speeds(bins, ships_of({SHIP: "ferry", OTHER: "merchant"}), RULES)
    assert row_by_ship(found, SHIP)["class_p99_kn"] == 10.0
    assert row_by_ship(found, SHIP)["own_p99_kn"] == 20.0


def test_the_usual_speed_is_shrunk_to_the_fleets() -> None:
    few, many = (histogram([(SHIP, 60, count), (OTHER, 100, 100_000)]) for count in (50, 5_000))
    fleets = ships_of({SHIP: "merchant", OTHER: "merchant"})
    # Fifty sightings weigh as much as what the fleet says.
    assert row_by_ship(sum_up_speeds(few, fleets, RULES), SHIP)["usual_kn"] == 8.0
    assert row_by_ship(sum_up_speeds(many, fleets, RULES), SHIP)["usual_kn"] == 6.0


def test_a_ship_never_seen_under_way_has_its_fleets_speeds() -> None:
    bins = histogram([(OTHER, 100, 300), (SHIP, 2, 40)])
    found = sum_up_speeds(bins, ships_of({SHIP: "merchant", OTHER: "merchant"}), RULES)
    own = row_by_ship(found, SHIP)
    assert own["own_p99_kn"] is None
    assert own["class_p99_kn"] == own["usual_kn"] == 10.0


def test_without_any_sighting_the_bounds_of_the_rules_stand_in() -> None:
    own = row_by_ship(sum_up_speeds(histogram([]), ships_of({SHIP: "merchant"}), RULES), SHIP)
    assert own["class_p99_kn"] == RULES.tracks.v_max_kn
    assert own["usual_kn"] == RULES.reception.usual_kn


def test_speeds_do_not_hang_on_the_order_of_rows_or_on_months() -> None:
    bins = histogram([(SHIP, 90, 70), (SHIP, 95, 40), (OTHER, 120, 33), (OTHER, 80, 500)])
    fleets = ships_of({SHIP: "merchant", OTHER: "merchant"})
    one_by_one = bins.select(pl.all().repeat_by("sightings")).explode(pl.all())
    split = one_by_one.with_columns(pl.lit(1, pl.Int64).alias("sightings"))
    expected = sum_up_speeds(bins, fleets, RULES)
    assert sum_up_speeds(bins.reverse(), fleets.reverse(), RULES).equals(expected)
    assert sum_up_speeds(split, fleets, RULES).equals(expected)


def test_the_bounding_speed_is_that_of_the_method() -> None:
    asked = gaps_of(gap(MID_SEA, datetime(2023, 5, 1), 10), gap(MID_SEA, datetime(2023, 5, 1), 10))
    asked = asked.with_columns(pl.Series("mmsi", [SHIP, NEW], pl.Int32))
    bounding, usual = bound_speeds(asked, speeds_of(own_kn=12.0), RULES)
    assert bounding == pytest.approx([1.1 * 12 + 1, 1.1 * 10 + 1])
    assert usual == pytest.approx([9.5, 9.5])
    slow, _ = bound_speeds(asked, speeds_of(own_kn=2.0), RULES)
    assert slow[0] == pytest.approx(1.1 * 10 + 1)  # its class's
    nobody, _ = bound_speeds(asked, speeds_of().clear(), RULES)
    assert nobody == pytest.approx([1.1 * 30 + 1] * 2)


# ------------------------------------------------------------------------------ the public case


def test_port_olya_3_could_have_been_at_olya_on_4_september_2024(water: Water) -> None:
    """Off near Amirabad on 29 August, imaged at Olya on 4 September (METHOD 5).

    Assumed: hour and place of the off point, hour and place of the on point (back near Amirabad
    on 10 September), and the ship's speeds.
    """
    off_at = datetime(2024, 8, 29, 18)
    found = find(water, gap(OFF_AMIRABAD, off_at, 12 * 24), own_kn=9.5)
    olya = row_of(found, "olya")
    assert olya["country"] == "RUS"
    assert olya["window_from"] <= datetime(2024, 9, 4)
    assert olya["window_to"] >= datetime(2024, 9, 5)
    # About 602 nm at 9.5 kn is 63 h: some more on the canal.
    assert olya["usual_to_h"] == pytest.approx(63, abs=8)
    assert olya["to_h"] < olya["usual_to_h"]


def test_the_reverse_off_in_the_open_sea_amirabad_is_a_candidate(water: Water) -> None:
    """As assumed: off in the open sea on the way south, on there again four days later."""
    found = find(water, gap(OPEN_SEA, datetime(2024, 8, 29, 18), 96), own_kn=9.5)
    amirabad = row_of(found, "amirabad")
    assert amirabad["country"] == "IRN"
    assert amirabad["slack_h"] > 40
    assert "olya" not in groups_of(find(water, gap(OPEN_SEA, datetime(2024, 8, 29), 60)))


# ------------------------------------------------------------------------------ the figures


def test_slack_and_window_follow_from_the_least_hours(water: Water) -> None:
    off_at = datetime(2023, 5, 10, 7, 0, 13)
    found = find(water, gap(MID_SEA, off_at, 60.5, MAKHACHKALA))
    assert found.height > 5
    for row in found.iter_rows(named=True):
        assert row["slack_h"] == pytest.approx(60.5 - row["to_h"] - row["from_h"], abs=3e-4)
        assert row["slack_h"] >= 4
        begin, end = off_at + row["to_h"] * HOUR, off_at + (60.5 - row["from_h"]) * HOUR
        assert abs((row["window_from"] - begin).total_seconds()) < 1.5
        assert abs((row["window_to"] - end).total_seconds()) < 1.5
        assert row["window_from"].microsecond == row["window_to"].microsecond == 0
        assert (row["window_to"] - row["window_from"]) / HOUR >= row["slack_h"] - 1e-4
        assert row["usual_to_h"] + row["usual_from_h"] >= row["to_h"] + row["from_h"]
    assert dict(found.schema) == CANDIDATES


def test_a_port_with_less_than_the_minimum_visit_left_is_no_candidate(water: Water) -> None:
    baku = row_of(find(water, gap(MID_SEA, datetime(2023, 5, 10), 60)), "baku")
    there_and_back_h = baku["to_h"] + baku["from_h"]
    for more_h, is_found in ((3.99, False), (4.01, True)):
        found = find(water, gap(MID_SEA, datetime(2023, 5, 10), there_and_back_h + more_h))
        assert ("baku" in groups_of(found)) is is_found


def test_the_way_round_is_that_through_the_port_less_the_direct_one(water: Water) -> None:
    found = find(water, gap(OFF_AMIRABAD, datetime(2023, 5, 10), 200, MAKHACHKALA))
    direct_nm = row_of(found, "olya")["usual_direct_h"] * 9.5
    assert direct_nm == pytest.approx(459, rel=0.04)  # METHOD 5: Amirabad-Makhachkala
    assert found["usual_direct_h"].n_unique() == 1
    assert row_of(found, "amirabad")["detour_km"] < 60
    assert row_of(found, "makhachkala")["detour_km"] < 10
    assert row_of(found, "olya")["detour_km"] > 2 * 150  # up the canal, and back again


def test_ports_of_every_country_are_candidates_and_none_is_no_row(water: Water) -> None:
    found = find(water, gap(OPEN_SEA, datetime(2023, 5, 10), 1_000))
    assert groups_of(found) == set(water.areas.port_groups()["port_group"])
    assert set(found["country"]) == {"RUS", "IRN", "AZE", "KAZ", "TKM"}


def test_amirabad_and_neka_are_one_group(water: Water) -> None:
    for place in (AMIRABAD, NEKA):
        found = find(water, gap(place, datetime(2023, 5, 10), 30))
        assert row_of(found, "amirabad")["slack_h"] == 30
        assert "neka" not in groups_of(found)


def test_an_end_in_port_leaves_the_whole_gap_for_that_port(water: Water) -> None:
    off_at = datetime(2023, 5, 10)
    stayed = row_of(find(water, gap(AMIRABAD, off_at, 5)), "amirabad")
    assert (stayed["to_h"], stayed["from_h"], stayed["slack_h"]) == (0, 0, 5)
    assert (stayed["window_from"], stayed["window_to"]) == (off_at, off_at + 5 * HOUR)
    left = row_of(find(water, gap(AMIRABAD, off_at, 40, OPEN_SEA)), "amirabad")
    assert left["window_from"] == off_at
    assert left["window_to"] < off_at + 40 * HOUR


def test_every_port_is_within_reach_of_itself(water: Water) -> None:
    """Four kilometres off a port's own polygon is in the port, on rivers and canals too."""
    ports = [each for each in water.areas.folder.features if each.kind == "port"]
    rows = [
        gap((point.x, point.y), datetime(2023, 5, 10), 4)
        for point in (each.polygon.representative_point() for each in ports)
    ]
    found = find(water, *rows).filter(pl.col("slack_h") == 4)
    groups = dict(zip(gaps_of(*rows)["gap_id"], (each.port_group for each in ports), strict=True))
    assert {(row[0], row[1]) for row in found.select("gap_id", "port_group").iter_rows()} >= set(
        groups.items()
    )


def test_open_gaps_have_no_candidates(water: Water) -> None:
    still_open = gap(AMIRABAD, datetime(2023, 5, 10), 100) | {"on_at": None, "on_lon": None}
    closed = gap(AMIRABAD, datetime(2023, 5, 10), 5)
    assert set(find(water, still_open, closed)["gap_id"]) == {"gap-1"}
    nothing = find_candidates(gaps_of(closed).clear(), speeds_of(), water, RULES)
    assert nothing.is_empty()
    assert dict(nothing.schema) == CANDIDATES


def test_gaps_do_not_hang_on_each_other(water: Water) -> None:
    rows = [
        gap(MID_SEA, datetime(2021, 12, 1), 90),
        gap(OPEN_SEA, datetime(2022, 7, 1), 30, MAKHACHKALA),
        gap(VOLGOGRAD, datetime(2021, 12, 20), 200),
    ]
    together = find(water, *rows)
    for number, row in enumerate(rows):
        name = f"gap-{number}"
        alone = find(water, row).with_columns(gap_id=pl.lit(name))
        assert alone.equals(together.filter(gap_id=name))
    turned = find_candidates(gaps_of(*rows).reverse(), speeds_of(), water, RULES)
    assert turned.equals(together)


# ------------------------------------------------------------------------------ seasons, closures


def test_a_closed_season_removes_the_canal(water: Water) -> None:
    """Volgograd's side; the canal closed after 3 December 2021 (METHOD 3)."""
    summer = find(water, gap(VOLGOGRAD, datetime(2021, 8, 10), 160))
    winter = find(water, gap(VOLGOGRAD, datetime(2021, 12, 10), 160))
    assert groups_of(summer) >= {"rostov", "kalach", "astrakhan"}
    assert groups_of(winter) == groups_of(summer) - DON_PORTS
    assert not winter["season_unknown"].any()


def test_a_closure_excludes_only_if_it_covers_all_the_time_of_a_passage(water: Water) -> None:
    before = groups_of(find(water, gap(VOLGOGRAD, datetime(2021, 12, 2, 12), 160)))
    # In time to Rostov, but not back again through the canal before it closed; Kalach is nearer.
    assert "rostov" not in before
    assert "kalach" in before
    there = gap(VOLGOGRAD, datetime(2021, 12, 2), 160, (39.69, 47.2))
    assert groups_of(find(water, there)) >= DON_PORTS
    # On the 3rd the canal was open, but not for a ship that is still a day away.
    late = gap(MAKHACHKALA, datetime(2021, 12, 3, 12), 300, (39.69, 47.2))
    assert "makhachkala" in groups_of(find(water, there | {"off_at": datetime(2021, 11, 28)}))
    found = find(water, late)
    assert not groups_of(found) & DON_PORTS


def test_a_season_that_opens_in_time_lets_the_ship_pass(water: Water) -> None:
    """Opened on 1 April 2021: a gap over the winter that ends late enough."""
    off_at = datetime(2021, 1, 10)
    for on_at, is_found in ((datetime(2021, 3, 31), False), (datetime(2021, 4, 12), True)):
        hours = (on_at - off_at) / HOUR
        assert ("rostov" in groups_of(find(water, gap(VOLGOGRAD, off_at, hours)))) is is_found


def test_a_grounding_shuts_the_sea_canal(water: Water) -> None:
    """The Volga-Caspian canal, 9 to 13 May 2021 (METHOD 3), at its gate below Olya."""
    whole = groups_of(find(water, gap(VOLGA_MOUTH, datetime(2021, 5, 9, 6), 96)))
    longer = groups_of(find(water, gap(VOLGA_MOUTH, datetime(2021, 5, 6), 200)))
    assert "makhachkala" in whole
    assert not whole & {"astrakhan", "olya"}
    assert longer >= {"astrakhan", "olya"}


def test_a_year_that_is_not_listed_excludes_nothing_and_says_so(water: Water) -> None:
    found = find(water, gap(VOLGOGRAD, datetime(2023, 1, 10), 160))
    is_unknown = dict(found.select("port_group", "season_unknown").iter_rows())
    assert is_unknown["rostov"]
    assert is_unknown["kalach"]
    assert not is_unknown["astrakhan"]
    assert not is_unknown["volgograd"]
    listed = find(water, gap(VOLGOGRAD, datetime(2021, 8, 10), 160))
    assert not listed["season_unknown"].any()
    # Of 2020 the opening is listed, the closing is not.
    for month, expected in ((5, False), (11, True)):
        row = row_of(find(water, gap(VOLGOGRAD, datetime(2020, month, 10), 160)), "rostov")
        assert row["season_unknown"] is expected


@given(st.datetimes(datetime(2017, 1, 1), datetime(2023, 1, 1)))
def test_merged_spans_say_what_is_closed_says(at: datetime) -> None:
    water = WATERS[0]
    instant = np.array([at], "datetime64[us]")
    for gate in find_gates(water, range(2017, 2024)):
        assert gate.closed.cover(instant, instant)[0] == water.is_closed(gate.waterway, at)
        assert gate.closed.touch(instant, instant)[0] == water.is_closed(gate.waterway, at)


def test_spans_that_meet_are_one() -> None:
    spans = merge_spans(
        [(date(2021, 1, 1), date(2021, 4, 1)), (date(2020, 12, 5), date(2021, 1, 1))]
    )
    begin, end = np.array(["2020-12-05", "2021-03-31"], "datetime64[us]")
    assert len(spans.begin) == 1
    assert spans.cover(np.array([begin]), np.array([end])).all()
    assert not spans.cover(np.array([begin]), np.array([end + np.timedelta64(1, "D")])).any()
    assert spans.touch(np.array([end]), np.array([end + np.timedelta64(9, "D")])).all()
    assert not merge_spans([]).touch(np.array([begin]), np.array([end])).any()


# ------------------------------------------------------------------------------ odd places


@pytest.mark.parametrize("place", [TEHRAN, (59.0, 42.0), (0.0, 0.0), (-179.9, -89.0)])
def test_points_that_lie_nowhere_are_bounded_by_the_straight_line(
    water: Water, place: tuple[float, float]
) -> None:
    found = find(water, gap(place, datetime(2023, 5, 10), 200))
    straight_km = water.areas.straight_km_to_groups(*(np.array([each]) for each in place))[0]
    least_h = (straight_km - 4) / ((1.1 * 12 + 1) * KM_PER_NM)
    bounds = dict(zip(water.areas.port_groups()["port_group"], least_h, strict=True))
    for row in found.iter_rows(named=True):
        assert row["to_h"] >= bounds[row["port_group"]] - 1e-3
    assert (found.height > 0) == (min(bounds.values()) <= 98)


def test_a_way_to_outside_leads_through_the_exit_and_on(water: Water) -> None:
    """Off at Rostov, heard again in the Black Sea: from the Azov exit on it is still on its way."""
    rostov = (39.69, 47.2)
    away = gap(rostov, datetime(2023, 8, 1), 60, BLACK_SEA, on_is_outside=True)
    outside = row_of(find(water, away), "rostov")
    exits = [each for each in water.areas.folder.features if each.id == "exit_azov"]
    at_exit = exits[0].polygon.centroid
    at_line = row_of(find(water, away | {"on_lon": at_exit.x, "on_lat": at_exit.y}), "rostov")
    beyond_h = 150 / ((1.1 * 12 + 1) * KM_PER_NM)  # the Sea of Azov alone
    assert outside["from_h"] > at_line["from_h"] + beyond_h
    assert outside["usual_from_h"] > at_line["usual_from_h"] + beyond_h
    assert outside["usual_direct_h"] > at_line["usual_direct_h"] + beyond_h
    # Not near an exit, a position outside is a wrong one: of the way from there nothing is known
    # but the straight line.
    wrong = row_of(find(water, away | {"on_lon": 42.0, "on_lat": 49.9}), "rostov")
    straight_km = float(geodesic_km(*rostov, 42.0, 49.9))
    assert wrong["from_h"] <= straight_km / ((1.1 * 12 + 1) * KM_PER_NM)


def test_without_a_network_ways_are_straight() -> None:
    water = load_water(DENMARK)
    groups = water.areas.port_groups()["port_group"]
    assert len(groups)
    found = find(water, gap((11.0, 56.0), datetime(2023, 5, 10), 200, (12.0, 57.0)))
    assert found.height
    straight_km = water.areas.straight_km_to_groups(np.array([11.0]), np.array([56.0]))[0]
    least = dict(zip(groups, np.maximum(straight_km - 4, 0), strict=True))
    for row in found.iter_rows(named=True):
        expected_h = least[row["port_group"]] / ((1.1 * 12 + 1) * KM_PER_NM)
        assert row["to_h"] == pytest.approx(expected_h, abs=0.08)  # cells of 1/128 degree


# ------------------------------------------------------------------------------ properties

WATERS = [load_water(GEO)]
# The whole region and some way beyond it: land, lakes, and places no node is near.
LONGITUDES, LATITUDES = st.floats(36, 56), st.floats(35, 51)
PLACES = st.tuples(LONGITUDES, LATITUDES)
# Over every listed season and closure.
TIMES = st.datetimes(datetime(2019, 6, 1), datetime(2022, 6, 1))
LENGTHS_H = st.floats(4, 600)


def slack_by_group(found: pl.DataFrame, gap_id: str) -> dict[str, float]:
    return dict(found.filter(gap_id=gap_id).select("port_group", "slack_h").iter_rows())


def window_by_group(found: pl.DataFrame, gap_id: str) -> dict[str, tuple[datetime, datetime]]:
    rows = found.filter(gap_id=gap_id).select("port_group", "window_from", "window_to")
    return {group: (begin, end) for group, begin, end in rows.iter_rows()}


def assert_wider(found: pl.DataFrame, less: str, more: str) -> None:
    """Hold that gap `more` has every candidate of `less`, with no less slack and window."""
    fewer, all_of_them = slack_by_group(found, less), slack_by_group(found, more)
    assert fewer.keys() <= all_of_them.keys()
    assert all(all_of_them[group] >= fewer[group] - 2e-4 for group in fewer)
    narrow, wide = window_by_group(found, less), window_by_group(found, more)
    for group, (begin, end) in narrow.items():
        assert wide[group][0] <= begin
        assert wide[group][1] >= end


@settings(deadline=None, max_examples=60)
@given(PLACES, PLACES, TIMES, LENGTHS_H, st.floats(0, 400), st.floats(0, 400), st.booleans())
def test_a_longer_gap_never_loses_a_candidate(
    off: tuple[float, float],
    on: tuple[float, float],
    off_at: datetime,
    hours: float,
    sooner_h: float,
    later_h: float,
    is_outside: bool,
) -> None:
    longer = (off_at - sooner_h * HOUR, hours + sooner_h + later_h)
    rows = [gap(off, *when, on, on_is_outside=is_outside) for when in ((off_at, hours), longer)]
    assert_wider(find(WATERS[0], *rows), "gap-0", "gap-1")


@settings(deadline=None, max_examples=60)
@given(PLACES, PLACES, TIMES, LENGTHS_H, st.floats(1, 30), st.floats(0, 20), st.booleans())
def test_a_faster_ship_never_loses_a_candidate(
    off: tuple[float, float],
    on: tuple[float, float],
    off_at: datetime,
    hours: float,
    own_kn: float,
    more_kn: float,
    is_outside: bool,
) -> None:
    row = gap(off, off_at, hours, on, on_is_outside=is_outside)
    asked = gaps_of(row, row | {"mmsi": OTHER})
    speeds = pl.DataFrame(
        {
            "mmsi": [SHIP, OTHER],
            "own_p99_kn": [own_kn, own_kn + more_kn],
            "class_p99_kn": [1.0, 1.0],
            "usual_kn": [9.5, 9.5],
        },
        schema=SPEEDS,
    )
    assert_wider(find_candidates(asked, speeds, WATERS[0], RULES), "gap-0", "gap-1")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9_000), st.integers(0, 9_000), st.integers(0, 25), st.floats(4, 40))
def test_a_ship_that_sailed_there_and_stayed_is_never_excluded(
    one: int, other: int, column: int, stay_h: float
) -> None:
    """It goes the usual ways at its own fastest speed; canals are open (summer 2021)."""
    water = WATERS[0]
    group = water.areas.port_groups()["port_group"][column]
    own_kn = 12.0
    lon, lat = water.lon_lat([one, other])
    start, end = zip(lon.tolist(), lat.tolist(), strict=True)
    to_h, from_h = water.hours_to([group], np.array([one, other]), own_kn)[:, 0]
    off_at = datetime(2021, 7, 1)
    found = find(water, gap(start, off_at, to_h + stay_h + from_h + 0.001, end))
    row = row_of(found, group)
    assert row["window_from"] <= off_at + to_h * HOUR
    assert row["window_to"] >= off_at + (to_h + stay_h) * HOUR


# ------------------------------------------------------------------------------ time


def test_ten_thousand_gaps_take_less_than_5_s() -> None:
    """Seconds of the processor, with the building of all fields; ships share their places."""
    rng = np.random.default_rng(1)
    water = load_water(GEO)
    assert water.network is not None
    off, on = rng.choice(len(water.network.lon), (2, 500))[:, rng.integers(0, 500, 10_000)]
    near = rng.random(10_000) < 0.7  # most end where they began
    on = np.where(near, off, on)
    begin = np.datetime64("2021-03-01") + rng.integers(0, 400, 10_000).astype("timedelta64[D]")
    hours = np.rint(4 + rng.exponential(20, 10_000)).astype("timedelta64[h]")
    asked = pl.DataFrame(
        {
            "gap_id": [f"gap-{number}" for number in range(10_000)],
            "mmsi": np.full(10_000, SHIP, np.int32),
            "off_at": begin.astype("datetime64[us]"),
            "on_at": (begin + hours).astype("datetime64[us]"),
            "off_lon": water.network.lon[off],
            "off_lat": water.network.lat[off],
            "on_lon": water.network.lon[on],
            "on_lat": water.network.lat[on],
        }
    )
    started = time.process_time()
    found = find_candidates(asked, speeds_of(), water, RULES)
    assert time.process_time() - started < 5
    assert found["gap_id"].n_unique() > 5_000
