"""The monthly tables on gaps built by hand, counted by hand, and against a slow plain count."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline import schema
from pipeline.errors import SchemaError
from pipeline.rollup import INPUTS, MARTS, Failure, roll_up, run_check, run_checks
from pipeline.rules import GapRules, Rules, rules_frame
from tests import builders

SQL = Path(__file__).parent.parent / "sql"
MAY, JUNE, JULY = date(2023, 5, 1), date(2023, 6, 1), date(2023, 7, 1)
DATA_END = datetime(2023, 7, 20)
LADDER = (4, 6, 12, 24, 30, 72)
EVERYWHERE = {"fleet": "all", "area": "all", "port_group": "all"}
ALL = {"flag": "all", **EVERYWHERE}

Row = dict[str, Any]


# --------------------------------------------------------------------------------- small words


def gap(ship: int, off_at: datetime, hours: float | None, **more: Any) -> Row:
    """A silence of `ship` from `off_at` on, of `hours`; None: open."""
    on_at = None if hours is None else off_at + timedelta(seconds=round(hours * 3600))
    end = more.get("data_end", DATA_END)
    return {"mmsi": ship, "off_at": off_at, "on_at": on_at, "data_end": end, **more}


def seen(ship: int, month: date = MAY, hours: float = 100, **more: Any) -> Row:
    """A ship-month with `hours` of exposure, all of them heard."""
    seconds = round(hours * 3600)
    spans = {"ship_s": seconds, "heard_s": seconds, "observable_s": seconds // 2}
    return {"mmsi": ship, "month": month, **spans, **more}


# An hour in which a ground station heard one ship, and one in which nobody was heard.
CELLS: tuple[Row, ...] = (
    {
        "hour": datetime(2023, 5, 1, 1),
        "ships_present": 2,
        "ships_heard": 1,
        "is_live": True,
        "expected_stopped": 1.0,
        "expected_under_way": 2.0,
    },
    {"hour": datetime(2023, 5, 1, 2), "ships_present": 1},
)


# A call heard at rest for 9 h, the leg after it, and a passage that gap-001 hides.
LIT = {
    "entered_at": datetime(2023, 5, 1),
    "left_at": datetime(2023, 5, 1, 10),
    "stay_h": 10.0,
    "stopped_h": 9.0,
}
LEG = {"left_at": datetime(2023, 5, 1, 10), "arrived_at": datetime(2023, 5, 3), "passage": "lit"}
LATER = {"left_at": datetime(2023, 5, 4), "arrived_at": datetime(2023, 5, 6), "passage": "lit"}


def call(number: int, month: date = MAY, **more: Any) -> Row:
    """The near-port gap `gap-<number>`."""
    return {"month": month, "gap_id": f"gap-{number:03}", **more}


def connect(
    gaps: Iterable[Row] = (),
    ship_months: Iterable[Row] = (),
    near: Iterable[Row] = (),
    files: Iterable[Row] = (),
    outages: Iterable[Row] = (),
    rules: Rules | None = None,
    *,
    calls: Iterable[Row] = (),
    sums: Iterable[Row] = (),
    chances: Iterable[Row] = (),
    lit: Iterable[Row] = (),
    base: Iterable[Row] = (),
    candidates: Iterable[Row] = (),
    groups: Iterable[Row] = (),
    data_end: datetime = DATA_END,
    zone: str = "UTC",
    shuffled_by: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """A database in memory with the inputs, before the roll-up."""
    frames = {
        "gaps": builders.frame(schema.Gaps, ({"data_end": data_end, **row} for row in gaps)),
        "ship_months": builders.frame(schema.ShipMonths, ship_months),
        "dark_port_calls": builders.frame(schema.DarkPortCalls, calls),
        "outage_hours": builders.frame(schema.OutageHours, outages),
        "files": builders.frame(schema.Files, files),
        "reception_cells": builders.frame(schema.ReceptionCells, CELLS),
        "gap_hours": builders.frame(schema.GapHours, ()),
        "near_port_gaps": builders.frame(schema.NearPortGaps, near),
        "call_sums": builders.frame(schema.CallSums, sums),
        "call_chances": builders.frame(schema.CallChances, chances),
        "baseline": builders.frame(schema.Baseline, base),
        "port_candidates": builders.frame(schema.PortCandidates, candidates),
        "port_groups": builders.frame(schema.PortGroups, groups),
        "lit_port_calls": builders.frame(schema.LitPortCalls, lit),
        "legs": builders.frame(schema.Legs, [LEG, LATER]),
        "canal_transits": builders.frame(
            schema.CanalTransits,
            [
                {
                    "passage": "lit",
                    "direction": "volga_to_don",
                    "entered_at": datetime(2023, 5, 2),
                    "left_at": datetime(2023, 5, 3),
                }
            ],
        ),
        "rules": rules_frame(rules or Rules()),
        "seasons": builders.frame(schema.Seasons, ()),
    }
    if shuffled_by is not None:
        frames = {
            name: frame.sample(fraction=1, shuffle=True, seed=shuffled_by)
            for name, frame in frames.items()
        }
    return builders.connect(frames, zone)


def rolled(
    *inputs: Iterable[Row], data_end: datetime = DATA_END, **more: Any
) -> duckdb.DuckDBPyConnection:
    """A database in memory after the roll-up."""
    connection = connect(*inputs, data_end=data_end, **more)
    roll_up(connection, SQL, parameters(data_end))
    return connection


def parameters(data_end: datetime = DATA_END) -> Row:
    return {"data_end": data_end, "method_version": "0.0.0", "rules_hash": "000000000000"}


def read(connection: duckdb.DuckDBPyConnection, relation: str) -> pl.DataFrame:
    return connection.sql(f"select * from {relation}").pl()


def rows_of(
    connection: duckdb.DuckDBPyConnection, relation: str, where: Mapping[str, Any]
) -> list[Row]:
    frame = read(connection, relation)
    return frame.filter(pl.col(name) == value for name, value in where.items()).to_dicts()


def ladder_of(connection: duckdb.DuckDBPyConnection, column: str, **where: Any) -> dict[int, Any]:
    """One column of monthly_gaps, by threshold; everything not said is `all`, the month May."""
    rows = rows_of(connection, "monthly_gaps", {"month": MAY, **ALL, **where})
    return {row["at_least_h"]: row[column] for row in rows}


def by_threshold(*values: Any) -> dict[int, Any]:
    return dict(zip(LADDER, values, strict=True))


# ------------------------------------------------------------------- a dozen gaps, counted by hand

A, B, C, D, E = 273_000_001, 422_000_002, 200_000_003, 273_000_004, 273_000_005
IRANIAN = {"flag": "IRN"}
NO_FLAG = {"flag": None}
FERRY = {"fleet": "ferry"}
JUST_BEFORE_JUNE = datetime(2023, 5, 31, 23, 59, 59)

DOZEN: list[Row] = [
    gap(A, datetime(2023, 5, 1), 5, off_port_group="astrakhan"),
    gap(A, datetime(2023, 5, 3), 12),
    gap(A, datetime(2023, 5, 5), 30),
    gap(A, datetime(2023, 5, 10), 100, off_area="volga_don"),
    gap(B, datetime(2023, 5, 2), 6 - 1 / 3600, off_port_group="anzali", **IRANIAN),
    gap(B, datetime(2023, 5, 4), 24, off_port_group="amirabad", cause="identity", **IRANIAN),
    gap(C, datetime(2023, 5, 6), 7, cause="in_port", **NO_FLAG),
    gap(D, datetime(2023, 5, 7), 4, **FERRY),
    gap(A, datetime(2023, 5, 20), 40, off_area="lower_volga", cause="left_region"),
    gap(B, datetime(2023, 5, 20), None, cause="left_region", **IRANIAN),
    gap(C, JUST_BEFORE_JUNE, None, **NO_FLAG),
    gap(D, datetime(2023, 7, 1), 13, **FERRY),
]

WHERE_SEEN: list[Row] = [
    seen(A, hours=200, sightings=50),
    seen(A, hours=20, sightings=5, port_group="astrakhan"),
    seen(A, hours=110, sightings=9, area="volga_don"),
    seen(A, hours=50, sightings=3, area="lower_volga"),
    seen(B, hours=100, port_group="anzali", **IRANIAN),
    seen(B, hours=60, port_group="amirabad", **IRANIAN),
    seen(C, hours=60, **NO_FLAG),
    seen(D, hours=300, heard_s=3600 * 250, **FERRY),
    seen(E, hours=0),
    # Silent all through June: hours without a sighting, so June is a month without data.
    seen(C, JUNE, hours=720, sightings=0, heard_s=0, **NO_FLAG),
    seen(D, JULY, hours=100, **FERRY),
]

NEAR_PORTS: list[Row] = [
    call(1),
    call(5, mmsi=B, port_group="anzali", port_country="IRN", in_ru_ir_any=True, **IRANIAN),
    call(2, mmsi=C, port_group="aktau", port_country="KAZ", **NO_FLAG),
    call(8, mmsi=D, **FERRY),
]

IN_SCOPE = {
    "in_ru_ir_any": True,
    "in_ru_ir_crossing": True,
    "in_any_flag_crossing": True,
}
CALLS: list[Row] = [
    {"gap_ids": "gap-001", "grade": "B", "p_call": 0.9, **IN_SCOPE},
    {"gap_ids": "gap-002;gap-003", "grade": "C", "p_call": 0.5, "in_ru_ir_any": True},
    {"gap_ids": "gap-005", "grade": "D", "port_group": "anzali", "port_country": "IRN"},
]
SUMS: list[Row] = [
    {"expected_calls": 1.5, "expected_unheard": 0.25, "glimpsed": 2, **IN_SCOPE},
    {"expected_calls": 0.5, "expected_unheard": 0.75, "port_group": "aktau", "port_country": "KAZ"},
]

FOUND: dict[str, Any] = {"calls": CALLS, "sums": SUMS, "lit": [LIT]}

FILES: list[Row] = [
    {
        "feed": "north",
        "read": 10,
        "accepted": 5,
        "duplicate": 1,
        "outside": 1,
        "rejected": 3,
        "rejected_by_reason": '{"no_time": 1, "not_a_ship": 2}',
    },
    {"feed": "south", "error": "no feed format", "rejected_by_reason": "{}"},
]


@pytest.fixture(scope="module")
def dozen() -> duckdb.DuckDBPyConnection:
    """The dozen gaps rolled up; to be read only, or changed in a transaction rolled back."""
    return rolled(DOZEN, WHERE_SEEN, NEAR_PORTS, FILES, **FOUND)


def test_closed_gaps_count_on_every_rung_they_have_reached(dozen):
    assert ladder_of(dozen, "gaps") == by_threshold(8, 5, 4, 3, 2, 1)


def test_gaps_count_by_flag(dozen):
    assert ladder_of(dozen, "gaps", flag="RUS") == by_threshold(5, 3, 3, 2, 2, 1)
    assert ladder_of(dozen, "gaps", flag="IRN") == by_threshold(2, 1, 1, 1, 0, 0)


def test_a_gap_without_a_flag_counts_as_unknown(dozen):
    assert ladder_of(dozen, "gaps", flag="unknown") == by_threshold(1, 1, 0, 0, 0, 0)


def test_gaps_count_by_fleet_area_and_port_group_of_the_off_point(dozen):
    assert ladder_of(dozen, "gaps", fleet="ferry") == by_threshold(1, 0, 0, 0, 0, 0)
    assert ladder_of(dozen, "gaps", area="volga_don") == by_threshold(1, 1, 1, 1, 1, 1)
    assert ladder_of(dozen, "gaps", port_group="astrakhan") == by_threshold(1, 0, 0, 0, 0, 0)
    assert ladder_of(dozen, "gaps", flag="RUS", fleet="merchant", area="caspian") == by_threshold(
        3, 2, 2, 1, 1, 0
    )


def test_an_open_gap_counts_apart_on_the_rungs_it_has_reached(dozen):
    assert ladder_of(dozen, "open_gaps") == by_threshold(1, 1, 1, 1, 1, 1)
    assert ladder_of(dozen, "open_gaps", flag="unknown") == by_threshold(1, 1, 1, 1, 1, 1)


def test_a_ship_that_left_the_region_is_in_its_own_column_only(dozen):
    assert ladder_of(dozen, "left_region") == by_threshold(2, 2, 2, 2, 2, 1)
    assert ladder_of(dozen, "left_region", area="lower_volga") == by_threshold(1, 1, 1, 1, 1, 0)
    assert ladder_of(dozen, "gaps", area="lower_volga") == by_threshold(0, 0, 0, 0, 0, 0)
    assert ladder_of(dozen, "ships_with_gap", area="lower_volga") == by_threshold(0, 0, 0, 0, 0, 0)


def test_ships_with_a_gap_are_distinct(dozen):
    assert ladder_of(dozen, "ships_with_gap") == by_threshold(4, 3, 2, 2, 1, 1)


def test_a_ship_seen_once_is_seen_with_no_hours_and_no_gap(dozen):
    assert ladder_of(dozen, "ships_seen", flag="RUS", fleet="merchant") == by_threshold(*[2] * 6)
    assert ladder_of(dozen, "ships_seen") == by_threshold(*[5] * 6)


def test_hours_are_summed_over_the_cell_and_repeated_on_every_rung(dozen):
    assert ladder_of(dozen, "ship_hours") == by_threshold(*[900.0] * 6)
    assert ladder_of(dozen, "heard_hours") == by_threshold(*[850.0] * 6)
    assert ladder_of(dozen, "ship_hours", flag="IRN") == by_threshold(*[160.0] * 6)


def test_the_rate_is_gaps_per_1000_ship_hours(dozen):
    assert ladder_of(dozen, "gaps_per_1000_ship_hours", flag="IRN") == by_threshold(
        12.5, 6.25, 6.25, 6.25, 0.0, 0.0
    )


def test_the_rate_is_null_without_ship_hours():
    connection = rolled([], [seen(E, hours=0)])
    assert ladder_of(connection, "gaps_per_1000_ship_hours") == by_threshold(*[None] * 6)
    assert ladder_of(connection, "gaps") == by_threshold(*[0] * 6)


def test_a_month_without_data_has_one_row_a_rung_of_nulls_and_not_of_zeros(dozen):
    rows = rows_of(dozen, "monthly_gaps", {"month": JUNE})
    assert [(row["at_least_h"], row["flag"], row["fleet"]) for row in rows] == [
        (hours, "all", "all") for hours in LADDER
    ]
    measures = ("gaps", "open_gaps", "left_region", "ships_seen", "ships_with_gap", "ship_hours")
    assert {row[name] for row in rows for name in (*measures, "heard_hours")} == {None}
    assert {row["status"] for row in rows} == {"provisional"}


def test_a_gap_counts_in_the_utc_month_of_its_start():
    on_the_second = [
        gap(A, JUST_BEFORE_JUNE, 5),
        gap(A, datetime(2023, 6, 1), 5),
    ]
    connection = rolled(on_the_second, [seen(A), seen(A, JUNE)])
    assert ladder_of(connection, "gaps", month=MAY)[4] == 1
    assert ladder_of(connection, "gaps", month=JUNE)[4] == 1
    assert run_checks(connection, SQL) == []


SECOND = 1 / 3600


def test_thresholds_are_inclusive():
    lengths = [*LADDER, *(hours - SECOND for hours in LADDER if hours > 4)]
    gaps = [gap(A, datetime(2023, 5, day), hours) for day, hours in enumerate(lengths, start=1)]
    connection = rolled(gaps, [seen(A)])
    assert ladder_of(connection, "gaps") == by_threshold(11, 9, 7, 5, 3, 1)


def test_thresholds_are_exclusive_where_the_rule_says_so():
    lengths = [*LADDER, *(hours + SECOND for hours in LADDER)]
    gaps = [gap(A, datetime(2023, 5, day), hours) for day, hours in enumerate(lengths, start=1)]
    above_only = Rules(gaps=GapRules(count_above_only=True))
    connection = rolled(gaps, [seen(A)], rules=above_only)
    assert ladder_of(connection, "gaps") == by_threshold(11, 9, 7, 5, 3, 1)
    assert run_checks(connection, SQL) == []


def test_an_open_gap_reaches_a_rung_on_the_second():
    gaps = [
        gap(A, DATA_END - timedelta(hours=30), None),
        gap(B, DATA_END - timedelta(hours=30, seconds=-1), None),
    ]
    connection = rolled(gaps, [seen(A, JULY), seen(B, JULY)])
    assert ladder_of(connection, "open_gaps", month=JULY) == by_threshold(2, 2, 2, 2, 1, 0)


def test_the_ladder_is_that_of_the_rules():
    rules = Rules(gaps=GapRules(ladder_h=(4, 8)))
    connection = rolled([gap(A, datetime(2023, 5, 1), 8)], [seen(A)], rules=rules)
    assert ladder_of(connection, "gaps") == {4: 1, 8: 1}
    assert run_checks(connection, SQL) == []


@pytest.mark.parametrize(
    ("data_end", "gaps_are", "calls_are"),
    [
        (datetime(2023, 7, 15, 23), "provisional", "provisional"),
        (datetime(2023, 7, 16), "final", "provisional"),
        (datetime(2023, 8, 30), "final", "final"),
        (datetime(2023, 8, 29, 23), "final", "provisional"),
    ],
)
def test_may_is_final_45_days_after_its_end_for_gaps_and_90_for_calls(
    data_end, gaps_are, calls_are
):
    connection = rolled([], [seen(A)], data_end=data_end)
    monthly = rows_of(connection, "monthly_gaps", {"month": MAY})
    calls = rows_of(connection, "monthly_dark_port_calls", {"month": MAY})
    assert {row["status"] for row in monthly} == {gaps_are}
    assert {row["status"] for row in calls} == {calls_are}


def test_months_run_from_the_first_data_to_the_end_of_the_data():
    connection = rolled([], [seen(A, date(2022, 12, 1))], data_end=datetime(2023, 3, 1, 1))
    assert [(row["month"], row["has_data"]) for row in read(connection, "months").to_dicts()] == [
        (date(2022, 12, 1), True),
        (date(2023, 1, 1), False),
        (date(2023, 2, 1), False),
        (date(2023, 3, 1), False),
    ]


def test_data_that_end_at_midnight_complete_their_month_and_begin_no_other():
    connection = rolled([], [seen(A)], data_end=datetime(2023, 6, 1))
    months = read(connection, "months").select("month", "is_complete").rows()
    assert months == [(MAY, True)]


def test_without_any_data_there_is_one_month_of_nulls():
    connection = rolled()
    assert ladder_of(connection, "gaps", month=JULY) == by_threshold(*[None] * 6)
    assert run_checks(connection, SQL) == []


def test_outage_hours_are_clock_hours_of_the_area_whoever_found_them():
    hour = datetime(2023, 5, 4, 7)
    outages = [
        {"area": "caspian", "hour": hour, "why": "receivers_out"},
        {"area": "caspian", "hour": hour, "why": "ships_lost"},
        {"area": "caspian", "hour": hour + timedelta(hours=1), "why": "ships_lost"},
        {"area": "volga_don", "hour": hour, "why": "receivers_out"},
        {"area": "lower_volga", "hour": hour, "why": "receivers_out"},
        {"area": "caspian", "hour": datetime(2023, 6, 4), "why": "receivers_out"},
    ]
    ships = [seen(A), seen(B, area="volga_don", flag="IRN"), seen(A, JULY)]
    connection = rolled([], ships, outages=outages)
    assert ladder_of(connection, "outage_hours", area="caspian") == by_threshold(*[2] * 6)
    assert ladder_of(connection, "outage_hours", area="caspian", flag="RUS")[4] == 2
    assert ladder_of(connection, "outage_hours", area="volga_don", flag="IRN")[4] == 1
    # Everywhere: out in the Caspian and on the Volga-Don; nobody was seen on the lower Volga.
    assert ladder_of(connection, "outage_hours") == by_threshold(*[1] * 6)
    assert ladder_of(connection, "outage_hours", month=JUNE) == by_threshold(*[None] * 6)
    assert ladder_of(connection, "outage_hours", month=JULY) == by_threshold(*[0] * 6)
    assert run_checks(connection, SQL) == []


def test_two_mmsis_of_one_ship_are_one_ship():
    one = {"ship_id": "imo:9000001"}
    gaps = [gap(A, datetime(2023, 5, 1), 5, **one), gap(B, datetime(2023, 5, 9), 5, **one)]
    connection = rolled(gaps, [seen(A, **one), seen(B, **one)])
    assert ladder_of(connection, "ships_seen")[4] == 1
    assert ladder_of(connection, "ships_with_gap")[4] == 1
    assert ladder_of(connection, "gaps")[4] == 2


def test_a_gap_under_a_flag_the_month_was_not_seen_under_still_has_its_cell():
    connection = rolled([gap(A, datetime(2023, 5, 1), 5, flag="COM")], [seen(A)])
    assert ladder_of(connection, "gaps", flag="COM")[4] == 1
    assert ladder_of(connection, "ships_seen", flag="COM")[4] == 0
    assert ladder_of(connection, "gaps_per_1000_ship_hours", flag="COM")[4] is None
    assert run_checks(connection, SQL) == []


# ------------------------------------------------------------------------ near-port gaps by scope


def near_port(connection: duckdb.DuckDBPyConnection, **where: Any) -> list[int | None]:
    rows = rows_of(connection, "monthly_dark_port_calls", where)
    return [row["near_port_gaps"] for row in rows]


ANYWHERE = {"flag": "all", "port_country": "all", "port_group": "all"}


@pytest.mark.parametrize(
    ("scope", "gaps"),
    [("all", 4), ("any_flag_crossing", 2), ("ru_ir_any", 2), ("ru_ir_crossing", 2)],
)
def test_scopes_choose_by_fleet_flag_and_country(dozen, scope, gaps):
    assert near_port(dozen, month=MAY, scope=scope, **ANYWHERE) == [gaps]


def test_calls_count_by_grade_and_expectations_add_up_in_each_scope(dozen):
    names = ("calls_a", "calls_b", "calls_c", "calls_d", "expected_calls", "expected_unheard")
    names += ("lit_calls", "glimpsed", "dark_share")
    found = {
        row["scope"]: tuple(row[name] for name in names)
        for row in rows_of(dozen, "monthly_dark_port_calls", {"month": MAY, **ANYWHERE})
    }
    crossing = (0, 1, 0, 0, 1.5, 0.25, 0, 2, pytest.approx(1.5 / 1.75))
    assert found == {
        "all": (0, 1, 1, 1, 2.0, 1.0, 1, 2, 0.5),
        "ru_ir_any": (0, 1, 1, 0, *crossing[4:]),
        "ru_ir_crossing": crossing,
        "any_flag_crossing": crossing,
    }
    where = {"month": MAY, "scope": "all", "flag": "all", "port_country": "IRN"}
    (anzali,) = rows_of(dozen, "monthly_dark_port_calls", {**where, "port_group": "anzali"})
    assert [anzali[name] for name in names] == [0, 0, 0, 1, 0.0, 0.0, 0, 0, None]


def test_a_glimpsed_call_is_not_counted_as_lit():
    lit = [LIT, {**LIT, "is_glimpsed": True}]
    connection = rolled([], [seen(A)], lit=lit)
    where = {"month": MAY, "scope": "all", **ANYWHERE}
    assert [row["lit_calls"] for row in rows_of(connection, "monthly_dark_port_calls", where)] == [
        1
    ]
    assert run_checks(connection, SQL) == []


def test_a_refuted_call_counts_nowhere():
    calls = [{"grade": "A", "month": MAY}, {"grade": "X", "month": MAY}]
    connection = rolled([], [seen(A)], calls=calls)
    where = {"month": MAY, "scope": "all", **ANYWHERE}
    (row,) = rows_of(connection, "monthly_dark_port_calls", where)
    assert [row[f"calls_{grade}"] for grade in "abcd"] == [1, 0, 0, 0]
    (kept,) = connection.execute("select count(*) from dark_port_calls").fetchone() or (None,)
    assert kept == 2
    failures = " ".join(map(str, run_checks(connection, SQL)))
    assert "monthly_calls_add_up_to_what_was_found" not in failures


def test_near_port_gaps_have_margins_and_an_unknown_flag(dozen):
    everything = {"month": MAY, "scope": "all", **ANYWHERE}
    assert near_port(dozen, **{**everything, "flag": "unknown"}) == [1]
    assert near_port(dozen, **{**everything, "port_country": "RUS"}) == [2]
    assert near_port(dozen, **{**everything, "port_group": "astrakhan", "flag": "RUS"}) == [2]


def test_no_near_port_gap_is_zero_in_a_month_with_data_and_null_in_one_without(dozen):
    assert near_port(dozen, month=JUNE, scope="all") == [None]
    assert near_port(dozen, month=JULY, scope="all") == [0]


def test_a_midpoint_in_a_month_without_data_is_not_lost():
    connection = rolled(
        [gap(A, datetime(2023, 5, 30), 34 * 24)],
        [seen(A), seen(A, JULY)],
        [call(1, JUNE)],
    )
    assert near_port(connection, month=JUNE, scope="all", **ANYWHERE) == [1]
    assert run_checks(connection, SQL) == []


def test_a_month_without_data_has_no_calls_and_no_zeros(dozen):
    names = ("calls_a", "calls_b", "calls_c", "calls_d", "expected_calls", "expected_unheard")
    names += ("lit_calls", "glimpsed", "dark_share")
    for month, value in ((JUNE, None), (JULY, 0)):
        (row,) = rows_of(dozen, "monthly_dark_port_calls", {"month": month, "scope": "all"})
        assert [row[name] for name in names] == [*[value] * 8, None]


# ------------------------------------------------------------------------------------- indicator


def months_from(first: date, count: int) -> list[date]:
    return pl.date_range(first, first + timedelta(days=31 * count), "1mo", eager=True).to_list()[
        :count
    ]


def year_of_data(count: int = 12) -> list[Row]:
    return [seen(A, month) for month in months_from(date(2022, 7, 1), count)]


def test_the_bound_needs_twelve_complete_months_with_data():
    eleven = rolled([], year_of_data(11), data_end=datetime(2023, 6, 1))
    twelve = rolled([], year_of_data(12), data_end=datetime(2023, 7, 1))
    where = {"scope": "ru_ir_crossing"}
    assert rows_of(eleven, "indicator", where)[-1]["upper_bound_12m"] is None
    assert [row["upper_bound_12m"] for row in rows_of(twelve, "indicator", where)] == [
        *[None] * 11,
        0,
    ]


def test_a_month_without_data_takes_the_bound_away_and_is_named():
    with_a_hole = [row for row in year_of_data() if row["month"] != date(2023, 2, 1)]
    connection = rolled([], with_a_hole, data_end=datetime(2023, 7, 1))
    last = rows_of(connection, "indicator", {"scope": "all", "month": JUNE})[0]
    assert last["upper_bound_12m"] is None
    assert last["rating"] == "not assessable"
    assert last["why"].startswith("not assessable: only 11 of twelve months have data; ")


def test_the_bound_counts_closed_gaps_of_the_scope_without_the_plain_causes():
    start = datetime(2023, 1, 10)
    gaps = [
        gap(A, start, 4),
        gap(B, start, 4, cause="coverage", **IRANIAN),
        gap(C, start, 4, **NO_FLAG),
        gap(D, start, 4, **FERRY),
        gap(A, datetime(2022, 6, 30, 23, 59, 59), 4),
        *(
            gap(A, start + timedelta(days=number), 4, cause=cause)
            for number, cause in enumerate(("left_region", "identity", "in_port"), start=1)
        ),
        gap(A, datetime(2023, 5, 1), None),
    ]
    ships = [*year_of_data(), seen(A, date(2022, 6, 1))]
    connection = rolled(gaps, ships, data_end=datetime(2023, 7, 1))
    rows = rows_of(connection, "indicator", {"month": JUNE})
    assert {row["scope"]: row["upper_bound_12m"] for row in rows} == {
        "ru_ir_crossing": 2,
        "ru_ir_any": 2,
        "any_flag_crossing": 3,
        "all": 4,
    }


def test_too_few_months_are_not_rated_and_an_incomplete_month_has_no_row(dozen):
    indicator = read(dozen, "indicator")
    assert set(indicator["rating"]) == {"not assessable"}
    assert indicator["expected_12m"].null_count() == indicator.height
    assert indicator["month"].unique().sort().to_list() == [MAY, JUNE]


# ---------------------------------------------------------------------------- published beside ours


def test_ours_stand_beside_the_published_counts():
    gaps = [gap(A, datetime(2023, 5, 3), 30), gap(A, datetime(2023, 5, 9), 31)]
    connection = rolled(gaps, [seen(A), seen(D), seen(A, JULY)])
    beside = {
        (row["month"], row["flag"], row["measure"]): (row["published"], row["ours"], row["ratio"])
        for row in read(connection, "published_beside_ours").to_dicts()
        if row["flag"] is not None
    }
    assert beside[MAY, "RUS", "gaps"] == (657, 2, 2 / 657)
    assert beside[MAY, "RUS", "ships"] == (138, 1, 1 / 138)
    assert beside[MAY, "IRN", "gaps"] == (199, 0, 0)
    assert beside[JUNE, "RUS", "gaps"] == (625, None, None)
    assert beside[date(2022, 5, 1), "RUS", "gaps"] == (159, None, None)
    assert len(beside) == 15


def test_ours_of_all_flags_stand_beside_the_published_counts_of_an_area():
    september = date(2022, 9, 1)
    places = ("caspian", "lower_volga", "lower_volga", "volga_don", "other")
    gaps = [
        gap(ship, datetime(2022, 9, 3 + number), 30 if number < 4 else 200, off_area=area, **more)
        for number, (area, ship, more) in enumerate(
            zip(places, (A, A, B, C, D), ({}, {}, IRANIAN, NO_FLAG, {}), strict=True)
        )
    ]
    gaps.append(gap(A, datetime(2022, 9, 20), 29, off_area="caspian"))
    gaps.append(gap(E, datetime(2022, 9, 20), 60, off_area="caspian", **FERRY))
    hours = [seen(A, september, 10), seen(A, september, 4, area="lower_volga")]
    hours.append(seen(C, september, 3, area="volga_don"))
    beside = {
        row["figure_id"]: row
        for row in read(rolled(gaps, hours), "published_beside_ours").to_dicts()
        if row["flag"] is None
    }
    told = {
        name: (
            row["published"],
            row["ours"],
            row["our_areas"],
            row["ship_hours"],
            row["ships_seen"],
        )
        for name, row in beside.items()
    }
    nothing = (None, "caspian", None, None)
    assert told == {
        "lli_caspian_gaps_2021_09": (343, *nothing),
        "lli_caspian_gaps_2022_08": (278, *nothing),
        "lli_caspian_gaps_2022_09": (440, 1, "caspian", 10, None),
        "lli_don_volga_gaps_2022_09": (522, 3, "lower_volga;volga_don", 7, None),
        "lli_don_volga_gaps_2022_10": (454, None, "lower_volga;volga_don", None, None),
    }
    assert {row["at_least_h"] for row in beside.values()} == {30}
    assert all("outline of the area is not known" in row["note"] for row in beside.values())


def test_ours_is_null_where_the_ladder_lacks_30_h():
    rules = Rules(gaps=GapRules(ladder_h=(4, 12)))
    connection = rolled([gap(A, datetime(2023, 5, 3), 30)], [seen(A)], rules=rules)
    assert read(connection, "published_beside_ours")["ours"].null_count() == 20


# ----------------------------------------------------------------------------- the tables as such


@pytest.mark.parametrize(
    "name", ["monthly_gaps", "monthly_dark_port_calls", "indicator", "published_counts"]
)
def test_a_mart_has_the_columns_and_types_of_the_schema(dozen, name):
    table, frame = schema.TABLES[name], read(dozen, name)
    assert frame.schema == schema.polars_schema(table)
    assert_frame_equal(schema.conform(frame, table), frame)
    table.validate(frame)


def test_rolling_up_twice_gives_the_same_tables():
    connection = rolled(DOZEN, WHERE_SEEN, NEAR_PORTS)
    before = {name: read(connection, name) for name in MARTS}
    assert roll_up(connection, SQL, parameters()) == list(MARTS)
    for name, frame in before.items():
        assert_frame_equal(read(connection, name), frame)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_rows_changes_nothing(dozen, seed):
    shuffled = rolled(DOZEN, WHERE_SEEN, NEAR_PORTS, FILES, shuffled_by=seed, **FOUND)
    for name in MARTS:
        assert_frame_equal(read(shuffled, name), read(dozen, name))


@pytest.mark.parametrize("zone", ["Asia/Tehran", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_time_zone_of_the_session_changes_nothing(dozen, zone):
    elsewhere = rolled(DOZEN, WHERE_SEEN, NEAR_PORTS, FILES, zone=zone, **FOUND)
    for name in MARTS:
        assert_frame_equal(read(elsewhere, name), read(dozen, name))
    assert run_checks(elsewhere, SQL) == []


def test_hours_are_summed_as_whole_seconds():
    connection = rolled([], [seen(number, hours=0.1) for number in range(201_000_000, 201_000_030)])
    assert ladder_of(connection, "ship_hours")[4] == 3.0


# ---------------------------------------------------------------------- against a slow plain count

FLAGS, FLEETS, AREAS, GROUPS = (
    ["RUS", None],
    ["merchant", "ferry"],
    ["caspian", "volga_don"],
    ["none", "astrakhan"],
)
SHIPS = st.sampled_from([A, B, C])
PLACES = {
    "flag": st.sampled_from(FLAGS),
    "fleet": st.sampled_from(FLEETS),
}
SOME_GAPS = st.lists(
    st.builds(
        gap,
        SHIPS,
        st.datetimes(datetime(2023, 5, 1), datetime(2023, 6, 30)).map(
            lambda instant: instant.replace(microsecond=0)
        ),
        st.sampled_from([None, 4, 5, 6, 12 - 1 / 3600, 12, 30, 72, 100]),
        **PLACES,
        off_area=st.sampled_from(AREAS),
        off_port_group=st.sampled_from(GROUPS),
        cause=st.sampled_from([None, None, "left_region", "in_port"]),
    ),
    max_size=12,
)
SOME_SHIP_MONTHS = st.lists(
    st.builds(
        seen,
        SHIPS,
        st.sampled_from([MAY, JUNE]),
        st.sampled_from([0, 0.5, 1 / 3600, 100]),
        **PLACES,
        area=st.sampled_from(AREAS),
        port_group=st.sampled_from(GROUPS),
        sightings=st.sampled_from([0, 1, 7]),
    ),
    max_size=10,
    unique_by=lambda row: (row["mmsi"], row["month"], row["area"], row["port_group"]),
)


def plain_count(gaps: list[Row], ship_months: list[Row]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Count monthly_gaps cell by cell with loops, for the months that have data."""
    full = [builders.row(schema.Gaps, number, **row) for number, row in enumerate(gaps)]
    ships = [builders.row(schema.ShipMonths, **row) for row in ship_months]
    with_data = {row["month"] for row in ships if row["sightings"] > 0}

    def cells(row: Row, side: str) -> set[tuple[Any, ...]]:
        parts = (
            row["flag"] or "unknown",
            row["fleet"],
            row[f"{side}area"],
            row[f"{side}port_group"],
        )
        return {
            (row["month"], *cell)
            for cell in itertools.product(*((part, "all") for part in parts))
            if row["month"] in with_data
        }

    ships_in = [(cells(row, ""), row) for row in ships]
    gaps_in = [(cells(row, "off_"), row) for row in full]
    keys = set().union(*(inside for inside, _ in (*ships_in, *gaps_in)))
    counted: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for key, hours in itertools.product(keys, LADDER):
        here = [row for inside, row in ships_in if key in inside]
        reached = [
            row
            for inside, row in gaps_in
            if key in inside
            and (row["on_at"] or DATA_END) - row["off_at"] >= timedelta(hours=hours)
        ]
        left = [row for row in reached if row["cause"] == "left_region"]
        closed = [row for row in reached if row["is_closed"] and row not in left]
        still_open = [row for row in reached if not row["is_closed"] and row not in left]
        counted[*key, hours] = (
            len({row["ship_id"] for row in here if row["sightings"] > 0}),
            sum(row["ship_s"] for row in here) / 3600,
            sum(row["heard_s"] for row in here) / 3600,
            len({row["ship_id"] for row in closed}),
            len(closed),
            len(still_open),
            len(left),
        )
    return counted


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(SOME_GAPS, SOME_SHIP_MONTHS)
def test_monthly_gaps_are_those_of_a_plain_count(gaps, ship_months):
    connection = rolled(gaps, ship_months)
    found = read(connection, "monthly_gaps").filter(pl.col("gaps").is_not_null())
    keys = ["month", "flag", "fleet", "area", "port_group", "at_least_h"]
    measures = [
        "ships_seen",
        "ship_hours",
        "heard_hours",
        "ships_with_gap",
        "gaps",
        "open_gaps",
        "left_region",
    ]
    assert dict(
        zip(found.select(keys).rows(), found.select(measures).rows(), strict=True)
    ) == plain_count(gaps, ship_months)
    add_up = [failure for failure in run_checks(connection, SQL) if "add_up" in failure.name]
    assert add_up == []


