"""What changed tonight of what is told of the gaps, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipeline.errors import CheckError
from pipeline.gap_table import judge_status
from pipeline.history.words import ENDS, IDENTITY, JUDGED, STATE, WATCHED, differ, tell_changes
from pipeline.schema import GapVersions, conform, polars_schema


@dataclass(frozen=True)
class Basis:
    """What a night's gaps stand on."""

    data_end: datetime
    method_version: str
    rules_hash: str
    code_hash: str


@dataclass(frozen=True)
class Context:
    """What must be known of a run to say why gaps changed in it.

    Attributes:
        run: number of this run.
        now: what this run's gaps stand on.
        before: the same of the last published run; None where this is the first.
        is_raw_removed: raw files were removed or replaced since then.
        has_late_rows: new rows lie before the data_end of that run; False only where that is known
            not to be so.
        shortest_s: shortest silence that is a gap (`GapRules.shortest_s`).
        final_after_d: a month is final this many days after its end (`GapRules.final_after_d`).
    """

    run: int
    now: Basis
    before: Basis | None
    is_raw_removed: bool
    has_late_rows: bool
    shortest_s: int
    final_after_d: int


def compare_gaps(
    before: pl.DataFrame, after: pl.DataFrame, known: pl.DataFrame, context: Context
) -> pl.DataFrame:
    """Return the rows of `gap_versions` that this run adds, sorted by gap_id.

    Args:
        before: table gaps of the last published run, empty where there is none.
        after: table gaps of this run.
        known: `list_known` of the history so far; empty: the history begins with this run.
        context: what the run knows of itself and of the last one.

    Raises:
        CheckError: `before` does not hold just the gaps that are present in `known`.
    """
    before = before.clear() if known.is_empty() else before
    _agree(before, known)
    changed = _pair_changed(before, after)
    rows = pl.concat(
        [
            after.join(before, on="gap_id", how="anti").select(*_kept(), _flags(is_new=True)),
            changed.select(*_kept(), _flags(**_changes()), tell_changes()),
            before.join(after, on="gap_id", how="anti").select(*_kept(), _flags(is_gone=True)),
        ],
        how="diagonal_relaxed",
    ).unnest("flags")
    rows = rows.join(known, on="gap_id", how="left").with_columns(
        run=pl.lit(context.run),
        data_end=pl.lit(context.now.data_end, dtype=pl.Datetime("us")),
        change=_name_change(),
        why=_name_why(context),
        was_final=_was_final(context),
        is_present=~pl.col("is_gone"),
        version=pl.col("version").fill_null(0) + 1,
    )
    return conform(rows.select(polars_schema(GapVersions).names()), GapVersions).sort("gap_id")


def _agree(before: pl.DataFrame, known: pl.DataFrame) -> None:
    present = known.filter("is_present")
    strangers = before.join(present, on="gap_id", how="anti").height
    missing = present.join(before, on="gap_id", how="anti").height
    if strangers or missing:
        raise CheckError(
            f"gap_versions and gaps of the last run disagree: {strangers} gaps without a version,"
            f" {missing} versions without a gap; restore both from one back-up, or move"
            " gap_versions away to begin the history anew"
        )


def _pair_changed(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the gaps in both tables of which a watched column differs, the old as *_before."""
    pairs = after.join(before.select("gap_id", *WATCHED), on="gap_id", suffix="_before")
    return pairs.filter(differ(*WATCHED))


def _kept() -> list[str]:
    return ["gap_id", *STATE]


def _flags(**given: pl.Expr | bool) -> pl.Expr:
    """Return what happened to the gap, as one struct; not given: no, or no instant."""
    usual: dict[str, pl.Expr | bool] = dict.fromkeys(
        ("is_new", "is_gone", "was_open", "is_moved", "is_only_told", "is_only_judged"), False
    )
    no_instant = pl.lit(None, dtype=pl.Datetime("us"))
    flags = {**usual, "on_at_before": no_instant, **given}
    return pl.struct(
        (value if isinstance(value, pl.Expr) else pl.lit(value)).alias(name)
        for name, value in flags.items()
    ).alias("flags")


def _changes() -> dict[str, pl.Expr]:
    unlabelled = [name for name in WATCHED if name not in IDENTITY]
    return {
        "was_open": pl.col("is_closed_before").not_(),
        "is_moved": differ("is_closed", *ENDS),
        "is_only_told": ~differ(*unlabelled),
        "is_only_judged": ~differ(*(name for name in unlabelled if name not in JUDGED)),
        "on_at_before": pl.col("on_at_before"),
    }


def _name_change() -> pl.Expr:
    return (
        pl.when("is_gone")
        .then(pl.lit("withdrawn"))
        .when(pl.col("is_new") & pl.col("version").is_not_null())
        .then(pl.lit("returned"))
        .when(pl.col("is_new") & pl.col("is_closed"))
        .then(pl.lit("first_seen"))
        .when("is_new")
        .then(pl.lit("opened"))
        .when(pl.col("was_open") & pl.col("is_closed"))
        .then(pl.lit("closed"))
        .when(~pl.col("was_open") & ~pl.col("is_closed"))
        .then(pl.lit("reopened"))
        .otherwise(pl.lit("changed"))
    )


def _name_why(context: Context) -> pl.Expr:
    """Return why a gap changed: what the instants prove first, then what the run may have done.

    Not told apart, as the tables of two nights cannot: changed code, method or rules (the first
    of method, rules, software that changed is named) from data of the same night; removed raw
    files from late rows of the same night.
    """
    if context.before is None:
        return pl.lit("new_data")
    end_before, end_now = pl.lit(context.before.data_end), pl.lit(context.now.data_end)
    told_from = pl.col("off_at") + timedelta(seconds=context.shortest_s)
    # A sighting is told where it lies before data_end; at or after it, it waits.
    ended_since = pl.col("is_moved") & (pl.col("on_at") >= end_before)
    waits_again = (pl.col("is_moved") & (pl.col("on_at_before") >= end_now)) | (
        pl.col("is_gone") & (told_from > end_now)
    )
    upgrade = _name_upgrade(context.before, context.now)
    otherwise = _name_arrival(context)
    return (
        pl.when(pl.col("is_new") & (told_from > end_before))
        .then(pl.lit("new_data"))
        .when(pl.col("was_open") & ended_since)
        .then(pl.lit("closed"))
        .when(ended_since)
        .then(pl.lit("new_data"))
        .when(waits_again)
        .then(pl.lit("earlier_data_end"))
        .when(pl.lit(upgrade is not None))
        .then(pl.lit(upgrade, dtype=pl.String))
        .when("is_only_told")
        .then(pl.lit("relabelled"))
        .when("is_only_judged")
        .then(pl.lit("rejudged"))
        .otherwise(pl.lit(otherwise))
    )


def _name_upgrade(before: Basis, now: Basis) -> str | None:
    """Return what of the job itself changed. A new method changes rules_hash and code_hash too."""
    if before.method_version != now.method_version:
        return "method"
    if before.rules_hash != now.rules_hash:
        return "rules"
    return "software" if before.code_hash != now.code_hash else None


def _name_arrival(context: Context) -> str:
    """Return which rows changed what was told. New rows do, where they refute a lone ping."""
    if context.is_raw_removed:
        return "raw_removed"
    return "late_data" if context.has_late_rows else "new_data"


def _was_final(context: Context) -> pl.Expr:
    if context.before is None:
        return pl.lit(value=False)
    status = judge_status(pl.col("month"), context.before.data_end, context.final_after_d)
    return status == "final"
