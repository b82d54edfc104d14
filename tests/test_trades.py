"""Which port ships go to from which, and what is known of a gap's ports (METHOD 5, 6)."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline.joint.features import Calls
from pipeline.joint.habits import count_calls
from pipeline.joint.hidden import STAYS
from pipeline.joint.trades import find_known, find_lifts
from pipeline.rules import Rules

RULES = Rules()
START = datetime(2023, 1, 1)
DAY = timedelta(days=1)
FLEETS = pl.DataFrame(
    {"mmsi": [1, 2], "fleet": ["merchant", "ferry"]}, schema_overrides={"mmsi": pl.Int32}
)


def stay(mmsi: int, group: str, first_d: float, last_d: float | None) -> tuple[object, ...]:
    return mmsi, group, START + first_d * DAY, None if last_d is None else START + last_d * DAY


def know(*stays: tuple[object, ...]) -> Calls:
    rows = pl.DataFrame(list(stays), schema=STAYS, orient="row")
    return count_calls(rows, FLEETS, 4, RULES)


def gap(first_d: float, last_d: float, mmsi: int = 1, fleet: str = "merchant") -> pl.DataFrame:
    row = {
        "mmsi": mmsi,
        "fleet": fleet,
        "off_at": START + first_d * DAY,
        "on_at": START + last_d * DAY,
    }
    return pl.DataFrame([row], schema_overrides={"mmsi": pl.Int32})


def pair(group: str, hidden: int = 0, everywhere: int = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {"gap": [0], "port_group": [group], "hidden_calls": [hidden], "hidden_all": [everywhere]}
    )


ROUNDS = [
    stay(1, group, 4.0 * number, 4.0 * number + 1)
    for number, group in enumerate(("astrakhan", "anzali") * 10)
]


def test_the_last_known_port_and_the_next_are_those_outside_the_gap() -> None:
    calls = know(stay(1, "astrakhan", 0, 1), stay(1, "anzali", 4, 5), stay(1, "baku", 8, 9))
    assert find_known(gap(2, 7), calls).row(0) == ("astrakhan", "baku")
    # A call that goes on at an end is known there.
    assert find_known(gap(4.5, 8.5), calls).row(0) == ("anzali", "baku")
    assert find_known(gap(0.2, 0.8), calls).row(0) == ("astrakhan", "astrakhan")


def test_a_port_of_long_ago_or_of_another_ship_is_not_known() -> None:
    calls = know(stay(1, "astrakhan", 0, 1), stay(1, "baku", 80, 81), stay(2, "anzali", 40, 41))
    assert find_known(gap(42, 45), calls).row(0) == (None, None)
    assert find_known(gap(1.5, 79), calls).row(0) == ("astrakhan", "baku")


def test_a_ship_that_still_lies_there_is_known_to() -> None:
    calls = know(stay(1, "astrakhan", 0, 1), stay(1, "anzali", 5, None))
    assert find_known(gap(2, 5.5), calls).row(0) == ("astrakhan", "anzali")


def test_a_fleet_goes_where_it_goes_and_seldom_back_to_where_it_came_from() -> None:
    calls = know(*ROUNDS)
    there, back = (
        find_lifts(gap(1.5, 7.5), pair(group), calls, RULES.joint)
        for group in ("anzali", "astrakhan")
    )
    assert there.from_last[0] > 0.3
    assert back.from_last[0] < 0
    # Astrakhan is the last known port and the next: straight on is what nobody does.
    assert there.direct[0] < -0.5


def test_the_legs_of_a_gap_itself_do_not_speak_for_it() -> None:
    once = know(stay(1, "astrakhan", 0, 1), stay(1, "anzali", 4, 5), stay(1, "astrakhan", 8, 9))
    hidden = find_lifts(gap(1.5, 7.5), pair("anzali", 1, 1), once, RULES.joint)
    told = find_lifts(gap(1.5, 7.5), pair("anzali"), once, RULES.joint)
    assert hidden.from_last[0] == pytest.approx(0.0)
    assert hidden.to_next[0] == pytest.approx(0.0)
    assert told.from_last[0] > 0.1
    # No call is hidden: the leg from the last port to the next is the gap's own.
    straight = know(stay(1, "astrakhan", 0, 1), stay(1, "anzali", 8, 9))
    assert find_lifts(gap(1.5, 7.5), pair("baku"), straight, RULES.joint).direct[
        0
    ] == pytest.approx(0)
    assert find_lifts(gap(1.5, 7.5), pair("baku", 1, 1), straight, RULES.joint).direct[0] > 0.1


def test_of_unknown_ports_and_other_fleets_legs_say_nothing() -> None:
    calls = know(*ROUNDS)
    alone = find_lifts(gap(200, 204), pair("anzali"), calls, RULES.joint)
    other = find_lifts(gap(1.5, 7.5, 2, "ferry"), pair("anzali"), calls, RULES.joint)
    for lifts in (alone, other):
        for name in ("from_last", "to_next", "direct"):
            assert np.array_equal(getattr(lifts, name), [0.0])
