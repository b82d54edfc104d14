"""Ratings under other choices, on gaps and calls of which the answer is plain."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from pipeline.rollup import run_checks
from tests.test_indicator import (
    HEADLINE,
    IN_SCOPE,
    YEAR,
    exactly,
    hidden,
    rolled_calls,
    spread_over,
    year_seen,
)
from tests.test_rollup import SQL, connect, parameters, read, roll_up

Row = dict[str, Any]
# A quarter of a degree north of where the gaps begin: 15 nm.
ASTRAKHAN = {"port_group": "astrakhan", "country": "RUS", "lon": 0.0, "lat": 0.25}


def candidate(gap_id: str, **more: Any) -> Row:
    usual = {"port_group": "astrakhan", "slack_h": 10.0, "p_prior": 0.3, "p_call_flat": 0.0}
    return {"gap_id": gap_id, **usual, **more}


def tried(pairs: list[Any], **more: Any) -> duckdb.DuckDBPyConnection:
    """A database in which each gap has a candidate and the port group its place."""
    candidates = [
        candidate(row["gap_id"], port_group=call.get("port_group", "astrakhan"))
        for row, call in pairs
    ]
    given = {"candidates": candidates, "groups": [ASTRAKHAN], "rules": exactly(), **more}
    return rolled_calls(pairs, **given)


def told(connection: duckdb.DuckDBPyConnection, *columns: str) -> dict[tuple[str, str], Any]:
    rows = read(connection, "sensitivity").filter(scope=HEADLINE).to_dicts()
    return {
        (row["choice"], row["value"]): tuple(row[name] for name in columns)
        if len(columns) > 1
        else row[columns[0]]
        for row in rows
    }


def lasting(pair: tuple[Row, Row], hours: float) -> tuple[Row, Row]:
    row, call = pair
    return {**row, "on_at": row["off_at"] + timedelta(hours=hours)}, call


@pytest.fixture(scope="module")
def twelve() -> duckdb.DuckDBPyConnection:
    """A sure call a month: gaps of 48 h, 15 nm from the port, with room for a stay of 10 h."""
    return tried(spread_over(YEAR, 1, 1.0))


def test_a_sure_call_a_month_under_every_choice(twelve):
    medium, low = ("Medium", 12.0, False), ("Low", 0.0, True)
    assert told(twelve, "rating", "expected_12m", "is_changed") == {
        ("headline", "as published"): medium,
        ("shortest gap", "12 h"): medium,
        ("shortest gap", "24 h"): medium,
        ("shortest gap", "30 h"): medium,
        ("farthest port", "10 nm"): low,
        ("farthest port", "30 nm"): medium,
        ("farthest port", "50 nm"): medium,
        ("shortest visit", "2 h"): (None, None, None),
        ("shortest visit", "8 h"): medium,
        ("shortest visit", "12 h"): low,
        ("where ships call", "every port in reach equally likely"): low,
        ("silence", "every gap a switch-off"): medium,
        ("counted", "rows of grade A and B"): low,
        ("counted", "rows of grade A, B and C"): low,
    }
    # Only one of a gap's candidates is given here.
    failures = {failure.name for failure in run_checks(twelve, SQL)}
    assert failures <= {"candidates_of_a_gap_add_up"}


def test_the_headline_is_the_indicators_where_a_gap_reaches_into_the_year():
    """One outcome is drawn of a gap, whichever of its calls lie in the year."""
    before = date(2022, 6, 1)
    pairs = []
    for number in range(40):
        row, call = hidden(number, YEAR[0], 0.3, p_off=0.9)
        elsewhere = {"month": before, "port_group": "aktau", "p_call": 0.4}
        pairs += [(row, call), (row, {**call, **elsewhere})]
    found = tried(pairs, months=year_seen([before, *YEAR]))
    columns = ("expected_12m", "expected_12m_low", "expected_12m_high", "p_medium", "p_high")
    rated = read(found, "indicator").filter(scope=HEADLINE, month=YEAR[-1]).to_dicts()[0]
    assert rated["expected_12m"] == 12.0
    assert told(found, *columns)["headline", "as published"] == tuple(map(rated.get, columns))


def test_what_only_another_night_can_tell_says_so(twelve):
    why = told(twelve, "why")
    assert why["shortest visit", "2 h"].startswith("candidates left room for 4 h: another night")


def test_the_same_rows_whatever_their_order(twelve):
    pairs = spread_over(YEAR, 1, 1.0)
    again = tried(pairs[::-1], shuffled_by=3)
    assert read(again, "sensitivity").equals(read(twelve, "sensitivity"))


def test_gaps_that_are_too_short_count_no_longer():
    pairs = spread_over(YEAR, 1, 1.0)
    pairs = [lasting(pair, 20 if number < 9 else 25) for number, pair in enumerate(pairs)]
    found = told(tried(pairs), "expected_12m", "rating")
    assert [found["shortest gap", f"{hours} h"] for hours in (12, 24, 30)] == [
        (12.0, "Medium"),
        (3.0, "Low"),
        (0.0, "Low"),
    ]


def test_a_visit_counts_by_its_likeliest_gap_that_is_left():
    long, long_call = hidden(1, YEAR[0], 0.6, is_counted=False, visit_gap_id="g-0002")
    short, short_call = lasting(hidden(2, YEAR[0], 0.9), 20)
    pairs = [(long, long_call), (short, short_call)]
    found = told(tried(pairs, months=year_seen()), "expected_12m")
    assert found["headline", "as published"] == pytest.approx(0.9)
    assert found["shortest gap", "12 h"] == pytest.approx(0.9)
    assert found["shortest gap", "24 h"] == pytest.approx(0.6)


def test_a_proved_gap_of_a_visit_counts_before_a_likelier_one():
    proved, proved_call = hidden(1, YEAR[0], 0.5)
    other, other_call = hidden(2, YEAR[0], 0.9, is_counted=False, visit_gap_id="g-0001")
    pairs = [(proved, proved_call), (other, other_call)]
    calls = [{"grade": "A", "month": YEAR[0], "gap_ids": "g-0001", **IN_SCOPE}]
    found = told(tried(pairs, months=year_seen(), calls=calls), "expected_12m")
    assert found["headline", "as published"] == found["shortest gap", "30 h"] == 1
    assert found["silence", "every gap a switch-off"] == 1
    assert found["counted", "rows of grade A and B"] == 1


def test_if_every_silence_were_a_switch_off_unheard_gaps_would_count_too():
    blind = {"cause": "unobservable", "is_unobservable": True}
    seen = spread_over(YEAR, 1, 0.1, p_off=0.2)
    unseen = [hidden(100 + number, month, None, **blind) for number, month in enumerate(YEAR)]
    found = told(tried([*seen, *unseen]), "expected_12m")
    assert found["headline", "as published"] == pytest.approx(12 * 0.1)
    # P(call | off) is a half, and habits send three in ten of the others there.
    assert found["silence", "every gap a switch-off"] == pytest.approx(12 * (0.5 + 0.3))


def test_flat_habits_stand_for_what_was_learned():
    pairs = spread_over(YEAR, 1, 0.9)
    candidates = [candidate(row["gap_id"], p_call_flat=0.25) for row, _ in pairs]
    found = told(tried(pairs, candidates=candidates), "expected_12m", "rating")
    assert found["where ships call", "every port in reach equally likely"] == (3.0, "Low")


def test_rows_are_counted_by_grade_and_scope():
    grades = [*"A" * 2, *"B" * 4, *"C" * 15, *"D" * 9, *"X" * 9]
    calls = [{"grade": grade, "month": YEAR[3], **IN_SCOPE} for grade in grades]
    calls += [{"grade": "B", "month": YEAR[3], "in_ru_ir_crossing": False}]
    calls += [{"grade": "B", "month": datetime(2022, 6, 1).date(), **IN_SCOPE}]
    found = told(tried([], calls=calls), "expected_12m", "rating")
    assert found["counted", "rows of grade A and B"] == (6.0, "Medium")
    assert found["counted", "rows of grade A, B and C"] == (21.0, "High")


def test_nothing_is_rated_of_fewer_than_twelve_months():
    pairs = spread_over(YEAR[1:], 2, 1.0)
    found = told(tried(pairs, months=year_seen(YEAR[1:])), "rating", "is_changed")
    assert found.pop(("shortest visit", "2 h")) == (None, None)
    assert set(found.values()) == {("not assessable", False)}


def test_without_a_complete_month_there_is_no_row():
    connection = connect([], year_seen(YEAR[-1:]), data_end=datetime(2023, 6, 20))
    roll_up(connection, SQL, parameters(datetime(2023, 6, 20)))
    assert read(connection, "sensitivity").is_empty()
    assert run_checks(connection, SQL) == []


def test_tried_values_are_rules():
    rules = exactly(tried_gap_h=(40, 50), tried_near_nm=(), tried_visit_h=(4,))
    found = told(tried(spread_over(YEAR, 1, 1.0), rules=rules), "expected_12m")
    assert {key: value for key, value in found.items() if key[0].startswith("shortest")} == {
        ("shortest gap", "40 h"): 12.0,
        ("shortest gap", "50 h"): 0.0,
        ("shortest visit", "4 h"): 12.0,
    }
    assert "farthest port" not in {choice for choice, _ in found}
