"""The lock, the last published run, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline import store
from pipeline.doctor.finding import Finding, failure, fine, warning
from pipeline.errors import UsageError
from pipeline.keys import code_key
from pipeline.nightly import MANIFEST
from pipeline.rules import OperationRules

NO_NEWS = timedelta(0)


@dataclass(frozen=True)
class LastRun:
    """What the published generation says of the run that made it.

    Attributes:
        manifest: its manifest; empty before the first night.
        fault: why it cannot be read, else None.
        started_at, finished_at, data_end: UTC; None where not known.
    """

    manifest: dict[str, Any]
    fault: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    data_end: datetime | None = None


def read_last_run(processed: Path) -> LastRun:
    """Return the last published run."""
    current = store.Outputs(processed).current
    if current is None:
        return LastRun({})
    try:
        manifest = store.read_manifest(current)
        times = [_instant(manifest[name]) for name in ("started_at", "finished_at", "data_end")]
        return LastRun({**manifest, "run": int(manifest["run"])}, None, *times)
    except (UsageError, LookupError, TypeError, ValueError) as error:
        return LastRun({}, fault=f"{current / MANIFEST} cannot be read: {error}")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def is_derived_again(last: LastRun, name_of_rules: str | None) -> bool:
    """Return whether the next run derives everything again, for its code or rules are others."""
    if not last.manifest:
        return False
    told = last.manifest.get("code_hash"), last.manifest.get("rules_hash")
    return told != (code_key(), name_of_rules or told[1])


def look_at_lock(processed: Path) -> tuple[Finding, bool]:
    """Return who holds the lock, and whether anybody does."""
    try:
        is_held, holder = store.look_at_lock(processed)
    except OSError as error:
        return failure("lock", f"cannot be read: {error.strerror or error}"), False
    if is_held:
        return fine("lock", f"held by {holder}"), True
    if holder:
        words = f"{holder} ended without releasing it (killed, or the machine stopped)"
        return warning("lock", f"{words}; the next run takes over"), False
    return fine("lock", "free"), False


def look_at_last_run(
    last: LastRun, now: datetime, max_age_h: float, limits: OperationRules
) -> list[Finding]:
    """Return how old the last good run and its data are, and what it warned of."""
    if last.fault:
        return [failure("last run", last.fault)]
    if last.finished_at is None or last.data_end is None:
        return [warning("last run", "none is published yet")]
    run = f"run {last.manifest['run']}"
    findings = [_look_at_age(run, last.finished_at, now, max_age_h)]
    lag = last.finished_at - last.data_end
    words = f"data until {last.data_end:%Y-%m-%d %H:%M} UTC, {_age(lag)} before {run} ended"
    is_late = lag > timedelta(hours=limits.data_max_age_h)
    findings.append(warning("data", words) if is_late else fine("data", words))
    findings += [warning(f"warning of {run}", words) for words in last.manifest.get("warnings", ())]
    return findings


def _look_at_age(run: str, finished_at: datetime, now: datetime, max_age_h: float) -> Finding:
    age = now - finished_at
    words = f"{run} ended {finished_at:%Y-%m-%d %H:%M:%S} UTC"
    if age < NO_NEWS:
        return failure("last run", f"{words}, after the machine's clock ({now:%Y-%m-%d %H:%M:%S})")
    words += f", {_age(age)} ago"
    if age > timedelta(hours=max_age_h):
        return failure("last run", f"{words}; it should be at most {max_age_h:g} h")
    return fine("last run", words)


def _age(span: timedelta) -> str:
    """Return a time span for people: hours, from three days on days."""
    hours = span.total_seconds() / 3600
    return f"{hours:.1f} h" if abs(hours) < 72 else f"{hours / 24:.1f} days"
