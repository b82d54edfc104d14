"""Tables lit_port_calls, legs and canal_transits: where ships were heard to go (METHOD 6, 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from pipeline import canal_parts, canal_transits, legs, port_parts, port_stays
from pipeline.areas import Areas
from pipeline.derive import WhoIsWho, name_ships
from pipeline.gap_table import judge_status
from pipeline.rules import METHOD_VERSION, Rules
from pipeline.schema import CanalTransits, Legs, LitPortCalls, conform, polars_schema

INSTANT = timedelta(microseconds=1)
SPANS = ("gap_id", "ship_id", "mmsi", "track", "off_at", "on_at", "duration_h", "p_off", "cause")


@dataclass(frozen=True, eq=False)
class Voyages:
    """Where the ships of all months were heard.

    Attributes:
        stays: `port_stays.list_port_stays`.
        known: `port_stays.list_known_ports` with ship_id.
        sides: `canal_parts.merge_canal_parts`.
    """

    stays: pl.DataFrame
    known: pl.DataFrame
    sides: pl.DataFrame


def put_together(
    parts: pl.DataFrame, sides: pl.DataFrame, who: WhoIsWho, areas: Areas, rules: Rules
) -> Voyages:
    """Return the voyages of all months.

    Args:
        parts: `port_parts.merge_port_parts` of each month.
        sides: `canal_parts.merge_canal_parts` of each month.
        who: the ships.
        areas: ports.
        rules: thresholds.
    """
    merged = port_parts.merge_port_parts(parts, rules.gaps.shortest_s)
    known = port_stays.list_known_ports(merged, areas, rules).join(
        who.plain.select("mmsi", "ship_id"), on="mmsi", how="left", maintain_order="left"
    )
    stays = port_stays.list_port_stays(merged, areas)
    return Voyages(stays, known, canal_parts.merge_canal_parts(sides))


def list_lit_port_calls(
    voyages: Voyages,
    gap_rows: pl.DataFrame,
    who: WhoIsWho,
    rules: Rules,
    data_end: datetime,
    rules_hash: str,
) -> pl.DataFrame:
    """Return table lit_port_calls, by call_id.

    A call is `is_glimpsed`, and not lit, where the ship was not heard at rest long enough, so that
    only silences make up its time, and a gap with an end in it was probably a set off (METHOD 6).

    Args:
        voyages: of all months.
        gap_rows: table gaps.
        who: the ships.
        rules: thresholds.
        data_end: end of the data.
        rules_hash: name of the rules and areas.
    """
    lit = port_stays.list_lit_calls(voyages.stays, rules)
    around = port_stays.find_known_around(_span_runs(lit, voyages.known, who), voyages.known, rules)
    calls = name_ships(
        around.drop("off_at", "on_at", "ship_id").rename({"country": "port_country"}),
        who,
        "entered_at",
    )
    midpoint = pl.col("entered_at") + (pl.col("left_at") - pl.col("entered_at")) / 2
    rows = port_stays.mark_scopes(calls).with_columns(
        month=midpoint.dt.truncate("1mo").dt.date(),
        is_glimpsed=_find_glimpsed(lit, gap_rows, rules),
        method_version=pl.lit(METHOD_VERSION),
        rules_hash=pl.lit(rules_hash),
    )
    rows = rows.with_columns(
        status=judge_status(pl.col("month"), data_end, rules.gaps.calls_final_after_d)
    )
    return conform(rows.select(polars_schema(LitPortCalls).names()), LitPortCalls).sort("call_id")


def _span_runs(lit: pl.DataFrame, known: pl.DataFrame, who: WhoIsWho) -> pl.DataFrame:
    """Return calls with ship_id, and off_at and on_at just beyond the time near the port.

    A ship that lay within 4 km before it came within 3 km was at no other port then.
    """
    at = ("mmsi", "track", "port_group")
    runs = known.select(*at, "arrived_at", run_until="left_at").sort("arrived_at")
    spanned = (
        lit.with_row_index("row")
        .sort("entered_at")
        .join_asof(
            runs,
            left_on="entered_at",
            right_on="arrived_at",
            by=list(at),
            strategy="backward",
            check_sortedness=False,
        )
        .sort("row")
    )
    is_same = (pl.col("run_until") >= pl.col("left_at")).fill_null(value=False)
    begin = pl.when(is_same).then("arrived_at").otherwise("entered_at")
    end = pl.when(is_same).then("run_until").otherwise("left_at")
    return (
        spanned.with_columns(off_at=begin - INSTANT, on_at=end + INSTANT)
        .drop("row", "arrived_at", "run_until")
        .join(who.plain.select("mmsi", "ship_id"), on="mmsi", how="left", maintain_order="left")
    )


def _find_glimpsed(lit: pl.DataFrame, gap_rows: pl.DataFrame, rules: Rules) -> pl.Series:
    """Return whether calls stand on a silence in which the set was probably off."""
    off = gap_rows.filter(
        pl.col("p_off") >= rules.reception.probable_from, pl.col("is_closed")
    ).select("mmsi", "track", "off_at", "on_at")
    inside = pl.col("off_at").is_between("entered_at", "left_at") | pl.col("on_at").is_between(
        "entered_at", "left_at"
    )
    found = (
        lit.filter(pl.col("stopped_h") < rules.ports.lit_least_h)
        .select("call_id", "mmsi", "track", "entered_at", "left_at")
        .join(off, on=["mmsi", "track"])
        .filter(inside)["call_id"]
        .unique()
    )
    return lit["call_id"].is_in(found.implode())


def list_legs(
    voyages: Voyages, gap_rows: pl.DataFrame, who: WhoIsWho, rules: Rules, rules_hash: str
) -> pl.DataFrame:
    """Return table legs, by ship and time.

    Args:
        voyages: of all months.
        gap_rows: table gaps.
        who: the ships.
        rules: thresholds.
        rules_hash: name of the rules and areas.
    """
    found = legs.count_gaps(legs.list_legs(voyages.known, rules), gap_rows)
    departed = voyages.known.sort("arrived_at", "mmsi", "track").unique(
        ["ship_id", "port_group", "left_at"], keep="first", maintain_order=True
    )
    departed = departed.select("ship_id", "mmsi", "left_at", from_group="port_group")
    named = name_ships(
        found.join(
            departed, on=["ship_id", "from_group", "left_at"], how="left", maintain_order="left"
        ).drop("ship_id"),
        who,
        "left_at",
    )
    is_dark = (pl.col("highest_p_off") >= rules.reception.probable_from).fill_null(value=False)
    rows = named.with_columns(
        month=pl.col("arrived_at").dt.truncate("1mo").dt.date(),
        passage=pl.when(is_dark)
        .then(pl.lit("dark"))
        .when(pl.col("gaps") > 0)
        .then(pl.lit("unheard"))
        .otherwise(pl.lit("lit")),
        method_version=pl.lit(METHOD_VERSION),
        rules_hash=pl.lit(rules_hash),
    )
    return conform(rows.select(polars_schema(Legs).names()), Legs).sort("ship_id", "left_at")


def list_canal_transits(
    voyages: Voyages,
    gap_rows: pl.DataFrame,
    who: WhoIsWho,
    seasons: pl.DataFrame,
    rules: Rules,
    rules_hash: str,
) -> pl.DataFrame:
    """Return table canal_transits, by MMSI, track and time.

    Args:
        voyages: of all months.
        gap_rows: table gaps.
        who: the ships.
        seasons: table seasons.
        rules: thresholds.
        rules_hash: name of the rules and areas.
    """
    closed = gap_rows.filter("is_closed").select(SPANS)
    found = canal_transits.list_canal_transits(voyages.sides, closed, seasons, rules)
    rows = name_ships(found, who, "entered_at").with_columns(
        method_version=pl.lit(METHOD_VERSION), rules_hash=pl.lit(rules_hash)
    )
    return conform(rows.select(polars_schema(CanalTransits).names()), CanalTransits)
