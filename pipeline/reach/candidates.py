"""The port groups that a ship could have called at in a gap, and when (METHOD 5).

A port is left out only where no ship of the bounding speed can have been there for the minimum
visit. Usual speeds and the way round are told to rank what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.geodesy import KM_PER_NM, FloatArray
from pipeline.reach.batch import Batch, lay_out
from pipeline.reach.ends import End, find_exits, usual_hours, usual_km
from pipeline.reach.gates import Flags, Instants, add_hours, is_shut, is_unknown
from pipeline.rules import Rules
from pipeline.water import OPEN, Water
from pipeline.water_ways import Closed

CANDIDATES = {
    "gap_id": pl.String,
    "port_group": pl.String,
    "country": pl.String,
    "to_h": pl.Float64,
    "from_h": pl.Float64,
    "slack_h": pl.Float64,
    "window_from": pl.Datetime("us"),
    "window_to": pl.Datetime("us"),
    "usual_to_h": pl.Float64,
    "usual_from_h": pl.Float64,
    "usual_direct_h": pl.Float64,
    "detour_km": pl.Float64,
    "season_unknown": pl.Boolean,
}
BATCH_GAPS = 20_000  # some thirty arrays of gaps x groups are held at once: 125 MB
HOURS_DIGITS, KM_DIGITS = 4, 3
Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Passages:
    """Which gates are shut on each leg: one bit a gate.

    Args:
        to, back: (gaps, groups), from the off point to the port and from there to the on point.
        direct: (gaps), without any port.
        is_unknown: (gaps, groups), whether nobody knows of a gate on the way.
    """

    to: Codes
    back: Codes
    direct: Codes
    is_unknown: Flags


def find_candidates(
    gaps: pl.DataFrame, speeds: pl.DataFrame, water: Water, rules: Rules
) -> pl.DataFrame:
    """Return CANDIDATES: one row per closed gap x port group that could have been called at.

    `to_h` and `from_h` are the least hours to the port and back from it, `slack_h` what the gap
    has beyond them, at least the minimum visit; the ship can have been there from `window_from`
    to `window_to` only, on whole seconds, never less than the figures say. The rest only ranks:
    hours at the usual speed to the port, from it, and without it, and how much longer the way
    through the port is (`detour_km`); null where the usual way is shut. `season_unknown`: a
    waterway on the way has a season, and nobody has listed that time's.

    Args:
        gaps: table gaps; of it gap_id, mmsi, off_at, on_at, off_lon, off_lat, on_lon, on_lat and,
            where it is there, on_is_outside.
        speeds: `sum_up_speeds` of the months that count.
        water: ways, port groups of every country, seasons and closures.
        rules: thresholds.
    """
    closed = gaps.filter(pl.col("on_at").is_not_null())
    groups = water.areas.port_groups().select("port_group", "country")
    exits = find_exits(water)
    found = [pl.DataFrame(schema=CANDIDATES)]
    for first in range(0, closed.height if groups.height else 0, BATCH_GAPS):
        rows = closed[first : first + BATCH_GAPS]
        batch = lay_out(rows, speeds, water, exits, rules)
        found.append(_list_reachable(batch, rows["gap_id"], groups))
    return pl.concat(found).sort("gap_id", "port_group")


def _list_reachable(batch: Batch, gap_ids: pl.Series, groups: pl.DataFrame) -> pl.DataFrame:
    """Return CANDIDATES of a batch."""
    passages = _find_passages(batch)

    def both(measure: Callable[[End, Closed], FloatArray]) -> tuple[FloatArray, FloatArray]:
        return (
            _by_state(passages.to, lambda closed: measure(batch.off, closed), batch),
            _by_state(passages.back, lambda closed: measure(batch.on, closed), batch),
        )

    to_h, from_h = both(batch.least)
    slack_h = batch.duration_h[:, None] - to_h - from_h
    gap, group = np.nonzero(slack_h >= batch.visit_h)
    usual_to_h, usual_from_h = both(
        lambda end, closed: usual_hours(end, batch.usual_kn, batch.water, closed)
    )
    off_km, on_km = both(lambda end, closed: usual_km(end, batch.water, closed))
    direct_h, direct_km = _measure_direct(batch, passages.direct, np.unique(gap))
    # Ports are wider than a point: the ways in and out may end at different berths.
    detour_km = np.maximum((off_km + on_km)[gap, group] - direct_km[gap], 0)
    begin = add_hours(batch.off_at[gap], to_h[gap, group])
    end = add_hours(batch.on_at[gap], -from_h[gap, group])
    return pl.DataFrame(
        {
            "gap_id": gap_ids.gather(gap),
            "port_group": groups["port_group"].gather(group),
            "country": groups["country"].gather(group),
            "to_h": to_h[gap, group].round(HOURS_DIGITS),
            "from_h": from_h[gap, group].round(HOURS_DIGITS),
            "slack_h": slack_h[gap, group].round(HOURS_DIGITS),
            "window_from": begin.astype("datetime64[s]").astype("datetime64[us]"),
            "window_to": _round_up(end),
            "usual_to_h": _known(usual_to_h[gap, group], HOURS_DIGITS),
            "usual_from_h": _known(usual_from_h[gap, group], HOURS_DIGITS),
            "usual_direct_h": _known(direct_h[gap], HOURS_DIGITS),
            "detour_km": _known(detour_km, KM_DIGITS),
            "season_unknown": passages.is_unknown[gap, group],
        },
        schema_overrides=CANDIDATES,
    ).select(*CANDIDATES)


def _find_passages(batch: Batch) -> Passages:
    """Return which gates are shut whenever the ship could pass them, leg by leg.

    On its way to the port it passes between the soonest it can be at the gate and the latest from
    which it could still make the port, the visit and the on point; likewise on its way back.
    """
    to_h, from_h = batch.least(batch.off, OPEN), batch.least(batch.on, OPEN)
    can_call = batch.duration_h[:, None] - to_h - from_h >= batch.visit_h
    to, back = np.zeros(to_h.shape, np.int64), np.zeros(to_h.shape, np.int64)
    direct = np.zeros(len(to_h), np.int64)
    unknown = np.zeros(to_h.shape, np.bool_)
    for bit, gate in enumerate(batch.gates):
        off_to_gate_h = gate.hours_to(batch.off, batch.bounding_kn)[:, None]
        gate_to_on_h = gate.hours_to(batch.on, batch.bounding_kn)[:, None]
        stay_h = gate.hours_on(batch.bounding_kn) + batch.visit_h
        first = add_hours(batch.off_at[:, None], off_to_gate_h)
        last = add_hours(batch.on_at[:, None], -gate_to_on_h)
        to_times = (first, add_hours(batch.on_at[:, None], -(from_h + stay_h)))
        back_times = (add_hours(batch.off_at[:, None], to_h + stay_h), last)
        direct[is_shut(gate, first, last)[:, 0]] += 1 << bit
        only = frozenset({gate.waterway})
        for codes, hours, end, times in (
            (to, to_h, batch.off, to_times),
            (back, from_h, batch.on, back_times),
        ):
            shut = can_call & is_shut(gate, *times)
            codes[shut] += 1 << bit
            if len(gate.unknown.begin):
                is_used = batch.least(end, only) > hours
                unknown |= is_used & ~shut & is_unknown(gate, *times)
    return Passages(to, back, direct, unknown)


def _by_state(codes: Codes, measure: Callable[[Closed], FloatArray], batch: Batch) -> FloatArray:
    """Return for each entry of codes what `measure` says with those gates shut."""
    values = np.full(codes.shape, np.inf)
    for code in np.unique(codes):
        values = np.where(codes == code, measure(batch.closed_of(int(code))), values)
    return values


def _measure_direct(
    batch: Batch, codes: Codes, asked: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Return hours and km (gaps) of the usual way from end to end; infinite where not asked."""
    hours, km = np.full((2, len(codes)), np.inf)
    for code in np.unique(codes[asked]):
        rows = asked[codes[asked] == code]
        parts = batch.water.between_parts(
            batch.off.nodes[rows], batch.on.nodes[rows], batch.closed_of(int(code))
        )
        speed_kn, beyond_km = batch.usual_kn[rows], batch.on.beyond_km[rows]
        hours[rows] = parts.hours(np.arange(len(rows), dtype=np.int32), [0], speed_kn)[:, 0]
        hours[rows] += beyond_km / (speed_kn * KM_PER_NM)
        km[rows] = (parts.sea_km + parts.river_km)[:, 0]
    return hours, km


def _round_up(instants: Instants) -> Instants:
    """Return the whole second at or after instants."""
    whole = instants.astype("datetime64[s]").astype("datetime64[us]")
    return np.where(whole < instants, whole + np.timedelta64(1, "s"), whole)


def _known(values: FloatArray, digits: int) -> pl.Series:
    """Return rounded values, null where there is none."""
    return pl.Series(np.where(np.isfinite(values), values.round(digits), np.nan), nan_to_null=True)
