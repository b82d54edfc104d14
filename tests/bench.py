"""Time and memory of the chain on simulated positions, beside a bare scan of the same columns.

`make bench ROWS=5000000`. Each figure is a ratio in one run on one machine: the bare scan reads
the stored columns (mmsi, segment, seen_at, lon, lat) and adds them up, the cheapest thing that
has to look at every value. Then one more night on archives of two lengths (`bench_nights`).
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
from typing import Any

import polars as pl

from pipeline import summaries, tracks
from pipeline.areas import load_areas
from pipeline.rules import Rules
from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from tests import bench_examples, bench_nights, night

COLUMNS = ("mmsi", "segment", "seen_at", "lon", "lat")
BARE_SCAN = "bare scan of the stored columns"


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
    """Make edges and the summary of every day, areas looked up anew."""
    areas, rules = load_areas(night.GEO), Rules()
    for path in paths:
        day = areas.locate(pl.read_parquet(path).drop("is_outside"), rules)
        summaries.summarise_edges(day, rules)
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


def measure_chain(rows: int, folder: Path) -> dict[str, Any]:
    """Return time and memory of the stages and of the whole night on about `rows` rows."""
    # In a process of its own: a child's peak memory counts what its parent held when it forked.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        written = pool.submit(make_feed, folder, rows).result()
    whole = run_night(folder)
    paths = sorted((folder / "processed" / "positions").glob("*/positions.parquet"))
    stages = {
        BARE_SCAN: scan,
        "gap rows and segment ends from stored positions": detect,
        "segmenting the days again": segment,
        "whole day summaries, areas included": summarise,
    }
    figures = {name: measure(lambda work=work: work(paths)) for name, work in stages.items()}
    return {
        "rows": written,
        "sightings": pl.scan_parquet(paths).select(pl.len()).collect().item(),
        "days": len(paths),
        "night": whole,
        "stages": {name: {"wall_s": wall, "cpu_s": cpu} for name, (wall, cpu) in figures.items()},
    }


def tell_chain(measured: dict[str, Any]) -> list[str]:
    """Return the figures of `measure_chain` as lines of Markdown."""
    rows = {
        **measured["stages"],
        "the whole night, raw Parquet to published tables": measured["night"],
    }
    scan_cpu = rows[BARE_SCAN]["cpu_s"]
    return [
        "## The chain",
        "",
        f"{measured['rows']:,} simulated rows, {measured['sightings']:,} sightings,"
        f" {measured['days']} days.",
        "",
        "| what | wall s | CPU s | CPU against the bare scan |",
        "|---|---|---|---|",
        *(
            f"| {name} | {row['wall_s']:.2f} | {row['cpu_s']:.2f} | {row['cpu_s'] / scan_cpu:.1f} |"
            for name, row in rows.items()
        ),
        "",
        f"Peak memory of the whole night: {measured['night']['peak_mb']:,.0f} MB.",
    ]


def main() -> None:
    """Measure, print a table, write docs/benchmarks.json and docs/benchmarks.md."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument(
        "--no-nights", action="store_true", help="the chain alone, nothing written"
    )
    given = options.parse_args()
    folder = night.REPOSITORY / "data" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    measured = {"chain": measure_chain(given.rows, folder / "chain")}
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench ROWS={given.rows}` on simulated feeds, {platform.machine()};"
        f" polars {version('polars')}, duckdb {version('duckdb')}, Python"
        f" {platform.python_version()}. Read the figures as ratios.",
        "",
        *tell_chain(measured["chain"]),
    ]
    if not given.no_nights:
        measured["nights"] = bench_nights.compare_archives(folder / "nights")
        lines += ["", *bench_nights.tell_nights(measured["nights"])]
        longest = folder / "nights" / list(bench_nights.ARCHIVES)[-1] / "processed"
        measured["examples"] = bench_examples.measure_examples(longest)
        lines += ["", *bench_examples.tell_examples(measured["examples"])]
    print("\n".join(lines))
    shutil.rmtree(folder)
    if given.no_nights:
        return
    docs = night.REPOSITORY / "docs"
    (docs / "benchmarks.md").write_text("\n".join(lines) + "\n", "utf-8")
    (docs / "benchmarks.json").write_text(json.dumps(measured, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
