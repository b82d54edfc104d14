"""Counts gaps during which their ship was heard, on a SIMULATED world, kept and dropped.

`python -m tests.measure_ghosts [--world hard] [--seed 12] [--days 150]` simulates a small world (40
ships; no ship in it exists), runs a night on it and prints a table: the silences that a night
found, and those left once silences of a track whose ship went on in another are dropped
(docs/tracks.md); and how many hours and cells of interference were marked.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import timedelta
from pathlib import Path

import polars as pl

from pipeline import ghosts
from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from tests import night

KEY = ("mmsi", "off_at", "on_at")
LONG_H = 30


def run_and_note(raw: Path, processed: Path) -> tuple[night.Night, pl.DataFrame]:
    """Run a night; return it and the silences it dropped, by KEY."""
    dropped: list[pl.DataFrame] = []
    drop = ghosts.drop_taken_over

    def drop_and_note(silences: pl.DataFrame, taken_over: pl.DataFrame) -> pl.DataFrame:
        gone = silences.join(taken_over, on=ghosts.KEY, how="semi")
        dropped.append(gone.select(KEY))
        return drop(silences, taken_over)

    ghosts.drop_taken_over = drop_and_note
    try:
        done = night.run(raw, processed, areas=night.GEO)
    finally:
        ghosts.drop_taken_over = drop
    return done, pl.concat(dropped)


def mark_heard(gaps: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """Return gaps with `is_heard`: another sighting of their MMSI lies inside."""
    rows = gaps.with_row_index("at")
    inside = (
        rows.join(positions.select("mmsi", "seen_at"), on="mmsi")
        .filter(
            (pl.col("seen_at") > pl.col("off_at"))
            & (pl.col("seen_at") < pl.col("on_at")).fill_null(value=True)
        )
        .select("at")
        .unique()
    )
    return rows.with_columns(is_heard=pl.col("at").is_in(inside["at"].implode())).drop("at")


def count(gaps: pl.DataFrame) -> dict[str, int]:
    """Return how many gaps are open, long, and of these with their ship heard inside."""
    hours = (pl.col("on_at") - pl.col("off_at")).dt.total_hours()
    kinds = {
        "open": gaps.filter(pl.col("on_at").is_null()),
        f"closed, {LONG_H} h and more": gaps.filter(hours >= LONG_H),
        "closed, all": gaps.filter(pl.col("on_at").is_not_null()),
    }
    numbers: dict[str, int] = {}
    for name, rows in kinds.items():
        alone = rows.filter(~pl.col("is_shared"))
        numbers[name] = rows.height
        numbers[f"{name}: ship heard meanwhile"] = alone.filter("is_heard").height
        numbers[f"{name}: of MMSIs of two ships"] = rows.height - alone.height
    return numbers


def main() -> None:
    """Simulate, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", default="hard")
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--days", type=int, default=150)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        settings = read_world(asked.world, None, is_small=True, days=asked.days)
        simulate(settings, asked.seed, night.GEO, out)
        done, dropped = run_and_note(out / "raw", out / "processed")
        identities = pl.read_parquet(out / "truth" / "identities.parquet")
        users = identities.group_by("mmsi").agg(pl.col("vessel").n_unique())
        shared = users.filter(pl.col("vessel") > 1)["mmsi"]
        events = pl.read_parquet(out / "truth" / "interference.parquet")
        after = done.table("gaps").select(KEY)
        positions, marked = done.positions(), done.table("gnss_hours")
    gaps = {"before": pl.concat([after, dropped]), "after": after}
    numbers = {
        when: count(
            mark_heard(rows, positions).with_columns(
                is_shared=pl.col("mmsi").is_in(shared.implode())
            )
        )
        for when, rows in gaps.items()
    }
    print(f"SIMULATED world {asked.world}, small, seed {asked.seed}, {asked.days} days:")
    hours = marked.select("hour").unique()
    true = hours.join_where(
        events,
        pl.col("hour") < pl.col("to_at"),
        pl.col("hour") > pl.col("from_at") - timedelta(hours=1),
    )
    print(
        f"{events.height} events of interference; {hours.height} hours marked,"
        f" {true['hour'].n_unique()} of them in {true['from_at'].n_unique()} events\n"
    )
    print("| gaps | before | after |\n|---|---|---|")
    for name, number in numbers["before"].items():
        print(f"| {name} | {number:,} | {numbers['after'][name]:,} |")


if __name__ == "__main__":
    main()
