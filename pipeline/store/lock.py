"""One writer at a time: a lock that the system itself takes from a dead holder."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import LockedError, printable
from pipeline.store.faults import describe_fault, storing

LOCK = ".lock"
# A holder's note stays below the first, whatever its command; what is longer is not ours.
LONGEST_NOTE_BYTES = 8192
LONGEST_COMMAND = 500

_held: set[int] = set()


def _close_in_child() -> None:
    # A lock belongs to the open file: a forked child that lives on would keep it for the dead.
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)


@contextmanager
def hold_lock(processed: Path, command: str = "") -> Iterator[str | None]:
    """Hold the lock of a processed folder while the block runs.

    Yields words about the earlier holder where one ended without releasing the lock, else None.

    The lock is flock(2) on `.lock`: the kernel frees it when its holder ends, however it ends, so
    there is nothing to take over and nobody to race with. The content only names the holder; the
    file is never removed, for a second process could then lock a new file of the same name.

    On network file systems flock holds between machines where the mount passes it to the server:
    NFS on Linux does (as a byte-range lock), unless mounted with `nolock` or `local_lock=flock`;
    SMB does, unless mounted with `nobrl`. Where it does not, runs of several machines are not
    kept apart, runs of one machine are. A machine that dies frees its lock when the server
    forgets it (NFSv4: after the lease, about 90 s).

    Raises:
        LockedError: another run holds it; names the holder and its age.
        StorageError: the lock file cannot be written or the file system has no locks.
    """
    path = processed / LOCK
    with storing(path):
        processed.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    owner = os.getpid()
    _held.add(handle)
    try:
        _lock_or_refuse(handle, processed)
        left_by = _describe_takeover(_read_note(handle))
        try:
            with storing(path):
                _write_note(handle, command)
            yield left_by
        finally:
            # An exception is a clean end too: this process is alive to say so.
            if os.getpid() == owner:
                with suppress(OSError):
                    os.ftruncate(handle, 0)
                # Said outright: a child on its way to another program still shares the handle.
                fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        if os.getpid() == owner:
            _held.discard(handle)
            os.close(handle)


def look_at_lock(processed: Path) -> tuple[bool, str | None]:
    """Return (whether a run holds the lock, words about it or about one that died holding it).

    Changes nothing. Where no note is, nobody is asked: a shared lock of ours, however short,
    could refuse a night that begins at this moment.

    Raises:
        OSError: the lock file cannot be read, or the file system has no locks.
    """
    try:
        handle = os.open(processed / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False, None
    try:
        note = _read_note(handle)
        if not note:
            return False, None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            return True, _describe_holder(note)
        fcntl.flock(handle, fcntl.LOCK_UN)
        return False, _describe_holder(note)
    finally:
        os.close(handle)


def _lock_or_refuse(handle: int, processed: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            raise describe_fault(processed / LOCK, error) from error
        holder = _describe_holder(_read_note(handle))
        raise LockedError(f"{printable(processed)} is locked by {holder}") from None


def _read_note(handle: int) -> dict[str, Any]:
    """Return what the lock file says of its holder, {} where it says nothing readable."""
    try:
        note = json.loads(os.pread(handle, LONGEST_NOTE_BYTES, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) and "pid" in note else {}


def _write_note(handle: int, command: str) -> None:
    note = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command[:LONGEST_COMMAND],
    }
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(note).encode(), 0)


def _describe_takeover(note: dict[str, Any]) -> str | None:
    if not note:
        return None
    return (
        f"took over the lock of process {printable(note.get('pid'))} on host"
        f" {printable(note.get('host'))}, which ended without releasing it, {_describe_age(note)}"
    )


def _describe_holder(note: dict[str, Any]) -> str:
    if not note:
        return "a process that is just starting or ending"
    command = f" ({printable(note['command'])})" if note.get("command") else ""
    return (
        f"process {printable(note.get('pid'))} on host {printable(note.get('host'))}{command},"
        f" {_describe_age(note)}"
    )


def _describe_age(note: dict[str, Any]) -> str:
    """Return `since <instant>, <hours> h <minutes> min ago`."""
    since = printable(note.get("since"))
    try:
        instant = datetime.fromisoformat(since)
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        age_s = max(0, int((datetime.now(UTC) - instant).total_seconds()))
    except (ValueError, OverflowError):
        return f"since {since}"
    hours, minutes = divmod(age_s // 60, 60)
    return f"since {since}, {hours} h {minutes} min ago"
