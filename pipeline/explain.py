"""A gap's or a call's whole story in words, from the published tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipeline import store
from pipeline.calibrate import tell_calibrated
from pipeline.errors import UsageError, printable
from pipeline.explain_calls import list_call_facts, read_call, tell_call
from pipeline.explain_hours import find_score, list_facts, read_steps, tell_score, tell_steps

NOT_JUDGED = "not judged: its track has no hours to learn from"
LADDER_NAMES = {6: "GFW raw", 12: "GFW disabling", 30: "Lloyd's List", 72: "'prolonged'"}


@dataclass(frozen=True)
class Story:
    """The facts of a row, and the lines that tell them."""

    facts: dict[str, Any]
    lines: tuple[str, ...]


def find_story(processed: Path, row_id: str) -> Story:
    """Return the story of a gap, or of a call and then of its weightiest gap.

    Raises:
        UsageError: there is no such row, or an earlier version made the database.
    """
    connection = store.open_database(processed / store.DATABASE)
    try:
        story = read_call(connection, row_id)
        gap_story = _find_gap_story(
            connection, processed, story.weightiest if story else row_id, is_call=story is not None
        )
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise UsageError(_tell_earlier(processed)) from error
    finally:
        connection.close()
    if story is None:
        return gap_story
    facts = {**gap_story.facts, "call_story": list_call_facts(story)}
    return Story(facts, (*tell_call(story), *gap_story.lines))


def _tell_earlier(processed: Path) -> str:
    return f"{processed} was made by an earlier version: run darkport nightly"


def _find_gap_story(
    connection: duckdb.DuckDBPyConnection, processed: Path, gap_id: str, *, is_call: bool
) -> Story:
    """Return the story of a gap.

    Raises:
        UsageError: as `find_story`.
    """
    found = connection.execute("select * from gaps where gap_id = $id", {"id": gap_id})
    names = [column[0] for column in found.description or []]
    row = found.fetchone()
    if row is None:
        raise UsageError(f"no gap or call {printable(gap_id)} in {processed}")
    gap = dict(zip(names, row, strict=True))
    if "p_off_direct" not in gap:
        raise UsageError(_tell_earlier(processed))
    rungs = [
        int(hours)
        for (hours,) in connection.execute(
            "select at_least_h from gap_ladder where gap_id = $id order by at_least_h",
            {"id": gap["gap_id"]},
        ).fetchall()
    ]
    # Where proof refutes one port group it may have a second row at another.
    calls = connection.execute(
        "select call_id, port_group, port_country, grade, reasons from dark_port_calls"
        " where list_contains(string_split(gap_ids, ';'), $id) order by grade = 'X', call_id",
        {"id": gap["gap_id"]},
    ).fetchall()
    # Where nobody asked who could have heard it (it left the region) its hours say nothing.
    steps = () if gap["live_h"] is None else read_steps(connection, gap["gap_id"])
    score = find_score(gap)
    facts = {
        **gap,
        "ladder_h": rungs,
        "call": calls[0] if calls else None,
        **list_facts(steps, score),
    }
    told = [*_tell_reception(gap), *tell_score(gap, score), *tell_steps(steps)]
    lines = _tell(gap, rungs, [] if is_call else calls, told, is_call=is_call)
    # Before the words on what it was judged with.
    lines[-2:-2] = tell_calibrated(processed, gap)
    return Story(facts, tuple(lines))


def _tell(
    gap: dict[str, Any],
    rungs: list[int],
    calls: list[tuple[Any, ...]],
    reception: list[str],
    *,
    is_call: bool,
) -> list[str]:
    name = printable(gap["name"]) if gap["name"] else "a ship without a name"
    flag = gap["flag"] or "flag unknown"
    lines = [
        f"Gap {gap['gap_id']}  ({gap['status']}, {'closed' if gap['is_closed'] else 'open'})",
        f"Ship   {name}, {flag}, {gap['fleet']}, MMSI {gap['mmsi']}"
        + (f", IMO {gap['imo']}" if gap["imo"] else ", no trusted IMO number"),
        f"Story  {gap['reasons']}",
        "Before " + _receivers(gap),
        "Ladder " + _ladder(rungs),
        f"Cause  {gap['cause'] or NOT_JUDGED}",
        *reception,
    ]
    lines += [
        f"Call   {call[0]} at {call[1]} ({call[2]}), grade {call[3]}: {printable(call[4])}"
        for call in calls
    ]
    if not calls and not is_call:
        lines.append("Call   none likely enough for a row of dark_port_calls")
    lines.append(
        f"Judged with data until {gap['data_end']:%Y-%m-%d %H:%M} UTC, method"
        f" {gap['method_version']}, rules {gap['rules_hash']}"
    )
    lines.append("Switching off can be lawful; a silence alone says nothing about intent.")
    return lines


def _tell_reception(gap: dict[str, Any]) -> list[str]:
    """Return who could have heard it, and how likely its set was off, as far as it is known."""
    if gap["live_h"] is None:
        return []
    lines = [
        f"Heard  {gap['witnesses']} other ships and beacons, in {gap['live_h']:.1f} h of it;"
        f" {gap['expected_receptions']:.1f} receptions were to be expected of this one"
    ]
    if gap["p_off"] is not None:
        weak = ", learned of thin data" if gap["weakly_identified"] else ""
        lines.append(
            f"Off    probability {gap['p_off']:.3f}, 90 % interval {gap['p_off_low']:.3f} to"
            f" {gap['p_off_high']:.3f}{weak} (uncalibrated)"
        )
    return lines


def _receivers(gap: dict[str, Any]) -> str:
    return (
        f"{gap['positions_12h_before']} sightings in the 12 h before:"
        f" {gap['positions_12h_before_terrestrial']} by ground stations,"
        f" {gap['positions_12h_before_satellite']} by satellites"
    )


def _ladder(rungs: list[int]) -> str:
    if not rungs:
        return "below every threshold"
    named = [f"{h} h" + (f" ({LADDER_NAMES[h]})" if h in LADDER_NAMES else "") for h in rungs]
    return "counted at " + ", ".join(named)
