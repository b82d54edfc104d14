"""Intervals, ratings, trends and spikes, on gaps and calls of which the answer is plain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import schema
from pipeline.errors import ConfigError
from pipeline.indicator import (
    find_dispersion,
    find_ratio,
    find_spikes,
    list_call_chances,
    read_baseline,
)
from pipeline.indicator.baseline import pick_parts
from pipeline.indicator.draws import draw_learned, draw_months, draw_normals, draw_uniforms
from pipeline.indicator.rating import find_class_chances, guard_class, print_class
from pipeline.indicator.spikes import find_limit
from pipeline.indicator.trends import name_trend
from pipeline.rollup import roll_up, run_checks
from pipeline.rules import IndicatorRules, Rules
from tests import builders, night
from tests.test_rollup import SQL, connect, gap, parameters, read, rolled, seen

Row = dict[str, Any]
RULES = IndicatorRules()
YEAR = [date(2022, month, 1) for month in range(7, 13)] + [
    date(2023, one, 1) for one in range(1, 7)
]
AFTER = datetime(2023, 7, 1)
SHIP = 273_000_001
IN_SCOPE = {"in_ru_ir_crossing": True, "in_ru_ir_any": True, "in_any_flag_crossing": True}
HEADLINE = "ru_ir_crossing"


# --------------------------------------------------------------------------------- small words


def year_seen(months: Iterable[date] = tuple(YEAR), **more: Any) -> list[Row]:
    return [seen(SHIP, month, port_group="astrakhan", **more) for month in months]


def hidden(
    number: int, month: date, p_call: float | None, *, p_off: float | None = None, **more: Any
) -> tuple[Row, Row]:
    """A gap of two days that begins in a month, and the call at astrakhan that it may hold."""
    off_at = datetime(month.year, month.month, 2) + timedelta(hours=number % 500)
    spread = p_call if p_off is None else p_off
    judged = dict.fromkeys(("p_off", "p_off_low", "p_off_high"), spread)
    of_gap = {name: more.pop(name) for name in ("mmsi", "cause") if name in more}
    ship = of_gap.get("mmsi", SHIP)
    where = {"off_port_group": "astrakhan", "gap_id": f"g-{number:04}"}
    row = gap(ship, off_at, 48, **where, **judged, **of_gap)
    call = {
        "gap_id": row["gap_id"],
        "month": month,
        "p_call": p_call,
        "mmsi": ship,
        **IN_SCOPE,
        **more,
    }
    call["ship_id"] = f"mmsi:{call.pop('mmsi')}"
    return row, call


def spread_over(months: Iterable[date], each: int, p_call: float | None, **more: Any) -> list[Any]:
    return [
        hidden(number, month, p_call, **more)
        for number, (month, _) in enumerate(itertools.product(months, range(each)))
    ]


def rolled_calls(
    pairs: Iterable[tuple[Row, Row]],
    months: Iterable[Row] | None = None,
    data_end: datetime = AFTER,
    **more: Any,
) -> duckdb.DuckDBPyConnection:
    gaps, chances = zip(*pairs, strict=True) if pairs else ((), ())
    of_month: dict[tuple[Any, ...], float] = {}
    for row in chances:
        if row["p_call"] is not None and not row.get("is_unobservable"):
            key = (row["month"], row.get("port_group", "astrakhan"))
            of_month[key] = of_month.get(key, 0.0) + row["p_call"] * row.get("is_counted", True)
    sums = [
        {"month": month, "port_group": group, "expected_calls": total, **IN_SCOPE}
        for (month, group), total in of_month.items()
    ]
    ships = year_seen() if months is None else months
    # A gap with several calls stands in several pairs.
    gaps = list({row["gap_id"]: {**row, "data_end": data_end} for row in gaps}.values())
    return rolled(gaps, ships, data_end=data_end, chances=chances, sums=sums, **more)


def headline(connection: duckdb.DuckDBPyConnection, month: date = YEAR[-1]) -> Row:
    rows = read(connection, "indicator").filter(scope=HEADLINE, month=month).to_dicts()
    assert len(rows) == 1
    return rows[0]


def exactly(**more: Any) -> Rules:
    """Rules under which nothing but the gaps' own outcomes is drawn."""
    return Rules(indicator=IndicatorRules(off_error_sd=0.0, call_error_sd=0.0, **more))


# --------------------------------------------------------------------------------- draws


def test_a_draw_hangs_on_its_name_alone():
    alone = draw_uniforms(["b"], 50)
    assert np.array_equal(draw_uniforms(["a", "b", "c"], 50)[1:2], alone)
    assert np.array_equal(draw_uniforms(["b"], 80)[:, :50], alone)


