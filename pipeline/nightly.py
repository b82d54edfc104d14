"""The whole job: raw files to published tables, all of it or nothing.

What a night needs is derived step by step, each step only where its inputs changed (`archive`);
the outputs are built as a whole generation beside the published one, checked, and published by
the replacement of one link. A run that fails or is killed leaves last night's outputs as they are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline import (
    derive,
    health,
    history,
    indicator,
    ingest,
    inputs,
    plan,
    proofs,
    remote,
    report,
    rollup,
    store,
)
from pipeline.archive import Archive, Question, derive_archive
from pipeline.days import NOTES
from pipeline.engine import ON_THIS_PROCESS, Engine, EngineChoice, open_engine
from pipeline.errors import (
    CheckError,
    ShelfError,
    StorageError,
    UsageError,
    printable,
)
from pipeline.ingest import Progress, no_progress
from pipeline.inputs import Changes, RawFile
from pipeline.keys import code_key
from pipeline.months import HEALTH, MONTH_NOTES, RECEPTION, SUMS
from pipeline.paces import NO_PACES, Paces, read_paces
from pipeline.process import raise_if_stopped
from pipeline.registry import no_registry, read_registry
from pipeline.remaining import Forecast
from pipeline.rules import METHOD_VERSION, RemainingRules, Rules, rules_frame, rules_hash
from pipeline.schema import Gaps, GapVersions, Runs, polars_schema
from pipeline.user_evidence import NO_FILES, Evidence, EvidenceFiles, read_evidence
from pipeline.water import Water, load_water

SHELF, SCRATCH, STATE, MANIFEST = ".shelf", ".scratch", ".state", "manifest.json"
# Raw files that were fetched from object storage.
MIRROR = ".raw"
PACES = "paces.json"

# Tables with a part a month, and the results that hold the parts.
PART_TABLES = {
    "tracks": SUMS,
    "statics": MONTH_NOTES,
    "beacons": MONTH_NOTES,
    "feed_health": HEALTH,
    "reception_cells": RECEPTION,
    "gap_hours": RECEPTION,
}

# Refused rows stay out of the analysts' database: they are as large as the raw files.
DATABASE_TABLES = (
    "tracks",
    "statics",
    "beacons",
    "feed_health",
    "outage_hours",
    "gnss_hours",
    "ships",
    "gaps",
    "gap_versions",
    "runs",
    "port_candidates",
    "dark_port_calls",
    "imaging_requests",
    "call_sums",
    "call_chances",
    "near_port_gaps",
    "lit_port_calls",
    "legs",
    "canal_transits",
    "ship_months",
    "reception_cells",
    "gap_hours",
    "files",
    "rules",
    "seasons",
    "closures",
    "port_groups",
    "ship_registry",
    "confirmations",
    "reviews",
    "watch_list",
    "baseline",
)
TABLES_FROM_SQL = (
    "monthly_gaps",
    "monthly_dark_port_calls",
    "indicator",
    "indicator_years",
    "sensitivity",
    "spikes",
    "published_counts",
    "published_beside_ours",
)
LIBRARIES = ("darkport", "polars", "duckdb")
# What reading a damaged result may raise.
UNREADABLE = (
    ShelfError,
    OSError,
    ValueError,
    LookupError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)


@dataclass(frozen=True)
class Job:
    """What a night is asked to do.

    Attributes:
        source: where raw files are fetched from into `raw`, which is the run's own then.
        rehash: hash every raw file, and fetch it, whatever sizes and times say.
        accept_counts: publish although counts are out of their bands.
        evidence: the user's proofs, reviews and watch list.
        baseline: CSV of the years before 2022 (METHOD 7).
        with_report: make the report too.
        engine: where raw files are read and days summed up.
    """

    raw: Path
    processed: Path
    areas_folder: Path
    sql_folder: Path
    rules: Rules
    source: remote.Address | None = None
    registry: Path | None = None
    baseline: Path | None = None
    data_end: datetime | None = None
    rehash: bool = False
    accept_counts: bool = False
    evidence: EvidenceFiles = NO_FILES
    with_report: bool = False
    engine: EngineChoice = ON_THIS_PROCESS


@dataclass(frozen=True)
class Outcome:
    """What a night did, for the last lines of its log.

    Attributes:
        run: its number.
        files_read: raw files that could be read, whether tonight or before.
        files_failed: (file, reason) of those that could not.
        changes: which raw files are new, changed, gone.
        rows_read: rows in all raw files.
        days_redone: UTC days of which any step was done again.
        warnings: what is worth a look, in sentences.
        seconds: how long each part of the run took.
    """

    run: int
    files_read: int
    files_failed: tuple[tuple[str, str], ...]
    changes: Changes
    rows_read: int
    sightings: int
    gaps: int
    open_gaps: int
    days_redone: int
    data_end: datetime
    is_simulated: bool
    warnings: tuple[str, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)


def run_night(
    job: Job, progress: Progress = no_progress, forecast: Forecast | None = None
) -> Outcome:
    """Do the whole job and publish it.

    Args:
        job: what is asked for.
        progress: told of each stage.
        forecast: told before it, so that who is told may ask it how long the rest will take.

    Raises:
        RawFileError: no raw file could be read; nothing is published.
        CheckError: a check failed; nothing is published.
        LockedError: another run holds the lock.
        ConfigError: areas, registry or another of the user's files are unusable.
        StorageError: the disk is full, a permission was lost; nothing is published.
        UsageError: the engine asked for is not there.
        EngineError: the cluster cannot be used, or was lost; nothing is published.
        RemoteError: raw files could not be fetched; nothing is published.
    """
    if job.engine.name != "local":
        # A worker is started in a folder of its own.
        job = replace(job, raw=job.raw.absolute(), processed=job.processed.absolute())
    started_at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    water = load_water(job.areas_folder)
    registry = read_registry(job.registry) if job.registry else no_registry()
    evidence = read_evidence(job.evidence, water.areas)
    baseline = indicator.read_baseline(job.baseline) if job.baseline else indicator.no_baseline()
    with ExitStack() as stack:
        taken_over = stack.enter_context(store.hold_lock(job.processed, "darkport nightly"))
        begun_s = time.monotonic()
        fetched = _fetch_raw(job, progress)
        fetching_s = time.monotonic() - begun_s
        engine = stack.enter_context(open_engine(job.engine, job.raw, job.processed))
        night = _Night(
            job,
            water,
            registry,
            evidence,
            baseline,
            started_at,
            progress,
            engine,
            forecast or Forecast(time.monotonic),
        )
        if fetched is not None:
            night.refused = fetched.refused
            night.seconds["fetching raw files"] = round(fetching_s, 3)
        if taken_over:
            night.warnings.append(taken_over)
        try:
            return night.run()
        finally:
            night.clean_up()


def _fetch_raw(job: Job, progress: Progress) -> remote.Fetched | None:
    """Fetch raw files where they lie elsewhere."""
    if job.source is None:
        return None
    place = remote.open_place(job.source)
    return remote.fetch_raw(place, job.raw, time.time_ns(), progress, again=job.rehash)


@dataclass(frozen=True)
class _Before:
    """The last published night, as far as the next one needs it."""

    manifest: Mapping[str, Any]
    files: Mapping[str, RawFile]
    shelf_names: Mapping[str, Sequence[str]]

    @property
    def run(self) -> int:
        return int(self.manifest.get("run", 0))

    @property
    def data_end(self) -> datetime | None:
        told = self.manifest.get("data_end")
        return datetime.fromisoformat(told).replace(tzinfo=None) if told else None


class _Night:
    """One run under the lock."""

    def __init__(
        self,
        job: Job,
        water: Water,
        registry: pl.DataFrame,
        evidence: Evidence,
        baseline: pl.DataFrame,
        started_at: datetime,
        progress: Progress,
        engine: Engine,
        forecast: Forecast,
    ) -> None:
        self.job = job
        self.water = water
        self.registry = registry
        self.evidence = evidence
        self.baseline = baseline
        self.started_at = started_at
        self.told = progress
        self.forecast = forecast
        self.kind = plan.MANY
        self.engine = engine
        self.outputs = store.Outputs(job.processed)
        self.shelf = store.Shelf(job.processed / SHELF, is_shared=engine.is_elsewhere)
        self.scratch = store.Scratch(job.processed / SCRATCH)
        self.rules_hash = rules_hash(job.rules, water.hash)
        self.warnings: list[str] = []
        self.refused: Sequence[tuple[str, str]] = ()
        self.seconds: dict[str, float] = {}
        self._lap = time.monotonic()

    def run(self) -> Outcome:
        """Do the whole job; where results of earlier runs turn out to be damaged, without them."""
        warnings = list(self.warnings)
        try:
            return self._run_once()
        except UNREADABLE as error:
            # A library called back from may have made another error of a signal.
            raise_if_stopped()
            if not self.shelf.sweep({}):
                raise
            why = (str(error).splitlines() or [""])[0]
        self.warnings = [
            *warnings,
            "results of earlier runs could not be used, all was made anew from the raw files:"
            f" {printable(why)}",
        ]
        return self._run_once()

    def _run_once(self) -> Outcome:
        self.outputs.sweep(keep_before=True)
        self.scratch.clear()
        before = _read_before(self.outputs)
        self.shelf.keep_only_durable(before.shelf_names)
        self.forecast.begin()
        made = plan.Made(
            self.shelf.names, before.shelf_names, frozenset(self.shelf.names(inputs.KIND))
        )
        if not before.run:
            self.forecast.expect(plan.expect_first_night(made))
        self._note_seconds("starting")
        found = inputs.read_inputs(
            self.job.raw,
            self.shelf,
            self.job.rules,
            before.files,
            time.time_ns(),
            self.progress,
            rehash=self.job.rehash,
            refused=self.refused,
            engine=self.engine,
        )
        self._note_seconds("reading raw files")
        changes = inputs.compare_inputs(before.files, found)
        self._plan(before, found, changes, made)
        question = Question(
            self.water,
            self.registry,
            self.job.rules,
            self.rules_hash,
            self.job.data_end,
            self.evidence,
        )
        archive = derive_archive(
            found, self.shelf, self.scratch, question, self.progress, self.engine
        )
        self._note_seconds("deriving tables")
        self.warnings += self.engine.warnings
        is_accepted = self._hold_bands(before, changes, archive)
        self.warnings += proofs.warn_of_reviews(
            self.evidence.reviews, archive.tables["dark_port_calls"]
        )
        outcome = self._publish(before, found, changes, archive, is_accepted=is_accepted)
        self.forecast.finish()
        self.progress("publishing", 1, 1)
        return outcome

    def progress(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage is."""
        self.forecast.tell(stage, done, total)
        self.told(stage, done, total)

    def _plan(
        self, before: _Before, found: Sequence[RawFile], changes: Changes, made: plan.Made
    ) -> None:
        """Say what the night will have to do, and what that took in nights before."""
        redone, days = plan.find_redone(
            found, before.files, changes, made, is_same_basis=self._has_same_basis(before)
        )
        self.kind = plan.name_kind(redone, days, RemainingRules().many_days_share)
        paces, is_alike = _read_paces(self.outputs.current).of(self.kind)
        self.forecast.know(paces, is_alike=is_alike)
        self.forecast.expect(
            plan.expect_night(
                redone,
                days,
                made,
                self.job.rules.reception.months_back,
                with_report=self.job.with_report,
            )
        )

    def _has_same_basis(self, before: _Before) -> bool:
        names = (before.manifest.get("rules_hash"), before.manifest.get("code_hash"))
        return names == (self.rules_hash, code_key())

    def clean_up(self) -> None:
        """Remove what does not outlive a run."""
        self.scratch.clear()

    def _note_seconds(self, part: str) -> None:
        now = time.monotonic()
        self.seconds[part] = round(now - self._lap, 3)
        self._lap = now

    def _end_part(self, part: str, next_part: str) -> None:
        """Tell that a part of publishing is through, and the next one begins."""
        self._note_seconds(part)
        self.progress(part, 1, 1)
        self.progress(next_part, 0, 1)

    def _hold_bands(self, before: _Before, changes: Changes, archive: Archive) -> bool:
        """Warn of odd counts; return whether counts out of their bands were accepted.

        Raises:
            CheckError: counts are out of their bands and nobody accepted them.
        """
        if not before.run:
            return False
        if not (changes.new or changes.changed or changes.removed):
            self.warnings.append("no raw file is new, changed or gone since the last run")
        files = archive.tables["files"]
        fresh = files.filter(pl.col("file").is_in([*changes.new, *changes.changed]))
        tonight = archive.counts(
            int(fresh["read"].sum()),
            int(fresh["rejected"].sum()),
            has_lost=bool(changes.changed or changes.removed) or not self._has_same_basis(before),
        )
        last = _read_counts(self.outputs.current)
        self.warnings += health.warn_bands(last, tonight, self.job.rules.bands)
        found = health.check_bands(last, tonight, self.job.rules.bands)
        if found and not self.job.accept_counts:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise CheckError(
                f"counts are out of their bands, nothing is published: {found[0]}{more};"
                " look at the feed, then run again with --accept-counts if they are right"
            )
        self.warnings += [f"accepted by the user: {sentence}" for sentence in found]
        return bool(found)

    # ------------------------------------------------------------------------------ publish

    def _publish(
        self,
        before: _Before,
        found: Sequence[RawFile],
        changes: Changes,
        archive: Archive,
        *,
        is_accepted: bool,
    ) -> Outcome:
        self.progress("writing tables", 0, 1)
        new = self.outputs.begin()
        (new / STATE).mkdir()
        gap_rows = archive.tables["gaps"]
        outcome = Outcome(
            run=before.run + 1,
            files_read=sum(file.account.error is None for file in found),
            files_failed=tuple(
                (file.account.file, file.account.error)
                for file in found
                if file.account.error is not None
            ),
            changes=changes,
            rows_read=sum(file.account.read for file in found),
            sightings=archive.sightings,
            gaps=int(gap_rows["is_closed"].sum()),
            open_gaps=int((~gap_rows["is_closed"]).sum()),
            days_redone=len(archive.days_redone()),
            data_end=archive.data_end,
            is_simulated=ingest.is_simulated(archive.tables["files"]),
            warnings=tuple(self.warnings),
            seconds=self.seconds,
        )
        self._write_tables(new, archive)
        self._end_part("writing tables", "keeping history")
        self._write_history(new, before, archive, outcome, is_accepted=is_accepted)
        self._end_part("keeping history", "rolling up")
        roll_up(self.job, new, archive.data_end, self.rules_hash)
        state = new / STATE
        inputs.save_inputs(found, state / "files.json")
        store.write_json(archive.names(), state / "shelf.json")
        _save_counts(archive, state)
        self._write_manifest(new, outcome, found, archive)
        if self.job.with_report:
            self._end_part("rolling up", "making the report")
            report.write_report(new, new / report.FOLDER, self.job.areas_folder)
            self._end_part("making the report", "publishing")
        else:
            self._end_part("rolling up", "publishing")
        paces = _read_paces(self.outputs.current).add(self.kind, self.forecast.paces())
        store.write_json(paces.by_kind, state / PACES)
        self.outputs.commit(new)
        # Published: what cannot be removed now must not say that the old outputs stand.
        with suppress(StorageError):
            self.outputs.drop_earlier()
        with suppress(StorageError):
            self.shelf.sweep(archive.names())
        self._note_seconds("publishing")
        return outcome

    def _write_tables(self, new: Path, archive: Archive) -> None:
        """Write the tables of this night; what has not changed is linked."""
        for day, sightings in archive.sightings_by_day().items():
            path = archive.days.positions_path(day)
            folder = path.parent
            if sightings:
                target = new / "positions" / f"date={day.isoformat()}" / "positions.parquet"
                self._link(path, target)
            if (folder / "rejected.parquet").is_file():
                self._link(folder / "rejected.parquet", new / "rejected" / f"merge-{day}.parquet")
        for name, kind in PART_TABLES.items():
            for month, result in archive.months.names[kind].items():
                source = self.shelf.path(kind, result) / f"{name}.parquet"
                self._link(source, new / name / f"{month:%Y-%m}.parquet")
        for month, result in archive.months.names[RECEPTION].items():
            candidates = store.read_parquet(
                self.shelf.path(RECEPTION, result) / "port_candidates.parquet"
            )
            visited = proofs.name_visits(candidates, archive.tables["dark_port_calls"])
            store.write_table_part(visited, "port_candidates", f"{month:%Y-%m}", new)
        (new / "rejected").mkdir(exist_ok=True)
        for file in archive.found:
            folder = self.shelf.path(inputs.KIND, file.key) if file.account.error is None else None
            parts = sorted(folder.glob("rejected-*.parquet")) if folder else []
            if folder and file.account.reasons and not parts:
                raise ShelfError(f"{folder} lacks the refused rows of {file.account.file}")
            for source in parts:
                self._link(source, new / "rejected" / f"{file.key}-{source.name}")
        tables = {
            **archive.tables,
            "rules": rules_frame(self.job.rules),
            "seasons": self.water.areas.seasons,
            "closures": self.water.areas.closures,
            "ship_registry": self.registry,
            "confirmations": self.evidence.confirmations,
            "reviews": self.evidence.reviews,
            "watch_list": self.evidence.watch_list,
            "baseline": self.baseline,
        }
        for name, frame in tables.items():
            store.write_table(frame, name, new)
        store.write_csv(archive.tables["imaging_requests"], new / "imaging_requests.csv")
        gap_rows = archive.tables["gaps"]
        store.write_geoparquet(gap_rows, new / "gaps.geo.parquet")
        located = derive.locate_calls(archive.tables["dark_port_calls"], gap_rows)
        store.write_geoparquet(located, new / "dark_port_calls.geo.parquet")

    def _link(self, source: Path, target: Path) -> None:
        """Publish a table's part as it lies on the shelf.

        Raises:
            ShelfError: it is not there whole.
        """
        if not store.is_whole_parquet(source):
            raise ShelfError(f"{source} is damaged")
        self.outputs.link(source, target)

    def _write_history(
        self, new: Path, before: _Before, archive: Archive, outcome: Outcome, *, is_accepted: bool
    ) -> None:
        """Write runs and gap_versions: those of earlier runs, and what this one changed."""
        current = self.outputs.current
        basis = history.Basis(outcome.data_end, METHOD_VERSION, self.rules_hash, code_key())
        gaps_before, runs, known = _read_history(current)
        late_before = before.data_end or outcome.data_end
        # Not the days this run made: of those a killed run may have made some before it.
        told_before = set(before.shelf_names.get(NOTES, ()))
        changed_days = (
            datetime.combine(day, datetime.min.time())
            for day, name in archive.days.notes.items()
            if name not in told_before
        )
        context = history.Context(
            run=outcome.run,
            now=basis,
            before=history.last_basis(runs),
            is_raw_removed=bool(outcome.changes.removed or outcome.changes.changed),
            has_late_rows=any(midnight < late_before for midnight in changed_days),
            shortest_s=self.job.rules.gaps.shortest_s,
            final_after_d=self.job.rules.gaps.final_after_d,
        )
        changed = history.compare_gaps(gaps_before, archive.tables["gaps"], known, context)
        if current:
            self.outputs.carry(new, "gap_versions")
        (new / "gap_versions").mkdir(exist_ok=True)
        if changed.height:
            part = history.name_part(outcome.data_end)
            path = new / "gap_versions" / f"{part}.parquet"
            with _reading_published():
                rows = store.read_parquet(path) if path.is_file() else changed.clear()
            # The carried file is shared with the night before: replaced, never written into.
            path.unlink(missing_ok=True)
            store.write_table_part(
                history.append_versions(rows, changed), "gap_versions", part, new
            )
        store.write_scratch(history.add_known(known, changed), new / STATE / "known.parquet")
        run = self._as_run(archive, outcome, changed.height, is_accepted=is_accepted)
        store.write_table(history.append_run(runs, run), "runs", new)

    def _as_run(
        self, archive: Archive, outcome: Outcome, versions_written: int, *, is_accepted: bool
    ) -> dict[str, Any]:
        """Return this run as a row of table runs."""
        fresh = {*outcome.changes.new, *outcome.changes.changed}
        files = archive.tables["files"]
        return {
            "run": outcome.run,
            "started_at": self.started_at,
            "finished_at": _now(),
            "data_end": outcome.data_end,
            "method_version": METHOD_VERSION,
            "rules_hash": self.rules_hash,
            "code_hash": code_key(),
            "files_new": len(outcome.changes.new),
            "files_changed": len(outcome.changes.changed),
            "files_removed": len(outcome.changes.removed),
            "files_failed": len(outcome.files_failed),
            "rows_read": int(files.filter(pl.col("file").is_in(list(fresh)))["read"].sum()),
            "days_redone": outcome.days_redone,
            "gaps": outcome.gaps,
            "open_gaps": outcome.open_gaps,
            "versions_written": versions_written,
            "warnings": "; ".join(outcome.warnings) or None,
            "is_accepted_out_of_bands": is_accepted,
            "versions": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        }

    def _write_manifest(
        self, new: Path, outcome: Outcome, found: Sequence[RawFile], archive: Archive
    ) -> None:
        """Write what this night was made from, last of all."""
        store.write_json(
            {
                "run": outcome.run,
                "is_simulated": outcome.is_simulated,
                "method_version": METHOD_VERSION,
                "rules_hash": self.rules_hash,
                "areas_hash": self.water.hash,
                "code_hash": code_key(),
                "data_end": outcome.data_end.isoformat() + "Z",
                "started_at": self.started_at.isoformat() + "Z",
                "finished_at": _now().isoformat() + "Z",
                "warnings": list(outcome.warnings),
                "files": {file.account.file: file.account.sha256 for file in found},
                "derived_from": archive.derived_from(),
            },
            new / MANIFEST,
        )


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


