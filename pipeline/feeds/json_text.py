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

from pipeline.feeds.delimited import MAX_RECORD_BYTES
from pipeline.feeds.dialect import BYTE_ORDER_MARK, HEAD_BYTES, with_latin_1

CHUNK_BYTES = 64 * 1024
# What is passed is dropped, as the json module counts the lines of all of it for each error.
PASSED_CHARACTERS = 4 * 1024

# Numbers stay the texts they are in the file: every format then reads texts alone.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)

BETWEEN = re.compile(r"[\s,\[\]}\x1e]*")
OBJECT = re.compile(r"\{")
EVENT_DATA = re.compile(r"data:")
EVENT_FIELD = re.compile(r"(?:event|id|retry)?:")
COLLECTION = re.compile(r'\s*\{\s*"type"\s*:\s*"FeatureCollection"')
FEATURES = re.compile(r'"features"\s*:\s*\[')
HTTP_HEAD_END = re.compile(r"\r?\n\r?\n")

LINE_END = re.compile(r"\n")
NEXT_LINE_OBJECT = re.compile(r"\n(?=\{|data:)")
# Not \s*,?\s*: where no object follows, it would try every way to part the blanks.
NEXT_OBJECT = re.compile(r"\n(?=\{|data:)|(?<=\})(?=\s*(?:,\s*)?\{)")
LINE_END_OR_NEXT_OBJECT = re.compile(r"\n|(?<=\})(?=\s*(?:,\s*)?\{)")
# So much of the text must be known to tell what comes next; a literal that is cut in its middle
# is reported where it begins.
LOOK_AHEAD = 16


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
    while text.skip_between():
        if text.at(OBJECT):
            yield text.take_object()
        elif text.at(EVENT_DATA):
            text.skip(EVENT_DATA)
        elif is_collection or text.at(EVENT_FIELD):
            text.take_line()
        else:
            yield Record(None, text.take_line())


def _without_escapes(text: str) -> str:
    """Return decoded text with the bytes that are no UTF-8 taken for Latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return with_latin_1(text)
    return text


class _Text:
    """The text of a stream from where reading has come to, more of it on demand."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self._buffer = ""
        self._place = 0
        self._is_ended = False
        self._grow()

    def _grow(self) -> bool:
        """Read on; say whether there was more."""
        if self._is_ended or len(self._buffer) - self._place > MAX_RECORD_BYTES:
            return False
        more = ""
        while not more and not self._is_ended:
            # As much again as is left over: a long object is then decoded a few times only.
            raw = self._stream.read(max(CHUNK_BYTES, len(self._buffer) - self._place))
            self._is_ended = not raw
            more = _without_escapes(self._decoder.decode(raw, final=self._is_ended))
        self._buffer = self._buffer[self._place :] + more
        self._place = 0
        return bool(more)

    def skip_head(self) -> bool:
        """Go to the first record; say whether it is one of a FeatureCollection."""
        while len(self._buffer) < HEAD_BYTES and self._grow():
            pass
        self._buffer = self._buffer.removeprefix(BYTE_ORDER_MARK.decode())
        if self._buffer.startswith("HTTP/") and (end := HTTP_HEAD_END.search(self._buffer)):
            self._place = end.end()
        is_collection = COLLECTION.match(self._buffer, self._place) is not None
        if is_collection and (start := FEATURES.search(self._buffer, self._place)):
            self._place = start.end()
        return is_collection

    def skip_between(self) -> bool:
        """Go to the next text that is part of a record; say whether there is one."""
        while True:
            self.skip(BETWEEN)
            is_left = self._place < len(self._buffer)
            if is_left and len(self._buffer) - self._place >= LOOK_AHEAD:
                return True
            if not self._grow():
                return is_left

    def at(self, pattern: re.Pattern[str]) -> bool:
        """Say whether the pattern is next."""
        return pattern.match(self._buffer, self._place) is not None

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Go behind the pattern, which is next."""
        found = pattern.match(self._buffer, self._place)
        assert found is not None
        self._place = found.end()

    def take_line(self) -> str:
        """Return the text to the end of the line and go behind it."""
        return self._take(self._length_to(LINE_END, 0))

    def take_object(self) -> Record:
        """Return the object that begins here and go behind it."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._place)
            except json.JSONDecodeError as error:
                sound = error.pos - self._place
                if self._is_cut(error) and self._grow():
                    continue
                return Record(None, self._take(self._length_of_broken(sound)))
            except RecursionError:
                return Record(None, self.take_line())
            return Record(value, self._take(end - self._place))

    def _is_cut(self, error: json.JSONDecodeError) -> bool:
        """Say whether the error may only be that the buffer ends within the object."""
        is_open_text = error.msg.startswith("Unterminated string")
        return is_open_text or error.pos >= len(self._buffer) - LOOK_AHEAD

    def _length_of_broken(self, sound: int) -> int:
        """Return the length of a broken object: most likely it ends before the next one.

        Args:
            sound: how many of its characters make sense, more than an object of the next line
                where that has been taken for a part of it.
        """
        # No further than it may count: the whole buffer for each of many broken objects is too far.
        end = self._place + sound + len("\ndata:")
        next_line = NEXT_LINE_OBJECT.search(self._buffer, self._place + 1, end)
        if next_line is not None and next_line.start() - self._place <= sound:
            return next_line.start() - self._place
        is_over_lines = "\n" in self._buffer[self._place : self._place + sound]
        return self._length_to(NEXT_OBJECT if is_over_lines else LINE_END_OR_NEXT_OBJECT, sound)

    def _length_to(self, pattern: re.Pattern[str], after: int) -> int:
        """Return how many characters stand before the next such pattern, or before the end."""
        while True:
            found = pattern.search(self._buffer, self._place + after)
            if found is not None:
                return found.start() - self._place
            if not self._grow():
                return len(self._buffer) - self._place

    def _take(self, length: int) -> str:
        """Return so many characters and go behind them."""
        start, self._place = self._place, self._place + length
        taken = self._buffer[start : self._place]
        if self._place > PASSED_CHARACTERS:
            self._buffer, self._place = self._buffer[self._place :], 0
        return taken
