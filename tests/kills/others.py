"""Trials of everything but kills and disks: raw files, the shelf, readers, two runs, the clock."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.kills import faults, outputs
from tests.kills.bench import DONE, NEXT, Bench, Night, Trial, Verdict, copy_tree
from tests.kills.child import call_in_child, fork
from tests.kills.trials import even_sample, judge_error

RAW_FILE = "a raw file changes while it is read"
SHELF = "a result on the shelf is damaged"
NO_SHELF = "the shelf is removed"
LINKS_LOST = "`.current` or other links are lost"
TWO_AT_ONCE = "two runs at once"
READER = "a reader holds the old database for two nights"
CLOCK = "the clock is set back"

LOCKED = 5


# ----------------------------------------------------------------------------------- raw files


def plan_raw_files() -> list[Trial]:
    """Return trials in which a raw file changes, vanishes, ... before or while it is read."""
    changes = (_grow, _shrink, _vanish, _forbid, _make_folder, _break_disk)
    names = ("north/2023-05-05.csv", "west/2023-05-05.csv.gz", "north/late.csv")
    return [
        Trial(RAW_FILE, partial(change_raw_file, change, names[place % len(names)], batches_before))
        for place, change in enumerate(changes)
        for batches_before in (0, 1)
    ]


def _grow(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(path.read_bytes())


def _shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _vanish(path: Path) -> None:
    path.unlink()


def _forbid(path: Path) -> None:
    path.chmod(0o000)


def _make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _break_disk(path: Path) -> None:
    raise OSError(5, "Input/output error", str(path))


def change_raw_file(
    change: Callable[[Path], None], name: str, batches_before: int, bench: Bench
) -> Verdict:
    """Change a raw file after it was hashed; then put it back, and run again.

    The run that meets the change does everything else and ends with 3.

    Args:
        change: what befalls the file.
        name: of the file.
        batches_before: how much of it was read by then.
        bench: where.
    """
    night = bench.nights[NEXT]
    bench.put_back(night)
    raw = bench.own / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    copy_tree(bench.raw, raw)
    path = raw / name
    child = bench.start(partial(_change_when_read, path, change, batches_before), raw)
    child.wait()
    problems = bench.judge_end(child)
    problems += outputs.find_broken(bench.processed) + outputs.find_leftovers(bench.processed)
    told = [line for line in child.told() if name in line]
    state, _ = bench.look_for(night)
    if not told and state != "new":
        problems.append(f"{state} outputs and no word of {name}")
    if told and ("Errno" in told[0] or len(told) != 1):
        problems.append(f"said {told}")
    _put_back_raw_file(bench.raw / name, path)
    repaired = bench.start(raw=raw)
    repaired.wait()
    problems += bench.judge_end(repaired)
    problems += bench.compare_results(night)
    words = f"{name}: {change.__name__.strip('_')} after {batches_before} batches; {told}"
    return Verdict(RAW_FILE, words, ("torn" if problems else "new",), tuple(problems))


def _put_back_raw_file(original: Path, path: Path) -> None:
    if path.is_file() and path.read_bytes() == original.read_bytes():
        # As it was all the time: an error of the disk must not be remembered.
        path.chmod(0o644)
        return
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    shutil.copy2(original, path)


def _change_when_read(path: Path, change: Callable[[Path], None], batches_before: int) -> None:
    """Have the reader of raw files change `path` before, or after, its first batch."""
    from pipeline import feeds, ingest

    # Root, too, must not read what nobody may read.
    faults.obey_modes()
    open_feed = ingest.open_feed

    def open_and_change(opened: Path, *given: Any) -> Any:
        if opened != path:
            return open_feed(opened, *given)
        if batches_before == 0:
            with feeds._refusing():
                change(path)
        feed = open_feed(opened, *given)
        return feed if batches_before == 0 else replace(feed, batches=changing(feed.batches))

    def changing(batches: Iterator[Any]) -> Iterator[Any]:
        for number, batch in enumerate(batches, 1):
            if number == batches_before:
                with feeds._refusing():
                    change(path)
            yield batch

    ingest.open_feed = open_and_change


# -------------------------------------------------------------------------------------- shelf


def plan_shelf(bench: Bench, count: int) -> list[Trial]:
    """Return trials that damage results on the shelf in every way, of every kind."""
    shelf = bench.nights[NEXT].start / ".shelf"
    results = [
        sorted(path.relative_to(shelf).as_posix() for path in kind.iterdir() if path.is_dir())
        for kind in sorted(shelf.glob("[!.]*"))
    ]
    harms = (_cut_files, _cut_in_place, _fill_with_garbage, _empty_files, _empty_folder, _be_file)
    every = [
        Trial(SHELF, partial(damage_shelf, harm, name))
        for harm in harms
        for names in results
        for name in even_sample(names, 2)
    ]
    return [every[place] for place in even_sample(range(len(every)), count)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _replace_file(path: Path, content: bytes) -> None:
    # A new file: what is published shares the old one.
    path.unlink()
    path.write_bytes(content)


def _cut_files(folder: Path) -> None:
    for path in _files(folder):
        content = path.read_bytes()
        _replace_file(path, content[: len(content) // 2])


def _cut_in_place(folder: Path) -> None:
    for path in _files(folder):
        os.truncate(path, path.stat().st_size // 2)


def _fill_with_garbage(folder: Path) -> None:
    for path in _files(folder):
        _replace_file(path, b"\xff\x00garbage" * 100)


def _empty_files(folder: Path) -> None:
    for path in _files(folder):
        _replace_file(path, b"")


def _empty_folder(folder: Path) -> None:
    for path in _files(folder):
        path.unlink()


def _be_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("no folder", "utf-8")


def damage_shelf(harm: Callable[[Path], None], name: str, bench: Bench) -> Verdict:
    """Damage one result on the shelf; then run the night."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    harm(bench.processed / ".shelf" / name)
    return _run_and_judge(bench, night, SHELF, f"{name}: {harm.__name__.strip('_')}")


