"""Publishing: at every instant the old outputs or the new ones are there, whole."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipeline import store
from pipeline.errors import StorageError
from pipeline.store import Outputs, outputs

OLD = {
    "gaps.parquet": "old gaps",
    "manifest.json": "old manifest",
    "gone.parquet": "no longer made",
    "positions/date=2023-05-01/positions.parquet": "first day",
    "positions/date=2023-05-02/positions.parquet": "second day",
}
NEW = {
    "gaps.parquet": "new gaps",
    "manifest.json": "new manifest",
    "added.parquet": "made for the first time",
    "positions/date=2023-05-01/positions.parquet": "first day",
    "positions/date=2023-05-02/positions.parquet": "second day, with late data",
}
OTHERS = {"notes.txt": "somebody's", "mine/data.parquet": "somebody's", "mine/a.wal": "a"}


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def seen_by_a_reader(processed: Path) -> dict[str, str]:
    """What is reached under the names of outputs; a link to nothing is nothing."""
    tops = {name.split("/")[0] for name in OLD | NEW}
    found: dict[str, str] = {}
    for top in sorted(tops):
        path = processed / top
        files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
        found |= {str(p.relative_to(processed)): p.read_text() for p in files if p.exists()}
    return found


def others_of(processed: Path) -> dict[str, str]:
    return {name: (processed / name).read_text() for name in OTHERS}


def publish_old(processed: Path) -> Outputs:
    done = Outputs(processed)
    new = done.begin()
    write_files(new, OLD)
    (new / ".state").mkdir()
    done.commit(new)
    return done


def run_a_night(processed: Path) -> None:
    """Sweep, build NEW from OLD as far as there is an OLD, publish."""
    done = Outputs(processed)
    done.sweep()
    new = done.begin()
    (new / ".state").mkdir()
    write_files(new, {name: text for name, text in NEW.items() if "05-01" not in name})
    name = "positions/date=2023-05-01"
    if done.current is not None:
        done.carry(new, name)
    else:
        write_files(new, {f"{name}/positions.parquet": "first day"})
    done.commit(new)


def prepare_nothing(processed: Path) -> None:
    write_files(processed, OTHERS)


def prepare_a_published_night(processed: Path) -> None:
    write_files(processed, OTHERS)
    publish_old(processed)
    write_files(processed, {"manifest.json.wal": "left over"})


def prepare_two_published_nights(processed: Path) -> None:
    write_files(processed, OTHERS)
    publish_old(processed)
    publish_old(processed)


def prepare_an_earlier_layout(processed: Path) -> None:
    write_files(processed, OTHERS | OLD)


def kill_at_operation(number: int, run: Callable[[], None]) -> bool:
    """Run in a child that ends at its n-th file operation; return whether it was killed there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, 9)
        return code == 9
    left = number

    def count(event: str, _: object) -> None:
        nonlocal left
        if event == "open" or event.startswith(("os.", "shutil.")):
            left -= 1
            if left < 0:
                os._exit(9)

    try:
        sys.addaudithook(count)
        run()
    except BaseException:  # noqa: BLE001
        os._exit(1)
    os._exit(0)


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk changes no file; a hundred nights would wait for everybody's."""
    monkeypatch.setattr(os, "sync", lambda: None)


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.parametrize(
    "prepare", [prepare_nothing, prepare_a_published_night, prepare_two_published_nights]
)
def test_a_night_killed_between_any_two_file_operations_leaves_old_or_new(
    tmp_path: Path, prepare: Callable[[Path], None]
) -> None:
    outcomes = set()
    number = 0
    while True:
        processed = tmp_path / str(number)
        prepare(processed)
        old = seen_by_a_reader(processed)
        was_killed = kill_at_operation(number, lambda: run_a_night(processed))  # noqa: B023
        seen = seen_by_a_reader(processed)
        assert seen in (old, NEW), number
        assert others_of(processed) == OTHERS
        if not was_killed:
            break
        outcomes.add(seen == NEW)
        run_a_night(processed)
        assert seen_by_a_reader(processed) == NEW
        assert others_of(processed) == OTHERS
        assert_nothing_is_left_over(processed)
        number += 1
    # Killed both before and after the switch, or the trial shows nothing.
    assert outcomes == {True, False}
    assert number > 30


def assert_nothing_is_left_over(processed: Path) -> None:
    tops = {name.split("/")[0] for name in NEW | OTHERS}
    assert {p.name for p in processed.iterdir()} == tops | {".current", ".generations"}
    words = Outputs(processed).sweep()
    assert len(words) <= 1
    assert all(line.startswith("removed earlier generation") for line in words)
    numbers = [p.name for p in (processed / ".generations").iterdir()]
    current = Outputs(processed).current
    assert current is not None
    assert numbers == [current.name]


