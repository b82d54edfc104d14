"""URLs of folders of objects: s3://, gs:// and file://, and what of them may be shown.

What a URL may hold of secrets (a user and password before the host, options after `?`) is handed
to the library and to nobody else: no message, log or table shows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pipeline.errors import UsageError, printable

SCHEMES = ("s3", "gs", "file")
STARTS_AS_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# RFC 3986: all that a URL may be written with.
WRITTEN = re.compile(r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
# Options of a URL that are no secret: a message is hardly to be understood without them.
OPEN = frozenset(["scheme", "region", "endpoint_override"])
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Address:
    """A URL that was looked at, not yet asked.

    Attributes:
        url: all of it, for the library alone.
        shown: without what may be secret.
        server: the host that stands for the service, if the URL names one.
    """

    url: str = field(repr=False)
    shown: str
    server: str = field(default="", repr=False)

    @property
    def is_local(self) -> bool:
        """Return whether it names a folder of this machine."""
        return self.shown.startswith("file:")

    @property
    def folder(self) -> Path:
        """Return the folder that a local address names."""
        return Path(unquote(self.shown.removeprefix("file://")))

    def holds(self, other: Address) -> bool:
        """Return whether what `other` names lies in this, or is this."""
        if self.is_local and other.is_local:
            return other.folder.resolve().is_relative_to(self.folder.resolve())
        return self.server == other.server and f"{other.shown}/".startswith(f"{self.shown}/")


def is_url(text: str) -> bool:
    """Return whether a name is meant as a URL rather than as a folder."""
    return STARTS_AS_URL.match(text) is not None


def read_address(text: str) -> Address:
    """Return what a URL names; nobody is asked yet.

    Raises:
        UsageError: it is none that can be used; nothing of it is shown but its kind.
    """
    scheme = text.partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise UsageError(f"no storage of kind {scheme}://; these are known: {_known()}")
    if not WRITTEN.fullmatch(text):
        raise UsageError(
            f"a {scheme}:// URL holds what a URL cannot be written with; write it as %XX"
        )
    parts = urlsplit(text)
    host, path = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
    if scheme == "file":
        if parts.netloc or not path:
            raise UsageError("a file:// URL names a folder from the root on: file:///srv/raw")
    elif not BUCKET.fullmatch(host):
        raise UsageError(
            f"a {scheme}:// URL names a bucket first: {scheme}://bucket/folder; '/', '@' and ':'"
            " in a user name or password before it are written %2F, %40 and %3A"
        )
    if {"", ".", ".."} & set(unquote(path).split("/")[1:]):
        raise UsageError(f"a {scheme}:// URL has an empty part, '.' or '..' in its path")
    server = parse_qs(parts.query).get("endpoint_override", [""])[-1]
    return Address(text, f"{scheme}://{host}{path}", server)


def _known() -> str:
    return ", ".join(f"{scheme}://" for scheme in SCHEMES)


def words_for(error: Exception, address: Address) -> str:
    """Return why the library refused, in a line without anything of the URL that may be secret."""
    words = (str(error).splitlines() or [""])[0] or type(error).__name__
    parts = urlsplit(address.url)
    user = parts.netloc.rpartition("@")[0]
    options = parse_qs(parts.query)
    values = [value for name, some in options.items() if name not in OPEN for value in some]
    pieces = [address.url, parts.query, user, *user.split(":", 1), *values]
    hidden = {piece for one in pieces for piece in (one, unquote(one)) if len(piece) > 2}
    for piece in sorted(hidden, key=len, reverse=True):
        words = words.replace(piece, "***")
    return printable(words)
