"""What a world says of its vessels hour by hour, answered for any instant at once.

Everything is a running sum over the hours of a vessel, so the answer for a time span is the
difference of two look-ups, whatever its length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.evaluate.limits import EvaluationRules

HOUR_S = 3600.0

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OffClock:
    """Seconds a set has been off since the start of the world; overlapping times count once.

    Vessels lie one after the other on one axis, `span_s` seconds each: `knots_s` are the ends of
    the off times on it, `off_s` the running sum there.
    """

    span_s: float
    knots_s: Floats
    off_s: Floats

    def at(self, place: Ints, at_s: Floats) -> Floats:
        """Return the running sum of the vessels at `place` at instants, in seconds."""
        if not len(self.knots_s):
            return np.zeros(np.broadcast(place, at_s).shape)
        within_s = np.clip(at_s, 0, self.span_s)
        return np.interp(place * self.span_s + within_s, self.knots_s, self.off_s)


@dataclass(frozen=True, eq=False)
class TrueHours:
    """Arrays (vessels, hours): where a vessel is, and what radio can hear of it if it sends.

    Attributes:
        vessels: their numbers, sorted; a vessel's place in it is what the methods ask for.
        receptions: expected receptions in the hour, the private factor left out.
        is_hearable: a sending set has at least the chance `hearable_chance` of being heard.
        episode: number of the stay or leg.
        off: when the sets are off.
    """

    vessels: Ints
    lon_deg: NDArray[np.float32]
    lat_deg: NDArray[np.float32]
    receptions: NDArray[np.float32]
    is_hearable: NDArray[np.bool_]
    episode: NDArray[np.int32]
    off: OffClock

    @property
    def hours(self) -> int:
        """Number of hours of the world."""
        return self.receptions.shape[1]

    @cached_property
    def received(self) -> Floats:
        """Expected receptions until the start of each hour (vessels, hours + 1)."""
        return _running(self.receptions)

    @cached_property
    def _hearable_s(self) -> Floats:
        return _running(self.is_hearable * HOUR_S)

    @cached_property
    def _hearable_off_s(self) -> Floats:
        edges_s = np.arange(self.hours + 1, dtype=np.float64) * HOUR_S
        place = np.arange(len(self.vessels))[:, None]
        return _running(np.diff(self.off.at(place, edges_s[None, :]), axis=1) * self.is_hearable)

    def hour_of(self, at_s: Floats) -> Ints:
        """Return the hour an instant lies in; the first or last for one beyond the world."""
        return np.clip(at_s // HOUR_S, 0, self.hours - 1).astype(np.int64)

    def receptions_until(self, place: Ints, at_s: Floats) -> Floats:
        """Return expected receptions of a sending set since the start of the world."""
        return self._spread(self.received, place, at_s)

    def hearable_until_s(self, place: Ints, at_s: Floats) -> Floats:
        """Return seconds of hearable hours since the start of the world."""
        return self._spread(self._hearable_s, place, at_s)

    def hearable_off_until_s(self, place: Ints, at_s: Floats) -> Floats:
        """Return seconds of hearable hours with the set off since the start of the world."""
        hour = self.hour_of(at_s)
        started_s = self.off.at(place, hour.astype(np.float64) * HOUR_S)
        begun_s = (self.off.at(place, at_s) - started_s) * self.is_hearable[place, hour]
        return self._hearable_off_s[place, hour] + begun_s

    def locate(self, place: Ints, at_s: Floats) -> tuple[Floats, Floats]:
        """Return longitude and latitude in degrees, between the middles of hours; NaN unknown."""
        middle = np.clip(np.asarray(at_s) / HOUR_S - 0.5, 0, self.hours - 1)
        before = np.floor(middle).astype(np.int64)
        after = np.minimum(before + 1, self.hours - 1)
        part = middle - before

        def between(grid: NDArray[np.float32]) -> Floats:
            first, second = grid[place, before], grid[place, after]
            return first + (second.astype(np.float64) - first) * part

        return between(self.lon_deg), between(self.lat_deg)

    def _spread(self, running: Floats, place: Ints, at_s: Floats) -> Floats:
        """Return a running sum at instants; what an hour adds is spread evenly over it."""
        hour = self.hour_of(at_s)
        part = np.clip(at_s / HOUR_S - hour, 0, 1)
        started = running[place, hour]
        return started + (running[place, hour + 1] - started) * part


def lay_out_hours(
    ship_hours: pl.DataFrame, off_intervals: pl.DataFrame, start: datetime, rules: EvaluationRules
) -> TrueHours:
    """Return the hours of a world (truth tables ship_hours and off_intervals).

    An hour without a row is one in which nothing is heard.
    """
    vessel, hour = ship_hours["vessel"].to_numpy(), ship_hours["hour"].to_numpy()
    vessels = np.unique(vessel).astype(np.int64)
    shape = (len(vessels), int(hour.max()) + 1 if len(hour) else 1)
    place = np.searchsorted(vessels, vessel)

    def grid(name: str, empty: float) -> NDArray[np.float32]:
        cells = np.full(shape, empty, np.float32)
        cells[place, hour] = ship_hours[name].to_numpy()
        return cells

    episode = np.full(shape, -1, np.int32)
    episode[place, hour] = ship_hours["episode"].to_numpy()
    receptions = grid("expected_terrestrial", 0) + grid("expected_satellite", 0)
    chance = 1 - np.exp(-grid("private", 1) * receptions)
    return TrueHours(
        vessels=vessels,
        lon_deg=grid("lon_deg", np.nan),
        lat_deg=grid("lat_deg", np.nan),
        receptions=receptions,
        is_hearable=chance >= rules.hearable_chance,
        episode=episode,
        off=_lay_out_off(off_intervals, vessels, start, shape[1] * HOUR_S),
    )


def seconds_since(start: datetime) -> Callable[[str], pl.Expr]:
    """Return a function that makes an instant's column seconds since the start of the world."""
    return lambda name: (pl.col(name) - pl.lit(start)).dt.total_microseconds() / 1e6


def _lay_out_off(
    off_intervals: pl.DataFrame, vessels: Ints, start: datetime, span_s: float
) -> OffClock:
    since = seconds_since(start)
    merged = (
        off_intervals.filter(pl.col("vessel").is_in(vessels.tolist()))
        .select(
            "vessel",
            off_s=since("off_at").clip(0, span_s),
            on_s=since("on_at").clip(0, span_s),
        )
        .sort("vessel", "off_s", "on_s")
        .with_columns(reach_s=pl.col("on_s").cum_max().shift(1).over("vessel"))
        .with_columns(block=(pl.col("off_s") > pl.col("reach_s")).fill_null(value=True).cum_sum())
        .group_by("block", maintain_order=True)
        .agg(pl.col("vessel").first(), pl.col("off_s").min(), pl.col("on_s").max())
    )
    base_s = np.searchsorted(vessels, merged["vessel"].to_numpy()) * span_s
    off_s, on_s = merged["off_s"].to_numpy(), merged["on_s"].to_numpy()
    total_s = np.cumsum(on_s - off_s)
    knots = np.column_stack((base_s + off_s, base_s + on_s)).ravel()
    sums = np.column_stack((total_s - (on_s - off_s), total_s)).ravel()
    return OffClock(span_s, knots.astype(np.float64), sums.astype(np.float64))


def _running(values: NDArray[np.generic]) -> Floats:
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:], dtype=np.float64)
    return sums
