"""What stopped runs and other people left in the processed folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pipeline import store
from pipeline.calibrate import FOLDER as CALIBRATION
from pipeline.doctor.finding import Finding, fine, warning
from pipeline.doctor.folders import TRIAL
from pipeline.nightly import MIRROR, SCRATCH, SHELF, STATE
from pipeline.store.links import TEMPORARY_LINK, list_names, list_visible, read_link
from pipeline.store.lock import LOCK
from pipeline.store.outputs import CURRENT, GENERATION, GENERATIONS, HALF_BUILT, REPLACED

OURS = frozenset([LOCK, CURRENT, GENERATIONS, SHELF, SCRATCH, MIRROR, CALIBRATION])
MOST_NAMES = 5
NEXT_RUN = "the next run removes it"


def look_for_leftovers(processed: Path, *, is_held: bool) -> list[Finding]:
    """Return what lies in the processed folder and belongs to no published night.

    While a run holds the lock, what is half built is its own and not looked at.
    """
    if not processed.is_dir():
        return [fine("leftovers", "none")]
    findings = [*_look_at_top_level(processed), *_look_at_generations(processed, is_held)]
    if not is_held:
        findings += [*_look_at_shelf(processed), *_look_at_scratch(processed)]
    return findings or [fine("leftovers", "none")]


def _look_at_top_level(processed: Path) -> list[Finding]:
    findings: list[Finding] = []
    strangers: list[str] = []
    for name in list_names(processed):
        path = processed / name
        if name in OURS:
            continue
        if name.startswith(".") and name.endswith(TEMPORARY_LINK) and path.is_symlink():
            findings.append(warning("leftover", f"temporary link {name}; {NEXT_RUN}"))
        elif read_link(path) == f"{CURRENT}/{name}":
            if not path.exists():
                findings.append(warning("leftover", f"link {name} leads nowhere; {NEXT_RUN}"))
        elif name.endswith(".wal"):
            findings.append(warning("leftover", f"{name} beside an output; {NEXT_RUN}"))
        elif name.startswith(TRIAL):
            words = f"{name} of a doctor that was killed: remove it"
            findings.append(warning("leftover", words))
        else:
            strangers.append(name)
    findings += [
        warning("leftover", f"{name} in {CURRENT}; {NEXT_RUN}")
        for name in list_names(processed / CURRENT)
        if name.endswith(".wal")
    ]
    if strangers:
        words = f"{_listed(strangers)}, not written by darkport: left alone"
        findings.append(warning("other files", words))
    return findings


def _look_at_generations(processed: Path, is_held: bool) -> list[Finding]:
    names = list_names(processed / GENERATIONS)
    current = store.Outputs(processed).current
    whole = [name for name in names if GENERATION.fullmatch(name)]
    # The one before is kept for its readers until the next run has published.
    kept = {current.name} | set(_before(current.name, whole)) if current else set()
    stale = [name for name in whole if name not in kept]
    half_built = [name for name in names if GENERATION.fullmatch(name.removesuffix(HALF_BUILT))]
    half_built = [name for name in half_built if name not in whole]
    strangers = [name for name in names if name not in (*whole, *half_built, REPLACED)]
    findings: list[Finding] = []
    if current is None and whole:
        words = f"{CURRENT} is lost; the next run publishes generation {max(whole, key=int)} again"
        return [warning("leftover", words)]
    if half_built and not is_held:
        words = f"half-built generation {_listed(half_built)} of a run that was stopped"
        findings.append(warning("leftover", f"{words}; {NEXT_RUN}"))
    if stale:
        words = f"earlier generation {_listed(stale)}, which could not be removed"
        findings.append(warning("leftover", words))
    replaced = list_names(processed / GENERATIONS / REPLACED)
    if replaced:
        words = f"{_listed(replaced)} stood where outputs stand now: remove what nobody needs"
        findings.append(warning(f"{GENERATIONS}/{REPLACED}", words))
    if strangers:
        findings.append(warning("other files", f"{_listed(strangers)} in {GENERATIONS}"))
    return findings


def _before(name: str, whole: list[str]) -> list[str]:
    """Return the newest generation before `name`, if there is one."""
    earlier = [one for one in whole if int(one) < int(name)]
    return [max(earlier, key=int)] if earlier else []


def _look_at_shelf(processed: Path) -> list[Finding]:
    """Return how many results on the shelf no published night stands on."""
    named = _names_on_shelf(processed)
    unnamed = half_made = 0
    for kind in list_visible(processed / SHELF):
        kept = set(named.get(kind, ()))
        with os.scandir(processed / SHELF / kind) as entries:
            others = [entry.name for entry in entries if entry.name not in kept]
        hidden = sum(name.startswith(".") for name in others)
        half_made += hidden
        unnamed += len(others) - hidden
    findings: list[Finding] = []
    if half_made:
        words = f"half-made results on the shelf, of a run that was stopped: {half_made}"
        findings.append(warning("leftover", f"{words}; the next run removes them"))
    if unnamed:
        words = f"finished results on the shelf, of a run that did not publish: {unnamed}"
        findings.append(warning("leftover", f"{words}; the next run uses or removes them"))
    return findings


def _names_on_shelf(processed: Path) -> dict[str, list[str]]:
    try:
        return json.loads((processed / CURRENT / STATE / "shelf.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _look_at_scratch(processed: Path) -> list[Finding]:
    if not list_names(processed / SCRATCH):
        return []
    words = f"{SCRATCH} of a run that was killed; the next run removes it"
    return [warning("leftover", words)]


def _listed(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
