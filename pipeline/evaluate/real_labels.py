"""Real gaps that a second provider labels: the file, what may be learnt from, folds, rules.

The file holds 94,823 silences of 12 h and more of offshore fishing vessels, 2017-2019
(GlobalFishingWatch/AIS-disabling-high-seas, Apache-2.0; Welch et al. 2022, Science Advances 8,
eabq2109). `label_disabled` is 1 where a second satellite provider that heard the vessel within
48 h of the gap, or in it, was itself without a position for 12 h in a row inside the gap.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.errors import UsageError
from pipeline.evaluate.limits import RealLabelRules
from pipeline.evaluate.measures import Bools, Floats, Ints

LABEL = "label_disabled"
COUNT_12H = "positions_12h_before"
COUNT_LENGTH = "positions_xh_before"
RECEPTION = "reception_positions_per_day"
# Every column of the file, and why it is learnt from or not.
COLUMNS = {
    LABEL: "the label, never a feature",
    COUNT_12H: "used: positions by satellite in the 12 h before the off time; known then",
    RECEPTION: "used: positions a day that vessels of its AIS class get through in the degree cell"
    " of the off point in that month; says nothing of this gap, but the month's map is whole at its"
    " end only",
    COUNT_LENGTH: "only in the second set: positions in the t hours before the off time, where t"
    " is the length of the gap; nothing else of the on point, but known only when the gap is over",
    "positions_12h_after": "never: after the on time",
    "positions_xh_after": "never: after the on time",
}
FEATURE_SETS = {
    "off point only": (COUNT_12H, RECEPTION),
    "off point, and the gap's length": (COUNT_12H, RECEPTION, COUNT_LENGTH),
}


@dataclass(frozen=True)
class PublishedRule:
    """A published rule: flagged where every column reaches its threshold.

    Attributes:
        name: its name in the published scores.
        least: column -> threshold, `>=`.
    """

    name: str
    least: dict[str, int]

    def flag(self, gaps: pl.DataFrame) -> Bools:
        """Return whether each gap is flagged (rows)."""
        reached = [pl.col(column) >= least for column, least in self.least.items()]
        return gaps.select(pl.all_horizontal(reached)).to_series().to_numpy()


PUBLISHED = (
    PublishedRule("model_12hb", {COUNT_12H: 15}),
    PublishedRule("model_rec_12hb", {COUNT_12H: 12, RECEPTION: 33}),
    PublishedRule("model_Xhb", {COUNT_LENGTH: 19}),
)


def read_labelled_gaps(path: Path) -> pl.DataFrame:
    """Return the labelled gaps in the file's order: the columns of COLUMNS.

    Raises:
        UsageError: the file is no Parquet, lacks a column, or holds a null or a label beside 0, 1.
    """
    try:
        gaps = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError(f"labelled gaps {path}: {error}") from error
    if missing := sorted(set(COLUMNS) - set(gaps.columns)):
        raise UsageError(f"labelled gaps {path}: lacks {', '.join(missing)}")
    gaps = gaps.select(*COLUMNS)
    if sum(gaps.null_count().row(0)) or not gaps[LABEL].is_in([0, 1]).all():
        raise UsageError(f"labelled gaps {path}: a cell is empty, or a label is neither 0 nor 1")
    return gaps


def read_published_scores(path: Path) -> dict[str, float]:
    """Return the F0.5 their authors stored, by the rule's name.

    Raises:
        UsageError: the file cannot be read or lacks a score.
    """
    try:
        stored = json.loads(path.read_text("utf-8"))
        return {one.name: float(stored[one.name]["optimal_F0.5"]) for one in PUBLISHED}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"published scores {path}: {error!r}") from error


def build_features(gaps: pl.DataFrame, columns: tuple[str, ...]) -> Floats:
    """Return logs of the columns, and of all their ratios (rows, features).

    A count beside what the place lets through says more than either; one is added to each, as a
    count may be 0.
    """
    logs = [np.log1p(gaps[column].to_numpy().astype(np.float64)) for column in columns]
    return np.column_stack([*logs, *(one - other for one, other in combinations(logs, 2))])


def group_rows(gaps: pl.DataFrame, rules: RealLabelRules) -> dict[str, Ints]:
    """Return the group of each row by kind of fold; a group is never split between folds.

    The file has no vessel, place or time. What it has: equal reception to the last digit is one
    degree cell, month and AIS class (`cells`), and rows of one vessel and area lie together
    (`row blocks`).
    """
    rows = np.arange(gaps.height)
    cells = np.unique(gaps[RECEPTION].to_numpy(), return_inverse=True)[1]
    return {
        "row blocks": (rows // rules.block_rows).astype(np.int64),
        "cells": cells.astype(np.int64),
        "random rows": rows.astype(np.int64),
    }


def deal_folds(groups: Ints, folds: int, seed: int) -> Ints:
    """Return the fold of each row (from 0): whole groups, dealt at random."""
    names, codes = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    fold_of_group = np.empty(len(names), dtype=np.int64)
    fold_of_group[order] = np.arange(len(names)) % folds
    return fold_of_group[codes]
