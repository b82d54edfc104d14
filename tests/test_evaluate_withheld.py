"""Withheld receivers: what they heard, and what the night without them says."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.evaluate import read_labels, withhold, write_evaluation
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.withheld import LABELS, label_heard
from pipeline.evaluate.withheld_feed import write_without
from pipeline.schema import Gaps
from tests.builders import frame
from tests.evaluate_worlds import at, gap
from tests.night import run, whole_world, write_canonical

START = datetime(2023, 5, 1)
SHIP, OTHER, BASE, BUOY = 273_000_001, 422_000_002, 2_731_000, 992_731_001


def reports(mmsi: int, hours: range, station: str, feed_second: int = 0) -> pl.DataFrame:
    count = len(hours)
    return pl.DataFrame(
        {
            "mmsi": [f"{mmsi:09}"] * count,
            "timestamp": [START + timedelta(hours=hour, seconds=feed_second) for hour in hours],
            "longitude": [50.0] * count,
            "latitude": [42.0 + mmsi % 10 / 10] * count,
            "sog": [0.1] * count,
            "receiver": ["terrestrial"] * count,
            "station": [station] * count,
            "ais_class": ["A"] * count,
            "message_type": [{"0": 4, "9": 21}.get(f"{mmsi:09}"[0], 1)] * count,
        }
    )


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night with stations north and south: the ship is heard by north alone for 20 hours."""
    folder = tmp_path_factory.mktemp("whole")
    north = pl.concat(
        [
            reports(SHIP, range(10, 30), "north"),
            reports(SHIP, range(30, 34), "north"),
            reports(BASE, range(48), "north"),
        ]
    )
    south = pl.concat(
        [
            reports(SHIP, range(10), "south"),
            reports(SHIP, range(30, 48), "south"),
            # Nobody hears it for 14 hours.
            reports(OTHER, range(16), "south"),
            reports(OTHER, range(30, 48), "south"),
            reports(BASE, range(48), "south"),
            reports(BUOY, range(48), "south"),
        ]
    )
    static = pl.DataFrame(
        {
            "mmsi": [str(SHIP)] * 6,
            "timestamp": [START + timedelta(hours=8 * number) for number in range(6)],
            "longitude": pl.Series([None] * 6, dtype=pl.Float64),
            "latitude": pl.Series([None] * 6, dtype=pl.Float64),
            "name": ["ANNA"] * 6,
            "imo": [9_187_629] * 6,
            "ship_type": [70] * 6,
        }
    )
    write_canonical(folder / "raw", "coast", pl.concat([north, static], how="diagonal"))
    write_canonical(folder / "raw", "delta", south)
    return run(folder / "raw", folder / "processed").processed


def test_a_gap_in_which_a_withheld_station_heard_the_ship_was_no_switch_off(
    processed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = withhold(processed, ["north"], out, geo=whole_world(tmp_path))
    given = {(one.measure, one.subject): one for one in found.findings}
    assert given["sightings withheld", ""].value == 20
    assert given["gaps of the night without them", ""].value == 2
    assert given["gaps in which a withheld station heard the ship", ""].value == 1
    assert given["false share", "at_least_12h"].value == 1
    assert given["false share", "at_least_30h"].value == 0
    assert "no shoreline" in given["false share", "gfw_rule"].note
    # Without that station only the other ship was heard: the night has a p_off, and a wrong one.
    assert given["false share", "p_off at least 0.8"].count == 1
    mean = given["mean p_off of gaps known to be no switch-off", ""].value
    assert mean == pytest.approx(1, abs=0.2)
    labels = read_labels(out / LABELS).rows
    gaps = pl.read_parquet(out / "processed" / "gaps.parquet")
    labelled = gaps.join(labels, on="gap_id")
    assert labelled.select("mmsi", "is_off").rows() == [(SHIP, False)]
    write_evaluation(found, tmp_path / "written")
    assert not (tmp_path / "written" / "reliability.png").exists()


def test_the_night_without_no_sighting_at_all_is_the_whole_night(
    processed: Path, tmp_path: Path
) -> None:
    """Withholding a station whose sightings others heard too leaves positions as they were."""
    lost = write_without(processed, ["coast|terrestrial|north"], tmp_path / "raw")
    night = run(tmp_path / "raw", tmp_path / "processed")
    whole = pl.concat(
        [pl.read_parquet(path) for path in sorted(processed.glob("positions/*/positions.parquet"))]
    )
    columns = ["mmsi", "seen_at", "lon", "lat"]
    kept = whole.join(lost, on=["mmsi", "seen_at"], how="anti")
    assert night.positions().select(columns).equals(kept.select(columns))
    assert night.positions()["heard_by"].unique().to_list() == ["delta|terrestrial|south"]


def test_statics_and_the_beacons_of_others_are_kept(processed: Path, tmp_path: Path) -> None:
    write_without(processed, ["north"], tmp_path / "raw")
    night = run(tmp_path / "raw", tmp_path / "processed")
    ship = night.table("ships").filter(pl.col("mmsi") == SHIP).row(0, named=True)
    assert (ship["imo"], ship["name"], ship["fleet"]) == (9_187_629, "ANNA", "merchant")
    beacons = night.table("beacons")
    assert beacons["station"].unique().to_list() == ["south"]
    assert beacons.group_by("mmsi").len().sort("mmsi").rows() == [(BASE, 48), (BUOY, 48)]


@pytest.mark.parametrize("stations", [["east"], ["north", "east"], []])
def test_a_station_that_heard_nothing_is_an_error(
    processed: Path, tmp_path: Path, stations: list[str]
) -> None:
    with pytest.raises(UsageError, match=r"heard: coast\|terrestrial\|north, delta"):
        withhold(processed, stations, tmp_path / "out", geo=whole_world(tmp_path))


def test_a_folder_that_holds_something_is_refused(processed: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="not empty"):
        withhold(processed, ["north"], tmp_path / "out")


def test_without_positions_there_is_nothing_to_withhold(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no published positions"):
        write_without(tmp_path, ["north"], tmp_path / "raw")


@pytest.mark.parametrize(
    ("heard_h", "expected"), [(4.9, None), (5.0, None), (5.1, False), (14.9, False), (15.0, None)]
)
def test_only_what_was_heard_inside_a_gap_labels_it(heard_h: float, expected: bool | None) -> None:
    gaps = frame(Gaps, [gap(5, 15)])
    lost = pl.DataFrame({"mmsi": [gaps["mmsi"].item()], "seen_at": [at(heard_h)]})
    lost = lost.with_columns(pl.col("mmsi").cast(pl.Int32), pl.col("seen_at").cast(pl.Datetime))
    assert label_heard(gaps, lost)["is_off"].item() is expected


def test_the_rules_of_the_evaluation_have_their_sources() -> None:
    for name, field in EvaluationRules.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), name
        assert extra["source"], name
