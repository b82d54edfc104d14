"""Every gap's p_off beside what labels make of it, with an interval (METHOD 4.6)."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from pipeline.calibration import (
    Calibration,
    choose_method,
    fit_calibration,
    fit_map,
    group_column,
)
from pipeline.rules import CalibrationRules

CHUNK_ROWS = 50_000  # gaps x draws at a time: some 80 MB
COLUMNS = ("gap_id", "p_off", "p_off_calibrated", "p_off_calibrated_low", "p_off_calibrated_high")


def calibrate_gaps(
    gaps: pl.DataFrame, labels: pl.DataFrame, rules: CalibrationRules
) -> pl.DataFrame:
    """Return the gaps that have a p_off, with `p_off_calibrated` and the ends of its interval.

    The low end is the 5 % point, over `draw_calibrations`, of what p_off_low is mapped to, the
    high end the 95 % point of p_off_high's: both what p_off itself does not know and what so few
    labels leave open, the two ends on end. Nothing becomes 0 or 1.

    Args:
        gaps: one row per gap: gap_id, p_off, p_off_low, p_off_high.
        labels: gap_id, p_off (no null), is_off, and mmsi where labels of a ship hang together.
        rules: the kind of map, number of draws, level of the interval.

    Returns:
        COLUMNS, by gap_id, to 1e-6.

    Raises:
        ConfigError: as `fit_calibration`.
    """
    fitted = fit_calibration(labels, rules)
    drawn = draw_calibrations(labels, rules)
    known = gaps.filter(pl.col("p_off").is_not_null()).sort("gap_id")
    level = rules.interval_level
    mapped = known.with_columns(
        fitted.apply(known["p_off"]),
        p_off_calibrated_low=_take_end(known["p_off_low"], drawn, (1 - level) / 2),
        p_off_calibrated_high=_take_end(known["p_off_high"], drawn, (1 + level) / 2),
    )
    # Draws of few labels may lie to one side of the map itself.
    held = mapped.with_columns(
        p_off_calibrated_low=pl.min_horizontal("p_off_calibrated_low", "p_off_calibrated"),
        p_off_calibrated_high=pl.max_horizontal("p_off_calibrated_high", "p_off_calibrated"),
    )
    return held.select(
        "gap_id",
        "p_off",
        *(pl.col(name).clip(rules.least_p, 1 - rules.least_p).round(6) for name in COLUMNS[2:]),
    )


def draw_calibrations(labels: pl.DataFrame, rules: CalibrationRules) -> list[Calibration]:
    """Return maps of labels whose ships were drawn again with replacement, each time as many.

    All are of the kind that all labels get. The same labels, in any order, give the same draws.
    """
    ordered = labels.sort("gap_id")
    method = choose_method(ordered, rules)
    groups = list(
        ordered.with_row_index("row")
        .group_by(group_column(ordered), maintain_order=True)
        .agg("row")["row"]
    )
    random = np.random.default_rng(_seed_of(ordered))
    return [
        fit_map(
            ordered[pl.concat([groups[at] for at in random.integers(0, len(groups), len(groups))])],
            rules,
            method,
        )
        for _ in range(rules.draws)
    ]


def _take_end(p: pl.Series, drawn: list[Calibration], share: float) -> pl.Series:
    """Return the `share` point, over the draws, of what each p is mapped to."""
    ends = [
        np.quantile(
            [one.apply(p[first : first + CHUNK_ROWS]).to_numpy() for one in drawn], share, axis=0
        )
        for first in range(0, len(p), CHUNK_ROWS)
    ]
    return pl.Series(np.concatenate(ends) if ends else [], dtype=pl.Float64)


def _seed_of(labels: pl.DataFrame) -> int:
    text = "|".join(labels["gap_id"])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
