"""Raw files to plain streams: gzip, zstd and zip, recognised by their first bytes, never by name.

Nothing is extracted to disk, and a stream is unpacked while it is read, so memory is bounded. An
archive may hold one further level (a zip of .csv.gz files, a gzipped zip). The members of a zip
come in the order of their names; folders, empty members, hidden ones and those of `__MACOSX` hold
no rows and are left out. An absolute name does no harm, as nothing is written.

Messages name the member; the caller knows the file.
"""

from __future__ import annotations

import gzip
import io
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from pipeline.errors import RawFileError
from pipeline.feeds.members import Budget, Member, guarded
from pipeline.feeds.zip_members import unzip
from pipeline.rules import FeedRules

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
ZIP, ZIP_OF_NOTHING = b"PK\x03\x04", b"PK\x05\x06"
NOT_SUPPORTED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
    b"PK\x07\x08": "a zip in several files",
}
MAGIC_BYTES = 6
MAX_LEVELS = 2

# A zstd block unpacks to 32,768 times its size at most: small bites bound what one bite yields.
ZSTD_BITE_BYTES = 2 * 1024


def unpacked(path: Path, rules: FeedRules) -> Generator[Member, None, None]:
    """Yield the plain streams of the raw file at `path`, one after the other.

    Close the iterator when you stop early: it holds the archive open.

    Raises:
        RawFileError: the file is empty, a folder or unreadable; an archive is damaged, truncated,
            encrypted or nested too deep, unpacks to more than `rules` allow, or has a member whose
            path climbs out of it.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise RawFileError(f"cannot be read: {error.strerror}") from error
    size = status.st_size
    if stat.S_ISDIR(status.st_mode):
        raise RawFileError("is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise RawFileError("is a pipe, a socket or a device, not a file")
    if size == 0:
        raise RawFileError("is empty")
    budget = Budget(rules, size)
    yield from _unpack(Member("", lambda: _open_file(path), size, budget), 0)


@contextmanager
def _open_file(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise RawFileError(f"cannot be read: {error.strerror}") from error
    with stream:
        yield stream


def _unpack(member: Member, level: int) -> Iterator[Member]:
    """Yield the plain streams within `member`, which stands `level` archives deep."""
    with member.open() as stream:
        magic = stream.read(MAGIC_BYTES)
    for beginning, what in NOT_SUPPORTED.items():
        if magic.startswith(beginning):
            raise member.fail(f"is {what}; of archives, gzip, zstd and zip are read")
    unpack = next((unpack for start, unpack in WAYS.items() if magic.startswith(start)), None)
    if unpack is None:
        yield member
    elif level == MAX_LEVELS:
        raise member.fail("is an archive in an archive in an archive")
    else:
        for inner in unpack(member):
            yield from _unpack(inner, level + 1)


def _gunzip(packed: Member) -> Iterator[Member]:
    """Yield what a gzip file holds."""

    @contextmanager
    def unpacking() -> Iterator[BinaryIO]:
        with packed.open() as stream, gzip.GzipFile(fileobj=stream) as plain:
            yield guarded(cast(BinaryIO, plain), packed)

    yield Member(packed.name, unpacking, packed.packed_bytes, packed.budget)


def _unpack_zstd(packed: Member) -> Iterator[Member]:
    """Yield what a zstd file holds."""

    @contextmanager
    def unpacking() -> Iterator[BinaryIO]:
        with packed.open() as stream:
            yield guarded(cast(BinaryIO, io.BufferedReader(_Zstd(stream))), packed)

    yield Member(packed.name, unpacking, packed.packed_bytes, packed.budget)


class _Zstd(io.RawIOBase):
    """The frames of a zstd file, unpacked; an EOFError where the last one is cut off.

    zstandard's own stream reader takes a cut frame for the end.
    """

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._zstd = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready:
            bite = self._packed.read(ZSTD_BITE_BYTES)
            if not bite and self._frame is not None:
                raise EOFError
            if not bite:
                return 0
            self._ready = self._unpack(bite)
        view = memoryview(buffer)
        piece, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(piece)] = piece
        return len(piece)

    def _unpack(self, bite: bytes) -> bytes:
        pieces: list[bytes] = []
        while bite:
            frame = self._frame or self._zstd.decompressobj()
            pieces.append(frame.decompress(bite))
            self._frame = None if frame.eof else frame
            bite = frame.unused_data if frame.eof else b""
        return b"".join(pieces)


WAYS: dict[bytes, Callable[[Member], Iterator[Member]]] = {
    GZIP: _gunzip,
    ZSTD: _unpack_zstd,
    ZIP: unzip,
    ZIP_OF_NOTHING: unzip,
}
