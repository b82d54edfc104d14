"""Folders of objects through pyarrow's file systems: listed, read and written in any thread."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pipeline.errors import RemoteError, UsageError
from pipeline.remote.addresses import Address, words_for

Progress = Callable[[str, int, int], None]
ENDPOINT_S3, ENDPOINT = "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class Listed:
    """An object as a listing tells of it.

    Attributes:
        name: below the place, parts parted by `/`.
        bytes: None where it is nothing that can be read to its end.
        mtime_ns: when it was written, by the store's clock; None where it does not say.
    """

    name: str
    bytes: int | None
    mtime_ns: int | None


class Place:
    """A folder of objects that can be asked; its methods may be called by several threads.

    Attributes:
        shown: its URL without what may be secret.
        identity: tells it from places of the same name at another service.
    """

    def __init__(self, address: Address, system: Any, base: str) -> None:
        self.shown = address.shown
        # The service may also be named by the environment, which the library reads.
        server = address.server or os.environ.get(ENDPOINT_S3) or os.environ.get(ENDPOINT, "")
        self.identity = hashlib.sha256(f"{address.shown} {server}".encode()).hexdigest()
        self._address = address
        self._system = system
        self._base = base

    def list_objects(self, *, may_be_missing: bool = False) -> list[Listed]:
        """Return all objects below, in order of name; folders are none, nor their markers.

        Raises:
            UsageError: nothing of that name is there, and it may not be missing.
            RemoteError: it cannot be listed.
        """
        from pyarrow.fs import FileSelector, FileType

        with self._asking("cannot be listed"):
            try:
                found = self._system.get_file_info(FileSelector(self._base, recursive=True))
            except FileNotFoundError:
                if may_be_missing:
                    return []
                raise UsageError(f"nothing is there: {self.shown}") from None
            return sorted(
                (self._as_listed(info) for info in found if info.type != FileType.Directory),
                key=lambda one: (one.name, one.mtime_ns or 0),
            )

    def look_at(self, name: str) -> Listed | None:
        """Return one object as it is now, None where there is none.

        Raises:
            RemoteError: it cannot be asked.
        """
        from pyarrow.fs import FileType

        with self._asking("cannot be looked at", name):
            info = self._system.get_file_info(self._path(name))
            return None if info.type == FileType.NotFound else self._as_listed(info)

    def read_chunks(self, name: str, chunk_bytes: int) -> Iterator[bytes]:
        """Yield the bytes of an object, as they are there.

        Raises:
            RemoteError: it cannot be read.
        """
        with self._asking("cannot be read", name):
            # Left to itself the library would unpack what is named .gz.
            stream = self._system.open_input_stream(self._path(name), compression=None)
        with stream:
            while True:
                with self._asking("cannot be read", name):
                    chunk = stream.read(chunk_bytes)
                if not chunk:
                    return
                yield chunk

    def write(self, name: str, chunks: Iterator[bytes], content_type: str | None = None) -> None:
        """Write an object, over one that is there; whole only where this returns.

        Raises:
            RemoteError: it cannot be written.
        """
        path = self._path(name)
        metadata = {"Content-Type": content_type} if content_type else None
        with self._asking("cannot be written", name):
            if self._address.is_local:
                self._system.create_dir(path.rpartition("/")[0], recursive=True)
            with self._system.open_output_stream(
                path, compression=None, metadata=metadata
            ) as stream:
                for chunk in chunks:
                    stream.write(chunk)

    def replace(self, name: str, content: bytes) -> None:
        """Write a small object in one step: a reader sees what was there, or all of this.

        Raises:
            RemoteError: it cannot be written; what was there stands.
        """
        if not self._address.is_local:
            # An object appears when its upload is complete, never before.
            self.write(name, iter([content]), "application/json")
            return
        beside = f".{name}.new"
        self.write(beside, iter([content]))
        with self._asking("cannot be written", name):
            self._system.move(self._path(beside), self._path(name))

    def remove(self, name: str, *, is_folder: bool = False) -> None:
        """Remove an object, or a folder of them.

        Raises:
            RemoteError: it cannot be removed.
        """
        with self._asking("cannot be removed", name):
            if is_folder:
                self._system.delete_dir(self._path(name))
            else:
                self._system.delete_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _as_listed(self, info: Any) -> Listed:
        name = info.path[len(self._base) + 1 :]
        is_file = info.is_file and info.size is not None
        return Listed(name, info.size if is_file else None, info.mtime_ns)

    @contextmanager
    def _asking(self, what: str, name: str = "") -> Iterator[None]:
        """Turn what the library raises into one line.

        Raises:
            RemoteError: naming place, object and reason.
        """
        import pyarrow as pa

        try:
            yield
        except (OSError, ValueError, pa.ArrowException) as error:
            where = f"{self.shown}/{name}" if name else self.shown
            raise RemoteError(f"{where} {what}: {words_for(error, self._address)}") from None


def open_place(address: Address) -> Place:
    """Return the folder of objects that a URL names.

    Credentials, region and endpoint are the library's: its environment variables, its files, what
    stands in the URL.

    Raises:
        UsageError: the library cannot read the URL.
        RemoteError: the store cannot be found.
    """
    import pyarrow as pa
    from pyarrow.fs import FileSystem

    try:
        system, base = FileSystem.from_uri(address.url)
    except (ValueError, pa.ArrowException) as error:
        words = words_for(error, address)
        raise UsageError(f"the URL of {address.shown} cannot be used: {words}") from None
    except OSError as error:
        words = words_for(error, address)
        raise RemoteError(f"{address.shown} cannot be found: {words}") from None
    return Place(address, system, base.rstrip("/"))
