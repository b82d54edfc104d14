"""Wherever raw files are read and days summed up, the same bytes are published (DESIGN 5)."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from distributed import Client, LocalCluster, get_worker

from pipeline import inputs, store
from pipeline.archive import Question, derive_archive
from pipeline.engine import EngineChoice, open_engine
from pipeline.engine.cluster import Cluster, open_cluster
from pipeline.engine.likeness import describe_likeness, hold_likeness
from pipeline.errors import EngineError, UsageError
from pipeline.ingest import Progress, no_progress
from pipeline.nightly import SHELF, Job, Outcome, run_night
from pipeline.registry import no_registry
from pipeline.rules import ClusterRules, Rules, rules_hash
from pipeline.water import load_water
from tests import night
from tests.nights_archive import draw_archive
from tests.nights_model import eager_rules, make_light_sql, split_rows, write_rows
from tests.nights_published import tell_differences

# Dask leaves the sockets of connections that failed to the collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
SEED = 7
HASTY = ClusterRules(connect_s=0.5, no_worker_s=0.5, watch_every_s=0.1)
MAPPING = """name = "harbour_office"
separator = ";"
[fields]
mmsi = "id"
timestamp = { column = "at", zone = "Europe/Moscow" }
longitude = "x"
latitude = "y"
"""


# ------------------------------------------------------------------------------------- the world


@dataclass(frozen=True)
class World:
    """Raw files, and how a night on them is run.

    Attributes:
        local: what a night without a cluster published of them.
    """

    raw: Path
    sql: Path
    local: Path

    def run(
        self,
        processed: Path,
        engine: EngineChoice | None = None,
        progress: Progress = no_progress,
    ) -> Outcome:
        job = Job(
            raw=self.raw,
            processed=processed,
            areas_folder=night.GEO,
            sql_folder=self.sql,
            rules=eager_rules(),
            accept_counts=True,
        )
        return run_night(replace(job, engine=engine) if engine else job, progress)


def write_raw_files(raw: Path) -> None:
    """Write an archive full of trouble, a file with a mapping, and one that cannot be read."""
    rng = random.Random(SEED)
    for name, lines in split_rows(rng, draw_archive(SEED, days=8), by_day=True).items():
        path = raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write_rows(lines, is_packed=name.endswith(".gz")))
    (raw / "office").mkdir()
    (raw / "office" / "mapping.toml").write_text(MAPPING, "utf-8")
    rows = "id;at;x;y\n273111000;2023-05-30 10:00:00;51.0;40.5\n273111000;2023-05-30;51;40\n"
    (raw / "office" / "may.csv").write_text(rows, "utf-8")
    (raw / "sky" / "broken.csv.gz").write_bytes(b"\x1f\x8b no archive")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    write_raw_files(folder / "raw")
    # What is young is hashed again in every night.
    for path in (folder / "raw").rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    made = World(folder / "raw", make_light_sql(folder), folder / "local")
    made.run(made.local)
    return made


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=60,
        env={"POLARS_MAX_THREADS": "1"},
    ) as made:
        yield made


def on(cluster: LocalCluster) -> EngineChoice:
    return EngineChoice("dask", cluster.scheduler_address)


def shelf_of(processed: Path) -> dict[str, bytes]:
    """Return every file on the shelf by name."""
    shelf = processed / SHELF
    names = (path for path in sorted(shelf.rglob("*")) if path.is_file())
    return {path.relative_to(shelf).as_posix(): path.read_bytes() for path in names}


def assert_as_local(world: World, processed: Path) -> None:
    """Hold published files and the shelf against those of the night without a cluster."""
    assert tell_differences(world.local, processed) == []
    mine, other = shelf_of(processed), shelf_of(world.local)
    assert mine.keys() == other.keys()
    assert [name for name in mine if mine[name] != other[name]] == []
    assert not (processed / ".scratch").exists()
    assert not (processed / ".cluster").exists()


# ------------------------------------------------------------------------------------ whole nights


def test_a_cluster_publishes_the_bytes_of_a_night_without_one(
    world: World, cluster: LocalCluster, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    outcome = world.run(tmp_path / "out", on(cluster), lambda *one: told.append(one))
    assert_as_local(world, tmp_path / "out")
    assert outcome.warnings == ()
    assert outcome.files_failed == (("sky/broken.csv.gz", outcome.files_failed[0][1]),)
    assert "file" not in outcome.files_failed[0][1].split(":")[0]
    assert told.count(("summing up days", outcome.days_redone, outcome.days_redone)) == 1
    # What a cluster left, a night without one goes on with, and the other way round.
    for engine in (None, on(cluster)):
        again = world.run(tmp_path / "out", engine)
        assert again.days_redone == 0
        assert not (again.changes.new or again.changes.changed or again.changes.removed)


def test_a_night_that_loses_a_worker_publishes_the_same_bytes(
    world: World, cluster: LocalCluster, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one(stage: str, done: int, total: int) -> None:
        # Of a stage whose units read what those of an earlier one left; more units wait than there
        # are workers, so that both are busy, and what they have done lies in their memory.
        if stage == "finding segments" and done == 2:
            assert total >= 6
            with Client(cluster) as client:
                killed.append(max(client.run(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    outcome = world.run(tmp_path / "out", on(cluster), kill_one)
    assert len(killed) == 1
    assert outcome.warnings == ()
    with Client(cluster) as client:
        assert killed[0] not in client.run(os.getpid).values()
    assert_as_local(world, tmp_path / "out")


def test_a_night_that_was_killed_is_gone_on_with(
    world: World, cluster: LocalCluster, tmp_path: Path
) -> None:
    processed = tmp_path / "out"
    running = start_command(world, processed, "--scheduler", cluster.scheduler_address)
    wait_until(lambda: len(list(processed.glob(f"{SHELF}/edges/2*"))) >= 2, running)
    # No last words: its units go on for a while, and its lock is free at once.
    running.kill()
    running.wait()
    assert not (processed / "gaps.parquet").exists()
    before = {path.name for path in processed.glob(f"{SHELF}/files/*") if path.name[0] != "."}
    outcome = world.run(processed, on(cluster))
    assert len(before) >= outcome.files_read
    assert_as_local(world, processed)


def test_the_command_makes_a_cluster_of_this_machine_and_ends_it(
    world: World, tmp_path: Path
) -> None:
    running = start_command(world, tmp_path / "out")
    out, err = running.communicate(timeout=300)
    # 3: a raw file could not be read.
    assert running.returncode == 3, err
    assert out.startswith("run 1: ")
    assert [line for line in err.splitlines() if not line.startswith("darkport: raw file")] == []
    assert not is_group_left(running.pid)
    without = start_command(world, tmp_path / "without", engine="local")
    assert without.wait(timeout=300) == 3
    assert tell_differences(tmp_path / "without", tmp_path / "out") == []


def start_command(
    world: World, processed: Path, *more: str, engine: str = "dask"
) -> subprocess.Popen[str]:
    """Start a night in a process of its own, from another folder than a worker's."""
    words = ["nightly", "--raw", "raw", "--processed", str(processed), "--no-report"]
    script = "from pipeline.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", script, *words, "--log", "none", "--engine", engine, *more],
        cwd=world.raw.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(night.REPOSITORY), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(is_so: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    while not is_so():
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)


