"""Who a ship is: its IMO number, its flag and what it says of itself (METHOD 2).

Names and call signs are typed in by strangers: they are carried, never read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ConfigError
from pipeline.fleet import END_OF_TIME, fleet_of, has_share, override_at
from pipeline.rules import ShipRules
from pipeline.schema import FLEETS, ShipRegistry, Ships, conform, polars_schema

HIGH_SPEED_TYPES = range(40, 50)
TUG_TYPES = (31, 32, 52)

# ISO 3166-1 codes of territories to which no MID is allocated; with those of mid.csv all 249.
# Some do register ships (Isle of Man), which then send the MID of another.
CODES_WITHOUT_MID = (
    "ALA", "ATA", "BES", "BLM", "BVT", "ESH", "GGY", "GUM", "HMD", "IMN",
    "IOT", "JEY", "MAF", "MYT", "NFK", "SGS", "SJM", "SXM", "TKL", "UMI",
)  # fmt: skip

SHOWN_CHARACTERS = 40
INSTANT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|\+00:00)?)?", re.ASCII)


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


def trust_imos(statics: pl.DataFrame, rules: ShipRules) -> pl.DataFrame:
    """Return (mmsi, imo) of the MMSIs whose IMO number is trusted (METHOD 2), sorted.

    Trusted: a right check digit, sent in at least `imo_min_reports` reports on at least
    `imo_min_days` UTC days, and in at least `imo_min_share` of all reports of the MMSI that could
    carry a number (`can_carry_imo`). Of two that qualify the one sent more often, then the smaller.
    """
    reports = statics.filter(can_carry_imo())
    all_reports = reports.group_by("mmsi").agg(all_reports=pl.col("reports").sum())
    return (
        reports.filter(imo_is_valid(pl.col("imo")))
        .group_by("mmsi", "imo")
        .agg(pl.col("reports").sum(), days=pl.col("first_at").dt.date().n_unique())
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
    statics: pl.DataFrame,
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
        statics: schema.Statics of the whole archive, in any order.
        mmsis: `mmsi` of everybody with a position, repeated or not. May have `ais_class`, and
            then `reports` (1 where absent): position reports say the class as static ones do,
            and are added to them. MMSIs that are in `statics` only get a row too.
        registry: schema.ShipRegistry; `no_registry()` where there is none.
        port_stays: mmsi, port_group, arrived_at, left_at, sightings (METHOD 7).
        rules: thresholds of identity and fleet.
    """
    votes = [statics.select("mmsi", "ais_class", "reports")]
    if "ais_class" in mmsis.columns:
        weight = pl.col("reports") if "reports" in mmsis.columns else pl.lit(1)
        votes.append(mmsis.select("mmsi", "ais_class", reports=weight.cast(pl.Int64)))
    told = [
        trust_imos(statics, rules),
        *(last_reported(statics, field) for field in ("name", "callsign")),
        *(most_reported(statics, field) for field in ("ship_type", "length_m", "beam_m")),
        most_reported(pl.concat(votes), "ais_class"),
    ]
    ships = pl.concat([mmsis.select("mmsi"), statics.select("mmsi")]).unique()
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


def high_speed_mmsis(statics: pl.DataFrame) -> pl.Series:
    """Return the MMSIs whose most reported ship type is 40-49, high-speed craft, sorted.

    Their tracks may run at `v_max_high_speed_kn` (METHOD 2).
    """
    return _mmsis_of_types(statics, list(HIGH_SPEED_TYPES))


def tug_mmsis(statics: pl.DataFrame) -> pl.Series:
    """Return the MMSIs whose most reported ship type is 31, 32 or 52, towing or tug, sorted."""
    return _mmsis_of_types(statics, list(TUG_TYPES))


def _mmsis_of_types(statics: pl.DataFrame, types: list[int]) -> pl.Series:
    ships = most_reported(statics, "ship_type").filter(pl.col("ship_type").is_in(types))
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


# ------------------------------------------------------------------------------- registry


def no_registry() -> pl.DataFrame:
    """Return a registry without entries."""
    return pl.DataFrame(schema=polars_schema(ShipRegistry))


