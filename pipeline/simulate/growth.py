"""A feed that grows: from an instant on it hears more (or less) than before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from pydantic import AliasChoices, Field

from pipeline.simulate.model import Floats
from pipeline.simulate.setting import Group, setting


class Growth(Group):
    """From `from_at` (in TOML also `from`) on, `feed` expects `factor` times the receptions."""

    from_at: datetime = Field(
        validation_alias=AliasChoices("from_at", "from"),
        json_schema_extra={"unit": "UTC", "source": "the world's own story"},
    )
    feed: str = setting(..., "", "feed of the stations or the satellites")
    factor: float = setting(..., "", "1.5: half as much again; several multiply", gt=0)


def find_factors(growth: Sequence[Growth], feed: str, start: datetime, at_s: Floats) -> Floats:
    """Return the factor on one feed's expected receptions at some instants of the world."""
    factors = np.ones(len(at_s))
    for step in growth:
        if step.feed == feed:
            factors[at_s >= (step.from_at - start).total_seconds()] *= step.factor
    return factors
