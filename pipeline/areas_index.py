"""Which polygon covers a point, fast for many points: answers kept for whole cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from pipeline.geodesy import FloatArray, ecef_m
from pipeline.runs import find_starts, mark_changes_of

Codes: TypeAlias = NDArray[np.int16]
Keys: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]

CELLS_PER_DEG = 50
CELL_COLUMNS, CELL_ROWS = 360 * CELLS_PER_DEG, 180 * CELLS_PER_DEG
PAGE_SIDE = 8  # cells; the memo grows by pages of 8 x 8 cells
PAGE_CELLS = PAGE_SIDE * PAGE_SIDE
PAGE_ROWS = CELL_ROWS // PAGE_SIDE
PAGES = CELL_COLUMNS // PAGE_SIDE * PAGE_ROWS

AMBIGUOUS = -1
NOT_CLASSIFIED = -2

# Rounding when a point's cell is found must not place it outside the box that was judged.
CELL_MARGIN_DEG = 1e-9

# GEOS builds the index of a prepared polygon when it is first asked, and not for two threads.
LOCK = RLock()


@dataclass(frozen=True)
class Cells:
    """Boxes of the global grid, a hair larger than the cells: arrays of degrees."""

    west: FloatArray
    south: FloatArray
    east: FloatArray
    north: FloatArray

    @classmethod
    def of_keys(cls, keys: Keys) -> Cells:
        """Return the boxes of the cells that `cell_keys` named."""
        page, within = np.divmod(keys, PAGE_CELLS)
        page_column, page_row = np.divmod(page, PAGE_ROWS)
        column = page_column * PAGE_SIDE + within // PAGE_SIDE
        row = page_row * PAGE_SIDE + within % PAGE_SIDE
        return cls._of_squares(column, row, CELLS_PER_DEG)

    @classmethod
    def of_pages(cls, pages: Keys) -> Cells:
        """Return the boxes of whole pages of cells."""
        return cls._of_squares(*np.divmod(pages, PAGE_ROWS), CELLS_PER_DEG / PAGE_SIDE)

    @classmethod
    def _of_squares(cls, column: Keys, row: Keys, per_deg: float) -> Cells:
        return cls(
            west=column / per_deg - 180 - CELL_MARGIN_DEG,
            south=row / per_deg - 90 - CELL_MARGIN_DEG,
            east=(column + 1) / per_deg - 180 + CELL_MARGIN_DEG,
            north=(row + 1) / per_deg - 90 + CELL_MARGIN_DEG,
        )

    @cached_property
    def boxes(self) -> NDArray[np.object_]:
        """The cells as polygons."""
        return shapely.box(self.west, self.south, self.east, self.north)

    @cached_property
    def centre(self) -> tuple[FloatArray, FloatArray]:
        """Longitudes and latitudes of the middles."""
        return (self.west + self.east) / 2, (self.south + self.north) / 2

    @cached_property
    def radius_m(self) -> FloatArray:
        """Straight distance from the middle that no point of the cell exceeds, in m."""
        middle = ecef_m(*self.centre)
        corners = [
            np.linalg.norm(ecef_m(lon, lat) - middle, axis=1)
            for lon in (self.west, self.east)
            for lat in (self.south, self.north)
        ]
        return np.max(corners, axis=0) * 1.001 + 1


def cell_keys(column: Keys, row: Keys) -> Keys:
    """Return the number of each 0.02 degree cell; pages of cells are contiguous.

    Args:
        column, row: of the cell, counted from the west and the south; what lies on the edge of the
            world belongs to the last one.
    """
    column, row = np.minimum(column, CELL_COLUMNS - 1), np.minimum(row, CELL_ROWS - 1)
    page = (column >> 3) * np.int32(PAGE_ROWS) + (row >> 3)
    return (page << 6) | ((column & 7) << 3) | (row & 7)


class CellMask:
    """Codes that hold all over a cell, found out once per cell and kept.

    The grid is fixed on the globe, so an answer never depends on which points come together. A page
    of cells is judged as one box first: at sea that answers for all its cells.
    """

    def __init__(self, of_cells: Callable[[Cells], Codes]) -> None:
        self._of_cells = of_cells
        # One more than the slot of a page's first cell, 0 for none: zeros take no memory at first.
        self._page_start = np.zeros(PAGES, np.int32)
        self._codes = np.empty(0, np.int16)

    def codes(self, keys: Keys) -> Codes:
        """Return the code of each cell, AMBIGUOUS where it differs within the cell."""
        with LOCK:
            pages = keys >> 6
            start = self._page_start[pages]
            if not start.all():
                self._add_pages(np.unique(pages[start == 0]))
                start = self._page_start[pages]
            slots = start - 1 + (keys & (PAGE_CELLS - 1))
            codes = self._codes[slots]
            is_new = codes == NOT_CLASSIFIED
            if is_new.any():
                new_keys, first = np.unique(keys[is_new], return_index=True)
                self._codes[slots[is_new][first]] = self._of_cells(Cells.of_keys(new_keys))
                codes = self._codes[slots]
            return codes

    def _add_pages(self, pages: Keys) -> None:
        of_page = self._of_cells(Cells.of_pages(pages))
        of_page[of_page == AMBIGUOUS] = NOT_CLASSIFIED
        self._page_start[pages] = len(self._codes) + np.arange(len(pages)) * PAGE_CELLS + 1
        self._codes = np.concatenate((self._codes, np.repeat(of_page, PAGE_CELLS)))


@dataclass(frozen=True)
class Places:
    """Points in degrees, with the runs of consecutive ones in one cell.

    Sorted by ship and time, points mostly stay in their cell: it is asked once a run.
    """

    lon: FloatArray
    lat: FloatArray
    keys: Keys  # of the cell of each run
    lengths: NDArray[np.int64]  # of the runs, in points

    @classmethod
    def of_points(cls, lon: FloatArray, lat: FloatArray) -> Places:
        """Return the points with their runs."""
        column = ((lon + 180) * CELLS_PER_DEG).astype(np.int32)
        row = ((lat + 90) * CELLS_PER_DEG).astype(np.int32)
        starts = find_starts(mark_changes_of(column) | mark_changes_of(row))
        lengths = np.diff(starts, append=len(column))
        return cls(lon, lat, cell_keys(column[starts], row[starts]), lengths)

    def codes(self, mask: CellMask) -> Codes:
        """Return the code of the cell of each point, AMBIGUOUS where it differs within it."""
        return np.repeat(mask.codes(self.keys), self.lengths)


class PointCodes:
    """Codes of points, by their cells where those have one."""

    def __init__(
        self,
        of_cells: Callable[[Cells], Codes],
        of_points: Callable[[FloatArray, FloatArray], Codes],
    ) -> None:
        self._mask = CellMask(of_cells)
        self._of_points = of_points

    def codes(self, places: Places) -> Codes:
        """Return the code of each point, those in ambiguous cells asked one by one."""
        codes = places.codes(self._mask)
        ask = np.flatnonzero(codes == AMBIGUOUS)
        if len(ask):
            codes[ask] = self._of_points(places.lon[ask], places.lat[ask])
        return codes


def covers(polygon: BaseGeometry, lon: FloatArray, lat: FloatArray) -> Flags:
    """Return where points lie in a polygon, its boundary included."""
    west, south, east, north = polygon.bounds
    is_covered = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    near = np.flatnonzero(is_covered)
    if len(near):
        with LOCK:
            shapely.prepare(polygon)
            is_covered[near] = shapely.intersects_xy(polygon, lon[near], lat[near])
    return is_covered


class Partition:
    """Sets of polygons in order: a point's code is the first that covers it, else their number."""

    def __init__(self, parts: Sequence[Sequence[BaseGeometry]]) -> None:
        self.parts = parts

    def of_points(self, lon: FloatArray, lat: FloatArray) -> Codes:
        """Return the exact code of each point."""
        codes = np.full(len(lon), len(self.parts), np.int16)
        open_points = np.arange(len(lon))
        for code, polygons in enumerate(self.parts):
            for polygon in polygons:
                is_covered = covers(polygon, lon[open_points], lat[open_points])
                codes[open_points[is_covered]] = code
                open_points = open_points[~is_covered]
        return codes

    def of_cells(self, cells: Cells) -> Codes:
        """Return the code of each cell that lies wholly in or out of every polygon in question."""
        codes = np.full(len(cells.west), len(self.parts), np.int16)
        open_cells = np.arange(len(cells.west))
        for code, polygons in enumerate(self.parts):
            is_within, is_touched = cells_within(polygons, cells, open_cells)
            codes[open_cells[is_touched]] = AMBIGUOUS
            codes[open_cells[is_within]] = code
            open_cells = open_cells[~is_touched]
        return codes


def cells_within(
    polygons: Sequence[BaseGeometry], cells: Cells, chosen: NDArray[np.int64]
) -> tuple[Flags, Flags]:
    """Return which chosen cells lie in one of the polygons, and which meet one at all."""
    is_within, is_touched = np.zeros((2, len(chosen)), np.bool_)
    for polygon in polygons:
        west, south, east, north = polygon.bounds
        near = np.flatnonzero(
            (cells.east[chosen] >= west)
            & (cells.west[chosen] <= east)
            & (cells.north[chosen] >= south)
            & (cells.south[chosen] <= north)
        )
        boxes = cells.boxes[chosen[near]]
        with LOCK:
            shapely.prepare(polygon)
            is_touched[near] |= shapely.intersects(polygon, boxes)
            is_within[near] |= shapely.contains_properly(polygon, boxes)
    return is_within, is_touched
