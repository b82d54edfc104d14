"""Rows of a simulated world to a provider's files, one a feed and month (or day) of arrival.

Rows come vessel by vessel and files want them by time: they are laid down in parts by file, then
each file is put together alone. Its rows stand in a total order, so the same rows give the same
bytes in whatever frames and order they came.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal

import polars as pl

from pipeline.errors import UsageError
from pipeline.simulate.dma_rows import dma_rows
from pipeline.simulate.nmea_lines import nmea_lines
from pipeline.simulate.rows import CATEGORIES, COLUMNS
from pipeline.store import write_parquet

Format = Literal["parquet", "csv", "nmea", "dma"]
Period = Literal["month", "day"]

PERIODS: dict[Period, str] = {"month": "%Y-%m", "day": "%Y-%m-%d"}
# How many rows are held before they are laid down, and turned to text at a time; neither shows in
# the files.
SPOOLED_ROWS = 2_000_000
TEXT_ROWS = 200_000
# The order in which a provider's files stand; all other columns follow it.
ARRIVAL = ("received_at", "timestamp", "mmsi", "message_type", "station")
ISO_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def write_feed_files(
    frames: Iterable[pl.DataFrame], out: Path, file_format: Format, per: Period = "month"
) -> list[Path]:
    """Write canonical rows as `out/<feed>/<YYYY-MM>.<suffix>` and return the files, sorted.

    A row stands in the file of the month or UTC day it arrived in (`received_at`), so a late one
    stands in a later file. Nothing is in place before everything is written.

    Args:
        frames: rows with columns of rows.COLUMNS; absent ones are null.
        out: folder of the feeds' folders.
        file_format: parquet and csv in canonical columns, nmea with tag blocks, dma as CSV.
        per: what a file holds.

    Raises:
        UsageError: unknown format or period.
    """
    if file_format not in WRITERS:
        raise UsageError(f"no format {file_format!r}; there are {', '.join(WRITERS)}")
    if per not in PERIODS:
        raise UsageError(f"no period {per!r}; there are {', '.join(PERIODS)}")
    suffix, write = WRITERS[file_format]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".parts-", dir=out) as spool:
        parts, written = Path(spool, "parts"), Path(spool, "written")
        for number, held in enumerate(gather_rows(frames)):
            lay_down(held, PERIODS[per], parts, number)
        names = [folder.relative_to(parts) for folder in sorted(parts.glob("*/*"))]
        made = [name.with_name(f"{name.name}.{suffix}") for name in names]
        for name, file in zip(names, made, strict=True):
            (written / file).parent.mkdir(parents=True, exist_ok=True)
            write(read_parts(parts / name), written / file)
        for file in made:
            (out / file).parent.mkdir(parents=True, exist_ok=True)
            (written / file).replace(out / file)
    return [out / file for file in made]


def gather_rows(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the rows together, about SPOOLED_ROWS at a time."""
    held: list[pl.DataFrame] = []
    count = 0
    for frame in frames:
        held.append(frame)
        count += frame.height
        if count >= SPOOLED_ROWS:
            yield pl.concat(held, how="diagonal")
            held, count = [], 0
    if count:
        yield pl.concat(held, how="diagonal")


def lay_down(rows: pl.DataFrame, period: str, parts: Path, number: int) -> None:
    """Write rows as part `number` of the files they belong to: `parts/<feed>/<period>/`."""
    filed = rows.with_columns(file=pl.col("received_at").dt.strftime(period))
    for (feed, file), some in filed.partition_by(
        "feed", "file", as_dict=True, include_key=False
    ).items():
        path = parts / str(feed) / str(file) / f"{number:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        some.write_parquet(path, compression="lz4")


def read_parts(folder: Path) -> pl.DataFrame:
    """Return all rows of a file in their total order, in the canonical columns they have."""
    paths = sorted(folder.glob("*.parquet"))
    rows = pl.concat([pl.read_parquet(path) for path in paths], how="diagonal")
    others = [name for name in COLUMNS if name in rows.columns and name not in ARRIVAL]
    return rows.sort(*ARRIVAL, *others, nulls_last=True)


def complete(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with every canonical column in order, categories as texts, no feed."""
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None))
        .cast(pl.String if name in CATEGORIES else dtype)
        .alias(name)
        for name, dtype in COLUMNS.items()
        if name != "feed"
    )


def write_canonical_parquet(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as canonical Parquet."""
    write_parquet(complete(rows), path)


def write_csv(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as canonical CSV."""
    _write_table(rows, path, complete)


def write_dma(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as a day file of the Danish Maritime Authority."""
    _write_table(rows, path, lambda some: dma_rows(complete(some)))


def write_nmea(rows: pl.DataFrame, path: Path) -> None:
    """Write rows as an NMEA log with tag blocks, in order of arrival."""
    with path.open("w", encoding="ascii", newline="") as stream:
        for first_row in range(0, rows.height, TEXT_ROWS):
            lines = nmea_lines(complete(rows.slice(first_row, TEXT_ROWS)), first_row)
            stream.write("\r\n".join([*lines, ""]))


def _write_table(
    rows: pl.DataFrame, path: Path, to_table: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    with path.open("wb") as stream:
        for first_row in range(0, rows.height, TEXT_ROWS):
            to_table(rows.slice(first_row, TEXT_ROWS)).write_csv(
                stream, include_header=first_row == 0, datetime_format=ISO_INSTANT
            )


WRITERS: dict[Format, tuple[str, Callable[[pl.DataFrame, Path], None]]] = {
    "parquet": ("parquet", write_canonical_parquet),
    "csv": ("csv", write_csv),
    "nmea": ("nmea", write_nmea),
    "dma": ("csv", write_dma),
}