def test_expected_off_is_the_sum_of_p_off_over_closed_gaps() -> None:
    def judged(hour: float, p_off: float | None, **more: Any) -> Row:
        spread = {"p_off_low": None, "p_off_high": None}
        if p_off is not None:
            spread = {"p_off_low": p_off - 0.1, "p_off_high": p_off + 0.05}
        at = datetime(2023, 5, 3) + timedelta(days=hour)
        return gap(A, at, 13, p_off=p_off, **spread, **more)

    gaps = [judged(1, 0.5), judged(2, 0.9), judged(3, None), judged(4, 0.25, cause="coverage")]
    found = read(rolled(gaps, [seen(A)]), "monthly_gaps").filter(
        pl.all_horizontal(pl.col("flag", "fleet", "area", "port_group") == "all"),
        pl.col("at_least_h") == 12,
        pl.col("month") == MAY,
    )
    row = found.row(0, named=True)
    assert row["expected_off"] == pytest.approx(1.65)
    assert row["observable_ship_hours"] == pytest.approx(50)
    assert (row["expected_off_low"], row["expected_off_high"]) == (0, 3)


def test_observable_hours_of_calls_are_those_near_the_ports_of_the_row() -> None:
    hours = [
        seen(A, observable_s=7_200, port_group="amirabad"),
        seen(A, observable_s=3_600, port_group="astrakhan"),
        seen(A, observable_s=360_000, port_group="none"),
    ]
    groups = [
        {"port_group": "amirabad", "country": "IRN"},
        {"port_group": "astrakhan", "country": "RUS"},
    ]
    found = read(rolled([], hours, groups=groups), "monthly_dark_port_calls").filter(
        pl.col("month") == MAY, pl.col("scope") == "all", pl.col("flag") == "all"
    )
    by_place = {
        (row["port_country"], row["port_group"]): row["observable_ship_hours"]
        for row in found.iter_rows(named=True)
    }
    # A port without anything found has no row of its own; away from ports no hour counts.
    assert by_place == {("all", "all"): 3.0}