def test_uniforms_are_uniform_and_names_independent():
    drawn = draw_uniforms([f"name {number}" for number in range(200)], 2_000)
    assert drawn.min() > 0 and drawn.max() < 1
    assert np.histogram(drawn, 20, (0, 1))[0] == pytest.approx(np.full(20, 20_000), rel=0.03)
    between = np.corrcoef(drawn[:20])
    assert np.abs(between - np.eye(20)).max() < 0.1
    beside = ((drawn[:, :-1] - 0.5) * (drawn[:, 1:] - 0.5)).mean() * 12
    assert beside == pytest.approx(0, abs=0.01)


def test_normals_are_normal():
    drawn = draw_normals(["a", "b"], 4_000)
    assert drawn.mean(axis=1) == pytest.approx([0, 0], abs=0.06)
    assert drawn.std(axis=1) == pytest.approx([1, 1], abs=0.06)


def test_months_are_as_alike_as_their_windows_overlap():
    drawn = draw_months("parameters", [date(2022, month, 1) for month in range(1, 13)], 6, 8_000)
    assert drawn.std(axis=1) == pytest.approx(np.ones(12), abs=0.05)
    found = np.atleast_2d(np.corrcoef(drawn))
    for apart, share in ((1, 5 / 6), (3, 3 / 6), (5, 1 / 6), (6, 0.0)):
        assert found[5, 5 + apart] == pytest.approx(share, abs=0.05)


def test_what_is_drawn_of_a_month_does_not_hang_on_later_months():
    months = [date(2022, month, 1) for month in range(1, 13)]
    early, whole = (draw_learned(some, 6, RULES) for some in (months[:7], months))
    for name in ("parameters", "off_error", "call_error"):
        assert np.array_equal(getattr(early, name), getattr(whole, name)[:7])


# --------------------------------------------------------------------------------- intervals


def test_the_interval_of_sure_gaps_is_their_number():
    connection = rolled_calls(spread_over(YEAR[:1], 7, 1.0), rules=exactly())
    row = read(connection, "monthly_gaps").filter(
        pl.all_horizontal(pl.col("flag", "fleet", "area", "port_group") == "all"),
        at_least_h=30,
        month=YEAR[0],
    )
    assert row.select("expected_off_low", "expected_off", "expected_off_high").row(0) == (7, 7, 7)


def test_the_interval_of_many_even_gaps_is_that_of_a_binomial():
    connection = rolled_calls(spread_over(YEAR[:1], 100, 0.5), rules=exactly())
    rows = read(connection, "monthly_dark_port_calls").filter(scope="all", month=YEAR[0])
    assert rows.height > 1
    for row in rows.to_dicts():
        assert row["expected_calls"] == pytest.approx(50)
        assert row["expected_calls_low"] == pytest.approx(42, abs=1)
        assert row["expected_calls_high"] == pytest.approx(58, abs=1)


def test_what_is_not_known_of_a_month_widens_its_interval():
    even = [spread_over(YEAR[:1], 100, 0.5) for _ in range(2)]
    narrow, wide = (
        read(rolled_calls(pairs, rules=rules), "monthly_gaps")
        .filter(month=YEAR[0], flag="all", fleet="all", area="all", port_group="all", at_least_h=4)
        .select(width=pl.col("expected_off_high") - pl.col("expected_off_low"))
        .item()
        for pairs, rules in zip(even, (exactly(), Rules()), strict=True)
    )
    assert wide > 2 * narrow


def test_a_gap_has_one_call_at_most_and_only_where_its_set_was_off():
    # Two groups of the same gap share one outcome: with 0.5 each, always exactly one call.
    pairs = spread_over(YEAR[:1], 30, 0.5, p_off=1.0)
    other = [(row, {**call, "port_group": "olya"}) for row, call in pairs]
    gaps = [row for row, _ in pairs]
    chances = [call for _, call in [*pairs, *other]]
    connection = rolled(
        gaps, year_seen(), data_end=AFTER, chances=chances, sums=[], rules=exactly()
    )
    rows = read(connection, "monthly_dark_port_calls").filter(
        scope="all", month=YEAR[0], flag="all", port_country="all", port_group="all"
    )
    # Sums are not given here, so the estimate is 0 and the interval reaches down to it.
    assert rows["expected_calls_high"].to_list() == [30]
    low, high = drawn_year(connection)
    assert (low, high) == (30, 30)


def drawn_year(connection: duckdb.DuckDBPyConnection) -> tuple[float, float]:
    row = headline(connection)
    return row["expected_12m_low"], row["expected_12m_high"]


