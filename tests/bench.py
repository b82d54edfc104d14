"""Time and memory of the whole job on SIMULATED positions, each figure a ratio in one run.

`make bench ROWS=5000000`, or `make bench SIZES="1 5 20 100"` for sizes in millions of rows: the
chain beside a bare scan (`bench_chain`), gap detectors (`bench_detectors`), reading raw files
(`bench_ingest`), one more night on archives of two lengths (`bench_nights`), the example queries
(`bench_examples`), the report (`bench_report`), and computed of it what the world's positions would
cost (`bench_scale`). Tables go to docs/benchmarks.md, the figures to docs/benchmarks.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests import (
    bench_chain,
    bench_detectors,
    bench_examples,
    bench_ingest,
    bench_nights,
    bench_report,
    bench_scale,
    night,
)
from tests.bench_feed import read_rows

LIBRARIES = ("polars", "duckdb", "numpy", "shapely", "scipy", "pyais")
# Enough for a steady rate; a CSV of more takes longer to write than to read.
INGEST_ROWS = 500_000


def measure_size(rows: int, folder: Path) -> dict[str, Any]:
    """Return what is measured on one size of feed: the chain, the detectors, reading."""
    chain = bench_chain.measure_chain(rows, folder)
    paths = bench_chain.stored_positions(folder)
    return {
        "chain": chain,
        "detectors": bench_detectors.measure_detectors(paths),
        "ingest": bench_ingest.measure_ingest(read_rows(folder, INGEST_ROWS), folder / "formats"),
    }


def measure_nights(folder: Path) -> dict[str, Any]:
    """Return what is measured on archives of two lengths: nights, example queries, report."""
    nights = bench_nights.compare_archives(folder)
    longest = folder / list(bench_nights.ARCHIVES)[-1] / "processed"
    return {
        "nights": nights,
        "examples": bench_examples.measure_examples(longest),
        "report": bench_report.measure_report(longest, folder / "report"),
    }


def describe_machine() -> dict[str, Any]:
    """Return what the figures were taken on."""
    return {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def tell_all(measured: dict[str, Any], command: str) -> list[str]:
    """Return the page."""
    machine = measured["machine"]
    libraries = ", ".join(f"{name} {one}" for name, one in machine["libraries"].items())
    # What is told at length is what most users' archives are nearest to.
    middle = measured["sizes"][min(1, len(measured["sizes"]) - 1)]
    lines = [
        "# Benchmarks",
        "",
        f"Written by `{command}` on SIMULATED feeds, {machine['machine']}, {machine['cores']}"
        f" cores; Python {machine['python']}, {libraries}. Read the figures as ratios.",
        "",
        *bench_chain.tell_chain(middle["chain"]),
        "",
    ]
    if len(measured["sizes"]) > 1:
        lines += [*bench_chain.tell_growth([one["chain"] for one in measured["sizes"]]), ""]
    lines += bench_detectors.tell_detectors(middle["detectors"])
    lines += ["", *bench_ingest.tell_ingest(middle["ingest"])]
    if "nights" in measured:
        lines += ["", *bench_nights.tell_nights(measured["nights"])]
        lines += ["", *bench_examples.tell_examples(measured["examples"])]
        lines += ["", *bench_report.tell_report(measured["report"])]
    return [*lines, "", *bench_scale.tell_scale(measured["sizes"][-1]["chain"])]


def main() -> None:
    """Measure, print a page, write docs/benchmarks.json and docs/benchmarks.md."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--sizes", type=float, nargs="+", help="millions of rows, for --rows")
    options.add_argument("--no-nights", action="store_true", help="no archives, nothing written")
    given = options.parse_args()
    sizes = [round(size * 1e6) for size in given.sizes] if given.sizes else [given.rows]
    folder = night.REPOSITORY / "data" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    measured: dict[str, Any] = {"machine": describe_machine(), "sizes": []}
    for rows in sizes:
        measured["sizes"].append(measure_size(rows, folder / f"{rows}"))
        shutil.rmtree(folder / f"{rows}")
    if not given.no_nights:
        measured |= measure_nights(folder / "nights")
    shutil.rmtree(folder, ignore_errors=True)
    asked = " ".join(f"{size:g}" for size in given.sizes) if given.sizes else ""
    command = f'make bench SIZES="{asked}"' if asked else f"make bench ROWS={given.rows}"
    lines = tell_all(measured, command)
    print("\n".join(lines))
    if given.no_nights:
        return
    docs = night.REPOSITORY / "docs"
    (docs / "benchmarks.md").write_text("\n".join(lines) + "\n", "utf-8")
    (docs / "benchmarks.json").write_text(json.dumps(measured, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