# -------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("name", INPUTS)
def test_a_missing_input_is_named(name):
    connection = connect()
    connection.execute(f"drop table {name}")
    with pytest.raises(SchemaError, match=name):
        roll_up(connection, SQL, parameters())
        run_checks(connection, SQL)


def test_a_missing_column_is_named():
    connection = connect()
    connection.execute("alter table gaps drop column off_port_group")
    with pytest.raises(SchemaError, match=r"gap_ladder.sql.*off_port_group"):
        roll_up(connection, SQL, parameters())


@pytest.mark.parametrize(
    "data_end", [None, "2023-07-20", datetime.fromisoformat("2023-07-20T00:00:00+03:30")]
)
def test_a_data_end_with_a_zone_or_none_is_refused(data_end):
    with pytest.raises(SchemaError, match="data_end: expected an instant of UTC"):
        roll_up(connect(), SQL, {**parameters(), "data_end": data_end})


def test_a_missing_parameter_is_named():
    with pytest.raises(SchemaError, match=r"monthly_gaps.sql: no value for rules_hash"):
        roll_up(connect(), SQL, {"data_end": DATA_END, "method_version": "0.0.0"})


def test_a_published_count_that_is_no_number_is_refused(tmp_path):
    head, row, *_ = (SQL / "published_counts.csv").read_text("utf-8").splitlines()
    (tmp_path / "marts").symlink_to(SQL / "marts")
    (tmp_path / "published_counts.csv").write_text(
        f"{head}\n{row.replace('138', 'many')}\n", "utf-8"
    )
    with pytest.raises(SchemaError, match=r"marts/published_counts.sql"):
        roll_up(connect(), tmp_path, parameters())


