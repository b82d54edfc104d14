"""Port stays, lit calls and known ports: what a track's parts at the ports say (METHOD 6, 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from pipeline.areas import Areas
from pipeline.port_parts import TRACK, number_runs
from pipeline.rules import Rules
from pipeline.tracks import epoch_s

RU_IR = ("RUS", "IRN")


def list_port_stays(merged: pl.DataFrame, areas: Areas) -> pl.DataFrame:
    """Return one row per port stay of the state machine (METHOD 6).

    Args:
        merged: `port_parts.merge_port_parts` of all days.
        areas: for the countries of port groups.

    Returns:
        (mmsi, track, port_group, country, entered_at, left_at, stay_h, stopped_h, sightings,
        silences, silent_h, longest_silence_h, is_left): from the first sighting within
        3 km to the last before one beyond 4 km. `stopped_h` leaves silences of a gap's length out;
        `is_left` is false while no later sighting of the track lies elsewhere.
    """
    is_left = (pl.struct(TRACK) == pl.struct(TRACK).shift(-1)).fill_null(value=False)
    ordered = number_runs(merged).with_columns(is_left=is_left)
    return (
        ordered.filter(pl.col("port_group").is_not_null() & pl.col("is_entered"))
        .join(_countries(areas), on="port_group", how="left", maintain_order="left")
        .select(
            *TRACK,
            "port_group",
            "country",
            entered_at="first_at",
            left_at="last_at",
            stay_h=(epoch_s("last_at") - epoch_s("first_at")) / 3600.0,
            stopped_h=pl.col("stopped_s") / 3600.0,
            sightings="sightings",
            silences="silences",
            silent_h=pl.col("silent_s") / 3600.0,
            longest_silence_h=pl.col("longest_s") / 3600.0,
            is_left="is_left",
        )
    )


def list_lit_calls(stays: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return the port stays that are lit calls, with `call_id` (METHOD 6).

    At least two sightings, and of the time between the first and the last at least `lit_least_h`
    stopped or silent: a ship under way through a long river port, or waiting for a lock, does not
    call there. Silences of a gap's length count, as nobody saw the ship move; one that began or
    ended in port may make the call glimpsed, which p_off decides (`find_gap_ends_in_port`).

    Args:
        stays: `list_port_stays`.
        rules: of ports.
    """
    rested_h = pl.col("stopped_h") + pl.col("silent_h")
    lit = stays.filter((rested_h >= rules.ports.lit_least_h) & (pl.col("sightings") >= 2))
    return lit.with_columns(call_id=lit_call_ids(lit)).sort("call_id")


def lit_call_ids(stays: pl.DataFrame) -> pl.Series:
    """Return ids of stays: 16 hex digits of BLAKE2b over "lit|mmsi|entered, microseconds|group"."""
    columns = stays.select("mmsi", pl.col("entered_at").dt.epoch("us"), "port_group")
    return pl.Series(
        "call_id",
        [
            hashlib.blake2b("|".join(map(str, ("lit", *row))).encode(), digest_size=8).hexdigest()
            for row in columns.iter_rows()
        ],
        dtype=pl.String,
    )


def find_gap_ends_in_port(gaps: pl.DataFrame, areas: Areas, rules: Rules) -> pl.DataFrame:
    """Return the gaps with at least one end in a port: what may make a call glimpsed (METHOD 6).

    Args:
        gaps: gap_id and the ends (off_lon, off_lat, on_lon, on_lat; no on point while open).
        areas: for the ports.
        rules: an end is in port within `leave_beyond_km`, as for the cause `in_port`.

    Returns:
        (gap_id, off_in_group, off_port_km, on_in_group, on_port_km), null where an end is not in
        a port; km to the nearest port of the group, 0 inside. In the order of `gaps`.
    """
    found = gaps.select("gap_id")
    for side in ("off", "on"):
        near = areas.near_ports(
            gaps.select(lon=f"{side}_lon", lat=f"{side}_lat"), rules.ports.leave_beyond_km
        )
        found = found.with_columns(
            near["in_port_group"].alias(f"{side}_in_group"),
            near["port_km"].alias(f"{side}_port_km"),
        )
    return found.filter(pl.col("off_in_group").is_not_null() | pl.col("on_in_group").is_not_null())


# ------------------------------------------------------------------------------- known ports


