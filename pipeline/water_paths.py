"""Ways of many pairs of nodes as flat arrays, and places along them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.geodesy import FloatArray
from pipeline.water_folder import Nodes
from pipeline.water_ways import Ways


@dataclass(frozen=True, eq=False)
class Paths:
    """The ways of pairs: one row per node of a way, by pair and in the order from a to b.

    Args:
        pair: number of the pair.
        node: node of the network.
        km: length of the way so far, 0 at a.
        count: how many pairs were asked for; those without a way have no row.
    """

    pair: NDArray[np.int64]
    node: Nodes
    km: FloatArray
    count: int

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Row of the first node of each pair, and one more: the number of rows."""
        return np.searchsorted(self.pair, np.arange(self.count + 1))

    @cached_property
    def length_km(self) -> FloatArray:
        """Length of each pair's way in km; infinite where there is none."""
        is_way = np.diff(self.starts) > 0
        lengths = np.full(self.count, np.inf)
        lengths[is_way] = self.km[self.starts[1:][is_way] - 1]
        return lengths

    def find_legs(
        self, pairs: ArrayLike, km: ArrayLike
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
        """Return the rows before and after a place `km` along a pair's way, and the share between.

        Beyond an end the place is that end; both rows are -1 where the pair has no way.
        """
        asked, at_km = np.broadcast_arrays(np.asarray(pairs, np.int64), np.asarray(km, np.float64))
        first, last = self.starts[asked], self.starts[asked + 1] - 1
        is_way = first <= last
        # Ways laid end to end, a gap between them: one ascending axis for all.
        longest = float(self.km.max(initial=0)) + 1
        axis = self.pair * longest + self.km
        place = asked * longest + np.clip(at_km, 0, longest - 1)
        after = np.clip(np.searchsorted(axis, place, side="right"), first, np.maximum(last, first))
        before = np.maximum(after - 1, first)
        before, after = np.where(is_way, before, -1), np.where(is_way, after, -1)
        if not len(self.km):
            return before, after, np.zeros(len(asked))
        leg = self.km[after] - self.km[before]
        share = np.where(leg > 0, (at_km - self.km[before]) / np.where(leg > 0, leg, 1), 0)
        return before, after, np.clip(share, 0, 1)


def walk(ways: Ways, nodes_a: Nodes, nodes_b: Nodes) -> Paths:
    """Return the cheapest way of each pair."""
    pairs, nodes, steps = [], [], []
    for number, (pair, come_from, _) in enumerate(ways.steps(nodes_a, nodes_b)):
        pairs.append(pair)
        nodes.append(come_from)
        steps.append(np.full(len(pair), -number))
    pair = np.concatenate([np.empty(0, np.int64), *pairs])
    node = np.concatenate([np.empty(0, np.int32), *nodes]).astype(np.int32)
    # Steps were taken from b to a.
    order = np.lexsort((np.concatenate([np.empty(0, np.int64), *steps]), pair))
    pair, node = pair[order], node[order]
    leg_km = np.zeros(len(pair))
    is_leg = np.flatnonzero(pair[1:] == pair[:-1]) + 1
    edges = ways.edge_of(node[is_leg - 1], node[is_leg])
    leg_km[is_leg] = ways.network.length_km[edges]
    total = np.cumsum(leg_km)
    is_start = np.ones(len(pair), np.bool_)
    is_start[is_leg] = False
    start_row = np.maximum.accumulate(np.where(is_start, np.arange(len(pair)), 0))
    return Paths(pair, node, total - total[start_row] if len(pair) else total, len(nodes_a))


def lengths_km(ways: Ways, nodes_a: Nodes, nodes_b: Nodes) -> FloatArray:
    """Return the length of the cheapest way of each pair in km, infinite where there is none."""
    return sum_along(ways, nodes_a, nodes_b, ways.network.length_km[None])[0]


def sum_along(ways: Ways, nodes_a: Nodes, nodes_b: Nodes, values: FloatArray) -> FloatArray:
    """Return sums (values, pairs) of values (values, edges) along the cheapest way of each pair.

    Infinite where there is none.
    """
    sums = np.full((len(values), len(nodes_a)), np.inf)
    for pair, come_from, at in ways.steps(nodes_a, nodes_b):
        is_first = come_from is at
        if is_first:
            sums[:, pair] = 0
        else:
            sums[:, pair] += values[:, ways.edge_of(come_from, at)]
    return sums
