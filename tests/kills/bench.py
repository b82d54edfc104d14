"""A place for one trial after the other: nights as they should be, folders to spoil, verdicts."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline import cli
from pipeline.resources import bundled_folder
from tests.kills import outputs, world
from tests.kills.child import Child, start_command
from tests.kills.faults import list_operations
from tests.kills.operations import Act, Watch
from tests.kills.outputs import Look

# The archive holds two files that no reader knows: a run that does everything else ends with 3.
DONE = 3
FIRST, NEXT = "first", "next"


@dataclass(frozen=True)
class Night:
    """A night as it goes undisturbed, from where it starts.

    Attributes:
        name: `first`: from an empty folder; `next`: from a published night, with more files.
        start: the processed folder before it.
        old, new: what readers find before and after it.
        operations: its operations on the disk, `*` before those that can be cut short.
        seconds: how long it takes here.
        needs_bytes: what it adds to what lies on the disk.
    """

    name: str
    start: Path
    old: Look
    new: Look
    operations: tuple[str, ...]
    seconds: float
    needs_bytes: int


@dataclass(frozen=True)
class Verdict:
    """What was found after the faults of one trial.

    Attributes:
        kind: of fault.
        words: which fault, for the list of failures.
        found: `old`, `new` or `torn` after each fault.
        problems: what was wrong, in words; empty where all was well.
    """

    kind: str
    words: str
    found: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """Something to be tried on a bench; it leaves the processed folder as it happens to be.

    Attributes:
        kind: of fault.
        run: does it.
    """

    kind: str
    run: Callable[[Bench], Verdict]


@dataclass(frozen=True)
class Bench:
    """Folders and nights.

    Attributes:
        folder: raw files, and how things stand before the nights.
        own: where trials run; a worker has its own.
        nights: the undisturbed nights, by name.
    """

    folder: Path
    own: Path
    nights: dict[str, Night] = field(default_factory=dict)

    @property
    def raw(self) -> Path:
        """Raw files that no trial changes."""
        return self.folder / "raw"

    @property
    def processed(self) -> Path:
        """The processed folder that trials spoil."""
        return self.own / "processed"

    def put_back(self, night: Night) -> None:
        """Have the processed folder as it was before the night."""
        shutil.rmtree(self.processed, ignore_errors=True)
        self.own.mkdir(parents=True, exist_ok=True)
        copy_tree(night.start, self.processed)

    def start(self, prepare: Callable[[], object] | None = None, raw: Path | None = None) -> Child:
        """Start a run on the processed folder."""
        words = ["nightly", "--raw", str(raw or self.raw), "--processed", str(self.processed)]
        return start_command(words, prepare)

    def run(self, raw: Path | None = None) -> Child:
        """Run undisturbed."""
        child = self.start(raw=raw)
        child.wait()
        return child

    def start_with(self, act: Act, before: Callable[[], object] | None = None) -> Child:
        """Start a run during which `act` is called for every operation on the disk."""

        def prepare() -> None:
            if before is not None:
                before()
            Watch(self.own, act).install()

        return self.start(prepare)

    def look_for(self, night: Night) -> tuple[str, list[str]]:
        """Return (`old`, `new` or `torn`; in what it differs from both where it is torn).

        New outputs of a later run are new outputs: it found nothing left to do.
        """
        found = outputs.look(self.processed)
        differences = {
            "old": outputs.tell_difference(found, night.old),
            "new": _compare(found, night),
        }
        for name, told in differences.items():
            if not told:
                return name, []
        return "torn", [
            f"not {name}: {'; '.join(told)[:1000]}" for name, told in differences.items()
        ]

    def repair(self, night: Night) -> list[str]:
        """Run undisturbed and return what is then not as after the undisturbed night."""
        child = self.run()
        return [*self.judge_end(child), *self.compare(night)]

    def judge_end(self, child: Child) -> list[str]:
        """Return what is wrong with how a run ended that should have done everything."""
        if child.code == DONE and not child.is_unexpected():
            return []
        return [f"the run ended with {child.code}: {child.log[-1500:]}"]

    def compare(self, night: Night) -> list[str]:
        """Return what is not as after the undisturbed night, its history included."""
        return _compare(outputs.look(self.processed), night) + outputs.find_leftovers(
            self.processed
        )

    def compare_results(self, night: Night) -> list[str]:
        """Return what is not as after the undisturbed night, however many runs it took."""
        found = outputs.look(self.processed)
        return _compare_results(found, night) + outputs.find_leftovers(self.processed)


def _compare(found: Look, night: Night) -> list[str]:
    problems = _compare_results(found, night)
    if found["versions"] != night.new["versions"]:
        problems.append(f"versions of gaps: {_first_difference(found, night.new)}")
    runs, wanted = found["runs"], night.new["runs"]
    if not isinstance(runs, list) or runs[: len(wanted)] != wanted:
        return [*problems, f"runs: {runs} instead of {wanted}"]
    # What could not be read is told by now.
    manifest, database = (
        part if isinstance(part, dict) else {} for part in (found["manifest"], found["database"])
    )
    if manifest.get("run") != len(runs):
        problems.append(f"manifest tells of run {manifest.get('run')} of {len(runs)}")
    if not str(database.get("runs")).startswith(f"{len(runs)} rows"):
        problems.append(f"database tells of other runs than {len(runs)}")
    return problems


def _compare_results(found: Look, night: Night) -> list[str]:
    return outputs.tell_difference(
        outputs.without_history(found), outputs.without_history(night.new)
    )


def _first_difference(found: Look, expected: Look) -> str:
    got, wanted = found["versions"] or [], expected["versions"] or []
    if not isinstance(got, list):
        return str(got)
    for one, other in zip(got, wanted, strict=False):
        if one != other:
            return f"{one} instead of {other}"
    return f"{len(got)} instead of {len(wanted)}"


def copy_tree(source: Path, target: Path) -> None:
    """Copy a tree with its links, hard ones among them."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def used_bytes(folder: Path) -> int:
    """Return what a folder takes of its disk, each file once however many links it has."""
    told = subprocess.run(["du", "-sB1", str(folder)], check=True, capture_output=True, text=True)
    return int(told.stdout.split()[0])


