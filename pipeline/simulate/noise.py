"""What happens to receptions on the way to the provider's file.

GNSS interference, garbled values, late rows, wrong clocks, repeated rows. Every number is drawn
from `stream(seed, "noise", ...)`; where a satellite or station is struck for an hour, all vessels
it heard are struck together.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl

from pipeline.simulate.model import Floats, Heard, Vessel
from pipeline.simulate.noise_settings import NoiseSettings
from pipeline.simulate.setting import stream

__all__ = ["NoiseSettings", "draw_clock_offsets", "draw_interference", "spoil"]

HOUR_S, DAY_S, YEAR_S = 3600.0, 86_400.0, 31_557_600.0
KM_PER_DEG = 60 * 1.852
# ITU-R M.1371: not available.
NO_LON_DEG, NO_LAT_DEG, NO_SPEED_KN, NO_COURSE_DEG, NO_HEADING_DEG = (
    181.0,
    91.0,
    102.3,
    360.0,
    511.0,
)
TERRESTRIAL, SATELLITE = 0, 1


def draw_interference(
    settings: NoiseSettings, start: datetime, span_s: float, seed: int
) -> pl.DataFrame:
    """Return times and circles of GNSS interference, sorted by from_s.

    Columns, all Float64: from_s, to_s (from the start of the world), lon_deg, lat_deg, radius_km,
    shown_lon_deg, shown_lat_deg (where disturbed sets believe to be).
    """
    random = stream(seed, "noise", "interference")
    since_s = 0.0
    if settings.interference_since is not None:
        since_s = max(0.0, (settings.interference_since - start).total_seconds())
    count = random.poisson(settings.interference_per_year * span_s / YEAR_S)
    dice = random.random((count, 4))
    scatter = random.normal(0.0, settings.interference_scatter_km, (count, 2)) / KM_PER_DEG
    places = settings.interference_places
    weights = np.array([place.weight for place in places])
    which = random.choice(len(places), count, p=weights / weights.sum())
    table = np.array(
        [(one.lon_deg, one.lat_deg, one.shown_lon_deg, one.shown_lat_deg) for one in places]
    )[which]
    begin = dice[:, 0] * span_s
    frame = pl.DataFrame(
        {
            "from_s": begin,
            "to_s": begin + _between(settings.interference_h, dice[:, 1]) * HOUR_S,
            "lon_deg": table[:, 0] + scatter[:, 0],
            "lat_deg": table[:, 1] + scatter[:, 1],
            "radius_km": _between(settings.interference_radius_km, dice[:, 2]),
            "shown_lon_deg": table[:, 2],
            "shown_lat_deg": table[:, 3],
        }
    )
    return frame.filter(pl.col("from_s") >= since_s).sort("from_s")


def draw_clock_offsets(
    settings: NoiseSettings, stations: int, span_s: float, seed: int
) -> pl.DataFrame:
    """Return when which terrestrial station's clock was wrong: station, from_s, to_s, offset_s."""
    random = stream(seed, "noise", "clocks")
    rate = settings.clock_errors_per_station_year
    count = random.poisson(rate * stations * span_s / YEAR_S) if stations else 0
    dice = random.random((count, 4))
    begin = dice[:, 0] * span_s
    sign = np.where(dice[:, 3] < 0.5, -1, 1)
    return pl.DataFrame(
        {
            "station": random.integers(0, max(stations, 1), count),
            "from_s": begin,
            "to_s": begin + _between(settings.clock_error_days, dice[:, 1]) * DAY_S,
            "offset_s": sign * np.rint(_between(settings.clock_offset_s, dice[:, 2])).astype(int),
        }
    ).sort("from_s", "station")


