"""Gaps as arrays, and the ways, gates and speeds that hold for them (METHOD 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.geodesy import FloatArray
from pipeline.reach.ends import End, Exits, find_end, least_hours
from pipeline.reach.gates import Gate, Instants, find_gates, years_of
from pipeline.reach.speeds import bound_speeds
from pipeline.rules import Rules
from pipeline.water import Water
from pipeline.water_ways import Closed


@dataclass(frozen=True, eq=False)
class Batch:
    """Gaps as arrays, and what their ways lead over.

    Args:
        off, on: the two ends.
        off_at, on_at: their instants.
        bounding_kn, usual_kn: speeds of the ships.
        water, exits, gates: ways.
        reach_km: within it of a port is in the port.
        visit_h: the minimum visit.
    """

    off: End
    on: End
    off_at: Instants
    on_at: Instants
    bounding_kn: FloatArray
    usual_kn: FloatArray
    water: Water
    exits: Exits
    gates: list[Gate]
    reach_km: float
    visit_h: float

    @property
    def duration_h(self) -> FloatArray:
        """Length of the gaps in hours."""
        return (self.on_at - self.off_at) / np.timedelta64(1, "h")

    def least(self, end: End, closed: Closed) -> FloatArray:
        """Return bounding hours (gaps, groups) between an end and port groups."""
        return least_hours(end, self.bounding_kn, self.water, self.exits, self.reach_km, closed)

    def closed_of(self, code: int) -> Closed:
        """Return the waterways whose gates are shut: one bit a gate."""
        return frozenset(gate.waterway for bit, gate in enumerate(self.gates) if code >> bit & 1)


def lay_out(
    gaps: pl.DataFrame, speeds: pl.DataFrame, water: Water, exits: Exits, rules: Rules
) -> Batch:
    """Return closed gaps as a batch."""
    bounding_kn, usual_kn = bound_speeds(gaps, speeds, rules)
    return Batch(
        off=find_end(gaps, "off", water, exits),
        on=find_end(gaps, "on", water, exits),
        off_at=gaps["off_at"].cast(pl.Datetime("us")).to_numpy(),
        on_at=gaps["on_at"].cast(pl.Datetime("us")).to_numpy(),
        bounding_kn=bounding_kn,
        usual_kn=usual_kn,
        water=water,
        exits=exits,
        gates=find_gates(water, years_of(gaps)),
        reach_km=rules.causes.in_port_within_km,
        visit_h=rules.causes.min_visit_h,
    )
