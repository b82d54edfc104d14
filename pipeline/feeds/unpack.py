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
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from pipeline.errors import RawFileError
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
BUFFER_BYTES = 256 * 1024

# Judgement. A zip is read from its end, so one that stands inside another archive is held in
# memory; a day of the whole world's AIS packs to less.
INNER_ZIP_BYTES = 256 * 1024 * 1024
# Judgement. A name takes 46 bytes and itself: some 40,000 members, four years of hourly files.
DIRECTORY_BYTES = 4 * 1024 * 1024

NO_DATA = {"__macosx", "thumbs.db", "desktop.ini"}
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


class _Budget:
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
    budget: _Budget

    def fail(self, what: str) -> RawFileError:
        """Return the error that says `what` about this member."""
        return RawFileError(f"{shown(self.name)}: {what}" if self.name else what)


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
    budget = _Budget(rules, size)
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
            yield _guarded(cast(BinaryIO, plain), packed)

    yield Member(packed.name, unpacking, packed.packed_bytes, packed.budget)


def _unpack_zstd(packed: Member) -> Iterator[Member]:
    """Yield what a zstd file holds."""

    @contextmanager
    def unpacking() -> Iterator[BinaryIO]:
        with packed.open() as stream:
            yield _guarded(cast(BinaryIO, io.BufferedReader(_Zstd(stream))), packed)

    yield Member(packed.name, unpacking, packed.packed_bytes, packed.budget)


def _unzip(packed: Member) -> Iterator[Member]:
    """Yield the members of a zip that hold data, in the order of their names."""
    with ExitStack() as stack:
        stream = stack.enter_context(packed.open())
        if not stream.seekable():
            whole = stream.read(INNER_ZIP_BYTES + 1)
            if len(whole) > INNER_ZIP_BYTES:
                raise packed.fail("is a zip inside another archive and too large for that")
            stream = io.BytesIO(whole)
        try:
            directory = cast(BinaryIO, _Directory(stream))
            archive = stack.enter_context(zipfile.ZipFile(directory))
        except UNPACKING_ERRORS as error:
            raise packed.fail(f"damaged or truncated zip: {_said(error)}") from error
        for info in _checked(archive, stream.seek(0, io.SEEK_END), packed):
            yield _zip_member(archive, info, packed)


def _checked(archive: zipfile.ZipFile, size: int, packed: Member) -> list[zipfile.ZipInfo]:
    """Return the members that hold data, by name; refuse an archive with one that must not be."""
    members = sorted(archive.infolist(), key=lambda info: (info.filename, info.header_offset))
    for info in members:
        if ".." in _parts(info):
            raise packed.fail(f"the path of member {shown(info.filename)} climbs out of the zip")
        if info.flag_bits & 1:
            raise packed.fail(f"member {shown(info.filename)} is encrypted")
    if sum(info.compress_size for info in members) > size:
        raise packed.fail("the members of the zip overlap")
    data = [info for info in members if _has_rows(info) and _is_data(info)]
    if not data:
        raise packed.fail("is a zip without data")
    return data


def _parts(info: zipfile.ZipInfo) -> list[str]:
    return re.split(r"[/\\]", info.filename)


def _has_rows(info: zipfile.ZipInfo) -> bool:
    """Say whether a member is a file that is not empty; what only says so fails its checksum."""
    # Not info.is_dir(), which stumbles over a member without a name.
    return not info.filename.endswith("/") and (info.file_size > 0 or info.CRC != 0)


def _is_data(info: zipfile.ZipInfo) -> bool:
    parts = [part.lower() for part in _parts(info)]
    return not NO_DATA.intersection(parts) and not parts[-1].startswith(".")


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, packed: Member) -> Member:
    """Return a member of a zip that stays open meanwhile."""
    name = "/".join(part for part in (packed.name, info.filename) if part)

    @contextmanager
    def unpacking() -> Iterator[BinaryIO]:
        try:
            stream = archive.open(info)
        except UNPACKING_ERRORS as error:
            raise member.fail(f"cannot be unpacked: {_said(error)}") from error
        with stream:
            yield _guarded(cast(BinaryIO, stream), member)

    size = min(info.compress_size, packed.packed_bytes)
    member = Member(name, unpacking, size, packed.budget)
    return member


WAYS: dict[bytes, Callable[[Member], Iterator[Member]]] = {
    GZIP: _gunzip,
    ZSTD: _unpack_zstd,
    ZIP: _unzip,
    ZIP_OF_NOTHING: _unzip,
}


def _guarded(plain: BinaryIO, packed: Member) -> BinaryIO:
    """Return a stream that says in one line what is wrong with an archive, and stops a bomb."""
    return cast(BinaryIO, io.BufferedReader(_Guard(plain, packed), BUFFER_BYTES))


class _Directory:
    """A zip's stream, for zipfile, which makes an object of each name in the zip's directory.

    Of a gzipped zip of 250 KB that holds nothing but millions of names it would make gigabytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if size > DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its directory has {size:,} bytes")
        return self._stream.read(size)


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
            raise self._packed.fail(f"cannot be unpacked: {_said(error)}") from error
        budget = self._packed.budget
        self._left -= len(piece)
        budget.left -= len(piece)
        if min(self._left, budget.left) < 0:
            raise self._packed.fail(
                f"unpacks to more than {budget.ratio:,.0f} times its size; not read on"
            )
        view[: len(piece)] = piece
        return len(piece)


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


def shown(name: str) -> str:
    """Return a member's name, which comes from strangers, as short printable text."""
    text = "".join(letter if letter.isprintable() else "?" for letter in name)
    return text if len(text) <= LONGEST_NAME else f"...{text[-LONGEST_NAME:]}"


def _said(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0]
