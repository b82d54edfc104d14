"""Worlds full of trouble for the trials of gaps: ships, rows, and ways to divide them into files.

A world is made from its seed alone. Every ship is tried on the oracle first and made anew where a
distance comes so near to the limit of reach that another formula could decide otherwise.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.oracle import (
    DAY_S,
    EPOCH,
    FOUR_HOURS_S,
    HOUR_S,
    Box,
    Geography,
    Sighting,
    instant_of,
    judge_sightings,
    second_of,
)

COLUMNS = (
    *("mmsi", "timestamp", "longitude", "latitude", "sog", "cog", "nav_status", "ais_class"),
    *("receiver", "station", "imo", "name", "ship_type"),
)
FEEDS = ("coast", "sky", "third")
KM_PER_DEG = 111.2

GEO_SQUARES = Path(__file__).parent / "geo_squares"
SQUARES = Geography(
    region=(50, 40, 54, 44),
    exits=((53.5, 41, 54, 42),),
    areas=(("north", (50, 42, 54, 44)),),
    default_area="south",
)
INLAND: Box = (50.05, 40.05, 53.3, 43.95)
AROUND: Box = (48.5, 39, 56, 45)

Random = random.Random


@dataclass(frozen=True)
class Ping:
    """One thing that a ship sends."""

    second: int
    lon: float
    lat: float
    sog_kn: float | None = None
    cog_deg: float | None = None


@dataclass(frozen=True)
class Row:
    """One line of a raw file: texts by column, or a broken line as it stands."""

    feed: str
    texts: dict[str, str] | None
    broken: str = ""

    @property
    def line(self) -> str:
        if self.texts is None:
            return self.broken
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow([self.texts[name] for name in COLUMNS])
        return out.getvalue()


@dataclass(frozen=True)
class World:
    """Some rows, in no order, and the days over which most of them fall."""

    seed: int
    rows: list[Row]
    days: int
    begin: int

    @property
    def texts(self) -> list[dict[str, str] | None]:
        return [row.texts for row in self.rows]


@dataclass(frozen=True)
class Clock:
    """The seconds between which the ships of a world mostly sail."""

    begin: int
    end: int

    def any(self, rng: Random) -> int:
        return rng.randrange(self.begin, self.end)

    def span(self, rng: Random, longest_s: int) -> Clock:
        """Return a part of this clock, one time in two up to its very end."""
        length = min(longest_s, self.end - self.begin)
        begin = (
            self.end - length if rng.random() < 0.5 else rng.randint(self.begin, self.end - length)
        )
        return Clock(begin, begin + length)


# ------------------------------------------------------------------------------------- scenarios

Scenario = Callable[[Random, Clock], list[Ping]]


def point_in(rng: Random, box: Box) -> tuple[float, float]:
    west, south, east, north = box
    return rng.uniform(west, east), rng.uniform(south, north)


def moved(lon: float, lat: float, bearing_deg: float, km: float) -> tuple[float, float]:
    """Return the point so many km away, on a plane: near enough for a ship in a test."""
    angle = math.radians(bearing_deg)
    north = min(max(lat + km * math.cos(angle) / KM_PER_DEG, -89.9), 89.9)
    east = lon + km * math.sin(angle) / (KM_PER_DEG * math.cos(math.radians(lat)))
    return (east + 180) % 360 - 180, north


def silence_s(rng: Random, second: int) -> int:
    """Return how long a ship is not heard from `second` on: often on the very edge of a rule."""
    to_midnight = DAY_S - second % DAY_S
    kinds: list[int] = [
        FOUR_HOURS_S,
        FOUR_HOURS_S - 1,
        FOUR_HOURS_S + 1,
        to_midnight,
        to_midnight + DAY_S * rng.randint(1, 3),
        to_midnight + rng.choice((-1, 1)),
        rng.randint(FOUR_HOURS_S, 60 * HOUR_S),
        rng.randint(DAY_S, 12 * DAY_S),
        DAY_S,
    ]
    return max(1, rng.choice(kinds))


def voyage(
    rng: Random,
    clock: Clock,
    *,
    pace_s: tuple[int, int],
    silence: float = 0.05,
    speed_kn: tuple[float, float] = (4, 14),
    box: Box = INLAND,
    grid_s: int = 1,
) -> list[Ping]:
    """Return a ship that sails from place to place in a box and now and then falls silent."""
    pings: list[Ping] = []
    second = clock.begin - clock.begin % grid_s
    lon, lat = point_in(rng, box)
    target, speed = point_in(rng, box), rng.uniform(*speed_kn)
    while second < clock.end:
        north_km = (target[1] - lat) * KM_PER_DEG
        east_km = (target[0] - lon) * KM_PER_DEG * math.cos(math.radians(lat))
        left_km, course = math.hypot(north_km, east_km), math.degrees(math.atan2(east_km, north_km))
        pings.append(Ping(second, lon, lat, round(speed, 1), round(course % 360, 1) % 360))
        step = silence_s(rng, second) if rng.random() < silence else rng.randint(*pace_s)
        step = max(grid_s, step - step % grid_s)
        sailed_km = speed * 1.852 * step / HOUR_S
        lon, lat = moved(lon, lat, course, min(sailed_km, left_km))
        if sailed_km >= left_km:
            target, speed = point_in(rng, box), rng.uniform(*speed_kn)
        second += step
    return pings


def dense(rng: Random, clock: Clock) -> list[Ping]:
    return voyage(rng, clock.span(rng, rng.randint(6, 48) * HOUR_S), pace_s=(120, 1_800))


def sparse(rng: Random, clock: Clock) -> list[Ping]:
    return voyage(rng, clock, pace_s=(HOUR_S, 7 * HOUR_S), silence=0.15)


def moored(rng: Random, clock: Clock) -> list[Ping]:
    lon, lat = point_in(rng, INLAND)
    pings = voyage(rng, clock.span(rng, 10 * DAY_S), pace_s=(1_800, 3 * HOUR_S), silence=0.2)
    return [Ping(one.second, lon, lat + rng.choice((0, 1e-6, 2e-5)), 0.0) for one in pings]


def lone_pings(rng: Random, clock: Clock) -> list[Ping]:
    """A ship heard once in a while, with pings in strange places, alone or several on end."""
    pings: list[Ping] = []
    second, far_left = clock.begin, 0
    home = point_in(rng, INLAND)
    while second < clock.end and len(pings) < 60:
        if far_left == 0 and rng.random() < 0.25:
            far_left = rng.randint(1, 3)
        km = rng.choice((150, 400, 1_500, 5_000)) if far_left else rng.uniform(0, 30)
        pings.append(Ping(second, *moved(*home, rng.uniform(0, 360), km)))
        far_left = max(0, far_left - 1)
        second += rng.choice(
            (FOUR_HOURS_S, FOUR_HOURS_S + 1, 5 * HOUR_S, rng.randint(HOUR_S, 20 * HOUR_S))
        )
    return pings


def jumper(rng: Random, clock: Clock) -> list[Ping]:
    """A ship with corrupt positions in between: single ones, pairs, at the start, at the end."""
    pings = voyage(rng, clock.span(rng, 2 * DAY_S), pace_s=(300, 2 * HOUR_S), silence=0.1)
    for _ in range(rng.randint(1, 6)):
        near = rng.choice((pings[0], pings[-1], *rng.choices(pings, k=6)))
        lon, lat = moved(near.lon, near.lat, rng.uniform(0, 360), rng.choice((60, 250, 900, 4_000)))
        second = near.second + rng.choice((-60, 0, 1, 30, 600))
        for number in range(rng.choice((1, 1, 1, 2, 3))):
            pings.append(Ping(second + 120 * number, lon + 0.001 * number, lat))
    return pings


def shared_dense(rng: Random, clock: Clock) -> list[Ping]:
    """Two or three ships under one MMSI, sometimes heard in the very same seconds."""
    part = clock.span(rng, DAY_S)
    grid = rng.choice((1, 1, 300))
    ships = [voyage(rng, part, pace_s=(300, 1_800), grid_s=grid) for _ in range(rng.randint(2, 3))]
    return [one for ship in ships for one in ship]


def shared_sparse(rng: Random, clock: Clock) -> list[Ping]:
    kinds: list[Scenario] = [sparse, moored, dense, lone_pings]
    return [one for kind in rng.sample(kinds, rng.randint(2, 3)) for one in kind(rng, clock)]


def leaver(rng: Random, clock: Clock) -> list[Ping]:
    """A ship that crosses the edges of the region again and again, heard outside or not."""
    part = clock.span(rng, 12 * DAY_S)
    pings = voyage(rng, part, pace_s=(900, 3 * HOUR_S), silence=0.1, box=AROUND)
    heard_outside = rng.choice((0.0, 0.3, 1.0, 1.0))
    west, south, east, north = SQUARES.region
    return [
        one
        for one in pings
        if (west <= one.lon <= east and south <= one.lat <= north) or rng.random() < heard_outside
    ]


def by_the_exit(rng: Random, clock: Clock) -> list[Ping]:
    """A ship that leaves through the exit, is silent or heard outside, and comes back by it."""
    pings: list[Ping] = []
    second = clock.any(rng)
    for _ in range(rng.randint(1, 3)):
        lat = rng.uniform(41.1, 41.9)
        for number in range(rng.randint(3, 12)):
            pings.append(Ping(second, 52.9 + 0.08 * number, lat, 8.0, 90.0))
            second += 1_500
        if rng.random() < 0.5:
            for number in range(rng.randint(1, 6)):
                pings.append(Ping(second, 54.2 + 0.1 * number, lat, 8.0, 90.0))
                second += rng.choice((2_700, 2_700, 9 * HOUR_S))
        second += rng.choice((FOUR_HOURS_S, 30 * HOUR_S, 4 * DAY_S))
        if rng.random() < 0.7:
            start = rng.choice((53.7, 53.0, 52.0))
            for number in range(rng.randint(1, 5)):
                pings.append(Ping(second, start - 0.08 * number, lat, 8.0, 270.0))
                second += 1_500
    return [one for one in pings if one.second < clock.end]


def fast(rng: Random, clock: Clock) -> list[Ping]:
    return voyage(
        rng, clock.span(rng, 3 * DAY_S), pace_s=(300, 4_000), silence=0.1, speed_kn=(33, 44)
    )


def at_midnight(rng: Random, clock: Clock) -> list[Ping]:
    """Sightings at and around midnights, some of them at the ends of months."""
    lon, lat = point_in(rng, INLAND)
    midnights = list(range(clock.begin - clock.begin % DAY_S, clock.end, DAY_S))
    chosen = rng.sample(midnights, min(len(midnights), rng.randint(1, 12)))
    around = (-FOUR_HOURS_S, 1 - FOUR_HOURS_S, -1, 0, 1, FOUR_HOURS_S - 1, FOUR_HOURS_S)
    seconds = {day + shift for day in chosen for shift in rng.sample(around, rng.randint(1, 5))}
    return [
        Ping(second, lon + rng.choice((0, 0.01)), lat, 0.0)
        for second in sorted(seconds)
        if clock.begin <= second < clock.end
    ]


def dice(rng: Random, clock: Clock) -> list[Ping]:
    """Anything after anything at a handful of places, some outside the region."""
    lon, lat = point_in(rng, INLAND)
    places = [(lon, lat), (50.0, lat), (54.0, 44.0), (53.999999, 40.0), (54.000001, lat)]
    places += [moved(lon, lat, rng.uniform(0, 360), km) for km in (0.5, 5, 60, 110, 230, 600)]
    if rng.random() < 0.2:
        places = [(0.0, 0.0), (-1e-6, 0.0), (180.0, 5.0), (-180.0, 5.0), (lon, lat)]
    places = rng.sample(places, rng.randint(2, 5))
    steps = (0, 1, 59, 600, HOUR_S, 2 * HOUR_S, FOUR_HOURS_S - 1, FOUR_HOURS_S, FOUR_HOURS_S + 1)
    steps += (8 * HOUR_S, DAY_S, 3 * DAY_S)
    pings: list[Ping] = []
    second = clock.any(rng)
    second -= rng.choice((0, second % HOUR_S, second % DAY_S))
    for _ in range(rng.randint(1, 40)):
        east, north = rng.choice(places)
        if rng.random() < 0.3:
            east, north = moved(east, north, rng.uniform(0, 360), rng.uniform(0, 0.1))
        pings.append(
            Ping(second, east, north, rng.choice((None, 0.0, 9.0)), rng.choice((None, 80.0)))
        )
        second += rng.choice(steps)
    return [one for one in pings if clock.begin <= one.second < clock.end]


def hardly_heard(rng: Random, clock: Clock) -> list[Ping]:
    return sorted(sparse(rng, clock), key=lambda one: one.second)[: rng.randint(1, 3)]


SCENARIOS: dict[str, Scenario] = {
    "dense": dense,
    "sparse": sparse,
    "moored": moored,
    "lone_pings": lone_pings,
    "jumper": jumper,
    "shared_dense": shared_dense,
    "shared_sparse": shared_sparse,
    "leaver": leaver,
    "by_the_exit": by_the_exit,
    "fast": fast,
    "at_midnight": at_midnight,
    "dice": dice,
    "hardly_heard": hardly_heard,
}


# ------------------------------------------------------------------------------------- ships, rows


def sightings_of(mmsi: int, pings: Sequence[Ping], geography: Geography) -> list[Sighting]:
    """Return the distinct sightings that pings become."""
    found = {
        Sighting(mmsi, one.second, round(one.lon * 1e6), round(one.lat * 1e6)) for one in pings
    }
    return [
        Sighting(
            mmsi,
            one.second,
            one.lon_u,
            one.lat_u,
            is_outside=geography.is_outside(one.lon, one.lat),
        )
        for one in sorted(found)
    ]


def is_decidable(mmsi: int, pings: Sequence[Ping]) -> bool:
    """Say whether no distance between a ship's sightings lies on the limit of reach."""
    own = sightings_of(mmsi, pings, SQUARES)
    end = EPOCH + timedelta(seconds=max(one.second for one in own) + 1)
    as_slow, as_fast = (judge_sightings(own, SQUARES, end, fast=fast) for fast in ([], [mmsi]))
    return not (as_slow.is_close or as_fast.is_close)


