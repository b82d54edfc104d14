"""Switch-offs planted in real movements, messages lost at random, and the label that follows.

A log is a frame sorted by ship and time: ship, at, lon, lat. Real are the movements and the times
of messages; SIMULATED are who was off and what was lost.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.evaluate.limits import EvaluationRules, RealTrackRules

FIRST_MMSI = 200_000_000  # of a country code nobody has: no flag is claimed
HOUR_US = 3_600_000_000
MEAN_DEG_KM, KM_PER_NM = 111.2, 1.852


def cut_stretches(log: pl.DataFrame, rules: RealTrackRules) -> pl.DataFrame:
    """Return the log with `stretch`, a number that rises at each ship's own long silences."""
    since = pl.col("at").diff().over("ship")
    is_new = since.is_null() | (since >= pl.duration(seconds=rules.own_silence_h * 3600))
    return log.sort("ship", "at").with_columns(stretch=is_new.cum_sum().cast(pl.Int64))


def thin_evenly(log: pl.DataFrame, rules: RealTrackRules) -> pl.DataFrame:
    """Return the first message of each ship in every `thin_to_s`."""
    slot = pl.col("at").dt.truncate(f"{rules.thin_to_s}s")
    return (
        log.sort("ship", "at")
        .unique(["ship", "at"], keep="first")
        .sort("ship", "at")
        .filter(slot.is_first_distinct().over("ship"))
    )


def plant_offs(
    log: pl.DataFrame, rules: RealTrackRules, random: np.random.Generator
) -> pl.DataFrame:
    """Return the log of `cut_stretches` with `is_off`: its set is (SIMULATED) off at that time.

    At most one switch-off a stretch, after its first and before its last message. Its length is
    lognormal, no shorter than `plant_least_h` and cut where the stretch has no room for it.
    """
    spans = (
        log.group_by("stretch", maintain_order=True)
        .agg(first=pl.col("at").min(), last=pl.col("at").max())
        .with_columns(span_h=(pl.col("last") - pl.col("first")).dt.total_seconds() / 3600)
    )
    drawn, place = random.random(spans.height), random.random(spans.height)
    length_h = random.lognormal(np.log(rules.plant_median_h), rules.plant_sigma, spans.height)
    span_h = spans["span_h"].to_numpy()
    length_h = np.minimum(np.maximum(length_h, rules.plant_least_h), span_h - 1)
    start = place * np.maximum(span_h - length_h, 0)
    is_planted = (drawn < rules.plant_share) & (span_h >= rules.plant_least_span_h)
    after = (pl.col("at") - pl.col("first")).dt.total_seconds() / 3600
    planted = spans.select("stretch", "first", "last").with_columns(
        start_h=pl.Series(np.where(is_planted, start, np.inf)),
        end_h=pl.Series(np.where(is_planted, start + length_h, -np.inf)),
    )
    return (
        log.join(planted, on="stretch", how="left", maintain_order="left")
        .with_columns(
            is_off=(after >= pl.col("start_h"))
            & (after < pl.col("end_h"))
            & (pl.col("at") > pl.col("first"))
            & (pl.col("at") < pl.col("last"))
        )
        .drop("first", "last", "start_h", "end_h")
    )


def draw_chances(
    log: pl.DataFrame, poor_chance: float, rules: RealTrackRules, random: np.random.Generator
) -> pl.DataFrame:
    """Return the log with `chance`: of each message to be received (SIMULATED).

    A place is heard well or poorly, hour by hour, each for an exponential time; antennas differ
    by a factor a ship, lognormal of mean 1.
    """
    place = [
        ((pl.col(axis) + rules.place_deg / 3) / rules.place_deg).floor().cast(pl.Int64)
        for axis in ("lon", "lat")
    ]
    rows = log.with_columns(
        place=pl.struct(place[0].alias("x"), place[1].alias("y")).rank("dense") - 1,
        hour=((pl.col("at") - log["at"].min()).dt.total_hours()).cast(pl.Int64),
    )
    places, hours = (int(rows[name].max()) + 1 for name in ("place", "hour"))  # pyright: ignore
    is_poor = draw_poor_hours(places, hours, rules, random)[
        rows["place"].to_numpy(), rows["hour"].to_numpy()
    ]
    ships = log["ship"].rank("dense").to_numpy().astype(np.int64) - 1
    sigma = rules.antenna_sigma
    antenna = np.exp(random.normal(-(sigma**2) / 2, sigma, int(ships.max()) + 1))[ships]
    chance = np.where(is_poor, poor_chance, rules.good_chance) * antenna
    return log.with_columns(chance=pl.Series(np.minimum(chance, rules.most_chance)))


