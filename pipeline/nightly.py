"""The whole job: raw files to published tables, all of it or nothing.

Everything is built in `<processed>/.work` and moved in at the end; a run that fails leaves last
night's outputs as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import polars as pl

from pipeline import (
    derive,
    ingest,
    rollup,
    ships,
    store,
)
from pipeline.areas import Areas, load_areas
from pipeline.days import Days
from pipeline.errors import CheckError, RawFileError
from pipeline.feeds.base import FeedFormat
from pipeline.feeds.mapping import MappedFormat, load_mapping
from pipeline.ingest import FileAccount, Progress, no_progress
from pipeline.registry import no_registry, read_registry
from pipeline.rules import METHOD_VERSION, Rules, rules_frame, rules_hash
from pipeline.schema import (
    STATIC_FIELDS,
    Beacons,
    Statics,
    Tracks,
    polars_schema,
)

WORK = ".work"

# Refused rows stay out of the analysts' database: they are as large as the raw files.
DATABASE_TABLES = (
    "tracks",
    "statics",
    "beacons",
    "feed_hours",
    "ships",
    "gaps",
    "dark_port_calls",
    "ship_months",
    "files",
    "rules",
    "seasons",
    "closures",
    "ship_registry",
)
TABLES_FROM_SQL = (
    "monthly_gaps",
    "monthly_dark_port_calls",
    "indicator",
    "published_counts",
    "published_beside_ours",
)


@dataclass(frozen=True)
class Job:
    """What a night is asked to do."""

    raw: Path
    processed: Path
    areas_folder: Path
    sql_folder: Path
    rules: Rules
    registry: Path | None = None
    data_end: datetime | None = None


@dataclass(frozen=True)
class Outcome:
    """What a night did, for the last lines of its log."""

    files_read: int
    files_failed: tuple[tuple[str, str], ...]
    rows_read: int
    sightings: int
    gaps: int
    open_gaps: int
    data_end: datetime
    is_simulated: bool


def run_night(job: Job, progress: Progress = no_progress) -> Outcome:
    """Do the whole job and publish it.

    Raises:
        RawFileError: no raw file could be read; nothing is published.
        CheckError: a check failed; nothing is published.
        LockedError: another run holds the lock.
        ConfigError: areas or registry are unusable.
    """
    areas = load_areas(job.areas_folder)
    registry = read_registry(job.registry) if job.registry else no_registry()
    with store.hold_lock(job.processed):
        work = job.processed / WORK
        store.remove_tree(work)
        try:
            return _build_and_publish(job, areas, registry, work, progress)
        finally:
            store.remove_tree(work)


def _build_and_publish(
    job: Job, areas: Areas, registry: pl.DataFrame, work: Path, progress: Progress
) -> Outcome:
    rules, built = job.rules, work / "built"
    name_of_rules = rules_hash(rules, areas.hash)
    stage, parts = store.Stage(work / "stage"), store.Parts(work / "parts")

    accounts = _read_raw(job, stage, parts, progress)
    statics, beacons = _assemble_statics(stage, accounts)
    tugs = ships.tug_mmsis(statics)
    days = Days(parts, areas, ships.high_speed_mmsis(statics), tugs, rules, accounts, progress)
    days.assemble(stage)
    data_end = days.close_books(job.data_end)
    linked = days.link(data_end)

    derived = derive.derive_tables(
        days.summary(),
        linked,
        statics,
        days.all_tug_sightings(),
        areas,
        registry,
        rules,
        data_end,
        name_of_rules,
    )

    progress("writing tables", 0, 1)
    days.write_positions(built)
    written = {
        "tracks": linked.select(polars_schema(Tracks).names()).sort("mmsi", "segment"),
        "statics": statics,
        "beacons": beacons,
        "feed_hours": days.feed_hours(),
        **derived,
        "files": ingest.files_frame(accounts),
        "rejected": days.rejected(),
        "rules": rules_frame(rules),
        "seasons": areas.seasons,
        "closures": areas.closures,
        "ship_registry": registry,
    }
    for name, frame in written.items():
        store.write_table(frame, name, built)
    store.write_geoparquet(derived["gaps"], built / "gaps.geo.parquet")
    calls = derive.locate_calls(derived["dark_port_calls"], derived["gaps"])
    store.write_geoparquet(calls, built / "dark_port_calls.geo.parquet")
    _roll_up(job, built, DATABASE_TABLES, data_end, name_of_rules)
    outcome = Outcome(
        files_read=sum(account.error is None for account in accounts),
        files_failed=tuple(
            (account.file, account.error) for account in accounts if account.error is not None
        ),
        rows_read=sum(account.read for account in accounts),
        sightings=days.sightings,
        gaps=int(derived["gaps"]["is_closed"].sum()),
        open_gaps=int((~derived["gaps"]["is_closed"]).sum()),
        data_end=data_end,
        is_simulated=ingest.is_simulated(written["files"]),
    )
    _write_manifest(built, job, accounts, outcome, name_of_rules)
    names = sorted(path.name for path in built.iterdir())
    store.publish(built, job.processed, names)
    progress("writing tables", 1, 1)
    return outcome


def _read_raw(
    job: Job, stage: store.Stage, parts: store.Parts, progress: Progress
) -> list[FileAccount]:
    """Read all raw files; a file or folder that cannot be read is an account with an error."""
    paths, unreadable = store.find_raw_files(job.raw)
    accounts = ingest.stage_files(
        paths, job.raw, stage, parts, job.rules, _mappings_beside(), progress
    )
    accounts += [
        FileAccount(
            ingest.feed_of(path, job.raw),
            path.relative_to(job.raw).as_posix(),
            0,
            error=f"folder cannot be read: {why}",
        )
        for path, why in unreadable
    ]
    if not accounts:
        raise RawFileError(
            f"no raw file under {job.raw}: put provider files into {job.raw}/<feed>/"
        )
    if all(account.error is not None for account in accounts):
        first = accounts[0]
        raise RawFileError(
            f"none of {len(accounts)} raw files could be read; nothing is published; the first:"
            f" {first.file}: {first.error}"
        )
    return accounts


def _mappings_beside() -> Callable[[Path], Sequence[FeedFormat]]:
    """Return a function that gives the mapping for a raw file: `mapping.toml` beside it."""

    @cache
    def mapping_in(folder: Path) -> MappedFormat | None:
        file = folder / "mapping.toml"
        return load_mapping(file) if file.is_file() else None

    def mappings(path: Path) -> Sequence[FeedFormat]:
        mapping = mapping_in(path.parent)
        return (mapping,) if mapping is not None and mapping.is_for(path.name) else ()

    return mappings


def _assemble_statics(
    stage: store.Stage, accounts: list[FileAccount]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    statics = [pl.DataFrame(schema=polars_schema(Statics))]
    beacons = [pl.DataFrame(schema=polars_schema(Beacons))]
    for day in stage.days():
        if (rows := stage.read("statics", day)) is not None:
            table = ingest.account_statics(rows, accounts)
            statics.append(table.select(statics[0].columns))
        if (rows := stage.read("beacons", day)) is not None:
            table = ingest.account_beacons(rows, accounts)
            beacons.append(table.select(beacons[0].columns))
    key = ["mmsi", "first_at", "last_at", "ais_class", *STATIC_FIELDS]
    return pl.concat(statics).sort(key, nulls_last=False), pl.concat(beacons).sort(
        "mmsi", "hour", "feed", "receiver", "station"
    )


def roll_up_again(job: Job) -> None:
    """Run sql/ on the tables published last, and publish what follows from them.

    Raises:
        UsageError: nothing was published yet.
        CheckError: a check failed; nothing is published.
    """
    manifest = store.read_manifest(job.processed)
    with store.hold_lock(job.processed):
        built = job.processed / WORK / "built"
        store.remove_tree(built.parent)
        try:
            store.copy_tables(job.processed, built, DATABASE_TABLES)
            _roll_up(
                job,
                built,
                DATABASE_TABLES,
                datetime.fromisoformat(manifest["data_end"]).replace(tzinfo=None),
                manifest["rules_hash"],
            )
            store.publish(built, job.processed, sorted(path.name for path in built.iterdir()))
        finally:
            store.remove_tree(built.parent)


def _roll_up(
    job: Job, built: Path, tables: Sequence[str], data_end: datetime, name_of_rules: str
) -> None:
    """Fill the database, run sql/, hold the checks, write what is published from it.

    Raises:
        CheckError: a check selected rows.
    """
    connection = store.open_build(built / store.DATABASE)
    try:
        for name in tables:
            store.load_table(connection, name, built / f"{name}.parquet")
        rollup.roll_up(
            connection,
            job.sql_folder,
            {
                "data_end": data_end,
                "method_version": METHOD_VERSION,
                "rules_hash": name_of_rules,
            },
        )
        failures = rollup.run_checks(connection, job.sql_folder)
        if failures:
            more = f" (and {len(failures) - 1} more checks)" if len(failures) > 1 else ""
            raise CheckError(f"check failed, nothing is published: {failures[0]}{more}")
        for name in TABLES_FROM_SQL:
            frame = store.read_relation(connection, name)
            if name in store.TABLES:
                frame = store.validate(frame, store.TABLES[name])
            store.write_parquet(frame, built / f"{name}.parquet")
            store.write_csv(frame, built / f"{name}.csv")
        store.comment_tables(connection)
    finally:
        connection.close()
    store.write_json(
        {
            "indicator": "dark port calls",
            "method_version": METHOD_VERSION,
            "rules_hash": name_of_rules,
            "data_end": data_end.isoformat() + "Z",
            "is_simulated": ingest.is_simulated(pl.read_parquet(built / "files.parquet")),
            "rows": pl.read_parquet(built / "indicator.parquet").to_dicts(),
        },
        built / "indicator.json",
    )


def _write_manifest(
    built: Path,
    job: Job,
    accounts: Sequence[FileAccount],
    outcome: Outcome,
    name_of_rules: str,
) -> None:
    """Write what this night was made from; it is moved in last, so it names whole outputs only."""
    store.write_json(
        {
            "is_simulated": outcome.is_simulated,
            "method_version": METHOD_VERSION,
            "rules_hash": name_of_rules,
            "data_end": outcome.data_end.isoformat() + "Z",
            "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "files": {account.file: account.sha256 for account in accounts},
        },
        built / "manifest.json",
    )
