"""The benchmarks' own code: detectors agree, formats hold the same rows, a long feed repeats."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipeline import tracks
from pipeline.clean import SIGHTING_KEY
from tests import (
    bench,
    bench_budgets,
    bench_detectors,
    bench_feed,
    bench_ingest,
    bench_loop,
    bench_scale,
)

START = datetime(2023, 5, 30)
DAY = timedelta(days=1)


@pytest.fixture(scope="module", params=range(4))
def paths(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return stored positions of some days: ships, lone days, ties, sightings outside."""
    draw = random.Random(request.param)
    rows = {
        (
            draw.choice([273_000_001, 273_000_002, 422_000_003]),
            START + timedelta(seconds=300 * draw.randrange(5 * 288)),
            50.0 + draw.randrange(1000) / 1000,
            41.0,
            draw.random() < 0.2,
        )
        for _ in range(150)
    }
    frame = pl.DataFrame(
        list(rows),
        schema={
            "mmsi": pl.Int32,
            "seen_at": pl.Datetime("us"),
            "lon": pl.Float64,
            "lat": pl.Float64,
            "is_outside": pl.Boolean,
        },
        orient="row",
    ).sort(SIGHTING_KEY)
    folder = tmp_path_factory.mktemp("positions")
    written: list[Path] = []
    for number in range(5):
        day = frame.filter(pl.col("seen_at").is_between(*_span(number), closed="left"))
        written.append(folder / f"{number}.parquet")
        day.with_columns(segment=pl.lit(number * tracks.SEGMENTS_PER_DAY)).write_parquet(
            written[-1]
        )
    return written


def _span(number: int) -> tuple[datetime, datetime]:
    return START + number * DAY, START + (number + 1) * DAY


@pytest.mark.parametrize("name", [*bench_detectors.WHOLE, "a loop"])
def test_every_detector_finds_the_same_gaps(paths: list[Path], name: str) -> None:
    find = {**bench_detectors.WHOLE, "a loop": find_by_loop}[name]
    wanted = obvious_gaps(pl.concat([pl.read_parquet(path) for path in paths]))
    assert wanted.height > 5
    bench_detectors.compare_gaps(name, find(paths), wanted)


def find_by_loop(paths: list[Path]) -> pl.DataFrame:
    rows = bench_loop.read_dictionaries(paths, bench_detectors.READ)
    return bench_loop.as_gaps(bench_loop.loop_for_ends(rows))


def test_the_loop_tells_the_same_of_each_gap_as_the_chain_of_a_night(paths: list[Path]) -> None:
    receivers = ["terrestrial", "satellite", "both", None]
    for number, path in enumerate(paths):
        day = pl.read_parquet(path)
        kinds = [receivers[(number + row) % 4] for row in range(day.height)]
        day.with_columns(receiver=pl.Series(kinds, dtype=pl.String)).write_parquet(path)
    columns = [*bench_detectors.READ, bench_loop.HEARD_BY]
    told = bench_loop.loop_over(bench_loop.read_dictionaries(paths, columns))
    days = bench_detectors.read_days(paths, columns)
    found = bench_loop.tell_in_days(days)
    assert found.height > 5
    assert (found["positions_12h_before"] > found["positions_12h_before_satellite"]).any()
    bench_detectors.compare_gaps("a loop", bench_loop.as_gaps(told), found, bench_loop.WHOLE_ROW)


def obvious_gaps(rows: pl.DataFrame) -> pl.DataFrame:
    """Return for each sighting inside the next one of its MMSI, where that is 4 h away."""
    found = []
    for mmsi, off_at, lon, lat in rows.filter(~pl.col("is_outside")).select(SIGHTING_KEY).rows():
        own = rows.filter(pl.col("mmsi") == mmsi).select(SIGHTING_KEY).rows()
        later = sorted(one for one in own if one > (mmsi, off_at, lon, lat))
        if later and later[0][1] - off_at >= timedelta(hours=4):
            _, on_at, on_lon, on_lat = later[0]
            found.append((mmsi, off_at, lon, lat, on_at, on_lon, on_lat))
    schema = bench_loop.as_gaps([]).schema
    return pl.DataFrame(found, schema=schema, orient="row")


