"""Outputs pushed to object storage: a reader of the pointer sees one night, whole."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipeline.errors import LockedError, PushError, UsageError
from pipeline.ingest import no_progress
from pipeline.remote import POINTER, Pushed, push, push_outputs, read_address
from pipeline.rules import RemoteRules
from pipeline.store import Outputs, hold_lock
from tests import night
from tests.buckets import KINDS, Bucket, Faults, FolderBucket, open_bucket, place_with

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
PAGE = (night.REPOSITORY / "docs" / "scale.md").read_text("utf-8")


@pytest.fixture(params=KINDS)
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    with open_bucket(request.param, tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> FolderBucket:
    (tmp_path / "there").mkdir()
    return FolderBucket(tmp_path / "there")


def publish(processed: Path, run: int, days: dict[int, int]) -> None:
    """Publish a small night: gaps, and positions of some days with a number each."""
    processed.mkdir(exist_ok=True)
    outputs = Outputs(processed)
    new = outputs.begin()
    pl.DataFrame({"run": [run]}).write_parquet(new / "gaps.parquet")
    pl.DataFrame({"run": [run]}).write_csv(new / "gaps.csv")
    for day, number in days.items():
        part = new / "positions" / f"date=2023-05-{day:02d}"
        part.mkdir(parents=True)
        pl.DataFrame({"mmsi": [number], "day": [day]}).write_parquet(part / "positions.parquet")
    (new / ".state").mkdir()
    (new / ".state" / "hidden.json").write_text("{}")
    manifest = {"run": run, "data_end": f"2023-05-{run:02d}T00:00:00Z", "is_simulated": False}
    manifest |= {"method_version": "1", "rules_hash": "abc"}
    (new / "manifest.json").write_text(json.dumps(manifest))
    outputs.commit(new)
    outputs.drop_earlier()


def push_to(bucket: Bucket, processed: Path) -> Pushed:
    return push_outputs(processed, read_address(bucket.url), no_progress)


def read_pointed(objects: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files that the pointer names, by name; fails where one is not as it says."""
    pointer = json.loads(objects[POINTER])
    found = {row["name"]: objects[row["object"]] for row in pointer["files"]}
    for row in pointer["files"]:
        content = objects[row["object"]]
        assert (len(content), sha256(content).hexdigest()) == (row["bytes"], row["sha256"])
    return found


def read_published(processed: Path) -> dict[str, bytes]:
    current = Outputs(processed).current
    assert current
    paths = [path for path in sorted(current.rglob("*")) if path.is_file()]
    found = {path.relative_to(current).as_posix(): path.read_bytes() for path in paths}
    return {name: content for name, content in found.items() if not name.startswith(".")}


# ------------------------------------------------------------------------------- night by night


def test_nights_are_pushed_whole_and_parts_that_stay_only_once(
    bucket: Bucket, tmp_path: Path
) -> None:
    processed = tmp_path / "processed"
    publish(processed, 1, {1: 11, 2: 12})
    first = push_to(bucket, processed)
    one = bucket.read()
    assert read_pointed(one) == read_published(processed)
    assert (first.run, first.files, first.uploaded, first.removed) == (1, 5, 5, 0)
    publish(processed, 2, {1: 11, 2: 22, 3: 13})
    second = push_to(bucket, processed)
    two = bucket.read()
    assert read_pointed(two) == read_published(processed)
    # The part of the first day is there already.
    assert (second.files, second.uploaded, second.removed) == (6, 5, 0)
    assert read_pointed({**two, POINTER: one[POINTER]}), "readers of the night before go on"
    publish(processed, 3, {3: 13})
    third = push_to(bucket, processed)
    three = bucket.read()
    assert (third.uploaded, third.removed) == (3, 4)
    assert read_pointed({**three, POINTER: two[POINTER]})
    named = {row["object"] for text in (two, three) for row in json.loads(text[POINTER])["files"]}
    assert set(three) == {POINTER, *named}
    again = push_to(bucket, processed)
    assert (again.uploaded, again.removed, bucket.read()) == (0, 0, three)


