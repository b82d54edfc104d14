"""One MMSI may be two ships: segments of a day, tracks over days, lone pings (METHOD 1, 2).

A sighting joins, among the tracks of its MMSI whose last sighting it can reach, the one with the
most recent last sighting; else it starts a track. Days are segmented alone and linked by the same
rule. That gives what one pass over everything would give: within a day, a track that already has
a sighting of the day is more recent than any other, so a sighting that can reach one of those
joins it before a track of an earlier day is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.clean import SIGHTING_KEY
from pipeline.geodesy import KM_PER_NM, local_distance_km, local_distance_km_array
from pipeline.rules import TrackRules

SEGMENTS_PER_DAY = 1_000_000
SECONDS_PER_DAY = 86_400


def epoch_s(name: str) -> pl.Expr:
    """Return an instant as whole seconds since 1970."""
    return pl.col(name).dt.epoch("s")


Values = TypeVar("Values", pl.Expr, NDArray[np.float64])


def reach_km(seconds: Values, v_max_kn: Values | float, rules: TrackRules) -> Values:
    """Return how far a ship can have come in `seconds` (METHOD 2), in km: expressions or arrays."""
    hours = (seconds + rules.time_slack_s) / 3600.0
    return v_max_kn * KM_PER_NM * hours + rules.distance_slack_km


def with_v_max(frame: pl.DataFrame, high_speed: pl.Series, rules: TrackRules) -> pl.DataFrame:
    """Return `frame` with `v_max_kn`: 50 kn for the MMSIs in `high_speed`, else 30 (METHOD 2)."""
    is_fast = pl.col("mmsi").is_in(high_speed.implode())
    return frame.with_columns(
        v_max_kn=pl.when(is_fast).then(rules.v_max_high_speed_kn).otherwise(rules.v_max_kn)
    )


def reaches_previous(rules: TrackRules) -> pl.Expr:
    """Return whether a row can be reached from the row before it, which is of the same MMSI."""
    seconds = epoch_s("seen_at") - epoch_s("seen_at").shift(1)
    km = local_distance_km(
        pl.col("lon").shift(1), pl.col("lat").shift(1), pl.col("lon"), pl.col("lat")
    )
    return km <= reach_km(seconds, pl.col("v_max_kn"), rules)


# ------------------------------------------------------------------------------ within a day


def segment_day(sightings: pl.DataFrame, high_speed: pl.Series, rules: TrackRules) -> pl.DataFrame:
    """Return the sightings of one UTC day with `segment` (METHOD 2).

    Args:
        sightings: one UTC day, sorted by (mmsi, seen_at, lon, lat).
        high_speed: MMSIs of high-speed craft.
        rules: reach of a ship.

    Returns:
        The same rows and order; `segment` is the day since 1970 times a million plus the number
        of the segment among those of its MMSI in the day, by first sighting.
    """
    day = epoch_s("seen_at") // SECONDS_PER_DAY * SEGMENTS_PER_DAY
    if not rules.split_tracks or sightings.is_empty():
        return sightings.with_columns(segment=day)
    marked = with_v_max(sightings, high_speed, rules).with_columns(
        same=pl.col("mmsi") == pl.col("mmsi").shift(1)
    )
    breaks = (
        marked["same"].fill_null(value=False)
        & ~marked.select(reaches_previous(rules).fill_null(value=True)).to_series()
    )
    if not breaks.any():
        return sightings.with_columns(segment=day)
    ordinal = np.zeros(sightings.height, dtype=np.int64)
    broken = marked.with_row_index("at").with_columns(breaks=breaks)
    split = broken.filter(pl.col("breaks").any().over("mmsi"))
    for rows in split.select(
        "at", "mmsi", "seen_at", "lon", "lat", "v_max_kn", "breaks"
    ).partition_by("mmsi", maintain_order=True):
        ordinal[rows["at"].to_numpy()] = _segment_one_mmsi(rows, rules)
    return sightings.with_columns(segment=day + pl.Series(ordinal))


def _segment_one_mmsi(rows: pl.DataFrame, rules: TrackRules) -> np.ndarray:
    """Return the segment numbers of one MMSI's sightings of a day.

    Sightings that can reach the one before them stay with it, as it is the most recent of all;
    so only the first of each such run has to look for its track.
    """
    breaks = rows["breaks"].to_numpy()
    seconds = rows["seen_at"].dt.epoch("s").to_numpy()
    lon, lat = rows["lon"].to_list(), rows["lat"].to_list()
    v_max_kn = float(rows["v_max_kn"][0])
    starts = np.concatenate([[0], np.flatnonzero(breaks)])
    ends = np.concatenate([starts[1:], [rows.height]])
    tracks = OpenTracks(v_max_kn, rules)
    numbers = np.empty(rows.height, dtype=np.int64)
    for start, end in zip(starts, ends, strict=True):
        number = tracks.find(int(seconds[start]), lon[start], lat[start])
        last = end - 1
        numbers[start:end] = tracks.put(number, int(seconds[last]), lon[last], lat[last])
    return numbers


class OpenTracks:
    """The tracks of one MMSI with their last sightings, the most recent one last."""

    def __init__(self, v_max_kn: float, rules: TrackRules) -> None:
        self.v_max_kn = v_max_kn
        self.rules = rules
        self.count = 0
        self._numbers: list[int] = []
        self._seconds: list[int] = []
        self._lon: list[float] = []
        self._lat: list[float] = []

    def find(
        self, seconds: int, lon: float, lat: float, without: frozenset[int] | set[int] = frozenset()
    ) -> int | None:
        """Return the most recent track the sighting can reach, those in `without` left out."""
        if not self._numbers:
            return None
        dt = seconds - np.asarray(self._seconds, dtype=np.float64)
        km = local_distance_km_array(self._lon, self._lat, lon, lat)
        reach = reach_km(dt, self.v_max_kn, self.rules)
        for at in np.flatnonzero(km <= reach)[::-1]:
            if self._numbers[at] not in without:
                return self._numbers[at]
        return None

    def put(self, number: int | None, seconds: int, lon: float, lat: float) -> int:
        """Make (seconds, lon, lat) the last sighting of track `number` (None: of a new track)."""
        if number is None:
            number = self.count
            self.count += 1
        else:
            at = self._numbers.index(number)
            for column in (self._numbers, self._seconds, self._lon, self._lat):
                del column[at]
        key = (seconds, lon, lat)
        at = len(self._numbers)
        while at and (self._seconds[at - 1], self._lon[at - 1], self._lat[at - 1]) > key:
            at -= 1
        self._numbers.insert(at, number)
        self._seconds.insert(at, seconds)
        self._lon.insert(at, lon)
        self._lat.insert(at, lat)
        return number


# -------------------------------------------------------------------------------- lone pings


def pick_lone_candidates(sightings: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return what the search for unconfirmed pings needs of one UTC day.

    The first and last sighting of every MMSI, every sighting more than 4 h from its neighbours in
    the day on both sides, and those neighbours: (mmsi, seen_at, lon, lat, is_candidate).

    Args:
        sightings: one UTC day, sorted by (mmsi, seen_at, lon, lat), tracks not split.
    """
    limit_s = int(rules.confirm_after_h * 3600)

    def far(step: int) -> pl.Expr:
        dt = (epoch_s("seen_at").shift(step) - epoch_s("seen_at")).abs()
        other = pl.col("mmsi").shift(step) != pl.col("mmsi")
        return other.fill_null(value=True) | (dt > limit_s)

    def other(step: int) -> pl.Expr:
        return (pl.col("mmsi").shift(step) != pl.col("mmsi")).fill_null(value=True)

    def same(step: int, name: str) -> pl.Expr:
        return (
            pl.col(name).shift(step) & (pl.col("mmsi").shift(step) == pl.col("mmsi"))
        ).fill_null(value=False)

    return (
        sightings.select(SIGHTING_KEY)
        .with_columns(is_candidate=far(1) & far(-1), is_end=other(1) | other(-1))
        .filter(
            pl.col("is_candidate")
            | pl.col("is_end")
            | same(1, "is_candidate")
            | same(-1, "is_candidate")
        )
        .drop("is_end")
    )


