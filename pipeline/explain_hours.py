"""A gap hour by hour: who else was heard, what was expected, and what its score is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb

from pipeline.errors import printable
from pipeline.schema import LEAST_TOLD_P

MOST_STEPS = 24  # lines of the table: a day by the hour
INDENT = " " * 7


@dataclass(frozen=True)
class Step:
    """Some whole UTC hours inside a gap.

    Attributes:
        from_at: its first hour.
        hours: how many.
        cell_lon_deg, cell_lat_deg: south-west corner of the cell in which the ship could have
            been in the first hour.
        cells: how many cells it could have been in.
        area: monthly area of the first cell, where it is one.
        ships_heard: other ships heard in the cell by ground stations, the most in an hour.
        ships_heard_by_satellite: other ships heard by satellites in the basin, likewise.
        beacons_heard: base stations and aids to navigation heard in the cell, likewise.
        live_h: hours in which anybody was heard.
        expected_receptions: of this ship if its set was on.
        observed_receptions: none, by definition of a gap.
    """

    from_at: datetime
    hours: int
    cell_lon_deg: float
    cell_lat_deg: float
    cells: int
    area: str | None
    ships_heard: int
    ships_heard_by_satellite: int
    beacons_heard: int
    live_h: int
    expected_receptions: float
    observed_receptions: int = 0


@dataclass(frozen=True)
class Score:
    """Log-odds of p_off and its parts, which add up to it; to two decimals.

    `where_it_went` is what it adds that the ship may have called on the way (METHOD 6).
    """

    log_odds: float
    before: float
    silence: float
    own_factor: float
    where_it_went: float


def read_steps(connection: duckdb.DuckDBPyConnection, gap_id: str) -> tuple[Step, ...]:
    """Return the whole hours inside a gap, in at most MOST_STEPS equal steps of whole hours."""
    found = connection.execute(
        "select hour, cell_lon_deg, cell_lat_deg, area, ships_heard, ships_heard_by_satellite,"
        " beacons_heard, is_live, expected_receptions from hours_of_gap($id) order by hour",
        {"id": gap_id},
    ).fetchall()
    step_h = max(math.ceil(len(found) / MOST_STEPS), 1)
    return tuple(_sum_up(found[at : at + step_h]) for at in range(0, len(found), step_h))


def _sum_up(hours: Sequence[tuple[Any, ...]]) -> Step:
    from_at, lon, lat, area, *_ = hours[0]
    return Step(
        from_at=from_at,
        hours=len(hours),
        cell_lon_deg=lon,
        cell_lat_deg=lat,
        cells=len({(row[1], row[2]) for row in hours}),
        area=area,
        ships_heard=max(row[4] for row in hours),
        ships_heard_by_satellite=max(row[5] for row in hours),
        beacons_heard=max(row[6] for row in hours),
        live_h=sum(row[7] for row in hours),
        expected_receptions=round(sum(row[8] for row in hours), 3),
    )


def find_score(gap: dict[str, Any]) -> Score | None:
    """Return what p_off is made of; None where the gap has none."""
    p_off = gap["p_off"]
    if p_off is None or gap["log_odds_before"] is None:
        return None
    total, direct = (_take_log_odds(gap[name]) for name in ("p_off", "p_off_direct"))
    before, silence = (round(gap[f"log_odds_{part}"], 2) for part in ("before", "silence"))
    return Score(
        total,
        before,
        silence,
        round(direct - before - silence, 2),
        round(total - direct, 2),
    )


def _take_log_odds(p: float) -> float:
    p = min(max(p, LEAST_TOLD_P), 1 - LEAST_TOLD_P)
    return round(math.log(p / (1 - p)), 2)


def tell_score(gap: dict[str, Any], score: Score | None) -> list[str]:
    """Return the parts of the score, a line each."""
    if score is None:
        return []
    is_beyond = not LEAST_TOLD_P < gap["p_off"] < 1 - LEAST_TOLD_P
    return [
        f"Score  log-odds of p_off {score.log_odds:+.2f}{' or beyond' if is_beyond else ''},"
        " the sum of",
        f"{INDENT}{score.before:+7.2f}  before: how often sets go off in"
        f" {printable(gap['off_area'] or 'its area')} and for how long, this silence not counted",
        f"{INDENT}{score.silence:+7.2f}  its silence in {gap['live_h']:.1f} live hours, had it been"
        " heard like a middling ship",
        f"{INDENT}{score.own_factor:+7.2f}  its own factor: heard {gap['own_factor']:.2f} times as"
        " often as a middling ship until the off point; how it was heard after counts too",
        f"{INDENT}{score.where_it_went:+7.2f}  where it went: up to here straight from off to on;"
        " silence may be likelier, or less, where it can have called (table port_candidates)",
    ]


def tell_steps(steps: Sequence[Step]) -> list[str]:
    """Return the table of hours: a line that says what they are, the head, a line a step, a sum."""
    if not steps:
        return []
    hours, step_h = sum(step.hours for step in steps), steps[0].hours
    by = (
        f"in steps of {step_h} h, ships heard: the most in an hour" if step_h > 1 else "by the hour"
    )
    head = f"{'from (UTC)':<16}  {'cell from':<14}  {'area':<13}"
    lines = [
        f"Hours  the {hours} whole hours inside, {by}; on the way over water from off to on point",
        f"{INDENT}{head}  ground  satellite  beacons  live h  expected  observed",
        *(INDENT + _tell_step(step) for step in steps),
    ]
    live_h, expected = (
        sum(getattr(step, name) for step in steps) for name in ("live_h", "expected_receptions")
    )
    return [
        *lines,
        f"{INDENT}in all {live_h} live hours and {expected:.1f} receptions expected, 0 observed",
    ]


def _tell_step(step: Step) -> str:
    lon = f"{abs(step.cell_lon_deg):g}{'E' if step.cell_lon_deg >= 0 else 'W'}"
    lat = f"{abs(step.cell_lat_deg):g}{'N' if step.cell_lat_deg >= 0 else 'S'}"
    place = f"{lon} {lat}" + (f" +{step.cells - 1}" if step.cells > 1 else "")
    area = printable(step.area) if step.area else "-"
    return (
        f"{step.from_at:%Y-%m-%d %H:%M}  {place:<14}  {area:<13}  {step.ships_heard:>6}"
        f"  {step.ships_heard_by_satellite:>9}  {step.beacons_heard:>7}  {step.live_h:>6}"
        f"  {step.expected_receptions:>8.2f}  {step.observed_receptions:>8}"
    )


def list_facts(steps: Sequence[Step], score: Score | None) -> dict[str, Any]:
    """Return what `tell_steps` and `tell_score` tell, for machines."""
    return {
        "score": None if score is None else asdict(score),
        "hours": [asdict(step) for step in steps],
    }
