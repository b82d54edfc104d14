"""Runs sql/: the monthly tables in their order, then the checks that must select nothing.

What is drawn at random (intervals, ratings, trends) and tested (spikes) is made by `indicator` from
the tables before it, as tables that the marts after it join.

Every file of sql/marts is one `select`, named like the relation it becomes; every file of
sql/checks is one `select` of the rows that break the sentence in its first line; every file of
sql/macros makes the table macro it is named like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline import indicator
from pipeline.errors import SchemaError
from pipeline.rules import CauseRules, IndicatorRules, ReceptionRules, read_group

# In this order: a mart reads the inputs and the marts before it.
MARTS = (
    "published_counts",
    "months",
    "thresholds",
    "scopes",
    "gap_ladder",
    "monthly_gaps",
    "monthly_dark_port_calls",
    "indicator",
    "indicator_years",
    "sensitivity",
    "published_beside_ours",
)
# In this order: a macro reads tables and the macros before it.
MACROS = (
    *("gaps_as_of", "monthly_gaps_as_of", "hours_of_gap", "port_groups", "gaps_near"),
    *("ships_dark_near", "find_ships", "ship_story", "monthly", "dark_share", "calls_at"),
    "positions",
)
# Relations that must be in the connection beforehand.
INPUTS = (
    *("files", "rules", "gaps", "dark_port_calls", "call_sums", "near_port_gaps"),
    *("lit_port_calls", "ship_months", "outage_hours", "call_chances", "baseline"),
    *("port_candidates", "port_groups"),
)

OFFENDERS_SHOWN = 5


@dataclass(frozen=True)
class Failure:
    """A check that selected rows: its name, its sentence and the first few of the rows."""

    name: str
    sentence: str
    offenders: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        rows = "; ".join(
            ", ".join(f"{column} {value}" for column, value in row.items())
            for row in self.offenders
        )
        return f"{self.name}: not true that {self.sentence!r}: {rows}"


def roll_up(
    connection: duckdb.DuckDBPyConnection, sql_folder: Path, parameters: Mapping[str, Any]
) -> list[str]:
    """Make the tables of `sql_folder`/marts in `connection` and return their names, in order.

    The connection holds the relations of INPUTS. `parameters` are bound by name where a file
    uses them: `data_end` (UTC, without a zone), `method_version`, `rules_hash`.

    Raises:
        SchemaError: an input, a column or a parameter is missing or of the wrong type.
    """
    data_end = parameters.get("data_end")
    if not isinstance(data_end, datetime) or data_end.tzinfo is not None:
        raise SchemaError(
            f"data_end: expected an instant of UTC without a zone, found {data_end!r}"
        )
    values = {
        **parameters,
        "contract_version": indicator.CONTRACT_VERSION,
        "published_counts_file": str(sql_folder / "published_counts.csv"),
    }
    published: indicator.Published | None = None
    for name in MARTS:
        _make_table(connection, sql_folder / "marts" / f"{name}.sql", values)
        if name == "gap_ladder":
            # No mart after it changes what is drawn from, so that it is read and drawn once.
            published = _read_published(connection)
            _draw_totals(connection, published)
        elif name == "monthly_gaps":
            assert published is not None, "gap_ladder comes before monthly_gaps"
            _tell_trends(connection, published, values)
    return list(MARTS)


def _draw_totals(connection: duckdb.DuckDBPyConnection, published: indicator.Published) -> None:
    """Make what the marts join: off_intervals, call_intervals, ratings, year_ratings, choices."""
    _keep(connection, "off_intervals", indicator.draw_gap_intervals(published))
    names = ("call_intervals", "ratings", "year_ratings")
    for name, frame in zip(names, indicator.rate(published), strict=True):
        _keep(connection, name, frame)
    _keep(connection, "choices", indicator.try_choices(published, _read_places(connection)))


def _tell_trends(
    connection: duckdb.DuckDBPyConnection,
    published: indicator.Published,
    values: Mapping[str, Any],
) -> None:
    """Make trends, which the indicator joins, and table spikes."""
    monthly = _read(connection, "monthly_gaps")
    _keep(connection, "trends", indicator.tell_trends(published, monthly))
    names = (str(values[name]) for name in ("method_version", "rules_hash"))
    spikes = indicator.find_spikes(monthly, published.rules, *names)
    _keep(connection, "spikes", spikes, is_published=True)


def _read_published(connection: duckdb.DuckDBPyConnection) -> indicator.Published:
    tables = (
        "gaps",
        "call_chances",
        "dark_port_calls",
        "lit_port_calls",
        "ship_months",
        "baseline",
    )
    marts = ("gap_ladder", "months", "scopes")
    rules = _read(connection, "rules")
    return indicator.Published(
        **{name: _read(connection, name) for name in (*tables, *marts)},
        rules=read_group(rules, "indicator", IndicatorRules),
        months_back=read_group(rules, "reception", ReceptionRules).months_back,
    )


def _read_places(connection: duckdb.DuckDBPyConnection) -> indicator.Places:
    """Return what the choices ask of port groups, and of the candidates that chances name."""
    # Three years of candidates are millions of rows; the last twelve months are asked about.
    candidates = (
        "(select gap_id, port_group, slack_h, p_prior, p_call_flat from port_candidates"
        " semi join (select gap_id, port_group from call_chances where month > (select max(month)"
        " from months where is_complete) - interval 12 month) using (gap_id, port_group))"
    )
    causes = read_group(_read(connection, "rules"), "causes", CauseRules)
    return indicator.Places(
        _read(connection, candidates), _read(connection, "port_groups"), causes.min_visit_h
    )


def _read(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    try:
        return connection.sql(f"select * from {name} order by all").pl()
    except duckdb.CatalogException as error:
        raise SchemaError(f"{name}: {str(error).splitlines()[0]}") from error


def _keep(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    frame: pl.DataFrame,
    *,
    is_published: bool = False,
) -> None:
    """Put a frame into the connection: for this run, or as a table of the database."""
    kind = "table" if is_published else "temp table"
    connection.register("frame_given", frame.to_arrow())
    connection.execute(f"create or replace {kind} {name} as select * from frame_given")
    connection.unregister("frame_given")


def make_macros(connection: duckdb.DuckDBPyConnection, sql_folder: Path) -> list[str]:
    """Make the table macros of `sql_folder`/macros in `connection` and return their names.

    Run after `roll_up`, with tables `gap_versions`, `runs`, `reception_cells` and `gap_hours`
    there. Nothing is bound: a macro takes no values when it is made (DuckDB), only when it is
    asked.

    Raises:
        SchemaError: a relation or a column that a macro reads is missing.
    """
    for name in MACROS:
        path = sql_folder / "macros" / f"{name}.sql"
        text = path.read_text("utf-8")
        sentence = sentence_of(text).replace("'", "''")
        try:
            connection.execute(text)
            connection.execute(f"comment on macro table {name} is '{sentence}'")
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise _schema_error(path, error) from error
    return list(MACROS)


def run_checks(connection: duckdb.DuckDBPyConnection, sql_folder: Path) -> list[Failure]:
    """Return the checks of `sql_folder`/checks that select rows, by name; empty when all hold.

    Run after `roll_up`, in the same connection.

    Raises:
        SchemaError: a relation or a column that a check reads is missing.
    """
    paths = sorted((sql_folder / "checks").glob("*.sql"))
    return [failure for path in paths if (failure := run_check(connection, path))]


def run_check(connection: duckdb.DuckDBPyConnection, path: Path) -> Failure | None:
    """Return what the check in the file `path` finds, or None where its sentence is true."""
    text = path.read_text("utf-8")
    try:
        result = connection.execute(text)
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise _schema_error(path, error) from error
    columns = [column[0] for column in result.description or []]
    rows = result.fetchmany(OFFENDERS_SHOWN)
    if not rows:
        return None
    offenders = tuple(dict(zip(columns, row, strict=True)) for row in rows)
    return Failure(path.stem, sentence_of(text), offenders)


def sentence_of(text: str) -> str:
    """Return the first line of an SQL file, without its comment sign."""
    return text.partition("\n")[0].removeprefix("--").strip()


def _make_table(
    connection: duckdb.DuckDBPyConnection, path: Path, values: Mapping[str, Any]
) -> None:
    """Make the table named like the file from its select, its first line as the comment."""
    text = path.read_text("utf-8")
    used = {name for part in connection.extract_statements(text) for name in part.named_parameters}
    missing = sorted(used - values.keys())
    if missing:
        raise SchemaError(f"{path.name}: no value for {', '.join(missing)}; given {sorted(values)}")
    statement = f"create or replace table {path.stem} as\n{text}"
    try:
        connection.execute(statement, {name: values[name] for name in used})
        sentence = sentence_of(text).replace("'", "''")
        connection.execute(f"comment on table {path.stem} is '{sentence}'")
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ConversionException) as error:
        raise _schema_error(path, error) from error


def _schema_error(path: Path, error: duckdb.Error) -> SchemaError:
    return SchemaError(f"{path.parent.name}/{path.name}: {str(error).splitlines()[0]}")