def time_text(rng: Random, second: int) -> str:
    """Return a second in one of the ways in which feeds write it, some with a fraction."""
    instant = EPOCH + timedelta(seconds=second)
    forms: list[Callable[[], str]] = [
        lambda: instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
        lambda: instant.strftime("%Y-%m-%dT%H:%M:%SZ"),
        lambda: instant.strftime("%Y-%m-%d %H:%M:%S"),
        lambda: instant.strftime("%Y-%m-%dT%H:%M:%S") + rng.choice((".25Z", ".999999Z", ".5")),
        lambda: (instant + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S+03:00"),
        lambda: (instant - timedelta(hours=5)).strftime("%Y-%m-%d %H:%M:%S.999-05:00"),
    ]
    return rng.choice(forms)()


def degrees_text(rng: Random, degrees: float) -> str:
    """Return degrees to a micro-degree, sometimes with noise below it."""
    micro = round(degrees * 1e6)
    if rng.random() < 0.8:
        return f"{micro / 1e6:.6f}"
    return f"{(micro * 10 + rng.randint(-4, 4)) / 1e7:.7f}"


def blank(**texts: str) -> dict[str, str]:
    return {**dict.fromkeys(COLUMNS, ""), **texts}


def rows_of_ping(rng: Random, mmsi: int, ping: Ping) -> list[Row]:
    """Return the rows that tell of a ping: mostly one, now and then from several who heard it."""
    sog = rng.choice(("", "102.3")) if ping.sog_kn is None else f"{ping.sog_kn:.1f}"
    cog = rng.choice(("", "360")) if ping.cog_deg is None else f"{ping.cog_deg:.1f}"
    rows: list[Row] = []
    for _ in range(rng.choice((1, 1, 1, 1, 1, 1, 1, 2, 2, 4))):
        feed = rng.choice(FEEDS)
        texts = blank(
            mmsi=str(mmsi),
            timestamp=time_text(rng, ping.second),
            longitude=degrees_text(rng, ping.lon),
            latitude=degrees_text(rng, ping.lat),
            sog=sog,
            cog=cog,
            nav_status=rng.choice(("", "0", "5")),
            ais_class="A",
            receiver={"coast": "terrestrial", "sky": "satellite"}.get(feed, ""),
            station=rng.choice(("", "one", "two")),
        )
        rows.append(Row(feed, texts))
        if rng.random() < 0.1:
            rows.append(rows[-1])
    return rows


def static_rows(rng: Random, mmsi: int, second: int, ship_types: Sequence[int]) -> list[Row]:
    """Return static reports a minute apart, without a position."""
    return [
        Row(
            rng.choice(FEEDS),
            blank(
                mmsi=str(mmsi),
                timestamp=time_text(rng, second + 60 * number),
                name="ÖRESUND, NEW",
                ship_type=str(ship_type),
                ais_class="A",
            ),
        )
        for number, ship_type in enumerate(ship_types)
    ]


FAULTS: dict[str, dict[str, str]] = {
    "latitude 91": {"latitude": "91"},
    "longitude 181": {"longitude": "181.0"},
    "both": {"longitude": "181", "latitude": "91.000000"},
    "latitude beyond": {"latitude": "90.000002"},
    "latitude far below": {"latitude": "-91"},
    "longitude beyond": {"longitude": "-180.5"},
    "longitude far beyond": {"longitude": "400"},
    "before AIS": {"timestamp": "1999-12-31T23:59:59Z"},
    "unset clock": {"timestamp": "1970-01-01T00:00:00Z"},
    "no date": {"timestamp": "yesterday"},
    "no such day": {"timestamp": "2023-02-30T10:00:00Z"},
    "no time": {"timestamp": ""},
    "no mmsi": {"mmsi": ""},
    "coast station": {"mmsi": "002731000"},
    "aid to navigation": {"mmsi": "992731000"},
    "aircraft": {"mmsi": "111273000"},
    "just above ships": {"mmsi": "800000000"},
    "group": {"mmsi": "027300000"},
    "rescue device": {"mmsi": "970000001"},
    "auxiliary craft": {"mmsi": "982730001"},
    "ten digits": {"mmsi": "2730000010"},
    "nothing": {"longitude": "", "latitude": "", "sog": "5"},
}


def broken_row(rng: Random, sound: Row) -> Row:
    """Return a row with one fault."""
    assert sound.texts is not None
    kind = rng.choice([*FAULTS, "too short", "too long"])
    if kind == "too short":
        return Row(sound.feed, None, ",".join(sound.line.split(",")[:4]))
    if kind == "too long":
        return Row(sound.feed, None, sound.line + ",5")
    return Row(sound.feed, {**sound.texts, **FAULTS[kind]})


# ---------------------------------------------------------------------------------------- worlds


def make_world(seed: int, *, ships: int, days: int) -> World:
    """Return the world of a seed: steady, fading at its end, or with dead days.

    Most begin a few days before the end of a month.
    """
    rng = random.Random(seed)
    month = datetime(rng.randint(2019, 2024), rng.randint(1, 12), 1)
    begin = second_of(month) - rng.choice((1, 2, 5, 14)) * DAY_S
    clock = Clock(begin, begin + days * DAY_S + rng.randint(0, DAY_S))
    rows: list[Row] = []
    for number in range(ships):
        kind = rng.choice(list(SCENARIOS))
        mmsi = rng.choice((200_000_000, 273_000_000, 799_999_000)) + number
        types = types_of_ship(rng, kind)
        pings = try_ship(rng, SCENARIOS[kind], clock, mmsi)
        rows += [row for ping in pings for row in rows_of_ping(rng, mmsi, ping)]
        rows += static_rows(rng, mmsi, clock.any(rng), types)
    rows = trouble(rng, rows, clock)
    rows += strangers(rng, clock)
    rng.shuffle(rows)
    return World(seed, rows, days, begin)


def types_of_ship(rng: Random, kind: str) -> list[int]:
    """Return the ship types it reports; one of them clearly most often."""
    if kind == "fast":
        return rng.choice(([40], [49, 49], [45, 45, 70], [70, 70, 40], [39], [50], []))
    return rng.choice(([], [], [70], [80, 80, 80], [52, 40, 52], [49]))


def try_ship(rng: Random, scenario: Scenario, clock: Clock, mmsi: int) -> list[Ping]:
    for _ in range(200):
        pings = scenario(rng, clock)
        if pings and is_decidable(mmsi, pings):
            return pings
    raise AssertionError(f"{scenario.__name__}: no ship without a close call")


def trouble(rng: Random, rows: list[Row], clock: Clock) -> list[Row]:
    """Return the rows of a world with broken rows, and with a fading end or dead days."""
    kind = rng.choice(("steady", "steady", "fading", "dead days"))
    cut = rng.randint(clock.begin, clock.end)
    days = range(clock.begin // DAY_S, clock.end // DAY_S)
    dead = set(rng.sample(days, len(days) // 2))
    kept: list[Row] = []
    for row in rows:
        assert row.texts is not None
        second = second_of_text(row.texts["timestamp"])
        is_lost = (kind == "fading" and second > cut and rng.random() < 0.97) or (
            kind == "dead days" and second // DAY_S in dead
        )
        if not is_lost or row.texts["ship_type"]:
            kept.append(row)
    some = [row for row in kept if rng.random() < 0.02]
    return kept + [broken_row(rng, row) for row in some if row.texts and row.texts["longitude"]]


def second_of_text(text: str) -> int:
    instant = instant_of(text)
    assert instant is not None
    return second_of(instant)


def strangers(rng: Random, clock: Clock) -> list[Row]:
    """Return rows with clocks of their own: of the year 2099, of 2001, and some just too late."""
    rows: list[Row] = []
    for number in range(rng.randint(0, 2)):
        for year in (2001, 2099):
            if rng.random() < 0.5:
                second = second_of(EPOCH.replace(year=year, month=rng.randint(1, 12)))
                pings = [Ping(second, 51.0 + number, 41.5), Ping(clock.begin, 51.0 + number, 41.5)]
                pings.append(Ping(clock.begin + 7_200, 51.01 + number, 41.5))
                mmsi = 250_000_000 + 10 * number + year % 7
                rows += [row for one in pings for row in rows_of_ping(rng, mmsi, one)]
    if rng.random() < 0.5:
        rows += rows_of_ping(rng, 260_000_000, Ping(clock.end + 40 * DAY_S, 52.0, 43.0))
    return rows


# ------------------------------------------------------------------------------------ raw files


@dataclass(frozen=True)
class Written:
    """Where a row stands: file relative to the raw folder, and number from 1."""

    file: str
    row: int


Groups = dict[str, list[int]]


def write_world(world: World, raw: Path, *, division: str, seed: int) -> list[Written]:
    """Write a world below `raw` and return where each of its rows stands.

    Args:
        world: what to write.
        raw: the folder of feeds.
        division: "one": a file a feed, in the order of time; "random": one to seven files a feed,
            shuffled; "by time": two days, one day or half a day a file.
        seed: of the shuffling, and of which files are packed.
    """
    rng = random.Random(seed)
    order = list(range(len(world.rows)))
    rng.shuffle(order)
    if division == "one":
        order.sort(key=lambda at: world.rows[at].line.split(",")[:2][::-1])
    groups = divide(world, order, division, rng)
    places: dict[int, Written] = {}
    for name, members in groups.items():
        lines = [",".join(COLUMNS), *(world.rows[at].line for at in members)]
        data = ("\n".join(lines) + "\n").encode()
        is_packed = rng.random() < 0.3
        path = raw / (name + (".csv.gz" if is_packed else ".csv"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if is_packed else data)
        file = path.relative_to(raw).as_posix()
        places.update((at, Written(file, number)) for number, at in enumerate(members, start=1))
    return [places[at] for at in range(len(world.rows))]


def divide(world: World, order: Sequence[int], division: str, rng: Random) -> Groups:
    """Return the rows of each file by its name without an ending."""
    files = {feed: rng.randint(1, 7) for feed in FEEDS}
    hours = {"coast": 48, "sky": 12, "third": 24}
    groups: Groups = {}
    for at in order:
        row = world.rows[at]
        if division == "by time":
            name = f"part-{window_of(row, world.begin, hours[row.feed]):06}"
        elif division == "random":
            name = f"part-{rng.randrange(files[row.feed])}"
        else:
            name = "all"
        groups.setdefault(f"{row.feed}/{name}", []).append(at)
    return groups


def window_of(row: Row, begin: int, hours: int) -> int:
    """Return the number of the span of time a row falls into, 0 for those without a usable time."""
    instant = None if row.texts is None else instant_of(row.texts["timestamp"])
    if instant is None or second_of(instant) < begin:
        return 0
    return 1 + (second_of(instant) - begin) // (hours * HOUR_S)
