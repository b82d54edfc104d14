"""In tow: beside one tug at both ends of the silence, and moved between them (METHOD 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipeline import tow
from pipeline.rules import Rules

START = datetime(2023, 5, 1)
TUG, OTHER_TUG = 273_000_052, 273_000_053
TUGS = pl.Series([TUG, OTHER_TUG], dtype=pl.Int32)


def silence(**changes: Any) -> pl.DataFrame:
    row: dict[str, Any] = {
        "mmsi": 273_000_001,
        "off_nav_status": 0,
        "off_at": START,
        "off_lon": 50.0,
        "off_lat": 41.0,
        "on_at": START + timedelta(hours=20),
        "on_lon": 50.0,
        "on_lat": 42.0,
        **changes,
    }
    return pl.DataFrame(
        [row],
        schema_overrides={
            "mmsi": pl.Int32,
            "on_at": pl.Datetime("us"),
            "on_lon": pl.Float64,
            "on_lat": pl.Float64,
        },
    )


def tugs_at(*rows: tuple[int, float, float, float]) -> pl.DataFrame:
    """Return tug sightings of (tug, hours after START, longitude, latitude)."""
    frame = pl.DataFrame(
        {
            "mmsi": [tug for tug, *_ in rows],
            "seen_at": [START + timedelta(hours=hour) for _, hour, _, _ in rows],
            "lon": [lon for *_, lon, _ in rows],
            "lat": [lat for *_, lat in rows],
        },
        schema_overrides={"mmsi": pl.Int32, "seen_at": pl.Datetime("us")},
    )
    return tow.pick_tugs(frame, TUGS)


def is_towed(silences: pl.DataFrame, seen: pl.DataFrame) -> bool:
    return tow.find_towed(silences, seen, TUGS, Rules().ships)[0]


BESIDE_BOTH = ((TUG, 0.1, 50.001, 41.0), (TUG, 19.9, 50.001, 42.0))


def test_a_ship_beside_one_tug_at_both_ends_is_in_tow() -> None:
    assert is_towed(silence(), tugs_at(*BESIDE_BOTH))


def test_two_tugs_one_at_each_end_are_no_tow() -> None:
    assert not is_towed(silence(), tugs_at(BESIDE_BOTH[0], (OTHER_TUG, 19.9, 50.001, 42.0)))


def test_a_tug_at_the_next_berth_is_no_tow() -> None:
    stays = silence(on_lat=41.001)
    assert not is_towed(stays, tugs_at(BESIDE_BOTH[0], (TUG, 19.9, 50.001, 41.001)))


def test_too_far_or_too_late_is_not_beside() -> None:
    assert not is_towed(silence(), tugs_at((TUG, 0.1, 50.01, 41.0), BESIDE_BOTH[1]))
    assert not is_towed(silence(), tugs_at((TUG, 0.3, 50.001, 41.0), BESIDE_BOTH[1]))


def test_a_status_that_says_so_is_enough() -> None:
    assert is_towed(silence(off_nav_status=12, on_at=None, on_lon=None, on_lat=None), tugs_at())


def test_a_tug_is_never_in_tow() -> None:
    assert not is_towed(silence(mmsi=TUG), tugs_at(*BESIDE_BOTH))
    assert not is_towed(silence(mmsi=TUG, off_nav_status=12), tugs_at(*BESIDE_BOTH))


def test_every_row_is_answered_in_its_place() -> None:
    rows = pl.concat(
        [
            silence(),
            silence(mmsi=TUG),
            silence(off_nav_status=11),
            silence(on_lat=41.001),
            silence(),
        ]
    )
    found = tow.find_towed(rows, tugs_at(*BESIDE_BOTH), TUGS, Rules().ships)
    assert found.to_list() == [True, False, True, False, True]
    assert found.name == "is_towed"


def test_the_days_to_look_at_are_those_of_both_ends_and_of_the_minutes_around_them() -> None:
    late = {"off_at": START - timedelta(seconds=900), "on_at": START + timedelta(hours=20)}
    days = [datetime(2023, 4, 30).date(), START.date()]
    assert tow.days_beside(silence(**late), Rules().ships) == days
    until_midnight = silence(on_at=START + timedelta(hours=24) - timedelta(seconds=900))
    before_it = silence(on_at=START + timedelta(hours=24) - timedelta(seconds=901))
    by_noon = {"off_at": START + timedelta(hours=12)}
    assert len(tow.days_beside(until_midnight.with_columns(**by_noon), Rules().ships)) == 2
    assert len(tow.days_beside(before_it.with_columns(**by_noon), Rules().ships)) == 1


def test_no_day_is_looked_at_for_a_ship_that_was_not_heard_again_or_did_not_move() -> None:
    still_silent = silence(on_at=None, on_lon=None, on_lat=None)
    assert tow.days_beside(still_silent, Rules().ships) == []
    assert tow.days_beside(silence(on_lat=41.001), Rules().ships) == []
