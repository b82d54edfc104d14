"""Which visits are made dark so that a period holds an exact number of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

import numpy as np
import polars as pl
from pydantic import ConfigDict, model_validator

from pipeline.errors import UsageError
from pipeline.simulate.setting import JUDGEMENT, Group, setting, stream


class Quota(Group):
    """How many visits that lie wholly in a period are dark."""

    model_config = ConfigDict(populate_by_name=True)

    from_day: date = setting(..., "day, UTC", "METHOD 8, class worlds", alias="from")
    to_day: date = setting(..., "day, UTC, excluded", "METHOD 8, class worlds", alias="to")
    calls: int = setting(..., "visits", "METHOD 8, class worlds", ge=0)
    habitual_weight: float = setting(
        5.0, "", f"{JUDGEMENT}: a visit of a habitual vessel against one of another", gt=0
    )

    @model_validator(mode="after")
    def _is_forward(self) -> Quota:
        if self.from_day >= self.to_day:
            raise ValueError(f"a period from {self.from_day} to {self.to_day} has no day")
        return self


def choose_dark_visits(
    candidates: pl.DataFrame, quotas: Sequence[Quota], start: datetime, seed: int
) -> pl.DataFrame:
    """Return the candidates to make dark: per period exactly as many as it asks for.

    Of two consecutive visits of a vessel at most one is taken, so the visits beside a dark one stay
    lit. A visit's dice depend on seed, vessel and visit alone: a larger quota keeps the visits of a
    smaller one, and a candidate left out changes no other's place in the order.

    Args:
        candidates: one row per visit: vessel, visit (its index in the vessel's timeline),
            arrival_s, departure_s (seconds from `start`), is_habitual; more columns are kept.
        quotas: periods; a visit counts where it lies wholly inside, in the first that holds it.
        start: first instant of the world, UTC.
        seed: the same seed gives the same choice.

    Raises:
        UsageError: a period has too few such visits.
    """
    waiting = candidates.sort("vessel", "visit")
    dice = _roll(waiting, seed)
    period = _find_periods(waiting, quotas, start)
    habitual = waiting["is_habitual"].to_numpy()
    names = list(zip(waiting["vessel"].to_list(), waiting["visit"].to_list(), strict=True))
    taken: dict[tuple[int, int], int] = {}
    for number, quota in enumerate(quotas):
        # Exponential races: a visit of weight w comes first w times as often.
        rank = -np.log(dice) / np.where(habitual, quota.habitual_weight, 1.0)
        rows = np.flatnonzero(period == number)
        found = 0
        for row in rows[np.argsort(rank[rows], kind="stable")]:
            if found == quota.calls:
                break
            vessel, visit = names[row]
            if (vessel, visit - 1) not in taken and (vessel, visit + 1) not in taken:
                taken[vessel, visit] = int(row)
                found += 1
        if found < quota.calls:
            raise UsageError(
                f"{quota.calls} dark calls are asked for from {quota.from_day} to {quota.to_day},"
                f" but only {found} of {len(rows)} fit, no two of a vessel in a row: a larger world"
                " or fewer calls are needed"
            )
    return waiting[sorted(taken.values())]


def _roll(candidates: pl.DataFrame, seed: int) -> np.ndarray:
    """Return a number in (0, 1] for every candidate, its own whatever others there are."""
    keys = candidates.select("vessel", "visit").iter_rows()
    return 1.0 - np.array([stream(seed, "quota", *key).random() for key in keys])


def _find_periods(candidates: pl.DataFrame, quotas: Sequence[Quota], start: datetime) -> np.ndarray:
    """Return the number of the first period each candidate lies wholly inside, or -1."""
    period = np.full(candidates.height, -1)
    arrival, departure = (candidates[name].to_numpy() for name in ("arrival_s", "departure_s"))
    for number, quota in reversed(list(enumerate(quotas))):
        first, last = (
            (datetime.combine(day, time.min) - start).total_seconds()
            for day in (quota.from_day, quota.to_day)
        )
        period[(arrival >= first) & (departure < last)] = number
    return period
