"""The commands `simulate` and `evaluate`: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.test_bad_input import darkport

SHORT = ("--world", "demo", "--small", "--days", "14", "--ships", "20", "--seed", "3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds")
    done = darkport("simulate", *SHORT, "--out", folder)
    assert done.code == 0, done
    assert "SIMULATED world small-demo, seed 3: 14 days" in done.out
    done = darkport("nightly", "--raw", folder / "raw", "--processed", folder / "processed")
    assert done.code == 0, done
    return folder


def test_evaluate_compares_tables_with_the_truth_beside_them(folder: Path, tmp_path: Path) -> None:
    done = darkport(
        "evaluate",
        *("--processed", folder / "processed", "--truth", folder / "truth", "--out", tmp_path),
    )
    assert done.code == 0, done
    assert "SIMULATED" in done.out
    page = (tmp_path / "evaluation.md").read_text("utf-8")
    assert "SIMULATED" in page
    assert "prevalence" in page
    assert "sum(p) / true" in page
    assert "false calls per 1,000 ship-days" in page
    content = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))
    assert content["is_simulated"] is True
    assert content["worlds"] == [{"name": "small-demo", "seed": 3}]


def test_evaluate_takes_labels_from_elsewhere(folder: Path, tmp_path: Path) -> None:
    gaps = pl.read_parquet(folder / "processed" / "gaps.parquet").filter(
        pl.col("is_closed") & (pl.col("duration_h") >= 12)
    )
    labels = tmp_path / "labels.csv"
    gaps.select("gap_id", is_off=pl.col("duration_h") > 24).write_csv(labels)
    done = darkport(
        "evaluate",
        *("--processed", folder / "processed", "--labels", labels, "--out", tmp_path / "out"),
        "--json",
    )
    assert done.code == 0, done
    assert json.loads(done.out)["title"]


def test_evaluate_needs_exactly_one_kind_of_truth(folder: Path, tmp_path: Path) -> None:
    none = darkport("evaluate", "--processed", folder / "processed", "--out", tmp_path)
    assert (none.code, len(none.errors)) == (2, 1)
    assert "give one of --truth, --labels and --withhold" in none.errors[0]
    both = darkport(
        "evaluate",
        *("--processed", folder / "processed", "--out", tmp_path),
        *("--truth", folder / "truth", "--withhold", "sim_baku"),
    )
    assert (both.code, len(both.errors)) == (2, 1)


def test_evaluate_withholds_receivers_and_judges_by_what_they_heard(
    folder: Path, tmp_path: Path
) -> None:
    heard = pl.read_parquet(
        sorted((folder / "processed" / "positions").rglob("*.parquet"))[0], columns=["heard_by"]
    )
    station = heard["heard_by"].str.split(";").explode().value_counts(sort=True)["heard_by"][0]
    done = darkport(
        "evaluate",
        *("--processed", folder / "processed", "--withhold", station, "--out", tmp_path / "out"),
    )
    assert done.code == 0, done
    labels = pl.read_csv(tmp_path / "out" / "withheld_labels.csv")
    assert labels.height > 0
    assert not labels["is_off"].any()


def test_an_unknown_world_is_one_line_with_those_there_are(tmp_path: Path) -> None:
    done = darkport("simulate", "--world", "atlantis", "--out", tmp_path)
    assert (done.code, len(done.errors)) == (2, 1)
    assert "caspian" in done.errors[0]


@pytest.mark.parametrize("form", ["csv", "nmea", "dma"])
def test_a_world_written_in_another_format_gives_the_same_sightings(
    folder: Path, form: str, tmp_path: Path
) -> None:
    done = darkport("simulate", *SHORT, "--format", form, "--out", tmp_path)
    assert done.code == 0, done
    raw, processed = tmp_path / "raw", tmp_path / "processed"
    done = darkport("nightly", "--raw", raw, "--processed", processed, "--json")
    assert done.code == 0, done
    key = ["mmsi", "seen_at", "lon", "lat"]

    def places(one: Path) -> pl.DataFrame:
        paths = sorted((one / "positions").rglob("*.parquet"))
        return pl.concat([pl.read_parquet(path, columns=key) for path in paths]).sort(key)

    assert places(processed).equals(places(folder / "processed"))
