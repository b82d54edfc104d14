"""Parquet in the canonical columns or those of NOAA 2025, GeoParquet points included."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds import canonical, noaa
from pipeline.feeds.base import Batch
from pipeline.feeds.layout import Layout, listed, to_reports

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAGIC = b"PAR1"
GEOMETRY = "geometry"
POINT = ("longitude", "latitude")
TIMES = ("timestamp", "received_at")
# A stream that cannot be wound back is kept in memory up to this size, above it on disk.
SPOOLED_BYTES = 64 * 1024 * 1024

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
            with pq.ParquetFile(source) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            raise RawFileError(f"Parquet: unreadable: {str(error).splitlines()[0]}") from error


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
    wanted = sorted(set(sources.values()))
    is_point = not set(wanted) <= set(file.schema_arrow.names)
    stored = [name for name in wanted if name in file.schema_arrow.names]
    for part in file.iter_batches(batch_rows, columns=[*stored, GEOMETRY] if is_point else stored):
        table, is_malformed = to_table(part, is_point=is_point)
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
        as_text = rows.with_columns(pl.col(pl.Datetime, pl.Date).dt.to_string("iso:strict"))
        return as_text.write_ndjson().splitlines()


def to_table(part: pa.RecordBatch, *, is_point: bool) -> tuple[pl.DataFrame, pl.Series | None]:
    """Return the rows, and which of them have a geometry that is no point."""
    table = pl.DataFrame(part.cast(in_utc(part.schema)))
    table = table.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    if not is_point:
        return table, None
    import shapely

    points = shapely.from_wkb(table[GEOMETRY].to_list(), on_invalid="ignore")
    table = table.with_columns(
        longitude=pl.Series(shapely.get_x(points)).fill_nan(None),
        latitude=pl.Series(shapely.get_y(points)).fill_nan(None),
    )
    is_malformed = table[GEOMETRY].is_not_null() & table["longitude"].is_null()
    return table, is_malformed


def in_utc(schema: pa.Schema) -> pa.Schema:
    """Return the schema with every zone named UTC: polars knows no zones such as +03:30."""
    import pyarrow as pa

    for at, column in enumerate(schema):
        if pa.types.is_timestamp(column.type) and column.type.tz is not None:
            schema = schema.set(at, column.with_type(pa.timestamp(column.type.unit, "UTC")))
    return schema


def check_types(
    schema: pa.Schema, sources: Mapping[str, str], timestamps: Sequence[str], title: str
) -> None:
    """Refuse times that are no timestamps, and positions that are neither numbers nor texts."""
    from pyarrow import types

    for name in timestamps:
        if name in sources and not types.is_timestamp(kind := schema.field(sources[name]).type):
            raise RawFileError(f"{title}: column {sources[name]!r} is {kind}, not a timestamp")
    for name in ("mmsi", *POINT):
        if name in sources and sources[name] in schema.names:
            kind = schema.field(sources[name]).type
            is_number = types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)
            if not (is_number or types.is_string(kind) or types.is_large_string(kind)):
                raise RawFileError(f"{title}: column {sources[name]!r} is {kind}, not a number")
