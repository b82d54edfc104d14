"""Small worlds with known truth, and the published tables beside them, for tests of evaluate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline import schema
from pipeline.evaluate.hours import TrueHours, lay_out_hours
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import CALL_FOLDERS, CALL_TABLES, PROCESSED_TABLES, Run, read_run
from pipeline.simulate.truth import TRUTH_TABLES
from tests.builders import frame

START = datetime(2023, 1, 1)
MMSI = 273_000_000  # of vessel 0; vessel n has MMSI + n
Row = Mapping[str, Any]

USUAL_TRUTH: dict[str, Any] = {
    "flag": "RUS",
    "fleet": "merchant",
    "name": "NOBODY",
    "kind": "dark_call",
    "port": "astrakhan",
    "port_group": "astrakhan",
    "country": "RUS",
}
EMPTY: dict[Any, Any] = {
    pl.String: "",
    pl.Boolean: False,
    pl.Datetime: START,
    pl.Float64: 0.0,
    pl.Float32: 0.0,
}


def at(hours: float) -> datetime:
    """Return the instant some hours after the start of the world."""
    return START + timedelta(hours=hours)


def truth_frame(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Return a truth table; what a row does not say is filled."""
    columns = TRUTH_TABLES[name].columns()
    filled = [
        {
            column: row.get(
                column,
                None
                if what.nullable
                else USUAL_TRUTH.get(column, EMPTY.get(what.dtype.base_type(), 0)),
            )
            for column, what in columns.items()
        }
        for row in rows
    ]
    for number, row in enumerate(filled):
        if "plan" in row:
            row["plan"] = number
    return pl.DataFrame(filled, schema={name: what.dtype for name, what in columns.items()})


def ship_hours(
    count: int,
    vessels: int = 1,
    receptions: float | Sequence[float] | np.ndarray[Any, Any] = 2.0,
    **more: Any,
) -> pl.DataFrame:
    """Return `count` hours of each vessel; `receptions` (hours) or (vessels, hours) or one."""
    cells = np.broadcast_to(np.asarray(receptions, dtype=float), (vessels, count)).ravel()
    usual: dict[str, Any] = {
        "lon_deg": 50.0,
        "lat_deg": 42.0,
        "private": 1.0,
        "episode": 0,
        "off_s": 0,
        "inside_s": 3600,
    }
    columns = {
        "vessel": np.repeat(np.arange(vessels), count),
        "hour": np.tile(np.arange(count), vessels),
        "expected_terrestrial": cells,
        "expected_satellite": np.zeros(vessels * count),
        **{
            name: np.broadcast_to(np.asarray(more.get(name, value)), (vessels, count)).ravel()
            for name, value in usual.items()
        },
    }
    types = {name: what.dtype for name, what in TRUTH_TABLES["ship_hours"].columns().items()}
    return pl.DataFrame({name: pl.Series(columns[name]).cast(types[name]) for name in types})


def hours_of(
    table: pl.DataFrame, offs: Sequence[Row] = (), rules: EvaluationRules | None = None
) -> TrueHours:
    """Return the hours of a world made of `ship_hours` and rows of off_intervals."""
    off = truth_frame("off_intervals", offs)
    return lay_out_hours(table, off, START, rules or EvaluationRules())


def gap(off_h: float, on_h: float | None, vessel: int = 0, **more: Any) -> dict[str, Any]:
    """Return a gap of a vessel between two hours of the world; open without the second."""
    return {
        "mmsi": MMSI + vessel,
        "off_at": at(off_h),
        "on_at": None if on_h is None else at(on_h),
        "off_lon": 50.0,
        "off_lat": 42.0,
        "off_receiver": "terrestrial",
        "data_end": at(24 * 365),
        **more,
    }


def off(off_h: float, on_h: float, vessel: int = 0, **more: Any) -> dict[str, Any]:
    """Return an off time of a vessel between two hours of the world."""
    return {"vessel": vessel, "off_at": at(off_h), "on_at": at(on_h), **more}


def call(arrival_h: float, departure_h: float, vessel: int = 0, **more: Any) -> dict[str, Any]:
    """Return a dark headline call of a vessel between two hours of the world."""
    return {
        "vessel": vessel,
        "mmsi": MMSI + vessel,
        "arrival_at": at(arrival_h),
        "departure_at": at(departure_h),
        "is_dark": True,
        "is_crossing": True,
        "is_ru_ir_crossing": True,
        **more,
    }


