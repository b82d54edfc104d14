"""Port stays: parts of days join to what a slow, obvious walk along tracks gives (METHOD 6)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pydantic import ValidationError
from pyproj import Geod

from pipeline import port_parts, port_stays
from pipeline.areas import load_areas
from pipeline.ordered import OrderedDay
from pipeline.rules import PortRules, Rules
from tests import night

AREAS = load_areas(night.GEO)
RULES = Rules()
START = datetime(2023, 5, 1)
HOUR = 3_600
DAY = 24 * HOUR
GEOD = Geod(ellps="WGS84")

# Places at Amirabad and Anzali by their distance to the port, north of it: (lon, lat). Held by
# `test_the_places_of_these_tests_are_where_they_say`.
PLACES = {
    "amirabad_0": (53.367, 36.854),
    "amirabad_2": (53.37, 36.892),
    "amirabad_3.5": (53.37, 36.9055),
    "sea": (52.0, 38.5),
    "anzali_0": (49.465, 37.479),
    "anzali_3.5": (49.465, 37.5275),
}


def near(name: str) -> tuple[str | None, float]:
    """Return the port group and the km of a place, as its name says."""
    group, _, km = name.partition("_")
    return (None, float("inf")) if group == "sea" else (group, float(km))


@dataclass(frozen=True)
class Seen:
    """A sighting: second since START, place, speed, and the place outside the region or not."""

    second: int
    place: str
    speed_kn: float | None = 0.0
    track: int = 0

    @property
    def day(self) -> int:
        return self.second // DAY


def sightings(seen: Sequence[Seen]) -> pl.DataFrame:
    """Return the sightings of one MMSI as a day's stage gives them, `segment` = track and day."""
    frame = pl.DataFrame(
        {
            "mmsi": [273_000_001 for _ in seen],
            "segment": [one.day * 1_000_000 + one.track for one in seen],
            "track": [one.track for one in seen],
            "seen_at": [START + timedelta(seconds=one.second) for one in seen],
            "lon": [PLACES[one.place][0] for one in seen],
            "lat": [PLACES[one.place][1] for one in seen],
            "sog_kn": [one.speed_kn for one in seen],
            "is_outside": [False for _ in seen],
        },
        schema={
            "mmsi": pl.Int32,
            "segment": pl.Int64,
            "track": pl.Int64,
            "seen_at": pl.Datetime("us"),
            "lon": pl.Float64,
            "lat": pl.Float64,
            "sog_kn": pl.Float32,
            "is_outside": pl.Boolean,
        },
    )
    return AREAS.locate(frame, RULES).sort("mmsi", "segment", "seen_at", "lon", "lat")


def parts_by_day(seen: Sequence[Seen]) -> list[pl.DataFrame]:
    """Return the parts of each day with their track."""
    rows = sightings(seen)
    found = []
    for day in rows.with_columns(date=pl.col("seen_at").dt.date()).partition_by(
        "date", include_key=False
    ):
        parts = port_parts.find_port_parts(OrderedDay(day.drop("track")), AREAS, RULES)
        tracks = day.select("mmsi", "segment", "track").unique()
        found.append(parts.join(tracks, on=["mmsi", "segment"]).drop("segment"))
    return found


