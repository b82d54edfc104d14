"""A slow and obvious reading of METHOD 1 and 2: rows in, gaps out, with lists, dicts and loops.

Written from the definitions and not from the pipeline's code, to hold the pipeline against. Every
number stands here a second time on purpose; a reader should be able to check each function beside
the sentence of METHOD that it is about.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

from pyproj import Geod

HOUR_S = 3_600
DAY_S = 86_400
FOUR_HOURS_S = 4 * HOUR_S
KM_PER_NM = 1.852
EPOCH = datetime(1970, 1, 1)
GEOD = Geod(ellps="WGS84")

Place = tuple[int, int]  # longitude and latitude in micro-degrees
Box = tuple[float, float, float, float]  # west, south, east, north in degrees


# ------------------------------------------------------------------------------------- sightings


@dataclass(frozen=True, order=True)
class Sighting:
    """An accepted position; sorts by MMSI, time, longitude, latitude."""

    mmsi: int
    second: int
    lon_u: int
    lat_u: int
    sog_kn: float | None = field(default=None, compare=False)
    cog_deg: float | None = field(default=None, compare=False)
    is_outside: bool = field(default=False, compare=False)

    @property
    def seen_at(self) -> datetime:
        return EPOCH + timedelta(seconds=self.second)

    @property
    def lon(self) -> float:
        return self.lon_u / 1e6

    @property
    def lat(self) -> float:
        return self.lat_u / 1e6

    @property
    def day(self) -> int:
        return self.second // DAY_S

    @property
    def hour(self) -> int:
        return self.second // HOUR_S


def second_of(instant: datetime) -> int:
    """Return the whole second since 1970 in which an instant (UTC, without a zone) lies."""
    return math.floor((instant - EPOCH) / timedelta(seconds=1))


@dataclass(frozen=True)
class Geography:
    """Boxes in degrees; a point on an edge is inside."""

    region: Box
    exits: tuple[Box, ...]
    areas: tuple[tuple[str, Box], ...]
    default_area: str

    def is_outside(self, lon: float, lat: float) -> bool:
        return not is_in(self.region, lon, lat)

    def area_of(self, lon: float, lat: float) -> str:
        for name, box in self.areas:
            if is_in(box, lon, lat):
                return name
        return self.default_area


def is_in(box: Box, lon: float, lat: float) -> bool:
    west, south, east, north = box
    return west <= lon <= east and south <= lat <= north


# ------------------------------------------------------------------------------------------ rows


def number_of(text: str) -> float | None:
    return None if text.strip() == "" else float(text)


def instant_of(text: str) -> datetime | None:
    """Return the instant in UTC without a zone; None where the text is none."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def why_refused(row: Mapping[str, str] | None) -> str | None:  # noqa: PLR0911 - one a reason
    """Return the reason for which a row is refused at the door; None where it is accepted.

    `None` for a row stands for a line with too few or too many fields. A row with more than one
    fault is not what this is for.
    """
    if row is None:
        return "malformed_row"
    if row["mmsi"] == "":
        return "no_mmsi"
    if not is_ship(row["mmsi"]):
        return "not_a_ship"
    if row["timestamp"] == "":
        return "no_time"
    instant = instant_of(row["timestamp"])
    if instant is None or instant < datetime(2000, 1, 1):
        return "bad_time"
    lon, lat = number_of(row["longitude"]), number_of(row["latitude"])
    if lon is None or lat is None:
        return None if row["ship_type"] else "no_content"
    if lon == 181 or lat == 91:
        return "position_not_available"
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return "position_out_of_range"
    return None


def is_ship(mmsi: str) -> bool:
    """Say whether an MMSI is a ship's; none without a country (150x, 96x) may be asked about."""
    if len(mmsi) == 9 and "2" <= mmsi[0] <= "7":
        return True
    no_ships = ("0", "111", "8", "97", "98", "99")
    assert len(mmsi) != 9 or mmsi.startswith(no_ships), f"{mmsi}: an id without a country"
    return False


def sighting_of(row: Mapping[str, str], geography: Geography) -> Sighting | None:
    """Return the sighting in an accepted row; None where the row is a static report only."""
    lon, lat = number_of(row["longitude"]), number_of(row["latitude"])
    if lon is None or lat is None:
        return None
    instant = instant_of(row["timestamp"])
    assert instant is not None
    sog, cog = number_of(row["sog"]), number_of(row["cog"])
    bare = Sighting(int(row["mmsi"]), second_of(instant), round(lon * 1e6), round(lat * 1e6))
    return replace(
        bare,
        sog_kn=None if sog == 102.3 else sog,
        cog_deg=None if cog == 360 else cog,
        is_outside=geography.is_outside(bare.lon, bare.lat),
    )