def counted_of_visit(**more: Any) -> list[tuple[str, bool, bool]]:
    """Which of three gaps of one visit counts: one of 0.3, an unobservable one, one of 0.6."""
    placed = pl.DataFrame(
        {
            "gap_id": ["a", "b", "c"],
            "ship_id": ["s"] * 3,
            "port_group": ["olya"] * 3,
            "port_country": ["RUS"] * 3,
            "flag": ["RUS", "RUS", None],
            "cause": ["probable_off", "unobservable", "probable_off"],
            "month": [YEAR[0]] * 3,
            "visit": [1, 1, 1],
            "is_glimpsed": [False] * 3,
            **dict.fromkeys(IN_SCOPE, [True] * 3),
            "is_confirmed": [False] * 3,
            "is_refuted": [False] * 3,
            "p_prior": [0.5, 0.9, 0.2],
            "p_off": [0.6, None, 0.7],
            "p_call": [0.3, None, 0.6],
            "p_unheard": [0.1, None, 0.2],
            **more,
        }
    )
    found = list_call_chances(placed, Rules().calls)
    return found.select("gap_id", "is_counted", "is_unobservable").rows()


def test_gaps_of_one_visit_are_one_call():
    assert counted_of_visit() == [("a", False, False), ("b", False, True), ("c", True, False)]


def test_of_a_visit_the_proved_gap_counts_and_not_the_refuted_one():
    is_first = [("a", True, False), ("b", False, True), ("c", False, False)]
    assert counted_of_visit(is_confirmed=[True, False, False]) == is_first
    assert counted_of_visit(is_refuted=[False, False, True]) == is_first
    # Proof without a set that was off is no grade A.
    found = counted_of_visit(is_confirmed=[True, False, False], p_off=[0.4, None, 0.7])
    assert found[2] == ("c", True, False)


def test_margins_hold_the_gaps_of_their_parts():
    """Each cell is summed up by hand from the same draws, whatever sets it shares."""
    pairs = [
        hidden(number, YEAR[number % 2], 0.2 + 0.06 * number, port_group=group, flag=flag)
        for number, (group, flag) in enumerate(
            itertools.product(("astrakhan", "olya", "anzali"), ("RUS", "IRN", "unknown"))
        )
    ]
    connection = rolled_calls(pairs, rules=exactly())
    drawn = {
        row["gap_id"]: draw_uniforms([row["gap_id"]], RULES.draws)[0] < row["p_off"]
        for row, _ in pairs
    }
    cells = read(connection, "call_intervals").filter(scope="all")
    assert cells.height > 20
    for cell in cells.to_dicts():
        members = [
            drawn[call["gap_id"]]
            for _, call in pairs
            if call["month"] == cell["month"]
            and cell["flag"] in ("all", call["flag"])
            and cell["port_group"] in ("all", call["port_group"])
        ]
        totals = np.sort(np.sum(members, axis=0))
        assert (cell["low"], cell["high"]) == (totals[99], totals[1900])


def test_the_same_night_gives_the_same_draws_whatever_the_order():
    pairs = [hidden(number, YEAR[number % 12], 0.3) for number in range(60)]
    one, other = (
        rolled_calls(order, rules=exactly(), shuffled_by=seed)
        for order, seed in ((pairs, None), (pairs[::-1], 3))
    )
    for name in ("monthly_gaps", "monthly_dark_port_calls", "indicator", "indicator_years"):
        assert read(one, name).equals(read(other, name)), name
    assert run_checks(one, SQL) == []


# --------------------------------------------------------------------------------- rating


def test_many_small_probabilities_do_not_reach_high():
    row = headline(rolled_calls(spread_over(YEAR, 50, 0.005)))
    assert row["expected_12m"] == pytest.approx(3)
    # Poisson's numbers of mean 3 are below 5 in 82 %; what is not known of a year takes some away.
    assert row["p_low"] > 0.65
    assert row["p_high"] < 0.03
    assert "High" not in row["rating"]


def test_thirty_sure_calls_are_high():
    row = headline(rolled_calls(spread_over(YEAR, 3, 1.0)[:30]))
    assert row["rating"] == "High"
    assert (row["p_low"], row["p_medium"], row["p_high"]) == (0, 0, 1)
    assert (row["expected_12m"], row["expected_12m_low"], row["expected_12m_high"]) == (30, 30, 30)


