"""The command: what it prints, its exit codes, and that every command of the README runs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from tests import night
from tests.test_bad_input import darkport

WORLD = read_world("demo", None, True, start=datetime(2023, 5, 20), days=20, vessels={"ships": 12})


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    simulate(WORLD, 7, night.GEO, folder)
    done = darkport(
        "nightly", "--raw", folder / "raw", "--processed", folder / "processed", "--json"
    )
    assert done.code == 0, done
    said = json.loads(done.out)
    assert said["files_failed"] == {}
    assert said["gaps"] > 0
    return folder / "processed"


def test_explain_tells_a_gaps_story_in_words(processed: Path) -> None:
    gap = pl.read_parquet(processed / "gaps.parquet").sort("duration_s").row(-1, named=True)
    done = darkport("explain", gap["gap_id"], "--processed", processed)
    assert done.code == 0
    for part in (gap["gap_id"], gap["name"], "Last heard", "counted at", "lawful"):
        assert part in done.out
    facts = json.loads(darkport("explain", gap["gap_id"], "--processed", processed, "--json").out)
    assert facts["mmsi"] == gap["mmsi"]


def test_explain_finds_a_gap_by_its_call(processed: Path) -> None:
    calls = pl.read_parquet(processed / "dark_port_calls.parquet")
    assert calls.height > 0
    done = darkport("explain", calls["call_id"][0], "--processed", processed)
    assert calls["gap_ids"][0] in done.out
    assert "not a dark port call" in done.out


def test_explain_of_nothing_is_one_line(processed: Path) -> None:
    done = darkport("explain", "no\x1b[31msuch", "--processed", processed)
    assert (done.code, len(done.errors)) == (2, 1)
    assert "\x1b" not in done.errors[0]


def test_explain_tells_what_labels_made_of_p_off(processed: Path) -> None:
    gap = pl.read_parquet(processed / "gaps.parquet").drop_nulls("p_off").row(0, named=True)
    ends = dict.fromkeys(("p_off_calibrated", "p_off_calibrated_low", "p_off_calibrated_high"), 0.4)
    (processed / "calibration").mkdir()
    pl.DataFrame([{"gap_id": gap["gap_id"], "p_off": gap["p_off"], **ends}]).write_parquet(
        processed / "calibration" / "gaps_calibrated.parquet"
    )
    done = darkport("explain", gap["gap_id"], "--processed", processed)
    assert done.code == 0
    assert "Labels make of it 0.400, interval 0.400 to 0.400" in done.out
    # What was published without labels stays, and what it all does not say stays last.
    assert "(uncalibrated)" in done.out
    assert "lawful" in done.out.splitlines()[-1]


def test_show_prints_table_5(processed: Path) -> None:
    done = darkport("show", "table_5", "--processed", processed)
    assert done.code == 0
    assert "2023-05" in done.out


def test_show_names_the_questions_it_knows(processed: Path) -> None:
    done = darkport("show", "nonsense", "--processed", processed)
    assert done.code == 2
    assert "table_5" in done.errors[0]


def test_rollup_again_changes_nothing(processed: Path) -> None:
    before = (processed / "monthly_gaps.csv").read_bytes()
    assert darkport("rollup", "--processed", processed).code == 0
    assert (processed / "monthly_gaps.csv").read_bytes() == before


def test_feeds_lists_every_format_with_what_it_needs() -> None:
    formats = json.loads(darkport("feeds", "--json").out)
    names = {row["name"] for row in formats}
    assert len(names) == len(formats) >= 12
    assert all(row["needs"] for row in formats)


def test_doctor_finds_this_machine_well(processed: Path) -> None:
    done = darkport("doctor", "--raw", processed.parent / "raw", "--processed", processed)
    assert (done.code, "FAIL" in done.out) == (0, False)


def test_simulate_does_not_overwrite_what_it_did_not_write(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "precious.csv").write_text("mine")
    done = darkport("simulate", "--out", tmp_path, "--overwrite")
    assert done.code == 2
    assert "precious.csv" in done.errors[0]
    assert (tmp_path / "raw" / "precious.csv").read_text() == "mine"


def test_the_rating_is_null_with_its_reason_and_an_upper_bound_column(processed: Path) -> None:
    content = json.loads((processed / "indicator.json").read_text())
    assert content["rows"]
    assert content["is_simulated"] is True
    for row in content["rows"]:
        assert row["rating"] is None
        assert "SIMULATED" in row["why"]
        assert row["why"].startswith("dark port calls are not inferred yet")
        assert "upper_bound_12m" in row


def test_the_database_is_commented_and_opens_read_only(processed: Path) -> None:
    connection = duckdb.connect(str(processed / "darkport.duckdb"), read_only=True)
    try:
        bare = connection.execute(
            "select table_name, column_name from duckdb_columns() where comment is null"
            " and table_name in ('gaps', 'monthly_gaps', 'indicator')"
        ).fetchall()
        rows = connection.execute("select count(*) from monthly_gaps").fetchone()
    finally:
        connection.close()
    assert bare == []
    assert rows is not None and rows[0] > 0


def test_gaps_read_back_as_geoparquet_with_their_crs(processed: Path) -> None:
    import geopandas

    for name in ("gaps", "dark_port_calls"):
        table = geopandas.read_parquet(processed / f"{name}.geo.parquet")
        assert table.crs is not None and table.crs.to_epsg() == 4326
        assert len(table) == pl.read_parquet(processed / f"{name}.parquet").height
        assert table.geometry.is_valid.all()


def test_positions_are_sorted_by_ship_and_time(processed: Path) -> None:
    for path in processed.glob("positions/date=*/positions.parquet"):
        day = pl.read_parquet(path, hive_partitioning=False)
        assert day.equals(day.sort("mmsi", "seen_at", "lon", "lat"))
        assert day["seen_at"].dt.date().unique().to_list() == [
            datetime.fromisoformat(path.parent.name.removeprefix("date=")).date()
        ]


def test_every_table_carries_the_columns_of_the_schema(processed: Path) -> None:
    from pipeline import store
    from pipeline.schema import TABLES, polars_schema

    for name, table in TABLES.items():
        if name == "positions":
            continue
        assert store.read_table(processed, name).schema == polars_schema(table), name
    assert night.SQL.exists()
