"""Time and memory of the chain on simulated positions, beside a bare scan of the same columns.

`make bench ROWS=5000000`. Each figure is a ratio in one run on one machine: the bare scan reads
the stored columns (mmsi, segment, seen_at, lon, lat) and adds them up, the cheapest thing that
has to look at every value.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from pipeline import summaries, tracks
from pipeline.areas import load_areas
from pipeline.rules import Rules
from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from tests import night

COLUMNS = ("mmsi", "segment", "seen_at", "lon", "lat")


# Rows a day of world `caspian` (318 vessels, `thin_s` 300), measured; only the length follows.
ROWS_A_DAY = 59_000


def make_feed(folder: Path, rows: int) -> int:
    """Write a simulated feed of about `rows` rows as canonical Parquet; return their number."""
    days = max(3, round(rows / ROWS_A_DAY))
    files = simulate(read_world("caspian", days=days, feed={"per": "day"}), 5, night.GEO, folder)
    return pl.scan_parquet(files).select(pl.len()).collect().item()


def measure(work: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Return the least (wall s, CPU s) of some runs."""
    best = (float("inf"), float("inf"))
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    return best


def scan(paths: list[Path]) -> None:
    """Read the columns and add them up."""
    pl.scan_parquet(paths).select(
        pl.col("mmsi", "segment").sum(), pl.col("lon", "lat").sum(), pl.col("seen_at").max()
    ).collect()


def detect(paths: list[Path]) -> None:
    """Find gap rows and segment ends in stored positions, a day at a time."""
    for path in paths:
        day = pl.read_parquet(path, columns=[*COLUMNS, "is_outside"]).with_columns(
            area=pl.lit(""), port_group=pl.lit("")
        )
        ordered = summaries.sort_by_segment(day)
        paired = summaries.pair_sightings(ordered)
        ends = ~summaries.same_segment(1) | ~summaries.same_segment(-1)
        ordered.filter(ends)
        paired.filter(pl.col("to_next_s") >= Rules().gaps.shortest_s)


def summarise(paths: list[Path]) -> None:
    """Make the whole day summary of every day, areas looked up anew."""
    areas, rules = load_areas(night.GEO), Rules()
    for path in paths:
        day = areas.locate(pl.read_parquet(path).drop("is_outside"), rules)
        summaries.summarise_day(day, areas, rules)


def segment(paths: list[Path]) -> None:
    """Segment every day again."""
    nobody = pl.Series([], dtype=pl.Int32)
    for path in paths:
        tracks.segment_day(pl.read_parquet(path).drop("segment"), nobody, Rules().tracks)


def run_night(folder: Path) -> dict[str, float]:
    """Run the whole night as a process of its own; return its wall s, CPU s and peak MB."""
    wall = time.perf_counter()
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from pipeline.cli import main; main()",
            "nightly",
            "--raw",
            str(folder / "raw"),
            "--processed",
            str(folder / "processed"),
        ],
        stderr=subprocess.DEVNULL,
        cwd=night.REPOSITORY,
    )
    # Of this one child: the usage of all children would tell the largest of them.
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("the night failed")
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def main() -> None:
    """Measure, print a table, write docs/benchmarks.json and docs/benchmarks.md."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    rows = options.parse_args().rows
    folder = night.REPOSITORY / "data" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    # In a process of its own: a child's peak memory counts what its parent held when it forked.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        written = pool.submit(make_feed, folder, rows).result()
    whole = run_night(folder)
    paths = sorted((folder / "processed" / "positions").glob("*/positions.parquet"))
    sightings = pl.scan_parquet(paths).select(pl.len()).collect().item()
    stages = {
        "bare scan of the stored columns": scan,
        "gap rows and segment ends from stored positions": detect,
        "segmenting the days again": segment,
        "whole day summaries, areas included": summarise,
    }
    figures = {name: measure(lambda work=work: work(paths)) for name, work in stages.items()}
    scan_cpu = figures["bare scan of the stored columns"][1]
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench ROWS={rows}`: {written:,} simulated rows, {sightings:,} sightings,"
        f" {platform.machine()}, {len(paths)} days; polars {version('polars')}, duckdb"
        f" {version('duckdb')}, Python {platform.python_version()}. Read the figures as ratios.",
        "",
        "| what | wall s | CPU s | CPU against the bare scan |",
        "|---|---|---|---|",
    ]
    for name, (wall_s, cpu_s) in figures.items():
        lines.append(f"| {name} | {wall_s:.2f} | {cpu_s:.2f} | {cpu_s / scan_cpu:.1f} |")
    lines.append(
        f"| the whole night, raw Parquet to published tables | {whole['wall_s']:.1f} |"
        f" {whole['cpu_s']:.1f} | {whole['cpu_s'] / scan_cpu:.0f} |"
    )
    lines += ["", f"Peak memory of the whole night: {whole['peak_mb']:,.0f} MB."]
    print("\n".join(lines))
    docs = night.REPOSITORY / "docs"
    (docs / "benchmarks.md").write_text("\n".join(lines) + "\n", "utf-8")
    (docs / "benchmarks.json").write_text(
        json.dumps(
            {
                "rows": written,
                "sightings": sightings,
                "night": whole,
                "stages": {name: {"wall_s": w, "cpu_s": c} for name, (w, c) in figures.items()},
            },
            indent=2,
        )
        + "\n",
        "utf-8",
    )
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
