"""The chain on simulated positions of any size: stages beside a bare scan, the night, growth.

The bare scan reads the stored columns (mmsi, segment, seen_at, lon, lat) and adds them up, the
cheapest thing that has to look at every value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline import summaries, tracks
from pipeline.areas import load_areas
from pipeline.ordered import OrderedDay
from pipeline.rules import Rules
from tests import bench_nights, night
from tests.bench_feed import make_feed, measure

COLUMNS = ("mmsi", "segment", "seen_at", "lon", "lat")
# What a day summary asks of stored positions; areas are looked up.
SUMMED_UP = [*COLUMNS, "sog_kn", "cog_deg", "nav_status", "ais_class", "receiver"]
BARE_SCAN = "bare scan of the stored columns"
DETECT = "gap rows and segment ends from stored positions"
SUMMARISE = "whole day summaries, areas included"


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
        ordered = OrderedDay(summaries.sort_by_segment(day))
        is_start = ordered.is_segment_start
        ordered.rows.filter(is_start | np.append(is_start[1:], True))
        ordered.rows.filter(ordered.to_next_s >= Rules().gaps.shortest_s)


def locate(paths: list[Path]) -> None:
    """Look up area, port group and region of every position, the areas loaded anew."""
    areas, rules = load_areas(night.GEO), Rules()
    for path in paths:
        areas.locate(pl.read_parquet(path, columns=["lon", "lat"]), rules)


def summarise(paths: list[Path]) -> None:
    """Make edges and the summary of every day, areas looked up anew."""
    areas, rules = load_areas(night.GEO), Rules()
    for path in paths:
        day = areas.locate(pl.read_parquet(path, columns=SUMMED_UP), rules)
        summaries.summarise_edges(day, rules)
        summaries.summarise_day(day, areas, rules)


def segment(paths: list[Path]) -> None:
    """Segment every day again."""
    nobody = pl.Series([], dtype=pl.Int32)
    for path in paths:
        tracks.segment_day(pl.read_parquet(path).drop("segment"), nobody, Rules().tracks)


STAGES: dict[str, Callable[[list[Path]], None]] = {
    BARE_SCAN: scan,
    DETECT: detect,
    "segmenting the days again": segment,
    "areas, port groups and region looked up": locate,
    SUMMARISE: summarise,
}


def measure_chain(rows: int, folder: Path) -> dict[str, Any]:
    """Return time and memory of the stages and of the whole night on about `rows` rows."""
    # In a process of its own: a child's peak memory counts what its parent held when it forked.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        written = pool.submit(make_feed, folder, rows).result()
    whole = bench_nights.run_apart(folder)
    paths = stored_positions(folder)
    return {
        "rows": written,
        "sightings": pl.scan_parquet(paths).select(pl.len()).collect().item(),
        "gaps": whole.told["gaps"],
        "days": len(paths),
        "night": {
            "wall_s": sum(whole.wall_s.values()),
            "cpu_s": sum(whole.cpu_s.values()),
            "peak_mb": whole.peak_mb["whole night"],
            "parts_wall_s": whole.wall_s,
        },
        "stages": measure_stages(paths),
    }


def measure_stages(paths: list[Path]) -> dict[str, dict[str, float]]:
    """Return the time of each stage on stored positions."""
    return {name: measure(lambda work=work: work(paths)) for name, work in STAGES.items()}


def stored_positions(folder: Path) -> list[Path]:
    """Return the files of stored positions of a night in `folder`/processed, by day."""
    return sorted((folder / "processed" / "positions").glob("*/positions.parquet"))


def tell_chain(measured: dict[str, Any]) -> list[str]:
    """Return the figures of `measure_chain` as lines of Markdown."""
    whole = measured["night"]
    rows = {**measured["stages"], "the whole night, raw Parquet to published tables": whole}
    scan_cpu = rows[BARE_SCAN]["cpu_s"]
    return [
        "## The chain",
        "",
        f"{measured['rows']:,} simulated rows, {measured['sightings']:,} sightings,"
        f" {measured['gaps']:,} gaps, {measured['days']} days. At most 3 times the bare scan is"
        " asked of gap rows and segment ends, at most 12 times of whole day summaries.",
        "",
        "| what | wall s | CPU s | CPU against the bare scan |",
        "|---|---|---|---|",
        *(
            f"| {name} | {row['wall_s']:.2f} | {row['cpu_s']:.2f} | {row['cpu_s'] / scan_cpu:.1f} |"
            for name, row in rows.items()
        ),
        "",
        f"Peak memory of the whole night: {whole['peak_mb']:,.0f} MB. Its parts:",
        "",
        "| part of the night | wall s | share, % |",
        "|---|---|---|",
        *(
            f"| {part} | {took_s:.2f} | {100 * took_s / whole['wall_s']:.1f} |"
            for part, took_s in whole["parts_wall_s"].items()
        ),
    ]


def tell_growth(sizes: Sequence[dict[str, Any]]) -> list[str]:
    """Return how time and memory grow with the positions, in lines of Markdown."""
    lines = [
        "## Growth",
        "",
        "CPU seconds for a million sightings: level where time grows as the positions do.",
        "",
        "| rows | sightings | gaps | days | scan | gaps from stored | day summaries |"
        " whole night | its wall s | its peak, MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in sizes:
        millions, whole = one["sightings"] / 1e6, one["night"]
        each = [one["stages"][name]["cpu_s"] for name in (BARE_SCAN, DETECT, SUMMARISE)]
        cells = " | ".join(f"{cpu_s / millions:.3f}" for cpu_s in [*each, whole["cpu_s"]])
        counts = " | ".join(f"{one[name]:,}" for name in ("rows", "sightings", "gaps", "days"))
        lines.append(f"| {counts} | {cells} | {whole['wall_s']:,.0f} | {whole['peak_mb']:,.0f} |")
    return lines
