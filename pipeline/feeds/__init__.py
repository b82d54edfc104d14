"""Opens a raw file of any known feed format, told by its content alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.errors import DarkportError, RawFileError
from pipeline.feeds.base import Batch, FeedFormat
from pipeline.feeds.formats import TABULAR_FORMATS
from pipeline.feeds.nmea import NMEA
from pipeline.feeds.unpack import Member, unpacked
from pipeline.rules import FeedRules

HEAD_BYTES = 64 * 1024
QUOTED_BYTES = 40
UNEXPECTED = "cannot be read, for an unexpected reason"

# What lies beside the data in an archive. Left out only where it is of no known format.
ACCOMPANIES_DATA = re.compile(
    r"(?:^|[/\\])(?:read\W?me|licen[cs]e|copying|metadata)[^/\\]*$"
    r"|\.(?:pdf|html?|md|xml|docx?|png|jpe?g)$",
    re.IGNORECASE,
)

# A file goes to the first one that recognises it.
FORMATS: list[FeedFormat] = [NMEA, *TABULAR_FORMATS]


@dataclass(frozen=True)
class OpenFeed:
    """A raw file whose format is known.

    Attributes:
        format: name of the format.
        batches: its reports; reading on may raise RawFileError, which refuses the whole file.
    """

    format: str
    batches: Iterator[Batch]


def open_feed(path: Path, rules: FeedRules, mappings: Sequence[FeedFormat] = ()) -> OpenFeed:
    """Return the format and the reports of the raw file at `path`.

    The members of a zip are one feed: rows are numbered on from one to the next, and all must be
    of one format. Documentation beside the data (readme, licence, PDF, HTML, pictures) is left
    out; any other member of no known format refuses the file, as its rows would be lost.

    Args:
        path: the raw file.
        rules: what an archive may be, and how many rows a batch has.
        mappings: formats described by the user, tried first.

    Raises:
        RawFileError: the file cannot be read, or is of no known format.
    """
    formats = (*mappings, *FORMATS)
    with _refusing(), closing(unpacked(path, rules)) as members:
        found = (_recognise(member, formats) for member in members)
        first = next((one for one in found if one is not None), None)
    if first is None:
        raise RawFileError("no known feed format in it; `darkport feeds` lists them")
    return OpenFeed(first.name, _read(path, rules, first, formats))


@contextmanager
def _refusing() -> Iterator[None]:
    """Make whatever reading a raw file raises the refusal of that file: the others go on.

    Only a RawFileError is expected. Anything else, a panic of polars included, is a fault of a
    reader: the message says so, and the fuzzers of the tests take it for one.
    """
    try:
        yield
    except DarkportError:
        raise
    except OSError as error:
        raise RawFileError(f"cannot be read: {error.strerror or error}") from error
    except (Exception, pl.exceptions.PanicException) as error:
        raise RawFileError(f"{UNEXPECTED}: {type(error).__name__}: {error}") from error


def list_formats() -> list[tuple[str, str, str]]:
    """Return name, title and needs of every format, in the order in which they are tried."""
    return [(one.name, one.title, one.needs) for one in FORMATS]


def _recognise(member: Member, formats: Sequence[FeedFormat]) -> FeedFormat | None:
    """Return the format of a stream, or None for what merely accompanies data."""
    with member.open() as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise member.fail("is empty")
    for one in formats:
        if one.recognises(head):
            return one
    if member.name and ACCOMPANIES_DATA.search(member.name):
        return None
    quoted = ascii(head[:QUOTED_BYTES].decode("latin-1"))
    raise member.fail(f"no known feed format (`darkport feeds` lists them); it begins {quoted}")


def _read(
    path: Path, rules: FeedRules, first: FeedFormat, formats: Sequence[FeedFormat]
) -> Iterator[Batch]:
    """Yield the reports of all members, rows numbered on from one to the next."""
    rows_before = 0
    with _refusing(), closing(unpacked(path, rules)) as members:
        for member in members:
            found = _recognise(member, formats)
            if found is None:
                continue
            if found is not first:
                raise member.fail(f"is {found.name}, but the zip begins with {first.name}")
            rows = 0
            with member.open() as stream:
                for batch in found.read(stream, rules.batch_rows):
                    reports = batch.reports
                    rows += int(reports["rows"].sum())
                    numbered = reports.with_columns(pl.col("row") + rows_before)
                    yield Batch(numbered, _refusing()(batch.texts))
            rows_before += rows
