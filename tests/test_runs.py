"""Runs and searches in sorted positions, against plain loops."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import port_parts, runs

ROWS = 12
some_rows = st.sets(st.integers(0, ROWS - 1)).map(sorted)


@given(some_rows, some_rows)
def test_latest_and_next_are_those_a_loop_finds(marked: list[int], asked: list[int]) -> None:
    positions, rows = np.array(marked, np.intp), np.array(asked, np.intp)
    latest = [max((one for one in marked if one <= row), default=-1) for row in asked]
    following = [min((one for one in marked if one >= row), default=99) for row in asked]
    assert runs.find_latest(positions, rows).tolist() == latest
    assert runs.find_next(positions, rows, 99).tolist() == following


@pytest.mark.parametrize(
    "values",
    [
        pl.Series(["a", "a", None, None, "b", "a"]),
        pl.Series(["a", "a", "b"]),
        pl.Series([1, 1, None, 2]),
        pl.Series([True, True, False]),
        pl.Series([datetime(2023, 5, 1) + timedelta(hours=at // 2) for at in range(5)]),
        pl.Series([], dtype=pl.String),
    ],
)
def test_a_change_is_where_a_row_differs_from_the_one_before(values: pl.Series) -> None:
    said = values.to_list()
    wanted = [at == 0 or said[at] != said[at - 1] for at in range(len(said))]
    assert runs.find_changes(values).tolist() == wanted


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=ROWS))
def test_a_run_is_cut_at_its_first_entry(rows: list[tuple[bool, bool]]) -> None:
    begins = np.array([begin or at == 0 for at, (begin, _) in enumerate(rows)], np.bool_)
    is_entry = np.array([entry for _, entry in rows], np.bool_)
    is_entered, wanted = False, []
    for at in range(len(rows)):
        before = is_entered
        is_entered = bool(is_entry[at]) or (before and not begins[at])
        if begins[at] or is_entered != before:
            wanted.append((at, is_entered))
    starts, entered = port_parts.cut_parts(begins, is_entry)
    assert list(zip(starts.tolist(), entered.tolist(), strict=True)) == wanted
