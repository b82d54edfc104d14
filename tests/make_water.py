"""Draws the water network into docs/geo/*.png: `make geo` after a change, then look at them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm

from pipeline.water import Water, load_water
from tests.night import GEO, REPOSITORY
from tests.water_figures import HARBOURS

matplotlib.use("Agg")

REGION = (37.0, 36.3, 54.5, 49.2)
VIEWS = [
    ("the whole network", REGION),
    ("off Absheron: finer near land and ports", (49.2, 39.6, 51.4, 41.0)),
    ("the Volga-Caspian canal and its roads", (47.0, 44.5, 48.5, 46.0)),
]
TARGETS = ("astrakhan", "amirabad", "anzali")
SPEED_KN = 10.0
CREDIT = "Caspian shoreline (c) OpenStreetMap contributors, ODbL"


def draw_land(axes: Axes, water: Water, box: tuple[float, ...]) -> None:
    assert water.network is not None
    for polygon in shapely.get_parts(water.network.water):
        axes.fill(*polygon.exterior.xy, facecolor="#dcecf6", edgecolor="#3b7ea8", lw=0.5)
        for ring in polygon.interiors:
            axes.fill(*ring.xy, facecolor="white", edgecolor="#3b7ea8", lw=0.4)
    west, south, east, north = box
    axes.set(xlim=(west, east), ylim=(south, north), aspect=1.4)
    axes.set(xlabel="degrees east", ylabel="degrees north")


def draw_mesh(water: Water, folder: Path) -> Path:
    from matplotlib import pyplot

    assert water.network is not None
    network = water.network
    places = np.column_stack((network.lon, network.lat))
    edges = np.stack((places[network.start], places[network.end]), axis=1)
    is_avoided = network.edges["avoided"].is_not_null().to_numpy()
    layout: Any = [["whole", "absheron"], ["whole", "canal"]]
    figure, panels = pyplot.subplot_mosaic(
        layout, figsize=(15, 9), width_ratios=(1.6, 1), layout="constrained"
    )
    for name, (title, box) in zip(("whole", "absheron", "canal"), VIEWS, strict=True):
        axes = panels[name]
        draw_land(axes, water, box)
        is_whole = name == "whole"
        for chosen, colour, wide in (
            (~network.is_river & ~is_avoided & (not is_whole), "#5b7fa6", 0.25),
            (is_avoided, "#c0603a", 0.1 if is_whole else 0.25),
            (network.is_river, "#123d12", 1.2),
        ):
            axes.add_collection(LineCollection(list(edges[chosen]), colors=colour, linewidths=wide))
        axes.scatter(*places.T, s=1.5 if is_whole else 3, color="#1d2f45", lw=0, zorder=3)
        for lat, lon in HARBOURS.values():
            axes.plot(lon, lat, "o", ms=4, color="#e0584f", zorder=4)
        axes.set_title(title)
    caption = "blue: open water; brown: avoided where a way round is not much longer; green: rivers"
    return save(figure, folder / "water_mesh.png", f"{caption}; ")


def draw_hours(water: Water, folder: Path) -> Path:
    from matplotlib import pyplot

    assert water.network is not None
    network = water.network
    hours = water.hours_to(TARGETS, np.arange(len(network.lon)), SPEED_KN)
    norm = BoundaryNorm(np.arange(0, 157, 12), 256)
    figure, panels = pyplot.subplots(1, 3, figsize=(16, 5.6), sharey=True, layout="constrained")
    for axes, target, values in zip(panels, TARGETS, hours.T, strict=True):
        draw_land(axes, water, REGION)
        dots = axes.scatter(
            network.lon, network.lat, c=values, s=7, lw=0, cmap="turbo_r", norm=norm
        )
        lat, lon = HARBOURS[target]
        axes.plot(lon, lat, "*", ms=14, color="black", mec="white")
        axes.set_title(f"hours to {target} at {SPEED_KN:g} kn, usual way")
    figure.colorbar(dots, ax=panels, label="hours", shrink=0.9)
    return save(figure, folder / "water_hours.png")


def save(figure: Any, path: Path, caption: str = "") -> Path:
    from matplotlib import pyplot

    figure.supxlabel(f"{caption}{CREDIT}", fontsize=8)
    figure.savefig(path, dpi=80, metadata={"Software": None})
    pyplot.close(figure)
    return path


def main() -> None:
    """Draw both pictures."""
    water = load_water(GEO)
    folder = REPOSITORY / "docs" / "geo"
    for draw in (draw_mesh, draw_hours):
        print(draw(water, folder).relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
