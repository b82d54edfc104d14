"""What simpler rules make of the same gaps, scored on the same labels (METHOD 8)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipeline.areas import NO_PORT_GROUP
from pipeline.causes import NO_CALL_CAUSES
from pipeline.evaluate.limits import EvaluationRules
from pipeline.geodesy import KM_PER_NM, FloatArray

if TYPE_CHECKING:
    from pipeline.areas_shores import Shore

# Published rule or habit -> what it says.
RULES = {
    "at_least_12h": "every gap of 12 h and more is off",
    "at_least_30h": "every gap of 30 h and more is off (LLI's threshold)",
    "gfw_rule": "Global Fishing Watch's published rule: at least 12 h, at least 50 nm from shore at"
    " the off point, at least 14 satellite positions in the 12 h before (Welch et al. 2022); its"
    " further condition, modelled satellite reception above 10 positions a day there, needs a"
    " table of theirs and is left out",
    "near_port": "the first form of dark port calls: every closed gap near a port group",
}
# A score that ranks gaps -> what it says; how duration ranks them stands beside p_off.
SCORES = {
    "gfw_positions": "the more satellite positions in the 12 h before the likelier off, as Global"
    " Fishing Watch's model ranks (Welch et al. 2022)",
}


def flag_gaps(gaps: pl.DataFrame, geo: Path, rules: EvaluationRules) -> pl.DataFrame:
    """Return gaps with a column per rule of RULES and score of SCORES, and `duration` in hours.

    `gfw_rule` is null everywhere where the geo folder has no shoreline.
    """
    shore_km = shore_distance_km(gaps, geo)
    is_far = (
        pl.Series("is_far", shore_km >= rules.gfw_shore_nm * KM_PER_NM)
        if (shore_km is not None)
        else pl.Series("is_far", [None] * gaps.height, dtype=pl.Boolean)
    )
    return (
        gaps.with_columns(is_far)
        .with_columns(
            at_least_12h=pl.col("duration_h") >= 12,
            at_least_30h=pl.col("duration_h") >= rules.long_min_h,
            gfw_rule=pl.when(pl.col("is_far").is_not_null()).then(
                (pl.col("duration_h") >= rules.gfw_min_h)
                & (pl.col("positions_12h_before_satellite") >= rules.gfw_satellite_positions)
                & pl.col("is_far")
            ),
            near_port=pl.col("is_closed")
            & (pl.col("off_port_group") != NO_PORT_GROUP)
            & ~pl.col("cause").is_in(NO_CALL_CAUSES).fill_null(value=False),
            duration=pl.col("duration_h"),
            gfw_positions=pl.col("positions_12h_before_satellite").cast(pl.Float64),
        )
        .drop("is_far")
    )


def shore_distance_km(gaps: pl.DataFrame, geo: Path) -> FloatArray | None:
    """Return the distance of off points from the shore of the sea, in km; 0 on rivers and land.

    None where the geo folder has no `shoreline.geojson`.
    """
    path = geo / "shoreline.geojson"
    if not path.is_file():
        return None
    import shapely

    shore = _load_shore(path)
    lon, lat = gaps["off_lon"].to_numpy(), gaps["off_lat"].to_numpy()
    at_sea = np.flatnonzero(shapely.contains_xy(shore.polygon, lon, lat))
    shore_km = np.zeros(gaps.height)
    if len(at_sea):
        shore_km[at_sea] = shore.nearest(lon[at_sea], lat[at_sea])[0]
    return shore_km


@cache  # it takes seconds, and runs of several seeds lie in one sea
def _load_shore(path: Path) -> Shore:
    import shapely

    from pipeline.areas_shores import Shore

    features = json.loads(path.read_text("utf-8"))["features"]
    sea = shapely.union_all([shapely.from_geojson(json.dumps(one["geometry"])) for one in features])
    shapely.prepare(sea)
    return Shore(sea)
