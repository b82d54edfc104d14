"""Gap detectors on the same stored positions: ours, and the simplest ones that are correct.

Each finds the silences of at least 4 h between two consecutive sightings of one MMSI that begin
inside the region; nobody splits tracks. `bench_loop` has those that go row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from pipeline import gaps, summaries, tracks
from pipeline.ordered import OrderedDay
from pipeline.rules import Rules
from tests.bench_feed import measure

RULES = Rules().model_copy(
    update={"tracks": Rules().tracks.model_copy(update={"split_tracks": False})}
)
READ = ["mmsi", "seen_at", "lon", "lat", "is_outside"]
GAP = ["mmsi", "off_at", "off_lon", "off_lat", "on_at", "on_lon", "on_lat"]
# What the summaries carry along and no detector here asks for.
EMPTY = {
    "sog_kn": pl.Float32,
    "cog_deg": pl.Float32,
    "nav_status": pl.Int16,
    "receiver": pl.String,
    "area": pl.String,
    "port_group": pl.String,
}
# Seconds since 1970 until the year 2242.
SECOND_BITS = 33
# Whole-table sorts of more need more memory than the machines we ask for have.
WHOLE_TABLE_ROWS = 25_000_000
OURS = "ours, a day at a time"

Detector = Callable[[list[Path]], pl.DataFrame]


def read_days(paths: list[Path], columns: list[str] = READ) -> list[pl.DataFrame]:
    """Return the stored positions of each day, as the summaries want them."""
    return [
        pl.read_parquet(path, columns=columns).with_columns(
            pl.lit(number * tracks.SEGMENTS_PER_DAY, dtype=pl.Int64).alias("segment"),
            *(
                pl.lit(None, dtype=dtype).alias(name)
                for name, dtype in EMPTY.items()
                if name not in columns
            ),
        )
        for number, path in enumerate(paths)
    ]


def find_in_days(days: Iterable[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the silences as the night finds them, and the segments with their tracks.

    Edges of each day first, then what crosses midnight.
    """
    segments: list[pl.DataFrame] = []
    inner: list[pl.DataFrame] = []
    for rows in days:
        day = OrderedDay(summaries.sort_by_segment(rows))
        segments.append(summaries.pick_segments(day))
        inner.append(summaries.pick_inner_gaps(day, RULES.gaps.shortest_s))
    return link_days(segments, inner)


def link_days(
    segments: Iterable[pl.DataFrame], inner: Iterable[pl.DataFrame]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the silences inside segments and between them, and the segments with their tracks."""
    nobody = pl.Series([], dtype=pl.Int32)
    linked = tracks.link_segments(pl.concat(segments), nobody, RULES.tracks)
    return gaps.close_silences(pl.concat(inner), linked, RULES.gaps, linked.clear()), linked


def find_by_days(paths: list[Path]) -> pl.DataFrame:
    """Return the gaps as the night finds them."""
    return find_in_days(read_days(paths))[0].select(GAP)


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


def find_by_key(paths: list[Path]) -> pl.DataFrame:
    """Return the gaps by one sort of (MMSI, second) packed into a number, all in memory.

    Sightings of one second keep the order of their file, which is that of their places.
    """
    rows = pl.read_parquet(paths, columns=READ)
    seconds = rows["seen_at"].to_physical().to_numpy() // 1_000_000
    packed = (rows["mmsi"].to_numpy().astype(np.int64) << SECOND_BITS) | seconds
    order = np.argsort(packed, kind="stable")
    packed = packed[order]
    is_same = packed[1:] >> SECOND_BITS == packed[:-1] >> SECOND_BITS
    at = np.flatnonzero((np.diff(packed) >= RULES.gaps.shortest_s) & is_same)
    off, on = rows[order[at]], rows[order[at + 1]]
    places = {"seen_at": "at", "lon": "lon", "lat": "lat"}
    ends = [
        off.select("mmsi", "is_outside", **{f"off_{to}": of for of, to in places.items()}),
        on.select(**{f"on_{to}": of for of, to in places.items()}),
    ]
    return pl.concat(ends, how="horizontal").filter(~pl.col("is_outside")).select(GAP)


WHOLE: dict[str, Detector] = {
    OURS: find_by_days,
    "simplest in polars": find_by_polars,
    "simplest in DuckDB SQL": find_by_duckdb,
    "one packed key in numpy": find_by_key,
}


def compare_gaps(
    name: str, found: pl.DataFrame, wanted: pl.DataFrame, columns: list[str] = GAP
) -> None:
    """Hold that two detectors found the same gaps, row by row.

    Raises:
        SystemExit: they did not; says how many each found.
    """
    one, other = (rows.select(columns).sort(columns) for rows in (found, wanted))
    if not one.equals(other):
        raise SystemExit(f"{name}: {one.height} gaps, {other.height} wanted, not the same ones")


def measure_detectors(paths: list[Path]) -> dict[str, Any]:
    """Return time and gaps of each detector on all positions, where it can take so many."""
    rows = pl.scan_parquet(paths).select(pl.len()).collect().item()
    wanted = find_by_days(paths)
    measured: dict[str, Any] = {"rows": rows, "gaps": wanted.height, "whole": {}}
    for name, find in WHOLE.items():
        if name == OURS or rows <= WHOLE_TABLE_ROWS:
            compare_gaps(name, find(paths), wanted)
            measured["whole"][name] = measure(lambda find=find: find(paths))
    return measured


def tell_detectors(measured: dict[str, Any]) -> list[str]:
    """Return the figures of `measure_detectors` as lines of Markdown."""
    ours = measured["whole"][OURS]["cpu_s"]
    return [
        "## Gap detectors",
        "",
        f"The same {measured['gaps']:,} silences of at least 4 h in {measured['rows']:,} stored"
        " sightings, compared row by row; tracks are not split. Reading is counted.",
        "",
        "| detector | wall s | CPU s | CPU against ours |",
        "|---|---|---|---|",
        *(
            f"| {name} | {one['wall_s']:.2f} | {one['cpu_s']:.2f} | {one['cpu_s'] / ours:.1f} |"
            for name, one in measured["whole"].items()
        ),
    ]
