"""The plain streams within a raw file, guarded: errors in one line, bombs stopped.

Messages name the member; the caller knows the file.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from pipeline.errors import RawFileError
from pipeline.rules import FeedRules

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER_BYTES = 256 * 1024
LONGEST_NAME = 120

UNPACKING_ERRORS = (
    EOFError,
    MemoryError,
    lzma.LZMAError,
    struct.error,
    OSError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    zstandard.ZstdError,
)


class Budget:
    """How many bytes may be unpacked of a raw file, all its members together.

    Each member may stay below its limit and ten thousand of them be a bomb all the same. Twice
    what one may have, as the beginning of each is unpacked again for a look at it.
    """

    def __init__(self, rules: FeedRules, packed_bytes: int) -> None:
        self.ratio = rules.archive_max_ratio
        self.free = rules.archive_ratio_from_bytes
        self.left = 2 * self.most_of(packed_bytes)

    def most_of(self, packed_bytes: int) -> int:
        """Return how many bytes so many packed ones may unpack to."""
        return max(self.free, int(self.ratio * packed_bytes))


@dataclass(frozen=True)
class Member:
    """One plain stream of a raw file.

    Attributes:
        name: name within the archive; empty where the file is no zip.
        open: opens the stream from its beginning, as often as one likes while `unpacked` waits.
            Reading raises RawFileError where the archive is damaged, truncated or a bomb.
        packed_bytes: size of what it is unpacked from, of the outermost archive where one holds
            another.
        budget: how much more may be unpacked of the whole raw file.
    """

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    packed_bytes: int
    budget: Budget

    def fail(self, what: str) -> RawFileError:
        """Return the error that says `what` about this member."""
        return RawFileError(f"{shown(self.name)}: {what}" if self.name else what)


def guarded(plain: BinaryIO, packed: Member) -> BinaryIO:
    """Return a stream that says in one line what is wrong with an archive, and stops a bomb."""
    return cast(BinaryIO, io.BufferedReader(_Guard(plain, packed), BUFFER_BYTES))


class _Guard(io.RawIOBase):
    """What is unpacked from `packed`, counted and with its errors translated."""

    def __init__(self, plain: BinaryIO, packed: Member) -> None:
        self._plain = plain
        self._packed = packed
        self._left = packed.budget.most_of(packed.packed_bytes)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            piece = self._plain.read(len(view))
        except EOFError as error:
            raise self._packed.fail("is truncated: the archive ends in the middle") from error
        except UNPACKING_ERRORS as error:
            raise self._packed.fail(f"cannot be unpacked: {said(error)}") from error
        budget = self._packed.budget
        self._left -= len(piece)
        budget.left -= len(piece)
        if min(self._left, budget.left) < 0:
            raise self._packed.fail(
                f"unpacks to more than {budget.ratio:,.0f} times its size; not read on"
            )
        view[: len(piece)] = piece
        return len(piece)


def shown(name: str) -> str:
    """Return a member's name, which comes from strangers, as short printable text."""
    text = "".join(letter if letter.isprintable() else "?" for letter in name)
    return text if len(text) <= LONGEST_NAME else f"...{text[-LONGEST_NAME:]}"


def said(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0]
