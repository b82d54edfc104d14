"""The members of a zip that hold data, checked before any of it is unpacked."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from pipeline.feeds.members import UNPACKING_ERRORS, Member, guarded, said, shown

# Judgement. A zip is read from its end, so one that stands inside another archive is held in
# memory; a day of the whole world's AIS packs to less.
INNER_ZIP_BYTES = 256 * 1024 * 1024
# Judgement. A name takes 46 bytes and itself: some 40,000 members, four years of hourly files.
DIRECTORY_BYTES = 4 * 1024 * 1024

NO_DATA = {"__macosx", "thumbs.db", "desktop.ini"}


def unzip(packed: Member) -> Iterator[Member]:
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
            raise packed.fail(f"damaged or truncated zip: {said(error)}") from error
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
            raise member.fail(f"cannot be unpacked: {said(error)}") from error
        with stream:
            yield guarded(cast(BinaryIO, stream), member)

    size = min(info.compress_size, packed.packed_bytes)
    member = Member(name, unpacking, size, packed.budget)
    return member


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
