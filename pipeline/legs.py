"""Voyages from one known port of a ship to the next (METHOD 7)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipeline.port_stays import RU_IR
from pipeline.rules import Rules
from pipeline.tracks import epoch_s


def list_legs(known: pl.DataFrame, rules: Rules, by: Sequence[str] = ("ship_id",)) -> pl.DataFrame:
    """Return one row per voyage between consecutive known ports of a ship.

    Back at the same port after less than `round_trip_least_h` is no leg. Ports whose times
    overlap (two ships under one name) have none between them.

    Args:
        known: `port_stays.list_known_ports` with the columns of `by`.
        rules: of ports.
        by: what names a ship.

    Returns:
        (`by`, from_group, from_country, to_group, to_country, left_at, arrived_at, hours,
        is_crossing, is_ru_ir_crossing). left_at is the last sighting within 4 km of the one port,
        arrived_at the first within 4 km of the next. By ship and time.
    """
    ordered = known.sort(*by, "arrived_at", "left_at", "port_group", "mmsi", "track")
    legs = ordered.select(
        *by,
        from_group="port_group",
        from_country="country",
        to_group=pl.col("port_group").shift(-1).over(by),
        to_country=pl.col("country").shift(-1).over(by),
        left_at="left_at",
        arrived_at=pl.col("arrived_at").shift(-1).over(by),
    ).with_columns(
        hours=(epoch_s("arrived_at") - epoch_s("left_at")) / 3600.0,
        is_crossing=pl.col("from_country") != pl.col("to_country"),
    )
    is_round_trip = pl.col("from_group") == pl.col("to_group")
    return legs.filter(
        (pl.col("hours") > 0)
        & (~is_round_trip | (pl.col("hours") >= rules.ports.round_trip_least_h))
    ).with_columns(
        is_ru_ir_crossing=pl.col("is_crossing")
        & pl.col("from_country").is_in(RU_IR)
        & pl.col("to_country").is_in(RU_IR)
    )


def count_gaps(
    legs: pl.DataFrame, gaps: pl.DataFrame, by: Sequence[str] = ("ship_id",)
) -> pl.DataFrame:
    """Return legs with the closed gaps that lie wholly in them.

    Args:
        legs: `list_legs`.
        gaps: `by`, off_at, on_at, duration_h, p_off.
        by: what names a ship.

    Returns:
        The same rows and order with `gaps`, `longest_gap_h` and `highest_p_off` (null without any)
        and `expected_off`, the sum of their p_off; a missing one adds nothing.
    """
    numbered = legs.with_row_index("leg")
    # Legs of a ship do not overlap: a gap can lie only in the last that began before it.
    inside = (
        gaps.select(*by, "off_at", "on_at", "duration_h", "p_off")
        .sort("off_at")
        .join_asof(
            numbered.select("leg", *by, "left_at", "arrived_at").sort("left_at"),
            left_on="off_at",
            right_on="left_at",
            by=list(by),
            strategy="backward",
            check_sortedness=False,
        )
        .filter(pl.col("on_at") <= pl.col("arrived_at"))
        .sort("leg", "off_at", "on_at", "p_off")
        .group_by("leg", maintain_order=True)
        .agg(
            gaps=pl.len().cast(pl.Int64),
            longest_gap_h=pl.col("duration_h").max(),
            highest_p_off=pl.col("p_off").max(),
            expected_off=pl.col("p_off").sum(),
        )
    )
    return (
        numbered.join(inside, on="leg", how="left", maintain_order="left")
        .with_columns(pl.col("gaps").fill_null(0), pl.col("expected_off").fill_null(0.0))
        .drop("leg")
    )
