"""The pages that are written from the code are current."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.feeds.mapping import load_mapping
from tests import make_docs
from tests.night import REPOSITORY


def test_the_data_dictionary_is_current() -> None:
    assert (make_docs.DOCS / "tables.md").read_text("utf-8") == make_docs.tell_tables()


def test_the_page_of_thresholds_is_current() -> None:
    assert (make_docs.DOCS / "rules.md").read_text("utf-8") == make_docs.tell_rules()


def test_the_page_of_feeds_is_current() -> None:
    assert (make_docs.DOCS / "feeds.md").read_text("utf-8") == make_docs.tell_feeds()


def test_the_mapping_of_the_page_is_accepted(tmp_path: Path) -> None:
    text = make_docs.MAPPING_WORDS.split("```toml")[1].split("```")[0]
    (tmp_path / "mapping.toml").write_text(text, "utf-8")
    mapping = load_mapping(tmp_path / "mapping.toml")
    assert mapping.is_for("day.csv.gz")
    assert not mapping.is_for("day.txt")


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, re.MULTILINE))
    assert named <= targets
    assert {"demo", "test"} <= named


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (REPOSITORY / "README.md").read_text("utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in link:
            assert (REPOSITORY / link).exists(), link
