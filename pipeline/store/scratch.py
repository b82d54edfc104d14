"""Frames that wait on disk between two steps of one run."""

from __future__ import annotations

import secrets
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
    """Frames by the path that each got; nothing of them outlives the run.

    Every frame gets a name of its own: a work unit that is done twice, on a cluster whose worker
    was lost, or one of an earlier run that goes on somewhere, overwrites nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, frame: pl.DataFrame) -> Path:
        """Write a frame; return where."""
        path = self.folder / f"{secrets.token_hex(8)}.parquet"
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_scratch(frame, path)
        return path

    def read(self, path: Path) -> pl.DataFrame:
        """Return one frame."""
        return read_parquet(path)

    def drop(self, path: Path) -> None:
        """Forget a frame, there or not."""
        path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder, ignore_errors=True)
