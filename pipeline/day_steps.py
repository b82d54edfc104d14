"""The steps of one UTC day, each a unit of work: done here or by a worker of a cluster (`engine`).

A step gets all it needs and returns where it left its results: a folder that is not on the shelf
yet, and sightings that wait for the next step. The one who asked puts them there; so a step that is
done twice, or is still being done for a run that ended, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import polars as pl

from pipeline import gnss, ingest, inputs, store, summaries, tracks
from pipeline.areas import Areas
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


@dataclass(frozen=True)
class DayWork:
    """What a step of any day needs.

    Attributes:
        shelf: where finished steps lie.
        scratch: where sightings wait between two steps of this run.
        areas, rules: what a day is judged by.
        high_speed: MMSIs of high-speed craft, once they are known.
        data_end: later sightings wait in their day; once it is known.
    """

    shelf: store.Shelf
    scratch: store.Scratch
    areas: Areas
    rules: Rules
    high_speed: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int32))
    data_end: datetime = datetime.max


@dataclass(frozen=True)
class Waiting:
    """Where sightings of a day wait for its next step; None where they must be made again.

    Attributes:
        assembled: as they were put together.
        segmented: with `segment`, unconfirmed pings left out.
        unconfirmed: those left out, where there were any.
    """

    assembled: Path | None = None
    segmented: Path | None = None
    unconfirmed: Path | None = None

    def paths(self) -> set[Path]:
        """Return where all of them wait."""
        return {one for one in (self.assembled, self.segmented, self.unconfirmed) if one}


@dataclass(frozen=True)
class DayOrder:
    """What is asked of one day.

    Attributes:
        files: key on the shelf, feed and name of the raw files that touch it, in order of path.
        rows: how many rows of each kind they hold of it.
        waiting: its sightings, as far as an earlier step left them.
        unconfirmed: pings to refuse, None without any.
        jumps: one-sighting tracks to refuse, None without any.
    """

    day: date
    files: Sequence[tuple[str, str, str]]
    rows: Mapping[str, int]
    waiting: Waiting
    unconfirmed: pl.DataFrame | None = None
    jumps: pl.DataFrame | None = None

    def __str__(self) -> str:
        return f"the day {self.day}"


@dataclass(frozen=True)
class DayDone:
    """Where a step left its results.

    Attributes:
        filled: the folder to be put on the shelf.
        waiting: sightings for the next step.
    """

    filled: Path
    waiting: Waiting


Step = Callable[[DayWork, DayOrder], DayDone]


def take_notes(work: DayWork, order: DayOrder) -> DayDone:
    """Put a day together: what its files say of it."""
    notes = _put_together(work, order)
    names = pl.DataFrame(
        {
            "file_no": pl.Series(range(len(order.files)), dtype=pl.Int32),
            "file": [file for _, _, file in order.files],
        }
    )
    frames = {name: getattr(notes, name) for name in NOTE_FRAMES}
    frames["accounts"] = notes.accounts.join(names, on="file_no").drop("file_no").sort("file")
    frames["sensitive"] = notes.sensitive.with_columns(date=pl.lit(order.day))
    with work.shelf.fill(NOTES) as folder:
        _write_frames(frames, folder)
    return DayDone(folder, Waiting(assembled=work.scratch.write(notes.rows)))


def find_edges(work: DayWork, order: DayOrder) -> DayDone:
    """Cut a day into segments, unconfirmed pings refused."""
    rows, gone = _segment(work, order)
    waiting = Waiting(
        segmented=work.scratch.write(rows),
        unconfirmed=None if gone is None else work.scratch.write(gone),
    )
    rows = _before(rows, work.data_end)
    frames = summaries.frames_of(summaries.summarise_edges(rows, work.rules))
    frames["leaps"] = gnss.find_leaps(rows, work.rules.gnss)
    with work.shelf.fill(EDGES) as folder:
        _write_frames(frames, folder)
    return DayDone(folder, waiting)


def finish(work: DayWork, order: DayOrder) -> DayDone:
    """Finish a day, jumps refused: its positions, and what is summed up of them."""
    rows, unconfirmed = _segment(work, order)
    gone = [] if unconfirmed is None else [unconfirmed]
    if order.jumps is not None:
        rows, jumped = ingest.drop_refused(rows, order.jumps, "jump")
        gone.append(jumped)
    summary = summaries.summarise_day(_before(rows, work.data_end), work.areas, work.rules)
    positions = ingest.as_positions(rows)
    files = [(feed, file) for _, feed, file in order.files]
    frames = {
        **summaries.frames_of(summary),
        "refused": count_refused(gone, files),
        "counts": pl.DataFrame({"date": [order.day], "sightings": [positions.height]}),
    }
    with work.shelf.fill(DAYS) as folder:
        _write_frames(frames, folder)
        store.write_parquet(positions, folder / "positions.parquet")
        if gone:
            rejected = ingest.as_rejected(pl.concat(gone), files)
            store.write_parquet(rejected, folder / "rejected.parquet")
    return DayDone(folder, Waiting())


def _put_together(work: DayWork, order: DayOrder) -> ingest.DayNotes:
    folders = [work.shelf.path(inputs.KIND, key) for key, _, _ in order.files]
    return ingest.put_together(order.day, folders, order.rows, work.areas, work.rules)


def _segment(work: DayWork, order: DayOrder) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return (the day's sightings with `segment`, unconfirmed pings left out; those)."""
    waiting, read = order.waiting, work.scratch.read
    if waiting.segmented:
        return read(waiting.segmented), read(waiting.unconfirmed) if waiting.unconfirmed else None
    rows = read(waiting.assembled) if waiting.assembled else _put_together(work, order).rows
    gone = None
    if order.unconfirmed is not None:
        rows, gone = ingest.drop_refused(rows, order.unconfirmed, "unconfirmed")
    return tracks.segment_day(rows, work.high_speed, work.rules.tracks), gone


def _write_frames(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    for name, frame in frames.items():
        store.write_scratch(frame, folder / f"{name}.parquet")


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
