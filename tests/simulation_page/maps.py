"""Pictures of the region: tracks, sightings by receiver, the chance of being heard."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes

from tests.simulation_page.charts import SEA_BOX, WHOLE_BOX, draw_chart, save_picture
from tests.simulation_page.measured import DAY_S, Scene

FEWEST_CELL_HOURS = 20
# One vessel each, the first of its fleet, flag and habit: (fleet, flag, habit).
SHOWN = (
    ("merchant", "RUS", "crossing"),
    ("merchant", "IRN", "crossing"),
    ("merchant", "RUS", "volga_don"),
    ("merchant", "RUS", "volga_up"),
    ("merchant", "KAZ", "tanker_aktau"),
    ("merchant", "TKM", "turkmen_dry"),
    ("merchant", "AZE", "baku_iran"),
    ("ferry", "AZE", "ferry_alat_turkmenbashi"),
    ("service", "RUS", "tug_tow"),
    ("naval", "RUS", "naval"),
    ("fishing", "IRN", "fishing"),
    ("fishing", "RUS", "fishing"),
    ("class_b", "AZE", "class_b"),
)


def draw_tracks(scene: Scene) -> None:
    """Draw the true tracks of a dozen vessels over 90 days, the sea beside the whole region."""
    from matplotlib import pyplot

    figure, (whole, sea) = pyplot.subplots(1, 2, figsize=(18, 11), width_ratios=(1.45, 1))
    until_s = 90.0 * DAY_S
    draw_chart(whole, "SIMULATED: true tracks of some vessels, 90 days", WHOLE_BOX)
    draw_chart(sea, "SIMULATED: the same, the sea", SEA_BOX)
    colours = matplotlib.colormaps["tab20"]
    for place, key in enumerate(SHOWN):
        found = [
            one for one in scene.vessels if (one.fleet, one.identities[0].flag, one.habit) == key
        ]
        if not found:
            continue
        line = scene.timelines[found[0].number]
        knots_s = np.unique(np.append(line.at_s[(line.at_s > 0) & (line.at_s < until_s)], until_s))
        for axes in (whole, sea):
            axes.plot(
                *line.locate(knots_s), color=colours(place), lw=0.9, label=f"{key[1]} {key[2]}"
            )
    for port in scene.stage.waters.ports.values():
        for axes in (whole, sea):
            axes.plot(port.lon_deg, port.lat_deg, "s", ms=3, color="#e0584f")
        if SEA_BOX[0] < port.lon_deg:
            name = port.id.removeprefix("port_")
            sea.annotate(name, (port.lon_deg, port.lat_deg), fontsize=7, clip_on=True)
    whole.legend(fontsize=8, loc="upper right")
    save_picture(figure, "tracks")


def draw_receptions(scene: Scene) -> None:
    """Draw sightings a cell of 0.1 degree by kind of receiver, side by side."""
    from matplotlib import pyplot
    from matplotlib.colors import LogNorm

    cell = 0.1
    counted = (
        scene.positions()
        .group_by(
            "receiver",
            x=_find_cells("lon", cell),
            y=_find_cells("lat", cell),
        )
        .len()
        .collect()
    )
    figure, panels = pyplot.subplots(1, 2, figsize=(18, 8))
    most = float(counted["len"].to_numpy().max())
    for axes, kind in zip(panels, ("terrestrial", "satellite"), strict=True):
        draw_chart(axes, f"SIMULATED: sightings by {kind} receivers, a 0.1 degree cell", WHOLE_BOX)
        part = counted.filter(pl.col("receiver") == kind)
        mesh = _draw_cells(axes, part, "len", cell, norm=LogNorm(1, most), cmap="viridis")
        if kind == "terrestrial":
            for one in scene.world.radio.stations.table:
                axes.plot(one.lon_deg, one.lat_deg, "^", ms=4, color="#e0584f")
        figure.colorbar(mesh, ax=axes, shrink=0.6, label="sightings")
    save_picture(figure, "receptions")


def draw_chance(scene: Scene) -> None:
    """Draw the mean chance of being heard in an hour by cell of 0.25 degree."""
    from matplotlib import pyplot

    cell = 0.25
    expected = pl.col("expected_terrestrial") + pl.col("expected_satellite")
    cells = (
        scene.truth(
            "ship_hours", "lon_deg", "lat_deg", "expected_terrestrial", "expected_satellite"
        )
        .group_by(
            x=_find_cells("lon_deg", cell),
            y=_find_cells("lat_deg", cell),
        )
        .agg(chance=(1 - (-expected).exp()).mean(), hours=pl.len())
        .filter(pl.col("hours") >= FEWEST_CELL_HOURS)
    )
    figure, axes = pyplot.subplots(figsize=(12, 8.5))
    title = "SIMULATED: chance that a ship whose set is on is heard within an hour"
    draw_chart(axes, title, WHOLE_BOX)
    mesh = _draw_cells(axes, cells, "chance", cell, vmin=0, vmax=1, cmap="magma")
    figure.colorbar(mesh, ax=axes, shrink=0.6, label="mean of 1 - exp(-expected receptions)")
    save_picture(figure, "chance")


def _find_cells(name: str, cell: float) -> pl.Expr:
    """Return the numbers of the cells that degrees lie in."""
    return (pl.col(name) / cell).floor().cast(pl.Int32)


def _draw_cells(axes: Axes, cells: pl.DataFrame, name: str, cell: float, **style: Any) -> Any:
    """Draw values by cell (columns x, y) and return what a colour bar wants."""
    x, y = cells["x"].to_numpy(), cells["y"].to_numpy()
    grid = np.full((y.max() - y.min() + 1, x.max() - x.min() + 1), np.nan)
    grid[y - y.min(), x - x.min()] = cells[name].to_numpy()
    edges = [cell * np.arange(of.min(), of.max() + 2) for of in (x, y)]
    return axes.pcolormesh(*edges, grid, **style)