def make_bench(folder: Path) -> Bench:
    """Return a bench in the empty `folder`, its nights run undisturbed and found whole.

    Raises:
        RuntimeError: an undisturbed night is not whole.
    """
    bench = Bench(folder, folder / "trial")
    _keep_bundled(folder)
    world.write_first_night(bench.raw)
    (folder / "empty").mkdir()
    _run_whole(bench, "the first night's files")
    copy_tree(bench.processed, folder / "published")
    world.write_next_night(bench.raw)
    # Files this young are looked at anew by every run.
    time.sleep(2.1)
    for name, start in ((FIRST, folder / "empty"), (NEXT, folder / "published")):
        bench.nights[name] = _measure_night(bench, name, start)
    first, following = bench.nights[FIRST].new, bench.nights[NEXT].new
    if first["files"] != following["files"]:
        words = outputs.tell_difference(first, following)
        raise RuntimeError(f"one night over everything gives other bytes than two: {words}")
    return bench


def _keep_bundled(folder: Path) -> None:
    """Have the command use areas and SQL as they are now, whatever is edited meanwhile."""
    for name in ("geo", "sql"):
        shutil.copytree(bundled_folder(name), folder / name)
    cli.bundled_folder = lambda name: folder / name


def _measure_night(bench: Bench, name: str, start: Path) -> Night:
    night = Night(name, start, outputs.look(start), outputs.nothing(), (), 0.0, 0)
    bench.put_back(night)
    listed = bench.folder / f"operations_{name}.txt"
    child = bench.start_with(list_operations(listed))
    child.wait()
    _hold_whole(bench, child, name)
    bench.put_back(night)
    begin = time.monotonic()
    _run_whole(bench, name)
    took_s = time.monotonic() - begin
    operations = tuple(listed.read_text("utf-8").splitlines())
    return replace(
        night,
        new=outputs.look(bench.processed),
        operations=operations,
        seconds=took_s,
        needs_bytes=used_bytes(bench.processed) - used_bytes(start),
    )


def _run_whole(bench: Bench, words: str) -> None:
    _hold_whole(bench, bench.run(), words)


def _hold_whole(bench: Bench, child: Child, words: str) -> None:
    problems = bench.judge_end(child)
    if not problems:
        problems = outputs.find_broken(bench.processed) + outputs.find_leftovers(bench.processed)
    if problems:
        raise RuntimeError(f"the undisturbed night ({words}) is not whole: {problems}")
