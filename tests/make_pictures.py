"""Draws the areas of geo/ into docs/geo/*.png: `make geo` after a change, then look at them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from shapely.geometry import MultiPolygon, Polygon, shape

from tests.night import GEO, REPOSITORY

matplotlib.use("Agg")

COLOURS = {
    "sea": "#cfe6f5",
    "bay": "#b9d9ee",
    "reservoir": "#cfe9c4",
    "river": "#b7dcb4",
    "canal": "#7fc4ac",
    "port": "#e0584f",
    "roads": "#e8a849",
    "exit": "#c7a3dc",
}
# File name -> title, box in degrees, width in inches.
VIEWS = {
    "region": (
        "Areas of geo/: fences, ports, roads, exits and the region",
        (36, 35.7, 55.3, 50),
        11,
    ),
    "delta": (
        "Volga delta: Volga-Caspian canal, Astrakhan, Olya and the roads",
        (47, 44.5, 48.7, 46.9),
        8,
    ),
    "volga_don": (
        "Volga-Don waterway: canal, Tsimlyansk reservoir, lower Don, Taganrog Bay, exits",
        (36.5, 45.9, 45.6, 49.6),
        16,
    ),
}


def read(name: str) -> list[dict[str, Any]]:
    return json.loads((GEO / name).read_text("utf-8"))["features"]


def polygons(feature: dict[str, Any]) -> list[Polygon]:
    geometry = shape(feature["geometry"])
    if isinstance(geometry, MultiPolygon):
        return list(geometry.geoms)
    return [geometry] if isinstance(geometry, Polygon) else []


def fill(axes: Axes, feature: dict[str, Any], colour: str, **style: Any) -> None:
    for polygon in polygons(feature):
        axes.fill(*polygon.exterior.xy, facecolor=colour, edgecolor="#444444", lw=0.5, **style)


def draw(view: str, folder: Path) -> Path:
    """Draw one view and return the file."""
    from matplotlib import pyplot

    title, (west, south, east, north), width = VIEWS[view]
    height = width * (north - south) / (east - west) * 1.45
    figure, axes = pyplot.subplots(figsize=(width, height), dpi=100)
    for name in ("caspian_sea", "waterways", "ports", "exits"):
        for feature in read(f"{name}.geojson"):
            kind = feature["properties"]["kind"]
            fill(axes, feature, COLOURS[kind], alpha=0.6)
            centre = shape(feature["geometry"]).representative_point()
            is_in_view = west < centre.x < east and south < centre.y < north
            if (
                is_in_view
                and kind in ("port", "exit", "roads")
                and (view != "region" or kind == "exit")
            ):
                axes.annotate(feature["properties"]["id"], (centre.x, centre.y), fontsize=7)
    for feature in read("shoreline.geojson"):
        for polygon in polygons(feature):
            for ring in (polygon.exterior, *polygon.interiors):
                axes.plot(*ring.xy, color="#3b7ea8", lw=0.5)
    for feature in read("lines.geojson"):
        axes.plot(*shape(feature["geometry"]).xy, color="#123d12", lw=1, marker=".", ms=2)
    for feature in read("region.geojson"):
        for polygon in polygons(feature):
            axes.plot(*polygon.exterior.xy, color="#333333", lw=0.9, ls=":")
    axes.set(xlim=(west, east), ylim=(south, north), title=title)
    axes.set(xlabel="degrees east", ylabel="degrees north", aspect=1.45)
    axes.grid(alpha=0.2)
    axes.legend(handles=[Patch(color=colour, label=kind) for kind, colour in COLOURS.items()])
    figure.text(
        0.99,
        0.005,
        "Caspian shoreline (c) OpenStreetMap contributors, ODbL",
        ha="right",
        fontsize=7,
    )
    path = folder / f"{view}.png"
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    pyplot.close(figure)
    return path


def main() -> None:
    """Draw all views."""
    folder = REPOSITORY / "docs" / "geo"
    folder.mkdir(parents=True, exist_ok=True)
    for view in VIEWS:
        print(draw(view, folder).relative_to(REPOSITORY))


if __name__ == "__main__":
    main()
