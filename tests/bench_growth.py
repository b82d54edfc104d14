"""The night on SIMULATED feeds of one length: more ships, and more gaps of the same ships.

Growth with positions and with the length of the archive is told by the sizes of `bench_chain` and
by `bench_nights`.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from tests import bench_nights, night
from tests.bench_nights import APART, TO_GAPS, Measured, list_figures

DAYS, SEED = 30, 5
# World and number of ships; None leaves it to the world (318).
SHIPS = {"80 ships": ("caspian", 80), "160 ships": ("caspian", 160), "318 ships": ("caspian", None)}
GAPS = {
    "no set off": ("null-no-off", None),
    "few switch-offs": ("off-few", None),
    "as in caspian": ("caspian", None),
    "many switch-offs": ("off-many", None),
}


def make_world(name: str, ships: int | None, folder: Path) -> None:
    """Write the feeds of a world of DAYS days, a file a feed and day."""
    vessels = {"vessels": {"ships": ships}} if ships else {}
    world = read_world(name, days=DAYS, feed={"per": "day"}, **vessels)
    simulate(world, SEED, night.GEO, folder)


def measure_growth(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what a first night on each world takes; a world of both lists is run once."""
    measured: dict[tuple[str, int | None], Measured] = {}
    for name, ships in {*SHIPS.values(), *GAPS.values()}:
        place = folder / f"{name}-{ships}"
        # In a process of its own: a child's peak memory counts what its parent held.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(make_world, name, ships, place).result()
        measured[name, ships] = bench_nights.run_apart(place)
    return {
        kind: {words: vars(measured[world]) for words, world in worlds.items()}
        for kind, worlds in (("ships", SHIPS), ("gaps", GAPS))
    }


def tell_growth(measured: dict[str, dict[str, Any]]) -> list[str]:
    """Return the figures of `measure_growth` as lines of Markdown."""
    lines = [
        "## Growth with ships and gaps",
        "",
        f"First nights on {DAYS} days. CPU seconds for a million sightings, and for a thousand gaps"
        f" where it is {APART} and what follows: level where time grows as they do;"
        " what a night costs of any feed falls as they grow.",
        "",
        "| world | sightings | gaps | to gaps, a million sightings | the rest, a thousand gaps |"
        " whole night, CPU s | peak, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for worlds in measured.values():
        for words, one in worlds.items():
            told, cpu_s = one["told"], list_figures(Measured(**one))["cpu_s"]
            to_gaps = cpu_s[TO_GAPS] / told["sightings"] * 1e6
            rest = (cpu_s["whole night"] - cpu_s[TO_GAPS]) / told["gaps"] * 1e3
            lines.append(
                f"| {words} | {told['sightings']:,} | {told['gaps']:,} | {to_gaps:.1f} | {rest:.2f}"
                f" | {cpu_s['whole night']:.1f} | {one['peak_mb']['whole night']:,.0f} |"
            )
    return lines
