"""`darkport calibrate`: what it writes beside the outputs, what it refuses, what explain tells."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from pipeline import schema, store
from pipeline.calibrate import FOLDER, calibrate, tell_calibrated
from pipeline.calibration import fit_calibration
from pipeline.calibration_gaps import calibrate_gaps, draw_calibrations
from pipeline.errors import ConfigError, LockedError, UsageError
from pipeline.rules import CalibrationRules
from tests.builders import frame
from tests.test_bad_input import darkport
from tests.test_calibration import made_labels

QUICK = CalibrationRules(draws=20)
GAPS = 400
FILES = {
    *("gaps_calibrated.parquet", "gaps_calibrated.csv", "reliability.csv", "reliability.png"),
    *("calibration.json", "calibration.md"),
}


def made_gaps(labels: pl.DataFrame) -> pl.DataFrame:
    """Return a published row for each label's gap, with an interval round its p_off."""
    return labels.select(
        "gap_id",
        "mmsi",
        "p_off",
        p_off_low=pl.col("p_off") * 0.9,
        p_off_high=1 - (1 - pl.col("p_off")) * 0.9,
    )


@pytest.fixture
def truth() -> pl.DataFrame:
    return made_labels(GAPS)


@pytest.fixture
def processed(tmp_path: Path, truth: pl.DataFrame) -> Path:
    """Return a folder of one published table, with three gaps more that have no p_off."""
    folder = tmp_path / "processed"
    rows = made_gaps(truth).to_dicts() + [{"gap_id": f"mute-{number}"} for number in range(3)]
    store.write_table(frame(schema.TABLES["gaps"], rows).sort("gap_id"), "gaps", folder)
    manifest = {"is_simulated": True, "run": 3, "rules_hash": "0" * 12, "method_version": "0.0.0"}
    store.write_json({**manifest, "data_end": "2023-08-01T00:00:00Z"}, folder / "manifest.json")
    return folder


def write_labels(path: Path, truth: pl.DataFrame, *more: str) -> Path:
    lines = [
        f"{gap_id},{'yes' if is_off else 'no'},SIMULATED,2023-08-01"
        for gap_id, is_off in truth.select("gap_id", "is_off").iter_rows()
    ]
    path.write_text("\n".join(["gap_id,is_off,source,date", *lines, *more]) + "\n", "utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file but those of calibrations and of the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] not in (FOLDER, ".lock")
    }


