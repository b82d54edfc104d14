"""Raw files found, tables written: Parquet, CSV, GeoParquet, JSON.

Sorted rows in row groups of a fixed size give the same bytes from run to run; without the size,
polars cuts the groups by what its threads happen to deliver.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dataframely as dy
import numpy as np
import polars as pl
from dataframely.exc import ValidationError

from pipeline.errors import CheckError, UsageError
from pipeline.schema import TABLES, conform, polars_schema
from pipeline.store.faults import storing

ROW_GROUP_SIZE = 131_072
PARQUET_END = b"PAR1"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


# ------------------------------------------------------------------------------------ raw files


def find_raw_files(raw: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return (raw files sorted by path, folders that cannot be read with the reason).

    Hidden files and `mapping.toml` are not data. Links are followed; a folder that is reached
    twice, by a link back to itself for instance, is looked at once.

    Raises:
        UsageError: `raw` is no folder.
    """
    if not raw.is_dir():
        raise UsageError(f"raw folder {raw} does not exist")
    unreadable: list[tuple[Path, str]] = []

    def note(error: OSError) -> None:
        unreadable.append((Path(error.filename), error.strerror or "cannot be read"))

    found: list[tuple[str, Path]] = []
    seen = {_identity(raw)}

    def is_new(folder: Path) -> bool:
        identity = _identity(folder)
        is_first = identity is None or identity not in seen
        seen.add(identity)
        return is_first

    for folder, folders, names in os.walk(raw, onerror=note, followlinks=True):
        visible = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in visible if is_new(Path(folder, name))]
        below = Path(folder).relative_to(raw).as_posix()
        prefix = "" if below == "." else f"{below}/"
        found.extend(
            (prefix + name, Path(folder, name))
            for name in names
            if not name.startswith(".") and name != "mapping.toml"
        )
    return [path for _, path in sorted(found)], unreadable


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from others; None where it cannot be asked."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises:
        OSError: it cannot be read, or is a pipe, a device, ...: such a thing may never end.
    """
    # Without O_NONBLOCK a pipe waits for somebody to write.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", str(path))
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --------------------------------------------------------------------------------------- tables


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write `frame` as it is sorted, in fixed row groups.

    Raises:
        StorageError: the disk is full, a permission was lost, ...
    """
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(
            path, compression="zstd", statistics=True, row_group_size=ROW_GROUP_SIZE
        )


def write_table(frame: pl.DataFrame, name: str, folder: Path) -> None:
    """Write table `name` of the schema as `<name>.parquet`; columns must be the schema's.

    Raises:
        SchemaError: a column is missing, surplus or of another type.
        CheckError: a row breaks a rule of the schema.
        StorageError: the disk is full, a permission was lost, ...
    """
    write_parquet(validate(frame, TABLES[name]), folder / f"{name}.parquet")


def write_table_part(frame: pl.DataFrame, name: str, part: str, folder: Path) -> None:
    """Write one part of table `name`, e.g. a month, as `<name>/<part>.parquet`.

    Raises:
        SchemaError, CheckError, StorageError: as `write_table`.
    """
    write_parquet(validate(frame, TABLES[name]), folder / name / f"{part}.parquet")


def table_path(folder: Path, name: str) -> Path:
    """Return the file `<name>.parquet` of a table, or its folder of parts where there is none."""
    path = folder / f"{name}.parquet"
    return path if path.is_file() else folder / name


def find_parts(path: Path) -> list[Path]:
    """Return the Parquet files of a table that is a file or a folder of parts, in order of name.

    Raises:
        UsageError: there is neither.
    """
    if path.is_dir():
        return sorted(path.rglob("*.parquet"))
    if not path.is_file():
        raise UsageError(f"no table at {path}: run darkport nightly first")
    return [path]


def read_table(folder: Path, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return table `name`, of all its columns or some; a folder's parts follow in order of name.

    Raises:
        UsageError: there is no such table in `folder`.
    """
    parts = find_parts(table_path(folder, name))
    if not parts:
        empty = pl.DataFrame(schema=polars_schema(TABLES[name]))
        return empty if columns is None else empty.select(columns)
    return read_parquet(parts, columns)


def read_parquet(
    paths: Path | Sequence[Path], columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows of some files in the given order.

    A path is a name: `[`, `*` and `key=value` in it mean nothing, as they else do to polars.
    """
    some = [paths] if isinstance(paths, Path) else list(paths)
    return pl.read_parquet(
        some,
        columns=None if columns is None else list(columns),
        glob=False,
        hive_partitioning=False,
    )


def is_whole_parquet(path: Path) -> bool:
    """Return whether a file is there and ends as a Parquet file does: a torn one does not."""
    try:
        with path.open("rb") as stream:
            stream.seek(-len(PARQUET_END), os.SEEK_END)
            return stream.read() == PARQUET_END
    except OSError:
        return False


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
    with storing(path):
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

    ends = frame.select("off_lon", "off_lat", "on_lon", "on_lat").cast(pl.Float64).to_numpy()
    off, on = ends[:, :2], ends[:, 2:]
    is_line = ~np.isnan(on[:, 0]) & (off != on).any(axis=1)
    # A flag of the processor that other threads have left behind is no fault of these numbers.
    with np.errstate(invalid="ignore"):
        lines = np.asarray(shapely.points(off), dtype=object)
    lines[is_line] = shapely.linestrings(ends[is_line].reshape(-1, 2, 2))
    table = geopandas.GeoDataFrame(
        frame.to_pandas(use_pyarrow_extension_array=True), geometry=lines, crs="EPSG:4326"
    )
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(path, index=False)


def write_json(content: Any, path: Path, *, is_compact: bool = False) -> None:
    """Write JSON with sorted keys, a line at the end; compact where only a program reads it."""
    # Laid out it is written by Python's own code, four times slower than by that in C.
    indent, separators = (None, (",", ":")) if is_compact else (2, None)
    text = json.dumps(content, indent=indent, separators=separators, sort_keys=True, default=str)
    text += "\n"
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


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


def remove_tree(folder: Path) -> None:
    """Remove a folder of temporary files, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