@pytest.mark.parametrize(
    ("calls", "rating"), [(0, "Low"), (4, "Low"), (5, "Medium"), (20, "Medium"), (21, "High")]
)
def test_limits_are_those_of_table_8(calls: int, rating: str):
    assert print_class(find_class_chances(np.full(2_000, calls), RULES), RULES) == rating


def test_the_reason_begins_with_the_class_and_the_figure():
    row = headline(rolled_calls(spread_over(YEAR, 2, 1.0)[:20]))
    assert row["rating"] == "Medium"
    assert row["why"].startswith("Medium: 20.0 dark port calls expected in twelve months")


def test_an_unsure_class_is_printed_as_the_two_likeliest():
    assert print_class((0.79, 0.2, 0.01), RULES) == "Low or Medium"
    assert print_class((0.0, 0.5, 0.5), RULES) == "Medium or High"
    assert print_class((0.8, 0.2, 0.0), RULES) == "Low"


def test_fewer_than_twelve_months_are_not_assessable():
    row = headline(rolled_calls(spread_over(YEAR[1:], 3, 1.0), year_seen(YEAR[1:])))
    assert row["rating"] == "not assessable"
    assert {row[name] for name in ("expected_12m", "p_low", "p_high", "calls_12m_a")} == {None}
    assert "only 11 of twelve months have data" in row["why"]


def test_a_month_without_data_is_null_and_takes_the_rating_away():
    months = [month for month in YEAR if month != date(2023, 2, 1)]
    connection = rolled_calls(spread_over(months, 2, 1.0), year_seen(months))
    assert headline(connection)["rating"] == "not assessable"
    empty = read(connection, "monthly_dark_port_calls").filter(month=date(2023, 2, 1))
    names = ("expected_calls", "expected_calls_low", "expected_calls_high")
    assert {value for name in names for value in empty[name]} == {None}
    gaps = read(connection, "monthly_gaps").filter(month=date(2023, 2, 1))
    assert set(gaps["expected_off_low"]) == {None}


def test_a_world_in_which_nothing_is_observable_is_not_assessable():
    blind = spread_over(YEAR, 2, None, is_unobservable=True, cause="unobservable")
    rows = read(rolled_calls(blind), "indicator").filter(month=YEAR[-1])
    assert rows.height == 4
    assert set(rows["rating"]) == {"not assessable"}
    assert "all 24 gaps that could hide a call are unobservable" in rows["why"][0]


def test_where_nobody_could_ever_be_heard_nothing_is_rated():
    row = headline(rolled_calls([], year_seen(observable_s=0)))
    assert row["rating"] == "not assessable"
    assert "nowhere could anybody have been heard" in row["why"]


def test_unobservable_gaps_make_a_low_rating_a_lower_bound():
    sure = spread_over(YEAR, 2, 0.5)[:8]
    blind = [
        hidden(1_000 + number, month, None, is_unobservable=True, cause="unobservable")
        for number, month in enumerate(YEAR)
    ]
    without, guarded = (
        headline(rolled_calls(pairs, rules=exactly(printed_from=0.5)))
        for pairs in (sure, [*sure, *blind])
    )
    assert without["rating"] == "Low"
    assert guarded["rating"] == "at least Low"
    # Its own probabilities stand as they were: the unobservable ones are supposed, never counted.
    for name in ("p_low", "p_medium", "p_high", "expected_12m"):
        assert guarded[name] == without[name]
    assert "12 possible calls in gaps that nobody could have heard" in guarded["why"]


def test_unobservable_gaps_that_change_nothing_do_not_guard():
    sure = spread_over(YEAR, 2, 0.001)
    blind = [
        hidden(1_000 + number, month, None, is_unobservable=True, cause="unobservable")
        for number, month in enumerate(YEAR)
    ]
    assert headline(rolled_calls([*sure, *blind], rules=exactly()))["rating"] == "Low"


def test_an_unobservable_gap_adds_nothing_whatever_its_probability():
    sure = spread_over(YEAR, 1, 1.0)[:3]
    blind = [
        hidden(1_000 + number, month, 0.9, is_unobservable=True, cause="unobservable")
        for number, month in enumerate(YEAR)
    ]
    connection = rolled_calls([*sure, *blind], rules=exactly())
    row = headline(connection)
    assert (row["expected_12m"], row["expected_12m_high"], row["p_low"]) == (3, 3, 1)
    months = read(connection, "monthly_dark_port_calls").filter(
        scope=HEADLINE, flag="all", port_country="all", port_group="all"
    )
    assert months["expected_calls"].sum() == 3
    assert months["expected_calls_high"].to_list() == [1] * 3 + [0] * 9


