"""Gap detectors on the same stored positions: ours, and the simplest ones that are correct.

Each finds the silences of at least 4 h between two consecutive sightings of one MMSI that begin
inside the region; nobody splits tracks. The published detector (pipe-gaps) goes over dictionaries
in a loop; `find_by_loop` stands in for it, written plainly.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipeline import gaps, summaries, tracks
from pipeline.rules import Rules
from tests.bench_feed import measure, pick_first

RULES = Rules().model_copy(
    update={"tracks": Rules().tracks.model_copy(update={"split_tracks": False})}
)
READ = ["mmsi", "seen_at", "lon", "lat", "is_outside"]
GAP = ["mmsi", "off_at", "off_lon", "off_lat", "on_at", "on_lon", "on_lat"]
# What the summaries carry along and no other detector here asks for.
EMPTY = {
    "sog_kn": pl.Float32,
    "cog_deg": pl.Float32,
    "nav_status": pl.Int16,
    "receiver": pl.String,
    "area": pl.String,
    "port_group": pl.String,
}
# A row of the loop takes a microsecond or more, one of movingpandas a hundred times as long.
LOOP_ROWS, MOVINGPANDAS_ROWS = 1_000_000, 200_000
# Whole-table sorts of more need more memory than the machines we ask for have.
WHOLE_TABLE_ROWS = 25_000_000
OURS = "ours, a day at a time"

Detector = Callable[[list[Path]], pl.DataFrame]


def find_by_days(paths: list[Path]) -> pl.DataFrame:
    """Return the gaps as the night finds them: edges of each day, then what crosses midnight."""
    segments: list[pl.DataFrame] = []
    inner: list[pl.DataFrame] = []
    nobody = pl.Series([], dtype=pl.Int32)
    for number, path in enumerate(paths):
        day = pl.read_parquet(path, columns=READ).with_columns(
            pl.lit(number * tracks.SEGMENTS_PER_DAY, dtype=pl.Int64).alias("segment"),
            *(pl.lit(None, dtype=dtype).alias(name) for name, dtype in EMPTY.items()),
        )
        ordered = summaries.sort_by_segment(day)
        paired = summaries.pair_sightings(ordered)
        segments.append(summaries.pick_segments(ordered))
        inner.append(summaries.pick_inner_gaps(ordered, paired, RULES.gaps.shortest_s))
    linked = tracks.link_segments(pl.concat(segments), nobody, RULES.tracks)
    return gaps.close_silences(pl.concat(inner), linked, RULES.gaps, linked.clear()).select(GAP)


def find_by_polars(paths: list[Path]) -> pl.DataFrame:
    """Return the gaps by one sort of everything and a shift within each MMSI."""
    rows = pl.scan_parquet(paths).select(READ).sort("mmsi", "seen_at", "lon", "lat")
    before = [pl.col(name).shift(1).over("mmsi").alias(f"off_{name}") for name in READ[1:]]
    seconds = (pl.col("seen_at") - pl.col("off_seen_at")).dt.total_seconds()
    return (
        rows.with_columns(before)
        .filter((seconds >= RULES.gaps.shortest_s) & ~pl.col("off_is_outside"))
        .rename({"off_seen_at": "off_at", "seen_at": "on_at", "lon": "on_lon", "lat": "on_lat"})
        .select(GAP)
        .collect()
    )


def find_by_duckdb(paths: list[Path]) -> pl.DataFrame:
    """Return the gaps by a window over each MMSI in SQL."""
    statement = """
        with steps as (
            select
                mmsi, seen_at as on_at, lon as on_lon, lat as on_lat,
                lag(seen_at) over ship as off_at,
                lag(lon) over ship as off_lon,
                lag(lat) over ship as off_lat,
                lag(is_outside) over ship as off_is_outside
            from read_parquet($paths)
            window ship as (partition by mmsi order by seen_at, lon, lat)
        )
        select mmsi, off_at, off_lon, off_lat, on_at, on_lon, on_lat
        from steps
        where on_at - off_at >= to_seconds($shortest_s) and not off_is_outside
    """
    values = {"paths": [str(path) for path in paths], "shortest_s": RULES.gaps.shortest_s}
    with duckdb.connect() as connection:
        return connection.sql(statement, params=values).pl()


def read_dictionaries(paths: list[Path]) -> list[dict[str, Any]]:
    """Return sightings as dictionaries, a row one."""
    return [row for path in paths for row in pl.read_parquet(path, columns=READ).to_dicts()]


def loop_over(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the gaps of sightings, one dictionary a gap, by a loop over each ship's rows."""
    ships: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        ships.setdefault(row["mmsi"], []).append(row)
    shortest = timedelta(seconds=RULES.gaps.shortest_s)
    found: list[dict[str, Any]] = []
    for mmsi, messages in ships.items():
        messages.sort(key=lambda message: (message["seen_at"], message["lon"], message["lat"]))
        for off, on in pairwise(messages):
            if on["seen_at"] - off["seen_at"] >= shortest and not off["is_outside"]:
                ends = {"off": off, "on": on}
                gap = {f"{side}_at": end["seen_at"] for side, end in ends.items()}
                gap |= {f"{side}_{name}": ends[side][name] for side in ends for name in READ[2:4]}
                found.append({"mmsi": mmsi, **gap})
    return found


