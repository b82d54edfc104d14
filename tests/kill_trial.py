"""Kills nights, fills their disk, takes their permissions: are old or new outputs there, whole?

`make kill-test` runs all trials and writes the table of docs/reliability.md;
`python -m tests.kill_trial --short` runs a few of each kind.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# Children are forked: all they need is imported here, where no thread pool is started.
import geopandas  # noqa: F401
import pyarrow.parquet  # noqa: F401

import pipeline.cli
import pipeline.nightly
import pipeline.progress  # noqa: F401
from pipeline.keys import code_key
from tests.kills import company, damage, page, raw_files, spoilt, trials
from tests.kills.bench import FIRST, NEXT, Bench, Trial, Verdict, make_bench
from tests.kills.faults import own_disk
from tests.kills.workers import run_trials
from tests.night import REPOSITORY

PAGE = REPOSITORY / "docs" / "reliability.md"


@dataclass(frozen=True)
class Size:
    """How many trials of each kind.

    Attributes:
        random: kills at random instants.
        stops: requests to stop at random instants.
        operations: kills before the n-th operation; as many of writes half way.
        faults: of each fault at the n-th operation that does not kill.
        shelf: damaged results.
        at_once: second runs; as many of two runs started together.
        every: one in so many of the kinds that are few.
    """

    random: int
    stops: int
    operations: int
    faults: int
    shelf: int
    at_once: int
    every: int


FULL = Size(random=220, stops=20, operations=100, faults=30, shelf=48, at_once=6, every=1)
SHORT = Size(random=3, stops=1, operations=4, faults=1, shelf=2, at_once=1, every=12)


def plan(bench: Bench, size: Size, seed: int) -> list[Trial]:
    """Return the trials that any disk will do for."""
    planned = trials.plan_random_kills(size.random, seed)
    planned += trials.plan_stops(size.stops, seed)
    for fault in (trials.KILL_BETWEEN, trials.KILL_HALF_WAY):
        planned += trials.plan_faults(bench, fault, NEXT, size.operations)
        planned += trials.plan_faults(bench, fault, FIRST, size.operations // 2)
    for fault in (trials.LOSE_PERMISSION, trials.LIMIT_FILES, *trials.FAIL_ONCE):
        planned += trials.plan_faults(bench, fault, NEXT, size.faults)
    planned += trials.plan_faults(bench, trials.LIMIT_DATABASE, NEXT, size.faults + 1)
    planned += raw_files.plan_raw_files()[:: size.every]
    planned += damage.plan_shelf(bench, size.shelf)
    planned += damage.plan_published()[:: size.every]
    planned += damage.plan_lost()[:: size.every]
    planned += company.plan_two_at_once(bench, size.at_once)
    planned += company.plan_reader()
    planned += company.plan_clock()[:: size.every]
    planned += spoilt.plan_spoilt()
    return planned


def plan_small_disk(bench: Bench, size: Size) -> list[Trial]:
    """Return the trials that fill a disk of their own."""
    planned = trials.plan_faults(bench, trials.FILL_DISK, NEXT, size.faults)
    return planned + trials.plan_little_room(size.faults)


def run_all(
    bench: Bench, size: Size, only: str, seed: int, workers: int
) -> tuple[list[Verdict], str]:
    """Return the verdicts, and words about the disk that was filled."""

    def wanted(planned: Sequence[Trial]) -> list[Trial]:
        return [trial for trial in planned if only in trial.kind]

    verdicts = run_trials(bench, wanted(plan(bench, size, seed)), workers) or []
    on_small_disk = run_trials(
        bench,
        wanted(plan_small_disk(bench, size)),
        workers,
        lambda place: own_disk(place.own, trials.DISK_BYTES),
    )
    if on_small_disk is None:
        return verdicts, "No disk of its own could be mounted: a limit on files stands for it."
    size_mb = trials.DISK_BYTES // 1_000_000
    return verdicts + on_small_disk, f"The full disk is one of {size_mb} MB in memory (tmpfs)."


def main() -> int:
    """Run the trials; return 1 if anything was torn or not repaired."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="a few trials of each kind")
    options.add_argument("--only", default="", help="kinds of fault with these words")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--json", type=Path, help="write the verdicts here")
    options.add_argument("--page", action="store_true", help="write docs/reliability.md")
    given = options.parse_args()
    begin = time.monotonic()
    # Every night of these trials is made by the same code, whatever is edited meanwhile.
    code_key()
    folder = Path(tempfile.mkdtemp(prefix="kill_trial_"))
    try:
        bench = make_bench(folder)
        size = SHORT if given.short else FULL
        verdicts, words = run_all(bench, size, given.only, given.seed, given.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    first, following = (len(bench.nights[name].operations) for name in (FIRST, NEXT))
    minutes = (time.monotonic() - begin) / 60
    table = page.make_table(verdicts)
    words = (
        f"Seed {given.seed}. The first night has {first} operations on the disk, the next one"
        f" {following}. {words} {minutes:.0f} minutes with {given.workers} workers on"
        f" {platform.machine()}."
    )
    print("\n".join([*table, "", words]))
    if given.page:
        page.write_page(PAGE, ["", *table, "", words, ""])
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in verdicts]), "utf-8")
    return int(any(verdict.problems for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