def thin_outside(sightings: Iterable[Sighting]) -> tuple[list[Sighting], list[Sighting]]:
    """Return (kept, left out): of a run outside the region only its two ends are kept.

    A run is of consecutive sightings of one MMSI in one UTC day.
    """
    kept: list[Sighting] = []
    left_out: list[Sighting] = []
    ordered = sorted(sightings)
    for at, here in enumerate(ordered):
        before = ordered[at - 1] if at > 0 else None
        after = ordered[at + 1] if at + 1 < len(ordered) else None
        is_inner = here.is_outside and all(
            one is not None and one.is_outside and (one.mmsi, one.day) == (here.mmsi, here.day)
            for one in (before, after)
        )
        (left_out if is_inner else kept).append(here)
    return kept, left_out


# -------------------------------------------------------------------------------------- data_end


def find_data_end(sightings: Sequence[Sighting]) -> int:
    """Return data_end as a second: the end of the latest hour whose 24 h hold enough sightings."""
    daily = Counter(one.day for one in sightings)
    hours = sorted({one.hour for one in sightings}, reverse=True)
    for hour in hours:
        end = (hour + 1) * HOUR_S
        begin = end - DAY_S
        held = sum(begin <= one.second < end for one in sightings)
        days_before = sorted(day for day in daily if (day + 1) * DAY_S <= begin)[-7:]
        usual = median(daily[day] for day in days_before) if days_before else 0
        if held >= 2 and 10 * held >= usual and 100 * held >= median(daily.values()):
            return end
    return (hours[0] + 1) * HOUR_S


# ----------------------------------------------------------------------------------------- reach


@dataclass
class Reach:
    """Says which sightings one ship can have made, and how close the closest decision was."""

    v_max_kn: float = 30.0
    is_close: bool = False

    def allows(self, earlier: Sighting, later: Sighting) -> bool:
        hours = (later.second - earlier.second + 60) / HOUR_S
        limit_km = self.v_max_kn * KM_PER_NM * hours + 1.0
        metres = GEOD.inv(earlier.lon, earlier.lat, later.lon, later.lat)[2]
        distance_km = metres / 1000
        if abs(distance_km - limit_km) < doubt_km(distance_km):
            self.is_close = True
        return distance_km <= limit_km


def doubt_km(distance_km: float) -> float:
    """Return how near to the limit a distance may lie before another formula may say otherwise."""
    if distance_km < 100:
        return 0.001
    if distance_km < 1_000:
        return 0.05
    return distance_km * (0.01 if distance_km < 10_000 else 0.08)


# ---------------------------------------------------------------------------------------- tracks


def find_unconfirmed(sightings: Sequence[Sighting], reach: Reach) -> list[Sighting]:
    """Return the lone pings of one MMSI that are out of reach of a neighbour, in order."""
    ordered = sorted(sightings)
    if not ordered:
        return []
    refused: list[Sighting] = []
    last_kept = ordered[0]
    for before, here, after in zip(ordered, ordered[1:], ordered[2:], strict=False):
        is_lone = (
            here.second - before.second > FOUR_HOURS_S and after.second - here.second > FOUR_HOURS_S
        )
        if is_lone and not (reach.allows(last_kept, here) and reach.allows(here, after)):
            refused.append(here)
        else:
            last_kept = here
    return refused


def find_tracks(sightings: Sequence[Sighting], reach: Reach) -> list[list[Sighting]]:
    """Return the tracks of one MMSI, jumps still among them."""
    tracks: list[list[Sighting]] = []
    for here in sorted(sightings):
        within_reach = [track for track in tracks if reach.allows(track[-1], here)]
        if within_reach:
            max(within_reach, key=lambda track: track[-1]).append(here)
        else:
            tracks.append([here])
    return tracks


def is_jump(track: Sequence[Sighting], sightings: Sequence[Sighting]) -> bool:
    """Say whether a track is a single sighting between others of its MMSI."""
    return len(track) == 1 and min(sightings) < track[0] < max(sightings)


# ------------------------------------------------------------------------------ gaps and exposure


@dataclass(frozen=True)
class Gap:
    """A silence of a track; `on` is None while it is open.

    `has_left` says whether its cause is left_region; None where the definition leaves room.
    """

    off: Sighting
    on: Sighting | None
    positions_12h_before: int
    has_left: bool | None

    @property
    def duration_s(self) -> int | None:
        return None if self.on is None else self.on.second - self.off.second


