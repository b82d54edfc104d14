"""Ships by what they do again and again."""

from __future__ import annotations

from datetime import date

import polars as pl

from pipeline.errors import printable
from pipeline.report.limits import ReportRules

HOUR_S = 3600
# Silences that something else explains are no behaviour of the ship (METHOD 4).
EXPLAINED = ("left_region", "identity", "in_port", "laid_up", "gnss", "outage")


def list_ships(
    gaps: pl.DataFrame,
    calls: pl.DataFrame,
    lit_calls: pl.DataFrame,
    legs: pl.DataFrame,
    first_month: date,
    shown: pl.Series,
    rules: ReportRules,
) -> pl.DataFrame:
    """Return one row per ship with rows on the page, those that do it most often first.

    Args:
        gaps: table gaps.
        calls: table dark_port_calls.
        lit_calls: ship_id, month of table lit_port_calls.
        legs: ship_id, month, passage, is_ru_ir_crossing of table legs.
        first_month: since when behaviour counts.
        shown: ship_id of the gaps and calls on the page.
        rules: what counts as long and as probable.
    """
    since = pl.col("month") >= first_month
    recent = gaps.filter(since)
    counted = recent.filter(~pl.col("cause").is_in(EXPLAINED).fill_null(value=False))
    named = (
        pl.concat(
            [
                recent.select("ship_id", "mmsi", "imo", "name", "flag", "fleet", at="off_at"),
                calls.filter(since).select(
                    "ship_id", "mmsi", "imo", "name", "flag", "fleet", at="window_from"
                ),
            ]
        )
        .filter(pl.col("ship_id").is_in(shown.unique().to_list()))
        .sort("ship_id", "at", "mmsi")
        .group_by("ship_id", maintain_order=True)
        .agg(pl.col("mmsi", "imo", "name", "flag", "fleet").last())
    )
    is_off = (pl.col("p_off") >= rules.probable_from).fill_null(value=False)
    behaviour = counted.group_by("ship_id").agg(
        gaps=pl.len(),
        long_gaps=(pl.col("duration_s") >= rules.least_h * HOUR_S).sum(),
        probable_offs=is_off.sum(),
        months_off=pl.col("month").filter(is_off).n_unique(),
        expected_off=pl.col("p_off").sum().round(3),
    )
    grades = (
        calls.filter(since)
        .group_by("ship_id")
        .agg(
            **{
                f"calls_{grade.lower()}": (pl.col("grade") == grade).fill_null(value=False).sum()
                for grade in "ABCD"
            },
        )
    )
    lit = lit_calls.filter(since).group_by("ship_id").agg(lit_calls=pl.len())
    crossings = (
        legs.filter(since & pl.col("is_ru_ir_crossing"))
        .group_by("ship_id")
        .agg(
            crossings=pl.len(),
            dark_crossings=(pl.col("passage") == "dark").sum(),
        )
    )
    # Letters that turn the line round, or cannot be seen, are no part of a name.
    names = [None if name is None else printable(name).strip() for name in named["name"]]
    rows = named.with_columns(name=pl.Series(names, dtype=pl.String))
    for more in (behaviour, grades, lit, crossings):
        rows = rows.join(more, on="ship_id", how="left")
    counts = [name for name in rows.columns if name not in named.columns]
    return (
        rows.with_columns(pl.col(counts).fill_null(0))
        .sort(
            pl.col("calls_a") + pl.col("calls_b") + pl.col("calls_c"),
            "probable_offs",
            "expected_off",
            "ship_id",
            descending=[True, True, True, False],
        )
        .head(rules.ships_most)
    )
