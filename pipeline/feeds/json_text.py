"""Finds the JSON objects in a stream: lines, arrays, server-sent events, an HTTP dump, GeoJSON.

Objects are decoded one at a time, so that an array of any length needs no more memory than lines.
A broken object is told with its text, and reading goes on behind it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from pipeline.feeds.delimited import BYTE_ORDER_MARK, MAX_RECORD_BYTES

CHUNK_BYTES = 1024 * 1024

# Numbers stay the texts they are in the file: every format then reads texts alone.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)

BETWEEN = re.compile(r"[\s,\[\]}\x1e]*")
EVENT_DATA = re.compile(r"data:[ \t]*")
EVENT_FIELD = re.compile(r"(?:event|id|retry)?:")
COLLECTION = re.compile(r'\s*\{\s*"type"\s*:\s*"FeatureCollection"')
FEATURES = re.compile(r'"features"\s*:\s*\[')
HTTP_HEAD_END = re.compile(r"\r?\n\r?\n")

LINE_END = re.compile(r"\n")
NEXT_LINE_OBJECT = re.compile(r"\n(?=\{|data:)")
NEXT_OBJECT = re.compile(r"\}\s*,?\s*(?=\{)")
# A literal cut in its middle is reported where it begins.
LONGEST_LITERAL = len("-Infinity")


@dataclass(frozen=True)
class Record:
    """A JSON object: its value, None where it is broken, and its text as in the file."""

    value: dict[str, Any] | None
    text: str


def read_objects(stream: BinaryIO) -> Iterator[Record]:
    """Yield the JSON objects of the stream, numbers as texts, in their order.

    Objects may stand one a line, in arrays of any depth, in the features of a GeoJSON
    FeatureCollection, behind "data:" (server-sent events) and behind the head of an HTTP answer.
    """
    text = _Text(stream)
    is_collection = text.skip_head()
    while text.skip(BETWEEN):
        if text.starts_with("{"):
            yield text.take_object()
        elif text.skip(EVENT_DATA, may_be_absent=False):
            continue
        elif is_collection or text.at(EVENT_FIELD):
            text.take_line()
        else:
            yield Record(None, text.take_line())


class _Text:
    """The text of a stream from where reading has come to, more of it on demand."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="darkport_latin_1")
        self._buffer = ""
        self._place = 0
        self._is_ended = False
        self._grow()

    def _grow(self) -> bool:
        """Read on; say whether there was more."""
        if self._is_ended or len(self._buffer) - self._place > MAX_RECORD_BYTES:
            return False
        raw = self._stream.read(CHUNK_BYTES)
        self._is_ended = not raw
        more = self._decoder.decode(raw, final=self._is_ended)
        self._buffer = self._buffer[self._place :] + more
        self._place = 0
        return bool(more)

    def skip_head(self) -> bool:
        """Go to the first record; say whether it is one of a FeatureCollection."""
        self._buffer = self._buffer.removeprefix(BYTE_ORDER_MARK.decode())
        if self._buffer.startswith("HTTP/") and (end := HTTP_HEAD_END.search(self._buffer)):
            self._place = end.end()
        is_collection = COLLECTION.match(self._buffer, self._place) is not None
        if is_collection and (start := FEATURES.search(self._buffer, self._place)):
            self._place = start.end()
        return is_collection

    def skip(self, pattern: re.Pattern[str], *, may_be_absent: bool = True) -> bool:
        """Go behind the pattern; say whether it was there, or whether any text is left."""
        while True:
            found = pattern.match(self._buffer, self._place)
            if found is not None:
                self._place = found.end()
            if self._place < len(self._buffer):
                return may_be_absent or found is not None
            if not self._grow():
                return False

    def starts_with(self, text: str) -> bool:
        return self._buffer.startswith(text, self._place)

    def at(self, pattern: re.Pattern[str]) -> bool:
        return pattern.match(self._buffer, self._place) is not None

    def take_line(self) -> str:
        """Return the text to the end of the line and go behind it."""
        return self._take(self._find(LINE_END, self._place))

    def take_object(self) -> Record:
        """Return the object that begins here and go behind it."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._place)
            except json.JSONDecodeError as error:
                if self._is_cut(error) and self._grow():
                    continue
                return Record(None, self._take(self._end_of_broken(error.pos)))
            except RecursionError:
                return Record(None, self.take_line())
            return Record(value, self._take(end))

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Say whether the error may only be that the buffer ends within the object."""
        is_open_text = error.msg.startswith("Unterminated string")
        return is_open_text or error.pos >= len(self._buffer) - LONGEST_LITERAL

    def _end_of_broken(self, error_at: int) -> int:
        """Return where a broken object most likely ends: before the next one."""
        error_after = error_at - self._place
        ends = [self._find(NEXT_LINE_OBJECT, self._place + 1)]
        start = self._place
        if "\n" in self._buffer[start : start + error_after]:
            ends.append(self._find(NEXT_OBJECT, start + error_after))
        else:
            ends.append(self._find(LINE_END, start + error_after))
            ends.append(self._find(NEXT_OBJECT, start + error_after))
        return min(ends)

    def _find(self, pattern: re.Pattern[str], start: int) -> int:
        """Return where the pattern next begins, the end of the text where it does not."""
        after = start - self._place
        while True:
            found = pattern.search(self._buffer, self._place + after)
            if found is not None:
                return found.start() + found.group().startswith("}")
            if not self._grow():
                return len(self._buffer)

    def _take(self, end: int) -> str:
        text = self._buffer[self._place : end]
        self._place = end
        return text
