"""Where a ship was, hour by hour, if it called at a port group on its way (METHOD 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import shapely

from pipeline.areas_shores import group_of
from pipeline.joint.steps import Stretches
from pipeline.reception.window import Bools, Floats, Ints
from pipeline.water import Water

LEAST_LEG_H = 1e-6  # of a way that takes no time


@dataclass(frozen=True, eq=False)
class Routes:
    """Ways through port groups, one a pair of gap and group.

    Attributes:
        gap: number of the gap (pairs).
        group: number of the group in `find_ports` (pairs).
        off_node, on_node: nodes of the gap's ends (pairs).
        duration_h: of the gap (pairs).
        to_h, from_h: usual hours to the group and from it (pairs).
        stay_lon, stay_lat: where the ship lay there, deg (pairs).
    """

    gap: Ints
    group: Ints
    off_node: Ints
    on_node: Ints
    duration_h: Floats
    to_h: Floats
    from_h: Floats
    stay_lon: Floats
    stay_lat: Floats


def find_ports(water: Water) -> pl.DataFrame:
    """Return a row per port group, by name: port_group, lon, lat (deg), node.

    The place is a point within the largest port of the group.
    """
    largest: dict[str, tuple[float, str, float, float]] = {}
    for each in water.areas.folder.features:
        if each.kind == "port":
            at = shapely.point_on_surface(each.polygon)
            mine = (-each.polygon.area, each.id, float(at.x), float(at.y))
            largest[group_of(each)] = min(mine, largest.get(group_of(each), mine))
    groups = sorted(largest)
    lon = np.array([largest[group][2] for group in groups])
    lat = np.array([largest[group][3] for group in groups])
    return pl.DataFrame(
        {"port_group": groups, "lon": lon, "lat": lat, "node": water.snap(lon, lat)[0]},
        schema={
            "port_group": pl.String,
            "lon": pl.Float64,
            "lat": pl.Float64,
            "node": pl.Int64,
        },
    )


def shorten_legs(routes: Routes, min_visit_h: float) -> tuple[Floats, Floats]:
    """Return the hours to and from each group, such that a stay of `min_visit_h` fits in.

    A group that is reached only faster than usual is sailed to evenly as much faster.
    """
    sailed_h = routes.to_h + routes.from_h
    room_h = np.maximum(routes.duration_h - min_visit_h, 0)
    by = np.minimum(1, room_h / np.maximum(sailed_h, LEAST_LEG_H))
    return routes.to_h * by, routes.from_h * by


def place_hours(
    routes: Routes,
    ways: Stretches,
    after_h: Floats,
    ports: pl.DataFrame,
    water: Water,
    min_visit_h: float,
) -> tuple[Floats, Floats, Bools]:
    """Return longitude, latitude (deg) and whether under way of every hour of ways.

    The ship sails to the port by the usual way, stays until it must leave, and sails on. A way by
    water is looked up with all waterways open; where there is none the ship is in the port.

    Args:
        routes: the pairs.
        ways: their hours.
        after_h: hours since the off point (hours of all ways).
        ports: `find_ports`.
        water: ways.
        min_visit_h: the shortest stay.
    """
    to_h, from_h = shorten_legs(routes, min_visit_h)
    pair = ways.number
    leaves_h = (routes.duration_h - from_h)[pair]
    is_first, is_last = after_h < to_h[pair], after_h > leaves_h
    done = np.where(
        is_first,
        1 - after_h / np.maximum(to_h[pair], LEAST_LEG_H),
        (after_h - leaves_h) / np.maximum(from_h[pair], LEAST_LEG_H),
    )
    port_node = ports["node"].to_numpy()
    lon, lat = routes.stay_lon[pair], routes.stay_lat[pair]
    sails = np.flatnonzero(is_first | is_last)
    end = np.where(is_first[sails], routes.off_node[pair[sails]], routes.on_node[pair[sails]])
    # Ways begin at the few ports: one tree of ways each.
    key = routes.group[pair[sails]] << 32 | end
    distinct, which = np.unique(key, return_inverse=True)
    paths = water.paths(port_node[distinct >> 32], distinct & 0xFFFFFFFF)
    km = done[sails] * paths.length_km[which]
    way_lon, way_lat = water.place_along(paths, which, np.where(np.isfinite(km), km, 0.0))
    is_known = np.isfinite(way_lon)
    lon[sails[is_known]], lat[sails[is_known]] = way_lon[is_known], way_lat[is_known]
    return lon, lat, is_first | is_last
