"""Whether a worker would make the same bytes as this process, and sees the same folders.

Results are named by what they were made from, and their makers are part of it: a worker with
another version would put its own bytes under our names.
"""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.errors import EngineError, printable
from pipeline.keys import code_key
from pipeline.store import storing

# Those that have a part in what a worker makes, and those that carry its work.
LIBRARIES = (
    *("numpy", "polars", "pyarrow", "pydantic", "pyproj", "shapely", "zstandard"),
    *("cloudpickle", "dask", "distributed"),
)
NOTE = ".cluster"


@dataclass(frozen=True)
class Likeness:
    """What every worker must be like, and see.

    Attributes:
        makers: (name, version) of the code, the interpreter, the machine and the libraries.
        raw: the folder of raw files.
        landmark: a name in it, None where it is empty.
        note, token: a file among the outputs, and what this run wrote into it.
    """

    makers: tuple[tuple[str, str], ...]
    raw: Path
    landmark: str | None
    note: Path
    token: str


def describe_likeness(raw: Path, processed: Path) -> Likeness:
    """Return what workers must be like, and leave the note that they must see.

    Raises:
        StorageError: the note cannot be written.
    """
    token = secrets.token_hex(8)
    note = processed / NOTE
    with storing(note):
        note.write_text(token, "utf-8")
    names = sorted(path.name for path in raw.iterdir()) if raw.is_dir() else []
    return Likeness(_list_makers(), raw, names[0] if names else None, note, token)


@cache
def hold_likeness(wanted: Likeness) -> None:
    """Hold this process against what is wanted of a worker; asked once of each.

    Raises:
        EngineError: it is unlike, or sees another disk.
    """
    mine, theirs = dict(_list_makers()), dict(wanted.makers)
    unlike = [name for name in theirs if mine[name] != theirs[name]]
    if unlike:
        raise EngineError(
            f"it has {_tell(mine, unlike)}, and the night runs on {_tell(theirs, unlike)}:"
            " install the same lock file there"
        )
    if _read_or_none(wanted.note) != wanted.token:
        raise EngineError(_tell_unseen(wanted.note.parent, "processed"))
    if wanted.landmark and not os.path.lexists(wanted.raw / wanted.landmark):
        raise EngineError(_tell_unseen(wanted.raw, "raw"))
    if not os.access(wanted.note.parent, os.W_OK | os.X_OK):
        raise EngineError(f"it may not write to {printable(wanted.note.parent)}")


@cache
def _list_makers() -> tuple[tuple[str, str], ...]:
    python = ".".join(platform.python_version_tuple()[:2])
    libraries = [(name, _version_or_none(name)) for name in LIBRARIES]
    machine = ("machine type", platform.machine())
    return (("darkport's code", code_key()), ("Python", python), machine, *libraries)


def _version_or_none(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _tell(makers: Mapping[str, str], names: list[str]) -> str:
    return ", ".join(f"{name} {makers[name]}" for name in names)


def _tell_unseen(folder: Path, what: str) -> str:
    return (
        f"it does not see the {what} folder of this run in {printable(folder)}:"
        " mount it there, under the same path"
    )


def _read_or_none(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return None
