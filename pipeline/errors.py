"""Everything that can go wrong in a way the user can act on.

    DarkportError                      exit code 1
    +-- UsageError                     2   the command was asked for something impossible
    +-- RawFileError                   3   one raw file cannot be read; the others are done
    +-- CheckError                     4   an output is wrong; last night's outputs stand
    |   +-- SchemaError                4   an internal table lacks a column or has a wrong one
    +-- ConfigError                    2   rules, areas, mapping or registry file is unusable
    |   +-- AreasError                 2   the geo folder is unusable
    +-- LockedError                    5   another run holds the lock
    +-- EngineError                    1   the cluster cannot be used, or was lost
    +-- RemoteError                    1   object storage cannot be reached, read or written
    |   +-- PushError                  6   the outputs stand here, but not in object storage
    +-- StorageError                   1   the disk is full or a permission was lost
        +-- ShelfError                 1   a finished result was damaged on the disk

Each carries one line that names what was found and what was expected.
"""

from __future__ import annotations

LONGEST_MESSAGE = 1_000


class DarkportError(Exception):
    """An expected failure: its message is one line a user can act on.

    Names in it come from strangers: what is not printable becomes a blank, what is too long to
    be read is cut.
    """

    exit_code = 1

    def __init__(self, message: object = "") -> None:
        line = printable(message)
        super().__init__(
            line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 3]}..."
        )


class UsageError(DarkportError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(DarkportError):
    """A rules, mapping, registry or areas file is unusable."""

    exit_code = 2


class AreasError(ConfigError):
    """The geo folder lacks something or holds an invalid polygon."""


class RawFileError(DarkportError):
    """One raw file cannot be read; the message says why in one line."""

    exit_code = 3


class CheckError(DarkportError):
    """A check on the outputs failed; nothing is published."""

    exit_code = 4


class SchemaError(CheckError):
    """An internal table lacks a column, or a column has another type."""


class LockedError(DarkportError):
    """Another run is writing to the same processed folder."""

    exit_code = 5


class EngineError(DarkportError):
    """The cluster cannot be reached or used, or was lost; what was published before stands."""


class RemoteError(DarkportError):
    """Object storage cannot be reached, read or written; what was published before stands."""


class PushError(RemoteError):
    """What is published here could not be copied to object storage; what lies there stands."""

    exit_code = 6


class StorageError(DarkportError):
    """The disk is full, a permission was lost, ...; what was published before stands."""


class ShelfError(StorageError):
    """A finished result of an earlier run was damaged on the disk; it can be made anew."""


def printable(text: object) -> str:
    """Return text on one line without control characters: names in it come from strangers."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))
