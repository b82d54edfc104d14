"""What the chain says at both ends of gaps: where silence starts from and what follows it.

The chain is that of `reception.chain`, asked again for the tracks and months of the gaps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.joint.steps import Stretches
from pipeline.reception.grid import Grid, Parameters
from pipeline.reception.learn import Learned
from pipeline.reception.passes import Copies, run_forward
from pipeline.reception.window import Floats, Ints, Window

TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Ends:
    """What is known at the ends of gaps from everything heard before and after.

    Attributes:
        before: how likely each own factor is at the off point, the set on (factors, gaps).
        after: chance of what follows, by own factor in the last silent hour, the set on, on any
            scale of its own (factors, gaps).
        on_all_along: probability that the set was on in every hour of the gap, on the direct way,
            given everything heard before and after (gaps).
    """

    before: Floats
    after: Floats
    on_all_along: Floats


def find_ends(learned: Learned, off_row: Ints, size: Ints, memory_h: int) -> Ends:
    """Return what the chain says at the ends of gaps (METHOD 4.3, 4.4).

    Args:
        learned: of the window.
        off_row: row of the window in which each ship went silent (gaps).
        size: whole silent hours after it (gaps).
        memory_h: hours of a track before and after its gaps that are looked at.
    """
    window = learned.window
    grid = _lay_grid(window, off_row, size, memory_h)
    where = np.full(window.rows, -1)
    where[grid.kept] = np.arange(len(grid.kept))
    seen = Copies(grid, [grid.spread(learned.rates.expected)], [learned.parameters])
    ahead, _, _ = run_forward(seen)
    at_off, at_last = where[off_row], where[off_row + size]
    before = ahead[grid.row[at_off], :, :, grid.column[at_off]].astype(np.float64)
    after = _find_messages(grid, seen, learned.parameters, at_last)
    return _walk_gaps(learned, Stretches(size), off_row, before, after)


def _lay_grid(window: Window, off_row: Ints, size: Ints, memory_h: int) -> Grid:
    """Return the hours of the tracks of gaps from `memory_h` before the first to after the last."""
    is_asked = np.zeros(window.tracks.height, np.bool_)
    is_asked[window.track[off_row]] = True
    first = int(window.hour[off_row].min()) - memory_h
    last = int(window.hour[off_row + size].max()) + memory_h
    is_kept = is_asked[window.track] & (window.hour >= first) & (window.hour <= last)
    grid = Grid.of(window, is_kept)
    begins = grid.begins.copy()
    begins[grid.is_there.argmax(0), np.arange(begins.shape[1])] = True
    return replace(grid, begins=begins)


def _find_messages(grid: Grid, seen: Copies, parameters: Parameters, kept: Ints) -> Floats:
    """Return the chance of all that is heard after some hours, by their state.

    The backward step of `reception.passes.run_backward`, which keeps no messages.

    Args:
        grid, seen, parameters: of the chain.
        kept: the hours, as numbers of `grid.kept` (gaps).

    Returns:
        (gaps, states, factors), each on a scale of its own.
    """
    hours, tracks = grid.is_there.shape
    share, factors = parameters.factor_share, len(parameters.factor)
    phases = parameters.phase_share[:, None, None]
    back_rate = parameters.back_rate[:, None, None]
    after = np.ones((1 + len(phases), factors, tracks))
    found = np.ones((len(kept), 1 + len(phases), factors))
    order = np.argsort(grid.row[kept], kind="stable")
    bounds = np.searchsorted(grid.row[kept][order], np.arange(hours + 1))
    for hour in range(hours - 1, -1, -1):
        asked = order[bounds[hour] : bounds[hour + 1]]
        found[asked] = after[:, :, grid.column[kept[asked]]].transpose(2, 0, 1)
        says = after
        says[0] *= seen.chance_on(hour)
        says[1:] *= seen.chance_off(hour)
        says[:, :, grid.begins[hour] | ~grid.is_there[hour]] = 1
        rate = parameters.off_rate[grid.area[hour]]
        redraw = np.where(grid.changes[hour], parameters.redraw_at_change, parameters.redraw)
        moved = np.empty_like(says)
        moved[0] = (1 - rate) * says[0] + rate * (says[1:] * phases).sum(0)
        moved[1:] = (1 - back_rate) * says[1:] + back_rate * says[0]
        drawn = np.tensordot(moved, share, (1, 0))[:, None, :]
        after = (1 - redraw) * moved + redraw * drawn
        after /= np.maximum(after.max((0, 1)), TINY)
    return found


def _walk_gaps(
    learned: Learned, gaps: Stretches, off_row: Ints, before: Floats, after: Floats
) -> Ends:
    """Return the ends, and what the silent hours of the direct way make of them.

    Args:
        learned: of the window.
        gaps: the silent hours.
        off_row: row of the window before them (gaps).
        before, after: by state and factor at the ends (gaps, states, factors).
    """
    parameters, window = learned.parameters, learned.window
    row = off_row[gaps.number] + 1 + gaps.offset
    rate = parameters.off_rate[window.area[row]]
    expected = np.where(window.is_outside[row], 0.0, learned.rates.expected[row])
    share, redraw = parameters.factor_share[:, None], parameters.redraw
    phases = parameters.phase_share[:, None, None]
    back_rate = parameters.back_rate[:, None, None]
    state = before[gaps.order].transpose(1, 2, 0)
    # The last plane: on in every hour so far.
    state = np.ascontiguousarray(np.concatenate([state, state[:1]]))
    for count, hours in gaps.walk():
        now = state[:, :, :count]
        now = (1 - redraw) * now + redraw * now.sum(1)[:, None, :] * share
        goes = now[0] * rate[hours]
        back = (now[1:-1] * back_rate).sum(0)
        silent = np.exp(-parameters.factor[:, None] * expected[hours])
        now[1:-1] = (1 - back_rate) * now[1:-1] + goes * phases
        now[0] = (now[0] + back - goes) * silent
        now[-1] *= (1 - rate[hours]) * silent
        state[:, :, :count] = now / np.maximum(now[:-1].sum((0, 1)), TINY)
    behind = after[gaps.order].transpose(1, 2, 0)
    total = (state[:-1] * behind).sum((0, 1))
    on = (state[-1] * behind[0]).sum(0) / np.maximum(total, TINY)
    on_all_along = np.empty(len(off_row))
    on_all_along[gaps.order] = np.clip(on, 0, 1)
    return Ends(
        before[:, 0].T / np.maximum(before[:, 0].sum(1), TINY),
        after[:, 0].T / np.maximum(after[:, 0].max(1), TINY),
        on_all_along,
    )
