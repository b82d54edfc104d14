"""Small worlds, and what the chain of days makes of them, cut into stretches in any way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from pipeline import chains, clean, gaps, summaries, tracks
from pipeline.areas import Areas
from pipeline.chains import Linked, OpenEnds
from pipeline.rules import Rules
from pipeline.schema import Positions, polars_schema
from pipeline.summaries import Edges
from tests import oracle
from tests.oracle import DAY_S, EPOCH, FOUR_HOURS_S, HOUR_S, Sighting, second_of
from tests.worlds import SQUARES

RULES = Rules()
NO_HIGH_SPEED = pl.Series("mmsi", [], dtype=pl.Int32)
FIRST_MMSI = 273_000_000

STEPS = (0, 1, 60, 900, HOUR_S, 3 * HOUR_S, FOUR_HOURS_S - 1, FOUR_HOURS_S, FOUR_HOURS_S + 1)
LONG_STEPS = (9 * HOUR_S, DAY_S - 1, DAY_S, 2 * DAY_S)
VERY_LONG_STEPS = (5 * DAY_S, 40 * DAY_S, 100 * DAY_S)
PLACES = (
    *((50.1, 40.1), (50.103, 40.1), (50.3, 40.4), (52.0, 42.1), (53.9, 43.9)),
    *((54.0, 44.0), (54.7, 41.0), (30.0, 41.0)),
)
START = second_of(datetime(2023, 4, 29, 20))


# ----------------------------------------------------------------------------------------- worlds


@st.composite
def small_worlds(
    draw: st.DrawFn, steps: tuple[int, ...] = STEPS + LONG_STEPS, most_sightings: int = 12
) -> list[Sighting]:
    """Draw a few MMSIs, each with some sightings at a handful of places."""
    sightings: set[Sighting] = set()
    for number in range(draw(st.integers(1, 3))):
        second = START + draw(st.sampled_from((0, 3 * HOUR_S, FOUR_HOURS_S, FOUR_HOURS_S - 1)))
        for _ in range(draw(st.integers(1, most_sightings))):
            place = draw(st.sampled_from(PLACES))
            sightings.add(sighting_at(second, place, FIRST_MMSI + number))
            second += draw(st.sampled_from(steps))
    return oracle.thin_outside(sightings)[0]


def sighting_at(second: int, place: tuple[float, float], mmsi: int = FIRST_MMSI) -> Sighting:
    """Return a sighting at a place in degrees."""
    lon, lat = place
    is_outside = SQUARES.is_outside(lon, lat)
    return Sighting(mmsi, second, round(lon * 1e6), round(lat * 1e6), is_outside=is_outside)


def frame_of(sightings: Iterable[Sighting]) -> pl.DataFrame:
    """Return sightings as positions, in order; only what tracks and gaps look at is filled."""
    schema = polars_schema(Positions)
    names = [name for name in schema.names() if name != "segment"]
    usual: dict[str, Any] = {"receiver": "terrestrial", "heard_by": "coast|terrestrial|"}
    rows = [
        {
            **usual,
            "mmsi": one.mmsi,
            "seen_at": one.seen_at,
            "lon": one.lon,
            "lat": one.lat,
            "is_outside": one.is_outside,
        }
        for one in sorted(sightings)
    ]
    return pl.DataFrame(rows, schema={name: schema[name] for name in names})


# ---------------------------------------------------------------------------------------- stretches

Stretches = Sequence[Sequence[date]]
Cut = Callable[[Sequence[date]], Stretches]


def all_at_once(days: Sequence[date]) -> Stretches:
    """Return one stretch of all days."""
    return [days]


@st.composite
def cuttings(draw: st.DrawFn) -> Cut:
    """Draw a way to cut days into consecutive stretches: any, day by day, or by months."""
    how = draw(st.sampled_from(("any", "any", "any", "each day", "months", "holes")))
    marks = draw(st.lists(st.booleans(), min_size=40, max_size=40))
    turns = draw(st.randoms(use_true_random=False))

    def cut(days: Sequence[date]) -> Stretches:
        stretches: list[list[date]] = []
        for at, day in enumerate(days):
            is_turn = how == "each day" or (
                day.replace(day=1) != days[at - 1].replace(day=1)
                if how == "months"
                else marks[at % len(marks)]
            )
            if not stretches or is_turn:
                stretches.append([])
            stretches[-1].append(day)
        if how == "holes":
            # Stretches without a day: months in which nothing was heard.
            for at in sorted(turns.sample(range(len(stretches) + 1), 1), reverse=True):
                stretches.insert(at, [])
        return [turns.sample(stretch, len(stretch)) for stretch in stretches]

    return cut


@dataclass(frozen=True)
class Judged:
    """What the chain of days decides of the sightings of a small world.

    Attributes:
        unconfirmed: lone pings refused, by SIGHTING_KEY.
        decided: segments with track, silences that were ended, short silences; of all stretches.
        ends: what the last stretch leaves open.
        jumps: `tracks.find_jumps`.
        open_silences: silences not ended by `data_end`, counted as the others.
    """

    unconfirmed: pl.DataFrame
    decided: Linked
    ends: OpenEnds
    jumps: pl.DataFrame
    open_silences: pl.DataFrame

    @property
    def silences(self) -> pl.DataFrame:
        """All silences, ended ones first."""
        return pl.concat(
            [self.decided.silences, self.open_silences.select(self.decided.silences.columns)]
        )


def judge_in_stretches(
    sightings: Sequence[Sighting],
    areas: Areas,
    data_end: int,
    cut: Cut = all_at_once,
    rules: Rules = RULES,
    high_speed: pl.Series = NO_HIGH_SPEED,
) -> Judged:
    """Return what days, summed up alone and linked stretch by stretch, say before data_end."""
    end = EPOCH + timedelta(seconds=data_end)
    frames = _located_by_day(sightings, areas, rules)
    stretches = cut(sorted(frames))
    unconfirmed = judge_lone_in_stretches(frames, stretches, end, rules, high_speed)
    edges: dict[date, Edges] = {}
    for day, frame in frames.items():
        segmented = tracks.segment_day(without(frame, unconfirmed), high_speed, rules.tracks)
        edges[day] = summaries.summarise_edges(segmented.filter(pl.col("seen_at") < end), rules)
    decided, ends = link_in_stretches(edges, stretches, rules, high_speed)
    jumps = tracks.find_jumps(ends.tracks)
    lasting = ends.tracks.join(
        jumps, left_on=["mmsi", "track"], right_on=["mmsi", "segment"], how="anti"
    )
    still_open = gaps.count_positions_before(
        gaps.open_silences(lasting, rules.gaps, end), ends.hours, rules.gaps
    )
    return Judged(unconfirmed, decided, ends, jumps, still_open)


def _located_by_day(
    sightings: Sequence[Sighting], areas: Areas, rules: Rules
) -> dict[date, pl.DataFrame]:
    located = areas.locate(frame_of(sightings).drop("is_outside"), rules)
    dated = located.with_columns(day=pl.col("seen_at").dt.date())
    parts = dated.partition_by("day", include_key=False, maintain_order=True, as_dict=True)
    return {day: frame for (day,), frame in parts.items() if isinstance(day, date)}


def judge_lone_in_stretches(
    frames: dict[date, pl.DataFrame],
    stretches: Stretches,
    end: datetime,
    rules: Rules,
    high_speed: pl.Series,
) -> pl.DataFrame:
    """Return the unconfirmed pings that a chain of stretches refuses, sorted."""
    lone = {day: tracks.pick_lone_candidates(frame, rules.tracks) for day, frame in frames.items()}
    nothing = next(iter(lone.values())).clear()
    left_open, refused = None, []
    for stretch in stretches:
        given = pl.concat([nothing, *(lone[day] for day in stretch)])
        found, left_open = chains.judge_lone_pings(left_open, given, high_speed, rules, end)
        refused.append(found)
    return pl.concat(refused).unique().sort(clean.SIGHTING_KEY)


def link_in_stretches(
    edges: dict[date, Edges], stretches: Stretches, rules: Rules, high_speed: pl.Series
) -> tuple[Linked, OpenEnds]:
    """Return what a chain of stretches decides, put under each other and sorted; what it leaves."""
    before, decided = None, []
    for stretch in stretches:
        given = put_together([edges[day] for day in stretch] or [_no_edges(edges)])
        found, before = chains.link_days(before, given, high_speed, rules)
        decided.append(found)
    assert before is not None
    segments, silences, short = (
        pl.concat([getattr(one, name) for one in decided])
        for name in ("segments", "silences", "short")
    )
    where = [name for name in short.columns if name not in ("sightings", "ship_s", "heard_s")]
    return Linked(
        segments.sort("mmsi", "segment"),
        silences.sort("mmsi", "off_at", "off_lon", "off_lat", "on_at", "on_lon"),
        short.group_by(where).agg(pl.exclude(where).sum()).sort(where),
    ), before


def put_together(edges: Sequence[Edges]) -> Edges:
    """Return the edges of some days, one under the other."""
    return Edges(
        *(
            pl.concat([getattr(one, name) for one in edges])
            for name in ("segments", "inner_gaps", "hours")
        )
    )


def _no_edges(edges: dict[date, Edges]) -> Edges:
    some = next(iter(edges.values()))
    return Edges(some.segments.clear(), some.inner_gaps.clear(), some.hours.clear())


def without(frame: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    """Return sightings without those refused."""
    key = list(clean.SIGHTING_KEY)
    return frame.join(refused.select(key), on=key, how="anti", maintain_order="left")
