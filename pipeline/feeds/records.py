"""A feed format whose records are JSON objects, or maps of any other encoding."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, BinaryIO, TypeAlias

import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds.base import Batch
from pipeline.feeds.json_text import Record, read_objects
from pipeline.feeds.layout import Layout, listed, to_reports

Values: TypeAlias = dict[str, Any]

# So many of the first records are looked at: static ones may come before positions.
RECOGNISED_BY = 20

# Objects of a megabyte each must not become a batch of 200,000.
BATCH_CHARACTERS = 64 * 1024 * 1024


def as_it_is(record: Values) -> Values:
    """Return the record as it is: its fields are not nested."""
    return record


def alone(record: Values) -> list[Values]:
    """Return the record as the only one of its JSON object."""
    return [record]


@dataclass(frozen=True)
class RecordFormat:
    """Records whose fields are known by name; see base.FeedFormat.

    Attributes:
        name, title, needs: as in base.FeedFormat.
        layout: what the fields of a flattened record mean.
        flatten: from a record to its fields, which must do without any of them.
        expand: from a JSON object to the records in it.
    """

    name: str
    title: str
    needs: str
    layout: Layout
    flatten: Callable[[Values], Values] = as_it_is
    expand: Callable[[Values], list[Values]] = alone

    def recognises(self, head: bytes) -> bool:
        """Say whether one of the first records has the fields of this format."""
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(
            (b"{", b"[", b"data:", b"event:", b":", b"HTTP/")
        ):
            return False
        objects = itertools.islice(read_objects(io.BytesIO(head)), RECOGNISED_BY)
        return self.fits(found.value for found in objects if found.value is not None)

    def fits(self, objects: Iterable[Values]) -> bool:
        """Say whether one of the objects holds a record of this format."""
        try:
            return any(
                self.layout.is_likely(self.flatten(record))
                for value in objects
                for record in self.expand(value)
            )
        except RawFileError:
            return True

    def read(self, stream: BinaryIO, batch_rows: int) -> Iterator[Batch]:
        """Yield the reports of a JSON stream, see `read_records`."""
        return read_records(self, read_objects(stream), batch_rows)


def read_records(feed: RecordFormat, objects: Iterable[Record], batch_rows: int) -> Iterator[Batch]:
    """Yield the reports of the objects in batches of `batch_rows`.

    Raises:
        RawFileError: among the first `batch_rows` none is sound, or none has a required field.
    """
    first_row = 1
    records = (record for found in objects for record in expanded(feed, found))
    while batch := next_batch(records, batch_rows):
        fields = [None if found.value is None else feed.flatten(found.value) for found in batch]
        if first_row == 1:
            check_fields(feed, fields)
        reports = to_batch_reports(feed.layout, fields, first_row)
        yield Batch(reports, text_lookup(batch))
        first_row += len(batch)


def next_batch(records: Iterator[Record], batch_rows: int) -> list[Record]:
    """Return the next `batch_rows` records, fewer where they are long."""
    batch: list[Record] = []
    characters = 0
    while len(batch) < batch_rows and characters < BATCH_CHARACTERS:
        record = next(records, None)
        if record is None:
            break
        batch.append(record)
        characters += len(record.text)
    return batch


def expanded(feed: RecordFormat, found: Record) -> list[Record]:
    """Return the records of an object, each with its own text."""
    if found.value is None:
        return [found]
    records = feed.expand(found.value)
    if len(records) == 1 and records[0] is found.value:
        return [found]
    try:
        texts = [json.dumps(record) for record in feed.expand(json.loads(found.text))]
    except (ValueError, RecursionError):
        # A number of thousands of digits, or lists a thousand deep: the object as it stood.
        texts = [found.text] * len(records)
    return [Record(value, text) for value, text in zip(records, texts, strict=True)]


def check_fields(feed: RecordFormat, fields: Sequence[Values | None]) -> None:
    """Refuse records of which none is sound, or none has some required field."""
    sound = [record for record in fields if record is not None]
    if not sound:
        raise RawFileError(f"{feed.title}: no valid record, the first of {len(fields)} included")
    for wanted in feed.layout.fields.values():
        if wanted.is_required and not any(
            source in record for record in sound for source in wanted.sources
        ):
            names = " or ".join(repr(source) for source in wanted.sources)
            raise RawFileError(
                f"{feed.title}: no record has {names}; the first has {listed(sound[0])}"
            )


def to_batch_reports(
    layout: Layout, fields: Sequence[Values | None], first_row: int
) -> pl.DataFrame:
    """Return one report per record; those that are None are malformed."""
    sound = [record or {} for record in fields]
    table = pl.DataFrame(
        {name: texts_of(sound, wanted.sources) for name, wanted in layout.fields.items()},
        schema=dict.fromkeys(layout.fields, pl.String),
    )
    sources = {name: name for name in layout.fields}
    is_malformed = pl.Series([record is None for record in fields], dtype=pl.Boolean)
    return to_reports(table, layout, sources, first_row, is_malformed)


def texts_of(records: Sequence[Values], sources: Sequence[str]) -> pl.Series:
    """Return the value of the first of the sources that each record has, as text."""
    column = [record.get(sources[0]) for record in records]
    for name in sources[1:]:
        column = [
            record.get(name) if value is None else value
            for record, value in zip(records, column, strict=True)
        ]
    # Anything else is no business of polars: it needs a minute for a list 900 deep.
    if not set(map(type, column)) <= {str, NoneType}:
        column = [as_text(value) for value in column]
    try:
        return pl.Series(column, dtype=pl.String)
    except UnicodeEncodeError:
        return pl.Series([as_text(value) for value in column], dtype=pl.String)


def as_text(value: Any) -> str | None:
    """Return a field's value as text: numbers in full, anything nested as JSON.

    JSON can name halves of characters ("\\ud800"), which no text can hold: they become "?".
    What is nested a thousand deep says nothing: "?".
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    try:
        return json.dumps(value, default=repr, skipkeys=True)
    except RecursionError:
        return "?"


def text_lookup(batch: Sequence[Record]) -> Callable[[Sequence[int]], list[str]]:
    """Return the function that gives the texts of the records at some positions."""
    texts = [found.text for found in batch]
    return lambda positions: [texts[at] for at in positions]
