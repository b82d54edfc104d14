"""Trials shared among forked workers."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.kills.bench import Bench, Trial, Verdict


def run_trials(
    bench: Bench,
    todo: Sequence[Trial],
    workers: int,
    prepare: Callable[[Bench], bool] = lambda _: True,
) -> list[Verdict] | None:
    """Return the verdicts of the trials, in their order.

    Returns None where `prepare`, called in each worker, says that they cannot be run.
    """
    answers = [bench.folder / f"answer_{worker}" for worker in range(workers)]
    pids = []
    for worker, answer in enumerate(answers):
        place = replace(bench, own=bench.folder / f"worker_{worker}")
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            try:
                found = _work(place, todo[worker::workers], prepare)
                answer.write_bytes(pickle.dumps(found))
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    statuses = [os.waitpid(pid, 0)[1] for pid in pids]
    if any(statuses):
        raise RuntimeError("a worker failed; its traceback is above")
    shares = [pickle.loads(answer.read_bytes()) for answer in answers]
    if any(share is None for share in shares):
        return None
    return [shares[number % workers][number // workers] for number in range(len(todo))]


def _work(
    bench: Bench, todo: Sequence[Trial], prepare: Callable[[Bench], bool]
) -> list[Verdict] | None:
    bench.own.mkdir(exist_ok=True)
    if not prepare(bench):
        return None
    found = [_try(trial, bench) for trial in todo]
    shutil.rmtree(bench.own, ignore_errors=True)
    return found


def _try(trial: Trial, bench: Bench) -> Verdict:
    verdict = trial.run(bench)
    mark = "FAIL" if verdict.problems else "ok  "
    lines = [f"{mark} {verdict.kind}: {verdict.words} -> {', '.join(verdict.found)}"]
    lines += [f"     {problem}" for problem in verdict.problems]
    print("\n".join(lines), flush=True)
    return verdict
