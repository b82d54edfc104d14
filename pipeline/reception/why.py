"""The cause of every gap, in METHOD 4's order, once reception is known."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.gnss import cell_of
from pipeline.reception.judge import DIRECT, P_OFF, PARTS
from pipeline.rules import CauseRules, GnssRules, Rules

HOUR_US = 3_600_000_000
# A cell by its south-west corner.
EDGES = ("cell_lon_deg", "cell_lat_deg")
# They name the cause whatever the set did: no p_off (METHOD 4).
EXPLAINED = ("left_region", "identity", "in_port", "laid_up", "gnss", "outage")


def name_explained(
    silences: pl.DataFrame,
    outage_hours: pl.DataFrame,
    gnss_hours: pl.DataFrame,
    closures: pl.DataFrame,
    rules: Rules,
) -> pl.DataFrame:
    """Return silences with `cause` as far as no reception is needed: METHOD 4's order to `outage`.

    `left_region`, `identity` and `in_port` are named before.

    Args:
        silences: `gap_table.measure_silences`, with `cause` as far as it is known.
        outage_hours: area, hour.
        gnss_hours: hour, cell_lon_deg, cell_lat_deg: cells (table gnss_hours).
        closures: closed_from, closed_to, area (null: everywhere).
        rules: thresholds.
    """
    seconds = _explained_seconds(silences, outage_hours, gnss_hours, rules.gnss)
    # Hours of both kinds are subtracted together; the first of METHOD 4's order names the cause.
    is_explained = pl.col("duration_s") - pl.col("explained_s") < rules.gaps.shortest_s
    named = (
        pl.when(pl.col("cause").is_not_null())
        .then("cause")
        .when(_is_laid_up(closures, rules.causes))
        .then(pl.lit("laid_up"))
        .when((pl.col("gnss_s") > 0) & is_explained)
        .then(pl.lit("gnss"))
        .when((pl.col("outage_s") > 0) & is_explained)
        .then(pl.lit("outage"))
    )
    return silences.with_columns(**seconds).with_columns(cause=named).drop(*seconds)


def add_causes(silences: pl.DataFrame, judged: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return silences with the columns of `judge_gaps` and `cause` by METHOD 4's order.

    Args:
        silences: `name_explained`.
        judged: `judge_gaps` of them; a silence without a row stays unjudged.
        rules: thresholds.
    """
    named = (
        pl.when(pl.col("cause").is_not_null())
        .then("cause")
        .when(pl.col("expected_receptions") < rules.reception.least_expected)
        .then(pl.lit("unobservable"))
        .when(pl.col("p_off").is_null())
        .then(None)
        .when(pl.col("p_off") < rules.reception.coverage_below)
        .then(pl.lit("coverage"))
        .when(pl.col("p_off") < rules.reception.probable_from)
        .then(pl.lit("unexplained"))
        .otherwise(pl.lit("probable_off"))
    )
    no_p = pl.col("cause").is_in(EXPLAINED).fill_null(value=False)
    return (
        silences.join(judged, on="gap_id", how="left", maintain_order="left")
        .with_columns(cause=named)
        .with_columns(pl.when(~no_p).then(name).alias(name) for name in (*P_OFF, DIRECT, *PARTS))
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


def _explained_seconds(
    silences: pl.DataFrame, outage_hours: pl.DataFrame, gnss_hours: pl.DataFrame, rules: GnssRules
) -> dict[str, pl.Series]:
    """Return outage_s, gnss_s and explained_s (either) of each closed silence.

    The area of the off point names the outages, its cell the interference.
    """
    cells = gnss_hours.select(
        "hour", *((pl.col(edge) / rules.cell_deg).round().cast(pl.Int32) for edge in EDGES)
    )
    places = silences.select(
        "off_at",
        "on_at",
        area="off_area",
        cell_lon_deg=cell_of("off_lon", rules),
        cell_lat_deg=cell_of("off_lat", rules),
    )
    # Only where there is interference do the two kinds have to be put together.
    seen = places.select("area", *EDGES).unique().join(cells, on=list(EDGES), how="semi")
    both = pl.concat(
        [
            seen.join(outage_hours.select("area", "hour"), on="area"),
            seen.join(cells, on=list(EDGES)).select("area", *EDGES, "hour"),
        ]
    )
    outage_s = _marked_seconds(places.drop(EDGES), outage_hours.select("area", "hour"))
    gnss_s = _marked_seconds(places.drop("area"), cells)
    explained_s = pl.select(pl.max_horizontal(outage_s, _marked_seconds(places, both))).to_series()
    return {"outage_s": outage_s, "gnss_s": gnss_s, "explained_s": explained_s}


def _marked_seconds(places: pl.DataFrame, marked: pl.DataFrame) -> pl.Series:
    """Return the seconds of each closed silence in the marked hours of its off point's place.

    Args:
        places: off_at, on_at, and the columns of a place.
        marked: `hour` and the columns of a place; an hour may stand twice.
    """
    where = [name for name in places.columns if name not in ("off_at", "on_at")]
    found = np.zeros(places.height, np.int64)
    off = places["off_at"].dt.epoch("us").to_numpy()
    on = places["on_at"].fill_null(places["off_at"]).dt.epoch("us").to_numpy()
    rows = places.with_row_index("at").join(marked.select(where).unique(), on=where)
    mine = {key: part["at"].to_numpy() for key, part in _by_place(rows, where).items()}
    hours = _by_place(marked.join(rows.select(where).unique(), on=where), where)
    for place, at in mine.items():
        begins = np.unique(hours[place]["hour"].dt.epoch("us").to_numpy())

        def until(instants: np.ndarray, begins: np.ndarray = begins) -> np.ndarray:
            """Return the microseconds of marked hours before instants."""
            before = np.searchsorted(begins, instants, side="right")
            last = begins[np.maximum(before - 1, 0)]
            part = np.where(before > 0, np.minimum(instants - last, HOUR_US) - HOUR_US, 0)
            return before * HOUR_US + part

        found[at] = ((until(on[at]) - until(off[at])) // 1_000_000).astype(np.int64)
    return pl.Series(found)


def _by_place(rows: pl.DataFrame, where: list[str]) -> dict[tuple[object, ...], pl.DataFrame]:
    return rows.partition_by(where, as_dict=True)
