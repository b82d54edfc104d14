"""Rows for tests: a test names the fields it is about, the rest is filled from the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import dataframely as dy
import duckdb
import polars as pl

from pipeline import schema

DATA_END = datetime(2023, 8, 1)

# What a field means by default, in any table where it may not be null.
USUAL: dict[str, Any] = {
    "mmsi": 273_000_001,
    "fleet": "merchant",
    "receiver": "terrestrial",
    "status": "provisional",
    "area": "caspian",
    "port_group": "none",
    "port_country": "RUS",
    "data_end": DATA_END,
    "reasons": "built for a test",
    "source": "test",
    "unit": "h",
    "method_version": "0.0.0",
    "rules_hash": "000000000000",
    "report_arrow": "not assessable",
    "gap_ids": "",
}

BY_TYPE: dict[Any, Any] = {
    pl.String: "",
    pl.Boolean: False,
    pl.Date: date(2023, 5, 1),
    pl.Datetime: datetime(2023, 5, 10),
    pl.Float64: 0.0,
    pl.Float32: 0.0,
}

# A default that follows from the fields already there and the number of the row, in this order.
Following = Callable[[Mapping[str, Any], int], Any]


def _ship_id(row: Mapping[str, Any], _: int) -> str:
    return f"mmsi:{row.get('mmsi', USUAL['mmsi'])}"


def _duration_s(row: Mapping[str, Any], _: int) -> int | None:
    if row.get("on_at") is None:
        return None
    return int((row["on_at"] - row["off_at"]).total_seconds())


def _duration_h(row: Mapping[str, Any], _: int) -> float | None:
    return None if row["duration_s"] is None else row["duration_s"] / 3600


def _status(row: Mapping[str, Any], _: int) -> str:
    month_ends = (row["month"] + timedelta(days=31)).replace(day=1)
    is_final = month_ends + timedelta(days=45) <= row["data_end"].date()
    return "final" if is_final else "provisional"


FOLLOWING: dict[type[dy.Schema], dict[str, Following]] = {
    schema.Gaps: {
        "gap_id": lambda row, number: f"gap-{number:03}",
        "ship_id": _ship_id,
        "flag": lambda row, number: "RUS",
        "off_at": lambda row, number: BY_TYPE[pl.Datetime],
        "off_area": lambda row, number: "caspian",
        "off_port_group": lambda row, number: "none",
        "duration_s": _duration_s,
        "duration_h": _duration_h,
        "is_closed": lambda row, number: row.get("on_at") is not None,
        "month": lambda row, number: row["off_at"].date().replace(day=1),
        "data_end": lambda row, number: DATA_END,
        "status": _status,
    },
    schema.ShipMonths: {
        "ship_id": _ship_id,
        "flag": lambda row, number: "RUS",
        "sightings": lambda row, number: 1,
    },
    schema.DarkPortCalls: {
        "call_id": lambda row, number: f"call-{number:03}",
        "visit_id": lambda row, number: f"visit-{number:03}",
        "ship_id": _ship_id,
        "flag": lambda row, number: "RUS",
        "port_group": lambda row, number: "astrakhan",
    },
    schema.NearPortGaps: {
        "gap_id": lambda row, number: f"gap-{number:03}",
        "ship_id": _ship_id,
        "flag": lambda row, number: "RUS",
        "port_group": lambda row, number: "astrakhan",
    },
    schema.CallSums: {
        "flag": lambda row, number: "RUS",
        "port_group": lambda row, number: "astrakhan",
    },
    schema.CallChances: {
        "ship_id": _ship_id,
        "gap_id": lambda row, number: f"gap-{number:03}",
        "flag": lambda row, number: "RUS",
        "port_group": lambda row, number: "astrakhan",
        "is_counted": lambda row, number: not row.get("is_glimpsed", False),
        "visit_gap_id": lambda row, number: row["gap_id"] if row["is_counted"] else None,
        "p_unheard": lambda row, number: 0.0,
    },
    schema.LitPortCalls: {
        "call_id": lambda row, number: f"lit-{number:03}",
        "ship_id": _ship_id,
        "flag": lambda row, number: "RUS",
        "port_group": lambda row, number: "astrakhan",
    },
    schema.Legs: {"ship_id": _ship_id},
    schema.CanalTransits: {"ship_id": _ship_id},
    schema.Files: {"file": lambda row, number: f"file-{number:03}.csv"},
    schema.Positions: {"heard_by": lambda row, number: "feed|terrestrial|"},
}


def row(table: type[dy.Schema], number: int = 1, **values: Any) -> dict[str, Any]:
    """Return one row of `table`: `values`, what follows from them, and defaults for the rest.

    A field that may be null and is not given is null, unless FOLLOWING says otherwise.
    """
    columns = table.columns()
    unknown = [name for name in values if name not in columns]
    assert not unknown, f"{table.__name__} has no {unknown}"
    filled = dict(values)
    for name, follow in FOLLOWING.get(table, {}).items():
        if name not in filled:
            filled[name] = follow(filled, number)
    for name, column in columns.items():
        if name not in filled:
            filled[name] = None if column.nullable else _default(name, column.dtype)
    return filled


def frame(table: type[dy.Schema], rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return a frame of `table` with one row per entry of `rows`, numbered from 1."""
    filled = [row(table, number, **values) for number, values in enumerate(rows, start=1)]
    return pl.DataFrame(filled, schema=schema.polars_schema(table))


def connect(tables: Mapping[str, pl.DataFrame], zone: str = "UTC") -> duckdb.DuckDBPyConnection:
    """Return a database in memory that holds `tables`, its session in the time zone `zone`."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute(f"set TimeZone = '{zone}'")
    for name, given in tables.items():
        connection.register("given", given)
        connection.execute(f"create table {name} as select * from given")
        connection.unregister("given")
    return connection


def add_empty_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make every table of the database that is not there yet, without a row: macros are bound."""
    there = {name for (name,) in connection.execute("show tables").fetchall()}
    for name, table in {**schema.TABLES, **schema.STEP_TABLES}.items():
        if name not in there:
            connection.register("given", pl.DataFrame(schema=schema.polars_schema(table)))
            connection.execute(f"create table {name} as select * from given")
            connection.unregister("given")


def _default(name: str, dtype: pl.DataType) -> Any:
    return USUAL.get(name, BY_TYPE.get(dtype.base_type(), 0))


def no_voyages() -> dict[str, pl.DataFrame]:
    """Return the tables of voyages and of candidates without a row."""
    tables = (schema.LitPortCalls, schema.Legs, schema.CanalTransits)
    tables += (schema.PortCandidates, schema.CallSums, schema.CallChances, schema.NearPortGaps)
    tables += (schema.Baseline, schema.PortGroups)
    names = ("lit_port_calls", "legs", "canal_transits")
    names += (
        "port_candidates",
        "call_sums",
        "call_chances",
        "near_port_gaps",
        "baseline",
        "port_groups",
    )
    return {name: frame(table, []) for name, table in zip(names, tables, strict=True)}
