"""Which columns of gaps make a version, and what changed in them, in words."""

from __future__ import annotations

import polars as pl

from pipeline.schema import Gaps, GapVersions, polars_schema

# Columns of gaps whose change alone makes no version: the first three change with every night's
# data_end, then two that are told once a run (table runs); the last move a little with every night
# of the month that a gap is learned with, and p_off tells what they come to.
SILENT = (
    *("data_end", "status", "reasons"),
    *("method_version", "rules_hash"),
    *("p_off_low", "p_off_high", "p_off_direct", "witnesses", "live_h", "expected_receptions"),
    *("weakly_identified", "own_factor", "log_odds_before", "log_odds_silence"),
)
# p_off has changed when it is another multiple of this (judgement: less changes no reader's mind,
# and every night moves the last month's a little).
P_OFF_STEP = 0.05
IDENTITY = ("ship_id", "imo", "name", "flag", "fleet", "ship_type")
ENDS = ("on_at", "on_lon", "on_lat", "on_mmsi")
JUDGED = ("cause", "p_off")
TYPES = polars_schema(Gaps)
WATCHED = tuple(name for name in TYPES if name not in ("gap_id", *SILENT))
# The columns of gaps that a version keeps.
STATE = tuple(name for name in polars_schema(GapVersions) if name in WATCHED)
WORD_MAX_LETTERS = 40


def differ(*names: str) -> pl.Expr:
    """Return whether any of the columns differs from its *_before; two nulls do not.

    p_off differs where it is another multiple of P_OFF_STEP, rounded down.
    """
    return pl.any_horizontal(
        _stepped(name, "").ne_missing(_stepped(name, "_before")) for name in names
    )


def _stepped(name: str, suffix: str) -> pl.Expr:
    column = pl.col(f"{name}{suffix}")
    return (column / P_OFF_STEP).floor() if name == "p_off" else column


def tell_changes() -> pl.Expr:
    """Return the changed columns in words: `fleet: unknown -> merchant; p_off: none -> 0.93`."""
    words = [
        pl.when(differ(name)).then(
            pl.format(f"{name}: {{}} -> {{}}", _tell_value(name, "_before"), _tell_value(name))
        )
        for name in WATCHED
        if name not in ("is_closed", "duration_h")  # told by `change` and by duration_s
    ]
    return pl.concat_str(words, separator="; ", ignore_nulls=True).alias("what")


def _tell_value(name: str, side: str = "") -> pl.Expr:
    """Return a value in words; text on one line, shortened, a ship's name in quotes.

    Names are typed in by strangers: quoted, a name cannot pass for another column or change.
    """
    column, dtype = pl.col(f"{name}{side}"), TYPES[name]
    if dtype == pl.Boolean:
        told = pl.when(column).then(pl.lit("yes")).when(~column).then(pl.lit("no"))
    elif dtype == pl.Datetime:
        told = column.dt.strftime("%Y-%m-%d %H:%M:%S")
    elif dtype == pl.String:
        # Control and format characters (right-to-left marks), line and paragraph separators.
        line = column.str.replace_all(r"[\p{C}\p{Zl}\p{Zp}]", " ")
        is_long = line.str.len_chars() > WORD_MAX_LETTERS
        told = pl.when(is_long).then(line.str.head(WORD_MAX_LETTERS) + "...").otherwise(line)
    else:
        told = column.cast(pl.String)
    if name == "name":
        escaped = told.str.replace_all("\\", "\\\\", literal=True)
        told = '"' + escaped.str.replace_all('"', '\\"', literal=True) + '"'
    return told.fill_null("none")
