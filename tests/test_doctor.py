"""`darkport doctor`: what a night needs, how the last one ended, and what is left over."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline import doctor, store
from pipeline.doctor import Checkup, Finding, folders, machine
from tests import night
from tests.operating import Ended, Place, run_here

Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return lambda *words: run_here(capsys, monkeypatch, *words)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("doctor"))
    place.deliver()
    night.run(place.raw, place.processed)
    return place


@pytest.fixture
def place(template: Place, tmp_path: Path) -> Place:
    """A place of its own with one published night."""
    shutil.copytree(template.folder, tmp_path / "place", symlinks=True)
    return Place(tmp_path / "place")


def ended_at(place: Place) -> datetime:
    manifest = store.read_manifest(place.processed)
    return datetime.fromisoformat(manifest["finished_at"]).replace(tzinfo=None)


def checkup(place: Place, age: timedelta = timedelta(hours=1)) -> Checkup:
    """Return a checkup so long after the last run."""
    last = place.processed / "manifest.json"
    return Checkup(
        raw=place.raw,
        processed=place.processed,
        areas_folder=night.whole_world(place.folder),
        sql_folder=night.SQL,
        rules_file=None,
        registry=None,
        max_age_h=None,
        now=(ended_at(place) if last.exists() else datetime(2023, 6, 1)) + age,
    )


def told(asked: Checkup, what: str) -> list[tuple[str, str]]:
    """Return (level, words) of the findings on one thing."""
    return [(one.level, one.words) for one in doctor.examine(asked) if one.what == what]


def failures(asked: Checkup) -> list[Finding]:
    return [one for one in doctor.examine(asked) if not one.is_fine]


class Entry(NamedTuple):
    inode: int
    size: int
    written_ns: int


def list_all(folder: Path) -> dict[str, Entry]:
    """Return every file and link under a folder; folders by name only."""
    found: dict[str, Entry] = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        is_folder = path.is_dir() and not path.is_symlink()
        found[str(path)] = Entry(
            stat.st_ino, 0 if is_folder else stat.st_size, 0 if is_folder else stat.st_mtime_ns
        )
    return found


# ------------------------------------------------------------------------------- the command


def test_a_good_night_is_found_well_and_nothing_is_changed(place: Place, run: Run) -> None:
    before = list_all(place.processed), list_all(place.raw)
    done = run("doctor", *place.options, "--json")
    assert (list_all(place.processed), list_all(place.raw)) == before
    said = json.loads(done.out)
    assert (done.code, said["is_fine"]) == (0, True)
    levels = {finding["what"]: finding["level"] for finding in said["findings"]}
    for what in ("Python", "libraries", "disk", "hard links", "locks", "lock", "last run"):
        assert levels[what] == "ok"
    assert levels["leftovers"] == "ok"


def test_a_failure_is_a_line_and_code_1(place: Place, run: Run) -> None:
    path = place.processed / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["finished_at"] = (ended_at(place) - timedelta(hours=2)).isoformat() + "Z"
    path.write_text(json.dumps(manifest))
    assert run("doctor", *place.options).code == 0
    done = run("doctor", *place.options, "--max-age-h", "1")
    lines = done.out.splitlines()
    assert done.code == 1
    assert [line[:14] for line in lines if line.startswith("FAIL")] == ["FAIL last run:"]
    assert all(line[:5] in ("ok   ", "warn ", "FAIL ") for line in lines)


def test_before_the_first_night_all_can_be_well(template: Place, tmp_path: Path) -> None:
    asked = replace(checkup(template), processed=tmp_path / "not" / "yet")
    assert failures(asked) == []
    assert told(asked, "last run") == [("warn", "none is published yet")]
    assert "for a first night on" in told(asked, "disk")[0][1]
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------ the last run


@pytest.mark.parametrize(
    ("age_h", "level"), [(-0.1, "FAIL"), (0, "ok"), (36, "ok"), (36.1, "FAIL"), (400, "FAIL")]
)
def test_the_last_run_may_be_36_hours_old_and_not_younger_than_the_clock(
    place: Place, age_h: float, level: str
) -> None:
    assert told(checkup(place, timedelta(hours=age_h)), "last run")[0][0] == level


def test_the_age_allowed_is_an_option(place: Place) -> None:
    asked = replace(checkup(place, timedelta(hours=50)), max_age_h=60.0)
    assert told(asked, "last run")[0][0] == "ok"
    assert told(replace(asked, max_age_h=0.0), "last run")[0][0] == "FAIL"


@pytest.mark.parametrize(("lag_h", "level"), [(72, "ok"), (72.5, "warn")])
def test_old_data_are_worth_a_look(place: Place, lag_h: float, level: str) -> None:
    path = place.processed / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["data_end"] = (ended_at(place) - timedelta(hours=lag_h)).isoformat() + "Z"
    path.write_text(json.dumps(manifest))
    assert told(checkup(place), "data")[0][0] == level


def test_warnings_of_the_last_run_are_told(place: Place) -> None:
    path = place.processed / "manifest.json"
    manifest = json.loads(path.read_text()) | {"warnings": ["feed x is thin", "so is y"]}
    path.write_text(json.dumps(manifest))
    assert told(checkup(place), "warning of run 1") == [
        ("warn", "feed x is thin"),
        ("warn", "so is y"),
    ]


@pytest.mark.parametrize("content", ["", "[]", '{"run": 1}', '{"run": "x", "data_end": 3}', "\0"])
def test_a_manifest_that_cannot_be_read_is_a_failure(place: Place, content: str) -> None:
    asked = checkup(place)
    (place.processed / "manifest.json").write_text(content)
    assert [one.what for one in failures(asked)] == ["last run"]


def test_what_derives_everything_again_is_told_beforehand(place: Place) -> None:
    assert told(checkup(place), "next run") == []
    rules = place.folder / "rules.toml"
    rules.write_text("[bands]\nleast_days = 9\n")
    asked = replace(checkup(place), rules_file=rules)
    assert "everything again" in told(asked, "next run")[0][1]


# ---------------------------------------------------------------------------------- the lock


def test_a_run_that_holds_the_lock_is_named_and_not_disturbed(place: Place) -> None:
    asked = checkup(place)
    with store.hold_lock(place.processed, "darkport nightly"):
        (place.processed / ".generations" / "000002.new").mkdir()
        (place.processed / ".shelf" / "days" / "2020-01-01-new").mkdir()
        (place.processed / ".scratch" / "day").mkdir(parents=True)
        level, words = told(asked, "lock")[0]
        assert told(asked, "leftovers") == [("ok", "none")]
        assert (place.processed / ".lock").read_bytes() != b""
    assert (level, f"process {os.getpid()} " in words) == ("ok", True)
    assert "(darkport nightly), since " in words


def test_a_run_that_died_with_the_lock_is_worth_a_look(place: Place) -> None:
    (place.processed / ".lock").write_text('{"pid": 77, "host": "harbour", "since": "2023-05-01"}')
    level, words = told(checkup(place), "lock")[0]
    assert (level, "process 77 on host harbour" in words) == ("warn", True)
    assert "takes over" in words


# ------------------------------------------------------------------------------- leftovers


def test_what_stopped_runs_left_is_told_and_the_next_run_removes_it(place: Place) -> None:
    processed = place.processed
    (processed / ".generations" / "000009.new").mkdir()
    (processed / ".gaps.new-link").symlink_to("nowhere")
    (processed / "gone.parquet").symlink_to(".current/gone.parquet")
    (processed / "darkport.duckdb.wal").write_text("")
    (processed / ".current" / "darkport.duckdb.wal").write_text("")
    (processed / ".scratch" / "day").mkdir(parents=True)
    (processed / ".shelf" / "days" / "2020-01-01-unnamed").mkdir()
    (processed / ".shelf" / "days" / ".new-0123").mkdir()
    found = told(checkup(place), "leftover")
    assert {level for level, _ in found} == {"warn"}
    for name in (
        "000009.new",
        "gaps.new-link",
        "gone",
        ".wal in .current",
        ".wal beside",
        "half-made",
    ):
        assert sum(name in words for _, words in found) == 1, name
    assert len(found) == 8
    assert failures(checkup(place)) == []
    night.run(place.raw, processed)
    assert told(checkup(place), "leftover") == []
    assert told(checkup(place), "leftovers") == [("ok", "none")]


def test_other_peoples_files_are_told_and_left_alone(place: Place) -> None:
    (place.processed / "notes\n.txt").write_text("mine")
    (place.processed / ".generations" / "replaced").mkdir()
    (place.processed / ".generations" / "replaced" / "gaps.parquet").write_text("older")
    assert "notes .txt, not written by darkport" in told(checkup(place), "other files")[0][1]
    assert "gaps.parquet stood where" in told(checkup(place), ".generations/replaced")[0][1]
    assert (place.processed / "notes\n.txt").read_text() == "mine"


def test_a_calibration_is_no_strangers(place: Place) -> None:
    (place.processed / "calibration").mkdir()
    assert told(checkup(place), "leftovers") == [("ok", "none")]


def test_the_generation_before_is_no_leftover_but_one_before_that_is(place: Place) -> None:
    night.run(place.raw, place.processed)
    assert told(checkup(place), "leftovers") == [("ok", "none")]
    (place.processed / ".generations" / "000000").mkdir()
    assert "earlier generation 000000" in told(checkup(place), "leftover")[0][1]


def test_a_lost_link_to_the_current_generation_is_told(place: Place) -> None:
    asked = checkup(place)
    (place.processed / ".current").unlink()
    words = " ".join(words for _, words in told(asked, "leftover"))
    assert "the next run publishes generation 000001 again" in words


# ------------------------------------------------------------------------- machine and disk


@pytest.mark.parametrize(
    ("bound", "is_fine"),
    [
        ("polars>=1.0.0", True),
        ("polars>=999.1", False),
        # 2.1 is less than 10, though not as text.
        ("polars>=10.0", False),
        ("no-such-library>=1", False),
        ('sphinx>=99; extra == "dev"', True),
    ],
)
def test_libraries_are_held_against_the_bounds_of_the_package(
    monkeypatch: pytest.MonkeyPatch, bound: str, is_fine: bool
) -> None:
    monkeypatch.setattr(machine, "requires", lambda _: ["duckdb>=2.0", bound])
    assert machine.look_at_libraries().is_fine is is_fine


def test_the_bounds_of_the_package_are_those_that_are_looked_at() -> None:
    project = (night.REPOSITORY / "pyproject.toml").read_text()
    named = project.split("dependencies = [")[1].split("]")[0].count(">=")
    assert machine.look_at_libraries().words.count(", ") == named - 1


def test_a_full_disk_is_a_failure(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    level, words = told(checkup(place), "disk")[0]
    assert (level, "its own files" in words) == ("ok", True)
    usage = shutil.disk_usage(place.processed)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=200_000))
    assert [one.what for one in failures(checkup(place))] == ["disk"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    assert "0 B free" in told(checkup(place), "disk")[0][1]


def test_what_another_user_wrote_is_a_failure_that_names_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everything: the operating system's refusal is put in."""
    closed = place.processed / ".shelf"
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != closed and access(path, mode)
    )
    found = failures(checkup(place))
    assert [one.what for one in found] == ["processed folder"]
    assert f"cannot write {closed}" in found[0].words


