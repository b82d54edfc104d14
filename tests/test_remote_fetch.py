"""Raw files fetched from object storage: the folder here becomes like the folder there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pipeline.errors import RawFileError, RemoteError, UsageError
from pipeline.ingest import no_progress
from pipeline.remote import Fetched, Place, fetch_raw, open_place, read_address
from pipeline.remote.names import find_clashes, is_hidden, show_name, why_unsafe
from pipeline.remote.places import Listed
from pipeline.remote.plan import plan_mirror
from pipeline.store import find_raw_files
from tests import night
from tests.buckets import KINDS, Bucket, Faults, FolderBucket, open_bucket, place_with

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
DAY_NS = 86_400_000_000_000


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


def fetch(bucket: Bucket, mirror: Path, *, later: bool = True, again: bool = False) -> Fetched:
    """Fetch, a day from now where `later`, when no object is young any more."""
    now_ns = time.time_ns() + (DAY_NS if later else 0)
    place = open_place(read_address(bucket.url))
    return fetch_raw(place, mirror, now_ns, no_progress, again=again)


def read_mirror(mirror: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(mirror.rglob("*")) if path.is_file()]
    found = {path.relative_to(mirror).as_posix(): path.read_bytes() for path in paths}
    return {name: content for name, content in found.items() if not name.startswith(".")}


# ---------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    [
        *("", "/etc/passwd", "../x", "a/../x", "a/./x", "a//x", "a/", "a\\x", "C:\\x", "a\nb"),
        *("a\x00b", "a\x1b[31m", "x" * 256, "/".join(["long"] * 300), "a\ud800", "a\u202eb"),
        *(".", ".."),
    ],
)
def test_a_name_that_is_no_plain_path_is_refused(name: str) -> None:
    assert why_unsafe(name)
    assert show_name(name).isprintable()


@given(some.text(max_size=40) | some.from_regex(r"([a.~\\ ]{0,3}/){0,3}[a.]{0,3}", fullmatch=True))
def test_a_name_that_is_not_refused_stays_in_the_folder(name: str) -> None:
    if why_unsafe(name) is None:
        path = os.path.normpath(f"/mirror/{name}")
        assert path == f"/mirror/{name}"


def test_hidden_names_are_those_that_are_not_raw_files() -> None:
    assert [is_hidden(name) for name in ("f/.a", ".f/a", "f/a.b", "../a", "f./a")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_objects_that_cannot_all_be_files_are_refused() -> None:
    assert set(find_clashes(["a", "a/b", "c", "c", "d/e", "de"])) == {"a", "c"}


def test_names_that_the_disk_takes_for_one_are_refused_there_only() -> None:
    listed = [Listed(name, 1, 1) for name in ("f/A.csv", "f/a.csv", "f/b.csv")]
    assert len(plan_mirror(listed, can_fold=lambda: False).wanted) == 3
    folding = plan_mirror(listed, can_fold=lambda: True)
    assert (list(folding.wanted), list(folding.refused)) == (["f/A.csv", "f/b.csv"], ["f/a.csv"])


# --------------------------------------------------------------------------------- what is there

OBJECTS = {
    "harbour/2023-05-01.csv": b"one",
    "harbour/a b%20+ü.csv": b"two",
    "harbour/mapping.toml": b"three",
    "satellite/deep/er/x.csv.gz": b"not packed at all",
    "empty.csv": b"",
}


def test_the_mirror_has_what_is_there_but_hidden_names(bucket: Bucket, tmp_path: Path) -> None:
    for name, content in OBJECTS.items():
        bucket.put(name, content)
    bucket.put("harbour/.half-delivered.csv", b"x")
    bucket.put(".trash/x.csv", b"x")
    mirror = tmp_path / "processed" / ".raw"
    told: list[tuple[str, int, int]] = []
    place = open_place(read_address(bucket.url))
    done = fetch_raw(place, mirror, time.time_ns(), lambda *words: told.append(words))
    assert read_mirror(mirror) == OBJECTS
    assert done == Fetched(len(OBJECTS), len(OBJECTS), sum(map(len, OBJECTS.values())), ())
    assert told[-1] == ("fetching raw files", len(OBJECTS), len(OBJECTS))
    names = [path.relative_to(mirror).as_posix() for path in find_raw_files(mirror)[0]]
    assert names == sorted(set(OBJECTS) - {"harbour/mapping.toml"})


def test_only_what_is_new_or_changed_is_fetched_and_what_is_gone_is_removed(
    bucket: Bucket, tmp_path: Path
) -> None:
    mirror = tmp_path / ".raw"
    for name, content in OBJECTS.items():
        bucket.put(name, content)
    assert fetch(bucket, mirror).fetched == len(OBJECTS)
    assert fetch(bucket, mirror).fetched == 0
    bucket.put("harbour/2023-05-02.csv", b"new")
    bucket.put("empty.csv", b"filled")
    bucket.remove("satellite/deep/er/x.csv.gz")
    done = fetch(bucket, mirror)
    assert (done.fetched, done.bytes) == (2, len(b"newfilled"))
    assert read_mirror(mirror) == {
        name: content for name, content in bucket.read().items() if not name.endswith("/")
    }
    assert not (mirror / "satellite").exists()
    assert fetch(bucket, mirror, again=True).fetched == 5


def test_an_object_rewritten_in_the_same_size_and_second_is_fetched(
    bucket: Bucket, tmp_path: Path
) -> None:
    mirror = tmp_path / ".raw"
    bucket.put("harbour/a.csv", b"one")
    now_ns = time.time_ns()
    if isinstance(bucket, FolderBucket):
        os.utime(bucket.folder / "harbour" / "a.csv", ns=(now_ns, now_ns))
    fetch(bucket, mirror, later=False)
    bucket.put("harbour/a.csv", b"two")
    if isinstance(bucket, FolderBucket):
        os.utime(bucket.folder / "harbour" / "a.csv", ns=(now_ns, now_ns))
    assert fetch(bucket, mirror).fetched == 1
    assert read_mirror(mirror) == {"harbour/a.csv": b"two"}
    assert fetch(bucket, mirror).fetched == 0


def test_a_file_becomes_a_folder_and_a_folder_a_file(bucket: Bucket, tmp_path: Path) -> None:
    mirror = tmp_path / ".raw"
    bucket.put("one", b"1")
    bucket.put("two/deep/x.csv", b"2")
    fetch(bucket, mirror)
    bucket.remove("one")
    bucket.remove("two/deep/x.csv")
    if isinstance(bucket, FolderBucket):
        (bucket.folder / "two" / "deep").rmdir()
        (bucket.folder / "two").rmdir()
    bucket.put("one/x.csv", b"3")
    bucket.put("two", b"4")
    fetch(bucket, mirror)
    assert read_mirror(mirror) == {"one/x.csv": b"3", "two": b"4"}


def test_a_mirror_of_another_place_is_not_taken_for_this_one(tmp_path: Path) -> None:
    mirror = tmp_path / ".raw"
    for name, content in (("one", b"111"), ("two", b"222")):
        FolderBucket(tmp_path / name).put("harbour/a.csv", content)
        os.utime(tmp_path / name / "harbour" / "a.csv", ns=(DAY_NS, DAY_NS))
    fetch(FolderBucket(tmp_path / "one"), mirror)
    assert fetch(FolderBucket(tmp_path / "two"), mirror).fetched == 1
    assert read_mirror(mirror) == {"harbour/a.csv": b"222"}


def test_links_and_strangers_in_the_mirror_go(folder: FolderBucket, tmp_path: Path) -> None:
    mirror, outside = tmp_path / ".raw", tmp_path / "outside"
    folder.put("harbour/a.csv", b"1")
    fetch(folder, mirror)
    outside.mkdir()
    (outside / "precious").write_text("stays")
    (mirror / "harbour" / "link").symlink_to(outside)
    (mirror / "stranger.csv").write_text("x")
    fetch(folder, mirror)
    assert read_mirror(mirror) == {"harbour/a.csv": b"1"}
    assert not (mirror / "harbour" / "link").is_symlink()
    assert (outside / "precious").read_text() == "stays"


def test_nothing_there_is_no_empty_night(bucket: Bucket, tmp_path: Path) -> None:
    mirror = tmp_path / ".raw"
    bucket.put("harbour/a.csv", b"1")
    fetch(bucket, mirror)
    bucket.remove("harbour/a.csv")
    bucket.put("harbour/.a.csv", b"1")
    with pytest.raises(RawFileError, match="no raw file in"):
        fetch(bucket, mirror)
    assert read_mirror(mirror) == {"harbour/a.csv": b"1"}
    elsewhere = bucket.url.replace("folder", "nowhere").replace("/bucket", "/nowhere", 1)
    with pytest.raises((UsageError, RemoteError)):
        fetch_raw(open_place(read_address(elsewhere)), mirror, time.time_ns(), no_progress)


# ------------------------------------------------------------------------------------- hostility


def test_no_object_leaves_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = ["../evil.csv", "/abs.csv", "a//b.csv", "a/./b.csv", "a\\b.csv", "a/x\x01.csv", "h"]
    hostile += ["marker-with-bytes/"]
    with open_bucket("s3", tmp_path, monkeypatch) as bucket:
        for name in [*hostile, "h/ok.csv", "good/ok.csv"]:
            bucket.put(name, b"12345")
        bucket.put("empty-marker/", b"")
        bucket.put("good/", b"")
        mirror = tmp_path / "in" / "here" / ".raw"
        done = fetch(bucket, mirror)
    assert read_mirror(mirror) == {"h/ok.csv": b"12345", "good/ok.csv": b"12345"}
    shown = ["a/x\\x01.csv" if "\x01" in name else name.rstrip("/") for name in hostile]
    assert [name for name, _ in done.refused] == sorted(shown)
    assert not [path for path in tmp_path.rglob("*.csv") if mirror not in path.parents]


def test_what_is_no_regular_file_is_refused_and_never_waited_for(
    folder: FolderBucket, tmp_path: Path
) -> None:
    folder.put("harbour/a.csv", b"1")
    os.mkfifo(folder.folder / "harbour" / "pipe.csv")
    done = fetch(folder, tmp_path / ".raw")
    assert [name for name, _ in done.refused] == ["harbour/pipe.csv"]


# -------------------------------------------------------------------------------------- failures


def fetch_with(folder: FolderBucket, mirror: Path, faults: Faults) -> Fetched:
    place = place_with(folder.url, faults)
    return fetch_raw(place, mirror, time.time_ns() + DAY_NS, no_progress)


def test_an_object_that_cannot_be_read_is_refused_and_its_old_copy_is_not_used(
    folder: FolderBucket, tmp_path: Path
) -> None:
    mirror = tmp_path / ".raw"
    folder.put("harbour/a.csv", b"old")
    folder.put("harbour/b.csv", b"stays")
    fetch(folder, mirror)
    folder.put("harbour/a.csv", b"newer")
    faults = Faults(unreadable={"a.csv"})
    done = fetch_with(folder, mirror, faults)
    assert [name for name, _ in done.refused] == ["harbour/a.csv"]
    assert "ACCESS_DENIED" in done.refused[0][1]
    assert len(faults.opened) == 2, "asked for once more after a new listing"
    assert read_mirror(mirror) == {"harbour/b.csv": b"stays"}
    assert fetch(folder, mirror).fetched == 1


def test_a_store_that_is_lost_halfway_ends_the_night_and_the_next_goes_on(
    folder: FolderBucket, tmp_path: Path
) -> None:
    mirror = tmp_path / ".raw"
    for name in ("a", "b", "c"):
        folder.put(f"harbour/{name}.csv", b"1")
    with pytest.raises(RemoteError, match="cannot be listed"):
        fetch_with(folder, mirror, Faults(unreadable={"b.csv", "c.csv"}, lists_left=1))
    assert fetch(folder, mirror).fetched == 2


def test_no_folder_is_read_without_its_mapping(folder: FolderBucket, tmp_path: Path) -> None:
    folder.put("harbour/a.csv", b"1")
    folder.put("harbour/mapping.toml", b"2")
    with pytest.raises(RemoteError, match="describes the files beside it"):
        fetch_with(folder, tmp_path / ".raw", Faults(unreadable={"mapping.toml"}))


def test_an_object_that_changes_or_goes_while_it_is_fetched_is_looked_at_again(
    folder: FolderBucket, tmp_path: Path
) -> None:
    folder.put("harbour/a.csv", b"first")
    folder.put("harbour/gone.csv", b"first")

    def change(path: str) -> None:
        if path.endswith("gone.csv"):
            folder.remove("harbour/gone.csv")
        elif faults.opened.count(path) == 1:
            folder.put("harbour/a.csv", b"other")
            os.utime(folder.folder / "harbour" / "a.csv", ns=(DAY_NS, DAY_NS))

    faults = Faults(on_open=change)
    done = fetch_with(folder, tmp_path / ".raw", faults)
    assert (read_mirror(tmp_path / ".raw"), done.refused) == ({"harbour/a.csv": b"other"}, ())


def test_an_object_that_never_rests_is_refused(folder: FolderBucket, tmp_path: Path) -> None:
    folder.put("harbour/a.csv", b"first")
    faults = Faults(on_open=lambda _: folder.put("harbour/a.csv", os.urandom(9)))
    done = fetch_with(folder, tmp_path / ".raw", faults)
    assert "changed while it was fetched" in dict(done.refused)["harbour/a.csv"]
    assert read_mirror(tmp_path / ".raw") == {}


KILLED = """
import os, sys, time
from pathlib import Path
from pipeline.remote import fetch_raw, open_place, read_address
left = int(sys.argv[3])
class Dying:
    def __init__(self, system): self.system = system
    def __getattr__(self, name): return getattr(self.system, name)
    def open_input_stream(self, path, **more):
        global left
        left -= 1
        if left < 0: os._exit(9)
        return self.system.open_input_stream(path, **more)
