"""One night on files written by a test, and its tables."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import store
from pipeline.nightly import Job, Outcome, run_night
from pipeline.rules import Rules
from pipeline.user_evidence import NO_FILES, EvidenceFiles

REPOSITORY = Path(__file__).parents[1]
GEO = REPOSITORY / "geo"
SQL = REPOSITORY / "sql"


@dataclass(frozen=True)
class Night:
    """What a night published."""

    outcome: Outcome
    processed: Path

    def table(self, name: str) -> pl.DataFrame:
        """Return a published table, of one file or of a file a month."""
        if name not in store.TABLES:
            return store.read_parquet(self.processed / f"{name}.parquet")
        return store.read_table(self.processed, name)

    def positions(self) -> pl.DataFrame:
        """Return all published positions, in order of day."""
        paths = sorted(self.processed.glob("positions/date=*/positions.parquet"))
        return pl.concat([pl.read_parquet(path) for path in paths])


def run(
    raw: Path,
    processed: Path,
    areas: Path | None = None,
    rules: Rules | None = None,
    data_end: datetime | None = None,
    registry: Path | None = None,
    evidence: EvidenceFiles = NO_FILES,
) -> Night:
    """Run a night and return what it published."""
    outcome = run_night(
        Job(
            raw=raw,
            processed=processed,
            areas_folder=areas or whole_world(processed.parent),
            sql_folder=SQL,
            rules=rules or Rules(),
            registry=registry,
            data_end=data_end,
            evidence=evidence,
        )
    )
    return Night(outcome, processed)


def run_command(*words: str) -> None:
    """Run `darkport` in a process of its own, so that its memory is given back.

    Raises:
        CalledProcessError: it ended with another exit code than 0.
    """
    subprocess.run(
        [sys.executable, "-c", "from pipeline.cli import main; main()", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
    )


def whole_world(folder: Path) -> Path:
    """Return a geo folder without a region and without areas: the whole world is inside."""
    geo = folder / "geo_whole_world"
    geo.mkdir(parents=True, exist_ok=True)
    (geo / "areas.toml").write_text(
        'name = "whole world"\nfeatures = []\ndefault_month_area = "other"\n', "utf-8"
    )
    return geo


def sightings(rows: list[tuple[int, str, float, float]], **more: Any) -> pl.DataFrame:
    """Return canonical rows of (mmsi, instant, longitude, latitude)."""
    frame = pl.DataFrame(
        rows, schema=["mmsi", "timestamp", "longitude", "latitude"], orient="row", strict=False
    )
    return frame.with_columns(pl.lit(value).alias(name) for name, value in more.items())


def write_canonical(raw: Path, feed: str, frame: pl.DataFrame, name: str = "rows.csv") -> Path:
    """Write canonical rows as a raw file of `feed`."""
    path = raw / feed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return path
