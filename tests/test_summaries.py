"""Day summaries: any order of rows, any grouping of days, the same summary (DESIGN 2)."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipeline import summaries, tracks
from pipeline.areas import Areas, load_areas
from pipeline.rules import Rules
from tests import night

START = datetime(2023, 5, 30)
NOBODY = pl.Series([], dtype=pl.Int32)


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


def same(one: summaries.Summary, other: summaries.Summary) -> None:
    for field in fields(summaries.Summary):
        left, right = getattr(one, field.name), getattr(other, field.name)
        assert_frame_equal(left.sort(left.columns), right.sort(right.columns))


def test_the_order_of_rows_changes_nothing(areas: Areas) -> None:
    for day in by_day(positions(areas)):
        sorted_day = summaries.summarise_day(day, areas, Rules())
        shuffled = summaries.summarise_day(
            day.sample(fraction=1, shuffle=True, seed=3), areas, Rules()
        )
        for field in fields(summaries.Summary):
            assert_frame_equal(getattr(sorted_day, field.name), getattr(shuffled, field.name))


def test_merging_is_associative_and_knows_no_order(areas: Areas) -> None:
    one, two, three = (
        summaries.summarise_day(day, areas, Rules()) for day in by_day(positions(areas))
    )
    left = summaries.merge([summaries.merge([one, two]), three])
    right = summaries.merge([three, summaries.merge([two, one])])
    same(left, right)


def test_the_ends_of_a_segment_and_its_sightings_are_kept(areas: Areas) -> None:
    frame = positions(areas)
    found = summaries.merge(
        summaries.summarise_day(day, areas, Rules()) for day in by_day(frame)
    ).segments
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
        span = summary.segments.select(
            (pl.col("last_at") - pl.col("first_at")).dt.total_seconds().sum()
        ).item()
        silent = summary.inner_gaps.select(
            (pl.col("on_at") - pl.col("off_at")).dt.total_seconds().sum()
        ).item()
        assert summary.presence["heard_s"].sum() + silent == span


def test_an_empty_day_has_an_empty_summary_with_the_same_columns(areas: Areas) -> None:
    day = by_day(positions(areas))[0]
    full = summaries.summarise_day(day, areas, Rules())
    empty = summaries.summarise_day(day.clear(), areas, Rules())
    for field in fields(summaries.Summary):
        assert getattr(empty, field.name).schema == getattr(full, field.name).schema
        assert getattr(empty, field.name).is_empty()


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
    visits = summaries.find_port_visits(frame, caspian, Rules())
    stays = summaries.merge_port_visits(visits, 2)
    assert stays.select("port_group", "sightings").rows() == [("amirabad", 2), ("anzali", 2)]