@pytest.mark.usefixtures("quick_disk")
def test_moving_from_an_earlier_layout_is_whole_at_every_operation(tmp_path: Path) -> None:
    number, without = 0, 0
    while True:
        processed = tmp_path / str(number)
        prepare_an_earlier_layout(processed)
        was_killed = kill_at_operation(number, lambda: run_a_night(processed))  # noqa: B023
        seen = seen_by_a_reader(processed)
        # A folder cannot be replaced by a link in one step: for an instant it is not there.
        without_folder = {name: text for name, text in OLD.items() if "/" not in name}
        old = {name: text for name, text in seen.items() if name != "gone.parquet"}
        assert seen in (OLD, without_folder, NEW) or old == NEW, number
        without += seen == without_folder
        assert others_of(processed) == OTHERS
        if not was_killed:
            break
        Outputs(processed).sweep()
        assert seen_by_a_reader(processed) in (OLD, NEW | {"gone.parquet": "no longer made"}, NEW)
        run_a_night(processed)
        assert {n: t for n, t in seen_by_a_reader(processed).items() if n != "gone.parquet"} == NEW
        number += 1
    assert without <= 4
    assert (processed / ".generations/replaced/gaps.parquet").read_text() == "old gaps"


def test_outputs_are_reached_by_links_and_hidden_names_are_not_linked(tmp_path: Path) -> None:
    done = publish_old(tmp_path)
    assert (tmp_path / "gaps.parquet").readlink() == Path(".current/gaps.parquet")
    assert (tmp_path / ".current").readlink() == Path(".generations/000001")
    assert done.current == tmp_path / ".generations/000001"
    assert (done.current / ".state").is_dir()
    assert not (tmp_path / ".state").exists()


def test_all_bytes_are_on_the_disk_before_a_name_leads_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = publish_old(tmp_path)
    new = done.begin()
    write_files(new, NEW)
    seen = []
    sync = os.sync

    def watch() -> None:
        seen.append((seen_by_a_reader(tmp_path), new.is_dir()))
        sync()

    monkeypatch.setattr(os, "sync", watch)
    done.commit(new)
    assert seen == [(OLD, True)]


