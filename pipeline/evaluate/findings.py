"""One figure of the evaluation: what was measured, on what, its interval, and what to reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NOT_YET = "not yet"
MET = "met"
MISSED = "missed"


@dataclass(frozen=True)
class Target:
    """What METHOD 8 asks of a figure: its words, and the range in which it is met."""

    words: str
    low: float = -math.inf
    high: float = math.inf

    def verdict(self, value: float | None) -> str:
        """Return `met` or `missed`, or nothing where there is no figure."""
        if value is None or math.isnan(value):
            return ""
        return MET if self.low <= value <= self.high else MISSED


@dataclass(frozen=True)
class Finding:
    """One figure.

    Attributes:
        topic: gaps, baselines, calls, expected calls, candidates, port group, worlds,
            intervals, trend, labels, withheld.
        measure: what was measured.
        subject: what was judged: p_off, reference, a baseline, or empty.
        stratum: the part it was measured on, `all` or `area: caspian`.
        value, low, high: figure and its interval; None where there is none.
        count: gaps, calls or worlds it stands on.
        target: METHOD 8's words; empty where it asks nothing.
        verdict: met, missed, not yet, or empty.
        note: what a reader must know.
    """

    topic: str
    measure: str
    subject: str = ""
    stratum: str = "all"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    count: int | None = None
    target: str = ""
    verdict: str = ""
    note: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return its fields as plain values, numbers to six significant digits."""
        row = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: _plain(value) for name, value in row.items()}


def find(
    topic: str,
    measure: str,
    value: float,
    interval: tuple[float, float] = (math.nan, math.nan),
    target: Target | None = None,
    **more: Any,
) -> Finding:
    """Return a finding with its verdict; a figure that is no number has none."""
    known, low, high = (
        None if math.isnan(number) else float(number) for number in (value, *interval)
    )
    words = "" if target is None else target.words
    verdict = "" if target is None else target.verdict(known)
    more = {"target": words, "verdict": verdict, **more}
    return Finding(topic, measure, value=known, low=low, high=high, **more)


def not_yet(topic: str, measure: str, empty: str, target: str = "") -> Finding:
    """Return the row of a measure whose column nobody fills yet."""
    return Finding(
        topic, measure, target=target, verdict=NOT_YET, note=f"not yet: {empty} is empty"
    )


def pick(
    findings: Sequence[Finding], measure: str, subject: str = "", stratum: str = "all"
) -> Finding | None:
    """Return the finding of that name, or None."""
    for one in findings:
        if (one.measure, one.subject, one.stratum) == (measure, subject, stratum):
            return one
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