def _run_and_judge(bench: Bench, night: Night, kind: str, words: str) -> Verdict:
    """Run once; the outputs must be the new ones, or the old ones and an error that says why."""
    child = bench.run()
    state, problems = bench.look_for(night)
    problems += judge_error(child, state)
    if not problems and child.code == DONE:
        problems += outputs.find_leftovers(bench.processed)
    return Verdict(kind, f"{words}; {child.told()[:1]}", (state,), tuple(problems))


def plan_lost() -> list[Trial]:
    """Return trials that lose the shelf or links."""
    shelves = (".shelf", ".shelf/days", ".shelf/files", ".shelf/notes", ".shelf/tracks")
    links = (".current", "gaps.parquet", "positions", "darkport.duckdb", "manifest.json")
    return [
        *(Trial(NO_SHELF, partial(lose, NO_SHELF, (name,))) for name in shelves),
        *(
            Trial(LINKS_LOST, partial(lose, LINKS_LOST, names))
            for names in (*((name,) for name in links), links, (".current", ".shelf"))
        ),
    ]


def lose(kind: str, names: tuple[str, ...], bench: Bench) -> Verdict:
    """Remove something that a run needs; then run the night."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    for name in names:
        path = bench.processed / name
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)
    return _run_and_judge(bench, night, kind, ", ".join(names))


# ------------------------------------------------------------------------ others at the same time


def plan_two_at_once(bench: Bench, count: int) -> list[Trial]:
    """Return trials of a second run during the first, and of two that start together."""
    numbers = range(2, len(bench.nights[NEXT].operations) + 1)
    return [
        *(Trial(TWO_AT_ONCE, partial(run_second, one)) for one in even_sample(numbers, count)),
        *(Trial(TWO_AT_ONCE, partial(start_together, turn)) for turn in range(count)),
    ]


def run_second(number: int, bench: Bench) -> Verdict:
    """Start a second run while the first is at its n-th operation."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    here, until = bench.folder / f"{bench.own.name}.here", bench.folder / f"{bench.own.name}.until"
    for flag in (here, until):
        flag.unlink(missing_ok=True)
    first = bench.start_with(faults.pause(number, here, until))
    while not here.exists() and not first.is_over():
        time.sleep(0.01)
    second = bench.start()
    second.wait()
    until.write_text("go on", "utf-8")
    first.wait()
    lines = second.told()
    problems = bench.judge_end(first) + bench.compare(night)
    if second.code != LOCKED or len(lines) != 1 or f"process {first.pid} " not in lines[0]:
        problems.append(f"the second run ended with {second.code} and said {lines}")
    state, _ = bench.look_for(night)
    return Verdict(TWO_AT_ONCE, f"second run at operation {number}", (state,), tuple(problems))


