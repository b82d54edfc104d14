"""Which files of the outputs are pushed, and the names of their objects."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PushedFile:
    """A file of the outputs, as the pointer names it.

    Attributes:
        name: below the processed folder.
        table: the table it is, or is a part of; None where it is no Parquet file.
        object: below the place.
        bytes, sha256: its content.
    """

    name: str
    table: str | None
    object: str
    bytes: int
    sha256: str


def find_outputs(generation: Path) -> list[tuple[str, Path]]:
    """Return (name, file) of all published files, in order of name; hidden ones are not."""
    found: list[tuple[str, Path]] = []
    for folder, folders, names in os.walk(generation):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(folder, name) for name in names if not name.startswith(".")]
        found += [(path.relative_to(generation).as_posix(), path) for path in paths]
    return sorted(found)


def name_object(name: str, prefix: str, size: int, sha256: str) -> PushedFile:
    """Return where a file of the outputs goes: a part of a table by its content, else as named."""
    first, slash, _ = name.partition("/")
    is_table = name.endswith(".parquet")
    table = first.removesuffix(".parquet") if is_table else None
    where = f"parts/{sha256}.parquet" if slash and is_table else f"{prefix}/{name}"
    return PushedFile(name, table, where, size, sha256)
