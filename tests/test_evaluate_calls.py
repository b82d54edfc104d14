"""Candidates, port groups and sums of calls against truths small enough to count by hand."""

from __future__ import annotations

import math
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import schema
from pipeline.areas import load_areas
from pipeline.errors import UsageError
from pipeline.evaluate import Evaluation, evaluate, read_run, write_evaluation
from pipeline.evaluate.call_truth import compare_sets, find_stays
from pipeline.evaluate.expected_findings import compare_sums
from pipeline.evaluate.limits import EvaluationRules
from pipeline.rules import Rules
from tests.accuracy_page import tell_calls
from tests.builders import frame
from tests.evaluate_worlds import MMSI, at, call, gap, ship_hours, truth_frame, write_run
from tests.night import GEO
from tests.test_evaluate import finding, value

RULES = EvaluationRules(resamples=40)
COUNTRIES = {"astrakhan": "RUS", "makhachkala": "RUS", "amirabad": "IRN", "baku": "AZE"}
OURS = "p_call + p_unheard"
SET = "mean set over the great-circle ellipse's"
DARK, UNHEARD = "sum of P_call / true dark calls", "sum of P_unheard / true unheard calls"
ASSESSED = ", in assessed gaps"
IN_AMIRABAD = {"lon": 53.367, "lat": 36.854}


