"""Work in a forked child of a process that has imported everything and started no thread pool.

A child that only forks starts its night at once; started anew, it would first import for seconds.
The parent must never use polars or DuckDB: threads do not survive a fork, the locks they held do.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

UNEXPECTED = 1
PRINTED_BYTES = 1 << 20


@dataclass
class Child:
    """A night in a child.

    Attributes:
        pid: its process.
        printing: the end of a pipe where it prints: a file might find the disk full.
        code: how it ended: its exit code, minus the signal; None as long as it runs.
        log: what it printed, once it ended.
    """

    pid: int
    printing: int
    code: int | None = None
    log: str = ""

    def wait(self) -> int:
        """Return how it ended."""
        return self._note(os.waitpid(self.pid, 0)[1]) if self.code is None else self.code

    def is_over(self) -> bool:
        """Return whether it ended, without waiting."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._note(status)
        return self.code is not None

    def _note(self, status: int) -> int:
        self.code = os.waitstatus_to_exitcode(status)
        with os.fdopen(self.printing, "rb") as stream:
            self.log = stream.read().decode("utf-8", "replace")
        return self.code

    def signal_after(self, seconds: float, number: signal.Signals) -> bool:
        """Send it a signal after some seconds; return whether it was still there."""
        end = time.monotonic() + seconds
        while not self.is_over():
            left = end - time.monotonic()
            if left <= 0:
                os.kill(self.pid, number)
                return True
            time.sleep(min(left, 0.005))
        return False

    def kill_after(self, seconds: float) -> bool:
        """Kill it after some seconds; return whether that ended it."""
        return self.signal_after(seconds, signal.SIGKILL) and self.wait() == -signal.SIGKILL

    def told(self) -> list[str]:
        """Return the lines it printed as `darkport: ...`."""
        return [line for line in self.log.splitlines() if line.startswith("darkport: ")]

    def is_unexpected(self) -> bool:
        """Return whether it ended with a traceback."""
        return "Traceback (most recent call last)" in self.log


def start_command(words: list[str], prepare: Callable[[], object] | None = None) -> Child:
    """Start `darkport` with `words` in a child, after `prepare` was called there."""
    reading, writing = os.pipe()
    # Nobody reads until it ends; more than this no run prints.
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PRINTED_BYTES)
    pid = fork()
    if pid:
        os.close(writing)
        return Child(pid, reading)
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(writing, number)
            # The parent's stream may have been one on a file, which a pipe is not.
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        code = _run_command(words, prepare)
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        code = UNEXPECTED
    _leave(code)
    raise AssertionError


def call_in_child(work: Callable[..., Any], *given: Any) -> Any:
    """Return what `work(*given)` returns in a child.

    Raises:
        RuntimeError: it raised something; carries the traceback.
    """
    reading, writing = os.pipe()
    pid = fork()
    if not pid:
        try:
            os.close(reading)
            try:
                answer = (True, work(*given))
            except BaseException:  # noqa: BLE001
                answer = (False, traceback.format_exc())
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(answer, stream)
        finally:
            _leave(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read()
    os.waitpid(pid, 0)
    if not told:
        raise RuntimeError(f"the child of {work} died without a word")
    is_fine, answer = pickle.loads(told)
    if not is_fine:
        raise RuntimeError(answer)
    return answer


def fork() -> int:
    """Fork; return 0 in the child."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # The threads it warns of are allocators' and a library's cleaner.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _run_command(words: list[str], prepare: Callable[[], object] | None) -> int:
    from pipeline.cli import main

    # Waiting for the disk changes no file; hundreds of nights would wait for everybody's.
    os.sync = os.fsync = lambda *_: None
    sys.argv = ["darkport", *words]
    if prepare is not None:
        prepare()
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
