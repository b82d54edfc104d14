"""Planting, losing and labelling, on a made log; the real ones where they are at hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.evaluate.limits import EvaluationRules, RealTrackRules
from pipeline.geodesy import KM_PER_NM, local_distance_km_array
from pipeline.schema import Gaps
from tests import make_real_tracks, planting, real_logs, real_tracks_page, real_tracks_pictures
from tests.builders import frame
from tests.evaluate_worlds import at, gap
from tests.make_real_tracks import Trial
from tests.shared_data import sample

RULES, LIMITS = RealTrackRules(), EvaluationRules(measured_min_h=4.0)
START = datetime(2021, 3, 20)
SILENT_FROM_H, SILENT_UNTIL_H = 20, 23


def made_log(ships: int = 24, hours: int = 60) -> pl.DataFrame:
    """Return ships at anchor, each heard every ten minutes; ship 0 is silent for three hours."""
    rows = [
        (ship, START + timedelta(minutes=10 * step), 32.0 + ship / 100, 30.0 + ship / 50)
        for ship in range(ships)
        for step in range(hours * 6)
        if ship or not SILENT_FROM_H <= step / 6 < SILENT_UNTIL_H
    ]
    return pl.DataFrame(rows, schema=["ship", "at", "lon", "lat"], orient="row")


LOG = planting.cut_stretches(made_log(), RULES)


def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_a_stretch_ends_at_the_log_s_own_silence() -> None:
    assert LOG.filter(pl.col("ship") == 0)["stretch"].unique().to_list() == [1, 2]
    assert (
        LOG.filter(pl.col("ship") > 0)
        .group_by("ship")
        .agg(pl.col("stretch").n_unique())["stretch"]
        .to_list()
        == [1] * 23
    )


def test_thinning_keeps_one_message_a_ship_and_slot() -> None:
    minutes = made_log(2, 2).with_columns(pl.col("at") + pl.duration(minutes=1))
    double = pl.concat([made_log(2, 2), minutes]).sort("ship", "at")
    assert planting.thin_evenly(double, RULES).equals(made_log(2, 2).sort("ship", "at"))


def test_a_planted_switch_off_is_one_run_inside_its_stretch() -> None:
    rules = RULES.model_copy(update={"plant_share": 1.0})
    planted = planting.plant_offs(LOG, rules, random())
    for stretch in planted.partition_by("stretch"):
        is_off = stretch["is_off"]
        assert is_off.any()
        assert not is_off[0]
        assert not is_off[-1]
        assert is_off.cast(pl.Int8).diff().abs().sum() == 2
        assert is_off.sum() / 6 >= rules.plant_least_h - 1 / 6


def test_as_many_are_planted_as_the_rules_say_and_always_the_same() -> None:
    planted = planting.plant_offs(LOG, RULES, random())
    assert planted.equals(planting.plant_offs(LOG, RULES, random()))
    share = planted.group_by("stretch").agg(pl.col("is_off").any())["is_off"].mean()
    assert share == pytest.approx(RULES.plant_share, abs=0.2)
    assert share
    none = RULES.model_copy(update={"plant_share": 0.0})
    assert not planting.plant_offs(LOG, none, random())["is_off"].any()


def test_a_stretch_too_short_is_left_alone() -> None:
    short = planting.cut_stretches(made_log(4, 5), RULES)
    rules = RULES.model_copy(update={"plant_share": 1.0})
    assert not planting.plant_offs(short, rules, random())["is_off"].any()


def test_poor_hours_come_in_runs_of_the_stated_length() -> None:
    poor = planting.draw_poor_hours(60, 2_000, RULES, random())
    stated = RULES.poor_h / (RULES.good_h + RULES.poor_h)
    assert poor.mean() == pytest.approx(stated, abs=0.02)
    starts = (poor[:, 1:] & ~poor[:, :-1]).sum()
    assert poor.sum() / starts == pytest.approx(RULES.poor_h, rel=0.05)


def test_messages_of_poor_hours_are_lost_and_those_of_an_off_set_are_never_received() -> None:
    rules = RULES.model_copy(update={"antenna_sigma": 0.0})
    planted = planting.plant_offs(LOG, rules, random())
    drawn = planting.draw_chances(planted, rules.harsh_chance, rules, random())
    assert set(drawn["chance"].unique()) == {rules.harsh_chance, rules.good_chance}
    received = planting.lose_messages(drawn, random())
    assert not received.filter("is_off")["is_received"].any()
    on = received.filter(~pl.col("is_off")).group_by("chance").agg(pl.col("is_received").mean())
    for chance, share in on.rows():
        assert share == pytest.approx(chance, abs=0.02)


def test_antennas_differ_from_ship_to_ship_but_not_on_the_whole() -> None:
    log = planting.cut_stretches(made_log(400, 1), RULES)
    rules = RULES.model_copy(update={"good_chance": 0.01, "plant_share": 0.0})
    chance = planting.draw_chances(log, 0.01, rules, random())
    assert chance["chance"].mean() == pytest.approx(0.01, rel=0.15)
    assert chance.group_by("ship").agg(pl.col("chance").n_unique())["chance"].max() == 1
    assert chance["chance"].n_unique() == 400


def test_what_lets_a_stretch_out_lies_beyond_the_box_and_can_be_reached() -> None:
    log = LOG.with_columns(mmsi=pl.col("stretch"))
    out = planting.let_out(log, RULES).sort("mmsi")
    west, east, south, north = planting.box(log, RULES)
    assert (
        (out["lon"] < west) | (out["lon"] > east) | (out["lat"] < south) | (out["lat"] > north)
    ).all()
    last = log.group_by("mmsi").last().sort("mmsi")
    km = local_distance_km_array(
        *(one[axis].to_numpy() for one in (last, out) for axis in ("lon", "lat"))
    )
    hours = (out["at"] - last["at"]).dt.total_seconds().to_numpy() / 3600
    assert (km / KM_PER_NM / hours < 30).all()
    assert (hours < 4).all()


def missed(hours: range, chance: float, *, is_off: bool) -> pl.DataFrame:
    mmsi = frame(Gaps, [gap(5, 15)])["mmsi"].item()
    return pl.DataFrame(
        {
            "mmsi": pl.Series([mmsi] * len(hours), dtype=pl.Int32),
            "ship": pl.Series([7] * len(hours), dtype=pl.Int64),
            "at": pl.Series([at(hour) for hour in hours], dtype=pl.Datetime("us")),
            "chance": pl.Series([chance] * len(hours), dtype=pl.Float64),
            "is_off": pl.Series([is_off] * len(hours), dtype=pl.Boolean),
        }
    )


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (missed(range(6, 15), 0.5, is_off=True), True),
        (missed(range(6, 15), 0.5, is_off=False), False),
        # Not hearable: whether it sent or not, nobody would have known.
        (missed(range(6, 15), 0.04, is_off=True), None),
        # Silent in the log itself, from hour 6 to hour 14.
        (missed(range(6, 15, 8), 0.5, is_off=True), None),
        (missed(range(0), 0.5, is_off=True), None),
        # Half of the hearable hours: four hours off, four lost, one hopeless.
        (
            pl.concat(
                [
                    missed(range(6, 10), 0.5, is_off=True),
                    missed(range(10, 14), 0.5, is_off=False),
                    missed(range(14, 15), 0.01, is_off=False),
                ]
            ),
            True,
        ),
        (
            pl.concat(
                [
                    missed(range(6, 10), 0.5, is_off=True),
                    missed(range(10, 15), 0.5, is_off=False),
                ]
            ),
            False,
        ),
    ],
)
def test_the_label_is_that_of_half_the_hearable_hours(
    inside: pl.DataFrame, expected: bool | None
) -> None:
    rules = RULES.model_copy(update={"own_silence_h": 1.5})
    # Both ends were heard, with whatever chance, and count for nothing.
    ends = missed(range(5, 16, 10), 0.9, is_off=False)
    log = pl.concat([inside, ends]).sort("at")
    labelled = planting.label_gaps(frame(Gaps, [gap(5, 15)]), log, rules, LIMITS)
    assert labelled["is_off"].to_list() == [expected]


def test_the_surprise_is_that_of_all_missed_messages() -> None:
    log = pl.concat([missed(range(5, 16), 0.5, is_off=False)])
    labelled = planting.label_gaps(frame(Gaps, [gap(5, 15)]), log, RULES, LIMITS)
    assert labelled["surprise"].item() == pytest.approx(9 * np.log(2))


def run_made(tmp_path: Path, loss: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    trial = Trial("made", is_cut=True, is_planted=True, loss=loss)
    rows = make_real_tracks.prepare(made_log(), trial, 1, RULES)
    gaps = make_real_tracks.run_trial(rows, trial, tmp_path / loss, RULES)
    assert gaps["is_closed"].all()
    return rows, planting.label_gaps(gaps, rows, RULES, LIMITS)


def test_the_gaps_of_a_night_without_losses_are_those_planted(tmp_path: Path) -> None:
    rows, labelled = run_made(tmp_path, "none")
    assert labelled["is_off"].all()
    planted = rows.filter("is_off")["mmsi"].unique().sort().to_list()
    assert labelled["mmsi"].sort().to_list() == planted
    assert planted


def test_the_gaps_of_a_night_with_losses_have_both_labels(tmp_path: Path) -> None:
    rows, labelled = run_made(tmp_path, "harsh")
    off = labelled.filter("is_off")
    assert off.height
    assert labelled.filter(~pl.col("is_off")).height > off.height
    assert set(off["mmsi"]) <= set(rows.filter("is_off")["mmsi"])


def test_the_losses_of_a_seed_are_the_same_with_nothing_planted() -> None:
    trial, null = (Trial("made", is_cut=True, is_planted=one, loss="mild") for one in (True, False))
    rows, same = (make_real_tracks.prepare(made_log(), one, 1, RULES) for one in (trial, null))
    assert not same["is_off"].any()
    assert rows.filter(~pl.col("is_off"))["is_received"].equals(
        same.filter(~rows["is_off"])["is_received"]
    )


def test_the_page_tells_each_trial_and_draws_it(tmp_path: Path) -> None:
    trial = Trial("made", is_cut=True, is_planted=True, loss="harsh")
    limits = LIMITS.model_copy(update={"resamples": 20})
    rules = RULES.model_copy(update={"seeds": (1,)})
    judged = {trial: make_real_tracks.judge_trial(made_log(), trial, (1,), rules, limits)}
    page = tmp_path / "real_tracks.md"
    densities = {"made": real_logs.measure_density(made_log())}
    real_tracks_page.write_page(judged, densities, {}, page, rules, limits)
    text = page.read_text("utf-8")
    assert "SIMULATED" in text
    found = real_tracks_page.measure(judged[trial], limits)
    best = next(one for one in found if one.subject == real_tracks_page.SURPRISE)
    # The night's gaps are told apart almost wholly by how unlikely their silence was.
    assert best.value is not None
    assert best.value > 0.8
    assert f"| made, cut, loss harsh | {found[0].count} |" in text
    for picture in (real_tracks_pictures.RELIABILITY, real_tracks_pictures.SPREAD):
        assert (tmp_path / "real_tracks" / picture).stat().st_size > 10_000


def test_without_the_logs_the_page_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_real_tracks, "SHARED", tmp_path)
    assert make_real_tracks.write_real_tracks(tmp_path / "page.md") == {}
    assert not (tmp_path / "page.md").exists()


def test_the_log_of_suez_is_dense_and_others_are_not() -> None:
    sample(real_logs.SUEZ)
    suez = real_logs.measure_density(real_logs.read_suez())
    assert (suez.ships, round(suez.days, 1)) == (256, 4.5)
    assert not suez.refuse(RULES)
    name = "csv/spaceeyes_marmara_2022-02-16.csv"
    sample(name)
    marmara = real_logs.read_csv(real_logs.SHARED / name, *real_logs.OTHERS[name])
    assert "shorter" in real_logs.measure_density(marmara).refuse(RULES)