def find_gaps(
    track: Sequence[Sighting], data_end: int, min_gap_s: int, geography: Geography
) -> list[Gap]:
    """Return the silences of a track that begin inside the region, the open one last."""
    gaps: list[Gap] = []
    ends: list[tuple[Sighting, Sighting | None]] = list(pairwise(track))
    if len(track) >= 2:
        ends.append((track[-1], None))
    for off, on in ends:
        until = data_end if on is None else on.second
        if until - off.second >= min_gap_s and not off.is_outside:
            before = sum(off.hour - 11 <= one.hour <= off.hour for one in track if one <= off)
            gaps.append(Gap(off, on, before, has_left(off, on, geography)))
    return gaps


def has_left(off: Sighting, on: Sighting | None, geography: Geography) -> bool | None:
    """Say whether a silence is of a ship that left the region; None where it is a close call."""
    goes = is_by_an_exit(off, geography, turned=(False,))
    # An on point "meets the same test": towards the exit, or away from it? Both are left open.
    stays_away = (
        True if on is None or on.is_outside else is_by_an_exit(on, geography, turned=(False, True))
    )
    if goes is False or stays_away is False:
        return False
    return True if goes and stays_away else None


def is_by_an_exit(one: Sighting, geography: Geography, turned: tuple[bool, ...]) -> bool | None:
    """Say whether a sighting lies in an exit, or was under way there within 6 h of sailing.

    Under way there: faster than 1 kn, its course within 60 degrees of the bearing of the exit;
    `turned` for away from it. None where the answer depends on which point of the exit is meant,
    on which way, or lies near a limit.
    """
    if any(is_in(box, one.lon, one.lat) for box in geography.exits):
        return True
    answers = {is_bound(one, box, way) for box in geography.exits for way in turned}
    if answers == {False}:
        return False
    return True if answers == {True} else None


def is_bound(one: Sighting, exit_box: Box, is_turned: bool) -> bool | None:
    """Say whether a sighting outside an exit was under way towards it (turned: away from it)."""
    if one.sog_kn is None or one.cog_deg is None or one.sog_kn <= 1:
        return False
    west, south, east, north = exit_box
    nearest = (min(max(one.lon, west), east), min(max(one.lat, south), north))
    metres = GEOD.inv(one.lon, one.lat, *nearest)[2]
    hours = metres / 1000 / KM_PER_NM / one.sog_kn
    if hours > 6.1:
        return False
    course = one.cog_deg + (180 if is_turned else 0)
    corners = [(lon, lat) for lon in (west, (west + east) / 2, east) for lat in (south, north)]
    off_course = [
        turn_deg(course, GEOD.inv(one.lon, one.lat, *point)[0]) for point in (nearest, *corners)
    ]
    if min(off_course) > 65:
        return False
    return True if hours < 5.9 and max(off_course) < 55 else None


def turn_deg(one: float, other: float) -> float:
    """Return the angle between two bearings, 0 to 180 degrees."""
    return abs((one - other + 180) % 360 - 180)


@dataclass
class Exposure:
    """What was seen of one MMSI in one month and area."""

    sightings: int = 0
    ship_s: int = 0
    heard_s: int = 0


def month_of(second: int) -> date:
    return (EPOCH + timedelta(seconds=second)).date().replace(day=1)


def split_at_months(begin: int, end: int) -> list[tuple[date, int]]:
    """Return the seconds between two instants by month of UTC."""
    parts: list[tuple[date, int]] = []
    while begin < end:
        month = month_of(begin)
        next_month = (month + timedelta(days=31)).replace(day=1)
        cut = min(end, second_of(datetime(next_month.year, next_month.month, 1)))
        parts.append((month, cut - begin))
        begin = cut
    return parts


# ------------------------------------------------------------------------------------- the whole


@dataclass
class Truth:
    """What the definitions say about some rows."""

    refused_rows: dict[int, str]
    repeated_rows: int
    left_out: list[Sighting]
    sightings: list[Sighting]
    data_end: int
    refused: dict[Sighting, str]
    tracks: list[list[Sighting]]
    gaps: list[Gap]
    is_close: bool
    taken_over: list[Gap] = field(default_factory=list)

    @property
    def kept(self) -> list[Sighting]:
        """Sightings that stay: those refused are gone, those that wait for their day are there."""
        return [one for one in self.sightings if one not in self.refused]


