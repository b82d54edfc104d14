"""How likely silence is on every way of every gap, the set on (METHOD 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.joint.ends import Ends, find_ends
from pipeline.joint.expect import expect_receptions, name_places
from pipeline.joint.routes import Routes, find_ports, place_hours
from pipeline.joint.silence import weigh_silence
from pipeline.joint.steps import Stretches
from pipeline.reception.learn import Learned
from pipeline.reception.window import CHAIN, Floats, Ints, Window, name_cells
from pipeline.rules import Rules
from pipeline.water import Water

HOUR_S = 3600.0


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
    routes = _find_routes(gaps, pairs, ports, water, rules.joint.there_h)
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
    return weigh_silence(
        Stretches(asked.size[number]),
        expected,
        ends.before[:, number],
        ends.after[:, number],
        learned.parameters,
    )


def _find_routes(
    gaps: pl.DataFrame, pairs: pl.DataFrame, ports: pl.DataFrame, water: Water, there_h: float
) -> Routes:
    """Return the ways; who went silent in a port, or was heard in it next, lay at that berth.

    Ports of a group lie in other cells than its middle, where others are heard more or less.
    """
    gap = pairs["gap"].to_numpy()
    off_node, on_node = (
        water.snap(gaps[f"{end}_lon"], gaps[f"{end}_lat"])[0].astype(np.int64)
        for end in ("off", "on")
    )
    names = ports["port_group"].to_list()
    group = pairs["port_group"].replace_strict(names, np.arange(len(names)), return_dtype=pl.Int64)
    # Of no pair at all, as where a geo folder has no port, polars makes no whole numbers.
    group = group.to_numpy().astype(np.int64)
    duration_h = (gaps["on_at"] - gaps["off_at"]).dt.total_microseconds().to_numpy() / 1e6 / HOUR_S
    to_h, from_h = pairs["usual_to_h"].to_numpy(), pairs["usual_from_h"].to_numpy()
    stay = [
        np.select(
            [to_h < there_h, from_h < there_h],
            [gaps[f"off_{name}"].to_numpy()[gap], gaps[f"on_{name}"].to_numpy()[gap]],
            ports[name].to_numpy()[group],
        )
        for name in ("lon", "lat")
    ]
    return Routes(
        gap,
        group,
        off_node[gap],
        on_node[gap],
        duration_h[gap],
        to_h,
        from_h,
        *stay,
    )


def _hours_since(gaps: pl.DataFrame, column: str, window: Window) -> Floats:
    since = (gaps[column] - window.start).dt.total_microseconds()
    return since.to_numpy() / 1e6 / HOUR_S
