"""Trials of kills, full disks and lost permissions: what readers find, what is repaired."""

from __future__ import annotations

import errno
import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tests.kills import faults
from tests.kills.bench import DONE, FIRST, NEXT, Bench, Night, Trial, Verdict
from tests.kills.child import Child
from tests.kills.operations import Act

AT_RANDOM = "killed at a random instant"
STOPPED = "asked to stop (SIGTERM) at a random instant"
BETWEEN = "killed before the n-th file operation"
HALF_WAY = "killed half way through the n-th write"
DISK_FULL = "disk full from the n-th operation on"
DISK_ROOM = "disk with room for a part of the night"
TOO_LARGE = "no file may grow from the n-th operation on"
DATABASE_ONLY = "the database may not grow during one statement"
FAILS_ONCE = "the n-th operation fails once"
NO_PERMISSION = "write permission lost at the n-th operation"

T = TypeVar("T")

# Some lines tell of the raw files that no reader knows, in every run.
OF_RAW_FILES = "darkport: raw file "
# Large enough for two nights and what they leave, small enough to be filled at once.
DISK_BYTES = 48_000_000


def even_sample(numbers: Sequence[T], count: int) -> list[T]:
    """Return `count` of them, evenly spread, first and last among them; or all."""
    if count >= len(numbers):
        return list(numbers)
    last = len(numbers) - 1
    if count < 2:
        return [numbers[last // 2]][:count]
    return [numbers[place * last // (count - 1)] for place in range(count)]


# ------------------------------------------------------------------------------ random kills


def plan_random_kills(count: int, seed: int) -> list[Trial]:
    """Return trials that kill nights at instants drawn uniformly over their length.

    Every fourth trial starts from nothing; in every fourth the repairing run is killed too; in
    every tenth there are five kills in a row.
    """
    draw = random.Random(seed)
    trials: list[Trial] = []
    kills = 0
    while kills < count:
        turn = len(trials)
        in_a_row = 5 if turn % 10 == 9 else 2 if turn % 4 == 3 else 1
        name = FIRST if turn % 4 == 1 else NEXT
        shares = [draw.random() for _ in range(min(in_a_row, count - kills))]
        trials.append(Trial(AT_RANDOM, partial(kill_at_random, name, shares)))
        kills += len(shares)
    return trials


def kill_at_random(name: str, shares: Sequence[float], bench: Bench) -> Verdict:
    """Kill a night, and the runs after it, at shares of its length; then repair."""
    night = bench.nights[name]
    bench.put_back(night)
    found: list[str] = []
    problems: list[str] = []
    for share in shares:
        _start_and_kill(bench, night, share * night.seconds)
        state, words = bench.look_for(night)
        found.append(state)
        problems += words
    problems += bench.repair(night)
    told = f"{name} night, after {[round(share, 3) for share in shares]} of its length"
    return Verdict(AT_RANDOM, told, tuple(found), tuple(problems))


def _start_and_kill(bench: Bench, night: Night, seconds: float) -> None:
    # A run that was quicker than its kill is no kill: all over again, with an earlier one.
    while not bench.start().kill_after(seconds):
        bench.put_back(night)
        seconds *= 0.9


def plan_stops(count: int, seed: int) -> list[Trial]:
    """Return trials that ask a night to end (SIGTERM) at instants drawn uniformly."""
    draw = random.Random(f"stops {seed}")
    return [Trial(STOPPED, partial(stop_at_random, draw.random())) for _ in range(count)]


def stop_at_random(share: float, bench: Bench) -> Verdict:
    """Ask a night to end after a share of its length; then repair."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    child = bench.start()
    child.signal_after(share * night.seconds, signal.SIGTERM)
    child.wait()
    state, problems = bench.look_for(night)
    ended = (child.code, state)
    if ended not in ((128 + signal.SIGTERM, "old"), (DONE, "new")) or child.is_unexpected():
        problems.append(f"{state} outputs, ended with {child.code}: {child.log[-1500:]}")
    problems += bench.repair(night)
    return Verdict(STOPPED, f"after {share:.3f} of its length", (state,), tuple(problems))


# --------------------------------------------------------------------- at the n-th operation


@dataclass(frozen=True)
class Fault:
    """Something that happens at the n-th operation of a night.

    Attributes:
        kind: of fault.
        act: what is done, for a bench and the number of the operation.
        kills: whether the run is killed; else it goes on and tells of an error, or does not.
        before: called in the run before it starts.
        undo: called before the next run.
    """

    kind: str
    act: Callable[[Bench, int], Act]
    kills: bool = False
    before: Callable[[], object] | None = None
    undo: Callable[[Bench], object] | None = None


KILL_BETWEEN = Fault(BETWEEN, lambda _, number: faults.kill_before(number), kills=True)
KILL_HALF_WAY = Fault(HALF_WAY, lambda _, number: faults.kill_half_way(number), kills=True)
FILL_DISK = Fault(
    DISK_FULL,
    lambda bench, number: faults.fill_disk(number, bench.own / "ballast"),
    undo=lambda bench: (bench.own / "ballast").unlink(missing_ok=True),
)
LIMIT_FILES = Fault(TOO_LARGE, lambda _, number: faults.limit_files(number))
LIMIT_DATABASE = Fault(DATABASE_ONLY, lambda _, number: faults.limit_once(number))
LOSE_PERMISSION = Fault(
    NO_PERMISSION,
    lambda bench, number: faults.lose_permission(number, bench.processed),
    before=faults.obey_modes,
    undo=lambda bench: faults.allow_writing(bench.processed),
)
FAIL_ONCE = tuple(
    Fault(
        f"{FAILS_ONCE} ({words})",
        partial(lambda code, _, number: faults.fail_once(number, code), code),
    )
    for code, words in ((errno.EIO, "input/output error"), (errno.ENOSPC, "disk full"))
)


def plan_faults(bench: Bench, fault: Fault, name: str, count: int) -> list[Trial]:
    """Return trials of a fault at an even sample of a night's operations.

    Cut short half way can only be what is wrapped: the writes.
    """
    beginning = {HALF_WAY: "*", DATABASE_ONLY: "*database"}.get(fault.kind, "")
    numbers = [
        number
        for number, operation in enumerate(bench.nights[name].operations, 1)
        if operation.startswith(beginning)
    ]
    return [
        Trial(fault.kind, partial(meet_fault, fault, name, number))
        for number in even_sample(numbers, count)
    ]


def meet_fault(fault: Fault, name: str, number: int, bench: Bench) -> Verdict:
    """Run a night with a fault at its n-th operation; then repair."""
    night = bench.nights[name]
    bench.put_back(night)
    child = bench.start_with(fault.act(bench, number), fault.before)
    child.wait()
    state, problems = bench.look_for(night)
    if fault.kills:
        if child.code != -signal.SIGKILL:
            problems.append(f"not killed: ended with {child.code}")
    else:
        problems += judge_error(child, state)
    if fault.undo is not None:
        fault.undo(bench)
    problems += bench.repair(night)
    operation = night.operations[number - 1]
    return Verdict(fault.kind, f"{name} night, {number}: {operation}", (state,), tuple(problems))


def judge_error(child: Child, state: str) -> list[str]:
    """Return what is wrong with how a run told of an error: one line, code 1, old outputs.

    An error after publishing, or that leaves nothing undone, is none: code 3, new outputs.
    """
    lines = [line for line in child.told() if not line.startswith(OF_RAW_FILES)]
    problems = []
    if child.is_unexpected():
        problems.append(f"a traceback: {child.log[-1500:]}")
    elif child.code == DONE:
        problems += [f"told of an error, yet ended as done: {line}" for line in lines]
    elif child.code != 1 or len(lines) != 1:
        problems.append(f"ended with {child.code} and said {lines}")
    expected = "new" if child.code == DONE else "old"
    if state != expected:
        problems.append(f"{state} outputs found though it ended with {child.code} and said {lines}")
    return problems


# ------------------------------------------------------------------------------ little room


def plan_little_room(count: int) -> list[Trial]:
    """Return trials with room on the disk for less than a whole night."""
    return [
        Trial(DISK_ROOM, partial(run_with_little_room, (place + 0.5) / count))
        for place in range(count)
    ]


def run_with_little_room(share: float, bench: Bench) -> Verdict:
    """Run a night on a disk with room for a share of what it writes; then repair."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    ballast = bench.own / "ballast"
    faults.fill_up(ballast, leave_bytes=int(share * night.needs_bytes))
    child = bench.start()
    child.wait()
    state, problems = bench.look_for(night)
    problems += judge_error(child, state)
    ballast.unlink()
    problems += bench.repair(night)
    return Verdict(DISK_ROOM, f"room for {share:.0%}", (state,), tuple(problems))
