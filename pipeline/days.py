"""The UTC days of a run on disk: put together, summed up, linked, written again where needed."""

from __future__ import annotations

from dataclasses import fields
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

SUMMARY_PARTS = tuple(field.name for field in fields(Summary))


class Days:
    """The UTC days of a run on disk, one part a day, and what is summed up of them."""

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
        self.days: list[date] = []
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
                self.days.append(day)
                self.parts.write("feed_hours", day.isoformat(), heard)
                self.parts.write(
                    "lone", day.isoformat(), tracks.pick_lone_candidates(rows, self.rules.tracks)
                )
                self._keep(day, rows)
        self.progress("putting days together", len(wanted), len(wanted))

    def _keep(self, day: date, rows: pl.DataFrame, before: datetime | None = None) -> None:
        """Write a day and the summary of its rows earlier than `before`."""
        key = day.isoformat()
        self.parts.write("day", key, rows)
        self.parts.write("tugs", key, tow.pick_tugs(rows, self.tugs))
        counted = rows if before is None else rows.filter(pl.col("seen_at") < before)
        summary = summaries.summarise_day(counted, self.areas, self.rules)
        for name in SUMMARY_PARTS:
            self.parts.write(name, key, getattr(summary, name))

    def close_books(self, given: datetime | None) -> datetime:
        """Return the end of the data; later rows stay in their days and are summed up no more.

        Raises:
            RawFileError: there is no sighting at all.
        """
        if not self.days or (hours := self.read_all("hours")).is_empty():
            raise RawFileError("the raw files hold no accepted position: nothing is published")
        data_end = given or gaps.find_data_end(hours, self.rules.gaps)
        for day in self.days:
            midnight = datetime.combine(day, datetime.min.time())
            if data_end < midnight + timedelta(days=1):
                rows = self.parts.read("day", day.isoformat())
                self._keep(day, rows, before=data_end)
        return data_end

    def link(self, data_end: datetime) -> pl.DataFrame:
        """Return all segments with their tracks, after the merge refused what it must."""
        lone = self.parts.read_all("lone")
        assert lone is not None
        unconfirmed = tracks.find_unconfirmed(lone, self.high_speed, self.rules.tracks, data_end)
        self._refuse(unconfirmed, "unconfirmed", data_end, segment_again=True)
        linked = self._linked()
        jumps = tracks.find_jumps(linked)
        self._refuse(jumps, "jump", data_end, segment_again=False)
        return linked.join(jumps, on=["mmsi", "segment"], how="anti", maintain_order="left")

    def _linked(self) -> pl.DataFrame:
        return tracks.link_segments(self.read_all("segments"), self.high_speed, self.rules.tracks)

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
        return Summary(**{name: self.read_all(name) for name in SUMMARY_PARTS})

    def read_all(self, name: str) -> pl.DataFrame:
        """Return one kind of part of all days."""
        frame = self.parts.read_all(name)
        assert frame is not None, f"no day has {name}"
        return frame

    def rejected(self) -> pl.DataFrame:
        """Return table rejected: what feeds and clean refused, then what the merge refused."""
        frames = [self.parts.read_all("rejected"), self.parts.read_all("late")]
        given = [frame for frame in frames if frame is not None]
        if not given:
            return pl.DataFrame(schema=polars_schema(Rejected))
        return pl.concat(given).sort("feed", "file", "row")

    def write_positions(self, built: Path) -> None:
        """Write table positions, one folder a day."""
        for done, day in enumerate(self.days):
            self.progress("writing positions", done, len(self.days))
            positions = ingest.as_positions(self.parts.read("day", day.isoformat()))
            self.sightings += positions.height
            if positions.height:
                folder = built / "positions" / f"date={day.isoformat()}"
                store.write_parquet(positions, folder / "positions.parquet")
