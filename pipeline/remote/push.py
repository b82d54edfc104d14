"""The published outputs copied to object storage, where no folder can be renamed.

Every night gets a folder of its own, `nights/<run>-<token>/`; a Parquet file that is a part of a
table (a day, a month) gets the name of its content, `parts/<sha256>.parquet`, and is there once
however many nights it belongs to. The pointer, `current.json`, names the objects of one night and
is replaced last, in one step: who reads it sees one night whole. The night before stays for those
who have read the pointer already; what neither of the two names is removed.
"""

from __future__ import annotations

import json
import mimetypes
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PushError, RemoteError, StorageError, UsageError, printable
from pipeline.remote.addresses import Address
from pipeline.remote.places import Place, Progress, open_place
from pipeline.remote.pushed_files import PushedFile, find_outputs, name_object
from pipeline.rules import RemoteRules
from pipeline.store import Outputs, hash_file, hold_lock, read_manifest

STAGE = "pushing outputs"
POINTER = "current.json"
FORMAT = "darkport outputs 1"
# Nothing of another name is ever removed.
NIGHT = re.compile(r"(nights/\d{6,}-[0-9a-f]{8})/.+")
PART = re.compile(r"parts/[0-9a-f]{64}\.parquet")
FROM_MANIFEST = ("run", "data_end", "is_simulated", "method_version", "rules_hash")


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Attributes:
        place: where to, without what may be secret.
        run: the night that the pointer names now.
        files: how many files it names.
        uploaded, bytes: how many objects were uploaded for it, and their size.
        removed: how many objects of earlier nights were removed.
        warning: why some could not be removed; the next push tries again.
    """

    place: str
    run: int
    files: int
    uploaded: int
    bytes: int
    removed: int
    warning: str | None = None


def push_outputs(
    processed: Path, address: Address, progress: Progress, limits: RemoteRules | None = None
) -> Pushed:
    """Copy what is published in `processed`, so that the pointer there names it whole.

    Raises:
        UsageError: nothing is published.
        LockedError: another run holds the lock.
        PushError: it could not be copied; the pointer there is as it was.
    """
    read_manifest(processed)
    with hold_lock(processed, "darkport push"):
        generation = Outputs(processed).current
        if generation is None:
            raise UsageError(f"no published tables in {processed}: run darkport nightly")
        try:
            pushing = _Pushing(generation, open_place(address), progress, limits or RemoteRules())
            return pushing.push()
        except (RemoteError, StorageError, UsageError, OSError) as error:
            raise PushError(f"published here, but not pushed: {error}") from error


class _Pushing:
    """One push of one generation."""

    def __init__(
        self, generation: Path, place: Place, progress: Progress, limits: RemoteRules
    ) -> None:
        self.generation = generation
        self.place = place
        self.progress = progress
        self.limits = limits

    def push(self) -> Pushed:
        manifest = read_manifest(self.generation)
        before = self._read_pointer()
        prefix = f"nights/{int(manifest['run']):06d}-{secrets.token_hex(4)}"
        files = [
            name_object(name, prefix, path.stat().st_size, hash_file(path))
            for name, path in find_outputs(self.generation)
        ]
        there = self._list_sizes()
        named = {row["object"]: row["bytes"] for row in before.get("files", ())}
        # An object is there when a pointer names it: another may be half of what a killed push
        # wrote, where the store is a folder.
        whole = {name for name, size in named.items() if there.get(name) == size}
        if _contents(files) == _contents(before.get("files", ())) and named.keys() <= whole:
            return Pushed(self.place.shown, manifest["run"], len(files), 0, 0, 0)
        todo = {file.object: file for file in files if file.object not in whole}
        self._upload(list(todo.values()))
        self._require_all(files)
        pointer = {name: manifest[name] for name in FROM_MANIFEST} | {
            "format": FORMAT,
            "prefix": prefix,
            "files": [asdict(file) for file in files],
        }
        self.place.replace(POINTER, (json.dumps(pointer, indent=1) + "\n").encode())
        size = sum(file.bytes for file in todo.values())
        done = Pushed(self.place.shown, manifest["run"], len(files), len(todo), size, 0)
        return self._remove_all_but({*named, *(file.object for file in files)}, done)

    def _read_pointer(self) -> Mapping[str, Any]:
        """Return the pointer that is there, {} before the first push.

        Raises:
            RemoteError: it cannot be read, or is somebody else's.
        """
        if self.place.look_at(POINTER) is None:
            return {}
        content = b"".join(self.place.read_chunks(POINTER, self.limits.chunk_bytes))
        try:
            pointer = json.loads(content)
            if pointer["format"] == FORMAT:
                for row in pointer["files"]:
                    texts = row["name"], row["object"], row["sha256"]
                    if not (
                        isinstance(row["bytes"], int) and all(isinstance(t, str) for t in texts)
                    ):
                        raise TypeError(row)
                return pointer
        except (ValueError, LookupError, TypeError, RecursionError):
            pass
        raise RemoteError(
            f"{self.place.shown}/{POINTER} was not written by this version of darkport: push"
            " elsewhere, or move it away"
        )

    def _list_sizes(self) -> dict[str, int | None]:
        """Return the size of all objects that are there."""
        return {one.name: one.bytes for one in self.place.list_objects(may_be_missing=True)}

    def _upload(self, files: Sequence[PushedFile]) -> None:
        self.progress(STAGE, 0, len(files))
        with ThreadPoolExecutor(self.limits.threads, "push") as pool:
            try:
                running = [pool.submit(self._upload_one, file) for file in files]
                for done, future in enumerate(as_completed(running), start=1):
                    future.result()
                    self.progress(STAGE, done, len(files))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _upload_one(self, file: PushedFile) -> None:
        chunks = _read_chunks(self.generation / file.name, self.limits.chunk_bytes)
        self.place.write(file.object, chunks, mimetypes.guess_type(file.name)[0])

    def _require_all(self, files: Sequence[PushedFile]) -> None:
        """Hold that all objects are there before the pointer names them.

        Raises:
            RemoteError: one is not, or has another size.
        """
        there = self._list_sizes()
        for file in files:
            if there.get(file.object) != file.bytes:
                raise RemoteError(
                    f"{self.place.shown}/{file.object}: {file.bytes} bytes written,"
                    f" {there.get(file.object, 'none')} there"
                )

    def _remove_all_but(self, named: set[str], done: Pushed) -> Pushed:
        """Remove what no pointer names any more; nothing that is not of our naming.

        The night is pushed by now: what cannot be removed is no failure.
        """
        nights = {found[1] for name in named if (found := NIGHT.fullmatch(name))}
        gone_nights: dict[str, int] = {}
        try:
            listed = self._list_sizes()
            gone = [name for name in listed if PART.fullmatch(name) and name not in named]
            for name in listed:
                night = NIGHT.fullmatch(name)
                if night and night[1] not in nights:
                    gone_nights[night[1]] = gone_nights.get(night[1], 0) + 1
            for name in gone:
                self.place.remove(name)
            for night in gone_nights:
                self.place.remove(night, is_folder=True)
        except (RemoteError, UsageError) as error:
            words = f"earlier nights could not be removed, the next push tries again: {error}"
            return Pushed(**{**asdict(done), "warning": printable(words)})
        removed = len(gone) + sum(gone_nights.values())
        return Pushed(**{**asdict(done), "removed": removed})


def _contents(files: Sequence[PushedFile | Mapping[str, Any]]) -> set[tuple[str, str]]:
    rows = [asdict(file) if isinstance(file, PushedFile) else file for file in files]
    return {(row["name"], row["sha256"]) for row in rows}


def _read_chunks(path: Path, chunk_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of a file.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(chunk_bytes):
                yield chunk
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
