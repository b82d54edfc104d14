"""Voyages between known ports, and passages of the canal (METHOD 7)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline import canal_parts, canal_transits, legs
from pipeline.areas import load_areas
from pipeline.ordered import OrderedDay
from pipeline.rules import Rules
from tests import night

AREAS = load_areas(night.GEO)
RULES = Rules()
START = datetime(2021, 4, 20)


def known_ports(*rows: tuple[str, str, str, float, float]) -> pl.DataFrame:
    """Return known ports: (ship, group, country, arrived and left in hours)."""
    return pl.DataFrame(
        [
            (ship, 1, 1, group, country, *(START + timedelta(hours=hour) for hour in times))
            for ship, group, country, *times in rows
        ],
        schema=["ship_id", "mmsi", "track", "port_group", "country", "arrived_at", "left_at"],
        orient="row",
    )


def test_a_leg_leads_from_one_known_port_to_the_next() -> None:
    known = known_ports(
        ("a", "anzali", "IRN", 0, 10),
        ("a", "olya", "RUS", 80, 90),
        ("a", "olya", "RUS", 93, 95),  # away for 3 h: no leg
        ("a", "olya", "RUS", 99, 110),  # away for 4 h
        ("b", "baku", "AZE", 0, 50),
        ("b", "anzali", "IRN", 100, 110),
    )
    found = legs.list_legs(known.sample(fraction=1, shuffle=True, seed=1), RULES)
    assert found.select(
        "ship_id", "from_group", "to_group", "hours", "is_crossing", "is_ru_ir_crossing"
    ).rows() == [
        ("a", "anzali", "olya", 70.0, True, True),
        ("a", "olya", "olya", 4.0, False, False),
        ("b", "baku", "anzali", 50.0, True, False),
    ]


def test_ports_at_one_time_have_no_leg_between_them() -> None:
    known = known_ports(("a", "anzali", "IRN", 0, 100), ("a", "olya", "RUS", 50, 150))
    assert legs.list_legs(known, RULES).is_empty()


def test_the_gaps_of_a_leg_lie_wholly_in_it() -> None:
    known = known_ports(("a", "anzali", "IRN", 0, 10), ("a", "olya", "RUS", 80, 90))
    spans = [
        ("a", 10, 40, 0.9),
        ("a", 50, 60, None),
        ("a", 5, 20, 0.9),
        ("a", 70, 85, 0.9),
        ("a", 70, None, 0.9),
        ("b", 50, 60, 0.9),
    ]
    gaps = pl.DataFrame(
        {
            "ship_id": [ship for ship, *_ in spans],
            "off_at": [START + timedelta(hours=off) for _, off, *_ in spans],
            "on_at": [on and START + timedelta(hours=on) for _, _, on, _ in spans],
            "duration_h": [None if on is None else float(on - off) for _, off, on, _ in spans],
            "p_off": [p_off for *_, p_off in spans],
        }
    )
    found = legs.count_gaps(legs.list_legs(known, RULES), gaps)
    assert found.select("gaps", "longest_gap_h", "expected_off").rows() == [(2, 30.0, 0.9)]
    none = legs.count_gaps(legs.list_legs(known, RULES), gaps.clear())
    assert none.select("gaps", "longest_gap_h", "expected_off").rows() == [(0, None, 0.0)]


# --------------------------------------------------------------------------------------- canal

PLACES = {
    "astrakhan": (48.0, 46.3),
    "volga": (46.672, 47.615),  # between Volgograd and Astrakhan
    "caspian": (50.0, 42.0),
    "locks": (44.2, 48.55),
    "kalach": (43.53, 48.62),  # the canal's end: in its polygon, on neither side
    "reservoir": (42.9, 48.0),
    "azov": (38.5, 46.9),
    "outside": (30.0, 44.0),
}
SIDES = {
    **dict.fromkeys(("astrakhan", "volga", "caspian"), "volga"),
    **dict.fromkeys(("reservoir", "azov"), "don"),
    "outside": "outside",
}


def canal_days(seen: Sequence[tuple[int, str]]) -> list[pl.DataFrame]:
    """Return the canal parts of each day: sightings (hour, place) of one track."""
    frame = pl.DataFrame(
        {
            "mmsi": [273_000_001 for _ in seen],
            "seen_at": [START + timedelta(hours=hour) for hour, _ in seen],
            "lon": [PLACES[place][0] for _, place in seen],
            "lat": [PLACES[place][1] for _, place in seen],
        },
        schema_overrides={"mmsi": pl.Int32, "seen_at": pl.Datetime("us")},
    )
    located = AREAS.locate(frame, RULES).with_columns(date=pl.col("seen_at").dt.date())
    return [
        canal_parts.find_canal_parts(OrderedDay(day.with_columns(segment=pl.lit(7))), AREAS).rename(
            {"segment": "track"}
        )
        for day in located.sort("seen_at").partition_by("date", include_key=False)
    ]


def transits(seen: Sequence[tuple[int, str]], *gaps: tuple[int, int, float | None]) -> pl.DataFrame:
    """Return the passages of one track with gaps of (off hour, on hour, p_off)."""
    silences = pl.DataFrame(
        [
            (273_000_001, 7, f"gap-{off}", *(START + timedelta(hours=at) for at in (off, on)), p)
            for off, on, p in gaps
        ],
        schema={
            "mmsi": pl.Int32,
            "track": pl.Int32,
            "gap_id": pl.String,
            "off_at": pl.Datetime("us"),
            "on_at": pl.Datetime("us"),
            "p_off": pl.Float64,
        },
        orient="row",
    )
    merged = canal_parts.merge_canal_parts(pl.concat(canal_days(seen)))
    return canal_transits.list_canal_transits(merged, silences, AREAS.seasons, RULES)


def test_a_passage_is_from_the_last_sighting_beyond_one_end_to_the_first_beyond_the_other() -> None:
    way = [(0, "astrakhan"), (20, "volga"), (25, "locks"), (30, "kalach"), (33, "reservoir")]
    found = transits([*way, (60, "azov"), (250, "reservoir"), (270, "volga")], (250, 270, None))
    assert found.select("direction", "hours", "month", "passage", "season_days").rows() == [
        ("volga_to_don", 13.0, date(2021, 4, 1), "lit", 30),
        ("don_to_volga", 20.0, date(2021, 5, 1), "unheard", 31),
    ]


def test_a_ship_that_turns_back_in_the_canal_or_goes_round_by_sea_has_no_passage() -> None:
    assert transits([(0, "volga"), (9, "locks"), (20, "kalach"), (30, "volga")]).is_empty()
    assert transits([(0, "reservoir"), (90, "outside"), (990, "volga")]).is_empty()


@pytest.mark.parametrize(
    ("p_off", "passage"),
    [(0.8, "dark"), (0.95, "dark"), (0.79, "unheard"), (0.0, "unheard"), (None, "unheard")],
)
def test_a_passage_in_one_gap_is_dark_or_unheard_by_its_p_off(
    p_off: float | None, passage: str
) -> None:
    found = transits([(0, "volga"), (30, "reservoir")], (0, 30, p_off))
    assert found.select("passage", "gap_id", "p_off").rows() == [(passage, "gap-0", p_off)]


def test_two_gaps_with_a_sighting_in_the_canal_between_them_make_a_lit_passage() -> None:
    seen = [(0, "volga"), (10, "locks"), (20, "reservoir")]
    assert transits(seen, (0, 10, 0.9), (10, 20, 0.9))["passage"].to_list() == ["lit"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.sampled_from(list(PLACES))), min_size=1, max_size=20),
    st.lists(st.integers(0, 20), max_size=3),
)
def test_any_stretches_of_days_give_the_passages_of_the_whole_track(
    drawn: list[tuple[int, str]], cuts: list[int]
) -> None:
    hours = itertools.accumulate(step for step, _ in drawn)
    seen = list(zip(hours, (place for _, place in drawn), strict=True))
    days = canal_days(seen)
    at = [0, *sorted(min(cut, len(days)) for cut in cuts), len(days)]
    stretches = [
        canal_parts.merge_canal_parts(pl.concat(days[a:b]))
        for a, b in itertools.pairwise(at)
        if a < b
    ]
    random.Random(1).shuffle(stretches)
    merged = canal_parts.merge_canal_parts(pl.concat(stretches))
    assert_frame_equal(merged, canal_parts.merge_canal_parts(pl.concat(days)))

    told = [(hour, SIDES[place]) for hour, place in seen if place in SIDES]
    wanted = [
        (f"{side}_to_{there}", float(then - hour))
        for (hour, side), (then, there) in itertools.pairwise(told)
        if {side, there} == {"volga", "don"}
    ]
    assert transits(seen).select("direction", "hours").rows() == wanted


@pytest.mark.parametrize(
    ("month", "season", "days"),
    [
        (date(2021, 4, 1), (date(2021, 4, 1), date(2021, 12, 3)), 30),
        (date(2021, 12, 1), (date(2021, 4, 1), date(2021, 12, 3)), 3),
        (date(2021, 1, 1), (date(2021, 4, 1), None), 0),
        (date(2021, 5, 1), (date(2021, 4, 1), None), None),
        (date(2021, 12, 1), (None, date(2021, 11, 30)), 0),
        (date(2021, 6, 1), (None, None), None),
    ],
)
def test_days_of_a_season_are_counted_or_unknown(
    month: date, season: tuple[date | None, date | None], days: int | None
) -> None:
    named = {"opened_on": season[0], "closed_on": season[1]}
    assert canal_transits.days_open(month, named) == days
