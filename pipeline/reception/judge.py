"""What is said of each gap: was the set off, how surely, and who could have heard it (METHOD 4)."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from pipeline.reception.learn import Learned
from pipeline.reception.parts import weigh_parts
from pipeline.reception.window import CHAIN, Floats, Ints, Window
from pipeline.rules import ReceptionRules

NINETY = 1.6448536269514722  # of a normal: 5 % lie beyond on either side
HOUR_S = 3600.0
LEAST_P = 1e-9
SILENCES_AT_ONCE = 250  # bounds the memory: each meets all ships of its hours
P_OFF = ("p_off", "p_off_low", "p_off_high")
DIRECT = "p_off_direct"
PARTS = ("log_odds_before", "log_odds_silence")
SCHEMA = {
    "gap_id": pl.String,
    **dict.fromkeys((*P_OFF, DIRECT), pl.Float64),
    "witnesses": pl.Int64,
    "live_h": pl.Float64,
    "expected_receptions": pl.Float64,
    "weakly_identified": pl.Boolean,
    "own_factor": pl.Float64,
    **dict.fromkeys(PARTS, pl.Float64),
}


def judge_gaps(
    silences: pl.DataFrame,
    learned: Learned | None,
    months: int,
    end: datetime,
    rules: ReceptionRules,
) -> pl.DataFrame:
    """Return SCHEMA, a row per silence whose track lies in the window, sorted by gap_id.

    p_off is the probability that the set was off half way through the receptions the gap would
    have had, so for about half of the hours in which it could be heard or more. Its interval holds
    two uncertainties in the logit (delta method): receptions, as sure as the own factors of
    those allow who were heard at once, and the rate of switching off, as sure as its count.

    The ship is taken to have gone straight from off to on: `p_off_direct` is the same p_off, which
    stays what it is where `posterior` asks about calls on the way.

    Where no hour of the gap is live nothing is known, and p_off and its parts are null.

    Args:
        silences: gap_id, mmsi, track, off_at, on_at (null: open), off_area.
        learned: of the months up to the one in which the silences ended; None: of no hours.
        months: months with data that were learned from.
        end: end of the window, where open silences end for now.
        rules: thresholds.
    """
    if learned is None or silences.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    from scipy.special import expit, logit

    window = learned.window
    rows = number_silences(silences, window)
    if rows.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    first, until = find_ends(window, rows, end)
    inside = Inside(window, first, until)
    expected = inside.sum(learned.rates.expected)
    at_off = np.minimum(first.astype(np.int64), window.rows - 1)
    own = learned.factor[at_off]
    middle = inside.find_middle(learned.rates.expected)
    p, more_heard, more_off = (_clip(1 - on[middle]) for on in (learned.on, *learned.nudged))
    witnesses, at_once = count_witnesses(learned, inside)
    step = np.log(rules.nudge)
    by_receptions = (logit(more_heard) - logit(p)) / step
    by_switching = (logit(more_off) - logit(p)) / step
    counted = learned.switched_off[window.area[at_off]] + rules.prior_events
    spread = np.sqrt(by_receptions**2 / (rules.spread * (1 + at_once)) + by_switching**2 / counted)
    is_weak = months < rules.least_months or learned.starts_differ > rules.starts_may_differ
    low, high = (expit(logit(p) + side * NINETY * spread) for side in (-1, 1))
    before, silence = weigh_parts(learned, inside.list_rows()[1], middle)
    live_h = np.round(inside.sum(learned.rates.is_live.astype(np.float64)), 3)
    found = pl.DataFrame(
        {
            "gap_id": rows["gap_id"],
            "p_off": np.round(p, 6),
            "p_off_low": np.round(low, 6),
            "p_off_high": np.round(high, 6),
            DIRECT: np.round(p, 6),
            "witnesses": witnesses,
            "live_h": live_h,
            "expected_receptions": np.round(expected * own, 3),
            "weakly_identified": np.full(rows.height, is_weak) | (counted < rules.least_switched),
            "own_factor": np.round(own, 3),
            "log_odds_before": np.round(before, 3),
            "log_odds_silence": np.round(silence, 3),
        },
        schema=SCHEMA,
    )
    return found.with_columns(
        pl.when(pl.col("live_h") > 0).then(name).alias(name) for name in (*P_OFF, DIRECT, *PARTS)
    )


class Inside:
    """The rows of a window inside some silences, from row `first` to `until`, in parts of a row."""

    def __init__(self, window: Window, first: Floats, until: Floats) -> None:
        self.window = window
        self.first = first
        self.until = np.maximum(until, first)

    def sum(self, values: Floats) -> Floats:
        """Return the sum of a row's values over each silence, ends by their parts."""
        running = np.concatenate([[0.0], np.cumsum(values)])
        return np.maximum(_at(running, self.until) - _at(running, self.first), 0.0)

    def find_middle(self, expected: Floats) -> Ints:
        """Return the row of each silence until which half of its hearable hours have passed.

        Hearable is an hour as far as a set with factor 1 would have been heard in it; the hours of
        both ends, in which the ship was heard, are left out where there are others.
        """
        running = np.concatenate([[0.0], np.cumsum(-np.expm1(-expected) + 1e-12)])
        begin = np.floor(self.first).astype(np.int64) + 1
        end = np.maximum(np.ceil(self.until).astype(np.int64) - 1, begin)
        begin, end = (np.minimum(one, self.window.rows - 1) for one in (begin, end))
        half = (running[begin] + running[end]) / 2
        return np.clip(
            np.searchsorted(running, half, side="right") - 1, begin, np.maximum(end - 1, begin)
        )

    def list_rows(self) -> tuple[Ints, Ints]:
        """Return the whole hours inside: number of the silence, row of the window.

        The hours of both ends, in which the ship was heard itself, are left out.
        """
        begin = np.floor(self.first).astype(np.int64) + 1
        size = np.maximum(np.floor(self.until).astype(np.int64) - begin, 0)
        size = np.minimum(size, self.window.rows - begin)
        number = np.repeat(np.arange(len(begin)), size)
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        return number, begin[number] + offset


