"""What a night needs, looked at before it is missed, and how the last one ended.

finding     one thing looked at
machine     Python, libraries, what came with the code
folders     raw files; what the processed folder's file system can do, and its room
nights      the lock, the last run and its age
leftovers   what stopped runs and other people left in the processed folder

Nothing is changed: what is tried out is tried in a folder that is removed at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.doctor import folders, leftovers, machine, nights
from pipeline.doctor.finding import Finding, failure, fine
from pipeline.errors import DarkportError
from pipeline.registry import read_registry
from pipeline.remote import Address
from pipeline.rules import OperationRules, Rules, load_rules, rules_hash
from pipeline.user_evidence import NO_FILES, EvidenceFiles, read_evidence
from pipeline.water import Water, load_water

__all__ = ["Checkup", "Finding", "examine"]


@dataclass(frozen=True)
class Checkup:
    """What is looked at.

    Attributes:
        source: where raw files are fetched from into `raw`, if they lie elsewhere.
        rules_file, registry: the user's own, if any.
        max_age_h: age from which the last good run is too old; None: that of the rules.
        now: the clock, UTC.
        evidence: the user's proofs, reviews and watch list.
    """

    raw: Path
    processed: Path
    areas_folder: Path
    sql_folder: Path
    rules_file: Path | None
    registry: Path | None
    max_age_h: float | None
    now: datetime
    evidence: EvidenceFiles = NO_FILES
    source: Address | None = None


def examine(checkup: Checkup) -> list[Finding]:
    """Return what was found, the fine things too."""
    limits = OperationRules()
    max_age_h = limits.run_max_age_h if checkup.max_age_h is None else checkup.max_age_h
    rules, water, settings = _look_at_settings(checkup)
    if checkup.source:
        raw, raw_bytes = folders.look_at_source(checkup.source)
    else:
        raw, raw_bytes = folders.look_at_raw(checkup.raw, checkup.processed)
    last = nights.read_last_run(checkup.processed)
    name = rules_hash(rules, water.hash) if rules and water else None
    is_again = nights.is_derived_again(last, name)
    lock, is_held = nights.look_at_lock(checkup.processed)
    findings = [
        machine.look_at_python(),
        machine.look_at_libraries(),
        *settings,
        raw,
        *folders.look_at_processed(checkup.processed),
        folders.look_at_room(
            checkup.processed, raw_bytes, limits, last.started_at, is_again=is_again
        ),
        lock,
        *nights.look_at_last_run(last, checkup.now, max_age_h, limits),
        *leftovers.look_for_leftovers(checkup.processed, is_held=is_held),
    ]
    if is_again:
        words = "derives everything again once: the code, the rules or the areas changed"
        findings.append(fine("next run", words))
    return findings


def _look_at_settings(checkup: Checkup) -> tuple[Rules | None, Water | None, list[Finding]]:
    """Return rules and waters, None where unusable, and what was found."""
    rules, water = None, None
    findings: list[Finding] = []
    try:
        rules = load_rules(checkup.rules_file)
        findings.append(fine("rules", str(checkup.rules_file or "as they come")))
    except DarkportError as error:
        findings.append(failure("rules", str(error)))
    try:
        water = load_water(checkup.areas_folder)
        areas = water.areas
        words = f"{len(areas.area_ids)} monthly areas, {areas.port_groups().height} port groups"
        findings.append(fine("areas", words))
    except DarkportError as error:
        findings.append(failure("areas", str(error)))
    if checkup.registry:
        try:
            ships = read_registry(checkup.registry).height
            findings.append(fine("registry", f"{ships} ships in {checkup.registry}"))
        except DarkportError as error:
            findings.append(failure("registry", str(error)))
    if water and checkup.evidence != NO_FILES:
        try:
            found = read_evidence(checkup.evidence, water.areas)
            words = (
                f"{found.confirmations.height} confirmations, {found.reviews.height} reviews,"
                f" {found.watch_list.height} ships on the watch list"
            )
            findings.append(fine("evidence", words))
        except DarkportError as error:
            findings.append(failure("evidence", str(error)))
    findings.append(machine.look_at_sql(checkup.sql_folder))
    return rules, water, findings
