"""The raw files of a night: which are new, changed or gone, and what each left on the shelf.

A file is read again when its bytes change, when rules of reading change, or when the code does.
Whether its bytes changed is asked of its size, times and inode first, as `git` does: only where one
of them differs, or the file is so young that they cannot tell, are the bytes hashed.
"""

from __future__ import annotations

import gc
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import ingest, store
from pipeline.engine import HERE, Engine
from pipeline.errors import RawFileError, ShelfError
from pipeline.feeds.base import FeedFormat
from pipeline.feeds.mapping import MappedFormat, load_mapping
from pipeline.ingest import FileAccount, Progress
from pipeline.keys import code_key, key_of, pick_rules
from pipeline.rules import Rules

# A file written this shortly before it was looked at may be written again within one tick of
# the file system's clock (2 s on FAT, the coarsest in use).
RACY_NS = 2_000_000_000
KIND = "files"


@dataclass(frozen=True)
class RawFile:
    """A raw file as a night found it.

    Attributes:
        account: what was found in it.
        key: its name on the shelf; "" where it could not be read.
        stat: size, times and inode when its bytes were hashed.
        is_racy: it was too young for `stat` to tell a later change.
    """

    account: FileAccount
    key: str
    stat: tuple[int, ...]
    is_racy: bool


