"""A small archive full of trouble, ways to deliver it over nights, and what nights publish.

A night finds a raw folder in some state. A plan is a list of such states, of which the last is
the whole archive; whatever came before, what is published after the last must be what one night
on the last state publishes (DESIGN 5).
"""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline import store
from pipeline.nightly import Job, Outcome, run_night
from pipeline.rules import Rules
from pipeline.schema import TABLES, polars_schema
from tests.night import GEO, SQL

COLUMNS = (
    *("mmsi", "timestamp", "longitude", "latitude", "sog", "cog", "nav_status", "ais_class"),
    *("message_type", "receiver", "station", "received_at", "imo", "name", "ship_type"),
    *("destination", "draught_m"),
)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KM_PER_DEG = 111.2
Random = random.Random
Place = tuple[float, float]

PORTS: Mapping[str, Place] = {
    "anzali": (49.465, 37.479),
    "amirabad": (53.367, 36.854),
    "astrakhan": (47.8556, 46.2083),
}
OPEN_SEA: Place = (51.0, 40.5)
# Beyond the region, far from its exits.
ELSEWHERE: tuple[Place, ...] = ((33.0, 43.0), (33.2, 43.1), (60.0, 30.0))
IMO_OF_TRADER, IMO_OF_TWO = 9_074_729, 9_319_466


# ------------------------------------------------------------------------------------------ rows


@dataclass(frozen=True)
class Line:
    """One row of a raw file of some feed, as it stands there."""

    feed: str
    text: str


@dataclass(frozen=True)
class Ping:
    """A position that a ship sends."""

    at: datetime
    place: Place
    sog_kn: float
    cog_deg: float = 0.0


@dataclass(frozen=True)
class Calendar:
    """The spans of days in which the receivers of an archive were up."""

    spans: tuple[tuple[datetime, datetime], ...]

    @property
    def begin(self) -> datetime:
        return self.spans[0][0]

    @property
    def end(self) -> datetime:
        return self.spans[-1][1]

    def has(self, at: datetime) -> bool:
        return any(begin <= at < end for begin, end in self.spans)

    def any(self, rng: Random) -> datetime:
        """Return a whole second in which a receiver was up."""
        begin, end = rng.choice(self.spans)
        return begin + timedelta(seconds=rng.randrange(int((end - begin).total_seconds())))


def draw_calendar(rng: Random, days: int, turn: datetime | None = None) -> Calendar:
    """Return some `days` days in up to five spans over at most 80, around a turn of the month."""
    any_turn = datetime(rng.randint(2020, 2023), rng.randint(2, 12), 1)
    begin = (turn or any_turn) - rng.randint(1, 4) * DAY
    spans: list[tuple[datetime, datetime]] = []
    left = days
    while left > 0:
        length = min(left, rng.randint(3, 6))
        # Now and then up to the very midnight: the end of data is then the end of a day.
        end = begin + length * DAY - rng.choice((timedelta(0), 5 * HOUR))
        spans.append((begin, end))
        left -= length
        begin += length * DAY + rng.choice((0, 1, 9, 27)) * DAY
        if (begin - spans[0][0]).days > 70:
            break
    return Calendar(tuple(spans))


def text_of(**texts: Any) -> str:
    """Return a row of the canonical feed, empty where nothing is said."""
    unknown = texts.keys() - set(COLUMNS)
    assert not unknown, unknown
    told = (texts.get(name) for name in COLUMNS)
    return ",".join("" if one is None else str(one) for one in told)


def instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


# ------------------------------------------------------------------------------------------ ships


def moved(place: Place, east_km: float, north_km: float) -> Place:
    lon, lat = place
    return lon + east_km / KM_PER_DEG / math.cos(math.radians(lat)), lat + north_km / KM_PER_DEG