def as_gaps(found: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the gaps of `loop_over` as a frame."""
    dtypes = [pl.Int32, pl.Datetime("us"), pl.Float64, pl.Float64]
    schema = dict(zip(GAP, [*dtypes, *dtypes[1:]], strict=True))
    return pl.DataFrame(found, schema=schema)


def find_by_loop(paths: list[Path]) -> pl.DataFrame:
    """Return the gaps by reading rows into dictionaries and looping over them."""
    return as_gaps(loop_over(read_dictionaries(paths)))


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
        shortest = timedelta(seconds=RULES.gaps.shortest_s)
        pieces = movingpandas.ObservationGapSplitter(whole).split(gap=shortest)
    return len(pieces) - len(whole)


WHOLE: dict[str, Detector] = {
    OURS: find_by_days,
    "simplest in polars": find_by_polars,
    "simplest in DuckDB SQL": find_by_duckdb,
}


def compare_gaps(name: str, found: pl.DataFrame, wanted: pl.DataFrame) -> None:
    """Hold that two detectors found the same gaps, row by row.

    Raises:
        SystemExit: they did not; says how many each found.
    """
    one, other = found.select(GAP).sort(GAP), wanted.select(GAP).sort(GAP)
    if not one.equals(other):
        raise SystemExit(f"{name}: {one.height} gaps, {other.height} wanted, not the same ones")


def measure_detectors(paths: list[Path]) -> dict[str, Any]:
    """Return time and gaps of each detector, on all positions or on as many as it can take."""
    rows = pl.scan_parquet(paths).select(pl.len()).collect().item()
    measured: dict[str, Any] = {"rows": rows, "whole": {}, "subset": {}}
    wanted = find_by_days(paths)
    measured["gaps"] = wanted.height
    for name, find in WHOLE.items():
        if name == OURS or rows <= WHOLE_TABLE_ROWS:
            compare_gaps(name, find(paths), wanted)
            measured["whole"][name] = measure(lambda find=find: find(paths))
    measured["subset"] = measure_loop(pick_first(paths, LOOP_ROWS))
    measured["movingpandas"] = measure_movingpandas(pick_first(paths, MOVINGPANDAS_ROWS))
    return measured


def measure_loop(paths: list[Path]) -> dict[str, Any]:
    """Return CPU seconds of ours and of the loop, with and without making the dictionaries."""
    rows = read_dictionaries(paths)
    wanted = find_by_days(paths)
    compare_gaps("dictionaries and a loop", as_gaps(loop_over(rows)), wanted)
    return {
        "rows": len(rows),
        "gaps": wanted.height,
        "ours": measure(lambda: find_by_days(paths)),
        "loop over dictionaries in memory": measure(lambda: loop_over(rows)),
        "reading them into dictionaries too": measure(lambda: find_by_loop(paths)),
    }


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


def tell_detectors(measured: dict[str, Any]) -> list[str]:
    """Return the figures of `measure_detectors` as lines of Markdown."""
    ours = measured["whole"][OURS]["cpu_s"]
    subset = measured["subset"]
    of_subset = subset["ours"]["cpu_s"]
    lines = [
        "## Gap detectors",
        "",
        f"The same {measured['gaps']:,} silences of at least 4 h in {measured['rows']:,} stored"
        " sightings, compared row by row; tracks are not split. Reading is counted.",
        "",
        "| detector | wall s | CPU s | CPU against ours |",
        "|---|---|---|---|",
        *(_tell(name, one, ours) for name, one in measured["whole"].items()),
        "",
        f"A dictionary-and-loop detector, on the first days alone: {subset['rows']:,} sightings,"
        f" the same {subset['gaps']:,} gaps. At least 30 times less CPU is asked of ours.",
        "",
        "| detector | wall s | CPU s | CPU against ours |",
        "|---|---|---|---|",
        *(_tell(name, one, of_subset) for name, one in subset.items() if isinstance(one, dict)),
        "",
    ]
    other = measured["movingpandas"]
    if other is None:
        return [*lines, "movingpandas (no dependency): not installed."]
    ratio = other["movingpandas"]["cpu_s"] / other["ours"]["cpu_s"]
    return [
        *lines,
        f"movingpandas {other['version']}, ObservationGapSplitter on {other['rows']:,} sightings:"
        f" {other['movingpandas']['cpu_s']:.1f} CPU s, {ratio:,.0f} times ours, and"
        f" {other['cuts']:,} cuts where there are {other['gaps']:,} gaps: pieces of a single"
        " sighting are dropped, and silences that begin outside the region are cut too.",
    ]


def _tell(name: str, one: dict[str, float], ours_cpu_s: float) -> str:
    ratio = one["cpu_s"] / ours_cpu_s
    return f"| {name} | {one['wall_s']:.2f} | {one['cpu_s']:.2f} | {ratio:.1f} |"
