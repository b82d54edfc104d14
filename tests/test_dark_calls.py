"""Visits, grades and sums of calls, from candidates written by hand (METHOD 6, 7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import call_places, dark_calls, schema
from pipeline.areas import load_areas
from pipeline.rules import Rules
from tests import builders, night

AREAS = load_areas(night.GEO)
RULES = Rules()
START = datetime(2023, 5, 1)
SHIP = 273_000_001
AMIRABAD, OFF_AMIRABAD, SEA = (53.367, 36.854), (53.367, 37.0), (51.0, 40.5)
KNOWN = pl.DataFrame(
    schema={
        "ship_id": pl.String,
        "port_group": pl.String,
        "country": pl.String,
        "first_slow_at": pl.Datetime("us"),
        "last_slow_at": pl.Datetime("us"),
    }
)
Row = dict[str, Any]


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def gap(
    begin: float,
    end: float,
    off: tuple[float, float] = SEA,
    on: tuple[float, float] = SEA,
    **more: Any,
) -> Row:
    ends = {"off_lon": off[0], "off_lat": off[1], "on_lon": on[0], "on_lat": on[1]}
    judged = {"p_off": 0.9, "cause": "probable_off"}
    return {"mmsi": SHIP, "off_at": at(begin), "on_at": at(end), **ends, **judged, **more}


def candidate(number: int, group: str, p_call: float | None, **more: Any) -> Row:
    usual = {"country": {"amirabad": "IRN", "anzali": "IRN", "olya": "RUS"}[group]}
    usual |= {"to_h": 10.0, "from_h": 10.0, "slack_h": 20.0, "p_prior": 0.5, "p_call": p_call}
    usual |= {"window_from": at(12), "window_to": at(40), "log_silence_gain": 0.0}
    p_unheard = None if p_call is None else 0.05
    row = {"gap_id": f"gap-{number:03}", "port_group": group, "p_unheard": p_unheard}
    return {**row, **usual, **more}


def place(gaps: list[Row], candidates: list[Row], known: pl.DataFrame = KNOWN) -> pl.DataFrame:
    rows = builders.frame(schema.Gaps, gaps)
    return call_places.place_calls(
        rows, builders.frame(schema.PortCandidates, candidates), known, AREAS, RULES
    )


def listed(placed: pl.DataFrame, statics: list[Row] | None = None) -> list[Row]:
    told = builders.frame(schema.Statics, statics or [])
    found = dark_calls.list_dark_calls(placed, told, RULES, datetime(2023, 8, 1), "0" * 12)
    return found.sort("gap_ids").to_dicts()


def said(hour: float, **more: Any) -> Row:
    return {"mmsi": SHIP, "first_at": at(hour), "last_at": at(hour), **more}


def test_a_gap_has_one_row_at_its_likeliest_group() -> None:
    rows = [candidate(1, "amirabad", 0.41), candidate(1, "olya", 0.45)]
    (call,) = listed(place([gap(0, 50)], rows))
    assert (call["port_group"], call["p_call"], call["grade"]) == ("olya", 0.45, "C")
    assert (call["gap_ids"], call["month"]) == ("gap-001", START.date())
    assert "amirabad with 0.41" in call["reasons"]
    assert "guilty" not in call["reasons"]
    assert listed(place([gap(0, 50)], [candidate(1, "olya", 0.39)])) == []


def test_grade_b_needs_a_change_of_state_besides_p_call() -> None:
    placed = place([gap(0, 50)], [candidate(1, "olya", 0.8)])
    before = [said(-5, draught_m=3.0, destination="NEKA")]

    def grade(*after: Row) -> tuple[str, str | None, float | None]:
        (call,) = listed(placed, [*before, *after])
        return call["grade"], call["families"], call["draught_change_m"]

    assert grade() == ("C", None, None)
    assert grade(said(55, draught_m=3.3)) == ("B", "draught", 0.3)
    assert grade(said(55, draught_m=2.7)) == ("B", "draught", -0.3)
    assert grade(said(55, draught_m=3.2)) == ("C", None, 0.2)
    assert grade(said(55, destination=" neka ")) == ("C", None, None)
    assert grade(said(55, destination="OLYA")) == ("B", "destination", None)
    assert grade(said(50 + 31 * 24, draught_m=5.0)) == ("C", None, None)
    (call,) = listed(
        place([gap(0, 50)], [candidate(1, "olya", 0.79)]), [*before, said(55, draught_m=5.0)]
    )
    assert call["grade"] == "C"


def test_where_nobody_would_be_heard_nothing_is_assessed() -> None:
    rows = [candidate(1, "olya", 0.9, p_prior=0.3), candidate(1, "anzali", 0.05, p_prior=0.6)]
    placed = place([gap(0, 50, cause="unobservable")], rows)
    (call,) = listed(placed, [said(-5, draught_m=3.0), said(55, draught_m=5.0)])
    assert (call["grade"], call["port_group"]) == ("D", "anzali")
    assert "Not assessable" in call["reasons"]
    assert dark_calls.sum_calls(placed, RULES).is_empty()
    unknown = place([gap(0, 50, cause="unobservable", p_off=None)], [candidate(1, "olya", None)])
    assert [row["grade"] for row in listed(unknown)] == ["D"]


def test_re_appearances_near_the_port_are_one_call_with_the_largest_probability() -> None:
    gaps = [gap(0, 30, on=OFF_AMIRABAD), gap(31, 60, off=OFF_AMIRABAD)]
    rows = [candidate(1, "amirabad", 0.6), candidate(2, "amirabad", 0.7)]
    placed = place(gaps, rows)
    (call,) = listed(placed)
    assert (call["gap_ids"], call["p_call"]) == ("gap-001;gap-002", 0.7)
    assert dark_calls.sum_calls(placed, RULES)["expected_calls"].to_list() == [0.7]
    # At sea in between, or heard for more than a day, they are two.
    for other in (
        [gap(0, 30, on=SEA), gap(31, 60, off=OFF_AMIRABAD)],
        [gap(0, 30, on=OFF_AMIRABAD), gap(54.1, 80, off=OFF_AMIRABAD)],
        [gap(0, 30, on=OFF_AMIRABAD), gap(31, 60, off=OFF_AMIRABAD, track=5)],
    ):
        placed = place(other, rows)
        assert len(listed(placed)) == 2
        assert dark_calls.sum_calls(placed, RULES)["expected_calls"].to_list() == [1.3]


@pytest.mark.parametrize("ends", [{"off": AMIRABAD}, {"on": AMIRABAD}])
def test_a_gap_with_an_end_in_the_port_is_glimpsed_there_and_no_dark_call(ends: Row) -> None:
    rows = [candidate(1, "amirabad", 0.6), candidate(1, "olya", 0.3)]
    placed = place([gap(0, 50, **ends)], rows)
    assert listed(placed) == []
    sums = dark_calls.sum_calls(placed, RULES)
    assert sums.select("port_group", "expected_calls", "expected_unheard", "glimpsed").rows() == [
        ("amirabad", 0.0, 0.0, 1),
        ("olya", 0.3, 0.05, 0),
    ]
    unsure = place([gap(0, 50, p_off=0.79, cause="unexplained", **ends)], rows)
    assert dark_calls.sum_calls(unsure, RULES)["glimpsed"].to_list() == [0, 0]


P = st.floats(0, 1).map(lambda p: round(p, 6))


@given(P, P, st.sampled_from(["unobservable", "unexplained", "probable_off"]), st.floats(0.4, 1))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_silence_in_port_is_never_a_dark_call_there_and_never_unassessable_elsewhere(
    p_call: float, p_off: float, cause: str, p_prior: float
) -> None:
    rows = [
        candidate(1, "amirabad", p_call, p_prior=round(0.5 + p_prior / 2, 6)),
        candidate(1, "anzali", round((1 - p_call) * 0.39, 6), p_prior=0.001),
    ]
    silent = gap(0, 50, off=AMIRABAD, on=AMIRABAD, cause=cause, p_off=p_off)
    placed = place([silent], rows)
    assert listed(placed) == []
    sums = dark_calls.sum_calls(placed, RULES)
    assert sums.filter(pl.col("port_group") == "amirabad")["expected_calls"].sum() == 0


def test_an_unobservable_gap_that_ends_elsewhere_stays_unassessable() -> None:
    rows = [candidate(1, "amirabad", 0.1, p_prior=0.9), candidate(1, "anzali", 0.1, p_prior=0.1)]
    for on in (SEA, OFF_AMIRABAD):
        left = place([gap(0, 50, off=AMIRABAD, on=on, cause="unobservable")], rows)
        assert [(call["grade"], call["port_group"]) for call in listed(left)] == [("D", "anzali")]


@given(st.lists(P, min_size=1, max_size=6), st.floats(0.1, 24))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_any_number_of_re_appearances_in_one_visit_is_one_call(
    chances: list[float], heard_h: float
) -> None:
    begins = [number * (30 + heard_h) for number in range(len(chances))]
    gaps = [gap(begin, begin + 30, off=OFF_AMIRABAD, on=OFF_AMIRABAD) for begin in begins]
    rows = [candidate(number, "amirabad", p) for number, p in enumerate(chances, 1)]
    placed = place(gaps, rows)
    found = listed(placed)
    largest = max(chances)
    assert [call["p_call"] for call in found] == ([largest] if largest >= 0.4 else [])
    assert dark_calls.sum_calls(placed, RULES)["expected_calls"].to_list() == [largest]


def test_scopes_follow_from_the_known_ports_around() -> None:
    visit = {"first_slow_at": at(-20), "last_slow_at": at(-10)}
    iranian = pl.DataFrame(
        [{"ship_id": f"mmsi:{SHIP}", "port_group": "anzali", "country": "IRN", **visit}],
        schema=KNOWN.schema,
    )
    scopes = ("in_ru_ir_any", "in_ru_ir_crossing", "in_any_flag_crossing")
    rows = [candidate(1, "olya", 0.6)]
    (call,) = listed(place([gap(0, 50)], rows, iranian))
    assert [call[name] for name in scopes] == [True, True, True]
    (call,) = listed(place([gap(0, 50)], rows))
    assert [call[name] for name in scopes] == [True, False, False]
    (call,) = listed(place([gap(0, 50, fleet="ferry")], rows, iranian))
    assert [call[name] for name in scopes] == [False, False, True]


def test_a_second_call_needs_room_for_two_visits_and_the_way_between() -> None:
    # 40 h: to the first 10 h, 5 h or more to the next, 15 h on: 10 h are left for two visits.
    rows = [candidate(1, "olya", 0.6), candidate(1, "anzali", 0.2, to_h=15.0, from_h=15.0)]
    assert listed(place([gap(0, 40)], rows))[0]["second_call_possible"]
    short = [{**row, "slack_h": 17.9} for row in rows]
    assert not listed(place([gap(0, 40)], short))[0]["second_call_possible"]
    assert not listed(place([gap(0, 40)], rows[:1]))[0]["second_call_possible"]


def test_nothing_found_gives_empty_tables() -> None:
    placed = place([], [])
    assert listed(placed) == []
    assert dark_calls.sum_calls(placed, RULES).is_empty()
