"""Labels of gaps, and the true calls they hide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.evaluate.hours import lay_out_hours
from pipeline.evaluate.labels import label_gaps, mark_heard_meanwhile, match_vessels
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import Run, read_run
from pipeline.evaluate.true_calls import attach_calls, cover_calls, dark_calls
from tests.evaluate_worlds import MMSI, START, at, call, gap, off, ship_hours, write_run

RULES = EvaluationRules()


def labelled(run: Run) -> pl.DataFrame:
    hours = lay_out_hours(run.truth["ship_hours"], run.truth["off_intervals"], START, RULES)
    matched = match_vessels(run.published["gaps"], run, hours)
    return label_gaps(matched, run, hours, RULES)


def label_of(run: Run) -> bool | None:
    return labelled(run)["is_off"].item()


@pytest.mark.parametrize(
    ("off_until_h", "expected"), [(10.0, True), (9.99, False), (15.0, True), (5.0, False)]
)
def test_a_gap_is_off_from_half_of_its_hearable_hours_on(
    tmp_path: Path, off_until_h: float, expected: bool
) -> None:
    run = write_run(tmp_path, [gap(5, 15)], ship_hours(48), [off(4, off_until_h)])
    assert label_of(run) is expected


def test_hours_nobody_can_hear_do_not_count(tmp_path: Path) -> None:
    receptions = np.where(np.arange(48) < 12, 2.0, 0.0)
    run = write_run(tmp_path, [gap(10, 30)], ship_hours(48, receptions=receptions), [off(11, 12)])
    row = labelled(run)
    assert row["hearable_h"].item() == pytest.approx(2)
    assert row["off_h"].item() == pytest.approx(1)
    assert row["is_off"].item() is True


def test_a_gap_without_a_hearable_hour_has_no_label(tmp_path: Path) -> None:
    # 1 - exp(-0.051) is 0.0497: just below the chance of 0.05 an hour.
    run = write_run(tmp_path, [gap(5, 15)], ship_hours(48, receptions=0.051), [off(5, 15)])
    assert label_of(run) is None


def test_the_private_factor_makes_an_hour_hearable_or_not(tmp_path: Path) -> None:
    hours = ship_hours(48, receptions=0.051, private=2.0)
    assert label_of(write_run(tmp_path, [gap(5, 15)], hours, [off(5, 15)])) is True


def test_the_first_and_last_hour_count_by_their_parts(tmp_path: Path) -> None:
    run = write_run(tmp_path, [gap(5.75, 10.5)], ship_hours(48), [off(5.5, 6.25), off(10.25, 20)])
    row = labelled(run)
    assert row["hearable_h"].item() == pytest.approx(4.75)
    assert row["off_h"].item() == pytest.approx(0.75)


def test_off_times_that_overlap_count_once(tmp_path: Path) -> None:
    offs = [off(5, 8), off(6, 9), off(7, 7.5)]
    run = write_run(tmp_path, [gap(4, 16)], ship_hours(48), offs)
    assert labelled(run)["off_h"].item() == pytest.approx(4)


def test_a_set_that_stays_off_is_off_until_the_end_of_the_world(tmp_path: Path) -> None:
    run = write_run(
        tmp_path, [gap(40, 47, 0), gap(3, 9, 1)], ship_hours(48, 2), [off(41, 900), off(4, 6, 1)]
    )
    assert labelled(run)["off_h"].to_list() == pytest.approx([6, 2])


def test_an_open_gap_and_a_stranger_have_no_label(tmp_path: Path) -> None:
    rows = [gap(5, None), gap(5, 15, mmsi=211_000_000)]
    run = write_run(tmp_path, rows, ship_hours(48), [off(4, 20)])
    found = labelled(run)
    assert found["is_off"].to_list() == [None, None]
    assert found["vessel"].to_list() == [0, None]


def test_an_mmsi_belongs_to_the_vessel_that_sends_it_at_the_off_time(tmp_path: Path) -> None:
    identities = [
        {"vessel": 0, "mmsi": MMSI, "from_at": at(0), "to_at": at(24)},
        {"vessel": 1, "mmsi": MMSI, "from_at": at(24), "to_at": at(48)},
    ]
    run = write_run(tmp_path, [gap(23, 40), gap(24, 40)], ship_hours(48, 2), identities=identities)
    found = labelled(run)
    assert found["vessel"].to_list() == [0, 1]
    assert found["is_shared"].to_list() == [False, False]


def test_of_two_vessels_with_one_mmsi_the_truly_nearer_one_fell_silent(tmp_path: Path) -> None:
    identities = [
        {"vessel": vessel, "mmsi": MMSI, "from_at": at(0), "to_at": at(48)} for vessel in (0, 1)
    ]
    # Vessel 0 stays at 50 E, vessel 1 sails east from there by 0.1 degree an hour.
    lon_deg = np.stack([np.full(48, 50.0), 50.0 + 0.1 * np.arange(48)])
    rows = [gap(20, 30, off_lon=50.1), gap(20, 30, off_lon=51.9)]
    run = write_run(
        tmp_path, rows, ship_hours(48, 2, lon_deg=lon_deg), [off(19, 31, 1)], identities=identities
    )
    found = labelled(run)
    assert found["vessel"].to_list() == [0, 1]
    assert found["is_off"].to_list() == [False, True]
    assert found["is_shared"].all()


def test_a_gap_with_an_end_of_another_of_the_same_vessel_inside_is_no_silence(
    tmp_path: Path,
) -> None:
    rows = [
        gap(2, 40),  # the next begins inside
        gap(10, 20),
        gap(20, 30),  # begins where the one before ends: heard, but not inside either
        gap(5, 45, 1),  # another vessel
        gap(42, None),
    ]
    run = write_run(tmp_path, rows, ship_hours(48, 2))
    found = mark_heard_meanwhile(labelled(run))
    assert found["is_heard_meanwhile"].to_list() == [True, False, False, False, False]


def test_labels_are_those_of_a_slow_second_by_second_count(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    vessels, count = 3, 60
    receptions = random.gamma(0.3, 0.4, (vessels, count))
    offs = [
        off(start, start + length, vessel)
        for vessel in range(vessels)
        for start, length in zip(
            random.uniform(0, 55, 6).round(3), random.uniform(0, 9, 6).round(3), strict=True
        )
    ]
    gaps = [
        gap(start, start + length, vessel)
        for vessel in range(vessels)
        for start, length in zip(
            random.uniform(0, 40, 20).round(3), random.uniform(4, 19, 20).round(3), strict=True
        )
    ]
    run = write_run(tmp_path, gaps, ship_hours(count, vessels, receptions), offs)
    found = labelled(run)
    hearable = np.repeat(1 - np.exp(-receptions.astype(np.float32)) >= 0.05, 3600, axis=1)
    silent = np.zeros((vessels, count * 3600), dtype=bool)
    for row in offs:
        begin, end = ((row[name] - START).total_seconds() for name in ("off_at", "on_at"))
        silent[row["vessel"], round(begin) : round(end)] = True
    for row, given in zip(gaps, found.iter_rows(named=True), strict=True):
        begin, end = (round((row[name] - START).total_seconds()) for name in ("off_at", "on_at"))
        vessel = row["mmsi"] - MMSI
        heard_s = hearable[vessel, begin:end].sum()
        dark_s = (hearable & silent)[vessel, begin:end].sum()
        assert given["hearable_h"] * 3600 == pytest.approx(heard_s, abs=2)
        assert given["off_h"] * 3600 == pytest.approx(dark_s, abs=8)
        if abs(dark_s - heard_s / 2) > 8:
            assert given["is_off"] is (None if heard_s == 0 else bool(dark_s >= heard_s / 2))


def test_a_gap_hides_the_dark_calls_that_lie_wholly_in_it(tmp_path: Path) -> None:
    calls = [
        call(12, 18),
        call(20, 29, port_group="amirabad"),
        call(28, 34),  # ends after the gap
        call(13, 17, is_dark=False),
        call(12, 18, 1),  # another vessel
    ]
    run = write_run(tmp_path, [gap(10, 30), gap(40, None)], ship_hours(60, 2), calls=calls)
    rows = labelled(run)
    covered = cover_calls(rows, dark_calls(run.truth["port_calls"]))
    assert covered["gap_id"].to_list() == ["gap-001", "gap-001", None, None]
    first = attach_calls(rows, covered).row(0, named=True)
    assert (first["true_calls"], first["true_port_group"]) == (2, "amirabad")


def test_a_call_under_an_open_gap_is_told_apart(tmp_path: Path) -> None:
    run = write_run(tmp_path, [gap(10, None)], ship_hours(60), calls=[call(12, 18)])
    covered = cover_calls(labelled(run), dark_calls(run.truth["port_calls"]))
    assert covered.select("gap_id", "is_open", "gap_h").row(0) == ("gap-001", True, None)


def test_tables_of_two_worlds_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path, [gap(5, 15)], ship_hours(48))
    identities = pl.read_parquet(tmp_path / "truth" / "identities.parquet")
    other = identities.with_columns(mmsi=pl.col("mmsi") + 1000)
    other.write_parquet(tmp_path / "truth" / "identities.parquet")
    with pytest.raises(UsageError, match="not of one world"):
        read_run(tmp_path / "processed", tmp_path / "truth")


def test_a_missing_truth_table_is_named(tmp_path: Path) -> None:
    write_run(tmp_path, [], ship_hours(48))
    (tmp_path / "truth" / "off_intervals.parquet").unlink()
    with pytest.raises(UsageError, match=r"off_intervals\.parquet"):
        read_run(tmp_path / "processed", tmp_path / "truth")


def test_a_world_without_a_fact_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, [], ship_hours(48))
    (tmp_path / "truth" / "world.json").write_text('{"name": "test"}', "utf-8")
    with pytest.raises(UsageError, match="lacks is_simulated, seed"):
        read_run(tmp_path / "processed", tmp_path / "truth")
