"""What is accepted, refused and merged, row by row and by day (METHOD 1, 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import clean
from pipeline.feeds.base import complete
from pipeline.rules import CleanRules
from pipeline.schema import REASONS

START = datetime(2023, 5, 1)
GOOD: dict[str, Any] = {
    "row": 1,
    "mmsi": 273_000_001,
    "timestamp": START,
    "longitude": 50.0,
    "latitude": 41.0,
}


def judge(**changes: Any) -> dict[str, Any]:
    """Return a good row with changes, judged."""
    frame = complete(pl.DataFrame([{**GOOD, **changes}], infer_schema_length=None))
    return clean.judge_reports(frame, CleanRules()).row(0, named=True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"latitude": 91.0}, "position_not_available"),
        ({"longitude": 181.0}, "position_not_available"),
        ({"latitude": 91.0, "longitude": 181.0}, "position_not_available"),
        ({"latitude": 90.0}, None),
        ({"latitude": 90.1}, "position_out_of_range"),
        ({"longitude": -180.0}, None),
        ({"longitude": -180.1}, "position_out_of_range"),
        ({"latitude": float("nan")}, "position_out_of_range"),
        ({"latitude": None}, "position_out_of_range"),
        ({"latitude": None, "longitude": None}, "no_content"),
        ({"latitude": None, "longitude": None, "name": "A"}, None),
        ({"latitude": 91.0, "name": "A"}, "position_not_available"),
        ({"mmsi": None}, "no_mmsi"),
        ({"timestamp": None}, "no_time"),
        ({"timestamp": datetime(1970, 1, 1)}, "bad_time"),
        ({"timestamp": datetime(1999, 12, 31, 23, 59, 59)}, "bad_time"),
        ({"timestamp": datetime(2000, 1, 1)}, None),
        ({"reason": "bad_checksum"}, "bad_checksum"),
        ({"mmsi": 992_731_001, "is_beacon": True}, None),
    ],
)
def test_a_row_has_the_first_reason_that_fits(changes: dict[str, Any], reason: str | None) -> None:
    found = judge(**changes)["reason"]
    assert found == reason
    assert found is None or found in REASONS


@pytest.mark.parametrize(
    ("mmsi", "is_ship"),
    [
        (273_000_001, True),
        (200_000_000, True),
        (799_999_999, True),
        (2_731_001, False),  # 00MIDxxxx, a coast station
        (111_232_506, False),  # an aircraft
        (812_345_678, False),  # a handheld
        (970_010_001, False),  # a rescue transmitter
        (982_730_001, False),  # auxiliary craft
        (992_731_001, False),  # an aid to navigation
        (150_400_453, True),  # no country's, but sent by a real ship
        (123_456_789, True),
        (969_999_999, True),
        (900_000_000, True),
        (27_300_000, False),
        (2_730_000_010, False),
        (0, False),
        (-5, False),
    ],
)
def test_ids_that_are_no_ships_are_refused(mmsi: int, is_ship: bool) -> None:
    assert (judge(mmsi=mmsi)["reason"] is None) == is_ship


@pytest.mark.parametrize(
    ("field", "kept", "nulled"),
    [
        ("sog", [0.0, 9.5, 102.2], [102.3, -1.0, 1023.0]),
        ("cog", [0.0, 359.9], [360.0, 511.0, -1.0]),
        ("heading", [0.0, 359.0], [511.0, 360.0]),
        ("nav_status", [0, 14], [15, -1]),
        ("ship_type", [1, 70, 255], [0, 256]),
        ("draught_m", [0.1, 25.5], [0.0, 25.6]),
        ("length_m", [0.5, 1022.0], [0.0, 1023.0]),
        ("beam_m", [0.5, 126.0], [0.0, 127.0]),
        ("imo", [1, 9_074_729], [0, -1]),
        ("name", ["A", "=1+1"], ["", "  ", "@@@@"]),
    ],
)
def test_values_that_say_not_available_become_null(
    field: str, kept: list[Any], nulled: list[Any]
) -> None:
    assert [judge(**{field: value})[field] for value in kept] == kept
    assert [judge(**{field: value})[field] for value in nulled] == [None] * len(nulled)


def test_a_row_with_position_and_static_data_is_both() -> None:
    row = judge(name="A")
    assert (row["is_position"], row["is_static"]) == (True, True)


def test_sentinel_rows_can_be_left_in_to_compare_with_others() -> None:
    frame = complete(pl.DataFrame([{**GOOD, "latitude": 91.0, "longitude": 181.0}]))
    lenient = CleanRules(reject_not_available=False)
    assert clean.judge_reports(frame, lenient)["reason"].to_list() == [None]


def test_instants_are_cut_to_seconds_and_places_to_micro_degrees() -> None:
    row = {
        **GOOD,
        "timestamp": START + timedelta(microseconds=999_999),
        "longitude": 50.000_000_49,
    }
    judged = clean.judge_reports(complete(pl.DataFrame([row])), CleanRules())
    sighting = clean.pick_sightings(judged).row(0, named=True)
    assert (sighting["seen_at"], sighting["lon"]) == (START, 50.0)


# ------------------------------------------------------------------------------ duplicates


def heard(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return staged sightings; what a row does not say is the same for all."""
    usual: dict[str, Any] = {
        "rows": 1,
        "mmsi": 273_000_001,
        "seen_at": START,
        "lon": 50.0,
        "lat": 41.0,
        "sog_kn": 5.0,
        "cog_deg": None,
        "heading_deg": None,
        "nav_status": None,
        "ais_class": "A",
        "message_type": 1,
        "receiver": "terrestrial",
        "station": "",
        "received_at": None,
        "feed": "coast",
        "file_no": 0,
    }
    return pl.DataFrame(
        [{"row": number, **usual, **row} for number, row in enumerate(rows, start=1)],
        schema_overrides={
            "cog_deg": pl.Float32,
            "file_no": pl.Int32,
            "received_at": pl.Datetime("us"),
        },
    )


