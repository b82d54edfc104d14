"""Withheld receivers on real tracks: two ships, each heard by the satellites of two providers."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl

from pipeline import store
from pipeline.evaluate import withhold
from pipeline.evaluate.findings import Finding
from pipeline.evaluate.withheld import LABELS, TOPIC
from tests import night
from tests.shared_data import SHARED

# Both off South America in the same ten weeks, and heard by the same two providers.
FILES = (
    "csv/gfw_research_messages_150402951_01dec2021_15feb2022.csv.gz",
    "csv/gfw_research_messages_overlapping_seg_check.csv.gz",
)
PROVIDERS = ("spire", "orbcomm")
UNTIL = "2022-02-15"  # later only one of them is in the files


def write_providers(raw: Path, files: tuple[str, ...] = FILES) -> None:
    """Write each provider's rows of the files as a feed of its own below `raw`."""
    for number, name in enumerate(files):
        rows = pl.read_csv(gzip.decompress((SHARED / name).read_bytes()), infer_schema=False)
        for provider in PROVIDERS:
            path = raw / provider / f"{number}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows.filter(pl.col("source") == provider, pl.col("timestamp") < UNTIL).write_csv(path)


def withhold_each(folder: Path) -> dict[str, list[Finding]]:
    """Return what the night without each provider says of gaps in which that one heard the ship."""
    write_providers(folder / "raw")
    whole = night.run(folder / "raw", folder / "processed")
    heard_by = whole.positions()["heard_by"].str.split(";").explode().unique().sort().to_list()
    found: dict[str, list[Finding]] = {}
    for provider in PROVIDERS:
        out = folder / f"without_{provider}"
        names = [name for name in heard_by if name.startswith(f"{provider}|")]
        done = withhold(folder / "processed", names, out, geo=night.whole_world(folder))
        found[provider] = [*done.findings, count_judged(out)]
    return found


def count_judged(out: Path) -> Finding:
    """Return how many of the labelled gaps below `out` have a p_off."""
    labelled = pl.read_csv(out / LABELS)
    gaps = store.read_parquet(out / "processed" / "gaps.parquet")
    judged = gaps.join(labelled.select("gap_id"), on="gap_id")["p_off"].count()
    return Finding(TOPIC, "of these with a p_off", value=float(judged))
