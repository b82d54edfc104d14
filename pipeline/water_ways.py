"""Shortest ways over the water network: trees of ways, what adds up along them, single ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from pipeline.geodesy import KM_PER_NM, FloatArray, local_distance_km_array
from pipeline.water_folder import Network, Nodes

Closed: TypeAlias = frozenset[str]

NO_NODE = -9999  # what scipy writes where no way leads
SMALLEST_COST = 1e-9  # an edge without cost would be no edge
BATCH_SOURCES = 64  # trees held at once: 64 x 8,000 nodes x 12 bytes
# Ways are first sought within this much of the straight distance: most are found, sooner.
FIRST_REACH, FIRST_REACH_KM = 1.3, 60.0


@dataclass(frozen=True, eq=False)
class Ways:
    """The network as a graph of cost, some of its waterways closed.

    Args:
        network: nodes and edges.
        cost_h: hours that each edge counts when the cheapest way is chosen.
        closed: waterways that are shut at their gates.
    """

    network: Network
    cost_h: FloatArray
    closed: Closed

    @cached_property
    def _edges(self) -> NDArray[np.intp]:
        gates = self.network.edges["closes_with"]
        is_shut = gates.is_in(list(self.closed)).fill_null(value=False).to_numpy()
        return np.flatnonzero(~is_shut)

    @cached_property
    def _ends(self) -> tuple[Nodes, Nodes, FloatArray]:
        """Start, end and cost of each edge that is open, in both directions."""
        one, other = self.network.start[self._edges], self.network.end[self._edges]
        cost = np.maximum(self.cost_h[self._edges], SMALLEST_COST)
        return np.append(one, other), np.append(other, one), np.append(cost, cost)

    @cached_property
    def _graph(self) -> csr_array:
        start, end, cost = self._ends
        size = len(self.network.lon)
        return csr_array((cost, (start, end)), (size, size))

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Sorted keys of directed edges, and the edge of each."""
        start, end, _ = self._ends
        keys = start.astype(np.int64) * len(self.network.lon) + end
        order = np.argsort(keys)
        return keys[order], np.append(self._edges, self._edges)[order]

    def edge_of(self, start: NDArray[Any], end: NDArray[Any]) -> NDArray[np.intp]:
        """Return the edge between joined nodes."""
        keys, edges = self._keys
        asked = start.astype(np.int64) * len(self.network.lon) + end
        return edges[np.searchsorted(keys, asked)]

    def trees_to(self, sources: list[Nodes]) -> tuple[FloatArray, Nodes]:
        """Return cost in h and next node (targets, nodes) of the cheapest way to sets of nodes.

        The next node of a source is itself, that of a node without way NO_NODE.
        """
        size, targets = len(self.network.lon), len(sources)
        start, end, cost = self._ends
        # One more node per target, from which its sources are reached at no cost.
        heads = np.repeat(np.arange(targets) + size, [len(each) for each in sources])
        ends = np.concatenate([np.empty(0, np.int32), *sources])
        graph = csr_array(
            (
                np.append(cost, np.full(len(heads), SMALLEST_COST)),
                (np.append(start, heads), np.append(end, ends)),
            ),
            (size + targets, size + targets),
        )
        heads = np.arange(targets) + size
        cost_h, next_node = dijkstra(graph, indices=heads, return_predecessors=True)
        cost_h, next_node = cost_h[:, :size], next_node[:, :size]
        is_source = next_node >= size
        return cost_h, np.where(is_source, np.arange(size, dtype=np.int32), next_node)

    def sum_along(self, next_node: Nodes, values: FloatArray) -> FloatArray:
        """Return sums (values, targets, nodes) of values (values, edges) along ways of trees.

        Infinite where there is no way. By doubling: each step adds a way twice as long.
        """
        targets, size = next_node.shape
        own = np.arange(size, dtype=np.int64)
        is_way = (next_node >= 0) & (next_node != own)
        rows, nodes = np.nonzero(is_way)
        sums = np.zeros((len(values), targets * size))
        flat = rows * size + nodes
        sums[:, flat] = values[:, self.edge_of(nodes, next_node[rows, nodes])]
        jump = np.arange(targets * size)
        jump[flat] = rows * size + next_node[rows, nodes]
        while True:
            further = jump[jump]
            if np.array_equal(further, jump):
                break
            sums += np.where(jump == np.arange(len(jump)), 0, sums[:, jump])
            jump = further
        sums[:, (next_node == NO_NODE).ravel()] = np.inf
        return sums.reshape(len(values), targets, size)

    def steps(self, nodes_a: Nodes, nodes_b: Nodes) -> Iterator[tuple[NDArray, Nodes, Nodes]]:
        """Yield the cheapest ways of pairs, step by step from b back to a: pairs, from, to.

        First come, with from = to = b, the pairs that have a way at all.
        """
        for rows, sources, row_source in self._batches(nodes_a, nodes_b):
            for found, before in self._trees(rows, sources, row_source, nodes_a, nodes_b):
                at = nodes_b[rows[found]]
                pair, source = rows[found], row_source[found]
                yield pair, at, at
                while True:
                    is_under_way = at != nodes_a[pair]
                    pair, source, at = pair[is_under_way], source[is_under_way], at[is_under_way]
                    if not len(pair):
                        break
                    come_from = before[source, at]
                    yield pair, come_from, at
                    at = come_from

    def _batches(
        self, nodes_a: Nodes, nodes_b: Nodes
    ) -> Iterator[tuple[NDArray[np.intp], Nodes, NDArray[np.intp]]]:
        """Yield rows of pairs, their sources and the source of each row; far ones come last."""
        straight = self._straight_km(nodes_a, nodes_b)
        sources, source_of = np.unique(nodes_a, return_inverse=True)
        furthest = np.zeros(len(sources))
        np.maximum.at(furthest, source_of, straight)
        rank = np.empty(len(sources), np.intp)
        rank[np.argsort(furthest, kind="stable")] = np.arange(len(sources))
        order = np.argsort(rank[source_of], kind="stable")
        batch = rank[source_of][order] // BATCH_SOURCES
        for rows in np.split(order, np.flatnonzero(np.diff(batch)) + 1):
            if len(rows):
                own, row_source = np.unique(nodes_a[rows], return_inverse=True)
                yield rows, own, row_source

    def _trees(
        self,
        rows: NDArray[np.intp],
        sources: Nodes,
        row_source: NDArray[np.intp],
        nodes_a: Nodes,
        nodes_b: Nodes,
    ) -> Iterator[tuple[NDArray[np.intp], Nodes]]:
        """Yield positions within `rows` and the trees in which they have a way: near, then all."""
        reach_km = FIRST_REACH * self._straight_km(nodes_a[rows], nodes_b[rows]).max()
        limit_h = (reach_km + FIRST_REACH_KM) / (self.network.file.speeds.usual_sea_kn * KM_PER_NM)
        _, before = dijkstra(self._graph, indices=sources, return_predecessors=True, limit=limit_h)
        is_found = self._is_reached(before, row_source, nodes_a[rows], nodes_b[rows])
        yield np.flatnonzero(is_found), before
        if not is_found.all():
            left = np.flatnonzero(~is_found)
            again = np.unique(row_source[left])
            _, whole = dijkstra(self._graph, indices=sources[again], return_predecessors=True)
            before = np.full_like(before, NO_NODE)
            before[again] = whole
            is_found = self._is_reached(
                before, row_source[left], nodes_a[rows[left]], nodes_b[rows[left]]
            )
            yield left[is_found], before

    def _is_reached(
        self, before: Nodes, row_source: NDArray[np.intp], nodes_a: Nodes, nodes_b: Nodes
    ) -> NDArray[np.bool_]:
        return (before[row_source, nodes_b] >= 0) | (nodes_a == nodes_b)

    def _straight_km(self, nodes_a: Nodes, nodes_b: Nodes) -> FloatArray:
        lon, lat = self.network.lon, self.network.lat
        return local_distance_km_array(lon[nodes_a], lat[nodes_a], lon[nodes_b], lat[nodes_b])
