"""Interference: hours and places in which many ships jumped (METHOD 2, 4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import gnss, tracks
from pipeline.rules import GnssRules, TrackRules
from tests import night

NO_HIGH_SPEED = pl.Series("mmsi", [], dtype=pl.Int32)
DAY = datetime(2023, 5, 10)
MINUTE = timedelta(minutes=1)
RULES = GnssRules()
# A roads with five ships of three flags, and the airport that disturbed sets believe to be at.
ROADS, AIRPORT, FAR_AWAY = (47.8, 43.2), (47.6, 42.8), (51.3, 37.3)
SHIPS = (273_000_001, 273_000_002, 422_000_003, 422_000_004, 423_000_005)
Row = tuple[int, datetime, float, float]


def at(mmsi: int, minute: float, place: tuple[float, float] = ROADS) -> Row:
    return (mmsi, DAY + minute * MINUTE, *place)


def disturbed(
    mmsi: int, minutes: Iterable[int] = (603, 613), place: tuple[float, float] = AIRPORT
) -> list[Row]:
    """Return a day of a moored ship, heard every ten minutes and thrown elsewhere at some."""
    true = [at(mmsi, minute) for minute in range(0, 1440, 10)]
    return [*true, *(at(mmsi, minute, place) for minute in minutes)]


def marked(rows: Iterable[Row]) -> pl.DataFrame:
    """Return the marked hours of one UTC day."""
    frame = pl.DataFrame(
        list(rows),
        schema={
            "mmsi": pl.Int32,
            "seen_at": pl.Datetime("us"),
            "lon": pl.Float64,
            "lat": pl.Float64,
        },
        orient="row",
    ).sort("mmsi", "seen_at", "lon", "lat")
    segmented = tracks.segment_day(frame, NO_HIGH_SPEED, TrackRules())
    leaps = gnss.find_leaps(segmented, RULES)
    assert leaps.equals(gnss.find_leaps(segmented.reverse(), RULES))
    return gnss.mark_hours(leaps, RULES)


def cells(found: pl.DataFrame) -> set[tuple[int, float, float]]:
    return {(hour.hour, west, south) for hour, west, south, *_ in found.iter_rows()}


def test_ships_that_jump_together_mark_the_hour_and_both_places() -> None:
    found = marked(row for mmsi in SHIPS for row in disturbed(mmsi))
    assert {hour for hour, *_ in cells(found)} == {10}
    assert {(10, 47.5, 43.0), (10, 47.5, 42.5)} <= cells(found)
    # The cells around both: 3 x 4 of them, and no more.
    assert len(cells(found)) == 12
    assert set(found["ships"]) == {5}
    assert set(found["flags"]) == {3}


def test_the_last_minute_of_an_hour_marks_that_hour_alone() -> None:
    found = marked(row for mmsi in SHIPS for row in disturbed(mmsi, minutes=(655,)))
    # Thrown away at 10:55, and back at 11:00.
    assert {hour for hour, *_ in cells(found)} == {10, 11}
    found = marked(row for mmsi in SHIPS for row in disturbed(mmsi, minutes=(645,)))
    assert {hour for hour, *_ in cells(found)} == {10}


def test_one_ship_with_a_bad_ping_marks_nothing() -> None:
    assert marked(disturbed(SHIPS[0])).is_empty()
    rows = [row for mmsi in SHIPS[1:] for row in disturbed(mmsi, minutes=())]
    assert marked([*disturbed(SHIPS[0]), *rows]).is_empty()


@pytest.mark.parametrize(
    ("ships", "is_marked"),
    [
        (SHIPS[1:4], True),
        (SHIPS[1:3], False),  # two ships are too few
        ((273_000_001, 273_000_002, 273_000_003, 273_000_004), False),  # one flag
        ((273_000_001, 273_000_002, 999_000_003), True),  # a MMSI that tells no flag is another
    ],
)
def test_it_takes_three_ships_and_two_flags(ships: tuple[int, ...], is_marked: bool) -> None:
    found = marked(row for mmsi in ships for row in disturbed(mmsi))
    assert found.is_empty() != is_marked


def test_ships_that_jump_at_different_hours_or_places_mark_nothing() -> None:
    hours = zip(SHIPS, (63, 183, 303, 423, 543), strict=True)
    assert marked(row for mmsi, at in hours for row in disturbed(mmsi, minutes=(at,))).is_empty()
    apart = [(47.8 + 2 * number, 43.2) for number in range(5)]
    rows = [
        (mmsi, DAY + minute * MINUTE, lon + (0.6 if minute == 603 else 0), lat)
        for mmsi, (lon, lat) in zip(SHIPS, apart, strict=True)
        for minute in (*range(0, 1440, 10), 603)
    ]
    assert marked(rows).is_empty()


def test_one_shared_mmsi_marks_nothing_however_often_it_leaps() -> None:
    rows = disturbed(SHIPS[0], minutes=range(5, 1440, 10), place=FAR_AWAY)
    assert marked(rows).is_empty()


def test_a_silence_in_interference_is_explained_by_it(tmp_path: Path) -> None:
    """The ship of interest is silent for six hours; the others are thrown about in each."""
    silent = range(601, 961)
    rows: list[Any] = [
        row for mmsi in SHIPS[1:] for row in disturbed(mmsi, minutes=range(3, 1440, 60))
    ]
    rows += [row for row in disturbed(SHIPS[0], ()) if (row[1] - DAY) // MINUTE not in silent]
    # Unmarked days before and after tell usual reception.
    rows += [
        at(mmsi, minute + 1440 * day)
        for mmsi in SHIPS
        for day in (-1, 1)
        for minute in range(0, 1440, 10)
    ]
    night.write_canonical(tmp_path / "raw", "coast", night.sightings(rows, sog=0.2))
    done = night.run(tmp_path / "raw", tmp_path / "processed")
    found = done.table("gaps").row(by_predicate=pl.col("mmsi") == SHIPS[0], named=True)
    assert (found["cause"], found["p_off"], found["duration_h"]) == ("gnss", None, 6.166667)
    assert "Positions of many ships jumped there then" in found["reasons"]
    hours = done.table("gnss_hours")
    assert hours["hour"].n_unique() == 24
    assert hours["hour"].is_between(DAY, DAY + timedelta(hours=23)).all()
