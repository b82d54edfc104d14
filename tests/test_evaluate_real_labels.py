"""The classifier of real labelled gaps, on made rows; the real file where it is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import fbeta_score

from pipeline.errors import UsageError
from pipeline.evaluate import labels_classifier, labels_page, labels_scores, real_labels
from pipeline.evaluate.limits import EvaluationRules, RealLabelRules
from tests import make_real_labels
from tests.shared_data import sample

RULES = RealLabelRules(block_rows=50, folds=3, inner_folds=2)
LIMITS = EvaluationRules(resamples=20)
STORED = {rule.name: 0.7 for rule in real_labels.PUBLISHED}


def made_gaps(count: int = 3_000) -> pl.DataFrame:
    """Return rows whose label hangs on the count of 12 h beside what the place lets through."""
    random = np.random.default_rng(3)
    reception = random.choice(np.geomspace(5, 500, 120).round(3), count)
    before = random.poisson(reception / 2 * random.gamma(1, 1, count))
    p = 1 / (1 + np.exp(-(np.log1p(before) - np.log1p(reception / 4))))
    return pl.DataFrame(
        {
            "label_disabled": (random.random(count) < p).astype(np.int8),
            "positions_12h_before": before,
            "positions_xh_before": before + random.poisson(3, count),
            "positions_12h_after": random.poisson(5, count),
            "positions_xh_after": random.poisson(5, count),
            "reception_positions_per_day": reception,
        }
    )


GAPS = made_gaps()
IS_OFF = GAPS["label_disabled"].to_numpy() == 1


def test_no_column_of_the_on_point_is_learnt_from() -> None:
    used = {column for columns in real_labels.FEATURE_SETS.values() for column in columns}
    assert not {column for column in used if "after" in column or "label" in column}
    changed = GAPS.with_columns(positions_12h_after=pl.lit(0), positions_xh_after=pl.lit(0))
    for columns in real_labels.FEATURE_SETS.values():
        features = real_labels.build_features(GAPS, columns)
        assert np.array_equal(features, real_labels.build_features(changed, columns))
    # The set known at the off point does not move with the gap's length either.
    longer = GAPS.with_columns(pl.col("positions_xh_before") * 10)
    columns = real_labels.FEATURE_SETS["off point only"]
    assert np.array_equal(
        real_labels.build_features(GAPS, columns), real_labels.build_features(longer, columns)
    )


def test_groups_are_never_split_between_folds() -> None:
    for groups in real_labels.group_rows(GAPS, RULES).values():
        fold = real_labels.deal_folds(groups, RULES.folds, RULES.seed)
        pairs = pl.DataFrame({"group": groups, "fold": fold}).unique()
        assert pairs["group"].is_unique().all()
        assert set(fold) == set(range(RULES.folds))


def test_rows_of_equal_reception_are_one_cell() -> None:
    cells = real_labels.group_rows(GAPS, RULES)["cells"]
    assert len(set(cells)) == GAPS["reception_positions_per_day"].n_unique()


def test_the_threshold_is_the_best_one() -> None:
    random = np.random.default_rng(1)
    p = random.random(400).round(2)
    is_off = random.random(400) < p
    found = labels_classifier.choose_threshold(is_off, p)
    scores = {at: fbeta_score(is_off, p >= at, beta=0.5) for at in np.unique(p)}
    assert scores[found] == pytest.approx(max(scores.values()))


def test_the_labels_of_a_test_fold_change_nothing_for_it() -> None:
    features = real_labels.build_features(GAPS, real_labels.FEATURE_SETS["off point only"])
    groups = real_labels.group_rows(GAPS, RULES)["row blocks"]
    one = labels_classifier.cross_validate(features, IS_OFF, groups, RULES)
    turned = np.where(one.fold == 0, ~IS_OFF, IS_OFF)
    other = labels_classifier.cross_validate(features, turned, groups, RULES)
    tested = one.fold == 0
    assert np.array_equal(one.p[tested], other.p[tested])
    assert np.array_equal(one.is_flagged[tested], other.is_flagged[tested])
    assert one.thresholds[0] == other.thresholds[0]


def test_labels_of_pure_chance_are_not_predicted() -> None:
    features = real_labels.build_features(GAPS, real_labels.FEATURE_SETS["off point only"])
    chance = np.random.default_rng(2).random(GAPS.height) < 0.5
    groups = real_labels.group_rows(GAPS, RULES)["random rows"]
    found = labels_classifier.cross_validate(features, chance, groups, RULES)
    assert np.mean((found.p - chance) ** 2) == pytest.approx(0.25, abs=0.01)


def test_flags_are_scored_as_scikit_learn_does() -> None:
    flags = real_labels.PUBLISHED[0].flag(GAPS)
    blocks = labels_scores.Resampler(real_labels.group_rows(GAPS, RULES)["row blocks"], LIMITS)
    found = labels_scores.score_flags(IS_OFF, flags, blocks)
    assert found.f_half == pytest.approx(fbeta_score(IS_OFF, flags, beta=0.5))
    assert found.low < found.f_half < found.high
    nothing = labels_scores.score_flags(IS_OFF, np.zeros_like(flags), blocks)
    assert (nothing.f_half, nothing.recall) == (0, 0)


def test_the_page_says_what_was_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    splines = labels_classifier.SETTINGS[:1]  # the trees are fitted above, and take longer
    monkeypatch.setattr(labels_classifier, "SETTINGS", splines)
    scores = list(labels_scores.score_classifiers(GAPS, RULES, LIMITS))
    assert [(one.folds, one.share) for one in scores[:4]] == [
        ("row blocks", 1.0),
        ("cells", 1.0),
        ("random rows", 1.0),
        ("row blocks", 0.25),
    ]
    assert all(one.calibration_error < 0.1 and one.skill > 0 for one in scores if one.share == 1)
    published = labels_scores.score_published(GAPS, LIMITS, RULES)
    gains = labels_scores.compare_published(GAPS, scores, LIMITS, RULES)
    assert len(gains) == 6
    page = tmp_path / "real_labels.md"
    labels_page.write_page(GAPS, scores, published, STORED, gains, page, RULES, LIMITS)
    text = page.read_text("utf-8")
    assert (tmp_path / "real_labels" / "reliability.png").stat().st_size > 10_000
    assert f"{scores[0].flags.f_half:.4f}" in text
    for column in GAPS.columns:
        assert f"`{column}`" in text
    assert "no vessel, place or date" in text


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (GAPS.drop("positions_12h_after"), "lacks positions_12h_after"),
        (GAPS.with_columns(label_disabled=pl.lit(2)), "neither 0 nor 1"),
        (GAPS.with_columns(label_disabled=pl.lit(None, dtype=pl.Int8)), "a cell is empty"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, frame: pl.DataFrame, said: str) -> None:
    path = tmp_path / "gaps.parquet"
    frame.write_parquet(path)
    with pytest.raises(UsageError, match=said):
        real_labels.read_labelled_gaps(path)


def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("no Parquet, no JSON", "utf-8")
    for read in (real_labels.read_labelled_gaps, real_labels.read_published_scores):
        for one in (path, tmp_path / "absent"):
            with pytest.raises(UsageError) as caught:
                read(one)
            assert "\n" not in str(caught.value)


def test_the_page_stays_where_the_data_are_not_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make_real_labels, "GAPS", tmp_path / "absent.parquet")
    assert make_real_labels.write_real_labels(tmp_path / "page.md") == []
    assert "skipped: absent.parquet not at hand" in capsys.readouterr().out
    assert not (tmp_path / "page.md").exists()


def test_the_published_scores_are_those_of_the_published_rules() -> None:
    gaps = real_labels.read_labelled_gaps(
        sample("events/gfw_labelled_gaps_94823_v20210816.parquet")
    )
    stored = real_labels.read_published_scores(
        sample("events/gfw_labelled_gaps_published_scores.json")
    )
    found = labels_scores.score_published(gaps, LIMITS, RealLabelRules())
    for name, score in stored.items():
        assert found[name].f_half == pytest.approx(score, abs=1e-12)
