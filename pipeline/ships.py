"""Who a ship is: its IMO number, its flag and what it says of itself (METHOD 2).

Names and call signs are typed in by strangers: they are carried, never read.
"""

from __future__ import annotations

import io
from functools import cache
from importlib import resources

import polars as pl

from pipeline.fleet import END_OF_TIME, fleet_of, has_share, override_at
from pipeline.rules import ShipRules
from pipeline.schema import Ships, conform

HIGH_SPEED_TYPES = range(40, 50)
TUG_TYPES = (31, 32, 52)
IDENTITY_FIELDS = ("imo", "name", "callsign", "ship_type", "length_m", "beam_m")

# ISO 3166-1 codes of territories to which no MID is allocated; with those of mid.csv all 249.
# Some do register ships (Isle of Man), which then send the MID of another.
CODES_WITHOUT_MID = (
    "ALA", "ATA", "BES", "BLM", "BVT", "ESH", "GGY", "GUM", "HMD", "IMN",
    "IOT", "JEY", "MAF", "MYT", "NFK", "SGS", "SJM", "SXM", "TKL", "UMI",
)  # fmt: skip


# ------------------------------------------------------------------------------- identity


def imo_is_valid(imo: pl.Expr) -> pl.Expr:
    """Return whether an integer is an IMO number: seven digits, the last a right check digit.

    The check digit is the last digit of the sum of the first six times 7, 6, .. 2 (IMO Resolution
    A.1117(30)). False, never null, where the number is null.
    """
    products = [imo // 10**place % 10 * (place + 1) for place in range(6, 0, -1)]
    is_right = pl.sum_horizontal(products) % 10 == imo % 10
    return (imo.is_between(1_000_000, 9_999_999) & is_right).fill_null(value=False)


def can_carry_imo() -> pl.Expr:
    """Return whether a row of `statics` is a report that could have told the IMO number.

    Class B has no field for it. Of the others those count that tell one, right or wrong, and
    those of class A that tell draught, destination or ETA: message 5 says all of these together,
    so there the number was left out. A row without either (the name-only row of a provider that
    has no such field) says nothing about the number and counts neither for nor against it.
    """
    tells_voyage = pl.any_horizontal(
        pl.col(name).is_not_null() for name in ("draught_m", "destination", "eta")
    )
    is_message_5 = pl.col("ais_class").eq_missing("A") & tells_voyage
    return pl.col("ais_class").ne_missing("B") & (pl.col("imo").is_not_null() | is_message_5)


def sum_up_statics(statics: pl.DataFrame) -> pl.DataFrame:
    """Return what a ship said of itself by month, so that years of reports stay small.

    Sums of different days can be put under each other: whoever reads them adds them up.

    Args:
        statics: schema.Statics, any days.

    Returns:
        mmsi, month, ais_class, imo, name, callsign, ship_type, length_m, beam_m, could_tell_imo;
        reports, last_at and `days_mask`: bit n stands for the month's day n + 1.
    """
    group = ("mmsi", "month", "ais_class", *IDENTITY_FIELDS, "could_tell_imo")
    day = pl.col("first_at").dt.day().cast(pl.UInt32) - 1
    return (
        statics.with_columns(
            month=pl.col("first_at").dt.truncate("1mo").dt.date(),
            could_tell_imo=can_carry_imo(),
            days_mask=pl.lit(2, dtype=pl.UInt32).pow(day).cast(pl.UInt32),
        )
        .group_by(group)
        .agg(
            pl.col("reports").sum(),
            pl.col("last_at").max(),
            pl.col("days_mask").bitwise_or(),
        )
        .sort(group, nulls_last=False)
    )


def trust_imos(identities: pl.DataFrame, rules: ShipRules) -> pl.DataFrame:
    """Return (mmsi, imo) of the MMSIs whose IMO number is trusted (METHOD 2), sorted.

    Trusted: a right check digit, sent in at least `imo_min_reports` reports on at least
    `imo_min_days` UTC days, and in at least `imo_min_share` of all reports of the MMSI that could
    carry a number (`can_carry_imo`). Of two that qualify the one sent more often, then the smaller.

    Args:
        identities: `sum_up_statics` of the whole archive.
        rules: thresholds of identity.
    """
    reports = identities.filter("could_tell_imo")
    all_reports = reports.group_by("mmsi").agg(all_reports=pl.col("reports").sum())
    return (
        reports.filter(imo_is_valid(pl.col("imo")))
        .group_by("mmsi", "imo", "month")
        .agg(pl.col("reports").sum(), pl.col("days_mask").bitwise_or())
        .group_by("mmsi", "imo")
        .agg(
            pl.col("reports").sum(),
            days=pl.col("days_mask").bitwise_count_ones().cast(pl.Int64).sum(),
        )
        .join(all_reports, on="mmsi")
        .filter(
            pl.col("reports") >= rules.imo_min_reports,
            pl.col("days") >= rules.imo_min_days,
            has_share(pl.col("reports"), pl.col("all_reports"), rules.imo_min_share),
        )
        .sort("mmsi", "reports", "imo", descending=[False, True, False])
        .unique("mmsi", keep="first", maintain_order=True)
        .select("mmsi", "imo")
    )


def most_reported(statics: pl.DataFrame, field: str) -> pl.DataFrame:
    """Return (mmsi, `field`): the value sent most often, the smallest of equals; nulls left out.

    Args:
        statics: with mmsi, reports (the weight) and `field`.
        field: name of a column.
    """
    return (
        statics.filter(pl.col(field).is_not_null())
        .group_by("mmsi", field)
        .agg(pl.col("reports").sum())
        .sort("mmsi", "reports", field, descending=[False, True, False])
        .unique("mmsi", keep="first", maintain_order=True)
        .select("mmsi", field)
    )


def last_reported(statics: pl.DataFrame, field: str) -> pl.DataFrame:
    """Return (mmsi, `field`): the value sent last, the smallest of equals; nulls left out."""
    return (
        statics.filter(pl.col(field).is_not_null())
        .sort("mmsi", "last_at", field, descending=[False, True, False])
        .unique("mmsi", keep="first", maintain_order=True)
        .select("mmsi", field)
    )


def identify_ships(
    identities: pl.DataFrame,
    mmsis: pl.DataFrame,
    registry: pl.DataFrame,
    port_stays: pl.DataFrame,
    rules: ShipRules,
) -> pl.DataFrame:
    """Return one row per MMSI of the archive: schema.Ships, sorted by MMSI (METHOD 2).

    `ship_id` is "imo:" and the trusted IMO number, so that a ship that changed its MMSI stays one
    ship; else "mmsi:" and the nine digits. Ship type, class, length and beam are those sent most
    often, name and call sign those sent last. Flag and fleet follow the registry entries that
    still hold; `flag_at` and `fleet_at` answer for an instant.

    Args:
        identities: `sum_up_statics` of the whole archive, in any order.
        mmsis: `mmsi` of everybody with a position, repeated or not. May have `ais_class`, and
            then `reports` (1 where absent): position reports say the class as static ones do,
            and are added to them. MMSIs that are in `identities` only get a row too.
        registry: schema.ShipRegistry; `no_registry()` where there is none.
        port_stays: mmsi, port_group, arrived_at, left_at, sightings (METHOD 7).
        rules: thresholds of identity and fleet.
    """
    votes = [identities.select("mmsi", "ais_class", "reports")]
    if "ais_class" in mmsis.columns:
        weight = pl.col("reports") if "reports" in mmsis.columns else pl.lit(1)
        votes.append(mmsis.select("mmsi", "ais_class", reports=weight.cast(pl.Int64)))
    told = [
        trust_imos(identities, rules),
        *(last_reported(identities, field) for field in ("name", "callsign")),
        *(most_reported(identities, field) for field in ("ship_type", "length_m", "beam_m")),
        most_reported(pl.concat(votes), "ais_class"),
    ]
    ships = pl.concat([mmsis.select("mmsi"), identities.select("mmsi")]).unique()
    for values in told:
        ships = ships.join(values, on="mmsi", how="left", validate="1:1")
    ships = ships.with_columns(
        ship_id=pl.when(pl.col("imo").is_not_null())
        .then(pl.format("imo:{}", "imo"))
        .otherwise(pl.format("mmsi:{}", pl.col("mmsi").cast(pl.String).str.zfill(9))),
        at=pl.lit(END_OF_TIME, pl.Datetime("us")),
    )
    flagged = flag_at(ships, "at", registry).drop("at")
    return conform(fleet_of(flagged, port_stays, registry, rules).sort("mmsi"), Ships)


def high_speed_mmsis(identities: pl.DataFrame) -> pl.Series:
    """Return the MMSIs whose most reported ship type is 40-49, high-speed craft, sorted.

    Their tracks may run at `v_max_high_speed_kn` (METHOD 2).
    """
    return _mmsis_of_types(identities, list(HIGH_SPEED_TYPES))


def tug_mmsis(identities: pl.DataFrame) -> pl.Series:
    """Return the MMSIs whose most reported ship type is 31, 32 or 52, towing or tug, sorted."""
    return _mmsis_of_types(identities, list(TUG_TYPES))


def _mmsis_of_types(identities: pl.DataFrame, types: list[int]) -> pl.Series:
    ships = most_reported(identities, "ship_type").filter(pl.col("ship_type").is_in(types))
    return ships.get_column("mmsi").sort()


# ----------------------------------------------------------------------------------- flag


@cache
def mid_countries() -> pl.DataFrame:
    """Return the ITU's maritime identification digits: mid, country (alpha-3), name, source.

    A dependent territory has its own code where ISO 3166-1 has one, else its state's.
    """
    text = resources.files("pipeline").joinpath("data", "mid.csv").read_bytes()
    columns = {"mid": pl.Int32, "country": pl.String, "name": pl.String, "source": pl.String}
    return pl.read_csv(io.BytesIO(text), schema=columns)


def known_flags() -> frozenset[str]:
    """Return the 249 country codes of ISO 3166-1, alpha-3: what a flag may be."""
    return frozenset(mid_countries()["country"]) | frozenset(CODES_WITHOUT_MID)


def mid_flag(mmsi: pl.Expr) -> pl.Expr:
    """Return the country of the first three digits of a ship's MMSI; null where not allocated.

    Ids that are no ship's (auxiliary craft 98MIDxxxx, coast stations 00MIDxxxx, ids not of nine
    digits) have no flag: a MID is between 201 and 775.
    """
    table = mid_countries()
    return (mmsi // 1_000_000).replace_strict(
        table["mid"], table["country"], default=None, return_dtype=pl.String
    )


def flag_at(frame: pl.DataFrame, at: str, registry: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with `flag` as of the instant in its column `at` (METHOD 2).

    The registry's entry in force then, for the MMSI before that for the IMO number; else the
    country of the MID; else null: unknown stays unknown.

    Args:
        frame: with mmsi, imo (trusted, may be null) and the column `at`; rows keep their order.
        at: name of the column with the instant, e.g. "off_at" (UTC).
        registry: schema.ShipRegistry.
    """
    listed = override_at(frame, at, registry, "flag")
    return frame.with_columns(flag=pl.coalesce(listed, mid_flag(pl.col("mmsi"))))
