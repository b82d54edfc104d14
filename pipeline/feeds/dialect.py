"""How a delimited text is written: encoding, separator, decimal sign, columns."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass

import numpy as np

HEAD_BYTES = 64 * 1024
FIRST_ESCAPE, LAST_ESCAPE = 0xDC80, 0xDCFF  # what "surrogateescape" makes of 0x80 to 0xFF
BYTE_ORDER_MARK = codecs.BOM_UTF8
SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Dialect:
    """How a delimited text is written."""

    columns: tuple[str, ...]
    separator: str = ","
    has_header: bool = True
    has_decimal_comma: bool = False


def decode(raw: bytes) -> str:
    """Return the text of UTF-8, where each byte that is none is taken for Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return with_latin_1(raw.decode(errors="surrogateescape"))


def with_latin_1(text: str) -> str:
    """Return a text with the bytes that "surrogateescape" has put aside taken for Latin-1.

    With numpy, as an error handler is called for every byte: a file of 10 MB that is no text at
    all would take seconds.
    """
    # A last letter of its own, as numpy drops NULs at the end of a text.
    letters = np.array([text + "."]).view(np.uint32)[:-1]
    letters[(letters >= FIRST_ESCAPE) & (letters <= LAST_ESCAPE)] &= 0xFF
    return letters.astype("<u4").tobytes().decode("utf-32-le")


def first_fields(head: bytes) -> Dialect | None:
    """Return the fields of the first line as columns, cut at the separator that gives most.

    A text with semicolons has decimal commas, as spreadsheets of most of Europe write it.
    Returns None where the first line cannot be of a table.
    """
    line, newline, _ = head.partition(b"\n")
    if b"\0" in line or (not newline and len(head) >= HEAD_BYTES):
        return None
    rows = {separator: split_first_line(head, separator) for separator in SEPARATORS}
    separator = max(rows, key=lambda one: len(rows[one]))
    return Dialect(tuple(rows[separator]), separator, has_decimal_comma=separator == ";")


def split_first_line(head: bytes, separator: str) -> list[str]:
    """Return the fields of the first line, without blanks around them."""
    line = decode(head.removeprefix(BYTE_ORDER_MARK).partition(b"\n")[0]).rstrip("\r")
    return [name.strip() for name in split_fields(line, separator)]


def header_of(head: bytes) -> Dialect | None:
    """Return the dialect of a text whose first line names its columns ("# Timestamp" too)."""
    dialect = first_fields(head)
    if dialect is None:
        return None
    columns = tuple(name.removeprefix("#").strip() for name in dialect.columns)
    return Dialect(columns, dialect.separator, has_decimal_comma=dialect.has_decimal_comma)


def split_fields(text: str, separator: str) -> list[str]:
    """Return the fields of one record, [] where its quotes cannot be understood."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []
