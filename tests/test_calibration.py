"""Calibration of p_off on a user's labels: reading them, the two maps, and the check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from pipeline.calibration import Calibration, check_calibration, fit_calibration
from pipeline.calibration_labels import LABELS_SCHEMA, read_calibration_labels
from pipeline.errors import ConfigError
from pipeline.rules import CalibrationRules

RULES = CalibrationRules()
GRID = pl.Series(np.linspace(0, 1, 501))
GAPS = pl.DataFrame(
    {
        "gap_id": ["a1", "b2", "c3"],
        "mmsi": [273000001, 273000001, 422000002],
        "p_off": [0.9, None, 0.2],
    },
    schema_overrides={"mmsi": pl.Int32},
)
HEAD = "gap_id,is_off,source,date\n"


def made_labels(count: int, slope: float = 0.5, shift: float = -0.7) -> pl.DataFrame:
    """Return labels whose truth is sigmoid(shift + slope logit p): p_off is too sure of itself."""
    random = np.random.default_rng(11)
    p = random.beta(0.6, 0.6, count).clip(1e-4, 1 - 1e-4)
    return pl.DataFrame(
        {
            "gap_id": [f"gap-{number}" for number in range(count)],
            "mmsi": random.integers(0, 60, count) + 273_000_000,
            "p_off": p,
            "is_off": random.random(count) < expit(shift + slope * logit(p)),
        },
        schema=LABELS_SCHEMA,
    )


def write_labels(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, "utf-8")
    return path


def overall(labels: pl.DataFrame, stage: str) -> dict[str, float]:
    found = check_calibration(labels, RULES)
    return found.filter(pl.col("bin").is_null(), pl.col("stage") == stage).row(0, named=True)


def test_labels_are_joined_to_their_gaps_whether_they_have_a_p_off_or_not(
    tmp_path: Path,
) -> None:
    text = "date,source,gap_id,is_off\n2023-05-10,radar,c3,no\n2023-05-11,radar,b2,yes\n"
    text += "2023-05-12,radar,a1,YES\n"
    found = read_calibration_labels(write_labels(tmp_path, text), GAPS, RULES)
    assert dict(found.schema) == LABELS_SCHEMA
    assert found.rows() == [
        ("a1", 273000001, 0.9, True),
        ("b2", 273000001, None, True),
        ("c3", 422000002, 0.2, False),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gap_id,is_off\n", r"line 1, column header: found 'gap_id, is_off'"),
        (HEAD, "no row below the header"),
        ("", r"line 1, column header: found ''"),
        (HEAD + "zz,yes,me,2023-01-01\n", r"line 2, column gap_id: found 'zz'"),
        (
            HEAD + "a1,yes,me,2023-01-01\na1,no,me,2023-01-01\n",
            r"line 3, column gap_id: found 'a1', expected no gap twice: it is in line 2 too",
        ),
        (HEAD + "a1,maybe,me,2023-01-01\n", r"line 2, column is_off: found 'maybe'"),
        (HEAD + "a1,yes,,2023-01-01\n", r"line 2, column source: found ''"),
        (HEAD + "a1,yes,me,soon\n", r"line 2, column date: found 'soon'"),
        (HEAD + "a1,yes,me\n", r"line 2, column all: found '3', expected 4 cells"),
        (HEAD + 'a1,yes,"me,2023-01-01\n', "unexpected end of data"),
        (HEAD + "a1,yes,m\x1b[31me,2023-01-01\n", r"line 2, column source: found 'm \[31me'"),
        (HEAD + f"a1,yes,{'x' * 201},2023-01-01\n", "1 to 200 printable characters"),
        (HEAD + "\x1b]0;x\x07,yes,me,2023-01-01\n", "column gap_id"),
        (HEAD + f"{'é' * 5000},yes,me,2023-01-01\n", "column gap_id"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read_calibration_labels(write_labels(tmp_path, text), GAPS, RULES)
    message = str(caught.value)
    assert "\n" not in message and message.isprintable() and len(message) <= 1_000


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"gap_id,is_off,source,date\n\xff\xfe\x00")
    with pytest.raises(ConfigError, match="no UTF-8"):
        read_calibration_labels(path, GAPS, RULES)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (made_labels(49), "49 labels of gaps with a p_off, expected at least 50"),
        (made_labels(80).with_columns(is_off=pl.lit(False)), "0 labels that say off"),
        (made_labels(80).with_columns(is_off=pl.lit(True)), "0 labels that say not off"),
        (made_labels(0), "0 labels of gaps"),
    ],
)
def test_too_few_labels_or_one_answer_are_refused(labels: pl.DataFrame, said: str) -> None:
    for judge in (fit_calibration, check_calibration):
        with pytest.raises(ConfigError, match=said):
            judge(labels, RULES)


def test_few_labels_give_the_logistic_of_scikit_learn() -> None:
    labels = made_labels(900)
    found = fit_calibration(labels, RULES)
    assert (found.method, found.labels, found.off) == ("logistic", 900, labels["is_off"].sum())
    x = logit(labels["p_off"].to_numpy())[:, None]
    plain = LogisticRegression(C=1e9).fit(x, labels["is_off"].to_numpy())
    inside = GRID.filter((GRID > 0.001) & (GRID < 0.999))
    expected = plain.predict_proba(logit(inside.to_numpy())[:, None])[:, 1]
    # Platt's targets move it by about one label in 900.
    assert found.apply(inside).to_numpy() == pytest.approx(expected, abs=0.005)


def test_many_labels_give_isotonic_regression() -> None:
    labels = made_labels(4_000)
    found = fit_calibration(labels, RULES)
    assert found.method == "isotonic"
    p, is_off = labels["p_off"].to_numpy(), labels["is_off"].to_numpy()
    x = np.concatenate([[0.0], p, [1.0]])
    truth = np.concatenate([[1.0], is_off, [0.0]])
    expected = IsotonicRegression().fit(x, truth).predict(p)
    assert found.apply(labels["p_off"]).to_numpy() == pytest.approx(expected, abs=1e-9)


def test_isotonic_starts_at_the_stated_number() -> None:
    assert fit_calibration(made_labels(RULES.isotonic_from - 1), RULES).method == "logistic"
    assert fit_calibration(made_labels(RULES.isotonic_from), RULES).method == "isotonic"


@pytest.mark.parametrize("count", [60, 900, 1_000, 4_000])
@pytest.mark.parametrize("slope", [2.0, 0.5, 0.0, -1.0])
def test_the_map_never_falls_and_makes_nothing_certain(count: int, slope: float) -> None:
    mapped = fit_calibration(made_labels(count, slope), RULES).apply(GRID).to_numpy()
    assert (np.diff(mapped) >= -1e-12).all()
    assert mapped.min() > 0 and mapped.max() < 1


def test_labels_parted_without_an_error_stay_finite() -> None:
    labels = made_labels(200).with_columns(is_off=pl.col("p_off") > 0.5)
    mapped = fit_calibration(labels, RULES).apply(pl.Series([0.0, 0.01, 0.99, 1.0]))
    assert mapped.is_finite().all()
    assert mapped[1] < 0.05 and mapped[2] > 0.95


def test_equal_p_off_are_one_observation_in_any_order() -> None:
    labels = made_labels(2_000).with_columns(pl.col("p_off").round(1))
    one, other = (fit_calibration(frame, RULES).apply(GRID) for frame in (labels, labels.reverse()))
    assert one.to_list() == pytest.approx(other.to_list(), abs=1e-12)


def test_gaps_without_p_off_get_none() -> None:
    calibration = Calibration("logistic", 60, 30, (0.0, 1.0), (0.2, 0.6))
    found = calibration.apply(pl.Series([0.0, None, 0.5, float("nan"), 1.0]))
    assert found.name == "p_off_calibrated"
    assert found.to_list() == pytest.approx([0.2, None, 0.4, None, 0.6])
    assert calibration.apply(pl.Series([], dtype=pl.Float64)).to_list() == []
    assert calibration.apply(pl.Series([None, None])).to_list() == [None, None]


@pytest.mark.parametrize("count", [600, 3_000])
def test_the_check_sees_that_calibration_helps_where_p_off_is_off_the_mark(count: int) -> None:
    labels = made_labels(count)
    before, after = overall(labels, "before"), overall(labels, "after")
    assert before["labels"] == after["labels"] == count
    assert before["calibration_error"] > 0.1
    assert after["calibration_error"] < 0.06
    assert after["brier"] < before["brier"]


def test_the_check_predicts_no_label_by_itself() -> None:
    # Pure chance, in which an isotonic map fitted on all labels would find something.
    random = np.random.default_rng(5)
    labels = made_labels(1_500).with_columns(is_off=pl.Series(random.random(1_500) < 0.5))
    assert overall(labels, "after")["brier"] > 0.249


def test_the_check_does_not_depend_on_the_order_of_labels() -> None:
    labels = made_labels(400)
    assert check_calibration(labels, RULES).equals(check_calibration(labels.reverse(), RULES))


def test_bins_of_the_check_hold_all_labels_and_their_interval() -> None:
    found = check_calibration(made_labels(300), RULES)
    bins = found.filter(pl.col("bin").is_not_null())
    assert bins.group_by("stage").agg(pl.col("labels").sum())["labels"].to_list() == [300, 300]
    assert bins.filter(
        (pl.col("off_share_low") > pl.col("off_share"))
        | (pl.col("off_share_high") < pl.col("off_share"))
    ).is_empty()


def test_labels_of_one_ship_cannot_be_checked() -> None:
    labels = made_labels(200).with_columns(mmsi=pl.lit(273_000_001, dtype=pl.Int32))
    with pytest.raises(ConfigError, match="are of 1 ships, expected at least 5"):
        check_calibration(labels, RULES)


def test_folds_keep_to_the_kind_of_map_that_all_labels_get() -> None:
    # Four fifths of these are fewer than isotonic regression asks for; its levels show in p_mean.
    count = RULES.isotonic_from + 20
    labels = made_labels(count).with_columns(mmsi=pl.int_range(count, dtype=pl.Int32))
    found = check_calibration(labels.with_columns(is_off=pl.col("p_off") > 0.5), RULES)
    after = found.filter(pl.col("stage") == "after", pl.col("bin").is_not_null())
    # Isotonic: two levels at each end of each of five folds, a logistic would have ten bins.
    assert after.height < 8


def test_bins_grow_with_labels() -> None:
    for count, bins in ((100, 5), (900, 9), (4_000, 20)):
        found = check_calibration(made_labels(count), RULES)
        before = found.filter(pl.col("stage") == "before", pl.col("bin").is_not_null())
        assert before.height == bins
