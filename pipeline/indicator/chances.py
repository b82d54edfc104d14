"""Table call_chances: which calls each gap may hold, and of which scope, visit and month."""

from __future__ import annotations

import polars as pl

from pipeline.rules import CallRules
from pipeline.schema import CallChances, conform, polars_schema


def list_call_chances(placed: pl.DataFrame, rules: CallRules) -> pl.DataFrame:
    """Return table call_chances, by gap_id and port group.

    Gaps of one visit are one call (METHOD 6): one row stands for it, `is_counted`. As in
    `dark_calls`, refuted ones and those that cannot be judged come last; a proved one comes first,
    then the one with the largest P_call, of unobservable gaps the one that habits make likeliest.

    Args:
        placed: `dark_calls.place_calls`.
        rules: thresholds.
    """
    is_blind = (pl.col("cause") == "unobservable").fill_null(value=False)
    weight = pl.when(is_blind).then("p_prior").otherwise("p_call")
    is_proved = pl.col("is_confirmed") & (pl.col("p_off") >= rules.confirmed_p_off_from)
    order = {
        "visit": False,
        "is_refuted": False,
        "is_unobservable": False,
        "is_proved": True,
        "weight": True,
        "gap_id": False,
    }
    rows = (
        placed.with_columns(
            is_unobservable=is_blind, weight=weight, is_proved=is_proved.fill_null(value=False)
        )
        .filter(pl.col("weight").is_not_null())
        .sort(*order, descending=list(order.values()))
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
