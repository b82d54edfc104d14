"""Detectors that go row by row, beside ours on the same stored positions, and the same gaps.

The published detector (pipe-gaps of Global Fishing Watch, `core/gap_detector.py`) takes the
messages of a vessel as dictionaries, sorts them, goes over them in pairs and, for each gap, over
all of them again to count those of the 12 h before; it tells distance and implied speed of the
gap. `loop_over` stands in for it, written plainly, with METHOD 1's definition of those hours.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from pyproj import Geod

from pipeline import gap_table, gaps, summaries
from pipeline.geodesy import KM_PER_NM
from tests.bench_detectors import (
    GAP,
    READ,
    RULES,
    compare_gaps,
    find_by_days,
    find_in_days,
    link_days,
    read_days,
)
from tests.bench_feed import measure, pick_first

HEARD_BY = "receiver"
COUNTS = [f"positions_12h_before{which}" for which in ("", "_terrestrial", "_satellite")]
MEASURES = ["duration_s", "distance_km", "implied_speed_kn"]
WHOLE_ROW = [*GAP, *COUNTS, *MEASURES]
# A row of the loop takes a microsecond or more, one of movingpandas a hundred times as long.
LOOP_ROWS, MOVINGPANDAS_ROWS = 1_000_000, 200_000
ELLIPSOID = Geod(ellps="WGS84")
SHORTEST = timedelta(seconds=RULES.gaps.shortest_s)
HOURS_BEFORE = timedelta(hours=RULES.gaps.positions_before_h - 1)
Message = dict[str, Any]


def read_dictionaries(paths: list[Path], columns: list[str]) -> list[Message]:
    """Return sightings as dictionaries, a row one."""
    return [row for path in paths for row in pl.read_parquet(path, columns=columns).to_dicts()]


def find_pairs(rows: Iterable[Message]) -> Iterator[tuple[list[Message], Message, Message]]:
    """Yield (all messages of the ship, the last before, the first after) of each gap."""
    ships: dict[int, list[Message]] = {}
    for row in rows:
        ships.setdefault(row["mmsi"], []).append(row)
    for messages in ships.values():
        messages.sort(key=lambda message: (message["seen_at"], message["lon"], message["lat"]))
        for off, on in pairwise(messages):
            if on["seen_at"] - off["seen_at"] >= SHORTEST and not off["is_outside"]:
                yield messages, off, on


def name_ends(off: Message, on: Message) -> Message:
    """Return the ends of a gap under the names of GAP."""
    gap = {"mmsi": off["mmsi"], "off_at": off["seen_at"], "on_at": on["seen_at"]}
    for side, end in (("off", off), ("on", on)):
        gap |= {f"{side}_{name}": end[name] for name in ("lon", "lat")}
    return gap


def loop_for_ends(rows: Iterable[Message]) -> list[Message]:
    """Return the ends of the gaps of sightings, a dictionary a gap."""
    return [name_ends(off, on) for _, off, on in find_pairs(rows)]


def loop_over(rows: Iterable[Message]) -> list[Message]:
    """Return the gaps as published: ends, positions of the 12 h before, distance and speed."""
    found: list[Message] = []
    for messages, off, on in find_pairs(rows):
        since = off["seen_at"].replace(minute=0, second=0, microsecond=0) - HOURS_BEFORE
        before = [one for one in messages if since <= one["seen_at"] <= off["seen_at"]]
        heard_by = [one[HEARD_BY] for one in before]
        seconds = (on["seen_at"] - off["seen_at"]).total_seconds()
        _, _, metres = ELLIPSOID.inv(off["lon"], off["lat"], on["lon"], on["lat"])
        counts = [
            len(before),
            sum(kind in ("terrestrial", "both") for kind in heard_by),
            sum(kind in ("satellite", "both") for kind in heard_by),
        ]
        distance_km = round(metres / 1000, 3)
        speed_kn = round(distance_km / KM_PER_NM / (seconds / 3600), 3)
        told = [*counts, int(seconds), distance_km, speed_kn]
        found.append(name_ends(off, on) | dict(zip([*COUNTS, *MEASURES], told, strict=True)))
    return found


def as_gaps(found: list[Message]) -> pl.DataFrame:
    """Return gaps of the loop as a frame."""
    dtypes: dict[str, Any] = dict.fromkeys(WHOLE_ROW, pl.Float64)
    dtypes |= dict.fromkeys([*COUNTS, "duration_s"], pl.Int64) | {"mmsi": pl.Int32}
    dtypes |= dict.fromkeys(("off_at", "on_at"), pl.Datetime("us"))
    asked = WHOLE_ROW if found and COUNTS[0] in found[0] else GAP
    return pl.DataFrame(found, schema={name: dtypes[name] for name in asked})


def tell_in_days(days: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the gaps as published, by the chain of a night."""
    edges = [summaries.summarise_edges(day, RULES) for day in days]
    silences, linked = link_days([one.segments for one in edges], [one.inner_gaps for one in edges])
    by_track = gaps.count_by_track(pl.concat(one.hours for one in edges), linked)
    counted = gaps.count_positions_before(silences, by_track, RULES.gaps)
    return gap_table.measure_silences(counted).select(WHOLE_ROW)