def test_the_pointer_says_what_a_reader_must_know(folder: FolderBucket, tmp_path: Path) -> None:
    publish(tmp_path / "processed", 7, {1: 11})
    push_to(folder, tmp_path / "processed")
    pointer = json.loads(folder.read()[POINTER])
    assert (pointer["run"], pointer["data_end"]) == (7, "2023-05-07T00:00:00Z")
    assert re.fullmatch(r"nights/000007-[0-9a-f]{8}", pointer["prefix"])
    assert {row["name"]: row["table"] for row in pointer["files"]} == {
        "gaps.csv": None,
        "gaps.parquet": "gaps",
        "manifest.json": None,
        "positions/date=2023-05-01/positions.parquet": "positions",
    }


def test_what_is_not_of_our_naming_is_never_removed(bucket: Bucket, tmp_path: Path) -> None:
    strangers = {"README.md": b"1", "nights/mine/x": b"2", "parts/other.parquet": b"3"}
    for name, content in strangers.items():
        bucket.put(name, content)
    for run in (1, 2, 3):
        publish(tmp_path / "processed", run, {1: run})
        push_to(bucket, tmp_path / "processed")
    assert strangers.items() <= bucket.read().items()


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"{}", b'{"format": "darkport outputs 1", "files": [{"object": []}]}']
)
def test_a_pointer_of_somebody_else_is_not_replaced(
    folder: FolderBucket, tmp_path: Path, content: bytes
) -> None:
    folder.put(POINTER, content)
    publish(tmp_path / "processed", 1, {1: 1})
    with pytest.raises(PushError, match="not written by this version"):
        push_to(folder, tmp_path / "processed")
    assert folder.read() == {POINTER: content}


def test_nothing_published_and_another_run_are_said(folder: FolderBucket, tmp_path: Path) -> None:
    processed = tmp_path / "processed"
    with pytest.raises(UsageError, match="run darkport nightly"):
        push_to(folder, processed)
    publish(processed, 1, {1: 1})
    with hold_lock(processed), pytest.raises(LockedError):
        push_to(folder, processed)


# ------------------------------------------------------------------------------------- failures


def push_with(folder: FolderBucket, processed: Path, faults: Faults) -> Pushed:
    current = Outputs(processed).current
    assert current
    place = place_with(folder.url, faults)
    return push._Pushing(current, place, no_progress, RemoteRules()).push()


@pytest.mark.parametrize("broken", ["/parts/", "gaps.csv", POINTER])
def test_a_push_that_fails_leaves_the_pointer_and_the_next_one_mends(
    folder: FolderBucket, tmp_path: Path, broken: str
) -> None:
    processed = tmp_path / "processed"
    publish(processed, 1, {1: 11})
    push_to(folder, processed)
    before = folder.read()
    publish(processed, 2, {1: 21, 2: 22})
    with pytest.raises(Exception, match="ACCESS_DENIED"):
        push_with(folder, processed, Faults(unwritable={broken}))
    halfway = folder.read()
    assert halfway[POINTER] == before[POINTER]
    assert read_pointed(halfway) == read_pointed(before)
    push_to(folder, processed)
    after = folder.read()
    assert read_pointed(after) == read_published(processed)
    named = {
        row["object"] for text in (before, after) for row in json.loads(text[POINTER])["files"]
    }
    assert set(after) - {f".{POINTER}.new"} == {POINTER, *named}


def test_what_a_killed_push_left_half_written_is_written_again(
    folder: FolderBucket, tmp_path: Path
) -> None:
    processed = tmp_path / "processed"
    publish(processed, 1, {1: 11})
    push_to(folder, processed)
    whole = folder.read()
    part = next(name for name in whole if name.startswith("parts/"))
    # Half a part that the pointer names, and all bytes of one, wrong, that it does not.
    folder.put(part, whole[part][:5])
    publish(processed, 2, {1: 11, 2: 12})
    name = sha256(read_published(processed)["positions/date=2023-05-02/positions.parquet"])
    folder.put(f"parts/{name.hexdigest()}.parquet", b"x" * len(whole[part]))
    push_to(folder, processed)
    assert read_pointed(folder.read()) == read_published(processed)


