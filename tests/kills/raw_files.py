"""Trials of raw files that change, vanish or cannot be read while a night reads them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.kills import faults, outputs
from tests.kills.bench import NEXT, Bench, Trial, Verdict, copy_tree
from tests.kills.world import LAST_DAY

RAW_FILE = "a raw file changes while it is read"


def plan_raw_files() -> list[Trial]:
    """Return trials in which a raw file changes, vanishes, ... before or while it is read."""
    changes = (_grow, _shrink, _vanish, _forbid, _make_folder, _break_disk)
    names = (f"north/{LAST_DAY}.csv", f"west/{LAST_DAY}.csv.gz", "north/late.csv")
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
    raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))


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
