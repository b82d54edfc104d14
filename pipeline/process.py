"""The process a command runs in: its streams, and signals that ask it to end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from pipeline.errors import printable

# A shell gives 128 + its number to what a signal ended.
SIGNALLED = 128
BROKEN_PIPE_CODE = SIGNALLED + signal.SIGPIPE
# A terminal that closes, Ctrl-C, `kill` and a stopped service.
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

_received: list[signal.Signals] = []


class Stopped(BaseException):
    """A signal asked the run to end.

    No Exception: what takes a file's or a library's failures must not take this for one.
    """

    def __init__(self, by: signal.Signals) -> None:
        super().__init__(f"stopped by {by.name}")
        self.exit_code = SIGNALLED + by


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise `Stopped` where SIGHUP, SIGINT or SIGTERM comes while the block runs.

    What is ignored already stays so (nohup, a background job of a shell). A second signal does
    nothing more: `timeout` and a closing terminal send several, and the first is being obeyed.
    """
    _received.clear()
    before = {one: signal.getsignal(one) for one in ENDING}
    for one, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(one, _stop)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _stop(number: int, _: FrameType | None) -> None:
    is_first = not _received
    _received.append(signal.Signals(number))
    if is_first:
        raise Stopped(_received[0])


def raise_if_stopped() -> None:
    """Raise `Stopped` again: a library called back from may have made another error of it.

    Raises:
        Stopped: a signal came.
    """
    if _received:
        raise Stopped(_received[0])


def find_cause(error: BaseException) -> BaseException:
    """Return the `Stopped` that a library called back from made `error` of, else `error`."""
    if _received:
        return Stopped(_received[0])
    return Stopped(signal.SIGINT) if isinstance(error, KeyboardInterrupt) else error


def secure_streams() -> None:
    """Make the three standard streams safe to write to, whatever the job was started with.

    Where one is closed, the next file opened would get its number, and a library's message to
    standard error would land in a table. What the encoding cannot say is written as an escape.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken, which is this one: those below are open by now.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]


def say_line(words: str) -> None:
    """Write one line to standard error, for people; dropped where nobody reads it."""
    write_stderr(f"darkport: {printable(words)}\n")


def write_stderr(text: str) -> None:
    """Write to standard error; what cannot be written is dropped."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def write_output(text: str) -> None:
    """Write the last words of a run to standard output.

    The run is done and published: that nobody reads them changes nothing, its exit code neither.
    """
    with suppress(OSError, ValueError):
        print(text, flush=True)  # noqa: T201
    flush_streams()


def flush_streams() -> bool:
    """Flush both streams; return whether standard output took all of it.

    What could not be written is dropped: the interpreter would try again at its end, and make
    its own exit code of the failure.
    """
    return all([_flush_or_drop(sys.stdout), _flush_or_drop(sys.stderr) or True])


def _flush_or_drop(stream: TextIO) -> bool:
    try:
        stream.flush()
    except (OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True


def is_text(path: Path) -> bool:
    """Return whether a path, made absolute, is UTF-8: polars and DuckDB write to no other."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        # Other bytes come as surrogates.
        return False
    return True