def spoil(
    heard: Heard,
    vessel: Vessel,
    settings: NoiseSettings,
    interference: pl.DataFrame,
    offsets: pl.DataFrame,
    seed: int,
) -> Heard:
    """Return receptions as they reach the provider: disturbed, garbled, late, misdated, repeated.

    All entries of `heard` are there, in their order, each repeated row right after its original
    (`is_copy`). `at_s` is the time the row states and may be unsorted and far outside the world;
    `at_s + delay_s` is still when the provider got it.
    """
    heard = disturb(heard, vessel, settings, interference, seed)
    heard = garble(heard, vessel, settings, seed)
    heard = delay(heard, vessel, settings, seed)
    # Up to here rows are in order of time; wrong clocks and wild dates end that.
    heard = apply_clock(heard, offsets)
    heard = misdate(heard, vessel, settings, seed)
    return repeat_rows(heard, vessel, settings, seed)


def disturb(
    heard: Heard, vessel: Vessel, settings: NoiseSettings, interference: pl.DataFrame, seed: int
) -> Heard:
    """Return receptions with false or missing positions inside circles of interference.

    `heard` is sorted by `at_s`. In each event a share of the positions is struck.
    """
    lon, lat = heard.lon_deg.copy(), heard.lat_deg.copy()
    for number, event in enumerate(interference.iter_rows(named=True)):
        first, last = np.searchsorted(heard.at_s, [event["from_s"], event["to_s"]])
        rows = np.arange(first, last)
        away_km = _distance_km(
            heard.lon_deg[rows], heard.lat_deg[rows], event["lon_deg"], event["lat_deg"]
        )
        rows = rows[away_km <= event["radius_km"]]
        if not len(rows):
            continue
        random = stream(seed, "noise", "disturbed", vessel.number, number)
        dice = random.random((2, len(rows)))
        scatter = random.normal(0, settings.shown_scatter_km, (2, len(rows))) / KM_PER_DEG
        struck = dice[0] < settings.disturbed_share
        is_lost = dice[1] < settings.lost_share
        narrow = np.cos(np.radians(event["shown_lat_deg"]))
        false_lon = np.where(is_lost, NO_LON_DEG, event["shown_lon_deg"] + scatter[0] / narrow)
        false_lat = np.where(is_lost, NO_LAT_DEG, event["shown_lat_deg"] + scatter[1])
        lon[rows[struck]], lat[rows[struck]] = false_lon[struck], false_lat[struck]
    return replace(heard, lon_deg=lon, lat_deg=lat)


def garble(heard: Heard, vessel: Vessel, settings: NoiseSettings, seed: int) -> Heard:
    """Return receptions of which a small share lacks a value, or has a wrong position."""
    random = stream(seed, "noise", "garbled", vessel.number)
    rows = _draw_rows(random, len(heard.at_s), settings.garbled_share)
    part = np.searchsorted(np.cumsum(settings.garbled_parts[:-1]), random.random(len(rows)))
    jump = random.uniform(-1, 1, (2, len(rows))) * settings.garbled_jump_deg
    lon, lat = heard.lon_deg.copy(), heard.lat_deg.copy()
    speed, course = heard.sog_kn.copy(), heard.cog_deg.copy()
    heading = heard.heading_deg.copy()
    is_placed = (part == 3) & (lat[rows] <= 90)
    lon[rows[is_placed]] += jump[0, is_placed]
    lat[rows[is_placed]] += jump[1, is_placed]
    lon[rows[part == 0]], lat[rows[part == 0]] = NO_LON_DEG, NO_LAT_DEG
    speed[rows[part == 1]] = NO_SPEED_KN
    course[rows[part == 2]], heading[rows[part == 2]] = NO_COURSE_DEG, NO_HEADING_DEG
    return replace(
        heard, lon_deg=lon, lat_deg=lat, sog_kn=speed, cog_deg=course, heading_deg=heading
    )


