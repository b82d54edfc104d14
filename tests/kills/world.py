"""A small archive in three feeds: raw files of a first night, and those of the next."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

# Two calendar months, for some of a night's work goes from month to month.
FIRST_DAY = datetime(2023, 4, 28)
DAYS = 7
LAST_DAY = f"{FIRST_DAY + timedelta(days=DAYS - 1):%Y-%m-%d}"
STEP = timedelta(minutes=30)
CANONICAL = "mmsi,timestamp,longitude,latitude,sog,ais_class,message_type,receiver,station"
NOAA = "MMSI,BaseDateTime,LAT,LON,SOG,VesselName,IMO,CallSign,VesselType,Length,Draft,Cargo"


@dataclass(frozen=True)
class Ship:
    """A made-up ship that sails to and fro.

    Attributes:
        silent: hours from the first day between which its set is off.
    """

    mmsi: int
    imo: int
    name: str
    ship_type: int
    lon: float
    lat: float
    silent: tuple[tuple[int, int], ...]


SHIPS = (
    Ship(273111110, 9074729, "FIRST", 70, 50.6, 42.2, ((20, 29), (100, 140))),
    Ship(273222220, 9319466, "SECOND", 80, 50.9, 41.3, ((30, 37),)),
    Ship(422333330, 0, "=THIRD()", 70, 51.2, 38.1, ((60, 132),)),
    Ship(422444440, 0, "<b>FOURTH", 79, 49.9, 37.9, ((10, 16), (120, 150))),
    Ship(423555550, 0, "FIFTH", 52, 50.3, 40.2, ()),
    Ship(273666660, 0, "SIXTH", 30, 49.5, 43.1, ((135, 400),)),
)


def write_first_night(raw: Path) -> None:
    """Write the raw files that the first night finds."""
    for day in range(DAYS - 1):
        _write_day(raw, day)
    _write(raw / "west" / "broken.zip", b"PK\x03\x04 no archive")


def write_next_night(raw: Path) -> None:
    """Write what comes after it: one more day, late rows, one more unreadable file."""
    _write_day(raw, DAYS - 1)
    # The third ship, heard in the middle of its silence.
    late = _row(SHIPS[2], FIRST_DAY + timedelta(hours=96), "coast")
    _write(raw / "north" / "late.csv", f"{CANONICAL}\n{late}\n".encode())
    _write(raw / "south" / "broken.csv", b"\x00\x01\x02 no text\n" * 20)


def _write_day(raw: Path, day: int) -> None:
    begin = FIRST_DAY + timedelta(days=day)
    name = f"{begin:%Y-%m-%d}"
    north = [CANONICAL, *_rows(begin, "coast", SHIPS), *_beacons(begin)]
    north.append(f"273111110,{begin:%FT%T}Z,50.0,95.0,1,A,1,terrestrial,coast")
    north.append("no ship,yesterday,somewhere,,,,,,")
    _write(raw / "north" / f"{name}.csv", "\n".join(north).encode() + b"\n")
    south = [NOAA, *(_noaa_row(ship, at) for ship in SHIPS for at in _instants(begin, ship, 8))]
    _write(raw / "south" / f"{name}.csv", "\n".join(south).encode() + b"\n")
    # Heard by two feeds: duplicates of the north, a jump, and a ping far from everything.
    west = [CANONICAL, *_rows(begin, "hill", SHIPS[::2], every=3)]
    west.append(f"423555550,{begin + timedelta(hours=11, minutes=7):%FT%T}Z,53.5,45.5,0,A,1,,hill")
    packed = gzip.compress("\n".join(west).encode() + b"\n", mtime=0)
    _write(raw / "west" / f"{name}.csv.gz", packed)


def _instants(begin: datetime, ship: Ship, every: int = 1) -> Iterator[datetime]:
    for step in range(0, 48, every):
        at = begin + step * STEP
        hour = (at - FIRST_DAY) / timedelta(hours=1)
        if not any(off <= hour < on for off, on in ship.silent):
            yield at


def _place(ship: Ship, at: datetime) -> tuple[float, float]:
    # To and fro along a line within 12 h, at some 5 kn.
    half_days, rest = divmod((at - FIRST_DAY) / timedelta(hours=1), 12)
    way = rest if int(half_days) % 2 == 0 else 12 - rest
    return ship.lon + 0.02 * way, ship.lat + 0.08 * way


def _row(ship: Ship, at: datetime, station: str) -> str:
    lon, lat = _place(ship, at)
    return f"{ship.mmsi},{at:%FT%T}Z,{lon:.5f},{lat:.5f},5.0,A,1,terrestrial,{station}"


def _rows(begin: datetime, station: str, ships: tuple[Ship, ...], every: int = 1) -> list[str]:
    return [_row(ship, at, station) for ship in ships for at in _instants(begin, ship, every)]


def _beacons(begin: datetime) -> list[str]:
    return [
        f"002731234,{begin + timedelta(hours=hour):%FT%T}Z,47.6,42.9,,,4,terrestrial,coast"
        for hour in range(24)
    ]


def _noaa_row(ship: Ship, at: datetime) -> str:
    at += timedelta(minutes=10)
    lon, lat = _place(ship, at)
    imo = f"IMO{ship.imo}" if ship.imo else ""
    return (
        f"{ship.mmsi},{at:%FT%T},{lat:.5f},{lon:.5f},5.0,{ship.name},{imo},CALL,"
        f"{ship.ship_type},120,4.5,"
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
