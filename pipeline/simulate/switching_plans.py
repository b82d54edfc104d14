"""Plans of switching off, one row each, and how they become the times a set is off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate.model import Bools, Floats, Ints, Off, Timeline

# The first one that applies names a time off that several plans share.
IMPORTANCE = ("dark_call", "whole_voyage", "sts", "at_sea", "in_port", "lay_up", "failure")
NO_VISIT = -1


@dataclass(frozen=True)
class Stays:
    """The visits of a timeline as arrays, and the legs round them.

    Leg i leads to visit i, leg n away from the last; the first and last reach to the ends of the
    timeline. Seconds from the start of the world.
    """

    arrival_s: Floats
    departure_s: Floats
    leg_from_s: Floats
    leg_to_s: Floats


@dataclass(frozen=True)
class Plans:
    """Times to be off: from, to (s), rank in IMPORTANCE, visit (or NO_VISIT) and plan number.

    Rows of one plan number are the pieces of one plan.
    """

    from_s: Floats
    to_s: Floats
    rank: NDArray[np.int64]
    visit: Ints
    plan: Ints


def list_stays(timeline: Timeline) -> Stays:
    """Return the visits and legs of a timeline."""
    arrival = np.array([visit.arrival_s for visit in timeline.visits], dtype=np.float64)
    departure = np.array([visit.departure_s for visit in timeline.visits], dtype=np.float64)
    # A timeline may begin or end within a visit: such a leg has no length.
    first = min(float(timeline.at_s[0]), arrival[0] if len(arrival) else np.inf)
    last = max(float(timeline.at_s[-1]), departure[-1] if len(arrival) else -np.inf)
    return Stays(
        arrival, departure, np.concatenate([[first], departure]), np.concatenate([arrival, [last]])
    )


def make_plans(from_s: Floats, to_s: Floats, kind: str, visit: Ints | None = None) -> Plans:
    """Return plans of one kind, each of one piece, those without length left out."""
    visits = np.full(len(from_s), NO_VISIT) if visit is None else visit
    keep = to_s > from_s
    count = int(keep.sum())
    return Plans(
        from_s[keep],
        to_s[keep],
        np.full(count, IMPORTANCE.index(kind)),
        visits[keep].astype(np.int64),
        np.arange(count),
    )


def join_plans(parts: list[Plans]) -> Plans:
    """Return all plans as one, their numbers made distinct."""
    shift = np.cumsum([0, *(int(part.plan.max(initial=-1)) + 1 for part in parts)])
    return Plans(
        np.concatenate([part.from_s for part in parts]),
        np.concatenate([part.to_s for part in parts]),
        np.concatenate([part.rank for part in parts]),
        np.concatenate([part.visit for part in parts]),
        np.concatenate([part.plan + more for part, more in zip(parts, shift, strict=False)]),
    )


def merge_plans(plans: Plans, shortest_on_s: float) -> Plans:
    """Return disjoint times off in order, on whole seconds; those less than a time apart are one.

    Each takes kind, visit and number of the most important plan in it, the earliest of these.
    """
    if not len(plans.from_s):
        return plans
    first, last = np.floor(plans.from_s), np.ceil(plans.to_s)
    order = np.argsort(first, kind="stable")
    first, last = first[order], last[order]
    reach = np.maximum.accumulate(last)
    is_new = np.concatenate([[True], first[1:] >= reach[:-1] + shortest_on_s])
    start = np.flatnonzero(is_new)
    group = np.cumsum(is_new) - 1
    leader = np.lexsort((first, plans.rank[order], group))[start]
    chosen = order[leader]
    return Plans(
        first[start],
        np.maximum.reduceat(last, start),
        plans.rank[chosen],
        plans.visit[chosen],
        plans.plan[chosen],
    )


def find_covered(plans: Plans, stays: Stays) -> Bools:
    """Return which visits lie wholly inside one of some disjoint times off."""
    if not len(plans.from_s):
        return np.zeros(len(stays.arrival_s), dtype=np.bool_)
    place = np.searchsorted(plans.from_s, stays.arrival_s, side="right") - 1
    return (place >= 0) & (plans.to_s[place] >= stays.departure_s)


def cut_lit(plans: Plans, lit_from_s: Floats, lit_to_s: Floats) -> Plans:
    """Return disjoint times off without some disjoint, sorted times on, each inside one of them."""
    if not len(lit_from_s):
        return plans
    place = np.searchsorted(plans.from_s, lit_from_s, side="right") - 1
    source = np.concatenate([np.arange(len(plans.from_s)), place])
    first = np.concatenate([plans.from_s, lit_to_s])
    order = np.argsort(first, kind="stable")
    source, first = source[order], first[order]
    # A piece ends where the next time on begins, or with its source.
    following = np.searchsorted(lit_from_s, first, side="left")
    ahead = np.append(lit_from_s, np.inf)[following]
    last = np.minimum(plans.to_s[source], ahead)
    keep = last > first
    source = source[keep]
    return Plans(
        first[keep], last[keep], plans.rank[source], plans.visit[source], plans.plan[source]
    )


def to_offs(plans: Plans, span_s: float) -> tuple[Off, ...]:
    """Return the times off that touch the world's span, their plans numbered from 0 in order."""
    keep = np.flatnonzero((plans.to_s > 0) & (plans.from_s < span_s))
    number: dict[int, int] = {}
    return tuple(
        Off(
            float(plans.from_s[i]),
            float(plans.to_s[i]),
            IMPORTANCE[plans.rank[i]],
            None if plans.visit[i] == NO_VISIT else int(plans.visit[i]),
            number.setdefault(int(plans.plan[i]), len(number)),
        )
        for i in keep
    )
