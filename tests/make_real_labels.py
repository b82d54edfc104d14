"""Writes docs/real_labels.md: the classifier that needs no tracks, on gaps others labelled.

`make real-labels` (some minutes of one core). The data are no part of this repository; where they
are not at hand the page stays as it is.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.evaluate.labels_page import write_page
from pipeline.evaluate.labels_scores import (
    LabelScore,
    compare_published,
    score_classifiers,
    score_published,
)
from pipeline.evaluate.limits import EvaluationRules, RealLabelRules
from pipeline.evaluate.real_labels import read_labelled_gaps, read_published_scores
from tests.night import REPOSITORY
from tests.shared_data import SHARED

PAGE = REPOSITORY / "docs" / "real_labels.md"
GAPS = SHARED / "events" / "gfw_labelled_gaps_94823_v20210816.parquet"
STORED = SHARED / "events" / "gfw_labelled_gaps_published_scores.json"


def write_real_labels(page: Path = PAGE) -> list[LabelScore]:
    """Write the page and return its scores; none where the data are not at hand."""
    absent = [path.name for path in (GAPS, STORED) if not path.is_file()]
    if absent:
        print(f"skipped: {', '.join(absent)} not at hand; {page.name} stays as it is")
        return []
    rules, limits = RealLabelRules(), EvaluationRules()
    gaps = read_labelled_gaps(GAPS)
    scores = []
    for one in score_classifiers(gaps, rules, limits):
        print(f"{one.features}; {one.folds}; {one.share:.0%}: F0.5 {one.flags.f_half:.4f}")
        scores.append(one)
    published = score_published(gaps, limits, rules)
    gains = compare_published(gaps, scores, limits, rules)
    stored = read_published_scores(STORED)
    write_page(gaps, scores, published, stored, gains, page, rules, limits)
    return scores


if __name__ == "__main__":
    write_real_labels()
