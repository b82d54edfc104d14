"""Measures how many true outages feed_health marks, and healthy hours, on SIMULATED worlds.

`python -m tests.measure_health [--worlds caspian hard] [--seeds 301 302 303] [--days 122]`
simulates small worlds (40 ships; no ship in them exists), judges every month and prints tables:
with the beacons of the feed and without them. The first 28 days, from which the usual is learned,
are not measured.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from pipeline import clean, health
from pipeline.areas import Areas, load_areas
from pipeline.feeds import open_feed
from pipeline.health.counts import UNIT
from pipeline.rules import Rules
from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate

GEO = Path(__file__).parents[1] / "geo"

LEARNED_D = 28
LENGTHS_H = (0, 2, 6, 24, 10_000)


@dataclass(frozen=True)
class Feed:
    """The day tables of a world, its true outages, and where it begins and ends."""

    hours: pl.DataFrame
    areas: pl.DataFrame
    outages: pl.DataFrame
    start: datetime
    end: datetime

    def without_beacons(self) -> Feed:
        """Return what a feed that delivers no beacons would tell."""
        hours = self.hours.with_columns(beacons=pl.lit(0, pl.Int64)).filter(pl.col("ships") > 0)
        areas = self.areas.filter(pl.col("flag") != health.BEACON)
        return Feed(hours, areas, self.outages, self.start, self.end)

    def months(self) -> list[date]:
        """Return the months of the world."""
        months = pl.date_range(self.start.date(), self.end.date(), "1mo", closed="left", eager=True)
        return months.to_list()


def simulate_feed(
    folder: Path, world: str, seed: int, days: int, is_small: bool = True, **overrides: object
) -> Feed:
    """Simulate a world and return its day tables."""
    settings = read_world(world, None, is_small=is_small, days=days, **overrides)
    files = simulate(settings, seed, GEO, folder)
    rules, areas = Rules(), load_areas(GEO)
    picked = [_read_file(path, rules) for path in files]
    sightings, beacons = (pl.concat([one[at] for one in picked]) for at in (0, 1))
    by_day = {
        kind: frame.with_columns(day=pl.col("seen_at").dt.date()).partition_by(
            "day", as_dict=True, include_key=False
        )
        for kind, frame in (("sightings", sightings), ("beacons", beacons))
    }
    days_seen = sorted({day for frames in by_day.values() for day in frames})
    counted = [
        _count_day(by_day["sightings"].get(day), by_day["beacons"].get(day), areas, rules)
        for day in days_seen
    ]
    return Feed(
        pl.concat([hours for hours, _ in counted]),
        pl.concat([places for _, places in counted]),
        pl.read_parquet(folder / "truth" / "outages.parquet"),
        settings.start,
        settings.end,
    )


def _read_file(path: Path, rules: Rules) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (staged sightings, staged beacons) of a raw file."""
    origin = {"feed": pl.lit(path.parent.name), "file_no": pl.lit(0, pl.Int32)}
    parts: tuple[list[pl.DataFrame], list[pl.DataFrame]] = ([], [])
    for batch in open_feed(path, rules.feeds, []).batches:
        judged = clean.judge_reports(batch.reports, rules.clean)
        for part, pick in zip(parts, (clean.pick_sightings, clean.pick_beacons), strict=True):
            part.append(pick(judged).with_columns(**origin))
    return pl.concat(parts[0]), pl.concat(parts[1])


def _count_day(
    sightings: pl.DataFrame | None, beacons: pl.DataFrame | None, areas: Areas, rules: Rules
) -> tuple[pl.DataFrame, pl.DataFrame]:
    assert sightings is not None
    unique, _ = clean.drop_duplicates(sightings)
    kept, _ = clean.thin_outside(areas.locate(unique, rules))
    placed = None if beacons is None else areas.locate(beacons, rules)
    return health.count_station_hours(sightings, beacons), health.count_station_areas(kept, placed)


