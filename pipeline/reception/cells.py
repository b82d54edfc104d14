"""Table reception_cells: who was heard in every place and hour, and what was to be expected.

The rates are those of `rates.estimate_rates`, asked for a ship that is not among those there.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from pipeline.reception.learn import Learned
from pipeline.reception.rates import expect_further
from pipeline.reception.window import STRATA, Bools, Floats, Ints, Window
from pipeline.rules import ReceptionRules

HOUR_S = 3600
# Column of the receptions expected of a ship of class A, by stratum.
EXPECTED = {"expected_stopped": "A stopped", "expected_under_way": "A under way"}
SCHEMA = {
    "hour": pl.Datetime("us"),
    "cell_lon_deg": pl.Float64,
    "cell_lat_deg": pl.Float64,
    "area": pl.String,
    "ships_present": pl.Int16,
    "ships_heard": pl.Int16,
    "ships_heard_by_satellite": pl.Int16,
    "beacons_heard": pl.Int16,
    "is_live": pl.Boolean,
    **dict.fromkeys(EXPECTED, pl.Float32),
}


def list_cells(learned: Learned | None, month: date, rules: ReceptionRules) -> pl.DataFrame:
    """Return SCHEMA, a row per hour of the month and place in which a ship was known to be.

    Known to be there is a ship between two sightings, or in an open silence. Those outside the
    region are left out, and an hour that ends a silence of `return_after_h` does not count as
    heard (METHOD 4.2). A place is live for a ship that is not among those in it.

    Args:
        learned: of the months up to `month`; None: of no hours.
        month: the month.
        rules: thresholds.

    Returns:
        Sorted by hour, cell_lon_deg, cell_lat_deg. Expected receptions are null where not live.
    """
    if learned is None:
        return pl.DataFrame(schema=SCHEMA)
    window = learned.window
    month_after = (month + timedelta(days=32)).replace(day=1)
    begin, end = (_hours_until(window, one) for one in (month, month_after))
    cells = _count_ships(window, (window.hour >= begin) & (window.hour < end))
    live = cells.filter("is_live")
    expected = _expect(learned, live["row"].to_numpy(), rules)
    found = live.select("row").with_columns(pl.Series(name, expected[name]) for name in EXPECTED)
    place = cells["place"].to_numpy()
    return (
        cells.join(found, on="row", how="left", maintain_order="left")
        .with_columns(
            hour=pl.lit(window.start) + pl.duration(hours="at"),
            cell_lon_deg=window.corners[place, 0],
            cell_lat_deg=window.corners[place, 1],
        )
        .join(_name_areas(window, cells), on="place", how="left")
        .sort("hour", "cell_lon_deg", "cell_lat_deg")
        .select(*SCHEMA)
        .cast(SCHEMA)  # pyright: ignore[reportArgumentType]
    )


def _hours_until(window: Window, month: date) -> int:
    """Return how many hours of a window lie before a month."""
    begin = datetime(month.year, month.month, 1)
    return int((begin - window.start).total_seconds() // HOUR_S)


def _count_ships(window: Window, is_asked: Bools) -> pl.DataFrame:
    """Return at, place, the counts of ships, is_live, and `row`, one row of the window there.

    Args:
        window: the hours.
        is_asked: the rows that are asked for.
    """
    counts = ~window.returns
    rows = pl.DataFrame(
        {
            "row": np.arange(window.rows),
            "at": window.hour,
            "place": window.place,
            "ship": window.ship,
            "is_beacon": window.is_beacon,
            "shore": window.terrestrial & counts,
            "space": window.satellite & counts,
        }
    ).filter(~window.is_outside & is_asked)
    is_ship = ~pl.col("is_beacon")
    above = rows.group_by("at").agg(by_satellite=pl.col("space").any())

    def ships(name: str) -> pl.Expr:
        return pl.col("ship").filter(pl.col(name) & is_ship).n_unique()

    return (
        rows.group_by("at", "place")
        .agg(
            pl.col("row").min(),
            ships_present=pl.col("ship").filter(is_ship).n_unique(),
            ships_heard=ships("shore"),
            ships_heard_by_satellite=ships("space"),
            beacons_heard=pl.col("ship")
            .filter("is_beacon", pl.col("shore") | pl.col("space"))
            .n_unique(),
            by_shore=pl.col("shore").any(),
        )
        .filter(pl.col("ships_present") > 0)
        .join(above, on="at")
        .with_columns(is_live=pl.col("by_shore") | pl.col("by_satellite"))
        .sort("row")
    )


def _expect(learned: Learned, at: Ints, rules: ReceptionRules) -> dict[str, Floats]:
    """Return the receptions expected of a further ship in the hours and places of some rows.

    It is put into the window with no weight and unheard, so that it teaches nothing.

    Args:
        learned: of the window.
        at: rows of the window.
        rules: thresholds.
    """
    window, size = learned.window, len(at)
    rates = expect_further(
        window,
        learned.on,
        np.full(size * len(EXPECTED), window.ship.max() + 1),
        np.tile(window.hour[at], len(EXPECTED)),
        np.tile(window.place[at], len(EXPECTED)),
        np.repeat([STRATA.index(name) for name in EXPECTED.values()], size),
        rules,
    )
    return {
        name: np.round(rates[number * size : (number + 1) * size], 2)
        for number, name in enumerate(EXPECTED)
    }


def _name_areas(window: Window, cells: pl.DataFrame) -> pl.DataFrame:
    """Return place and area of the places in which all ships heard were in one area."""
    is_sure = window.is_heard & ~window.is_outside & ~window.is_beacon
    names = pl.DataFrame(
        {"number": np.arange(len(window.areas)), "area": window.month_areas},
        schema={"number": pl.Int64, "area": pl.String},
    )
    heard = pl.DataFrame({"place": window.place[is_sure], "number": window.area[is_sure]})
    return (
        heard.unique()
        .join(cells, on="place", how="semi")
        .join(names, on="number")
        .group_by("place")
        .agg(areas=pl.col("area").n_unique(), area=pl.col("area").min())
        .filter(pl.col("areas") == 1)
        .select("place", "area")
    )
