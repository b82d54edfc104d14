"""A small archive full of trouble: ships, beacons, static reports, bad rows, strangers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
