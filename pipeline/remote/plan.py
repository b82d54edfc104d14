"""What a listing asks for: which objects become files, and why others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import RemoteError
from pipeline.remote.names import (
    find_clashes,
    fold_name,
    is_hidden,
    is_mapping,
    show_name,
    why_unsafe,
)
from pipeline.remote.places import Listed, Place


@dataclass(frozen=True)
class Plan:
    """What a listing asks for.

    Attributes:
        wanted: objects by name, in order of name.
        refused: reasons by the name for people.
    """

    wanted: Mapping[str, Listed]
    refused: Mapping[str, str]


def plan_mirror(listed: Sequence[Listed], *, can_fold: Callable[[], bool]) -> Plan:
    """Return what of a listing becomes files: hidden names are left out, unsafe ones refused.

    `can_fold` tells whether the file system takes two names for one that differ in case alone.
    """
    refused: dict[str, str] = {}
    safe: list[Listed] = []
    for one in listed:
        if is_hidden(one.name):
            continue
        why = why_unsafe(one.name)
        if why is None and one.bytes is None:
            why = "is no regular file"
        if why is None:
            safe.append(one)
        else:
            refused[show_name(one.name)] = why
    names = [one.name for one in safe]
    clashes = find_clashes(names)
    folded: dict[str, str] = {}
    for name in names:
        first = folded.setdefault(fold_name(name), name)
        if first != name and can_fold():
            clashes[name] = f"this disk takes its name for that of {first}"
    return Plan({one.name: one for one in safe if one.name not in clashes}, {**refused, **clashes})


def require_mappings(refused: Mapping[str, str], place: Place) -> None:
    """Let no folder be read without its mapping: its files would be misread, or not at all.

    Raises:
        RemoteError: a mapping could not be fetched.
    """
    for name, why in refused.items():
        if is_mapping(name) and why_unsafe(name) is None:
            raise RemoteError(
                f"{place.shown}/{name}, which describes the files beside it, cannot be fetched:"
                f" {why}; nothing is published"
            )
