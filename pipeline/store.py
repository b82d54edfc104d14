"""The only disk and DuckDB: every file is written here, sorted, in fixed row groups, then moved in.

Sorted rows in row groups of a fixed size give the same bytes from run to run; without the size,
polars cuts the groups by what its threads happen to deliver.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dataframely as dy
import duckdb
import polars as pl
from dataframely.exc import ValidationError

from pipeline.errors import CheckError, LockedError, UsageError
from pipeline.schema import TABLES, conform

ROW_GROUP_SIZE = 131_072
DATABASE = "darkport.duckdb"
# Read by the 1.5 command line and by 2.0 alike.
STORAGE_VERSION = "v1.5.0"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


# ------------------------------------------------------------------------------------ raw files


def find_raw_files(raw: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return (raw files sorted by path, folders that cannot be read with the reason).

    Hidden files and `mapping.toml` are not data.

    Raises:
        UsageError: `raw` is no folder.
    """
    if not raw.is_dir():
        raise UsageError(f"raw folder {raw} does not exist")
    unreadable: list[tuple[Path, str]] = []

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename), error.strerror or "cannot be read"))

    found: list[Path] = []
    for folder, folders, names in os.walk(raw, onerror=note, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.extend(
            Path(folder, name)
            for name in names
            if not name.startswith(".") and name != "mapping.toml"
        )
    return sorted(found, key=lambda path: path.relative_to(raw).as_posix()), unreadable


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# -------------------------------------------------------------------------------------- parquet


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write `frame` as it is sorted, in fixed row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="zstd", statistics=True, row_group_size=ROW_GROUP_SIZE)


def write_table(frame: pl.DataFrame, name: str, folder: Path) -> None:
    """Write table `name` of the schema as `<name>.parquet`; columns must be the schema's.

    Raises:
        SchemaError: a column is missing, surplus or of another type.
        CheckError: a row breaks a rule of the schema.
    """
    write_parquet(validate(frame, TABLES[name]), folder / f"{name}.parquet")


def validate(frame: pl.DataFrame, table: type[dy.Schema]) -> pl.DataFrame:
    """Return `frame` after holding it against the rules of `table`.

    Raises:
        SchemaError, CheckError: naming the table and the rule that is broken.
    """
    conformed = conform(frame, table)
    try:
        table.validate(conformed)
    except (ValidationError, pl.exceptions.PolarsError) as error:
        lines = " ".join(line.strip() for line in str(error).splitlines()[:6])
        raise CheckError(f"table {table.__name__}: {lines}") from error
    return conformed


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a CSV whose text cells never start a formula in a spreadsheet."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    safe = frame.with_columns(
        pl.when(_starts_formula(name)).then(pl.lit("'") + pl.col(name)).otherwise(name).alias(name)
        for name in texts
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    safe.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")


def _starts_formula(name: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).str.starts_with(start) for start in FORMULA_STARTS)


def write_geoparquet(frame: pl.DataFrame, path: Path) -> None:
    """Write rows with off_lon, off_lat, on_lon, on_lat as lines.

    A point stands where there is no end, or where the end is the beginning: a line of no length
    is no valid geometry.

    Read by geopandas and QGIS; the coordinates are longitude and latitude (OGC:CRS84).
    """
    import geopandas
    import shapely

    columns = ("off_lon", "off_lat", "on_lon", "on_lat")
    lines = [
        shapely.Point(off_lon, off_lat)
        if on_lon is None or (off_lon, off_lat) == (on_lon, on_lat)
        else shapely.LineString([(off_lon, off_lat), (on_lon, on_lat)])
        for off_lon, off_lat, on_lon, on_lat in frame.select(columns).iter_rows()
    ]
    table = geopandas.GeoDataFrame(
        frame.to_pandas(use_pyarrow_extension_array=True), geometry=lines, crs="EPSG:4326"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)


# ------------------------------------------------------------------------------- staged reports


