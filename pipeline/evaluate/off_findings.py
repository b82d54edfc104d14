"""Figures about totals of switch-offs: null worlds, recovery of the true number, habitual ships."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipeline.evaluate.findings import Finding, Target, find
from pipeline.evaluate.gap_findings import HABITUAL, NO_Z, OTHERS, TOTAL, TOTAL_TARGET
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import ratio_over_seeds
from pipeline.evaluate.off_totals import (
    ALL,
    ALL_JUDGED,
    HABITUAL_JUDGED,
    OTHERS_JUDGED,
    SHORT_TOO,
    OffTotals,
    PublishedOff,
    add_sums,
)

NULL, RECOVERY, HABITS = "null worlds", "recovery", "habitual ships"
HABIT_TARGET = Target("0.85 to 1.15", low=0.85, high=1.15)
# Where nothing is off the calibration error is the mean p_off.
NULL_SHARE_TARGET = Target("at most 0.05, as any calibration error", high=0.05)
YEARLY, SHARE = "expected_off a year", "expected_off / gaps"


def measure_null_offs(offs: Sequence[OffTotals]) -> list[Finding]:
    """Return expected_off of runs in which no set is ever off, a year and as a share of gaps.

    The interval is the published one (`PublishedOff`). No run without a switch-off: no row.
    """
    null = [one for one in offs if one.is_null]
    if not null:
        return []
    years = sum(one.years for one in null)
    found: list[Finding] = []
    for rung_h in null[0].published:
        total = _add_published([one.published[rung_h] for one in null])
        if total.expected is None or total.low is None or total.high is None:
            continue
        more = {"subject": f"gaps of {rung_h} h and more", "count": total.gaps}
        ends = (total.low, total.high)
        for measure, by in ((YEARLY, years), (SHARE, float(total.gaps))):
            if by <= 0:
                continue
            is_held = measure == SHARE and rung_h == max(null[0].published)
            target = NULL_SHARE_TARGET if is_held else None
            interval = (ends[0] / by, ends[1] / by)
            note = f"{total.expected:.2f} in {len(null)} worlds of {years:.1f} rated years together"
            value = total.expected / by
            found.append(find(NULL, measure, value, interval, target, note=note, **more))
    return found


def measure_recovery(offs: Sequence[OffTotals], rules: EvaluationRules) -> list[Finding]:
    """Return the sum of p_off over the true number, with its interval over seeds."""
    return [
        one
        for group, target in ((ALL, TOTAL_TARGET), (ALL_JUDGED, TOTAL_TARGET), (SHORT_TOO, None))
        for one in _divide(offs, group, RECOVERY, target, rules)
    ]


def measure_habitual(offs: Sequence[OffTotals], rules: EvaluationRules) -> list[Finding]:
    """Return the same for ships that switch off often by the truth, and for all others."""
    return [
        one
        for group in (HABITUAL, HABITUAL_JUDGED, OTHERS, OTHERS_JUDGED)
        for one in _divide(offs, group, HABITS, HABIT_TARGET, rules)
    ]


def _divide(
    offs: Sequence[OffTotals],
    group: str,
    topic: str,
    target: Target | None,
    rules: EvaluationRules,
) -> list[Finding]:
    """Return sum(p_off) / true of a group of ships; no row where nothing is true or judged.

    Runs of one seed are one draw: worlds of the same seed have the same traffic.
    """
    sums = add_sums(one.sums[group] for one in offs)
    if not sums.true or not any(one.is_judged for one in offs):
        return []
    seeds = sorted({one.seed for one in offs})
    by_seed = [add_sums(one.sums[group] for one in offs if one.seed == seed) for seed in seeds]
    ratio, low, high = ratio_over_seeds(
        np.array([one.expected for one in by_seed]),
        np.array([float(one.true) for one in by_seed]),
        rules.interval_level,
    )
    # METHOD 8 lets a total of few pass by its z; habitual ships are held to the ratio alone.
    if target is TOTAL_TARGET and target is not None and abs(sums.z) <= NO_Z:
        target = Target(target.words)
    note = f"expected {sums.expected:.1f}, true {sums.true}"
    note += "" if math.isnan(sums.z) else f", z {sums.z:.1f}"
    words = {"subject": f"p_off, {group}" if group != ALL else "p_off", "count": sums.gaps}
    return [find(topic, f"{TOTAL}, over seeds", ratio, (low, high), target, note=note, **words)]


def _add_published(many: Sequence[PublishedOff]) -> PublishedOff:
    """Return the totals of several runs; None where any of them has none."""

    def add(name: str) -> float | None:
        values = [getattr(one, name) for one in many]
        return None if None in values else float(sum(values))

    return PublishedOff(sum(one.gaps for one in many), add("expected"), add("low"), add("high"))
