"""Off or on, and where: a row per closed gap and port group it could have called at (METHOD 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.errors import SchemaError
from pipeline.joint.combine import combine
from pipeline.joint.ends import Ends, find_ends
from pipeline.joint.expect import expect_receptions, name_cells, name_places
from pipeline.joint.routes import Routes, find_ports, place_hours
from pipeline.joint.silence import weigh_silence
from pipeline.joint.steps import Stretches
from pipeline.reception.learn import Learned
from pipeline.reception.window import CHAIN, Floats, Ints, Window
from pipeline.rules import Rules
from pipeline.water import Water

NONE = "none"  # no call: at sea, at roads, drifting, beside another ship, or out of the region
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
HOUR_S = 3600.0
DIGITS = 12  # sums of rounded probabilities are still one


@dataclass(frozen=True, eq=False)
class Asked:
    """Gaps of which silent hours lie in the window.

    Attributes:
        gap: their numbers among all gaps (asked).
        off_row: row of the window of the hour in which each went silent (asked).
        size: whole silent hours after it (asked).
    """

    gap: Ints
    off_row: Ints
    size: Ints


def find_asked(gaps: pl.DataFrame, window: Window) -> Asked:
    """Return the gaps that have whole silent hours in a window, and where these are."""
    numbers = window.tracks.with_row_index("number").cast({"number": pl.Int64})
    starts = np.flatnonzero(window.begins)
    ends = np.append(starts[1:], window.rows)
    found = (
        gaps.select(*CHAIN, "off_at", "on_at")
        .with_row_index("gap")
        .cast({"gap": pl.Int64})
        .join(numbers, on=CHAIN, how="inner", maintain_order="left")
    )
    number = found["number"].to_numpy()
    base = starts[number] - window.hour[starts[number]]
    off, on = (
        (found[name] - window.start).dt.total_microseconds().to_numpy() // 3_600_000_000
        for name in ("off_at", "on_at")
    )
    off_row, on_row = base + off, base + on
    size = on_row - off_row - 1
    is_asked = (off_row >= starts[number]) & (on_row < ends[number]) & (size > 0)
    return Asked(found["gap"].to_numpy()[is_asked], off_row[is_asked], size[is_asked])


def weigh_silences(
    gaps: pl.DataFrame,
    pairs: pl.DataFrame,
    learned: Learned,
    water: Water,
    rules: Rules,
) -> tuple[Floats, Floats, Floats]:
    """Return log chances of silence with the set on, and how likely it was on all along.

    A gap without silent hours in the window says nothing: 0 and NaN.

    Args:
        gaps: as for `weigh_candidates`.
        pairs: gap (its number), port_group, usual_to_h, usual_from_h.
        learned, water, rules: as for `weigh_candidates`.

    Returns:
        On the direct way (gaps); on the way through the group (pairs); P(on in every hour, on the
        direct way | everything heard before and after) (gaps).
    """
    asked = find_asked(gaps, learned.window)
    direct, via = np.zeros(gaps.height), np.zeros(pairs.height)
    on_all_along = np.full(gaps.height, np.nan)
    if not len(asked.gap):
        return direct, via, on_all_along
    ends = find_ends(learned, asked.off_row, asked.size, rules.joint.memory_h)
    place = np.full(gaps.height, -1)
    place[asked.gap] = np.arange(len(asked.gap))
    of_asked = place[pairs["gap"].to_numpy()]
    is_asked = of_asked >= 0
    found = _weigh_ways(
        gaps, pairs.filter(is_asked), asked, of_asked[is_asked], ends, learned, water, rules
    )
    direct[asked.gap], via[is_asked] = found[: len(asked.gap)], found[len(asked.gap) :]
    on_all_along[asked.gap] = ends.on_all_along
    return direct, via, on_all_along


def _weigh_ways(
    gaps: pl.DataFrame,
    pairs: pl.DataFrame,
    asked: Asked,
    of_asked: Ints,
    ends: Ends,
    learned: Learned,
    water: Water,
    rules: Rules,
) -> Floats:
    """Return log chances of silence: of direct ways, then of those through groups."""
    window = learned.window
    number = np.concatenate([np.arange(len(asked.gap)), of_asked])
    direct = Stretches(asked.size)
    ways = Stretches(asked.size[of_asked])
    straight_row = asked.off_row[direct.number] + 1 + direct.offset
    row = asked.off_row[of_asked[ways.number]] + 1 + ways.offset
    ports = find_ports(water)
    routes = _find_routes(gaps, pairs, ports, water)
    off_h = _hours_since(gaps, "off_at", window)[pairs["gap"].to_numpy()]
    after_h = window.hour[row] + 0.5 - off_h[ways.number]
    lon, lat, is_under_way = place_hours(
        routes, ways, after_h, ports, water, rules.causes.min_visit_h
    )
    stratum = window.stratum[row] // 2 * 2 + is_under_way
    cells = name_places(window, rules.reception)
    every_row = np.concatenate([straight_row, row])
    expected = expect_receptions(
        learned,
        window.ship[every_row],
        window.hour[every_row],
        np.concatenate([cells[window.place[straight_row]], name_cells(lon, lat, rules.reception)]),
        np.concatenate([window.stratum[straight_row], stratum]),
        rules.reception,
    )
    expected[: len(straight_row)][window.is_outside[straight_row]] = 0.0
    # It stops and gets under way again where the way says so; on the direct way nobody knows.
    before = np.where(ways.offset == 0, window.stratum[row - 1], np.roll(stratum, 1))
    changes = np.concatenate([np.zeros(len(straight_row), np.bool_), stratum != before])
    return weigh_silence(
        Stretches(asked.size[number]),
        expected,
        changes,
        ends.before[:, number],
        ends.after[:, number],
        learned.parameters,
    )


def _find_routes(
    gaps: pl.DataFrame, pairs: pl.DataFrame, ports: pl.DataFrame, water: Water
) -> Routes:
    gap = pairs["gap"].to_numpy()
    off_node, on_node = (
        water.snap(gaps[f"{end}_lon"], gaps[f"{end}_lat"])[0].astype(np.int64)
        for end in ("off", "on")
    )
    names = ports["port_group"].to_list()
    unknown = sorted(set(pairs["port_group"]) - set(names))
    if unknown:
        raise SchemaError(f"candidates: {unknown[0]!r} is no port group of the geo folder")
    group = pairs["port_group"].replace_strict(names, np.arange(len(names)), return_dtype=pl.Int64)
    duration_h = (gaps["on_at"] - gaps["off_at"]).dt.total_microseconds().to_numpy() / 1e6 / HOUR_S
    return Routes(
        gap,
        group.to_numpy(),
        off_node[gap],
        on_node[gap],
        duration_h[gap],
        pairs["usual_to_h"].to_numpy(),
        pairs["usual_from_h"].to_numpy(),
    )


def _hours_since(gaps: pl.DataFrame, column: str, window: Window) -> Floats:
    since = (gaps[column] - window.start).dt.total_microseconds()
    return since.to_numpy() / 1e6 / HOUR_S


def weigh_candidates(
    gaps: pl.DataFrame,
    candidates: pl.DataFrame,
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
    pairs = (
        candidates.select("gap_id", "port_group", "usual_to_h", "usual_from_h")
        .join(judged.select("gap_id").with_row_index("gap"), on="gap_id")
        .cast({"gap": pl.Int64})
        .sort("gap", "port_group")
    )
    direct, via, on_all_along = np.zeros(judged.height), np.zeros(pairs.height), None
    if learned is not None:
        direct, via, on_all_along = weigh_silences(judged, pairs, learned, water, rules)
    p_off = judged["p_off"].cast(pl.Float64).fill_null(0.0).to_numpy()
    known = np.full(judged.height, np.nan) if on_all_along is None else on_all_along
    on_all_along = np.where(np.isnan(known), 1 - p_off, known)
    number = np.arange(judged.height)
    gap = np.concatenate([pairs["gap"].to_numpy(), number])
    log_ratio = np.concatenate([via - direct[pairs["gap"].to_numpy()], np.zeros(judged.height)])
    counts = np.bincount(gap, minlength=judged.height)
    share = np.where(counts > 1, rules.joint.none_share, 1.0)
    prior = np.concatenate([((1 - share) / np.maximum(counts - 1, 1))[pairs["gap"]], share])
    found = combine(gap, prior, log_ratio, p_off, on_all_along)
    flat = combine(gap, prior, log_ratio, p_off, on_all_along)
    return (
        pl.DataFrame(
            {
                "gap_id": judged["gap_id"].gather(gap),
                "port_group": [*pairs["port_group"], *[NONE] * judged.height],
                "p_prior": prior,
                "p_call": found.off,
                "p_unheard": found.on,
                "p_call_flat": flat.off,
                "log_silence_direct": direct[gap],
                "log_silence_via": np.concatenate([via, direct]),
                "p_off_joint": found.p_off[gap],
                "p_off_flat": flat.p_off[gap],
                "is_judged": judged["p_off"].is_not_null().gather(gap),
                "is_unobservable": (judged["cause"] == "unobservable").gather(gap),
            },
        )
        .with_columns(pl.col(pl.Float64).round(DIGITS))
        .with_columns(pl.when("is_judged").then(name).alias(name) for name in CONCLUDED)
        .select(*SCHEMA)
        .cast(SCHEMA)  # pyright: ignore[reportArgumentType]
        .sort("gap_id", "port_group")
    )