# ------------------------------------------------------------------------------------ the checks

GAP = "gap_id = 'gap-001'"
MARGIN = "flag = 'all' and fleet = 'all' and area = 'all' and port_group = 'all'"
MAY_MARGIN = f"month = '2023-05-01' and {MARGIN}"
CALLS_MARGIN = "flag = 'all' and port_country = 'all' and port_group = 'all'"

# For every check, statements that each make its sentence untrue.
# One live hour of one gap of which 9 receptions are expected.
HOUR_OF_GAP = (
    "update gaps set live_h = {live_h}, expected_receptions = 9;"
    " insert into gap_hours select gap_id, {at}, 49, 37, true, {expected}"
    " from gaps where is_closed order by gap_id limit 1"
)
CANDIDATE = (
    "insert into port_candidates (gap_id, port_group, p_prior, p_call, p_unheard, log_silence_gain)"
    " values ('{gap}', 'none', 1, {p_call}, {p_unheard}, 0);"
    " update gaps set p_off = {p_off} where gap_id = '{gap}'"
)
FAULTS: dict[str, list[str]] = {
    "every_row_read_is_accounted_for": ["update files set accepted = 4 where feed = 'north'"],
    "reasons_add_up_to_rejected": [
        """update files set rejected_by_reason = '{"no_time": 1}' where feed = 'north'""",
        "update files set rejected_by_reason = null where feed = 'north'",
    ],
    "every_rule_used_is_there": ["delete from rules where name = 'gaps.min_gap_s'"],
    "gap_id_is_unique": ["update gaps set gap_id = 'gap-001' where gap_id = 'gap-002'"],
    "call_id_is_unique": ["update dark_port_calls set call_id = 'call-001'"],
    "only_closed_gaps_have_an_end": [
        f"update gaps set is_closed = false where {GAP}",
        f"update gaps set duration_h = null where {GAP}",
        "update gaps set is_closed = true where gap_id = 'gap-011'",
    ],
    "a_length_is_the_time_from_off_to_on": [
        f"update gaps set duration_s = duration_s + 1 where {GAP}",
        f"update gaps set duration_h = duration_h * 60 where {GAP}",
    ],
    "no_silence_is_shorter_than_the_minimum": [
        f"update gaps set duration_s = 14399 where {GAP}",
        "update gaps set off_at = data_end - interval 3 hour where gap_id = 'gap-011'",
    ],
    "a_gap_counts_in_the_month_it_begins": [f"update gaps set month = '2023-06-01' where {GAP}"],
    "no_gap_reaches_beyond_data_end": [
        f"update gaps set data_end = on_at - interval 1 second where {GAP}",
        "update gaps set off_at = data_end + interval 1 hour where gap_id = 'gap-011'",
    ],
    "no_month_with_data_lies_beyond_data_end": ["update months set data_end = '2023-07-01'"],
    "every_gap_has_an_area_and_a_port_group": [
        f"update gaps set off_area = null where {GAP}",
        f"update gaps set off_port_group = null where {GAP}",
    ],
    "a_gap_begins_in_a_month_with_data": [
        f"update gaps set month = '2023-06-01' where {GAP}",
        f"update gaps set month = '1999-06-01' where {GAP}",
    ],
    "a_gap_is_final_when_its_month_is": [f"update gaps set status = 'provisional' where {GAP}"],
    "near_port_gaps_are_closed_gaps": [
        "update near_port_gaps set gap_id = 'gap-011' where gap_id = 'gap-001'",
        "update dark_port_calls set gap_ids = 'gap-001;gap-011' where call_id = 'call-001'",
        "update dark_port_calls set gap_ids = 'gap-009' where call_id = 'call-001'",
        "update dark_port_calls set gap_ids = 'nobody' where call_id = 'call-001'",
    ],
    **{
        check: [
            f"update monthly_gaps set {measure} = {measure} + 1"
            f" where month = '2023-05-01' and {part} <> 'all'"
            for measure in (
                *("gaps", "open_gaps", "left_region", "ship_hours", "heard_hours"),
                *("observable_ship_hours", "expected_off"),
            )
        ]
        for check, part in {
            "flags_add_up": "flag",
            "fleets_add_up": "fleet",
            "areas_add_up": "area",
            "port_groups_add_up": "port_group",
        }.items()
    },
    **{
        f"near_port_gaps_add_up_over_{parts}": [
            "update monthly_dark_port_calls set near_port_gaps = near_port_gaps + 1"
            f" where {part} <> 'all'"
        ]
        for parts, part in {
            "flags": "flag",
            "countries": "port_country",
            "port_groups": "port_group",
        }.items()
    },
    "longer_gaps_are_fewer": [
        f"update monthly_gaps set {measure} = {measure} + 9 where {MAY_MARGIN} and at_least_h = 72"
        for measure in ("gaps", "open_gaps", "left_region", "ships_with_gap")
    ],
    "ships_with_gap_have_gaps_and_were_seen": [
        f"update monthly_gaps set ships_with_gap = gaps + 1 where {MAY_MARGIN}",
        f"update monthly_gaps set ships_with_gap = 0 where {MAY_MARGIN}",
        f"update monthly_gaps set ships_seen = 0 where {MAY_MARGIN}",
    ],
    "heard_hours_are_part_of_ship_hours": [
        f"update monthly_gaps set heard_hours = ship_hours + 1 where {MAY_MARGIN}",
        f"update monthly_gaps set heard_hours = -1 where {MAY_MARGIN}",
    ],
    "observable_hours_are_part_of_ship_hours": [
        "update ship_months set observable_s = ship_s + 1",
        "update ship_months set observable_s = -1",
    ],
    "an_interval_holds_its_estimate": [
        f"update gaps set p_off = 0.5, p_off_low = 0.6, p_off_high = 0.7 where {GAP}",
        f"update gaps set p_off = 0.5, p_off_low = 0.4, p_off_high = 0.4 where {GAP}",
        f"update gaps set p_off = 0.5, p_off_low = null, p_off_high = 0.7 where {GAP}",
        f"update monthly_gaps set expected_off_low = expected_off + 1 where {MAY_MARGIN}",
        f"update monthly_gaps set expected_off_high = null where {MAY_MARGIN}",
    ],
    "rates_are_gaps_over_ship_hours": [
        f"update monthly_gaps set gaps_per_1000_ship_hours = 0 where {MAY_MARGIN}",
        f"update monthly_gaps set gaps_per_1000_ship_hours = null where {MAY_MARGIN}",
    ],
    "monthly_gaps_count_every_gap_once": [
        f"delete from gaps where {GAP}",
        "delete from gaps where gap_id = 'gap-009'",
        "delete from gaps where gap_id = 'gap-011'",
        "delete from monthly_gaps where month = '2023-07-01'",
        "update rules set value = 'true' where name = 'gaps.count_above_only'",
    ],
    "monthly_calls_count_every_near_port_gap_once": [
        "delete from near_port_gaps where gap_id = 'gap-001'",
        "delete from monthly_dark_port_calls where month = '2023-05-01'",
    ],
    "every_month_has_its_rows": [
        "delete from monthly_gaps where month = '2023-06-01' and at_least_h = 30",
        f"delete from monthly_dark_port_calls where scope = 'ru_ir_any' and {CALLS_MARGIN}",
    ],
    "a_cell_has_one_row": [
        f"insert into {name} select * from {name}"
        for name in ("monthly_gaps", "monthly_dark_port_calls", "indicator")
    ],
    "unobserved_months_are_null": [
        f"update monthly_gaps set {measure} = {value} where month = '{month}'"
        for measure in (
            "gaps",
            "open_gaps",
            "left_region",
            "ships_seen",
            "ships_with_gap",
            "ship_hours",
            "heard_hours",
        )
        for month, value in (("2023-06-01", "0"), ("2023-05-01", "null"))
    ],
    "a_final_month_is_final_everywhere": [
        f"update monthly_gaps set status = 'provisional' where {MAY_MARGIN}",
        "update monthly_gaps set status = 'final' where month = '2023-07-01'",
        "update monthly_dark_port_calls set status = 'final' where month = '2023-05-01'",
    ],
    "published_rows_name_their_method": [
        f"update {name} set {column} = {value}"
        for name in (
            "gaps",
            "dark_port_calls",
            "near_port_gaps",
            "lit_port_calls",
            "legs",
            "canal_transits",
            "monthly_gaps",
            "monthly_dark_port_calls",
            "indicator",
            "indicator_years",
            "sensitivity",
            "spikes",
            "published_beside_ours",
        )
        for column, value in (("method_version", "''"), ("rules_hash", "null"))
    ],
    "probabilities_lie_between_0_and_1": [
        "update gaps set p_off = 1.01",
        "update gaps set p_off_low = -0.01",
        "update gaps set p_off_high = 'nan'",
        "update dark_port_calls set p_call = 2",
        "update monthly_dark_port_calls set dark_share = 1.5",
        "update indicator set p_high = -1",
        "update indicator_years set p_low = 2",
        "update sensitivity set p_low = 2",
    ],
    "a_rated_year_has_twelve_months_with_data": [
        f"update {name} set {change}"
        for name, expected in (("indicator", "expected_12m"), ("indicator_years", "expected_calls"))
        for change in (
            "rating = 'High', p_low = 0, p_medium = 0, p_high = 1",
            f"{expected} = 1",
            "p_low = 1, p_medium = 0, p_high = 0",
        )
    ],
    "monthly_calls_add_up_to_what_was_found": [
        "delete from dark_port_calls where call_id = 'call-001'",
        "update lit_port_calls set is_glimpsed = true",
        *(
            f"update call_sums set {name} = {name} + 1"
            for name in ("expected_calls", "expected_unheard", "glimpsed")
        ),
        "delete from call_sums",
    ],
    "candidates_of_a_gap_add_up": [
        CANDIDATE.format(gap="gap-001", p_call=0.6, p_unheard=0.3, p_off=0.6),
        CANDIDATE.format(gap="gap-001", p_call=0.6, p_unheard=0.4, p_off=0.5),
        CANDIDATE.format(gap="gap-001", p_call="null", p_unheard="null", p_off=0.5),
        CANDIDATE.format(gap="gap-011", p_call=0.6, p_unheard=0.4, p_off=0.6),
        CANDIDATE.format(gap="gap-001", p_call=0.6, p_unheard=0.4, p_off=0.6)
        + "; update port_candidates set p_prior = 0.9",
    ],
    "no_outage_lies_beyond_data_end": [
        "insert into outage_hours values ('caspian', '2023-07-20', 'ships_lost', null, 9)"
    ],
    "outage_hours_are_clock_hours_of_the_area": [
        f"update monthly_gaps set outage_hours = 1 where {MAY_MARGIN} and at_least_h = 30",
        "update monthly_gaps set outage_hours = 745 where month = '2023-05-01'",
        "update monthly_gaps set outage_hours = -1 where month = '2023-05-01'",
        f"update monthly_gaps set outage_hours = null where {MAY_MARGIN} and at_least_h = 30",
        "update monthly_gaps set outage_hours = 0 where month = '2023-06-01'",
    ],
    "a_place_has_one_row_an_hour_of_the_data": [
        "insert into reception_cells select * from reception_cells",
        "update reception_cells set hour = '2023-07-20' where is_live",
        "update reception_cells set hour = '2023-05-01 01:30' where is_live",
    ],
    "a_place_is_live_where_somebody_is_heard": [
        "update reception_cells set beacons_heard = 1 where not is_live",
        "update reception_cells set is_live = false",
        "update reception_cells set ships_heard_by_satellite = 1 where not is_live",
    ],
    "receptions_are_expected_where_a_place_is_live": [
        "update reception_cells set expected_stopped = null",
        "update reception_cells set expected_under_way = 1",
        "update reception_cells set expected_under_way = -1 where is_live",
    ],
    "ships_heard_in_a_place_are_known_to_be_there": [
        "update reception_cells set ships_heard = 3",
        "update reception_cells set ships_heard_by_satellite = 3",
        "update reception_cells set ships_heard = -1",
        "update reception_cells set ships_heard = 0, ships_present = 0",
    ],
    "hours_of_a_gap_lie_inside_it_and_add_up": [
        HOUR_OF_GAP.format(at="off_at", expected=1, live_h=9),
        HOUR_OF_GAP.format(at="on_at", expected=1, live_h=9),
        HOUR_OF_GAP.format(at="on_at - interval 59 minute", expected=1, live_h=9),
        HOUR_OF_GAP.format(at="off_at + interval 1 hour", expected=9.1, live_h=9),
        HOUR_OF_GAP.format(at="off_at + interval 1 hour", expected=1, live_h=0.5),
        HOUR_OF_GAP.format(at="off_at + interval 1 hour", expected=1, live_h="null"),
        "insert into gap_hours values ('no gap', '2023-05-02', 49, 37, true, 1)",
    ],
    "no_voyage_reaches_beyond_data_end": [
        "update lit_port_calls set left_at = '2023-07-20 00:00:01'",
        "update legs set arrived_at = left_at - interval 1 second",
        "update canal_transits set left_at = '2023-08-01'",
    ],
    "a_lit_call_rests_long_enough": [
        "update lit_port_calls set stopped_h = 3.9",
        "update lit_port_calls set silent_h = 2",
    ],
    "legs_of_a_ship_do_not_overlap": ["update legs set arrived_at = '2023-05-05'"],
    "a_dark_passage_is_spanned_by_its_gap": [
        "update canal_transits set passage = 'dark'",
        "update canal_transits set gap_id = 'gap-001'",
        "update canal_transits set gap_id = 'gap-001', passage = 'dark'",
        "update canal_transits set gap_id = 'nobody', passage = 'unheard'",
    ],
    "the_headline_of_sensitivity_is_the_indicators": [
        "update indicator set rating = 'Low'",
        "update sensitivity set p_low = 0.5 where choice = 'headline'",
        "delete from sensitivity where choice = 'headline' and scope = 'all'",
        "update sensitivity set month = '2023-05-01' where choice = 'headline'",
    ],
    "a_choice_changes_the_class_where_it_is_another": [
        "update sensitivity set rating = 'Low' where choice = 'counted'",
        "update sensitivity set is_changed = true where choice = 'headline'",
        "update sensitivity set is_changed = false where rating is null",
        "update sensitivity set expected_12m = 1 where rating is null",
        "delete from sensitivity where choice = 'headline'",
    ],
    "a_trailing_year_has_twelve_months_with_data": ["update indicator set upper_bound_12m = 0"],
}


