"""Reads bytes through a feed format, for the tests of the formats."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from pipeline.feeds.base import REPORTS_SCHEMA, FeedFormat
from pipeline.feeds.formats import TABULAR_FORMATS

HEAD_BYTES = 64 * 1024


class Unseekable(io.RawIOBase):
    """A stream that gives at most `bite` bytes at a time and cannot be wound back."""

    def __init__(self, raw: bytes, bite: int = 1000) -> None:
        self._inner = io.BytesIO(raw)
        self._bite = bite

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(self._bite if size < 0 else min(size, self._bite))

    def readinto(self, buffer: Any) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


def unpack(path: Path) -> bytes:
    """Return the bytes of a sample, unpacked."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return archive.read(archive.namelist()[0])
    return path.read_bytes()


def format_of(raw: bytes) -> FeedFormat | None:
    """Return the first format that recognises the bytes."""
    return next((one for one in TABULAR_FORMATS if one.recognises(raw[:HEAD_BYTES])), None)


def read(
    feed: FeedFormat, raw: bytes | BinaryIO, batch_rows: int = 1000
) -> tuple[pl.DataFrame, list[str]]:
    """Return all reports, and the texts of all rows, checked for what holds in every format."""
    stream = io.BytesIO(raw) if isinstance(raw, bytes) else raw
    reports: list[pl.DataFrame] = [pl.DataFrame(schema=REPORTS_SCHEMA)]
    texts: list[str] = []
    for batch in feed.read(stream, batch_rows):
        assert batch.reports.schema == REPORTS_SCHEMA
        reports.append(batch.reports)
        texts += batch.texts(range(len(batch.reports)))
    table = pl.concat(reports)
    assert table["row"].to_list() == list(range(1, len(table) + 1))
    assert len(texts) == len(table)
    return table, texts


def recognised(raw: bytes, batch_rows: int = 1000) -> tuple[str, pl.DataFrame, list[str]]:
    """Return the name of the format that recognises the bytes, its reports and texts."""
    feed = format_of(raw)
    assert feed is not None, "no format recognises it"
    return feed.name, *read(feed, raw, batch_rows)


def told(reports: pl.DataFrame, at: int = 0) -> dict[str, Any]:
    """Return the fields of a report that are not null, without row, rows and a false is_beacon."""
    row = reports.row(at, named=True)
    return {
        name: value
        for name, value in row.items()
        if value is not None and name not in ("row", "rows") and value is not False
    }
