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
    asked = asked.join(_find_two_ships(asked, heard, rules), on=KEY, how="anti")
    # Counted, for silences x segments of a MMSI are too many to be looked at in years of data.
    of_mmsi, of_track = (_count_heard(asked, heard, by) for by in (["mmsi"], ["mmsi", "track"]))
    return asked.filter(of_mmsi > of_track).unique().sort(KEY)


def _count_heard(silences: pl.DataFrame, heard: pl.DataFrame, by: list[str]) -> pl.Series:
    """Return how many segments were heard during each silence, of those that share `by` with it.

    Those that began before it ended, less those that had ended when it began.
    """
    begun = count_before(silences, "on_at", heard, "first_at", by)
    ended = count_before(silences, "off_at", heard, "last_at", by, or_at=True)
    return begun - ended


def count_before(
    rows: pl.DataFrame,
    until: str,
    events: pl.DataFrame,
    at: str,
    by: list[str],
    *,
    or_at: bool = False,
) -> pl.Series:
    """Return how many events lie before an instant, or at it too, a number a row.

    Args:
        rows: `until` (null: all events lie before it) and `by`.
        until: the instant.
        events: `at` and `by`.
        at: when an event was.
        by: columns in which both must agree.
        or_at: count events at the instant.
    """
    ordered = events.select(*by, at).sort(at)
    numbered = ordered.with_columns(count=pl.int_range(1, pl.len() + 1).over(by))
    asked = rows.select(*by, until).with_row_index("row")
    known = asked.drop_nulls(until).sort(until)
    counted = known.join_asof(
        numbered,
        left_on=until,
        right_on=at,
        by=by,
        allow_exact_matches=or_at,
        check_sortedness=False,
    )
    unended = asked.filter(pl.col(until).is_null()).join(
        ordered.group_by(by).agg(count=pl.len().cast(pl.Int64)), on=by, how="left"
    )
    found = pl.concat([counted.select("row", "count"), unended.select("row", "count")])
    return found.sort("row")["count"].fill_null(0)


def drop_taken_over(silences: pl.DataFrame, taken_over: pl.DataFrame) -> pl.DataFrame:
    """Return silences but those of `find_taken_over`, in their order."""
    return silences.join(taken_over, on=KEY, how="anti", maintain_order="left")


def _find_two_ships(asked: pl.DataFrame, heard: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return KEY of the silences of MMSIs of which several tracks were heard on many days."""
    day = (pl.col("segment") // SEGMENTS_PER_DAY).alias("day")
    tracks = heard.group_by("mmsi", day).agg(pl.col("track").n_unique())
    shared = tracks.filter(pl.col("track") > 1).select("mmsi", "day")
    off_day = pl.col("off_at").dt.epoch("d").cast(pl.Int64)
    around = asked.select(
        *KEY, first=off_day - rules.two_ships_within_d, last=off_day + rules.two_ships_within_d
    )
    until_last = count_before(around, "last", shared, "day", ["mmsi"], or_at=True)
    before_first = count_before(around, "first", shared, "day", ["mmsi"])
    return around.filter(until_last - before_first >= rules.two_ships_from_d).select(KEY)