def write_run(
    folder: Path,
    gaps: Sequence[Row],
    hours: pl.DataFrame,
    offs: Sequence[Row] = (),
    calls: Sequence[Row] = (),
    identities: Sequence[Row] | None = None,
    published: Mapping[str, Sequence[Row]] | None = None,
    **facts: Any,
) -> Run:
    """Write processed and truth folders below `folder`, and return them as they are read."""
    vessels = hours["vessel"].unique().sort().to_list()
    end = at(int(hours["hour"].to_numpy().max()) + 1)
    own = [{"vessel": one, "mmsi": MMSI + one, "to_at": end} for one in vessels]
    named = [{"call_id": number, **row} for number, row in enumerate(calls)]
    truth = {
        "ships": truth_frame("ships", [{"vessel": one} for one in vessels]),
        "identities": truth_frame("identities", own if identities is None else identities),
        "off_intervals": truth_frame("off_intervals", offs),
        "port_calls": truth_frame("port_calls", named),
        "ship_hours": hours,
    }
    world = {
        "is_simulated": True,
        "name": "test",
        "seed": 1,
        "start": START.isoformat() + "Z",
        "end": end.isoformat() + "Z",
        "rated_from": START.isoformat(),
        "private_shape": 2.0,
        **facts,
    }
    for name, table in truth.items():
        path = folder / "truth" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.write_parquet(path)
    (folder / "truth" / "world.json").write_text(json.dumps(world), "utf-8")
    rows = {"gaps": gaps, **(published or {})}
    (folder / "processed").mkdir(exist_ok=True)
    for name in (*PROCESSED_TABLES, *CALL_TABLES):
        table = frame(schema.TABLES[name], rows.get(name, []))
        table.write_parquet(folder / "processed" / f"{name}.parquet")
    for name in CALL_FOLDERS:
        (folder / "processed" / name).mkdir(exist_ok=True)
        table = frame(schema.TABLES[name], rows.get(name, []))
        table.write_parquet(folder / "processed" / name / "2023-01.parquet")
    manifest = {"is_simulated": True, "data_end": end.isoformat() + "Z"}
    (folder / "processed" / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return read_run(folder / "processed", folder / "truth")


def random_world(
    folder: Path, seed: int, vessels: int = 12, gaps_each: int = 40, **facts: Any
) -> Run:
    """Write a world in which gaps truly arise as METHOD 4 says: silences of on and off sets.

    Every gap begins at its vessel's n-th slot of 120 hours. A quarter of the sets go off there for
    a log-normal time about 20 h long; the gap ends with the first reception drawn from the hours'
    rates, private factor included. Slots are the episodes. As each gap begins with a reception,
    the factor there is Gamma of shape + 1.
    """
    random = np.random.default_rng(seed)
    slot, count = 120, gaps_each * 120
    rates = random.gamma(0.5, 0.6, (vessels, count))
    private = np.repeat(random.gamma(3.0, 0.5, (vessels, gaps_each)), slot, axis=1)
    episode = np.repeat(np.arange(gaps_each), slot)
    gaps: list[dict[str, Any]] = []
    offs: list[dict[str, Any]] = []
    for vessel in range(vessels):
        for number in range(gaps_each):
            begin = number * slot
            away = float(np.clip(random.lognormal(3.0, 0.4), 5, 80))
            is_off = random.random() < 0.25
            if is_off:
                offs.append(off(begin, begin + away, vessel))
            # The first reception after the return: exponential in received expectation.
            silent_until = begin + (away if is_off else 0.0)
            end = _first_reception(rates[vessel] * private[vessel], silent_until, random)
            if begin + 4 <= end < begin + slot:
                gaps.append(gap(begin, end, vessel))
    return write_run(
        folder,
        gaps,
        ship_hours(count, vessels, rates, private=private, episode=episode),
        offs,
        **{"seed": seed, **facts},
    )


def _first_reception(rates: np.ndarray[Any, Any], from_h: float, random: Any) -> float:
    edges = np.append(0.0, np.cumsum(rates))
    hours = np.arange(len(edges))
    start = np.interp(from_h, hours, edges)
    return float(np.interp(start + random.exponential(), edges, hours, right=np.inf))
