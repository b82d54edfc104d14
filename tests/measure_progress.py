"""Is the remaining time that a night tells honest? Runs nights and holds the told against the true.

`python -m tests.measure_progress --raw DIR --folder SCRATCH [--page docs/operations.md]` runs, each
in a process of its own: a first night; a first night that is killed half way; the night that goes
on with it; and the first night's work once more with the paces kept (its shelf deleted). Each is
timed by two clocks at once: wall time, and CPU time of the process, which other work on the
machine does not stretch (set POLARS_MAX_THREADS=1: threads would add up).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.nightly import SHELF, Job, run_night
from pipeline.paces import STAGES
from pipeline.remaining import Forecast, Work
from pipeline.rules import Rules
from tests import night

CLOCKS: dict[str, Callable[[], float]] = {"wall": time.monotonic, "CPU": time.process_time}
AT = (0.10, 0.25, 0.50, 0.75, 0.90)
EVERY_S = 0.2
BEGIN, END = "<!-- begin: python -m tests.measure_progress -->", "<!-- end -->"

Samples = dict[str, list[tuple[float, list[float] | None]]]


class Watched(Forecast):
    """A forecast by wall time, and another by CPU time that is told the same."""

    def __init__(self, paces_cpu: Mapping[str, float]) -> None:
        self.paces_cpu = paces_cpu
        self.others = {name: Forecast(clock) for name, clock in CLOCKS.items() if name != "wall"}
        self.begun = {name: clock() for name, clock in CLOCKS.items()}
        self.samples: Samples = {name: [] for name in CLOCKS}
        self.ended: dict[str, float] = {}
        super().__init__(CLOCKS["wall"])

    def begin(self) -> None:
        self.begun = {name: clock() for name, clock in CLOCKS.items()}
        for other in self.others.values():
            other.begin()
        super().begin()

    def know(self, paces: Mapping[str, float], *, is_alike: bool = True) -> None:
        # The kept paces are wall time.
        for other in self.others.values():
            other.know(self.paces_cpu if paces and self.paces_cpu else paces, is_alike=is_alike)
        super().know(paces, is_alike=is_alike)

    def expect(self, work: Mapping[str, Work]) -> None:
        for other in self.others.values():
            other.expect(work)
        super().expect(work)

    def tell(self, stage: str, done: int, total: int) -> None:
        for other in self.others.values():
            other.tell(stage, done, total)
        super().tell(stage, done, total)

    def finish(self) -> None:
        for other in self.others.values():
            other.finish()
        super().finish()
        self.ended = self.elapsed()

    def elapsed(self) -> dict[str, float]:
        """Return the seconds since the night began, by clock."""
        return {name: clock() - self.begun[name] for name, clock in CLOCKS.items()}

    def sample(self) -> None:
        """Note what would be told now."""
        elapsed = self.elapsed()
        for name, forecast in {"wall": self, **self.others}.items():
            told = forecast.estimate()
            triple = [told.s, told.low_s, told.high_s] if told else None
            self.samples[name].append((elapsed[name], triple))


def run_here(raw: Path, processed: Path, out: Path, die_at_s: float | None) -> None:
    """Run a night in this process and write what it told; kill it after some CPU seconds."""
    first = out.with_name("first.json")
    kept = json.loads(first.read_text("utf-8")) if first.is_file() else {}
    watched = Watched(kept.get("paces_cpu", {}))
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(EVERY_S):
            watched.sample()
            if die_at_s is not None and watched.elapsed()["CPU"] >= die_at_s:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    job = Job(raw, processed, night.GEO, night.SQL, Rules(), with_report=True)
    outcome = run_night(job, forecast=watched)
    is_over.set()
    stages = watched.others["CPU"].stage_seconds()
    told = {"sightings": outcome.sightings, "gaps": outcome.gaps, "days": outcome.days_redone}
    paces_cpu = watched.others["CPU"].paces()
    content = {
        "paces_cpu": paces_cpu,
        "ended": watched.ended,
        "samples": watched.samples,
        "stages": stages,
        "told": told,
    }
    out.write_text(json.dumps(content), "utf-8")


def run_apart(raw: Path, processed: Path, out: Path, die_at_s: float | None = None) -> Any:
    """Run a night in a process of its own; return what it told, None where it was killed."""
    words = ["--raw", raw, "--folder", processed, "--child", out]
    words += ["--die-at-s", die_at_s] if die_at_s is not None else []
    command = [sys.executable, "-m", "tests.measure_progress", *map(str, words)]
    code = subprocess.run(command, cwd=night.REPOSITORY, check=False).returncode
    if code != (0 if die_at_s is None else -signal.SIGKILL):
        raise SystemExit(f"the night ended with {code}")
    return json.loads(out.read_text("utf-8")) if die_at_s is None else None


def list_rows(name: str, measured: Mapping[str, Any]) -> list[str]:
    """Return the table rows of one night: what was told at AT of each clock's true time."""
    rows: list[str] = []
    for clock, samples in measured["samples"].items():
        end = measured["ended"][clock]
        during = [(at, told) for at, told in samples if at < end]
        cells = [tell_cell(during, share, end) for share in AT]
        known = [(at, told) for at, told in during if told]
        held = sum(told[1] <= end - at <= told[2] for at, told in known)
        often = f"{held / len(known):.0%}" if known else "-"
        share = f"{len(known) / len(during):.0%}" if during else "-"
        cells = [name, f"{clock} {end:.0f} s", *cells, share, often]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def tell_cell(during: list[tuple[float, list[float] | None]], share: float, end: float) -> str:
    """Return told / true remaining time at a share of the whole, and whether the range held."""
    before = [one for one in during if one[0] <= share * end]
    at, told = before[-1] if before else (0.0, None)
    if told is None:
        return "not told"
    about, low, high = told
    true = end - at
    return f"{about / true:.2f}{'' if low <= true <= high else ' (missed)'}"


