"""Totals of switch-offs: null worlds, recovery of the true number, habitual ships, their page."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline.evaluate import evaluate, read_run, write_evaluation
from pipeline.evaluate.gap_findings import HABITUAL, OTHERS
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import ratio_over_seeds
from pipeline.evaluate.off_findings import measure_habitual, measure_null_offs, measure_recovery
from pipeline.evaluate.off_totals import (
    ALL,
    ALL_JUDGED,
    HABITUAL_JUDGED,
    OTHERS_JUDGED,
    SHORT_TOO,
    OffSum,
    OffTotals,
    PublishedOff,
)
from pipeline.evaluate.runs import Run
from pipeline.simulate.settings import named_worlds, read_world
from tests import make_accuracy
from tests.accuracy_page import describe_world, tell_habits, tell_null, tell_recovery
from tests.accuracy_pictures import draw_recovery
from tests.evaluate_worlds import gap, off, ship_hours, write_run

RULES = EvaluationRules(resamples=20)
NOTHING = OffSum()


def totals(seed: int = 1, world: str = "test", **more: Any) -> OffTotals:
    """Return the totals of a run of one year in which nothing happened but what is said."""
    judged = (ALL_JUDGED, HABITUAL_JUDGED, OTHERS_JUDGED)
    groups = (ALL, HABITUAL, OTHERS, SHORT_TOO, *judged)
    sums = dict.fromkeys(groups, NOTHING) | more.pop("sums", {})
    usual = {
        "years": 1.0,
        "is_null": False,
        "is_judged": True,
        "switch_offs": 0,
        "published": {
            12: PublishedOff(100, 2.0, 1.0, 4.0),
            4: PublishedOff(400, 3.0, 2.0, 6.0),
        },
    }
    return OffTotals(world=world, seed=seed, sums=sums, **{**usual, **more})


# ------------------------------------------------------------------------- the interval over seeds


def test_a_ratio_that_is_the_same_in_every_seed_is_sure() -> None:
    assert ratio_over_seeds(np.array([3.0, 6, 9]), np.array([2.0, 4, 6]), 0.9) == (1.5, 1.5, 1.5)


def test_two_seeds_have_a_wide_interval_and_one_has_none() -> None:
    # Left over: -5 and 5; error sqrt(2 x 50) / 20 = 0.5; t of one degree of freedom 6.3138.
    ratio, low, high = ratio_over_seeds(np.array([5.0, 15.0]), np.array([10.0, 10.0]), 0.9)
    assert (ratio, low) == (1.0, 0.0)
    assert high == pytest.approx(1 + 6.3138 * 0.5, abs=1e-3)
    alone = ratio_over_seeds(np.array([5.0]), np.array([10.0]), 0.9)
    assert alone[0] == 0.5
    assert np.isnan(alone[1:]).all()
    assert np.isnan(ratio_over_seeds(np.array([5.0]), np.array([0.0]), 0.9)).all()


def test_the_interval_over_five_seeds_holds_the_ratio_nine_times_in_ten() -> None:
    random = np.random.default_rng(5)
    bottom = random.poisson(60, (2000, 5)).astype(float)
    top = 1.2 * bottom + random.normal(0, 12, bottom.shape)
    ends = [ratio_over_seeds(*pair, 0.9)[1:] for pair in zip(top, bottom, strict=True)]
    assert np.mean([low <= 1.2 <= high for low, high in ends]) == pytest.approx(0.9, abs=0.03)


# ----------------------------------------------------------------------------------- the findings


def test_null_worlds_are_held_to_the_calibration_error_with_the_published_interval() -> None:
    found = measure_null_offs([totals(1, is_null=True), totals(2, is_null=True), totals(3)])
    named = {(one.measure, one.subject): one for one in found}
    yearly = named["expected_off a year", "gaps of 12 h and more"]
    assert (yearly.value, yearly.low, yearly.high, yearly.count) == (2.0, 1.0, 4.0, 200)
    share = named["expected_off / gaps", "gaps of 12 h and more"]
    assert (share.value, share.low, share.high, share.verdict) == (0.02, 0.01, 0.04, "met")
    assert named["expected_off / gaps", "gaps of 4 h and more"].value == 0.0075
    assert named["expected_off / gaps", "gaps of 4 h and more"].verdict == ""
    many = {12: PublishedOff(100, 5.1, 4.0, 6.0), 4: PublishedOff(400, 5.1, 4.0, 6.0)}
    missed = measure_null_offs([totals(is_null=True, published=many)])
    assert [one.verdict for one in missed if one.verdict] == ["missed"]


def test_worlds_with_switch_offs_or_without_p_off_are_no_null_worlds() -> None:
    unknown = {12: PublishedOff(9, None, None, None), 4: PublishedOff(9, None, None, None)}
    assert measure_null_offs([totals()]) == []
    assert measure_null_offs([totals(is_null=True, published=unknown)]) == []


def test_recovery_is_met_by_its_ratio_or_by_few_that_chance_explains() -> None:
    def verdict(sums: OffSum) -> str:
        return measure_recovery([totals(sums={ALL: sums})], RULES)[0].verdict

    assert verdict(OffSum(500, 100, 109.0, 4.0)) == "met"
    assert verdict(OffSum(500, 100, 120.0, 4.0)) == "missed"
    assert verdict(OffSum(500, 10, 13.0, 4.0)) == "met"  # z 1.5
    assert measure_recovery([totals(sums={ALL: OffSum(500, 0, 3.0, 1.0)})], RULES) == []
    blind = totals(is_judged=False, sums={ALL: OffSum(500, 10, 0.0, 0.0)})
    assert measure_recovery([blind], RULES) == []


def test_habitual_ships_are_held_to_the_ratio_alone_and_one_seed_is_one_draw() -> None:
    sums = {HABITUAL: OffSum(50, 10, 8.0, 4.0), OTHERS: OffSum(500, 20, 21.0, 4.0)}
    runs = [totals(1, sums=sums), totals(1, "other", sums=sums)]
    habitual, others = measure_habitual(runs, RULES)
    assert (habitual.value, habitual.verdict, habitual.low) == (0.8, "missed", None)
    assert (others.value, others.verdict, others.count) == (1.05, "met", 1000)
    assert habitual.note == "expected 16.0, true 20, z -1.4"
    assert measure_habitual([*runs, totals(2, sums=sums)], RULES)[0].low == pytest.approx(0.8)


# ---------------------------------------------------------------------------- from folders to sums


@pytest.fixture
def judged_run(tmp_path: Path) -> Run:
    """Two ships, of which the second is habitual, a gap in the month before the rated time."""
    late = 31 * 24
    rows = [
        gap(10, 30, p_off=0.9),  # before the rated time
        gap(late + 5, late + 25, p_off=0.25),
        gap(late + 50, late + 56, p_off=0.5),  # short
        gap(late + 10, late + 40, vessel=1, p_off=0.75),
    ]
    cells = {"flag": "all", "fleet": "all", "area": "all", "port_group": "all"}
    months = [
        {
            **cells,
            "month": date(2023, month, 1),
            "at_least_h": rung,
            "gaps": 2,
            "expected_off": 10.0 * month + rung,
            "expected_off_low": 1.0,
            "expected_off_high": 50.0,
        }
        for month in (1, 2)
        for rung in (4, 12)
    ]
    run = write_run(
        tmp_path,
        rows,
        ship_hours(59 * 24, 2),
        [off(20, 25), off(late + 10, late + 40, vessel=1)],
        published={"monthly_gaps": months},
        rated_from="2023-02-01T00:00:00",
    )
    path = tmp_path / "truth" / "ships.parquet"
    pl.read_parquet(path).with_columns(
        is_habitual=pl.col("vessel") == 1, ais_class=pl.lit("A")
    ).write_parquet(path)
    return run


def test_sums_are_of_the_rated_time_and_told_apart_by_habit(judged_run: Run) -> None:
    (one,) = evaluate([judged_run], rules=RULES).offs
    assert one.sums[ALL] == OffSum(2, 1, 1.0, 0.375)
    assert one.sums[HABITUAL] == OffSum(1, 1, 0.75, 0.1875)
    assert one.sums[OTHERS] == OffSum(1, 0, 0.25, 0.1875)
    assert one.sums[SHORT_TOO] == OffSum(3, 1, 1.5, 0.625)
    assert one.sums[HABITUAL_JUDGED] == one.sums[HABITUAL]
    assert one.published[12] == PublishedOff(2, 32.0, 1.0, 50.0)
    assert one.published[4].expected == 24.0
    assert (one.switch_offs, one.is_null, one.is_judged) == (1, False, True)


def test_strata_tell_length_class_and_habit(tmp_path: Path, judged_run: Run) -> None:
    rules = EvaluationRules(resamples=10, stratum_min_gaps=1)
    found = evaluate([judged_run], rules=rules)
    counts = {one.stratum: one.count for one in found.findings if one.measure == "prevalence"}
    assert (counts["length: 12 to 24 h"], counts["length: 30 to 72 h"]) == (1, 1)
    assert (counts["ship: habitual"], counts["ship: other ships"]) == (1, 1)
    assert counts["ais_class: A"] == 2
    write_evaluation(found, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text("utf-8"))
    assert told["offs"][0]["sums"]["all"]["true"] == 1


def test_a_world_shorter_than_a_year_is_rated_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    run = write_run(tmp_path, [], ship_hours(48), rated_from="2022-01-03T00:00:00")
    assert run.world.rated_years == pytest.approx(2 / 365.25)


@pytest.mark.parametrize(
    ("hours", "stratum"),
    [(23.9, "12 to 24 h"), (24, "24 to 30 h"), (72, "72 h and more")],
)
def test_a_rung_begins_a_stratum(tmp_path: Path, hours: float, stratum: str) -> None:
    run = write_run(tmp_path, [gap(0, hours)], ship_hours(100))
    rules = EvaluationRules(resamples=10, stratum_min_gaps=1)
    strata = {one.stratum for one in evaluate([run], rules=rules).findings}
    assert {one for one in strata if one.startswith("length")} == {f"length: {stratum}"}


def test_the_table_of_strata_shows_verdicts(tmp_path: Path) -> None:
    rows = [gap(30 * n, 30 * n + 20, p_off=0.5, off_area="caspian") for n in range(10)]
    run = write_run(tmp_path, rows, ship_hours(400), [off(0, 25)])
    rules = EvaluationRules(resamples=10, stratum_min_gaps=10, calibration_min_gaps=10)
    write_evaluation(evaluate([run], rules=rules), tmp_path / "out")
    page = (tmp_path / "out" / "evaluation.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| area: caspian"))
    assert "missed" in row


# -------------------------------------------------------------------------- the worlds of the page


def differing(name: str, other: str) -> set[str]:
    """Return the dotted names of the settings in which two named worlds differ."""

    def flat(tree: dict[str, Any], above: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in tree.items():
            is_tree = isinstance(value, dict)
            found |= flat(value, f"{above}{key}.") if is_tree else {f"{above}{key}": value}
        return found

    ours, theirs = (flat(read_world(one).model_dump()) for one in (name, other))
    return {key for key in ours | theirs if ours.get(key) != theirs.get(key)} - {"name"}


def test_few_and_many_scale_every_way_of_switching_off_alike() -> None:
    some = read_world("caspian").switching
    for name, factor in (("off-few", 0.2), ("off-many", 3.0)):
        world = read_world(name)
        scaled = world.switching
        assert (scaled.change_factor, scaled.change_at) == (factor, world.start)
        assert scaled.lay_up_share == pytest.approx(factor * some.lay_up_share)
        assert scaled.sending_days["naval"] == pytest.approx(some.sending_days["naval"] / factor)
        assert scaled.failures_per_year == pytest.approx(
            {fleet: factor * rate for fleet, rate in some.failures_per_year.items()}
        )
        assert all(key.startswith("switching.") for key in differing(name, "caspian"))


def test_patchy_worlds_differ_in_reception_and_take_both_worlds_they_are_laid_over() -> None:
    patchy = {"vessels.antenna_sigma", "radio.private_shape", "radio.stations.duct_spread"}
    assert differing("patchy", "caspian") == patchy
    for ending in ("few", "many"):
        assert differing(f"patchy-{ending}", f"off-{ending}") == patchy
    assert differing("patchy-no-off", "patchy") == {"switching.is_any"}


def test_every_world_of_the_page_is_named_and_described_in_a_sentence() -> None:
    worlds = {world for part in make_accuracy.PARTS.values() for world in part}
    assert worlds <= set(named_worlds())
    assert all(describe_world(world).count(".") >= 1 for world in worlds)
    assert describe_world("patchy-few").endswith("Laid over `patchy` and `off-few`.")


def choose(**changes: Any) -> argparse.Namespace:
    usual = {"parts": [("main", ()), ("recovery", ())], "worlds": ["caspian"], "seeds": [1]}
    usual |= {"small_seeds": [1, 2], "small": True, "days": None, "done": False}
    return argparse.Namespace(**{**usual, **changes})


def test_a_page_may_be_of_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_accuracy, "WORK", tmp_path)
    (tmp_path / "small-off-few-2").mkdir()
    (tmp_path / "small-off-few-2" / "done.json").write_text("{}", "utf-8")
    trials = make_accuracy.plan_trials(choose(done=True, parts=[("recovery", ())]))
    assert {trial.name: trial.seeds for trial in trials if trial.seeds} == {"small-off-few": (2,)}
    assert "small-off-few: left out, not done: 1" in capsys.readouterr().out


def test_a_part_may_have_seeds_of_its_own() -> None:
    assert make_accuracy.parse_part("null") == ("null", ())
    parts = [make_accuracy.parse_part("null=206,207"), ("null-calls", ())]
    seeds = {one.name: one.seeds for one in make_accuracy.plan_trials(choose(parts=parts))}
    assert seeds == {"small-null-no-off": (206, 207), "small-null-no-dark": (1, 2)}
    for wrong, words in (("nul=1", "no part 'nul'"), ("null=a", "no numbers: 'a'")):
        with pytest.raises(argparse.ArgumentTypeError, match=words):
            make_accuracy.parse_part(wrong)


def test_a_small_world_of_two_parts_is_run_once() -> None:
    chosen = choose()
    trials = make_accuracy.plan_trials(chosen)
    assert [trial.name for trial in trials[:2]] == ["small-caspian", "small-off-few"]
    assert trials[0].jobs[0] in trials[2].jobs
    large = make_accuracy.plan_trials(argparse.Namespace(**{**vars(chosen), "small": False}))
    assert (large[0].name, large[0].seeds) == ("caspian", (1,))


def test_the_page_tells_worlds_seeds_sums_and_verdicts(tmp_path: Path, judged_run: Run) -> None:
    found = evaluate([judged_run], rules=RULES)
    null = replace(
        found,
        offs=(totals(7, is_null=True),),
        findings=tuple(measure_null_offs([totals(7, is_null=True)])),
    )
    page = "\n".join(
        [
            *tell_recovery("recovery", {"some": found}, "more/some.png", RULES),
            *tell_null("null", {"quiet": null}),
            *tell_habits({"main": {"some": found}, "null": {"quiet": null}}, RULES),
        ]
    )
    assert "| `some` | 1 | 1 | 2 | 1 | 1.0 | 1 | 0.0 | 32.0 | 1.0 to 50.0 |" in page
    assert "| sum(p) / true, over seeds | some: p_off | 1 |" in page
    assert "- some: p_off: expected 1.0, true 1, z 0.0" in page
    assert "| `quiet` | 7 | 100 | 2.0 | 1.0 to 4.0 | 2 | 0.020 | 400 | 3.0 |" in page
    # Nothing of the null world is in the sums of habitual ships.
    assert "all worlds, pooled: p_off, habitual: expected 0.8, true 1" in page
    picture = draw_recovery({"some": found}, tmp_path / "some.png")
    assert picture.stat().st_size > 5_000


def test_a_trial_keeps_what_the_evaluation_reads_and_is_not_run_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_accuracy, "WORK", tmp_path)
    folder = make_accuracy.run_one("off-many", 1, small=True, days=4)
    assert {path.name for path in folder.iterdir()} == {"done.json", "published", "truth"}
    assert evaluate([read_run(folder / "published", folder / "truth")], rules=RULES).offs
    assert "small-off-many-1-4d: simulated in " in capsys.readouterr().out
    assert make_accuracy.run_one("off-many", 1, small=True, days=4) == folder
    assert "done before" in capsys.readouterr().out
