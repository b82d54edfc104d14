"""The user's dated overrides of flag and fleet, read strictly from a CSV (METHOD 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ConfigError
from pipeline.schema import FLEETS, ShipRegistry, conform, polars_schema
from pipeline.ships import imo_is_valid, known_flags
from pipeline.user_csv import name_refusals, read_instant, read_lines

TITLE = "ship registry"
_refusal = name_refusals(TITLE)


def no_registry() -> pl.DataFrame:
    """Return a registry without entries."""
    return pl.DataFrame(schema=polars_schema(ShipRegistry))


def read_registry(path: Path) -> pl.DataFrame:
    """Return the user's overrides of flag and fleet: schema.ShipRegistry, in the file's order.

    A CSV in UTF-8 whose header is the columns of schema.ShipRegistry in any order. Each line
    gives either `mmsi` or `imo`, `flag` (ISO 3166-1 alpha-3) or `fleet` or both, a `source`, and
    may give `valid_from` (included), `valid_to` (not included) and `analyst`. Instants are ISO
    8601 in UTC; a date alone means its midnight.

    Raises:
        ConfigError: the file cannot be read, a value is not of its kind, or two intervals of one
            ship overlap; names line and column, what was found and what was expected.
    """
    lines = read_lines(path, TITLE, list(polars_schema(ShipRegistry)), _refusal)
    entries = [(line, _read_entry(path, line, cells)) for line, cells in lines]
    _refuse_overlaps(path, entries)
    rows = [entry for _, entry in entries]
    return conform(pl.DataFrame(rows, schema=polars_schema(ShipRegistry)), ShipRegistry)


def _read_entry(path: Path, line: int, cells: dict[str, str]) -> dict[str, Any]:
    """Return one line's values, typed; null where the cell is empty."""

    def refuse(column: str, expected: str) -> ConfigError:
        return _refusal(path, line, column, cells[column], expected)

    numbers = read_ship(cells, refuse)
    flag, fleet = cells["flag"], cells["fleet"]
    if not flag and not fleet:
        raise refuse("flag", "a flag or a fleet")
    if flag and flag not in known_flags():
        raise refuse("flag", "a country code of ISO 3166-1 alpha-3, e.g. IRN")
    if fleet and fleet not in FLEETS:
        raise refuse("fleet", f"one of {', '.join(FLEETS)}")
    if not cells["source"]:
        raise refuse("source", "where the entry comes from")
    instants = {}
    for column in ("valid_from", "valid_to"):
        instants[column] = read_instant(cells[column])
        if cells[column] and instants[column] is None:
            raise refuse(column, "an instant in UTC, e.g. 2023-05-01 or 2023-05-01T06:00:00Z")
    starts_at, ends_at = instants["valid_from"], instants["valid_to"]
    if starts_at and ends_at and starts_at >= ends_at:
        raise refuse("valid_to", f"an instant after valid_from {cells['valid_from']!r}")
    texts = {name: cells[name] or None for name in ("flag", "fleet", "source", "analyst")}
    return {**numbers, **instants, **texts}


def read_ship(
    cells: Mapping[str, str], refuse: Callable[[str, str], ConfigError]
) -> dict[str, int | None]:
    """Return the ship a line names: its mmsi or its imo, the other null.

    Args:
        cells: column -> text.
        refuse: (column, what was expected) -> the error to raise.

    Raises:
        ConfigError: not exactly one of the two is given, or it is no ship's.
    """
    mmsi, imo = cells["mmsi"], cells["imo"]
    if bool(mmsi) == bool(imo):
        raise refuse("mmsi", "either an mmsi or an imo, and not both")
    if mmsi and not re.fullmatch("[2-7][0-9]{8}", mmsi):
        raise refuse("mmsi", "nine digits of a ship, the first 2 to 7")
    if imo and not (re.fullmatch("[0-9]{7}", imo) and _imo_number_is_valid(int(imo))):
        raise refuse("imo", "seven digits, the last a right check digit")
    return {"mmsi": int(mmsi) if mmsi else None, "imo": int(imo) if imo else None}


def _imo_number_is_valid(imo: int) -> bool:
    return bool(pl.select(imo_is_valid(pl.lit(imo, pl.Int64))).item())


def _refuse_overlaps(path: Path, entries: list[tuple[int, dict[str, Any]]]) -> None:
    """Raise a ConfigError where two intervals of one MMSI, or of one IMO number, overlap."""

    def when(entry: tuple[int, dict[str, Any]]) -> tuple[int, int, datetime, int]:
        line, cells = entry
        return cells["mmsi"] or 0, cells["imo"] or 0, cells["valid_from"] or datetime.min, line

    for before, after in pairwise(sorted(entries, key=when)):
        is_same_ship = when(before)[:2] == when(after)[:2]
        if is_same_ship and (before[1]["valid_to"] or datetime.max) > when(after)[2]:
            line, starts_at = after[0], after[1]["valid_from"] or ""
            expected = f"no overlap with the interval of the same ship in line {before[0]}"
            raise _refusal(path, line, "valid_from", starts_at, expected)
