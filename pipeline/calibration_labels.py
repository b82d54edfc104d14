"""Reading a user's labels of gaps, and joining them to the gaps they name (METHOD 4.6)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ConfigError, printable
from pipeline.rules import CalibrationRules
from pipeline.user_csv import read_records

SHOWN_CHARACTERS = 40
TITLE = "calibration labels"
COLUMNS = ("gap_id", "is_off", "source", "date")
ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
# What `fit_calibration` and `check_calibration` take, where p_off is not null.
LABELS_SCHEMA = {
    "gap_id": pl.String,
    "mmsi": pl.Int32,
    "p_off": pl.Float64,
    "is_off": pl.Boolean,
}


def read_calibration_labels(
    path: Path, gaps: pl.DataFrame, rules: CalibrationRules
) -> pl.DataFrame:
    """Return the labelled gaps: columns of LABELS_SCHEMA, by gap_id.

    The file is a CSV in UTF-8 with the columns of COLUMNS in any order and no others: `is_off` is
    yes or no, `source` says who knows it, `date` (ISO 8601) when it was written down. Labels of
    gaps without p_off (explained otherwise, METHOD 4) are right, but nothing to calibrate: theirs
    is null.

    Args:
        path: the user's file.
        gaps: one row per gap: gap_id, mmsi, p_off.
        rules: the longest `source`.

    Raises:
        ConfigError: the file cannot be read, a value is not of its kind, a gap_id is unknown or
            there twice; names line and column, what was found and what was expected.
    """
    header, records = read_records(path, TITLE, _refusal)
    if sorted(header) != sorted(COLUMNS):
        raise _refusal(path, 1, "header", ", ".join(header), f"the columns {', '.join(COLUMNS)}")
    known = set(gaps["gap_id"].to_list())
    line_of: dict[str, int] = {}
    answers: list[dict[str, Any]] = []
    for line, cells in records:
        gap_id = cells["gap_id"]
        if gap_id not in known:
            raise _refusal(path, line, "gap_id", gap_id, "the gap_id of a published gap")
        if gap_id in line_of:
            raise _refusal(
                path, line, "gap_id", gap_id, f"no gap twice: it is in line {line_of[gap_id]} too"
            )
        line_of[gap_id] = line
        answers.append({"gap_id": gap_id, "is_off": _read_answer(path, line, cells, rules)})
    if not answers:
        raise ConfigError(f"{TITLE} {path}: no row below the header")
    frame = pl.DataFrame(answers, schema={"gap_id": pl.String, "is_off": pl.Boolean})
    joined = frame.join(gaps.select("gap_id", "mmsi", "p_off"), on="gap_id", how="left")
    return joined.sort("gap_id").select(
        pl.col(name).cast(kind) for name, kind in LABELS_SCHEMA.items()
    )


def _read_answer(path: Path, line: int, cells: dict[str, str], rules: CalibrationRules) -> bool:
    """Return a record's is_off, its other cells checked."""
    answer = ANSWERS.get(cells["is_off"].lower())
    if answer is None:
        raise _refusal(path, line, "is_off", cells["is_off"], "yes or no")
    source = cells["source"]
    if not source or len(source) > rules.longest_text or source != printable(source):
        expected = f"1 to {rules.longest_text} printable characters"
        raise _refusal(path, line, "source", source, expected)
    try:
        date.fromisoformat(cells["date"])
    except ValueError:
        raise _refusal(path, line, "date", cells["date"], "a date like 2023-05-10") from None
    return answer


def _refusal(path: Path, line: int, column: str, found: object, expected: str) -> ConfigError:
    shown = printable(found)[:SHOWN_CHARACTERS]
    return ConfigError(
        f"{TITLE} {path}, line {line}, column {column}: found {shown!r}, expected {expected}"
    )