@pytest.mark.parametrize(
    ("plain", "with_blind", "printed"),
    [
        ("Low", "Low", "Low"),
        ("Low", "Low or Medium", "at least Low"),
        ("Low or Medium", "Medium", "at least Low"),
        ("Medium", "High", "at least Medium"),
        ("High", "High", "High"),
    ],
)
def test_a_class_is_guarded(plain: str, with_blind: str, printed: str):
    assert guard_class(plain, with_blind) == printed


def test_a_proved_call_is_certain_and_a_refuted_one_is_none():
    pairs = spread_over(YEAR, 1, 0.5, p_off=0.6)
    graded = [
        {"gap_ids": f"other;{row['gap_id']}", "grade": grade, "port_group": "astrakhan", **IN_SCOPE}
        for (row, _), grade in zip(pairs, ("A", "A", "A", "X"), strict=False)
    ]
    row = headline(rolled_calls(pairs, rules=exactly(), calls=graded))
    assert row["expected_12m"] == pytest.approx(3 + 8 * 0.5)
    assert row["expected_12m_low"] >= 3
    assert row["expected_12m_high"] <= 11
    # Beside the rating stand the rows of the table, by their own month.
    assert row["calls_12m_a"] == 3


def test_a_calendar_year_stands_beside_the_trailing_one():
    months = [date(2022, month, 1) for month in range(1, 13)]
    pairs = spread_over(months, 2, 1.0)
    ships = year_seen([*months, *(month for month in YEAR if month.year == 2023)])
    connection = rolled_calls(pairs, ships)
    rows = read(connection, "indicator_years").filter(scope=HEADLINE).to_dicts()
    assert [(row["calendar_year"], row["rating"]) for row in rows] == [
        (2022, "High"),
        (2023, "not assessable"),
    ]
    assert [row["months_with_data"] for row in rows] == [12, 6]
    assert rows[0]["expected_calls"] == 24
    assert run_checks(connection, SQL) == []


# --------------------------------------------------------------------------------- trends

BASE = [date(year, month, 1) for year in (2020, 2021) for month in range(1, 13)]
NOW = [date(2023, month, 1) for month in range(1, 13)]
LAST = datetime(2024, 1, 1)
FLEET = [273_000_100 + number for number in range(12)]


def trend_of(before: int, after: int, *, lit: int = 5, **more: Any) -> Row:
    """The headline of an archive with so many sure calls a month before, and after 2022."""
    ships = itertools.cycle(FLEET)
    numbers = itertools.count()
    pairs = [
        hidden(next(numbers), month, 1.0, mmsi=next(ships))
        for months, each in ((BASE, before), (NOW, after))
        for month, _ in itertools.product(months, range(each))
    ]
    heard = [
        {
            "mmsi": next(ships),
            "month": month,
            "entered_at": datetime(month.year, month.month, 3),
            "left_at": datetime(month.year, month.month, 4),
            **IN_SCOPE,
        }
        for month, _ in itertools.product([*BASE, *NOW], range(lit))
    ]
    months = more.pop("months", [*BASE, *NOW])
    exposure = more.pop("exposure", year_seen(months))
    rules = Rules(indicator=IndicatorRules(draws=400))
    connection = rolled_calls(pairs, exposure, LAST, lit=heard, rules=rules, **more)
    return headline(connection, NOW[-1])


def test_twice_the_calls_are_upward():
    row = trend_of(2, 4)
    assert row["count_ratio"] == pytest.approx((2 * 48 + 0.5) / (2 * 24 + 0.5))
    assert row["count_trend"] == "Upward"
    assert row["baseline"] == "2020-01 to 2021-12, own archive"
    assert row["count_ratio_low"] > 1.1
    assert "calls 1.99 times those of 2020-01 to 2021-12, own archive" in row["why"]


def test_half_the_calls_are_downward():
    assert trend_of(4, 2)["count_trend"] == "Downward"


def test_as_many_calls_of_the_same_ships_are_no_change():
    row = trend_of(4, 4)
    assert row["count_ratio"] == pytest.approx(1)
    assert (row["count_trend"], row["rate_trend"]) == ("No change", "No change")


def test_more_visits_with_as_many_more_calls_are_no_change_of_the_rate():
    row = trend_of(2, 2, lit=0)
    assert row["rate_ratio"] == pytest.approx(1, abs=0.03)


def test_without_base_years_a_trend_is_not_assessable():
    row = trend_of(0, 4, months=NOW)
    assert (row["count_trend"], row["rate_trend"]) == ("Not assessable", "Not assessable")
    assert row["count_ratio"] is None
    assert "no data of 2020 and 2021, and no baseline file" in row["why"]


