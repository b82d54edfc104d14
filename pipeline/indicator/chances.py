"""Table call_chances: which calls each gap may hold, and of which scope, visit and month."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.rules import CallRules
from pipeline.schema import CallChances, conform, polars_schema


def list_call_chances(placed: pl.DataFrame, rules: CallRules) -> pl.DataFrame:
    """Return table call_chances, by gap_id and port group.

    Gaps of one visit are one call (METHOD 6): one row stands for it, `is_counted`.

    Args:
        placed: `call_places.place_calls`.
        rules: thresholds.
    """
    is_blind = (pl.col("cause") == "unobservable").fill_null(value=False)
    is_proved = pl.col("is_confirmed") & (pl.col("p_off") >= rules.confirmed_p_off_from)
    told = placed.with_columns(is_unobservable=is_blind, is_proved=is_proved.fill_null(value=False))
    rows = mark_counted(told, ("visit",)).with_columns(
        visit_gap_id=pl.when(pl.col("visit").is_not_null()).then(
            pl.col("gap_id").first().over("visit")
        ),
        flag=pl.col("flag").fill_null("unknown"),
    )
    known = rows.select(polars_schema(CallChances).names())
    return conform(known, CallChances).sort("gap_id", "port_group")


def mark_counted(rows: pl.DataFrame, visit: Sequence[str]) -> pl.DataFrame:
    """Return rows that have a weight with `is_counted`: the one that stands for its visit.

    As in `dark_calls`, refuted ones and those that cannot be judged come last; a proved one comes
    first, then the one with the largest P_call, of unobservable gaps the one that habits make
    likeliest. The rows of a visit come in that order.

    Args:
        rows: gap_id, p_prior, p_call, is_refuted, is_unobservable, is_proved.
        visit: the columns that name a visit; where the last is null there is none.
    """
    weight = pl.when("is_unobservable").then("p_prior").otherwise("p_call")
    order = {
        **dict.fromkeys((*visit, "is_refuted", "is_unobservable"), False),
        **dict.fromkeys(("is_proved", "weight"), True),
        "gap_id": False,
    }
    is_first = pl.struct(visit).is_first_distinct()
    return (
        rows.with_columns(weight=weight)
        .filter(pl.col("weight").is_not_null())
        .sort(*order, descending=list(order.values()))
        .with_columns(is_counted=pl.col(visit[-1]).is_not_null() & is_first)
    )
