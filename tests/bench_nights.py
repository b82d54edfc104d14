"""One more night on an archive of three years, beside the same night on its last month alone.

Both archives hold the same raw files of the last month, of the same simulated ships; every measured
night adds the same files of one more UTC day to both, with the late rows they bring. Each night is
a process of its own, the archives take turns, and the median of the nights is told.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.inputs import RACY_NS
from pipeline.nightly import Job, run_night
from pipeline.rules import Rules
from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from tests import night

START = datetime(2022, 1, 1)
DAYS = 1096
LAST_DAY = (START + timedelta(days=DAYS - 1)).date()
NIGHTS = 5
# A report a ship in half an hour: three years of the world's own rate take too long to simulate.
# Fewer rows make the ratio worse, not better: what a night reads shrinks, the archive's files, days
# and months stay as many.
THIN_S = 1800
SEED = 5
ARCHIVES = {"1 month": LAST_DAY.replace(day=1), "3 years": START.date()}
TO_GAPS = "ingest to gaps"
# The gaps are ready when this part begins.
AFTER = "adding up exposure"
# It grows with its window of six months, and is told apart (DESIGN 6).
APART = "learning reception"


@dataclass(frozen=True)
class Measured:
    """What one night took.

    Attributes:
        wall_s, cpu_s: seconds of each part, in the order in which they were done.
        peak_mb: largest memory of the process, until the gaps were ready and at its end.
        told: counts of what the night did.
    """

    wall_s: dict[str, float]
    cpu_s: dict[str, float]
    peak_mb: dict[str, float]
    told: dict[str, int]


# ---------------------------------------------------------------------------------- the archives


def make_files(folder: Path) -> list[Path]:
    """Write the simulated feeds, a file a feed and UTC day; return the files up to LAST_DAY."""
    feed = {"per": "day", "thin_s": THIN_S}
    world = read_world("caspian", start=START, days=DAYS, feed=feed)
    files = simulate(world, SEED, night.GEO, folder)
    return [path for path in files if day_of(path) <= LAST_DAY]


def day_of(path: Path) -> date:
    """Return the UTC day whose arrivals a file holds."""
    return date.fromisoformat(path.stem)


def lay_out(files: Sequence[Path], folder: Path, until: date) -> None:
    """Link the files of each archive up to a day into `folder`/<archive>/raw, then wait.

    The files of a day are linked into both archives at once, for a later link would change the
    time by which a night knows a file; and files as young as the coarsest clock would be hashed
    again in the next night.
    """
    for path in files:
        for archive, since in ARCHIVES.items():
            target = folder / archive / "raw" / path.parent.name / path.name
            if since <= day_of(path) <= until and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, target)
    time.sleep(1.05 * RACY_NS / 1e9)


# ------------------------------------------------------------------------------------- one night


class Laps:
    """Takes a night's progress; notes time and memory whenever another part begins."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.clocks: dict[str, list[float]] = {"wall_s": [], "cpu_s": [], "peak_mb": []}
        self.begin("starting")

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Begin a part where its name is another one."""
        if stage != self.parts[-1]:
            self.begin(stage)

    def begin(self, part: str) -> None:
        """Note when a part begins: wall s, CPU s, peak MB so far."""
        self.parts.append(part)
        self.clocks["wall_s"].append(time.perf_counter())
        self.clocks["cpu_s"].append(time.process_time())
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.clocks["peak_mb"].append(peak_kb / 1024)

    def spent(self, clock: str) -> dict[str, float]:
        """Return the seconds of each part by one of the clocks."""
        seconds: dict[str, float] = {}
        times = self.clocks[clock]
        for part, begun, ended in zip(self.parts, times, times[1:], strict=False):
            seconds[part] = seconds.get(part, 0.0) + ended - begun
        return seconds

    def peak_mb_at(self, part: str) -> float:
        """Return the largest memory until a part began first."""
        return self.clocks["peak_mb"][self.parts.index(part)]


def measure_night(raw: Path, processed: Path) -> Measured:
    """Run a night in this process and return what it took."""
    laps = Laps()
    outcome = run_night(Job(raw, processed, night.GEO, night.SQL, Rules()), laps)
    laps.begin("end")
    wall_s, cpu_s = laps.spent("wall_s"), laps.spent("cpu_s")
    # From here on the night notes the seconds itself.
    names = list(wall_s)
    wall_s = {name: wall_s[name] for name in names[: names.index("writing tables")]}
    later = list(outcome.seconds)
    wall_s |= {name: outcome.seconds[name] for name in later[later.index("writing tables") :]}
    return Measured(
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_mb={TO_GAPS: laps.peak_mb_at(APART), "whole night": laps.peak_mb_at("end")},
        told={
            "files": outcome.files_read,
            "files_new": len(outcome.changes.new),
            "rows": outcome.rows_read,
            "sightings": outcome.sightings,
            "gaps": outcome.gaps + outcome.open_gaps,
            "days_redone": outcome.days_redone,
        },
    )


def run_apart(archive: Path) -> Measured:
    """Run a night on `archive`/raw in a process of its own.

    Raises:
        CalledProcessError: the night failed.
    """
    words = [sys.executable, "-m", "tests.bench_nights", str(archive)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, cwd=night.REPOSITORY)
    return Measured(**json.loads(done.stdout))


# ------------------------------------------------------------------------------------- all nights


def compare_archives(folder: Path) -> dict[str, Any]:
    """Simulate, run the first nights and NIGHTS more on both archives; return all measured."""
    # In a process of its own: a child's peak memory counts what its parent held when it forked.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        files = pool.submit(make_files, folder / "simulated").result()
    first_day = LAST_DAY - timedelta(days=NIGHTS)
    lay_out(files, folder, first_day)
    first = {name: run_apart(folder / name) for name in ARCHIVES}
    nights: dict[str, list[Measured]] = {name: [] for name in ARCHIVES}
    for number in range(1, NIGHTS + 1):
        lay_out(files, folder, first_day + timedelta(days=number))
        # Taking turns at being first, so that a busy minute of the machine hits both.
        for name in list(ARCHIVES)[:: 1 if number % 2 else -1]:
            nights[name].append(run_apart(folder / name))
        new = {name: taken[-1].told["files_new"] for name, taken in nights.items()}
        assert len(set(new.values())) == 1, f"not the same night: {new}"
    return {
        "first": {name: vars(one) for name, one in first.items()},
        "nights": {name: [vars(one) for one in taken] for name, taken in nights.items()},
        "medians": {name: take_medians(taken) for name, taken in nights.items()},
    }


def take_medians(nights: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Return the median of each figure over the nights; sums are taken night by night."""
    rows = [list_figures(one) for one in nights]
    return {
        kind: {name: median(row[kind][name] for row in rows) for name in rows[0][kind]}
        for kind in rows[0]
    }


