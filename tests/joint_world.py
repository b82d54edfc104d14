"""Hand-made gaps on the real waters, for the tests of `pipeline.joint`: SIMULATED hours of ships.

A few ships lie at every place of the Caspian that matters and are heard as often as a test says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from pipeline import reception
from pipeline.joint.routes import find_ports
from pipeline.reception import Learned
from pipeline.rules import Rules
from pipeline.water import Water

RULES = Rules()
START = datetime(2023, 5, 1)
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)
HOURS = 30 * 24
Place = tuple[float, float]


def hours_of(
    mmsi: int,
    heard: np.ndarray,
    place: Place | Sequence[Place],
    *,
    sog_kn: float = 0.0,
) -> pl.DataFrame:
    """Return the hours in which a ship was heard, at one place or one place each hour heard."""
    at = np.flatnonzero(heard)
    size = len(at)
    where = np.broadcast_to(np.array(place, np.float64), (size, 2))
    return pl.DataFrame(
        {
            "mmsi": np.full(size, mmsi, np.int32),
            "track": np.zeros(size, np.int64),
            "hour": [START + int(hour) * HOUR for hour in at],
            "lon": where[:, 0].copy(),
            "lat": where[:, 1].copy(),
            "sog_kn": np.full(size, sog_kn, np.float32),
            "is_class_b": np.zeros(size, bool),
            "terrestrial": np.ones(size, bool),
            "satellite": np.zeros(size, bool),
            "is_outside": np.zeros(size, bool),
            "area": ["caspian"] * size,
            "port_group": ["none"] * size,
        }
    )


def draw(chance: float, seed: int) -> np.ndarray:
    """Return in which hours a ship is heard; in the first and last it always is."""
    heard = np.random.default_rng(seed).random(HOURS) < chance
    heard[0] = heard[-1] = True
    return heard


def watch(chances: Mapping[Place, float], ships: int = 4) -> list[pl.DataFrame]:
    """Return ships that lie at places, heard with these chances an hour, on and half under way."""
    found: list[pl.DataFrame] = []
    for number, (place, chance) in enumerate(chances.items()):
        for one in range(ships):
            heard = draw(chance, 100 * number + one)
            sog_kn = 8.0 if one % 2 else 0.0
            found.append(hours_of(1_000 + 100 * number + one, heard, place, sog_kn=sog_kn))
    return found


def gap_of(
    mmsi: int,
    begin: int,
    end: int,
    off: Place,
    on: Place,
    *,
    sog_kn: float = 8.0,
    p_off: float | None = 0.5,
    cause: str | None = "unexplained",
) -> pl.DataFrame:
    """Return one closed gap between two hours, with the columns of table gaps that are read."""
    return pl.DataFrame(
        {
            "gap_id": [f"{mmsi}-{begin:04}"],
            "mmsi": [mmsi],
            "track": [0],
            "fleet": ["merchant"],
            "off_at": [START + begin * HOUR + HALF],
            "on_at": [START + end * HOUR + HALF],
            "off_lon": [off[0]],
            "off_lat": [off[1]],
            "on_lon": [on[0]],
            "on_lat": [on[1]],
            "off_sog_kn": [sog_kn],
            "off_cog_deg": [None],
            "on_sog_kn": [sog_kn],
            "on_cog_deg": [None],
            "off_area": ["caspian"],
            "cause": [cause],
            "p_off": [p_off],
        },
        schema_overrides={
            "mmsi": pl.Int32,
            "track": pl.Int64,
            "off_at": pl.Datetime("us"),
            "on_at": pl.Datetime("us"),
            "off_sog_kn": pl.Float64,
            "on_sog_kn": pl.Float64,
            "off_cog_deg": pl.Float64,
            "on_cog_deg": pl.Float64,
            "p_off": pl.Float64,
            "cause": pl.String,
        },
    )


def ship_with(gap: pl.DataFrame, *, chance: float = 0.9, sog_kn: float = 8.0) -> pl.DataFrame:
    """Return the hours of the ship of one gap: at its off point before, at its on point after."""
    row = gap.row(0, named=True)
    begin, end = (int((row[name] - START) / HOUR) for name in ("off_at", "on_at"))
    heard = draw(chance, row["mmsi"])
    heard[begin : end + 1] = False
    heard[[begin, end]] = True
    at = np.flatnonzero(heard)
    off, on = (np.array([row[f"{one}_lon"], row[f"{one}_lat"]]) for one in ("off", "on"))
    places = np.where((at <= begin)[:, None], off, on)
    return hours_of(row["mmsi"], heard, places, sog_kn=sog_kn)  # pyright: ignore[reportArgumentType]


def teach(ships: list[pl.DataFrame]) -> Learned:
    """Return what these hours teach."""
    end = START + HOURS * HOUR
    nobody = pl.DataFrame(schema={"mmsi": pl.Int32, "track": pl.Int64})
    return reception.learn(
        reception.lay_out(pl.concat(ships), nobody, end, RULES.reception), RULES.reception
    )


def judge(gaps: pl.DataFrame, learned: Learned) -> pl.DataFrame:
    """Return gaps with the p_off of the direct way, as a night judges them."""
    end = START + HOURS * HOUR
    found = reception.judge_gaps(gaps, learned, 6, end, RULES.reception)
    return gaps.drop("p_off").join(found.select("gap_id", "p_off"), on="gap_id", how="left")


def candidates_of(gaps: pl.DataFrame, hours: Mapping[str, tuple[float, float]]) -> pl.DataFrame:
    """Return a candidate of every gap for each group: usual hours to it and from it."""
    duration_h = (pl.col("on_at") - pl.col("off_at")).dt.total_seconds() / 3600
    groups = pl.DataFrame(
        {
            "port_group": list(hours),
            "country": ["XXX"] * len(hours),
            "usual_to_h": [float(to_h) for to_h, _ in hours.values()],
            "usual_from_h": [float(from_h) for _, from_h in hours.values()],
        },
        schema={
            "port_group": pl.String,
            "country": pl.String,
            "usual_to_h": pl.Float64,
            "usual_from_h": pl.Float64,
        },
    )
    return (
        gaps.select("gap_id", "off_at", "on_at", duration_h=duration_h)
        .join(groups, how="cross")
        .with_columns(
            to_h=pl.col("usual_to_h") * 0.6,
            from_h=pl.col("usual_from_h") * 0.6,
            usual_direct_h=pl.lit(4.0),
            detour_km=(pl.col("usual_to_h") + pl.col("usual_from_h")) * 10.0,
            season_unknown=pl.lit(value=False),
        )
        .with_columns(
            slack_h=pl.col("duration_h") - pl.col("to_h") - pl.col("from_h"),
            window_from=pl.col("off_at") + pl.duration(hours="to_h"),
            window_to=pl.col("on_at") - pl.duration(hours="from_h"),
        )
    )


def plain_candidates(gaps: pl.DataFrame, water: Water) -> pl.DataFrame:
    """Return every group that a ship of 10 kn could have called at for 4 h."""
    groups = find_ports(water)["port_group"].to_list()
    off, on = (water.snap(gaps[f"{end}_lon"], gaps[f"{end}_lat"])[0] for end in ("off", "on"))
    direct_h = water.between_km(off, on) / 18.52
    hours = {
        f"usual_{name}_h": water.hours_to(groups, nodes, 10.0).ravel()
        for name, nodes in (("to", off), ("from", on))
    }
    size = len(groups)
    duration_h = (pl.col("on_at") - pl.col("off_at")).dt.total_seconds() / 3600
    return (
        gaps.select("gap_id", duration_h=duration_h)[np.repeat(np.arange(gaps.height), size)]
        .with_columns(
            port_group=pl.Series(groups * gaps.height, dtype=pl.String),
            usual_direct_h=np.repeat(direct_h, size),
            **{name: pl.Series(values) for name, values in hours.items()},
        )
        .filter(pl.col("duration_h") - pl.col("usual_to_h") - pl.col("usual_from_h") >= 4)
    )


def sail(
    mmsi: int, ports: Sequence[str], water: Water, *, first_h: int = 0, stay_h: int = 20
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the hours of a lit ship that sails from port to port at 10 kn, and its stays."""
    table = find_ports(water)
    place = {row["port_group"]: (row["lon"], row["lat"], row["node"]) for row in table.to_dicts()}
    rows: list[tuple[int, float, float, float]] = []
    stays: list[tuple[str, int, int]] = []
    hour = first_h
    for group, after in zip(ports, [*ports[1:], None], strict=True):
        lon, lat, node = place[group]
        stays.append((group, hour, hour + stay_h))
        rows += [(hour + at, lon, lat, 0.0) for at in range(stay_h)]
        hour += stay_h
        if after is None:
            continue
        way = water.paths([node], [place[after][2]])
        takes_h = int(way.length_km[0] / 18.52) + 1
        km = np.arange(takes_h) / takes_h * way.length_km[0]
        lons, lats = water.place_along(way, np.zeros(takes_h, np.int64), km)
        rows += [(hour + at, float(lons[at]), float(lats[at]), 10.0) for at in range(1, takes_h)]
        hour += takes_h
    heard = np.zeros(hour + 1, np.bool_)
    heard[[at for at, *_ in rows]] = True
    places = [(lon, lat) for _, lon, lat, _ in rows]
    hours = hours_of(mmsi, heard, places).with_columns(
        sog_kn=pl.Series([speed for *_, speed in rows], dtype=pl.Float32)
    )
    known = pl.DataFrame(
        {
            "mmsi": np.full(len(stays), mmsi, np.int32),
            "port_group": [group for group, _, _ in stays],
            "entered_at": [START + begin * HOUR for _, begin, _ in stays],
            "left_at": [START + end * HOUR for _, _, end in stays],
        },
        schema_overrides={"entered_at": pl.Datetime("us"), "left_at": pl.Datetime("us")},
    )
    return hours, known
