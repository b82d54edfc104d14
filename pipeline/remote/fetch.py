"""Raw files fetched: a folder here made like a folder of objects there.

A file of the mirror has the size of its object and, as its time of change, the object's: where
both hold, it is not fetched again. A file gets its name when it is whole, so that a run that is
killed leaves nothing that the next one would take for an object.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import RawFileError, RemoteError
from pipeline.remote.places import Listed, Place, Progress
from pipeline.remote.plan import Plan, plan_mirror, require_mappings
from pipeline.rules import RemoteRules
from pipeline.store import storing

STAGE = "fetching raw files"
# Both hidden: raw files are looked for beside them.
COMING, SOURCE = ".coming", ".source"
NS = 1_000_000_000


@dataclass(frozen=True)
class Fetched:
    """What the fetching of raw files did.

    Attributes:
        objects: how many raw files (and mappings) lie in the mirror.
        fetched, bytes: how many of them were fetched now, and their size.
        refused: (name for people, reason) of the objects that could not become raw files.
    """

    objects: int
    fetched: int
    bytes: int
    refused: tuple[tuple[str, str], ...]


def fetch_raw(
    place: Place,
    mirror: Path,
    now_ns: int,
    progress: Progress,
    limits: RemoteRules | None = None,
    *,
    again: bool = False,
) -> Fetched:
    """Make `mirror` like the objects of a place; what cannot be fetched is not in it.

    An object is asked for twice, the second time by a new listing: what changed or vanished
    between listing and fetching is no failure, and where the store itself is lost, the listing
    says so.

    Args:
        place: the objects.
        mirror: the folder, of nobody else.
        now_ns: the clock at the start of the run.
        progress: told of each object fetched.
        limits: how it is fetched.
        again: fetch all of it, whatever sizes and times say.

    Raises:
        UsageError: nothing is there.
        RawFileError: no object is there that could be a raw file.
        RemoteError: the store was lost, or a mapping could not be fetched; what was fetched
            stays, the next run goes on with it.
        StorageError: the disk is full, a permission was lost, ...
    """
    fetching = _Fetching(place, mirror, now_ns, progress, limits or RemoteRules())
    fetching.prepare()
    plan, failures = Plan({}, {}), dict[str, str]()
    for _ in range(2):
        plan = plan_mirror(place.list_objects(), can_fold=fetching.can_fold)
        if not plan.wanted and not plan.refused:
            raise RawFileError(f"no raw file in {place.shown}: put provider files into <feed>/")
        fetching.remove_all_but(plan.wanted)
        failures = fetching.fetch(
            one
            for one in plan.wanted.values()
            if not (fetching.took.get(one.name) == one or (fetching.has(one) and not again))
        )
        if not failures:
            break
    for name in failures:
        # What lies there is of an earlier object: refused, as a file here that cannot be read.
        fetching.drop(name)
    refused = {**plan.refused, **failures}
    require_mappings(refused, place)
    objects = len(plan.wanted) - len(failures)
    size = sum(one.bytes or 0 for one in fetching.took.values())
    return Fetched(objects, len(fetching.took), size, tuple(sorted(refused.items())))


class _Fetching:
    """The making of one mirror.

    Attributes:
        took: what was fetched, by name.
    """

    def __init__(
        self, place: Place, mirror: Path, now_ns: int, progress: Progress, limits: RemoteRules
    ) -> None:
        self.place = place
        self.mirror = mirror
        self.young_from_ns = now_ns - round(limits.young_s * NS)
        self.progress = progress
        self.limits = limits
        self.took: dict[str, Listed] = {}
        self._ended = threading.Event()

    def prepare(self) -> None:
        """Remove what a stopped run left, and all of a mirror of another place."""
        note = self.mirror / SOURCE
        with storing(self.mirror):
            if self.mirror.is_symlink() or not self.mirror.is_dir():
                self.mirror.unlink(missing_ok=True)
            elif _read_text(note) != self.place.identity:
                shutil.rmtree(self.mirror)
            self.mirror.mkdir(exist_ok=True, parents=True)
            note.write_text(self.place.identity, "utf-8")
            shutil.rmtree(self.mirror / COMING, ignore_errors=True)
            (self.mirror / COMING).mkdir()

    def can_fold(self) -> bool:
        """Return whether the disk takes names for one that differ in case alone."""
        return (self.mirror / COMING.upper()).exists()

    def remove_all_but(self, wanted: Mapping[str, Listed]) -> None:
        """Remove the files that no object stands behind, and folders left empty."""
        with storing(self.mirror):
            for folder, folders, names in os.walk(self.mirror, topdown=False):
                below = Path(folder).relative_to(self.mirror).as_posix()
                if below.split("/")[0] == COMING:
                    continue
                prefix = "" if below == "." else f"{below}/"
                links = [name for name in folders if Path(folder, name).is_symlink()]
                for name in (*names, *links):
                    if prefix + name != SOURCE and (prefix + name not in wanted or name in links):
                        Path(folder, name).unlink()
                if prefix:
                    with suppress(OSError):
                        Path(folder).rmdir()

    def has(self, one: Listed) -> bool:
        """Return whether the mirror has an object as it is listed."""
        try:
            found = (self.mirror / one.name).lstat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (one.bytes, one.mtime_ns)

    def drop(self, name: str) -> None:
        """Remove a file of the mirror, if it is there."""
        with storing(self.mirror / name):
            (self.mirror / name).unlink(missing_ok=True)

    def fetch(self, objects: Iterable[Listed]) -> dict[str, str]:
        """Fetch some objects; return why, by name, where one could not be.

        Raises:
            StorageError: the disk is full, a permission was lost, ...
        """
        asked = list(objects)
        failures: dict[str, str] = {}
        self.progress(STAGE, 0, len(asked))
        with self._threads() as pool:
            running = {pool.submit(self._fetch_one, one): one for one in asked}
            for done, future in enumerate(as_completed(running), start=1):
                one = running[future]
                try:
                    future.result()
                    self.took[one.name] = one
                except RemoteError as error:
                    failures[one.name] = str(error)
                self.progress(STAGE, done, len(asked))
        return failures

    @contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        """Yield threads that end soon where the block fails."""
        with ThreadPoolExecutor(self.limits.threads, "fetch") as pool:
            try:
                yield pool
            except BaseException:
                self._ended.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fetch_one(self, one: Listed) -> None:
        """Fetch an object beside, and move it in when it is whole and what was listed.

        Raises:
            RemoteError: it cannot be read, or is another one by now.
            StorageError: the disk is full, a permission was lost, ...
        """
        target = self.mirror / one.name
        coming = self.mirror / COMING / secrets.token_hex(8)
        try:
            with storing(target):
                self._read_into(coming, one)
                if one.mtime_ns is not None and one.mtime_ns < self.young_from_ns:
                    # A younger one keeps its own time, so that it is fetched once more: it may be
                    # written again, in the same size, without its time telling.
                    os.utime(coming, ns=(one.mtime_ns, one.mtime_ns))
                target.parent.mkdir(parents=True, exist_ok=True)
                coming.replace(target)
        finally:
            with suppress(OSError):
                coming.unlink(missing_ok=True)

    def _read_into(self, coming: Path, one: Listed) -> None:
        with coming.open("xb") as stream:
            for chunk in self.place.read_chunks(one.name, self.limits.chunk_bytes):
                if self._ended.is_set():
                    raise RemoteError("the run ends")
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        now = self.place.look_at(one.name)
        if coming.stat().st_size != one.bytes or now is None or not _is_same(now, one):
            raise RemoteError("changed while it was fetched; it is fetched again in the next run")


def _is_same(now: Listed, listed: Listed) -> bool:
    """Return whether an object is as it was listed.

    Some stores list parts of a second and tell the time of a single object in whole seconds.
    """
    listed_ns = listed.mtime_ns
    if now.mtime_ns is not None and now.mtime_ns % NS == 0 and listed_ns is not None:
        listed_ns -= listed_ns % NS
    return (now.bytes, now.mtime_ns) == (listed.bytes, listed_ns)


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return None
