"""What every group of world settings is made of, and the random streams worlds are drawn from."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

JUDGEMENT = "judgement"


class Group(BaseModel):
    """A group of settings: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


def setting(default: Any, unit: str, source: str, **more: Any) -> Any:
    """Return a field that says its unit and where its default comes from."""
    return Field(default, json_schema_extra={"unit": unit, "source": source}, **more)


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the random stream of one purpose, say `stream(7, "radio", 12)` for ship 12.

    A purpose has a stream of its own, so a change in one leaves all others as they were: a world
    without switch-offs has the same traffic and the same receptions as the world with them.
    """
    words = [name if isinstance(name, int) else zlib.crc32(name.encode()) for name in names]
    return np.random.default_rng([seed, *words])
