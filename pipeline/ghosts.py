"""Silences of a track while its MMSI goes on being heard on another: no silence of the ship.

A false position starts a track of its own. The ship then goes on in one of the two, whichever was
heard last when both are within reach, and the other is left behind: its silence may never end, or
only with the next false position there.
"""

from __future__ import annotations

import polars as pl

from pipeline.rules import TrackRules
from pipeline.tracks import SEGMENTS_PER_DAY

# What is asked of `chains.Linked.segments`.
COLUMNS = ("mmsi", "track", "segment", "sightings", "first_at", "last_at")


def pick_several(tracks: pl.DataFrame) -> pl.DataFrame:
    """Return the MMSIs with several tracks of two sightings or more: (mmsi).

    Args:
        tracks: one row per track: mmsi, sightings.
    """
    counts = tracks.filter(pl.col("sightings") > 1).group_by("mmsi").len()
    return counts.filter(pl.col("len") > 1).select("mmsi").sort("mmsi")


def drop_taken_over(
    silences: pl.DataFrame, segments: pl.DataFrame, rules: TrackRules
) -> pl.DataFrame:
    """Return silences but those in which the ship itself was heard, on another of its tracks.

    They are silences of one track of a ship, during which another track of its MMSI is heard. Two
    ships that share a MMSI keep theirs: on at least `two_ships_from_d` of the
    `two_ships_within_d` UTC days up to the off time several tracks of the MMSI were heard, as
    interference does not last. A single sighting in a day is no evidence: a corrupt one starts a
    track, too.

    Args:
        silences: mmsi, track, off_at, on_at (null while open).
        segments: COLUMNS of all segments of these MMSIs, from that many days before the first
            off time to the last on time.
        rules: thresholds.
    """
    heard = segments.filter(pl.col("sightings") > 1)
    asked = silences.select("mmsi", "track", "off_at", "on_at").with_row_index("at")
    of_one_ship = asked.join(_find_two_ships(asked, heard, rules), on="at", how="anti")
    others = of_one_ship.join(
        heard.select("mmsi", "first_at", "last_at", other="track"), on="mmsi"
    ).filter(
        (pl.col("other") != pl.col("track"))
        & (pl.col("last_at") > pl.col("off_at"))
        & (pl.col("first_at") < pl.col("on_at")).fill_null(value=True)
    )
    return (
        silences.with_row_index("at")
        .join(others.select("at").unique(), on="at", how="anti", maintain_order="left")
        .drop("at")
    )


def _find_two_ships(asked: pl.DataFrame, heard: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return the silences of MMSIs of which several tracks were heard on many days: (at)."""
    day = (pl.col("segment") // SEGMENTS_PER_DAY).alias("day")
    tracks = heard.group_by("mmsi", day).agg(pl.col("track").n_unique())
    shared = tracks.filter(pl.col("track") > 1).select("mmsi", "day")
    off_day = pl.col("off_at").dt.epoch("d")
    return (
        asked.join(shared, on="mmsi")
        .filter((pl.col("day") <= off_day) & (pl.col("day") > off_day - rules.two_ships_within_d))
        .group_by("at")
        .len()
        .filter(pl.col("len") >= rules.two_ships_from_d)
        .select("at")
    )