place = open_place(read_address(sys.argv[1]))
place._system = Dying(place._system)
fetch_raw(place, Path(sys.argv[2]), time.time_ns(), lambda *_: None)
"""


@pytest.mark.parametrize("objects_read", [0, 2])
def test_a_run_killed_while_it_fetches_is_repaired_by_the_next(
    folder: FolderBucket, tmp_path: Path, objects_read: int
) -> None:
    mirror = tmp_path / ".raw"
    for number in range(4):
        folder.put(f"harbour/{number}.csv", b"x" * 100_000)
    words = [sys.executable, "-c", KILLED, folder.url, str(mirror), str(objects_read)]
    assert subprocess.run(words, check=False, cwd=night.REPOSITORY).returncode == 9
    assert set(read_mirror(mirror)) < set(folder.read())
    fetch(folder, mirror)
    assert read_mirror(mirror) == folder.read()
    assert not list((mirror / ".coming").iterdir())


def test_the_time_of_an_object_may_be_listed_more_finely_than_it_is_told() -> None:
    from pipeline.remote.fetch import _is_same

    listed = Listed("a", 5, 7_123_456_789)
    assert _is_same(replace(listed, mtime_ns=7_000_000_000), listed)
    assert not _is_same(replace(listed, mtime_ns=8_000_000_000), listed)
    assert not _is_same(replace(listed, bytes=6), listed)


# --------------------------------------------------------------------------------------- secrets


SECRET = "s3://WHO:HUSH@bucket/x?endpoint_override=127.0.0.1:1&scheme=http&session=QUIET"


def test_no_part_of_a_url_that_may_be_secret_is_shown() -> None:
    address = read_address(SECRET)
    assert address.shown == "s3://bucket/x"
    assert not {word for word in ("WHO", "HUSH", "QUIET") if word in repr(address)}
    for url in (SECRET, SECRET.replace("HUSH", "HU SH"), SECRET.replace("HUSH", "HU/SH")):
        with pytest.raises((UsageError, RemoteError)) as refused:
            open_place(read_address(url)).list_objects()
        assert not {word for word in ("WHO", "HU", "SH", "QUIET") if word in str(refused.value)}


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://host/x", "s3://", "s3:///x", "s3://b/../x", "s3://b//x", "file://host/x"),
        *("file:///", "file:///a/../b", "s3://b/%2e%2e/x", "s3://b/%zz", "s3://b/a b"),
    ],
)
def test_a_url_that_names_no_folder_of_objects_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        read_address(url)


def test_places_in_one_another_are_seen() -> None:
    one, below, beside, other = (
        read_address(url)
        for url in (
            "s3://b/x",
            "s3://b/x/y?region=eu",
            "s3://b/xy",
            "s3://b/x?endpoint_override=h",
        )
    )
    assert one.holds(one) and one.holds(below) and not below.holds(one)
    assert not one.holds(beside) and not one.holds(other)


def test_a_place_is_told_from_one_of_the_same_name_at_another_service() -> None:
    one, other = (
        Place(read_address(f"s3://b/x{more}"), None, "b/x").identity
        for more in ("", "?endpoint_override=localhost:9000")
    )
    assert one != other
