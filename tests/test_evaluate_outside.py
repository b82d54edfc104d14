"""Labels from elsewhere: read strictly, and held against the published tables."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError, UsageError
from pipeline.evaluate import Evaluation, evaluate_labels, read_labels, write_evaluation
from pipeline.evaluate.limits import EvaluationRules
from tests.evaluate_worlds import MMSI, at, gap, ship_hours, write_run

RULES = EvaluationRules(resamples=20)


def labels_file(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, "utf-8")
    return path


def values(found: Evaluation) -> dict[tuple[str, str], Any]:
    return {(one.measure, one.subject): one.value for one in found.findings}


def test_gaps_are_read_by_id_or_by_ends(tmp_path: Path) -> None:
    path = labels_file(
        tmp_path,
        "gap_id,mmsi,off_at,on_at,is_off,note\n"
        "abc,,,,true,seen on radar\n"
        ",273000000,2023-01-01T05:00:00Z,2023-01-01T15:00:00+03:00,0,\n",
    )
    labels = read_labels(path)
    assert labels.kind == "gaps"
    assert labels.rows["line"].to_list() == [2, 3]
    assert labels.rows["is_off"].to_list() == [True, False]
    assert labels.rows["on_at"].to_list() == [None, datetime(2023, 1, 1, 12)]


def test_calls_are_read(tmp_path: Path) -> None:
    path = labels_file(
        tmp_path,
        "imo,port_group,arrival_at,departure_at,is_dark\n"
        "9187629,astrakhan,2023-01-01,2023-01-02T06:00:00Z,1\n",
    )
    labels = read_labels(path)
    assert labels.kind == "calls"
    assert labels.rows.row(0, named=True)["imo"] == 9_187_629


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mmsi,off_at,is_off\n", r"line 1, column header: found 'mmsi, off_at, is_off'"),
        ("gap_id,is_off,speed\n", r"line 1, column header"),
        ("", r"line 1, column header: found ''"),
        ("gap_id,is_off\nabc,maybe\n", r"line 2, column is_off: found 'maybe', expected 1, 0"),
        ("gap_id,is_off\nabc,\n", r"line 2, column is_off: found ''"),
        ("gap_id,is_off\n,1\n", r"line 2, column gap_id: found '', expected a gap_id, or mmsi"),
        ("gap_id,is_off\n", r"no row below the header"),
        ("gap_id,is_off\nabc\n", r"line 2, column all: found '1', expected 2 cells"),
        (
            "mmsi,off_at,on_at,is_off\n27300000,2023-01-01,2023-01-02,1\n",
            r"line 2, column mmsi: found '27300000', expected nine digits",
        ),
        (
            "mmsi,off_at,on_at,is_off\n273000000,yesterday,2023-01-02,1\n",
            r"line 2, column off_at: found 'yesterday', expected an instant",
        ),
        (
            "mmsi,port_group,arrival_at,departure_at,is_dark\n,baku,2023-01-01,2023-01-02,1\n",
            r"line 2, column mmsi: found '', expected an MMSI",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_labels(labels_file(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_labels(tmp_path / "labels.csv")


def test_gaps_are_judged_by_the_labels_and_by_nothing_else(tmp_path: Path) -> None:
    rows = [gap(0, 20, p_off=0.9), gap(24, 60, p_off=0.2), gap(70, 100, p_off=0.9)]
    write_run(tmp_path, rows, ship_hours(200))
    text = (
        "gap_id,mmsi,off_at,on_at,is_off\ngap-001,,,,1\n"
        f",{MMSI},{at(24).isoformat()},{at(60).isoformat()},false\nnobody,,,,1\n"
    )
    found = evaluate_labels(
        tmp_path / "processed", read_labels(labels_file(tmp_path, text)), rules=RULES
    )
    given = values(found)
    assert given["labels of a published gap", ""] == 2
    assert given["labels of no published gap", ""] == 1
    assert given["prevalence", ""] == 0.5
    assert given["precision", "p_off at least 0.8"] == 1
    assert given["precision", "at_least_30h"] == 0
    assert given["average precision", "duration"] == 0.5
    assert found.is_simulated
    write_evaluation(found, tmp_path / "out")
    assert "SIMULATED" in (tmp_path / "out" / "evaluation.md").read_text("utf-8")


def test_labels_of_other_gaps_are_an_error(tmp_path: Path) -> None:
    write_run(tmp_path, [gap(0, 20)], ship_hours(48))
    labels = read_labels(labels_file(tmp_path, "gap_id,is_off\nnobody,1\n"))
    with pytest.raises(UsageError, match="none of 1 labels"):
        evaluate_labels(tmp_path / "processed", labels, rules=RULES)


def test_calls_are_found_where_ship_group_and_window_agree(tmp_path: Path) -> None:
    row = {"gap_ids": "gap-001", "window_from": at(10), "window_to": at(30), "imo": 9_187_629}
    published = {"dark_port_calls": [{**row, "mmsi": MMSI, "port_group": "astrakhan"}]}
    write_run(tmp_path, [gap(10, 30)], ship_hours(48), published=published)
    lines = [
        (MMSI, "", "astrakhan", 12, 20, 1),  # found by MMSI
        ("", 9_187_629, "astrakhan", 12, 20, 0),  # found by IMO number, and was not dark
        (MMSI, "", "baku", 12, 20, 1),
        (MMSI, "", "astrakhan", 28, 34, 1),
        (MMSI + 1, "", "astrakhan", 12, 20, 1),
    ]
    text = "mmsi,imo,port_group,arrival_at,departure_at,is_dark\n" + "".join(
        f"{mmsi},{imo},{group},{at(begin).isoformat()},{at(end).isoformat()},{dark}\n"
        for mmsi, imo, group, begin, end, dark in lines
    )
    labels = read_labels(labels_file(tmp_path, text))
    given = values(evaluate_labels(tmp_path / "processed", labels, rules=RULES))
    assert given["recall", "dark_port_calls"] == pytest.approx(1 / 4)
    assert given["precision", "dark_port_calls"] == pytest.approx(1 / 2)
    assert given["labelled not dark, and flagged", ""] == 1
