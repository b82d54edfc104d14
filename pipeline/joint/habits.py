"""Where ships call: learned of lit voyages whose port part is hidden (METHOD 6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.joint.choice import fit_choice, weigh_choices
from pipeline.joint.features import NAMES, Calls, build_features, number_pairs
from pipeline.joint.hidden import NONE, STAYS, draw_hidden, find_calls
from pipeline.joint.routes import find_ports
from pipeline.reception.window import Floats, Ints
from pipeline.rules import JointRules, Rules
from pipeline.water import Water

ALL = "all"  # fleets together, and ships whose fleet is not known


@dataclass(frozen=True, eq=False)
class Habits:
    """What is learned of months m-5 to m about where ships call.

    Attributes:
        weights: of `features.NAMES`, by fleet; ALL for fleets with too few hidden voyages.
        calls: known calls by fleet and ship.
        hidden: hidden voyages learned from, by fleet; ALL of them under ALL.
        not_reached: of these left out, as where the ship called was no candidate.
        log_loss: mean of -log P(what it did) over those learned from; NaN where there are none.
    """

    weights: Mapping[str, Floats]
    calls: Calls
    hidden: Mapping[str, int]
    not_reached: int
    log_loss: float


def count_calls(
    stays: pl.DataFrame, fleets: pl.DataFrame | None, groups: int, min_visit_h: float
) -> Calls:
    """Return the known calls: stays that are long enough, or still last.

    Args:
        stays: `hidden.STAYS`.
        fleets: mmsi, fleet; None: all ships are of fleet ALL.
        groups: how many port groups there are.
        min_visit_h: the shortest call.
    """
    stayed_h = (pl.col("left_at") - pl.col("entered_at")).dt.total_seconds() / 3600
    known = _add_fleet(
        stays.select(*STAYS).filter((stayed_h >= min_visit_h) | pl.col("left_at").is_null()), fleets
    )
    by_ship = known.group_by("mmsi", "port_group").agg(calls=pl.len().cast(pl.Int64))
    return Calls(
        known.group_by("fleet", "port_group")
        .agg(calls=pl.len().cast(pl.Int64))
        .with_columns(fleet_calls=pl.col("calls").sum().over("fleet"))
        .sort("fleet", "port_group"),
        by_ship.sort("mmsi", "port_group"),
        by_ship.group_by("mmsi").agg(own_calls=pl.col("calls").sum()).sort("mmsi"),
        groups,
    )


def fit_habits(
    ship_hours: pl.DataFrame,
    stays: pl.DataFrame,
    water: Water,
    rules: Rules,
    *,
    candidates_of: Callable[[pl.DataFrame], pl.DataFrame],
    fleets: pl.DataFrame | None = None,
) -> Habits:
    """Return what lit voyages of months m-5 to m teach about where ships call.

    Where there are few, `rules.joint.prior_weights` hold: the fit is under a normal prior around
    them, and that of a fleet under one around the fit of all fleets.

    Args:
        ship_hours: `reception.COLUMNS`.
        stays: port stays: mmsi, port_group, entered_at, left_at.
        water: ways.
        rules: thresholds.
        candidates_of: the groups in reach of gaps, as of `reach.find_candidates`.
        fleets: mmsi, fleet; None: all ships are alike.
    """
    ports = find_ports(water)
    calls = count_calls(stays, fleets, ports.height, rules.causes.min_visit_h)
    gaps = _add_fleet(draw_hidden(ship_hours, stays, rules.causes.min_visit_h, rules.joint), fleets)
    if gaps.is_empty():
        empty = np.zeros(0, np.int64)
        return _fit(np.zeros((0, len(NAMES))), empty, empty, [], calls, 0, rules.joint)
    candidates = candidates_of(gaps)
    gaps = _leave_in_port(gaps, candidates)
    pairs = _hide_calls(gaps, number_pairs(gaps, candidates), stays)
    features = build_features(gaps, pairs, ports, calls, rules.joint)
    chooser = np.concatenate([pairs["gap"].to_numpy(), np.arange(gaps.height)])
    name = pl.concat([pairs["port_group"], pl.repeat(NONE, gaps.height, eager=True)])
    is_chosen = (name == gaps["called_at"].gather(chooser)).to_numpy()
    is_reached = np.bincount(chooser, is_chosen, minlength=gaps.height) > 0
    is_kept = is_reached[chooser]
    number = np.cumsum(is_reached) - 1
    return _fit(
        features[is_kept],
        number[chooser[is_kept]],
        is_chosen[is_kept].astype(np.int64),
        gaps["fleet"].filter(is_reached).to_list(),
        calls,
        int((~is_reached).sum()),
        rules.joint,
    )


def _fit(
    features: Floats,
    chooser: Ints,
    chosen: Ints,
    fleet: list[str],
    calls: Calls,
    not_reached: int,
    rules: JointRules,
) -> Habits:
    is_chosen = chosen == 1
    prior = np.array(rules.prior_weights, np.float64)
    together = prior
    if fleet:
        together = fit_choice(
            features, chooser, is_chosen, prior, rules.prior_scale, rules.most_steps
        )
    weights, hidden = {ALL: together}, {ALL: len(fleet)}
    names = np.array(fleet, dtype=object)
    loss = np.zeros(len(fleet))
    for one in [*sorted(set(fleet)), ALL]:
        is_own = names == one
        hidden[one] = hidden[one] if one == ALL else int(is_own.sum())
        if one != ALL and hidden[one] >= rules.least_hidden:
            rows = is_own[chooser]
            weights[one] = fit_choice(
                features[rows],
                (np.cumsum(is_own) - 1)[chooser[rows]],
                is_chosen[rows],
                together,
                rules.fleet_scale,
                rules.most_steps,
            )
        rows = is_own[chooser] & is_chosen
        share = weigh_choices(features, chooser, weights.get(one, together))
        loss[chooser[rows]] = -np.log(np.maximum(share[rows], 1e-300))
    return Habits(
        weights, calls, hidden, not_reached, float(loss.mean()) if fleet else float("nan")
    )


def weigh_groups(
    gaps: pl.DataFrame, pairs: pl.DataFrame, ports: pl.DataFrame, habits: Habits, rules: JointRules
) -> Floats:
    """Return P(k | what is known of the gap): of the pairs, then of none of each gap.

    Args:
        gaps: as of `features.build_features`.
        pairs: `features.number_pairs`.
        ports: `routes.find_ports`.
        habits: learned.
        rules: thresholds.
    """
    nothing = pairs.with_columns(hidden_calls=pl.lit(0), hidden_all=pl.lit(0))
    features = build_features(gaps, nothing, ports, habits.calls, rules)
    chooser = np.concatenate([pairs["gap"].to_numpy(), np.arange(gaps.height)])
    fleets = sorted(set(habits.weights))
    table = np.stack([habits.weights[one] for one in fleets])
    known = gaps["fleet"].replace_strict(
        fleets, np.arange(len(fleets)), default=fleets.index(ALL), return_dtype=pl.Int64
    )
    return weigh_choices(features, chooser, table[known.to_numpy()[chooser]])


def _add_fleet(frame: pl.DataFrame, fleets: pl.DataFrame | None) -> pl.DataFrame:
    if fleets is None:
        return frame.with_columns(fleet=pl.lit(ALL))
    known = fleets.select("mmsi", "fleet").unique("mmsi")
    return frame.join(known, on="mmsi", how="left", maintain_order="left").with_columns(
        pl.col("fleet").fill_null(ALL)
    )


def _leave_in_port(gaps: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Return gaps without those within a port stay from which no other group is in reach.

    Such a silence is no gap that is asked about (cause `in_port`).
    """
    others = (
        candidates.join(gaps.select("gap_id", "called_at"), on="gap_id")
        .filter(pl.col("port_group") != pl.col("called_at"))
        .select("gap_id", has_others=pl.lit(value=True))
        .unique("gap_id")
    )
    return (
        gaps.join(others, on="gap_id", how="left", maintain_order="left")
        .filter(~pl.col("is_within") | pl.col("has_others").fill_null(value=False))
        .drop("has_others")
    )


def _hide_calls(gaps: pl.DataFrame, pairs: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Return pairs with the calls of the ship inside the gap, at the group and at all."""
    inside = find_calls(gaps, stays)
    at = inside.group_by("gap_id", "port_group").agg(hidden_calls=pl.len().cast(pl.Int64))
    everywhere = inside.group_by("gap_id").agg(hidden_all=pl.len().cast(pl.Int64))
    return (
        pairs.join(at, on=["gap_id", "port_group"], how="left", maintain_order="left")
        .join(everywhere, on="gap_id", how="left", maintain_order="left")
        .with_columns(pl.col("hidden_calls", "hidden_all").fill_null(0))
    )
