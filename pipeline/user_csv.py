"""Reading the CSV files users write themselves: records with their line, errors they can act on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.user_files import read_text

SHOWN_CHARACTERS = 40
INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|\+00:00)?)?", re.ASCII)

# Returns the error that names file, line, column, what was found and what was expected.
Refuse = Callable[[Path, int, str, object, str], ConfigError]


def read_records(
    path: Path, title: str, refuse: Refuse
) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """Return the header of a CSV in UTF-8 and its records; blank lines are passed.

    A record is (number of its first line, column -> text without blanks round it).

    Raises:
        ConfigError: the file cannot be read, is no UTF-8 text or no CSV (the last also while the
            records are read), or a record has not as many cells as the header.
    """
    text = read_text(path, title)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    def each_row() -> Iterator[list[str]]:
        try:
            yield from reader
        except csv.Error as error:
            raise ConfigError(f"{title} {path}, line {reader.line_num}: {error}") from error

    rows = each_row()
    header = [name.strip() for name in next(rows, [])]

    def each_record() -> Iterator[tuple[int, dict[str, str]]]:
        line = reader.line_num + 1
        for cells in rows:
            if cells and len(cells) != len(header):
                raise refuse(path, line, "all", len(cells), f"{len(header)} cells")
            if cells:
                yield line, dict(zip(header, (cell.strip() for cell in cells), strict=True))
            line = reader.line_num + 1

    return header, each_record()


def read_lines(
    path: Path, title: str, columns: Sequence[str], refuse: Refuse
) -> Iterator[tuple[int, dict[str, str]]]:
    """Return `read_records` of a file whose header is `columns`, in any order.

    Raises:
        ConfigError: as `read_records`, or the header is another.
    """
    header, records = read_records(path, title, refuse)
    if sorted(header) != sorted(columns):
        raise refuse(path, 1, "header", ", ".join(header), f"the columns {', '.join(columns)}")
    return records


def name_refusals(title: str) -> Refuse:
    """Return what makes the error of a file: the title, then line, column, found, expected."""

    def refuse(path: Path, line: int, column: str, found: object, expected: str) -> ConfigError:
        shown = repr(found if isinstance(found, int) else str(found)[:SHOWN_CHARACTERS])
        return ConfigError(
            f"{title} {path}, line {line}, column {column}: found {shown}, expected {expected}"
        )

    return refuse


def read_instant(text: str) -> datetime | None:
    """Return the instant without its zone (UTC), or None where the text is none."""
    if not INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
