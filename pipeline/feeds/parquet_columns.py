"""Columns of a Parquet file, whose writer may be hostile, as columns of polars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds.dialect import decode
from pipeline.feeds.instants import to_naive_utc

if TYPE_CHECKING:
    import pyarrow as pa

GEOMETRY = "geometry"
POINT = ("longitude", "latitude")

# A point in WKB has at most 41 bytes. Longer ones are no points, and a collection nested a million
# deep ends the process.
LONGEST_POINT_BYTES = 64
# Judgement: no ship has a name of four thousand letters.
LONGEST_VALUE_BYTES = 4 * 1024

FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # the years 1 to 9999, in days since 1970


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
    import pyarrow as pa

    columns = dict(zip(part.schema.names, part.columns, strict=True))
    packed = {name: one for name, one in columns.items() if isinstance(one, pa.DictionaryArray)}
    plain = part.select([name for name in columns if name not in packed])
    unpacked = [as_values(one, name) for name, one in packed.items()]
    if plain.num_columns:
        table = pl.DataFrame(plain.cast(in_utc(plain.schema))).with_columns(unpacked)
    else:
        table = pl.DataFrame(unpacked)
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


def as_values(column: pa.DictionaryArray, name: str) -> pl.Series:
    """Return texts or bytes from the dictionary of their values.

    Texts that are too long are null, such bytes empty: one text of a megabyte and 200,000
    references to it would be a batch of 200 GB.
    """
    import pyarrow as pa

    kind = column.dictionary.type
    values = pl.Series(name, column.dictionary.cast(pa.large_binary()), dtype=pl.Binary)
    is_long = (values.bin.size() > LONGEST_VALUE_BYTES).fill_null(value=False)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        values = values.set(is_long, b"")
    else:
        values = as_texts(values.set(is_long, None))
    return values.gather(pl.Series(column.indices))


def as_texts(values: pl.Series) -> pl.Series:
    """Return bytes as texts, see `decode`: Arrow does not look whether they are UTF-8."""
    try:
        return values.cast(pl.String)
    except pl.exceptions.ComputeError:
        texts = [None if value is None else decode(value) for value in values]
        return pl.Series(values.name, texts, dtype=pl.String)


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
        kind = kind_of(schema, source if source in schema.names else GEOMETRY)
        if source not in schema.names:
            if not (types.is_binary(kind) or types.is_large_binary(kind)):
                raise refuse(GEOMETRY, kind, "a point in WKB")
            continue
        is_text = types.is_string(kind) or types.is_large_string(kind)
        is_number = types.is_floating(kind) or types.is_integer(kind) or types.is_decimal128(kind)
        if name in timestamps:
            if not types.is_timestamp(kind):
                raise refuse(source, kind, "a timestamp")
        elif name in ("mmsi", *POINT):
            if not (is_number or is_text):
                raise refuse(source, kind, "a number")
        elif not (is_number or is_text or _is_plain(kind)):
            raise refuse(source, kind, "a number or a text")


def kind_of(schema: pa.Schema, column: str) -> pa.DataType:
    """Return the type of a column, of a dictionary that of its values."""
    from pyarrow import types

    kind = schema.field(column).type
    return kind.value_type if types.is_dictionary(kind) else kind


def _is_plain(kind: pa.DataType) -> bool:
    """Say whether a column that is no number can be read as one or as a text all the same."""
    from pyarrow import types

    return types.is_null(kind) or types.is_boolean(kind) or types.is_temporal(kind)


def is_text_or_bytes(kind: pa.DataType) -> bool:
    """Say whether a column is of texts or bytes, which are read as a dictionary of their values."""
    from pyarrow import types

    return any(
        is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_binary)
    ) or types.is_large_binary(kind)
