"""Base stations and aids to navigation: no ships, but they show that a receiver was alive."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from pipeline.simulate.hearing import Sender, hear_slots
from pipeline.simulate.receivers import Radio
from pipeline.simulate.sending import Slots
from pipeline.simulate.setting import stream

BASE_TYPE, AID_TYPE = 4, 21
# ITU-R M.1371-5: a base station sends every 10 s, an aid every 3 minutes.
BASE_S, AID_S = 10.0, 180.0
HOUR_S = 3600
# ITU-R M.585: base stations 00MIDxxxx, aids 99MIDaxxx (6: virtual, here physical aids have 1).
BASE_MMSI, AID_MMSI, AID_FIRST = 10_000, 990_000_000, 1000
SCHEMA = {
    "mmsi": pl.Int64,
    "at_s": pl.Int64,
    "lon_deg": pl.Float64,
    "lat_deg": pl.Float64,
    "message_type": pl.Int8,
    "kind": pl.Int8,
    "station": pl.Int16,
    "delay_s": pl.Float64,
}


def listen_beacons(
    radio: Radio, start: datetime, span_s: int, seed: int, thin_s: int = 1800
) -> pl.DataFrame:
    """Return receptions of beacons, at most one a beacon, slot of `thin_s` and receiver kind.

    Seconds count from `start`, which must be that of the radio; sorted by beacon and time. An MMSI
    is a number: 00MIDxxxx loses its zeros (2730001 of 002730001). `station` as in `Heard`: the
    number of a station for kind 0, of a satellite for kind 1.
    """
    if start != radio.start:
        raise ValueError(f"the radio begins at {radio.start}, not at {start}")
    frames = [
        _listen(radio, number, *beacon, span_s, seed, thin_s)
        for number, beacon in enumerate(_list_beacons(radio))
    ]
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)


def _list_beacons(radio: Radio) -> list[tuple[int, float, float, int]]:
    """Return MMSI, longitude, latitude and message type of every beacon, sorted by MMSI."""
    stations = radio.settings.stations
    bases = [
        (one.mid * BASE_MMSI + number, one.lon_deg, one.lat_deg, BASE_TYPE)
        for number, one in enumerate(stations.table, 1)
        if one.has_base
    ]
    aids = [
        (AID_MMSI + one.mid * 10_000 + AID_FIRST + number, one.lon_deg, one.lat_deg, AID_TYPE)
        for number, one in enumerate(stations.aids, 1)
    ]
    return sorted(bases) + sorted(aids)


def _listen(
    radio: Radio,
    number: int,
    mmsi: int,
    lon_deg: float,
    lat_deg: float,
    message_type: int,
    span_s: int,
    seed: int,
    thin_s: int,
) -> pl.DataFrame:
    edges = np.append(np.arange(0, span_s, thin_s, dtype=float), float(span_s))
    size, hours = len(edges) - 1, -(-span_s // HOUR_S)
    interval_s = BASE_S if message_type == BASE_TYPE else AID_S
    slots = Slots(
        edges[:-1],
        edges[1:],
        np.full(size, lon_deg),
        np.full(size, lat_deg),
        np.diff(edges) / interval_s,
        np.zeros(size),
    )
    sender = Sender(1.0, False, (np.full(hours, lon_deg), np.full(hours, lat_deg)))
    random = stream(seed, "beacons", number)
    heard = hear_slots(radio.stations, radio.passes, slots, sender, np.ones(size), random)
    found = heard.receptions
    return pl.DataFrame(
        {
            "mmsi": np.full(len(found.at_s), mmsi),
            "at_s": found.at_s,
            "lon_deg": np.full(len(found.at_s), lon_deg),
            "lat_deg": np.full(len(found.at_s), lat_deg),
            "message_type": np.full(len(found.at_s), message_type),
            "kind": found.kind,
            "station": found.station,
            "delay_s": found.delay_s,
        },
        schema=SCHEMA,
    )
