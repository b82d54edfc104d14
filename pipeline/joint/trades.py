"""Which port ships go to from which, and where each was last known to call (METHOD 5, 6, 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipeline.reception.window import Floats
from pipeline.rules import JointRules

if TYPE_CHECKING:
    from pipeline.joint.features import Calls

STILL_THERE = datetime(9999, 1, 1)
LEGS = {
    "fleet": pl.String,
    "from_group": pl.String,
    "to_group": pl.String,
    "legs": pl.Int64,
}


@dataclass(frozen=True, eq=False)
class Lifts:
    """Logs of how much oftener a fleet sails a leg than its calls at the port would have it.

    0 where the known port is not known.

    Attributes:
        from_last: from the last known port to the candidate (pairs).
        to_next: from the candidate to the next known port (pairs).
        direct: from the last known port to the next (gaps).
    """

    from_last: Floats
    to_next: Floats
    direct: Floats


def count_legs(known: pl.DataFrame) -> pl.DataFrame:
    """Return LEGS: how often ships of a fleet called at one group after another.

    Args:
        known: known calls: fleet, mmsi, port_group, entered_at.
    """
    ordered = known.sort("mmsi", "entered_at", "port_group").with_columns(
        to_group=pl.col("port_group").shift(-1).over("mmsi")
    )
    return (
        ordered.drop_nulls("to_group")
        .group_by("fleet", pl.col("port_group").alias("from_group"), "to_group")
        .agg(legs=pl.len().cast(pl.Int64))
        .sort("fleet", "from_group", "to_group")
        .cast(LEGS)  # pyright: ignore[reportArgumentType]
    )


def find_known(gaps: pl.DataFrame, calls: Calls) -> pl.DataFrame:
    """Return the last known port group before each gap and the first after it, or null (gaps).

    A call that goes on at an end of the gap is known there; none inside it is.

    Args:
        gaps: mmsi, off_at, on_at.
        calls: known calls.
    """
    within = pl.duration(seconds=round(calls.known_within_d * 86_400))
    asked = gaps.select("mmsi", "off_at", "on_at").with_row_index("gap")
    left_at = pl.col("left_at").fill_null(STILL_THERE)
    stays = calls.stays.select("mmsi", "port_group", "entered_at", left_at=left_at)
    sides = (
        ("last_group", "off_at", "entered_at", "backward", pl.col("off_at") - pl.col("left_at")),
        ("next_group", "on_at", "left_at", "forward", pl.col("entered_at") - pl.col("on_at")),
    )
    found = asked.select("gap")
    for name, at, by, way, apart in sides:
        near = (
            asked.sort(at, "gap")
            .join_asof(
                stays.sort(by, "mmsi", "port_group"),
                left_on=at,
                right_on=by,
                by="mmsi",
                strategy=way,  # pyright: ignore[reportArgumentType]
                check_sortedness=False,
                coalesce=False,
            )
            .filter(apart <= within)
            .select("gap", pl.col("port_group").alias(name))
        )
        found = found.join(near, on="gap", how="left", maintain_order="left")
    return found.drop("gap")


def find_lifts(gaps: pl.DataFrame, pairs: pl.DataFrame, calls: Calls, rules: JointRules) -> Lifts:
    """Return the lifts of gaps and of their candidates.

    The legs of a gap itself are left out: those by way of the calls hidden in it, and, where none
    is hidden, that from the last known port to the next.

    Args:
        gaps: mmsi, fleet, off_at, on_at.
        pairs: gap (its number), port_group, hidden_calls, hidden_all.
        calls: known calls.
        rules: thresholds.
    """
    known = find_known(gaps, calls)
    ends = gaps.select("fleet").hstack(known)
    of_gap = pairs["gap"]
    hidden = (pairs["hidden_calls"] > 0).cast(pl.Int64)
    fleet = ends["fleet"].gather(of_gap)
    candidate = pairs["port_group"]
    any_hidden = np.zeros(gaps.height)
    np.maximum.at(any_hidden, of_gap.to_numpy(), pairs["hidden_all"].to_numpy())
    own = pl.Series((any_hidden == 0).astype(np.int64))
    last, following = known["last_group"], known["next_group"]
    return Lifts(
        _lift(fleet, last.gather(of_gap), candidate, hidden, calls, rules),
        _lift(fleet, candidate, following.gather(of_gap), hidden, calls, rules),
        _lift(ends["fleet"], last, following, own, calls, rules),
    )


def _lift(
    fleet: pl.Series,
    from_group: pl.Series,
    to_group: pl.Series,
    hidden: pl.Series,
    calls: Calls,
    rules: JointRules,
) -> Floats:
    """Return log(P(to | from) / P(to)) of the fleet, shrunk towards 0."""
    prior = rules.prior_calls
    leg = pl.DataFrame(
        {"fleet": fleet, "from_group": from_group, "to_group": to_group, "hidden": hidden}
    )
    departed = calls.legs.group_by("fleet", "from_group").agg(departed=pl.col("legs").sum())
    called = calls.by_fleet.select("fleet", "calls", "fleet_calls", to_group="port_group")
    found = (
        leg.join(
            calls.legs, on=["fleet", "from_group", "to_group"], how="left", maintain_order="left"
        )
        .join(departed, on=["fleet", "from_group"], how="left", maintain_order="left")
        .join(called, on=["fleet", "to_group"], how="left", maintain_order="left")
        .with_columns(pl.col("legs", "departed", "calls", "fleet_calls").fill_null(0))
    )
    share = (pl.col("calls") + prior / max(calls.groups, 1)) / (pl.col("fleet_calls") + prior)
    sailed = (pl.col("legs") - pl.col("hidden")).clip(0)
    of_all = (pl.col("departed") - pl.col("hidden")).clip(0)
    lift = ((sailed + prior * share) / (of_all + prior) / share).log()
    is_known = pl.col("from_group").is_not_null() & pl.col("to_group").is_not_null()
    return found.select(pl.when(is_known).then(lift).otherwise(0.0)).to_series().to_numpy()
