"""Which calls an image would tell most about: a list of requests (METHOD 6)."""

from __future__ import annotations

import polars as pl

from pipeline.rules import METHOD_VERSION
from pipeline.schema import ImagingRequests, conform, polars_schema

DIGITS = 6  # of probabilities, as they are published


def list_requests(
    call_rows: pl.DataFrame, port_groups: pl.DataFrame, ships: pl.DataFrame, rules_hash: str
) -> pl.DataFrame:
    """Return table imaging_requests, the first to ask for first.

    Of grades B and C: proof stands beside A and X already, and P_call says nothing of D. The
    priority is P_call x (1 - P_call), the variance of what an image settles: greatest at 0.5.

    Args:
        call_rows: table dark_port_calls.
        port_groups: table port_groups, for the centre.
        ships: table ships, for the length.
        rules_hash: name of the rules and areas.
    """
    lengths = ships.filter(pl.col("length_m") > 0).select("mmsi", "length_m")
    length_of = lengths.unique("mmsi", keep="last", maintain_order=True)
    rows = (
        call_rows.filter(pl.col("grade").is_in(["B", "C"]))
        .join(port_groups.select("port_group", "lon", "lat"), on="port_group", how="left")
        .join(length_of, on="mmsi", how="left")
        .with_columns(
            priority=(pl.col("p_call") * (1 - pl.col("p_call"))).round(DIGITS),
            method_version=pl.lit(METHOD_VERSION),
            rules_hash=pl.lit(rules_hash),
        )
        .sort("priority", "call_id", descending=[True, False])
    )
    return conform(rows.select(polars_schema(ImagingRequests).names()), ImagingRequests)
