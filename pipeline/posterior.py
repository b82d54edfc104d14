"""What a month's gaps come to once it is asked where their ships went (METHOD 5, 6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from pipeline import joint, port_parts, port_stays, reach
from pipeline.reception import Learned
from pipeline.reception.judge import P_OFF
from pipeline.reception.parts import take_log_odds
from pipeline.rules import Rules
from pipeline.schema import PortCandidates, conform, polars_schema
from pipeline.water import Water

DIGITS = 6  # of p_off, as `reception.judge_gaps` gives it


@dataclass(frozen=True, eq=False)
class Past:
    """What is known of the months m-5 to m, as far as calls are learned from it.

    Attributes:
        ship_hours: `reception.COLUMNS`.
        speeds: histograms: mmsi, month, speed_bin, sightings.
        port_parts: `port_parts.merge_port_parts` of each month.
        fleets: mmsi, fleet, of the ships of these months.
    """

    ship_hours: pl.DataFrame
    speeds: pl.DataFrame
    port_parts: pl.DataFrame
    fleets: pl.DataFrame


def weigh_calls(
    silences: pl.DataFrame,
    judged: pl.DataFrame,
    learned: Learned | None,
    past: Past,
    water: Water,
    rules: Rules,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return `judged` with the p_off that takes in where ships went, and table port_candidates.

    The interval moves with p_off, by as much in the logit. Open gaps, which have no candidates,
    keep what they have (METHOD 6).

    Args:
        silences: with what `joint` and `reach` read of table gaps, but for fleet, p_off and cause;
            those that something else explains (METHOD 4, before `unobservable`) left out.
        judged: `reception.judge_gaps`.
        learned: of the months up to the one in which the silences ended; None: of no hours.
        past: of the same months.
        water: ways.
        rules: thresholds.
    """
    is_unobservable = pl.col("expected_receptions") < rules.reception.least_expected
    asked = (
        silences.drop("cause")
        .join(judged.select("gap_id", "p_off", "expected_receptions"), on="gap_id")
        .with_columns(cause=pl.when(is_unobservable).then(pl.lit("unobservable")))
        .filter(
            pl.col("on_at").is_not_null(), pl.col("p_off").is_not_null() | (pl.col("cause") != "")
        )
        .join(past.fleets, on="mmsi", how="left", maintain_order="left")
        .with_columns(pl.col("fleet").fill_null("unknown"))
    )
    if asked.is_empty():
        return judged, pl.DataFrame(schema=polars_schema(PortCandidates))
    find = partial(
        reach.find_candidates,
        speeds=reach.sum_up_speeds(past.speeds, past.fleets, rules),
        water=water,
        rules=rules,
    )
    merged = port_parts.merge_port_parts(past.port_parts, rules.gaps.shortest_s)
    stays = port_stays.list_lit_calls(port_stays.list_port_stays(merged, water.areas), rules)
    habits = joint.fit_habits(
        past.ship_hours, stays, water, rules, candidates_of=find, fleets=past.fleets
    )
    candidates = find(asked)
    weighed = joint.weigh_candidates(asked, candidates, habits, learned, water, rules)
    return _move_p_off(judged, weighed), _list_rows(candidates, weighed)


def _move_p_off(judged: pl.DataFrame, weighed: pl.DataFrame) -> pl.DataFrame:
    """Return judged gaps with the p_off of the posterior."""
    from scipy.special import expit

    moved = (
        weighed.select("gap_id", "p_off_joint")
        .unique("gap_id", keep="first", maintain_order=True)
        .drop_nulls()
    )
    rows = judged.join(moved, on="gap_id", how="left", maintain_order="left")
    at = rows["p_off_joint"].is_not_null().arg_true().to_numpy()
    p = rows["p_off_joint"].to_numpy()[at]
    direct = take_log_odds(rows["p_off_direct"].to_numpy()[at])
    shift = take_log_odds(p) - direct
    ends = (
        expit(take_log_odds(rows[name].to_numpy()[at]) + shift)
        for name in ("p_off_low", "p_off_high")
    )
    low, high = ends
    # Beyond the digits that are told the ends are no longer on their own side.
    moved_to = (p, np.minimum(low, p), np.maximum(high, p))
    return rows.drop("p_off_joint").with_columns(
        rows[name].scatter(at, values.round(DIGITS))
        for name, values in zip(P_OFF, moved_to, strict=True)
    )


def _list_rows(candidates: pl.DataFrame, weighed: pl.DataFrame) -> pl.DataFrame:
    """Return table port_candidates, by gap_id and port_group."""
    rows = weighed.join(
        candidates, on=["gap_id", "port_group"], how="left", maintain_order="left"
    ).with_columns(
        log_silence_gain=(pl.col("log_silence_via") - pl.col("log_silence_direct")).round(DIGITS)
    )
    return conform(rows.select(polars_schema(PortCandidates).names()), PortCandidates)