def test_candidates_that_add_up_are_no_offenders(dozen):
    check = SQL / "checks" / "candidates_of_a_gap_add_up.sql"
    dozen.execute("begin")
    dozen.execute(CANDIDATE.format(gap="gap-001", p_call=0.6, p_unheard=0.4, p_off=0.6))
    failure = run_check(dozen, check)
    dozen.execute("rollback")
    assert failure is None


def test_an_hour_inside_a_gap_is_no_offender(dozen):
    dozen.execute("begin")
    dozen.execute(HOUR_OF_GAP.format(at="off_at + interval 1 hour", expected=9, live_h=1))
    failures = run_checks(dozen, SQL)
    dozen.execute("rollback")
    assert failures == []


def test_every_check_holds_on_good_data(dozen):
    assert run_checks(dozen, SQL) == []


def test_every_check_has_a_fault_that_it_finds():
    assert sorted(FAULTS) == sorted(path.stem for path in (SQL / "checks").glob("*.sql"))


@pytest.mark.parametrize("check", sorted(FAULTS))
def test_a_check_finds_its_offenders(dozen, check):
    for fault in FAULTS[check]:
        dozen.execute("begin")
        dozen.execute(fault)
        failure = run_check(dozen, SQL / "checks" / f"{check}.sql")
        dozen.execute("rollback")
        assert failure is not None, fault
        assert 1 <= len(failure.offenders) <= 5