def test_a_folder_that_cannot_be_made_is_a_failure(template: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    asked = replace(checkup(template), processed=tmp_path / "file" / "out")
    assert [one.words for one in failures(asked)] == [f"{tmp_path / 'file'} is a file"]
    asked = replace(asked, processed=Path("/proc/darkport"))
    assert "processed folder" in {one.what for one in failures(asked)}


@pytest.mark.parametrize("is_refused", [True, False])
def test_locks_that_do_not_hold_are_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    def flock(*_: object) -> None:
        if is_refused:
            raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    levels = {one.what: one.level for one in folders.look_at_processed(tmp_path)}
    assert levels["locks"] == "FAIL"


def test_a_file_system_without_links_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    levels = {one.what: one.level for one in folders.look_at_processed(tmp_path)}
    assert (levels["symbolic links"], levels["hard links"]) == ("FAIL", "warn")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------- what is given


def test_settings_that_cannot_be_read_are_failures_side_by_side(place: Place) -> None:
    bad = place.folder / "bad.toml"
    bad.write_text("[gaps]\nno_such_rule = 1\n")
    asked = replace(
        checkup(place),
        rules_file=bad,
        registry=place.folder / "no.csv",
        areas_folder=place.folder / "nowhere",
        sql_folder=place.folder,
    )
    assert {one.what for one in failures(asked)} == {"rules", "registry", "areas", "sql"}


def test_raw_files_must_be_there_readable_and_apart_from_the_outputs(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    asked = checkup(place)
    assert told(asked, "raw files")[0][0] == "ok"
    for raw, words in ((tmp_path / "empty", "none in"), (tmp_path / "no", "does not exist")):
        assert words in told(replace(asked, raw=raw), "raw files")[0][1]
        assert failures(replace(asked, raw=raw))
    assert "outputs would be read" in told(replace(asked, raw=place.folder), "raw files")[0][1]
    (place.raw / "harbour" / "leads_nowhere.csv").symlink_to("nowhere")
    assert "cannot read" in told(asked, "raw files")[0][1]
