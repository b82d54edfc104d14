"""Reads delimited text in blocks, every column as text; no record is lost, broken ones are told.

A block is cut into records here, with numpy, because no CSV reader tells which lines it could not
read, where they stood and what they said. The sound records of a block are then parsed by polars.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

import numpy as np
import polars as pl

from pipeline.errors import RawFileError
from pipeline.feeds.dialect import BYTE_ORDER_MARK, HEAD_BYTES, Dialect, decode, split_fields

Positions: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Codes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

MIN_BLOCK_BYTES = 4 * 1024
MAX_BLOCK_BYTES = 64 * 1024 * 1024
PIECE_BYTES = 256 * 1024
# A record longer than this is no record of an AIS table: without the limit a file without any
# line end would be read into memory as a whole.
MAX_RECORD_BYTES = 16 * 1024 * 1024
# A quote that is not closed within so many lines is a stray one, not the start of a long text.
MAX_QUOTED_LINES = 20

NEWLINE, RETURN, QUOTE = b'\n\r"'


@dataclass(frozen=True)
class Block:
    """Some consecutive records of a delimited text.

    Attributes:
        table: the wanted columns as texts, one row per record; null where it is malformed.
        is_malformed: which records have too few or too many fields, or a stray quote.
    """

    table: pl.DataFrame
    is_malformed: pl.Series
    _raw: bytes
    _spans: Sequence[tuple[int, int]]

    def raw_texts(self, positions: Sequence[int]) -> list[str]:
        """Return the records at these positions as they stood in the file."""
        return [self._raw[slice(*self._spans[at])].decode() for at in positions]


@dataclass(frozen=True)
class Records:
    """Where the records of a block begin and end, and which polars can parse as they are.

    Attributes:
        starts: where each begins, in bytes.
        ends: where each ends, without its line end.
        is_sound: whether it has as many fields as there are columns, and quotes, if any, around
            whole fields only.
        consumed: bytes of the block that are done with; the rest is for the next one.
        is_gapless: whether there is no blank line between the records.
    """

    starts: Positions
    ends: Positions
    is_sound: Flags
    consumed: int
    is_gapless: bool = True


def read_head(stream: BinaryIO) -> bytes:
    """Return the first bytes of the stream, HEAD_BYTES unless it is shorter."""
    return read_fully(stream, HEAD_BYTES)


def read_fully(stream: BinaryIO, size: int) -> bytes:
    """Return the next `size` bytes, fewer only at the end of the stream."""
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_lines(stream: BinaryIO, size: int, lines: int) -> bytes:
    """Return the next `size` bytes, or fewer that hold `lines` line ends or some more.

    The length of the first lines says nothing about those that follow: millions of short ones
    would be one block.
    """
    parts: list[bytes] = []
    while size > 0 and lines > 0 and (part := stream.read(min(size, PIECE_BYTES))):
        parts.append(part)
        size -= len(part)
        lines -= part.count(b"\n")
    return b"".join(parts)


def read_blocks(
    head: bytes, stream: BinaryIO, dialect: Dialect, wanted: Sequence[str], batch_rows: int
) -> Iterator[Block]:
    """Yield blocks of about `batch_rows` records with the columns `wanted`.

    Args:
        head: what has been read of the stream already.
        stream: the rest; it need not be seekable.
        dialect: how the text is written.
        wanted: names of the columns to keep, in this order.
        batch_rows: sets the size of a block from the length of the first lines.

    Raises:
        RawFileError: a record is longer than 16 MiB.
    """
    line_bytes = len(head) / max(head.count(b"\n"), 1)
    block_bytes = min(max(int(batch_rows * line_bytes), MIN_BLOCK_BYTES), MAX_BLOCK_BYTES)
    rest = head.removeprefix(BYTE_ORDER_MARK)
    if dialect.has_header:
        rest = rest.partition(b"\n")[2]
    is_last = False
    while not is_last:
        # As much again as is left over: a long record is then looked at a few times only.
        part = read_lines(stream, max(block_bytes, len(rest)), batch_rows)
        is_last = not part
        raw = rest + part
        cut = len(raw) if is_last else raw.rfind(b"\n") + 1
        whole = as_utf8(raw[:cut])
        records = find_records(whole, dialect, is_last=is_last)
        rest = whole[records.consumed :] + raw[cut:]
        if len(rest) > MAX_RECORD_BYTES:
            raise RawFileError("a record is longer than 16 MiB: this is no table")
        if len(records.starts):
            yield parse_records(whole, records, dialect, wanted)


def as_utf8(raw: bytes) -> bytes:
    """Return the bytes as valid UTF-8, see `decode`."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return decode(raw).encode()
    return raw


def find_records(raw: bytes, dialect: Dialect, *, is_last: bool) -> Records:
    """Return the records in whole lines; blank lines are none.

    A record over several lines is kept together; one that is not yet at its end is left for the
    next block, unless there is none.
    """
    codes = np.frombuffer(raw, np.uint8)
    breaks = np.flatnonzero(codes == NEWLINE)
    starts = np.append(0, breaks + 1)
    ends = np.append(breaks, len(raw))
    if starts[-1] == len(raw):
        starts, ends = starts[:-1], ends[:-1]
    separators = np.flatnonzero(codes == ord(dialect.separator))
    quotes = np.flatnonzero(codes == QUOTE)
    consumed = len(raw)
    is_sound = np.ones(len(starts), bool)
    if len(quotes):
        lines = Records(starts, ends, is_sound, consumed)
        lines = join_quoted_lines(raw, lines, quotes, dialect, is_last=is_last)
        starts, ends, consumed = lines.starts, lines.ends, lines.consumed
        quotes = quotes[quotes < consumed]
        separators = separators[separators < consumed]
        is_sound = lines.is_sound & has_sound_quotes(codes, starts, quotes, dialect.separator)
        separators = separators[ranks_in_record(separators, starts, quotes) % 2 == 0]
    fields = np.diff(np.searchsorted(separators, np.append(starts, consumed))) + 1
    is_sound &= fields == len(dialect.columns)
    ends = ends - ((ends > starts) & (codes[np.maximum(ends - 1, 0)] == RETURN))
    is_there = ends > starts
    return Records(
        starts[is_there], ends[is_there], is_sound[is_there], consumed, bool(is_there.all())
    )