def is_group_left(pid: int, within_s: float = 60.0) -> bool:
    """Return whether any process is left, after a while, of the group that a process led."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


# --------------------------------------------------------------------- engines without a cluster


class Unruly:
    """Does every unit twice, in any order, its own copy of everything, and gives the later one."""

    is_elsewhere = True
    warnings = ()

    def run(
        self, work: Callable[[Any, Any], Any], shared: Any, units: Iterable[Any]
    ) -> Iterator[tuple[Any, Any]]:
        asked = list(units)
        random.Random(len(asked)).shuffle(asked)
        for unit in asked:
            for _ in range(2):
                carried = cloudpickle.loads(cloudpickle.dumps((work, shared, unit)))
                done = carried[0](*carried[1:])
            yield unit, cloudpickle.loads(cloudpickle.dumps(done))


def test_units_done_twice_and_in_any_order_change_nothing(world: World, tmp_path: Path) -> None:
    water, rules, engine = load_water(night.GEO), eager_rules(), Unruly()
    shelf, scratch = store.Shelf(tmp_path / SHELF), store.Scratch(tmp_path / ".scratch")
    found = inputs.read_inputs(world.raw, shelf, rules, {}, 0, no_progress, engine=engine)
    question = Question(water, no_registry(), rules, rules_hash(rules, water.hash), None)
    archive = derive_archive(found, shelf, scratch, question, no_progress, engine)
    half_made = shelf.sweep(archive.names())
    assert half_made == len(found) - 1 + 3 * len(archive.days.files)
    mine, other = shelf_of(tmp_path), shelf_of(world.local)
    assert [name for name in other if not name.startswith(".") and mine[name] != other[name]] == []
    assert not scratch.folder.exists()


def test_what_another_machine_cannot_read_is_read_here(world: World, tmp_path: Path) -> None:
    class Blind(Unruly):
        def run(
            self, work: Callable[[Any, Any], Any], shared: Any, units: Iterable[Any]
        ) -> Iterator[tuple[Any, Any]]:
            for number, unit in enumerate(units):
                seen = unit.path if number % 2 else Path("/nowhere")
                yield unit, work(shared, replace(unit, path=seen))

    shelf = store.Shelf(tmp_path / SHELF)
    found = [
        inputs.read_inputs(world.raw, shelf, Rules(), {}, 0, no_progress, engine=engine)
        for engine in (Blind(), inputs.HERE)
    ]
    assert found[0] == found[1]
    assert sum(file.account.error is None for file in found[0]) == len(found[0]) - 1


# --------------------------------------------------------------------------------------- units


@dataclass(frozen=True)
class Numbers:
    """Units that are numbers."""

    cluster: Cluster

    def done(self, work: Callable[[int, int], int], count: int = 4) -> list[tuple[int, int]]:
        return sorted(self.cluster.run(work, 10, range(count)))


def add(shared: int, unit: int) -> int:
    return shared + unit


def add_here_only(shared: int, unit: int) -> int:
    """Fail on a worker for unit 2."""
    if unit == 2:
        try:
            get_worker()
        except ValueError:
            return add(shared, unit)
        raise PermissionError("a worker's own trouble")
    return add(shared, unit)


def fail(shared: int, unit: int) -> int:
    raise LookupError(f"unit {unit} of {shared}")


def die(shared: int, unit: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return shared + unit


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A raw folder and one for outputs."""
    raw, processed = tmp_path / "raw", tmp_path / "processed"
    (raw / "coast").mkdir(parents=True)
    processed.mkdir()
    return raw, processed


