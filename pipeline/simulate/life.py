"""The life of each vessel of a world: its plan, when its set was off, what was heard of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.simulate.calendar import Calendar, draw_calendar
from pipeline.simulate.model import Heard, HeardStatics, Hours, Off, Timeline, Vessel
from pipeline.simulate.noise import draw_clock_offsets, draw_interference, spoil
from pipeline.simulate.radio import Radio, build_radio, listen
from pipeline.simulate.settings import World
from pipeline.simulate.switching import switch_off
from pipeline.simulate.voyages import sail
from pipeline.simulate.waters import Waters, load_waters

# Visits by vessel number, each by its index in the vessel's timeline.
VisitsByVessel = Mapping[int, frozenset[int]]
NONE: VisitsByVessel = {}


@dataclass(frozen=True)
class Stage:
    """What all vessels of a world share."""

    world: World
    seed: int
    waters: Waters
    calendar: Calendar
    radio: Radio
    interference: pl.DataFrame
    offsets: pl.DataFrame


@dataclass(frozen=True)
class Played:
    """One vessel's life: its plan, when its set was off, and what was heard of it."""

    vessel: Vessel
    timeline: Timeline
    offs: tuple[Off, ...]
    heard: Heard
    statics: HeardStatics
    hours: Hours


def set_stage(world: World, seed: int, geo: Path) -> Stage:
    """Return what all vessels of a world share: waters, seasons, receivers, interference."""
    radio = build_radio(world.radio, world.start, world.span_s, seed)
    return Stage(
        world,
        seed,
        load_waters(geo, world.waters),
        draw_calendar(world.calendar, geo, world.start, world.span_s, seed),
        radio,
        draw_interference(world.noise, world.start, world.span_s, seed),
        draw_clock_offsets(world.noise, len(radio.station_names), world.span_s, seed),
    )


def play(
    stage: Stage,
    vessels: list[Vessel],
    forced: VisitsByVessel,
    barred: VisitsByVessel,
) -> Iterator[Played]:
    """Yield the life of each vessel: plan, switch-offs, receptions as the feed delivers them.

    `forced` and `barred` name visits by vessel that are dark, or that never are.
    """
    tugs = {vessel.tug for vessel in vessels if vessel.tug is not None}
    kept: dict[int, Timeline] = {}
    for vessel in vessels:
        timeline = _sail(stage, vessel, kept)
        if vessel.number in tugs:
            kept[vessel.number] = timeline
        yield _play_one(stage, vessel, timeline, forced, barred)


def _sail(stage: Stage, vessel: Vessel, tugs: dict[int, Timeline]) -> Timeline:
    world = stage.world
    return sail(
        vessel,
        stage.waters,
        stage.calendar,
        world.voyages,
        world.span_s,
        world.start,
        stage.seed,
        tug_timeline=tugs[vessel.tug] if vessel.tug is not None else None,
    )


def _play_one(
    stage: Stage,
    vessel: Vessel,
    timeline: Timeline,
    forced: VisitsByVessel,
    barred: VisitsByVessel,
) -> Played:
    world, seed = stage.world, stage.seed
    offs = switch_off(
        vessel,
        timeline,
        world.switching,
        world.start,
        world.span_s,
        seed,
        forced.get(vessel.number, frozenset()),
        barred.get(vessel.number, frozenset()),
    )
    heard, statics, hours = listen(
        stage.radio,
        vessel,
        timeline,
        offs,
        world.feed.thin_s,
        world.feed.full_rate,
        world.span_s,
        seed,
    )
    heard = spoil(heard, vessel, world.noise, stage.interference, stage.offsets, seed)
    return Played(vessel, timeline, offs, heard, statics, hours)
