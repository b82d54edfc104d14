"""How fast ships go: their own speeds under way, and those of their fleet (METHOD 5)."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.fleet import ROUNDING
from pipeline.geodesy import FloatArray
from pipeline.rules import Rules
from pipeline.summaries import SPEED_BIN_KN

SPEEDS = {
    "mmsi": pl.Int32,
    "own_p99_kn": pl.Float64,
    "class_p99_kn": pl.Float64,
    "usual_kn": pl.Float64,
}
NO_FLEET = "unknown"


def sum_up_speeds(speeds: pl.DataFrame, ships: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return SPEEDS: one row per MMSI of `speeds` or `ships`, in tenths of a knot (METHOD 5).

    `own_p99_kn` is the 99th percentile of the ship's speeds under way, null without one;
    `class_p99_kn` that of all ships of its fleet together. A fleet with few sightings has that of
    all ships. `usual_kn` is the ship's own median, shrunk to that of its fleet where the ship was
    seldom seen under way. Where nobody was, the bound of tracks and the usual speed stand in.

    Args:
        speeds: histograms of the months that count (m-5 to m): mmsi, month, speed_bin (0.1 kn),
            sightings.
        ships: mmsi and fleet.
        rules: thresholds.
    """
    low, high = rules.causes.exit_min_speed_kn, rules.tracks.v_max_high_speed_kn
    under_way = (
        speeds.with_columns(
            # In numpy, as everywhere: polars would multiply by the reciprocal.
            speed_kn=pl.Series(speeds["speed_bin"].to_numpy() / round(1 / SPEED_BIN_KN))
        )
        # Faster than any track may be is no speed of a ship.
        .filter(pl.col("speed_kn") > low, pl.col("speed_kn") <= high)
        .join(ships.select("mmsi", "fleet"), on="mmsi", how="left")
        .with_columns(pl.col("fleet").fill_null(NO_FLEET), everybody=pl.lit(value=True))
    )
    fleets = _read_off(under_way, "fleet", rules).filter(
        pl.col("sightings") >= rules.reach.least_class_sightings
    )
    everybody = _read_off(under_way, "everybody", rules)
    p99_kn = everybody["p99_kn"].max() if everybody.height else rules.tracks.v_max_kn
    median_kn = everybody["median_kn"].max() if everybody.height else rules.reception.usual_kn
    seen = pl.col("sightings").fill_null(0)
    weight = seen + rules.reach.usual_weight
    return (
        _list_ships(speeds, ships)
        .join(_read_off(under_way, "mmsi", rules), on="mmsi", how="left")
        .join(fleets, on="fleet", how="left", suffix="_of_fleet")
        .with_columns(
            class_p99_kn=pl.col("p99_kn_of_fleet").fill_null(p99_kn),
            class_median_kn=pl.col("median_kn_of_fleet").fill_null(median_kn),
        )
        .select(
            "mmsi",
            own_p99_kn="p99_kn",
            class_p99_kn="class_p99_kn",
            usual_kn=(
                (
                    seen * pl.col("median_kn").fill_null(0)
                    + rules.reach.usual_weight * pl.col("class_median_kn")
                )
                / weight
            ).round(1),
        )
        .cast(SPEEDS)  # pyright: ignore[reportArgumentType]
        .sort("mmsi")
    )


def bound_speeds(
    gaps: pl.DataFrame, speeds: pl.DataFrame, rules: Rules
) -> tuple[FloatArray, FloatArray]:
    """Return the bounding and the usual speed of the ship of each gap in kn (METHOD 5).

    Bounding: 1.1 times the larger of its own and its class's 99th percentile, and 1 kn of current.
    A ship without a row in `speeds` is taken to be as fast as the fastest class, and as usual.
    """
    known = gaps.select("mmsi").join(
        speeds.select(*SPEEDS), on="mmsi", how="left", maintain_order="left", validate="m:1"
    )
    fastest_kn, usual_kn = speeds["class_p99_kn"].max(), speeds["usual_kn"].median()
    if fastest_kn is None or usual_kn is None:
        fastest_kn, usual_kn = rules.tracks.v_max_kn, rules.reception.usual_kn
    p99_kn = known.select(pl.max_horizontal("own_p99_kn", "class_p99_kn").fill_null(fastest_kn))
    bounding_kn = rules.reach.bounding_factor * p99_kn.to_series().to_numpy()
    return (
        bounding_kn + rules.reach.current_kn,
        np.array(known["usual_kn"].fill_null(usual_kn), np.float64),
    )


def _list_ships(speeds: pl.DataFrame, ships: pl.DataFrame) -> pl.DataFrame:
    """Return mmsi and fleet of all ships that either frame names."""
    named = pl.concat([frame.select(pl.col("mmsi").cast(pl.Int32)) for frame in (speeds, ships)])
    return (
        named.unique()
        .join(ships.select(pl.col("mmsi").cast(pl.Int32), "fleet"), on="mmsi", how="left")
        .with_columns(pl.col("fleet").fill_null(NO_FLEET))
    )


def _read_off(under_way: pl.DataFrame, key: str, rules: Rules) -> pl.DataFrame:
    """Return sightings, p99_kn and median_kn of the histograms of each value of `key`.

    A quantile is the least speed that at least that share of the sightings does not exceed.
    """
    so_far = pl.col("sightings").cum_sum().over(key)
    whole = pl.col("sightings").sum().over(key)

    def quantile(share: float) -> pl.Expr:
        is_reached = pl.col("so_far") + ROUNDING >= share * pl.col("whole")
        return pl.col("speed_kn").filter(is_reached).min()

    return (
        under_way.group_by(key, "speed_kn")
        .agg(pl.col("sightings").sum())
        .sort(key, "speed_kn")
        .with_columns(so_far=so_far, whole=whole)
        .group_by(key, maintain_order=True)
        .agg(
            pl.col("sightings").sum(),
            p99_kn=quantile(rules.reach.speed_quantile),
            median_kn=quantile(0.5),
        )
    )
