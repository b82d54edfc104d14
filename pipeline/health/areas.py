"""Table outage_hours, first way: hours in which every receiver of an area was out (METHOD 4)."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from pipeline.health.counts import ANYBODY, BEACON, UNIT
from pipeline.health.runs import judge_others
from pipeline.health.stations import (
    Span,
    find_codes,
    find_counted,
    lay_out,
    pick_others,
    span_of,
    sum_by,
)
from pipeline.health.usual import HOURS, Counts, Flags, find_days, find_usual
from pipeline.rules import HealthRules
from pipeline.schema import OutageHours, conform, polars_schema

PLACE = (*UNIT, "area")


def judge_areas(
    stations: pl.DataFrame,
    station_areas: pl.DataFrame,
    rules: HealthRules,
    month: date,
    data_end: datetime,
) -> pl.DataFrame:
    """Return the hours of a month in which every unit that usually hears an area was out.

    A unit usually hears an area in an hour of the day if it heard a ship or beacon there in that
    hour on at least half of the trailing days (as for feed_health). It is out if feed_health says
    so; a unit without station names, which may stand for many receivers, is also out in one area
    alone (`judge_places`). An hour of an area that nobody usually hears is no outage.

    Args:
        stations: judge_stations of the month.
        station_areas: counts.STATION_AREAS of the days of the month and of the month before it.
        rules: thresholds.
        month: any day of the month.
        data_end: end of the data.

    Returns:
        Table outage_hours with `why` "receivers_out", sorted by its key.
    """
    span = span_of(month, data_end)
    rows = station_areas.filter(
        span.is_inside("hour") & (pl.col("receiver") != ANYBODY["receiver"])
    )
    if rows.is_empty():
        return pl.DataFrame(schema=polars_schema(OutageHours))
    places = rows.select(PLACE).unique().sort(PLACE)
    units, unit_of_place = find_codes(places, UNIT)
    heard = lay_out(rows, places, "ships", span)
    has_data = (sum_by(unit_of_place, find_days(heard)) > 0)[unit_of_place]
    is_usual = find_usual(heard, has_data, rules).counts > 0
    outages = stations.filter("is_outage", span.is_inside("hour")).with_columns(out=pl.lit(1))
    is_out = lay_out(outages, units, "out", span)[unit_of_place] > 0
    unnamed = np.flatnonzero((places["station"] == "").to_numpy())
    if len(unnamed):
        is_out[unnamed] |= judge_places(rows, places[unnamed], has_data[unnamed], span, rules)
    areas, area_of_place = find_codes(places, ["area"])
    usual, out = sum_by(area_of_place, is_usual), sum_by(area_of_place, is_usual & is_out)
    found = (usual > 0) & (usual == out)
    found[:, : span.judged_from] = False
    return _list_outages(areas["area"], found, usual, span)


def judge_places(
    rows: pl.DataFrame, places: pl.DataFrame, has_data: Flags, span: Span, rules: HealthRules
) -> Flags:
    """Return where a unit lost one area alone: (places, days, 24).

    Judged like a station, but the flag whose ships it hears most often there is not asked: they
    could have been switched off together. Beacons and ships of the other flags must have fallen
    silent, and of all ships together too few must be heard.

    Args:
        rows: counts.STATION_AREAS inside the span, without the rows of ANYBODY.
        places: some units x areas, the order of the first axis.
        has_data: the unit heard something somewhere on that day.
        span: the days.
        rules: thresholds.
    """
    ships = rows.filter(pl.col("flag") != BEACON)
    others = pick_others(ships, PLACE)
    all_ships, other_ships, beacons = (
        lay_out(some, places, "ships", span)
        for some in (ships, others, rows.filter(pl.col("flag") == BEACON))
    )
    is_counted = find_counted(all_ships, beacons, span)
    judged = judge_others(all_ships, other_ships, beacons, has_data, is_counted, rules)
    return judged.is_outage


def _list_outages(areas: pl.Series, found: Flags, units: Counts, span: Span) -> pl.DataFrame:
    """Return the found hours (areas, days, 24) as rows of outage_hours."""
    at = np.flatnonzero(found.ravel())
    area, hour = np.divmod(at, span.days * HOURS)
    start = pl.lit(span.first).cast(pl.Datetime("us"))
    hours = pl.DataFrame({"area": areas[area], "number": hour, "units": units.ravel()[at]})
    return conform(
        hours.select(
            "area",
            hour=start + pl.duration(hours="number"),
            why=pl.lit("receivers_out"),
            units="units",
            ships=pl.lit(None, dtype=pl.Int64),
        ),
        OutageHours,
    ).sort("area", "hour", "why")
