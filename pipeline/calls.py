"""Dark port calls, first form: closed gaps near a port group, not yet judged (METHOD 1, 6).

A gap is not a call. The rows keep the chain whole and give analysts the list to look at; grade
and p_call stay null until calls are inferred.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import polars as pl

from pipeline.causes import NO_CALL_CAUSES
from pipeline.rules import METHOD_VERSION
from pipeline.schema import DarkPortCalls, conform, polars_schema

RU_IR = ("RUS", "IRN")


def list_near_port(
    gaps: pl.DataFrame, port_groups: pl.DataFrame, data_end: datetime, rules_hash: str
) -> pl.DataFrame:
    """Return one row per closed gap near a port group (schema.DarkPortCalls), reason `near_port`.

    Silences of cause `left_region`, `identity` and `in_port` are left out. The window is the whole
    gap, its month that of the window's midpoint (METHOD 6).

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
    ids = pl.Series(
        [
            hashlib.blake2b(f"call|{gap_id}".encode(), digest_size=8).hexdigest()
            for gap_id in near["gap_id"]
        ],
        dtype=pl.String,
    )
    in_ru_ir = (
        (pl.col("fleet") == "merchant")
        & pl.col("flag").is_in(RU_IR).fill_null(value=False)
        & pl.col("port_country").is_in(RU_IR)
    )
    rows = near.with_columns(
        call_id=ids,
        visit_id=ids,
        port_group=pl.col("off_port_group"),
        in_ru_ir_any=in_ru_ir,
        window_from=pl.col("off_at"),
        window_to=pl.col("on_at"),
        gap_ids=pl.col("gap_id"),
        month=midpoint.dt.truncate("1mo").dt.date(),
        reasons=pl.lit("near_port: ") + pl.col("reasons"),
        method_version=pl.lit(METHOD_VERSION),
        rules_hash=pl.lit(rules_hash),
    )
    wanted = polars_schema(DarkPortCalls)
    rows = rows.with_columns(
        pl.lit(None).alias(name)
        for name in wanted
        if name not in rows.columns
        or name in ("p_off", "p_call", "grade", "families", "slack_h", "draught_change_m")
    )
    return conform(rows.select(wanted.names()), DarkPortCalls).sort("call_id")
