"""Turns a table in a provider's columns into reports, and names the rows that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds import values
from pipeline.feeds.base import REPORTS_SCHEMA, complete
from pipeline.feeds.instants import INSTANT, instants
from pipeline.schema import STATIC_FIELDS

# Message types that carry a position or static data (FEEDS); the others of 1 to 27 are told as
# other_message, so that a type means the same in every feed.
MESSAGES_WITH_CONTENT = (1, 2, 3, 4, 5, 18, 19, 21, 24, 27)
LAST_MESSAGE_TYPE = 27
BEACON_MESSAGES = (4, 21)
CLASS_A_MESSAGES = (1, 2, 3, 5)
CLASS_B_MESSAGES = (18, 19, 24)

LISTED_COLUMNS = 40

# Type 27 has its own words for "not available" (ITU-R M.1371), values that elsewhere are speeds.
LONG_RANGE = 27
NO_SOG_LONG_RANGE, NO_COG_LONG_RANGE = 63, 511


@dataclass(frozen=True)
class Field:
    """Where the values of a canonical column come from.

    Attributes:
        sources: the names the source column goes by; the first one present is used.
        read: what the text of the source says, in the source's unit.
        scale: from the source's unit to the canonical one.
        is_required: whether a file without it is refused.
    """

    sources: tuple[str, ...]
    read: values.Reader
    scale: values.Reader = values.same
    is_required: bool = False


def unchanged(reports: pl.DataFrame) -> pl.DataFrame:
    """Return the reports as they are."""
    return reports


@dataclass(frozen=True)
class Layout:
    """The columns of a format.

    Attributes:
        fields: by canonical column; names not in schema.Reports are helpers of `finish`, but
            bow, stern, port and starboard, which give length and beam in every layout.
        marks: names of columns, in lower case, that only this format has.
        marks_needed: how many of them show that a file is of this format.
        finish: what remains to be done once every column is read.
        is_exact: whether upper and lower case differ in column names.
    """

    fields: Mapping[str, Field]
    marks: frozenset[str] = frozenset()
    marks_needed: int = 0
    finish: Callable[[pl.DataFrame], pl.DataFrame] = unchanged
    is_exact: bool = False

    def is_likely(self, columns: Collection[str]) -> bool:
        """Say whether a table with these columns is of this format, one renamed one included.

        A known format with a renamed column must be told as such, not as an unknown format.
        """
        names = {name.lower() for name in columns}
        required = [field for field in self.fields.values() if field.is_required]
        there = sum(any(name.lower() in names for name in field.sources) for field in required)
        return there >= len(required) - 1 and len(self.marks & names) >= self.marks_needed

    def find_sources(self, columns: Collection[str], title: str) -> dict[str, str]:
        """Return the source column of each field that this table has.

        Raises:
            RawFileError: a required column is missing, or a used one is there twice.
        """
        by_lower = {name.lower(): name for name in reversed(list(columns))}
        found: dict[str, str] = {}
        for name, field in self.fields.items():
            for source in field.sources:
                there = by_lower.get(source.lower())
                if source in columns:
                    found[name] = source
                elif there is not None and not self.is_exact:
                    found[name] = there
                if name in found:
                    break
            else:
                if field.is_required:
                    wanted = " or ".join(repr(source) for source in field.sources)
                    raise RawFileError(
                        f"{title}: column {wanted} is missing; the file has {listed(columns)}"
                    )
        counts = Counter(columns)
        for source in found.values():
            if counts[source] > 1:
                raise RawFileError(f"{title}: there are {counts[source]} columns {source!r}")
        return found


def field(
    *sources: str,
    read: values.Reader = values.words,
    scale: values.Reader = values.same,
    is_required: bool = False,
) -> Field:
    """Return a Field; by default its text as it is, optional."""
    return Field(sources, read, scale, is_required)


def as_instants(column: pl.Expr) -> pl.Expr:
    """Return the instants of texts or timestamps, read by `instants`."""
    return column.map_batches(instants, return_dtype=INSTANT)


def mmsi(*sources: str, is_required: bool = True) -> Field:
    """Return the field of the MMSI."""
    return Field(sources, values.whole, is_required=is_required)


def time(*sources: str, is_required: bool = True) -> Field:
    """Return a field of instants."""
    return Field(sources, as_instants, is_required=is_required)


def number(*sources: str, scale: values.Reader = values.same, is_required: bool = False) -> Field:
    """Return a field of numbers."""
    return Field(sources, values.number, scale, is_required)


def listed(columns: Collection[str]) -> str:
    """Return the column names for a message, the first of them where there are many."""
    names = [repr(name) for name in list(columns)[:LISTED_COLUMNS]]
    more = len(columns) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def to_reports(
    table: pl.DataFrame,
    layout: Layout,
    sources: Mapping[str, str],
    first_row: int,
    is_malformed: pl.Series | None = None,
) -> pl.DataFrame:
    """Return one report per row of `table` (schema.Reports), in its order.

    Args:
        table: the provider's columns, as texts or typed.
        layout: what the columns mean.
        sources: the source column of each field, from `Layout.find_sources`.
        first_row: number of the first row in the file.
        is_malformed: rows that are no valid records; their fields are null.
    """
    read = table.select(
        read_field(layout.fields[name], table.schema[source], source, name)
        for name, source in sources.items()
    )
    told = {
        name: is_told(table[sources[name]])
        if name in sources and read[name].has_nulls()
        else pl.lit(value=False)
        for name in ("mmsi", "timestamp", "longitude", "latitude")
    }
    read = with_dimensions(layout.finish(with_all_columns(read, len(table))))
    read = read.with_columns(
        long_range_value("sog", NO_SOG_LONG_RANGE), long_range_value("cog", NO_COG_LONG_RANGE)
    )
    malformed = pl.lit(value=False) if is_malformed is None else is_malformed
    return complete(
        read.with_columns(is_beacon=beacons(), ais_class=classes(), imo=trusted_imo()).with_columns(
            row=pl.int_range(first_row, first_row + len(table), dtype=pl.Int64),
            reason=reasons(told, malformed),
        )
    )


def read_field(source_field: Field, dtype: pl.DataType, source: str, name: str) -> pl.Expr:
    """Return the values of a field in the canonical unit and type; null where there is none."""
    column = pl.col(source)
    wanted = REPORTS_SCHEMA.get(name)
    if dtype == pl.String or wanted == INSTANT:
        value = source_field.read(column)
    elif wanted == pl.String:
        value = values.words(column.cast(pl.String))
    else:
        value = column.cast(pl.Float64, strict=False)
        value = pl.when(value.is_finite()).then(value)
    value = source_field.scale(value)
    return (value if wanted is None else value.cast(wanted, strict=False)).alias(name)


def is_told(column: pl.Series) -> pl.Series:
    """Say where the source says anything at all, readable or not."""
    if column.dtype != pl.String:
        return column.is_not_null()
    return column.to_frame("text").select(values.words(pl.col("text")).is_not_null()).to_series()


def with_all_columns(read: pl.DataFrame, height: int) -> pl.DataFrame:
    """Return the table with a column for every field of Reports; those not given are null."""
    missing = [
        pl.Series(name, [None], dtype=dtype).new_from_index(0, height)
        for name, dtype in REPORTS_SCHEMA.items()
        if name not in read.columns and name not in ("row", "rows")
    ]
    return read.with_columns(missing)


def with_dimensions(read: pl.DataFrame) -> pl.DataFrame:
    """Return the table with length and beam from the distances to the antenna, where given."""
    for column, ends in (("length_m", ("bow", "stern")), ("beam_m", ("port", "starboard"))):
        if set(ends) <= set(read.columns):
            total = pl.col(ends[0]) + pl.col(ends[1])
            read = read.with_columns(pl.coalesce(column, total).alias(column))
    return read


def long_range_value(name: str, missing: float) -> pl.Expr:
    """Return a column, null where a long-range message says "not available"."""
    is_missing = (pl.col("message_type") == LONG_RANGE) & (pl.col(name) == missing)
    return pl.when(is_missing).then(None).otherwise(name).alias(name)


def beacons() -> pl.Expr:
    """Say which rows are base stations or aids to navigation."""
    by_type = pl.col("message_type").is_in(BEACON_MESSAGES)
    return pl.coalesce("is_beacon", by_type, pl.lit(value=False))


def classes() -> pl.Expr:
    """Return the AIS class: as told, else as the message type has it (ITU-R M.1371)."""
    kind = pl.col("message_type")
    by_type = pl.when(kind.is_in(CLASS_A_MESSAGES)).then(pl.lit("A"))
    return pl.coalesce("ais_class", by_type.when(kind.is_in(CLASS_B_MESSAGES)).then(pl.lit("B")))


def trusted_imo() -> pl.Expr:
    """Return the IMO number, null where it is 0, the sender's word for none."""
    return pl.when(pl.col("imo") != 0).then(pl.col("imo"))


