"""What analysts ask: macros and examples answer as a reader of the hand-made rows would."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl
import pytest

from pipeline import schema
from pipeline.rollup import MACROS, make_macros, roll_up, run_checks
from tests import builders
from tests.test_sql import SQL, A, B, C, D, ask, inputs, parameters

MAY, JUNE, JULY = date(2023, 5, 1), date(2023, 6, 1), date(2023, 7, 1)
VOLGA_1 = f"mmsi:{A}"


@pytest.fixture(scope="module")
def analysts():
    """The tables of test_sql with macros; every check of sql/checks holds on them."""
    with builders.connect(inputs()) as connection:
        roll_up(connection, SQL, parameters())
        make_macros(connection, SQL)
        assert run_checks(connection, SQL) == []
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str, *columns: str) -> list[tuple]:
    return connection.sql(query).pl().select(columns).rows()


# ------------------------------------------------------------------------------------- macros


def test_every_macro_says_what_a_row_is(analysts):
    told = dict(
        analysts.sql(
            "select function_name, comment from duckdb_functions()"
            " where function_type = 'table_macro' and not internal"
        ).fetchall()
    )
    assert set(told) == set(MACROS)
    assert [name for name, words in told.items() if not words.startswith("One row per ")] == []


def test_gaps_near_a_port_count_either_end_and_name_it(analysts):
    found = rows(
        analysts, "from gaps_near('Astrakhan', 26)", "gap_id", "silent_h", "near_at", "is_off_near"
    )
    assert found == [
        ("gap-002", 31.5, "off point", True),
        ("gap-001", 30.0, "off point", True),
        ("gap-008", 26.0, "on point", False),
    ]
    assert len(rows(analysts, "from gaps_near('astrakhan')", "gap_id")) == 4
    assert rows(analysts, "from gaps_near('astrakhan', longer_than_h := 32)", "gap_id") == []


def test_gaps_near_leaves_out_ships_that_left_and_keeps_open_gaps(analysts):
    found = rows(analysts, "from gaps_near('none', 24)", "gap_id", "is_closed", "silent_h")
    assert found == [("gap-006", False, 240.0), ("gap-007", True, 40.0), ("gap-004", True, 29.5)]


@pytest.mark.parametrize("month", ["'2023-05'", "'2023-05-17'", "date '2023-05-01'", "null"])
def test_a_month_can_be_said_in_any_way_or_be_the_last_complete_one(analysts, month):
    found = rows(analysts, f"from ships_dark_near('amirabad', {month})", "month", "name")
    assert found == [(MAY, "VOLGA 1")]


def test_ships_dark_near_tell_switch_offs_from_gaps(analysts):
    found = rows(
        analysts,
        "from ships_dark_near('astrakhan', '2023-05')",
        *("name", "expected_off", "probable_off", "gaps", "open_gaps", "longest_h", "causes"),
        *("probable_calls", "possible_calls"),
    )
    assert found == [
        ("VOLGA 1", 1.4, 1, 2, 0, 31.5, "probable_off, unexplained", 0, 3),
        ("=NEKA()", 0.0, 0, 1, 0, 12.0, None, 0, 0),
    ]
    assert rows(analysts, "from ships_dark_near('astrakhan', '2023-06')", "name") == []


@pytest.mark.parametrize("piece", ["'volga'", "9990002", f"'{A}'", f"'mmsi:{A}'"])
def test_a_ship_is_found_by_a_piece_of_its_name_or_number(analysts, piece):
    assert rows(analysts, f"from find_ships({piece})", "mmsi", "name") == [(A, "VOLGA 1")]


def test_the_percent_sign_and_quotes_are_text_to_find_ships(analysts):
    assert rows(analysts, "from find_ships('%')", "mmsi") == []
    assert rows(analysts, "from find_ships('=neka()')", "mmsi") == [(B,)]


@pytest.mark.parametrize("ship", ["9990002", str(A), f"'mmsi:{A}'"])
def test_the_story_of_a_ship_is_in_order_of_time(analysts, ship):
    story = rows(analysts, f"from ship_story({ship})", "from_at", "what", "near_ports", "said")
    first = [(what, near, said) for _, what, near, said in story if what != "dark port call"]
    assert first == [
        ("gap", "astrakhan", "unexplained"),
        ("leg", "astrakhan to amirabad", "lit"),
        ("lit port call", "amirabad", "lit"),
        ("gap", "astrakhan", "probable_off"),
        ("leg", "amirabad to astrakhan", "dark"),
        ("gap", "amirabad to astrakhan", "probable_off"),
        ("leg", "astrakhan to amirabad", "unheard"),
    ]
    assert [at for at, *_ in story] == sorted(at for at, *_ in story)
    assert (datetime(2023, 5, 15, 14), "dark port call", "amirabad", "grade B") in story


def test_what_cannot_be_judged_is_no_dark_call_in_a_story(analysts):
    story = rows(analysts, f"from ship_story({D})", "what", "said")
    assert ("call not assessable", "grade D") in story


def test_monthly_stands_beside_exposure_and_is_null_without_data(analysts):
    found = rows(
        analysts,
        "from monthly('rus', at_least_h := 30)",
        *("month", "flag", "fleet", "ships_seen", "ships_with_gap", "gaps", "expected_off"),
    )
    assert found == [
        (MAY, "RUS", "merchant", 2, 1, 2, 1.4),
        (JUNE, "RUS", "merchant", None, None, None, None),
        (JULY, "RUS", "merchant", 1, 0, 0, 0.0),
    ]
    everybody = rows(analysts, "from monthly('all', 4, of_fleet := 'all')", "flag", "gaps")
    assert everybody == [("all", 6), ("all", None), ("all", 0)]


def test_monthly_has_no_row_for_a_length_that_is_not_counted(analysts):
    assert rows(analysts, "from monthly('RUS', at_least_h := 31)", "month") == []


def test_the_dark_share_of_a_country_is_dark_over_all_calls(analysts):
    found = rows(
        analysts,
        "from dark_share('irn')",
        *("month", "port_group", "expected_calls", "lit_calls", "expected_unheard", "dark_share"),
        "calls_b",
    )
    assert found == [(MAY, group, 1.25, 1, 0.25, 0.5, 1) for group in ("all", "amirabad")]
    assert rows(analysts, "from dark_share('RUS')", "month") == []
    assert rows(analysts, "from dark_share('IRN', of_scope := 'all')", "calls_d") == [(1,), (1,)]


def test_calls_at_a_port_name_their_kind(analysts):
    found = rows(analysts, "from calls_at('amirabad')", "kind", "grade", "ship_id")
    assert found == [
        ("lit", None, VOLGA_1),
        ("dark", "B", VOLGA_1),
        ("not assessable", "D", f"mmsi:{D}"),
    ]


def test_port_groups_are_listed_with_their_country(analysts):
    found = rows(analysts, "from port_groups()", "port_group", "country", "gaps", "lit_calls")
    assert found == [("amirabad", "IRN", 1, 1), ("astrakhan", None, 3, 0)]


def test_positions_are_read_from_a_folder_by_day(analysts, tmp_path):
    for day in (1, 2):
        folder = tmp_path / f"positions/date=2023-05-{day:02}"
        folder.mkdir(parents=True)
        at = {"mmsi": A, "seen_at": datetime(2023, 5, day), "segment": 1}
        builders.frame(schema.Positions, [at]).write_parquet(folder / "positions.parquet")
    macro = f"positions('{tmp_path}')"
    assert analysts.sql(f"from {macro}").columns == [*schema.Positions.columns(), "date"]
    found = rows(analysts, f"from {macro} where date = '2023-05-02'", "mmsi", "seen_at")
    assert found == [(A, datetime(2023, 5, 2))]


# ----------------------------------------------------------------------------------- examples


def test_who_went_dark_near_amirabad(analysts):
    found = ask(analysts, "dark_near_amirabad").row(0, named=True)
    assert (found["month"], found["name"], found["expected_off"]) == (MAY, "VOLGA 1", 0.9)
    assert (found["probable_calls"], found["possible_calls"]) == (1, 0)


def test_who_goes_dark_where_others_are_heard(analysts):
    found = ask(analysts, "dark_where_others_heard").row(0, named=True)
    assert (found["name"], found["expected_off"], found["gaps"]) == ("VOLGA 1", 2.3, 3)
    # 41 live hours in 87.5 silent ones.
    assert (found["off_percent"], found["live_percent"]) == (76.7, 46.9)


def test_repeated_legs_are_by_direction_and_need_two(analysts):
    legs = ask(analysts, "amirabad_astrakhan_legs")
    assert legs.select("ship_id", "from_group", "legs", "unheard_legs", "lit_legs").rows() == [
        (VOLGA_1, "astrakhan", 2, 1, 1)
    ]


def test_draught_changes_stand_beside_the_call(analysts):
    found = ask(analysts, "draught_changes").select(
        "gap_id", "draught_before_m", "draught_after_m", "draught_change_m", "call_port_group"
    )
    assert found.rows() == [
        ("gap-008", 2.3, 4.0, 1.7, "amirabad"),
        ("gap-001", 3.0, 2.2, -0.8, "astrakhan"),
    ]


def test_the_dark_share_by_port_and_month(analysts):
    found = ask(analysts, "dark_share_by_port")
    assert found.select("month", "port_group", "dark_share").rows() == [(MAY, "amirabad", 0.5)]


def test_lit_calls_stand_against_dark_ones(analysts):
    found = ask(analysts, "lit_against_dark").select(
        "port_group", "lit_calls", "expected_calls", "not_assessable", "dark_share"
    )
    assert found.rows() == [("amirabad", 1, 1.25, 1, 0.5), ("astrakhan", 0, 0.0, 0, None)]


def test_a_ship_that_showed_the_pattern_before_is_not_new(analysts):
    found = ask(analysts, "new_ships").select("name", "first_shown", "times", "first_seen")
    assert found.rows() == [("VOLGA 1", "dark leg amirabad to astrakhan", 2, MAY)]


def test_gaps_during_outages_are_those_that_hold_one(analysts):
    found = ask(analysts, "gaps_during_outages").row(0, named=True)
    # Gap 1 alone is silent at 05:00 on 1 May; of the caspian's six gaps one is an ended leaving.
    assert (found["month"], found["area"], found["outage_hours"]) == (MAY, "caspian", 1)
    assert (found["gaps"], found["overlapping"], found["explained"]) == (5, 1, 0)


def test_feed_health_counts_the_hours_down_in_the_last_year(analysts):
    found = ask(analysts, "feed_health")
    assert found.select("month", "station", "hours", "outage_hours", "messages").rows() == [
        (MAY, "cape", 2, 1, 9)
    ]


def test_gaps_by_cause_add_up_to_all_gaps(analysts):
    found = ask(analysts, "gaps_by_cause").filter(at_least_h=30)
    assert found.select("cause", "gaps", "expected_off").rows() == [
        ("not judged", 1, None),
        ("probable_off", 1, 0.9),
        ("unexplained", 1, 0.5),
    ]


def test_canal_transits_stand_beside_the_published_year(analysts):
    found = ask(analysts, "canal_transits").select("month", "transits", "volga_to_don", "lit")
    assert found.rows() == [(MAY, 0, 0, 0), (JUNE, None, None, None), (JULY, 1, 1, 1)]
    ship = analysts.sql("select ship_id from canal_transits").pl()
    assert ship.rows() == [(f"mmsi:{C}",)]


def test_an_example_gives_its_rows_in_one_order(analysts):
    for path in sorted((SQL / "examples").glob("*.sql")):
        first = analysts.sql(path.read_text("utf-8")).pl()
        again = analysts.sql(path.read_text("utf-8")).pl()
        assert first.equals(again), path.stem
        assert isinstance(first, pl.DataFrame)


def test_a_ship_on_two_watch_lists_counts_once(analysts):
    found = ask(analysts, "watch_list_ships")
    assert found.select("name", "listed_by", "gaps", "expected_off", "likely_calls").rows() == [
        ("VOLGA 1", "one; two", 3, 2.3, 4)
    ]