def candidate(gap_id: str, group: str, p_call: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return a candidate with the widest window, many hours away."""
    known = {"to_h": 10.0, "from_h": 10.0, "window_from": at(0), "window_to": at(400)}
    row = {"gap_id": gap_id, "port_group": group, "country": COUNTRIES.get(group)}
    row |= {"p_call": p_call, "p_unheard": 0.0, "p_call_flat": p_call, "p_prior": 0.1}
    return row | (known if group != "none" else {}) | more


def judge(
    folder: Path, gaps: list[Any], calls: list[Any], candidates: list[Any], **tables: Any
) -> Evaluation:
    """Return the evaluation of a world of one ship and 400 hours; gaps are gap-001 and so on."""
    vessels = tables.pop("vessels", 1)
    hours = ship_hours(400, vessels)
    published = {"port_candidates": candidates, **tables}
    return evaluate([write_run(folder, gaps, hours, calls=calls, published=published)], rules=RULES)


# ------------------------------------------------------------------------------ candidates


def test_recall_counts_whole_stays_and_the_window_must_hold_them(tmp_path: Path) -> None:
    gaps = [gap(10, 30), gap(40, 60), gap(100, 120), gap(130, 150), gap(160, 180)]
    calls = [
        call(12, 20),  # a candidate, in its window
        call(45, 50, is_dark=False),  # a candidate whose window ends too early
        call(105, 110, port_group="amirabad"),  # no candidate
        call(145, 160, port_group="baku"),  # not wholly inside
        call(165, 170, port_group="baku"),  # in a gap that nobody judged
        call(22, 25.9, port_group="baku"),  # shorter than a visit
    ]
    rows = [
        candidate("gap-001", "astrakhan"),
        candidate("gap-002", "astrakhan", window_to=at(49)),
        candidate("gap-003", "astrakhan"),
        candidate("gap-004", "astrakhan"),
    ]
    found = judge(tmp_path, gaps, calls, rows)
    recall = finding(found, "recall")
    assert (recall.value, recall.count, recall.verdict) == (pytest.approx(2 / 3), 3, "missed")
    assert value(found, "true stay inside the window") == 0.5
    assert finding(found, "recall", "", "set off for the whole stay").value == 0.5
    assert finding(found, "recall", "", "set on for the whole stay").value == 1


def test_a_set_is_compared_with_what_straight_ways_would_allow() -> None:
    ends: dict[str, Any] = {
        f"{side}_{name}": degrees for side in ("off", "on") for name, degrees in IN_AMIRABAD.items()
    }
    gaps = frame(schema.Gaps, [gap(0, 9.3, **ends), gap(20, 25, **ends)]).with_columns(
        run=0, cluster=pl.lit("a"), vessel=0, is_off=pl.lit(value=True), is_rated=True,
        true_group=pl.lit("none"),
    )  # fmt: skip
    # Torkaman is 56 km away, 52 km to its edge: 20 km/h, had back from the hours that are told.
    chances = pl.DataFrame(
        {
            "gap_id": ["gap-001", "gap-001", "gap-001", "gap-002"],
            "port_group": ["amirabad", "bandar_torkaman", "none", "amirabad"],
            "to_h": [0.0, 2.6, None, 0.0],
            "from_h": [0.0, 2.6, None, 0.0],
            "off_km": [0.0, 56.0, None, 0.0],
            "on_km": [0.0, 56.0, None, 0.0],
        }
    )
    sets = compare_sets(chances, gaps, load_areas(GEO), Rules())
    # 30 kn for 2.6 h and back: Fereydunkenar and Ekerem too; an hour leaves Amirabad alone.
    assert sets["candidates"].to_list() == [2, 1]
    assert sets["ellipse"].to_list() == [2, 1]
    assert sets["ellipse_v_max"].to_list() == [4, 1]
    untold = compare_sets(chances.filter(pl.col("to_h") == 0), gaps, load_areas(GEO), Rules())
    assert untold["ellipse"].to_list() == [None, None]


def test_the_mean_set_is_over_the_mean_ellipse(tmp_path: Path) -> None:
    rows = [candidate("gap-001", name) for name in ("astrakhan", "baku")]
    found = judge(tmp_path, [gap(10, 200, on_lon=50.0, on_lat=42.0)], [], rows)
    v_max = finding(found, SET, "30 kn")
    # In 190 h every group of the Caspian and the Don can be reached and left at 30 kn.
    groups = load_areas(GEO).port_groups().height
    assert v_max.value == pytest.approx(2 / groups)
    assert v_max.verdict == ""
    assert finding(found, SET, "same bounding speed").target == "at most 0.6"


def test_a_stay_counts_from_four_hours_inside_the_gap_on() -> None:
    gaps = frame(schema.Gaps, [gap(10, 30)]).with_columns(vessel=pl.lit(0, pl.Int64))
    calls = [call(0, 14, call_id=1), call(26.1, 40, call_id=2), call(15, 20, call_id=3, off_h=5.0)]
    stays = find_stays(gaps, truth_frame("port_calls", calls), RULES)
    assert stays["call_id"].to_list() == [1, 3]
    assert stays["inside_h"].to_list() == [4, 5]
    assert stays["is_dark"].to_list() == [False, True]
    assert stays["is_unheard"].to_list() == [False, False]


def test_a_night_without_the_folder_of_candidates_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, [gap(10, 30)], ship_hours(48))
    shutil.rmtree(tmp_path / "processed" / "port_candidates")
    with pytest.raises(UsageError, match="port_candidates is missing"):
        read_run(tmp_path / "processed", tmp_path / "truth")


# ------------------------------------------------------------------------------ port group


def test_the_likeliest_of_groups_and_none_is_judged_beside_nearest_and_first(
    tmp_path: Path,
) -> None:
    gaps = [
        gap(10, 30, off_port_group="baku"),
        gap(40, 60, off_port_group="astrakhan"),
        gap(100, 120, off_port_group="none"),
        gap(130, 150),  # one group alone: nothing to tell apart
    ]
    calls = [call(12, 20), call(45, 50, is_dark=False), call(52, 59, port_group="baku")]
    rows = [
        candidate("gap-001", "astrakhan", 0.5, p_unheard=0.1, window_from=at(12)),
        candidate("gap-001", "baku", 0.1, window_from=at(11)),
        candidate("gap-001", "none", 0.3),
        # The longest stay of the second gap is at Baku.
        candidate("gap-002", "astrakhan", 0.0, p_unheard=0.7, window_from=at(42)),
        candidate("gap-002", "baku", 0.2, window_from=at(41)),
        candidate("gap-002", "none", 0.1),
        candidate("gap-003", "astrakhan", 0.3),
        candidate("gap-003", "baku", 0.2),
        candidate("gap-003", "none", 0.1, p_unheard=0.4),
        candidate("gap-004", "astrakhan", 1.0),
        candidate("gap-004", "none", 0.0),
    ]
    found = judge(tmp_path, gaps, calls, rows)
    top = finding(found, "top-1", OURS)
    assert (top.value, top.count, top.verdict) == (pytest.approx(2 / 3), 3, "missed")
    assert value(found, "top-1", "nearest port") == pytest.approx(1 / 3)  # none, in the third
    assert value(found, "top-1", "first candidate") == pytest.approx(1 / 3)
    assert value(found, "top-1", "no call ever") == pytest.approx(1 / 3)
    expected = -(math.log(0.6) + math.log(0.2) + math.log(0.5)) / 3
    assert value(found, "log-loss", OURS) == pytest.approx(expected)
    # One bin a gap: |0.6 - 1|, |0.7 - 0| and |0.5 - 1|.
    assert value(found, "expected calibration error of the likeliest", OURS) == pytest.approx(
        1.6 / 3
    )
    assert finding(found, "top-1", OURS, "a call truly made").count == 2


def test_a_true_group_that_is_no_candidate_costs_the_least_probability(tmp_path: Path) -> None:
    rows = [candidate("gap-001", "astrakhan", 0.5), candidate("gap-001", "baku", 0.5)]
    found = judge(tmp_path, [gap(10, 30)], [call(12, 20, port_group="amirabad")], rows)
    assert value(found, "log-loss", OURS) == pytest.approx(-math.log(RULES.least_p))
    drawn = write_evaluation(found, tmp_path / "out")
    assert tmp_path / "out" / "port_groups.png" in drawn


# ------------------------------------------------------------------------------ sums


def many_gaps(right: list[bool], p: float) -> tuple[list[Any], list[Any], list[Any]]:
    """Return gaps of 20 h with one candidate each, calls in some, and candidates."""
    gaps = [gap(30 * n, 30 * n + 20) for n in range(len(right))]
    calls = [call(30 * n + 5, 30 * n + 12) for n, is_true in enumerate(right) if is_true]
    rows = [
        candidate(f"gap-{n + 1:03}", "astrakhan", p, p_call_flat=2 * p, p_unheard=0.1)
        for n in range(len(right))
    ]
    return gaps, calls, rows


def test_the_sum_of_probabilities_is_set_against_true_calls(tmp_path: Path) -> None:
    gaps, calls, rows = many_gaps([True, False] * 5, 0.4)
    sums = [
        {"month": date(2023, 1, 1), "expected_calls": 3.5, "in_ru_ir_any": True},
        {"month": date(2022, 12, 1), "expected_calls": 9.0, "in_ru_ir_any": True},  # not rated
    ]
    found = judge(tmp_path, gaps, calls, rows, call_sums=sums)
    ours = finding(found, DARK, "p_call")
    assert (ours.value, ours.count) == (pytest.approx(4 / 5), 5)
    # (4 - 5) over the root of ten times 0.4 times 0.6.
    assert ours.note == "expected 4.0, true 5, z -0.6"
    assert ours.verdict == "met"  # by z
    assert value(found, DARK, "p_call_flat") == pytest.approx(8 / 5)
    assert value(found, DARK, "published (call_sums)") == pytest.approx(3.5 / 5)
    assert value(found, DARK, "published (call_sums)", "ru_ir_any") == pytest.approx(3.5 / 5)
    assert value(found, DARK, "published (call_sums)", "ru_ir_crossing") == 0
    # Half of what is expected lies in gaps that hide a call there, half where there was none.
    share = "share of expected dark calls: "
    assert value(found, f"{share}truly dark calls there", "p_call") == pytest.approx(0.5)
    assert value(found, f"{share}at no port", "p_call") == pytest.approx(0.5)
    idle = "false calls per 1,000 ship-days, voyages without a call"
    assert value(found, idle, "sum of P_call") == pytest.approx(1000 * 2.0 / (400 / 24))


def test_scopes_ask_for_flag_country_and_the_last_known_port(tmp_path: Path) -> None:
    gaps = [gap(10, 30), gap(40, 60), gap(100, 120, flag="AZE")]
    rows = [candidate(f"gap-00{n}", "astrakhan", 0.25) for n in (1, 2, 3)]
    calls = [call(12, 20), call(45, 50, is_ru_ir_crossing=False), call(105, 110, flag="AZE")]
    leg = {
        "ship_id": f"mmsi:{MMSI}",
        "left_at": at(5),
        "from_group": "amirabad",
        "from_country": "IRN",
        "arrived_at": at(35),
        "to_group": "makhachkala",
        "to_country": "RUS",
    }
    found = judge(tmp_path, gaps, calls, rows, legs=[leg])
    # From Iran at 5 h, in Russia at 35 h: the first gap alone crosses.
    assert value(found, DARK, "p_call", "ru_ir_crossing") == pytest.approx(0.25 / 2)
    assert value(found, DARK, "p_call", "ru_ir_any") == pytest.approx(0.5 / 2)
    assert value(found, DARK, "p_call", "all") == pytest.approx(0.75 / 3)


def test_ships_that_differ_widen_the_interval() -> None:
    gaps = pl.DataFrame(
        {
            "run": 0,
            "gap_id": [f"gap-{n}" for n in range(40)],
            "cluster": [f"0|{n // 10}" for n in range(40)],
            "p_call": 0.5,
        }
    )
    spread = pl.DataFrame({"cluster": [f"0|{n % 4}" for n in range(20)]})
    lumped = pl.DataFrame({"cluster": [f"0|{n % 2}" for n in range(20)]})
    even, uneven = (compare_sums(gaps, "p_call", true, DARK, RULES) for true in (spread, lumped))
    assert even.value == uneven.value == 1
    half = 1.645 * math.sqrt(10) / 20
    assert even.high == pytest.approx(1 + half, abs=1e-3)
    # Residuals of 5 calls in each of four ships: 100 instead of 10.
    assert uneven.high == pytest.approx(1 + 1.645 * 10 / 20, abs=1e-3)


def test_unheard_calls_have_sums_of_their_own_and_lit_ones_turned_dark_are_told(
    tmp_path: Path,
) -> None:
    gaps = [gap(10, 30), gap(40, 60), gap(100, 120, cause="unobservable"), gap(130, 150)]
    lit = {"is_dark": False, "is_ru_ir_crossing": False}
    calls = [call(12, 20, **lit), call(45, 50, off_h=2.0, **lit), call(105, 110, **lit)]
    calls.append(call(135, 140, port_group="baku", off_h=5.0))
    rows = [candidate(f"gap-00{n}", "astrakhan", 0.2, p_unheard=0.3) for n in (1, 2, 3, 4)]
    found = judge(tmp_path, gaps, calls, rows)
    assert value(found, UNHEARD + ASSESSED, "p_unheard") == pytest.approx(0.9)
    blind = f"{UNHEARD}, in unobservable gaps"
    assert value(found, blind, "p_unheard") == pytest.approx(0.3)
    share = "share of expected dark calls: "
    for words in (
        "truly unheard lit calls there (lit turned dark)",
        "there, but not off or not silent all the while",
        "at another port",
    ):
        assert value(found, share + words, "p_call") == pytest.approx(1 / 3)
    both = "sum of P_call + P_unheard / true stays, off or on" + ASSESSED
    assert value(found, both, OURS) == pytest.approx(1.5 / 2)


# ------------------------------------------------------------------------------ what hides


def test_what_hides_true_dark_calls_is_told_apart(tmp_path: Path) -> None:
    there: dict[str, Any] = {"off_lon": IN_AMIRABAD["lon"], "off_lat": IN_AMIRABAD["lat"]}
    gaps = [
        gap(10, 30),
        gap(40, 60, **there),  # its off point lies in the port of the call
        gap(70, 90, cause="unobservable"),
        gap(100, 120, cause="in_port"),
        gap(130, 150),
        gap(300, None),
    ]
    calls = [
        call(12, 20),
        call(45, 50, port_group="amirabad", country="IRN"),
        call(75, 80),
        call(105, 110),
        call(135, 140, port_group="baku"),
        call(200, 210),
        call(310, 320),
    ]
    rows = [
        candidate("gap-001", "astrakhan", 0.9),
        candidate("gap-002", "amirabad", 0.9),
        candidate("gap-002", "astrakhan", 0.1),
        candidate("gap-003", "astrakhan", 0.9),
        candidate("gap-005", "astrakhan", 0.5),
    ]
    row = {"gap_ids": "gap-001", "port_group": "astrakhan", "p_call": 0.9, "grade": "C"}
    row |= {"window_from": at(10), "window_to": at(30)}
    found = judge(tmp_path, gaps, calls, rows, dark_port_calls=[row])
    for words in (
        "in no gap",
        "in an open gap",
        "in a gap something else explains (in_port, laid_up, outage, ...)",
        "glimpsed: an end of the gap in that port",
        "in an unobservable gap (grade D)",
        "not among the candidates",
        "assessed",
    ):
        assert value(found, f"true dark calls: {words}") == pytest.approx(1 / 7), words
    assert value(found, "recall", "dark_port_calls") == pytest.approx(1 / 7)
    assert value(found, "recall, glimpsed calls left out") == pytest.approx(1 / 6)
    assert value(found, "recall, assessed alone") == 1
    # At Amirabad, where the gap began, nothing is expected; elsewhere it counts as any.
    assert finding(found, DARK, "p_call").note.startswith("expected 1.5, true 7")
    assert value(found, DARK + ASSESSED, "p_call") == pytest.approx(1.5)
    assert finding(found, "top-1", OURS, "no end in a port").count == 0


def test_the_likeliest_country_is_set_against_the_true_one(tmp_path: Path) -> None:
    gaps = [gap(10, 30), gap(40, 60), gap(100, 120)]
    calls = [
        call(12, 20, port_group="baku", country="AZE"),
        call(45, 50, port_group="baku", country="AZE"),
        call(105, 110),
    ]
    # In the second gap two Russian ports together are likelier than Baku, Amirabad is not.
    rows = [candidate("gap-001", "baku", 0.3), candidate("gap-001", "amirabad", 0.4)]
    rows += [
        candidate("gap-002", name, p)
        for name, p in (("baku", 0.3), ("amirabad", 0.25), ("astrakhan", 0.2), ("makhachkala", 0.2))
    ]
    rows += [candidate("gap-003", "astrakhan", 0.6), candidate("gap-003", "none", 0.4)]
    found = judge(tmp_path, gaps, calls, rows)
    assert value(found, "dark calls elsewhere whose likeliest country is IRN") == pytest.approx(
        1 / 3
    )
    assert value(found, "dark calls", "truly AZE, likeliest IRN") == 0.5
    assert value(found, "dark calls", "truly AZE, likeliest RUS") == 0.5
    assert value(found, "dark calls", "truly RUS, likeliest RUS") == 1


def test_a_null_world_is_held_to_what_the_sums_expect(tmp_path: Path) -> None:
    sums = [{"month": date(2023, 1, 1), "expected_calls": 0.2, "in_ru_ir_crossing": True}]
    found = judge(tmp_path, [gap(10, 30)], [], [candidate("gap-001", "baku", 0.2)], call_sums=sums)
    null = finding(found, "expected headline calls a year")
    # In 400 h of the year's 8,766.
    assert (null.value, null.verdict) == (pytest.approx(0.2 * 8766 / 400), "missed")


def test_the_accuracy_page_has_a_section_on_calls(tmp_path: Path) -> None:
    gaps, calls, rows = many_gaps([True, False] * 5, 0.4)
    page = "\n".join(tell_calls({"tiny": judge(tmp_path, gaps, calls, rows)}))
    assert "## Candidates and dark port calls (SIMULATED)" in page
    assert "| sum of P_call / true dark calls | tiny: p_call | 0.800 |" in page
    assert "- tiny: p_call: expected 4.0, true 5, z -0.6" in page
    assert "| recall | tiny | 1 | 0.649 to 1 | 5 | at least 0.99 | met |" in page
    assert "### Top-1" in page
    assert "at_least_12h" not in page


def test_seeds_are_pooled_and_their_gaps_told_apart(tmp_path: Path) -> None:
    runs = []
    for seed, right in ((1, [True, False]), (2, [False, False])):
        gaps, calls, rows = many_gaps(right, 0.25)
        sums = [{"month": date(2023, 1, 1), "expected_calls": 0.5}]
        published = {"port_candidates": rows, "call_sums": sums}
        folder = tmp_path / str(seed)
        hours = ship_hours(400)
        runs.append(write_run(folder, gaps, hours, calls=calls, published=published, seed=seed))
    found = evaluate(runs, rules=RULES)
    assert finding(found, DARK, "p_call").note.startswith("expected 1.0, true 1")
    assert value(found, DARK, "published (call_sums)") == 1
    assert finding(found, "recall").count == 1
    assert finding(found, SET, "30 kn").count == 4
