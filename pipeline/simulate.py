"""A small seeded feed with known switch-offs, for `make demo`, the golden month and the bench.

SIMULATED: no ship in it exists; every name begins with "SIMULATED" and every feed folder with
"simulated_". Ships of five states go to and fro between Caspian ports along fixed waypoints, some
leave by the Don and come back; a coast feed hears them near land, a satellite feed now and then
everywhere; some rows are late, repeated or broken, as real feeds have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.geodesy import KM_PER_NM, local_distance_km_array

# A waypoint is (longitude, latitude); routes run over water at the scale of a demo.
SOUTH_NORTH = {
    "amirabad": [(53.38, 36.87), (53.2, 37.3), (51.6, 39.0)],
    "anzali": [(49.47, 37.49), (49.7, 38.0), (50.9, 39.2)],
    "aktau": [(51.20, 43.59), (50.8, 43.4)],
    "baku": [(49.95, 40.28), (50.3, 39.9)],
    "turkmenbashi": [(52.85, 39.85), (52.4, 39.7)],
}
MIDDLE = [(51.0, 40.7), (49.9, 42.2), (48.6, 43.8)]
TO_ASTRAKHAN = [
    (47.75, 44.80),
    (47.70, 45.10),
    (47.78, 45.40),
    (47.65, 45.72),
    (47.55, 45.80),
    (47.80, 46.10),
    (48.00, 46.34),
]
TO_AZOV = [
    (48.0, 46.55),
    (47.0, 47.45),
    (46.1, 48.1),
    (44.9, 48.48),
    (44.55, 48.52),
    (44.3, 48.44),
    (43.6, 48.62),
    (42.9, 48.0),
    (42.15, 47.58),
    (41.0, 47.55),
    (39.7, 47.22),
    (39.2, 47.10),
    (38.3, 46.98),
    (37.0, 46.75),
    (35.6, 46.2),
]
STATES = ((273, "RUS"), (422, "IRN"), (423, "AZE"), (436, "KAZ"), (434, "TKM"))
STATE_SHARES = (0.46, 0.22, 0.16, 0.09, 0.07)
# What a coast station hears from near land, per report (judgement: a feed for a demo).
COAST_HEARS, SEA_HEARS = 0.9, 0.015
COAST_LAT = ((36.0, 37.9), (39.6, 40.8), (42.6, 43.9), (44.6, 49.5))


@dataclass(frozen=True)
class World:
    """What to simulate.

    Attributes:
        days: length in days from `start`.
        ships: number of ships.
        seed: the same seed gives the same bytes.
        interval_s: mean seconds between two reports that could be heard.
        start: first instant, UTC.
        off_share: share of the visits to Iranian ports made with the set off.
    """

    days: int = 450
    ships: int = 40
    seed: int = 1
    interval_s: int = 1800
    start: datetime = datetime(2022, 5, 10)
    off_share: float = 0.25


@dataclass(frozen=True)
class Feed:
    """A simulated feed and its truth.

    Attributes:
        reports: canonical feed rows, positions and static reports, sorted by time.
        truth: one row per interval with the set off: mmsi, off_from, off_to.
    """

    reports: pl.DataFrame
    truth: pl.DataFrame


def simulate(world: World) -> Feed:
    """Return a seeded feed over the Caspian and the Volga-Don, and when sets were off."""
    random = np.random.default_rng(world.seed)
    state = random.choice(len(STATES), size=world.ships, p=STATE_SHARES)
    reports: list[pl.DataFrame] = []
    truth: list[pl.DataFrame] = []
    for number in range(world.ships):
        mid, _ = STATES[state[number]]
        mmsi = mid * 1_000_000 + 990_000 + number
        ship = _sail(mmsi, number, world, np.random.default_rng([world.seed, number]))
        reports += [ship.reports, _statics(mmsi, number, world)]
        truth.append(ship.truth)
    every = pl.concat(reports, how="diagonal").sort("timestamp", "mmsi", "receiver", "longitude")
    return Feed(every, pl.concat(truth).sort("mmsi", "off_from"))


def _route(number: int, random: np.random.Generator) -> list[tuple[float, float]]:
    """Return the waypoints of one ship, from its southern or eastern port to its northern end."""
    port = list(SOUTH_NORTH)[int(random.choice(5, p=[0.3, 0.25, 0.2, 0.15, 0.1]))]
    route = [*SOUTH_NORTH[port], *MIDDLE, *TO_ASTRAKHAN]
    return [*route, *TO_AZOV] if number % 8 == 7 else route


def _sail(mmsi: int, number: int, world: World, random: np.random.Generator) -> Feed:
    """Return one ship's heard positions and the times its set was off."""
    route = np.array(_route(number, random))
    legs_km = local_distance_km_array(route[:-1, 0], route[:-1, 1], route[1:, 0], route[1:, 1])
    along = np.concatenate([[0.0], np.cumsum(legs_km)])
    speed_kn = random.uniform(7.0, 11.0)
    sail_s = along[-1] / (speed_kn * KM_PER_NM) * 3600
    span_s = world.days * 86_400
    steps = np.sort(random.uniform(0, span_s, int(span_s / world.interval_s))).astype(np.int64)
    distance = np.empty(len(steps))
    is_off, moving = np.zeros((2, len(steps)), dtype=bool)
    offs: list[tuple[float, float]] = []
    clock, at_south = -random.uniform(0, sail_s), True
    while clock < span_s:
        stay_s = random.uniform(18, 70) * 3600
        inside = (steps >= clock) & (steps < clock + stay_s)
        distance[inside] = 0.0 if at_south else along[-1]
        goes_dark = at_south and bool(random.uniform() < world.off_share)
        if goes_dark:
            off_from = clock - random.uniform(0.5, 6) * 3600
            off_to = clock + stay_s + random.uniform(0.5, 6) * 3600
            is_off |= (steps >= off_from) & (steps < off_to)
            offs.append((off_from, off_to))
        clock += stay_s
        under_way = (steps >= clock) & (steps < clock + sail_s)
        share = (steps[under_way] - clock) / sail_s * along[-1]
        moving |= under_way
        distance[under_way] = share if at_south else along[-1] - share
        clock, at_south = clock + sail_s, not at_south
    lon = np.interp(distance, along, route[:, 0])
    lat = np.interp(distance, along, route[:, 1])
    return Feed(
        _hear(mmsi, steps, lon, lat, np.where(moving, speed_kn, 0.0), is_off, world, random),
        _truth(mmsi, offs, world),
    )


