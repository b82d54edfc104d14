"""Table feed_health: every hour of every receiver beside what it usually hears (METHOD 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.health.counts import BEACON, UNIT
from pipeline.health.runs import judge_hours, judge_others
from pipeline.health.usual import (
    HOURS,
    UNKNOWN,
    Counts,
    Flags,
    find_days,
    find_last_days,
)
from pipeline.rules import HealthRules
from pipeline.schema import FeedHealth, conform, polars_schema

ONE_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Span:
    """The UTC days of a month and of the month before it, as far as there are data.

    Attributes:
        first: midnight at which the first of these days begins.
        days: their number, those of the month last.
        judged_from: number of the first day of the month.
        end: first instant that is not judged: end of the month or of the data.
    """

    first: datetime
    days: int
    judged_from: int
    end: datetime

    def is_inside(self, hour: str) -> pl.Expr:
        """Return whether an hour lies in the span."""
        return (pl.col(hour) >= self.first) & (pl.col(hour) < self.end)

    def day_of(self, hour: str) -> pl.Expr:
        """Return the number of the day of an hour."""
        return (pl.col(hour) - self.first).dt.total_days()


def span_of(month: date, data_end: datetime) -> Span:
    """Return the days of a month and of the one before it, up to `data_end`."""
    this = datetime.combine(month.replace(day=1), time.min)
    following = (this + timedelta(days=32)).replace(day=1)
    before = (this - timedelta(days=1)).replace(day=1)
    return Span(before, (following - before).days, (this - before).days, min(following, data_end))


def lay_out(rows: pl.DataFrame, units: pl.DataFrame, value: str, span: Span) -> Counts:
    """Return the sum of a column by unit, day and hour of the day: (units, days, 24).

    Args:
        rows: `hour` inside the span, and the columns of `units`.
        units: one row a unit, without nulls; its order is that of the first axis.
        value: whole numbers of at most a few millions.
        span: the days.
    """
    keys = units.columns
    placed = rows.join(units.with_row_index("unit"), on=keys)
    day, hour = placed.select(span.day_of("hour"), pl.col("hour").dt.hour().alias("of_day"))
    at = (placed["unit"].cast(pl.Int64) * span.days + day) * HOURS + hour
    size = units.height * span.days * HOURS
    sums = np.bincount(at.to_numpy(), weights=placed[value].to_numpy(), minlength=size)
    return sums.astype(np.int32).reshape(units.height, span.days, HOURS)


def find_codes(rows: pl.DataFrame, by: Sequence[str]) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Return the distinct values of some columns, sorted, and which of them each row has."""
    distinct = rows.select(by).unique().sort(by)
    numbered = rows.join(
        distinct.with_row_index("number"), on=list(by), how="left", maintain_order="left"
    )
    return distinct, numbered["number"].cast(pl.Int64).to_numpy()