def reasons(told: Mapping[str, pl.Series | pl.Expr], is_malformed: pl.Series | pl.Expr) -> pl.Expr:
    """Return why a row is no report (schema.REASONS), null where it is one."""
    has_position = pl.col("longitude").is_not_null() & pl.col("latitude").is_not_null()
    has_half = pl.col("longitude").is_not_null() ^ pl.col("latitude").is_not_null()
    has_static = pl.any_horizontal(pl.col(name).is_not_null() for name in STATIC_FIELDS)
    kind = pl.col("message_type")
    is_other = kind.is_between(1, LAST_MESSAGE_TYPE) & ~kind.is_in(MESSAGES_WITH_CONTENT)
    unread = pl.any_horizontal(
        pl.col(name).is_null() & told[name] for name in ("mmsi", "longitude", "latitude")
    )
    return (
        pl.when(unread | has_half | is_malformed)
        .then(pl.lit("malformed_row"))
        .when(pl.col("mmsi").is_null())
        .then(pl.lit("no_mmsi"))
        .when(pl.col("timestamp").is_null() & told["timestamp"])
        .then(pl.lit("bad_time"))
        .when(pl.col("timestamp").is_null())
        .then(pl.lit("no_time"))
        .when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(is_other)
        .then(pl.lit("other_message"))
        .when(~(has_position | has_static))
        .then(pl.lit("no_content"))
    )
