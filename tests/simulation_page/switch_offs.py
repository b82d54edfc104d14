"""Switch-offs: dark calls, their prevalence among gaps, times off by fleet and kind."""

from __future__ import annotations

import polars as pl

from pipeline.evaluate import read_run
from pipeline.evaluate.gap_findings import pick_measured
from pipeline.evaluate.hours import lay_out_hours
from pipeline.evaluate.labels import label_gaps, mark_heard_meanwhile, match_vessels
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import average_precision
from pipeline.simulate.model import FLEETS
from tests.simulation_page.charts import show_picture
from tests.simulation_page.figure_rows import (
    ISSUE,
    JUDGEMENT,
    Row,
    lay_rows,
    mean,
    percent,
    ratio,
    total,
)
from tests.simulation_page.measured import HEADLINE, HOUR_S, Scene


def tell_switching(scene: Scene) -> list[str]:
    """Return dark calls a year, prevalence among gaps, and off intervals by fleet and kind."""
    calls = scene.whole_calls
    dark, headline = calls.filter("is_dark"), calls.filter("is_ru_ir_crossing")
    merchant = dark.filter(pl.col("fleet") == "merchant").height
    hidden = total(headline["is_dark"])
    unheard = headline.filter(~pl.col("is_heard"), pl.col("off_h") == 0).height
    rows = [
        Row("dark calls a year, merchants", f"{merchant / scene.years:.0f}"),
        Row(
            "of these in the headline scope, a year",
            f"{hidden / scene.years:.0f}",
            "above 20 is High",
            "CNA, Table 8: limits of its classes, no count is published",
        ),
        Row(
            "headline calls that are dark",
            f"{percent(ratio(hidden, headline.height))} ({hidden} of {headline.height})",
            "some 5 %",
        ),
        Row(
            "headline calls with the set on that nobody heard, a year",
            f"{unheard / scene.years:.0f}",
        ),
        Row(
            "merchants that switch off much more often",
            percent(ratio(sum(one.is_habitual for one in scene.fleet()), len(scene.fleet()))),
            "3 to 15 % by flag",
            JUDGEMENT,
        ),
        *_prevalence_rows(scene),
    ]
    return [
        "### Switch-offs",
        "",
        *lay_rows(rows),
        "",
        show_picture("dark_call", "One dark call, with what was heard round it"),
        "",
        *_tell_offs(scene),
        "",
    ]


def _prevalence_rows(scene: Scene) -> list[Row]:
    measured = measure_gaps(scene)
    near = measured.filter(pl.col("flag").is_in(HEADLINE), pl.col("fleet") == "merchant")
    real = measured.filter(~pl.col("is_heard_meanwhile"))
    label, easy = "truth, METHOD 8's label", f"{ISSUE}: else the world is too easy"
    whose = "labelled gaps of 12 h and more: share with the set off"
    return [
        Row(whose, f"{percent(mean(measured['is_off']))} of {measured.height:,}", "-", label),
        Row(
            "the same, Russian and Iranian merchants",
            f"{percent(mean(near['is_off']))} of {near.height:,}",
            "-",
            label,
        ),
        Row(
            "these with the set off, by kind of the longest time off",
            kinds_of(scene, measured),
            "-",
            label,
        ),
        Row("average precision of a gap's length alone", _rank(measured), "below 0.65", easy),
        Row(
            f"the same without the {measured.height - real.height} in which the ship was heard on"
            " another track (GNSS interference)",
            _rank(real),
            "below 0.65",
            easy,
        ),
    ]


def _rank(gaps: pl.DataFrame) -> str:
    is_off = gaps["is_off"].cast(pl.Boolean).to_numpy()
    return f"{average_precision(is_off, gaps['duration_h'].to_numpy()):.3f}"


def kinds_of(scene: Scene, gaps: pl.DataFrame) -> str:
    """Return how many gaps with the set off hold which kind of time off, the longest in each."""
    offs = scene.truth("off_intervals", "vessel", "off_at", "on_at", "kind").rename(
        {"off_at": "from_at", "on_at": "to_at"}
    )
    shared = pl.min_horizontal("to_at", "on_at") - pl.max_horizontal("from_at", "off_at")
    kinds = (
        gaps.filter(pl.col("is_off").cast(pl.Boolean))
        .select("gap_id", pl.col("vessel").cast(pl.Int32), "off_at", "on_at")
        .join(offs, on="vessel")
        .with_columns(shared=shared)
        .filter(pl.col("shared") > pl.duration(seconds=0))
        .sort("gap_id", "shared", "from_at", descending=[False, True, False])
        .unique("gap_id", keep="first", maintain_order=True)
        .group_by("kind")
        .len()
        .sort("len", "kind", descending=[True, False])
    )
    return ", ".join(f"{kind} {count}" for kind, count in kinds.iter_rows())


def measure_gaps(scene: Scene) -> pl.DataFrame:
    """Return the closed gaps of 12 h and more that have a label (METHOD 8), of the whole world."""
    rules = EvaluationRules()
    run = read_run(scene.folder / "processed", scene.folder / "truth")
    hours = lay_out_hours(
        run.truth["ship_hours"], run.truth["off_intervals"], run.world.start, rules
    )
    gaps = mark_heard_meanwhile(match_vessels(run.published["gaps"], run, hours))
    labelled = label_gaps(gaps, run, hours, rules).with_columns(is_rated=pl.lit(value=True))
    return pick_measured(labelled, rules)


def _tell_offs(scene: Scene) -> list[str]:
    """Return a table of off intervals by fleet and kind."""
    start, end = (
        pl.lit(one).cast(pl.Datetime("us")) for one in (scene.world.start, scene.world.end)
    )
    offs = (
        scene.truth("off_intervals")
        .join(scene.truth("ships", "vessel", "fleet"), on="vessel")
        .with_columns(
            long_h=(pl.col("on_at") - pl.col("off_at")).dt.total_seconds() / HOUR_S,
            inside_h=(
                pl.min_horizontal("on_at", end) - pl.max_horizontal("off_at", start)
            ).dt.total_seconds()
            / HOUR_S,
        )
    )
    order = {fleet: at for at, fleet in enumerate(FLEETS)}
    rows = (
        offs.group_by("fleet", "kind")
        .agg(pl.len().alias("count"), pl.col("long_h").median(), pl.col("inside_h").sum())
        .with_columns(place=pl.col("fleet").replace_strict(order))
        .sort("place", "kind")
    )
    lines = [
        "Times off by fleet and kind, all of them judgement. A dark call with re-appearances is"
        " several. `at_sea` of warships is any silence of days, most of it at the base; `in_port`"
        " holds lay-ups, too.",
        "",
        "| fleet | vessels | kind | count | median length, h | share of the fleet's time |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows.iter_rows(named=True):
        vessels = len(scene.fleet(row["fleet"]))
        share = row["inside_h"] / (vessels * scene.world.days * 24)
        lines.append(
            f"| {row['fleet']} | {vessels} | {row['kind']} | {row['count']:,} |"
            f" {row['long_h']:.1f} | {100 * share:.2f} % |"
        )
    return lines
