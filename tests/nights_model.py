"""Ways to deliver the rows of an archive over nights, and ways to run a night.

A night finds a raw folder in some state. A plan is a list of such states, of which the last is
the whole archive; whatever came before, what is published after the last must be what one night
on the last state publishes (DESIGN 5).
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline.nightly import Job, Outcome, run_night
from pipeline.rules import Rules
from pipeline.schema import STEP_TABLES, TABLES, polars_schema
from tests.night import GEO, SQL
from tests.nights_archive import COLUMNS, DAY, Line, instant

Random = random.Random

# ------------------------------------------------------------------------------------------ plans

State = Mapping[str, bytes]
Files = dict[str, list[Line]]


def write_rows(lines: Iterable[Line], *, is_packed: bool = False) -> bytes:
    """Return a raw file of some rows."""
    data = ("\n".join([",".join(COLUMNS), *(line.text for line in lines)]) + "\n").encode()
    return gzip.compress(data, mtime=0) if is_packed else data


def split_rows(rng: Random, lines: Sequence[Line], *, by_day: bool = False) -> Files:
    """Return rows by file, feeds apart: a file a day and some stray ones; or in any other way."""
    files: Files = {}
    kinds = ("day",) if by_day else ("any", "any", "month", "one")
    how = {feed: rng.choice(kinds) for feed in ("coast", "sky")}
    parts = {feed: rng.randint(2, 4) for feed in how}
    for line in rng.sample(lines, k=len(lines)):
        at = line.text.split(",")[1]
        is_stray = rng.random() < 0.05 or not at[:4].isdigit()
        name = {
            "day": "stray" if is_stray else at[:10],
            "any": f"part-{rng.randrange(parts[line.feed])}",
            "month": "stray" if is_stray else at[:7],
            "one": "stray" if is_stray else "all",
        }[how[line.feed]]
        kind = ".csv.gz" if name.endswith(("1", "7")) else ".csv"
        files.setdefault(f"{line.feed}/{name}{kind}", []).append(line)
    return files


def draw_plan(rng: Random, files: Files, nights: int, *, in_order: bool = False) -> list[State]:
    """Return what the raw folder holds night by night; in the last one every file, whole.

    Files come in any order, some of them weeks late, or in the order of their names but for some;
    some come in two versions, the first shorter or torn; some under another name at first; one is
    there twice in the end; a wrong one comes and goes.
    """
    names = sorted(files, key=lambda name: name.split("/")[1])
    arrivals = [Arrival(rng.randrange(nights)) for _ in names]
    if in_order:
        turns = sorted(rng.randrange(nights) for _ in names)
        arrivals = [
            Arrival(turn) if rng.random() < 0.9 else late
            for turn, late in zip(turns, arrivals, strict=True)
        ]
    arrivals[rng.randrange(len(names))] = Arrival(0)
    arrivals = [
        replace(one, is_short=rng.random() < 0.3, is_renamed=rng.random() < 0.1) for one in arrivals
    ]
    twice = rng.choice(names) if rng.random() < 0.5 else None
    wrong = rng.randrange(nights) if rng.random() < 0.6 else None
    return make_plan(files, dict(zip(names, arrivals, strict=True)), nights, twice, wrong)


@dataclass(frozen=True)
class Arrival:
    """When a file comes, and how it is before its last form.

    Attributes:
        night: the night that finds it first.
        is_short: that night finds half of its rows only.
        is_renamed: that night finds it under another name.
        is_torn: that night finds two thirds of its bytes: it is being written.
    """

    night: int
    is_short: bool = False
    is_renamed: bool = False
    is_torn: bool = False


def make_plan(
    files: Files,
    arrivals: Mapping[str, Arrival],
    nights: int,
    twice: str | None = None,
    wrong: int | None = None,
) -> list[State]:
    """Return what the raw folder holds night by night; in the last one every file, whole.

    Args:
        files: the rows of each file.
        arrivals: when it comes.
        nights: how many there are.
        twice: the file that is there under two names.
        wrong: the night that finds a wrong file, which is gone in the next.
    """
    states: list[State] = []
    for night in range(nights):
        state: dict[str, bytes] = {}
        is_last = night == nights - 1
        for name, lines in files.items():
            arrival = arrivals[name]
            if arrival.night > night:
                continue
            is_first = arrival.night == night and not is_last
            rows = lines[: 1 + len(lines) // 2] if is_first and arrival.is_short else lines
            stands_as = _other(name) if is_first and arrival.is_renamed else name
            content = write_rows(rows, is_packed=name.endswith(".gz"))
            is_torn = is_first and arrival.is_torn
            state[stands_as] = content[: len(content) * 2 // 3] if is_torn else content
            if name == twice:
                state[_other(name)] = write_rows(lines, is_packed=name.endswith(".gz"))
        if wrong == night and not is_last:
            state["coast/wrong.csv"] = write_rows(_wrong_rows(files))
        states.append(state)
    return states


def _other(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/copy-of-{file}"


def _wrong_rows(files: Files) -> list[Line]:
    """Return rows of the archive's ships a day later and elsewhere: a file of another feed."""
    lines = [line for of_file in files.values() for line in of_file][::3]
    found: list[Line] = []
    for line in lines:
        cells = line.text.split(",")
        try:
            cells[1] = instant(datetime.fromisoformat(cells[1].rstrip("Z")) + DAY)
            cells[3] = f"{float(cells[3]) - 1:.6f}"
        except (ValueError, IndexError):
            continue
        found.append(Line(line.feed, ",".join(cells)))
    return found