def draw_poor_hours(
    places: int, hours: int, rules: RealTrackRules, random: np.random.Generator
) -> np.ndarray:
    """Return whether a place is heard poorly in an hour (places, hours): a chain of two states."""
    poor = np.zeros((places, hours), np.bool_)
    poor[:, 0] = random.random(places) < rules.poor_h / (rules.good_h + rules.poor_h)
    for hour in range(1, hours):
        leaves = np.where(poor[:, hour - 1], 1 / rules.poor_h, 1 / rules.good_h)
        poor[:, hour] = poor[:, hour - 1] ^ (random.random(places) < leaves)
    return poor


def lose_messages(log: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """Return the log with `is_received`: sent, and not lost on the way."""
    heard = pl.Series(random.random(log.height) < log["chance"].to_numpy())
    return log.with_columns(is_received=heard & ~log["is_off"])


def let_out(log: pl.DataFrame, rules: RealTrackRules) -> pl.DataFrame:
    """Return one invented sighting a stretch, beyond the box of the log: mmsi, at, lon, lat.

    So a stretch that the log cuts off ends as a ship does that sails away, and not in an open
    silence whose truth nobody knows.
    """
    west, east, south, north = box(log, rules)
    ends = log.group_by("mmsi", maintain_order=True).last()
    lon, lat = ends["lon"].to_numpy(), ends["lat"].to_numpy()
    wide = np.cos(np.radians(lat))
    ways = np.stack([(lon - west) * wide, (east - lon) * wide, lat - south, north - lat])
    side = ways.argmin(0)
    step = 0.01
    out_lon = np.where(side == 0, west - step, np.where(side == 1, east + step, lon))
    out_lat = np.where(side == 2, south - step, np.where(side == 3, north + step, lat))
    hours = (ways.min(0) + step) * MEAN_DEG_KM / KM_PER_NM / rules.let_out_kn
    return ends.select("mmsi", "at").with_columns(
        at=pl.col("at") + pl.Series((hours * HOUR_US).astype(np.int64)).cast(pl.Duration("us")),
        lon=pl.Series(out_lon),
        lat=pl.Series(out_lat),
    )


def box(log: pl.DataFrame, rules: RealTrackRules) -> tuple[float, float, float, float]:
    """Return west, east, south, north of the log, and `beyond_deg` more on each side."""
    lon, lat, more = log["lon"].to_numpy(), log["lat"].to_numpy(), rules.beyond_deg
    return lon.min() - more, lon.max() + more, lat.min() - more, lat.max() + more


def label_gaps(
    gaps: pl.DataFrame, log: pl.DataFrame, rules: RealTrackRules, limits: EvaluationRules
) -> pl.DataFrame:
    """Return closed gaps with `is_off` (null: no label), `surprise` and `ship` (METHOD 8).

    Off: the set was off in at least half of the hours in which its own messages, had it sent them,
    had a chance of `hearable_chance` or more to be received. No label: no such hour, or the log
    itself is silent for `own_silence_h` within the gap.
    `surprise` is minus the log of the true chance of silence if on.

    Args:
        gaps: table gaps.
        log: mmsi, ship, at, chance, is_off of every message that the log has.
        rules: of the trial.
        limits: what counts as off.
    """
    closed = gaps.filter("is_closed")
    inside = (
        closed.select("gap_id", "mmsi", "off_at", "on_at")
        .join(log.select("mmsi", "ship", "at", "chance", "is_off"), on="mmsi")
        .filter(pl.col("at") >= pl.col("off_at"), pl.col("at") <= pl.col("on_at"))
        .sort("gap_id", "at")
    )
    # Only the messages between both ends were missed.
    own = inside.group_by("gap_id").agg(
        own_silence=pl.col("at").diff().max() >= pl.duration(seconds=rules.own_silence_h * 3600),
        ship=pl.col("ship").first(),
    )
    missed = inside.filter(pl.col("at") > pl.col("off_at"), pl.col("at") < pl.col("on_at"))
    silent = (1 - pl.col("chance")).log()
    truth = (
        missed.group_by("gap_id", hour=pl.col("at").dt.truncate("1h"))
        .agg(heard=1 - silent.sum().exp(), off=pl.col("is_off").mean() >= 0.5, log=silent.sum())
        .with_columns(hearable=pl.col("heard") >= limits.hearable_chance)
        .group_by("gap_id")
        .agg(
            surprise=-pl.col("log").sum(),
            off_share=pl.col("off").filter("hearable").mean(),
        )
    )
    label = pl.when(~pl.col("own_silence").fill_null(value=False)).then(
        pl.col("off_share") >= limits.off_min_share
    )
    return (
        closed.join(own, on="gap_id", how="left", maintain_order="left")
        .join(truth, on="gap_id", how="left", maintain_order="left")
        .with_columns(is_off=label)
    )