def count_witnesses(learned: Learned, inside: Inside) -> tuple[Ints, Floats]:
    """Return how many others were heard in live hours where the ship could have been.

    Returns:
        Distinct ships and beacons; and how many at once, the mean of the live hours.
    """
    window = inside.window
    number, row = inside.list_rows()
    asked = pl.DataFrame(
        {
            "number": number,
            "hour": window.hour[row],
            "place": window.place[row],
            "own": window.ship[row],
            "is_live": learned.rates.is_live[row],
        }
    ).filter("is_live")
    sends = ~window.is_outside
    shore, space = window.terrestrial & sends, window.satellite & sends
    near = pl.DataFrame(
        {"hour": window.hour[shore], "place": window.place[shore], "ship": window.ship[shore]}
    ).unique()
    above = pl.DataFrame({"hour": window.hour[space], "ship": window.ship[space]}).unique()
    witnesses, at_once = np.zeros(len(inside.first), np.int64), np.zeros(len(inside.first))
    for start in range(0, len(inside.first), SILENCES_AT_ONCE):
        counts = _count_others(
            asked.filter(pl.col("number").is_between(start, start + SILENCES_AT_ONCE - 1)),
            near,
            above,
        )
        at = counts["number"].to_numpy()
        witnesses[at] = counts["ship"].to_numpy()
        at_once[at] = (counts["heard"] / counts["live_h"]).to_numpy()
    return witnesses, at_once


def _count_others(asked: pl.DataFrame, near: pl.DataFrame, above: pl.DataFrame) -> pl.DataFrame:
    """Return, by silence, how many others were heard, in how many of their hours, of its live_h."""
    found = pl.concat(
        [
            asked.join(near, on=["hour", "place"]).select("number", "hour", "own", "ship"),
            asked.join(above, on="hour").select("number", "hour", "own", "ship"),
        ]
    ).filter(pl.col("ship") != pl.col("own"))
    return (
        found.group_by("number")
        .agg(pl.col("ship").n_unique(), heard=pl.struct("hour", "ship").n_unique())
        .join(asked.group_by("number").agg(live_h=pl.len()), on="number")
    )


def number_silences(silences: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return the silences whose track lies in a window, with its `number` there, by gap_id."""
    numbers = window.tracks.with_row_index("number")
    return silences.join(numbers, on=CHAIN, how="inner").sort("gap_id")


def find_ends(window: Window, rows: pl.DataFrame, end: datetime) -> tuple[Floats, Floats]:
    """Return where silences begin and end, in rows of the window and parts of one."""
    starts = np.flatnonzero(window.begins)
    ends = np.append(starts[1:], window.rows)
    track = rows["number"].to_numpy()
    begin, hour = starts[track], window.hour[starts[track]]

    def row_of(column: str) -> Floats:
        since_s = (rows[column].fill_null(end) - window.start).dt.total_microseconds() / 1e6
        at = begin + (since_s.to_numpy() / HOUR_S - hour)
        return np.clip(at, begin, ends[track])

    return row_of("off_at"), row_of("on_at")


def _at(running: Floats, row: Floats) -> Floats:
    """Return a running sum at rows and parts of one."""
    whole = np.minimum(np.floor(row).astype(np.int64), len(running) - 1)
    after = np.minimum(whole + 1, len(running) - 1)
    return running[whole] + (row - whole) * (running[after] - running[whole])


def _clip(p: Floats) -> Floats:
    return np.clip(p, LEAST_P, 1 - LEAST_P)