def test_units_come_back_with_what_was_made_of_them(
    cluster: LocalCluster, folders: tuple[Path, Path]
) -> None:
    with open_cluster(cluster.scheduler_address, *folders) as engine:
        assert engine.is_elsewhere
        assert Numbers(engine).done(add, 40) == [(unit, 10 + unit) for unit in range(40)]
        # What was done before must not stand for what is asked now.
        assert sorted(engine.run(add, 20, range(2))) == [(0, 20), (1, 21)]
        assert Numbers(engine).done(add, 0) == []


def test_what_fails_on_a_worker_is_done_here_and_told(
    cluster: LocalCluster, folders: tuple[Path, Path]
) -> None:
    with open_cluster(cluster.scheduler_address, *folders) as engine:
        assert Numbers(engine).done(add_here_only) == [(0, 10), (1, 11), (2, 12), (3, 13)]
        (warning,) = engine.warnings
        assert warning.startswith("2 failed on a worker and was done here: tcp://")
        assert "PermissionError: a worker's own trouble (test_engine.py:" in warning
        with pytest.raises(LookupError, match=r"unit \d of 10"):
            Numbers(engine).done(fail)


def test_a_unit_that_takes_every_worker_with_it_ends_the_run(
    tmp_path: Path, folders: tuple[Path, Path]
) -> None:
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=60) as made:
        made.scheduler.allowed_failures = 0
        worker = start_worker(made.scheduler_address, night.REPOSITORY, tmp_path)
        with (
            open_cluster(made.scheduler_address, *folders) as engine,
            pytest.raises(EngineError, match=r"^0 was lost with 1 workers.*lack memory"),
        ):
            Numbers(engine).done(die, 1)
        assert worker.wait() == -signal.SIGKILL


# ------------------------------------------------------------------------------------- refusals


def test_without_the_extra_the_command_says_what_to_install(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(UsageError, match=r"pip install 'darkport\[cluster\]'"),
        open_engine(EngineChoice("dask"), *folders),
    ):
        pass


