"""Reading raw files: each format beside a bare read of the same file, NMEA beside pyais.

The same SIMULATED rows are written in every format. A bare read is the cheapest that looks at the
whole file: the table as the library reads it, or the lines of a log counted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
from pyais.stream import FileReaderStream

from pipeline.feeds import open_feed
from pipeline.rules import FeedRules
from pipeline.simulate.feedfiles import WRITERS, complete
from tests.bench_feed import measure

PLACE = ["mmsi", "longitude", "latitude", "sog", "cog"]
# ITU-R M.1371-5: messages with a place of a ship; what type 27 says for "not available".
POSITION_TYPES = (1, 2, 3, 18, 19, 27)
LONG_RANGE, NO_SOG, NO_COG = 27, 63, 511
PYAIS_LINES = 100_000
NOAA_INSTANT = "%Y-%m-%dT%H:%M:%S"


def write_noaa(rows: pl.DataFrame, path: Path) -> None:
    """Write the positions of canonical rows as NOAA MarineCadastre does (CSV until 2024)."""
    complete(rows).filter(pl.col("longitude").is_not_null()).select(
        MMSI="mmsi",
        BaseDateTime=pl.col("timestamp").dt.strftime(NOAA_INSTANT),
        LAT="latitude",
        LON="longitude",
        SOG="sog",
        COG="cog",
        Heading="heading",
        VesselName="name",
        IMO="imo",
        CallSign="callsign",
        VesselType="ship_type",
        Status="nav_status",
        Length="length_m",
        Width="beam_m",
        Draft="draught_m",
        Cargo="ship_type",
        TransceiverClass="ais_class",
    ).write_csv(path)


def read_table(path: Path) -> int:
    """Return the rows of a CSV as polars reads it, all columns as text."""
    return pl.read_csv(path, infer_schema=False).height


def count_lines(path: Path) -> int:
    """Return how many lines a log has."""
    return path.read_bytes().count(b"\n")


Writer = Callable[[pl.DataFrame, Path], None]
FORMATS: dict[str, tuple[str, Writer, Callable[[Path], int]]] = {
    "canonical Parquet": (
        "parquet",
        WRITERS["parquet"][1],
        lambda path: pl.read_parquet(path).height,
    ),
    "canonical CSV": ("csv", WRITERS["csv"][1], read_table),
    "DMA CSV": ("dma.csv", WRITERS["dma"][1], read_table),
    "NOAA CSV": ("noaa.csv", write_noaa, read_table),
    "NMEA": ("nmea", WRITERS["nmea"][1], count_lines),
}


def read_feed(path: Path) -> pl.DataFrame:
    """Return the reports of a raw file of any format."""
    return pl.concat([batch.reports for batch in open_feed(path, FeedRules()).batches])


def measure_formats(rows: pl.DataFrame, folder: Path) -> dict[str, Any]:
    """Return, by format, its rows (lines of a log), and the time to read them and to read bare."""
    folder.mkdir(parents=True, exist_ok=True)
    measured: dict[str, Any] = {}
    for name, (suffix, write, read_bare) in FORMATS.items():
        path = folder / f"rows.{suffix}"
        write(rows, path)
        reports, written = read_feed(path), read_bare(path)
        if reports["rows"].sum() != written:
            raise SystemExit(f"{name}: {reports['rows'].sum()} rows read, {written} written")
        measured[name] = {
            "rows": written,
            "refused": reports["reason"].is_not_null().sum(),
            "read": measure(lambda path=path: read_feed(path)),
            "bare": measure(lambda path=path, read_bare=read_bare: read_bare(path)),
        }
    return measured


# ------------------------------------------------------------------------------- beside pyais


def read_by_pyais(path: Path) -> list[dict[str, Any]]:
    """Return the messages of a log as pyais decodes them."""
    with FileReaderStream(str(path)) as stream:
        return [message.decode().asdict(enum_as_int=True) for message in stream]


def pick_places(messages: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the positions of ships among messages of pyais, in PLACE, sorted."""
    rows: list[tuple[Any, ...]] = []
    for told in messages:
        if told["msg_type"] in POSITION_TYPES:
            sog, cog = told["speed"], told["course"]
            if told["msg_type"] == LONG_RANGE:
                sog, cog = None if sog == NO_SOG else sog, None if cog == NO_COG else cog
            rows.append((told["mmsi"], told["lon"], told["lat"], sog, cog))
    dtypes = [pl.Int64, *[pl.Float64] * 4]
    return as_sent(pl.DataFrame(rows, schema=dict(zip(PLACE, dtypes, strict=True)), orient="row"))


