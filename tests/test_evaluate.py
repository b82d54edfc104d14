"""The whole evaluation: from the folders of a night and its truth to figures on a page."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from pipeline import schema
from pipeline.errors import UsageError
from pipeline.evaluate import Evaluation, evaluate, read_run, write_evaluation
from pipeline.evaluate.baselines import flag_gaps, shore_distance_km
from pipeline.evaluate.findings import Finding
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.monthly import count_chances, total_months
from pipeline.evaluate.trend_findings import measure_trends
from pipeline.evaluate.world_calls import WorldCalls
from pipeline.evaluate.world_findings import class_rows, measure_worlds
from pipeline.geodesy import local_distance_km_array
from tests.builders import frame
from tests.evaluate_worlds import (
    MMSI,
    at,
    call,
    gap,
    off,
    random_world,
    ship_hours,
    write_run,
)
from tests.night import GEO, whole_world

RULES = EvaluationRules(resamples=40)
YEAR_H = 365 * 24


def finding(
    found: Evaluation | list[Finding], measure: str, subject: str = "", stratum: str = "all"
) -> Finding:
    rows = found.findings if isinstance(found, Evaluation) else found
    hits = [
        one
        for one in rows
        if (one.measure, one.subject, one.stratum) == (measure, subject, stratum)
    ]
    assert len(hits) == 1, f"{measure}, {subject}, {stratum}: {[one.measure for one in rows]}"
    return hits[0]


def value(found: Evaluation | list[Finding], *name: str) -> float:
    given = finding(found, *name).value
    assert given is not None
    return given


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    random_world(folder, seed=3)
    return folder


def test_a_night_without_p_off_says_so_and_still_prints_prevalence_and_baselines(
    world: Path,
) -> None:
    found = evaluate([read_run(world / "processed", world / "truth")], rules=RULES)
    assert 0 < value(found, "prevalence") < 1
    assert value(found, "recall", "at_least_12h") == 1
    assert value(found, "flagged", "at_least_30h") < value(found, "flagged", "at_least_12h")
    assert 0 < value(found, "average precision", "duration") < 1
    later = finding(found, "expected calibration error")
    assert (later.verdict, later.note) == ("not yet", "not yet: gaps.p_off is empty")
    empty = {one.note for one in found.findings if one.verdict == "not yet"}
    assert {
        "not yet: gaps.p_off is empty",
        "not yet: dark_port_calls.grade is empty",
        "not yet: indicator.p_low, p_medium, p_high is empty",
        "not yet: the table of candidates is empty",
    } <= empty


def test_p_off_is_measured_where_it_is_filled(tmp_path: Path) -> None:
    run = random_world(tmp_path, seed=3)
    gaps = run.published["gaps"]
    begun = run.truth["off_intervals"].select(
        "off_at", mmsi=pl.col("vessel") + MMSI, said=pl.lit(1.0)
    )
    said = (
        gaps.join(begun, on=["mmsi", "off_at"], how="left", maintain_order="left")
        .with_columns(p_off=pl.col("said").fill_null(0.0))
        .drop("said")
    )
    said.write_parquet(tmp_path / "processed" / "gaps.parquet")
    found = evaluate([read_run(tmp_path / "processed", tmp_path / "truth")], rules=RULES)
    assert value(found, "average precision", "p_off") > 0.85
    assert value(found, "expected calibration error", "p_off") < 0.15
    assert finding(found, "average precision over the reference's", "p_off").verdict == "met"
    assert value(found, "precision", "p_off at least 0.8") > 0.85


def test_gaps_without_p_off_count_as_zero_where_others_have_one(tmp_path: Path) -> None:
    offs = [off(100 * n, 100 * n + 20) for n in range(10)]
    rows = [gap(100 * n, 100 * n + 20, p_off=1.0 if n else None) for n in range(10)]
    run = write_run(tmp_path, rows, ship_hours(1200), offs)
    found = evaluate([run], rules=RULES)
    assert value(found, "sum(p) / true", "p_off") == pytest.approx(0.9)


def test_short_unrated_and_left_region_gaps_are_not_measured(tmp_path: Path) -> None:
    rows = [
        gap(30, 41.9),  # shorter than 12 h
        gap(10, 30),  # before the rated time
        gap(50, 70, cause="left_region"),
        gap(80, 92),
    ]
    run = write_run(tmp_path, rows, ship_hours(200), [off(80, 92)], rated_from=at(24).isoformat())
    found = evaluate([run], rules=RULES)
    assert value(found, "measured: labelled, rated months, 12 h and more") == 1
    assert value(found, "prevalence") == 1


def test_strata_are_measured_from_their_least_number_on(tmp_path: Path) -> None:
    rows = [gap(30 * n, 30 * n + 20, off_area="caspian") for n in range(10)]
    rows += [gap(300 + 30 * n, 320 + 30 * n, off_area="volga_don") for n in range(9)]
    run = write_run(tmp_path, rows, ship_hours(800), [off(0, 25)])
    rules = EvaluationRules(resamples=20, stratum_min_gaps=10)
    strata = {one.stratum for one in evaluate([run], rules=rules).findings}
    assert "area: caspian" in strata
    assert "area: volga_don" not in strata
    assert {"season: winter", "receiver: terrestrial", "flag: RUS", "fleet: merchant"} <= strata


def test_two_seeds_are_pooled_and_their_ships_are_told_apart(tmp_path: Path) -> None:
    runs = []
    for seed in (1, 2):
        offs = [off(0, 20)] if seed == 1 else []
        runs.append(write_run(tmp_path / str(seed), [gap(0, 20)], ship_hours(48), offs, seed=seed))
    found = evaluate(runs, rules=RULES)
    prevalence = finding(found, "prevalence")
    assert (prevalence.value, prevalence.count) == (0.5, 2)
    assert (prevalence.low, prevalence.high) == (0, 1)  # two clusters, not one
    assert found.title == "world test, seeds 1, 2"


def test_nothing_to_evaluate_is_an_error() -> None:
    with pytest.raises(UsageError, match="at least one run"):
        evaluate([])


def test_the_published_rule_of_global_fishing_watch_needs_all_its_conditions() -> None:
    far, near = {"off_lon": 50.7, "off_lat": 42.3}, {"off_lon": 47.6, "off_lat": 43.0}
    cases: list[tuple[dict[str, Any], float, int, bool]] = [
        (far, 12, 14, True),
        (far, 11.99, 14, False),
        (far, 12, 13, False),
        (near, 12, 14, False),
        ({"off_lon": 47.9, "off_lat": 46.2}, 12, 14, False),  # on the Volga: no sea at all
    ]
    rows = [
        gap(0, length, positions_12h_before_satellite=positions, **place)
        for place, length, positions, _ in cases
    ]
    flagged = flag_gaps(frame(schema.Gaps, rows), GEO, RULES)
    assert flagged["gfw_rule"].to_list() == [expected for *_, expected in cases]


def test_distance_from_shore_is_that_to_the_nearest_corner_of_it_or_a_little_less() -> None:
    places = [(53.37, 37.1), (50.0, 42.0), (51.2, 39.3), (44.0, 48.0)]
    rows = [gap(0, 12, off_lon=lon, off_lat=lat) for lon, lat in places]
    shore_km = shore_distance_km(frame(schema.Gaps, rows), GEO)
    assert shore_km is not None
    shapes = json.loads((GEO / "shoreline.geojson").read_text("utf-8"))["features"]
    rings = np.concatenate([ring for one in shapes for ring in one["geometry"]["coordinates"]])
    for (lon, lat), given_km in zip(places[:3], shore_km[:3], strict=True):
        nearest_km = local_distance_km_array(lon, lat, rings[:, 0], rings[:, 1]).min()
        assert nearest_km - 2 < given_km <= nearest_km + 0.01
    assert shore_km[3] == 0  # on land


def test_without_a_shoreline_the_published_rule_is_not_assessable(tmp_path: Path) -> None:
    run = write_run(tmp_path, [gap(0, 20), gap(30, 50)], ship_hours(60), [off(0, 20)])
    found = evaluate([run], geo=whole_world(tmp_path), rules=RULES)
    assert "no shoreline" in finding(found, "precision", "gfw_rule").note


def near_port_gap(gap_id: str, **more: Any) -> dict[str, Any]:
    return {"gap_id": gap_id, "port_group": "astrakhan", "in_ru_ir_any": True, **more}


def dark_call(gap_id: str, **more: Any) -> dict[str, Any]:
    return {
        "gap_ids": gap_id,
        "port_group": "astrakhan",
        "in_ru_ir_any": True,
        "window_from": at(10),
        "window_to": at(30),
        "month": date(2023, 1, 1),
        **more,
    }


def test_near_port_gaps_are_right_where_they_hide_a_call_at_their_port(tmp_path: Path) -> None:
    gaps = [gap(10, 30), gap(40, 60), gap(100, 120), gap(130, 150)]
    calls = [call(12, 20), call(45, 50, port_group="amirabad"), call(200, 220)]
    rows = [near_port_gap("gap-001"), near_port_gap("gap-002"), near_port_gap("gap-003")]
    run = write_run(
        tmp_path, gaps, ship_hours(400), calls=calls, published={"near_port_gaps": rows}
    )
    found = evaluate([run], rules=RULES)
    # One of three rows is right; one of three true calls is found, and two lie in a gap at all.
    for scope in ("all", "ru_ir_any"):
        assert value(found, "precision", "near_port", scope) == pytest.approx(1 / 3)
        assert value(found, "recall", "near_port", scope) == pytest.approx(1 / 3)
        bound = "covered by a closed gap (upper bound of recall)"
        assert value(found, bound, "", scope) == pytest.approx(2 / 3)
    days = 400 / 24
    per_days = value(found, "false calls per 1,000 ship-days", "near_port")
    assert per_days == pytest.approx(2000 / days)


def test_calls_outside_the_scope_do_not_make_a_row_of_the_scope_right(tmp_path: Path) -> None:
    run = write_run(
        tmp_path,
        [gap(10, 30)],
        ship_hours(100),
        calls=[call(12, 20, flag="AZE", is_ru_ir_crossing=False)],
        published={"dark_port_calls": [dark_call("gap-001", p_call=0.9)]},
    )
    found = evaluate([run], rules=RULES)
    assert value(found, "precision", "dark_port_calls", "all") == 1
    assert value(found, "precision", "dark_port_calls", "ru_ir_any") == 0
    empty = finding(found, "precision", "", "ru_ir_crossing")
    assert empty.note == "not yet: dark_port_calls.in_ru_ir_crossing is empty"


def test_inferred_calls_are_measured_where_they_are(tmp_path: Path) -> None:
    gaps = [gap(10, 30), gap(40, 60), gap(100, 120)]
    calls = [call(12, 20), call(45, 50, port_group="amirabad")]
    more = {"p_call": 0.9, "grade": "B", "in_ru_ir_crossing": True}
    rows = [
        dark_call("gap-001", **more),
        dark_call("gap-002;gap-003", **{**more, "port_group": "amirabad"}),
        dark_call("gap-003", **{**more, "grade": "C"}),
    ]
    run = write_run(
        tmp_path, gaps, ship_hours(400), calls=calls, published={"dark_port_calls": rows}
    )
    found = evaluate([run], rules=RULES)
    grade_b = finding(found, "precision of grade B", "", "ru_ir_crossing")
    assert (grade_b.value, grade_b.count, grade_b.verdict) == (1, 2, "met")
    assert value(found, "precision of grade C", "", "ru_ir_crossing") == 0
    assert value(found, "recall", "dark_port_calls", "ru_ir_crossing") == 1
    # The one false row stands on a gap that hides no stay at all.
    idle = "false calls per 1,000 ship-days, voyages without a call"
    assert value(found, idle, "dark_port_calls") == pytest.approx(1000 / (400 / 24))


def test_months_hold_what_was_true_and_what_was_published(tmp_path: Path) -> None:
    month = date(2023, 2, 1)
    published = {
        "monthly_gaps": [
            {
                "month": month,
                "flag": "all",
                "fleet": "all",
                "area": "all",
                "port_group": "all",
                "at_least_h": rung,
                "expected_off": float(rung),
            }
            for rung in (6, 12)
        ],
        "monthly_dark_port_calls": [
            {
                "month": month,
                "scope": scope,
                "flag": "all",
                "port_country": "all",
                "port_group": "all",
                "near_port_gaps": 7,
                "expected_calls": 1.5,
            }
            for scope in ("all", "ru_ir_crossing")
        ],
    }
    late = 31 * 24
    run = write_run(
        tmp_path,
        [gap(10, 30), gap(late + 5, late + 40), gap(late + 50, late + 60)],
        ship_hours(60 * 24),
        [off(late, late + 45)],
        [call(late - 6, late + 8)],
        published=published,
    )
    january, february, _ = evaluate([run], rules=RULES).months
    assert (january["gaps_at_least_12h"], january["true_off_gaps"]) == (1, 0)
    assert (january["expected_off"], january["true_dark_calls"]) == (None, 0)
    assert (february["gaps_at_least_12h"], february["true_off_gaps"]) == (1, 1)
    assert (february["expected_off"], february["near_port_gaps"]) == (12, 7)
    # The middle of the stay is on 1 February at 01:00.
    assert (february["true_headline_calls"], february["expected_calls"]) == (1, 1.5)


def world_calls(true_calls: int, true_ratio: float | None = None, **published: Any) -> WorldCalls:
    return WorldCalls("test", 1, true_calls, 0, true_calls == 0, true_ratio, published)


NO_MONTHS = pl.DataFrame(
    schema={
        "run": pl.Int64,
        "is_rated": pl.Boolean,
        **dict.fromkeys(
            [
                "true_off_gaps",
                "expected_off_low",
                "expected_off_high",
                "reference_off_low",
                "reference_off_high",
                "true_headline_calls",
                "true_headline_not_glimpsed",
                "expected_calls",
                "expected_calls_low",
                "expected_calls_high",
            ],
            pl.Float64,
        ),
    }
)


def test_null_worlds_are_held_to_three_calls_and_to_low() -> None:
    good = [world_calls(0, expected_12m=1.0, p_low=0.9, p_medium=0.1, p_high=0.0)] * 19
    bad = [world_calls(0, expected_12m=3.1, p_low=0.7, p_medium=0.3, p_high=0.0)]
    others = [world_calls(40, expected_12m=44.0, p_low=0.0, p_medium=0.0, p_high=1.0)]
    found = measure_worlds([*good, *bad, *others], NO_MONTHS, RULES)
    assert finding(found, "expected headline calls a year").verdict == "missed"
    assert finding(found, "P(Low) at least 0.8").verdict == "met"  # 19 of 20
    two_bad = measure_worlds([*good[1:], *bad, *bad], NO_MONTHS, RULES)
    assert finding(two_bad, "P(Low) at least 0.8").verdict == "missed"


@pytest.mark.parametrize(
    ("calls", "expected"), [(4, "Low"), (5, "Medium"), (20, "Medium"), (21, "High")]
)
def test_classes_are_those_of_the_report(calls: int, expected: str) -> None:
    assert world_calls(calls).true_class(RULES) == expected


def test_the_log_score_is_that_of_the_true_class() -> None:
    worlds = [
        world_calls(3, p_low=0.5, p_medium=0.5, p_high=0.0),
        world_calls(60, p_low=0.0, p_medium=0.0, p_high=1.0),
    ]
    found = measure_worlds(worlds, NO_MONTHS, RULES)
    assert value(found, "log score") == pytest.approx(np.log(0.5) / 2)
    assert [row["true_class"] for row in class_rows(worlds, RULES)] == ["Low", "High"]


def test_monthly_intervals_are_judged_over_seeds() -> None:
    months = pl.DataFrame(
        {
            "run": [number // 10 for number in range(100)],
            "is_rated": [True] * 100,
            "true_off_gaps": [10.0] * 100,
            "expected_off_low": [11.0 if number % 10 == 0 else 8.0 for number in range(100)],
            "expected_off_high": [12.0] * 100,
            "reference_off_low": [8.0] * 100,
            "reference_off_high": [11.0] * 100,
            "true_headline_calls": [10.0] * 100,
            "true_headline_not_glimpsed": [11.0] * 100,
            "expected_calls": [11.0] * 100,
            "expected_calls_low": [11.0] * 100,
            "expected_calls_high": [12.0] * 100,
        }
    )
    found = measure_worlds([world_calls(9)], months, RULES)
    good = finding(found, "coverage of the 90 % interval of expected_off")
    assert (good.value, good.verdict) == (0.9, "met")
    assert finding(found, "coverage of the 90 % interval of expected_calls").verdict == "missed"
    # 90 months are 4 wide and 10 are 1 wide; with true parameters all are 3 wide.
    words = "mean width of the 90 % interval of expected_off over that with true parameters"
    assert finding(found, words).value == pytest.approx(3.7 / 3)
    assert finding(found, words).verdict == "met"
    total = finding(found, "pooled expected headline calls / true")
    assert total.value == pytest.approx(1.1)
    # METHOD 6 counts glimpsed calls apart: what is published is held against the others as well.
    words = "pooled expected headline calls / true, glimpsed ones left out"
    assert finding(found, words).value == pytest.approx(1.0)
    words = "coverage of the 90 % interval of expected_calls, glimpsed ones left out"
    assert value(found, words) == 1


def test_trends_are_judged_by_what_truly_changed() -> None:
    steady = [world_calls(20, 1.0, count_trend="Undetermined")] * 18
    wrong = [world_calls(20, 1.1, count_trend="Upward")] * 2
    risen = [world_calls(40, 2.0, count_trend="Upward")] * 4
    missed = [world_calls(40, 2.0, count_trend="Undetermined")]
    found = measure_trends([*steady, *wrong, *risen, *missed], RULES)
    assert value(found, "Upward where nothing changed", "count_trend") == 0.1
    assert finding(found, "Upward where nothing changed", "count_trend").verdict == "missed"
    assert finding(found, "Upward where it rose", "count_trend").verdict == "met"
    assert value(found, "No change where it rose", "count_trend") == 0
    unseen = measure_trends([*risen, world_calls(40, 2.0, count_trend="No change")], RULES)
    assert finding(unseen, "No change where it rose", "count_trend").verdict == "missed"
    assert finding(found, "rate_trend in worlds with base years").verdict == "not yet"


def test_the_files_say_simulated_and_are_the_same_bytes_again(world: Path, tmp_path: Path) -> None:
    found = evaluate([read_run(world / "processed", world / "truth")], rules=RULES)
    written = write_evaluation(found, tmp_path / "one")
    names = {path.name for path in written}
    assert names == {
        "evaluation.json",
        "evaluation.md",
        "reliability.png",
        "precision_recall.png",
        "monthly.png",
    }
    given = json.loads((tmp_path / "one" / "evaluation.json").read_text("utf-8"))
    assert given["is_simulated"] is True
    assert given["worlds"] == [{"name": "test", "seed": 3}]
    page = (tmp_path / "one" / "evaluation.md").read_text("utf-8")
    assert "SIMULATED" in page
    assert "| not yet: gaps.p_off is empty |" in page
    again = evaluate([read_run(world / "processed", world / "truth")], rules=RULES)
    for path in write_evaluation(again, tmp_path / "two"):
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes()


def test_a_picture_of_classes_is_drawn_where_there_are_probabilities(tmp_path: Path) -> None:
    row = {"scope": "ru_ir_crossing", "p_low": 0.2, "p_medium": 0.7, "p_high": 0.1}
    run = write_run(
        tmp_path, [gap(0, 20)], ship_hours(48), published={"indicator": [row]}, name="class-12"
    )
    drawn = write_evaluation(evaluate([run], rules=RULES), tmp_path / "out")
    assert tmp_path / "out" / "p_class.png" in drawn


def test_a_world_with_no_gap_and_no_switch_off_is_evaluated(tmp_path: Path) -> None:
    run = write_run(tmp_path, [], ship_hours(48))
    found = evaluate([run], rules=RULES)
    assert finding(found, "prevalence").value is None
    assert value(found, "measured: labelled, rated months, 12 h and more") == 0
    write_evaluation(found, tmp_path / "out")


def test_a_world_without_switch_offs_has_a_reference_of_zero(tmp_path: Path) -> None:
    run = write_run(tmp_path, [gap(0, 20), gap(24, 40)], ship_hours(48, receptions=0.2))
    found = evaluate([run], rules=RULES)
    assert value(found, "prevalence") == 0
    reference = "reference (true parameters)"
    assert finding(found, "average precision", reference).value is None
    assert value(found, "expected calibration error", reference) == 0


def test_how_many_of_some_events_happen_is_a_convolution() -> None:
    assert count_chances(np.array([])).tolist() == [1]
    assert count_chances(np.full(2, 0.5)).tolist() == [0.25, 0.5, 0.25]
    many = count_chances(np.full(100, 0.3))
    assert many == pytest.approx(binom.pmf(range(101), 100, 0.3))


def test_the_months_of_a_world_are_those_it_reaches_into(tmp_path: Path) -> None:
    run = write_run(tmp_path, [], ship_hours(31 * 24))
    empty = run.published["gaps"].with_columns(
        is_off=pl.lit(None, pl.Boolean), p_reference=pl.lit(None, pl.Float64)
    )
    no_calls = pl.DataFrame(
        schema={"month": pl.Date, "is_ru_ir_crossing": pl.Boolean, "hidden_by": pl.String}
    )
    months = total_months(run, 0, empty, no_calls, RULES)
    assert months["month"].to_list() == [date(2023, 1, 1)]
