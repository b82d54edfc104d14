"""Gaps with the truth about them: which vessel fell silent, and was its set off (METHOD 8)."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.evaluate.hours import TrueHours, seconds_since
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import Run
from pipeline.geodesy import local_distance_km_array


def match_vessels(gaps: pl.DataFrame, run: Run, hours: TrueHours) -> pl.DataFrame:
    """Return gaps with `vessel`, `place` (its place in `hours`), `is_shared`, and what it is.

    The vessel is the one that sends the gap's MMSI at the off time. Where several do (`is_shared`)
    it is the one truly nearest to the off point then. Its `ais_class` and `is_habitual` are the
    truth's. All are null where none does.
    """
    since = seconds_since(run.world.start)
    found = (
        gaps.select("gap_id", "mmsi", "off_at", "off_lon", "off_lat", off_s=since("off_at"))
        .join(run.truth["identities"].select("mmsi", "vessel", "from_at", "to_at"), on="mmsi")
        .filter(pl.col("off_at") >= pl.col("from_at"), pl.col("off_at") < pl.col("to_at"))
        .filter(pl.col("vessel").is_in(hours.vessels.tolist()))
    )
    place = np.searchsorted(hours.vessels, found["vessel"].to_numpy())
    lon_deg, lat_deg = hours.locate(place, found["off_s"].to_numpy())
    km = local_distance_km_array(
        lon_deg, lat_deg, found["off_lon"].to_numpy(), found["off_lat"].to_numpy()
    )
    nearest = (
        found.with_columns(place=pl.Series(place), km=pl.Series(km).fill_nan(float("inf")))
        .with_columns(is_shared=pl.len().over("gap_id") > 1)
        .sort("gap_id", "km", "vessel")
        .unique("gap_id", keep="first", maintain_order=True)
        .select("gap_id", pl.col("vessel").cast(pl.Int64), "place", "is_shared")
    )
    ships = run.truth["ships"].select(pl.col("vessel").cast(pl.Int64), "ais_class", "is_habitual")
    known = nearest.join(ships, on="vessel", how="left", maintain_order="left")
    return gaps.join(known, on="gap_id", how="left", maintain_order="left")


def label_gaps(
    gaps: pl.DataFrame, run: Run, hours: TrueHours, rules: EvaluationRules
) -> pl.DataFrame:
    """Return gaps of `match_vessels` with `hearable_h`, `off_h` and `is_off` (METHOD 8).

    `hearable_h`: hours of the gap in which a sending set there had the chance `hearable_chance`
    of being heard, the first and last hour by their parts; `off_h`: those with the set off.
    `is_off` is null where there is no such hour, where the gap is open or its vessel unknown.
    """
    since = seconds_since(run.world.start)
    closed = gaps.filter(pl.col("place").is_not_null() & pl.col("on_at").is_not_null()).select(
        "gap_id", "place", off_s=since("off_at"), on_s=since("on_at")
    )
    place, off_s, on_s = (closed[name].to_numpy() for name in ("place", "off_s", "on_s"))
    hearable_s = hours.hearable_until_s(place, on_s) - hours.hearable_until_s(place, off_s)
    dark_s = hours.hearable_off_until_s(place, on_s) - hours.hearable_off_until_s(place, off_s)
    labels = closed.select(
        "gap_id", hearable_h=pl.Series(hearable_s / 3600), off_h=pl.Series(dark_s / 3600)
    ).with_columns(
        is_off=pl.when(pl.col("hearable_h") > 0).then(
            # A millisecond for sums of floats.
            pl.col("off_h") >= rules.off_min_share * pl.col("hearable_h") - 1e-3 / 3600
        )
    )
    return gaps.join(labels, on="gap_id", how="left", maintain_order="left")


def mark_heard_meanwhile(gaps: pl.DataFrame) -> pl.DataFrame:
    """Return gaps of `match_vessels` with `is_heard_meanwhile`: it is no silence at all.

    An end of another gap of the same vessel lies inside it: the vessel was heard on another track,
    say because GNSS interference threw some of its positions far away.
    """
    ends = pl.concat(
        [
            gaps.select("vessel", heard_at="off_at"),
            gaps.select("vessel", heard_at="on_at"),
        ]
    ).drop_nulls()
    inside = (
        gaps.filter(pl.col("vessel").is_not_null())
        .select("gap_id", "vessel", "off_at", "on_at")
        .sort("off_at")
        .join_asof(
            ends.sort("heard_at"),
            left_on="off_at",
            right_on="heard_at",
            by="vessel",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
            coalesce=False,
        )
        .filter(pl.col("heard_at") < pl.col("on_at"))
    )
    return gaps.with_columns(is_heard_meanwhile=pl.col("gap_id").is_in(inside["gap_id"].implode()))
