"""What goes on from one stretch of days to the next: lone pings, tracks, silences (METHOD 1, 2).

Each step takes what earlier days left open, and the edges of some later days, and gives what these
days decide and what they leave open in their turn. Whatever the stretches (a month, a night, the
whole archive), the chain of steps decides the same: a test holds that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline import exposure, gaps, ghosts, tracks
from pipeline.clean import SIGHTING_KEY
from pipeline.rules import Rules
from pipeline.summaries import Edges


def judge_lone_pings(
    left_open: pl.DataFrame | None,
    lone: pl.DataFrame,
    high_speed: pl.Series,
    rules: Rules,
    data_end: datetime,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (unconfirmed pings by SIGHTING_KEY, what is left open for later days).

    Left open is, for every MMSI, its last sighting, which nothing follows yet, and what it will
    be judged against: the last one kept before it and whatever was refused between them.

    Args:
        left_open: what the days before left open, None for the first days.
        lone: `tracks.pick_lone_candidates` of these days.
        high_speed: MMSIs of high-speed craft.
        rules: reach of a ship.
        data_end: later sightings wait.
    """
    given = [frame for frame in (left_open, lone) if frame is not None]
    rows = pl.concat(given).filter(pl.col("seen_at") < data_end).sort(SIGHTING_KEY)
    refused = tracks.find_unconfirmed(rows, high_speed, rules.tracks, data_end)
    marked = rows.join(
        refused.with_columns(refused=pl.lit(value=True)),
        on=list(SIGHTING_KEY),
        how="left",
        maintain_order="left",
    ).with_row_index("at")
    is_last = (pl.col("mmsi") != pl.col("mmsi").shift(-1)).fill_null(value=True)
    kept = pl.when(pl.col("refused").is_null() & ~is_last).then("at")
    start = pl.coalesce(kept.max().over("mmsi"), pl.col("at").max().over("mmsi"))
    return refused, marked.filter(pl.col("at") >= start).select(lone.columns)


@dataclass(frozen=True)
class OpenEnds:
    """The tracks of all days so far, as later days go on from them.

    Attributes:
        tracks: one row per track (`tracks.merge_tracks`).
        hours: mmsi, track, hour and sightings of the last hours of each track
            (`gaps.keep_last_hours`).
    """

    tracks: pl.DataFrame
    hours: pl.DataFrame


@dataclass(frozen=True)
class Linked:
    """What a stretch of days decides of tracks and silences.

    Attributes:
        segments: the days' segments, jumps among them: mmsi, segment, track, sightings, first_at,
            last_at.
        silences: silences that end in these days, wherever they begin, with their counts of
            sightings before (`gaps.close_silences`, `gaps.count_positions_before`).
        short: seconds between segments that are no gap (`exposure.sum_short`).
    """

    segments: pl.DataFrame
    silences: pl.DataFrame
    short: pl.DataFrame


def link_days(
    before: OpenEnds | None, edges: Edges, high_speed: pl.Series, rules: Rules
) -> tuple[Linked, OpenEnds]:
    """Return what some days decide, and the tracks they leave open.

    Args:
        before: what the days before left open, None for the first days.
        edges: the edges of these days, one under the other.
        high_speed: MMSIs of high-speed craft.
        rules: reach of a ship, what a gap is.
    """
    earlier = before.tracks if before else None
    linked = tracks.link_segments(edges.segments, high_speed, rules.tracks, earlier)
    if earlier is None:
        earlier = linked.clear()
    track_hours = gaps.count_by_track(edges.hours, linked)
    if before is not None:
        track_hours = pl.concat([before.hours.select(track_hours.columns), track_hours])
    silences = gaps.close_silences(edges.inner_gaps, linked, rules.gaps, earlier)
    merged = tracks.merge_tracks(linked, earlier)
    decided = Linked(
        segments=linked.select(ghosts.COLUMNS).sort("mmsi", "segment"),
        silences=gaps.count_positions_before(silences, track_hours, rules.gaps),
        short=exposure.sum_short(linked, earlier, rules.gaps),
    )
    return decided, OpenEnds(merged, gaps.keep_last_hours(track_hours, merged, rules.gaps))
