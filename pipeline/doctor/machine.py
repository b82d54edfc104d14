"""Python, the libraries, and what came with the code."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from pipeline.doctor.finding import Finding, failure, fine

PACKAGE = "darkport"
# Bounds in pyproject.toml are lower ones, without extras or markers.
BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*>=\s*(?P<least>[0-9.]+)")
RELEASE = re.compile(r"\d+(?:\.\d+)*")


def look_at_python() -> Finding:
    """Return whether this Python is new enough for the package installed."""
    found = platform.python_version()
    try:
        bound = metadata(PACKAGE)["Requires-Python"]
    except PackageNotFoundError:
        return failure("Python", f"{found}, but {PACKAGE} is not installed in it: run make setup")
    least = _release(bound)
    if sys.version_info[:3] < least:
        return failure("Python", f"{found}, needs {bound}")
    return fine("Python", found)


def look_at_libraries() -> Finding:
    """Return whether every library is there, and new enough for pyproject.toml's bounds."""
    try:
        bounds = [
            match for line in requires(PACKAGE) or () if (match := BOUND.fullmatch(line.strip()))
        ]
    except PackageNotFoundError:
        return failure("libraries", f"{PACKAGE} is not installed: run make setup")
    faults: list[str] = []
    found: list[str] = []
    for bound in bounds:
        name, least = bound["name"], bound["least"]
        try:
            installed = version(name)
        except PackageNotFoundError:
            faults.append(f"{name} is missing (needs >={least})")
            continue
        found.append(f"{name} {installed}")
        if _release(installed) < _release(least):
            faults.append(f"{name} {installed} is older than {least}")
    if faults:
        return failure("libraries", f"{'; '.join(faults)}: run make setup")
    return fine("libraries", ", ".join(found))


def _release(text: str) -> tuple[int, ...]:
    """Return the numbers of a version, without trailing zeros: 2.0 is 2."""
    match = RELEASE.search(text)
    numbers = [int(part) for part in match[0].split(".")] if match else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def look_at_sql(folder: Path) -> Finding:
    """Return whether the statements are there."""
    count = len(list(folder.glob("*/*.sql")))
    if not count:
        return failure("sql", f"no statement under {folder}: install again")
    return fine("sql", f"{count} files")
