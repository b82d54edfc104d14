"""Was a silent ship in tow? Beside one tug when it fell silent and when it was heard again."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from pipeline.geodesy import local_distance_km
from pipeline.rules import ShipRules
from pipeline.tracks import epoch_s

# ITU-R M.1371: power-driven vessel towing astern, pushing ahead or towing alongside. Sent by a
# ship that is no tug it says that the convoy it belongs to is under tow.
TOWING_STATUSES = (11, 12)
TUG_EVERY_S = 300
SIGHTING_SCHEMA = {
    "mmsi": pl.Int32,
    "seen_at": pl.Datetime("us"),
    "lon": pl.Float64,
    "lat": pl.Float64,
}


def pick_tugs(positions: pl.DataFrame, tugs: pl.Series) -> pl.DataFrame:
    """Return where tugs were, at most one sighting each five minutes: tug, seen_at, lon, lat."""
    return (
        positions.filter(pl.col("mmsi").is_in(tugs.implode()))
        .sort("mmsi", "seen_at", "lon", "lat")
        .group_by("mmsi", (epoch_s("seen_at") // TUG_EVERY_S).alias("slot"), maintain_order=True)
        .agg(pl.col("seen_at", "lon", "lat").first())
        .select("seen_at", "lon", "lat", tug="mmsi")
    )


def find_towed(
    silences: pl.DataFrame, tug_sightings: pl.DataFrame, tugs: pl.Series, rules: ShipRules
) -> pl.Series:
    """Return whether each silent ship was towed (METHOD 2): boolean, in the order of the rows.

    Its status says so, or both ends lie beside the track of one tug (`tow_within_km`,
    `tow_within_s`) and further apart than `stay_within_km`: two ships moored at one berth are no
    tow. Tugs themselves are never in tow.

    Args:
        silences: with mmsi, off_* and on_*.
        tug_sightings: `pick_tugs` of all days named by `days_beside`.
        tugs: MMSIs of tugs.
        rules: what beside means.
    """
    ends = silences.with_row_index("gap").filter(~pl.col("mmsi").is_in(tugs.implode()))
    says_so = ends.filter(pl.col("off_nav_status").is_in(TOWING_STATUSES))["gap"]
    moved = _moved(ends, rules)
    off = _beside(moved, "off", tug_sightings, rules)
    on = _beside(moved, "on", tug_sightings, rules)
    beside_one = off.join(on, on=["gap", "tug"], how="semi")["gap"]
    towed = pl.concat([says_so, beside_one]).unique()
    at = pl.int_range(silences.height, dtype=pl.UInt32, eager=True)
    return at.is_in(towed.implode()).alias("is_towed")


def days_beside(silences: pl.DataFrame, rules: ShipRules) -> list[date]:
    """Return the UTC days whose tug sightings `find_towed` looks at, in order."""
    near = timedelta(seconds=rules.tow_within_s)
    moved = _moved(silences, rules)
    instants = [
        moved.select((pl.col(end) + shift).dt.date().alias("date"))
        for end in ("off_at", "on_at")
        for shift in (-near, timedelta(0), near)
    ]
    return pl.concat(instants)["date"].unique().sort().to_list()


def _moved(silences: pl.DataFrame, rules: ShipRules) -> pl.DataFrame:
    """Return the closed silences whose ends lie too far apart for one berth."""
    moved_km = local_distance_km(
        pl.col("off_lon"), pl.col("off_lat"), pl.col("on_lon"), pl.col("on_lat")
    )
    return silences.filter(pl.col("on_at").is_not_null() & (moved_km > rules.stay_within_km))


def _beside(
    ends: pl.DataFrame, side: str, tug_sightings: pl.DataFrame, rules: ShipRules
) -> pl.DataFrame:
    """Return (gap, tug) for every tug beside the ship at one end of its silence."""
    points = ends.select(
        "gap",
        end_s=epoch_s(f"{side}_at"),
        end_lon=f"{side}_lon",
        end_lat=f"{side}_lat",
    ).with_columns(slot=pl.col("end_s") // rules.tow_within_s)
    near_slots = pl.concat(
        [points.with_columns(slot=pl.col("slot") + shift) for shift in (-1, 0, 1)]
    )
    seen = tug_sightings.with_columns(
        tug_s=epoch_s("seen_at"), slot=epoch_s("seen_at") // rules.tow_within_s
    )
    km = local_distance_km(pl.col("lon"), pl.col("lat"), pl.col("end_lon"), pl.col("end_lat"))
    return (
        near_slots.join(seen, on="slot")
        .filter(
            ((pl.col("tug_s") - pl.col("end_s")).abs() <= rules.tow_within_s)
            & (km <= rules.tow_within_km)
        )
        .select("gap", "tug")
        .unique()
    )
