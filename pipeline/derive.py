"""From merged summaries to the tables of ships, gaps, calls and exposure: pure, in one reading."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pipeline import calls, causes, exposure, fleet, gap_table, gaps, ships, summaries, tow
from pipeline.areas import Areas
from pipeline.registry import no_registry
from pipeline.rules import Rules
from pipeline.schema import ShipMonths, polars_schema
from pipeline.summaries import Summary


def derive_tables(
    summary: Summary,
    linked: pl.DataFrame,
    statics: pl.DataFrame,
    tug_sightings: pl.DataFrame,
    areas: Areas,
    registry: pl.DataFrame,
    rules: Rules,
    data_end: datetime,
    rules_hash: str,
) -> dict[str, pl.DataFrame]:
    """Return tables ships, gaps, dark_port_calls and ship_months, by name.

    Args:
        summary: all days up to `data_end`, merged.
        linked: its segments with tracks (`tracks.link_segments`), refused ones left out.
        statics: table statics.
        tug_sightings: `tow.pick_tugs` of all days.
        areas: the geo folder.
        registry: the user's overrides.
        rules: thresholds.
        data_end: end of the data.
        rules_hash: name of the rules and areas.
    """
    stays = summaries.merge_port_visits(summary.port_visits, rules.ships.stay_min_sightings)

    def identify(entries: pl.DataFrame) -> pl.DataFrame:
        return ships.identify_ships(statics, summary.classes, entries, stays, rules.ships)

    # An entry of the registry holds for its own dates, so it is asked for row by row below.
    plain_ships = identify(no_registry())
    silences = gaps.find_silences(summary, linked, rules.gaps, data_end)
    silences = gaps.close_under_other_mmsi(silences, linked, plain_ships, rules)
    silences = gaps.count_positions_before(silences, summary.hours, linked, rules.gaps)
    silences = causes.name_causes(silences, areas, rules)
    silences = name_ships(silences, plain_ships, "off_at", registry)
    silences = tow.mark_in_tow(silences, tug_sightings, ships.tug_mmsis(statics), rules.ships)
    gap_rows = gap_table.assemble_gaps(silences, rules, data_end, rules_hash)
    by_month = exposure.sum_exposure(summary, linked, silences, rules.gaps).with_columns(
        month_at=pl.col("month").cast(pl.Datetime("us"))
    )
    ship_months = name_ships(by_month, plain_ships, "month_at", registry)
    return {
        "ships": identify(registry),
        "gaps": gap_rows,
        "dark_port_calls": calls.list_near_port(
            gap_rows, areas.port_groups(), data_end, rules_hash
        ),
        "ship_months": ship_months.select(polars_schema(ShipMonths).names()),
    }


def name_ships(
    rows: pl.DataFrame, plain_ships: pl.DataFrame, at: str, registry: pl.DataFrame
) -> pl.DataFrame:
    """Return rows with the ship's fields, flag and fleet as of the instant in column `at`."""
    fields = plain_ships.select("mmsi", "ship_id", "imo", "name", "fleet", "ship_type")
    named = rows.join(fields, on="mmsi", how="left", maintain_order="left")
    return fleet.fleet_at(ships.flag_at(named, at, registry), at, registry)


def locate_calls(call_rows: pl.DataFrame, gap_rows: pl.DataFrame) -> pl.DataFrame:
    """Return calls with the points of their gap, for the map."""
    ends = gap_rows.select("gap_id", "off_lon", "off_lat", "on_lon", "on_lat")
    return call_rows.join(ends, left_on="gap_ids", right_on="gap_id", how="left").sort("call_id")