def test_a_scheduler_is_no_use_to_the_local_engine(folders: tuple[Path, Path]) -> None:
    with (
        pytest.raises(UsageError, match="--scheduler needs --engine dask"),
        open_engine(EngineChoice("local", "tcp://127.0.0.1:1"), *folders),
    ):
        pass


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        ("tcp://127.0.0.1:1", EngineError, "no Dask scheduler answers at tcp://127.0.0.1:1 within"),
        ("tcp://nowhere.invalid:8786", EngineError, "no Dask scheduler answers"),
        ("http://127.0.0.1:1", UsageError, "write e.g. tcp://"),
        ("127.0.0.1", UsageError, "write e.g. tcp://"),
        ("", UsageError, "write e.g. tcp://"),
    ],
)
def test_a_scheduler_that_cannot_be_reached_is_told_of(
    address: str, kind: type[Exception], words: str, folders: tuple[Path, Path]
) -> None:
    with pytest.raises(kind, match=words), open_cluster(address, *folders, HASTY):
        pass


def test_a_cluster_without_a_worker_is_not_waited_for_without_end(
    cluster: LocalCluster, folders: tuple[Path, Path]
) -> None:
    # On the loop that is there: after so many clusters a new one does not always start in time.
    with LocalCluster(
        n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=60, loop=cluster.loop
    ) as made:
        with (
            pytest.raises(EngineError, match="the cluster's workers do not answer"),
            open_cluster(made.scheduler_address, *folders, HASTY),
        ):
            pass
        with Client(made) as client:
            likeness = describe_likeness(*folders)
            engine = Cluster(client, likeness, HASTY, is_elsewhere=True)
            with pytest.raises(EngineError, match="has had no worker for 0 s"):
                Numbers(engine).done(add)


def test_a_scheduler_that_is_lost_ends_the_run(folders: tuple[Path, Path]) -> None:
    with LocalCluster(
        n_workers=1,
        processes=False,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        silence_logs=60,
    ) as made:
        client = Client(made.scheduler_address, timeout=1)
        engine = Cluster(client, describe_likeness(*folders), HASTY, is_elsewhere=True)
        results = engine.run(add, 10, range(1000))
        next(results)
        made.close()
        with pytest.raises(EngineError, match=r"the cluster was lost while it did .*run again"):
            list(results)
        client.close()


def test_a_worker_with_other_code_is_refused(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    other = tmp_path / "other"
    shutil.copytree(night.REPOSITORY / "pipeline", other / "pipeline")
    with (other / "pipeline" / "gaps.py").open("a") as file:
        file.write("\n# Another version.\n")
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=60) as made:
        worker = start_worker(made.scheduler_address, other, tmp_path)
        try:
            with (
                pytest.raises(EngineError, match=r"it has darkport's code .*, and the night runs"),
                open_cluster(made.scheduler_address, *folders),
            ):
                pass
            # One that joins later is asked before its first unit.
            with Client(made) as client:
                likeness = describe_likeness(*folders)
                engine = Cluster(client, likeness, HASTY, is_elsewhere=True)
                with pytest.raises(EngineError, match=r"tcp://.*install the same lock file"):
                    list(engine.run(inputs.take_file, 0, [0]))
        finally:
            worker.kill()
            worker.wait()


def start_worker(address: str, code: Path, scratch: Path) -> subprocess.Popen[bytes]:
    """Start a worker that nobody starts again, with the code of a folder."""
    words = ["-m", "distributed.cli.dask_worker", address, "--no-nanny", "--no-dashboard"]
    return subprocess.Popen(
        [sys.executable, *words, "--nthreads", "1", "--local-directory", str(scratch)],
        cwd=code,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(code), *sys.path[1:]])},
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"makers": (("polars", "1.0.0"),)},
            r"it has polars \S+, and the night runs on polars 1.0",
        ),
        ({"token": "another"}, "does not see the processed folder .* under the same path"),
        ({"landmark": "elsewhere"}, "does not see the raw folder .* under the same path"),
        ({"raw": Path("/nowhere")}, "does not see the raw folder"),
    ],
)
def test_a_worker_that_is_unlike_or_sees_another_disk_is_refused(
    change: dict[str, Any], words: str, folders: tuple[Path, Path]
) -> None:
    likeness = describe_likeness(*folders)
    assert likeness.landmark == "coast"
    hold_likeness(likeness)
    with pytest.raises(EngineError, match=words):
        hold_likeness(replace(likeness, **change))


def test_a_worker_that_may_not_write_is_refused(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    likeness = describe_likeness(*folders)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(EngineError, match="may not write to"):
        hold_likeness(likeness)
