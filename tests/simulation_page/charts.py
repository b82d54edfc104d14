"""What pictures share: how the page shows one, its file, the chart under it."""

from __future__ import annotations

from typing import Any

import matplotlib
import shapely
from matplotlib.axes import Axes

from tests.simulation_page.marks import PICTURES
from tests.simulation_page.waters import read_areas

matplotlib.use("Agg")


def show_picture(name: str, words: str) -> str:
    """Return the line of the page that shows a picture."""
    return f"![SIMULATED. {words}](simulation/{name}.png)"


def save_picture(figure: Any, name: str) -> None:
    """Write a figure as a picture of the page and close it."""
    from matplotlib import pyplot

    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(PICTURES / f"{name}.png", dpi=100, metadata={"Software": None})
    pyplot.close(figure)


SEA_BOX, WHOLE_BOX = (46.2, 36.2, 54.4, 47.4), (36.0, 36.0, 55.0, 50.0)


def draw_chart(axes: Axes, title: str, box: tuple[float, float, float, float]) -> None:
    """Draw shoreline and waterways."""
    for _, sea in read_areas("shoreline.geojson"):
        for polygon in getattr(sea, "geoms", [sea]):
            for ring in (polygon.exterior, *polygon.interiors):
                axes.plot(*shapely.get_coordinates(ring).T, color="#3b7ea8", lw=0.5)
    for _, line in read_areas("lines.geojson"):
        axes.plot(*shapely.get_coordinates(line).T, color="#7fb0cc", lw=1.0, zorder=0)
    west, south, east, north = box
    axes.set(xlim=(west, east), ylim=(south, north), title=title, aspect=1.34)
    axes.set(xlabel="degrees east", ylabel="degrees north")
    axes.grid(alpha=0.2)
    axes.annotate(
        "Shoreline (c) OpenStreetMap contributors, ODbL",
        (0.99, 0.005),
        xycoords="axes fraction",
        ha="right",
        fontsize=6,
    )
