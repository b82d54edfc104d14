"""Segments, tracks, lone pings and jumps (METHOD 1, 2)."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tracks
from pipeline.rules import Rules

RULES = Rules().tracks
NOBODY = pl.Series([], dtype=pl.Int32)
START = datetime(2023, 5, 1)
FAR = 2.0  # degrees of latitude: 222 km, out of reach within an hour


def day(
    *rows: tuple[float, float], mmsi: int = 273_000_001, start: datetime = START
) -> pl.DataFrame:
    """Return sightings of (hours after start, latitude) at one longitude."""
    return pl.DataFrame(
        {
            "mmsi": [mmsi] * len(rows),
            "seen_at": [start + timedelta(seconds=round(hour * 3600)) for hour, _ in rows],
            "lon": [50.0] * len(rows),
            "lat": [lat for _, lat in rows],
        },
        schema_overrides={"mmsi": pl.Int32, "seen_at": pl.Datetime("us")},
    ).sort("mmsi", "seen_at", "lon", "lat")


def ordinals(frame: pl.DataFrame, high_speed: pl.Series = NOBODY) -> list[int]:
    found = tracks.segment_day(frame, high_speed, RULES)["segment"]
    return [segment % tracks.SEGMENTS_PER_DAY for segment in found]


def test_a_ship_within_reach_is_one_segment() -> None:
    assert ordinals(day((0, 40.0), (1, 40.3), (5, 41.0))) == [0, 0, 0]


def test_two_ships_on_one_mmsi_are_two_segments_however_they_alternate() -> None:
    rows = [(hour * 0.5, 40.0 if hour % 2 else 42.0) for hour in range(8)]
    assert ordinals(day(*rows)) == [0, 1] * 4


def test_a_sighting_joins_the_track_seen_last_among_those_it_can_reach() -> None:
    # After ten hours both places are within reach; the one heard last wins.
    rows = [(0, 40.0), (0.5, 42.0), (1, 40.0), (11, 41.0)]
    assert ordinals(day(*rows)) == [0, 1, 0, 0]


def test_reach_is_thirty_knots_and_a_minute_and_a_kilometre() -> None:
    limit_km = 30 * 1.852 * (3600 + 60) / 3600 + 1.0
    degree_km = 111.05  # of latitude at 40 N
    assert ordinals(day((0, 40.0), (1, 40.0 + (limit_km - 0.2) / degree_km))) == [0, 0]
    assert ordinals(day((0, 40.0), (1, 40.0 + (limit_km + 0.2) / degree_km))) == [0, 1]


def test_high_speed_craft_reach_further() -> None:
    frame = day((0, 40.0), (1, 40.75))
    assert ordinals(frame) == [0, 1]
    assert ordinals(frame, pl.Series([273_000_001], dtype=pl.Int32)) == [0, 0]


def test_a_segment_names_its_day() -> None:
    segment = tracks.segment_day(day((0, 40.0)), NOBODY, RULES)["segment"][0]
    assert segment // tracks.SEGMENTS_PER_DAY == (START - datetime(1970, 1, 1)).days


# ---------------------------------------------------------------------------------- over days


def edges(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the segments of sightings of any number of days."""
    segmented = pl.concat(
        [
            tracks.segment_day(part, NOBODY, RULES)
            for part in frame.with_columns(date=pl.col("seen_at").dt.date())
            .sort("date", "mmsi", "seen_at", "lon", "lat")
            .partition_by("date", include_key=False, maintain_order=True)
        ]
    )
    return segmented.group_by("mmsi", "segment", maintain_order=True).agg(
        first_at=pl.col("seen_at").first(),
        first_lon=pl.col("lon").first(),
        first_lat=pl.col("lat").first(),
        last_at=pl.col("seen_at").last(),
        last_lon=pl.col("lon").last(),
        last_lat=pl.col("lat").last(),
        sightings=pl.len().cast(pl.Int64),
    )


def track_count(frame: pl.DataFrame) -> int:
    return tracks.link_segments(edges(frame), NOBODY, RULES)["track"].n_unique()


def test_days_link_to_one_track() -> None:
    assert track_count(day((1, 40.0), (30, 40.5), (100, 41.0))) == 1


def test_two_ships_stay_two_tracks_over_midnight() -> None:
    rows = [(12 + hour, 40.0 if hour % 2 else 46.0) for hour in range(40)]
    assert track_count(day(*rows)) == 2


