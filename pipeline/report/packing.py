"""Frames as small JSON: a list a column, repeated words once, sentences by what differs in them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

NUMBER = re.compile(r"\d(?:[\d.:-]*\d)?")
# Where a number stood: no printable text holds it.
HOLE = "\x1f"
EPOCH = datetime(1970, 1, 1)


def pack_frame(frame: pl.DataFrame) -> dict[str, Any]:
    """Return {rows, columns}: a list per column; text as {words, at}, instants in minutes."""
    return {
        "rows": frame.height,
        "columns": {name: _pack_column(frame[name]) for name in frame.columns},
    }


def _pack_column(column: pl.Series) -> Any:
    if column.dtype == pl.String and column.n_unique() < max(1, len(column) // 2):
        words = column.unique().drop_nulls().sort().to_list()
        at = {word: number for number, word in enumerate(words)}
        return {"words": words, "at": [at.get(word) for word in column.to_list()]}
    return [plain(value) for value in column.to_list()]


def plain(value: Any) -> Any:
    """Return a value as JSON can say it: days as text, instants as whole minutes since 1970."""
    if isinstance(value, datetime):
        return int((value - EPOCH).total_seconds()) // 60
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value == int(value) else float(f"{value:.6g}")
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def pack_sentences(texts: Sequence[str]) -> dict[str, Any]:
    """Return texts as sentences with holes and what stands in them.

    `at[i]` are the numbers of the sentences of text i, `values[i]` what fills their holes in order.
    """
    sentences: dict[str, int] = {}
    at: list[list[int]] = []
    values: list[str] = []
    for text in texts:
        told = text.replace(HOLE, " ").replace("|", "/")
        values.append("|".join(NUMBER.findall(told)))
        parts = re.split(r"(?<=\. )", NUMBER.sub(HOLE, told))
        at.append([sentences.setdefault(part, len(sentences)) for part in parts if part])
    return {"sentences": list(sentences), "at": at, "values": values}


def as_script_json(content: Any) -> str:
    """Return JSON that may stand in a script element: no `<`, so that nothing in it ends it."""
    text = json.dumps(
        content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True
    )
    # The two separators are line ends to some readers of scripts.
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text
