"""The world of section 2, its truth, and what a night made of its feed."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.simulate.life import Stage, set_stage
from pipeline.simulate.model import Timeline, Vessel
from pipeline.simulate.settings import World, read_world
from pipeline.simulate.vessels import draw_vessels
from pipeline.simulate.voyages import sail
from pipeline.simulate.world import simulate
from tests.night import GEO, run_command
from tests.simulation_page.waters import Hours, find_waters

# The world of section 2: `caspian` with all its ships, over ice, spring and the three months of
# Table 5, so that these are compared month by month.
NAME, SEED, START, DAYS = "caspian", 1, datetime(2023, 2, 1), 181
HOUR_S, DAY_S, YEAR_D = 3600, 86_400, 365.25
HEADLINE = ("RUS", "IRN")
MOVING_KN = 0.5


@dataclass(frozen=True, eq=False)
class Scene:
    """One world with its truth, the plans of its vessels, and what a night made of its feed."""

    world: World
    stage: Stage
    vessels: list[Vessel]
    timelines: dict[int, Timeline]
    folder: Path

    def truth(self, name: str, *columns: str) -> pl.DataFrame:
        """Return a truth table, or some columns of it."""
        return pl.read_parquet(
            self.folder / "truth" / f"{name}.parquet", columns=list(columns) or None
        )

    def published(self, name: str) -> pl.DataFrame:
        """Return a table of the night."""
        return pl.read_parquet(self.folder / "processed" / f"{name}.parquet")

    def positions(self) -> pl.LazyFrame:
        """Return all sightings."""
        return pl.scan_parquet(self.folder / "processed" / "positions" / "*" / "*.parquet")

    def fleet(self, name: str = "merchant") -> list[Vessel]:
        """Return the vessels of a fleet."""
        return [vessel for vessel in self.vessels if vessel.fleet == name]

    def is_during(self, at_s: float) -> bool:
        """Return whether an instant lies in the world; plans begin before it and end later."""
        return 0 <= at_s < self.world.span_s

    @property
    def years(self) -> float:
        """Length of the world in years."""
        return self.world.days / YEAR_D

    @cached_property
    def under_way(self) -> pl.DataFrame:
        """Return where, how fast and how deep vessels truly are at full hours they move in."""
        at_s = np.arange(0, self.world.span_s, HOUR_S, dtype=float)
        frames = []
        for vessel in self.vessels:
            line = self.timelines[vessel.number]
            piece = line.piece_at(at_s)
            lon_deg, lat_deg = line.locate(at_s)
            frames.append(
                pl.DataFrame(
                    {
                        "vessel": np.full(len(at_s), vessel.number, np.int32),
                        "lon_deg": lon_deg,
                        "lat_deg": lat_deg,
                        "kn": line.speed_kn[piece],
                        "draught_m": find_draughts(line, at_s),
                    }
                ).with_columns(fleet=pl.lit(vessel.fleet))
            )
        rows = pl.concat(frames).filter(pl.col("kn") > MOVING_KN)
        waters = find_waters(rows["lon_deg"].to_numpy(), rows["lat_deg"].to_numpy())
        return rows.with_columns(water=pl.Series(waters))

    @cached_property
    def ship_days(self) -> pl.DataFrame:
        """Return vessel, day, seconds off, seconds inside the region."""
        day = pl.lit(self.world.start).cast(pl.Datetime("us")) + pl.duration(
            days=pl.col("hour") // 24
        )
        return (
            self.truth("ship_hours", "vessel", "hour", "off_s", "inside_s")
            .group_by(pl.col("vessel").cast(pl.Int32), day.alias("day"))
            .agg(pl.col("off_s", "inside_s").cast(pl.Int64).sum())
        )

    @cached_property
    def honest_days(self) -> pl.DataFrame:
        """Return vessel and day where a merchant, its MMSI its own, is on and inside all day."""
        return self.ship_days.filter(
            pl.col("off_s") == 0,
            pl.col("inside_s") == DAY_S,
            pl.col("vessel").is_in(self.heard["vessel"].unique().implode()),
        ).select("vessel", "day")

    @cached_property
    def whole_calls(self) -> pl.DataFrame:
        """Return the port calls that begin and end in the world."""
        return self.truth("port_calls").filter(
            pl.col("arrival_at") >= self.world.start, pl.col("departure_at") < self.world.end
        )

    @cached_property
    def heard(self) -> pl.DataFrame:
        """Return vessel, day, is_satellite and instant of the sightings of unshared MMSIs."""
        own = (
            self.truth("identities")
            .join(self.truth("ships", "vessel", "fleet", "shares_mmsi"), on="vessel")
            .filter(~pl.col("shares_mmsi"))
        )
        return (
            self.positions()
            .select("mmsi", "seen_at", is_satellite=pl.col("receiver") == "satellite")
            .join(own.lazy().select("mmsi", "vessel", "fleet", "from_at", "to_at"), on="mmsi")
            .filter(pl.col("seen_at").is_between("from_at", "to_at", closed="left"))
            .filter(pl.col("fleet") == "merchant")
            .select("vessel", "seen_at", "is_satellite", day=pl.col("seen_at").dt.truncate("1d"))
            .collect()
        )


def find_draughts(line: Timeline, at_s: Hours) -> Hours:
    """Return a vessel's true draught in metres at some instants: what it left the last port with.

    NaN before the first port.
    """
    left_s = np.array([visit.departure_s for visit in line.visits])
    draughts = np.array([math.nan, *(visit.draught_after_m for visit in line.visits)])
    return draughts[np.searchsorted(left_s, at_s, side="right")]


def set_scene(folder: Path) -> Scene:
    """Return the world of section 2 with its night; a folder that holds them is read as it is."""
    world = read_world(NAME, start=START, days=DAYS)
    if not (folder / "truth" / "world.json").exists():
        report_progress("simulating")
        simulate(world, SEED, GEO, folder)
    if not (folder / "processed" / "gaps.parquet").exists():
        report_progress("running the night")
        run_command(
            "nightly", "--raw", str(folder / "raw"), "--processed", str(folder / "processed")
        )
    told = json.loads((folder / "truth" / "world.json").read_text("utf-8"))
    if (told["settings_hash"], told["seed"]) != (world.hash, SEED):
        raise SystemExit(f"{folder} holds another world: choose an empty folder")
    stage = set_stage(world, SEED, GEO)
    vessels = draw_vessels(world.vessels, SEED, world.span_s)
    timelines: dict[int, Timeline] = {}
    for vessel in vessels:
        tug = timelines[vessel.tug] if vessel.tug is not None else None
        plan = world.voyages, world.span_s, world.start, SEED, tug
        timelines[vessel.number] = sail(vessel, stage.waters, stage.calendar, *plan)
    return Scene(world, stage, vessels, timelines, folder)


def report_progress(words: str) -> None:
    """Print some words beside the output."""
    print(words, file=sys.stderr, flush=True)