def delay(heard: Heard, vessel: Vessel, settings: NoiseSettings, seed: int) -> Heard:
    """Return receptions of which some come days late: batches of a receiver's hour, single rows."""
    random = stream(seed, "noise", "late", vessel.number)
    rows = _draw_rows(random, len(heard.at_s), settings.late_row_share)
    late_s = np.zeros(len(heard.at_s))
    late_s[rows] = _between(settings.late_days, random.random(len(rows))) * DAY_S
    hour = heard.at_s // int(HOUR_S)
    batch = (hour << 17) | (heard.kind.astype(np.int64) << 16) | heard.station.astype(np.int64)
    share = np.where(
        heard.kind == SATELLITE, settings.late_satellite_share, settings.late_station_share
    )
    is_late = _hash_dice(batch, seed, "late batch") < share
    days = _between(settings.late_days, _hash_dice(batch[is_late], seed, "late days"))
    late_s[is_late] = np.maximum(late_s[is_late], days * DAY_S)
    return replace(heard, delay_s=heard.delay_s + late_s)


def apply_clock(heard: Heard, offsets: pl.DataFrame) -> Heard:
    """Return receptions with the times stations with a wrong clock stated.

    `heard` is sorted by `at_s`. What the provider noted, `at_s + delay_s`, stays.
    """
    shift = np.zeros(len(heard.at_s), dtype=np.int64)
    for station, from_s, to_s, offset_s in offsets.iter_rows():
        first, last = np.searchsorted(heard.at_s, [from_s, to_s])
        is_wrong = (heard.kind[first:last] == TERRESTRIAL) & (heard.station[first:last] == station)
        shift[first:last][is_wrong] = offset_s
    return _restate(heard, shift)


def misdate(heard: Heard, vessel: Vessel, settings: NoiseSettings, seed: int) -> Heard:
    """Return receptions of which very few state a time decades away."""
    random = stream(seed, "noise", "misdated", vessel.number)
    rows = _draw_rows(random, len(heard.at_s), settings.misdated_share)
    shift = np.zeros(len(heard.at_s), dtype=np.int64)
    years = np.array(settings.misdated_years)[random.integers(0, 2, len(rows))]
    shift[rows] = np.rint(years * YEAR_S).astype(np.int64)
    return _restate(heard, shift)


def repeat_rows(heard: Heard, vessel: Vessel, settings: NoiseSettings, seed: int) -> Heard:
    """Return receptions of which some stand twice, the second marked as a copy."""
    random = stream(seed, "noise", "repeated", vessel.number)
    rows = _draw_rows(random, len(heard.at_s), settings.repeated_share)
    times = np.ones(len(heard.at_s), dtype=np.int64)
    times[rows] = 2
    is_second = np.zeros(int(times.sum()), dtype=np.bool_)
    is_second[np.cumsum(times)[rows] - 1] = True
    columns = {name: np.repeat(column, times) for name, column in vars(heard).items()}
    columns["is_copy"] |= is_second
    return Heard(**columns)


def _restate(heard: Heard, shift_s: np.ndarray) -> Heard:
    return replace(heard, at_s=heard.at_s + shift_s, delay_s=heard.delay_s - shift_s)


def _draw_rows(random: np.random.Generator, count: int, share: float) -> np.ndarray:
    """Return the sorted rows that a share strikes."""
    return np.flatnonzero(random.random(count) < share)


def _between(ends: tuple[float, float], dice: Floats) -> Floats:
    """Return values between two ends, evenly in the logarithm."""
    return ends[0] * (ends[1] / ends[0]) ** dice


def _distance_km(lon: Floats, lat: Floats, to_lon: float, to_lat: float) -> Floats:
    """Return distances on a local plane, good to a percent within 100 km."""
    return np.hypot((lon - to_lon) * np.cos(np.radians(to_lat)), lat - to_lat) * KM_PER_DEG


def _hash_dice(numbers: np.ndarray, seed: int, purpose: str) -> Floats:
    """Return a die in [0, 1) for each number, the same for all vessels (splitmix64)."""
    key = stream(seed, "noise", purpose).integers(0, 2**63, dtype=np.uint64)
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53