def _truth(mmsi: int, offs: list[tuple[float, float]], world: World) -> pl.DataFrame:
    instants = pl.DataFrame(
        {"off_s": [int(off) for off, _ in offs], "on_s": [int(on) for _, on in offs]},
        schema={"off_s": pl.Int64, "on_s": pl.Int64},
    )
    start = pl.lit(world.start)
    return instants.select(
        mmsi=pl.lit(mmsi),
        off_from=start + pl.duration(seconds="off_s"),
        off_to=start + pl.duration(seconds="on_s"),
    )


def _hear(
    mmsi: int,
    steps: np.ndarray,
    lon: np.ndarray,
    lat: np.ndarray,
    speed_kn: np.ndarray,
    is_off: np.ndarray,
    world: World,
    random: np.random.Generator,
) -> pl.DataFrame:
    """Return the positions somebody heard, with late, repeated and broken rows among them."""
    near = np.zeros(len(steps), dtype=bool)
    for south, north in COAST_LAT:
        near |= (lat >= south) & (lat <= north)
    coast = ~is_off & (random.uniform(size=len(steps)) < np.where(near, COAST_HEARS, SEA_HEARS))
    # A satellite passes for ten minutes in every six hours.
    space = ~is_off & ((steps // 600) % 36 == 0) & (random.uniform(size=len(steps)) < 0.6)
    noise = random.normal(0, 5e-5, (2, len(steps)))
    frame = pl.DataFrame(
        {
            "mmsi": np.full(len(steps), mmsi, dtype=np.int64),
            "timestamp": pl.Series(steps * 1_000_000).cast(pl.Duration("us")) + world.start,
            "longitude": np.round(lon + noise[0], 5),
            "latitude": np.round(lat + noise[1], 5),
            "sog": np.round(speed_kn + np.abs(random.normal(0, 0.05, len(steps))), 1),
            "cog": np.round(random.uniform(0, 359.9, len(steps)), 1),
            "nav_status": np.where(speed_kn > 0, 0, 5),
        }
    ).with_columns(ais_class=pl.lit("A"), message_type=pl.lit(1))
    broken = frame.with_columns(
        longitude=pl.lit(181.0), latitude=pl.lit(91.0), receiver=pl.lit("terrestrial")
    )
    return pl.concat(
        [
            frame.filter(coast).with_columns(receiver=pl.lit("terrestrial"), station=pl.lit("sim")),
            frame.filter(space).with_columns(receiver=pl.lit("satellite")),
            broken.filter(coast & (random.uniform(size=len(steps)) < 0.002)),
            # The same report from a second station: one sighting.
            frame.filter(coast & (random.uniform(size=len(steps)) < 0.05)).with_columns(
                receiver=pl.lit("terrestrial"), station=pl.lit("sim2")
            ),
        ],
        how="diagonal",
    )


def _statics(mmsi: int, number: int, world: World) -> pl.DataFrame:
    """Return a static report a day; the IMO numbers are valid and not in use (9990000 and up)."""
    return pl.select(
        mmsi=pl.lit(mmsi, dtype=pl.Int64),
        timestamp=pl.lit(world.start)
        + pl.duration(days=pl.int_range(world.days), hours=6, seconds=number),
        imo=pl.lit(valid_imo(999_000 + number), dtype=pl.Int64),
        name=pl.lit(f"SIMULATED {number:03d}"),
        ship_type=pl.lit(70 if number % 3 else 80, dtype=pl.Int64),
        length_m=pl.lit(140.0),
        beam_m=pl.lit(16.0),
        draught_m=pl.lit(4.1),
        ais_class=pl.lit("A"),
        message_type=pl.lit(5),
        receiver=pl.lit("terrestrial"),
        station=pl.lit("sim"),
    )


def valid_imo(six_digits: int) -> int:
    """Return the IMO number whose first six digits are given."""
    total = sum(
        int(digit) * weight
        for digit, weight in zip(f"{six_digits:06d}", range(7, 1, -1), strict=False)
    )
    return six_digits * 10 + total % 10


def write_feed(feed: Feed, out: Path) -> list[Path]:
    """Write a feed as canonical CSV, one folder a receiver kind, one file a half month."""
    written: list[Path] = []
    halves = feed.reports.with_columns(
        part=pl.col("timestamp").dt.strftime("%Y-%m-")
        + pl.when(pl.col("timestamp").dt.day() <= 15).then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    for (receiver, part), rows in halves.partition_by(
        "receiver", "part", as_dict=True, maintain_order=True, include_key=False
    ).items():
        path = out / f"simulated_{receiver}" / f"{part}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.with_columns(receiver=pl.lit(receiver)).write_csv(
            path, datetime_format="%Y-%m-%dT%H:%M:%SZ"
        )
        written.append(path)
    return sorted(written)
