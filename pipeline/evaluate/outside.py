"""Labels from elsewhere: a CSV of gaps or of calls that somebody knows the truth about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import polars as pl

from pipeline.errors import ConfigError, printable
from pipeline.user_csv import read_records

SHOWN_CHARACTERS = 40
# Columns that may stand beside the labels and are not read.
REMARKS = ("source", "analyst", "note")

INSTANT = pl.Datetime("us")
GAP_COLUMNS: dict[str, Any] = {
    "gap_id": pl.String,
    "mmsi": pl.Int32,
    "off_at": INSTANT,
    "on_at": INSTANT,
    "is_off": pl.Boolean,
}
CALL_COLUMNS: dict[str, Any] = {
    "mmsi": pl.Int32,
    "imo": pl.Int64,
    "port_group": pl.String,
    "arrival_at": INSTANT,
    "departure_at": INSTANT,
    "is_dark": pl.Boolean,
}
TRUTHS = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of `gaps` (columns of GAP_COLUMNS) or `calls` (CALL_COLUMNS); `line` of the file."""

    kind: Literal["gaps", "calls"]
    rows: pl.DataFrame


def read_labels(path: Path) -> Labels:
    """Return the labels of a CSV in UTF-8, whose header says whether they are of gaps or calls.

    Gaps: `is_off`, and either `gap_id` or `mmsi`, `off_at` and `on_at`. Calls: `is_dark`,
    `port_group`, `arrival_at`, `departure_at`, and `mmsi` or `imo`. Yes and no are 1 and 0 or true
    and false; instants ISO 8601, in UTC where they name no zone. Columns `source`, `analyst` and
    `note` may stand beside.

    Raises:
        ConfigError: the file cannot be read or a value is not of its kind; names line and column,
            what was there and what was expected.
    """
    header, lines = read_records(path, "labels", _refusal)
    kind = _kind_of(path, header)
    columns = GAP_COLUMNS if kind == "gaps" else CALL_COLUMNS
    rows = [
        {"line": line, **_read_cells(path, line, cells, columns, kind)} for line, cells in lines
    ]
    if not rows:
        raise ConfigError(f"labels {path}: no row below the header")
    return Labels(kind, pl.DataFrame(rows, schema={"line": pl.Int64, **columns}))


def _kind_of(path: Path, header: list[str]) -> Literal["gaps", "calls"]:
    expected = (
        "is_off with gap_id or mmsi, off_at, on_at; or is_dark with mmsi or imo, port_group,"
        " arrival_at, departure_at"
    )
    given = set(header)
    is_gaps = "is_off" in given and ("gap_id" in given or {"mmsi", "off_at", "on_at"} <= given)
    is_calls = {"is_dark", "port_group", "arrival_at", "departure_at"} <= given and bool(
        {"mmsi", "imo"} & given
    )
    known = set(GAP_COLUMNS if is_gaps else CALL_COLUMNS) | set(REMARKS)
    if is_gaps == is_calls or not given <= known or len(given) != len(header):
        raise _refusal(path, 1, "header", ", ".join(header), expected)
    return "gaps" if is_gaps else "calls"


def _read_cells(
    path: Path,
    line: int,
    cells: Mapping[str, str],
    columns: Mapping[str, Any],
    kind: Literal["gaps", "calls"],
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in columns:
        text = cells.get(column, "")
        read, expected = READERS.get(column, (str, "a text"))
        try:
            values[column] = read(text) if text else None
        except ValueError:
            raise _refusal(path, line, column, text, expected) from None
    needed = ("is_off",) if kind == "gaps" else tuple(CALL_COLUMNS)[2:]
    for column in needed:
        if values[column] is None:
            expected = READERS.get(column, (str, "a text"))[1]
            raise _refusal(path, line, column, "", expected)
    if kind == "calls" and values["mmsi"] is None and values["imo"] is None:
        raise _refusal(path, line, "mmsi", "", "an MMSI, or an IMO number in column imo")
    is_named = values.get("gap_id") is not None or all(
        values.get(name) is not None for name in ("mmsi", "off_at", "on_at")
    )
    if kind == "gaps" and not is_named:
        raise _refusal(path, line, "gap_id", "", "a gap_id, or mmsi, off_at and on_at")
    return values


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def _number(digits: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if len(text) != digits or not (text.isascii() and text.isdigit()):
            raise ValueError(text)
        return int(text)

    return read


def _yes(text: str) -> bool:
    if text.lower() not in TRUTHS:
        raise ValueError(text)
    return TRUTHS[text.lower()]


READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "mmsi": (_number(9), "nine digits"),
    "imo": (_number(7), "seven digits"),
    **dict.fromkeys(
        ("off_at", "on_at", "arrival_at", "departure_at"),
        (_instant, "an instant of UTC like 2023-05-10T06:00:00Z"),
    ),
    **dict.fromkeys(("is_off", "is_dark"), (_yes, "1, 0, true or false")),
}


def _refusal(path: Path, line: int, column: str, found: object, expected: str) -> ConfigError:
    shown = printable(found)[:SHOWN_CHARACTERS]
    return ConfigError(
        f"labels {path}, line {line}, column {column}: found {shown!r}, expected {expected}"
    )