def test_the_bound_of_a_full_year_may_not_be_missing():
    connection = rolled([], year_of_data(), data_end=datetime(2023, 7, 1))
    connection.execute("update indicator set upper_bound_12m = null")
    assert "a_trailing_year_has_twelve_months_with_data" in {
        failure.name for failure in run_checks(connection, SQL)
    }


def test_a_failure_says_the_sentence_and_the_rows(dozen):
    dozen.execute("begin")
    dozen.execute("update files set accepted = 4 where feed = 'north'")
    failures = run_checks(dozen, SQL)
    dozen.execute("rollback")
    assert failures == [
        Failure(
            "every_row_read_is_accounted_for",
            "Every row read is accepted, a duplicate, outside or rejected.",
            (
                {
                    "feed": "north",
                    "file": "file-001.csv",
                    "read": 10,
                    "accepted": 4,
                    "duplicate": 1,
                    "outside": 1,
                    "rejected": 3,
                },
            ),
        )
    ]
    assert str(failures[0]) == (
        "every_row_read_is_accounted_for: not true that"
        " 'Every row read is accepted, a duplicate, outside or rejected.':"
        " feed north, file file-001.csv, read 10, accepted 4, duplicate 1, outside 1, rejected 3"
    )


def test_checks_hold_on_many_random_ships():
    rng = random.Random(5)
    gaps = [
        gap(
            rng.choice([A, B, C, D]),
            datetime(2023, 5, 1) + timedelta(seconds=rng.randrange(60 * 86_400)),
            rng.choice([4, 5.5, 13, 31, 80]),
            off_area=rng.choice(AREAS),
            off_port_group=rng.choice(GROUPS),
            data_end=datetime(2023, 12, 1),
        )
        for _ in range(300)
    ]
    ships = [
        seen(ship, month, area=area, port_group=group)
        for ship, month, area, group in itertools.product((A, B, C, D), (MAY, JUNE), AREAS, GROUPS)
    ]
    connection = rolled(gaps, ships, data_end=datetime(2023, 12, 1))
    assert run_checks(connection, SQL) == []