def start_together(turn: int, bench: Bench) -> Verdict:
    """Start two runs at the same instant."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    runs = [bench.start() for _ in range(2)]
    codes = sorted(run.wait() for run in runs)
    problems = bench.compare(night)
    if codes not in ([DONE, LOCKED], [DONE, DONE]):
        problems.append(f"ended with {codes}")
    found = "torn" if problems else "new"
    return Verdict(TWO_AT_ONCE, f"started together, turn {turn}", (found,), tuple(problems))


def plan_reader() -> list[Trial]:
    """Return the trial of a reader that keeps the old database open."""
    return [Trial(READER, read_on)]


def read_on(bench: Bench) -> Verdict:
    """Read the old database before, between and after two nights; then open the new one."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    answers = call_in_child(_read_during, bench)
    problems = [f"the reader's answer {n} differs" for n in (1, 2) if answers[n] != answers[0]]
    if answers[3] == answers[0]:
        problems.append("a reader that opens the database anew finds the old one")
    problems += bench.compare(night)
    found = "torn" if problems else "new"
    return Verdict(READER, "database", (found,), tuple(problems))


def _read_during(bench: Bench) -> list[Any]:
    # The nights first: a child of a process that uses DuckDB would hang.
    import duckdb

    go, went = os.pipe(), os.pipe()
    pid = fork()
    if not pid:
        for _ in range(2):
            os.read(go[0], 1)
            bench.run()
            os.write(went[1], b".")
        os._exit(0)
    path = str(bench.processed / "darkport.duckdb")
    connection = duckdb.connect(path, read_only=True)
    answers = [outputs.hash_tables(connection)]
    for _ in range(2):
        os.write(go[1], b".")
        os.read(went[0], 1)
        answers.append(outputs.hash_tables(connection))
    connection.close()
    os.waitpid(pid, 0)
    answers.append(outputs.hash_tables(duckdb.connect(path, read_only=True)))
    return answers


def plan_clock() -> list[Trial]:
    """Return trials of nights whose clock shows an earlier time than the last night's."""
    return [Trial(CLOCK, partial(set_clock_back, days)) for days in (1, 400, 20_000)]


def set_clock_back(days: int, bench: Bench) -> Verdict:
    """Run the night with a clock that shows an instant before the last night."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    child = bench.start(partial(_set_clock_back, days))
    child.wait()
    state, problems = bench.look_for(night)
    problems += bench.judge_end(child)
    problems += bench.repair(night)
    return Verdict(CLOCK, f"{days} days back", (state,), tuple(problems))


def _set_clock_back(days: int) -> None:
    import datetime
    import time as clock

    from pipeline import nightly
    from pipeline.store import lock

    back = datetime.timedelta(days=days)

    class Earlier(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # pyright: ignore
            return datetime.datetime.now(tz) - back

    real_ns = clock.time_ns
    clock.time_ns = lambda: real_ns() - days * 86_400_000_000_000
    nightly.datetime = lock.datetime = Earlier
