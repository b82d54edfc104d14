"""When receivers hear nothing: outages of stations, of all satellites, of whole feeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from pipeline.simulate.model import Bools, Floats
from pipeline.simulate.setting import Group, setting, stream
from pipeline.simulate.station_places import Station

YEAR_S, HOUR_S = 365.25 * 86_400, 3600


class OutageSettings(Group):
    """How often receivers fail; the share of its time a station is up stands in its own row."""

    down_factor: float = setting(
        1.0,
        "",
        "judgement: 1 as the station table says; 3: every station down thrice as long",
        ge=0,
    )
    feed_outages_a_year: float = setting(
        3.0, "1/year", "judgement: a provider's delivery fails a few times a year", ge=0
    )
    feed_outage_shortest_h: float = setting(6.0, "h", "judgement: noticed within the day", gt=0)
    feed_outage_longest_h: float = setting(36.0, "h", "judgement: a weekend", gt=0)
    satellite_lost_days_a_year: float = setting(
        20.0,
        "1/year",
        "judgement: set with the silences of METHOD's warning (b), see `passes`",
        ge=0,
    )
    satellite_lost_h: float = setting(24.0, "h", "judgement: a day's downlinks", gt=0)


@dataclass(frozen=True)
class Outage:
    """A time in which a place heard nothing; `kind` is station, satellites or feed."""

    kind: str
    place: str
    from_s: int
    to_s: int


@dataclass(frozen=True)
class Silences:
    """Merged times in which one receiver hears nothing: sorted, apart, in seconds of the world."""

    from_s: Floats
    to_s: Floats

    def overlap(self, from_s: Floats, to_s: Floats) -> Bools:
        """Return whether any part of each span [from, to) lies in a silence."""
        before = np.searchsorted(self.from_s, to_s, side="left") - 1
        if not len(self.from_s):
            return np.zeros(len(from_s), dtype=np.bool_)
        return (before >= 0) & (self.to_s[np.maximum(before, 0)] > from_s)


def merge_silences(outages: Iterable[Outage]) -> Silences:
    """Return the union of some outages."""
    merged: list[list[int]] = []
    for outage in sorted(outages, key=lambda one: one.from_s):
        if merged and outage.from_s <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], outage.to_s)
        else:
            merged.append([outage.from_s, outage.to_s])
    pairs = np.array(merged, dtype=float).reshape(-1, 2)
    return Silences(pairs[:, 0].copy(), pairs[:, 1].copy())


def draw_station_outages(
    station: Station, number: int, down_factor: float, span_s: int, seed: int
) -> list[Outage]:
    """Return one station's outages: exponential up and down times, on whole seconds.

    Times up are those of the table's share; `down_factor` lengthens the times down only.
    """
    share_up, mean_down_h = station.share_up, station.mean_down_h
    if share_up >= 1 or down_factor == 0:
        return []
    random = stream(seed, "station outages", number)
    up_s = mean_down_h * share_up / (1 - share_up) * HOUR_S
    down_s = mean_down_h * down_factor * HOUR_S
    # Exponential times have no memory: the state at 0 is all that must be drawn.
    is_up, at_s = bool(random.uniform() < up_s / (up_s + down_s)), 0.0
    outages: list[Outage] = []
    while at_s < span_s:
        until_s = at_s + random.exponential(up_s if is_up else down_s)
        if not is_up:
            outages.append(Outage("station", station.id, int(at_s), min(int(until_s) + 1, span_s)))
        is_up, at_s = not is_up, until_s
    return _as_outages("station", station.id, outages)


def draw_feed_outages(
    feeds: Sequence[str], settings: OutageSettings, span_s: int, seed: int
) -> list[Outage]:
    """Return the outages of whole feeds, and the days lost by all satellites together."""
    outages: list[Outage] = []
    for feed in feeds:
        random = stream(seed, "feed outages", feed)
        count = random.poisson(settings.feed_outages_a_year * span_s / YEAR_S)
        starts = random.uniform(0, span_s, count)
        longest = max(settings.feed_outage_longest_h, settings.feed_outage_shortest_h)
        lengths_s = random.uniform(settings.feed_outage_shortest_h, longest, count) * HOUR_S
        outages += _draw("feed", feed, starts, lengths_s, span_s)
    random = stream(seed, "satellite days")
    count = random.poisson(settings.satellite_lost_days_a_year * span_s / YEAR_S)
    starts = random.uniform(0, span_s, count)
    lengths_s = np.full(count, settings.satellite_lost_h * HOUR_S)
    return outages + _draw("satellites", "satellites", starts, lengths_s, span_s)


def outage_frame(outages: Sequence[Outage], start: datetime) -> pl.DataFrame:
    """Return one row per outage in the form of `truth.Outages`, sorted by its key."""
    frame = pl.DataFrame(
        {
            "kind": [one.kind for one in outages],
            "place": [one.place for one in outages],
            "from_s": [one.from_s for one in outages],
            "to_s": [one.to_s for one in outages],
        },
        schema={"kind": pl.String, "place": pl.String, "from_s": pl.Int64, "to_s": pl.Int64},
    )
    instant = pl.lit(start).cast(pl.Datetime("us"))
    return frame.select(
        "kind",
        "place",
        from_at=instant + pl.duration(seconds="from_s"),
        to_at=instant + pl.duration(seconds="to_s"),
    ).sort("kind", "place", "from_at")


def _draw(kind: str, place: str, starts: Floats, lengths_s: Floats, span_s: int) -> list[Outage]:
    drawn = [
        Outage(kind, place, int(start), min(int(start + length), span_s))
        for start, length in zip(starts, lengths_s, strict=True)
    ]
    return _as_outages(kind, place, drawn)


def _as_outages(kind: str, place: str, drawn: Sequence[Outage]) -> list[Outage]:
    """Return outages of one place that do not touch: one row each in the truth."""
    silences = merge_silences(drawn)
    return [
        Outage(kind, place, int(from_s), int(to_s))
        for from_s, to_s in zip(silences.from_s, silences.to_s, strict=True)
    ]
