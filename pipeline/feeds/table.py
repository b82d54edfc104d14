"""A feed format that is a delimited text with a header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds.base import REPORTS_SCHEMA, Batch
from pipeline.feeds.delimited import read_blocks, read_head
from pipeline.feeds.dialect import Dialect, header_of
from pipeline.feeds.layout import Layout, to_reports

DECIMAL_COMMA = r"^\s*([+-]?\d+),(\d+)\s*$"


@dataclass(frozen=True)
class TableFormat:
    """A delimited text whose columns are known by name; see base.FeedFormat."""

    name: str
    title: str
    needs: str
    layout: Layout
    dialect_of: Callable[[bytes], Dialect | None] = header_of

    def recognises(self, head: bytes) -> bool:
        """Say whether the columns of the first line are those of this format."""
        dialect = self.dialect_of(head)
        return dialect is not None and self.layout.is_likely(dialect.columns)

    def read(self, stream: BinaryIO, batch_rows: int) -> Iterator[Batch]:
        """Yield the reports of the text, see `read_table`."""
        head = read_head(stream)
        dialect = self.dialect_of(head)
        if dialect is None:
            raise RawFileError(f"{self.title}: the first line is no header")
        return read_table(head, stream, dialect, self.layout, self.title, batch_rows)


def read_table(
    head: bytes,
    stream: BinaryIO,
    dialect: Dialect,
    layout: Layout,
    title: str,
    batch_rows: int,
) -> Iterator[Batch]:
    """Yield the reports of a delimited text of which `head` has been read already.

    Raises:
        RawFileError: a required column is missing, or a record has no end.
    """
    sources = layout.find_sources(dialect.columns, title)
    first_row = 1
    for block in read_blocks(head, stream, dialect, sorted(set(sources.values())), batch_rows):
        table = block.table
        if dialect.has_decimal_comma:
            table = with_decimal_points(table, sources)
        reports = to_reports(table, layout, sources, first_row, block.is_malformed)
        yield Batch(reports, block.raw_texts)
        first_row += len(reports)


def with_decimal_points(table: pl.DataFrame, sources: dict[str, str]) -> pl.DataFrame:
    """Return the table with points for commas in the numbers of its numeric columns."""
    numeric = {
        source
        for name, source in sources.items()
        if name not in REPORTS_SCHEMA or REPORTS_SCHEMA[name].is_numeric()
    }
    return table.with_columns(
        pl.col(source).str.replace(DECIMAL_COMMA, "${1}.${2}") for source in sorted(numeric)
    )
