"""Parquet in the canonical columns or those of NOAA 2025, GeoParquet points included."""

from __future__ import annotations

import io
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
from pipeline.feeds.instants import to_naive_utc
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

# Judgement. Instants and positions of AIS take some 10 bytes a row, so these are generous; runs
# of one value pack without bound, and a page is unpacked as a whole.
FREE_ROWS, ROWS_PER_BYTE = 1_000_000, 10
LARGEST_GROUP_BYTES = 4 * 1024**3

# A point in WKB has at most 41 bytes. Longer ones are no points, and a collection nested a million
# deep ends the process.
LONGEST_POINT_BYTES = 64

FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # the years 1 to 9999, in days since 1970

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
                check_size(file.metadata, source.seek(0, io.SEEK_END))
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
    largest = max((metadata.row_group(at).total_byte_size for at in range(groups)), default=0)
    if largest > LARGEST_GROUP_BYTES:
        raise RawFileError(f"Parquet: a row group of {largest:,} bytes; not read")


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


def with_told_instants(table: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the table with dates and times in these columns as texts."""
    return table.with_columns(
        told_instants(table[name]) for name in columns if table.schema[name].is_temporal()
    )


def told_instants(times: pl.Series) -> pl.Series:
    """Return dates and instants as ISO 8601, as the bare count where it is none of the calendar."""
    counts = times.to_physical().cast(pl.String)
    if times.dtype == pl.Date:
        days = times.to_physical()
        is_told = (days >= FIRST_DAY) & (days <= LAST_DAY)
    elif isinstance(times.dtype, pl.Datetime):
        is_told = to_naive_utc(times).is_not_null()
    else:
        return counts
    # Not of all: polars panics at a count that is no instant.
    return times.set(~is_told, None).dt.to_string("iso:strict").zip_with(is_told, counts)


def to_table(part: pa.RecordBatch, *, is_point: bool) -> tuple[pl.DataFrame, pl.Series | None]:
    """Return the rows, and which of them have a geometry that is no point."""
    table = pl.DataFrame(part.cast(in_utc(part.schema)))
    table = table.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    if not is_point:
        return table, None
    import shapely

    is_short = table[GEOMETRY].bin.size() <= LONGEST_POINT_BYTES
    points = shapely.from_wkb(table[GEOMETRY].set(~is_short, None).to_list(), on_invalid="ignore")
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
    """Refuse times that are no timestamps, positions that are neither numbers nor texts, a
    geometry that is no bytes, and lists or structs anywhere.
    """
    from pyarrow import types

    def refuse(column: str, kind: pa.DataType, wanted: str) -> RawFileError:
        return RawFileError(f"{title}: column {column!r} is {kind}, not {wanted}")

    for name, source in sources.items():
        if source not in schema.names:
            kind = schema.field(GEOMETRY).type
            if not (types.is_binary(kind) or types.is_large_binary(kind)):
                raise refuse(GEOMETRY, kind, "a point in WKB")
            continue
        kind = schema.field(source).type
        is_text = types.is_string(kind) or types.is_large_string(kind)
        is_number = types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)
        if name in timestamps:
            if not types.is_timestamp(kind):
                raise refuse(source, kind, "a timestamp")
        elif name in ("mmsi", *POINT):
            if not (is_number or is_text):
                raise refuse(source, kind, "a number")
        elif not (is_number or is_text or _is_plain(kind)):
            raise refuse(source, kind, "a number or a text")


def _is_plain(kind: pa.DataType) -> bool:
    """Say whether a column that is no number can be read as one or as a text all the same."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return types.is_string(kind.value_type) or types.is_large_string(kind.value_type)
    return types.is_null(kind) or types.is_boolean(kind) or types.is_temporal(kind)