def test_the_command_writes_all_beside_the_outputs_and_changes_none(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    before = contents(processed)
    labels = write_labels(tmp_path / "my labels.csv", truth.head(200), "mute-1,yes,me,2023-08-01")
    done = darkport("calibrate", "--labels", labels, "--processed", processed)
    assert (done.code, done.errors) == (0, [])
    assert done.out.startswith("SIMULATED: logistic map from 200 labels (")
    assert "1 without p_off left out) for 400 gaps" in done.out
    assert "p_off stays the headline" in done.out
    assert contents(processed) == before
    out = processed / FOLDER
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == FILES
    gaps = store.read_parquet(out / "gaps_calibrated.parquet")
    assert gaps.join(truth, on=["gap_id", "p_off"]).height == gaps.height == GAPS
    assert pl.read_csv(out / "gaps_calibrated.csv")["gap_id"].to_list() == gaps["gap_id"].to_list()
    facts = json.loads((out / "calibration.json").read_text("utf-8"))
    assert facts["is_simulated"] is True
    assert (facts["labels"], facts["labels_without_p_off"], facts["night"]["run"]) == (200, 1, 3)
    page = (out / "calibration.md").read_text("utf-8")
    assert "SIMULATED" in page
    assert f"calibration error {facts['calibration_error']['before']:.3f} before" in page
    assert f"sigmoid({facts['intercept']:.3f} + {facts['slope']:.3f} logit p_off)" in page


def test_json_is_the_facts(processed: Path, truth: pl.DataFrame, tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "labels.csv", truth)
    words = ("calibrate", "--labels", labels, "--processed", processed, "--out", tmp_path / "mine")
    done = darkport(*words, "--json")
    assert json.loads(done.out) == json.loads((tmp_path / "mine/calibration.json").read_text())
    assert not (processed / FOLDER).exists()


def test_the_same_labels_give_the_same_bytes_in_any_order(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    one = write_labels(tmp_path / "labels.csv", truth)
    calibrate(processed, one, tmp_path / "one", QUICK)
    calibrate(processed, one, tmp_path / "two", QUICK)
    write_labels(one, truth.reverse())
    calibrate(processed, one, tmp_path / "three", QUICK)
    names = FILES - {"calibration.json", "calibration.md"}  # they name the file's hash
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "three" / name).read_bytes()


@pytest.mark.parametrize(
    ("kept", "more", "said"),
    [
        (pl.col("gap_id").is_in(["gap-1", "gap-2"]), (), "2 labels of gaps with a p_off"),
        (pl.col("is_off"), (), "0 labels that say not off"),
        (~pl.col("is_off"), (), "0 labels that say off"),
        (pl.lit(value=True), ("gone,yes,me,2023-08-01",), "column gap_id: found 'gone'"),
    ],
)
def test_labels_that_cannot_be_used_are_one_line_and_exit_code_2(
    processed: Path,
    truth: pl.DataFrame,
    tmp_path: Path,
    kept: pl.Expr,
    more: tuple[str, ...],
    said: str,
) -> None:
    labels = write_labels(tmp_path / "labels.csv", truth.filter(kept), *more)
    done = darkport("calibrate", "--labels", labels, "--processed", processed)
    assert (done.code, len(done.errors)) == (2, 1)
    assert said in done.errors[0]
    assert not (processed / FOLDER).exists()


def test_labels_of_too_few_ships_are_refused(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    ship = pl.col("mmsi") == truth["mmsi"][0]
    labels = write_labels(tmp_path / "labels.csv", truth)
    rows = made_gaps(truth.with_columns(mmsi=pl.lit(273_000_001))).to_dicts()
    store.write_table(frame(schema.TABLES["gaps"], rows).sort("gap_id"), "gaps", processed)
    with pytest.raises(ConfigError, match="are of 1 ships, expected at least 5"):
        calibrate(processed, labels, tmp_path / "out", QUICK)
    # Six ships, but one alone is ever off: who is to predict it?
    few = truth.with_columns(
        mmsi=273_000_001 + pl.int_range(pl.len()) % 6, is_off=pl.int_range(pl.len()) % 6 == 0
    )
    rows = made_gaps(few).to_dicts()
    store.write_table(frame(schema.TABLES["gaps"], rows).sort("gap_id"), "gaps", processed)
    with pytest.raises(ConfigError, match="that say off are of 1 ships, expected at least 2"):
        calibrate(processed, write_labels(labels, few), tmp_path / "out", QUICK)
    assert truth.filter(ship).height > 0
    assert not (tmp_path / "out").exists()


def test_nothing_published_or_no_file_is_one_line(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path / "labels.csv", truth)
    for given_labels, folder in ((labels, tmp_path / "none"), (tmp_path / "none.csv", processed)):
        done = darkport("calibrate", "--labels", given_labels, "--processed", folder)
        assert (done.code, len(done.errors)) == (2, 1)
        assert "none" in done.errors[0]


def test_outputs_of_a_night_are_never_written_over(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path / "labels.csv", truth)
    other = store.Outputs(tmp_path / "other")
    new = other.begin()
    store.write_json({}, new / "manifest.json")
    other.commit(new)
    for out in (processed, tmp_path / "other"):
        before = contents(out)
        with pytest.raises(UsageError, match="holds the outputs of a night"):
            calibrate(processed, labels, out, QUICK)
        assert contents(out) == before


def test_a_second_calibration_at_the_same_time_is_refused(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path / "labels.csv", truth)
    with store.hold_lock(processed / FOLDER), pytest.raises(LockedError) as caught:
        calibrate(processed, labels, processed / FOLDER, QUICK)
    assert caught.value.exit_code == 5
    assert not (processed / FOLDER / "calibration.json").exists()


def test_what_a_killed_calibration_left_is_removed_and_the_old_one_stands(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    labels = write_labels(tmp_path / "labels.csv", truth)
    out = processed / FOLDER
    calibrate(processed, labels, out, QUICK)
    before = (out / "calibration.json").read_bytes()
    half = store.Outputs(out).begin()
    (half / "gaps_calibrated.parquet").write_bytes(b"PAR1")
    with pytest.raises(ConfigError):
        calibrate(processed, write_labels(labels, truth.head(3)), out, QUICK)
    assert (out / "calibration.json").read_bytes() == before
    calibrate(processed, write_labels(labels, truth), out, QUICK)
    assert not half.exists()
    assert (out / "calibration.json").read_bytes() == before


def test_explain_gets_a_line_where_the_calibration_is_of_this_p_off(
    processed: Path, truth: pl.DataFrame, tmp_path: Path
) -> None:
    gap = truth.row(0, named=True)
    assert tell_calibrated(processed, gap) == []
    calibrate(processed, write_labels(tmp_path / "l.csv", truth), processed / FOLDER, QUICK)
    rows = store.read_parquet(processed / FOLDER / "gaps_calibrated.parquet")
    found = rows.row(by_predicate=pl.col("gap_id") == gap["gap_id"], named=True)
    (line,) = tell_calibrated(processed, gap)
    assert f"make of it {found['p_off_calibrated']:.3f}, interval" in line
    (stale,) = tell_calibrated(processed, {**gap, "p_off": gap["p_off"] / 2})
    assert "earlier p_off" in stale
    assert tell_calibrated(processed, {**gap, "p_off": None}) == []


# ---------------------------------------------------------------------------- what it makes of p


LABELLED = st.lists(
    st.tuples(st.sampled_from([0.0, 1e-6, 0.2, 0.5, 0.9, 1.0]), st.booleans(), st.integers(0, 9)),
    min_size=60,
    max_size=120,
).filter(lambda rows: 10 <= sum(is_off for _, is_off, _ in rows) <= len(rows) - 10)


@given(LABELLED, st.sampled_from([60, 1_000]))
@settings(max_examples=15)
def test_whatever_labels_say_p_keeps_its_order_and_is_never_certain(
    rows: list[tuple[float, bool, int]], isotonic_from: int
) -> None:
    labels = pl.DataFrame(
        [(f"gap-{at}", 273_000_000 + ship, p, off) for at, (p, off, ship) in enumerate(rows)],
        schema=["gap_id", "mmsi", "p_off", "is_off"],
        orient="row",
    )
    rules = CalibrationRules(draws=20, isotonic_from=isotonic_from)
    found = calibrate_gaps(made_gaps(labels), labels, rules).sort("p_off")
    for name in ("p_off_calibrated", "p_off_calibrated_low", "p_off_calibrated_high"):
        assert found[name].is_sorted()
        assert found[name].min() > 0 and found[name].max() < 1  # type: ignore[operator]
    low, middle, high = (found[f"p_off_calibrated{end}"] for end in ("_low", "", "_high"))
    assert ((low <= middle) & (middle <= high)).all()
    mixed = labels.sample(fraction=1, shuffle=True, seed=3)
    assert calibrate_gaps(made_gaps(mixed), mixed, rules).equals(found.sort("gap_id"))


@pytest.mark.parametrize("count", [300, 1_200])
def test_an_error_that_shifts_every_logit_is_undone_whole(count: int) -> None:
    labels = made_labels(count)
    wrong = labels.with_columns(p_off=expit(logit(labels["p_off"].to_numpy()) - 1.5))
    found, expected = (
        fit_calibration(one, QUICK).apply(one["p_off"]).to_numpy() for one in (wrong, labels)
    )
    assert found == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("count", "most"), [(900, 0.12), (4_000, 0.12)])
def test_what_is_calibrated_already_stays_about_as_it_is(count: int, most: float) -> None:
    labels = made_labels(count, slope=1, shift=0)
    found = fit_calibration(labels, QUICK).apply(labels["p_off"]).to_numpy()
    # The isotonic map's steps are rough one by one; on the whole they lie on the diagonal.
    assert np.abs(found - labels["p_off"].to_numpy()).mean() < 0.03
    assert np.abs(found - labels["p_off"].to_numpy()).max() < most


def test_the_interval_narrows_with_labels_and_holds_the_true_map_mostly() -> None:
    at = pl.DataFrame({"gap_id": ["x", "y"], "p_off": [0.2, 0.7]}).with_columns(
        p_off_low="p_off", p_off_high="p_off"
    )
    true = expit(-0.7 + 0.5 * logit(at["p_off"].to_numpy()))
    widths = []
    for count in (100, 900):
        found = calibrate_gaps(at, made_labels(count), CalibrationRules(draws=60))
        low, high = found["p_off_calibrated_low"].to_numpy(), found["p_off_calibrated_high"]
        widths.append((high.to_numpy() - low).mean())
        assert (low - 0.05 < true).all() and (true < high.to_numpy() + 0.05).all()
    assert widths[1] < 0.6 * widths[0]


@pytest.mark.parametrize("count", [900, 1_010])
def test_every_draw_is_of_the_kind_of_map_all_labels_get(count: int) -> None:
    labels = made_labels(count)
    expected = fit_calibration(labels, QUICK).method
    assert {one.method for one in draw_calibrations(labels, QUICK)} == {expected}
