"""Silences in which the ship itself was heard, on another track of its MMSI (docs/tracks.md)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import ghosts, store
from pipeline.rules import TrackRules
from tests import night
from tests.nights_published import tell_differences

SHIP, OTHER_SHIP = 273_000_001, 422_000_003
START = datetime(2023, 5, 1)
ROADS, AIRPORT, FAR_AWAY = (47.8, 43.2), (47.6, 42.8), (51.3, 37.3)
DAYS = 12
Row = tuple[int, datetime, float, float]


def at(day: float, place: tuple[float, float] = ROADS, mmsi: int = SHIP) -> Row:
    return (mmsi, START + timedelta(seconds=round(day * 86_400)), *place)


def heard(
    begin: float, end: float, place: tuple[float, float] = ROADS, mmsi: int = SHIP
) -> list[Row]:
    """Return a moored ship heard every half hour from one day on to another."""
    halves = range(round(begin * 48), round(end * 48))
    return [at(half / 48, place, mmsi) for half in halves]


def feed(*parts: Iterable[Row]) -> pl.DataFrame:
    rows: list[Any] = [row for part in parts for row in part]
    return night.sightings(rows, sog=0.2, receiver="terrestrial")


def gaps_of(folder: Path, rows: pl.DataFrame, name: str = "processed") -> pl.DataFrame:
    raw = folder / f"raw-{name}"
    for (day,), of_day in rows.with_columns(day=pl.col("timestamp").dt.date()).group_by("day"):
        night.write_canonical(raw, "coast", of_day.drop("day"), f"{day}.csv")
    return night.run(raw, folder / name).table("gaps").sort("mmsi", "off_at")


# The ship is struck twice on day 5, last when it is heard next; in between it is heard truly.
STRUCK = [at(5 + hour / 24, AIRPORT) for hour in (10.1, 10.6)]
BESIDE = heard(0, DAYS, FAR_AWAY, OTHER_SHIP)


def test_a_ghost_track_is_no_open_gap(tmp_path: Path) -> None:
    assert gaps_of(tmp_path, feed(heard(0, DAYS), STRUCK, BESIDE)).is_empty()


def test_a_ship_that_goes_on_in_the_ghosts_track_leaves_no_open_gap(tmp_path: Path) -> None:
    """Its first true report after the interference is within reach of the false place alone."""
    rows = feed(heard(0, 5 + 10.3 / 24), STRUCK, heard(5 + 11.5 / 24, DAYS), BESIDE)
    done = gaps_of(tmp_path, rows)
    tracks = store.read_table(tmp_path / "processed", "tracks").filter(pl.col("mmsi") == SHIP)
    assert tracks["track"].n_unique() == 2
    assert done.is_empty()


def test_a_ghost_that_comes_back_is_no_long_gap(tmp_path: Path) -> None:
    again = [at(9 + hour / 24, AIRPORT) for hour in (10.1, 10.6)]
    assert gaps_of(tmp_path, feed(heard(0, DAYS), STRUCK, again, BESIDE)).is_empty()


def test_a_true_silence_after_a_ghost_is_one_gap(tmp_path: Path) -> None:
    rows = feed(heard(0, 5 + 11.5 / 24), STRUCK, heard(8, DAYS), BESIDE)
    found = gaps_of(tmp_path, rows)
    assert found["mmsi"].to_list() == [SHIP]
    assert found["on_at"].to_list() == [START + timedelta(days=8)]
    assert found["off_at"].to_list() == [START + timedelta(days=5, hours=11)]


def test_an_open_gap_after_a_ghost_stays_open(tmp_path: Path) -> None:
    found = gaps_of(tmp_path, feed(heard(0, 5 + 11.5 / 24), STRUCK, BESIDE))
    assert found["off_at"].to_list() == [START + timedelta(days=5, hours=11)]
    assert found["is_closed"].to_list() == [False]


def test_two_ships_that_share_a_mmsi_have_their_own_gaps(tmp_path: Path) -> None:
    """One is silent on days 5 and 6 and from day 10 on, the other is always heard."""
    one = [*heard(0, 5), *heard(7, 10)]
    found = gaps_of(tmp_path, feed(one, heard(0, DAYS, FAR_AWAY)))
    assert found["is_closed"].to_list() == [True, False]
    assert found["off_lat"].to_list() == [43.2, 43.2]
    assert found["duration_h"].to_list() == [48.5, None]


def test_the_first_silence_of_two_ships_is_kept_once_they_were_heard_together(
    tmp_path: Path,
) -> None:
    """The second ship is heard from day 5 on, and silent for a day right then."""
    other = [*heard(5, 5.1, FAR_AWAY), *heard(6, DAYS, FAR_AWAY)]
    soon, late = feed(heard(0, 8), other[:100]), feed(heard(0, DAYS), other)
    assert gaps_of(tmp_path, soon, "soon").is_empty()
    assert gaps_of(tmp_path, late, "late")["off_lat"].to_list() == [37.3]


def segments(days: Mapping[int, Iterable[int]]) -> pl.DataFrame:
    """Return segments from 10:00 to 14:00 of some tracks by day of May 2023."""
    first_day = (START - datetime(1970, 1, 1)).days
    return pl.DataFrame(
        [
            {
                "mmsi": SHIP,
                "track": track,
                "segment": (first_day + day) * 1_000_000 + track,
                "sightings": 9,
                "first_at": START + timedelta(days=day, hours=10),
                "last_at": START + timedelta(days=day, hours=14),
            }
            for day, tracks in days.items()
            for track in tracks
        ],
        schema_overrides={"mmsi": pl.Int32},
    )


def silence(track: int, off: datetime, on: datetime | None) -> pl.DataFrame:
    return pl.DataFrame(
        {"mmsi": [SHIP], "track": [track], "off_at": [off], "on_at": [on]},
        schema={
            "mmsi": pl.Int32,
            "track": pl.Int64,
            "off_at": pl.Datetime("us"),
            "on_at": pl.Datetime("us"),
        },
    )


@pytest.mark.parametrize(
    ("shared_days", "is_kept"),
    [
        ((60, 59, 58), False),
        ((60, 59, 58, 57), True),
        ((60, 59, 58, 30), True),  # the first of the 30 days before
        ((60, 59, 58, 29), False),
        ((60, 61, 62, 90), True),  # the last of the 30 days after
        ((60, 61, 62, 91), False),
    ],
)
def test_four_shared_days_of_thirty_make_two_ships(
    shared_days: tuple[int, ...], *, is_kept: bool
) -> None:
    days = {day: [1, 2] for day in shared_days} | {70: [2]}
    off = START + timedelta(days=60, hours=14)
    found = ghosts.find_taken_over(silence(1, off, None), segments(days), TrackRules())
    assert found.is_empty() == is_kept


@pytest.mark.parametrize(
    ("off_hour", "on_hour", "sightings", "is_kept"),
    [
        (13, 20, 9, False),
        (14, 20, 9, True),  # the other is last heard at 14:00
        (2, 10, 9, True),  # and first at 10:00
        (2, 11, 9, False),
        (13, None, 9, False),
        (14, None, 9, True),
        (13, 20, 1, True),  # a single ping says nothing
        (13, 20, 2, False),
    ],
)
def test_the_other_track_must_be_heard_in_the_silence(
    off_hour: int, on_hour: int | None, sightings: int, *, is_kept: bool
) -> None:
    other = segments({3: [2]}).with_columns(sightings=pl.lit(sightings, pl.Int64))
    own = segments({2: [1], 3: [1]})
    day = START + timedelta(days=3)
    on = None if on_hour is None else day + timedelta(hours=on_hour)
    asked = silence(1, day + timedelta(hours=off_hour), on)
    found = ghosts.find_taken_over(asked, pl.concat([own, other]), TrackRules())
    assert found.is_empty() == is_kept
    assert ghosts.drop_taken_over(asked, found).height == is_kept


@pytest.mark.parametrize("seed", range(20))
def test_silences_are_taken_over_as_looking_at_each_pair_says(seed: int) -> None:
    """Silences are counted against segments, as their pairs are too many in years of data."""
    draw = random.Random(seed)
    days = {day: [track for track in (1, 2, 3) if draw.random() < 0.5] for day in range(20)}
    heard_in = segments(days)
    rules = TrackRules(two_ships_from_d=draw.choice([2, 12, 99]), two_ships_within_d=5)
    asked = pl.concat(
        silence(
            draw.choice([1, 2, 3]),
            START + timedelta(hours=(begin := draw.randrange(20 * 24))),
            draw.choice([None, START + timedelta(hours=begin + draw.randrange(4, 50))]),
        )
        for _ in range(40)
    ).unique(["track", "off_at"])
    wanted = [
        row
        for row in asked.sort(ghosts.KEY).rows()
        if is_taken_over(row, heard_in.rows(named=True), days, rules)
    ]
    assert ghosts.find_taken_over(asked, heard_in, rules).rows() == wanted


def is_taken_over(
    row: tuple[Any, ...],
    heard_in: Iterable[Mapping[str, Any]],
    days: Mapping[int, list[int]],
    rules: TrackRules,
) -> bool:
    _, track, off, on = row
    off_day = (off - START).days
    shared = [
        day
        for day, tracks in days.items()
        if len(tracks) > 1 and abs(day - off_day) <= rules.two_ships_within_d
    ]
    return len(shared) < rules.two_ships_from_d and any(
        one["track"] != track and one["last_at"] > off and (on is None or one["first_at"] < on)
        for one in heard_in
    )


def test_night_after_night_gives_the_bytes_of_one_night(tmp_path: Path) -> None:
    """Over the turn of a month, with a ghost that comes back in the next one."""
    late = timedelta(days=25)
    rows = feed(heard(0, 5 + 10.3 / 24), STRUCK, heard(5 + 11.5 / 24, DAYS), BESIDE)
    again = [at(9 + hour / 24, AIRPORT) for hour in (10.1, 10.6)]
    rows = pl.concat([rows, feed(again)]).with_columns(pl.col("timestamp") + late)
    raw = tmp_path / "raw"
    by_day = rows.with_columns(day=pl.col("timestamp").dt.date()).sort("timestamp")
    seen: set[int] = set()
    for number, of_day in enumerate(by_day.partition_by("day", include_key=False)):
        night.write_canonical(raw, "coast", of_day, f"{number:02}.csv")
        if number in (4, 5, 7, 9, 11):
            seen.add(night.run(raw, tmp_path / "nights").table("gaps").height)
    assert seen == {0}
    night.run(raw, tmp_path / "one")
    assert tell_differences(tmp_path / "nights", tmp_path / "one") == []
