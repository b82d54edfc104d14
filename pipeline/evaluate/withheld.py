"""Withheld receivers: a night without some stations, judged by what those stations heard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from pipeline import store
from pipeline.errors import UsageError
from pipeline.evaluate.baselines import RULES, flag_gaps
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.findings import Finding, find, not_yet
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import wilson
from pipeline.evaluate.withheld_feed import write_without
from pipeline.nightly import Job, run_night
from pipeline.resources import bundled_folder
from pipeline.rules import Rules

TOPIC = "withheld receivers"
LABELS = "withheld_labels.csv"


def withhold(
    processed: Path,
    stations: Sequence[str],
    out: Path,
    geo: Path | None = None,
    night_rules: Rules | None = None,
    rules: EvaluationRules | None = None,
) -> Evaluation:
    """Run the night again without some stations, and judge its gaps by what they heard.

    A gap in which a withheld station heard the ship was no switch-off; about the others nothing
    is known. Writes `raw`, `processed` and the labels as `withheld_labels.csv` below `out`.

    Args:
        processed: published tables of a whole night, with its positions.
        stations: names as the feed gives them, or `feed|receiver|station`.
        out: an empty or new folder.
        geo: geo folder; default: the Caspian one.
        night_rules: thresholds of the night; those of the whole night should be given.
        rules: numbers of the evaluation.

    Raises:
        UsageError: a station heard nothing, `out` is not empty, or nothing is published.
    """
    rules, geo = rules or EvaluationRules(), geo or bundled_folder("geo")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty: give a new folder")
    manifest = store.read_manifest(processed)
    lost = write_without(processed, stations, out / "raw")
    run_night(
        Job(
            raw=out / "raw",
            processed=out / "processed",
            areas_folder=geo,
            sql_folder=bundled_folder("sql"),
            rules=night_rules or Rules(),
            data_end=datetime.fromisoformat(manifest["data_end"]).replace(tzinfo=None),
        )
    )
    gaps = label_heard(pl.read_parquet(out / "processed" / "gaps.parquet"), lost)
    gaps = flag_gaps(gaps.with_columns(_length_so_far()), geo, rules)
    labelled = gaps.filter(pl.col("is_off").is_not_null())
    store.write_csv(labelled.select("gap_id", "is_off"), out / LABELS)
    return Evaluation(
        title=f"night without {', '.join(stations)}",
        is_simulated=bool(manifest.get("is_simulated", False)),
        findings=tuple(_measure(gaps, labelled, lost.height, rules)),
    )


def label_heard(gaps: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """Return gaps with `is_off`: false where a lost sighting of the MMSI lies in them, else null.

    Args:
        gaps: table gaps of the night without the stations.
        lost: mmsi, seen_at of what only the withheld stations heard.
    """
    ends = pl.coalesce("on_at", "data_end")
    heard = (
        gaps.select("gap_id", "mmsi", "off_at", ends.alias("end_at"))
        .sort("off_at")
        # The first lost sighting after the off point tells whether there is one inside.
        .join_asof(
            lost.sort("seen_at").with_columns(heard_at="seen_at"),
            left_on="off_at",
            right_on="seen_at",
            by="mmsi",
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .filter(pl.col("heard_at") < pl.col("end_at"))
        .select("gap_id", is_off=pl.lit(value=False))
    )
    return gaps.join(heard, on="gap_id", how="left", maintain_order="left")


def _length_so_far() -> pl.Expr:
    """Return `duration_h`; of an open gap what it has reached (METHOD 1)."""
    reached = (pl.col("data_end") - pl.col("off_at")).dt.total_seconds() / 3600
    return pl.coalesce("duration_h", reached).alias("duration_h")


def _measure(
    gaps: pl.DataFrame, labelled: pl.DataFrame, lost: int, rules: EvaluationRules
) -> list[Finding]:
    """Return the share of gaps known to be no switch-off that each rule flags all the same."""
    found = [
        Finding(TOPIC, "sightings withheld", value=float(lost)),
        Finding(TOPIC, "gaps of the night without them", value=float(gaps.height)),
        Finding(
            TOPIC, "gaps in which a withheld station heard the ship", value=float(labelled.height)
        ),
    ]
    for rule, words in RULES.items():
        said = labelled[rule].drop_nulls()
        if labelled.height and said.is_empty():
            note = "not assessable: the geo folder has no shoreline"
            found.append(Finding(TOPIC, "false share", rule, note=note))
            continue
        found.append(_false_share(rule, int(said.sum()), labelled.height, words, rules))
    p_off = labelled["p_off"].drop_nulls()
    if p_off.is_empty():
        return [*found, not_yet(TOPIC, "false share of p_off", "gaps.p_off")]
    mean = float(p_off.to_numpy().sum()) / labelled.height
    flagged = int((p_off >= rules.probable_off).sum())
    cut = f"p_off at least {rules.probable_off:g}"
    return [
        *found,
        _false_share(cut, flagged, labelled.height, "", rules),
        find(TOPIC, "mean p_off of gaps known to be no switch-off", mean, count=labelled.height),
    ]


def _false_share(
    subject: str, flagged: int, count: int, words: str, rules: EvaluationRules
) -> Finding:
    share = flagged / count if count else math.nan
    ends = wilson(flagged, count, rules.interval_level)
    return find(TOPIC, "false share", share, ends, subject=subject, count=count, note=words)
