"""Port groups in reach of gaps, with their scopes, visits and proofs: what calls are made of."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.areas import Areas
from pipeline.port_stays import find_gap_ends_in_port, find_known_around, mark_scopes
from pipeline.proofs import mark_proofs
from pipeline.rules import CallRules, Rules
from pipeline.user_evidence import NO_EVIDENCE

OF_GAP = (
    *("gap_id", "ship_id", "mmsi", "track", "imo", "name", "flag", "fleet", "cause", "p_off"),
    *("off_at", "on_at", "off_lon", "off_lat", "on_lon", "on_lat"),
)
OF_CANDIDATE = (
    *("gap_id", "port_group", "country", "to_h", "from_h", "slack_h", "window_from", "window_to"),
    *("p_prior", "p_call", "p_unheard"),
)


def place_calls(
    gap_rows: pl.DataFrame,
    candidates: pl.DataFrame,
    known: pl.DataFrame,
    areas: Areas,
    rules: Rules,
    confirmations: pl.DataFrame = NO_EVIDENCE.confirmations,
) -> pl.DataFrame:
    """Return a row per closed gap x port group in reach: its scopes, visit, month and proofs.

    `is_glimpsed`: an end of the gap lies in the port, so that a stay there was not dark all along.
    `month` is that of the middle of the presence window. `visit` numbers the gaps of a track at a
    group between which the ship was heard near the group only; it is null where glimpsed.

    Args:
        gap_rows: table gaps.
        candidates: table port_candidates.
        known: `port_stays.list_known_ports` with ship_id.
        areas: ports.
        rules: thresholds.
        confirmations: dated proofs (`proofs.mark_proofs`).
    """
    reachable = candidates.select(OF_CANDIDATE).filter(pl.col("port_group") != "none")
    gaps = gap_rows.select(OF_GAP).join(
        reachable.select("gap_id").unique(), on="gap_id", how="semi"
    )
    around = find_known_around(gaps, known, rules)
    ends = find_gap_ends_in_port(gaps, areas, rules)
    here = pl.col("port_group")
    middle = pl.col("window_from") + (pl.col("window_to") - pl.col("window_from")) / 2
    is_end_there = (pl.col("off_in_group") == here) | (pl.col("on_in_group") == here)
    placed = (
        reachable.join(around, on="gap_id")
        .join(ends.select("gap_id", "off_in_group", "on_in_group"), on="gap_id", how="left")
        .rename({"country": "port_country"})
        .with_columns(
            is_glimpsed=is_end_there.fill_null(value=False),
            month=middle.dt.truncate("1mo").dt.date(),
        )
    )
    return mark_proofs(_number_visits(mark_scopes(placed), areas, rules.calls), confirmations)


def _number_visits(placed: pl.DataFrame, areas: Areas, rules: CallRules) -> pl.DataFrame:
    """Return rows with `visit`, sorted by ship, group and time."""
    key = ("mmsi", "track", "port_group")
    rows = placed.sort(*key, "off_at", "gap_id")
    names = areas.port_groups()["port_group"].to_list()
    group = rows["port_group"].replace_strict(names, np.arange(len(names)), return_dtype=pl.Int64)
    at = group.to_numpy().astype(np.int64)
    near = {
        end: pl.Series(_km_to(rows, end, at, areas) <= rules.visit_within_km)
        for end in ("off", "on")
    }
    apart = pl.col("off_at") - pl.col("on_at").shift(1)
    goes_on = (
        (pl.struct(key) == pl.struct(key).shift(1))
        & pl.col("near_off")
        & pl.col("near_on").shift(1)
        & ~pl.col("is_glimpsed")
        & ~pl.col("is_glimpsed").shift(1)
        & (apart <= pl.duration(seconds=round(rules.visit_apart_h * 3600)))
    )
    return (
        rows.with_columns(near_off=near["off"], near_on=near["on"])
        .with_columns(visit=(~goes_on.fill_null(value=False)).cum_sum())
        .with_columns(visit=pl.when(~pl.col("is_glimpsed")).then("visit"))
        .drop("near_off", "near_on")
    )


def _km_to(
    rows: pl.DataFrame, end: str, group: np.ndarray, areas: Areas
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the straight distance in km from an end of each row's gap to its group."""
    points = rows.select(pl.struct(f"{end}_lon", f"{end}_lat").alias("at"))["at"]
    distinct = points.unique(maintain_order=True).struct.unnest()
    which = rows.select(f"{end}_lon", f"{end}_lat").join(
        distinct.with_row_index("which"), on=distinct.columns, how="left", maintain_order="left"
    )["which"]
    if rows.is_empty():
        return np.zeros(0)
    km = areas.straight_km_to_groups(*(distinct[name].to_numpy() for name in distinct.columns))
    return km[which.to_numpy(), group]
