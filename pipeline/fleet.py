"""Which fleet a ship belongs to, and what the user's registry says instead (METHOD 2)."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pipeline.rules import ShipRules

# ITU-R M.1371, table of ship types. Only types whose work is to serve other ships or the fairway
# are "service": towing, dredging or underwater work, diving, pilot, tug, port tender,
# anti-pollution. Search and rescue (51) and law enforcement (55) are a state's ships, which METHOD
# does not list: they stay unknown, and the registry may say otherwise.
MERCHANT_TYPES = range(70, 90)
SERVICE_TYPES = (31, 32, 33, 34, 50, 52, 53, 54)
NAVAL_TYPE = 35
FISHING_TYPE = 30

# The ships table shows what still holds: no end, or one so far off (9999-12-31) that it means none.
END_OF_TIME = datetime(9999, 1, 1)

# Far above the error of a product of doubles, far below one report or stay.
ROUNDING = 1e-6


def has_share(part: pl.Expr, whole: pl.Expr, share: float) -> pl.Expr:
    """Return whether `part` is at least `share` of `whole`, both counts; limit included.

    No quotient: polars multiplies by the reciprocal where the divisor is one value for all rows,
    so that 7 of 10 is 0.7 or 0.7000000000000001 by the shape of the frame.
    """
    return part + ROUNDING >= whole * share


def override_at(frame: pl.DataFrame, at: str, registry: pl.DataFrame, field: str) -> pl.Series:
    """Return what the registry says of `field` for each row of `frame`, null where nothing.

    An entry holds from `valid_from` (included) to `valid_to` (not included). One for the MMSI
    comes before one for the IMO number: it is the more specific.

    Args:
        frame: with mmsi, imo (trusted, may be null) and the column `at`.
        at: name of the column with the instant asked about, UTC.
        registry: schema.ShipRegistry, without overlaps (`registry.read_registry` refuses them).
        field: "flag" or "fleet".

    Returns:
        One value a row, in the order of `frame`.

    Raises:
        polars.exceptions.ComputeError: two entries for one ship hold at the same instant.
    """
    if registry.is_empty():
        return pl.repeat(None, frame.height, dtype=pl.String, eager=True).alias(field)
    asked = frame.select("mmsi", "imo", at=pl.col(at)).with_row_index("row")
    said = asked.select("row")
    for key in ("mmsi", "imo"):
        entries = registry.filter(pl.col(key).is_not_null() & pl.col(field).is_not_null())
        in_force = (
            asked.join(entries.select(key, "valid_from", "valid_to", field), on=key)
            .filter(
                (pl.col("valid_from").is_null() | (pl.col("valid_from") <= pl.col("at"))),
                (pl.col("valid_to").is_null() | (pl.col("at") < pl.col("valid_to"))),
            )
            .select("row", pl.col(field).alias(key))
        )
        said = said.join(in_force, on="row", how="left", validate="1:1")
    return said.sort("row").select(pl.coalesce("mmsi", "imo").alias(field)).to_series()


def fleet_at(frame: pl.DataFrame, at: str, registry: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with `fleet` replaced where the registry names one at the instant `at`.

    Args:
        frame: with mmsi, imo, fleet and the column `at`; the fleet is the one without the
            registry (`fleet_of` with an empty one), else an entry of today would reach back.
        at: name of the column with the instant asked about, UTC.
        registry: schema.ShipRegistry.
    """
    listed = override_at(frame, at, registry, "fleet")
    return frame.with_columns(fleet=pl.coalesce(listed, "fleet"))


def fleet_of(
    ships: pl.DataFrame, port_stays: pl.DataFrame, registry: pl.DataFrame, rules: ShipRules
) -> pl.DataFrame:
    """Return `ships` with its `fleet` (METHOD 2); rows keep their order.

    The registry comes before everything, with the entries that still hold (without an end): a
    ro-ro is merchant where the registry lists it so. Else the first that fits of merchant, ferry,
    service, naval, fishing, class_b, unknown; in_tow is decided gap by gap elsewhere.

    Merchant stands first, so a cargo ship on a shuttle stays merchant however regular it is: its
    gaps count in the rating. A rail ferry that sends a cargo type does too, unless the registry
    lists it as a ferry. Likewise a tug on a shuttle is a ferry, a class B tug is service.

    Args:
        ships: with mmsi, ship_id, imo (trusted, null where none), ship_type, ais_class.
        port_stays: mmsi, port_group, arrived_at, left_at, sightings: one row per stay (METHOD 7).
        registry: schema.ShipRegistry.
        rules: what makes a ferry.

    Returns:
        The same rows with `fleet` added or replaced, never null.
    """
    ship_type, is_class_b = pl.col("ship_type"), pl.col("ais_class") == "B"
    # Class B reports carry no IMO number, so a trusted one speaks for class A where none is said.
    is_class_a = pl.col("ais_class").fill_null("A") == "A"
    is_trading = is_class_a & pl.col("imo").is_not_null()
    ferries = find_ferries(ships, port_stays, rules)
    usual = (
        pl.when(is_trading & ship_type.is_in(list(MERCHANT_TYPES)))
        .then(pl.lit("merchant"))
        .when(pl.col("ship_id").is_in(ferries.implode()))
        .then(pl.lit("ferry"))
        .when(ship_type.is_in(list(SERVICE_TYPES)))
        .then(pl.lit("service"))
        .when(ship_type == NAVAL_TYPE)
        .then(pl.lit("naval"))
        .when(ship_type == FISHING_TYPE)
        .then(pl.lit("fishing"))
        .when(is_class_b)
        .then(pl.lit("class_b"))
        .otherwise(pl.lit("unknown"))
    )
    dated = ships.with_columns(fleet=usual, at=pl.lit(END_OF_TIME, pl.Datetime("us")))
    return fleet_at(dated, "at", registry).drop("at")


def find_ferries(ships: pl.DataFrame, port_stays: pl.DataFrame, rules: ShipRules) -> pl.Series:
    """Return the `ship_id` of the ships that go to and fro between two port groups, sorted.

    A stay is on the pair {a, b} if it is at one of the two and the ship's stay before or after
    it is at the other. So a ship that lies at one port all year and once visits another is no
    ferry. At least `ferry_min_share` of at least `ferry_min_stays` stays must be on one pair
    (METHOD 2). Stays of all MMSIs of a ship count together.
    """
    here, stay = pl.col("port_group"), ("ship_id", "stay")
    stays = (
        port_stays.join(ships.select("mmsi", "ship_id"), on="mmsi")
        .sort("ship_id", "arrived_at", "left_at", "port_group", "mmsi")
        .with_row_index("stay")
        .with_columns(
            before=here.shift(1).over("ship_id"),
            after=here.shift(-1).over("ship_id"),
            all_stays=pl.len().over("ship_id"),
        )
    )
    on_pairs = (
        stays.unpivot(["before", "after"], index=[*stay, "port_group"], value_name="there")
        .filter(here != pl.col("there"))
        .select(
            *stay,
            one=pl.min_horizontal("port_group", "there"),
            other=pl.max_horizontal("port_group", "there"),
        )
        .unique()
        .group_by("ship_id", "one", "other")
        .agg(pair_stays=pl.len())
    )
    return (
        on_pairs.join(stays.select("ship_id", "all_stays").unique(), on="ship_id")
        .filter(
            pl.col("all_stays") >= rules.ferry_min_stays,
            has_share(pl.col("pair_stays"), pl.col("all_stays"), rules.ferry_min_share),
        )
        .get_column("ship_id")
        .unique()
        .sort()
    )
