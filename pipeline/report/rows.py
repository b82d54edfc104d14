"""Which gaps and calls the page holds, and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from pipeline.report.limits import ReportRules

GRADE_ORDER = ("A", "B", "C", "X", "D")
HOUR_S = 3600


@dataclass(frozen=True, eq=False)
class Chosen:
    """The rows of the page.

    Attributes:
        first_month: the earliest month of which there may be rows.
        gaps: rows of table gaps, by off_at, with `call` (the grade of its call, or null).
        calls: rows of table dark_port_calls, by window_from.
        counts: how many rows of what there are and are shown.
    """

    first_month: date
    gaps: pl.DataFrame
    calls: pl.DataFrame
    counts: dict[str, int]


def find_first_month(data_end: datetime, months: int) -> date:
    """Return the first of the last `months` months with data; the end is exclusive."""
    last = data_end - timedelta(microseconds=1)
    number = last.year * 12 + last.month - months
    return date(number // 12, number % 12 + 1, 1)


def choose_rows(
    gaps: pl.DataFrame, calls: pl.DataFrame, data_end: datetime, rules: ReportRules
) -> Chosen:
    """Return graded calls and long gaps of the last months, at most `rows_most` together.

    Calls come first, by grade and then the newest; their gaps, however short; then other gaps of
    `least_h` and more, those longest that were probably off before the rest.

    Args:
        gaps: table gaps.
        calls: table dark_port_calls.
        data_end: end of the data.
        rules: how many, how long, since when.
    """
    first = find_first_month(data_end, rules.months_shown)
    graded = calls.filter(pl.col("grade").is_not_null() & (pl.col("month") >= first))
    rank = pl.col("grade").replace_strict(
        {grade: number for number, grade in enumerate(GRADE_ORDER)}, return_dtype=pl.Int8
    )
    ranked = graded.with_columns(rank=rank).sort(
        "rank", "window_from", "call_id", descending=[False, True, False]
    )
    room = ranked.with_columns(
        taken=(1 + pl.col("gap_ids").str.count_matches(";") + 1).cum_sum()
    ).filter(pl.col("taken") <= rules.rows_most)
    kept_calls = room.drop("rank", "taken")
    of_calls = (
        kept_calls.select(
            call="grade",
            rank=rank,
            gap_id=pl.col("gap_ids").str.split(";"),
        )
        .explode("gap_id", empty_as_null=True, keep_nulls=True)
        .sort("rank")
        .unique("gap_id", keep="first", maintain_order=True)
        .drop("rank")
    )
    length_s = pl.coalesce("duration_s", (pl.lit(data_end) - pl.col("off_at")).dt.total_seconds())
    marked = gaps.join(of_calls, on="gap_id", how="left", maintain_order="left").with_columns(
        length_s=length_s
    )
    is_long = (
        (pl.col("length_s") >= rules.least_h * HOUR_S)
        & (pl.col("month") >= first)
        & ~pl.col("cause").is_in(["left_region"]).fill_null(value=False)
    )
    with_call = marked.filter(pl.col("call").is_not_null())
    others = marked.filter(is_long & pl.col("call").is_null()).sort(
        (pl.col("p_off") >= rules.probable_from).fill_null(value=False),
        "length_s",
        "gap_id",
        descending=[True, True, False],
    )
    left = max(0, rules.rows_most - kept_calls.height - with_call.height)
    kept = pl.concat([with_call, others.head(left)])
    return Chosen(
        first_month=first,
        gaps=kept.sort("off_at", "gap_id"),
        calls=kept_calls.sort("window_from", "call_id"),
        counts={
            "calls_all": calls.height,
            "calls_in_time": graded.height,
            "calls_shown": kept_calls.height,
            "gaps_all": gaps.height,
            "gaps_long": marked.filter(is_long).height,
            "gaps_shown": kept.height,
            "gaps_of_calls_shown": with_call.height,
        },
    )
