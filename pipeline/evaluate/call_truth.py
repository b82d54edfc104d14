"""Published candidates with the truth beside them: where silent ships truly lay (METHOD 6, 8)."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.areas import NO_PORT_GROUP, Areas
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import Run
from pipeline.geodesy import KM_PER_NM, FloatArray
from pipeline.port_stays import find_known_around, mark_scopes
from pipeline.rules import Rules

# Of a gap, on each of its candidates.
OF_GAP = (
    *("run", "cluster", "gap_id", "vessel", "cause", "is_off", "is_rated", "duration_h"),
    *("off_port_group", "true_group"),
)
SCOPE_COLUMNS = ("in_ru_ir_any", "in_ru_ir_crossing")
OF_CANDIDATE = (
    *("gap_id", "port_group", "country", "window_from", "window_to"),
    *("p_call", "p_unheard", "p_call_flat"),
)
SHORTEST_LEG_H = 0.5  # hours are told to 1e-4 h: a speed had back from fewer is none
SLACK_H = 1e-3  # of rounded hours


def find_stays(
    gaps: pl.DataFrame, port_calls: pl.DataFrame, rules: EvaluationRules
) -> pl.DataFrame:
    """Return one row per closed gap x true stay of which `visit_min_h` or more lie inside it.

    Args:
        gaps: gap_id, vessel, off_at, on_at.
        port_calls: truth table; stays of every kind.
        rules: the least visit.

    Returns:
        (gap_id, call_id, port_group, country, arrival_at, departure_at, inside_h, is_inside,
        is_dark, is_unheard). `is_inside`: the whole stay lies in the gap; `is_dark` and
        `is_unheard`: it does, and the set was off, or on, for all of it.
    """
    begin, end = (
        pl.max_horizontal("arrival_at", "off_at"),
        pl.min_horizontal("departure_at", "on_at"),
    )
    is_inside = (pl.col("arrival_at") >= pl.col("off_at")) & (
        pl.col("departure_at") <= pl.col("on_at")
    )
    return (
        gaps.filter(pl.col("on_at").is_not_null(), pl.col("vessel").is_not_null())
        .select("gap_id", "vessel", "off_at", "on_at")
        .join(port_calls.with_columns(pl.col("vessel").cast(pl.Int64)), on="vessel")
        .with_columns(inside_h=(end - begin).dt.total_microseconds() / 3.6e9, is_inside=is_inside)
        .filter(pl.col("inside_h") >= rules.visit_min_h)
        .select(
            *("gap_id", "call_id", "port_group", "country", "arrival_at", "departure_at"),
            *("inside_h", "is_inside"),
            is_dark=pl.col("is_dark") & pl.col("is_inside"),
            is_unheard=~pl.col("is_dark") & (pl.col("off_h") <= 0) & pl.col("is_inside"),
        )
        .sort("gap_id", "call_id")
    )


def attach_stays(gaps: pl.DataFrame, stays: pl.DataFrame) -> pl.DataFrame:
    """Return gaps with `true_group`: that of the longest true stay in them, else `none`."""
    longest = (
        stays.sort("gap_id", "inside_h", "call_id", descending=[False, True, False])
        .unique("gap_id", keep="first", maintain_order=True)
        .select("gap_id", true_group="port_group")
    )
    return gaps.join(longest, on="gap_id", how="left", maintain_order="left").with_columns(
        pl.col("true_group").fill_null(NO_PORT_GROUP)
    )


def list_chances(
    run: Run, gaps: pl.DataFrame, stays: pl.DataFrame, areas: Areas, rules: Rules
) -> pl.DataFrame:
    """Return one row per closed gap x candidate, `none` included, with what is true of it.

    Beside the columns of the two: `off_km` and `on_km`, straight from the ends of the gap to the
    group; `is_glimpsed`, an end lies in that port (METHOD 6: no dark call there);
    `has_end_in_port`, an end lies in one of the candidates' ports; the scopes of METHOD 7; whether
    a true stay there was dark (`is_dark_here`), unheard (`is_unheard_here`), or any
    (`is_stay_here`).
    `is_rated_call`: the middle of the window lies in the rated time, as table call_sums counts.

    Args:
        run: the night.
        gaps: its gaps with run, cluster, vessel, is_rated and `attach_stays`.
        stays: `find_stays`.
        areas: ports.
        rules: radius of a port, days to a known port.
    """
    here = ["gap_id", "port_group"]
    true = stays.group_by(here).agg(
        is_dark_here=pl.col("is_dark").any(),
        is_unheard_here=pl.col("is_unheard").any(),
        is_stay_here=pl.lit(value=True),
    )
    ends = _measure_ends(run.published["port_candidates"], gaps, areas)
    within_km = rules.ports.leave_beyond_km
    middle = pl.col("window_from") + (pl.col("window_to") - pl.col("window_from")) / 2
    is_end_here = (pl.min_horizontal("off_km", "on_km") <= within_km).fill_null(value=False)
    return (
        run.published["port_candidates"]
        .select(OF_CANDIDATE)
        .join(gaps.select(OF_GAP), on="gap_id", maintain_order="left")
        .join(ends, on=here, how="left", maintain_order="left")
        .join(_name_scopes(run, gaps, rules), on=here, how="left", maintain_order="left")
        .join(true, on=here, how="left", maintain_order="left")
        .with_columns(
            pl.col("is_dark_here", "is_unheard_here", "is_stay_here").fill_null(value=False),
            is_glimpsed=is_end_here,
            has_end_in_port=is_end_here.any().over("gap_id"),
            is_rated_call=(middle >= run.world.rated_from).fill_null(value=False),
        )
    )


def compare_sets(
    chances: pl.DataFrame, gaps: pl.DataFrame, areas: Areas, rules: Rules
) -> pl.DataFrame:
    """Return one row per gap with candidates: how many there are, and how many an ellipse has.

    The great-circle ellipse of a gap holds the groups that a ship could have called at for the
    minimum visit if all ways were straight, ports being as wide as they are for candidates.
    `ellipse` has the bounding speed of METHOD 5, had back from the tables: `to_h` and `from_h` are
    never less than the straight way takes at it, so it is at least the fastest straight way told of
    any candidate of the ship in the month. That is a little less than the true one, and makes the
    ellipse too small rather than too large. It is null where no candidate lies far enough away.
    `ellipse_v_max` has the speed beyond which a track is none.
    """
    reach_km, visit_h = rules.causes.in_port_within_km, rules.causes.min_visit_h
    groups = chances.filter(pl.col("port_group") != NO_PORT_GROUP)
    asked = gaps.join(chances.select("gap_id").unique(), on="gap_id", how="semi")
    off_km, on_km = (_straight_km(asked, side, areas) for side in ("off", "on"))
    around_km = np.maximum(off_km - reach_km, 0) + np.maximum(on_km - reach_km, 0)
    speeds = asked.select("gap_id").join(
        _bound_speeds(groups, asked, reach_km), on="gap_id", how="left", maintain_order="left"
    )["speed_kmh"]
    v_max_kmh = np.full(asked.height, rules.tracks.v_max_kn * KM_PER_NM)
    room_h = asked["duration_h"].to_numpy()[:, None] - visit_h + SLACK_H
    sizes = {
        name: (around_km / kmh[:, None] <= room_h).sum(axis=1)
        for name, kmh in (("ellipse", speeds.to_numpy()), ("ellipse_v_max", v_max_kmh))
    }
    found = asked.select(OF_GAP).with_columns(
        ellipse_v_max=pl.Series(sizes["ellipse_v_max"], dtype=pl.Int64),
        ellipse=pl.Series(sizes["ellipse"], dtype=pl.Int64),
    )
    candidates = groups.group_by("gap_id").agg(candidates=pl.len().cast(pl.Int64))
    return found.join(candidates, on="gap_id", how="left", maintain_order="left").with_columns(
        pl.col("candidates").fill_null(0),
        ellipse=pl.when(speeds.is_not_null()).then("ellipse"),
    )


def _bound_speeds(groups: pl.DataFrame, gaps: pl.DataFrame, reach_km: float) -> pl.DataFrame:
    """Return gap_id, speed_kmh: the fastest straight way told of the ship in the month of on_at."""
    legs = [
        groups.select("gap_id", hours=f"{word}_h", km=pl.col(f"{side}_km") - reach_km)
        for word, side in (("to", "off"), ("from", "on"))
    ]
    told = (
        pl.concat(legs)
        .filter(pl.col("hours") >= SHORTEST_LEG_H)
        .group_by("gap_id")
        .agg(kmh=(pl.col("km") / pl.col("hours")).max())
    )
    month = pl.col("on_at").dt.truncate("1mo")
    return (
        gaps.select("gap_id", "mmsi", month=month)
        .join(told, on="gap_id", how="left")
        .select("gap_id", speed_kmh=pl.col("kmh").max().over("mmsi", "month"))
    )


def _measure_ends(candidates: pl.DataFrame, gaps: pl.DataFrame, areas: Areas) -> pl.DataFrame:
    """Return gap_id, port_group, to_h, from_h, off_km and on_km of candidates but `none`."""
    names = areas.port_groups()["port_group"].to_list()
    rows = candidates.filter(pl.col("port_group").is_in(names)).select(
        "gap_id", "port_group", "to_h", "from_h"
    )
    asked = gaps.join(rows.select("gap_id").unique(), on="gap_id", how="semi")
    at = {gap: number for number, gap in enumerate(asked["gap_id"].to_list())}
    rows = rows.filter(pl.col("gap_id").is_in(asked["gap_id"].implode()))
    gap = np.array([at[name] for name in rows["gap_id"].to_list()], np.intp)
    group = np.array([names.index(name) for name in rows["port_group"].to_list()], np.intp)
    return rows.with_columns(
        pl.Series(f"{side}_km", _straight_km(asked, side, areas)[gap, group])
        for side in ("off", "on")
    )


def _straight_km(gaps: pl.DataFrame, side: str, areas: Areas) -> FloatArray:
    """Return straight distances (gaps, port groups) from an end of each gap, 0 in a port."""
    points = gaps.select(f"{side}_lon", f"{side}_lat").to_numpy()
    if not len(points) or areas.port_groups().is_empty():
        return np.zeros((len(points), areas.port_groups().height))
    places, which = np.unique(points, axis=0, return_inverse=True)
    return areas.straight_km_to_groups(*places.T)[which.ravel()]


def _name_scopes(run: Run, gaps: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Return gap_id, port_group and the scopes of each candidate (METHOD 7).

    Known ports before and after are those that table legs begins and ends in.
    """
    legs = run.published["legs"]
    known = pl.concat(
        legs.select(
            "ship_id",
            port_group=f"{end}_group",
            country=f"{end}_country",
            first_slow_at=instant,
            last_slow_at=instant,
        )
        for end, instant in (("from", "left_at"), ("to", "arrived_at"))
    )
    reachable = run.published["port_candidates"].filter(pl.col("port_group") != NO_PORT_GROUP)
    asked = gaps.join(reachable.select("gap_id").unique(), on="gap_id", how="semi").select(
        "gap_id", "ship_id", "flag", "fleet", "off_at", "on_at"
    )
    around = find_known_around(asked, known, rules)
    placed = reachable.select("gap_id", "port_group", port_country="country").join(
        around.drop("before_group", "after_group"), on="gap_id"
    )
    return mark_scopes(placed).select("gap_id", "port_group", *SCOPE_COLUMNS)


def sum_published(run: Run) -> dict[str, float]:
    """Return the expected calls of the rated months by scope, from table call_sums."""
    sums = run.published["call_sums"].filter(
        pl.col("month") >= run.world.rated_from.date(), pl.col("month") < run.world.end.date()
    )
    whole = {"all": pl.lit(value=True), **{name[3:]: pl.col(name) for name in SCOPE_COLUMNS}}
    return {
        scope: float(sums.filter(test)["expected_calls"].sum()) for scope, test in whole.items()
    }
