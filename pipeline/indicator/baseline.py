"""The years before 2022 from a user's file, where the own archive begins later (METHOD 7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ConfigError
from pipeline.indicator.totals import SCOPES
from pipeline.schema import Baseline, conform, polars_schema
from pipeline.ships import known_flags
from pipeline.user_csv import read_records

SHOWN_CHARACTERS = 40
MONTH = re.compile(r"(\d{4})-(\d\d)(-01)?", re.ASCII)
KEY = ("month", "scope", "flag", "area", "port_group", "at_least_h")
WHOLE = ("at_least_h", "ships", "gaps")
DECIMAL = ("ship_hours", "expected_calls", "visits")
DIMENSIONS = ("flag", "area", "port_group")


def no_baseline() -> pl.DataFrame:
    """Return a baseline without rows."""
    return pl.DataFrame(schema=polars_schema(Baseline))


def read_baseline(path: Path) -> pl.DataFrame:
    """Return the user's base years: schema.Baseline, sorted by its key.

    A CSV in UTF-8 whose header is the columns of schema.Baseline in any order. `month` is
    2021-05 or 2021-05-01; flag, area and port_group may be `all`; expected_calls, visits and
    observability may be empty, and then only the raw gap ratio has a base.

    Raises:
        ConfigError: the file cannot be read, a value is not of its kind, or two lines have the same
            key; names line and column, what was found and what was expected.
    """
    columns = list(polars_schema(Baseline))
    header, records = read_records(path, "baseline", _refusal)
    if sorted(header) != sorted(columns):
        found = ", ".join(header)
        raise _refusal(path, 1, "header", found, f"the columns {', '.join(columns)}")
    rows: list[dict[str, Any]] = []
    lines: dict[tuple[Any, ...], int] = {}
    for line, cells in records:
        row = _read_row(path, line, cells)
        key = tuple(row[name] for name in KEY)
        if key in lines:
            raise _refusal(
                path, line, "month", cells["month"], f"no repetition of line {lines[key]}"
            )
        lines[key] = line
        rows.append(row)
    return conform(pl.DataFrame(rows, schema=polars_schema(Baseline)), Baseline).sort(KEY)


def _read_row(path: Path, line: int, cells: dict[str, str]) -> dict[str, Any]:
    """Return one line's values, typed; null where the cell is empty."""

    def refuse(column: str, expected: str) -> ConfigError:
        return _refusal(path, line, column, cells[column], expected)

    month = MONTH.fullmatch(cells["month"])
    if not month or not 1 <= int(month[2]) <= 12 or not int(month[1]) >= 1:
        raise refuse("month", "a month, e.g. 2021-05")
    if cells["scope"] not in SCOPES:
        raise refuse("scope", f"one of {', '.join(SCOPES)}")
    if cells["flag"] not in (*known_flags(), "all", "unknown"):
        raise refuse("flag", "a country code of ISO 3166-1 alpha-3, unknown, or all")
    for name in ("area", "port_group", "source"):
        if not cells[name]:
            raise refuse(name, "where the row comes from" if name == "source" else "a name, or all")
    row: dict[str, Any] = {**cells, "month": date(int(month[1]), int(month[2]), 1)}
    for name in WHOLE:
        row[name] = _read_number(cells[name], whole=True)
        if row[name] is None and (cells[name] or name == "at_least_h"):
            raise refuse(name, "a whole number, not below 0")
    for name in (*DECIMAL, "observability"):
        row[name] = _read_number(cells[name], whole=False)
        if row[name] is None and cells[name]:
            raise refuse(name, "a number, not below 0")
    if row["observability"] is not None and not 0 < row["observability"] <= 1:
        raise refuse("observability", "a share above 0 and up to 1")
    if (
        row["expected_calls"] is not None
        and (row["visits"] or row["expected_calls"]) < row["expected_calls"]
    ):
        raise refuse("visits", "no fewer visits than expected_calls")
    return row


def _read_number(text: str, *, whole: bool) -> float | int | None:
    """Return the number not below 0, or None where the text is none."""
    pattern = r"\d{1,15}" if whole else r"\d{1,15}(\.\d{1,9})?"
    if not re.fullmatch(pattern, text, re.ASCII):
        return None
    return int(text) if whole else float(text)


def pick_parts(rows: pl.DataFrame, by: Sequence[str] = ("month", "scope")) -> pl.DataFrame:
    """Return rows that add up: where a month has `all` for a dimension, its parts are left out."""
    for name in DIMENSIONS:
        is_whole = pl.col(name) == "all"
        rows = rows.filter(is_whole | ~is_whole.any().over(*by))
    return rows


def _refusal(path: Path, line: int, column: str, found: object, expected: str) -> ConfigError:
    shown = repr(found if isinstance(found, int) else str(found)[:SHOWN_CHARACTERS])
    return ConfigError(
        f"baseline {path}, line {line}, column {column}: found {shown}, expected {expected}"
    )
