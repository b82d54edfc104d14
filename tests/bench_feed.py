"""SIMULATED feeds for the benchmarks: any number of rows, and the same rows in any format."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipeline import store
from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from tests import night

# Rows a day of world `caspian` (318 vessels, `thin_s` 300), measured; only the length follows.
ROWS_A_DAY = 59_000
# A longer feed repeats what is simulated: 100 million rows are as many ships over more years.
MOST_DAYS = 87
DAY_OF_FILE = re.compile(r"^\d{4}-\d{2}-\d{2}")


def make_feed(folder: Path, rows: int, most_days: int = MOST_DAYS, is_small: bool = False) -> int:
    """Write a simulated feed of about `rows` rows as canonical Parquet; return their number.

    World `caspian`, seed 5, a file a feed and day of arrival below `folder`/raw. Where more than
    `most_days` are asked for, the same days follow again, later: at the seam every ship leaps
    once. A small world has fewer rows for its days, and is for tests.
    """
    days = max(3, round(rows / ROWS_A_DAY))
    simulated = min(days, most_days)
    world = read_world("caspian", is_small=is_small, days=simulated, feed={"per": "day"})
    files = simulate(world, 5, night.GEO, folder)
    for turn in range(1, -(-days // simulated)):
        for path in files:
            repeat_file(path, turn, turn * timedelta(days=simulated))
    return pl.scan_parquet(folder / "raw" / "*" / "*.parquet").select(pl.len()).collect().item()


def repeat_file(path: Path, turn: int, later: timedelta) -> None:
    """Write the rows of a file again, dated later, as a file beside it."""
    found = DAY_OF_FILE.match(path.stem)
    assert found is not None, f"{path.name} is no file of a day"
    moved = pl.read_parquet(path).with_columns(pl.col("timestamp", "received_at") + later)
    name = f"{date.fromisoformat(found[0]) + later}-{turn}.parquet"
    store.write_parquet(moved, path.with_name(name))


def read_rows(folder: Path, most_rows: int) -> pl.DataFrame:
    """Return the first rows of a feed of `make_feed`, by file and day of arrival."""
    held: list[pl.DataFrame] = []
    left = most_rows
    for path in sorted((folder / "raw").glob("*/*.parquet"), key=lambda each: each.name):
        held.append(pl.read_parquet(path).head(left))
        left -= held[-1].height
        if not left:
            break
    return pl.concat(held)


def measure(work: Callable[[], object], repeats: int = 3, most_s: float = 60) -> dict[str, float]:
    """Return the least wall_s and cpu_s of some runs; no further run after `most_s` seconds."""
    begun = time.perf_counter()
    best = (float("inf"), float("inf"))
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        took = (time.perf_counter() - wall, time.process_time() - cpu)
        best = (min(best[0], took[0]), min(best[1], took[1]))
        if time.perf_counter() - begun > most_s:
            break
    return {"wall_s": best[0], "cpu_s": best[1]}


def pick_first(paths: list[Path], most_rows: int) -> list[Path]:
    """Return the first files that hold together at most `most_rows` rows, one at least."""
    return list(_until(paths, most_rows)) or paths[:1]


def _until(paths: list[Path], most_rows: int) -> Iterator[Path]:
    left = most_rows
    for path in paths:
        left -= pl.scan_parquet(path).select(pl.len()).collect().item()
        if left < 0:
            return
        yield path