def measure_loop(paths: list[Path]) -> dict[str, Any]:
    """Return CPU seconds of ours and of the loop, by what is counted.

    Keys of `pairs`: what both do; of each: `ours` and `loop`.
    """
    columns = [*READ, HEARD_BY]
    rows, days = read_dictionaries(paths, columns), read_days(paths, columns)
    wanted = tell_in_days(days)
    compare_gaps("dictionaries and a loop", as_gaps(loop_over(rows)), wanted, WHOLE_ROW)
    compare_gaps("dictionaries and a loop", as_gaps(loop_for_ends(rows)), wanted)
    works = {
        "both ends, in memory": (lambda: find_in_days(days), lambda: loop_for_ends(rows)),
        "both ends, reading counted": (
            lambda: find_by_days(paths),
            lambda: loop_for_ends(read_dictionaries(paths, READ)),
        ),
        "as published, in memory": (lambda: tell_in_days(days), lambda: loop_over(rows)),
        "as published, reading counted": (
            lambda: tell_in_days(read_days(paths, columns)),
            lambda: loop_over(read_dictionaries(paths, columns)),
        ),
    }
    return {
        "rows": len(rows),
        "gaps": wanted.height,
        "pairs": {
            name: {"ours": measure(ours), "loop": measure(loop)}
            for name, (ours, loop) in works.items()
        },
    }


def count_by_movingpandas(paths: list[Path]) -> int:
    """Return at how many silences ObservationGapSplitter cut the tracks of all MMSIs.

    It keeps no piece of a single sighting, so it may find fewer (its gaps are not rows).
    """
    geopandas = importlib.import_module("geopandas")
    movingpandas = importlib.import_module("movingpandas")
    rows = pl.concat([pl.read_parquet(path, columns=READ) for path in paths])
    frame = rows.select("mmsi", "seen_at").to_pandas()
    points = geopandas.points_from_xy(rows["lon"], rows["lat"])
    with warnings.catch_warnings(action="ignore"):
        places = geopandas.GeoDataFrame(frame, geometry=points, crs=4326)
        whole = movingpandas.TrajectoryCollection(places, traj_id_col="mmsi", t="seen_at")
        pieces = movingpandas.ObservationGapSplitter(whole).split(gap=SHORTEST)
    return len(pieces) - len(whole)


def measure_movingpandas(paths: list[Path]) -> dict[str, Any] | None:
    """Return the same of movingpandas; None where it is not installed, for it is no dependency."""
    if importlib.util.find_spec("movingpandas") is None:
        return None
    return {
        "rows": pl.scan_parquet(paths).select(pl.len()).collect().item(),
        "version": importlib.metadata.version("movingpandas"),
        "gaps": find_by_days(paths).height,
        "cuts": count_by_movingpandas(paths),
        "ours": measure(lambda: find_by_days(paths)),
        "movingpandas": measure(lambda: count_by_movingpandas(paths), repeats=1),
    }


def measure_row_by_row(paths: list[Path]) -> dict[str, Any]:
    """Return what is measured of the loop and of movingpandas, each on as much as it can take."""
    return {
        "loop": measure_loop(pick_first(paths, LOOP_ROWS)),
        "movingpandas": measure_movingpandas(pick_first(paths, MOVINGPANDAS_ROWS)),
    }


def tell_row_by_row(measured: dict[str, Any]) -> list[str]:
    """Return the figures of `measure_row_by_row` as lines of Markdown."""
    loop = measured["loop"]
    lines = [
        "## Row by row",
        "",
        "A dictionary-and-loop detector, which stands in for the published one, on the first days"
        f" alone: {loop['rows']:,} sightings, the same {loop['gaps']:,} gaps with the same"
        " figures. At least 30 times less CPU is asked of ours. *As published*: with the positions"
        " of the 12 h before by receiver, distance and implied speed. *In memory*: dictionaries"
        " and columns are there.",
        "",
        "| what both do | ours, CPU s | loop, CPU s | ratio |",
        "|---|---|---|---|",
    ]
    for name, pair in loop["pairs"].items():
        ours, other = pair["ours"]["cpu_s"], pair["loop"]["cpu_s"]
        lines.append(f"| {name} | {ours:.3f} | {other:.2f} | {other / ours:.1f} |")
    other = measured["movingpandas"]
    if other is None:
        return [*lines, "", "movingpandas (no dependency): not installed."]
    ratio = other["movingpandas"]["cpu_s"] / other["ours"]["cpu_s"]
    return [
        *lines,
        "",
        f"movingpandas {other['version']}, ObservationGapSplitter on {other['rows']:,} sightings:"
        f" {other['movingpandas']['cpu_s']:.1f} CPU s, {ratio:,.0f} times ours, and"
        f" {other['cuts']:,} cuts where there are {other['gaps']:,} gaps: pieces of a single"
        " sighting are dropped, and silences that begin outside the region are cut too.",
    ]
