"""The two ends of gaps on the water network: hours from there to every port group (METHOD 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.areas_shores import Shore, distances_m
from pipeline.geodesy import KM_PER_NM, FloatArray, arc_km, local_distance_km_array
from pipeline.water import Water
from pipeline.water_fields import nodes_of
from pipeline.water_folder import Nodes
from pipeline.water_ways import Closed

NO_EXIT = -1


@dataclass(frozen=True, eq=False)
class End:
    """One end of each gap.

    Args:
        nodes: node of the network.
        offset_km: how far the point is from it.
        straight_km: straight distances (points, groups), 0 in a port.
        exit: number of the exit the ship has gone through to be outside; NO_EXIT elsewhere.
        beyond_km: straight distance from that exit, 0 elsewhere.
    """

    nodes: Nodes
    offset_km: FloatArray
    straight_km: FloatArray
    exit: NDArray[np.intp]
    beyond_km: FloatArray


@dataclass(frozen=True, eq=False)
class Exits:
    """The exits of waters: their polygons' shores, and the nodes of the network in each."""

    shores: list[Shore]
    nodes: list[Nodes]


def list_groups(water: Water) -> list[str]:
    """Return the port groups of every country in the order of `Water.targets`."""
    return water.areas.port_groups()["port_group"].to_list()


def find_exits(water: Water) -> Exits:
    """Return the exits; none without a network, where every way is straight anyway."""
    if water.network is None:
        return Exits([], [])
    polygons = [each.polygon for each in water.areas.folder.features if each.kind == "exit"]
    nodes = [nodes_of(water.network, [polygon]) for polygon in polygons]
    return Exits([Shore(polygon) for polygon in polygons], nodes)


def find_end(gaps: pl.DataFrame, side: str, water: Water, exits: Exits) -> End:
    """Return the off or on end of gaps (`side`: "off" or "on").

    A point outside the region to which no node is nearer than an exit was reached through that
    exit. Any other point off the water (a wrong position, a lake the network lacks) is reckoned
    from its node, with what it is away from it taken off.
    """
    lon, lat = (gaps[f"{side}_{name}"].cast(pl.Float64).to_numpy() for name in ("lon", "lat"))
    nodes, offset_km = water.snap(lon, lat)
    exit_of = np.full(len(lon), NO_EXIT, np.intp)
    beyond_km = np.zeros(len(lon))
    if exits.nodes and f"{side}_is_outside" in gaps.columns:
        rows = np.flatnonzero(gaps[f"{side}_is_outside"].fill_null(value=False).to_numpy())
        away_km = arc_km(distances_m(exits.shores, lon[rows], lat[rows]))
        nearest = away_km.argmin(axis=1)
        is_beyond = away_km.min(axis=1) <= offset_km[rows]
        rows, nearest, away_km = rows[is_beyond], nearest[is_beyond], away_km[is_beyond]
        exit_of[rows], beyond_km[rows] = nearest, away_km[np.arange(len(rows)), nearest]
        for number, own in enumerate(exits.nodes):
            here = rows[nearest == number]
            there = water.lon_lat(own)
            km = local_distance_km_array(lon[here, None], lat[here, None], *there)
            nodes[here], offset_km[here] = own[km.argmin(axis=1)], km.min(axis=1)
    return End(nodes, offset_km, _straight_km(water, lon, lat), exit_of, beyond_km)


def least_hours(
    end: End, speed_kn: FloatArray, water: Water, exits: Exits, reach_km: float, closed: Closed
) -> FloatArray:
    """Return hours (gaps, groups) below which no ship of that bounding speed gets there.

    The longer of the least way over water and the straight line, either `reach_km` short of the
    port: both are bounds from below. 0 within reach of a port.
    """
    groups = list_groups(water)
    hours = water.least_hours_to(groups, end.nodes, speed_kn, closed, end.offset_km)
    if water.network is not None:
        fixed_h = water.bounding_fields(closed).fixed_h[end.nodes, : len(groups)]
        hours = drop_locks(hours, fixed_h)
        for number, nodes in enumerate(exits.nodes):
            rows = np.flatnonzero(end.exit == number)
            if len(rows):
                through = _hours_from(nodes, speed_kn[rows], groups, water, closed)
                through += (end.beyond_km[rows] / (speed_kn[rows] * KM_PER_NM))[:, None]
                hours[rows] = np.maximum(hours[rows], through)
    short_km = np.maximum(end.straight_km - reach_km, 0)
    hours = np.maximum(hours, short_km / (speed_kn[:, None] * KM_PER_NM))
    return np.where(end.straight_km <= reach_km, 0, hours)


def drop_locks(hours: FloatArray, fixed_h: FloatArray) -> FloatArray:
    """Return hours, 0 where no more than the time in locks is left: the ship may lie beyond them.

    What a point is away from its node is taken off as time, less of it for a faster ship. Without
    this such a ship could be the later one.
    """
    return np.where(np.isfinite(hours) & (hours <= fixed_h), 0, hours)


def usual_hours(end: End, speed_kn: FloatArray, water: Water, closed: Closed) -> FloatArray:
    """Return hours (gaps, groups) of the usual way at usual speeds, infinite without a way."""
    beyond_h = end.beyond_km / (speed_kn * KM_PER_NM)
    return water.hours_to(list_groups(water), end.nodes, speed_kn, closed) + beyond_h[:, None]


def usual_km(end: End, water: Water, closed: Closed) -> FloatArray:
    """Return the length (gaps, groups) of the usual way in km, infinite without a way."""
    groups = list_groups(water)
    km = [water.km_to(group, end.nodes, closed) for group in groups]
    return np.column_stack(km) if groups else np.empty((len(end.nodes), 0))


def _hours_from(
    nodes: Nodes, speed_kn: FloatArray, groups: list[str], water: Water, closed: Closed
) -> FloatArray:
    """Return least hours (speeds, groups) from the nearest of some nodes."""
    least = np.full((len(speed_kn), len(groups)), np.inf)
    for node in nodes:
        at = np.full(len(speed_kn), node, np.int32)
        least = np.minimum(least, water.least_hours_to(groups, at, speed_kn, closed))
    return least


def _straight_km(water: Water, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Return straight distances (points, groups); gaps share their ends, so each place once."""
    places, which = np.unique(np.column_stack((lon, lat)), axis=0, return_inverse=True)
    return water.areas.straight_km_to_groups(*places.T)[which.ravel()]
