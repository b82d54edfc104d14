"""From what the months add up to, to the tables of ships, gaps, calls and exposure: pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline import exposure, fleet, gap_table, ships, summaries
from pipeline.registry import no_registry
from pipeline.rules import Rules
from pipeline.schema import ShipMonths, polars_schema


@dataclass(frozen=True)
class WhoIsWho:
    """Who the ships are, by their own words and what they did, and by the user's registry.

    Attributes:
        plain: schema.Ships without the registry.
        listed: schema.Ships with the entries of the registry that still hold.
        registry: schema.ShipRegistry. An entry holds for its own dates, so it is asked for row by
            row (`name_ships`).
    """

    plain: pl.DataFrame
    listed: pl.DataFrame
    registry: pl.DataFrame


def identify(
    identities: pl.DataFrame,
    classes: pl.DataFrame,
    port_visits: pl.DataFrame,
    registry: pl.DataFrame,
    rules: Rules,
) -> WhoIsWho:
    """Return who is who.

    Args:
        identities: `ships.sum_up_statics` of all days.
        classes: mmsi, ais_class, reports of all days.
        port_visits: `summaries.merge_port_visits` of all months.
        registry: the user's overrides.
        rules: thresholds.
    """
    stays = summaries.merge_port_visits(port_visits, rules.ships.stay_min_sightings)
    plain = ships.identify_ships(identities, classes, no_registry(), stays, rules.ships)
    listed = (
        plain
        if registry.is_empty()
        else ships.identify_ships(identities, classes, registry, stays, rules.ships)
    )
    return WhoIsWho(plain, listed, registry)


def list_gaps(
    silences: pl.DataFrame, who: WhoIsWho, rules: Rules, data_end: datetime, rules_hash: str
) -> pl.DataFrame:
    """Return table gaps, in the order of `silences`.

    Args:
        silences: all, closed and open: `gap_table.tell_causes` with counts and is_towed.
        who: the ships.
        rules: thresholds.
        data_end: end of the data.
        rules_hash: name of the rules and areas.
    """
    named = name_ships(silences, who, "off_at").with_columns(
        fleet=pl.when("is_towed").then(pl.lit("in_tow")).otherwise("fleet")
    )
    return gap_table.assemble_gaps(named, rules, data_end, rules_hash)


def sum_ship_months(
    by_month: pl.DataFrame, silences: pl.DataFrame, observable: pl.DataFrame, who: WhoIsWho
) -> pl.DataFrame:
    """Return table ship_months.

    Args:
        by_month: exposure of all months but that of the silences given (`exposure.sum_exposure`).
        silences: with `cause`.
        observable: seconds of live hours (`reception.sum_observable`) of all months.
        who: the ships.
    """
    exposed = exposure.add_observable(
        exposure.sum_exposure(by_month, silences), observable
    ).with_columns(month_at=pl.col("month").cast(pl.Datetime("us")))
    named = name_ships(exposed, who, "month_at")
    return named.select(polars_schema(ShipMonths).names())


def name_ships(rows: pl.DataFrame, who: WhoIsWho, at: str) -> pl.DataFrame:
    """Return rows with the ship's fields, flag and fleet as of the instant in column `at`."""
    fields = who.plain.select("mmsi", "ship_id", "imo", "name", "fleet", "ship_type")
    # On two columns: a join of the rows themselves would copy all that is said of each.
    named = rows.select("mmsi", at).join(fields, on="mmsi", how="left", maintain_order="left")
    named = fleet.fleet_at(ships.flag_at(named, at, who.registry), at, who.registry)
    return rows.with_columns(named.drop("mmsi", at).get_columns())


def locate_calls(call_rows: pl.DataFrame, gap_rows: pl.DataFrame) -> pl.DataFrame:
    """Return calls with the points of their first gap, for the map."""
    ends = gap_rows.select("gap_id", "off_lon", "off_lat", "on_lon", "on_lat")
    first = pl.col("gap_ids").str.split(";").list.first()
    located = call_rows.with_columns(first=first).join(
        ends, left_on="first", right_on="gap_id", how="left"
    )
    return located.drop("first").sort("call_id")
