"""Longest daily silences of honest ships, beside the published ones."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipeline.simulate.vessels import draw_vessels
from tests.simulation_page.charts import show_picture
from tests.simulation_page.figure_rows import Row, lay_rows, mean, percent, percentiles
from tests.simulation_page.measured import HOUR_S, SEED, Scene

PUBLISHED_SILENCES_H = 4.3, 19.5  # METHOD 0, warning (b): median and 90th percentile


def daily_silences(scene: Scene) -> pl.DataFrame:
    """Return vessel, day, `silence_h` by satellite alone and `is_weak` of the honest days."""
    seen = scene.heard.filter("is_satellite").select("vessel", "day", at="seen_at")
    is_weak = pl.col("vessel").is_in(sorted(find_weak(scene)))
    return measure_silences(scene.honest_days, seen).with_columns(is_weak=is_weak)


def measure_silences(days: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """Return `days` (vessel, day) with `silence_h`: the longest time of the day unseen.

    Cut at midnight, so 24 where `seen` (vessel, day, at) has nothing.
    """
    edges = [days.with_columns(at=pl.col("day") + pl.duration(days=n)) for n in (0, 1)]
    return (
        pl.concat([*edges, seen.join(days, on=["vessel", "day"])])
        .sort("vessel", "day", "at")
        .group_by("vessel", "day", maintain_order=True)
        .agg(silence_h=pl.col("at").diff().max().dt.total_seconds() / HOUR_S)
    )


def find_weak(scene: Scene) -> set[int]:
    """Return the vessels whose set was drawn weak: those that are stronger if none is."""
    strong = scene.world.vessels.model_copy(update={"weak_share": 0.0})
    others = draw_vessels(strong, SEED, scene.world.span_s)
    pairs = zip(scene.vessels, others, strict=True)
    return {one.number for one, other in pairs if one.antenna < other.antenna}


def tell_silences(scene: Scene, silences: pl.DataFrame) -> list[str]:
    """Return the longest daily silences beside the published ones, and where ours differ."""
    usual = silences.filter(~pl.col("is_weak"))
    source = "one satellite study (METHOD 0, warning b)"
    rows = []
    for who, part in (("all honest merchants", silences), ("without the weak sets", usual)):
        hours = part["silence_h"]
        middle, high = percentiles(hours, 0.5, 0.9)
        rows += [
            Row(f"median, {who}", f"{middle} h", f"{PUBLISHED_SILENCES_H[0]} h", source),
            Row(f"90th percentile, {who}", f"{high} h", f"{PUBLISHED_SILENCES_H[1]} h", source),
            Row(f"days without any position, {who}", percent(mean(hours >= 24))),
        ]
    weak = silences.filter("is_weak")["vessel"].n_unique()
    return [
        "### Longest daily silence of an honest ship",
        "",
        f"Heard by satellite alone, {silences.height:,} days of"
        f" {silences['vessel'].n_unique()} merchants (class A) whose set was on and who were inside"
        " the region all day; cut at midnight UTC, so 24 h is a day without any position."
        f" {weak} of them have a weak set. The study is of other ships in other waters: its"
        " definition of a day's silence may differ.",
        "",
        *lay_rows(rows),
        "",
        _compare_silences(silences["silence_h"], usual["silence_h"]),
        "",
        show_picture("silences", "Daily silences of honest merchants beside the published figures"),
        "",
    ]


def _compare_silences(every: pl.Series, usual: pl.Series) -> str:
    """Return in words where ours differ."""
    words = []
    for name, share, published in zip(
        ("median", "90th percentile"), (0.5, 0.9), PUBLISHED_SILENCES_H, strict=True
    ):
        parts = [
            f"{100 * (np.quantile(hours.to_numpy(), share) / published - 1):+.0f} % {who}"
            for who, hours in (("for all", every), ("without weak sets", usual))
        ]
        words.append(f"the {name} by {' and '.join(parts)}")
    return (
        f"**Ours differ:** {'; '.join(words)}. The settings of satellites, antennas and the private"
        " factor were chosen with these two figures, so they confirm nothing. How many days of the"
        " satellites are lost in half a year is chance, so other halves and seeds differ."
    )