@contextmanager
def _reading_published() -> Iterator[None]:
    """Say in one line that what was published last cannot be read.

    Raises:
        StorageError: and what to do: all but the history could be made anew.
    """
    try:
        yield
    except (*UNREADABLE, UsageError, TypeError) as error:
        why = (str(error).splitlines() or [""])[0]
        raise StorageError(
            f"the published night is damaged: {why}; restore the processed folder from a back-up,"
            " or move it away: all is made anew then, and the history of gaps begins again"
        ) from error


def _save_counts(archive: Archive, state: Path) -> None:
    """Write what the bands of the next night are held against."""
    files = archive.tables["files"]
    counts = archive.counts(int(files["read"].sum()), int(files["rejected"].sum()), has_lost=False)
    store.write_scratch(counts.days, state / "days.parquet")
    store.write_scratch(counts.feed_days, state / "feed_days.parquet")
    figures = {
        "data_end": counts.data_end.isoformat(),
        "rows_read": counts.rows_read,
        "rows_refused": counts.rows_refused,
    }
    store.write_json(figures, state / "counts.json")


def _read_paces(current: Path | None) -> Paces:
    """Return what earlier nights took; where that cannot be read, nothing: no table needs it."""
    try:
        text = (current / STATE / PACES).read_text("utf-8") if current else "{}"
        return read_paces(json.loads(text))
    except (OSError, ValueError):
        return NO_PACES