def naive_tracks(frame: pl.DataFrame) -> list[int]:
    """Return track numbers by one pass over everything, a list and a loop."""
    open_tracks: list[tuple[int, datetime, float]] = []
    numbers: list[int] = []
    for seen_at, lat in frame.select("seen_at", "lat").iter_rows():
        for at in range(len(open_tracks) - 1, -1, -1):
            number, last_at, last_lat = open_tracks[at]
            hours = ((seen_at - last_at).total_seconds() + 60) / 3600
            if abs(lat - last_lat) * 111.1 <= 30 * 1.852 * hours + 1.0:
                del open_tracks[at]
                break
        else:
            number = len(set(numbers))
        open_tracks.append((number, seen_at, lat))
        numbers.append(number)
    return numbers


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 96), st.sampled_from([36.0, 38.0, 40.0, 44.0])),
        min_size=2,
        max_size=25,
        unique_by=lambda row: row[0],
    )
)
def test_day_by_day_is_the_same_as_one_pass(rows: list[tuple[int, float]]) -> None:
    # Whole hours and multiples of two degrees keep clear of the limit itself.
    frame = day(*rows)
    linked = tracks.link_segments(edges(frame), NOBODY, RULES)
    found = (
        pl.concat(
            [
                tracks.segment_day(part, NOBODY, RULES)
                for part in frame.with_columns(date=pl.col("seen_at").dt.date()).partition_by(
                    "date", include_key=False, maintain_order=True
                )
            ]
        )
        .join(linked.select("mmsi", "segment", "track"), on=["mmsi", "segment"])
        .sort("seen_at")["track"]
        .to_list()
    )
    naive = naive_tracks(frame)
    assert [found.index(track) for track in found] == [naive.index(number) for number in naive]


# --------------------------------------------------------------------------- lone pings, jumps


def unconfirmed(frame: pl.DataFrame, data_end: datetime = datetime(2024, 1, 1)) -> list[float]:
    candidates = pl.concat(
        [
            tracks.pick_lone_candidates(part, RULES)
            for part in frame.with_columns(date=pl.col("seen_at").dt.date()).partition_by(
                "date", include_key=False, maintain_order=True
            )
        ]
    )
    return tracks.find_unconfirmed(candidates, NOBODY, RULES, data_end)["lat"].to_list()


def test_a_lone_ping_out_of_reach_does_not_close_a_gap() -> None:
    assert unconfirmed(day((0, 40.0), (20, 60.0), (40, 40.0))) == [60.0]


def test_a_lone_ping_that_both_neighbours_reach_is_confirmed() -> None:
    assert unconfirmed(day((0, 40.0), (20, 41.0), (40, 42.0))) == []


def test_a_ping_with_company_within_four_hours_is_not_lone() -> None:
    assert unconfirmed(day((0, 40.0), (20, 60.0), (24, 60.0), (44, 40.0))) == []


def test_four_hours_exactly_is_company_and_a_second_more_is_not() -> None:
    one_s = 1 / 3600
    assert unconfirmed(day((0, 40.0), (4, 60.0), (12, 40.0))) == []
    assert unconfirmed(day((0, 40.0), (4 + one_s, 60.0), (12, 40.0))) == [60.0]


def test_the_first_and_the_last_ping_are_not_judged() -> None:
    assert unconfirmed(day((0, 60.0), (20, 40.0), (21, 40.0))) == []
    assert unconfirmed(day((0, 40.0), (1, 40.0), (20, 60.0))) == []


def test_a_corrupt_ping_does_not_take_its_honest_neighbour_with_it() -> None:
    assert unconfirmed(day((0, 40.0), (10, 70.0), (20, 40.5), (30, 41.0))) == [70.0]


def test_pings_after_the_end_of_the_data_wait() -> None:
    frame = day((0, 40.0), (20, 60.0), (40, 40.0))
    assert unconfirmed(frame, START + timedelta(hours=30)) == []


def jumps(frame: pl.DataFrame) -> list[float]:
    linked = tracks.link_segments(edges(frame), NOBODY, RULES)
    return tracks.find_jumps(tracks.merge_tracks(linked))["lat"].to_list()


def test_a_single_ping_elsewhere_between_others_is_a_jump() -> None:
    assert jumps(day((0, 40.0), (1, 60.0), (2, 40.0))) == [60.0]


def test_a_single_last_ping_elsewhere_is_pending() -> None:
    assert jumps(day((0, 40.0), (1, 40.0), (2, 60.0))) == []


def test_two_pings_elsewhere_are_another_ship() -> None:
    assert jumps(day((0, 40.0), (1, 60.0), (1.5, 60.0), (2, 40.0))) == []
