"""What a run needs, looked at before it is missed."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version

from pipeline.areas import load_areas
from pipeline.errors import DarkportError
from pipeline.nightly import Job

LIBRARIES = ("polars", "duckdb", "pyarrow", "shapely", "geopandas", "dataframely")


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    is_fine: bool
    words: str


def examine(job: Job) -> list[Finding]:
    """Return what was found: Python, libraries, areas, folders."""
    findings = [
        Finding("Python", sys.version_info >= (3, 11), platform.python_version()),
        Finding("libraries", True, ", ".join(f"{name} {version(name)}" for name in LIBRARIES)),
    ]
    try:
        areas = load_areas(job.areas_folder)
        words = f"{len(areas.area_ids)} monthly areas, {areas.port_groups().height} port groups"
        findings.append(Finding("areas", True, words))
    except DarkportError as error:
        findings.append(Finding("areas", False, str(error)))
    sql_files = len(list(job.sql_folder.glob("*/*.sql")))
    findings.append(Finding("sql", sql_files > 0, f"{sql_files} files"))
    findings.append(
        Finding("raw folder", job.raw.is_dir(), f"{job.raw}" if job.raw.is_dir() else "missing")
    )
    target = job.processed if job.processed.exists() else job.processed.absolute().parent
    writable = os.access(target, os.W_OK)
    findings.append(
        Finding("processed folder", writable, f"{job.processed}{'' if writable else ': read-only'}")
    )
    return findings