def voyage(rng: Random, calendar: Calendar, stops: Sequence[Place], speed_kn: float) -> list[Ping]:
    """Return a ship that goes from stop to stop, lies there for hours, and is silent at times."""
    pings: list[Ping] = []
    at, number = calendar.begin + rng.randint(0, 9) * HOUR, 0
    while at < calendar.end:
        here, there = stops[number % len(stops)], stops[(number + 1) % len(stops)]
        for _ in range(rng.randint(3, 9)):
            pings.append(Ping(at, moved(here, rng.uniform(-1, 1), rng.uniform(-1, 1)), 0.1))
            at += timedelta(seconds=rng.randint(1_800, 4 * 3_600 + 5))
        km = math.dist(here, there) * KM_PER_DEG
        hours = max(1.0, km / 1.852 / speed_kn)
        left_at, passed = at, 0.0
        while passed < 1 and at < calendar.end:
            lon, lat = (a + (b - a) * passed for a, b in zip(here, there, strict=True))
            pings.append(Ping(at, (lon, lat), speed_kn, 10.0))
            at += timedelta(seconds=rng.randint(3_600, 5 * 3_600))
            passed = (at - left_at) / HOUR / hours
        at = max(at, left_at + hours * HOUR).replace(microsecond=0)
        number += 1
    return without_silences(rng, calendar, pings)


def without_silences(rng: Random, calendar: Calendar, pings: Iterable[Ping]) -> list[Ping]:
    """Return the pings outside some silences of hours to weeks, while receivers were up."""
    span_s = int((calendar.end - calendar.begin).total_seconds())
    silences: list[tuple[datetime, datetime]] = []
    for _ in range(rng.randint(1, 4)):
        off = calendar.begin + timedelta(seconds=rng.randrange(span_s))
        length_h = rng.choice((4, 6, 13, 30, 49, 80, 400))
        silences.append((off, off + length_h * HOUR))
    return [
        one
        for one in pings
        if calendar.has(one.at) and not any(off < one.at < on for off, on in silences)
    ]


def crossing(rng: Random, calendar: Calendar) -> list[Ping]:
    """A merchant ship that calls at Astrakhan, Anzali and Amirabad."""
    stops = rng.sample(list(PORTS.values()), k=3)
    return voyage(rng, calendar, stops, rng.uniform(8, 12))


def speeding(rng: Random, calendar: Calendar) -> list[Ping]:
    """A craft of 42 kn: in pieces until it is known to be fast."""
    begin, end = rng.choice(calendar.spans)
    at, place, pings = begin + rng.randint(0, 30) * HOUR, OPEN_SEA, list[Ping]()
    while at < end:
        step_h = rng.choice((0.3, 0.5, 1.0, 5.0))
        pings.append(Ping(at, place, 42.0))
        way = 1 if place[1] < 42 else -1
        at += timedelta(seconds=int(step_h * 3_600))
        place = moved(place, 0, way * min(42 * 1.852 * step_h, 150))
    return pings


def shared(rng: Random, calendar: Calendar) -> list[Ping]:
    """Two ships far apart under one MMSI, a jump here and there, and lone pings far away."""
    north, south = moved(OPEN_SEA, 0, 200), moved(OPEN_SEA, 100, -300)
    pings = voyage(rng, calendar, [north, moved(north, 20, 20)], 6)[:40]
    pings += voyage(rng, calendar, [south, moved(south, 20, 20)], 6)[:40]
    for _ in range(rng.randint(1, 5)):
        pings.append(Ping(calendar.any(rng), rng.choice([*PORTS.values(), *ELSEWHERE]), 3.0))
    return pings


def leaving(rng: Random, calendar: Calendar) -> list[Ping]:
    """A ship that sails out of the region and is heard there, run after run."""
    pings = voyage(rng, calendar, [PORTS["anzali"], OPEN_SEA], 9)[:30]
    for _ in range(rng.randint(1, 3)):
        at = calendar.any(rng)
        for number in range(rng.randint(1, 6)):
            place = moved(ELSEWHERE[0], 5 * number, 0)
            pings.append(Ping(at + number * timedelta(minutes=40), place, 8.0))
    return [one for one in pings if calendar.has(one.at)]


