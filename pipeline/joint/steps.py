"""Many stretches of hours of unlike length, walked hour by hour at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.reception.window import Ints


@dataclass(frozen=True, eq=False)
class Stretches:
    """Hours of stretches, one after the other in flat arrays.

    Attributes:
        size: hours of each stretch (stretches).
    """

    size: Ints

    @cached_property
    def first(self) -> Ints:
        """Where each stretch begins in flat arrays (stretches)."""
        return np.cumsum(self.size) - self.size

    @cached_property
    def number(self) -> Ints:
        """The stretch of each hour (hours)."""
        return np.repeat(np.arange(len(self.size)), self.size)

    @cached_property
    def offset(self) -> Ints:
        """How many hours of its stretch come before each hour (hours)."""
        return np.arange(int(self.size.sum())) - self.first[self.number]

    @cached_property
    def order(self) -> Ints:
        """The stretches, the longest first: those that last are then the first few."""
        return np.argsort(-self.size, kind="stable")

    def walk(self) -> Iterator[tuple[int, Ints]]:
        """Yield for the first hour, the second, ...: how many of `order` last, and their hours."""
        size, first = self.size[self.order], self.first[self.order]
        lasting = np.searchsorted(-size, -np.arange(int(size.max(initial=0))), side="left")
        for hour, count in enumerate(lasting):
            yield int(count), first[:count] + hour
