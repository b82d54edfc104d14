"""Why a ship was not heard, as far as no reception is needed (METHOD 4)."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.geodesy import KM_PER_NM, FloatArray
from pipeline.rules import CauseRules, Rules
from pipeline.tracks import epoch_s
from pipeline.water import Water

# Silences with one of these causes are no gap near a port in the sense of calls (METHOD 4, 7).
NO_CALL_CAUSES = ("left_region", "identity", "in_port")


def name_causes(silences: pl.DataFrame, water: Water, rules: Rules) -> pl.DataFrame:
    """Return silences with `cause`, as far as no reception is needed.

    First match of METHOD 4's order: `left_region`, `identity`, `in_port`; null: not judged yet.
    """

    areas = water.areas

    def end(side: str) -> pl.DataFrame:
        return silences.select(
            lon=f"{side}_lon", lat=f"{side}_lat", sog_kn=f"{side}_sog_kn", cog_deg=f"{side}_cog_deg"
        ).with_columns(pl.col("sog_kn", "cog_deg").cast(pl.Float64))

    off_exit = areas.exit_reach(end("off"), rules.causes, "towards")
    has_on = silences["on_at"].is_not_null()
    on_exit = pl.Series("on_exit", [False] * silences.height, dtype=pl.Boolean)
    if has_on.any():
        found = areas.exit_reach(end("on").filter(has_on), rules.causes, "from")
        on_exit = on_exit.scatter(has_on.arg_true(), found)
    left = off_exit & (~has_on | silences["on_is_outside"].fill_null(value=False) | on_exit)
    in_port = find_in_port(silences, water, rules.causes, rules.tracks.v_max_kn)
    return (
        silences.with_columns(left=left, in_port=in_port)
        .with_columns(
            cause=pl.when("left")
            .then(pl.lit("left_region"))
            .when(pl.col("on_mmsi").is_not_null())
            .then(pl.lit("identity"))
            .when("in_port")
            .then(pl.lit("in_port"))
        )
        .drop("left", "in_port")
    )


def find_in_port(
    silences: pl.DataFrame, water: Water, rules: CauseRules, v_max_kn: float
) -> pl.Series:
    """Return whether a silence passed in port (METHOD 4).

    Both ends in or within 4 km of ports of one port group, and shorter than the fastest round
    trip to a port of any other group plus the minimum visit there: over water at `v_max_kn`, as
    far as rivers and locks let a ship, and never longer than it can be.
    """
    areas = water.areas
    closed = silences.with_row_index("at").filter(pl.col("on_at").is_not_null())
    answer = pl.Series("in_port", [False] * silences.height, dtype=pl.Boolean)
    if closed.is_empty() or areas.port_groups().is_empty():
        return answer

    def ports(side: str) -> pl.Series:
        points = closed.select(lon=f"{side}_lon", lat=f"{side}_lat")
        return areas.near_ports(points, rules.in_port_within_km)["in_port_group"]

    both = closed.with_columns(off_port=ports("off"), on_port=ports("on")).filter(
        pl.col("off_port").is_not_null() & (pl.col("off_port") == pl.col("on_port"))
    )
    if both.is_empty():
        return answer
    groups = areas.port_groups()["port_group"].to_list()

    def least_h(side: str) -> FloatArray:
        nodes, offset_km = water.snap(both[f"{side}_lon"], both[f"{side}_lat"])
        straight_km = areas.straight_km_to_groups(
            *(both[f"{side}_{name}"].to_numpy() for name in ("lon", "lat"))
        )
        over_water_h = water.least_hours_to(groups, nodes, v_max_kn, offset_km=offset_km)
        return np.maximum(over_water_h, straight_km / (v_max_kn * KM_PER_NM))

    round_trip = least_h("off") + least_h("on")
    for row, group in enumerate(both["off_port"]):
        round_trip[row, groups.index(group)] = float("inf")
    fastest_h = round_trip.min(axis=1)
    seconds = both.select(epoch_s("on_at") - epoch_s("off_at")).to_series().to_numpy()
    is_short = seconds / 3600.0 < fastest_h + rules.min_visit_h
    found = both["at"].filter(pl.Series(is_short))
    return pl.Series("in_port", range(silences.height), dtype=found.dtype).is_in(found.implode())
