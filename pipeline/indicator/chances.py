"""Table call_chances: which calls each gap may hold, and of which scope, visit and month."""

from __future__ import annotations

import polars as pl

from pipeline.schema import CallChances, conform, polars_schema


def list_call_chances(placed: pl.DataFrame) -> pl.DataFrame:
    """Return table call_chances, by gap_id and port group.

    Gaps of one visit are one call (METHOD 6): the row with the largest P_call is the one that
    `is_counted`, of an unobservable gap the one that habits make likeliest.

    Args:
        placed: `dark_calls.place_calls`.
    """
    is_blind = (pl.col("cause") == "unobservable").fill_null(value=False)
    weight = pl.when(is_blind).then("p_prior").otherwise("p_call")
    rows = (
        placed.with_columns(is_unobservable=is_blind, weight=weight)
        .filter(pl.col("weight").is_not_null())
        # As in `dark_calls.sum_calls`: of the gaps of a visit those that can be judged come first.
        .sort(
            "visit", "is_unobservable", "weight", "gap_id", descending=[False, False, True, False]
        )
        .with_columns(
            is_counted=pl.col("visit").is_not_null() & pl.col("visit").is_first_distinct(),
            visit_gap_id=pl.when(pl.col("visit").is_not_null()).then(
                pl.col("gap_id").first().over("visit")
            ),
            flag=pl.col("flag").fill_null("unknown"),
        )
    )
    known = rows.select(polars_schema(CallChances).names())
    return conform(known, CallChances).sort("gap_id", "port_group")
