"""Thresholds: said once, overridden by a file, refused where unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.rules import Rules, load_rules, rules_frame, rules_hash


def test_every_threshold_has_unit_and_source() -> None:
    frame = rules_frame(Rules())
    assert frame.filter((frame["unit"] == "") | (frame["source"] == "")).is_empty()
    assert frame["name"].is_unique().all()


def test_a_file_overrides_a_threshold_and_the_table_says_so(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[gaps]\nmin_gap_s = 600\nladder_h = [1, 12]\n")
    rules = load_rules(file)
    assert (rules.gaps.min_gap_s, rules.gaps.ladder_h) == (600, (1, 12))
    frame = rules_frame(rules)
    assert frame.filter("is_overridden")["name"].to_list() == ["gaps.ladder_h", "gaps.min_gap_s"]


def test_counting_above_only_needs_one_second_more() -> None:
    rules = Rules.model_validate({"gaps": {"min_gap_s": 600, "count_above_only": True}})
    assert rules.gaps.shortest_s == 601


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[gaps]\nmin_gap = 600\n", "gaps.min_gap"),
        ("[gapz]\n", "gapz"),
        ("[gaps]\nmin_gap_s = '4 h'\n", "gaps.min_gap_s"),
        ("[gaps]\nmin_gap_s = -1\n", "gaps.min_gap_s"),
        ("gaps = [", "no valid TOML"),
    ],
)
def test_a_wrong_rules_file_is_refused_in_one_line(text: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=part) as caught:
        load_rules(file)
    assert "\n" not in str(caught.value)


def test_a_missing_rules_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_rules(tmp_path / "absent.toml")


def test_the_hash_names_rules_and_areas() -> None:
    other = Rules.model_validate({"gaps": {"min_gap_s": 600}})
    assert rules_hash(Rules(), "a") == rules_hash(Rules(), "a")
    assert len({rules_hash(Rules(), "a"), rules_hash(Rules(), "b"), rules_hash(other, "a")}) == 3
