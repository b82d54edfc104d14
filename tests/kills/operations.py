"""What a run does to the disk, operation by operation, and a hook before each.

Python tells of its own file operations (audit events); polars, GeoPandas and DuckDB write without
a word, so their writing functions are wrapped. Only for a process that ends soon: an audit hook
cannot be taken off.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = frozenset(
    ["os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"]
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
ATTACHED = re.compile(r"attach '(?P<path>.+?)' as ")
# Hundreds of comments are one transaction.
STATEMENTS = ("create", "attach", "begin", "commit", "checkpoint")

Go = Callable[[], Any]


@dataclass(frozen=True)
class Operation:
    """One thing a run does to the disk.

    Attributes:
        number: counted from 1.
        name: what, and of which file.
        path: the file, where it is told.
        go: does it, for the writers that are wrapped; None where it follows by itself.
        library: of a wrapped writer: polars, geopandas, duckdb, python.
    """

    number: int
    name: str
    path: Path | None
    go: Go | None = None
    library: str = "python"

    def do(self) -> Any:
        """Do it, or let it follow."""
        return self.go() if self.go else None


Act = Callable[[Operation], Any]


class Watch:
    """Calls `act` for every operation of this process below `folder`."""

    def __init__(self, folder: Path, act: Act) -> None:
        self.folder = str(folder)
        self.act = act
        self.number = 0
        self._is_acting = False

    def install(self) -> None:
        """Begin to watch; there is no end."""
        import duckdb
        import geopandas
        import polars as pl

        for owner, name, library in (
            (pl.DataFrame, "write_parquet", "polars"),
            (pl.DataFrame, "write_csv", "polars"),
            (geopandas.GeoDataFrame, "to_parquet", "geopandas"),
            (Path, "write_text", "python"),
        ):
            self._wrap(owner, name, library)
        connect = duckdb.connect
        duckdb.connect = lambda *given, **more: _Connection(connect(*given, **more), self)
        sys.addaudithook(self._hear)

    def meet(self, name: str, path: Path | None, go: Go | None, library: str = "python") -> Any:
        """Count one operation and call `act`; what it does itself is not counted."""
        if self._is_acting:
            return go() if go else None
        self.number += 1
        self._is_acting = True
        try:
            return self.act(Operation(self.number, name, path, go, library))
        finally:
            self._is_acting = False

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if self._is_acting:
            return
        if event == "open":
            path, _, flags = given
            if isinstance(flags, int) and flags & WRITING and self._is_ours(path):
                self.meet(f"open {Path(path).name}", Path(path), None)
        elif event in CHANGES:
            # The last path told: the target of a link or a renaming.
            told = [one for one in given[:2] if isinstance(one, str | Path)]
            if told and self._is_ours(told[-1]):
                self.meet(
                    f"{event.removeprefix('os.')} {Path(told[-1]).name}", Path(told[-1]), None
                )

    def _is_ours(self, path: Any) -> bool:
        # Where trees are removed, names are relative to an open folder.
        return isinstance(path, str | Path) and (
            not Path(path).is_absolute() or str(path).startswith(self.folder)
        )

    def _wrap(self, owner: type, name: str, library: str) -> None:
        original = getattr(owner, name)

        def wrapped(this: Any, *given: Any, **more: Any) -> Any:
            target = this if owner is Path else given[0]
            if not str(target).startswith(self.folder):
                return original(this, *given, **more)
            return self.meet(
                f"{name} {Path(target).name}",
                Path(target),
                lambda: original(this, *given, **more),
                library,
            )

        setattr(owner, name, wrapped)


class _Connection:
    """A DuckDB connection whose writing statements are met one by one."""

    def __init__(self, real: Any, watch: Watch) -> None:
        self._real = real
        self._watch = watch
        self._path: Path | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, statement: str, *given: Any) -> Any:
        """Run a statement."""
        attached = ATTACHED.search(statement)
        if attached:
            self._path = Path(attached["path"])
        first = statement.split(maxsplit=1)[0].lower()
        if first not in STATEMENTS or self._path is None:
            return self._real.execute(statement, *given)
        return self._watch.meet(
            f"database {first}",
            self._path,
            lambda: self._real.execute(statement, *given),
            "duckdb",
        )

    def close(self) -> None:
        """Close it: what is in memory goes into the file."""
        self._watch.meet("database close", self._path, self._real.close, "duckdb")
