"""What a full disk or a lost permission looks like from polars, DuckDB and the system."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from pipeline.errors import StorageError, printable

# polars words an error of the system as "... (os error 28)" and leaves `errno` empty; writing
# Parquet it is a ComputeError, writing CSV an OSError.
OS_ERROR = re.compile(r"\(os error (\d+)\)")
# The writer of Parquet's footer loses the system's error altogether.
CUT_SHORT = "Invalid thrift: transport error"
# DuckDB names the file, which is the database and not the one that was read; where a commit found
# the disk full it calls that a TransactionException.
DUCKDB_WRITING = re.compile(r'Could not write file "(?P<path>.+)": (?P<reason>.+)')


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the disk while the block writes `path` into one line.

    Raises:
        StorageError: naming `path` and the reason.
    """
    try:
        yield
    except OSError as error:
        raise describe_fault(path, error) from error
    except pl.exceptions.PolarsError as error:
        if not OS_ERROR.search(str(error)) and CUT_SHORT not in str(error):
            raise
        raise describe_fault(path, error) from error
    except duckdb.Error as error:
        is_fault = isinstance(error, duckdb.IOException | duckdb.FatalException)
        if not is_fault and not DUCKDB_WRITING.search(str(error)):
            raise
        raise describe_fault(path, error) from error


def describe_fault(path: Path, error: Exception) -> StorageError:
    """Return the error to raise where `path` could not be written because of `error`."""
    found, written = OS_ERROR.search(str(error)), DUCKDB_WRITING.search(str(error))
    if isinstance(error, OSError) and error.errno:
        reason = os.strerror(error.errno)
    elif found:
        reason = os.strerror(int(found.group(1)))
    elif CUT_SHORT in str(error):
        reason = "its end could not be written; the disk may be full"
    elif written:
        path, reason = Path(written["path"]), written["reason"]
    else:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
    return StorageError(
        f"cannot write {printable(path)}: {printable(reason)}; last night's outputs stand"
    )