def as_sent(places: pl.DataFrame) -> pl.DataFrame:
    """Return places on the grid of what is sent (1e-6 degree, 0.1), sorted."""
    fine = pl.col("longitude", "latitude").cast(pl.Float64) * 1_000_000
    coarse = pl.col("sog", "cog").cast(pl.Float64) * 10
    whole = places.select(pl.col("mmsi").cast(pl.Int64), fine, coarse)
    return whole.select(pl.all().round().cast(pl.Int64)).sort(PLACE)


def compare_with_pyais(path: Path) -> int:
    """Hold that pyais reads the same positions of a log; return how many.

    Raises:
        SystemExit: it does not.
    """
    found = read_feed(path).filter(
        pl.col("latitude").is_not_null() & ~pl.col("is_beacon") & pl.col("reason").is_null()
    )
    wanted = pick_places(read_by_pyais(path))
    if not as_sent(found.select(PLACE)).equals(wanted):
        raise SystemExit(f"NMEA: {found.height} positions, {wanted.height} by pyais, not the same")
    return wanted.height


def measure_nmea(log: Path) -> dict[str, Any]:
    """Return the time of ours and of pyais on the first PYAIS_LINES lines of a log."""
    head = log.with_name("head.nmea")
    with log.open("rb") as stream:
        head.write_bytes(
            b"".join(line for line, _ in zip(stream, range(PYAIS_LINES), strict=False))
        )
    positions = compare_with_pyais(head)
    return {
        "sentences": count_lines(head),
        "positions": positions,
        "ours": measure(lambda: read_feed(head)),
        "pyais": measure(lambda: read_by_pyais(head), repeats=1),
    }


def measure_ingest(rows: pl.DataFrame, folder: Path) -> dict[str, Any]:
    """Return what is measured of reading: `formats` and `nmea`."""
    formats = measure_formats(rows, folder)
    return {"formats": formats, "nmea": measure_nmea(folder / "rows.nmea")}


def tell_ingest(measured: dict[str, Any]) -> list[str]:
    """Return the figures of `measure_ingest` as lines of Markdown."""
    lines = [
        "## Reading raw files",
        "",
        "The same simulated rows in each format, to canonical columns, before any cleaning. A bare"
        " read is the table as polars reads it, or the lines of a log counted.",
        "",
        "| format | rows | refused | rows a CPU s | bare read | CPU against the bare read |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in measured["formats"].items():
        read_s, bare_s = one["read"]["cpu_s"], one["bare"]["cpu_s"]
        lines.append(
            f"| {name} | {one['rows']:,} | {one['refused']:,} | {one['rows'] / read_s:,.0f} |"
            f" {one['rows'] / bare_s:,.0f} | {read_s / bare_s:.1f} |"
        )
    nmea = measured["nmea"]
    ours, other = (nmea["sentences"] / nmea[name]["cpu_s"] for name in ("ours", "pyais"))
    return [
        *lines,
        "",
        f"NMEA beside pyais, {nmea['sentences']:,} sentences, the same {nmea['positions']:,}"
        f" positions: ours {ours:,.0f} sentences a CPU s, pyais {other:,.0f}:"
        f" {ours / other:.1f} times as many (at least 5 is asked).",
    ]
