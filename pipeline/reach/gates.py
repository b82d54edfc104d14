"""Seasons and closures on the way: when a ship could pass a gate, and was it shut then?

A closure removes a way only where it covers all the time in which the ship could pass the gate
(METHOD 3, 5). A year that is not listed excludes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipeline.geodesy import KM_PER_NM, FloatArray
from pipeline.reach.ends import End, drop_locks, list_groups
from pipeline.water import OPEN, Water
from pipeline.water_dates import list_closed, list_unknown
from pipeline.water_fields import Fields, bounding_fields
from pipeline.water_folder import Network, Nodes

Instants = NDArray[np.datetime64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Spans:
    """Times from when until when (not included), apart from each other and in order."""

    begin: Instants
    end: Instants

    def cover(self, begin: Instants, end: Instants) -> Flags:
        """Return whether one span holds all of each time, both ends included."""
        before = np.searchsorted(self.begin, begin, side="right") - 1
        is_some = before >= 0
        last = np.append(self.end, np.datetime64(0, "us"))[before]
        return is_some & (end < last)

    def touch(self, begin: Instants, end: Instants) -> Flags:
        """Return whether some span holds a part of each time."""
        after = np.searchsorted(self.end, begin, side="right")
        first = np.append(self.begin, np.datetime64(2**62, "us"))[after]
        return first <= end


@dataclass(frozen=True, eq=False)
class Gate:
    """A waterway that seasons or closures shut, at the nodes on both sides of its gate."""

    waterway: str
    nodes: Nodes
    closed: Spans
    unknown: Spans
    water: Water
    network: Network

    @cached_property
    def field(self) -> Fields:
        """Parts of the fastest conceivable way from every node to the gate."""
        return bounding_fields(self.network, [self.nodes], OPEN)

    def hours_to(self, end: End, speed_kn: FloatArray) -> FloatArray:
        """Return the least hours from each point to the gate; the offset is taken off."""
        hours = self.field.hours(end.nodes, [0], speed_kn)[:, 0]
        less_kn = np.minimum(speed_kn, self.field.river_kn)
        hours -= end.offset_km / (less_kn * KM_PER_NM)
        return drop_locks(np.maximum(hours, 0), self.field.fixed_h[end.nodes, 0])

    def hours_on(self, speed_kn: FloatArray) -> FloatArray:
        """Return the least hours (speeds, groups) from the gate to port groups."""
        groups = list_groups(self.water)
        hours = [
            self.water.least_hours_to(groups, np.full(len(speed_kn), node), speed_kn)
            for node in self.nodes
        ]
        return np.minimum.reduce(hours)


def find_gates(water: Water, years: range) -> list[Gate]:
    """Return the gates that a season or a closure names, by waterway; none without a network.

    Args:
        water: network, seasons and closures.
        years: all years that gaps reach into.
    """
    network, areas = water.network, water.areas
    if network is None:
        return []
    named = {*areas.seasons["waterway"], *areas.closures["waterway"]}
    gates = []
    for waterway in sorted(named & water.waterways):
        edges = network.edges.filter(closes_with=waterway)
        gates.append(
            Gate(
                waterway=waterway,
                nodes=np.unique(edges.select("start", "end").to_numpy().ravel()),
                closed=merge_spans(list_closed(areas.seasons, areas.closures, waterway)),
                unknown=merge_spans(list_unknown(areas.seasons, waterway, years)),
                water=water,
                network=network,
            )
        )
    return gates


def merge_spans(spans: list[tuple[date, date]]) -> Spans:
    """Return spans in order, those that meet or overlap as one."""
    merged: list[tuple[np.datetime64, np.datetime64]] = []
    for begin, end in sorted((np.datetime64(a, "us"), np.datetime64(b, "us")) for a, b in spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    both = np.array(merged, "datetime64[us]").reshape(-1, 2)
    return Spans(both[:, 0], both[:, 1])


def is_shut(gate: Gate, earliest: Instants, latest: Instants) -> Flags:
    """Return whether a gate is shut whenever a ship could pass it: from earliest to latest.

    No time at all counts as shut: the ship cannot have passed.
    """
    return (latest < earliest) | gate.closed.cover(earliest, latest)


def is_unknown(gate: Gate, earliest: Instants, latest: Instants) -> Flags:
    """Return whether nobody knows of a part of that time whether the gate was open."""
    return (earliest <= latest) & gate.unknown.touch(earliest, latest)


def add_hours(instants: Instants, hours: FloatArray) -> Instants:
    """Return instants some hours later; infinitely many hours are a thousand years."""
    microseconds = np.clip(hours, -1e7, 1e7) * 3.6e9
    return instants + np.rint(microseconds).astype("timedelta64[us]")


def years_of(gaps: pl.DataFrame) -> range:
    """Return all years from the first off point to the last on point."""
    first, last = (gaps["off_at"].dt.year().min(), gaps["on_at"].dt.year().max())
    assert isinstance(first, int), "gaps without an off point"
    assert isinstance(last, int), "gaps without an on point"
    return range(first, last + 1)
