"""Nights that are killed: a short form of the trial whose table stands in docs/reliability.md."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import ingest, inputs, store
from pipeline.areas import load_areas
from pipeline.errors import RawFileError, ShelfError, StorageError
from pipeline.feeds import open_feed
from pipeline.ingest import no_progress
from pipeline.rules import Rules
from tests import night
from tests.kills import page
from tests.kills.bench import Verdict
from tests.kills.trials import even_sample


def run_trial(folder: Path, *words: str) -> list[dict[str, Any]]:
    """Run the trial in a process of its own, which has started no thread pool; its verdicts."""
    told = folder / "verdicts.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.kill_trial", "--json", str(told), *words],
        cwd=night.REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.is_file(), done.stdout + done.stderr
    return json.loads(told.read_text("utf-8"))


def failures(verdicts: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{one['kind']}: {one['words']}: {one['problems']}" for one in verdicts if one["problems"]
    ]


def test_a_night_killed_or_denied_the_disk_leaves_old_or_new_outputs_and_is_repaired(
    tmp_path: Path,
) -> None:
    verdicts = run_trial(tmp_path, "--short")
    assert not failures(verdicts)
    found = {state for one in verdicts for state in one["found"]}
    assert found == {"old", "new"}
    kinds = {one["kind"] for one in verdicts}
    assert {word for word in ("killed", "permission", "disk", "spoilt") if word in str(kinds)}


@pytest.mark.long
def test_no_fault_of_the_whole_trial_tears_outputs(tmp_path: Path) -> None:
    verdicts = run_trial(tmp_path)
    assert not failures(verdicts)
    kills = [
        state for one in verdicts if "killed at a random" in one["kind"] for state in one["found"]
    ]
    assert len(kills) >= 200


def test_an_even_sample_holds_first_and_last() -> None:
    assert even_sample(range(100), 4) == [0, 33, 66, 99]
    assert even_sample(range(3), 4) == [0, 1, 2]
    assert even_sample(range(100), 1) == [49]


def test_the_table_counts_what_was_found_and_what_was_repaired() -> None:
    verdicts = [
        Verdict("kills", "first", ("old", "new")),
        Verdict("kills", "second", ("torn",), ("gaps.parquet differs",)),
        Verdict("disks", "third", ("old",)),
    ]
    assert page.make_table(verdicts)[2:] == [
        "| kills | 2 | 3 | 1 | 1 | 1 | 1 of 2 |",
        "| disks | 1 | 1 | 1 | 0 | 0 | 1 of 1 |",
        "| **all** | 3 | 4 | 2 | 1 | 1 | 2 of 3 |",
    ]


def test_only_what_stands_between_the_marks_of_the_page_is_replaced(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", "utf-8")
    page.write_page(written, ["new"])
    assert written.read_text("utf-8") == f"before\n{page.BEGIN}\nnew\n{page.END}\nafter\n"


HEAD = "mmsi,timestamp,longitude,latitude"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two raw files under `raw`."""
    for name in ("a", "b"):
        path = tmp_path / "raw" / "one" / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEAD}\n273000001,2023-05-01T00:00:00Z,50,42\n", "utf-8")
    return tmp_path


def read_raw(folder: Path, before: dict[str, inputs.RawFile]) -> dict[str, inputs.RawFile]:
    """The raw files as a night finds them, long after they were written."""
    shelf = store.Shelf(folder / "shelf")
    now_ns = time.time_ns() + 10 * inputs.RACY_NS
    found = inputs.read_inputs(folder / "raw", shelf, Rules(), before, now_ns, no_progress)
    return {file.account.file: file for file in found}


def test_a_raw_file_whose_disk_failed_is_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *given: Any) -> Any:
        if path.name != "a.csv":
            return open_feed(path, *given)
        raise RawFileError("cannot be read") from OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "open_feed", fail)
        failed = read_raw(folder, {})
    assert failed["one/a.csv"].account.error == "cannot be read"
    assert read_raw(folder, failed)["one/a.csv"].account.error is None


def test_a_raw_file_that_no_reader_knows_is_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "raw/one/a.csv").write_bytes(b"\x00\x01 nothing known")
    before = read_raw(folder, {})
    assert before["one/a.csv"].account.error is not None
    monkeypatch.setattr(store, "hash_file", None)
    monkeypatch.setattr(ingest, "open_feed", None)
    assert read_raw(folder, before) == before


def test_a_damaged_account_is_no_fault_of_the_raw_file(folder: Path) -> None:
    before = read_raw(folder, {})
    kept = folder / "shelf" / inputs.KIND / before["one/a.csv"].key / "account.json"
    for harm in (lambda: kept.write_text("{", "utf-8"), kept.unlink):
        harm()
        with pytest.raises(ShelfError, match="damaged"):
            read_raw(folder, {})


def test_staged_rows_that_are_gone_are_noticed(folder: Path) -> None:
    before = read_raw(folder, {})
    staged = folder / "shelf" / inputs.KIND / before["one/a.csv"].key
    areas = load_areas(night.whole_world(folder))
    day = date(2023, 5, 1)
    assert ingest.put_together(day, [staged], {"sightings": 1}, areas, Rules()).rows.height == 1
    (staged / "sightings-000000.parquet").unlink()
    with pytest.raises(ShelfError, match="1 rows of sightings staged, 0 found"):
        ingest.put_together(day, [staged], {"sightings": 1}, areas, Rules())


@pytest.mark.parametrize("content", [b"", b"PAR", b"PAR1 and no end", b"\xff\x00garbage"])
def test_a_torn_parquet_file_is_known_by_its_end(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.parquet"
    assert not store.is_whole_parquet(path)
    store.write_parquet(pl.DataFrame({"mmsi": [1]}), path)
    assert store.is_whole_parquet(path)
    path.write_bytes(content)
    assert not store.is_whole_parquet(path)


def test_a_parquet_file_whose_end_found_no_room_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    words = "parquet: File out of specification: Invalid thrift: transport error"
    expected = pytest.raises(StorageError, match=r"table\.parquet: its end could not be written")
    with expected, store.storing(path):
        raise pl.exceptions.ComputeError(words)


def test_a_database_that_a_full_disk_cut_short_is_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "build" / store.DATABASE
    connection = store.open_build(path)
    connection.execute("create table many as select range as number from range(20000)")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StorageError):
            store.finish_build(connection, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        connection.close()


def test_a_finished_database_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "build" / store.DATABASE
    connection = store.open_build(path)
    connection.execute("create table many as select range as number from range(20000)")
    store.finish_build(connection, path)
    assert [found.name for found in path.parent.iterdir()] == [store.DATABASE]
    with store.open_database(path) as reader:
        assert reader.execute("select count(*) from many").fetchall() == [(20000,)]