class Stage:
    """Reports of raw files, cleaned row by row and kept by UTC day until the day is put together.

    Attributes:
        folder: where the parts lie: `<kind>/<date>/<file_no>-<part>.parquet`.
    """

    kinds = ("sightings", "statics", "beacons")

    def __init__(self, folder: Path, buffer_rows: int = 1_000_000) -> None:
        self.folder = folder
        self.buffer_rows = buffer_rows
        self._parts = 0
        self._buffers: dict[str, list[pl.DataFrame]] = {kind: [] for kind in self.kinds}

    def add(self, kind: str, frame: pl.DataFrame) -> None:
        """Take some rows of `kind`; they have `seen_at` and `file_no`."""
        if frame.is_empty():
            return
        self._buffers[kind].append(frame)
        if sum(part.height for part in self._buffers[kind]) >= self.buffer_rows:
            self._flush(kind)

    def _flush(self, kind: str) -> None:
        if not self._buffers[kind]:
            return
        frame = pl.concat(self._buffers[kind]).with_columns(date=pl.col("seen_at").dt.date())
        self._buffers[kind] = []
        for (day,), rows in frame.partition_by(
            "date", as_dict=True, include_key=False, maintain_order=True
        ).items():
            assert isinstance(day, date)
            file_no = rows["file_no"][0]
            path = self.folder / kind / day.isoformat() / f"{file_no:06d}-{self._parts:06d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows.write_parquet(path, compression="lz4")
        self._parts += 1

    def end_file(self) -> None:
        """Write what is buffered: the file was read to its end."""
        for kind in self.kinds:
            self._flush(kind)

    def drop_file(self, file_no: int) -> None:
        """Forget a file that turned out to be unreadable half way."""
        for kind in self.kinds:
            self._buffers[kind] = []
            for path in self.folder.glob(f"{kind}/*/{file_no:06d}-*.parquet"):
                path.unlink()

    def days(self) -> list[date]:
        """Return the days with any rows, in order."""
        found = {path.parent.name for path in self.folder.glob("*/*/*.parquet")}
        return [date.fromisoformat(name) for name in sorted(found)]

    def read(self, kind: str, day: date) -> pl.DataFrame | None:
        """Return the rows of one day, or None."""
        paths = sorted((self.folder / kind / day.isoformat()).glob("*.parquet"))
        return pl.concat([pl.read_parquet(path) for path in paths]) if paths else None


class Parts:
    """Frames written one by one and read back together, by name and key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, key: str, frame: pl.DataFrame) -> None:
        """Write (or write again) the part `key` of `name`."""
        path = self.folder / name / f"{key}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path, compression="lz4")

    def read(self, name: str, key: str) -> pl.DataFrame:
        """Return one part."""
        return pl.read_parquet(self.folder / name / f"{key}.parquet")

    def drop_matching(self, name: str, pattern: str) -> None:
        """Remove the parts whose key matches a glob pattern."""
        for path in (self.folder / name).glob(f"{pattern}.parquet"):
            path.unlink()

    def read_all(self, name: str) -> pl.DataFrame | None:
        """Return all parts in order of their keys, or None where there are none."""
        paths = sorted((self.folder / name).glob("*.parquet"))
        return pl.concat([pl.read_parquet(path) for path in paths]) if paths else None


# ------------------------------------------------------------------------------------- database


def open_build(path: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection to a new database at `path`, to be filled, closed and moved in.

    One thread and UTC: sums and orders come out alike whatever the machine.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in (path, path.with_name(path.name + ".wal")):
        stale.unlink(missing_ok=True)
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(
        f"attach {quoted_text(str(path))} as built (storage_version '{STORAGE_VERSION}')"
    )
    connection.execute("use built")
    return connection


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
    """Create table `name` in the database from a Parquet file."""
    connection.execute(
        f"create or replace table {quoted_name(name)} as"
        f" select * from read_parquet({quoted_text(str(path))})"
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


# ----------------------------------------------------------------------------- publish and lock


def write_json(content: Any, path: Path) -> None:
    """Write JSON with sorted keys, a line at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True, default=str) + "\n", "utf-8")


def read_manifest(processed: Path) -> dict[str, Any]:
    """Return what the published tables were made from.

    Raises:
        UsageError: nothing is published there.
    """
    path = processed / "manifest.json"
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"no published tables in {processed}: run darkport nightly") from error


def copy_tables(processed: Path, built: Path, names: Sequence[str]) -> None:
    """Copy published tables to where the next outputs are built."""
    built.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(processed / f"{name}.parquet", built / f"{name}.parquet")


def publish(built: Path, processed: Path, names: Sequence[str]) -> None:
    """Move the finished outputs `names` from `built` into `processed`, the manifest last."""
    aside = built.parent / "replaced"
    aside.mkdir(parents=True, exist_ok=True)
    for name in [*(name for name in names if name != "manifest.json"), "manifest.json"]:
        source, target = built / name, processed / name
        if not source.exists():
            continue
        if target.is_dir():
            target.rename(aside / name)
        target.with_name(target.name + ".wal").unlink(missing_ok=True)
        source.replace(target)


@contextmanager
def hold_lock(processed: Path) -> Iterator[None]:
    """Hold the lock of a processed folder while the block runs.

    A lock whose holder runs on this machine and is dead is taken over.

    Raises:
        LockedError: another run holds it.
    """
    processed.mkdir(parents=True, exist_ok=True)
    path = processed / ".lock"
    mine = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for attempt in (1, 2):
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            holder = _read_lock(path)
            if attempt == 1 and _is_dead(holder):
                path.unlink(missing_ok=True)
                continue
            raise LockedError(
                f"{processed} is locked by process {holder.get('pid')} on {holder.get('host')}"
                f" since {holder.get('since')}"
            ) from None
        with os.fdopen(handle, "w") as stream:
            json.dump(mine, stream)
        break
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _read_lock(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _is_dead(holder: dict[str, Any]) -> bool:
    pid = holder.get("pid")
    if holder.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def remove_tree(folder: Path) -> None:
    """Remove a folder of temporary files, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


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