def test_the_same_second_and_place_are_one_sighting_heard_by_all() -> None:
    unique, duplicates = clean.drop_duplicates(
        heard(
            {"station": "b"},
            {"station": "a"},
            {"feed": "space", "receiver": "satellite", "file_no": 1},
        )
    )
    assert unique.select("heard_by", "receiver").rows() == [
        ("coast|terrestrial|a;coast|terrestrial|b;space|satellite|", "both")
    ]
    assert dict(duplicates.rows()) == {0: 1, 1: 1}


def test_the_representative_is_the_smallest_feed_station_content() -> None:
    unique, _ = clean.drop_duplicates(
        heard(
            {"feed": "z", "sog_kn": 1.0}, {"feed": "b", "sog_kn": 9.0}, {"feed": "b", "sog_kn": 2.0}
        )
    )
    assert unique.select("feed", "sog_kn").rows() == [("b", 2.0)]


def test_another_second_or_place_is_another_sighting() -> None:
    unique, duplicates = clean.drop_duplicates(
        heard(
            {},
            {"seen_at": START + timedelta(seconds=1)},
            {"lon": 50.000_001},
            {"mmsi": 273_000_002},
        )
    )
    assert (unique.height, duplicates.height) == (4, 0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "mmsi": st.sampled_from([273_000_001, 273_000_002]),
                "lon": st.sampled_from([50.0, 50.1]),
                "station": st.sampled_from(["a", "b"]),
                "feed": st.sampled_from(["x", "y"]),
                "sog_kn": st.sampled_from([1.0, 2.0, None]),
                "file_no": st.sampled_from([0, 1]),
            }
        ),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_no_row_is_lost_and_the_order_does_not_matter(
    rows: list[dict[str, Any]], draw: Any
) -> None:
    frame = heard(*rows)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=draw.randrange(1000))
    (one, duplicates), (other, _) = clean.drop_duplicates(frame), clean.drop_duplicates(shuffled)
    assert one.equals(other)
    assert one["rows"].sum() + duplicates["duplicate"].sum() == frame.height
    assert one.select("mmsi", "lon").is_unique().all()


# ---------------------------------------------------------------------------- outside runs


def outside(*flags: bool) -> tuple[list[int], int]:
    """Return which sightings of a ship are kept and how many rows count as outside."""
    frame = heard(
        *({"seen_at": START + timedelta(minutes=step)} for step in range(len(flags)))
    ).with_columns(is_outside=pl.Series(flags))
    kept, dropped = clean.thin_outside(frame)
    return [row - 1 for row in kept["row"]], int(dropped["outside"].sum())


def test_of_a_run_outside_the_first_and_the_last_are_kept() -> None:
    assert outside(False, True, True, True, True, False) == ([0, 1, 4, 5], 2)


def test_inside_everything_is_kept_and_short_runs_are_whole() -> None:
    assert outside(False, False, True, False, True, True) == ([0, 1, 2, 3, 4, 5], 0)


def test_runs_of_two_ships_are_not_one() -> None:
    frame = heard(
        *(
            {"mmsi": 273_000_001 + (step > 1), "seen_at": START + timedelta(minutes=step)}
            for step in range(4)
        )
    ).with_columns(is_outside=pl.lit(value=True))
    assert clean.thin_outside(frame)[0].height == 4


# --------------------------------------------------------------------------------- statics


def test_static_values_of_a_day_are_one_row_with_its_span() -> None:
    rows = [
        {**GOOD, "row": number, "timestamp": START + timedelta(hours=hour), "name": name}
        for number, (hour, name) in enumerate([(0, "A"), (6, "A"), (7, "B"), (8, "A"), (8, "A")])
    ]
    judged = clean.judge_reports(complete(pl.DataFrame(rows)), CleanRules())
    staged = clean.pick_statics(judged).with_columns(file_no=pl.lit(0, dtype=pl.Int32))
    table, _ = clean.summarise_statics(staged)
    assert table.select(
        "name", pl.col("first_at").dt.hour(), pl.col("last_at").dt.hour(), "reports"
    ).rows() == [
        ("A", 0, 8, 3),
        ("B", 7, 7, 1),
    ]
