"""Silences of a track while its MMSI goes on being heard on another: no silence of the ship.

A false position starts a track of its own. The ship then goes on in one of the two, whichever was
heard last when both are within reach, and the other is left behind: its silence may never end, or
only with the next false position there.
"""

from __future__ import annotations

import polars as pl

from pipeline.rules import TrackRules
from pipeline.tracks import SEGMENTS_PER_DAY

# A silence by its track and off time.
KEY = ("mmsi", "track", "off_at")
# What is asked of `chains.Linked.segments`.
COLUMNS = ("mmsi", "track", "segment", "sightings", "first_at", "last_at")


def pick_several(tracks: pl.DataFrame) -> pl.DataFrame:
    """Return the MMSIs with several tracks of two sightings or more: (mmsi).

    Args:
        tracks: one row per track: mmsi, sightings.
    """
    counts = tracks.filter(pl.col("sightings") > 1).group_by("mmsi").len()
    return counts.filter(pl.col("len") > 1).select("mmsi").sort("mmsi")


def find_taken_over(
    silences: pl.DataFrame, segments: pl.DataFrame, rules: TrackRules
) -> pl.DataFrame:
    """Return the silences in which the ship itself was heard, on another of its tracks.

    They are silences of one track of a ship, during which another track of its MMSI is heard. Two
    ships that share a MMSI keep theirs: on at least `two_ships_from_d` UTC days at most
    `two_ships_within_d` before or after the day of the off time several tracks of the MMSI were
    heard, as interference does not last. A single sighting in a day is no evidence: a corrupt one
    starts a track, too.

    Args:
        silences: KEY, on_at (null while open).
        segments: COLUMNS of all segments of their MMSIs.
        rules: thresholds.

    Returns:
        KEY and on_at of these silences, sorted by KEY.
    """
    heard = segments.filter(pl.col("sightings") > 1)
    asked = silences.select(*KEY, "on_at")
    return (
        asked.join(_find_two_ships(asked, heard, rules), on=KEY, how="anti")
        .join(heard.select("mmsi", "first_at", "last_at", other="track"), on="mmsi")
        .filter(
            (pl.col("other") != pl.col("track"))
            & (pl.col("last_at") > pl.col("off_at"))
            & (pl.col("first_at") < pl.col("on_at")).fill_null(value=True)
        )
        .select(asked.columns)
        .unique()
        .sort(KEY)
    )


def drop_taken_over(silences: pl.DataFrame, taken_over: pl.DataFrame) -> pl.DataFrame:
    """Return silences but those of `find_taken_over`, in their order."""
    return silences.join(taken_over, on=KEY, how="anti", maintain_order="left")


def _find_two_ships(asked: pl.DataFrame, heard: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return KEY of the silences of MMSIs of which several tracks were heard on many days."""
    day = (pl.col("segment") // SEGMENTS_PER_DAY).alias("day")
    tracks = heard.group_by("mmsi", day).agg(pl.col("track").n_unique())
    shared = tracks.filter(pl.col("track") > 1).select("mmsi", "day")
    off_day = pl.col("off_at").dt.epoch("d")
    return (
        asked.join(shared, on="mmsi")
        .filter((pl.col("day") - off_day).abs() <= rules.two_ships_within_d)
        .group_by(KEY)
        .len()
        .filter(pl.col("len") >= rules.two_ships_from_d)
        .select(KEY)
    )
