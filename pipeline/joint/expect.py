"""Receptions expected of ships in hours and places in which they only might have been."""

from __future__ import annotations

import numpy as np

from pipeline.reception.learn import Learned
from pipeline.reception.rates import expect_further
from pipeline.reception.window import STRATA, Floats, Ints, Window, name_cells
from pipeline.rules import ReceptionRules


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
    # Places of the window keep their numbers, others come behind them.
    known = name_places(learned.window, rules)
    cells = np.concatenate([known, np.setdiff1d(cell, known)])
    order = np.argsort(cells, kind="stable")
    place = order[np.searchsorted(cells[order], cell[first])]
    expected = expect_further(
        *(learned.window, learned.on),
        *(ship[first], hour[first], place, stratum[first]),
        rules,
    )
    return expected[which]
