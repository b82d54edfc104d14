"""What befalls a run at its n-th operation on the disk."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from tests.kills.operations import Act, Operation

# linux/capability.h: what lets root write where the mode says no.
CAPABILITY_VERSION = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def list_operations(into: Path) -> Act:
    """Write the name of every operation, a line each, `*` before those that can be cut short."""
    handle = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def act(operation: Operation) -> Any:
        mark = "*" if operation.go else " "
        os.write(handle, f"{mark}{operation.name}\n".encode())
        return operation.do()

    return act


def kill_before(number: int) -> Act:
    """Kill the process before its n-th operation."""

    def act(operation: Operation) -> Any:
        if operation.number == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return operation.do()

    return act


def kill_half_way(number: int) -> Act:
    """Kill the process when the n-th operation, a write, has left half a file."""

    def act(operation: Operation) -> Any:
        done = operation.do()
        if operation.number == number:
            _halve(operation)
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return act


def _halve(operation: Operation) -> None:
    path = operation.path
    if path is None or not path.is_file():
        return
    os.truncate(path, path.stat().st_size // 2)
    if operation.library == "duckdb":
        path.with_name(path.name + ".wal").write_bytes(b"half a log")


def fill_disk(number: int, ballast: Path) -> Act:
    """Leave no byte free on the disk from the n-th operation on."""

    def act(operation: Operation) -> Any:
        if operation.number == number:
            fill_up(ballast)
        return operation.do()

    return act


def fill_up(ballast: Path, leave_bytes: int = 0) -> None:
    """Write `ballast` until the disk is full, then give some bytes back."""
    handle = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o644)
    size = 1 << 20
    try:
        while size:
            try:
                if os.write(handle, bytes(size)) < size:
                    size //= 2
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
        held = os.fstat(handle).st_size
        os.ftruncate(handle, max(0, held - leave_bytes))
    finally:
        os.close(handle)


def limit_files(number: int, longest_bytes: int = 0) -> Act:
    """Let no file grow beyond some bytes from the n-th operation on (RLIMIT_FSIZE)."""

    def act(operation: Operation) -> Any:
        if operation.number == number:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (longest_bytes, hard))
        return operation.do()

    return act


def limit_once(number: int) -> Act:
    """Let no file grow during the n-th operation, and have room again after it."""

    def act(operation: Operation) -> Any:
        if operation.number != number:
            return operation.do()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            return operation.do()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return act


def fail_once(number: int, code: int) -> Act:
    """Let the n-th operation fail with an error of the system, in the words of its library."""

    def act(operation: Operation) -> Any:
        if operation.number != number:
            return operation.do()
        words = os.strerror(code)
        if operation.library == "polars":
            raise pl.exceptions.ComputeError(f"{words} (os error {code})")
        if operation.library == "duckdb":
            raise duckdb.IOException(f'Could not write file "{operation.path}": {words}')
        raise OSError(code, words, str(operation.path))

    return act


def lose_permission(number: int, folder: Path) -> Act:
    """Take away every permission to write below `folder` from the n-th operation on.

    Root obeys it after `obey_modes` only.
    """

    def act(operation: Operation) -> Any:
        if operation.number == number:
            forbid_writing(folder)
        return operation.do()

    return act


def forbid_writing(folder: Path) -> None:
    """Take away every permission to write below `folder`."""
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at, name)
            if not path.is_symlink():
                path.chmod(0o444)
        Path(at).chmod(0o555)


def allow_writing(folder: Path) -> None:
    """Give the permission to write back."""
    folder.chmod(0o755)
    for at, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(at, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)


def obey_modes() -> None:
    """Have this process, root's too, obey the modes of files (Linux; else nothing is done).

    Threads that run already keep what they may: to be called before any library starts some.

    Raises:
        OSError: the system refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "capset"):
        return
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    # Effective, permitted, inheritable; for capabilities 0-31, then 32-63.
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    gone = 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH
    for index in range(3):
        data[index] &= ~gone
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def pause(number: int, here: Path, until: Path) -> Act:
    """Write `here` before the n-th operation, and go on when there is `until`."""

    def act(operation: Operation) -> Any:
        if operation.number == number:
            here.write_text("here", "utf-8")
            while not until.exists():
                time.sleep(0.01)
        return operation.do()

    return act


def own_disk(folder: Path, size_bytes: int) -> bool:
    """Mount a small disk in memory at `folder`, seen by this process and its children only.

    Returns False where that is not allowed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        return False
    new_mounts, private_below, no_flags = 0x00020000, 1 << 18 | 1 << 14, 0
    if libc.unshare(new_mounts):
        return False
    libc.mount(b"none", b"/", None, private_below, None)
    target, size = str(folder).encode(), f"size={size_bytes}".encode()
    return libc.mount(b"tmpfs", target, b"tmpfs", no_flags, size) == 0