@_reading_published()
def _read_counts(current: Path | None) -> health.NightCounts | None:
    state = current / STATE if current else None
    if state is None or not (state / "counts.json").is_file():
        return None
    figures = json.loads((state / "counts.json").read_text("utf-8"))
    return health.NightCounts(
        data_end=datetime.fromisoformat(figures["data_end"]),
        days=store.read_parquet(state / "days.parquet"),
        feed_days=store.read_parquet(state / "feed_days.parquet"),
        rows_read=figures["rows_read"],
        rows_refused=figures["rows_refused"],
    )


@_reading_published()
def _read_history(
    current: Path | None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return (gaps, runs, last known versions) of the published night; empty before the first."""
    if current is None:
        return (
            pl.DataFrame(schema=polars_schema(Gaps)),
            pl.DataFrame(schema=polars_schema(Runs)),
            history.list_known(pl.DataFrame(schema=polars_schema(GapVersions))),
        )
    kept = current / STATE / "known.parquet"
    known = (
        store.read_parquet(kept)
        if kept.is_file()
        else history.list_known(store.read_table(current, "gap_versions"))
    )
    return store.read_table(current, "gaps"), store.read_table(current, "runs"), known


@_reading_published()
def _read_before(outputs: store.Outputs) -> _Before:
    current = outputs.current
    if current is None:
        return _Before({}, {}, {})
    names = json.loads((current / STATE / "shelf.json").read_text("utf-8"))
    return _Before(
        store.read_manifest(current), inputs.load_inputs(current / STATE / "files.json"), names
    )


# -------------------------------------------------------------------------------- rolling up


def roll_up_again(job: Job) -> None:
    """Run sql/ on the tables published last, and publish what follows from them.

    A baseline that the job names stands for the one of last night.

    Raises:
        ConfigError: the baseline is unusable.
        UsageError: nothing was published yet.
        CheckError: a check failed; nothing is published.
    """
    baseline = indicator.read_baseline(job.baseline) if job.baseline else None
    with store.hold_lock(job.processed, "darkport rollup"):
        outputs = store.Outputs(job.processed)
        outputs.sweep()
        current = outputs.current
        if current is None:
            raise UsageError(f"no published tables in {job.processed}: run darkport nightly")
        manifest = store.read_manifest(current)
        new = outputs.begin()
        made_anew = {store.DATABASE, "indicator.json", report.FOLDER} | {
            f"{name}.{kind}" for name in TABLES_FROM_SQL for kind in ("parquet", "csv")
        }
        if baseline is not None:
            made_anew.add("baseline.parquet")
        for path in sorted(current.iterdir()):
            if path.name not in made_anew:
                outputs.carry(new, path.name)
        if baseline is not None:
            store.write_table(baseline, "baseline", new)
        data_end = datetime.fromisoformat(manifest["data_end"]).replace(tzinfo=None)
        roll_up(job, new, data_end, manifest["rules_hash"])
        if (current / report.FOLDER).is_dir():
            report.write_report(new, new / report.FOLDER, job.areas_folder)
        outputs.commit(new)


def report_again(processed: Path, areas_folder: Path, *, with_figures: bool = True) -> Path:
    """Make the report of the tables published last, publish it with them, and return its page.

    Raises:
        UsageError: nothing was published yet, or by an earlier version.
    """
    store.read_manifest(processed)
    with store.hold_lock(processed, "darkport report"):
        outputs = store.Outputs(processed)
        outputs.sweep()
        current = outputs.current
        if current is None:
            raise UsageError(f"no published tables in {processed}: run darkport nightly")
        new = outputs.begin()
        for path in sorted(current.iterdir()):
            if path.name != report.FOLDER:
                outputs.carry(new, path.name)
        report.write_report(new, new / report.FOLDER, areas_folder, with_figures=with_figures)
        outputs.commit(new)
    return processed / report.FOLDER / report.PAGE


def roll_up(job: Job, built: Path, data_end: datetime, name_of_rules: str) -> None:
    """Fill the database, run sql/, hold the checks, write what is published from it.

    Raises:
        CheckError: a check selected rows.
    """
    database = built / store.DATABASE
    connection = store.open_build(database)
    try:
        with store.storing(database):
            _fill_database(connection, job, built, data_end, name_of_rules)
        store.finish_build(connection, database)
    finally:
        connection.close()
    store.write_json(
        indicator.tell_indicator(
            store.read_table(built, "indicator"),
            data_end,
            name_of_rules,
            is_simulated=ingest.is_simulated(store.read_table(built, "files")),
        ),
        built / "indicator.json",
    )


def _fill_database(
    connection: duckdb.DuckDBPyConnection,
    job: Job,
    built: Path,
    data_end: datetime,
    name_of_rules: str,
) -> None:
    """Fill the database; write the tables that sql/ makes in it."""
    for name in DATABASE_TABLES:
        store.load_table(connection, name, store.table_path(built, name))
    parameters = {
        "data_end": data_end,
        "method_version": METHOD_VERSION,
        "rules_hash": name_of_rules,
    }
    rollup.roll_up(connection, job.sql_folder, parameters)
    rollup.make_macros(connection, job.sql_folder)
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
    store.make_views(connection)
    store.comment_tables(connection)
