"""Writes docs/real_tracks.md: p_off on real movements with planted switch-offs and lost messages.

`make real-tracks` (some minutes of one core). The logs are no part of this repository; where they
are not at hand the page stays as it is.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.evaluate.limits import EvaluationRules, RealTrackRules
from tests import night, planting, real_logs, real_tracks_page, real_withheld
from tests.night import REPOSITORY
from tests.real_logs import SARONIC, SUEZ
from tests.shared_data import SHARED

PAGE = REPOSITORY / "docs" / "real_tracks.md"


@dataclass(frozen=True)
class Trial:
    """One way to plant and to lose, run with every seed.

    Attributes:
        log: whose movements.
        is_cut: each stretch between the log's own silences is a ship of its own, and is let out.
        is_planted: with switch-offs.
        loss: none, mild or harsh.
    """

    log: str
    is_cut: bool
    is_planted: bool
    loss: str

    def poor_chance(self, rules: RealTrackRules) -> float | None:
        """Return the chance of a message in a poor hour; None: nothing is lost."""
        chances = {"none": None, "mild": rules.mild_chance, "harsh": rules.harsh_chance}
        return chances[self.loss]


TRIALS = (
    Trial("Suez", is_cut=True, is_planted=True, loss="mild"),
    Trial("Suez", is_cut=True, is_planted=True, loss="harsh"),
    Trial("Suez", is_cut=False, is_planted=True, loss="mild"),
    Trial("Suez", is_cut=False, is_planted=True, loss="harsh"),
    Trial("Suez", is_cut=True, is_planted=True, loss="none"),
    Trial("Suez", is_cut=False, is_planted=True, loss="none"),
    Trial("Suez", is_cut=True, is_planted=False, loss="mild"),
    Trial("Suez", is_cut=True, is_planted=False, loss="harsh"),
    Trial("Saronic", is_cut=True, is_planted=True, loss="harsh"),
    Trial("Saronic", is_cut=False, is_planted=True, loss="harsh"),
    Trial("Saronic", is_cut=True, is_planted=False, loss="harsh"),
)


def prepare(log: pl.DataFrame, trial: Trial, seed: int, rules: RealTrackRules) -> pl.DataFrame:
    """Return every message of the log with mmsi, stretch, is_off, chance and is_received."""
    random = np.random.default_rng([seed, 1])
    rows = planting.cut_stretches(planting.thin_evenly(log, rules), rules)
    number = pl.col("stretch") if trial.is_cut else pl.col("ship")
    rows = rows.with_columns(mmsi=number + planting.FIRST_MMSI)
    share = rules.plant_share if trial.is_planted else 0.0
    rows = planting.plant_offs(rows, rules.model_copy(update={"plant_share": share}), random)
    # The losses of a seed are the same whatever is planted.
    random = np.random.default_rng([seed, 2])
    poor_chance = trial.poor_chance(rules)
    if poor_chance is None:
        return rows.with_columns(chance=pl.lit(rules.most_chance), is_received=~pl.col("is_off"))
    return planting.lose_messages(planting.draw_chances(rows, poor_chance, rules, random), random)


def run_trial(
    rows: pl.DataFrame, trial: Trial, folder: Path, rules: RealTrackRules
) -> pl.DataFrame:
    """Return the published gaps of the night on the received messages of `prepare`."""
    sent = rows.filter("is_received").select("mmsi", "at", "lon", "lat")
    areas = night.whole_world(folder)
    if trial.is_cut:
        sent = pl.concat([sent, planting.let_out(rows, rules)])
        areas = write_box(folder, planting.box(rows, rules))
    feed = sent.select(
        "mmsi", timestamp="at", longitude="lon", latitude="lat", receiver=pl.lit("terrestrial")
    )
    night.write_canonical(folder / "raw", "log", feed)
    return night.run(folder / "raw", folder / "processed", areas).table("gaps")


def write_box(folder: Path, edges: tuple[float, float, float, float]) -> Path:
    """Return a geo folder whose region is a box and which has no areas."""
    west, east, south, north = (round(one, 4) for one in edges)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"id": "region"}, "geometry": shape}
    geo = folder / "geo_box"
    geo.mkdir(parents=True, exist_ok=True)
    text = 'name = "box"\nfeatures = []\nregion = "region.geojson"\ndefault_month_area = "other"\n'
    (geo / "areas.toml").write_text(text, "utf-8")
    collection = {"type": "FeatureCollection", "features": [feature]}
    (geo / "region.geojson").write_text(json.dumps(collection), "utf-8")
    return geo


def judge_trial(
    log: pl.DataFrame,
    trial: Trial,
    seeds: Sequence[int],
    rules: RealTrackRules,
    limits: EvaluationRules,
) -> pl.DataFrame:
    """Return the closed gaps of all seeds with their labels; `cluster` is the ship of the log.

    A ship is one cluster through all seeds, as its movements are the same in each.
    """
    found: list[pl.DataFrame] = []
    for seed in seeds:
        rows = prepare(log, trial, seed, rules)
        with tempfile.TemporaryDirectory() as folder:
            gaps = run_trial(rows, trial, Path(folder), rules)
        labelled = planting.label_gaps(gaps, rows, rules, limits)
        found.append(labelled.with_columns(run=pl.lit(seed)))
    return pl.concat(found).with_columns(
        cluster=pl.col("ship"),
        is_rated=pl.lit(value=True),
        duration="duration_h",
        p_reference=pl.lit(None, pl.Float64),
    )


def write_real_tracks(page: Path = PAGE) -> dict[Trial, pl.DataFrame]:
    """Write the page and return the gaps by trial; none where the logs are not at hand."""
    names = (SUEZ, SARONIC, *real_logs.OTHERS)
    absent = [name for name in names if not (SHARED / name).is_file()]
    if absent:
        print(f"skipped: {', '.join(absent)} not at hand; {page.name} stays as it is")
        return {}
    rules = RealTrackRules()
    limits = EvaluationRules(measured_min_h=rules.measured_min_h)
    logs = {"Suez": real_logs.read_suez(), "Saronic": real_logs.read_saronic()}
    judged: dict[Trial, pl.DataFrame] = {}
    for trial in TRIALS:
        judged[trial] = judge_trial(logs[trial.log], trial, rules.seeds, rules, limits)
        is_off = judged[trial]["is_off"]
        print(f"{trial}: {is_off.len()} gaps, {is_off.count()} labelled, {is_off.sum()} off")
    with tempfile.TemporaryDirectory() as folder:
        withheld = real_withheld.withhold_each(Path(folder))
    densities = real_logs.measure_logs()
    real_tracks_page.write_page(judged, densities, withheld, page, rules, limits)
    return judged


if __name__ == "__main__":
    write_real_tracks()
