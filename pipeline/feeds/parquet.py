"""Parquet in the canonical columns or those of NOAA 2025, GeoParquet points included."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds import canonical, noaa
from pipeline.feeds.base import Batch
from pipeline.feeds.layout import Layout, listed, to_reports
from pipeline.feeds.parquet_columns import (
    GEOMETRY,
    POINT,
    check_types,
    is_text_or_bytes,
    to_table,
    with_told_instants,
)

if TYPE_CHECKING:
    import pyarrow.parquet as pq

MAGIC = b"PAR1"
TIMES = ("timestamp", "received_at")
# A stream that cannot be wound back is kept in memory up to this size, above it on disk.
SPOOLED_BYTES = 64 * 1024 * 1024

# Judgement. Instants and positions of AIS take some 10 bytes a row and pack 2 to 1, all columns
# 200, so these are generous; runs of one value pack without bound, and a page is unpacked as a
# whole.
FREE_ROWS, ROWS_PER_BYTE = 1_000_000, 10
FREE_GROUP_BYTES, GROUP_BYTES_PER_ROW = 100_000_000, 1_000
LARGEST_GROUP_BYTES = 2 * 1024**3

LAYOUTS: tuple[tuple[str, Layout], ...] = (
    ("NOAA MarineCadastre 2025, Parquet", noaa.LAYOUT_2025),
    ("canonical feed, Parquet", canonical.LAYOUT),
)


@dataclass(frozen=True)
class ParquetFormat:
    """Parquet whose columns, which stand at its end, say what it is; see base.FeedFormat."""

    name: str = "parquet"
    title: str = "canonical feed or NOAA MarineCadastre 2025, Parquet"
    needs: str = (
        "mmsi, timestamp, longitude, latitude; or NOAA's mmsi, base_date_time and a point in "
        "WKB or longitude and latitude; times as timestamps"
    )

    def recognises(self, head: bytes) -> bool:
        """Say whether the file is Parquet; only its end tells the columns."""
        return head.startswith(MAGIC)

    def read(self, stream: BinaryIO, batch_rows: int) -> Iterator[Batch]:
        """Yield the reports of the file.

        Raises:
            RawFileError: no Parquet, columns of no known layout, or times that are no timestamps.
        """
        with opened(stream) as file:
            columns = with_point(file.schema_arrow.names)
            for title, layout in LAYOUTS:
                if layout.is_likely(columns):
                    yield from read_parquet(file, layout, title, batch_rows)
                    return
        raise RawFileError(f"Parquet in no known columns; the file has {listed(columns)}")


PARQUET = ParquetFormat()


@contextmanager
def opened(stream: BinaryIO, head: bytes = b"") -> Iterator[pq.ParquetFile]:
    """Give the Parquet file of a stream of which `head` has been read already.

    A stream that cannot be wound back is copied first, to memory or, where it is long, to disk.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with tempfile.SpooledTemporaryFile(SPOOLED_BYTES) as copy:
        source: Any = stream
        if not stream.seekable():
            copy.write(head)
            shutil.copyfileobj(stream, copy)
            source = copy
        source.seek(0)
        try:
            first = pq.ParquetFile(source)
            check_size(first.metadata, source.seek(0, io.SEEK_END))
            packed = [one.name for one in first.schema_arrow if is_text_or_bytes(one.type)]
            with pq.ParquetFile(source, metadata=first.metadata, read_dictionary=packed) as file:
                yield file
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise RawFileError(f"Parquet: unreadable: {error}") from error


def check_size(metadata: pq.FileMetaData, size: int) -> None:
    """Refuse a file that says it holds more than its bytes can, so that it is not read for days.

    Raises:
        RawFileError: more rows, or more bytes in a row group, than a sound file of `size` has.
    """
    rows, groups = metadata.num_rows, metadata.num_row_groups
    most = FREE_ROWS + ROWS_PER_BYTE * size
    if not 0 <= rows <= most:
        raise RawFileError(f"Parquet: {rows:,} rows in {size:,} bytes; not read")
    for group in (metadata.row_group(at) for at in range(groups)):
        most = FREE_GROUP_BYTES + GROUP_BYTES_PER_ROW * group.num_rows
        if group.total_byte_size > min(most, LARGEST_GROUP_BYTES):
            raise RawFileError(
                f"Parquet: {group.total_byte_size:,} bytes in {group.num_rows:,} rows; not read"
            )


def with_point(names: Sequence[str]) -> list[str]:
    """Return the columns, with longitude and latitude where a geometry stands for them."""
    if GEOMETRY not in names or set(POINT) <= set(names):
        return list(names)
    return [*names, *POINT]


def read_parquet(
    file: pq.ParquetFile,
    layout: Layout,
    title: str,
    batch_rows: int,
    *,
    timestamps: Sequence[str] = TIMES,
) -> Iterator[Batch]:
    """Yield the reports of a Parquet file in the columns of `layout`.

    The texts of its rows are JSON objects of the columns that were read. The fields in
    `timestamps` are refused where they are no timestamps; positions may be numbers or texts.

    Raises:
        RawFileError: a required column is missing, or one has another type than it needs.
    """
    sources = layout.find_sources(with_point(file.schema_arrow.names), title)
    check_types(file.schema_arrow, sources, timestamps, title)
    first_row = 1
    instants = {sources[name] for name in TIMES if name in sources}
    wanted = sorted(set(sources.values()))
    is_point = not set(wanted) <= set(file.schema_arrow.names)
    stored = [name for name in wanted if name in file.schema_arrow.names]
    for part in file.iter_batches(batch_rows, columns=[*stored, GEOMETRY] if is_point else stored):
        table, is_malformed = to_table(part, is_point=is_point)
        table = with_told_instants(table, [name for name in stored if name not in instants])
        reports = to_reports(table, layout, sources, first_row, is_malformed)
        yield Batch(reports, RowTexts(table.select(wanted)))
        first_row += len(table)


@dataclass(frozen=True)
class RowTexts:
    """Gives rows of a table as JSON objects."""

    table: pl.DataFrame

    def __call__(self, positions: Sequence[int]) -> list[str]:
        """Return the rows at these positions."""
        rows = self.table[list(positions)]
        as_text = with_told_instants(rows, rows.columns)
        # Not splitlines(), to which U+2028 within a text is a line end.
        return as_text.write_ndjson().removesuffix("\n").split("\n") if len(rows) else []
