"""Tables written and read; a full disk is one line."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipeline import store
from pipeline.errors import CheckError, StorageError, UsageError
from pipeline.schema import TABLES, polars_schema


def seasons(*years: int) -> pl.DataFrame:
    rows = [
        {
            "waterway": "canal",
            "year": year,
            "opened_on": date(year, 4, 1),
            "closed_on": date(year, 12, 3),
            "days": None,
            "source": "a notice",
        }
        for year in years
    ]
    return pl.DataFrame(rows, schema=polars_schema(TABLES["seasons"]))


ENDS = ("off_lon", "off_lat", "on_lon", "on_lat")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder whose name polars and DuckDB would read as a pattern and a column."""
    folder = tmp_path / "run=3" / "a [b] * it's"
    folder.mkdir(parents=True)
    return folder


def test_a_folder_of_parts_is_read_in_order_of_name(odd: Path) -> None:
    for year in (2022, 2020, 2021):
        store.write_table_part(seasons(year), "seasons", str(year), odd)
    assert store.table_path(odd, "seasons") == odd / "seasons"
    read = store.read_table(odd, "seasons")
    assert read["year"].to_list() == [2020, 2021, 2022]
    assert read.columns == list(polars_schema(TABLES["seasons"]))
    assert store.read_table(odd, "seasons", ["year"]).columns == ["year"]


def test_a_table_of_one_file_is_read_alike(odd: Path) -> None:
    store.write_table(seasons(2022, 2020), "seasons", odd)
    assert store.table_path(odd, "seasons") == odd / "seasons.parquet"
    assert store.read_table(odd, "seasons").equals(seasons(2022, 2020))


def test_a_folder_without_parts_is_an_empty_table_and_no_folder_an_error(odd: Path) -> None:
    (odd / "seasons").mkdir()
    assert store.read_table(odd, "seasons").schema == polars_schema(TABLES["seasons"])
    assert store.read_table(odd, "seasons", ["year"]).columns == ["year"]
    with pytest.raises(UsageError, match=r"no table at .*gaps"):
        store.read_table(odd, "gaps")


def test_a_part_is_held_against_the_schema(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="Seasons"):
        store.write_table_part(seasons(2020, 2020), "seasons", "x", tmp_path)
    assert not (tmp_path / "seasons").exists()


@pytest.mark.parametrize("layout", ["file", "parts", "empty"])
def test_a_table_is_loaded_into_the_database(odd: Path, layout: str) -> None:
    if layout == "file":
        store.write_table(seasons(2020, 2021), "seasons", odd)
    else:
        (odd / "seasons").mkdir()
        for year in (2021, 2020) if layout == "parts" else ():
            store.write_table_part(seasons(year), "seasons", str(year), odd)
    connection = store.open_build(odd / "build" / store.DATABASE)
    store.load_table(connection, "seasons", store.table_path(odd, "seasons"))
    found = connection.execute("select year from seasons").fetchall()
    types = connection.execute("select column_name, column_type from (describe seasons)")
    types = types.fetchall()
    with pytest.raises(UsageError, match="no table"):
        store.load_table(connection, "gaps", odd / "gaps")
    connection.close()
    assert [row[0] for row in found] == ([] if layout == "empty" else [2020, 2021])
    assert [name for name, _ in types] == list(polars_schema(TABLES["seasons"]))
    assert dict(types)["year"] == "BIGINT"
    assert dict(types)["opened_on"] == "DATE"


def test_what_a_build_spills_lies_beside_it(tmp_path: Path) -> None:
    connection = store.open_build(tmp_path / store.DATABASE)
    told = connection.execute("select current_setting('temp_directory')").fetchall()
    connection.close()
    assert told == [(str(tmp_path / ".duckdb_spill"),)]


@pytest.fixture
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
def test_a_disk_that_takes_no_more_is_one_line_whatever_is_written(tmp_path: Path) -> None:
    frame = pl.DataFrame({"number": range(300_000)}).with_columns(mixed=pl.col("number").hash())
    ends = {name: pl.Series(range(50_000)).hash() / 1e18 for name in ENDS}
    path = tmp_path / "file"
    for write in (
        lambda: store.write_parquet(frame, path),
        lambda: store.write_csv(frame, path),
        lambda: store.write_json("x" * 1_000_000, path),
        lambda: store.write_geoparquet(pl.DataFrame(ends), path),
    ):
        with pytest.raises(StorageError) as refused:
            write()
        assert str(refused.value) == (
            f"cannot write {path}: File too large; last night's outputs stand"
        )
        assert refused.value.exit_code == 1


@pytest.mark.usefixtures("small_files")
def test_a_database_that_cannot_grow_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / store.DATABASE
    connection = store.open_build(path)
    with (
        pytest.raises(StorageError, match=rf"^cannot write {path}\S*: File too large"),
        store.storing(path),
    ):
        connection.execute("create table big as select hash(range) as h from range(500_000)")
        connection.close()


def test_only_faults_of_the_disk_become_storage_errors(tmp_path: Path) -> None:
    for error in (
        pl.exceptions.ComputeError("a wrong column"),
        duckdb.BinderException("a wrong column"),
        ValueError("wrong"),
    ):
        with pytest.raises(type(error)), store.storing(tmp_path):
            raise error


def test_a_folder_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gaps.parquet").mkdir()
    with pytest.raises(StorageError, match=r"gaps\.parquet: expected a file path"):
        store.write_parquet(pl.DataFrame({"a": [1]}), tmp_path / "gaps.parquet")
