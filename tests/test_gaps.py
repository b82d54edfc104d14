"""What a gap is (METHOD 1), on one small world with a ship for every case."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import gaps as gap_functions
from pipeline.exposure import cut_by_month
from pipeline.rules import Rules
from tests import night

START = datetime(2023, 5, 30)
END = datetime(2023, 6, 4)  # the witness is heard every half hour until then
HOUR = 3600

# One MMSI a case: seconds after START at which it is heard, at one place.
CASES: dict[str, list[int]] = {
    "four hours": [0, 60, 60 + 4 * HOUR, 60 + 4 * HOUR + 60],
    "a second less": [0, 60, 60 + 4 * HOUR - 1, 60 + 4 * HOUR + 60],
    "over midnight": [22 * HOUR, 23 * HOUR, 29 * HOUR, 30 * HOUR],
    "over the turn of the month": [40 * HOUR, 41 * HOUR, 51 * HOUR, 52 * HOUR],
    "a day and a half": [0, HOUR, 37 * HOUR, 38 * HOUR],
    "open": [0, HOUR, 2 * HOUR],
    "open for less than four hours": [116 * HOUR + 1800, 117 * HOUR],
    "seen once": [5 * HOUR],
    "moored": [*range(0, 120 * HOUR, 180 * 60)],
}
MMSI = {case: 273_000_100 + number for number, case in enumerate(CASES)}
WITNESS = 273_000_999


def world() -> pl.DataFrame:
    rows: list[tuple[int, datetime, float, float]] = [
        (MMSI[case], START + timedelta(seconds=at), 50.0 + number / 10, 41.0)
        for number, (case, instants) in enumerate(CASES.items())
        for at in instants
    ]
    span = int((END - START).total_seconds())
    rows += [(WITNESS, START + timedelta(seconds=at), 49.0, 42.0) for at in range(0, span, 1800)]
    return night.sightings(rows, sog=0.0, receiver="terrestrial", station="s")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> night.Night:
    folder = tmp_path_factory.mktemp("gaps")
    night.write_canonical(folder / "raw", "feed", world())
    future = night.sightings([(WITNESS, "2099-01-01T00:00:00Z", 49.0, 42.0)])
    night.write_canonical(folder / "raw", "feed", future, "future.csv")
    return night.run(folder / "raw", folder / "processed")


def gaps_of(done: night.Night, case: str) -> list[dict[str, Any]]:
    return done.table("gaps").filter(pl.col("mmsi") == MMSI[case]).sort("off_at").to_dicts()


def test_four_hours_are_a_gap(done: night.Night) -> None:
    (gap,) = gaps_of(done, "four hours")[:1]
    assert (gap["duration_s"], gap["duration_h"], gap["is_closed"]) == (14_400, 4.0, True)


def test_a_second_less_is_none(done: night.Night) -> None:
    assert not any(gap["is_closed"] for gap in gaps_of(done, "a second less"))


def test_a_gap_goes_over_midnight(done: night.Night) -> None:
    gap = gaps_of(done, "over midnight")[0]
    assert (gap["off_at"].hour, gap["on_at"].hour, gap["duration_h"]) == (23, 5, 6.0)


def test_a_gap_counts_in_the_month_it_begins(done: night.Night) -> None:
    gap = gaps_of(done, "over the turn of the month")[0]
    assert (gap["month"], gap["on_at"].month) == (date(2023, 5, 1), 6)


def test_the_ladder_is_cumulative(done: night.Night) -> None:
    assert gaps_of(done, "a day and a half")[0]["duration_h"] == 36.0
    monthly = done.table("monthly_gaps").filter(
        pl.all_horizontal(pl.col("flag", "fleet", "area", "port_group") == "all")
        & (pl.col("month") == date(2023, 5, 1))
    )
    counts = dict(monthly.select("at_least_h", "gaps").rows())
    assert counts == {4: 4, 6: 3, 12: 1, 24: 1, 30: 1, 72: 0}


def test_a_ship_not_heard_since_has_an_open_gap_without_an_end(done: night.Night) -> None:
    (gap,) = gaps_of(done, "open")
    assert (gap["is_closed"], gap["on_at"], gap["duration_s"]) == (False, None, None)
    assert gap["data_end"] == END


def test_an_open_gap_needs_four_hours_too(done: night.Night) -> None:
    assert gaps_of(done, "open for less than four hours") == []


def test_an_open_gap_enters_each_rung_it_has_reached(done: night.Night) -> None:
    monthly = done.table("monthly_gaps").filter(
        pl.all_horizontal(pl.col("flag", "fleet", "area", "port_group") == "all")
        & (pl.col("month") == date(2023, 5, 1))
    )
    # five ships went silent in May for good, and all of them more than 72 h before the end
    assert dict(monthly.select("at_least_h", "open_gaps").rows())[72] == 5


def test_a_ship_seen_once_has_no_gap_and_no_hours(done: night.Night) -> None:
    assert gaps_of(done, "seen once") == []
    hours = done.table("ship_months").filter(pl.col("mmsi") == MMSI["seen once"])
    assert hours.select("sightings", "ship_s", "heard_s").rows() == [(1, 0, 0)]


def test_a_moored_ship_heard_every_three_hours_is_not_silent(done: night.Night) -> None:
    assert gaps_of(done, "moored") == []


def test_a_row_dated_in_the_future_does_not_close_the_books(done: night.Night) -> None:
    assert done.outcome.data_end == END
    assert done.positions()["seen_at"].max() == datetime(2099, 1, 1)
    assert not gaps_of(done, "open")[0]["is_closed"]


def test_exposure_is_cut_at_the_turn_of_the_month(done: night.Night) -> None:
    mine = done.table("ship_months").filter(pl.col("mmsi") == MMSI["over the turn of the month"])
    by_month = {row["month"].month: (row["ship_s"], row["heard_s"]) for row in mine.to_dicts()}
    # heard 40-41 h and 51-52 h after START; 48 h after START it is June.
    assert by_month == {5: (8 * HOUR, HOUR), 6: (4 * HOUR, HOUR)}


def test_sightings_of_the_twelve_hours_before_are_counted(done: night.Night) -> None:
    gap = gaps_of(done, "a day and a half")[0]
    assert (gap["positions_12h_before"], gap["positions_12h_before_terrestrial"]) == (2, 2)
    assert gap["positions_12h_before_satellite"] == 0


def test_gap_ids_stay_when_the_gap_closes(done: night.Night, tmp_path: Path) -> None:
    open_gap = gaps_of(done, "open")[0]
    night.write_canonical(tmp_path / "raw", "feed", world())
    later = night.sightings(
        [(MMSI["open"], "2023-06-03T12:00:00Z", 50.5, 41.0)], sog=0.0, receiver="satellite"
    )
    night.write_canonical(tmp_path / "raw", "late", later)
    after = night.run(tmp_path / "raw", tmp_path / "processed").table("gaps")
    closed = after.row(by_predicate=pl.col("gap_id") == open_gap["gap_id"], named=True)
    assert closed["is_closed"]
    assert closed["on_receiver"] == "satellite"


def test_the_story_names_time_place_and_length(done: night.Night) -> None:
    story = gaps_of(done, "a day and a half")[0]["reasons"]
    assert "2023-05-30 01:00:00 UTC" in story
    assert "36.0 h" in story


# -------------------------------------------------------------------------------- data_end


def hours(*counts: tuple[datetime, int]) -> pl.DataFrame:
    return pl.DataFrame(counts, schema=["hour", "sightings"], orient="row")


def test_data_end_is_the_end_of_the_last_hour_of_a_living_feed() -> None:
    feed = hours(*((START + timedelta(hours=hour), 10) for hour in range(240)))
    assert gap_functions.find_data_end(feed, Rules().gaps) == START + timedelta(hours=240)


def test_a_tenth_of_the_usual_day_is_enough_and_less_is_not() -> None:
    living = [(START + timedelta(hours=hour), 10) for hour in range(240)]
    later = START + timedelta(days=20)
    enough = hours(*living, (later, 24))
    too_few = hours(*living, (later, 23))
    assert gap_functions.find_data_end(enough, Rules().gaps) == later + timedelta(hours=1)
    assert gap_functions.find_data_end(too_few, Rules().gaps) == START + timedelta(hours=240)


def test_many_rows_dated_decades_ahead_do_not_close_the_books() -> None:
    living = [(START + timedelta(hours=hour), 10) for hour in range(240 * 3)]
    future = START + timedelta(days=28_000)
    # Eight days with one row each, then one with two: a usual day of their own.
    strays = [(future + timedelta(days=20 * number), 1) for number in range(8)]
    feed = hours(*living, *strays, (future + timedelta(days=170), 2))
    assert gap_functions.find_data_end(feed, Rules().gaps) == START + timedelta(hours=720)


def test_a_single_sighting_ends_the_data_where_there_is_nothing_else() -> None:
    assert gap_functions.find_data_end(hours((START, 1)), Rules().gaps) == START + timedelta(
        hours=1
    )


# ------------------------------------------------------------------------------- exposure


def test_a_span_over_three_months_is_cut_in_three() -> None:
    spans = pl.DataFrame(
        {
            "off_at": [datetime(2023, 5, 31, 23)],
            "on_at": [datetime(2023, 7, 1, 1)],
            "mmsi": [1],
            "area": ["a"],
            "port_group": ["none"],
        }
    )
    pieces = cut_by_month(spans).select("month", "seconds").rows()
    assert pieces == [
        (date(2023, 5, 1), HOUR),
        (date(2023, 6, 1), 30 * 24 * HOUR),
        (date(2023, 7, 1), HOUR),
    ]


# ------------------------------------------------------------------------- other identities


def test_a_ship_that_changes_its_mmsi_closes_its_gap_there(tmp_path: Path) -> None:
    """METHOD 1: cause identity, flag at the off point, in no list of calls."""
    imo, first, second = 9_074_729, 273_000_701, 422_000_702
    rows = [(first, START + timedelta(hours=hour), 53.3, 37.0) for hour in range(10)]
    rows += [(second, START + timedelta(hours=40 + hour), 53.0, 37.4) for hour in range(10)]
    rows += [(WITNESS, START + timedelta(hours=hour), 49.0, 42.0) for hour in range(60)]
    night.write_canonical(tmp_path / "raw", "feed", night.sightings(rows, sog=0.1))
    statics = pl.DataFrame(
        [
            {"mmsi": mmsi, "timestamp": START + timedelta(hours=hour), "imo": imo, "ship_type": 70}
            for mmsi, since in ((first, 0), (second, 40))
            for hour in (since, since + 4, since + 9, since + 9.5)
        ]
        + [
            {"mmsi": mmsi, "timestamp": START + timedelta(hours=hour), "imo": imo, "ship_type": 70}
            for mmsi, hour in ((first, 26), (second, 59))
        ]
    ).with_columns(
        longitude=pl.lit(None, dtype=pl.Float64),
        latitude=pl.lit(None, dtype=pl.Float64),
        ais_class=pl.lit("A"),
    )
    night.write_canonical(tmp_path / "raw", "feed", statics, "statics.csv")
    done = night.run(tmp_path / "raw", tmp_path / "processed", areas=night.GEO)
    (gap,) = done.table("gaps").filter(pl.col("mmsi") == first).to_dicts()
    assert (gap["cause"], gap["on_mmsi"], gap["flag"]) == ("identity", second, "RUS")
    assert gap["duration_h"] == 31.0
    assert gap["off_port_group"] == "amirabad"
    assert done.table("dark_port_calls").height == 0
    assert done.table("near_port_gaps").height == 0


def test_a_silence_inside_one_port_is_named_and_listed_nowhere(tmp_path: Path) -> None:
    """METHOD 4, in_port: shorter than the fastest round trip elsewhere plus the visit there."""
    amirabad = (53.367, 36.854)
    rows = [(273_000_801, START + timedelta(hours=hour), *amirabad) for hour in (0, 1, 7, 8)]
    rows += [(273_000_802, START + timedelta(hours=hour), *amirabad) for hour in (0, 1, 51, 52)]
    rows += [(WITNESS, START + timedelta(hours=hour), 49.0, 42.0) for hour in range(60)]
    night.write_canonical(tmp_path / "raw", "feed", night.sightings(rows, sog=0.1))
    done = night.run(tmp_path / "raw", tmp_path / "processed", areas=night.GEO)
    causes = dict(done.table("gaps").filter("is_closed").select("mmsi", "cause").rows())
    assert causes == {273_000_801: "in_port", 273_000_802: "unobservable"}
    near = done.table("near_port_gaps")
    assert near.select("mmsi", "port_group", "port_country").rows() == [
        (273_000_802, "amirabad", "IRN")
    ]
    # A gap with an end in a port hides no visit to it that was dark all along.
    assert "amirabad" not in done.table("dark_port_calls")["port_group"].to_list()