def list_known_ports(merged: pl.DataFrame, areas: Areas, rules: Rules) -> pl.DataFrame:
    """Return one row per known port of a track (METHOD 7, port stay).

    At least `ships.stay_min_sightings` slow sightings in one run of sightings within 4 km of one
    port group; whether the ship came within 3 km is not asked. Being heard elsewhere ends a run.

    Args:
        merged: `port_parts.merge_port_parts` of all days.
        areas: for the countries of port groups.
        rules: how many sightings.

    Returns:
        (mmsi, track, port_group, country, arrived_at, left_at, first_slow_at, last_slow_at,
        slow_sightings); arrived and left are the first and last sighting of the run.
    """
    runs = (
        number_runs(merged)
        .filter(pl.col("port_group").is_not_null())
        .group_by("run", maintain_order=True)
        .agg(
            pl.col(*TRACK, "port_group").first(),
            arrived_at=pl.col("first_at").min(),
            left_at=pl.col("last_at").max(),
            first_slow_at=pl.col("first_slow_at").min(),
            last_slow_at=pl.col("last_slow_at").max(),
            slow_sightings=pl.col("slow_sightings").sum(),
        )
        .filter(pl.col("slow_sightings") >= rules.ships.stay_min_sightings)
        .drop("run")
    )
    return runs.join(_countries(areas), on="port_group", how="left", maintain_order="left").select(
        *TRACK, "port_group", "country", pl.exclude(*TRACK, "port_group", "country")
    )


def find_known_around(
    silences: pl.DataFrame, known: pl.DataFrame, rules: Rules, by: Sequence[str] = ("ship_id",)
) -> pl.DataFrame:
    """Return silences with the last known port before and the first known port after (METHOD 7).

    A ship that went silent in a known port has it before, and likewise after. A port more than
    `known_within_d` away in time is none; an open silence has none after.

    Args:
        silences: `by`, off_at, on_at.
        known: `list_known_ports` with the columns of `by`.
        rules: of ports.
        by: what names a ship.

    Returns:
        The same rows and order with before_group, before_country, before_at, after_group,
        after_country, after_at: when the ship was last, or first, slow there, never beyond the
        silence's own end.
    """
    within = timedelta(days=rules.ports.known_within_d)
    rows = silences.with_row_index("row")
    for side, instant, key, other in (
        ("before", "off_at", "first_slow_at", "last_slow_at"),
        ("after", "on_at", "last_slow_at", "first_slow_at"),
    ):
        there = known.select(
            *by,
            pl.col(key).alias("key"),
            pl.col(other).alias("other"),
            pl.col("port_group").alias(f"{side}_group"),
            pl.col("country").alias(f"{side}_country"),
        ).sort("key", "other", f"{side}_group")
        bound = pl.min_horizontal if side == "before" else pl.max_horizontal
        found = (
            rows.select("row", *by, instant)
            .filter(pl.col(instant).is_not_null())
            .sort(instant)
            .join_asof(
                there,
                left_on=instant,
                right_on="key",
                by=list(by),
                strategy="backward" if side == "before" else "forward",
                check_sortedness=False,
            )
            .with_columns(bound("other", instant).alias(f"{side}_at"))
            .filter((pl.col(f"{side}_at") - pl.col(instant)).abs() <= within)
            .select("row", f"{side}_group", f"{side}_country", f"{side}_at")
        )
        rows = rows.join(found, on="row", how="left", maintain_order="left")
    return rows.drop("row")


def mark_scopes(calls: pl.DataFrame) -> pl.DataFrame:
    """Return calls with in_ru_ir_any, in_ru_ir_crossing and in_any_flag_crossing (METHOD 7).

    Args:
        calls: fleet, flag and port_country of the call, before_country and after_country
            (`find_known_around`).
    """
    here = pl.col("port_country")
    neighbours = [pl.col(name) for name in ("before_country", "after_country")]
    is_ru_ir = (
        (pl.col("fleet") == "merchant") & pl.col("flag").is_in(RU_IR) & here.is_in(RU_IR)
    ).fill_null(value=False)
    crosses = pl.any_horizontal(*((there != here).fill_null(value=False) for there in neighbours))
    crosses_ru_ir = pl.any_horizontal(
        *(((there != here) & there.is_in(RU_IR)).fill_null(value=False) for there in neighbours)
    )
    return calls.with_columns(
        in_ru_ir_any=is_ru_ir,
        in_ru_ir_crossing=is_ru_ir & crosses_ru_ir,
        in_any_flag_crossing=crosses,
    )


def _countries(areas: Areas) -> pl.DataFrame:
    return areas.port_groups().select("port_group", "country")
