"""Object storage for tests: a folder behind file://, a bucket of an S3-compatible server here."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from pipeline.remote import Place, open_place, read_address

KINDS = ("file", "s3")
# What the server takes for credentials; any would do.
ACCESS_KEY, SECRET_KEY = "TESTKEYTESTKEY", "hush-hush-hush"


class Bucket(Protocol):
    """A folder of objects as its owner sees it."""

    url: str

    def put(self, name: str, content: bytes) -> None: ...
    def remove(self, name: str) -> None: ...
    def read(self) -> dict[str, bytes]: ...


@dataclass(frozen=True)
class FolderBucket:
    folder: Path

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def read(self) -> dict[str, bytes]:
        paths = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


@dataclass(frozen=True)
class ServerBucket:
    client: Any
    bucket: str
    endpoint: str
    folder: str = "some/folder"

    @property
    def url(self) -> str:
        more = f"endpoint_override={self.endpoint}&scheme=http&region=us-east-1"
        return f"s3://{self.bucket}/{self.folder}?{more}"

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.folder}/{name}", Body=content)

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=f"{self.folder}/{name}")

    def read(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        for page in pages:
            for one in page.get("Contents", ()):
                name = one["Key"].removeprefix(f"{self.folder}/")
                body = self.client.get_object(Bucket=self.bucket, Key=one["Key"])["Body"]
                # The library leaves markers of folders behind what it removes.
                if not name.endswith("/"):
                    found[name] = body.read()
        return dict(sorted(found.items()))


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerBucket]:
    """Yield a bucket of a server on this machine; skips where moto is not installed."""
    server_module = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    boto3 = pytest.importorskip("boto3")
    for name, value in {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        client = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
        name = f"bucket-{os.urandom(4).hex()}"
        client.create_bucket(Bucket=name)
        yield ServerBucket(client, name, f"{host}:{port}")
        client.close()
    finally:
        server.stop()


@contextmanager
def open_bucket(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FolderBucket | ServerBucket]:
    """Yield an empty bucket of a kind."""
    if kind == "s3":
        with serving(monkeypatch) as bucket:
            yield bucket
        return
    (folder / "bucket").mkdir()
    yield FolderBucket(folder / "bucket")


@dataclass
class Faults:
    """What goes wrong in a `FaultySystem`.

    Attributes:
        unreadable, unwritable: parts of paths that fail when opened.
        lists_left: listings that work before the store is lost.
        on_open: called with the path that is opened for reading.
    """

    unreadable: set[str] = field(default_factory=set)
    unwritable: set[str] = field(default_factory=set)
    lists_left: int = 1_000
    on_open: Any = None
    opened: list[str] = field(default_factory=list)


class FaultySystem:
    """A file system of the library in which some calls fail."""

    def __init__(self, system: Any, faults: Faults) -> None:
        self._system = system
        self._faults = faults
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    def get_file_info(self, asked: Any) -> Any:
        if not isinstance(asked, str):
            self._faults.lists_left -= 1
            if self._faults.lists_left < 0:
                raise OSError("curlCode: 7, Could not connect to server")
        return self._system.get_file_info(asked)

    def open_input_stream(self, path: str, **more: Any) -> Any:
        with self._lock:
            self._faults.opened.append(path)
            if self._faults.on_open:
                self._faults.on_open(path)
        if any(part in path for part in self._faults.unreadable):
            raise OSError("AWS Error ACCESS_DENIED during GetObject operation")
        return self._system.open_input_stream(path, **more)

    def open_output_stream(self, path: str, **more: Any) -> Any:
        if any(part in path for part in self._faults.unwritable):
            raise OSError("AWS Error ACCESS_DENIED during PutObject operation")
        return self._system.open_output_stream(path, **more)


def place_with(url: str, faults: Faults) -> Place:
    """Return the place of a URL in whose library some calls fail."""
    address = read_address(url)
    whole = open_place(address)
    return Place(address, FaultySystem(whole._system, faults), whole._base)
