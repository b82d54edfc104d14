"""A run: the published tables of a night on a simulated feed, and the truth of its world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import UsageError
from pipeline.schema import TABLES, polars_schema
from pipeline.simulate.truth import TRUTH_TABLES

PROCESSED_TABLES = (
    "gaps",
    "dark_port_calls",
    "monthly_gaps",
    "monthly_dark_port_calls",
    "indicator",
)
# Of worlds alone: what calls are told from.
CALL_TABLES = ("near_port_gaps", "call_sums", "legs")
CALL_FOLDERS = ("port_candidates",)  # a file a month
TRUTHS_READ = ("ships", "identities", "off_intervals", "port_calls", "ship_hours")
WORLD_FACTS = ("is_simulated", "name", "seed", "start", "end", "rated_from", "private_shape")

YEAR_S = 365.25 * 86_400


@dataclass(frozen=True)
class World:
    """What `world.json` says; instants are UTC without a zone.

    `private_shape` is that of the Gamma factor on a vessel's receptions, one draw an episode.
    Measures are taken from `rated_from` on; the months before feed what is learned. The feed holds
    the first position heard in every slot of `slot_s`, counted from the start; 0: every position.
    """

    name: str
    seed: int
    start: datetime
    end: datetime
    rated_from: datetime
    private_shape: float
    slot_s: float
    is_simulated: bool

    @property
    def rated_years(self) -> float:
        """Length of the rated time in years; a world shorter than a year is rated as a whole."""
        return (self.end - max(self.rated_from, self.start)).total_seconds() / YEAR_S


@dataclass(frozen=True)
class TruthFolder:
    """The truth tables of a folder (`TRUTHS_READ`), read when asked for and not kept.

    The hours of a large world take some hundred megabytes; runs of several seeds are judged one
    after the other.
    """

    folder: Path

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return a truth table.

        Raises:
            UsageError: the file or a column is missing.
        """
        return _read_table(self.folder, name, list(TRUTH_TABLES[name].columns()))


@dataclass(frozen=True, eq=False)
class Run:
    """The published tables of a night by name, and the truth of its world.

    `PROCESSED_TABLES`, `CALL_TABLES` and `CALL_FOLDERS`.
    """

    world: World
    published: Mapping[str, pl.DataFrame]
    truth: TruthFolder


def read_run(processed: Path, truth: Path) -> Run:
    """Return the run whose tables lie in `processed` and whose truth lies in `truth`.

    Raises:
        UsageError: a file or a column is missing, or the two do not belong together.
    """
    published = {**read_published(processed), **read_calls(processed)}
    run = Run(_read_world(truth / "world.json"), published, TruthFolder(truth))
    for name in TRUTHS_READ:
        if not (truth / f"{name}.parquet").is_file():
            raise UsageError(f"truth table {truth / name}.parquet is missing")
    heard, known = run.published["gaps"]["mmsi"], run.truth["identities"]["mmsi"]
    if len(heard) and not heard.is_in(known.implode()).any():
        raise UsageError(f"no MMSI of {processed} is one of {truth}: they are not of one world")
    return run


def read_published(processed: Path) -> dict[str, pl.DataFrame]:
    """Return the tables of a night that the evaluation reads, by name.

    Raises:
        UsageError: a file or a column is missing.
    """
    return {
        name: _read_table(processed, name, list(polars_schema(TABLES[name])))
        for name in PROCESSED_TABLES
    }


def read_calls(processed: Path) -> dict[str, pl.DataFrame]:
    """Return the tables of a night that calls are told from, by name.

    Raises:
        UsageError: a file, a folder or a column is missing.
    """
    whole = {name: processed / f"{name}.parquet" for name in CALL_TABLES}
    parts = {name: processed / name for name in CALL_FOLDERS}
    for name, folder in parts.items():
        if not folder.is_dir():
            raise UsageError(f"table {folder} is missing: it is a folder, with a file a month")
        whole[name] = folder / "*.parquet"
    empty = {name: not any(folder.glob("*.parquet")) for name, folder in parts.items()}
    return {
        name: pl.DataFrame(schema=polars_schema(TABLES[name]))
        if empty.get(name)
        else _read_path(path, list(polars_schema(TABLES[name])))
        for name, path in whole.items()
    }


def _read_table(folder: Path, name: str, columns: list[str]) -> pl.DataFrame:
    return _read_path(folder / f"{name}.parquet", columns)


def _read_path(path: Path, columns: list[str]) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"table {path} cannot be read: {str(error).splitlines()[0]}") from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise UsageError(f"table {path} lacks {', '.join(missing)}; it has {frame.columns}")
    return frame.select(columns)


def _read_world(path: Path) -> World:
    try:
        given = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    missing = [name for name in WORLD_FACTS if name not in given]
    if missing:
        raise UsageError(f"{path} lacks {', '.join(missing)}; it has {', '.join(sorted(given))}")
    instants = {name: _instant(path, name, given) for name in ("start", "end", "rated_from")}
    return World(
        name=str(given["name"]),
        seed=int(given["seed"]),
        private_shape=float(given["private_shape"]),
        slot_s=_slot_s(given.get("settings", {}).get("feed", {})),
        is_simulated=bool(given["is_simulated"]),
        **instants,
    )


def _slot_s(feed: Mapping[str, Any]) -> float:
    """Return how far a provider thins, from the world's settings of its feed."""
    return 0.0 if feed.get("full_rate") else float(feed.get("thin_s", 0.0))


def _instant(path: Path, name: str, given: Mapping[str, Any]) -> datetime:
    try:
        instant = datetime.fromisoformat(str(given[name]))
    except ValueError:
        raise UsageError(f"{path}: {name} is {given[name]!r}, expected an ISO instant") from None
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