@dataclass(frozen=True)
class Changes:
    """How tonight's raw files differ from those of the last published night, by file name."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def read_inputs(
    raw: Path,
    shelf: store.Shelf,
    rules: Rules,
    before: Mapping[str, RawFile],
    now_ns: int,
    progress: Progress,
    *,
    rehash: bool = False,
    refused: Sequence[tuple[str, str]] = (),
    engine: Engine = HERE,
) -> list[RawFile]:
    """Return every raw file, in order of path; what is not on the shelf yet is read.

    Args:
        raw: the folder of raw files.
        shelf: where what a file left is kept.
        rules: thresholds.
        before: the files of the last published night, by name.
        now_ns: the clock at the start of the run.
        progress: told of each file.
        rehash: hash all bytes, whatever sizes and times say.
        refused: (name below `raw`, reason) of files that could not be fetched into it.
        engine: where files are hashed and read.

    Raises:
        UsageError: `raw` is no folder.
        RawFileError: there is no raw file, or none could be read.
        ConfigError: a mapping file is unusable.
    """
    paths, unreadable = store.find_raw_files(raw)
    reading = _Reading(raw, shelf, rules, {} if rehash else before, now_ns)
    looked_at = {path: reading.look_at(path) for path in paths}
    asked = [one for one in looked_at.values() if isinstance(one, _Asked)]
    took = {path: one for path, one in looked_at.items() if isinstance(one, RawFile)}
    progress("reading raw files", len(took), len(paths))
    for one, taken in engine.run(take_file, reading.reader, asked):
        took[one.path] = reading.keep(one, taken, is_elsewhere=engine.is_elsewhere)
        progress("reading raw files", len(took), len(paths))
    found = [took[path] for path in paths]
    for path, why in unreadable:
        account = FileAccount(ingest.feed_of(path, raw), ingest.name_of(path, raw), 0)
        failed = ingest.failed(account, f"folder cannot be read: {why}")
        found.append(RawFile(failed, "", (), is_racy=True))
    for name, why in refused:
        account = FileAccount(_feed_of_refused(name), name, 0)
        found.append(RawFile(ingest.failed(account, why), "", (), is_racy=True))
    if not found:
        raise RawFileError(f"no raw file under {raw}: put provider files into {raw}/<feed>/")
    if all(file.account.error is not None for file in found):
        first = found[0].account
        raise RawFileError(
            f"none of {len(found)} raw files could be read; nothing is published; the first:"
            f" {first.file}: {first.error}"
        )
    return found


def _feed_of_refused(name: str) -> str:
    """Return the feed of a file that is not there; its name may be one that no file can have."""
    feed, slash, _ = name.partition("/")
    return feed if slash and feed.strip(".") else ingest.TOP_FEED


@dataclass(frozen=True)
class _Reader:
    """What the reading of every raw file needs, on whichever machine.

    Attributes:
        there: the names of the files on the shelf when the run began. A worker asks this list and
            not the disk: a network file system remembers for a while that a name was not there.
        made_by: names rules and code of reading.
    """

    shelf: store.Shelf
    rules: Rules
    now_ns: int
    there: frozenset[str]
    made_by: str

    def key(self, account: FileAccount, mapping: Sequence[tuple[FeedFormat, str]]) -> str:
        """Return the name on the shelf of what a raw file left."""
        described_by = [digest for _, digest in mapping]
        return key_of(self.made_by, account.feed, account.file, account.sha256, described_by)

    def is_young(self, stat: tuple[int, ...]) -> bool:
        """Return whether a file may be written again without its times telling."""
        return max(stat[1:3]) >= self.now_ns - RACY_NS


@dataclass(frozen=True)
class _Asked:
    """A raw file to be looked into.

    Attributes:
        account: feed, name and bytes; its hash, where that of the last night holds.
        stat: what it was then like.
        mapping: the mapping beside it and the mapping's hash, if any.
    """

    path: Path
    account: FileAccount
    stat: tuple[int, ...]
    mapping: Sequence[tuple[FeedFormat, str]]

    def __str__(self) -> str:
        return f"the raw file {self.account.file}"


@dataclass(frozen=True)
class _Taken:
    """A raw file looked into.

    Attributes:
        filled: the folder with what it left, where that was not on the shelf.
        is_of_system: the machine could not read it; another one may.
    """

    file: RawFile
    filled: Path | None = None
    is_of_system: bool = False


class _Reading:
    """Looks at raw files one by one, and keeps what they left."""

    def __init__(
        self,
        raw: Path,
        shelf: store.Shelf,
        rules: Rules,
        before: Mapping[str, RawFile],
        now_ns: int,
    ) -> None:
        self.raw = raw
        self.shelf = shelf
        self.before = before
        # A name whose bytes are no UTF-8 is found by the longer way.
        below = os.fspath(raw / "x")[:-1]
        self.before_at = {f"{below}{name}": file for name, file in before.items()}
        self.mappings = _mappings_beside()
        made_by = key_of(
            code_key(),
            pick_rules(rules, "clean", "feeds.archive_max_ratio", "feeds.archive_ratio_from_bytes"),
        )
        self.reader = _Reader(shelf, rules, now_ns, frozenset(shelf.names(KIND)), made_by)

    def look_at(self, path: Path) -> RawFile | _Asked:
        """Return a raw file whose bytes need not be looked into, else what is asked of it."""
        return self._take_unchanged(path) or self._ask(path)

    def keep(self, asked: _Asked, taken: _Taken, *, is_elsewhere: bool) -> RawFile:
        """Return a raw file, what it left put on the shelf.

        This machine's word counts: what another one could not read, or sees otherwise, is read
        here; size and times, inode and time of change among them, are noted as they are here.
        """
        if is_elsewhere:
            stat = _stat_or_none(asked.path)
            if taken.is_of_system or stat is None or stat[:2] != taken.file.stat[:2]:
                taken = take_file(self.reader, asked)
            else:
                taken = replace(taken, file=replace(taken.file, stat=stat))
        if taken.filled is not None:
            self.shelf.land(KIND, taken.file.key, taken.filled)
        return taken.file

    def _take_unchanged(self, path: Path) -> RawFile | None:
        """Return the file of the last night where nothing about it can have changed.

        Asked of thousands of files every night: kept lean.
        """
        before = self.before_at.get(os.fspath(path))
        try:
            known = self._known(before.account.file, _stat(path)) if before else None
        except OSError:
            return None
        if known is None or known.key != self.reader.key(known.account, self.mappings(path)):
            return None
        return known if known.account.error or known.key in self.reader.there else None

    def _ask(self, path: Path) -> RawFile | _Asked:
        account = FileAccount(ingest.feed_of(path, self.raw), ingest.name_of(path, self.raw), 0)
        stat: tuple[int, ...] = ()
        try:
            stat = _stat(path)
            account.bytes = stat[0]
            known = self._known(account.file, stat)
            account.sha256 = known.account.sha256 if known else None
            return _Asked(path, account, stat, self.mappings(path))
        except OSError as error:
            # Tried again every night: permissions and disks get repaired.
            return RawFile(ingest.failed(account, ingest.words_for(error)), "", stat, is_racy=True)

    def _known(self, name: str, stat: tuple[int, ...]) -> RawFile | None:
        """Return the file of the last night where its bytes cannot have changed."""
        known = self.before.get(name)
        if known is None or known.stat != stat or known.is_racy or not known.account.sha256:
            return None
        return known


def take_file(reader: _Reader, asked: _Asked) -> _Taken:
    """Return a raw file, read where what it left is not on the shelf: a unit of work.

    What was read is left in a folder that is not on the shelf yet (`Shelf.fill`).
    """
    # Its own: this may be asked twice.
    account = FileAccount(asked.account.feed, asked.account.file, asked.account.bytes)
    stat: tuple[int, ...] = ()
    try:
        stat = _stat(asked.path)
        account.bytes = stat[0]
        is_known = asked.account.sha256 and stat == asked.stat
        account.sha256 = asked.account.sha256 if is_known else store.hash_file(asked.path)
        key = reader.key(account, asked.mapping)
        filled = None if key in reader.there else _read(reader, asked, account, stat)
        kept = read_account(filled or reader.shelf.path(KIND, key))
        return _Taken(RawFile(kept, key, stat, reader.is_young(stat)), filled)
    except OSError as error:
        # Tried again every night: permissions and disks get repaired.
        failed = ingest.failed(account, ingest.words_for(error))
        return _Taken(RawFile(failed, "", stat, is_racy=True), is_of_system=True)
    except RawFileError as error:
        failed = ingest.failed(account, ingest.words_for(error))
        key = reader.key(account, asked.mapping)
        # A reader's words for an error of the system: such a file is tried again, too.
        cause = error.__cause__
        is_of_system = isinstance(cause, OSError) and cause.errno is not None
        is_racy = is_of_system or account.sha256 is None or reader.is_young(stat)
        return _Taken(RawFile(failed, key, stat, is_racy), is_of_system=is_of_system)


def _read(reader: _Reader, asked: _Asked, account: FileAccount, stat: tuple[int, ...]) -> Path:
    """Return the folder filled with what a raw file left; fill its account."""
    mappings = [one for one, _ in asked.mapping]
    with reader.shelf.fill(KIND) as folder:
        ingest.stage_file(asked.path, account, store.StagedFile(folder), reader.rules, mappings)
        if _stat(asked.path) != stat:
            raise RawFileError("changed while it was read; it is read again in the next run")
        store.write_json(_as_json(account), folder / "account.json")
    return folder


def _stat(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _stat_or_none(path: Path) -> tuple[int, ...] | None:
    try:
        return _stat(path)
    except OSError:
        return None


def _mappings_beside() -> Callable[[Path], list[tuple[FeedFormat, str]]]:
    """Return a function that gives the mapping for a raw file and the mapping's hash, if any."""

    @cache
    def mapping_in(folder: Path) -> tuple[MappedFormat, str] | None:
        file = folder / "mapping.toml"
        return (load_mapping(file), store.hash_file(file)) if file.is_file() else None

    def mappings(path: Path) -> list[tuple[FeedFormat, str]]:
        found = mapping_in(path.parent)
        return [found] if found is not None and found[0].is_for(path.name) else []

    return mappings


