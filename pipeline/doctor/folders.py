"""Raw files; what the processed folder's file system can do, and how much room it has."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pipeline import store
from pipeline.doctor.finding import Finding, as_size, failure, fine, warning
from pipeline.errors import DarkportError
from pipeline.nightly import SHELF
from pipeline.process import is_text
from pipeline.remote import Address, open_place
from pipeline.rules import OperationRules
from pipeline.store.lock import LOCK
from pipeline.store.outputs import GENERATIONS

TRIAL = ".doctor-"


# ----------------------------------------------------------------------------------- raw files


def look_at_raw(raw: Path, processed: Path) -> tuple[Finding, int]:
    """Return whether the raw files can be read, and how many bytes they have."""
    try:
        paths, unreadable = store.find_raw_files(raw)
    except DarkportError as error:
        return failure("raw files", str(error)), 0
    size, refused = 0, [str(path) for path, _ in unreadable]
    for path in paths:
        try:
            size += path.stat().st_size
        except OSError:
            refused.append(str(path))
            continue
        if not os.access(path, os.R_OK):
            refused.append(str(path))
    words = f"{len(paths)} files, {as_size(size)} in {raw}"
    if processed.resolve().is_relative_to(raw.resolve()):
        return failure("raw files", f"{processed} lies in {raw}: outputs would be read"), size
    if refused:
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        return failure("raw files", f"{words}; cannot read {refused[0]}{more}"), size
    if not paths:
        return failure("raw files", f"none in {raw}: put provider files into {raw}/<feed>/"), size
    return fine("raw files", words), size


def look_at_source(source: Address) -> tuple[Finding, int]:
    """Return whether raw files elsewhere can be listed, and how many bytes they have."""
    try:
        found = open_place(source).list_objects()
    except DarkportError as error:
        return failure("raw files", str(error)), 0
    size = sum(one.bytes or 0 for one in found)
    words = f"{len(found)} objects, {as_size(size)} in {source.shown}"
    return (fine if found else failure)("raw files", words), size


# -------------------------------------------------------------------------------- permissions


def look_at_processed(processed: Path) -> list[Finding]:
    """Return whether this user can write there, and what the file system can do."""
    if not is_text(processed):
        return [failure("processed folder", f"{processed}: its name is no UTF-8")]
    closed = [path for path in _written_each_night(processed) if not _is_writable(path)]
    if closed:
        words = (
            f"user {os.geteuid()} cannot write {closed[0]}, which belongs to {_owner(closed[0])}"
        )
        return [failure("processed folder", f"{words}: run nights as one user")]
    target = _nearest_folder(processed)
    blocking = [one for one in (processed, *processed.parents) if one.exists() and not one.is_dir()]
    if blocking:
        return [failure("processed folder", f"{blocking[0]} is a file")]
    try:
        with tempfile.TemporaryDirectory(dir=target, prefix=TRIAL) as folder:
            return [fine("processed folder", f"{processed} can be written"), *_try(Path(folder))]
    except OSError as error:
        return [failure("processed folder", f"{target}: {error.strerror or error}")]


def _try(folder: Path) -> list[Finding]:
    """Return what the file system of `folder`, an empty one, can do."""
    file = folder / "file"
    file.write_text("trial")
    findings: list[Finding] = []
    try:
        (folder / "symbolic").symlink_to("file")
        (folder / "symbolic").replace(folder / "renamed")
        findings.append(fine("symbolic links", "work"))
    except OSError as error:
        words = f"{error.strerror or error}: publishing needs them (ext4, xfs, btrfs, apfs)"
        findings.append(failure("symbolic links", words))
    try:
        (folder / "hard").hardlink_to(file)
        findings.append(fine("hard links", "work"))
    except OSError as error:
        words = f"{error.strerror or error}: every night copies all tables, which takes their room"
        findings.append(warning("hard links", words))
    findings.append(_try_locks(file))
    return findings


def _try_locks(file: Path) -> Finding:
    with file.open() as first, file.open() as second:
        try:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return failure("locks", f"flock: {error.strerror or error}")
        try:
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return fine("locks", "work")
    return failure("locks", "flock holds nobody off here: two runs at once would mix")


def _written_each_night(processed: Path) -> list[Path]:
    """Return those of the folders and files that a night writes in that are there."""
    fixed = [processed, processed / GENERATIONS, processed / SHELF, processed / LOCK]
    kinds = sorted((processed / SHELF).glob("*/"))
    generations = sorted((processed / GENERATIONS).glob("*/"))
    return [path for path in (*fixed, *kinds, *generations) if path.exists()]


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK)


def _owner(path: Path) -> str:
    return f"user {path.stat().st_uid}"


def _nearest_folder(path: Path) -> Path:
    """Return `path`, or the nearest folder above it that is there."""
    path = path.absolute()
    return next(one for one in (path, *path.parents) if one.is_dir())


# --------------------------------------------------------------------------------------- room


def look_at_room(
    processed: Path,
    raw_bytes: int,
    limits: OperationRules,
    last_started_at: datetime | None,
    *,
    is_again: bool,
) -> Finding:
    """Return whether the disk has room for one more night.

    A night writes its own files beside the last one's (all others are hard links), and puts
    finished days and months on the shelf: as much as the last night did, or all of it where
    everything is derived again; without a shelf it is a first night again. The factors are
    judgements (`OperationRules`).
    """
    free = shutil.disk_usage(_nearest_folder(processed)).free
    current = store.Outputs(processed).current
    if current is None or not (processed / SHELF).is_dir():
        need = round(limits.first_night_factor * raw_bytes)
        for_what = f"a first night on {as_size(raw_bytes)} of raw files"
    else:
        own, shelf = _own_bytes(current), _shelf_bytes(processed / SHELF, last_started_at, is_again)
        need = round(limits.own_files_factor * own) + shelf
        for_what = f"a night (its own files {as_size(own)}, the shelf {as_size(shelf)})"
    words = f"{as_size(free)} free, about {as_size(need)} needed for {for_what}"
    return fine("disk", words) if free >= need else failure("disk", words)


def _own_bytes(generation: Path) -> int:
    """Return the bytes of the files that no other folder has a link to."""
    return sum(one.st_size for one in _files_under(generation) if one.st_nlink == 1)


def _shelf_bytes(shelf: Path, since: datetime | None, is_again: bool) -> int:
    """Return the bytes that the last run put on the shelf; all bytes on it where `is_again`."""
    after_s = 0.0 if is_again or since is None else since.replace(tzinfo=UTC).timestamp()
    return sum(one.st_size for one in _files_under(shelf) if one.st_mtime >= after_s)


def _files_under(folder: Path) -> list[os.stat_result]:
    found: list[os.stat_result] = []
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                found.append(os.lstat(f"{parent}/{name}"))
            except OSError:
                # A night that runs meanwhile removes what it replaced.
                continue
    return found