def towing(rng: Random, calendar: Calendar) -> tuple[list[Ping], list[Ping]]:
    """Return a towed ship, and the tug beside it when it falls silent and is heard again.

    Often it is heard again in the last minutes of a month, and the tug in the first of the next.
    """
    begin = calendar.begin
    turn = (begin.replace(day=1) + 32 * DAY).replace(day=1)
    on = turn - timedelta(minutes=5) if rng.random() < 0.6 else begin + rng.randint(30, 60) * HOUR
    off = on - 20 * HOUR
    there = moved(OPEN_SEA, 0, 90)
    ship = [Ping(off - 2 * HOUR, OPEN_SEA, 0.0), Ping(off, OPEN_SEA, 4.0), Ping(on, there, 4.0)]
    ship.append(Ping(on + 3 * HOUR, there, 0.0))
    tug = [Ping(off + timedelta(minutes=4), OPEN_SEA, 4.0)]
    tug.append(Ping(on + timedelta(minutes=8), moved(there, 0.1, 0), 4.0))
    tug.append(Ping(on + 8 * HOUR, there, 0.0))
    return ship, tug


# --------------------------------------------------------------------------------------- archives


def draw_archive(seed: int, days: int = 12, turn: datetime | None = None) -> list[Line]:
    """Return the rows of an archive: ships, beacons, static reports, bad rows, strangers.

    Args:
        seed: all is drawn from it.
        days: days with data, more or less.
        turn: the turn of a month with data on both sides; None: any from February 2020 on.
    """
    rng = random.Random(seed)
    calendar = draw_calendar(rng, days, turn)
    ships: dict[int, list[Ping]] = {}
    towed, tug = towing(rng, calendar)
    changed = crossing(rng, calendar)
    half = len(changed) // 2
    kinds: dict[int, list[Ping]] = {
        273_111_000: crossing(rng, calendar),
        422_111_000: speeding(rng, calendar),
        273_222_000: shared(rng, calendar),
        436_111_000: leaving(rng, calendar),
    }
    for mmsi in rng.sample(sorted(kinds), k=rng.randint(1, 3)):
        ships[mmsi] = kinds[mmsi]
    if rng.random() < 0.6:
        ships |= {273_333_000: changed[:half], 422_333_000: changed[half + rng.randint(0, 3) :]}
    if rng.random() < 0.6:
        ships |= {273_444_000: towed, 273_555_000: tug}
    lines = [line for mmsi, pings in ships.items() for line in _heard(rng, mmsi, pings)]
    lines += [line for mmsi in ships for line in _told(rng, calendar, mmsi)]
    lines += _beacons(rng, calendar) if rng.random() < 0.7 else []
    lines += _bad(rng, lines) + _strangers(rng, calendar)
    return lines


def _heard(rng: Random, mmsi: int, pings: Iterable[Ping]) -> list[Line]:
    """Return the rows of pings: heard by a feed or two, by a station or two."""
    lines: list[Line] = []
    for ping in pings:
        lon, lat = ping.place
        for feed in rng.choice((["coast"], ["coast"], ["coast"], ["sky"], ["coast", "sky"])):
            is_coast = feed == "coast"
            text = text_of(
                mmsi=mmsi,
                timestamp=instant(ping.at),
                longitude=f"{lon:.6f}",
                latitude=f"{lat:.6f}",
                sog=f"{ping.sog_kn:.1f}",
                cog=f"{ping.cog_deg:.1f}",
                nav_status=rng.choice(("", 0, 5, 12)) if ping.sog_kn == 4.0 else "",
                ais_class=rng.choice(("A", "A", "A", "")),
                message_type=1,
                receiver="terrestrial" if is_coast else "satellite",
                station=rng.choice(("one", "two")) if is_coast else "",
                received_at=instant(ping.at + timedelta(seconds=rng.randint(1, 9))),
            )
            is_said_again = ping.at.year < 2051 and rng.random() < 0.2
            lines += [Line(feed, text)] * (2 if is_said_again else 1)
    return lines


