"""The published tables of a night against labels from elsewhere."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl

from pipeline import store
from pipeline.errors import UsageError
from pipeline.evaluate.baselines import flag_gaps
from pipeline.evaluate.curves import draw_curves
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.findings import Finding, find
from pipeline.evaluate.gap_findings import measure_gaps, pick_measured
from pipeline.evaluate.judged import name_cluster
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.outside import Labels
from pipeline.evaluate.rule_findings import score_flags, score_rules
from pipeline.evaluate.runs import YEAR_S, read_published
from pipeline.resources import bundled_folder

TOPIC = "labels from elsewhere"


def evaluate_labels(
    processed: Path, labels: Labels, geo: Path | None = None, rules: EvaluationRules | None = None
) -> Evaluation:
    """Return the figures of a night's gaps or calls on labels of `outside.read_labels`.

    Only labelled gaps of 12 h and more are measured, and false ones are counted a year of the
    labelled time, so the figures say as much as the choice of what was labelled allows.

    Raises:
        UsageError: nothing is published there, or no label is of one of its gaps or calls.
    """
    rules = rules or EvaluationRules()
    published = read_published(processed)
    is_simulated = bool(store.read_manifest(processed).get("is_simulated", False))
    if labels.kind == "calls":
        findings = _judge_calls(published["dark_port_calls"], labels.rows, rules)
        return Evaluation("calls of a file of labels", is_simulated, tuple(findings))
    gaps = flag_gaps(
        label_rows(published["gaps"], labels.rows), geo or bundled_folder("geo"), rules
    )
    labelled = gaps.filter(pl.col("is_off").is_not_null())
    if labelled.is_empty():
        raise UsageError(f"none of {labels.rows.height} labels is of a gap in {processed}")
    measured = pick_measured(labelled, rules)
    begin, end = labelled["off_at"].min(), labelled["off_at"].max()
    assert begin is not None
    assert end is not None
    years = (end - begin).total_seconds() / YEAR_S  # pyright: ignore
    missing = labels.rows.height - labelled.height
    findings = [
        Finding(TOPIC, "labels of a published gap", value=float(labelled.height)),
        Finding(TOPIC, "labels of no published gap", value=float(missing)),
        Finding(TOPIC, "measured: 12 h and more", value=float(measured.height)),
        *measure_gaps(measured, rules),
        *score_rules(measured, years, rules),
    ]
    curves = draw_curves(measured, rules)
    return Evaluation("gaps of a file of labels", is_simulated, tuple(findings), curves=curves)


def label_rows(gaps: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return closed gaps with `is_off` of the label: by gap_id, else by MMSI and both ends."""
    by_id = labels.filter(pl.col("gap_id").is_not_null()).select("gap_id", named="is_off")
    ends = ["mmsi", "off_at", "on_at"]
    by_ends = labels.filter(pl.col("gap_id").is_null()).select(*ends, found="is_off")
    return (
        gaps.filter("is_closed")
        .join(by_id.unique("gap_id", keep="first"), on="gap_id", how="left", maintain_order="left")
        .join(by_ends.unique(ends, keep="first"), on=ends, how="left", maintain_order="left")
        .with_columns(
            is_off=pl.coalesce("named", "found"),
            is_rated=pl.lit(value=True),
            is_shared=pl.lit(value=False),
            is_heard_meanwhile=pl.lit(value=False),
            ais_class=pl.lit(None, dtype=pl.String),
            is_habitual=pl.lit(None, dtype=pl.Boolean),
            p_reference=pl.lit(None, dtype=pl.Float64),
            run=pl.lit(0),
        )
        .with_columns(name_cluster("ship_id"))
    )


def _judge_calls(rows: pl.DataFrame, labels: pl.DataFrame, rules: EvaluationRules) -> list[Finding]:
    """Return figures of dark_port_calls on labelled calls: one case per label.

    A label is flagged where a row of its ship and port group has a window that holds the stay.
    """
    rows = rows.select("mmsi", "imo", "port_group", "window_from", "window_to")
    stay = (
        pl.col("window_from") <= pl.col("arrival_at"),
        pl.col("window_to") >= pl.col("departure_at"),
    )
    hits = pl.concat(
        [
            labels.filter(pl.col(key).is_not_null())
            .join(rows.drop_nulls(key), on=[key, "port_group"])
            .filter(*stay)
            .select("line")
            for key in ("mmsi", "imo")
        ]
    )
    ship = pl.coalesce(pl.col("imo").cast(pl.String), pl.col("mmsi").cast(pl.String))
    cases = labels.select(
        cluster=ship,
        is_flagged=pl.col("line").is_in(hits["line"].implode()),
        is_true="is_dark",
    )
    begin, end = labels["arrival_at"].min(), labels["departure_at"].max()
    assert begin is not None
    assert end is not None
    years = (end - begin).total_seconds() / YEAR_S  # pyright: ignore
    lit = cases.filter(~pl.col("is_true"))
    flagged = lit.filter("is_flagged").height
    share = flagged / lit.height if lit.height else math.nan
    return [
        Finding(TOPIC, "labelled calls", value=float(labels.height)),
        *score_flags(cases, TOPIC, "dark_port_calls", years, rules),
        find(
            TOPIC,
            "labelled not dark, and flagged",
            share,
            wilson(flagged, lit.height, rules.interval_level),
            count=lit.height,
        ),
    ]
