"""The UTC days of a run: put together, cut into segments, finished; each made once and kept.

A day is made in three steps, for what its neighbours say is asked between them: notes (what the
files say of it), edges (its segments, unconfirmed pings refused), and the finished day (positions
and what is summed up of them, jumps refused). Each step is on the shelf under the name of what it
was made from; the sightings themselves wait in between in a scratch folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipeline import gnss, ingest, inputs, store, summaries, tracks
from pipeline.areas import Areas
from pipeline.clean import SIGHTING_KEY
from pipeline.ingest import Progress
from pipeline.inputs import RawFile
from pipeline.keys import code_key, key_of, pick_rules
from pipeline.rules import Rules

NOTES, EDGES, DAYS = "notes", "edges", "days"
NOTE_FRAMES = (
    "lone",
    "hours",
    "sensitive",
    "accounts",
    "station_hours",
    "station_areas",
    "statics",
    "beacons",
)

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
        made: how many days were put together, cut and finished by this run.
        notes, edges, days: the names of the steps on the shelf, by day.
    """

    files: Mapping[date, Sequence[RawFile]]
    shelf: store.Shelf
    scratch: store.Scratch
    areas: Areas
    rules: Rules
    progress: Progress
    made: dict[str, set[date]] = field(
        default_factory=lambda: {NOTES: set(), EDGES: set(), DAYS: set()}
    )
    notes: dict[date, str] = field(default_factory=dict)
    edges: dict[date, str] = field(default_factory=dict)
    days: dict[date, str] = field(default_factory=dict)

    def take_notes(self) -> None:
        """Put together every day whose files, areas or rules changed."""
        made_by = key_of(
            code_key(), self.areas.hash, pick_rules(self.rules, "gaps.near_port_nm", "tracks")
        )
        self.notes = {
            day: f"{day}-{key_of(made_by, [file.key for file in files])}"
            for day, files in self.files.items()
        }
        for day in self._missing(NOTES, self.notes, "putting days together"):
            self._put_together(day)

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
        for day in self._missing(EDGES, self.edges, "finding segments"):
            rows = _before(self._segmented(day, unconfirmed.get(day), high_speed), data_end)
            frames = summaries.frames_of(summaries.summarise_edges(rows, self.rules))
            frames["leaps"] = gnss.find_leaps(rows, self.rules.gnss)
            self.shelf.write(EDGES, self.edges[day], frames)

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
        for day in self._missing(DAYS, self.days, "summing up days"):
            self._finish(day, unconfirmed.get(day), jumps.get(day), high_speed, data_end)
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

    def _missing(self, kind: str, names: Mapping[date, str], stage: str) -> Iterator[date]:
        """Yield the days whose step is not on the shelf, telling the progress as they are done."""
        there = self.shelf.names(kind)
        missing = [day for day, name in names.items() if name not in there]
        self.made[kind] = set(missing)
        for done, day in enumerate(missing):
            self.progress(stage, done, len(missing))
            yield day
        self.progress(stage, len(missing), len(missing))

    def _put_together(self, day: date) -> pl.DataFrame:
        files = self.files[day]
        folders = [self.shelf.path(inputs.KIND, file.key) for file in files]
        rows = Counter[str]()
        for file in files:
            rows.update({kind: count for kind, of, count in file.account.days if of == day})
        notes = ingest.put_together(day, folders, rows, self.areas, self.rules)
        names = pl.DataFrame(
            {
                "file_no": pl.Series(range(len(files)), dtype=pl.Int32),
                "file": [file.account.file for file in files],
            }
        )
        frames = {name: getattr(notes, name) for name in NOTE_FRAMES}
        frames["accounts"] = notes.accounts.join(names, on="file_no").drop("file_no").sort("file")
        frames["sensitive"] = notes.sensitive.with_columns(date=pl.lit(day))
        self.shelf.write(NOTES, self.notes[day], frames)
        self.scratch.write("assembled", day.isoformat(), notes.rows)
        return notes.rows

    def _segmented(
        self, day: date, unconfirmed: pl.DataFrame | None, high_speed: pl.Series
    ) -> pl.DataFrame:
        """Return the day's sightings with `segment`, unconfirmed pings left out."""
        key = day.isoformat()
        if self.scratch.has("segmented", key):
            return self.scratch.read("segmented", key)
        rows = (
            self.scratch.read("assembled", key)
            if self.scratch.has("assembled", key)
            else self._put_together(day)
        )
        gone = None
        if unconfirmed is not None:
            rows, gone = ingest.drop_refused(rows, unconfirmed, "unconfirmed")
        rows = tracks.segment_day(rows, high_speed, self.rules.tracks)
        self.scratch.write("segmented", key, rows)
        if gone is not None:
            self.scratch.write("unconfirmed", key, gone)
        self.scratch.drop("assembled", key)
        return rows

    def _finish(
        self,
        day: date,
        unconfirmed: pl.DataFrame | None,
        jumps: pl.DataFrame | None,
        high_speed: pl.Series,
        data_end: datetime,
    ) -> None:
        rows = self._segmented(day, unconfirmed, high_speed)
        gone: list[pl.DataFrame] = []
        if self.scratch.has("unconfirmed", day.isoformat()):
            gone.append(self.scratch.read("unconfirmed", day.isoformat()))
        if jumps is not None:
            rows, jumped = ingest.drop_refused(rows, jumps, "jump")
            gone.append(jumped)
        summary = summaries.summarise_day(_before(rows, data_end), self.areas, self.rules)
        positions = ingest.as_positions(rows)
        files = [(file.account.feed, file.account.file) for file in self.files[day]]
        with self.shelf.put(DAYS, self.days[day]) as folder:
            frames = {
                **summaries.frames_of(summary),
                "refused": count_refused(gone, files),
                "counts": pl.DataFrame({"date": [day], "sightings": [positions.height]}),
            }
            for name, frame in frames.items():
                store.write_scratch(frame, folder / f"{name}.parquet")
            store.write_parquet(positions, folder / "positions.parquet")
            if gone:
                rejected = ingest.as_rejected(pl.concat(gone), files)
                store.write_parquet(rejected, folder / "rejected.parquet")
        self.scratch.drop("segmented", day.isoformat())
        self.scratch.drop("unconfirmed", day.isoformat())


def cut_of(day: date, data_end: datetime) -> datetime | None:
    """Return where the end of the data cuts a UTC day, None where the day lies before it.

    A day that waits after it (a clock ran ahead) is cut where it begins: the same every night.
    """
    midnight = datetime.combine(day, datetime.min.time())
    return max(midnight, data_end) if data_end < midnight + timedelta(days=1) else None


def _before(rows: pl.DataFrame, data_end: datetime) -> pl.DataFrame:
    return rows.filter(pl.col("seen_at") < data_end)


def count_refused(gone: Sequence[pl.DataFrame], files: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Return file, unconfirmed, jump: how many rows of each file the merge refused in a day."""
    schema = {"file": pl.String, "unconfirmed": pl.Int64, "jump": pl.Int64}
    if not gone:
        return pl.DataFrame(schema=schema)
    rejected = ingest.as_rejected(pl.concat(list(gone)), files)
    count = pl.col("rows")
    return (
        rejected.group_by("file")
        .agg(
            unconfirmed=count.filter(pl.col("reason") == "unconfirmed").sum(),
            jump=count.filter(pl.col("reason") == "jump").sum(),
        )
        .with_columns(pl.col("unconfirmed", "jump").cast(pl.Int64))
        .sort("file")
    )


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