def test_the_folder_can_be_moved(tmp_path: Path) -> None:
    publish_old(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    assert seen_by_a_reader(tmp_path / "there") == OLD


def test_before_the_first_night_there_is_no_generation(tmp_path: Path) -> None:
    done = Outputs(tmp_path / "nowhere")
    assert done.current is None
    assert done.sweep() == []
    with pytest.raises(StorageError, match="no generation"):
        done.carry(done.begin(), "gaps.parquet")


def test_the_generation_before_is_kept_until_the_next_run(tmp_path: Path) -> None:
    done = publish_old(tmp_path)
    first = done.current
    assert first is not None
    new = done.begin()
    write_files(new, NEW)
    done.commit(new)
    assert (first / "gaps.parquet").read_text() == "old gaps"
    assert done.sweep() == ["removed earlier generation 000001"]
    assert not first.exists()


def test_sweep_names_what_it_removes(tmp_path: Path) -> None:
    done = publish_old(tmp_path)
    write_files(done.begin(), NEW)
    (tmp_path / "nowhere.parquet").symlink_to(".current/nowhere.parquet")
    (tmp_path / "theirs").symlink_to("nowhere/at/all")
    (tmp_path / ".current.new-link").symlink_to(".generations/000002")
    assert done.current is not None
    write_files(done.current, {"gaps.parquet.wal": ""})
    write_files(tmp_path, {"manifest.json.wal": "", "theirs.wal": ""})
    assert done.sweep() == [
        "removed half-built generation 000002",
        "removed temporary link .current.new-link",
        "removed manifest.json.wal, left over beside an output",
        "removed link nowhere.parquet, which led nowhere",
        "removed gaps.parquet.wal, left over beside an output",
    ]
    assert (tmp_path / "theirs").is_symlink()
    assert (tmp_path / "theirs.wal").exists()
    assert done.sweep() == []
    assert seen_by_a_reader(tmp_path) == OLD


def test_lost_links_come_back(tmp_path: Path) -> None:
    done = publish_old(tmp_path)
    (tmp_path / ".current").unlink()
    (tmp_path / "gaps.parquet").unlink()
    assert done.sweep() == ["published generation 000001 again: none was marked as current"]
    assert seen_by_a_reader(tmp_path) == OLD


def test_a_generation_that_cannot_be_removed_does_not_stop_the_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = publish_old(tmp_path)
    publish_old(tmp_path)

    def refuse(path: Path) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(outputs.shutil, "rmtree", refuse)
        assert "could not remove earlier generation 000001" in done.sweep()[0]
    assert done.sweep() == ["removed half-built generation 000001"]


def test_carry_links_files_and_trees_and_keeps_what_is_new(tmp_path: Path) -> None:
    done = publish_old(tmp_path)
    new = done.begin()
    write_files(new, {"positions/date=2023-05-02/positions.parquet": "late data"})
    done.carry(new, "positions")
    done.carry(new, "gaps.parquet")
    assert done.current is not None
    day = "positions/date=2023-05-01/positions.parquet"
    assert (new / day).samefile(done.current / day)
    assert (new / "gaps.parquet").samefile(done.current / "gaps.parquet")
    changed = "positions/date=2023-05-02/positions.parquet"
    assert (new / changed).read_text() == "late data"
    assert (done.current / changed).read_text() == "second day"


def test_carry_copies_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = publish_old(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    new = done.begin()
    done.carry(new, "positions")
    done.link(tmp_path / "gaps.parquet", new / "deep/gaps.parquet")
    assert (new / "positions/date=2023-05-01/positions.parquet").read_text() == "first day"
    assert (new / "deep/gaps.parquet").read_text() == "old gaps"


def test_carrying_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = publish_old(tmp_path)
    with pytest.raises(StorageError, match=r"nothing\.parquet: No such file"):
        done.carry(done.begin(), "nothing.parquet")


def test_a_file_system_without_symbolic_links_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(StorageError, match="without symbolic links; name a processed folder"):
        Outputs(tmp_path).begin()


def test_a_plain_file_in_the_way_is_kept(tmp_path: Path) -> None:
    done = publish_old(tmp_path)
    for number in range(2):
        if number:
            (tmp_path / "added.parquet").unlink()
        write_files(tmp_path, {"added.parquet": f"somebody's {number}"})
        run_a_night(tmp_path)
    replaced = tmp_path / ".generations/replaced"
    assert (replaced / "added.parquet").read_text() == "somebody's 0"
    assert (replaced / "added.parquet.1").read_text() == "somebody's 1"
    done.sweep()
    assert replaced.is_dir()
    assert seen_by_a_reader(tmp_path) == NEW


def test_a_failure_after_the_switch_does_not_say_that_the_old_outputs_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = publish_old(tmp_path)
    new = done.begin()
    write_files(new, NEW)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "gone.parquet":
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        done.commit(new)
    assert seen_by_a_reader(tmp_path) == NEW
    assert "removed link gone.parquet, which led nowhere" in done.sweep()


@pytest.mark.parametrize("function", ["sync", "symlink", "rename", "replace"])
def test_a_failure_before_the_switch_leaves_the_old_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    done = publish_old(tmp_path)
    new = done.begin()
    write_files(new, NEW)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, function, refuse)
        with pytest.raises(StorageError, match=r"No space left.*last night's outputs stand"):
            done.commit(new)
    assert seen_by_a_reader(tmp_path) == OLD
    run_a_night(tmp_path)
    assert seen_by_a_reader(tmp_path) == NEW


def build_database(new: Path, value: int) -> None:
    connection = store.open_build(new / store.DATABASE)
    connection.execute(f"create table told as select range as n, {value} as v from range(100000)")
    connection.close()


def test_a_reader_with_the_old_database_open_reads_on(tmp_path: Path) -> None:
    done = Outputs(tmp_path)
    for value in (1, 2):
        new = done.begin()
        build_database(new, value)
        assert {path.name for path in new.iterdir()} == {store.DATABASE}
        done.commit(new)
        if value == 1:
            reader = store.open_database(tmp_path / store.DATABASE)
    done.sweep()
    assert reader.sql("select sum(v) from told").fetchall() == [(100_000,)]
    ask = (
        "import sys, duckdb\n"
        "c = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print(c.execute('select sum(v) from told').fetchall())"
    )
    told = subprocess.run(
        [sys.executable, "-c", ask, str(tmp_path / store.DATABASE)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[(200000,)]"
    reader.close()


def test_the_log_a_writing_reader_left_is_not_replayed(tmp_path: Path) -> None:
    done = Outputs(tmp_path)
    new = done.begin()
    build_database(new, 1)
    done.commit(new)
    write = (
        "import os, sys, duckdb\n"
        "c = duckdb.connect(sys.argv[1])\n"
        "c.execute('create table scribbled as select 1 as n')\n"
        "os.kill(os.getpid(), 9)"
    )
    path = tmp_path / store.DATABASE
    subprocess.run([sys.executable, "-c", write, str(path)], check=False)
    assert done.sweep() == ["removed darkport.duckdb.wal, left over beside an output"]
    connection = duckdb.connect(str(path), read_only=True)
    assert connection.execute("select table_name from duckdb_tables()").fetchall() == [("told",)]
    connection.close()


def test_the_generation_before_can_be_kept_until_a_night_has_published(tmp_path: Path) -> None:
    for _ in range(3):
        done = publish_old(tmp_path)
    assert done.sweep(keep_before=True) == ["removed earlier generation 000001"]
    publish_old(tmp_path)
    assert done.drop_earlier() == ["removed earlier generation 000002"]
    assert done.drop_earlier() == []
    assert {path.name for path in done.generations.iterdir()} == {"000003", "000004"}
    assert done.current == done.generations / "000004"
