"""What nights publish, held against each other as DESIGN 5 promises it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline import store

# Equal for equal raw files, as tables; the rest of the promise is bytes (DESIGN 5).
AS_TABLES = ("files", "rejected")
# They tell of the runs, or are held by content.
OF_RUNS = ("gap_versions", "runs.parquet", "manifest.json", "darkport.duckdb")


def read_bytes(processed: Path) -> dict[str, bytes]:
    """Return every published file that promises equal bytes, by name."""
    found: dict[str, bytes] = {}
    for top in sorted(processed.glob("[!.]*")):
        if top.name in OF_RUNS or top.name.split(".")[0] in AS_TABLES:
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file():
                found[path.relative_to(processed).as_posix()] = path.read_bytes()
    return found


def read_database(processed: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table of the database, sorted, but of those that tell of runs."""
    connection = duckdb.connect(str(processed / "darkport.duckdb"), read_only=True)
    try:
        names = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
        return {
            name: connection.execute(f'select * from "{name}" order by all').fetchall()
            for (name,) in names
            if name not in ("runs", "gap_versions")
        }
    finally:
        connection.close()


def read_rows(processed: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a published table, sorted by everything."""
    frame = store.read_table(processed, name)
    return frame.sort(frame.columns, nulls_last=False).to_dicts()


def tell_differences(one: Path, other: Path, *, same_files: bool = True) -> list[str]:
    """Return what two processed folders differ in, in words; nothing where the promise is kept.

    Args:
        one, other: processed folders.
        same_files: the raw files were the same too, and not the rows alone.
    """
    words: list[str] = []
    left, right = read_bytes(one), read_bytes(other)
    words += [f"{name} is in one only" for name in sorted(left.keys() ^ right.keys())]
    words += [
        f"{name}: {_first_difference(one / name, other / name)}"
        for name in sorted(left.keys() & right.keys())
        if left[name] != right[name]
    ]
    tables = AS_TABLES if same_files else ()
    words += [
        f"{name} differs" for name in tables if read_rows(one, name) != read_rows(other, name)
    ]
    if not same_files:
        words += _compare_rows_of_files(one, other)
    in_one, in_other = read_database(one), read_database(other)
    unlike = () if same_files else ("files",)
    words += [
        f"database: {name} differs"
        for name in sorted(in_one.keys() | in_other.keys())
        if name not in unlike and in_one.get(name) != in_other.get(name)
    ]
    return words


def _compare_rows_of_files(one: Path, other: Path) -> list[str]:
    """Compare what does not hang on the names of files and the places of rows in them."""
    words: list[str] = []

    def refused(processed: Path) -> list[tuple[Any, ...]]:
        rows = store.read_table(processed, "rejected")
        return sorted(rows.select("feed", "reason", "rows", "text").rows())

    def booked(processed: Path) -> list[dict[str, Any]]:
        files = store.read_table(processed, "files")
        counts = ("read", "accepted", "duplicate", "outside", "rejected")
        return files.group_by("feed").agg(pl.col(counts).sum()).sort("feed").to_dicts()

    if refused(one) != refused(other):
        words.append("rejected differs but for files and rows")
    if booked(one) != booked(other):
        words.append("files differs in the sums of a feed")
    return words


def _first_difference(one: Path, other: Path) -> str:
    if one.suffix == ".json":
        pair = (json.loads(path.read_text("utf-8"))["rows"] for path in (one, other))
        return str(next((two for two in zip(*pair, strict=False) if two[0] != two[1]), "other"))
    if one.suffix != ".parquet":
        return "other text"
    left, right = pl.read_parquet(one), pl.read_parquet(other)
    if left.columns != right.columns or left.height != right.height:
        return f"{left.height} and {right.height} rows"
    for row, (mine, yours) in enumerate(zip(left.rows(), right.rows(), strict=True)):
        if mine != yours:
            told = [
                f"{name} {a} and {b}"
                for name, a, b in zip(left.columns, mine, yours, strict=True)
                if a != b
            ]
            return f"row {row}: {'; '.join(told)} of {dict(zip(left.columns, mine, strict=True))}"
    return "equal rows, other bytes"