def find_speed_sensitive(sightings: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return the MMSIs whose segments of one UTC day may hang on how fast they may run: (mmsi).

    Where every sighting can be reached from the one before it at the lower of the two bounds, and
    none may be refused as unconfirmed, the day is one segment at either.

    Args:
        sightings: one UTC day, sorted by (mmsi, seen_at, lon, lat).
        rules: reach of a ship.
    """
    slowest = min(rules.v_max_kn, rules.v_max_high_speed_kn)
    marked = sightings.select(SIGHTING_KEY).with_columns(v_max_kn=pl.lit(slowest))
    same = (pl.col("mmsi") == pl.col("mmsi").shift(1)).fill_null(value=False)
    breaks = marked.filter(same & ~reaches_previous(rules).fill_null(value=True))
    lone = pick_lone_candidates(sightings, rules).filter("is_candidate")
    return pl.concat([breaks.select("mmsi"), lone.select("mmsi")]).unique().sort("mmsi")


def find_unconfirmed(
    candidates: pl.DataFrame, high_speed: pl.Series, rules: TrackRules, data_end: datetime
) -> pl.DataFrame:
    """Return the lone pings that are out of reach of a neighbour (METHOD 1): (SIGHTING_KEY).

    A sighting more than 4 h from the sightings of its MMSI before and after it must be reachable
    from both. They are taken in time order, against the last one kept and the next one, so that
    one corrupt ping does not take an honest neighbour with it. The first and the last sighting of
    an MMSI are not judged: nothing precedes or follows them yet.

    Args:
        candidates: `pick_lone_candidates` of all days.
        high_speed: MMSIs of high-speed craft.
        rules: reach of a ship, and the 4 h.
        data_end: later sightings wait.
    """
    limit_s = int(rules.confirm_after_h * 3600)
    nothing = candidates.clear().select(SIGHTING_KEY)
    if not rules.split_tracks:
        return nothing
    rows = with_v_max(
        candidates.filter(pl.col("seen_at") < data_end).sort(SIGHTING_KEY), high_speed, rules
    )
    km_to_next = local_distance_km(
        pl.col("lon"), pl.col("lat"), pl.col("lon").shift(-1), pl.col("lat").shift(-1)
    )
    seconds = epoch_s("seen_at").shift(-1) - epoch_s("seen_at")
    rows = rows.with_columns(
        before=(pl.col("mmsi") == pl.col("mmsi").shift(1)).fill_null(value=False),
        after=(pl.col("mmsi") == pl.col("mmsi").shift(-1)).fill_null(value=False),
        dt_before=epoch_s("seen_at") - epoch_s("seen_at").shift(1),
        dt_after=seconds,
        from_previous=reaches_previous(rules),
        to_next=km_to_next <= reach_km(seconds, pl.col("v_max_kn"), rules),
    ).with_columns(
        is_lone=pl.col("is_candidate")
        & pl.col("before")
        & pl.col("after")
        & (pl.col("dt_before") > limit_s)
        & (pl.col("dt_after") > limit_s)
    )
    failing = pl.col("is_lone") & ~(pl.col("from_previous") & pl.col("to_next"))
    suspects = rows.filter(failing.any().over("mmsi"))
    refused = [
        _refuse_in_turn(of_mmsi, rules)
        for of_mmsi in suspects.partition_by("mmsi", maintain_order=True)
    ]
    return pl.concat([nothing, *refused])


def _refuse_in_turn(rows: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return the refused sightings of one MMSI, judged one after the other."""
    refused: list[int] = []
    seconds = rows["seen_at"].dt.epoch("s").to_numpy()
    lon, lat, lone = rows["lon"].to_numpy(), rows["lat"].to_numpy(), rows["is_lone"].to_numpy()
    v_max_kn = float(rows["v_max_kn"][0])

    def can_reach(first: int, then: int) -> bool:
        tracks = OpenTracks(v_max_kn, rules)
        tracks.put(None, int(seconds[first]), lon[first], lat[first])
        return tracks.find(int(seconds[then]), lon[then], lat[then]) is not None

    kept = 0
    for at in range(1, rows.height):
        if lone[at] and not (can_reach(kept, at) and can_reach(at, at + 1)):
            refused.append(at)
        else:
            kept = at
    return rows[refused].select(SIGHTING_KEY)


# --------------------------------------------------------------------------------- over days


def link_segments(
    segments: pl.DataFrame,
    high_speed: pl.Series,
    rules: TrackRules,
    open_tracks: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `segments` with `track`, the segment in which its track begins (METHOD 2).

    Linking some days, and then later days with the tracks that are open by then, gives what
    linking all of them at once would give: a sighting joins the track with the most recent last
    sighting, and nothing else of the past counts.

    Args:
        segments: edges of every day: mmsi, segment, first_at, first_lon, first_lat, last_at,
            last_lon, last_lat, ...; any order.
        high_speed: MMSIs of high-speed craft.
        rules: reach of a ship.
        open_tracks: the tracks of earlier days with their last sightings: mmsi, track, last_at,
            last_lon, last_lat, ...

    Returns:
        Sorted by (mmsi, first_at, first_lon, first_lat).
    """
    ordered = segments.sort("mmsi", "first_at", "first_lon", "first_lat", "segment")
    if ordered.is_empty():
        return ordered.with_columns(track=pl.lit(None, dtype=pl.Int64))
    if open_tracks is None:
        open_tracks = ordered.clear().with_columns(track=pl.lit(None, dtype=pl.Int64))
    recent = pick_recent_tracks(open_tracks)
    if not rules.split_tracks:
        begun = ordered.join(recent.select("mmsi", "track"), on="mmsi", how="left")
        first = pl.col("segment").first().over("mmsi", order_by="segment")
        return begun.with_columns(track=pl.coalesce("track", first)).sort(
            "mmsi", "first_at", "first_lon", "first_lat", "segment"
        )
    fast = _mark_plain(with_v_max(ordered, high_speed, rules), recent, rules)
    several = (~pl.col("is_plain")).any().over("mmsi")
    simple = fast.filter(~several).with_columns(
        track=pl.coalesce("recent_track", pl.col("segment").first().over("mmsi"))
    )
    crossed = fast.filter(several)
    earlier = open_tracks.join(crossed, on="mmsi", how="semi").partition_by("mmsi", as_dict=True)
    linked = [
        _link_one_mmsi(rows, earlier.get(mmsi), rules)
        for mmsi, rows in crossed.partition_by("mmsi", maintain_order=True, as_dict=True).items()
    ]
    columns = [*ordered.columns, "track"]
    return pl.concat([simple.select(columns), *(rows.select(columns) for rows in linked)]).sort(
        "mmsi", "first_at", "first_lon", "first_lat", "segment"
    )


def pick_recent_tracks(open_tracks: pl.DataFrame) -> pl.DataFrame:
    """Return the track of every MMSI with the most recent last sighting."""
    return open_tracks.sort("mmsi", "last_at", "last_lon", "last_lat").unique(
        "mmsi", keep="last", maintain_order=True
    )


def _mark_plain(ordered: pl.DataFrame, recent: pl.DataFrame, rules: TrackRules) -> pl.DataFrame:
    """Return segments with `is_plain`: one a day, reached from the one before it.

    Where all segments of an MMSI are plain they continue its most recent track, whatever other
    tracks it has.
    """
    known = recent.select(
        "mmsi",
        recent_track="track",
        recent_at="last_at",
        recent_lon="last_lon",
        recent_lat="last_lat",
    )
    same = (pl.col("mmsi") == pl.col("mmsi").shift(1)).fill_null(value=False)
    day = pl.col("segment") // SEGMENTS_PER_DAY
    rows = ordered.join(known, on="mmsi", how="left", maintain_order="left").with_columns(
        is_first=~same,
        **{
            f"before_{name}": pl.when(same)
            .then(pl.col(f"last_{name}").shift(1))
            .otherwise(f"recent_{name}")
            for name in ("at", "lon", "lat")
        },
    )
    km = local_distance_km(
        pl.col("before_lon"), pl.col("before_lat"), pl.col("first_lon"), pl.col("first_lat")
    )
    dt = epoch_s("first_at") - epoch_s("before_at")
    reached = km <= reach_km(dt, pl.col("v_max_kn"), rules)
    is_new = pl.col("is_first") & pl.col("recent_track").is_null()
    a_day_later = pl.col("is_first") | (day > day.shift(1))
    return rows.with_columns(is_plain=is_new | (reached & a_day_later).fill_null(value=False))


def _link_one_mmsi(
    rows: pl.DataFrame, earlier: pl.DataFrame | None, rules: TrackRules
) -> pl.DataFrame:
    """Return one MMSI's segments with `track`, day by day, after its tracks of earlier days."""
    tracks = OpenTracks(float(rows["v_max_kn"][0]), rules)
    begins: dict[int, int] = {}
    if earlier is not None:
        for track, *last in (
            earlier.sort("last_at", "last_lon", "last_lat")
            .select("track", epoch_s("last_at").alias("last_s"), "last_lon", "last_lat")
            .iter_rows()
        ):
            begins[tracks.put(None, *last)] = track
    found: list[int] = []
    for day in _by_day(rows):
        touched: set[int] = set()
        ends: list[tuple[int, int, float, float]] = []
        for row in day:
            number = tracks.find(
                row["first_s"], row["first_lon"], row["first_lat"], without=touched
            )
            if number is None:
                # A new track: it holds its number, and can be reached from the next day on.
                number = tracks.put(None, row["last_s"], row["last_lon"], row["last_lat"])
                begins[number] = row["segment"]
            touched.add(number)
            ends.append((number, row["last_s"], row["last_lon"], row["last_lat"]))
            found.append(begins[number])
        for number, seconds, lon, lat in ends:
            tracks.put(number, seconds, lon, lat)
    return rows.with_columns(track=pl.Series(found, dtype=pl.Int64))


def _by_day(rows: pl.DataFrame) -> Iterator[list[dict[str, Any]]]:
    """Yield the segments of one MMSI a day at a time, in order of their first sighting."""
    days: dict[int, list[dict[str, Any]]] = {}
    wanted = rows.select(
        "segment",
        "first_lon",
        "first_lat",
        "last_lon",
        "last_lat",
        first_s=epoch_s("first_at"),
        last_s=epoch_s("last_at"),
    )
    for row in wanted.iter_rows(named=True):
        days.setdefault(row["segment"] // SEGMENTS_PER_DAY, []).append(row)
    for day in sorted(days):
        yield days[day]


def find_jumps(tracks: pl.DataFrame) -> pl.DataFrame:
    """Return the one-sighting tracks with sightings of their MMSI before and after (METHOD 2).

    A lone first sighting of an MMSI is none, nor is a lone last one: until something follows it
    is pending, makes no gap and no hours.

    Args:
        tracks: `merge_tracks` of all days.

    Returns:
        (mmsi, seen_at, lon, lat, segment) of each jump.
    """
    first_key = ("first_at", "first_lon", "first_lat", "track")
    last_key = ("last_at", "last_lon", "last_lat")
    ends = tracks.group_by("mmsi").agg(
        earliest=pl.col("track").sort_by(first_key).first(),
        latest=pl.col("track").sort_by(last_key).last(),
    )
    return (
        tracks.filter(pl.col("sightings") == 1)
        .join(ends, on="mmsi")
        .filter((pl.col("track") != pl.col("earliest")) & (pl.col("track") != pl.col("latest")))
        .select("mmsi", seen_at="first_at", lon="first_lon", lat="first_lat", segment="track")
        .sort("mmsi", "segment")
    )


def merge_tracks(linked: pl.DataFrame, earlier: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return one row per track: its first and last sighting, and how many it has.

    The columns are those of `linked`: `segment` is that of the last sighting, `sightings` the
    sum, `first_*` and `last_*` the ends of the whole track.

    Args:
        linked: `link_segments` of some days.
        earlier: the tracks of the days before them, which these go on.
    """
    rows = linked if earlier is None else pl.concat([earlier.select(linked.columns), linked])
    firsts = [name for name in linked.columns if name.startswith("first_")]
    lasts = [name for name in linked.columns if name.startswith("last_")]
    return (
        rows.sort("mmsi", "track", "segment")
        .group_by("mmsi", "track", maintain_order=True)
        .agg(
            pl.col("segment").last(),
            pl.col("sightings").sum(),
            pl.col(firsts).first(),
            pl.col(lasts).last(),
        )
        .select(linked.columns)
    )
