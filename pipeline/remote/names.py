"""Which names of objects may become names of files: they come from outside, so any may be there."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection
from pathlib import PurePosixPath

MAPPING = "mapping.toml"
# NAME_MAX of Linux and macOS; the longest key S3 and Google Cloud Storage allow.
LONGEST_PART_BYTES, LONGEST_NAME_BYTES = 255, 1024


def why_unsafe(name: str) -> str | None:
    """Return why the object `name` cannot be a file of that relative path, None where it can."""
    parts = name.split("/")
    try:
        longest = max(len(part.encode()) for part in parts)
        whole = len(name.encode())
    except UnicodeEncodeError:
        return "its name is no UTF-8"
    if {"", ".", ".."} & set(parts):
        return "its name has an empty part, '.' or '..', and could leave the folder"
    if "\\" in name or not name.isprintable():
        return "its name has a backslash or a character that cannot be printed"
    if longest > LONGEST_PART_BYTES or whole > LONGEST_NAME_BYTES:
        return (
            f"its name is longer than a file's may be ({LONGEST_PART_BYTES} bytes between"
            f" slashes, {LONGEST_NAME_BYTES} in all)"
        )
    return None


def is_hidden(name: str) -> bool:
    """Return whether a raw file of this name would not be read: a part begins with a dot."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def is_mapping(name: str) -> bool:
    """Return whether the name is that of a mapping, without which its folder is misread."""
    return name.rpartition("/")[2] == MAPPING


def find_clashes(names: Collection[str]) -> dict[str, str]:
    """Return those of some safe names that cannot all be files, with the reason."""
    folders = {str(above) for name in names for above in PurePosixPath(name).parents}
    return {
        name: (
            "two objects have this name"
            if times > 1
            else "other objects lie below it, so that a file of this name would be a folder too"
        )
        for name, times in Counter(names).items()
        if times > 1 or name in folders
    }


def fold_name(name: str) -> str:
    """Return what two names share that some file systems take for one."""
    return unicodedata.normalize("NFC", name).casefold()


def show_name(name: str) -> str:
    """Return a name for people and tables: what cannot be printed becomes an escape."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode()
        for one in name
    )
