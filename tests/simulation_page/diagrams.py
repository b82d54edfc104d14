"""Pictures over time: daily silences, and the life of one dark call."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tests.simulation_page.charts import save_picture
from tests.simulation_page.measured import Scene
from tests.simulation_page.silences import PUBLISHED_SILENCES_H
from tests.simulation_page.waters import Hours, name_port


def draw_silences(silences: pl.DataFrame) -> None:
    """Draw the distribution of daily silences beside the two published figures."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5.5))
    for words, part in (
        ("all honest merchants", silences),
        ("without the weak sets", silences.filter(~pl.col("is_weak"))),
    ):
        hours = np.sort(part["silence_h"].to_numpy())
        axes.plot(hours, (np.arange(len(hours)) + 1) / len(hours), label=words)
    for hours, share in zip(PUBLISHED_SILENCES_H, (0.5, 0.9), strict=True):
        axes.plot(hours, share, "ko")
        axes.annotate(
            f"published: {hours} h", (hours, share), xytext=(8, -12), textcoords="offset points"
        )
    axes.set(
        title="SIMULATED: longest daily silence of an honest ship heard by satellite alone",
        xlabel="longest silence of a UTC day, h (24: no position all day)",
        ylabel="share of ship-days at most as long",
        xlim=(0, 24.5),
        ylim=(0, 1.02),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    save_picture(figure, "silences")


def pick_dark_call(scene: Scene) -> dict[str, Any]:
    """Return a dark headline call in mid-world, one with few sightings of its vessel missing."""
    lone = scene.truth("ships", "vessel", "shares_mmsi").filter(~pl.col("shares_mmsi"))
    day = timedelta(days=20)
    calls = (
        scene.truth("port_calls")
        .join(lone, on="vessel")
        .filter("is_dark", pl.col("fleet") == "merchant", pl.col("kind") == "cargo")
        .filter(pl.col("arrival_at").is_between(scene.world.start + day, scene.world.end - day))
        .sort(pl.col("is_ru_ir_crossing"), "call_id", descending=[True, False])
    )
    return next(iter(calls.iter_rows(named=True)))


def draw_dark_call(scene: Scene) -> None:
    """Draw the life of one dark call: distance from the port, receptions, time off, stay."""
    from matplotlib import pyplot

    call = pick_dark_call(scene)
    margin = timedelta(days=4)
    begin, end = call["arrival_at"] - margin, call["departure_at"] + margin
    first_s, last_s = ((at - scene.world.start).total_seconds() for at in (begin, end))
    line = scene.timelines[call["vessel"]]
    port = scene.stage.waters.ports[call["port"]]
    at_s = np.linspace(first_s, last_s, 2000)
    figure, axes = pyplot.subplots(figsize=(13, 6))
    away_nm = _away_nm(*line.locate(at_s), port.lon_deg, port.lat_deg)
    axes.plot(_instants(scene, at_s), away_nm, color="#888888", lw=1, label="truth")
    seen = scene.heard.filter(
        pl.col("vessel") == call["vessel"], pl.col("seen_at").is_between(begin, end)
    )
    for kind, is_satellite, style in (("terrestrial", False, "|"), ("satellite", True, "x")):
        part = seen.filter(pl.col("is_satellite") == is_satellite)["seen_at"].to_numpy()
        heard_s = (part - np.datetime64(scene.world.start, "us")) / np.timedelta64(1, "s")
        away_nm = _away_nm(*line.locate(heard_s), port.lon_deg, port.lat_deg)
        axes.plot(part, away_nm, style, ms=7, label=f"heard, {kind} ({len(part)})")
    offs = scene.truth("off_intervals").filter(
        pl.col("vessel") == call["vessel"], pl.col("on_at") > begin, pl.col("off_at") < end
    )
    for number, row in enumerate(offs.iter_rows(named=True)):
        span = max(row["off_at"], begin), min(row["on_at"], end)
        label = None if number else "set off"
        axes.axvspan(*span, color="#e0584f", alpha=0.2, label=label)
    stay = call["arrival_at"], call["departure_at"]
    axes.axvspan(*stay, ymax=0.06, color="#333333", label="stay in port")
    name = name_port(call["port"])
    axes.set(
        title=f"SIMULATED: a dark call at {name} (vessel {call['vessel']}, {call['flag']})",
        ylabel=f"distance from {name}, nm (straight)",
        xlim=(begin, end),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center")
    figure.autofmt_xdate()
    save_picture(figure, "dark_call")


def _instants(scene: Scene, at_s: Hours) -> NDArray[np.datetime64]:
    step = np.timedelta64(1, "s")
    return np.datetime64(scene.world.start, "us") + at_s.astype(np.int64) * step


def _away_nm(lon_deg: Hours, lat_deg: Hours, to_lon_deg: float, to_lat_deg: float) -> Hours:
    """Return distances on a local plane, good enough for a picture."""
    narrow = math.cos(math.radians(to_lat_deg))
    return 60 * np.hypot((lon_deg - to_lon_deg) * narrow, lat_deg - to_lat_deg)
