"""True port calls beside gaps: which gap hides which dark call, and which calls no gap hides."""

from __future__ import annotations

import polars as pl

RU_IR = ("RUS", "IRN")


def dark_calls(port_calls: pl.DataFrame) -> pl.DataFrame:
    """Return the true dark calls (truth table port_calls) with `is_ru_ir_any` (METHOD 7)."""
    return port_calls.filter("is_dark").with_columns(
        is_ru_ir_any=(pl.col("fleet") == "merchant")
        & pl.col("flag").is_in(RU_IR)
        & pl.col("country").is_in(RU_IR)
    )


def cover_calls(gaps: pl.DataFrame, dark: pl.DataFrame) -> pl.DataFrame:
    """Return one row per true dark call with the gap that covers its whole stay, if any does.

    `gap_id` and `gap_h` are null where no gap of the vessel spans the stay; `is_open` tells that
    the gap was not ended. Nothing that starts from gaps can find a call without one.
    """
    spans = (
        dark.select("call_id", "vessel", "arrival_at", "departure_at")
        .with_columns(pl.col("vessel").cast(pl.Int64))
        .join(gaps.select("vessel", "gap_id", "off_at", "on_at", gap_h="duration_h"), on="vessel")
        .filter(
            pl.col("off_at") <= pl.col("arrival_at"),
            (pl.col("on_at") >= pl.col("departure_at")) | pl.col("on_at").is_null(),
        )
        .sort("call_id", "off_at", "gap_id", descending=[False, True, False])
        .unique("call_id", keep="first", maintain_order=True)
        .select("call_id", "gap_id", "gap_h", is_open=pl.col("on_at").is_null())
    )
    return dark.join(spans, on="call_id", how="left", maintain_order="left")


def attach_calls(gaps: pl.DataFrame, covered: pl.DataFrame) -> pl.DataFrame:
    """Return gaps with the true dark call they hide: the longest stay where there are several.

    `true_call_id`, `true_port_group`, `arrival_at` and `departure_at` are null where a gap hides
    none; `true_calls` counts all.
    """
    longest = (
        covered.filter(pl.col("gap_id").is_not_null())
        .with_columns(
            true_calls=pl.len().over("gap_id"),
            stay=pl.col("departure_at") - pl.col("arrival_at"),
        )
        .sort("gap_id", "stay", "call_id", descending=[False, True, False])
        .unique("gap_id", keep="first", maintain_order=True)
        .select(
            "gap_id",
            "true_calls",
            "arrival_at",
            "departure_at",
            true_call_id="call_id",
            true_port_group="port_group",
        )
    )
    return gaps.join(longest, on="gap_id", how="left", maintain_order="left").with_columns(
        pl.col("true_calls").fill_null(0)
    )
