"""The pipeline held against the oracle, world by world: gaps, tracks, refusals, exposure."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipeline import gaps, summaries, tracks
from pipeline.areas import Areas, load_areas
from pipeline.ordered import OrderedDay
from pipeline.rules import Rules
from pipeline.schema import REASONS
from tests import night, oracle, worlds
from tests.chain_model import (
    NO_HIGH_SPEED,
    PLACES,
    RULES,
    START,
    Cut,
    Judged,
    cuttings,
    frame_of,
    judge_in_stretches,
    sighting_at,
    small_worlds,
)
from tests.oracle import DAY_S, EPOCH, FOUR_HOURS_S, HOUR_S, Sighting, Truth, second_of
from tests.worlds import GEO_SQUARES, SQUARES, World, Written, make_world, write_world

LATE_REASONS = ("unconfirmed", "jump")


# ----------------------------------------------------------------------------------- whole nights


@dataclass(frozen=True)
class Trial:
    """A world, the truth about it, and what a night made of it."""

    world: World
    places: list[Written]
    truth: Truth
    night: night.Night

    def gaps(self) -> list[dict[str, Any]]:
        return self.night.table("gaps").to_dicts()


@dataclass(frozen=True)
class Size:
    """How large a world is, and whether its data_end is given."""

    ships: int
    days: int
    has_given_end: bool = False


SIZES = {
    1: Size(ships=200, days=1),
    2: Size(ships=200, days=3, has_given_end=True),
    3: Size(ships=200, days=10),
    4: Size(ships=2, days=3),
}
LONG_SIZES = {
    seed: Size(
        ships=(1, 3, 60, 200)[seed % 4],
        days=(1, 2, 7, 20, 75)[seed % 5],
        has_given_end=seed % 3 == 0,
    )
    for seed in range(1_000, 1_040)
}
long = pytest.mark.long
TRIALS = [*SIZES, *(pytest.param(seed, marks=long) for seed in LONG_SIZES)]


def hold_trial(folder: Path, seed: int, size: Size) -> Trial:
    """Run a night over the world of a seed, divided into files as its length suggests.

    A world in which a distance lies on the limit of reach gives way to another.
    """
    world = make_world(seed, ships=size.ships, days=size.days)
    given_end = pick_data_end(world, seed) if size.has_given_end else None
    truth = oracle.judge_rows(world.texts, SQUARES, given_end)
    if truth.is_close:
        return hold_trial(folder, seed + 10_000, size)
    division = "by time" if size.days <= 3 else "random"
    places = write_world(world, folder / "raw", division=division, seed=seed)
    done = night.run(folder / "raw", folder / "processed", areas=GEO_SQUARES, data_end=given_end)
    return Trial(world, places, truth, done)


def pick_data_end(world: World, seed: int) -> datetime:
    """Return an end of the data that decides something.

    The very second of a sighting, which then waits, or the one after it; most often of the
    sighting that follows a refused one, so that the refusal hangs on it; or a time after all but
    strangers.
    """
    rng = random.Random(seed)
    if rng.random() < 0.1:
        return EPOCH + timedelta(seconds=world.begin + (world.days + 60) * DAY_S)
    truth = oracle.judge_rows(world.texts, SQUARES)
    ordered = sorted(truth.sightings)
    followers = [
        after
        for here, after in pairwise(ordered)
        if here in truth.refused and here.mmsi == after.mmsi
    ]
    late = sorted(truth.kept, key=lambda one: one.second)[len(ordered) // 4 :]
    while True:
        chosen = rng.choice(followers if followers and rng.random() < 0.7 else late)
        end = chosen.seen_at + timedelta(seconds=rng.choice((0, 0, 1)))
        # Another end has other last sightings, which are not judged: another distance may be close.
        if not oracle.judge_rows(world.texts, SQUARES, end).is_close:
            return end


@pytest.fixture(scope="module", params=TRIALS)
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    size = (SIZES | LONG_SIZES)[request.param]
    return hold_trial(tmp_path_factory.mktemp("trial"), request.param, size)


def assert_same(what: str, found: Iterable[Hashable], wanted: Iterable[Hashable]) -> None:
    """Compare two bags of things and show the first differences."""
    ours, truth = Counter(found), Counter(wanted)
    surplus, missing = ours - truth, truth - ours
    assert not surplus and not missing, (
        f"{what}: {surplus.total()} of {ours.total()} are not in the truth, "
        f"{missing.total()} of {truth.total()} of the truth are missing\n"
        + "\n".join(f"  not in the truth: {one}" for one in sorted(surplus, key=repr)[:4])
        + "\n"
        + "\n".join(f"  missing: {one}" for one in sorted(missing, key=repr)[:4])
    )


def micro(degrees: float) -> int:
    """Return whole micro-degrees; a coordinate that is none is an error."""
    whole = round(degrees * 1e6)
    assert abs(degrees * 1e6 - whole) < 1e-4, degrees
    return whole


def point_of(row: Mapping[str, Any], side: str) -> Sighting | None:
    """Return the off or on point of a row of table gaps; None where it has none."""
    at, lon, lat = row[f"{side}_at"], row[f"{side}_lon"], row[f"{side}_lat"]
    if at is None:
        assert lon is None and lat is None
        return None
    assert at.microsecond == 0
    return Sighting(row["mmsi"], second_of(at), micro(lon), micro(lat))


def sighting_of(row: Mapping[str, Any]) -> Sighting:
    assert row["seen_at"].microsecond == 0
    return Sighting(row["mmsi"], second_of(row["seen_at"]), micro(row["lon"]), micro(row["lat"]))


def sighting_of_text(text: str) -> Sighting:
    """Return the sighting in the canonical fields of a row that the merge refused."""
    mmsi, seen_at, lon, lat = text.split(",")
    instant = oracle.instant_of(seen_at)
    assert instant is not None
    return Sighting(int(mmsi), second_of(instant), micro(float(lon)), micro(float(lat)))


def test_the_data_ends_where_the_definition_says(trial: Trial) -> None:
    assert trial.night.outcome.data_end == EPOCH + timedelta(seconds=trial.truth.data_end)


def test_every_gap_is_found_and_no_other(trial: Trial) -> None:
    found = [
        (
            point_of(row, "off"),
            point_of(row, "on"),
            row["is_closed"],
            row["duration_s"],
            row["positions_12h_before"],
            row["on_is_outside"],
            row["month"],
            row["off_area"],
        )
        for row in trial.gaps()
    ]
    wanted = [
        (
            gap.off,
            gap.on,
            gap.on is not None,
            gap.duration_s,
            gap.positions_12h_before,
            None if gap.on is None else gap.on.is_outside,
            oracle.month_of(gap.off.second),
            SQUARES.area_of(gap.off.lon, gap.off.lat),
        )
        for gap in trial.truth.gaps
    ]
    assert_same("gaps", found, wanted)


def test_no_two_gaps_share_an_id(trial: Trial) -> None:
    ids = trial.night.table("gaps")["gap_id"]
    assert ids.n_unique() == len(ids) == len(trial.truth.gaps)


def test_a_silence_is_of_a_ship_that_left_only_by_an_exit(trial: Trial) -> None:
    causes = {
        (point_of(row, "off"), point_of(row, "on")): row["cause"] == "left_region"
        for row in trial.gaps()
    }
    clear = [gap for gap in trial.truth.gaps if gap.has_left is not None]
    wrong = [gap for gap in clear if causes[gap.off, gap.on] != gap.has_left]
    assert wrong == []


def test_the_sightings_kept_are_those_of_the_truth(trial: Trial) -> None:
    found = [(sighting_of(row), row["is_outside"]) for row in trial.night.positions().to_dicts()]
    assert_same("positions", found, [(one, one.is_outside) for one in trial.truth.kept])


def test_sightings_are_parted_into_the_tracks_of_the_truth(trial: Trial) -> None:
    known = trial.night.table("tracks")
    placed = trial.night.positions().join(
        known, on=["mmsi", "segment"], how="left", maintain_order="left"
    )
    parts: dict[tuple[int, int], list[Sighting]] = {}
    for row in placed.to_dicts():
        if second_of(row["seen_at"]) < trial.truth.data_end:
            assert row["track"] is not None, f"no track: {row}"
            members = parts.setdefault((row["mmsi"], row["track"]), [])
            if not members:
                assert row["segment"] == row["track"], "a track is named after its first segment"
            members.append(sighting_of(row))
    assert_same("tracks", map(frozenset, parts.values()), map(frozenset, trial.truth.tracks))


def test_rows_are_refused_where_and_why_the_definitions_say(trial: Trial) -> None:
    refused = trial.night.table("rejected").to_dicts()
    at_the_door = [
        (row["file"], row["row"], row["reason"])
        for row in refused
        if row["reason"] not in LATE_REASONS
    ]
    wanted = [
        (trial.places[at].file, trial.places[at].row, reason)
        for at, reason in trial.truth.refused_rows.items()
    ]
    assert_same("rows refused at the door", at_the_door, wanted)
    late = [
        (sighting_of_text(row["text"]), row["reason"])
        for row in refused
        if row["reason"] in LATE_REASONS
    ]
    assert_same("sightings refused by the merge", late, trial.truth.refused.items())


def test_the_books_of_every_file_balance(trial: Trial) -> None:
    files = trial.night.table("files").to_dicts()
    read = Counter(place.file for place in trial.places)
    assert_same("rows read", [(row["file"], row["read"]) for row in files], read.items())
    for row in files:
        parts = row["accepted"] + row["duplicate"] + row["outside"] + row["rejected"]
        assert row["error"] is None
        assert row["read"] == parts
        assert row["rejected"] == sum(json.loads(row["rejected_by_reason"]).values())
    by_reason: Counter[str] = Counter()
    for row in files:
        by_reason.update(json.loads(row["rejected_by_reason"]))
    truth = trial.truth
    wanted = Counter(truth.refused_rows.values()) + Counter(truth.refused.values())
    assert by_reason == wanted
    assert set(by_reason) <= set(REASONS)
    totals = {name: sum(row[name] for row in files) for name in ("duplicate", "outside")}
    assert totals == {"duplicate": truth.repeated_rows, "outside": len(truth.left_out)}


def test_seconds_go_to_the_area_and_month_of_the_earlier_sighting(trial: Trial) -> None:
    causes = {
        (point_of(row, "off"), point_of(row, "on")): row["cause"] == "left_region"
        for row in trial.gaps()
    }
    exposure = oracle.find_exposure(trial.truth, SQUARES, lambda gap: causes[gap.off, gap.on])
    found: dict[tuple[int, date, str], list[int]] = {}
    for row in trial.night.table("ship_months").to_dicts():
        sums = found.setdefault((row["mmsi"], row["month"], row["area"]), [0, 0, 0])
        for at, name in enumerate(("sightings", "ship_s", "heard_s")):
            sums[at] += row[name]
    assert_same(
        "exposure",
        ((*key, *sums) for key, sums in found.items()),
        ((*key, e.sightings, e.ship_s, e.heard_s) for key, e in exposure.items()),
    )


@pytest.mark.parametrize(
    ("seed", "days"), [(11, 1), pytest.param(12, 8, marks=long), pytest.param(13, 40, marks=long)]
)
def test_two_divisions_of_the_same_rows_give_the_same_bytes(
    seed: int, days: int, tmp_path: Path
) -> None:
    world = make_world(seed, ships=120, days=days)
    contents = []
    for division in ("random", "by time"):
        folder = tmp_path / division
        write_world(world, folder / "raw", division=division, seed=len(contents))
        done = night.run(folder / "raw", folder / "processed", areas=GEO_SQUARES)
        tables = [done.processed / f"{name}.parquet" for name in ("gaps", "ship_months")]
        tables += sorted(done.processed.glob("tracks/*.parquet"))
        days_kept = sorted(done.processed.glob("positions/*/positions.parquet"))
        contents.append(
            {path.relative_to(done.processed): path.read_bytes() for path in [*tables, *days_kept]}
        )
    first, second = contents
    assert first.keys() == second.keys()
    assert [name for name, data in first.items() if data != second[name]] == []


# ---------------------------------------------------------------------------------- pure functions


@pytest.fixture(scope="module")
def areas() -> Areas:
    return load_areas(GEO_SQUARES)


def refusals(judged: Judged) -> dict[Sighting, str]:
    """Return the sightings refused, and why."""
    late = ((judged.unconfirmed, "unconfirmed"), (judged.jumps, "jump"))
    return {sighting_of(row): reason for rows, reason in late for row in rows.to_dicts()}


small = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@small
@given(small_worlds(), cuttings(), st.data())
def test_days_summed_up_alone_give_the_gaps_of_one_pass(
    areas: Areas, sightings: list[Sighting], cut: Cut, data: st.DataObject
) -> None:
    instants = sorted({one.second for one in sightings})
    ends = [*instants[1:], instants[-1] + 1, instants[-1] + FOUR_HOURS_S, instants[-1] + DAY_S]
    data_end = data.draw(st.sampled_from(ends))
    min_gap_s = data.draw(st.sampled_from((FOUR_HOURS_S, FOUR_HOURS_S + 1, 3 * HOUR_S)))
    end = EPOCH + timedelta(seconds=data_end)
    truth = oracle.judge_sightings(sightings, SQUARES, end, min_gap_s)
    assume(not truth.is_close)
    rules = Rules.model_validate({"gaps": {"min_gap_s": min_gap_s}})
    judged = judge_in_stretches(sightings, areas, data_end, cut, rules)
    assert_same("refused", refusals(judged).items(), truth.refused.items())
    found = [
        (point_of(row, "off"), point_of(row, "on"), row["positions_12h_before"])
        for row in judged.silences.to_dicts()
    ]
    wanted = [(gap.off, gap.on, gap.positions_12h_before) for gap in truth.gaps]
    assert_same("gaps", found, wanted)


@pytest.mark.parametrize(("late_s", "refused"), [(0, {}), (1, {"unconfirmed": 1})])
def test_a_lone_ping_waits_for_what_follows_before_the_end_of_the_data(
    areas: Areas, late_s: int, refused: dict[str, int]
) -> None:
    hours, places = (0, 5, 10), (PLACES[0], PLACES[-1], PLACES[0])
    sightings = [
        sighting_at(START + hour * HOUR_S, place) for hour, place in zip(hours, places, strict=True)
    ]
    judged = judge_in_stretches(sightings, areas, sightings[-1].second + late_s)
    assert Counter(refusals(judged).values()) == refused


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(0, 24 * 12), st.integers(1, 60), min_size=1))
def test_the_data_end_follows_from_the_hours_alone(hourly: dict[int, int]) -> None:
    first = START // HOUR_S
    sightings = [
        Sighting(273_000_000, (first + hour) * HOUR_S + number, 51_000_000, 41_000_000)
        for hour, count in hourly.items()
        for number in range(count)
    ]
    hours = pl.DataFrame(
        {
            "hour": [EPOCH + timedelta(hours=first + hour) for hour in hourly],
            "sightings": list(hourly.values()),
        },
        schema={"hour": pl.Datetime("us"), "sightings": pl.Int64},
    )
    found = gaps.find_data_end(hours, RULES.gaps)
    assert second_of(found) == oracle.find_data_end(sightings)


@pytest.mark.parametrize("kind", worlds.SCENARIOS)
def test_segments_of_days_link_to_the_tracks_of_one_pass(kind: str) -> None:
    rng = random.Random(kind)
    clock = worlds.Clock(START, START + 12 * DAY_S)
    sightings: list[Sighting] = []
    for number in range(12):
        mmsi = 273_000_000 + number
        pings = worlds.try_ship(rng, worlds.SCENARIOS[kind], clock, mmsi)
        sightings += worlds.sightings_of(mmsi, pings, SQUARES)
    days = {one.day: [other for other in sightings if other.day == one.day] for one in sightings}
    frames = [tracks.segment_day(frame_of(days[day]), NO_HIGH_SPEED, RULES.tracks) for day in days]
    ends = pl.concat(
        [
            summaries.pick_segments(
                OrderedDay(
                    summaries.sort_by_segment(
                        frame.with_columns(area=pl.lit("south"), port_group=pl.lit("none"))
                    )
                )
            )
            for frame in frames
        ]
    )
    linked = tracks.link_segments(ends, NO_HIGH_SPEED, RULES.tracks)
    placed = pl.concat(frames).join(
        linked.select("mmsi", "segment", "track"), on=["mmsi", "segment"]
    )
    found: dict[tuple[int, int], set[Sighting]] = {}
    for row in placed.to_dicts():
        found.setdefault((row["mmsi"], row["track"]), set()).add(sighting_of(row))
    by_mmsi = {
        one.mmsi: [other for other in sightings if other.mmsi == one.mmsi] for one in sightings
    }
    wanted = [
        frozenset(track)
        for own in by_mmsi.values()
        for track in oracle.find_tracks(own, oracle.Reach())
    ]
    assert_same("tracks", map(frozenset, found.values()), wanted)
