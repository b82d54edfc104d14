"""90 % intervals of monthly totals: how many gaps were off, how many calls dark, drawn (METHOD 7).

One outcome a gap and draw, over {off, on} x {no call, each port group}: the calls of a gap and
whether its set was off hang together, and so do all gaps that were judged by the same months.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

import numpy as np
import polars as pl

from pipeline.indicator.draws import LEAST_P, Bools, Floats, Learned, draw_uniforms

OFF_CELL = ("flag", "fleet", "area", "port_group")
CALL_CELL = ("flag", "port_country", "port_group")
# Scope -> the column that marks its rows; the scope `all` is every row.
SCOPES = {
    "all": None,
    "any_flag_crossing": "in_any_flag_crossing",
    "ru_ir_any": "in_ru_ir_any",
    "ru_ir_crossing": "in_ru_ir_crossing",
}
SETS_AT_ONCE = 2_048  # bounds memory: of totals, 2,000 draws of four bytes each
JUDGED = ("p_off", "p_off_low", "p_off_high", "judged_month")


@dataclass(frozen=True, eq=False)
class CallDraws:
    """The calls of one month, drawn.

    Attributes:
        month: first day.
        rows: table call_chances, the rows that count, with `is_certain`.
        happened: a row per row, a column per draw.
    """

    month: date
    rows: pl.DataFrame
    happened: Bools

    def total(self, scope: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the calls of a scope under each draw."""
        return self.happened[in_scope(self.rows, scope)].sum(axis=0, dtype=np.int64)

    def expect(self, scope: str) -> float:
        """Return the exact sum of a scope's P_call, proved calls as 1."""
        p_call = np.where(self.rows["is_certain"].to_numpy(), 1.0, self.rows["p_call"].to_numpy())
        # Whole millionths, as in call_sums: the same whatever the order.
        millionths = np.round(p_call * 1e6).astype(np.int64)
        return int(millionths[in_scope(self.rows, scope)].sum()) / 1e6


def is_judged() -> pl.Expr:
    """Return whether a row of call_chances counts: unobservable gaps add nothing (grade D)."""
    return pl.col("p_call").is_not_null() & ~pl.col("is_unobservable")


def in_scope(rows: pl.DataFrame, scope: str) -> Bools:
    """Return which rows of call_chances, or of lit calls, a scope holds."""
    column = SCOPES[scope]
    return rows[column].to_numpy().copy() if column else np.ones(rows.height, np.bool_)


def draw_off_intervals(ladder: pl.DataFrame, learned: Learned, level: float) -> pl.DataFrame:
    """Return the interval of expected_off for each cell of monthly_gaps in which it is above 0.

    Args:
        ladder: mart gap_ladder with `judged_month`.
        learned: drawn.
        level: of the interval.

    Returns:
        month, OFF_CELL, at_least_h, low, high; by month.
    """
    judged = ladder.filter(pl.col("kind") == "gap", pl.col("p_off") > 0)
    key = (*OFF_CELL, "at_least_h")
    found = [pl.DataFrame(schema={"month": pl.Date, **_types(judged, key), **ENDS})]
    for (month,), rows in judged.sort("month", "gap_id").group_by("month", maintain_order=True):
        gaps = rows.unique("gap_id", maintain_order=True).with_row_index("number")
        was_off = _draw_off(gaps, learned)
        cells = _cube(rows.join(gaps.select("gap_id", "number"), on="gap_id"), OFF_CELL)
        ends = sum_sets(cells, key, was_off, level)
        found.append(ends.select(pl.lit(month).alias("month"), *key, *ENDS))
    return pl.concat(found)


def _draw_off(gaps: pl.DataFrame, learned: Learned) -> Bools:
    """Return in which draws the set of a gap was off: a row per gap."""
    was_off = np.zeros((gaps.height, learned.draws), np.bool_)
    for at in range(0, gaps.height, SETS_AT_ONCE):
        part = gaps.slice(at, SETS_AT_ONCE)
        p_off = learned.draw_p_off(*take_judged(part))
        was_off[at : at + part.height] = (
            draw_uniforms(part["gap_id"].to_list(), learned.draws) < p_off
        )
    return was_off


def draw_calls(chances: pl.DataFrame, learned: Learned) -> Iterator[CallDraws]:
    """Yield the calls of each month, drawn, by month.

    A proved call (grade A) happens in every draw, and then nothing else does in its gap; a refuted
    one (X) in none. Rows of unobservable gaps, and with P_call 0, are left out.

    Args:
        chances: table call_chances with JUDGED and `grade` (A, X or null) of each row.
        learned: drawn.
    """
    is_proved = (pl.col("grade") == "A").fill_null(value=False)
    is_refuted = (pl.col("grade") == "X").fill_null(value=False)
    shared = (
        chances.filter(is_judged() | is_proved)
        .sort("gap_id", "port_group")
        .with_columns(pl.col("p_call").fill_null(0), pl.col("p_off").fill_null(0))
        .with_columns(
            upper=pl.col("p_call").cum_sum().over("gap_id"),
            p_any=pl.col("p_call").sum().over("gap_id"),
            is_certain=is_proved,
            is_told=is_proved.any().over("gap_id"),
        )
    )
    counted = shared.filter(
        pl.col("is_counted"),
        ~is_refuted,
        pl.col("is_certain") | (~pl.col("is_told") & (pl.col("p_call") > 0)),
    ).sort("month", "gap_id", "port_group")
    for (month,), rows in counted.group_by("month", maintain_order=True):
        yield CallDraws(month, rows, _draw_rows(rows, learned))  # pyright: ignore[reportArgumentType]


