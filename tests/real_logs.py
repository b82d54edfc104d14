"""The real logs of other projects: which are dense enough for a trial, and how they are read."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.evaluate.limits import RealTrackRules
from tests.shared_data import SHARED

SUEZ = "csv/marinetraffic_boat-positions_202103.csv.gz"
SARONIC = "csv/archimedes_vessels.csv.gz"
CELL_DEG = 0.5


@dataclass(frozen=True)
class Density:
    """How dense a log is.

    Attributes:
        ships: how many.
        days: from its first to its last message.
        witnessed: share of a ship's hours with a message in which another ship had one in the same
            cell of half a degree.
    """

    ships: int
    days: float
    witnessed: float

    def refuse(self, rules: RealTrackRules) -> str:
        """Return why the log is no use for a trial, or nothing."""
        if self.days < rules.least_days:
            return f"shorter than {rules.least_days:g} days"
        if self.ships < rules.least_ships:
            return f"fewer than {rules.least_ships} ships"
        if self.witnessed < rules.least_witnessed:
            return f"ships beside each other in less than {rules.least_witnessed:.0%} of hours"
        return ""


def measure_density(log: pl.DataFrame) -> Density:
    """Return how dense a log (ship, at, lon, lat) is."""
    hours = log.select(
        "ship",
        hour=pl.col("at").dt.truncate("1h"),
        x=(pl.col("lon") / CELL_DEG).floor(),
        y=(pl.col("lat") / CELL_DEG).floor(),
    ).unique()
    others = hours.select(others=pl.col("ship").n_unique().over("hour", "x", "y") > 1)
    span = log["at"].max() - log["at"].min()  # pyright: ignore
    share = others["others"].mean()
    assert isinstance(share, float)
    return Density(log["ship"].n_unique(), span.total_seconds() / 86_400, share)  # pyright: ignore


def read_suez(path: Path = SHARED / SUEZ) -> pl.DataFrame:
    """Return ship, at, lon, lat of the log of the Suez Canal; its ships have numbers, no MMSI."""
    text = gzip.decompress(path.read_bytes()).decode("utf-8-sig")
    rows = pl.read_csv(io.StringIO(text)).select(
        ship=pl.col("ID"),
        at=pl.col("ais_pos_timestamp").str.to_datetime("%d/%m/%Y %H:%M"),
        lon="longitude",
        lat="latitude",
    )
    return rows.sort("ship", "at")


def read_saronic(path: Path = SHARED / SARONIC) -> pl.DataFrame:
    """Return ship, at, lon, lat of the log of five ships of the Saronic Gulf; numbers, no MMSI."""
    text = gzip.decompress(path.read_bytes())
    names = ["ship", "lon", "lat", "epoch"]
    rows = pl.read_csv(text, separator=" ", has_header=False, new_columns=names)
    return rows.select(
        "ship", pl.from_epoch("epoch").cast(pl.Datetime("us")).alias("at"), "lon", "lat"
    ).sort("ship", "at")


def read_csv(path: Path, ship: str, at: str, lon: str, lat: str, how: str | None) -> pl.DataFrame:
    """Return ship, at, lon, lat of a CSV, packed or not; `how` None: seconds of the epoch.

    Positions that are none (latitude 91) and rows without a time are left out.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    rows = pl.read_csv(content, infer_schema=False)
    read = (
        pl.from_epoch(pl.col(at).cast(pl.Int64)).cast(pl.Datetime("us"))
        if how is None
        else pl.col(at).str.slice(0, 19).str.to_datetime(how, strict=False)
    )
    numbers = [
        pl.col(lon).cast(pl.Float64, strict=False),
        pl.col(lat).cast(pl.Float64, strict=False),
    ]
    return (
        rows.select(
            pl.col(ship).alias("ship"),
            read.alias("at"),
            numbers[0].alias("lon"),
            numbers[1].alias("lat"),
        )
        .drop_nulls()
        .filter(pl.col("lat").abs() <= 90, pl.col("lon").abs() <= 180)
        .sort("ship", "at")
    )


ISO = "%Y-%m-%d %H:%M:%S"
# Name -> columns of ship, time, longitude, latitude, and how the time is written.
OTHERS = {
    "csv/spaceeyes_marmara_2022-02-16.csv": ("mmsi", "timestamp", "long", "lat", ISO),
    "csv/exactearth_aisdb_20210701.csv.gz": (
        "MMSI",
        "Time",
        "Longitude",
        "Latitude",
        "%Y%m%d_%H%M%S",
    ),
    "csv/noaa_classic_aisdb_20230101.csv": (
        "MMSI",
        "BaseDateTime",
        "LON",
        "LAT",
        "%Y-%m-%dT%H:%M:%S",
    ),
    "csv/gfw_pyseas_position_messages_201801.csv.zip": ("ssvid", "timestamp", "lon", "lat", ISO),
    "csv/skytruth_orbcomm_raw_10k.csv.gz": ("mmsi", "timestamp", "longitude", "latitude", None),
    "csv/gfw_research_messages_150402951_01dec2021_15feb2022.csv.gz": (
        "ssvid",
        "timestamp",
        "lon",
        "lat",
        ISO,
    ),
    "csv/gfw_research_messages_412334074_seg1.csv.gz": ("ssvid", "timestamp", "lon", "lat", ISO),
    "csv/gfw_research_messages_overlapping_seg_check.csv.gz": (
        "ssvid",
        "timestamp",
        "lon",
        "lat",
        ISO,
    ),
    "csv/gfw_research_messages_implausible_speed_research_messages_150_412.csv.gz": (
        "ssvid",
        "timestamp",
        "lon",
        "lat",
        ISO,
    ),
}


def measure_logs() -> dict[str, Density]:
    """Return how dense each log with places and times of several hours is, by its name."""
    logs = {SUEZ: read_suez(), SARONIC: read_saronic()}
    logs |= {name: read_csv(SHARED / name, *columns) for name, columns in OTHERS.items()}
    return {name: measure_density(log) for name, log in logs.items()}
