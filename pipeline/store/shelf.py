"""Finished intermediate results, each in a folder named by what it was made from.

A result is never changed: it appears whole by the renaming of its folder, and is removed when
nothing names it any more.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from pipeline.store.faults import storing
from pipeline.store.files import read_parquet
from pipeline.store.links import list_visible, sync_files

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
BOOT_NOTE = ".boot_id"
NEW = ".new-"
KIND = re.compile(r"[A-Za-z0-9_-]+")
NAME = re.compile(r"[A-Za-z0-9-][A-Za-z0-9.-]*")


class Shelf:
    """Results by kind and name: `<folder>/<kind>/<name>/<frame>.parquet`.

    Attributes:
        folder: where they lie.
        is_shared: folders are filled on several machines. What another machine wrote `os.sync`
            does not reach, so that each waits for the disk itself before its folder is whole.
    """

    def __init__(self, folder: Path, *, is_shared: bool = False) -> None:
        self.folder = folder
        self.is_shared = is_shared

    def has(self, kind: str, name: str) -> bool:
        """Return whether there is such a result."""
        return self.path(kind, name).is_dir()

    def path(self, kind: str, name: str) -> Path:
        """Return the folder of a result, there or not.

        Raises:
            ValueError: the name holds more than letters, digits, '-' and '.'.
        """
        if not KIND.fullmatch(kind) or not NAME.fullmatch(name):
            raise ValueError(f"no name for a result: {kind!r}, {name!r}")
        return self.folder / kind / name

    @contextmanager
    def put(self, kind: str, name: str) -> Iterator[Path]:
        """Yield an empty folder to be filled; it becomes the result when the block ends well.

        A result that is there already stays, the new one is dropped.

        Raises:
            StorageError: the disk is full, a permission was lost, ...
        """
        self.path(kind, name)
        with self.fill(kind) as new:
            yield new
        self.land(kind, name, new)

    @contextmanager
    def fill(self, kind: str) -> Iterator[Path]:
        """Yield an empty folder to be filled; whole when the block ends well, else removed.

        It is no result yet: `land` makes it one.

        Raises:
            StorageError: the disk is full, a permission was lost, ...
        """
        new = self.folder / kind / f"{NEW}{secrets.token_hex(8)}"
        try:
            with storing(new):
                new.mkdir(parents=True)
            yield new
            if self.is_shared:
                with storing(new):
                    sync_files(new)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise

    def land(self, kind: str, name: str, filled: Path) -> None:
        """Make a folder that was filled the result `name`; called under the lock alone.

        A result that is there already stays, the new one is dropped.

        Raises:
            StorageError: a permission was lost, ...
        """
        target = self.path(kind, name)
        try:
            with storing(target):
                if not target.is_dir():
                    filled.rename(target)
        finally:
            shutil.rmtree(filled, ignore_errors=True)

    def write(self, kind: str, name: str, frames: Mapping[str, pl.DataFrame]) -> None:
        """Put a result of several frames, each as it is sorted.

        Raises:
            StorageError: the disk is full, a permission was lost, ...
        """
        with self.put(kind, name) as folder:
            for frame_name, frame in frames.items():
                path = folder / f"{frame_name}.parquet"
                with storing(path):
                    frame.write_parquet(path, compression="lz4")

    def read(self, kind: str, name: str, frame: str) -> pl.DataFrame:
        """Return one frame of a result."""
        return read_parquet(self.path(kind, name) / f"{frame}.parquet")

    def read_many(self, kind: str, names: Sequence[str], frame: str) -> pl.DataFrame:
        """Return one frame of several results below one another, in the given order.

        Raises:
            ValueError: no names, thus no columns.
        """
        if not names:
            raise ValueError(f"no results of kind {kind!r} to read {frame!r} of")
        return read_parquet([self.path(kind, name) / f"{frame}.parquet" for name in names])

    def names(self, kind: str) -> set[str]:
        """Return the names of all results of a kind."""
        return set(list_visible(self.folder / kind))

    def sweep(self, keep: Mapping[str, Collection[str]]) -> int:
        """Remove all results that `keep` does not name and all half-made ones; return how many."""
        removed = 0
        for kind in self._kinds():
            kept = set(keep.get(kind, ()))
            with os.scandir(self.folder / kind) as entries:
                gone = [entry.name for entry in entries if entry.name not in kept]
            for name in gone:
                self._remove(self.folder / kind, name)
            removed += len(gone)
        return removed

    def keep_only_durable(self, named: Mapping[str, Collection[str]]) -> None:
        """Remove what a crash of the machine may have torn; once after each start of the machine.

        A result is on the disk for certain when a published night names it, for publishing waits
        for the disk. Of the others the files may be there without their bytes. A killed run is no
        crash: what it wrote is kept by the system.
        """
        note = self.folder / BOOT_NOTE
        boot_id = _read_text(BOOT_ID)
        if boot_id is not None and _read_text(note) == boot_id:
            return
        self.sweep(named)
        with storing(note):
            self.folder.mkdir(parents=True, exist_ok=True)
            note.write_text(boot_id or "", "utf-8")

    def _kinds(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def _remove(self, folder: Path, name: str) -> None:
        # Renamed first: a result half removed must not look like a result.
        gone = folder / f"{NEW}{secrets.token_hex(8)}"
        with storing(folder / name):
            # A half-made one may be taken away by who made it, on another machine, at this moment.
            with suppress(FileNotFoundError):
                (folder / name).rename(gone)
            # No folder where the disk was damaged, or somebody put a file.
            if not gone.is_dir():
                gone.unlink(missing_ok=True)
        shutil.rmtree(gone, ignore_errors=True)


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").strip() or None
    except (OSError, ValueError):
        return None
