"""The chain of days, cut into stretches in any way: the same decisions as in one stretch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline.areas import Areas, load_areas
from pipeline.clean import SIGHTING_KEY
from pipeline.rules import Rules
from tests import worlds
from tests.chain_model import (
    FIRST_MMSI,
    LONG_STEPS,
    NO_HIGH_SPEED,
    PLACES,
    RULES,
    START,
    STEPS,
    VERY_LONG_STEPS,
    Cut,
    Judged,
    all_at_once,
    cuttings,
    judge_in_stretches,
    sighting_at,
    small_worlds,
)
from tests.oracle import DAY_S, HOUR_S, Sighting, second_of
from tests.worlds import GEO_SQUARES, SQUARES

FAST = pl.Series("mmsi", [FIRST_MMSI], dtype=pl.Int32)
HOSTILE_STEPS = STEPS + LONG_STEPS + VERY_LONG_STEPS
a_world = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def areas() -> Areas:
    return load_areas(GEO_SQUARES)


def each_day(days: Sequence[date]) -> list[list[date]]:
    """Cut days one by one, as nightly runs would."""
    return [[day] for day in days]


def assert_same_decisions(one: Judged, other: Judged) -> None:
    """Compare what two chains decided, and what they leave open."""
    assert_frame_equal(one.unconfirmed, other.unconfirmed)
    for name in ("segments", "silences", "short"):
        assert_frame_equal(getattr(one.decided, name), getattr(other.decided, name))
    assert_frame_equal(one.jumps, other.jumps)
    assert_frame_equal(one.open_silences, other.open_silences)
    # What is left open goes on into later days: equal in content, whatever the order of rows.
    for name in ("tracks", "hours"):
        left, right = getattr(one.ends, name), getattr(other.ends, name)
        assert_frame_equal(left.sort(left.columns), right.sort(left.columns))


@st.composite
def ends_of_data(draw: st.DrawFn, sightings: list[Sighting]) -> int:
    """Draw an end of the data: at a sighting, right after it, or days after the last."""
    instants = sorted({one.second for one in sightings})
    late = (instants[-1] + 1, instants[-1] + 5 * DAY_S)
    return draw(st.sampled_from([*instants[1:], *(one + 1 for one in instants), *late]))


@a_world
@given(small_worlds(HOSTILE_STEPS, most_sightings=16), cuttings(), st.data())
def test_any_stretches_of_days_decide_what_all_days_at_once_decide(
    areas: Areas, sightings: list[Sighting], cut: Cut, data: st.DataObject
) -> None:
    data_end = data.draw(ends_of_data(sightings))
    high_speed = data.draw(st.sampled_from([NO_HIGH_SPEED, FAST]))
    min_gap_s = data.draw(st.sampled_from((RULES.gaps.min_gap_s, 60, DAY_S)))
    rules = Rules.model_validate({"gaps": {"min_gap_s": min_gap_s}})
    at_once = judge_in_stretches(sightings, areas, data_end, all_at_once, rules, high_speed)
    in_stretches = judge_in_stretches(sightings, areas, data_end, cut, rules, high_speed)
    assert_same_decisions(at_once, in_stretches)


@a_world
@given(small_worlds(), cuttings(), st.booleans())
def test_mmsis_that_are_not_split_are_linked_in_any_stretches_too(
    areas: Areas, sightings: list[Sighting], cut: Cut, count_above_only: bool
) -> None:
    rules = Rules.model_validate(
        {
            "tracks": {"split_tracks": False},
            "gaps": {"count_above_only": count_above_only, "positions_before_h": 30},
        }
    )
    data_end = max(one.second for one in sightings) + HOUR_S
    at_once = judge_in_stretches(sightings, areas, data_end, all_at_once, rules)
    in_stretches = judge_in_stretches(sightings, areas, data_end, cut, rules)
    assert_same_decisions(at_once, in_stretches)


@pytest.mark.parametrize("kind", worlds.SCENARIOS)
def test_ships_of_every_kind_are_linked_day_by_day_as_at_once(areas: Areas, kind: str) -> None:
    rng = random.Random(kind)
    clock = worlds.Clock(START, START + 12 * DAY_S)
    sightings: list[Sighting] = []
    for number in range(6):
        mmsi = FIRST_MMSI + number
        pings = worlds.try_ship(rng, worlds.SCENARIOS[kind], clock, mmsi)
        sightings += worlds.sightings_of(mmsi, pings, SQUARES)
    data_end = max(one.second for one in sightings) + HOUR_S
    at_once = judge_in_stretches(sightings, areas, data_end, high_speed=FAST)
    day_by_day = judge_in_stretches(sightings, areas, data_end, each_day, high_speed=FAST)
    assert_same_decisions(at_once, day_by_day)


# ------------------------------------------------------------------------------------- by hand


def at(hour: float, place: int = 0, mmsi: int = FIRST_MMSI) -> Sighting:
    """Return a sighting some hours after midnight of 1 May 2023."""
    return sighting_at(second_of(datetime(2023, 5, 1)) + round(hour * HOUR_S), PLACES[place], mmsi)


def ended(judged: Judged) -> list[tuple[float, float]]:
    """Return the silences that ended, as hours after midnight of 1 May 2023."""
    start = datetime(2023, 5, 1)
    hour = timedelta(hours=1)
    rows = judged.decided.silences.select("off_at", "on_at").iter_rows()
    return [((off - start) / hour, (on - start) / hour) for off, on in rows]


def hold(areas: Areas, sightings: list[Sighting], end_h: float) -> Judged:
    """Judge day by day, hold it against all days at once, and return it."""
    data_end = second_of(datetime(2023, 5, 1)) + round(end_h * HOUR_S)
    judged = judge_in_stretches(sightings, areas, data_end, each_day)
    assert_same_decisions(judge_in_stretches(sightings, areas, data_end), judged)
    return judged


def test_a_silence_over_months_without_data_ends_in_the_month_it_ends(areas: Areas) -> None:
    judged = hold(areas, [at(1), at(2), at(100 * 24), at(100 * 24 + 1)], 100 * 24 + 2)
    assert ended(judged) == [(2, 2400)]


def test_a_lone_ping_on_the_last_evening_is_judged_when_the_next_day_comes(areas: Areas) -> None:
    before = [at(1), at(2), at(22, place=7)]
    assert hold(areas, before, 24).unconfirmed.is_empty()
    judged = hold(areas, [*before, at(30), at(31)], 32)
    assert judged.unconfirmed.select(SIGHTING_KEY).rows() == [
        (FIRST_MMSI, before[-1].seen_at, before[-1].lon, before[-1].lat)
    ]
    assert ended(judged) == [(2, 30)]


def test_pings_refused_one_after_the_other_are_judged_against_the_last_one_kept(
    areas: Areas,
) -> None:
    far = [at(24 * day + 12, place=7) for day in range(3)]
    # Each ping at the far place could be reached from the one before it, which was refused.
    judged = hold(areas, [at(0), at(1), *far, at(75), at(76)], 77)
    first = judged.unconfirmed["seen_at"].to_list()
    assert first[0] == far[0].seen_at


def test_two_ships_under_one_mmsi_keep_their_tracks_over_midnight(areas: Areas) -> None:
    sightings = [at(20 + hour / 2, place=0 if hour % 2 else 3) for hour in range(20)]
    judged = hold(areas, sightings, 31)
    assert judged.decided.segments["track"].n_unique() == 2
    assert ended(judged) == []


def test_a_jump_stays_pending_until_a_later_day_confirms_or_refuses_it(areas: Areas) -> None:
    pending = [at(20), at(23), at(23.5, place=3)]
    assert hold(areas, pending, 24).jumps.is_empty()
    assert hold(areas, [*pending, at(26), at(27)], 28).jumps.height == 1
    assert hold(areas, [*pending, at(25, place=3), at(26)], 28).jumps.is_empty()


def test_sightings_of_hours_before_midnight_are_counted_before_a_silence(areas: Areas) -> None:
    judged = hold(areas, [*(at(hour) for hour in range(20, 26)), at(40), at(41)], 42)
    counted = judged.decided.silences["positions_12h_before"].to_list()
    assert (ended(judged), counted) == ([(25, 40)], [6])
