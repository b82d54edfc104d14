"""A night on raw files in object storage: the same tables, and what it says and publishes there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import store
from pipeline.nightly import MIRROR
from pipeline.remote import POINTER
from tests.buckets import KINDS, ServerBucket, open_bucket
from tests.nights_published import tell_differences
from tests.operating import Ended, Place, run_here
from tests.test_remote_fetch import Bucket
from tests.test_remote_push import read_pointed, read_published

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
SECRETS = ("WHO-WHO", "HUSH-HUSH")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A local raw folder of one feed, two days, a mapping that is not for them and a bad file."""
    place = Place(tmp_path / "here")
    place.deliver("2023-05-01.csv", day=1)
    place.deliver("2023-05-02.csv", day=2, mmsi=273_000_222)
    (place.raw / "harbour" / "readme.txt").write_text("hello")
    (place.raw / "harbour" / ".half.csv").write_text("mmsi")
    return place


@pytest.fixture(params=KINDS)
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    with open_bucket(request.param, tmp_path, monkeypatch) as made:
        yield made


def deliver_all(place: Place, bucket: Bucket) -> None:
    for path in sorted(place.raw.rglob("*")):
        if path.is_file():
            bucket.put(f"ais/{path.relative_to(place.raw).as_posix()}", path.read_bytes())


def below(bucket: Bucket, folder: str) -> str:
    """Return the URL of a folder in a bucket."""
    url, mark, more = bucket.url.partition("?")
    return f"{url}/{folder}{mark}{more}"


def with_user(bucket: Bucket) -> str:
    """Return the URL of the raw files with a user and a password in it, where there can be one."""
    url = below(bucket, "ais")
    return url.replace("s3://", f"s3://{':'.join(SECRETS)}@")


def test_a_night_on_objects_publishes_what_one_on_files_does(
    bucket: Bucket,
    place: Place,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deliver_all(place, bucket)
    there = Place(place.folder.parent / "there")

    def run(raw: str, *more: str, processed: Path = there.processed) -> Ended:
        options = [*there.options, "--raw", raw, "--processed", str(processed), "--no-report"]
        return run_here(capsys, monkeypatch, "nightly", *options, "--log", "json", *more)

    assert run(str(place.raw), processed=place.processed).code == 3
    first = run(with_user(bucket), "--publish-to", below(bucket, "out"))
    assert first.code == 3, first.err
    assert tell_differences(place.processed, there.processed) == []
    files = store.read_table(there.processed, "files")
    assert files["file"].to_list() == [
        f"harbour/{name}" for name in ("2023-05-01.csv", "2023-05-02.csv", "readme.txt")
    ]
    stages = {line.get("stage") for line in first.log}
    assert {"fetching raw files", "reading raw files", "pushing outputs"} <= stages
    assert first.log[-1]["pushed"]["run"] == 1
    out = {
        name.removeprefix("out/"): content
        for name, content in bucket.read().items()
        if name.startswith("out/")
    }
    assert read_pointed(out) == read_published(there.processed)
    # A second night fetches nothing that it need not, and says what it did.
    bucket.remove("ais/harbour/2023-05-02.csv")
    bucket.remove("ais/harbour/readme.txt")
    second = run(with_user(bucket), "--publish-to", below(bucket, "out"), "--accept-counts")
    assert second.code == 0, second.err
    assert second.log[-1]["files_gone"] == 2
    assert second.out.splitlines()[-1].startswith("run 2 is at ")
    assert json.loads(bucket.read()[f"out/{POINTER}"])["run"] == 2
    said = first.out + first.err + second.out + second.err
    if isinstance(bucket, ServerBucket):
        said += "".join(
            path.read_bytes().decode("latin-1")
            for path in there.processed.rglob("*")
            if path.is_file()
        )
    assert not [word for word in (*SECRETS, "endpoint_override") if word in said]


def test_a_push_that_fails_is_code_6_and_can_be_done_again(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.folder / "there").write_text("no folder")
    url = (place.folder / "there" / "out").as_uri()
    options = [*place.options, "--no-report"]
    done = run_here(capsys, monkeypatch, "nightly", *options, "--publish-to", url)
    assert done.code == 6
    assert "published here, but not pushed" in done.err
    assert done.out.startswith("run 1: ")
    assert store.read_manifest(place.processed)["run"] == 1
    again = ["push", url, "--processed", str(place.processed)]
    failed = run_here(capsys, monkeypatch, *again)
    assert (failed.code, len(failed.err.splitlines())) == (6, 1)
    (place.folder / "there").unlink()
    (place.folder / "there").mkdir()
    assert run_here(capsys, monkeypatch, *again).code == 0
    objects = {
        path.relative_to(place.folder / "there" / "out").as_posix(): path.read_bytes()
        for path in (place.folder / "there" / "out").rglob("*")
        if path.is_file()
    }
    assert read_pointed(objects) == read_published(place.processed)


def test_a_store_that_is_not_there_publishes_nothing(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (place.folder / "nowhere").as_uri()
    done = run_here(capsys, monkeypatch, "nightly", *place.options, "--raw", url)
    assert (done.code, done.out) == (2, "")
    assert "nothing is there" in done.err.splitlines()[-1]
    assert not (place.processed / "manifest.json").exists()


def test_folders_in_one_another_are_refused_before_anything_is_done(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, processed = place.raw.as_uri(), place.processed.as_uri()
    for more in (
        ["--raw", place.folder.as_uri()],
        ["--raw", f"{processed}/{MIRROR}"],
        ["--raw", raw, "--publish-to", f"{raw}/out"],
        ["--publish-to", f"{raw}/out"],
        ["--publish-to", f"{processed}/out"],
        ["--raw", "s3://b/x", "--publish-to", "s3://b/x/out"],
        ["--publish-to", "/some/folder"],
    ):
        done = run_here(capsys, monkeypatch, "nightly", *place.options, *more)
        assert (done.code, done.out) == (2, ""), more
    assert not place.processed.exists()


def test_the_doctor_looks_at_objects(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run_here(capsys, monkeypatch, "doctor", *place.options, "--raw", place.raw.as_uri())
    line = next(line for line in said.out.splitlines() if "raw files" in line)
    assert line.startswith("ok") and "objects" in line
    nowhere = (place.folder / "nowhere").as_uri()
    said = run_here(capsys, monkeypatch, "doctor", *place.options, "--raw", nowhere)
    assert said.code == 1 and "nothing is there" in said.out
    assert not place.processed.exists()
