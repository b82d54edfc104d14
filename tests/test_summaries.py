"""Day summaries: any order of rows, any grouping of days, the same sums (DESIGN 2)."""

from __future__ import annotations

import itertools
import random
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline import exposure, summaries, tracks
from pipeline.areas import Areas, load_areas
from pipeline.ordered import OrderedDay
from pipeline.port_parts import find_port_parts
from pipeline.rules import Rules
from tests import night

START = datetime(2023, 5, 30)
NOBODY = pl.Series([], dtype=pl.Int32)
NO_SILENCES = {
    "mmsi": pl.Int32,
    "off_at": pl.Datetime("us"),
    "on_at": pl.Datetime("us"),
    "off_area": pl.String,
    "off_port_group": pl.String,
    "cause": pl.String,
}


@pytest.fixture(scope="module")
def areas(tmp_path_factory: pytest.TempPathFactory) -> Areas:
    return load_areas(night.whole_world(tmp_path_factory.mktemp("areas")))


def positions(areas: Areas, days: int = 3, ships: int = 5, seed: int = 1) -> pl.DataFrame:
    """Return sightings of some ships, one MMSI shared by two far apart."""
    draw = random.Random(seed)
    rows = [
        (
            273_000_000 + ship % (ships - 1),
            START + timedelta(seconds=draw.randrange(days * 86_400)),
            50.0 + (3.0 if ship == ships - 1 else 0.0) + draw.random() / 100,
            41.0,
            draw.choice([0.0, 5.0, 9.0]),
        )
        for ship in range(ships)
        for _ in range(days * 8)
    ]
    frame = pl.DataFrame(
        rows,
        schema={
            "mmsi": pl.Int32,
            "seen_at": pl.Datetime("us"),
            "lon": pl.Float64,
            "lat": pl.Float64,
            "sog_kn": pl.Float32,
        },
        orient="row",
    ).with_columns(
        cog_deg=pl.lit(0.0, dtype=pl.Float32),
        heading_deg=pl.lit(None, dtype=pl.Float32),
        nav_status=pl.lit(0, dtype=pl.Int16),
        ais_class=pl.lit("A"),
        receiver=pl.lit("terrestrial"),
    )
    located = areas.locate(frame.sort("mmsi", "seen_at", "lon", "lat"), Rules())
    return pl.concat(
        [
            tracks.segment_day(day, NOBODY, Rules().tracks)
            for day in located.with_columns(date=pl.col("seen_at").dt.date()).partition_by(
                "date", include_key=False, maintain_order=True
            )
        ]
    )


def by_day(frame: pl.DataFrame) -> list[pl.DataFrame]:
    return frame.with_columns(date=pl.col("seen_at").dt.date()).partition_by(
        "date", include_key=False
    )


def test_the_order_of_rows_changes_nothing(areas: Areas) -> None:
    for day in by_day(positions(areas)):
        shuffled = day.sample(fraction=1, shuffle=True, seed=3)
        for one, other in (
            (
                summaries.summarise_day(day, areas, Rules()),
                summaries.summarise_day(shuffled, areas, Rules()),
            ),
            (
                summaries.summarise_edges(day, Rules()),
                summaries.summarise_edges(shuffled, Rules()),
            ),
        ):
            wanted, found = summaries.frames_of(one), summaries.frames_of(other)
            assert wanted.keys() == found.keys()
            for name, frame in wanted.items():
                assert_frame_equal(frame, found[name])


@pytest.mark.parametrize("seed", range(5))
def test_exposure_adds_up_in_any_order_and_any_grouping_of_days(areas: Areas, seed: int) -> None:
    days = by_day(positions(areas, days=6, seed=seed))
    presence = [summaries.summarise_day(day, areas, Rules()).presence for day in days]
    random.Random(seed).shuffle(presence)
    wanted = exposure.sum_days(pl.concat(presence))
    by_twos = [exposure.sum_days(pl.concat(presence[at : at + 2])) for at in range(0, 6, 2)]
    nothing = pl.DataFrame(schema=NO_SILENCES)
    found = exposure.sum_exposure(pl.concat(by_twos), nothing)
    assert_frame_equal(found, wanted.select(found.columns))
    assert len(wanted["month"].unique()) == 2


visits = st.lists(
    st.tuples(
        st.sampled_from([273_000_001, 273_000_002]),
        st.integers(0, 5),
        st.sampled_from(["anzali", "baku", "olya"]),
        st.integers(0, 2),
    ),
    max_size=16,
)


