"""The analysts' database: built beside, opened read-only."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from pipeline.errors import StorageError, UsageError
from pipeline.schema import TABLES, polars_schema
from pipeline.store.faults import storing
from pipeline.store.files import find_parts

DATABASE = "darkport.duckdb"
# Read by the 1.5 command line and by 2.0 alike.
STORAGE_VERSION = "v1.5.0"


def open_build(path: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection to a new database at `path`, to be filled, closed and moved in.

    One thread and UTC: sums and orders come out alike whatever the machine.

    Raises:
        StorageError: it cannot be made there.
    """
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for stale in (path, path.with_name(path.name + ".wal")):
            stale.unlink(missing_ok=True)
        # What does not fit into memory spills here, not into the folder the job was started in.
        spill = str(path.parent / ".duckdb_spill")
        connection = duckdb.connect(":memory:", config={"threads": 1, "temp_directory": spill})
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(
            f"attach {quoted_text(str(path))} as built (storage_version '{STORAGE_VERSION}')"
        )
        connection.execute("use built")
    return connection


def finish_build(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Have all of a database in its file `path`, and close the connection.

    To close alone is not enough: where the disk is full it says nothing, and leaves the tables in
    the `.wal` beside, which is not published.

    Raises:
        StorageError: the disk is full, ...
    """
    with storing(path):
        connection.execute("checkpoint built")
        connection.close()
    if path.with_name(path.name + ".wal").exists():
        raise StorageError(f"{path} could not be written to its end; last night's outputs stand")


def open_database(path: Path) -> duckdb.DuckDBPyConnection:
    """Return a read-only connection to the analysts' database.

    Raises:
        UsageError: there is none.
    """
    if not path.is_file():
        raise UsageError(f"no database at {path}: run darkport nightly first")
    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def load_table(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Create table `name` in the database from a Parquet file or a folder of parts.

    A folder without parts gives an empty table with the schema's columns.

    Raises:
        UsageError: there is nothing at `path`.
        StorageError: the disk is full, ...
    """
    parts = find_parts(path)
    with storing(path), TemporaryDirectory() as folder:
        if not parts:
            parts = [Path(folder) / "empty.parquet"]
            pl.DataFrame(schema=polars_schema(TABLES[name])).write_parquet(parts[0])
        # One list in order of name: the rows come in that order, and the names are no patterns.
        listed = ", ".join(quoted_text(str(part)) for part in parts)
        connection.execute(
            f"create or replace table {quoted_name(name)} as"
            f" select * from read_parquet([{listed}], hive_partitioning = false)"
        )


def comment_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the schema's words as comments on the tables and columns that are in the database."""
    present = {
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'built'"
        ).fetchall()
    }
    # One transaction: a few hundred statements would each wait for the disk.
    connection.execute("begin")
    for name, table in TABLES.items():
        if name not in present:
            continue
        grain = " ".join((table.__doc__ or "").split())
        connection.execute(f"comment on table {quoted_name(name)} is {quoted_text(grain)}")
        for field, column in table.columns().items():
            unit = (column.metadata or {}).get("unit", "")
            words = f"{column.description} [{unit}]" if unit else str(column.description)
            column_name = f"{quoted_name(name)}.{quoted_name(field)}"
            connection.execute(f"comment on column {column_name} is {quoted_text(words)}")
    connection.execute("commit")


def quoted_text(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def read_relation(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """Return a relation of the database as a frame, in a total order."""
    return connection.sql(f"select * from {quoted_name(name)} order by all").pl()


def run_example(processed: Path, examples: Path, question: str) -> pl.DataFrame:
    """Return the answer of a query of sql/examples on the published database.

    Raises:
        UsageError: there is no such query or no database.
    """
    known = sorted(path.stem for path in examples.glob("*.sql"))
    if question not in known:
        raise UsageError(f"no question {question!r}; there are: {', '.join(known)}")
    connection = open_database(processed / DATABASE)
    try:
        return connection.sql((examples / f"{question}.sql").read_text("utf-8")).pl()
    finally:
        connection.close()
