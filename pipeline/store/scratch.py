"""Frames that wait on disk between two steps of one run."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from pipeline.store.faults import storing
from pipeline.store.files import read_parquet


def write_scratch(frame: pl.DataFrame, path: Path) -> None:
    """Write an intermediate frame: quickly, for this project's own eyes.

    Raises:
        StorageError: the disk is full, a permission was lost, ...
    """
    with storing(path):
        frame.write_parquet(path, compression="lz4")


class Scratch:
    """Frames by name and key; nothing of them outlives the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, key: str, frame: pl.DataFrame) -> None:
        """Write (or write again) the frame `key` of `name`."""
        path = self._path(name, key)
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_scratch(frame, path)

    def has(self, name: str, key: str) -> bool:
        """Return whether there is such a frame."""
        return self._path(name, key).is_file()

    def read(self, name: str, key: str) -> pl.DataFrame:
        """Return one frame."""
        return read_parquet(self._path(name, key))

    def drop(self, name: str, key: str) -> None:
        """Forget a frame, there or not."""
        self._path(name, key).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str, key: str) -> Path:
        return self.folder / name / f"{key}.parquet"
