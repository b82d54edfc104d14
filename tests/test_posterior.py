"""p_off and calls of a small night, and what they hang on: SIMULATED ships on the real waters."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.special import expit, logit

from pipeline import posterior
from pipeline.schema import LEAST_TOLD_P, polars_schema
from tests import night
from tests.nights_published import tell_differences

START = datetime(2023, 5, 1)
SILENT, WITNESS = 273_000_001, 273_000_100
AMIRABAD, SEA, OLYA = (53.367, 36.854), (51.0, 40.5), (47.55, 45.78)


def heard(mmsi: int, place: tuple[float, float], hours: range, speed_kn: float) -> pl.DataFrame:
    rows: list[Any] = [(mmsi, START + timedelta(hours=hour), *place) for hour in hours]
    return night.sightings(rows, sog=speed_kn, receiver="terrestrial", station="s", ais_class="A")


def write_world(raw: Path) -> None:
    """Write a ship heard at sea, silent for 70 h, at sea again; and ships heard all the time."""
    silent = [heard(SILENT, SEA, range(0, 60), 9.0), heard(SILENT, SEA, range(130, 200), 9.0)]
    others = [
        heard(WITNESS + number, place, range(200), speed_kn)
        for number, (place, speed_kn) in enumerate(
            [(SEA, 8.0), (SEA, 9.0), (AMIRABAD, 0.0), (OLYA, 0.0), (SEA, 8.0)]
        )
    ]
    night.write_canonical(raw, "simulated_coast", pl.concat([*silent, *others]), "all.csv")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> night.Night:
    folder = tmp_path_factory.mktemp("posterior")
    write_world(folder / "raw")
    return night.run(folder / "raw", folder / "processed", areas=night.GEO)


def test_p_off_of_a_closed_gap_is_what_its_candidates_add_up_to(done: night.Night) -> None:
    gap = done.table("gaps").filter(pl.col("mmsi") == SILENT, "is_closed").row(0, named=True)
    rows = done.table("port_candidates").filter(pl.col("gap_id") == gap["gap_id"])
    assert {"none", "amirabad", "makhachkala"} < set(rows["port_group"])
    assert rows.select(pl.sum("p_call") + pl.sum("p_unheard")).item() == pytest.approx(1)
    assert rows["p_prior"].sum() == pytest.approx(1)
    assert rows["p_call"].sum() == pytest.approx(gap["p_off"], abs=1e-6)
    assert 0.05 < gap["p_off_direct"] < 1
    assert gap["p_off"] != gap["p_off_direct"]
    ports = rows.filter(pl.col("port_group") != "none")
    assert ports["country"].null_count() == 0
    assert (ports["slack_h"] >= 4).all()
    assert ports.filter(
        (pl.col("window_from") < gap["off_at"]) | (pl.col("window_to") > gap["on_at"])
    ).is_empty()
    none = rows.filter(pl.col("port_group") == "none")
    assert none.select("country", "slack_h", "log_silence_gain").row(0) == (None, None, 0.0)


def test_gaps_without_a_p_off_have_no_candidates(done: night.Night) -> None:
    gaps, rows = done.table("gaps"), done.table("port_candidates")
    asked = gaps.filter(pl.col("p_off").is_not_null(), "is_closed")["gap_id"]
    assert asked.len() > 0
    assert set(rows.drop_nulls("p_call")["gap_id"]) == set(asked)
    still_open = gaps.filter(~pl.col("is_closed"))
    assert still_open["p_off"].equals(still_open["p_off_direct"], null_equal=True)


JUDGED = {"p_off": 0.6, "p_off_low": 0.3, "p_off_high": 0.8, "p_off_direct": 0.6}


@pytest.mark.parametrize("joint", [0.6, 0.2, 0.95, 0.0, 1.0])
@pytest.mark.parametrize("direct", [0.6, 0.0, 1.0])
def test_the_interval_moves_with_p_off_in_the_logit(joint: float, direct: float) -> None:
    given = {**JUDGED, "p_off": direct, "p_off_direct": direct}
    given |= {"p_off_low": min(direct, 0.3), "p_off_high": max(direct, 0.8)}
    judged = pl.DataFrame([{"gap_id": "a", **given}, {"gap_id": "b", **given}])
    weighed = pl.DataFrame({"gap_id": ["a", "a"], "p_off_joint": [joint, joint]})
    moved = posterior._move_p_off(judged, weighed)  # pyright: ignore[reportPrivateUsage]
    assert moved.row(1, named=True) == judged.row(1, named=True)
    p_off, low, high, kept = moved.drop("gap_id").row(0)
    assert (p_off, kept) == (pytest.approx(joint, abs=1e-6), direct)
    assert 0 <= low <= p_off <= high <= 1
    if {joint, direct} <= {0.6, 0.2, 0.95}:
        shift = logit(joint) - logit(direct)
        assert low == pytest.approx(expit(logit(0.3) + shift), abs=1e-6)
        assert high == pytest.approx(expit(logit(0.8) + shift), abs=1e-6)
    assert LEAST_TOLD_P < 1e-6


def test_a_month_without_a_gap_has_the_table_without_a_row(tmp_path: Path) -> None:
    rows = heard(WITNESS, SEA, range(30), 8.0)
    night.write_canonical(tmp_path / "raw", "simulated_coast", rows)
    done = night.run(tmp_path / "raw", tmp_path / "processed", areas=night.GEO)
    table = done.table("port_candidates")
    assert (table.height, table.schema) == (0, polars_schema(type_of("port_candidates")))


def type_of(name: str) -> Any:
    from pipeline.schema import TABLES

    return TABLES[name]


def test_who_a_ship_turns_out_to_be_counts_as_if_it_had_been_known(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write_world(raw)
    night.run(raw, tmp_path / "processed", areas=night.GEO)
    types: list[Any] = [(SILENT, START + timedelta(days=day), None, None) for day in (0, 1, 2, 6)]
    static = night.sightings(types, ship_type=70, imo=9_074_729, ais_class="A")
    night.write_canonical(raw, "simulated_coast", static, "types.csv")
    night.run(raw, tmp_path / "processed", areas=night.GEO)
    night.run(raw, tmp_path / "fresh", areas=night.GEO)
    assert tell_differences(tmp_path / "processed", tmp_path / "fresh") == []