TYPES = {
    273_111_000: (70, 70, 70),
    # Cargo at first; fast once more of its reports say so.
    422_111_000: (70, 40, 40, 41, 40),
    273_555_000: (52, 70, 52),
    273_444_000: (80,),
}
IMOS = {273_111_000: IMO_OF_TRADER, 273_333_000: IMO_OF_TWO, 422_333_000: IMO_OF_TWO}


def _told(rng: Random, calendar: Calendar, mmsi: int) -> list[Line]:
    """Return static reports on some days; the numbers are trusted only once there are enough."""
    imo = IMOS.get(mmsi)
    types = TYPES.get(mmsi, ())
    lines: list[Line] = []
    for number in range(max(rng.randint(2, 5) if imo else 0, len(types))):
        lines.append(
            Line(
                rng.choice(("coast", "sky")),
                text_of(
                    mmsi=mmsi,
                    timestamp=instant(calendar.any(rng)),
                    ais_class="A",
                    message_type=5,
                    imo=imo if imo and rng.random() < 0.95 else None,
                    name=rng.choice(("VOLGA", "=CMD()", "<b>DON</b>")),
                    ship_type=types[number] if number < len(types) else None,
                    destination=rng.choice(("ANZALI", "OLYA", "")),
                    draught_m=rng.choice(("", "3.5", "4.1")),
                ),
            )
        )
    return lines


def _beacons(rng: Random, calendar: Calendar) -> list[Line]:
    """Return a base station on the hour, but for some hours in which it is not heard."""
    lines: list[Line] = []
    for begin, end in calendar.spans:
        at = begin
        while at < end:
            at += rng.choice((HOUR, HOUR, 3 * HOUR, 9 * HOUR))
            text = text_of(
                mmsi="002731234",
                timestamp=instant(at),
                longitude="47.6",
                latitude="42.9",
                message_type=4,
                receiver="terrestrial",
                station="one",
            )
            lines.append(Line("coast", text))
    return lines


def _bad(rng: Random, sound: Sequence[Line]) -> list[Line]:
    """Return rows that are refused, each for one reason."""
    lines: list[Line] = []
    for line in rng.sample(sound, k=min(len(sound), 6)):
        cells = line.text.split(",")
        at, value = rng.choice(((3, "91"), (0, "111273000"), (1, "yesterday"), (2, "400"), (0, "")))
        cells[at] = value
        lines.append(Line(line.feed, ",".join(cells)))
    lines.append(Line("coast", "273111000,2023"))
    return lines


def _strangers(rng: Random, calendar: Calendar) -> list[Line]:
    """Return rows dated long after the data, of ships that are heard today too."""
    if rng.random() < 0.5:
        return []
    # Two of them are a usual day of an archive as small as this, and its end (METHOD 1).
    count = rng.choice((1, 1, 1, 2))
    late = [Ping(datetime(2051, 3, 1) + number * HOUR, OPEN_SEA, 5.0) for number in range(count)]
    return _heard(rng, 250_111_000, [Ping(calendar.any(rng), OPEN_SEA, 5.0), *late])


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
    some come in two versions, the first shorter; some under another name at first; one is there
    twice in the end; a wrong one comes and goes.
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
    """

    night: int
    is_short: bool = False
    is_renamed: bool = False


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
            state[stands_as] = write_rows(rows, is_packed=name.endswith(".gz"))
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
        if path.stem in TABLES:
            empty = pl.DataFrame(schema=polars_schema(TABLES[path.stem]))
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
    "tracks.v_max_kn": 12.0,
    "tracks.v_max_high_speed_kn": 20.0,
    "tracks.time_slack_s": 1_800,
    "tracks.distance_slack_km": 150.0,
    "tracks.split_tracks": False,
    "tracks.confirm_after_h": 1.0,
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
}


def eager_rules(*changed: str) -> Rules:
    """Return EAGER rules, those named with their other value."""
    given: dict[str, dict[str, Any]] = {group: dict(told) for group, told in EAGER.items()}
    for name in changed:
        group, _, rule = name.partition(".")
        given.setdefault(group, {})[rule] = OTHER_VALUES[name]
    return Rules.model_validate(given)


# -------------------------------------------------------------------------------------- published

# Equal for equal raw files, as tables; the rest of the promise is bytes (DESIGN 5).
AS_TABLES = ("files", "rejected")
# They tell of the runs, or are held by content.
OF_RUNS = ("gap_versions", "runs.parquet", "manifest.json", "darkport.duckdb")


def read_bytes(processed: Path) -> dict[str, bytes]:
    """Return every published file that promises equal bytes, by name."""
    found: dict[str, bytes] = {}
    for top in sorted(processed.glob("[!.]*")):
        if top.name in OF_RUNS or top.name.split(".")[0] in AS_TABLES:
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file():
                found[path.relative_to(processed).as_posix()] = path.read_bytes()
    return found


def read_database(processed: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table of the database, sorted, but of those that tell of runs."""
    connection = duckdb.connect(str(processed / "darkport.duckdb"), read_only=True)
    try:
        names = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
        return {
            name: connection.execute(f'select * from "{name}" order by all').fetchall()
            for (name,) in names
            if name not in ("runs", "gap_versions")
        }
    finally:
        connection.close()


