"""What speaks for a port group, or for no call, given the two ends of a gap (METHOD 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.geodesy import bearing_deg
from pipeline.joint.hidden import NONE
from pipeline.reception.window import Floats, Ints
from pipeline.rules import JointRules

# Of a group, then of no call; in the order of `JointRules.prior_weights`.
NAMES = (
    "slack",  # log(1 + hours left at usual speed over a usual stay)
    "detour",  # hours more than straight on, over the hours of the gap
    "has_room",  # 12 h or more are left at usual speed
    "towards",  # cosine of the course at the off point against the bearing of the port
    "away",  # cosine of the course at the on point against the bearing from the port
    "far_off",  # log(1 + usual hours to it)
    "far_on",  # log(1 + usual hours from it)
    "lay_there_off",  # stopped at the off point, in the port as far as can be told
    "lay_there_on",  # the same at the on point
    "lay_there_both",  # both; such a group has no slack and has_room, as it need not have sailed
    "traffic",  # log share of the fleet's known calls
    "own",  # log of the ship's own share, shrunk, over the fleet's
    "none",  # 1
    "none_duration",  # log days of the gap
    "none_under_way",  # share of the two ends at which it was under way
    "none_straight",  # hours straight on at usual speed over the hours of the gap, at most 1
    "none_lay",  # 1 where it lay at one group at both ends; then none_duration is 0
    "none_lay_duration",  # log days of such a gap
)
LEAST_H = 1e-3


@dataclass(frozen=True, eq=False)
class Calls:
    """Known calls by group.

    Attributes:
        by_fleet: fleet, port_group, calls, fleet_calls (all of the fleet).
        by_ship: mmsi, port_group, calls; and `ship`: mmsi, own_calls (all of the ship).
        groups: how many port groups there are.
    """

    by_fleet: pl.DataFrame
    by_ship: pl.DataFrame
    ship: pl.DataFrame
    groups: int


def build_features(
    gaps: pl.DataFrame,
    pairs: pl.DataFrame,
    ports: pl.DataFrame,
    calls: Calls,
    rules: JointRules,
) -> Floats:
    """Return the features (pairs, then gaps for no call; NAMES).

    Args:
        gaps: mmsi, fleet, off_at, on_at, and off_ and on_ lon, lat, sog_kn, cog_deg.
        pairs: gap (number of the gap), port_group, usual_to_h, usual_from_h, usual_direct_h,
            hidden_calls, hidden_all (calls of the ship that must not be known: inside the gap).
        ports: `routes.find_ports`.
        calls: known calls.
        rules: thresholds.
    """
    gap = pairs["gap"].to_numpy()
    found = np.zeros((pairs.height + gaps.height, len(NAMES)))
    duration_h = np.maximum(
        (gaps["on_at"] - gaps["off_at"]).dt.total_microseconds().to_numpy() / 3.6e9, LEAST_H
    )
    to_h, from_h, direct_h = (
        np.minimum(pairs[name].to_numpy(), rules.most_way_h)
        for name in ("usual_to_h", "usual_from_h", "usual_direct_h")
    )
    left_h = np.maximum(duration_h[gap] - to_h - from_h, 0)
    own = found[: pairs.height]
    own[:, 0] = np.log1p(left_h / rules.usual_stay_h)
    own[:, 1] = np.clip((to_h + from_h - direct_h) / duration_h[gap], 0, rules.most_detour)
    own[:, 2] = left_h >= rules.room_h
    stopped = _add_ends(own, gaps, gap, pairs, ports, rules)
    own[:, 5], own[:, 6] = np.log1p(to_h), np.log1p(from_h)
    own[:, 7], own[:, 8] = (
        stopped["off"][gap] * (to_h < rules.there_h),
        stopped["on"][gap] * (from_h < rules.there_h),
    )
    own[:, 9] = own[:, 7] * own[:, 8]
    own[:, [0, 2]] *= 1 - own[:, [9]]
    own[:, 10], own[:, 11] = _find_shares(gaps, pairs, calls, rules)
    none = found[pairs.height :]
    direct = np.zeros(gaps.height)
    direct[gap] = direct_h
    lay = np.bincount(gap, own[:, 9], minlength=gaps.height) > 0
    none[:, 12] = 1
    none[:, 13] = np.log(duration_h / 24) * ~lay
    none[:, 14] = 1 - (stopped["off"] + stopped["on"]) / 2
    none[:, 15] = np.minimum(direct / duration_h, 1)
    none[:, 16], none[:, 17] = lay, np.log(duration_h / 24) * lay
    return found


def _add_ends(
    own: Floats,
    gaps: pl.DataFrame,
    gap: Ints,
    pairs: pl.DataFrame,
    ports: pl.DataFrame,
    rules: JointRules,
) -> dict[str, Floats]:
    """Write how the courses point, and return whether the ship lay still at each end (gaps)."""
    joined = pairs.select("port_group").join(
        ports, on="port_group", how="left", maintain_order="left"
    )
    port = joined["lon"].to_numpy(), joined["lat"].to_numpy()
    stopped: dict[str, Floats] = {}
    for column, end in ((3, "off"), (4, "on")):
        speed_kn = gaps[f"{end}_sog_kn"].cast(pl.Float64).fill_null(0.0).to_numpy()
        course = gaps[f"{end}_cog_deg"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        place = gaps[f"{end}_lon"].to_numpy()[gap], gaps[f"{end}_lat"].to_numpy()[gap]
        bearing = bearing_deg(*place, *port) if end == "off" else bearing_deg(*port, *place)
        points = np.cos(np.radians(course[gap] - bearing))
        stopped[end] = (speed_kn <= rules.stopped_kn).astype(np.float64)
        own[:, column] = np.nan_to_num(points) * (1 - stopped[end][gap])
    return stopped


def _find_shares(
    gaps: pl.DataFrame, pairs: pl.DataFrame, calls: Calls, rules: JointRules
) -> tuple[Floats, Floats]:
    """Return the log share of the fleet's calls, and the ship's own over it (pairs)."""
    of_pair = (
        pairs.select("gap", "port_group", "hidden_calls", "hidden_all")
        .join(
            gaps.select("mmsi", "fleet").with_row_index("gap").cast({"gap": pl.Int64}),
            on="gap",
            how="left",
            maintain_order="left",
        )
        .join(
            calls.by_fleet.select("fleet", "port_group", fleet_at="calls"),
            on=["fleet", "port_group"],
            how="left",
            maintain_order="left",
        )
        .join(
            calls.by_fleet.select("fleet", "fleet_calls").unique(),
            on="fleet",
            how="left",
            maintain_order="left",
        )
        .join(
            calls.by_ship.select("mmsi", "port_group", own_at="calls"),
            on=["mmsi", "port_group"],
            how="left",
            maintain_order="left",
        )
        .join(calls.ship, on="mmsi", how="left", maintain_order="left")
        .fill_null(0)
    )
    at, hidden = of_pair["hidden_calls"].to_numpy(), of_pair["hidden_all"].to_numpy()
    prior = rules.prior_calls

    def less(name: str, by: Ints) -> Floats:
        return np.maximum(of_pair[name].to_numpy() - by, 0).astype(np.float64)

    fleet = (less("fleet_at", at) + prior / max(calls.groups, 1)) / (
        less("fleet_calls", hidden) + prior
    )
    own = (less("own_at", at) + prior * fleet) / (less("own_calls", hidden) + prior)
    return np.log(fleet), np.log(own / fleet)


def number_pairs(gaps: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Return the candidates of gaps with `gap`, the number of the gap, sorted by it and group."""
    return (
        candidates.select("gap_id", "port_group", "usual_to_h", "usual_from_h", "usual_direct_h")
        .filter(pl.col("port_group") != NONE)
        .join(gaps.select("gap_id").with_row_index("gap").cast({"gap": pl.Int64}), on="gap_id")
        .sort("gap", "port_group")
    )
