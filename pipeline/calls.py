"""Closed gaps near a port group: a list to look at (METHOD 1). A gap is not a call."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pipeline.causes import NO_CALL_CAUSES
from pipeline.rules import METHOD_VERSION
from pipeline.schema import NearPortGaps, conform, polars_schema

RU_IR = ("RUS", "IRN")


def list_near_port(
    gaps: pl.DataFrame, port_groups: pl.DataFrame, data_end: datetime, rules_hash: str
) -> pl.DataFrame:
    """Return one row per closed gap near a port group (schema.NearPortGaps), by gap_id.

    Silences of cause `left_region`, `identity` and `in_port` are left out. The month is that of
    the middle of the gap.

    Args:
        gaps: table `gaps`.
        port_groups: port_group and country.
        data_end: end of the data; here for the promise that no row reaches beyond it.
        rules_hash: name of the rules and areas.
    """
    near = gaps.filter(
        pl.col("is_closed")
        & (pl.col("off_port_group") != "none")
        & ~pl.col("cause").is_in(NO_CALL_CAUSES).fill_null(value=False)
        & (pl.col("on_at") <= data_end)
    ).join(
        port_groups.select("port_group", port_country="country"),
        left_on="off_port_group",
        right_on="port_group",
    )
    midpoint = pl.col("off_at") + (pl.col("on_at") - pl.col("off_at")) / 2
    in_ru_ir = (
        (pl.col("fleet") == "merchant")
        & pl.col("flag").is_in(RU_IR).fill_null(value=False)
        & pl.col("port_country").is_in(RU_IR)
    )
    rows = near.with_columns(
        port_group=pl.col("off_port_group"),
        in_ru_ir_any=in_ru_ir,
        month=midpoint.dt.truncate("1mo").dt.date(),
        method_version=pl.lit(METHOD_VERSION),
        rules_hash=pl.lit(rules_hash),
    )
    return conform(rows.select(polars_schema(NearPortGaps).names()), NearPortGaps).sort("gap_id")