def judge_rows(
    rows: Sequence[Mapping[str, str] | None],
    geography: Geography,
    data_end: datetime | None = None,
) -> Truth:
    """Return the truth about rows of the canonical feed (texts by column; None a broken line)."""
    refused_rows: dict[int, str] = {}
    ship_types: dict[int, Counter[int]] = {}
    distinct: dict[Sighting, Sighting] = {}
    repeated = 0
    for at, row in enumerate(rows):
        reason = why_refused(row)
        if reason is not None:
            refused_rows[at] = reason
            continue
        assert row is not None
        if row["ship_type"]:
            ship_types.setdefault(int(row["mmsi"]), Counter())[int(row["ship_type"])] += 1
        sighting = sighting_of(row, geography)
        if sighting is not None:
            repeated += sighting in distinct
            distinct.setdefault(sighting, sighting)
    fast = {mmsi for mmsi, types in ship_types.items() if 40 <= most_reported(types) <= 49}
    truth = judge_sightings(distinct, geography, data_end, fast=fast)
    truth.refused_rows = refused_rows
    truth.repeated_rows = repeated
    truth.taken_over = [gap for gap in truth.gaps if is_taken_over(gap, truth)]
    truth.gaps = [gap for gap in truth.gaps if gap not in truth.taken_over]
    return truth


def is_taken_over(gap: Gap, truth: Truth) -> bool:
    """Say whether the ship of a gap was heard during it, on another track of its MMSI.

    A track counts on the days on which it was heard twice; no gap of two ships that share the
    MMSI: several tracks were heard on four days from thirty before the off time to thirty after.
    """
    tracks = [track for track in truth.tracks if track[0].mmsi == gap.off.mmsi]
    parts = [
        [one for one in track if one.day == day]
        for track in tracks
        for day in {one.day for one in track}
    ]
    heard = [part for part in parts if len(part) > 1]
    tracks_of_day = Counter(part[0].day for part in heard)
    if sum(tracks_of_day[gap.off.day + step] > 1 for step in range(-30, 31)) >= 4:
        return False
    own = next(track for track in tracks if gap.off in track)
    return any(
        part[-1].second > gap.off.second and (gap.on is None or part[0].second < gap.on.second)
        for part in heard
        if part[0] not in own
    )


def most_reported(types: Counter[int]) -> int:
    (first, most), *rest = types.most_common()
    assert all(count < most for _, count in rest), "a tie, which METHOD does not decide"
    return first


def judge_sightings(
    sightings: Iterable[Sighting],
    geography: Geography,
    data_end: datetime | None = None,
    min_gap_s: int = FOUR_HOURS_S,
    fast: Iterable[int] = (),
) -> Truth:
    """Return the truth about distinct sightings; `fast` are the MMSIs of high-speed craft."""
    kept, left_out = thin_outside(sightings)
    end = find_data_end(kept) if data_end is None else second_of(data_end)
    truth = Truth({}, 0, left_out, kept, end, {}, [], [], is_close=False)
    high_speed = set(fast)
    by_mmsi: dict[int, list[Sighting]] = {}
    for one in kept:
        if one.second < end:
            by_mmsi.setdefault(one.mmsi, []).append(one)
    for mmsi, own in by_mmsi.items():
        reach = Reach(50.0 if mmsi in high_speed else 30.0)
        for lone in find_unconfirmed(own, reach):
            truth.refused[lone] = "unconfirmed"
        remaining = [one for one in own if one not in truth.refused]
        for track in find_tracks(remaining, reach):
            if is_jump(track, remaining):
                truth.refused[track[0]] = "jump"
            else:
                truth.tracks.append(track)
                truth.gaps += find_gaps(track, end, min_gap_s, geography)
        truth.is_close = truth.is_close or reach.is_close
    return truth


def find_exposure(
    truth: Truth, geography: Geography, has_left_region: Callable[[Gap], bool]
) -> dict[tuple[int, date, str], Exposure]:
    """Return the exposure by MMSI, month and area of the earlier sighting.

    Args:
        truth: the tracks and gaps.
        geography: names the areas.
        has_left_region: whether a gap is of a ship that left: its seconds are nobody's.
    """
    found: dict[tuple[int, date, str], Exposure] = {}
    away = {(gap.off, gap.on) for gap in truth.gaps if has_left_region(gap)}
    away |= {(gap.off, gap.on) for gap in truth.taken_over}
    for track in truth.tracks:
        for one in track:
            if not one.is_outside:
                key = (one.mmsi, month_of(one.second), geography.area_of(one.lon, one.lat))
                found.setdefault(key, Exposure()).sightings += 1
        for earlier, later in pairwise(track):
            if earlier.is_outside or (earlier, later) in away:
                continue
            area = geography.area_of(earlier.lon, earlier.lat)
            is_heard = later.second - earlier.second < FOUR_HOURS_S
            for month, seconds in split_at_months(earlier.second, later.second):
                here = found.setdefault((earlier.mmsi, month, area), Exposure())
                here.ship_s += seconds
                here.heard_s += seconds if is_heard else 0
    return found
