"""The UTC days of a run: put together, summed up, linked, written again where needed.

The days themselves lie on disk, one file each; what is summed up of them is small and is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipeline import gaps, ingest, store, summaries, tow, tracks
from pipeline.areas import Areas
from pipeline.errors import RawFileError
from pipeline.ingest import FileAccount, Progress
from pipeline.rules import Rules
from pipeline.schema import Rejected, polars_schema
from pipeline.summaries import Summary


@dataclass(frozen=True)
class DayNotes:
    """What is held of a day beside its summary.

    Attributes:
        feed_hours: what each receiver heard, duplicates included.
        lone: `tracks.pick_lone_candidates` of the day as it was put together.
    """

    feed_hours: pl.DataFrame
    lone: pl.DataFrame


class Days:
    """The UTC days of a run: their sightings on disk, what is summed up of them at hand."""

    def __init__(
        self,
        parts: store.Parts,
        areas: Areas,
        high_speed: pl.Series,
        tugs: pl.Series,
        rules: Rules,
        accounts: list[FileAccount],
        progress: Progress,
    ) -> None:
        self.parts = parts
        self.areas = areas
        self.high_speed = high_speed
        self.tugs = tugs
        self.rules = rules
        self.accounts = accounts
        self.progress = progress
        self.notes: dict[date, DayNotes] = {}
        self.summaries: dict[date, Summary] = {}
        self.tug_sightings: dict[date, pl.DataFrame] = {}
        self.sightings = 0

    def assemble(self, stage: store.Stage) -> None:
        """Put every day together from the parts of all files, and sum it up."""
        wanted = stage.days()
        for done, day in enumerate(wanted):
            self.progress("putting days together", done, len(wanted))
            assembled = ingest.assemble_day(
                day, stage, self.areas, self.high_speed, self.rules, self.accounts
            )
            if assembled is not None:
                rows, heard = assembled
                lone = tracks.pick_lone_candidates(rows, self.rules.tracks)
                self.notes[day] = DayNotes(heard, lone)
                self._keep(day, rows)
        self.progress("putting days together", len(wanted), len(wanted))

    def _keep(self, day: date, rows: pl.DataFrame, before: datetime | None = None) -> None:
        """Write a day, and sum up its rows earlier than `before`."""
        self.parts.write("day", day.isoformat(), rows)
        self.tug_sightings[day] = tow.pick_tugs(rows, self.tugs)
        counted = rows if before is None else rows.filter(pl.col("seen_at") < before)
        self.summaries[day] = summaries.summarise_day(counted, self.areas, self.rules)

    def close_books(self, given: datetime | None) -> datetime:
        """Return the end of the data; later rows stay in their days and are summed up no more.

        Raises:
            RawFileError: there is no sighting at all.
        """
        if not self.summaries:
            raise RawFileError("the raw files hold no accepted position: nothing is published")
        hours = pl.concat([summary.hours for summary in self.summaries.values()])
        data_end = given or gaps.find_data_end(hours, self.rules.gaps)
        for day in list(self.summaries):
            midnight = datetime.combine(day, datetime.min.time())
            if data_end < midnight + timedelta(days=1):
                rows = self.parts.read("day", day.isoformat())
                self._keep(day, rows, before=data_end)
        return data_end

    def link(self, data_end: datetime) -> pl.DataFrame:
        """Return all segments with their tracks, after the merge refused what it must."""
        lone = pl.concat([notes.lone for notes in self.notes.values()])
        unconfirmed = tracks.find_unconfirmed(lone, self.high_speed, self.rules.tracks, data_end)
        self._refuse(unconfirmed, "unconfirmed", data_end, segment_again=True)
        linked = self._linked()
        jumps = tracks.find_jumps(linked)
        self._refuse(jumps, "jump", data_end, segment_again=False)
        return linked.join(jumps, on=["mmsi", "segment"], how="anti", maintain_order="left")

    def _linked(self) -> pl.DataFrame:
        segments = pl.concat([summary.segments for summary in self.summaries.values()])
        return tracks.link_segments(segments, self.high_speed, self.rules.tracks)

    def _refuse(
        self, refused: pl.DataFrame, reason: str, data_end: datetime, *, segment_again: bool
    ) -> None:
        """Write the days of refused sightings again without them."""
        dated = refused.with_columns(date=pl.col("seen_at").dt.date())
        for (day,), rows in dated.partition_by("date", as_dict=True).items():
            assert isinstance(day, date)
            stays, refusals = ingest.refuse_late(
                self.parts.read("day", day.isoformat()), rows, reason, self.accounts
            )
            if segment_again:
                stays = tracks.segment_day(
                    stays.drop("segment"), self.high_speed, self.rules.tracks
                )
            self.parts.write("late", f"{day.isoformat()}-{reason}", refusals)
            self._keep(day, stays, before=data_end)

    def summary(self) -> Summary:
        """Return the merged summary of all days."""
        return summaries.merge(self.summaries.values())

    def all_tug_sightings(self) -> pl.DataFrame:
        """Return where tugs were, all days."""
        return pl.concat(self.tug_sightings.values())

    def feed_hours(self) -> pl.DataFrame:
        """Return table feed_hours."""
        return pl.concat([notes.feed_hours for notes in self.notes.values()]).sort(
            "feed", "receiver", "station", "hour"
        )

    def rejected(self) -> pl.DataFrame:
        """Return table rejected: what feeds and clean refused, then what the merge refused."""
        frames = [self.parts.read_all("rejected"), self.parts.read_all("late")]
        given = [frame for frame in frames if frame is not None]
        if not given:
            return pl.DataFrame(schema=polars_schema(Rejected))
        return pl.concat(given).sort("feed", "file", "row")

    def write_positions(self, built: Path) -> None:
        """Write table positions, one folder a day."""
        for done, day in enumerate(self.summaries):
            self.progress("writing positions", done, len(self.summaries))
            positions = ingest.as_positions(self.parts.read("day", day.isoformat()))
            self.sightings += positions.height
            if positions.height:
                folder = built / "positions" / f"date={day.isoformat()}"
                store.write_parquet(positions, folder / "positions.parquet")
