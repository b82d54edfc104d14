"""The history as it is kept, and what it told of the gaps on any past night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from pipeline.errors import CheckError
from pipeline.history.compare import Basis
from pipeline.history.words import STATE
from pipeline.schema import Runs, conform

KNOWN = ("gap_id", "version", "is_present")


def list_known(versions: pl.DataFrame) -> pl.DataFrame:
    """Return (gap_id, version, is_present) of the last version of every gap, sorted by gap_id."""
    last = versions.sort("gap_id", "version").unique("gap_id", keep="last", maintain_order=True)
    return last.select(KNOWN)


def add_known(known: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return `known` after the versions `new` of one run: a night need not read the history."""
    return list_known(pl.concat([known, new.select(KNOWN)]))


def find_run_as_of(runs: pl.DataFrame, data_end: datetime) -> int | None:
    """Return the run that had the latest data up to `data_end`, the last of several; or None."""
    past = runs.filter(pl.col("data_end") <= data_end).sort("data_end", "run")
    return None if past.is_empty() else past["run"][-1]


def gaps_at_run(versions: pl.DataFrame, runs: pl.DataFrame, run: int) -> pl.DataFrame:
    """Return the gaps as told by a run, sorted by gap_id: those of its table gaps.

    Columns: run and data_end of that run, gap_id, version, since_run (the run that told it so
    first), then STATE. Empty where there is no such run.
    """
    past = versions.filter(pl.col("run") <= run).sort("gap_id", "version")
    last = past.unique("gap_id", keep="last", maintain_order=True).filter("is_present")
    of_run = runs.filter(pl.col("run") == run).select("run", "data_end")
    told = last.select("gap_id", "version", *STATE, since_run=pl.col("run"))
    columns = ["run", "data_end", "gap_id", "version", "since_run", *STATE]
    return of_run.join(told, how="cross").select(columns).sort("gap_id")


def gaps_as_of(versions: pl.DataFrame, runs: pl.DataFrame, data_end: datetime) -> pl.DataFrame:
    """Return the gaps as reported with data up to `data_end` (`gaps_at_run`); empty before that.

    The same as the macro gaps_as_of of the database (sql/macros).
    """
    run = find_run_as_of(runs, data_end)
    return gaps_at_run(versions, runs, 0 if run is None else run)


def name_part(data_end: datetime) -> str:
    """Return the file of `gap_versions` that a run's rows go to: the month of its data_end."""
    return data_end.strftime("%Y-%m")


def append_versions(month_rows: pl.DataFrame, new_rows: pl.DataFrame) -> pl.DataFrame:
    """Return a month's file with a run's rows behind those of earlier runs, by (run, gap_id).

    Raises:
        CheckError: the file holds rows of this run or a later one already.
    """
    held, new = set(month_rows["run"]), set(new_rows["run"])
    if held and new and min(new) <= max(held):
        raise CheckError(f"gap_versions: run {min(new)} cannot be added behind run {max(held)}")
    return pl.concat([month_rows, new_rows.sort("run", "gap_id")])


def append_run(runs: pl.DataFrame, row: Mapping[str, Any]) -> pl.DataFrame:
    """Return table runs with one more row, whose number `run` is `next_run(runs)`.

    Raises:
        SchemaError: a column is missing, unknown or of another type.
        CheckError: the number is not the next.
    """
    if row.get("run") != next_run(runs):
        raise CheckError(f"runs: expected run {next_run(runs)}, found {row.get('run')}")
    return pl.concat([runs, conform(pl.DataFrame([row], infer_schema_length=None), Runs)])


def next_run(runs: pl.DataFrame) -> int:
    """Return the number of the run after those of table runs, from 1."""
    return 1 if runs.is_empty() else runs["run"][-1] + 1


def last_basis(runs: pl.DataFrame) -> Basis | None:
    """Return what the gaps of the last run stand on; None before the first."""
    if runs.is_empty():
        return None
    row = runs.row(-1, named=True)
    return Basis(row["data_end"], row["method_version"], row["rules_hash"], row["code_hash"])
