"""Time and memory of the whole job on SIMULATED positions, each figure a ratio in one run.

`make bench SIZES="1 5 20 100"`, sizes in millions of rows: the chain beside a bare scan
(`bench_chain`), gap detectors (`bench_detectors`, `bench_loop`), reading raw files
(`bench_ingest`), nights on more ships and gaps (`bench_growth`), one more night on archives of two
lengths (`bench_nights`), the example queries (`bench_examples`), the report (`bench_report`), and
computed of it what the world's positions would cost (`bench_scale`). Figures go to
docs/benchmarks.json, the page is written of them. All sizes together take hours: a size or the
nights measured alone replace their part of the figures, and the page says of each part with which
code it was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.keys import code_key
from tests import (
    bench_budgets,
    bench_chain,
    bench_detectors,
    bench_examples,
    bench_growth,
    bench_ingest,
    bench_loop,
    bench_nights,
    bench_report,
    bench_scale,
    night,
)
from tests.bench_feed import read_rows

LIBRARIES = ("polars", "duckdb", "numpy", "shapely", "scipy", "pyais")
# Enough for a steady rate; a CSV of more takes longer to write than to read.
INGEST_ROWS = 500_000


DOCS = night.REPOSITORY / "docs"
FIGURES, PAGE = DOCS / "benchmarks.json", DOCS / "benchmarks.md"
SIZES, NIGHTS = "sizes", "nights"


def measure_size(rows: int, folder: Path) -> dict[str, Any]:
    """Return what is measured on one size of feed: the chain, the detectors, reading."""
    chain = bench_chain.measure_chain(rows, folder)
    paths = bench_chain.stored_positions(folder)
    return {
        "chain": chain,
        "detectors": bench_detectors.measure_detectors(paths),
        "row_by_row": bench_loop.measure_row_by_row(paths),
        "ingest": bench_ingest.measure_ingest(read_rows(folder, INGEST_ROWS), folder / "formats"),
    }


def measure_nights(folder: Path) -> dict[str, Any]:
    """Return what is measured on whole nights: growth, archives of two lengths, what reads them."""
    growth = bench_growth.measure_growth(folder / "growth")
    shutil.rmtree(folder / "growth")
    nights = bench_nights.compare_archives(folder)
    longest = folder / list(bench_nights.ARCHIVES)[-1] / "processed"
    return {
        "growth": growth,
        "nights": nights,
        "examples": bench_examples.measure_examples(longest),
        "report": bench_report.measure_report(longest, folder / "report"),
    }


def measure_on(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what was measured, and on what: machine, versions, the code's hash."""
    return {
        "on": {
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "libraries": {name: version(name) for name in LIBRARIES},
            "code": code_key(),
        },
        **work(),
    }


def tell_all(measured: dict[str, Any]) -> list[str]:
    """Return the page.

    Args:
        measured: `sizes`, of `measure_size` by number of rows asked for, and `nights`, of
            `measure_nights`, where they were measured.
    """
    sizes = [measured[SIZES][rows] for rows in sorted(measured[SIZES], key=int)]
    # What is told at length is what most users' archives are nearest to.
    middle = sizes[min(1, len(sizes) - 1)]
    lines = [
        "# Benchmarks",
        "",
        'Written by `make bench` (`SIZES="1 5 20 100"` for millions of rows) on SIMULATED feeds.'
        " Read the figures as ratios.",
        "",
        *tell_origins(measured),
        "",
        *bench_budgets.tell_budgets(bench_budgets.list_budgets(sizes, measured.get(NIGHTS))),
        "",
        *bench_chain.tell_chain(middle["chain"]),
        "",
    ]
    if len(sizes) > 1:
        lines += [*bench_chain.tell_growth([one["chain"] for one in sizes]), ""]
    lines += bench_detectors.tell_detectors(middle["detectors"])
    lines += ["", *bench_loop.tell_row_by_row(middle["row_by_row"])]
    lines += ["", *bench_ingest.tell_ingest(middle["ingest"])]
    if NIGHTS in measured:
        nights = measured[NIGHTS]
        lines += ["", *bench_growth.tell_growth(nights["growth"])]
        lines += ["", *bench_nights.tell_nights(nights["nights"])]
        lines += ["", *bench_examples.tell_examples(nights["examples"])]
        lines += ["", *bench_report.tell_report(nights["report"])]
    return [*lines, "", *bench_scale.tell_scale(sizes[-1]["chain"])]


def tell_origins(measured: dict[str, Any]) -> list[str]:
    """Return what each part was measured on, a row for parts that share it."""
    parts = {f"{int(rows) / 1e6:g} million rows": one for rows, one in measured[SIZES].items()}
    if NIGHTS in measured:
        parts["nights, examples, report"] = measured[NIGHTS]
    by_origin: dict[str, list[str]] = {}
    for name, one in parts.items():
        on = one["on"]
        libraries = ", ".join(f"{library} {told}" for library, told in on["libraries"].items())
        words = f"{on['machine']}, {on['cores']} | {on['python']} | {libraries} | {on['code'][:8]}"
        by_origin.setdefault(words, []).append(name)
    return [
        "| part | machine, cores | Python | libraries | code |",
        "|---|---|---|---|---|",
        *(f"| {'; '.join(names)} | {words} |" for words, names in by_origin.items()),
    ]


def read_figures() -> dict[str, Any]:
    """Return the figures of earlier runs; none where they are of another form."""
    told = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {}
    return told if isinstance(told.get(SIZES), dict) else {SIZES: {}}


def write_page(measured: dict[str, Any]) -> None:
    """Write the figures and the page of them."""
    FIGURES.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    PAGE.write_text("\n".join(tell_all(measured)) + "\n", "utf-8")


def main() -> None:
    """Measure what is asked for, part by part; write docs/benchmarks.json and its page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sizes", type=float, nargs="*", default=[5.0], help="millions of rows")
    options.add_argument("--no-nights", action="store_true", help="no archives of nights")
    options.add_argument("--dry", action="store_true", help="print the page, write nothing")
    given = options.parse_args()
    measured = read_figures()
    if not given.sizes and not measured[SIZES]:
        options.error("no size was measured before: name one")
    folder = night.REPOSITORY / "data" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    for size in given.sizes:
        rows = round(size * 1e6)
        place = folder / f"{rows}"
        measured[SIZES][f"{rows}"] = measure_on(partial(measure_size, rows, place))
        shutil.rmtree(place)
        # What is measured is kept, whatever comes after it.
        if not given.dry:
            write_page(measured)
    if not given.no_nights:
        measured[NIGHTS] = measure_on(partial(measure_nights, folder / "nights"))
    shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(tell_all(measured)))
    if not given.dry:
        write_page(measured)


if __name__ == "__main__":
    main()