def judge_stations(
    hours: pl.DataFrame,
    rules: HealthRules,
    month: date,
    data_end: datetime,
    station_areas: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return table feed_health of a month: every hour of every unit, silent ones included.

    A unit has rows from the first hour it was heard in (in the rows given), and none while it is
    silent for more than `window_d` days. METHOD 4, `outage`; docs/health.md says how it is judged.

    Args:
        hours: counts.STATION_HOURS of the days of the month and of the month before it.
        rules: thresholds.
        month: any day of the month.
        data_end: end of the data; hours at or after it are left out.
        station_areas: counts.STATION_AREAS of the same days. With it, a unit that still hears
            something is out only if beacons or ships of other flags than the one it hears most
            are missing, too: that flag's ships could have been switched off together.
    """
    span = span_of(month, data_end)
    rows = hours.filter(span.is_inside("hour"))
    units = rows.select(UNIT).unique().sort(UNIT)
    if units.is_empty():
        return pl.DataFrame(schema=polars_schema(FeedHealth))
    ships, beacons = (lay_out(rows, units, name, span) for name in ("ships", "beacons"))
    is_counted = find_counted(ships, beacons, span)
    others = None if station_areas is None else _count_others(station_areas, units, span)
    is_low, is_outage, usual = _judge(ships, beacons, others, is_counted, rules)
    feed_of_unit = find_codes(units, UNIT[:2])[1]
    _, is_feed_out, _ = _judge(
        sum_by(feed_of_unit, ships),
        sum_by(feed_of_unit, beacons),
        None if others is None else sum_by(feed_of_unit, others),
        sum_by(feed_of_unit, is_counted) > 0,
        rules,
    )
    # A station that hears two ships an hour may be quiet by chance; twenty of them are not.
    is_outage |= is_low & is_feed_out[feed_of_unit]
    has_data = find_days(ships, beacons)
    grid = _list_hours(units, is_counted & ~_is_gone(has_data, rules)[:, :, None], span)
    at = grid["at"].to_numpy()
    return conform(
        grid.with_columns(
            expected=pl.Series(usual.ravel()[at], dtype=pl.Int64),
            is_known=pl.Series(usual.ravel()[at] != UNKNOWN),
            is_outage=pl.Series(is_outage.ravel()[at]),
        )
        .join(rows, on=[*UNIT, "hour"], how="left")
        .with_columns(pl.col("messages", "ships", "beacons").fill_null(0))
        .with_columns(pl.when("is_known").then("expected").alias("expected"), why=_why())
        .sort(*UNIT, "hour")
        .drop("at", "is_known"),
        FeedHealth,
    )


def sum_by(group: NDArray[np.int64], counts: Counts | Flags) -> Counts:
    """Return the sums of the rows of each group, by number of the group."""
    sums = np.zeros((int(group.max()) + 1, *counts.shape[1:]), np.int32)
    np.add.at(sums, group, counts)
    return sums


def pick_others(ships: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return rows of STATION_AREAS but those of the flag heard most, for each value of `keys`."""
    most_heard = (
        ships.group_by(*keys, "flag")
        .agg(pl.col("ships").sum())
        .sort(*keys, "ships", "flag", descending=[*[False] * len(keys), True, False])
        .unique(keys, keep="first", maintain_order=True)
        .select(*keys, "flag")
    )
    return ships.join(most_heard, on=[*keys, "flag"], how="anti")


def _count_others(station_areas: pl.DataFrame, units: pl.DataFrame, span: Span) -> Counts:
    """Return ships of all flags but the one that each unit hears most: (units, days, 24)."""
    ships = station_areas.filter(span.is_inside("hour") & (pl.col("flag") != BEACON))
    return lay_out(pick_others(ships, UNIT), units, "ships", span)


def _judge(
    ships: Counts, beacons: Counts, others: Counts | None, is_counted: Flags, rules: HealthRules
) -> tuple[Flags, Flags, Counts]:
    """Return (is_low, is_outage, usual ships and beacons or UNKNOWN) of units.

    Where ships of other flags are told (`others`), an hour in which nothing at all is heard is
    judged by all ships, one in which something is heard by those others.
    """
    has_data = find_days(ships, beacons)
    if others is None:
        judged = judge_hours(ships, beacons, has_data, is_counted, rules)
        return judged.is_low, judged.is_outage, judged.expected
    is_heard = (ships > 0) | (beacons > 0)
    silent = judge_hours(ships, beacons, has_data, is_counted, rules, is_heard)
    few = judge_others(ships, others, beacons, has_data, is_counted, rules)
    return silent.is_low | few.is_low, silent.is_outage | few.is_outage, silent.expected


def find_counted(ships: Counts, beacons: Counts, span: Span) -> Flags:
    """Return whether an hour lies between the unit's first hour and the end: (units, days, 24)."""
    units = len(ships)
    heard = ((ships > 0) | (beacons > 0)).reshape(units, -1)
    begun = np.maximum.accumulate(heard, axis=1)
    begun[:, max(-((span.first - span.end) // ONE_HOUR), 0) :] = False
    return begun.reshape(ships.shape)


def _is_gone(has_data: Flags, rules: HealthRules) -> Flags:
    """Return whether a unit has been silent for more than the window: (units, days)."""
    silent_d = np.arange(has_data.shape[1]) - find_last_days(has_data)
    return (silent_d > rules.window_d) & ~has_data


def _list_hours(units: pl.DataFrame, wanted: Flags, span: Span) -> pl.DataFrame:
    """Return a row for every wanted unit and hour of the month: UNIT, hour, its place `at`."""
    wanted = wanted.copy()
    wanted[:, : span.judged_from] = False
    at = np.flatnonzero(wanted.ravel())
    unit, hour = np.divmod(at, span.days * HOURS)
    start = pl.lit(span.first).cast(pl.Datetime("us"))
    listed = units[unit].with_columns(at=pl.Series(at), number=pl.Series(hour))
    return listed.with_columns(hour=start + pl.duration(hours="number")).drop("number")


def _why() -> pl.Expr:
    silent = (pl.col("ships") == 0) & (pl.col("beacons") == 0)
    return (
        pl.when(~pl.col("is_known"))
        .then(pl.lit("not_judged"))
        .when(pl.col("is_outage") & silent)
        .then(pl.lit("silent"))
        .when("is_outage")
        .then(pl.lit("few"))
    )
