"""The UTC days of a run: put together, cut into segments, finished; each made once and kept.

A day is made in three steps, for what its neighbours say is asked between them: notes (what the
files say of it), edges (its segments, unconfirmed pings refused), and the finished day (positions
and what is summed up of them, jumps refused). Each step is on the shelf under the name of what it
was made from; the sightings themselves wait in between in a scratch folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import day_steps, store
from pipeline.areas import Areas
from pipeline.clean import SIGHTING_KEY
from pipeline.day_steps import DAYS, EDGES, NOTES, DayOrder, DayWork, Step, Waiting
from pipeline.engine import HERE, Engine
from pipeline.ingest import Progress
from pipeline.inputs import RawFile
from pipeline.keys import code_key, key_of, pick_rules
from pipeline.rules import Rules

Refusals = Mapping[date, pl.DataFrame]


@dataclass
class Days:
    """The UTC days that any raw file touches.

    Attributes:
        files: the raw files that touch each day, in order of path.
        shelf: where finished steps lie.
        scratch: where sightings wait between two steps of this run.
        areas, rules: what a day is judged by.
        progress: told of each day.
        engine: where the steps of days are done.
        made: how many days were put together, cut and finished by this run.
        notes, edges, days: the names of the steps on the shelf, by day.
        waiting: sightings that a step of this run left for the next, by day.
    """

    files: Mapping[date, Sequence[RawFile]]
    shelf: store.Shelf
    scratch: store.Scratch
    areas: Areas
    rules: Rules
    progress: Progress
    engine: Engine = HERE
    made: dict[str, set[date]] = field(
        default_factory=lambda: {NOTES: set(), EDGES: set(), DAYS: set()}
    )
    notes: dict[date, str] = field(default_factory=dict)
    edges: dict[date, str] = field(default_factory=dict)
    days: dict[date, str] = field(default_factory=dict)
    waiting: dict[date, Waiting] = field(default_factory=dict)

    def take_notes(self) -> None:
        """Put together every day whose files, areas or rules changed."""
        made_by = key_of(
            code_key(), self.areas.hash, pick_rules(self.rules, "gaps.near_port_nm", "tracks")
        )
        self.notes = {
            day: f"{day}-{key_of(made_by, [file.key for file in files])}"
            for day, files in self.files.items()
        }
        self._do(day_steps.take_notes, self._work(), NOTES, "putting days together", {}, {})

    def find_edges(
        self,
        unconfirmed: Refusals,
        sensitive: Mapping[date, Sequence[int]],
        high_speed: pl.Series,
        data_end: datetime,
    ) -> None:
        """Cut every day into segments whose notes, refused pings or fast ships changed.

        Args:
            unconfirmed: pings to refuse, by day.
            sensitive: MMSIs whose segments hang on their speed, by day.
            high_speed: MMSIs of high-speed craft.
            data_end: later sightings wait in their day.
        """
        made_by = key_of(
            code_key(),
            pick_rules(
                self.rules, "tracks", "gaps.min_gap_s", "gaps.count_above_only", "gnss.cell_deg"
            ),
        )
        fast = set(high_speed.to_list())
        for day, notes in self.notes.items():
            refused = unconfirmed.get(day)
            parts = (
                made_by,
                notes,
                refused.rows() if refused is not None else [],
                sorted(fast.intersection(sensitive.get(day, ()))),
                self._find_cut(day, data_end),
            )
            self.edges[day] = f"{day}-{key_of(*parts)}"
        work = self._work(high_speed=high_speed, data_end=data_end)
        self._do(day_steps.find_edges, work, EDGES, "finding segments", unconfirmed, {})

    def _find_cut(self, day: date, data_end: datetime) -> datetime | None:
        """Return `cut_of`, None too where no sighting of the day is left out by it.

        The end of the data mostly lies in its last day and after all of it: such a day need not
        be done again when the next one comes.
        """
        cut = cut_of(day, data_end)
        if cut != data_end:
            return cut
        hours = self.shelf.read(NOTES, self.notes[day], "hours")["hour"]
        return cut if (hours + timedelta(hours=1) > cut).any() else None

    def finish(
        self,
        unconfirmed: Refusals,
        jumps: Refusals,
        high_speed: pl.Series,
        data_end: datetime,
    ) -> None:
        """Finish every day whose edges or jumps changed: positions, and what is summed up.

        Args:
            unconfirmed: as for `find_edges`.
            jumps: one-sighting tracks to refuse, by day.
            high_speed: as for `find_edges`.
            data_end: later sightings wait in their day.
        """
        made_by = key_of(
            code_key(),
            pick_rules(
                self.rules,
                "ports",
                "ships.stay_within_km",
                "ships.stay_max_speed_kn",
                "gaps.min_gap_s",
                "gaps.count_above_only",
            ),
        )
        for day, edges in self.edges.items():
            refused = jumps.get(day)
            rows = refused.select(SIGHTING_KEY).rows() if refused is not None else []
            self.days[day] = f"{day}-{key_of(made_by, self.areas.hash, edges, rows)}"
        work = self._work(high_speed=high_speed, data_end=data_end)
        self._do(day_steps.finish, work, DAYS, "summing up days", unconfirmed, jumps)
        self.scratch.clear()

    def positions_of(self, days: Sequence[date]) -> pl.LazyFrame | None:
        """Return the positions of some finished days, None where there are none."""
        paths = [self.positions_path(day) for day in days if day in self.days]
        return pl.scan_parquet(paths, glob=False) if paths else None

    def positions_path(self, day: date) -> Path:
        """Return the file of a finished day's positions."""
        return self.shelf.path(DAYS, self.days[day]) / "positions.parquet"

    def names(self) -> dict[str, list[str]]:
        """Return the results on the shelf that this run stands on, by kind."""
        return {
            NOTES: list(self.notes.values()),
            EDGES: list(self.edges.values()),
            DAYS: list(self.days.values()),
        }

    # ------------------------------------------------------------------------------ one day

    def _work(self, **known: Any) -> DayWork:
        return DayWork(self.shelf, self.scratch, self.areas, self.rules, **known)

    def _do(
        self,
        step: Step,
        work: DayWork,
        kind: str,
        stage: str,
        unconfirmed: Refusals,
        jumps: Refusals,
    ) -> None:
        """Do a step of every day whose result is not on the shelf, telling the progress."""
        names = {NOTES: self.notes, EDGES: self.edges, DAYS: self.days}[kind]
        there = self.shelf.names(kind)
        missing = [day for day, name in names.items() if name not in there]
        self.made[kind] = set(missing)
        orders = (self._order(day, unconfirmed.get(day), jumps.get(day)) for day in missing)
        self.progress(stage, 0, len(missing))
        for done, (order, made) in enumerate(self.engine.run(step, work, orders), 1):
            self.shelf.land(kind, names[order.day], made.filled)
            for path in order.waiting.paths() - made.waiting.paths():
                self.scratch.drop(path)
            self.waiting[order.day] = made.waiting
            self.progress(stage, done, len(missing))

    def _order(
        self, day: date, unconfirmed: pl.DataFrame | None, jumps: pl.DataFrame | None
    ) -> DayOrder:
        files = self.files[day]
        rows = Counter[str]()
        for file in files:
            rows.update({kind: count for kind, of, count in file.account.days if of == day})
        named = [(file.key, file.account.feed, file.account.file) for file in files]
        waiting = self.waiting.get(day, Waiting())
        return DayOrder(day, named, rows, waiting, unconfirmed, jumps)


def cut_of(day: date, data_end: datetime) -> datetime | None:
    """Return where the end of the data cuts a UTC day, None where the day lies before it.

    A day that waits after it (a clock ran ahead) is cut where it begins: the same every night.
    """
    midnight = datetime.combine(day, datetime.min.time())
    return max(midnight, data_end) if data_end < midnight + timedelta(days=1) else None


def by_day(refused: pl.DataFrame) -> dict[date, pl.DataFrame]:
    """Return refused sightings by their UTC day, sorted within it."""
    dated = refused.sort(SIGHTING_KEY).with_columns(date=pl.col("seen_at").dt.date())
    return {
        day: rows
        for (day,), rows in dated.partition_by(
            "date", as_dict=True, include_key=False, maintain_order=True
        ).items()
        if isinstance(day, date)
    }