def lay_out(raw: Path, state: State) -> None:
    """Make the raw folder hold this state; what is there already is not touched."""
    raw.mkdir(parents=True, exist_ok=True)
    for path in sorted(raw.rglob("*")):
        if path.is_file() and path.relative_to(raw).as_posix() not in state:
            path.unlink()
    for name, content in state.items():
        path = raw / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


# ----------------------------------------------------------------------------------------- nights


@dataclass(frozen=True)
class Asked:
    """How a night is run, beside its raw files."""

    rules: Rules = field(default_factory=Rules)
    registry: Path | None = None
    data_end: datetime | None = None
    areas: Path = GEO
    sql: Path = SQL
    rehash: bool = False

    def but(self, **changes: Any) -> Asked:
        """Return the same with some things changed."""
        return replace(self, **changes)


def run(raw: Path, processed: Path, asked: Asked) -> Outcome:
    """Run a night; what its counts are does not matter."""
    return run_night(
        Job(
            raw=raw,
            processed=processed,
            areas_folder=asked.areas,
            sql_folder=asked.sql,
            rules=asked.rules,
            registry=asked.registry,
            data_end=asked.data_end,
            rehash=asked.rehash,
            accept_counts=True,
        )
    )


def make_light_sql(folder: Path) -> Path:
    """Return a folder of SQL whose monthly tables are empty and which checks nothing.

    No later night reads what sql/ makes, so all nights but the last may go without it: that is
    most of the time of a night on a few rows.
    """
    light = folder / "light_sql"
    for part in ("marts", "checks", "macros"):
        (light / part).mkdir(parents=True)
    connection = duckdb.connect()
    for path in (SQL / "marts").glob("*.sql"):
        columns = "0 as nothing"
        if table := (TABLES | STEP_TABLES).get(path.stem):
            empty = pl.DataFrame(schema=polars_schema(table))
            connection.register("empty", empty.to_arrow())
            types = connection.execute("describe select * from empty").fetchall()
            columns = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind, *_ in types)
            connection.unregister("empty")
        text = f"-- Nothing.\nselect {columns} where false\n"
        (light / "marts" / path.name).write_text(text, "utf-8")
    connection.close()
    for path in (SQL / "macros").glob("*.sql"):
        text = f"-- Nothing.\ncreate macro {path.stem}(ts) as table select 0 as nothing\n"
        (light / "macros" / path.name).write_text(text, "utf-8")
    return light