def test_base_years_in_which_little_could_be_heard_are_not_assessable():
    exposure = [*year_seen(BASE, observable_s=3_600), *year_seen(NOW)]
    row = trend_of(2, 4, exposure=exposure)
    assert row["count_trend"] == "Not assessable"
    assert "too little could have been heard in the base years" in row["why"]


def test_twice_the_calls_where_twice_as_much_is_heard_are_no_change():
    exposure = [*year_seen(BASE, observable_s=120_000), *year_seen(NOW, observable_s=240_000)]
    row = trend_of(4, 8, exposure=exposure)
    assert row["count_ratio"] == pytest.approx(1, abs=0.02)
    assert row["count_trend"] == "No change"


def test_a_refuted_call_counts_by_its_probability_in_a_trend():
    graded = [
        {"gap_ids": f"g-{number:04}", "grade": "X", "port_group": "astrakhan", **IN_SCOPE}
        for number in range(20)
    ]
    row = trend_of(2, 4, calls=graded)
    assert row["count_ratio"] == pytest.approx((2 * 48 + 0.5) / (2 * 24 + 0.5))


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (1.11, 9.0, "Upward"),
        (0.2, 0.89, "Downward"),
        (0.67, 1.5, "No change"),
        (0.66, 1.2, "Undetermined"),
        (0.95, 1.6, "Undetermined"),
    ],
)
def test_a_trend_is_named_by_its_interval(low: float, high: float, word: str):
    assert name_trend(low, high, RULES) == word


def base_rows(**more: Any) -> list[Row]:
    usual = {"flag": "all", "area": "all", "port_group": "all", "at_least_h": 30, "gaps": 10}
    return [{"month": month, "scope": HEADLINE, **usual, **more} for month in BASE]


def test_a_baseline_file_supplies_the_base_years():
    told = {"expected_calls": 2.0, "visits": 7.0, "observability": 0.5}
    row = trend_of(0, 4, months=NOW, base=base_rows(**told))
    assert row["baseline"] == "2020-01 to 2021-12, baseline file"
    assert row["count_ratio"] == pytest.approx(48 * 2 / 48, rel=0.03)
    assert row["rate_trend"] != "Not assessable"
    assert row["raw_gap_ratio"] == pytest.approx(4 / 10)


def test_a_baseline_of_gaps_alone_supplies_the_raw_ratio_alone():
    row = trend_of(0, 4, months=NOW, base=base_rows())
    assert (row["count_trend"], row["rate_trend"]) == ("Not assessable", "Not assessable")
    assert row["raw_gap_ratio"] == pytest.approx(0.4)
    assert "the baseline file gives no expected calls, visits or observability" in row["why"]


def test_a_baseline_by_parts_adds_up_to_its_whole():
    told = {"expected_calls": 1.0, "visits": 3.5, "observability": 0.5, "gaps": 5}
    parts = [row for group in ("olya", "none") for row in base_rows(**told, port_group=group)]
    whole = base_rows(**{**told, "expected_calls": 2.0, "visits": 7.0, "gaps": 10})
    one, other = (trend_of(0, 4, months=NOW, base=base) for base in (parts, whole))
    for name in ("count_ratio", "rate_ratio", "raw_gap_ratio"):
        assert one[name] == pytest.approx(other[name])


def test_where_a_baseline_has_the_whole_its_parts_are_left_out():
    parts = base_rows(gaps=5, port_group="olya") + base_rows(gaps=7, port_group="none")
    rows = builders.frame(schema.Baseline, [*parts, *base_rows(gaps=10)])
    assert set(pick_parts(rows)["gaps"]) == {10}
    assert pick_parts(rows.filter(pl.col("port_group") != "all"))["gaps"].sum() == 12 * len(BASE)


HEADER = (
    "month,scope,flag,area,port_group,at_least_h,ships,gaps,ship_hours,expected_calls,visits,"
    "observability,source"
)
LINE = "2021-05,ru_ir_crossing,all,all,all,30,40,120,9000.5,1.5,60,0.8,our own years"


