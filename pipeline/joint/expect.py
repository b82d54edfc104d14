"""Receptions expected of ships in hours and places in which they only might have been."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from pipeline.reception.learn import Learned
from pipeline.reception.rates import Groups, estimate_rates
from pipeline.reception.window import STRATA, Floats, Ints, Window
from pipeline.rules import ReceptionRules

ROW = 10_000  # of a cell's number, as in `window.lay_out`


def name_cells(lon: Floats, lat: Floats, rules: ReceptionRules) -> Ints:
    """Return a number for the cell of each point in degrees."""
    x, y = (np.floor(one / rules.cell_deg).astype(np.int64) for one in (lon, lat))
    return x * ROW + y


def name_places(window: Window, rules: ReceptionRules) -> Ints:
    """Return the number of the cell of each place of a window (places)."""
    middle = window.corners + rules.cell_deg / 2
    return name_cells(middle[:, 0], middle[:, 1], rules)


def expect_receptions(
    learned: Learned, ship: Ints, hour: Ints, cell: Ints, stratum: Ints, rules: ReceptionRules
) -> Floats:
    """Return the receptions expected of a ship with factor 1 that sends, one entry an hour asked.

    The hours are put into the window unheard and with no weight, so that they teach nothing, under
    the ship's own number, so that it bears no witness for itself (METHOD 4.2).

    Args:
        learned: of the window.
        ship: number of the ship in the window.
        hour: as in the window.
        cell: `name_cells`; one that no ship was in is expected what all places are.
        stratum: as in the window.
        rules: thresholds.
    """
    lowest = int(cell.min(initial=0))
    packed = (((cell - lowest) * len(STRATA) + stratum) << 32) | (hour << 16) | ship
    _, first, which = np.unique(packed, return_index=True, return_inverse=True)
    more = _add_hours(learned.window, ship[first], hour[first], cell[first], stratum[first], rules)
    sends = np.concatenate([learned.on, np.zeros(len(first))])
    rates = estimate_rates(more, Groups.of(more), sends, rules)
    return rates.expected[learned.window.rows :][which]


def _add_hours(
    window: Window, ship: Ints, hour: Ints, cell: Ints, stratum: Ints, rules: ReceptionRules
) -> Window:
    """Return a window with more hours of its ships behind its own; new places have no corner."""
    known = name_places(window, rules)
    cells = np.concatenate([known, np.setdiff1d(cell, known)])
    order = np.argsort(cells, kind="stable")
    place = order[np.searchsorted(cells[order], cell)]
    size = len(ship)
    own = {"ship": ship, "hour": hour, "place": place, "stratum": stratum}
    longer = {
        one.name: np.concatenate(
            [values, own.get(one.name, np.zeros(size)).astype(values.dtype)], dtype=values.dtype
        )
        for one in fields(window)
        if one.name != "corners" and isinstance(values := getattr(window, one.name), np.ndarray)
    }
    return replace(window, **longer)