def join_quoted_lines(
    raw: bytes, lines: Records, quotes: Positions, dialect: Dialect, *, is_last: bool
) -> Records:
    """Return the lines with those joined that are one record.

    A line with an odd number of quotes opens or closes a text over several lines, if the lines
    from it to the next such one make a record; else it holds a stray quote and stands alone.
    """
    starts, ends, is_sound = lines.starts, lines.ends.copy(), lines.is_sound.copy()
    count = np.diff(np.searchsorted(quotes, np.append(starts, len(raw))))
    odd = np.flatnonzero(count % 2).tolist()
    is_sound[odd] = False
    keep = np.ones(len(starts), bool)
    consumed = len(raw)
    at = 0
    while at < len(odd):
        line = odd[at]
        if at + 1 < len(odd):
            closing = odd[at + 1]
            if closing - line <= MAX_QUOTED_LINES:
                text = decode(raw[starts[line] : ends[closing]]).rstrip("\r")
                if len(split_fields(text, dialect.separator)) == len(dialect.columns):
                    ends[line] = ends[closing]
                    keep[line + 1 : closing + 1] = False
                    at += 1
        elif not is_last and len(starts) - line <= MAX_QUOTED_LINES:
            keep[line:] = False
            consumed = int(starts[line])
        at += 1
    return Records(starts[keep], ends[keep], is_sound[keep], consumed)


def ranks_in_record(at: Positions, starts: Positions, quotes: Positions) -> Positions:
    """Return how many quotes stand before each place, counted from the start of its record."""
    record = np.searchsorted(starts, at, side="right") - 1
    return np.searchsorted(quotes, at) - np.searchsorted(quotes, starts)[record]


def has_sound_quotes(codes: Codes, starts: Positions, quotes: Positions, separator: str) -> Flags:
    """Say in which records quotes stand around whole fields only; others need a closer look."""
    is_opening = ranks_in_record(quotes, starts, quotes) % 2 == 0
    padded = np.concatenate(([NEWLINE], codes, [NEWLINE, NEWLINE])).astype(np.uint8)
    before, after = padded[quotes], padded[quotes + 2]
    edges = (ord(separator), NEWLINE, QUOTE)
    is_line_end = (after == RETURN) & (padded[quotes + 3] == NEWLINE)
    is_proper = np.where(is_opening, np.isin(before, edges), np.isin(after, edges) | is_line_end)
    record = np.searchsorted(starts, quotes[~is_proper], side="right") - 1
    return np.bincount(record, minlength=len(starts)) == 0


def parse_records(raw: bytes, records: Records, dialect: Dialect, wanted: Sequence[str]) -> Block:
    """Return the block of these records; those of unsound form are tried one by one."""
    columns = [dialect.columns.index(name) for name in wanted]
    sound = np.flatnonzero(records.is_sound)
    spans = list(zip(records.starts.tolist(), records.ends.tolist(), strict=True))
    if records.is_gapless and len(sound) == len(spans):
        text = raw[: records.consumed]
    else:
        text = b"\n".join([raw[slice(*spans[at])] for at in sound])
    tried: list[int] = []
    rows: list[list[str]] = []
    for at in np.flatnonzero(~records.is_sound & has_quote(raw, records)).tolist():
        fields = split_fields(decode(raw[slice(*spans[at])]), dialect.separator)
        if len(fields) == len(dialect.columns):
            tried.append(at)
            rows.append([fields[column] for column in columns])
    table = parse_sound(text, len(sound), dialect, columns).select(wanted)
    is_malformed = ~records.is_sound
    is_malformed[tried] = False
    if len(sound) < len(spans):
        more = pl.DataFrame(rows, schema=table.schema, orient="row")
        malformed = np.flatnonzero(is_malformed)
        order = np.argsort(np.concatenate((sound, tried, malformed)))
        table = pl.concat([table, more, table.clear(len(malformed))])[order]
    return Block(table, pl.Series(is_malformed), raw, spans)


def has_quote(raw: bytes, records: Records) -> Flags:
    """Say which records hold a quote."""
    quotes = np.flatnonzero(np.frombuffer(raw, np.uint8) == QUOTE)
    return np.searchsorted(quotes, records.ends) > np.searchsorted(quotes, records.starts)


def parse_sound(text: bytes, height: int, dialect: Dialect, columns: list[int]) -> pl.DataFrame:
    """Return the columns at these places of records known to be sound, as texts.

    Raises:
        RawFileError: polars finds them unsound, which no known text makes it do.
    """
    places = sorted(columns)
    names = [dialect.columns[place] for place in places]
    if height == 0:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    try:
        table = pl.read_csv(
            text,
            has_header=False,
            columns=places,
            separator=dialect.separator,
            quote_char='"' if QUOTE in text else None,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        raise RawFileError(f"records of unknown form: {str(error).splitlines()[0]}") from error
    if len(table) != height:
        raise RawFileError(f"records of unknown form: {len(table)} rows found in {height}")
    return table.rename(dict(zip(table.columns, names, strict=True)))