def list_figures(one: Measured) -> dict[str, dict[str, float]]:
    """Return seconds and memory of a night, those of all parts up to the gaps added up."""
    figures: dict[str, dict[str, float]] = {"peak_mb": one.peak_mb}
    for kind, parts in (("wall_s", one.wall_s), ("cpu_s", one.cpu_s)):
        names = list(parts)
        until = names.index(AFTER)
        figures[kind] = {
            **{name: parts[name] for name in names[:until]},
            TO_GAPS: sum(parts[name] for name in names[:until] if name != APART),
            **{name: parts[name] for name in names[until:]},
            "whole night": sum(parts.values()),
        }
    return figures


def tell_nights(measured: dict[str, Any]) -> list[str]:
    """Return the figures as lines of Markdown."""
    short, long = (measured["medians"][name] for name in ARCHIVES)
    count = len(measured["nights"]["3 years"])
    last = {name: measured["nights"][name][-1]["told"] for name in ARCHIVES}
    lines = [
        "## One more night",
        "",
        f"World `caspian`, a report a ship in {THIN_S // 60} min, a file a feed and day,"
        f" {START:%Y-%m-%d} to {LAST_DAY}; the archives in the last night:",
        "",
        "| archive | raw files | rows | sightings | gaps | first night, wall s | its peak, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in ARCHIVES:
        told, first = last[name], measured["first"][name]
        counts = " | ".join(f"{told[one]:,}" for one in ("files", "rows", "sightings", "gaps"))
        first_s, peak_mb = sum(first["wall_s"].values()), first["peak_mb"]["whole night"]
        peak = "not kept" if peak_mb is None else f"{peak_mb:,.0f}"
        lines.append(f"| {name} | {counts} | {first_s:.0f} | {peak} |")
    lines += [
        "",
        f"Medians of {count} nights, each with the files of one more day and the late rows in them;"
        " the same files in both archives, each night a process of its own."
        f" {TO_GAPS.capitalize()}: from the start to the finished gaps without {APART}, which has a"
        " window of six months; at most 1.2 times in time and memory.",
        "",
        "| part of the night | wall s, 1 month | 3 years | ratio | CPU s | 3 years | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in long["wall_s"]:
        cells = tell_pair(short["wall_s"][part], long["wall_s"][part])
        # After the gaps the CPU clock is not read part by part.
        has_cpu = part != "writing tables" and part in long["cpu_s"]
        cpu = tell_pair(short["cpu_s"][part], long["cpu_s"][part]) if has_cpu else " | |"
        lines.append(f"| {bold(part)} | {cells} | {cpu} |")
    lines += ["", "| peak memory | MB, 1 month | 3 years | ratio |", "|---|---|---|---|"]
    for part, mb in long["peak_mb"].items():
        lines.append(f"| {bold(part)} | {tell_pair(short['peak_mb'][part], mb, 0)} |")
    return lines


def tell_pair(short: float, long: float, decimals: int = 2) -> str:
    """Return two figures and their ratio as cells of a table."""
    ratio = f"{long / short:.2f}" if short else ""
    return f"{short:.{decimals}f} | {long:.{decimals}f} | {ratio}"


def bold(part: str) -> str:
    """Return the name of a part, marked where it is the one that counts."""
    return f"**{part}**" if part == TO_GAPS else part


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="measure one night, tell it as JSON")
    options.add_argument("archive", type=Path)
    given = options.parse_args().archive
    print(json.dumps(vars(measure_night(given / "raw", given / "processed"))))