@settings(max_examples=200, deadline=None)
@given(visits, st.lists(st.integers(0, 5), max_size=4), st.integers(1, 3), st.randoms())
def test_port_stays_of_any_stretches_of_days_merge_to_those_of_all_days(
    drawn: list[tuple[int, int, str, int]],
    cuts: list[int],
    min_sightings: int,
    turns: random.Random,
) -> None:
    rows = visits_of_days(drawn)
    at = [0, *sorted(cuts), 6]
    stretches = [
        rows.filter(pl.col("arrived_at").dt.day().is_between(first + 1, last))
        for first, last in itertools.pairwise(at)
    ]
    turns.shuffle(stretches)
    merged = [
        summaries.merge_port_visits(part.sample(fraction=1, shuffle=True, seed=1))
        for part in stretches
    ]
    assert_frame_equal(
        summaries.merge_port_visits(pl.concat(merged), min_sightings),
        summaries.merge_port_visits(rows, min_sightings),
    )


def visits_of_days(drawn: list[tuple[int, int, str, int]]) -> pl.DataFrame:
    """Return visits of (mmsi, day, port group, order in the day), some at the same instant."""
    return pl.DataFrame(
        [
            (mmsi, group, arrived_at, arrived_at + timedelta(minutes=5), 1)
            for mmsi, day, group, order in dict.fromkeys(drawn)
            for arrived_at in [datetime(2023, 5, 1) + timedelta(days=day, hours=order)]
        ],
        schema={
            "mmsi": pl.Int32,
            "port_group": pl.String,
            "arrived_at": pl.Datetime("us"),
            "left_at": pl.Datetime("us"),
            "sightings": pl.Int64,
        },
        orient="row",
    )


def test_the_ends_of_a_segment_and_its_sightings_are_kept(areas: Areas) -> None:
    frame = positions(areas)
    found = pl.concat([summaries.summarise_edges(day, Rules()).segments for day in by_day(frame)])
    wanted = frame.group_by("mmsi", "segment").agg(
        first_at=pl.col("seen_at").min(),
        last_at=pl.col("seen_at").max(),
        sightings=pl.len().cast(pl.Int64),
    )
    assert_frame_equal(
        found.select(wanted.columns).sort("mmsi", "segment"), wanted.sort("mmsi", "segment")
    )


def test_seconds_of_exposure_add_up_to_the_span_of_a_segment(areas: Areas) -> None:
    for day in by_day(positions(areas)):
        summary = summaries.summarise_day(day, areas, Rules())
        edges = summaries.summarise_edges(day, Rules())
        span = edges.segments.select(
            (pl.col("last_at") - pl.col("first_at")).dt.total_seconds().sum()
        ).item()
        silent = edges.inner_gaps.select(
            (pl.col("on_at") - pl.col("off_at")).dt.total_seconds().sum()
        ).item()
        assert summary.presence["heard_s"].sum() + silent == span


def test_an_empty_day_has_an_empty_summary_with_the_same_columns(areas: Areas) -> None:
    day = by_day(positions(areas))[0]
    for full, empty in (
        (
            summaries.summarise_day(day, areas, Rules()),
            summaries.summarise_day(day.clear(), areas, Rules()),
        ),
        (
            summaries.summarise_edges(day, Rules()),
            summaries.summarise_edges(day.clear(), Rules()),
        ),
    ):
        for name, frame in summaries.frames_of(empty).items():
            assert frame.is_empty()
            assert frame.schema == summaries.frames_of(full)[name].schema


def test_port_stays_are_slow_sightings_near_one_port_group(tmp_path: Path) -> None:
    caspian = load_areas(night.GEO)
    rows = [(53.367, 36.854, 0.1), (53.367, 36.854, 0.4), (53.367, 36.854, 3.0)]
    rows += [(52.0, 38.5, 0.0), (49.465, 37.479, 0.0), (49.465, 37.479, 0.1)]
    frame = pl.DataFrame(
        {
            "mmsi": [273_000_001] * len(rows),
            "segment": [0] * len(rows),
            "seen_at": [START + timedelta(hours=6 * step) for step in range(len(rows))],
            "lon": [row[0] for row in rows],
            "lat": [row[1] for row in rows],
            "sog_kn": [row[2] for row in rows],
            "is_outside": [False] * len(rows),
        }
    )
    visits = summaries.pick_port_visits(find_port_parts(OrderedDay(frame), caspian, Rules()))
    stays = summaries.merge_port_visits(visits, 2)
    assert stays.select("port_group", "sightings").rows() == [("amirabad", 2), ("anzali", 2)]
