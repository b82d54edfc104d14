"""Sightings of one UTC day in order, with what several summaries ask of them, found once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import numpy as np
import polars as pl

from pipeline.errors import SchemaError
from pipeline.runs import Flags, Whole, epoch_us, find_changes, mark_changes_of

MICROSECONDS_PER_HOUR = 3_600_000_000


@dataclass(frozen=True, eq=False)
class OrderedDay:
    """Sightings of one UTC day and what more than one summary asks of them.

    Attributes:
        rows: the sightings, sorted by (mmsi, segment, seen_at, lon, lat).
    """

    rows: pl.DataFrame
    _changes: dict[str, Flags] = field(default_factory=dict, repr=False)

    def changes(self, first: str, *others: str) -> Flags:
        """Return where one of the columns differs from the row before; the first row differs."""
        flags = self._changes_of(first)
        for name in others:
            flags = flags | self._changes_of(name)
        return flags

    def _changes_of(self, name: str) -> Flags:
        if name not in self._changes:
            self._changes[name] = find_changes(self.rows[name])
        return self._changes[name]

    @cached_property
    def is_segment_start(self) -> Flags:
        """Whether a sighting is the first of its segment."""
        return self.changes("mmsi", "segment")

    @cached_property
    def is_hour_start(self) -> Flags:
        """Whether a sighting is the first of its segment in a UTC hour."""
        hours = self.seen_us // MICROSECONDS_PER_HOUR
        return self.is_segment_start | mark_changes_of(hours)

    @cached_property
    def seen_us(self) -> Whole:
        """Instants in microseconds since 1970."""
        return epoch_us(self.rows)

    @cached_property
    def to_next_s(self) -> Whole:
        """Whole seconds from a sighting to the next of its segment, 0 for the last one."""
        seconds = self.seen_us // 1_000_000
        to_next_s = np.zeros(len(seconds), np.int64)
        np.subtract(seconds[1:], seconds[:-1], out=to_next_s[:-1], where=~self.is_segment_start[1:])
        return to_next_s

    @cached_property
    def date(self) -> date | None:
        """The UTC day of the sightings, None where there are none.

        Raises:
            SchemaError: they are of several.
        """
        days = {
            seen_at.date()
            for seen_at in (self.rows["seen_at"].min(), self.rows["seen_at"].max())
            if isinstance(seen_at, datetime)
        }
        if len(days) > 1:
            raise SchemaError(
                f"sightings of one UTC day expected, found {min(days)} and {max(days)}"
            )
        return next(iter(days), None)

    def is_said(self, name: str, value: str) -> Flags:
        """Return where a column of texts says a value; nowhere where it is null."""
        flags = self.rows[name] == value
        return (flags.fill_null(value=False) if flags.null_count() else flags).to_numpy()