def test_a_baseline_is_read(tmp_path: Path):
    path = tmp_path / "baseline.csv"
    path.write_text(f"{HEADER}\n{LINE}\n{LINE.replace('2021-05', '2020-05-01')}\n", "utf-8")
    found = read_baseline(path)
    assert found["month"].to_list() == [date(2020, 5, 1), date(2021, 5, 1)]
    assert found.schema == schema.polars_schema(schema.Baseline)
    assert found.row(1)[5:12] == (30, 40, 120, 9000.5, 1.5, 60.0, 0.8)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2021-05", "2021-13", "line 2, column month: found '2021-13', expected a month"),
        ("2021-05", "May", "column month"),
        ("ru_ir_crossing", "everything", "column scope: found 'everything', expected one of"),
        ("ru_ir_crossing,all", "ru_ir_crossing,XXX", "column flag"),
        (",30,", ",,", "column at_least_h: found '', expected a whole number"),
        (",120,", ",-1,", "column gaps: found '-1'"),
        (",9000.5,", ",nan,", "column ship_hours"),
        (",0.8,", ",1.2,", "column observability: found '1.2', expected a share"),
        (",60,", ",1,", "column visits: found '1', expected no fewer visits than"),
        ("our own years", "", "column source"),
        (",0.8,", ",", "13 cells"),
    ],
)
def test_a_fault_in_a_baseline_is_named(tmp_path: Path, old: str, new: str, words: str):
    path = tmp_path / "baseline.csv"
    path.write_text(f"{HEADER}\n{LINE.replace(old, new, 1)}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"baseline .*line 2") as caught:
        read_baseline(path)
    assert words in str(caught.value)


def test_a_baseline_says_nothing_twice_and_has_its_columns(tmp_path: Path):
    path = tmp_path / "baseline.csv"
    path.write_text(f"{HEADER}\n{LINE}\n{LINE}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"line 3, column month: .*no repetition of line 2"):
        read_baseline(path)
    path.write_text(f"{HEADER.removesuffix(',source')}\n", "utf-8")
    with pytest.raises(ConfigError, match="line 1, column header"):
        read_baseline(path)


def test_a_baseline_goes_through_the_night_and_stays_until_the_next(tmp_path: Path):
    rows = [
        (SHIP, f"2023-05-{1 + hour // 24:02}T{hour % 24:02}:00:00Z", 50.0, 40.0)
        for hour in range(48)
    ]
    raw, processed, path = (tmp_path / name for name in ("raw", "processed", "baseline.csv"))
    night.write_canonical(raw, "coast", night.sightings(rows))
    done = night.run(raw, processed)
    assert done.table("baseline").is_empty()
    assert {"indicator_years.csv", "spikes.csv"} <= {one.name for one in processed.iterdir()}
    path.write_text(f"{HEADER}\n{LINE}\n", "utf-8")
    told = ["rollup", "--processed", str(processed), "--areas", str(tmp_path / "geo_whole_world")]
    for more in (["--baseline", str(path)], []):
        night.run_command(*told, *more)
        assert done.table("baseline").equals(read_baseline(path))
    night.run(raw, processed)
    assert done.table("baseline").is_empty()


# --------------------------------------------------------------------------------- published ratios


@pytest.fixture(scope="module")
def published() -> dict[str, float]:
    table = pl.read_csv(SQL / "published_counts.csv")
    return dict(table.select("figure_id", pl.col("value").cast(pl.Float64)).iter_rows())


@pytest.mark.parametrize(
    ("months", "ratio"),
    [(("05",), 4.13), (("06",), 4.63), (("07",), 4.57), (("05", "06", "07"), 4.43)],
)
def test_the_published_ratios_of_2023_on_2022(published, months, ratio):
    after, before = (
        sum(published[name.format(month)] for month in months)
        for name in ("cna_table_5_rus_gaps_2023_{}", "cna_text_rus_gaps_2022_{}")
    )
    assert round(find_ratio(after, before).ratio, 2) == ratio


def test_september_2022_on_2021_with_the_dispersion_of_the_months_published(published):
    september, before, august = (
        published[f"lli_caspian_gaps_{month}"] for month in ("2022_09", "2021_09", "2022_08")
    )
    poisson = find_ratio(september, before)
    assert (round(poisson.ratio, 2), poisson.dispersion) == (1.28, 1)
    assert (round(poisson.low, 2), round(poisson.high, 2)) == (1.14, 1.44)
    # Two months of 2022 that follow each other differ by far more than Poisson's chance: with that
    # much between months, the rise over one year is not told from none.
    dispersion = find_dispersion([(august, september)])
    assert dispersion == pytest.approx((440 - 278) ** 2 / 2 / 359)
    wide = find_ratio(september, before, dispersion)
    assert (round(wide.ratio, 2), round(wide.dispersion, 1)) == (1.28, 36.6)
    assert (round(wide.low, 2), round(wide.high, 2)) == (0.63, 2.63)


def test_the_three_months_of_table_5_vary_no_more_than_poisson(published):
    years = [
        [published[name.format(month)] for month in ("05", "06", "07")]
        for name in ("cna_table_5_rus_gaps_2023_{}", "cna_text_rus_gaps_2022_{}")
    ]
    assert find_dispersion(years) == 1


def test_the_interval_of_a_ratio_covers_what_it_should():
    rng = np.random.default_rng(1)
    held = [
        found.low <= 1.5 <= found.high
        for count, base in rng.poisson((150, 100), (2_000, 2)).tolist()
        if (found := find_ratio(count, base))
    ]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_a_ratio_of_nothing_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        find_ratio(3, 0)
    with pytest.raises(ValueError, match="two counts"):
        find_dispersion([(3,)])


# --------------------------------------------------------------------------------- spikes


def monthly(counts: Iterable[int], hours: Iterable[float]) -> pl.DataFrame:
    usual = {"fleet": "merchant", "area": "all", "port_group": "all", "at_least_h": 30}
    months = [date(2020 + number // 12, number % 12 + 1, 1) for number in range(120)]
    return builders.frame(
        schema.MonthlyGaps,
        [
            {"month": month, "flag": "all", "gaps": gaps, "observable_ship_hours": one, **usual}
            for month, gaps, one in zip(months, counts, hours, strict=False)
        ],
    )


def spikes_of(counts: Iterable[int], hours: Iterable[float]) -> Iterator[Row]:
    found = find_spikes(monthly(counts, hours), RULES, "0.0.0", "000000000000")
    return found.filter(flags="all").sort("month").iter_rows(named=True)


def test_a_month_with_far_more_gaps_an_hour_is_a_spike():
    counts = [30, 28, 33, 31, 29, 30, 32, 27, 30, 75]
    rows = list(spikes_of(counts, [1_000.0] * 10))
    assert [row["is_spike"] for row in rows] == [*[None] * 6, False, False, False, True]
    assert rows[-1]["expected"] == pytest.approx(30)
    assert "75 gaps where 30.0 are foreseen by the 9 months before" in rows[-1]["why"]
    assert rows[0]["why"] == "only 0 months before it with somebody to be heard"
    assert {row["false_alarms_a_year"] for row in rows} == {0.5}


def test_more_gaps_in_as_many_more_hours_are_no_spike():
    counts = [30, 28, 33, 31, 29, 30, 32, 27, 30, 75]
    *_, last = spikes_of(counts, [*[1_000.0] * 9, 2_500.0])
    assert last["is_spike"] is False
    assert last["expected"] == pytest.approx(75)


def test_a_month_in_which_nobody_could_be_heard_is_not_tested():
    *_, last = spikes_of([30] * 10, [*[1_000.0] * 9, 0.0])
    assert last["is_spike"] is None


@pytest.mark.parametrize("dispersion", [1.0, 3.0])
def test_false_alarms_are_as_rare_as_is_said(dispersion: float):
    rng = np.random.default_rng(7)
    hours = rng.uniform(800, 1_200, (4_000, 13))
    mean = 0.04 * hours
    counts = (
        rng.poisson(mean)
        if dispersion == 1
        else rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion)
    )
    alarms = [
        bool(counted[-1] > find_limit(own[-1], counted[:-1], own[:-1], RULES)[1])
        for counted, own in zip(counts.astype(float), hours, strict=True)
    ]
    a_year = 12 * np.mean(alarms)
    # Poisson's counts raise fewer: a dispersion below 1 is not believed.
    assert 0.2 < a_year < RULES.spike_false_alarms + 0.1


@settings(max_examples=3, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]), min_size=0, max_size=12))
def test_every_check_holds_whatever_the_probabilities(values: list[float]):
    pairs = [hidden(number, YEAR[number % 12], p) for number, p in enumerate(values)]
    connection = rolled_calls(pairs)
    assert run_checks(connection, SQL) == []
    row = headline(connection)
    assert row["expected_12m"] == pytest.approx(sum(values), abs=1e-5)
    assert row["expected_12m_low"] <= row["expected_12m"] <= row["expected_12m_high"]


def test_rolling_up_twice_gives_the_same():
    connection = rolled_calls(spread_over(YEAR, 2, 0.5))
    before = {name: read(connection, name) for name in ("indicator", "spikes", "monthly_gaps")}
    roll_up(connection, SQL, parameters(AFTER))
    for name, frame in before.items():
        assert read(connection, name).equals(frame)


def test_a_rule_missing_from_the_table_is_named():
    connection = connect()
    connection.execute("delete from rules where name = 'indicator.draws'")
    with pytest.raises(ConfigError, match=r"no indicator\.draws"):
        roll_up(connection, SQL, parameters())
