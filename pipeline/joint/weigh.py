"""Off or on, and where: a row per closed gap and port group it could have called at (METHOD 6)."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.errors import SchemaError
from pipeline.joint.combine import combine
from pipeline.joint.features import number_pairs
from pipeline.joint.habits import Habits, weigh_groups
from pipeline.joint.hidden import NONE
from pipeline.joint.routes import find_ports
from pipeline.joint.ways import weigh_silences
from pipeline.reception.learn import Learned
from pipeline.reception.window import Floats, Ints
from pipeline.rules import JointRules, Rules
from pipeline.water import Water

SCHEMA = {
    "gap_id": pl.String,
    "port_group": pl.String,
    "p_prior": pl.Float64,
    "p_call": pl.Float64,
    "p_unheard": pl.Float64,
    "p_call_flat": pl.Float64,
    "log_silence_direct": pl.Float64,
    "log_silence_via": pl.Float64,
    "p_off_joint": pl.Float64,
    "p_off_flat": pl.Float64,
    "is_unobservable": pl.Boolean,
}
CONCLUDED = ("p_call", "p_unheard", "p_call_flat", "p_off_joint", "p_off_flat")
DIGITS = 12  # sums of rounded probabilities are still one


def weigh_candidates(
    gaps: pl.DataFrame,
    candidates: pl.DataFrame,
    habits: Habits,
    learned: Learned | None,
    water: Water,
    rules: Rules,
) -> pl.DataFrame:
    """Return SCHEMA, rows of each judged gap: its candidates and `none`.

    Over the rows of a gap p_call and p_unheard add up to one; p_off_joint, the sum of its p_call,
    is the p_off that takes in where the ship may have gone. Gaps of causes before `unobservable`
    (METHOD 4) and open gaps have no row. Where an unobservable gap has no p_off its probabilities
    are null, but for p_prior.

    Args:
        gaps: columns of table gaps, cause and p_off (of the direct way) among them.
        candidates: `reach.find_candidates`.
        habits: `habits.fit_habits` of the same months.
        learned: of the months up to the one in which the gaps ended; None: of no hours.
        water: ways.
        rules: thresholds.

    Raises:
        SchemaError: a candidate's port group is not in the geo folder.
    """
    is_judged = pl.col("p_off").is_not_null() | (pl.col("cause") == "unobservable")
    judged = gaps.filter(is_judged, pl.col("on_at").is_not_null()).sort("gap_id")
    if judged.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    pairs = number_pairs(judged, candidates)
    ports = find_ports(water)
    unknown = sorted(set(pairs["port_group"]) - set(ports["port_group"]))
    if unknown:
        raise SchemaError(f"candidates: {unknown[0]!r} is no port group of the geo folder")
    prior = weigh_groups(judged, pairs, ports, habits, rules.joint)
    direct, via = np.zeros(judged.height), np.zeros(pairs.height)
    on_all_along = np.full(judged.height, np.nan)
    if learned is not None:
        direct, via, on_all_along = weigh_silences(judged, pairs, learned, water, rules)
    return _tell(judged, pairs, prior, (direct, via), on_all_along, rules.joint)


def _tell(
    gaps: pl.DataFrame,
    pairs: pl.DataFrame,
    prior: Floats,
    log_silence: tuple[Floats, Floats],
    on_all_along: Floats,
    rules: JointRules,
) -> pl.DataFrame:
    """Return the rows of `weigh_candidates`; where nothing is known of silence, p_off stays."""
    direct, via = log_silence
    of_pair = pairs["gap"].to_numpy()
    gap = np.concatenate([of_pair, np.arange(gaps.height)])
    p_off = gaps["p_off"].cast(pl.Float64).fill_null(0.0).to_numpy()
    on_all_along = np.where(np.isnan(on_all_along), 1 - p_off, on_all_along)
    gain = rules.silence_weight * (via - direct[of_pair])
    log_ratio = np.concatenate([gain, np.zeros(gaps.height)])
    found = combine(gap, prior, log_ratio, p_off, on_all_along)
    flat = combine(gap, _flatten(prior, pairs.height, gap), log_ratio, p_off, on_all_along)
    return (
        pl.DataFrame(
            {
                "gap_id": gaps["gap_id"].gather(gap),
                "port_group": pl.concat(
                    [pairs["port_group"], pl.repeat(NONE, gaps.height, eager=True)]
                ),
                "p_prior": prior,
                "p_call": found.off,
                "p_unheard": found.on,
                "p_call_flat": flat.off,
                "log_silence_direct": direct[gap],
                "log_silence_via": np.concatenate([via, direct]),
                "p_off_joint": found.p_off[gap],
                "p_off_flat": flat.p_off[gap],
                "is_judged": gaps["p_off"].is_not_null().gather(gap),
                "is_unobservable": (gaps["cause"] == "unobservable").gather(gap),
            }
        )
        .with_columns(pl.col(pl.Float64).round(DIGITS))
        .with_columns(pl.when("is_judged").then(name).alias(name) for name in CONCLUDED)
        .select(*SCHEMA)
        .cast(SCHEMA)  # pyright: ignore[reportArgumentType]
        .sort("gap_id", "port_group")
    )


def _flatten(prior: Floats, pairs: int, gap: Ints) -> Floats:
    """Return a prior with the same total for none in which all groups are equally likely."""
    flat = prior.copy()
    groups = np.bincount(gap[:pairs], minlength=len(prior) - pairs)
    flat[:pairs] = ((1 - prior[pairs:]) / np.maximum(groups, 1))[gap[:pairs]]
    return flat
