"""Finished intermediate results: whole or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import StorageError
from pipeline.store import Shelf, shelf


def frame_of(*values: int) -> pl.DataFrame:
    return pl.DataFrame({"value": values})


def all_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    kept = Shelf(tmp_path)
    kept.write("days", "2023-05-01.ab12", {"edges": frame_of(3, 1), "hours": frame_of()})
    assert kept.has("days", "2023-05-01.ab12")
    assert not kept.has("days", "2023-05-02.ab12")
    assert kept.read("days", "2023-05-01.ab12", "edges")["value"].to_list() == [3, 1]
    assert kept.names("days") == {"2023-05-01.ab12"}
    assert kept.names("months") == set()


def test_many_are_read_in_the_order_asked_for(tmp_path: Path) -> None:
    kept = Shelf(tmp_path / "odd [a]* b=1")
    names = [f"n{number:02d}" for number in range(31)]
    for number, name in enumerate(names):
        kept.write("days", name, {"edges": frame_of(*range(number * 100, number * 100 + 50))})
    asked = [*names[10:], *names[:10]]
    wanted = [v for name in asked for v in range(int(name[1:]) * 100, int(name[1:]) * 100 + 50)]
    for _ in range(10):
        read = kept.read_many("days", asked, "edges")
        assert read["value"].to_list() == wanted
        assert read.columns == ["value"]
    with pytest.raises(ValueError, match="no results"):
        kept.read_many("days", [], "edges")


def test_a_result_that_is_there_stays(tmp_path: Path) -> None:
    kept = Shelf(tmp_path)
    kept.write("days", "a", {"edges": frame_of(1)})
    kept.write("days", "a", {"edges": frame_of(2)})
    assert kept.read("days", "a", "edges")["value"].to_list() == [1]
    assert all_below(tmp_path) == {"days", "days/a", "days/a/edges.parquet"}


def test_two_writers_of_one_result_leave_one(tmp_path: Path) -> None:
    kept = Shelf(tmp_path)
    with kept.put("days", "a") as first, kept.put("days", "a") as second:
        assert first != second
        (first / "x").write_text("first")
        (second / "x").write_text("second")
    assert (kept.path("days", "a") / "x").read_text() == "second"
    assert kept.names("days") == {"a"}


def test_a_folder_that_was_filled_is_a_result_once_it_is_named(tmp_path: Path) -> None:
    kept = Shelf(tmp_path)
    filled = []
    for text in ("first", "second"):
        with kept.fill("days") as folder:
            (folder / "x").write_text(text)
        filled.append(folder)
    assert kept.names("days") == set()
    for folder in filled:
        kept.land("days", "a", folder)
    assert (kept.path("days", "a") / "x").read_text() == "first"
    assert all_below(tmp_path) == {"days", "days/a", "days/a/x"}


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_shelf_of_several_machines_waits_for_the_disk_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_shared: bool
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
    )
    with Shelf(tmp_path, is_shared=is_shared).fill("days") as folder:
        (folder / "x").write_text("x")
        assert synced == []
    assert synced == (["x", folder.name] if is_shared else [])


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_a_result_that_failed_leaves_nothing(tmp_path: Path, stop: type[BaseException]) -> None:
    kept = Shelf(tmp_path)
    with pytest.raises(stop), kept.put("days", "a") as folder:
        (folder / "half").write_text("half")
        raise stop
    assert all_below(tmp_path) == {"days"}


def test_a_result_of_a_killed_run_is_not_there_and_is_swept(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pipeline.store import Shelf\n"
        "with Shelf(Path(sys.argv[1])).put('days', 'a') as folder:\n"
        "    (folder / 'half').write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    kept = Shelf(tmp_path)
    assert kept.names("days") == set()
    assert not kept.has("days", "a")
    assert kept.sweep({"days": ["a"]}) == 1
    assert all_below(tmp_path) == {"days"}


def test_sweep_keeps_what_is_named_and_says_how_many_went(tmp_path: Path) -> None:
    kept = Shelf(tmp_path)
    for name in ("a", "b", "c"):
        kept.write("days", name, {"edges": frame_of(1)})
    kept.write("months", "a", {"edges": frame_of(1)})
    assert kept.sweep({"days": ["a", "c", "never made"]}) == 2
    assert kept.names("days") == {"a", "c"}
    assert kept.names("months") == set()
    assert kept.sweep({"days": {"a", "c"}}) == 0
    assert Shelf(tmp_path / "nowhere").sweep({}) == 0


def test_after_a_restart_only_what_a_published_night_names_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot_id, folder = tmp_path / "boot_id", tmp_path / "shelf"
    monkeypatch.setattr(shelf, "BOOT_ID", boot_id)
    boot_id.write_text("first\n")
    kept = Shelf(folder)
    kept.keep_only_durable({})
    kept.write("days", "a", {"edges": frame_of(1)})
    kept.write("days", "b", {"edges": frame_of(1)})
    kept.keep_only_durable({"days": ["a"]})
    assert kept.names("days") == {"a", "b"}
    boot_id.write_text("second\n")
    kept.keep_only_durable({"days": ["a"]})
    assert kept.names("days") == {"a"}
    kept.write("days", "b", {"edges": frame_of(1)})
    kept.keep_only_durable({"days": ["a"]})
    assert kept.names("days") == {"a", "b"}


@pytest.mark.parametrize("note", [None, b"", b"\xff\xfe"])
def test_without_a_boot_id_nothing_unnamed_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: bytes | None
) -> None:
    boot_id, folder = tmp_path / "boot_id", tmp_path / "shelf"
    monkeypatch.setattr(shelf, "BOOT_ID", boot_id)
    if note is not None:
        boot_id.write_bytes(note)
    kept = Shelf(folder)
    for _ in range(2):
        kept.write("days", "a", {"edges": frame_of(1)})
        kept.keep_only_durable({})
        assert kept.names("days") == set()


@pytest.mark.parametrize("name", ["", ".", "..", ".new-1", "a/b", "../a", "a b", "a\n", "ä"])
def test_a_name_cannot_lead_out_of_the_shelf(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for a result"):
        Shelf(tmp_path).path("days", name)
    with pytest.raises(ValueError, match="no name for a result"):
        Shelf(tmp_path).path(name, "a")


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("parquet: IO error: No space left (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", refuse)
    with pytest.raises(StorageError, match=r"edges\.parquet: No space left on device; last night"):
        Shelf(tmp_path).write("days", "a", {"edges": frame_of(1)})
    assert all_below(tmp_path) == {"days"}
