"""Hours by tracks, what is learned of them, and what is counted on the way."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.reception.window import Bools, Floats, Window


@dataclass(frozen=True, eq=False)
class Parameters:
    """What is learned of some months.

    Attributes:
        off_rate: switch-offs per hour of a set that is on, by area (areas).
        phase_share: share of switch-offs that are short, ..., long (phases).
        back_rate: returns per hour, by phase.
        factor: values of the own factor (factors).
        factor_share: how often each is drawn; a Gamma of mean 1, not learned.
        redraw: chance an hour that the factor is drawn anew, within a stay or leg.
        redraw_at_change: the same where the ship stops or gets under way.
    """

    off_rate: Floats
    phase_share: Floats
    back_rate: Floats
    factor: Floats
    factor_share: Floats
    redraw: float
    redraw_at_change: float


@dataclass(frozen=True, eq=False)
class Cells:
    """What is known of tracks by hour and track (hours, tracks); what is not there says nothing.

    Attributes:
        area: where the ship was.
        is_there: the hour is one of the track's.
        is_heard, is_mute, begins, changes: `Window`'s is_heard, is_outside, begins, changes.
    """

    area: NDArray[np.int64]
    is_there: Bools
    is_heard: Bools
    is_mute: Bools
    begins: Bools
    changes: Bools


@dataclass(frozen=True, eq=False)
class Grid(Cells):
    """All tracks of a window by hour and track.

    Attributes:
        rows: how many rows the window has.
        kept: the rows of the window that are in it; `row` and `column` say where.
    """

    rows: int
    kept: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    @classmethod
    def of(cls, window: Window, is_kept: Bools | None = None) -> Grid:
        """Return the grid of a window, or of some whole tracks of it.

        Hours in which no track has a row are left out.
        """
        kept = np.arange(window.rows) if is_kept is None else np.flatnonzero(is_kept)
        row, column = (
            np.unique(values[kept], return_inverse=True)[1].astype(np.int64)
            for values in (window.hour, window.track)
        )
        shape = (int(row.max()) + 1, int(column.max()) + 1)

        def lay(values: Bools) -> Bools:
            cells = np.zeros(shape, np.bool_)
            cells[row, column] = values[kept]
            return cells

        area = np.zeros(shape, np.int64)
        area[row, column] = window.area[kept]
        return cls(
            rows=window.rows,
            kept=kept,
            row=row,
            column=column,
            area=area,
            is_there=lay(np.ones(window.rows, np.bool_)),
            is_heard=lay(window.is_heard),
            is_mute=lay(window.is_outside),
            begins=lay(window.begins),
            changes=lay(window.changes),
        )

    def pick(self, tracks: slice) -> Cells:
        """Return the cells of some tracks."""
        return Cells(*(getattr(self, one.name)[:, tracks] for one in fields(Cells)))

    def spread(self, values: Floats) -> Floats:
        """Return values of rows by hour and track, 0 where there is none."""
        cells = np.zeros(self.is_there.shape)
        cells[self.row, self.column] = values[self.kept]
        return cells

    def gather(self, cells: Floats) -> Floats:
        """Return values by hour and track as rows of the window, 1 for those that are left out."""
        values = np.ones(self.rows)
        values[self.kept] = cells[self.row, self.column]
        return values


@dataclass(eq=False)
class Counted:
    """Expected numbers of what happened, summed over hours and tracks.

    `redrawn` and `chances` are two: within a stay or leg, and where the ship stops or starts.
    """

    switched_off: Floats
    on_hours: Floats
    phases: Floats
    returns: Floats
    off_hours: Floats
    redrawn: Floats
    chances: Floats

    def add(self, other: Counted) -> Counted:
        """Return the numbers of both together."""
        return Counted(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(self))
        )
