"""The cause of every gap, in METHOD 4's order, once reception is known."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.reception.judge import P_OFF, PARTS
from pipeline.rules import CauseRules, ReceptionRules

HOUR_US = 3_600_000_000
# They name the cause whatever the set did: no p_off (METHOD 4).
EXPLAINED = ("left_region", "identity", "in_port", "laid_up", "gnss", "outage")


def add_causes(
    silences: pl.DataFrame,
    judged: pl.DataFrame,
    outage_hours: pl.DataFrame,
    closures: pl.DataFrame,
    rules: ReceptionRules,
    causes: CauseRules,
    shortest_s: int,
) -> pl.DataFrame:
    """Return silences with the columns of `judge_gaps` and `cause` by METHOD 4's order.

    `left_region`, `identity` and `in_port` are named before. `gnss` waits for marked hours.

    Args:
        silences: `gap_table.measure_silences`, with `cause` as far as it is known.
        judged: `judge_gaps` of them; a silence without a row stays unjudged.
        outage_hours: area, hour.
        closures: closed_from, closed_to, area (null: everywhere).
        rules, causes: thresholds.
        shortest_s: the shortest silence that is a gap, seconds.
    """
    rows = silences.join(judged, on="gap_id", how="left", maintain_order="left").with_columns(
        outage_s=_outage_seconds(silences, outage_hours)
    )
    length_s = pl.col("duration_s")
    named = (
        pl.when(pl.col("cause").is_not_null())
        .then("cause")
        .when(_is_laid_up(closures, causes))
        .then(pl.lit("laid_up"))
        .when((pl.col("outage_s") > 0) & (length_s - pl.col("outage_s") < shortest_s))
        .then(pl.lit("outage"))
        .when(pl.col("expected_receptions") < rules.least_expected)
        .then(pl.lit("unobservable"))
        .when(pl.col("p_off").is_null())
        .then(None)
        .when(pl.col("p_off") < rules.coverage_below)
        .then(pl.lit("coverage"))
        .when(pl.col("p_off") < rules.probable_from)
        .then(pl.lit("unexplained"))
        .otherwise(pl.lit("probable_off"))
    )
    no_p = pl.col("cause").is_in(EXPLAINED).fill_null(value=False)
    return rows.with_columns(cause=named).with_columns(
        pl.when(~no_p).then(name).alias(name) for name in (*P_OFF, *PARTS)
    )


def _is_laid_up(closures: pl.DataFrame, causes: CauseRules) -> pl.Expr:
    """Return whether a ship lay still for weeks, or while a waterway of its area was closed.

    METHOD 4 says `anywhere`; a grounding in one canal holds up nobody in the ports of another area.
    """
    closed = pl.lit(value=False)
    for begin, end, area in closures.select("closed_from", "closed_to", "area").iter_rows():
        is_there = pl.lit(value=True) if area is None else pl.col("off_area") == area
        closed |= is_there & (pl.col("off_at") < pl.lit(end)) & (pl.col("on_at") > pl.lit(begin))
    is_still = (pl.col("off_sog_kn") <= causes.laid_up_most_kn) & (
        pl.col("on_sog_kn") <= causes.laid_up_most_kn
    )
    is_near = pl.col("distance_km") <= causes.in_port_within_km
    is_long = pl.col("duration_s") >= causes.laid_up_least_d * 86_400
    return (is_still & is_near & (is_long | closed)).fill_null(value=False)


def _outage_seconds(silences: pl.DataFrame, outage_hours: pl.DataFrame) -> pl.Series:
    """Return the seconds of each closed silence in marked hours of the area of its off point."""
    found = np.zeros(silences.height, np.int64)
    off = silences["off_at"].dt.epoch("us").to_numpy()
    on = silences["on_at"].fill_null(silences["off_at"]).dt.epoch("us").to_numpy()
    area = silences["off_area"].to_numpy()
    for (name,), hours in outage_hours.partition_by("area", as_dict=True).items():
        begins = np.unique(hours["hour"].dt.epoch("us").to_numpy())

        def until(at: np.ndarray, begins: np.ndarray = begins) -> np.ndarray:
            """Return the microseconds of marked hours before instants."""
            before = np.searchsorted(begins, at, side="right")
            last = begins[np.maximum(before - 1, 0)]
            part = np.where(before > 0, np.minimum(at - last, HOUR_US) - HOUR_US, 0)
            return before * HOUR_US + part

        mine = area == name
        found[mine] = ((until(on[mine]) - until(off[mine])) // 1_000_000).astype(np.int64)
    return pl.Series("outage_s", found)
