"""A whole world, vessel by vessel: plans, switch-offs, receptions, provider files and truth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.simulate.feedfiles import write_feed_files
from pipeline.simulate.life import Played, Stage, play, set_stage
from pipeline.simulate.quota_fill import fill_quotas
from pipeline.simulate.radio import listen_beacons
from pipeline.simulate.rows import beacon_rows, position_rows, static_rows
from pipeline.simulate.settings import World
from pipeline.simulate.true_rows import Truth
from pipeline.simulate.truth import TRUTH_TABLES
from pipeline.simulate.vessels import draw_vessels
from pipeline.store import write_json, write_parquet


def no_one(stage: str, done: int, total: int) -> None:
    """Take progress and tell nobody."""


def simulate(
    world: World, seed: int, geo: Path, out: Path, told: Callable[[str, int, int], None] = no_one
) -> list[Path]:
    """Write a world's feed below `out/raw` and its truth in `out/truth`; return the feed's files.

    Args:
        world: its settings.
        seed: the same seed gives the same bytes, another seed another world.
        geo: folder of areas (only data is read from it).
        out: folder that takes `raw/simulated_*/` and `truth/`.
        told: is told about progress as (stage, done, total).

    Raises:
        UsageError: the world is too small for what it is to hold.
    """
    stage = set_stage(world, seed, geo)
    vessels = draw_vessels(world.vessels, seed, world.span_s)
    forced, barred = fill_quotas(stage, vessels)
    truth = Truth()
    truth.add_shared(stage, vessels)

    def rows() -> Iterator[pl.DataFrame]:
        for number, played in enumerate(play(stage, vessels, forced, barred)):
            told("sailing", number + 1, len(vessels))
            truth.add_vessel(stage, played)
            yield from _clip(stage, _rows_of(stage, played))
        yield _beacons(stage)

    # Written as they come: a vessel's life is not kept.
    files = write_feed_files(rows(), out / "raw", world.feed.format, world.feed.per)
    for name in TRUTH_TABLES:
        write_parquet(truth.table(name), out / "truth" / f"{name}.parquet")
    write_json(_describe(stage), out / "truth" / "world.json")
    told("writing the feed", 1, 1)
    return files


# ----------------------------------------------------------------------------------- the feed


def _rows_of(stage: Stage, played: Played) -> list[pl.DataFrame]:
    names, feeds, start = stage.radio.station_names, stage.radio.feed_of_station, stage.world.start
    return [
        position_rows(played.vessel, played.heard, names, feeds, start),
        static_rows(played.vessel, played.statics, played.timeline, names, feeds, start),
    ]


def _beacons(stage: Stage) -> pl.DataFrame:
    world, radio = stage.world, stage.radio
    heard = listen_beacons(radio, world.start, world.span_s, stage.seed, world.feed.beacon_thin_s)
    return beacon_rows(heard, radio.station_names, radio.feed_of_station, world.start)


def _clip(stage: Stage, frames: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Drop positions outside the region where the feed is clipped; static reports have no place."""
    if not stage.world.feed.clipped:
        return frames
    kept = []
    for frame in frames:
        lon, lat = frame["longitude"].to_numpy(), frame["latitude"].to_numpy()
        inside = frame["longitude"].is_null() | pl.Series(
            stage.waters.is_inside_region(np.nan_to_num(lon), np.nan_to_num(lat))
        )
        kept.append(frame.filter(inside))
    return kept


def _describe(stage: Stage) -> dict[str, Any]:
    world = stage.world
    return {
        "is_simulated": True,
        "name": world.name,
        "seed": stage.seed,
        "start": world.start.isoformat(),
        "end": world.end.isoformat(),
        "rated_from": world.first_rated().isoformat(),
        "private_shape": world.radio.private_shape,
        "clipped": world.feed.clipped,
        "format": world.feed.format,
        "settings_hash": world.hash,
        "settings": json.loads(world.model_dump_json()),
    }
