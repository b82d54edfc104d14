"""What one raw file left: its cleaned reports in parts sorted by day, and its refused rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from pipeline.schema import TABLES
from pipeline.store.faults import storing
from pipeline.store.files import validate, write_parquet

# Small enough that the statistics of `seen_at` let a reader skip the other days of a month's
# file, large enough that a row group costs little more than its rows (measured; judgement).
STAGED_ROW_GROUP_SIZE = 20_000
# A refused row keeps its text: what is held back is counted in bytes, too (judgement).
REJECTED_BUFFER_BYTES = 64_000_000


class StagedFile:
    """Takes the reports of one raw file as it is read; `close` ends it.

    Attributes:
        folder: where the parts are written: `<kind>-<part>.parquet`, `rejected-<part>.parquet`.
        buffer_rows: rows of a kind held in memory before they are written.
    """

    kinds = ("sightings", "statics", "beacons")

    def __init__(self, folder: Path, buffer_rows: int = 1_000_000) -> None:
        self.folder = folder
        self.buffer_rows = buffer_rows
        self._buffers: dict[str, list[pl.DataFrame]] = {kind: [] for kind in self.kinds}
        self._parts: dict[str, int] = dict.fromkeys((*self.kinds, "rejected"), 0)
        self._rejected: list[pl.DataFrame] = []
        self._counts: list[pl.DataFrame] = []

    def add(self, kind: str, frame: pl.DataFrame) -> None:
        """Take some rows of `kind`; they have `seen_at`.

        Raises:
            StorageError: the disk is full, a permission was lost, ...
        """
        if frame.is_empty():
            return
        self._buffers[kind].append(frame)
        if sum(part.height for part in self._buffers[kind]) >= self.buffer_rows:
            self._flush(kind)

    def add_rejected(self, frame: pl.DataFrame) -> None:
        """Take some refused rows; they are written in the order given.

        Raises:
            StorageError: the disk is full, a permission was lost, ...
        """
        if frame.is_empty():
            return
        self._rejected.append(frame)
        held = self._rejected
        if (
            sum(part.height for part in held) >= self.buffer_rows
            or sum(part.estimated_size() for part in held) >= REJECTED_BUFFER_BYTES
        ):
            self._flush_rejected()

    def close(self) -> pl.DataFrame:
        """Write what is held back; return (kind, date, rows) of all that was added, sorted."""
        for kind in self.kinds:
            self._flush(kind)
        self._flush_rejected()
        empty = pl.DataFrame(schema={"kind": pl.String, "date": pl.Date, "rows": pl.Int64})
        return (
            pl.concat([empty, *self._counts])
            .group_by("kind", "date")
            .agg(pl.col("rows").sum())
            .sort("kind", "date")
        )

    def _flush(self, kind: str) -> None:
        if not self._buffers[kind]:
            return
        frame = pl.concat(self._buffers[kind])
        self._buffers[kind] = []
        by_day = frame.sort(pl.col("seen_at").dt.date(), maintain_order=True)
        path = self._next_path(kind)
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            by_day.write_parquet(
                path, compression="lz4", statistics=True, row_group_size=STAGED_ROW_GROUP_SIZE
            )
        self._counts.append(
            by_day.group_by(date=pl.col("seen_at").dt.date())
            .agg(rows=pl.len().cast(pl.Int64))
            .select(pl.lit(kind).alias("kind"), "date", "rows")
        )

    def _flush_rejected(self) -> None:
        if not self._rejected:
            return
        frame = validate(pl.concat(self._rejected), TABLES["rejected"])
        self._rejected = []
        write_parquet(frame, self._next_path("rejected"))

    def _next_path(self, kind: str) -> Path:
        path = self.folder / f"{kind}-{self._parts[kind]:06d}.parquet"
        self._parts[kind] += 1
        return path


def read_staged(folders: Sequence[Path], kind: str, day: date) -> pl.DataFrame | None:
    """Return the rows of `kind` of one UTC day of several raw files, None without any.

    `file_no` (Int32) is the position in `folders`; rows follow in order of folder and of row.
    """
    begin = datetime.combine(day, time())
    is_of_day = pl.col("seen_at").is_between(begin, begin + timedelta(days=1), closed="left")
    found = [
        pl.scan_parquet(path, glob=False, hive_partitioning=False)
        .filter(is_of_day)
        .with_columns(file_no=pl.lit(file_no, pl.Int32))
        for file_no, folder in enumerate(folders)
        for path in sorted(folder.glob(f"{kind}-*.parquet"))
    ]
    frames = [frame for frame in pl.collect_all(found) if frame.height]
    return pl.concat(frames) if frames else None
