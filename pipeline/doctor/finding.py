"""One thing looked at: what, how it is, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.errors import printable


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        level: ok; warn: worth a look; FAIL: a night cannot be trusted to run.
    """

    what: str
    level: Literal["ok", "warn", "FAIL"]
    words: str

    @property
    def is_fine(self) -> bool:
        """Whether it is no failure."""
        return self.level != "FAIL"


def fine(what: str, words: str) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(what, "ok", printable(words))


def warning(what: str, words: str) -> Finding:
    """Return a finding that is worth a look."""
    return Finding(what, "warn", printable(words))


def failure(what: str, words: str) -> Finding:
    """Return a finding that will make nights fail, or shows that they do."""
    return Finding(what, "FAIL", printable(words))


def as_size(count_bytes: int) -> str:
    """Return a number of bytes for people, e.g. `1.5 GB`."""
    size = float(count_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