def read_registry(path: Path) -> pl.DataFrame:
    """Return the user's overrides of flag and fleet: schema.ShipRegistry, in the file's order.

    A CSV in UTF-8 whose header is the columns of schema.ShipRegistry in any order. Each line
    gives either `mmsi` or `imo`, `flag` (ISO 3166-1 alpha-3) or `fleet` or both, a `source`, and
    may give `valid_from` (included), `valid_to` (not included) and `analyst`. Instants are ISO
    8601 in UTC; a date alone means its midnight.

    Raises:
        ConfigError: the file cannot be read, a value is not of its kind, or two intervals of one
            ship overlap; names line and column, what was found and what was expected.
    """
    entries = [(line, _read_entry(path, line, cells)) for line, cells in _read_lines(path)]
    _refuse_overlaps(path, entries)
    rows = [entry for _, entry in entries]
    return conform(pl.DataFrame(rows, schema=polars_schema(ShipRegistry)), ShipRegistry)


def _read_lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (number of its first line, column -> text) of each record; blank lines are passed."""
    columns = list(polars_schema(ShipRegistry))
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"ship registry {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"ship registry {path}: no UTF-8 text: {error}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if sorted(header) != sorted(columns):
            found = ", ".join(header)
            raise _refusal(path, 1, "header", found, f"the columns {', '.join(columns)}")
        line = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                raise _refusal(path, line, "all", len(cells), f"{len(header)} cells")
            if cells:
                yield line, dict(zip(header, (cell.strip() for cell in cells), strict=True))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError(f"ship registry {path}, line {reader.line_num}: {error}") from error


def _read_entry(path: Path, line: int, cells: dict[str, str]) -> dict[str, Any]:
    """Return one line's values, typed; null where the cell is empty."""

    def refuse(column: str, expected: str) -> ConfigError:
        return _refusal(path, line, column, cells[column], expected)

    mmsi, imo, flag, fleet = (cells[column] for column in ("mmsi", "imo", "flag", "fleet"))
    if bool(mmsi) == bool(imo):
        raise refuse("mmsi", "either an mmsi or an imo, and not both")
    if mmsi and not re.fullmatch("[2-7][0-9]{8}", mmsi):
        raise refuse("mmsi", "nine digits of a ship, the first 2 to 7")
    if imo and not (re.fullmatch("[0-9]{7}", imo) and _imo_number_is_valid(int(imo))):
        raise refuse("imo", "seven digits, the last a right check digit")
    if not flag and not fleet:
        raise refuse("flag", "a flag or a fleet")
    if flag and flag not in known_flags():
        raise refuse("flag", "a country code of ISO 3166-1 alpha-3, e.g. IRN")
    if fleet and fleet not in FLEETS:
        raise refuse("fleet", f"one of {', '.join(FLEETS)}")
    if not cells["source"]:
        raise refuse("source", "where the entry comes from")
    instants = {}
    for column in ("valid_from", "valid_to"):
        instants[column] = _read_instant(cells[column])
        if cells[column] and instants[column] is None:
            raise refuse(column, "an instant in UTC, e.g. 2023-05-01 or 2023-05-01T06:00:00Z")
    starts_at, ends_at = instants["valid_from"], instants["valid_to"]
    if starts_at and ends_at and starts_at >= ends_at:
        raise refuse("valid_to", f"an instant after valid_from {cells['valid_from']!r}")
    numbers = {"mmsi": int(mmsi) if mmsi else None, "imo": int(imo) if imo else None}
    texts = {name: cells[name] or None for name in ("flag", "fleet", "source", "analyst")}
    return {**numbers, **instants, **texts}


def _read_instant(text: str) -> datetime | None:
    """Return the instant without its zone (UTC), or None where the text is none."""
    if not INSTANT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _imo_number_is_valid(imo: int) -> bool:
    return bool(pl.select(imo_is_valid(pl.lit(imo, pl.Int64))).item())


def _refuse_overlaps(path: Path, entries: list[tuple[int, dict[str, Any]]]) -> None:
    """Raise a ConfigError where two intervals of one MMSI, or of one IMO number, overlap."""

    def when(entry: tuple[int, dict[str, Any]]) -> tuple[int, int, datetime, int]:
        line, cells = entry
        return cells["mmsi"] or 0, cells["imo"] or 0, cells["valid_from"] or datetime.min, line

    for before, after in pairwise(sorted(entries, key=when)):
        is_same_ship = when(before)[:2] == when(after)[:2]
        if is_same_ship and (before[1]["valid_to"] or datetime.max) > when(after)[2]:
            line, starts_at = after[0], after[1]["valid_from"] or ""
            expected = f"no overlap with the interval of the same ship in line {before[0]}"
            raise _refusal(path, line, "valid_from", starts_at, expected)


def _refusal(path: Path, line: int, column: str, found: object, expected: str) -> ConfigError:
    shown = repr(found if isinstance(found, int) else str(found)[:SHOWN_CHARACTERS])
    return ConfigError(
        f"ship registry {path}, line {line}, column {column}: found {shown}, expected {expected}"
    )