def test_what_cannot_be_removed_is_a_warning_only(folder: FolderBucket, tmp_path: Path) -> None:
    processed = tmp_path / "processed"
    for run in (1, 2):
        publish(processed, run, {1: run})
        push_to(folder, processed)
    publish(processed, 3, {1: 3})
    done = push_with(folder, processed, Faults(lists_left=2))
    assert done.warning and "could not be removed" in done.warning
    assert json.loads(folder.read()[POINTER])["run"] == 3


KILLED = """
import os, sys
from pathlib import Path
from pipeline.remote import push, push_outputs, read_address
left = int(sys.argv[3])
class Dying:
    def __init__(self, system): self.system = system
    def __getattr__(self, name):
        call = getattr(self.system, name)
        if name in ("open_output_stream", "move", "delete_file", "delete_dir"):
            global left
            left -= 1
            if left < 0: os._exit(9)
        return call
def opening(address, open_place=push.open_place):
    place = open_place(address)
    place._system = Dying(place._system)
    return place
push.open_place = opening
push_outputs(Path(sys.argv[2]), read_address(sys.argv[1]), lambda *_: None)
"""


@pytest.mark.parametrize("calls", [0, 2, 5, 6, 7])
def test_a_push_killed_at_any_instant_leaves_one_night_whole(
    folder: FolderBucket, tmp_path: Path, calls: int
) -> None:
    processed = tmp_path / "processed"
    for run in (1, 2):
        publish(processed, run, {1: run})
        push_to(folder, processed)
    before = read_published(processed)
    publish(processed, 3, {1: 31, 2: 32})
    words = [sys.executable, "-c", KILLED, folder.url, str(processed), str(calls)]
    assert subprocess.run(words, check=False, cwd=night.REPOSITORY).returncode == 9
    assert read_pointed(folder.read()) in (before, read_published(processed))
    publish(processed, 4, {1: 31})
    push_to(folder, processed)
    assert read_pointed(folder.read()) == read_published(processed)
    kept = {name.split("/")[1] for name in folder.read() if name.startswith("nights/")}
    assert len(kept) == 2


# -------------------------------------------------------------------------------------- reading


def block(language: str) -> str:
    """Return the block of docs/scale.md that reads what was pushed."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return next(text for text in found if "current.json" in text)


def run_block(text: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    url, _, options = bucket.url.partition("?")
    if options:
        endpoint = re.search("endpoint_override=([^&]+)", options)
        assert endpoint
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{endpoint[1]}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    names: dict[str, Any] = {}
    exec(text.replace("s3://bucket/darkport", url), names)
    return names


def test_python_reads_the_night_as_the_page_says(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "processed", 1, {1: 11, 2: 12})
    push_to(bucket, tmp_path / "processed")
    names = run_block(block("python"), bucket, monkeypatch)
    assert names["scan"]("positions").sort("day").collect()["mmsi"].to_list() == [11, 12]
    with duckdb.connect() as connection:
        connection.register("positions", names["dataset"]("positions"))
        assert connection.execute("select sum(mmsi) from positions").fetchall() == [(23,)]


def test_duckdb_reads_the_night_as_the_page_says(folder: FolderBucket, tmp_path: Path) -> None:
    """Over file names: over s3:// it takes its extension httpfs, which is not installed here."""
    publish(tmp_path / "processed", 1, {1: 11, 2: 12})
    push_to(folder, tmp_path / "processed")
    script = block("sql").replace("s3://bucket/darkport", str(folder.folder))
    with duckdb.connect() as connection:
        *before, last = [one for one in script.split(";") if one.strip()]
        for statement in before:
            if not statement.strip().startswith(("install", "load", "create secret")):
                connection.execute(statement)
        assert connection.execute(last).fetchall() == [(2,)]