def read_rows(processed: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a published table, sorted by everything."""
    frame = store.read_table(processed, name)
    return frame.sort(frame.columns, nulls_last=False).to_dicts()


def tell_differences(one: Path, other: Path, *, same_files: bool = True) -> list[str]:
    """Return what two processed folders differ in, in words; nothing where the promise is kept.

    Args:
        one, other: processed folders.
        same_files: the raw files were the same too, and not the rows alone.
    """
    words: list[str] = []
    left, right = read_bytes(one), read_bytes(other)
    words += [f"{name} is in one only" for name in sorted(left.keys() ^ right.keys())]
    words += [
        f"{name}: {_first_difference(one / name, other / name)}"
        for name in sorted(left.keys() & right.keys())
        if left[name] != right[name]
    ]
    tables = AS_TABLES if same_files else ()
    words += [
        f"{name} differs" for name in tables if read_rows(one, name) != read_rows(other, name)
    ]
    if not same_files:
        words += _compare_rows_of_files(one, other)
    in_one, in_other = read_database(one), read_database(other)
    unlike = () if same_files else ("files",)
    words += [
        f"database: {name} differs"
        for name in sorted(in_one.keys() | in_other.keys())
        if name not in unlike and in_one.get(name) != in_other.get(name)
    ]
    return words


def _compare_rows_of_files(one: Path, other: Path) -> list[str]:
    """Compare what does not hang on the names of files and the places of rows in them."""
    words: list[str] = []

    def refused(processed: Path) -> list[tuple[Any, ...]]:
        rows = store.read_table(processed, "rejected")
        return sorted(rows.select("feed", "reason", "rows", "text").rows())

    def booked(processed: Path) -> list[dict[str, Any]]:
        files = store.read_table(processed, "files")
        counts = ("read", "accepted", "duplicate", "outside", "rejected")
        return files.group_by("feed").agg(pl.col(counts).sum()).sort("feed").to_dicts()

    if refused(one) != refused(other):
        words.append("rejected differs but for files and rows")
    if booked(one) != booked(other):
        words.append("files differs in the sums of a feed")
    return words


def _first_difference(one: Path, other: Path) -> str:
    if one.suffix == ".json":
        pair = (json.loads(path.read_text("utf-8"))["rows"] for path in (one, other))
        return str(next((two for two in zip(*pair, strict=False) if two[0] != two[1]), "other"))
    if one.suffix != ".parquet":
        return "other text"
    left, right = pl.read_parquet(one), pl.read_parquet(other)
    if left.columns != right.columns or left.height != right.height:
        return f"{left.height} and {right.height} rows"
    for row, (mine, yours) in enumerate(zip(left.rows(), right.rows(), strict=True)):
        if mine != yours:
            told = [
                f"{name} {a} and {b}"
                for name, a, b in zip(left.columns, mine, yours, strict=True)
                if a != b
            ]
            return f"row {row}: {'; '.join(told)} of {dict(zip(left.columns, mine, strict=True))}"
    return "equal rows, other bytes"