def test_other_gaps_stop_the_benchmark(paths: list[Path]) -> None:
    found = bench_detectors.find_by_days(paths)
    with pytest.raises(SystemExit, match="not the same ones"):
        bench_detectors.compare_gaps("one less", found[1:], found)


def test_a_longer_feed_repeats_the_simulated_days_later(tmp_path: Path) -> None:
    rows = bench_feed.make_feed(tmp_path, 6 * bench_feed.ROWS_A_DAY, most_days=3, is_small=True)
    feed = pl.scan_parquet(tmp_path / "raw" / "*" / "*.parquet", include_file_paths="path")
    seen = feed.select("mmsi", "timestamp", "path").collect()
    again = pl.col("path").str.ends_with("-1.parquet")
    first, second = (
        seen.filter(one).select("mmsi", "timestamp").sort("mmsi", "timestamp")
        for one in (~again, again)
    )
    assert rows == seen.height == 2 * first.height
    assert second.equals(first.with_columns(pl.col("timestamp") + timedelta(days=3)))
    few = bench_feed.read_rows(tmp_path, 400)
    assert few.height == 400
    measured = bench_ingest.measure_formats(few, tmp_path / "formats")
    assert set(measured) == set(bench_ingest.FORMATS)
    assert measured["canonical Parquet"]["rows"] == 400
    positions = few.filter(pl.col("message_type").is_in(bench_ingest.POSITION_TYPES)).height
    assert bench_ingest.compare_with_pyais(tmp_path / "formats" / "rows.nmea") == positions > 100


def test_the_world_costs_what_the_night_did_and_workers_share_a_part_of_it() -> None:
    parts = dict.fromkeys(bench_scale.DIVIDED, 10.0)
    measured = {"wall_s": 100.0, "rows": 1_000_000, "parts_wall_s": parts}
    divided_h, rest_h = bench_scale.cost_hours(measured, 36_000_000, 1)
    assert (divided_h, rest_h) == (pytest.approx(0.4), pytest.approx(0.6))
    assert bench_scale.cost_hours(measured, 36_000_000, 4) == (pytest.approx(0.1), rest_h)
    chain = {"rows": 1_000_000, "night": measured}
    # A day of the world is 60 of the feeds measured.
    assert "| a day | 0.7 + 1.0 |" in "\n".join(bench_scale.tell_scale(chain))


def test_a_part_measured_anew_stands_beside_the_others_with_what_it_was_measured_on() -> None:
    on = {"machine": "m", "cores": 2, "python": "3", "libraries": {"polars": "2"}, "code": "a" * 16}
    sizes = {"5000000": {"on": on}, "1000000": {"on": on | {"code": "b" * 16}}}
    lines = bench.tell_origins({bench.SIZES: sizes, bench.NIGHTS: {"on": on}})
    assert lines[2:] == [
        "| 5 million rows; nights, examples, report | m, 2 | 3 | polars 2 | aaaaaaaa |",
        "| 1 million rows | m, 2 | 3 | polars 2 | bbbbbbbb |",
    ]


def test_a_budget_says_which_of_its_figures_keep_it() -> None:
    seen = {"1 M": 2.5, "5 M": 3.5}
    budget = bench_budgets.Budget("gaps", "at most 3x", seen, 3)
    assert budget.verdict == "met in part"
    assert bench_budgets.tell_budgets([budget])[-1] == (
        "| gaps | at most 3x | 1 M: 2.5x; 5 M: 3.5x | met in part |"
    )
    assert bench_budgets.Budget("loop", "", seen, 2, is_least=True).verdict == "met"
    assert bench_budgets.Budget("loop", "", seen, 30, is_least=True).verdict == "missed"
    assert bench_budgets.Budget("nights", "", {}, 1.2).verdict == "not measured"
    small = bench_budgets.Budget("memory", "", {"5 M": 1.0}, 2, is_whole=False)
    assert small.verdict == "not measured on so much"