def join_all(days: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return port_parts.merge_port_parts(pl.concat(days), RULES.gaps.shortest_s)


# ------------------------------------------------------------------------- the slow, obvious way


@dataclass
class Visit:
    """What a walk over a track's sightings, one after the other, notes at one port group."""

    group: str
    seen: list[Seen] = field(default_factory=list)
    entered: int | None = None  # place in `seen` of the first sighting within 3 km
    is_left: bool = False


def walk(track: Sequence[Seen]) -> list[Visit]:
    """Return the runs of sightings within 4 km of one port group, in order."""
    visits: list[Visit] = []
    current: Visit | None = None
    for one in track:
        group, km = near(one.place)
        if current is not None and current.group != group:
            current.is_left = True
            current = None
        if group is None:
            continue
        if current is None:
            current = Visit(group)
            visits.append(current)
        if current.entered is None and km <= 3:
            current.entered = len(current.seen)
        current.seen.append(one)
    return visits


def speed_of(one: Seen, track: Sequence[Seen]) -> float | None:
    """Return the speed said, else that from the last sighting of the day 10 min before or more."""
    if one.speed_kn is not None:
        return one.speed_kn
    before = [other for other in track if other.day == one.day and other.second <= one.second - 600]
    if not before or one.second - before[-1].second >= 4 * HOUR:
        return None
    metres = GEOD.inv(*PLACES[before[-1].place], *PLACES[one.place])[2]
    return metres / 1_852 / ((one.second - before[-1].second) / HOUR)


def stay_of(visit: Visit, track: Sequence[Seen]) -> tuple[object, ...]:
    assert visit.entered is not None
    inside = visit.seen[visit.entered :]
    steps = [(one, then.second - one.second) for one, then in pairwise(inside)]
    silences = [seconds for _, seconds in steps if seconds >= 4 * HOUR]
    is_stopped, stopped_s = False, 0
    for one, seconds in steps:
        speed = speed_of(one, track)
        if speed is not None and speed <= 0.2:
            is_stopped = True
        elif speed is not None and speed >= 0.5:
            is_stopped = False
        stopped_s += seconds if is_stopped and seconds < 4 * HOUR else 0
    return (
        inside[0].track,
        visit.group,
        START + timedelta(seconds=inside[0].second),
        START + timedelta(seconds=inside[-1].second),
        len(inside),
        len(silences),
        sum(silences) / HOUR,
        max((seconds for _, seconds in steps), default=0) / HOUR,
        stopped_s / HOUR,
        visit.is_left,
    )


def known_of(visit: Visit, track: Sequence[Seen]) -> tuple[object, ...] | None:
    slow = [one for one in visit.seen if (speed_of(one, track) or 0.0) <= 0.5]
    slow = [one for one in slow if speed_of(one, track) is not None]
    if len(slow) < 2:
        return None
    return (
        slow[0].track,
        visit.group,
        *(START + timedelta(seconds=one.second) for one in (visit.seen[0], visit.seen[-1])),
        *(START + timedelta(seconds=one.second) for one in (slow[0], slow[-1])),
        len(slow),
    )


def tracks_of(seen: Sequence[Seen]) -> list[list[Seen]]:
    """Return each track's sightings in order of time and place."""
    numbers = sorted({one.track for one in seen})
    return [
        sorted(
            (one for one in seen if one.track == number),
            key=lambda one: (one.second, PLACES[one.place]),
        )
        for number in numbers
    ]


STAY_FIELDS = (
    *("track", "port_group", "entered_at", "left_at", "sightings", "silences", "silent_h"),
    *("longest_silence_h", "stopped_h", "is_left"),
)
KNOWN_FIELDS = (
    *("track", "port_group", "arrived_at", "left_at", "first_slow_at", "last_slow_at"),
    "slow_sightings",
)

steps = st.lists(
    st.tuples(
        st.sampled_from([0, 60, 599, 600, HOUR, 4 * HOUR - 1, 4 * HOUR, 9 * HOUR, 30 * HOUR]),
        st.sampled_from([*[None] * 6, *PLACES]),
        st.sampled_from([0.0, 0.2, 0.3, 0.5, 0.6, 8.0, None]),
        st.sampled_from([0, 0, 0, 1]),
    ),
    min_size=1,
    max_size=25,
)


def as_seen(drawn: Sequence[tuple[int, str | None, float | None, int]]) -> list[Seen]:
    """Return sightings from the evening on; a place that is not said is the one before."""
    second, place, found = 22 * HOUR, "anzali_0", {}
    for step, drawn_place, speed_kn, track in drawn:
        second, place = second + step, drawn_place or place
        # One sighting an instant and place, as after cleaning.
        found.setdefault((second, place), Seen(second, place, speed_kn, track))
    return list(found.values())


@settings(max_examples=150, deadline=None)
@given(steps, st.lists(st.integers(0, 40), max_size=4), st.randoms())
def test_any_stretches_of_days_give_the_stays_of_whole_tracks(
    drawn: list[tuple[int, str | None, float | None, int]], cuts: list[int], turns: random.Random
) -> None:
    seen = as_seen(drawn)
    days = parts_by_day(seen)
    at = [0, *sorted(min(cut, len(days)) for cut in cuts), len(days)]
    stretches = [join_all(days[a:b]) for a, b in pairwise(at) if a < b]
    turns.shuffle(stretches)
    merged = join_all([pl.concat(stretches).sample(fraction=1, shuffle=True, seed=1)])
    assert_frame_equal(merged, join_all(days))

    visits = [(visit, track) for track in tracks_of(seen) for visit in walk(track)]
    stays = port_stays.list_port_stays(merged, AREAS).select(STAY_FIELDS).rows()
    entered = [(visit, track) for visit, track in visits if visit.entered is not None]
    assert stays == [stay_of(visit, track) for visit, track in entered]
    known = port_stays.list_known_ports(merged, AREAS, RULES).select(KNOWN_FIELDS).rows()
    slow = [known_of(visit, track) for visit, track in visits]
    assert known == [one for one in slow if one is not None]


def test_the_places_of_these_tests_are_where_they_say() -> None:
    points = pl.DataFrame(
        {"lon": [lon for lon, _ in PLACES.values()], "lat": [lat for _, lat in PLACES.values()]}
    )
    found = AREAS.near_ports(points, RULES.ports.leave_beyond_km)
    for name, group, km in zip(PLACES, found["in_port_group"], found["port_km"], strict=True):
        wanted, about = near(name)
        assert group == wanted
        assert group is None or km == pytest.approx(about, abs=0.1)


# --------------------------------------------------------------------------------------- cases


def stays_of(*seen: Seen) -> pl.DataFrame:
    return port_stays.list_port_stays(join_all(parts_by_day(seen)), AREAS)


def test_a_ship_between_3_and_4_km_has_not_entered_but_has_not_left_either() -> None:
    outside = [Seen(step * HOUR, "amirabad_3.5") for step in range(6)]
    assert stays_of(*outside).is_empty()
    entered = stays_of(*outside, Seen(6 * HOUR, "amirabad_2"), Seen(7 * HOUR, "amirabad_3.5"))
    assert entered.select("entered_at", "left_at", "sightings").rows() == [
        (START + timedelta(hours=6), START + timedelta(hours=7), 2)
    ]


def test_a_sighting_outside_the_region_is_in_no_port() -> None:
    rows = sightings([Seen(0, "anzali_0"), Seen(HOUR, "anzali_0")]).drop("track")
    outside = rows.with_columns(is_outside=pl.lit(value=True))
    found = port_parts.find_port_parts(OrderedDay(outside), AREAS, RULES)
    assert found.select("port_group", "is_entered", "slow_sightings").rows() == [(None, False, 0)]


def test_a_silence_inside_does_not_end_a_stay_and_is_told() -> None:
    found = stays_of(Seen(0, "amirabad_0"), Seen(50 * HOUR, "amirabad_0"), Seen(51 * HOUR, "sea"))
    assert found.select(
        "stay_h", "silences", "silent_h", "longest_silence_h", "stopped_h", "is_left"
    ).rows() == [(50.0, 1, 50.0, 50.0, 0.0, True)]


def test_a_ship_stopped_before_midnight_stays_so_until_it_moves() -> None:
    seen = [Seen(22 * HOUR, "anzali_0", 0.1)]
    seen += [Seen(hour * HOUR, "anzali_0", 0.3) for hour in (23, 25, 26, 49)]
    seen += [Seen(50 * HOUR, "anzali_0", 0.5), Seen(51 * HOUR, "anzali_0", 0.3)]
    # 22 to 26 and 49 to 50; the silence from 26 to 49 is not counted.
    assert stays_of(*seen).select("stopped_h", "silent_h").rows() == [(5.0, 23.0)]


def test_a_sighting_elsewhere_ends_a_stay() -> None:
    found = stays_of(Seen(0, "amirabad_0"), Seen(HOUR, "sea"), Seen(2 * HOUR, "amirabad_0"))
    assert found["sightings"].to_list() == [1, 1]
    assert found["is_left"].to_list() == [True, False]


def test_a_lit_call_lasts_four_hours_and_keeps_its_id() -> None:
    short = [Seen(0, "anzali_0"), Seen(HOUR, "anzali_0"), Seen(4 * HOUR - 1, "anzali_0")]
    assert port_stays.list_lit_calls(stays_of(*short), RULES).is_empty()
    lit = port_stays.list_lit_calls(stays_of(*short, Seen(4 * HOUR, "anzali_0")), RULES)
    longer = stays_of(*short, Seen(4 * HOUR, "anzali_0"), Seen(30 * HOUR, "anzali_3.5"))
    assert lit.select("port_group", "country").rows() == [("anzali", "IRN")]
    assert port_stays.list_lit_calls(longer, RULES)["call_id"].equals(lit["call_id"])


@pytest.mark.parametrize(("speed_kn", "calls"), [(0.0, 1), (0.2, 1), (0.3, 0), (5.0, 0)])
def test_a_lit_call_is_stopped_or_silent_for_its_four_hours(speed_kn: float, calls: int) -> None:
    moving = [Seen(hour * HOUR, "anzali_0", speed_kn) for hour in range(6)]
    assert port_stays.list_lit_calls(stays_of(*moving), RULES).height == calls
    silent = [Seen(hour * HOUR, "anzali_0", 5.0) for hour in (0, 1, 5)]
    assert port_stays.list_lit_calls(stays_of(*silent), RULES).height == 1


def test_the_limit_of_entry_may_not_lie_beyond_that_of_leaving() -> None:
    with pytest.raises(ValidationError, match="enter_within_km is above leave_beyond_km"):
        PortRules(enter_within_km=5.0)


def test_the_ends_of_a_gap_in_port_are_found() -> None:
    ends = [("amirabad_0", "sea"), ("sea", "anzali_3.5"), ("sea", "sea"), ("amirabad_2", None)]
    gaps = pl.DataFrame(
        {
            "gap_id": [f"gap-{number}" for number in range(len(ends))],
            **{
                f"{side}_{name}": pl.Series(
                    [None if end[at] is None else PLACES[end[at]][axis] for end in ends],
                    dtype=pl.Float64,
                )
                for at, side in enumerate(("off", "on"))
                for axis, name in enumerate(("lon", "lat"))
            },
        }
    )
    found = port_stays.find_gap_ends_in_port(gaps, AREAS, RULES)
    assert found.select("gap_id", "off_in_group", "on_in_group").rows() == [
        ("gap-0", "amirabad", None),
        ("gap-1", None, "anzali"),
        ("gap-3", "amirabad", None),
    ]


def known_ports(*rows: tuple[str, str, float, float]) -> pl.DataFrame:
    """Return known ports of ship "a": (group, country, first and last slow sighting in days)."""
    return pl.DataFrame(
        [
            ("a", 1, 1, group, country, *[START + timedelta(days=day) for day in (first, last)] * 2)
            for group, country, first, last in rows
        ],
        schema=[
            *("ship_id", "mmsi", "track", "port_group", "country"),
            *("arrived_at", "left_at", "first_slow_at", "last_slow_at"),
        ],
        orient="row",
    )


def silences(*rows: tuple[float, float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            ("a", START + timedelta(days=off), None if on is None else START + timedelta(days=on))
            for off, on in rows
        ],
        schema={"ship_id": pl.String, "off_at": pl.Datetime("us"), "on_at": pl.Datetime("us")},
        orient="row",
    )


def test_known_ports_before_and_after_lie_within_thirty_days() -> None:
    known = known_ports(("anzali", "IRN", 0, 2), ("olya", "RUS", 40, 41), ("anzali", "IRN", 50, 60))
    asked = silences((5, 9), (5, 10), (32, 39), (33, 39), (55, 56), (70, None))
    found = port_stays.find_known_around(asked, known, RULES)
    assert found.select("before_group", "after_group").rows() == [
        ("anzali", None),  # 31 days to Olya
        ("anzali", "olya"),  # 30 days, the limit included
        ("anzali", "olya"),
        (None, "olya"),
        ("anzali", "anzali"),  # inside a stay: at either end it was in that port
        ("anzali", None),
    ]
    assert found.select("off_at").equals(asked.select("off_at"))
    inside = found.row(4, named=True)
    assert (inside["before_at"], inside["after_at"]) == (inside["off_at"], inside["on_at"])


@pytest.mark.parametrize(
    ("fleet", "flag", "here", "before", "after", "scopes"),
    [
        ("merchant", "RUS", "IRN", "RUS", None, (True, True, True)),
        ("merchant", "IRN", "RUS", "RUS", "IRN", (True, True, True)),
        ("merchant", "IRN", "IRN", "IRN", "IRN", (True, False, False)),
        ("merchant", "IRN", "IRN", None, None, (True, False, False)),
        ("merchant", "RUS", "IRN", "AZE", "IRN", (True, False, True)),
        ("merchant", "AZE", "IRN", "RUS", None, (False, False, True)),
        ("merchant", None, "IRN", "RUS", None, (False, False, True)),
        ("ferry", "RUS", "IRN", "RUS", None, (False, False, True)),
        ("merchant", "RUS", "AZE", "RUS", "IRN", (False, False, True)),
    ],
)
def test_scopes_ask_for_fleet_flag_and_the_country_of_the_neighbours(
    fleet: str,
    flag: str | None,
    here: str,
    before: str | None,
    after: str | None,
    scopes: tuple[bool, bool, bool],
) -> None:
    calls = pl.DataFrame(
        [(fleet, flag, here, before, after)],
        schema=dict.fromkeys(
            ("fleet", "flag", "port_country", "before_country", "after_country"), pl.String
        ),
        orient="row",
    )
    found = port_stays.mark_scopes(calls)
    assert (
        found.select("in_ru_ir_any", "in_ru_ir_crossing", "in_any_flag_crossing").row(0) == scopes
    )
