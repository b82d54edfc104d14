"""In tow: beside one tug at both ends of the silence, and moved between them (METHOD 2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pipeline import tow
from pipeline.rules import Rules

START = datetime(2023, 5, 1)
TUG, OTHER_TUG = 273_000_052, 273_000_053
TUGS = pl.Series([TUG, OTHER_TUG], dtype=pl.Int32)


def silence(**changes: Any) -> pl.DataFrame:
    row: dict[str, Any] = {
        "mmsi": 273_000_001,
        "fleet": "merchant",
        "off_nav_status": 0,
        "off_at": START,
        "off_lon": 50.0,
        "off_lat": 41.0,
        "on_at": START + timedelta(hours=20),
        "on_lon": 50.0,
        "on_lat": 42.0,
        **changes,
    }
    return pl.DataFrame(
        [row],
        schema_overrides={
            "mmsi": pl.Int32,
            "on_at": pl.Datetime("us"),
            "on_lon": pl.Float64,
            "on_lat": pl.Float64,
        },
    )


def tugs_at(*rows: tuple[int, float, float, float]) -> pl.DataFrame:
    """Return tug sightings of (tug, hours after START, longitude, latitude)."""
    frame = pl.DataFrame(
        {
            "mmsi": [tug for tug, *_ in rows],
            "seen_at": [START + timedelta(hours=hour) for _, hour, _, _ in rows],
            "lon": [lon for *_, lon, _ in rows],
            "lat": [lat for *_, lat in rows],
        },
        schema_overrides={"mmsi": pl.Int32, "seen_at": pl.Datetime("us")},
    )
    return tow.pick_tugs(frame, TUGS)


def fleet(silences: pl.DataFrame, seen: pl.DataFrame) -> str:
    return tow.mark_in_tow(silences, seen, TUGS, Rules().ships)["fleet"][0]


BESIDE_BOTH = ((TUG, 0.1, 50.001, 41.0), (TUG, 19.9, 50.001, 42.0))


def test_a_ship_beside_one_tug_at_both_ends_is_in_tow() -> None:
    assert fleet(silence(), tugs_at(*BESIDE_BOTH)) == "in_tow"


def test_two_tugs_one_at_each_end_are_no_tow() -> None:
    assert fleet(silence(), tugs_at(BESIDE_BOTH[0], (OTHER_TUG, 19.9, 50.001, 42.0))) == "merchant"


def test_a_tug_at_the_next_berth_is_no_tow() -> None:
    stays = silence(on_lat=41.001)
    assert fleet(stays, tugs_at(BESIDE_BOTH[0], (TUG, 19.9, 50.001, 41.001))) == "merchant"


def test_too_far_or_too_late_is_not_beside() -> None:
    assert fleet(silence(), tugs_at((TUG, 0.1, 50.01, 41.0), BESIDE_BOTH[1])) == "merchant"
    assert fleet(silence(), tugs_at((TUG, 0.3, 50.001, 41.0), BESIDE_BOTH[1])) == "merchant"


def test_a_status_that_says_so_is_enough() -> None:
    assert fleet(silence(off_nav_status=12, on_at=None, on_lon=None, on_lat=None), tugs_at()) == (
        "in_tow"
    )


def test_a_tug_is_never_in_tow() -> None:
    assert fleet(silence(mmsi=TUG, fleet="service"), tugs_at(*BESIDE_BOTH)) == "service"
