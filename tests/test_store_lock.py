"""One writer at a time, whatever became of the last one."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import LockedError, StorageError
from pipeline.store import hold_lock

HOLD = """
import sys, time
from pathlib import Path
from pipeline.store import hold_lock
with hold_lock(Path(sys.argv[1]), "darkport nightly"):
    print("held", flush=True)
    time.sleep(60)
"""
# Four of these add to a number without an atomic step between reading and writing it.
COUNT = """
import sys, time
from pathlib import Path
from pipeline.errors import LockedError
from pipeline.store import hold_lock
folder, done = Path(sys.argv[1]), 0
number = folder / "number"
while done < 25:
    try:
        with hold_lock(folder):
            value = int(number.read_text())
            time.sleep(0.001)
            number.write_text(str(value + 1))
            done += 1
    except LockedError:
        time.sleep(0.0005)
"""


def start_holder(processed: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(processed)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def write_note(processed: Path, note: object) -> None:
    processed.mkdir(parents=True, exist_ok=True)
    (processed / ".lock").write_text(json.dumps(note))


def fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    child = start_holder(tmp_path)
    with (
        pytest.raises(LockedError, match=f"process {child.pid} on host .*darkport nightly"),
        hold_lock(tmp_path),
    ):
        pass
    end(child)
    with hold_lock(tmp_path) as words:
        assert words is not None
        assert f"process {child.pid} on host" in words
        assert "ended without releasing it" in words
        assert words.endswith("0 h 0 min ago")
    with hold_lock(tmp_path) as words:
        assert words is None


def test_the_refused_learn_who_holds_the_lock_and_for_how_long(tmp_path: Path) -> None:
    since = datetime.now(UTC) - timedelta(hours=3, minutes=12, seconds=5)
    with hold_lock(tmp_path):
        write_note(tmp_path, {"pid": 77, "host": "harbour", "since": since.isoformat()})
        with pytest.raises(LockedError) as refused, hold_lock(tmp_path):
            pass
    assert "process 77 on host harbour, since" in str(refused.value)
    assert str(refused.value).endswith(", 3 h 12 min ago")


def test_a_refused_run_leaves_the_note_of_the_holder(tmp_path: Path) -> None:
    with hold_lock(tmp_path, "the holder"):
        before = (tmp_path / ".lock").read_bytes()
        with pytest.raises(LockedError), hold_lock(tmp_path, "the refused"):
            pass
        assert (tmp_path / ".lock").read_bytes() == before


@pytest.mark.parametrize("is_failure", [False, True])
def test_a_run_that_ends_or_fails_leaves_an_empty_lock_file(
    tmp_path: Path, is_failure: bool
) -> None:
    try:
        with hold_lock(tmp_path):
            inode = (tmp_path / ".lock").stat().st_ino
            if is_failure:
                raise ValueError
    except ValueError:
        assert is_failure
    assert (tmp_path / ".lock").read_bytes() == b""
    assert (tmp_path / ".lock").stat().st_ino == inode
    with hold_lock(tmp_path) as words:
        assert words is None


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff\xfe",
        b"[" * 4000,
        b"[1, 2]",
        b"{}",
        b'{"pid": 1',
        b"x" * 1_000_000,
        b'{"pid": null, "host": ["\\u001b[31m"], "since": "\\ud800"}',
        b'{"pid": 1e999, "since": "9999-12-31T23:59:59+00:00"}',
        b'{"pid": 1, "since": "0001-01-01T00:00:00+14:00"}',
        b'{"pid": 1, "since": 12}',
    ],
)
def test_garbage_in_the_lock_file_does_not_matter(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".lock").write_bytes(content)
    with hold_lock(tmp_path) as words:
        assert words is None or words.isprintable()
        note = json.loads((tmp_path / ".lock").read_bytes())
        assert note["pid"] == os.getpid()
        (tmp_path / ".lock").write_bytes(content)
        with pytest.raises(LockedError) as refused, hold_lock(tmp_path):
            pass
        assert str(refused.value).isprintable()


def test_several_processes_never_hold_it_at_once(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    children = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path)]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    assert (tmp_path / "number").read_text() == "100"


def test_a_program_started_by_a_run_does_not_inherit_its_lock(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with hold_lock(tmp_path):
        handles = [
            number
            for number in range(256)
            if Path(f"/dev/fd/{number}").exists() and Path(f"/dev/fd/{number}").samefile(lock)
        ]
        assert len(handles) == 1
        assert not os.get_inheritable(handles[0])


def test_a_forked_child_that_outlives_a_killed_run_does_not_keep_its_lock(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    child = fork()
    if not child:
        with hold_lock(tmp_path):
            grandchild = fork()
            if not grandchild:
                signal.pause()
            os.write(write_end, str(grandchild).encode())
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(write_end)
    os.waitpid(child, 0)
    grandchild = int(os.read(read_end, 20))
    os.close(read_end)
    try:
        with hold_lock(tmp_path) as words:
            assert words is not None
            assert f"process {child} " in words
    finally:
        os.kill(grandchild, signal.SIGKILL)


def test_a_forked_child_that_ends_leaves_the_lock_to_its_parent(tmp_path: Path) -> None:
    with hold_lock(tmp_path):
        child = fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        with pytest.raises(LockedError), hold_lock(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Not a directory"), hold_lock(tmp_path / "file" / "out"):
        pass


def test_a_file_system_without_locks_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StorageError, match=r"\.lock: No locks available"), hold_lock(tmp_path):
        pass