def compare_inputs(before: Mapping[str, RawFile], found: Sequence[RawFile]) -> Changes:
    """Return which raw files are new, changed (their bytes) or gone since the last night."""
    now = {file.account.file: file for file in found}
    both = [name for name in now if name in before]
    return Changes(
        new=tuple(sorted(set(now) - set(before))),
        changed=tuple(
            sorted(name for name in both if before[name].account.sha256 != now[name].account.sha256)
        ),
        removed=tuple(sorted(set(before) - set(now))),
    )


def files_by_day(found: Sequence[RawFile]) -> dict[date, list[RawFile]]:
    """Return the raw files that touch each UTC day, in order of path; days in order."""
    days: dict[date, list[RawFile]] = {}
    for file in sorted(found, key=lambda one: one.account.file):
        if file.account.error is None:
            for day in {day for _, day, _ in file.account.days}:
                days.setdefault(day, []).append(file)
    return dict(sorted(days.items()))


# ------------------------------------------------------------------------------- kept as JSON


def save_inputs(found: Sequence[RawFile], path: Path) -> None:
    """Write the raw files of a night, for `load_inputs` of the next."""
    content = [
        {**_as_json(file.account), "key": file.key, "stat": file.stat, "is_racy": file.is_racy}
        for file in found
    ]
    store.write_json(content, path, is_compact=True)


def load_inputs(path: Path) -> dict[str, RawFile]:
    """Return the raw files of a night by name; none where there is no such file."""
    if not path.is_file():
        return {}
    # Thousands of small objects at once, all of them kept: there is nothing to collect, and looking
    # for it takes as long as reading them.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        files = [
            RawFile(_from_json(row), row["key"], tuple(row["stat"]), row["is_racy"])
            for row in json.loads(path.read_text("utf-8"))
        ]
    finally:
        if was_enabled:
            gc.enable()
    return {file.account.file: file for file in files}


def read_account(folder: Path) -> FileAccount:
    """Return the account of what a raw file left on the shelf.

    Raises:
        ShelfError: it is damaged.
    """
    path = folder / "account.json"
    try:
        return _from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ShelfError(f"{path} is damaged") from error


def _as_json(account: FileAccount) -> dict[str, Any]:
    content = {**vars(account), "reasons": dict(account.reasons)}
    for name in ("first_at", "last_at"):
        content[name] = content[name].isoformat() if content[name] else None
    content["days"] = [(kind, day.isoformat(), rows) for kind, day, rows in account.days]
    return content


# Thousands of files name the same few days.
_day = cache(date.fromisoformat)


def _from_json(row: Mapping[str, Any]) -> FileAccount:
    fields = {name: row[name] for name in FileAccount.__dataclass_fields__}
    for name in ("first_at", "last_at"):
        fields[name] = datetime.fromisoformat(fields[name]) if fields[name] else None
    fields["days"] = [(kind, _day(day), rows) for kind, day, rows in row["days"]]
    fields["reasons"] = Counter(fields["reasons"])
    return FileAccount(**fields)


def tell_rows_read(found: Sequence[RawFile]) -> int:
    """Return how many rows all raw files hold."""
    return sum(file.account.read for file in found)
