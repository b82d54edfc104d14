"""What users bring to calls, read strictly from CSVs: proofs, reviews, a watch list (METHOD 6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from pipeline.areas import Areas
from pipeline.errors import ConfigError, printable
from pipeline.registry import read_ship
from pipeline.schema import (
    VERDICTS,
    Confirmations,
    Reviews,
    WatchList,
    conform,
    polars_schema,
)
from pipeline.user_csv import name_refusals, read_instant, read_lines

ANSWERS = {"yes": True, "no": False}
Asked = Callable[[str, str], ConfigError]  # (column, what was expected) -> the error to raise


@dataclass(frozen=True)
class EvidenceFiles:
    """The user's own files about calls; None: there is none."""

    confirmations: Path | None = None
    reviews: Path | None = None
    watch_list: Path | None = None


NO_FILES = EvidenceFiles()


def _empty(table: type[dy.Schema]) -> pl.DataFrame:
    return pl.DataFrame(schema=polars_schema(table))


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the user's own files say about calls.

    Attributes:
        confirmations: schema.Confirmations.
        reviews: schema.Reviews.
        watch_list: schema.WatchList.
    """

    confirmations: pl.DataFrame
    reviews: pl.DataFrame
    watch_list: pl.DataFrame


NO_EVIDENCE = Evidence(_empty(Confirmations), _empty(Reviews), _empty(WatchList))


def read_evidence(files: EvidenceFiles, areas: Areas) -> Evidence:
    """Return what the user's files say, each in the order of its file.

    CSVs in UTF-8; the header is the columns of the table in any order, of confirmations without
    `port_group`. Texts are printable, and all but a watch list's `note` are asked for. A ship is
    given by `mmsi` or by `imo`.

    Args:
        files: where they are.
        areas: ports, by which a port is known.

    Raises:
        ConfigError: a file cannot be read or a value is not of its kind; names file, line and
            column, what was found and what was expected.
    """
    groups = _name_ports(areas)

    def read(path: Path | None, title: str, table: type[dy.Schema], entry: _Entry) -> pl.DataFrame:
        if path is None:
            return _empty(table)
        columns = [name for name in polars_schema(table) if name != "port_group"]
        refuse = name_refusals(title)
        rows = []
        for line, cells in read_lines(path, title, columns, refuse):

            def asked(column: str, expected: str, line: int = line, cells: Any = cells) -> Any:
                return refuse(path, line, column, cells[column], expected)

            _refuse_odd_texts(cells, asked)
            rows.append(entry(cells, asked))
        return conform(pl.DataFrame(rows, schema=polars_schema(table)), table)

    def read_proof(cells: Mapping[str, str], asked: Asked) -> dict[str, Any]:
        return _read_confirmation(cells, asked, groups)

    return Evidence(
        read(files.confirmations, "confirmations", Confirmations, read_proof),
        read(files.reviews, "reviews", Reviews, _read_review),
        read(files.watch_list, "watch list", WatchList, _read_listed),
    )


_Entry = Callable[[Mapping[str, str], Asked], dict[str, Any]]


def _read_confirmation(
    cells: Mapping[str, str], asked: Asked, groups: Mapping[str, str]
) -> dict[str, Any]:
    port = cells["port"].casefold()
    if port not in groups:
        raise asked("port", "a port group, or the id or name of a port, of the geo folder")
    # A day alone would become its midnight, which a window of some hours may lack.
    seen_at = read_instant(cells["seen_at"]) if len(cells["seen_at"]) > len("2024-09-04") else None
    if seen_at is None:
        raise asked("seen_at", "an instant in UTC, e.g. 2024-09-04T07:30:00Z")
    if cells["is_present"].casefold() not in ANSWERS:
        raise asked("is_present", "yes or no")
    return {
        **read_ship(cells, asked),
        "port": cells["port"],
        "port_group": groups[port],
        "seen_at": seen_at,
        "is_present": ANSWERS[cells["is_present"].casefold()],
        **_read_texts(cells, ("source", "analyst"), asked),
        "entered_on": _read_date(cells, "entered_on", asked),
    }


def _read_review(cells: Mapping[str, str], asked: Asked) -> dict[str, Any]:
    if not re.fullmatch("[0-9a-f]{16}", cells["call_id"]):
        raise asked("call_id", "16 hex digits, see table dark_port_calls")
    if cells["verdict"] not in VERDICTS:
        raise asked("verdict", f"one of {', '.join(VERDICTS)}")
    return {
        **_read_texts(cells, ("call_id", "verdict", "reason", "analyst"), asked),
        "reviewed_on": _read_date(cells, "reviewed_on", asked),
    }


def _read_listed(cells: Mapping[str, str], asked: Asked) -> dict[str, Any]:
    return {
        **read_ship(cells, asked),
        **_read_texts(cells, ("source", "analyst"), asked),
        "listed_on": _read_date(cells, "listed_on", asked),
        "note": cells["note"] or None,
    }


def _read_texts(cells: Mapping[str, str], names: Sequence[str], asked: Asked) -> dict[str, str]:
    for name in names:
        if not cells[name]:
            raise asked(name, "a text")
    return {name: cells[name] for name in names}


def _refuse_odd_texts(cells: Mapping[str, str], asked: Asked) -> None:
    for name, text in cells.items():
        if printable(text) != text:
            raise asked(name, "one line without control characters")


def _read_date(cells: Mapping[str, str], name: str, asked: Asked) -> date:
    found = read_instant(cells[name]) if len(cells[name]) == len("2024-09-04") else None
    if found is None:
        raise asked(name, "a date, e.g. 2024-09-04")
    return found.date()


def _name_ports(areas: Areas) -> dict[str, str]:
    """Return the port group of every port group, port id and port name, in lower case.

    An id may be given without its `port_`.
    """
    ports = [each for each in areas.folder.features if each.kind == "port"]
    named = [
        (name, each.port_group)
        for each in ports
        for name in (each.name, each.id.removeprefix("port_"), each.id)
    ]
    # A group's own name comes before that of a port elsewhere.
    named += [(name, name) for name in areas.port_groups()["port_group"]]
    return {name.casefold(): group for name, group in named if group is not None}
