"""What each part of a day summary costs, in multiples of a bare scan of the stored columns.

`python -m tests.measure_days FOLDER --rows 1000000` makes a simulated feed and its night in FOLDER
(kept for the next time) and prints the CPU seconds of each part over all its days, SIMULATED.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import polars as pl

from pipeline import summaries
from pipeline.areas import load_areas
from pipeline.canal_parts import find_canal_parts
from pipeline.ordered import OrderedDay
from pipeline.port_parts import find_port_parts
from pipeline.rules import Rules
from tests import bench_nights, night
from tests.bench_chain import SUMMED_UP, scan, stored_positions, summarise
from tests.bench_feed import make_feed, measure

Part = Callable[[OrderedDay], object]


def measure_parts(paths: list[Path], repeats: int) -> dict[str, float]:
    """Return the least CPU seconds of each part over the days of stored positions."""
    rules, areas = Rules(), load_areas(night.GEO)
    stored = [pl.read_parquet(path, columns=SUMMED_UP) for path in paths]
    located = [areas.locate(rows, rules) for rows in stored]
    ordered = [summaries.sort_by_segment(rows) for rows in located]
    parts: dict[str, Part] = {
        "day: ship hours": summaries.pick_ship_hours,
        "day: presence": lambda day: summaries.sum_presence(day, rules.gaps.shortest_s),
        "day: cells": summaries.count_cells,
        "day: speeds": summaries.count_speeds,
        "day: classes": summaries.count_classes,
        "day: port parts": lambda day: find_port_parts(day, areas, rules),
        "day: canal parts": lambda day: find_canal_parts(day, areas),
    }
    works: dict[str, Callable[[], object]] = {
        "bare scan": lambda: scan(paths),
        "whole, areas loaded anew": lambda: summarise(paths),
        "reading the ten columns": lambda: [
            pl.read_parquet(path, columns=SUMMED_UP) for path in paths
        ],
        "locating, areas known": lambda: [areas.locate(rows, rules) for rows in stored],
        "edges: segments, gaps, hours": lambda: [
            summaries.summarise_edges(rows, rules) for rows in located
        ],
        "day: all of it": lambda: [summaries.summarise_day(rows, areas, rules) for rows in located],
        "day: rows set in order": lambda: [summaries.sort_by_segment(rows) for rows in located],
        **{
            name: lambda part=part: [part(OrderedDay(rows)) for rows in ordered]
            for name, part in parts.items()
        },
    }
    return {name: measure(work, repeats)["cpu_s"] for name, work in works.items()}


def main() -> None:
    """Print a table of the parts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--repeats", type=int, default=7)
    given = options.parse_args()
    if not stored_positions(given.folder):
        make_feed(given.folder, given.rows)
        bench_nights.run_apart(given.folder)
    cpu_s = measure_parts(stored_positions(given.folder), given.repeats)
    for name, took_s in cpu_s.items():
        print(f"| {name} | {took_s:.3f} | {took_s / cpu_s['bare scan']:.1f} |")


if __name__ == "__main__":
    main()
