"""The commands that do or look after the whole job: `nightly`, `rollup`, `doctor`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.cli_remote import (
    PublishTo,
    describe_push,
    push_figures,
    push_night,
    read_raw,
    read_target,
    require_apart,
)
from pipeline.errors import DarkportError, PushError, UsageError, printable
from pipeline.process import Stopped, find_cause, is_text, write_output
from pipeline.resources import bundled_folder

if TYPE_CHECKING:
    from pipeline.engine import EngineChoice
    from pipeline.nightly import Job, Outcome
    from pipeline.progress import Log
    from pipeline.remote import Pushed
    from pipeline.user_evidence import EvidenceFiles

Raw = Annotated[
    str,
    typer.Option(
        help="Folder with provider files, one folder a feed; or its URL: s3://bucket/folder,"
        " gs://..., file:///..."
    ),
]
Processed = Annotated[Path, typer.Option(help="Folder of the published tables.")]
RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="TOML file that overrides thresholds.")
]
AreasFolder = Annotated[
    Path | None, typer.Option("--areas", help="Geo folder; default: the Caspian one.")
]
Registry = Annotated[
    Path | None, typer.Option(help="CSV of flags and fleets that override the MMSI's.")
]
Confirmations = Annotated[
    Path | None, typer.Option(help="CSV of dated proofs that a ship was, or was not, in a port.")
]
Reviews = Annotated[Path | None, typer.Option(help="CSV of analysts' reviews of calls.")]
WatchList = Annotated[Path | None, typer.Option(help="CSV of ships to label; never evidence.")]
Baseline = Annotated[
    Path | None, typer.Option(help="CSV of gaps and calls of the years before 2022.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]

RAW, PROCESSED = "data/raw", Path("data/processed")
SOME_FILES_FAILED = 3


def nightly(
    raw: Raw = RAW,
    processed: Processed = PROCESSED,
    rules: RulesFile = None,
    areas: AreasFolder = None,
    registry: Registry = None,
    confirmations: Confirmations = None,
    reviews: Reviews = None,
    watch_list: WatchList = None,
    baseline: Baseline = None,
    data_end: Annotated[
        str | None, typer.Option(help="End of the data, UTC, e.g. 2023-06-10T00:00.")
    ] = None,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Fetch and hash all raw files again.")
    ] = False,
    accept_counts: Annotated[
        bool,
        typer.Option("--accept-counts", help="Publish although counts are out of their bands."),
    ] = False,
    with_report: Annotated[
        bool, typer.Option("--report/--no-report", help="Make the report too.")
    ] = True,
    engine: Annotated[
        Literal["local", "dask"],
        typer.Option(help="Where files are read and days summed up; dask: on a cluster."),
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option(help="Dask scheduler, e.g. tcp://10.0.0.5:8786; without: this machine's."),
    ] = None,
    publish_to: PublishTo = None,
    log: Annotated[
        Literal["auto", "text", "json", "none"] | None,
        typer.Option(
            envvar="DARKPORT_LOG",
            help="Form of the log on standard error; auto: a bar on a terminal, else text.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Do the whole job: raw files to monthly tables, indicator and database."""
    from pipeline.progress import choose_log
    from pipeline.remaining import Forecast

    forecast = Forecast(time.monotonic)
    told = choose_log(log or ("none" if as_json else "auto"), forecast)
    with _telling_the_end(told):
        from pipeline.engine import EngineChoice
        from pipeline.nightly import run_night
        from pipeline.user_evidence import EvidenceFiles

        job = make_job(
            raw,
            processed,
            rules,
            areas,
            registry,
            data_end,
            baseline=baseline,
            rehash=rehash,
            accept_counts=accept_counts,
            evidence=EvidenceFiles(confirmations, reviews, watch_list),
            with_report=with_report,
            engine=EngineChoice(engine, scheduler),
        )
        target = read_target(publish_to, processed, job.raw, job.source) if publish_to else None
        outcome = run_night(job, told.progress, forecast)
        pushed = push_night(processed, target, told) if target else None
    exit_code = _exit_code(outcome, pushed)
    for words in outcome.warnings:
        told.warn(words)
    more = {} if pushed is None else push_figures(pushed)
    if isinstance(pushed, str) or (pushed and pushed.warning):
        told.warn(pushed if isinstance(pushed, str) else pushed.warning or "")
    for file, why in outcome.files_failed:
        told.refuse(file, why)
    told.finish(_figures(outcome) | more | {"exit_code": exit_code})
    if as_json:
        content = _whole_outcome(outcome) | more | {"exit_code": exit_code}
        write_output(json.dumps(content, indent=2))
    else:
        write_output(printable(f"{summarise(outcome)}; written to {processed}"))
        if pushed is not None and not isinstance(pushed, str):
            write_output(describe_push(pushed))
    raise typer.Exit(exit_code)


def _exit_code(outcome: Outcome, pushed: Pushed | str | None) -> int:
    """Return the exit code of a night that was published here."""
    if isinstance(pushed, str):
        return PushError.exit_code
    return SOME_FILES_FAILED if outcome.files_failed else 0


@contextmanager
def _telling_the_end(log: Log) -> Iterator[None]:
    """Tell the log why the block failed, and end the command with its exit code."""
    try:
        yield
    except (Exception, KeyboardInterrupt, Stopped) as error:  # noqa: BLE001
        cause = find_cause(error)
        code = cause.exit_code if isinstance(cause, DarkportError | Stopped) else 1
        log.close()
        log.fail(cause, code)
        raise typer.Exit(code) from None
    log.close()


