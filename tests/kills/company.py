"""Trials of nights that are not alone: two runs at once, a reader; and of a clock set back."""

from __future__ import annotations

import datetime
import os
import time
from functools import partial
from typing import Any

from tests.kills import faults, outputs
from tests.kills.bench import DONE, NEXT, Bench, Trial, Verdict
from tests.kills.child import call_in_child, fork
from tests.kills.trials import even_sample

TWO_AT_ONCE = "two runs at once"
READER = "a reader holds the old database for two nights"
CLOCK = "the clock is set back"

LOCKED = 5


def plan_two_at_once(bench: Bench, count: int) -> list[Trial]:
    """Return trials of a second run during the first, and of two that start together."""
    operations = bench.nights[NEXT].operations
    locked = next(number for number, one in enumerate(operations, 1) if one.endswith(" .lock"))
    numbers = range(locked + 1, len(operations) + 1)
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
    from pipeline import nightly
    from pipeline.store import lock

    back = datetime.timedelta(days=days)

    class Earlier(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # pyright: ignore
            return datetime.datetime.now(tz) - back

    real_ns = time.time_ns
    time.time_ns = lambda: real_ns() - days * 86_400_000_000_000
    nightly.datetime = lock.datetime = Earlier