def write_page(nights: Mapping[str, Any]) -> str:
    """Return the tables as Markdown."""
    heads = ["night", "took", *(f"at {share:.0%}" for share in AT), "told", "held"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name, measured in nights.items():
        lines += list_rows(name, measured)
    first = nights["first night"]
    whole = sum(first["stages"].values())
    shares = (f"{one} {first['stages'].get(one, 0) / whole:.3f}" for one in STAGES)
    told = first["told"]
    lines += [
        "",
        f"SIMULATED feed, {told['days']} days, {told['sightings']:,} sightings, {told['gaps']:,}"
        " gaps. Shares of the first night's CPU time by stage: " + ", ".join(shares) + ".",
    ]
    return "\n".join(lines) + "\n"


def measure(raw: Path, folder: Path) -> dict[str, Any]:
    """Run the nights and return what each told, by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    nights: dict[str, Any] = {}
    nights["first night"] = run_apart(raw, folder / "whole", folder / "first.json")
    half_s = nights["first night"]["ended"]["CPU"] / 2
    run_apart(raw, folder / "killed", folder / "killed.json", half_s)
    name = "resumed, killed half way"
    nights[name] = run_apart(raw, folder / "killed", folder / "resumed.json")
    shutil.rmtree(folder / "whole" / SHELF)
    name = "all anew, paces kept"
    nights[name] = run_apart(raw, folder / "whole", folder / "again.json")
    return nights


def main() -> None:
    """Measure, print the table, put it into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="raw files")
    parser.add_argument("--folder", type=Path, required=True, help="empty scratch folder")
    parser.add_argument("--page", type=Path, help="page whose marked block is replaced")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--die-at-s", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        run_here(asked.raw, asked.folder, asked.child, asked.die_at_s)
        return
    if asked.folder.exists() and any(asked.folder.iterdir()):
        raise SystemExit(f"{asked.folder} is not empty")
    table = write_page(measure(asked.raw.resolve(), asked.folder.resolve()))
    print(table)
    if asked.page:
        text = asked.page.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        asked.page.write_text(f"{before}{BEGIN}\n\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
