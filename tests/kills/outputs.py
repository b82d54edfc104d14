"""What readers find in a processed folder, and what is left over beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kills.child import call_in_child

# Outside the promise of equal bytes (DESIGN 5): they tell of the run itself, or are a database.
BY_CONTENT = ("manifest.json", "runs.parquet", "gap_versions", "darkport.duckdb")
# What differs between two runs that did the same: the clock, what there was left to do, and
# words about an earlier run's end.
OF_THE_RUN = ("started_at", "finished_at", "days_redone", "warnings")

Look = Mapping[str, Any]


def look(processed: Path) -> Look:
    """Return what readers find: bytes and contents of all outputs.

    `files`: the SHA-256 of every file that promises equal bytes, by name; `manifest`, `runs`,
    `versions` (of gaps) and `database` (a hash of each table): contents without what tells of the
    run itself. An output that cannot be read stands there with the error.
    """
    return {"files": _hash_files(processed), **call_in_child(_read_contents, processed)}


def nothing() -> Look:
    """Return what is found before the first night."""
    return {"files": {}, "manifest": None, "runs": None, "versions": None, "database": None}


def tell_difference(found: Look, expected: Look) -> list[str]:
    """Return what differs, in words; nothing where all is as expected."""
    words = []
    for part, wanted in expected.items():
        got = found[part]
        if got == wanted:
            continue
        if isinstance(wanted, dict) and isinstance(got, dict):
            names = sorted(name for name in {*got, *wanted} if got.get(name) != wanted.get(name))
            words.append(f"{part}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}")
        else:
            words.append(f"{part}: {str(got)[:200]} instead of {str(wanted)[:200]}")
    return words


def without_history(seen: Look) -> Look:
    """Return what does not tell of runs: equal whatever number of runs it took."""
    return {
        "files": seen["files"],
        "manifest": _without(seen["manifest"], "run"),
        "database": _without(seen["database"], "runs", "gap_versions"),
    }


def _without(content: Any, *names: str) -> Any:
    """Return what is left of a mapping; what could not be read stays as it is."""
    if not isinstance(content, dict):
        return content
    return {name: value for name, value in content.items() if name not in names}


def find_broken(processed: Path) -> list[str]:
    """Return the published files that cannot be read whole, with the error."""
    return call_in_child(_read_everything, processed)


# ------------------------------------------------------------------------------- left over


def find_leftovers(processed: Path) -> list[str]:
    """Return what should not be there after a run that ended well, in words."""
    allowed = {".lock", ".current", ".generations", ".shelf"}
    words = [
        f"{path.name} is left over"
        for path in processed.iterdir()
        if path.name.startswith(".") and path.name not in allowed
    ]
    words += [f"{path.name} leads nowhere" for path in processed.iterdir() if not path.exists()]
    if (processed / ".lock").read_text("utf-8"):
        words.append(".lock names a holder")
    for pattern in ("*.wal", ".new-*", "*.new", ".*.new-link", ".duckdb_spill"):
        words += [
            f"{path.relative_to(processed)} is left over" for path in processed.rglob(pattern)
        ]
    current = (processed / ".current").resolve()
    generations = sorted(path.name for path in (processed / ".generations").iterdir())
    earlier = [name for name in generations if name != current.name]
    if len(earlier) > 1 or any(name > current.name for name in earlier):
        words.append(f"generations {generations} while {current.name} is current")
    return words + _compare_shelf(processed, current)


def _compare_shelf(processed: Path, current: Path) -> list[str]:
    named = json.loads((current / ".state" / "shelf.json").read_text("utf-8"))
    words = []
    for kind in sorted({*named, *(path.name for path in (processed / ".shelf").glob("[!.]*"))}):
        there = {path.name for path in (processed / ".shelf" / kind).glob("*")}
        wanted = set(named.get(kind, ()))
        words += [f"shelf holds {kind}/{name}, which nothing names" for name in there - wanted]
        words += [f"shelf lacks {kind}/{name}" for name in wanted - there]
    return words


# -------------------------------------------------------------------------------- contents


def _files_of(processed: Path) -> list[Path]:
    """Return every file that readers reach; names that lead nowhere are no files."""
    found: list[Path] = []
    for path in sorted(processed.glob("[!.]*")):
        found += sorted(path.rglob("*")) if path.is_dir() else [path]
    return [path for path in found if path.is_file()]


def _hash_files(processed: Path) -> dict[str, str]:
    names = {path.relative_to(processed).as_posix(): path for path in _files_of(processed)}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if name.split("/")[0] not in BY_CONTENT
    }


def _read_contents(processed: Path) -> dict[str, Any]:
    readers = {
        "manifest": _read_manifest,
        "runs": _read_runs,
        "versions": _read_versions,
        "database": _read_database,
    }
    found: dict[str, Any] = {}
    for name, read in readers.items():
        try:
            found[name] = read(processed)
        except Exception as error:  # noqa: BLE001
            found[name] = f"{type(error).__name__}: {error}"
    return found


def _read_manifest(processed: Path) -> Any:
    path = processed / "manifest.json"
    if not path.exists():
        return None
    content = json.loads(path.read_text("utf-8"))
    return {name: value for name, value in content.items() if name not in OF_THE_RUN}


def _read_runs(processed: Path) -> Any:
    import polars as pl

    path = processed / "runs.parquet"
    if not path.exists():
        return None
    rows = pl.read_parquet(path).drop(OF_THE_RUN).to_dicts()
    return [{name: str(value) for name, value in row.items()} for row in rows]


def _read_versions(processed: Path) -> Any:
    import polars as pl

    parts = sorted((processed / "gap_versions").glob("*.parquet"))
    if not parts:
        return None
    rows = pl.concat([pl.read_parquet(part) for part in parts]).sort("run", "gap_id").rows()
    return [str(row) for row in rows]


def _read_database(processed: Path) -> Any:
    import duckdb

    path = processed / "darkport.duckdb"
    if not path.exists():
        return None
    connection = duckdb.connect(str(path), read_only=True)
    try:
        return hash_tables(connection)
    finally:
        connection.close()


def hash_tables(connection: Any) -> dict[str, str]:
    """Return rows and hash of every table of a database, by name."""
    names = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
    hashes = {}
    for (name,) in names:
        left_out = f"exclude ({', '.join(OF_THE_RUN)})" if name == "runs" else ""
        row = connection.execute(
            f'select count(*), sum(hash(rows)) from (select * {left_out} from "{name}") as rows'
        ).fetchone()
        hashes[name] = f"{row[0]} rows, {row[1]}"
    return hashes


def _read_everything(processed: Path) -> list[str]:
    import polars as pl

    readers = {".parquet": pl.read_parquet, ".csv": pl.read_csv, ".json": _load_json}
    broken = []
    for path in _files_of(processed):
        try:
            if path.suffix in readers:
                readers[path.suffix](path)
        except Exception as error:  # noqa: BLE001
            broken.append(f"{path.relative_to(processed)}: {error}")
    told = _read_contents(processed)
    runs, manifest = told["runs"], told["manifest"]
    if not runs or [int(row["run"]) for row in runs] != list(range(1, len(runs) + 1)):
        broken.append(f"runs: {runs}")
    elif manifest["run"] != len(runs):
        broken.append(f"manifest tells of run {manifest['run']}, runs of {len(runs)}")
    broken += [f"{name}: {one}" for name, one in told.items() if isinstance(one, str)]
    return broken


def _load_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
