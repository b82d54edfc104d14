"""Table outage_hours, second way: many ships lost at once in one area (METHOD 4, issue nightly).

A coordinated switch-off must not pass for an outage: the outage needs beacons that fell silent too,
or, where no beacon was heard, ships of several flags alike. Neither watch list nor p_off is asked.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl

from pipeline.health.counts import ANYBODY, BEACON, NO_FLAG
from pipeline.health.stations import Span, span_of
from pipeline.rules import HealthRules
from pipeline.schema import OutageHours, conform, polars_schema
from pipeline.ships import mid_flag


def find_lost_ships(
    silences: pl.DataFrame,
    station_areas: pl.DataFrame,
    rules: HealthRules,
    month: date,
    data_end: datetime,
) -> pl.DataFrame:
    """Return the hours of a month that are outages because many ships were lost at once.

    A slot of `lost_slot_h` in an area in which the silences of at least `lost_least_ships` ships
    begin, and of more than `lost_factor` times the `lost_quantile` of the area's slots in both
    months, is an outage if beacons or other flags confirm it (`is_confirmed`). It lasts from the
    slot's start until half of these ships were heard again, at most `lost_longest_h`; whole UTC
    hours count.

    Args:
        silences: mmsi, off_at, on_at (null while open), off_area; those that begin in the month or
            the month before it are used.
        station_areas: counts.STATION_AREAS of the days of both months; rows of ANYBODY are used.
        rules: thresholds.
        month: any day of the month.
        data_end: end of the data.

    Returns:
        Table outage_hours with `why` "ships_lost", sorted by its key.
    """
    span = span_of(month, data_end)
    lost = _pick_lost(silences, rules, span, data_end)
    anybody = station_areas.filter(
        span.is_inside("hour") & (pl.col("receiver") == ANYBODY["receiver"])
    )
    slots = _find_unusual(lost, anybody, rules)
    if slots.is_empty():
        return pl.DataFrame(schema=polars_schema(OutageHours))
    confirmed = slots.join(
        _flags_alike(slots, lost, anybody, rules), on=["area", "slot"], how="left"
    )
    confirmed = confirmed.join(
        _beacons_lost(slots, anybody, rules, span), on=["area", "slot"], how="left"
    ).filter(
        # Beacons that go on being heard tell that receivers were alive, whoever fell silent.
        pl.coalesce("are_beacons_lost", "are_flags_alike").fill_null(value=False)
    )
    return _list_hours(confirmed, lost, rules, span)


def _pick_lost(
    silences: pl.DataFrame, rules: HealthRules, span: Span, data_end: datetime
) -> pl.DataFrame:
    """Return one row per area x slot x ship whose silence begins there: flag and on_at."""
    silent_s = pl.col("on_at").fill_null(data_end).dt.epoch("s") - pl.col("off_at").dt.epoch("s")
    return (
        silences.filter(span.is_inside("off_at") & (silent_s >= round(rules.lost_silence_h * 3600)))
        .select(
            "mmsi",
            "on_at",
            area=pl.col("off_area"),
            slot=pl.col("off_at").dt.truncate(f"{rules.lost_slot_h}h").cast(pl.Datetime("us")),
            flag=mid_flag(pl.col("mmsi")).fill_null(NO_FLAG),
        )
        .filter(pl.col("area").is_not_null())
        # A shared MMSI may fall silent on two tracks: the one heard again first counts.
        .sort("area", "slot", "mmsi", "on_at", nulls_last=True)
        .unique(["area", "slot", "mmsi"], keep="first", maintain_order=True)
    )


def _find_unusual(lost: pl.DataFrame, anybody: pl.DataFrame, rules: HealthRules) -> pl.DataFrame:
    """Return (area, slot, ships) of the slots in which unusually many ships were lost.

    All slots from the first to the last hour with data count for the percentile, those in which
    nobody was lost too.
    """
    if anybody.is_empty() or lost.is_empty():
        return pl.DataFrame(
            schema={"area": pl.String, "slot": pl.Datetime("us"), "ships": pl.Int64}
        )
    slot = timedelta(hours=rules.lost_slot_h)
    first, last = anybody["hour"].min(), anybody["hour"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    slots = (last - first) // slot + 1
    counts = lost.group_by("area", "slot").agg(ships=pl.len().cast(pl.Int64))
    # Counts from the greatest down; the slots without a loss are the rest of the `slots`.
    rank = slots - int(rules.lost_quantile * (slots - 1)) - 1
    usual = (
        counts.sort("area", "ships", "slot", descending=[False, True, False])
        .group_by("area", maintain_order=True)
        .agg(usual=pl.col("ships").get(rank, null_on_oob=True).fill_null(0))
    )
    return (
        counts.join(usual, on="area")
        .filter(
            (pl.col("ships") >= rules.lost_least_ships)
            & (pl.col("ships") > rules.lost_factor * pl.col("usual"))
        )
        .select("area", "slot", "ships")
        .sort("area", "slot")
    )


def _flags_alike(
    slots: pl.DataFrame, lost: pl.DataFrame, anybody: pl.DataFrame, rules: HealthRules
) -> pl.DataFrame:
    """Return (area, slot, are_flags_alike): ships of several flags fell silent alike.

    Of all flags but the one that lost most ships, at least `lost_least_others` ships are lost and
    a share of those heard in the slot that is at least `lost_alike_share` of that flag's share.
    """
    key = ["area", "slot"]
    width = f"{rules.lost_slot_h}h"
    heard = (
        anybody.filter(pl.col("flag") != BEACON)
        .with_columns(slot=pl.col("hour").dt.truncate(width).cast(pl.Datetime("us")))
        .group_by(*key, "flag")
        .agg(heard=pl.col("ships").max())
        .join(slots.select(key), on=key, how="semi")
    )
    gone = lost.group_by(*key, "flag").agg(gone=pl.len().cast(pl.Int64))
    by_flag = (
        heard.join(gone, on=[*key, "flag"], how="left")
        .with_columns(pl.col("gone").fill_null(0))
        # The ships of a slot are at least those of its fullest hour, and those lost in it.
        .with_columns(pl.max_horizontal("heard", "gone").alias("heard"))
        .sort(*key, "gone", "flag", descending=[False, False, True, False])
    )
    sums = by_flag.group_by(key, maintain_order=True).agg(
        top_gone=pl.col("gone").first(),
        top_heard=pl.col("heard").first(),
        others_gone=pl.col("gone").sum() - pl.col("gone").first(),
        others_heard=pl.col("heard").sum() - pl.col("heard").first(),
    )
    # Shares compared as products of whole numbers.
    others = pl.col("others_gone") * pl.col("top_heard")
    top = pl.col("top_gone") * pl.col("others_heard")
    return sums.select(
        *key,
        are_flags_alike=(pl.col("others_gone") >= rules.lost_least_others)
        & (others >= rules.lost_alike_share * top),
    )


def _beacons_lost(
    slots: pl.DataFrame, anybody: pl.DataFrame, rules: HealthRules, span: Span
) -> pl.DataFrame:
    """Return (area, slot, are_beacons_lost): beacons of the area fell silent with the ships.

    In no hour of the slot's length after it are `least_share` of the beacons heard that were heard
    in an hour of the slot before it. Not known where these hours lie beyond the span.
    """
    slot = timedelta(hours=rules.lost_slot_h)
    beacons = anybody.filter(pl.col("flag") == BEACON).select("area", "hour", beacons="ships")
    near = slots.select("area", "slot").join(beacons, on="area")

    def most(name: str, begin: timedelta) -> pl.DataFrame:
        """Return the most beacons heard in an hour of the slot's length from `begin` on."""
        after = pl.col("hour") - pl.col("slot")
        inside = near.filter((after >= begin) & (after < begin + slot))
        return inside.group_by("area", "slot").agg(pl.col("beacons").max().alias(name))

    return (
        most("before", -slot)
        .join(most("after", slot), on=["area", "slot"], how="left")
        .select(
            "area",
            "slot",
            are_beacons_lost=(pl.col("slot") + 2 * slot <= span.end)
            & (pl.col("after").fill_null(0) < rules.least_share * pl.col("before")),
        )
    )


