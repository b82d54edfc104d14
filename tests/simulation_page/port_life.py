"""Port life of merchants: stays, queues, calls, time, what is typed at departure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from pipeline.simulate.model import Timeline
from tests.simulation_page.figure_rows import JUDGEMENT, Row, lay_rows, mean, percent, ratio, spread
from tests.simulation_page.measured import HOUR_S, Scene
from tests.simulation_page.waters import name_port


def tell_ports(scene: Scene) -> list[str]:
    """Return stays, queues, calls and crossings of merchants."""
    calls = scene.truth("port_calls").filter(pl.col("fleet") == "merchant")
    arrived = calls.filter(pl.col("arrival_at") >= scene.world.start)
    ended = scene.whole_calls.filter(pl.col("fleet") == "merchant").with_columns(
        stay_h=(pl.col("departure_at") - pl.col("arrival_at")).dt.total_seconds() / HOUR_S
    )
    cargo = ended.filter(pl.col("kind") == "cargo")
    rows = [
        Row(
            "stay for cargo: median (10th to 90th percentile)",
            spread(cargo["stay_h"], 0.1, 0.9, "h"),
            "12 h is usual at least",
            "METHOD 5; length judgement",
        ),
        Row(
            "stays under 12 h / under 4 h",
            " / ".join(percent(mean(cargo["stay_h"] < hours)) for hours in (12, 4)),
            "visits last at least 4 h",
            f"METHOD 5; {JUDGEMENT}",
        ),
        *_queue_rows(scene, arrived.height),
        *_call_rows(scene, arrived),
        *_time_rows(scene),
        *_typed_rows(scene, ended),
    ]
    return ["### Port life of merchants", "", *lay_rows(rows), ""]


def _queue_rows(scene: Scene, arrivals: int) -> list[Row]:
    waits_h = [
        (stop.to_s - stop.from_s) / HOUR_S
        for vessel in scene.fleet()
        for stop in scene.timelines[vessel.number].stops
        if stop.kind == "roads" and scene.is_during(stop.to_s)
    ]
    return [
        Row(
            "calls with a wait at the roads",
            percent(ratio(len(waits_h), arrivals)),
            "half",
            JUDGEMENT,
        ),
        Row(
            "such a wait: median (10th to 90th percentile)",
            spread(waits_h, 0.1, 0.9, "h"),
            "hours to days",
        ),
    ]


def _call_rows(scene: Scene, arrived: pl.DataFrame) -> list[Row]:
    merchants = len(scene.fleet())
    russian = arrived.filter(pl.col("flag") == "RUS")
    crossing = arrived.filter("is_ru_ir_crossing")
    passages = [
        stop
        for vessel in scene.fleet()
        for stop in scene.timelines[vessel.number].stops
        if (stop.kind, stop.place) == ("lock", "volga_don_4") and scene.is_during(stop.from_s)
    ]
    a_year = scene.years
    return [
        Row("port calls a ship and year", f"{arrived.height / merchants / a_year:.1f}", "25 to 30"),
        Row(
            "headline calls a year (Russian and Iranian flags between the two, dark or not)",
            f"{crossing.height / a_year:,.0f}",
            "-",
            "nothing is published",
        ),
        Row(
            "calls in Iran by Russian-flag ships a year",
            f"{russian.filter(pl.col('country') == 'IRN').height / a_year:,.0f}",
            "130 logged, 24 Feb to end of 2022",
            "CNS, of a chosen list of ships: no total",
        ),
        Row(
            f"passages of the Volga-Don canal in the {scene.world.days} days",
            f"{len(passages)}",
            "7,935 in 2022",
            "official transits; the world holds few of the ships that only pass the canal",
        ),
    ]


def _time_rows(scene: Scene) -> list[Row]:
    """Return how merchants spend their time."""
    spent: dict[str, float] = {}
    for vessel in scene.fleet():
        line = scene.timelines[vessel.number]
        spans = [
            ("laid up" if one.kind == "lay_up" else "in port", one.arrival_s, one.departure_s)
            for one in line.visits
        ]
        names = {"outside": "beyond the region", "roads": "at the roads"}
        spans += [(names.get(one.kind, "other stops"), one.from_s, one.to_s) for one in line.stops]
        for name, from_s, to_s in spans:
            inside_s = min(to_s, scene.world.span_s) - max(from_s, 0)
            spent[name] = spent.get(name, 0.0) + max(inside_s, 0.0)
    total = len(scene.fleet()) * scene.world.span_s
    shares = {"sailing": 1 - sum(spent.values()) / total}
    shares |= {name: spent[name] / total for name in sorted(spent, key=lambda one: -spent[one])}
    words = ", ".join(f"{name} {percent(share)}" for name, share in shares.items())
    return [Row("their time", words, "-", f"{JUDGEMENT}; follows from the calls a year")]


def _typed_rows(scene: Scene, ended: pl.DataFrame) -> list[Row]:
    beyond = scene.world.voyages.stays.beyond_texts
    right = [
        is_right
        for vessel in scene.fleet()
        for at_s, is_right in judge_destinations(scene.timelines[vessel.number], beyond)
        if scene.is_during(at_s)
    ]
    return [
        Row(
            "stays after which the new draught is sent",
            percent(mean(ended["is_draught_sent"])),
            "53 %",
            "METHOD 6: 47 % of visits carry no draught",
        ),
        Row(
            "destinations that are right at departure",
            percent(ratio(sum(right), len(right))),
            "48 to 60 %",
            "METHOD 6: 40-52 % are wrong",
        ),
    ]


def judge_destinations(
    line: Timeline, beyond: dict[str, tuple[str, ...]]
) -> Iterator[tuple[float, bool]]:
    """Yield (when, is it right) of every destination a vessel sends as it leaves a port.

    `beyond` holds what is right for a place beyond the region.
    """
    ends = [(visit.arrival_s, visit.port) for visit in line.visits]
    ends += [(stop.to_s, stop.place) for stop in line.stops if stop.kind == "outside"]
    ends.sort()
    arrivals_s = np.array([at_s for at_s, _ in ends])
    for from_s, text, _ in line.voyage_sent[1:]:
        after = int(np.searchsorted(arrivals_s, from_s, side="right"))
        if after < len(ends):
            place = ends[after][1]
            texts = beyond.get(place) or (name_port(place).upper(),)
            yield from_s, text in texts
