"""Lit calls, legs and canal transits of a small night: SIMULATED ships on the real waters."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests import night

START = datetime(2023, 5, 1)
TRADER, RIVER_SHIP = 273_000_001, 273_000_002
AMIRABAD, SEA, OLYA = (53.367, 36.854), (51.0, 40.5), (47.55, 45.78)
VOLGA, RESERVOIR = (46.672, 47.615), (42.9, 48.0)


def rows(mmsi: int, place: tuple[float, float], begin_h: float, end_h: float) -> list[tuple]:
    """Return a ship heard every hour at one place."""
    hours = [begin_h + step for step in range(int(end_h - begin_h) + 1)]
    return [(mmsi, START + timedelta(hours=hour), *place) for hour in hours]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> night.Night:
    """A ship lies at Amirabad, is heard at sea, is silent, lies at Olya; another goes by canal."""
    folder = tmp_path_factory.mktemp("voyages")
    lying = [*rows(TRADER, AMIRABAD, 0, 20), *rows(TRADER, OLYA, 140, 150)]
    sailing = [
        *rows(TRADER, SEA, 50, 52),
        *rows(RIVER_SHIP, VOLGA, 0, 3),
        *rows(RIVER_SHIP, RESERVOIR, 60, 63),
    ]
    for name, heard, speed_kn in (("lying", lying, 0.0), ("sailing", sailing, 9.0)):
        night.write_canonical(
            folder / "raw", "simulated_coast", night.sightings(heard, sog=speed_kn), f"{name}.csv"
        )
    types = [(TRADER, START + timedelta(days=day), None, None) for day in (0, 1, 2, 6)]
    static = night.sightings(types, ship_type=70, imo=9_074_729, ais_class="A")
    night.write_canonical(folder / "raw", "simulated_coast", static, "types.csv")
    return night.run(folder / "raw", folder / "processed", areas=night.GEO)


def test_a_ship_that_lay_in_two_ports_made_two_lit_calls_and_one_leg(done: night.Night) -> None:
    calls = done.table("lit_port_calls").sort("entered_at")
    assert calls.select("mmsi", "flag", "fleet", "port_group", "port_country").rows() == [
        (TRADER, "RUS", "merchant", "amirabad", "IRN"),
        (TRADER, "RUS", "merchant", "olya", "RUS"),
    ]
    assert calls["stay_h"].to_list() == [20.0, 10.0]
    assert calls["before_group"].to_list() == [None, "amirabad"]
    assert calls["after_group"].to_list() == ["olya", None]
    scopes = ("in_ru_ir_any", "in_ru_ir_crossing", "in_any_flag_crossing")
    assert calls.select(scopes).rows() == [(True, True, True)] * 2
    assert calls["is_glimpsed"].to_list() == [False, False]
    legs = done.table("legs")
    assert legs.select("from_group", "to_group", "hours", "is_ru_ir_crossing").rows() == [
        ("amirabad", "olya", 120.0, True)
    ]
    gaps = done.table("gaps").filter(pl.col("mmsi") == TRADER)
    assert legs["gaps"].to_list() == [gaps.height] == [2]
    assert legs["longest_gap_h"].to_list() == [88.0]
    assert legs["passage"].to_list() == ["unheard"]


def test_a_ship_heard_on_both_sides_of_the_canal_passed_it_in_its_gap(done: night.Night) -> None:
    passed = done.table("canal_transits").row(0, named=True)
    gap = done.table("gaps").filter(pl.col("mmsi") == RIVER_SHIP).row(0, named=True)
    assert (passed["mmsi"], passed["direction"]) == (RIVER_SHIP, "volga_to_don")
    assert (passed["gap_id"], passed["passage"]) == (gap["gap_id"], "unheard")
    assert (passed["hours"], passed["month"]) == (57.0, datetime(2023, 5, 1).date())


def test_the_tables_are_in_the_database_with_their_words(done: night.Night) -> None:
    import duckdb

    with duckdb.connect(str(Path(done.processed / "darkport.duckdb")), read_only=True) as database:
        told = database.execute(
            "select table_name, count(*), count(comment) from duckdb_columns()"
            " where table_name in ('lit_port_calls', 'legs', 'canal_transits')"
            " group by all order by all"
        ).fetchall()
    assert [name for name, *_ in told] == ["canal_transits", "legs", "lit_port_calls"]
    assert all(columns == comments > 10 for _, columns, comments in told)
