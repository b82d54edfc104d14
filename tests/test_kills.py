"""Nights that are killed: a short form of the trial whose table stands in docs/reliability.md."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.kills import page
from tests.kills.bench import Verdict
from tests.kills.trials import even_sample
from tests.night import REPOSITORY


def run_trial(folder: Path, *words: str) -> list[dict[str, Any]]:
    """Run the trial in a process of its own, which has started no thread pool; its verdicts."""
    told = folder / "verdicts.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.kill_trial", "--json", str(told), *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.is_file(), done.stdout + done.stderr
    return json.loads(told.read_text("utf-8"))


def failures(verdicts: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{one['kind']}: {one['words']}: {one['problems']}" for one in verdicts if one["problems"]
    ]


def test_a_night_killed_or_denied_the_disk_leaves_old_or_new_outputs_and_is_repaired(
    tmp_path: Path,
) -> None:
    verdicts = run_trial(tmp_path, "--short")
    assert not failures(verdicts)
    found = {state for one in verdicts for state in one["found"]}
    assert found == {"old", "new"}
    kinds = {one["kind"] for one in verdicts}
    assert {word for word in ("killed", "permission", "disk", "spoilt") if word in str(kinds)}


@pytest.mark.long
def test_no_fault_of_the_whole_trial_tears_outputs(tmp_path: Path) -> None:
    verdicts = run_trial(tmp_path)
    assert not failures(verdicts)
    kills = [
        state for one in verdicts if "killed at a random" in one["kind"] for state in one["found"]
    ]
    assert len(kills) >= 200


def test_an_even_sample_holds_first_and_last() -> None:
    assert even_sample(range(100), 4) == [0, 33, 66, 99]
    assert even_sample(range(3), 4) == [0, 1, 2]
    assert even_sample(range(100), 1) == [49]


def test_the_table_counts_what_was_found_and_what_was_repaired() -> None:
    verdicts = [
        Verdict("kills", "first", ("old", "new")),
        Verdict("kills", "second", ("torn",), ("gaps.parquet differs",)),
        Verdict("disks", "third", ("old",)),
    ]
    assert page.make_table(verdicts)[2:] == [
        "| kills | 2 | 3 | 1 | 1 | 1 | 1 of 2 |",
        "| disks | 1 | 1 | 1 | 0 | 0 | 1 of 1 |",
        "| **all** | 3 | 4 | 2 | 1 | 1 | 2 of 3 |",
    ]


def test_only_what_stands_between_the_marks_of_the_page_is_replaced(tmp_path: Path) -> None:
    written = tmp_path / "page.md"
    written.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", "utf-8")
    page.write_page(written, ["new"])
    assert written.read_text("utf-8") == f"before\n{page.BEGIN}\nnew\n{page.END}\nafter\n"