# Rules under which so small an archive has outages, marked hours, ferries and final months.
EAGER = {
    "health": {
        **{"least_days": 2, "least_share": 0.9, "most_chance": 0.9, "least_spread": 0.01},
        "least_ships": 0.1,
        **{"lost_least_ships": 1, "lost_least_others": 1, "lost_factor": 0.1},
    },
    "gnss": {"least_ships": 2, "least_flags": 1},
    "ships": {"ferry_min_stays": 2, "ferry_min_share": 0.2},
    "gaps": {"final_after_d": 3, "calls_final_after_d": 5},
}
# One value that differs from the usual one for every rule that a night's results hang on.
OTHER_VALUES: Mapping[str, Any] = {
    "clean.reject_not_available": False,
    "clean.reject_not_a_ship": False,
    "clean.earliest_time": "2020-02-01T12:00:00",
    "clean.latest_time": "2040-01-01T00:00:00",
    "clean.longest_text": 4,
    "gnss.cell_deg": 30.0,
    "gnss.least_ships": 3,
    "gnss.least_flags": 5,
    "tracks.v_max_kn": 12.0,
    "tracks.v_max_high_speed_kn": 20.0,
    "tracks.time_slack_s": 1_800,
    "tracks.distance_slack_km": 150.0,
    "tracks.split_tracks": False,
    "tracks.confirm_after_h": 1.0,
    "tracks.two_ships_from_d": 1,
    "tracks.two_ships_within_d": 2,
    "gaps.min_gap_s": 7_200,
    "gaps.count_above_only": True,
    "gaps.ladder_h": (4, 8),
    "gaps.near_port_nm": 3.0,
    "gaps.final_after_d": 0,
    "gaps.calls_final_after_d": 0,
    "gaps.positions_before_h": 40,
    "gaps.data_end_share": 3.0,
    "gaps.data_end_floor_share": 3.0,
    "gaps.data_end_min_sightings": 25,
    "gaps.data_end_days": 1,
    "causes.exit_within_h": 40.0,
    "causes.exit_min_speed_kn": 20.0,
    "causes.exit_max_bearing_off_deg": 180.0,
    "causes.in_port_within_km": 80.0,
    "causes.min_visit_h": 200.0,
    "causes.laid_up_least_d": 0.1,
    "causes.laid_up_most_kn": 30.0,
    "ships.imo_min_reports": 1,
    "ships.imo_min_days": 1,
    "ships.imo_min_share": 0.1,
    "ships.ferry_min_share": 0.1,
    "ships.ferry_min_stays": 4,
    "ships.stay_within_km": 0.5,
    "ships.stay_max_speed_kn": 8.0,
    "ships.stay_min_sightings": 4,
    "ships.tow_within_km": 50.0,
    "ships.tow_within_s": 40_000,
    "health.window_d": 9,
    "health.least_days": 1,
    "health.least_share": 0.99,
    "health.most_chance": 0.99,
    "health.least_ships": 1.0,
    "health.stay_h": 2.0,
    "health.least_spread": 3.0,
    "health.short_run_h": 1,
    "health.lost_slot_h": 6,
    "health.lost_silence_h": 1.0,
    "health.lost_quantile": 0.1,
    "health.lost_factor": 0.01,
    "health.lost_least_ships": 6,
    "health.lost_least_others": 3,
    "health.lost_alike_share": 0.01,
    "health.lost_longest_h": 300,
    "reception.cell_deg": 5.0,
    "reception.months_back": 1,
    "reception.least_months": 1,
    "reception.moving_from_kn": 9.0,
    "reception.return_after_h": 1,
    "reception.spread": 3.0,
    "reception.most_share": 0.5,
    "reception.most_receptions": 2.0,
    "reception.prior_hours": 1.0,
    "reception.day_weight": 0.1,
    "reception.hour_weight": 0.1,
    "reception.pass_weight": 0.1,
    "reception.factors": 4,
    "reception.least_factor": 0.2,
    "reception.most_factor": 9.0,
    "reception.redraw_h": 5.0,
    "reception.redraw_at_change": 0.1,
    "reception.off_rate": 0.1,
    "reception.off_hours": (4.0, 9.0),
    "reception.prior_events": 9.0,
    "reception.passes": 1,
    "reception.nudge": 1.5,
    "reception.starts_may_differ": 1e-9,
    "reception.least_switched": 0.0,
    "reception.least_expected": 0.1,
    "reception.coverage_below": 0.01,
    "reception.probable_from": 0.05,
    "reception.way_from_km": 500.0,
    "reception.usual_kn": 4.0,
    "ports.enter_within_km": 1.0,
    "ports.leave_beyond_km": 9.0,
    "ports.stopped_most_kn": 0.4,
    "ports.moving_from_kn": 2.0,
    "ports.displaced_over_s": 7200,
    "ports.lit_least_h": 40.0,
    "ports.known_within_d": 1.0,
    "ports.round_trip_least_h": 40.0,
    "reach.speed_quantile": 0.5,
    "reach.bounding_factor": 2.0,
    "reach.current_kn": 3.0,
    "reach.least_class_sightings": 1,
    "reach.usual_weight": 1.0,
    "joint.memory_h": 5,
    "joint.hidden_least_h": 2,
    "joint.hidden_usual_h": 6,
    "joint.hidden_most_silent_h": 1,
    "joint.most_hidden": 2,
    "joint.usual_stay_h": 3.0,
    "joint.room_h": 1.0,
    "joint.most_way_h": 10.0,
    "joint.most_detour": 0.1,
    "joint.stopped_kn": 5.0,
    "joint.there_h": 9.0,
    "joint.prior_calls": 50.0,
    "joint.prior_weights": (1.0,) * 18,
    "joint.prior_scale": 0.1,
    "joint.fleet_scale": 3.0,
    "joint.least_hidden": 1,
    "joint.most_steps": 1,
    "calls.possible_from": 0.01,
    "calls.probable_from": 0.1,
    "calls.confirmed_p_off_from": 0.1,
    "calls.visit_within_km": 300.0,
    "calls.visit_apart_h": 1.0,
    "calls.draught_change_m": 0.01,
}


def eager_rules(*changed: str) -> Rules:
    """Return EAGER rules, those named with their other value."""
    given: dict[str, dict[str, Any]] = {group: dict(told) for group, told in EAGER.items()}
    for name in changed:
        group, _, rule = name.partition(".")
        given.setdefault(group, {})[rule] = OTHER_VALUES[name]
    return Rules.model_validate(given)
