"""The analysts' database: built beside, opened read-only."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import dataframely as dy
import duckdb
import polars as pl

from pipeline.errors import StorageError, UsageError, printable
from pipeline.schema import STEP_TABLES, TABLES, polars_schema
from pipeline.store.faults import storing
from pipeline.store.files import find_parts

DATABASE = "darkport.duckdb"
# Read by the 1.5 command line and by 2.0 alike.
STORAGE_VERSION = "v1.5.0"
# Tables too large for the database: the view reads their files, from the processed folder.
VIEWS = {
    "positions": "positions/date=*/positions.parquet",
    "rejected": "rejected/*.parquet",
}
DATE_WORDS = "UTC day of the sighting; a query that names one reads that day's file alone"


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
    # The views follow into the folder of this very database, whatever is published meanwhile.
    for statement in settings_for(path.resolve().parent):
        connection.execute(statement)
    return connection


def settings_for(processed: Path) -> list[str]:
    """Return the statements after which a session tells UTC, and the views find their files.

    DuckDB takes a comma in `processed` for the end of a folder: the views are lost there.
    """
    return ["set TimeZone = 'UTC'", f"set file_search_path = {quoted_text(str(processed))}"]


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


def make_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Make a view over the files of each of VIEWS, found where `file_search_path` says.

    DuckDB wants to see files before it makes a view; it is shown empty ones with the columns of the
    schema, so that a night without a refused row has the same views as any other.

    Raises:
        StorageError: the disk is full, ...
    """
    with TemporaryDirectory() as folder, storing(Path(folder)):
        connection.execute(f"set file_search_path = {quoted_text(folder)}")
        for name, pattern in VIEWS.items():
            shown = Path(folder) / pattern.replace("date=*", "date=2000-01-01").replace("*", "none")
            shown.parent.mkdir(parents=True)
            pl.DataFrame(schema=polars_schema(TABLES[name])).write_parquet(shown)
            connection.execute(
                f"create or replace view {quoted_name(name)} as select * from read_parquet("
                f"{quoted_text(pattern)}, hive_partitioning = {str('date=' in pattern).lower()})"
            )
        connection.execute("reset file_search_path")


def comment_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the schema's words as comments on all tables, views and columns of the database."""
    # One transaction: a few hundred statements would each wait for the disk.
    connection.execute("begin")
    for kind in ("table", "view"):
        present = connection.execute(
            f"select {kind}_name from duckdb_{kind}s() where database_name = 'built'"
            " and not internal"
        ).fetchall()
        for (name,) in present:
            if table := (TABLES | STEP_TABLES).get(name):
                _comment(connection, kind, name, table)
            if "date=" in VIEWS.get(name, ""):
                words = quoted_text(DATE_WORDS)
                connection.execute(f"comment on column {quoted_name(name)}.date is {words}")
    connection.execute("commit")


def _comment(
    connection: duckdb.DuckDBPyConnection, kind: str, name: str, table: type[dy.Schema]
) -> None:
    """Write the words of `table` on one relation and its columns."""
    grain = " ".join((table.__doc__ or "").split())
    connection.execute(f"comment on {kind} {quoted_name(name)} is {quoted_text(grain)}")
    for field, column in table.columns().items():
        unit = (column.metadata or {}).get("unit", "")
        words = f"{column.description} [{unit}]" if unit else str(column.description)
        column_name = f"{quoted_name(name)}.{quoted_name(field)}"
        connection.execute(f"comment on column {column_name} is {quoted_text(words)}")


def quoted_text(text: str) -> str:
    """Return `text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def read_relation(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """Return a relation of the database as a frame, in a total order."""
    return connection.sql(f"select * from {quoted_name(name)} order by all").pl()


def list_examples(examples: Path) -> dict[str, str]:
    """Return the queries of sql/examples by name, each with its first line: what it asks."""
    return {
        path.stem: path.read_text("utf-8").partition("\n")[0].removeprefix("--").strip()
        for path in sorted(examples.glob("*.sql"))
    }


def run_example(processed: Path, examples: Path, question: str) -> pl.DataFrame:
    """Return the answer of a query of sql/examples on the published database.

    Raises:
        UsageError: there is no such query or no database.
    """
    known = list_examples(examples)
    if question not in known:
        raise UsageError(f"no question {question!r}; there are: {', '.join(known)}")
    return run_query(processed, (examples / f"{question}.sql").read_text("utf-8"))


def run_query(processed: Path, text: str) -> pl.DataFrame:
    """Return the answer of a query on the published database, which it cannot change.

    Raises:
        UsageError: there is no database, or DuckDB refuses the query.
    """
    connection = open_database(processed / DATABASE)
    try:
        answer = connection.sql(text)
        return pl.DataFrame() if answer is None else answer.pl()
    except duckdb.Error as error:
        raise UsageError(
            " ".join(printable(line) for line in str(error).split("\n\n")[:1])
        ) from error
    finally:
        connection.close()