def summarise(outcome: Outcome) -> str:
    """Return the one line that says what a night did."""
    changes, warnings = outcome.changes, len(outcome.warnings)
    return (
        f"{'SIMULATED feed: ' if outcome.is_simulated else ''}run {outcome.run}:"
        f" {len(changes.new)} new, {len(changes.changed)} changed, {len(changes.removed)} gone,"
        f" {len(outcome.files_failed)} failed of {_file_count(outcome)} raw files;"
        f" {outcome.rows_read} rows, {outcome.sightings} sightings,"
        f" {outcome.gaps} gaps, {outcome.open_gaps} open; {outcome.days_redone} days redone;"
        f" data until {outcome.data_end:%Y-%m-%d %H:%M} UTC;"
        f" {warnings} warning{'' if warnings == 1 else 's'}; {_total_s(outcome):.1f} s"
    )


def _file_count(outcome: Outcome) -> int:
    return outcome.files_read + len(outcome.files_failed)


def _total_s(outcome: Outcome) -> float:
    return sum(outcome.seconds.values())


def _figures(outcome: Outcome) -> dict[str, Any]:
    """Return what the last line of a JSON log holds: figures, no lists."""
    changes = outcome.changes
    return {
        "run": outcome.run,
        "files": _file_count(outcome),
        "files_new": len(changes.new),
        "files_changed": len(changes.changed),
        "files_gone": len(changes.removed),
        "files_failed": len(outcome.files_failed),
        "rows_read": outcome.rows_read,
        "sightings": outcome.sightings,
        "gaps": outcome.gaps,
        "open_gaps": outcome.open_gaps,
        "days_redone": outcome.days_redone,
        "data_end": outcome.data_end.isoformat() + "Z",
        "is_simulated": outcome.is_simulated,
        "warnings": len(outcome.warnings),
        "seconds": round(_total_s(outcome), 3),
    }


def _whole_outcome(outcome: Outcome) -> dict[str, Any]:
    """Return all that a night did, as JSON can say it."""
    return asdict(outcome) | {
        "files_failed": dict(outcome.files_failed),
        "data_end": outcome.data_end.isoformat() + "Z",
    }


def rollup(
    processed: Processed = PROCESSED,
    rules: RulesFile = None,
    areas: AreasFolder = None,
    baseline: Baseline = None,
) -> None:
    """Run sql/ again on the published tables: monthly tables, indicator, database."""
    from pipeline.nightly import roll_up_again

    roll_up_again(make_job(RAW, processed, rules, areas, None, None, baseline=baseline))
    print(f"rolled up again in {processed}")  # noqa: T201


def doctor(
    raw: Raw = RAW,
    processed: Processed = PROCESSED,
    rules: RulesFile = None,
    areas: AreasFolder = None,
    registry: Registry = None,
    confirmations: Confirmations = None,
    reviews: Reviews = None,
    watch_list: WatchList = None,
    max_age_h: Annotated[
        float | None,
        typer.Option(min=0, help="Age in hours from which the last good run is too old [36]."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check what a night needs, and how the last one ended; changes nothing."""
    from pipeline.doctor import Checkup, examine
    from pipeline.user_evidence import EvidenceFiles

    folder, source = read_raw(raw, processed)
    checkup = Checkup(
        raw=folder,
        source=source,
        processed=processed,
        areas_folder=areas or bundled_folder("geo"),
        sql_folder=bundled_folder("sql"),
        rules_file=rules,
        registry=registry,
        max_age_h=max_age_h,
        now=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
        evidence=EvidenceFiles(confirmations, reviews, watch_list),
    )
    findings = examine(checkup)
    is_fine = all(finding.is_fine for finding in findings)
    if as_json:
        listed = [asdict(finding) for finding in findings]
        print(json.dumps({"is_fine": is_fine, "findings": listed}, indent=2))  # noqa: T201
    else:
        for finding in findings:
            print(printable(f"{finding.level:<4} {finding.what}: {finding.words}"))  # noqa: T201
    raise typer.Exit(0 if is_fine else 1)


def make_job(
    raw: str,
    processed: Path,
    rules: Path | None,
    areas: Path | None,
    registry: Path | None,
    data_end: str | None,
    *,
    baseline: Path | None = None,
    rehash: bool = False,
    accept_counts: bool = False,
    evidence: EvidenceFiles | None = None,
    with_report: bool = False,
    engine: EngineChoice | None = None,
) -> Job:
    """Return the job that the options ask for.

    Raises:
        UsageError: an instant is none, the outputs would lie among the raw files, or their folder
            has a name that cannot be written to.
        ConfigError: the rules file is unusable.
    """
    from pipeline.engine import ON_THIS_PROCESS
    from pipeline.nightly import Job
    from pipeline.rules import load_rules
    from pipeline.user_evidence import NO_FILES

    if not is_text(processed):
        raise UsageError(f"--processed {processed}: the tables' writer needs a name in UTF-8")
    folder, source = read_raw(raw, processed)
    require_apart(folder, source, processed)
    return Job(
        raw=folder,
        source=source,
        processed=processed,
        areas_folder=areas or bundled_folder("geo"),
        sql_folder=bundled_folder("sql"),
        rules=load_rules(rules),
        registry=registry,
        baseline=baseline,
        data_end=_instant(data_end) if data_end else None,
        rehash=rehash,
        accept_counts=accept_counts,
        evidence=evidence or NO_FILES,
        with_report=with_report,
        engine=engine or ON_THIS_PROCESS,
    )


def _instant(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
        return given.astimezone(UTC).replace(tzinfo=None) if given.tzinfo else given
    except (ValueError, OverflowError):
        raise UsageError(
            f"--data-end: {text!r} is no instant; write e.g. 2023-06-10T00:00 (UTC)"
        ) from None