def judge_feed(feed: Feed, rules: Rules) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (feed_health, outage_hours without those of lost ships) of all months of a world."""
    stations, outages = [], []
    for month in feed.months():
        judged = health.judge_stations(feed.hours, rules.health, month, feed.end, feed.areas)
        stations.append(judged)
        outages.append(health.judge_areas(judged, feed.areas, rules.health, month, feed.end))
    return pl.concat(stations), pl.concat(outages)


def true_hours(feed: Feed, units: pl.DataFrame) -> pl.DataFrame:
    """Return UNIT, hour, length_h and out_s of every hour touched by a true outage of the unit.

    `length_h` is the length of the longest outage that touches it, `out_s` the seconds of the hour
    in outages: an hour is wholly out at 3,600.
    """
    kinds = {
        "station": pl.col("station") == pl.col("place"),
        "feed": pl.col("feed") == pl.col("place"),
        "satellites": pl.col("receiver") == "satellite",
    }
    of_unit = pl.concat(
        units.join(feed.outages.filter(kind=kind), how="cross").filter(is_hit)
        for kind, is_hit in kinds.items()
    )
    hour = timedelta(hours=1)
    seconds = pl.min_horizontal("to_at", pl.col("hour") + hour) - pl.max_horizontal(
        "from_at", "hour"
    )
    return (
        of_unit.with_columns(
            length_h=(pl.col("to_at") - pl.col("from_at")).dt.total_seconds() / 3600,
            hour=pl.datetime_ranges(
                pl.col("from_at").dt.truncate("1h"), "to_at", "1h", closed="left"
            ),
        )
        .explode("hour")
        .with_columns(out_s=seconds.dt.total_seconds())
        .group_by(*UNIT, "hour")
        .agg(pl.col("length_h").max(), pl.col("out_s").sum())
        .sort(*UNIT, "hour")
    )


def measure(feed: Feed, stations: pl.DataFrame) -> pl.DataFrame:
    """Return hours and marked hours of feed_health by kind of receiver and length of the outage.

    `hours` are those from LEARNED_D days after the start on; `judged` those in which something is
    usual; `marked` those marked as outages. Rows of healthy hours say "healthy"; hours partly out
    are left out.
    """
    truth = true_hours(feed, stations.select(UNIT).unique())
    rows = stations.filter(pl.col("hour") >= feed.start + timedelta(days=LEARNED_D)).join(
        truth, on=[*UNIT, "hour"], how="left"
    )
    length = pl.lit("healthy")
    for low, high in itertools.pairwise(LENGTHS_H):
        label = f"{low} to {high} h" if high < LENGTHS_H[-1] else f"over {low} h"
        length = pl.when(pl.col("length_h") > low).then(pl.lit(label)).otherwise(length)
    return (
        rows.filter(pl.col("out_s").is_null() | (pl.col("out_s") >= 3600))
        .with_columns(outage=length)
        .group_by("receiver", "outage")
        .agg(
            hours=pl.len(),
            judged=(pl.col("expected") > 0).sum(),
            marked=pl.col("is_outage").sum(),
        )
        .sort("receiver", "outage", descending=[True, False])
    )


def measure_areas(feed: Feed, stations: pl.DataFrame, outages: pl.DataFrame) -> pl.DataFrame:
    """Return, by area, hours of outage_hours: true, marked, both.

    True: every unit that usually hears the area is wholly out in truth.
    """
    truth = true_hours(feed, stations.select(UNIT).unique()).filter(pl.col("out_s") >= 3600)
    known = stations.join(truth.select(*UNIT, "hour", is_true=True), on=[*UNIT, "hour"], how="left")
    told = known.with_columns(is_outage=pl.col("is_true").fill_null(value=False))
    true = pl.concat(
        health.judge_areas(told.drop("is_true"), feed.areas, Rules().health, month, feed.end)
        for month in feed.months()
    )
    begin = feed.start + timedelta(days=LEARNED_D)
    hours = [
        frame.filter(pl.col("hour") >= begin).select("area", "hour", pl.lit(1).alias(name))
        for name, frame in (("true", true), ("marked", outages))
    ]
    return (
        hours[0]
        .join(hours[1], on=["area", "hour"], how="full", coalesce=True)
        .with_columns(pl.col("true", "marked").fill_null(0))
        .group_by("area")
        .agg(pl.col("true", "marked").sum(), both=(pl.col("true") * pl.col("marked")).sum())
        .sort("area")
    )


def tell(measured: pl.DataFrame) -> str:
    """Return the measures as a Markdown table."""
    lines = [
        "| receiver | outage | hours | judged | marked | of judged | of all |",
        "|---" * 7 + "|",
    ]
    sums = measured.group_by("receiver", "outage").agg(pl.col("hours", "judged", "marked").sum())
    for row in sums.sort("receiver", "outage", descending=[True, False]).iter_rows(named=True):
        of_judged, of_all = row["marked"] / max(row["judged"], 1), row["marked"] / row["hours"]
        lines.append(
            f"| {row['receiver']} | {row['outage']} | {row['hours']:,} | {row['judged']:,}"
            f" | {row['marked']:,} | {of_judged:.2%} | {of_all:.2%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Simulate, judge, measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--worlds", nargs="+", default=["caspian"])
    options.add_argument("--seeds", nargs="+", type=int, default=[301, 302, 303])
    options.add_argument("--days", type=int, default=122)
    options.add_argument("--large", action="store_true", help="the world's own size, not 40 ships")
    chosen = options.parse_args()
    for world in chosen.worlds:
        tables: dict[str, list[pl.DataFrame]] = {"with beacons": [], "without beacons": []}
        places: dict[str, list[pl.DataFrame]] = {name: [] for name in tables}
        for seed in chosen.seeds:
            with tempfile.TemporaryDirectory() as folder:
                feed = simulate_feed(Path(folder), world, seed, chosen.days, not chosen.large)
            for name, some in zip(tables, (feed, feed.without_beacons()), strict=True):
                stations, outages = judge_feed(some, Rules())
                tables[name].append(measure(some, stations))
                places[name].append(measure_areas(some, stations, outages))
        for name, found in tables.items():
            print(f"\nSIMULATED world {world}, seeds {chosen.seeds}, {name}\n")
            print(tell(pl.concat(found)))
            sums = pl.concat(places[name]).group_by("area").agg(pl.exclude("area").sum())
            print("\n| area | true outage_hours | marked | both |\n|---|---|---|---|")
            for row in sums.sort("area").iter_rows():
                print("| " + " | ".join(str(value) for value in row) + " |")


if __name__ == "__main__":
    main()