def _list_hours(
    outages: pl.DataFrame, lost: pl.DataFrame, rules: HealthRules, span: Span
) -> pl.DataFrame:
    """Return the whole UTC hours of outages inside the month as rows of outage_hours."""
    longest = pl.col("slot") + pl.duration(hours=rules.lost_longest_h)
    half_back = (
        lost.join(outages, on=["area", "slot"], how="semi")
        .sort("area", "slot", "on_at", "mmsi", nulls_last=True)
        .group_by("area", "slot", maintain_order=True)
        .agg(back_at=pl.col("on_at").get((pl.len() - 1) // 2))
    )
    one_hour = timedelta(hours=1)
    ended = outages.join(half_back, on=["area", "slot"]).with_columns(
        end=pl.min_horizontal(pl.col("back_at"), longest, pl.lit(span.end))
    )
    hours = ended.with_columns(
        hour=pl.datetime_ranges("slot", pl.col("end") - one_hour, one_hour)
    ).explode("hour")
    month_start = span.first + timedelta(days=span.judged_from)
    return conform(
        hours.filter(pl.col("hour") >= month_start)
        .group_by("area", "hour")
        .agg(pl.col("ships").max())
        .with_columns(why=pl.lit("ships_lost"), units=pl.lit(None, dtype=pl.Int64)),
        OutageHours,
    ).sort("area", "hour", "why")