def _draw_rows(rows: pl.DataFrame, learned: Learned) -> Bools:
    """Return which rows of a month happened: a column per draw.

    A gap's number below p_off means off; which part of [0, p_off) it lies in says where.
    """
    happened = np.zeros((rows.height, learned.draws), np.bool_)
    for part in rows.with_row_index("at").iter_slices(SETS_AT_ONCE):
        gaps = part.unique("gap_id", maintain_order=True).with_row_index("number")
        p_off, p_any = (gaps[name].to_numpy() for name in ("p_off", "p_any"))
        p_off = np.maximum(np.maximum(p_off, p_any), LEAST_P)
        # Numbers on the scale of what is published: below p_any a call, below p_off off.
        scale = draw_uniforms(gaps["gap_id"].to_list(), learned.draws)
        scale *= p_off[:, None] / learned.draw_p_off(*take_judged(gaps))
        scale /= learned.draw_call_factor(p_any / p_off, gaps["judged_month"].to_list())
        of_row = part.select("gap_id").join(
            gaps.select("gap_id", "number"), on="gap_id", maintain_order="left"
        )["number"]
        drawn = scale[of_row.to_numpy()]
        upper, p_call = (part[name].to_numpy()[:, None] for name in ("upper", "p_call"))
        at = part["at"].to_numpy()
        happened[at] = (drawn < upper) & (drawn >= upper - p_call)
        happened[at] |= part["is_certain"].to_numpy()[:, None]
    return happened


def draw_call_intervals(drawn: CallDraws, level: float) -> pl.DataFrame:
    """Return the interval of expected_calls for each cell of a month: scope, CALL_CELL, ENDS."""
    rows = drawn.rows.select("flag", "port_country", "port_group").with_row_index("number")
    cells = [
        _cube(rows.filter(in_scope(drawn.rows, scope)), CALL_CELL).with_columns(scope=pl.lit(scope))
        for scope in SCOPES
    ]
    ends = sum_sets(pl.concat(cells), ("scope", *CALL_CELL), drawn.happened, level)
    return ends.select(pl.lit(drawn.month).alias("month"), "scope", *CALL_CELL, *ENDS)


ENDS = {"low": pl.Int64, "high": pl.Int64}


def sum_sets(cells: pl.DataFrame, key: Sequence[str], drawn: Bools, level: float) -> pl.DataFrame:
    """Return the interval of how many of a cell's rows came true.

    Most cells of a cube hold the same rows as another one: each set is summed up once.

    Args:
        cells: key, `number` (row of `drawn`).
        key: columns of a cell.
        drawn: a row per row, a column per draw.
        level: of the interval.
    """
    words = np.random.Generator(np.random.PCG64(0)).integers(0, 2**63, len(drawn), np.uint64)
    named = cells.with_columns(word=pl.Series(words).gather(cells["number"]))
    sets = named.group_by(key, maintain_order=True).agg(
        pl.col("word").sum(), size=pl.len(), number=pl.col("number")
    )
    distinct = sets.unique(("word", "size"), keep="first", maintain_order=True)
    counts = drawn.astype(np.int32)
    parts = [_find_ends(part, counts, level) for part in distinct.iter_slices(SETS_AT_ONCE)]
    ends = (
        pl.concat(parts)
        if parts
        else distinct.select("word", "size").with_columns(
            *(pl.lit(0, dtype).alias(name) for name, dtype in ENDS.items())
        )
    )
    return sets.join(ends, on=["word", "size"], how="left", maintain_order="left").select(
        *key, *ENDS
    )


def _find_ends(sets: pl.DataFrame, counts: np.ndarray, level: float) -> pl.DataFrame:
    """Return word, size, ENDS of some sets."""
    from scipy.sparse import csr_matrix

    sizes = sets["size"].to_numpy()
    starts = np.concatenate([[0], np.cumsum(sizes)])
    members = sets["number"].explode().to_numpy()
    matrix = csr_matrix(
        (np.ones(len(members), np.int32), members, starts), shape=(sets.height, len(counts))
    )
    low, high = take_ends(np.asarray(matrix @ counts), level)
    return (
        sets.select("word", "size")
        .with_columns(low=pl.Series(low), high=pl.Series(high))
        .cast(
            ENDS  # pyright: ignore[reportArgumentType]
        )
    )


def take_ends(totals: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return both ends of the interval of drawn totals (a column per draw), rounded outwards."""
    last = totals.shape[-1] - 1
    low, high = (
        int(np.floor((1 - level) / 2 * last)),
        int(np.ceil((1 + level) / 2 * last)),
    )
    sorted_so_far = np.partition(totals, (low, high), axis=-1)
    return sorted_so_far[..., low], sorted_so_far[..., high]


def take_judged(gaps: pl.DataFrame) -> tuple[Floats, Floats, Floats, list[date]]:
    """Return p_off, its ends, and the month of judgement, as `Learned.draw_p_off` takes them."""
    p = gaps["p_off"].fill_null(0.0).to_numpy()
    low, high = (
        gaps[name].fill_null(gaps["p_off"]).fill_null(0.0).to_numpy()
        for name in ("p_off_low", "p_off_high")
    )
    return p, low, high, gaps["judged_month"].to_list()


def _cube(rows: pl.DataFrame, dimensions: Sequence[str]) -> pl.DataFrame:
    """Return the rows in all combinations in which `all` may stand for a dimension."""
    return pl.concat(
        [
            rows.with_columns(
                pl.lit("all").alias(name)
                for name, is_all in zip(dimensions, which, strict=True)
                if is_all
            )
            for which in product((False, True), repeat=len(dimensions))
        ]
    )


def _types(frame: pl.DataFrame, names: Sequence[str]) -> dict[str, pl.DataType]:
    return {name: frame.schema[name] for name in names}
