"""Measures what a user's labels do to p_off on a SIMULATED world (no ship in it exists).

`python -m tests.measure_calibration [--seed 12] [--folder DIR] [--shift -1]` simulates the small
form of world `caspian`, runs its night (minutes; a night that stands in DIR already is taken), has
`darkport calibrate` learn from the truth about a random half of the labelled gaps and measures the
other half. The same ships sail in both halves. `--shift` adds so much to logit p_off, so that
there is something to repair. Labels fewer than the half: means over DRAWS random choices of them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from pipeline.calibrate import calibrate
from pipeline.calibration import fit_calibration
from pipeline.calibration_labels import LABELS_SCHEMA
from pipeline.errors import ConfigError
from pipeline.evaluate.hours import lay_out_hours
from pipeline.evaluate.labels import label_gaps, match_vessels
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.measures import calibration_error, equal_count_bins
from pipeline.evaluate.runs import read_run
from pipeline.rules import CalibrationRules
from tests.night import run_command

COUNTS = (60, 200, 600)
DRAWS = 20
RULES = EvaluationRules()
Floats = NDArray[np.float64]
HEAD = ("p_off", "labels", "calibration error", "Brier score", "sum / true")


def make_night(folder: Path, seed: int) -> None:
    """Simulate the world below `folder` and run its night, where there is none."""
    if (folder / "processed" / "manifest.json").is_file():
        return
    world = ("--world", "caspian", "--small", "--seed", str(seed))
    run_command("simulate", *world, "--out", str(folder))
    raw, processed = str(folder / "raw"), str(folder / "processed")
    run_command("nightly", "--raw", raw, "--processed", processed, "--log", "none")


def read_truth(folder: Path) -> pl.DataFrame:
    """Return the gaps with a p_off whose truth is known (METHOD 8), as labels."""
    run = read_run(folder / "processed", folder / "truth")
    tables = (run.truth["ship_hours"], run.truth["off_intervals"])
    hours = lay_out_hours(*tables, run.world.start, RULES)
    gaps = label_gaps(match_vessels(run.published["gaps"], run, hours), run, hours, RULES)
    return gaps.select(*LABELS_SCHEMA).drop_nulls().sort("gap_id")


def measure(p: pl.Series, is_off: pl.Series) -> Floats:
    """Return calibration error (bins of equal count), Brier score and sum(p) / true."""
    given, true = p.to_numpy(), is_off.cast(pl.Float64).to_numpy()
    count = RULES.calibration_bins
    spread = np.zeros((3, len(given), count))
    spread[:, np.arange(len(given)), equal_count_bins(given, count)] = (
        given,
        true,
        np.ones(len(given)),
    )
    error = calibration_error(*spread.sum(axis=1, keepdims=True))[0]
    return np.array([float(error), float(np.mean((given - true) ** 2)), given.sum() / true.sum()])


def shift_p(labels: pl.DataFrame, shift: float) -> pl.DataFrame:
    """Return labels whose p_off is wrong by `shift` in the logit."""
    p = labels["p_off"].clip(1e-6, 1 - 1e-6).to_numpy()
    return labels.with_columns(p_off=expit(logit(p) + shift)) if shift else labels


def halve(truth: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a random half of the gaps, and the other."""
    mixed = truth.sample(fraction=1, shuffle=True, seed=seed)
    return mixed.head(mixed.height // 2), mixed.tail(-(mixed.height // 2))


def measure_draws(labels: pl.DataFrame, rest: pl.DataFrame, count: int) -> tuple[str, Floats]:
    """Return words and mean figures over random choices of `count` labels."""
    found: list[Floats] = []
    for draw in range(DRAWS):
        some = labels.sample(count, shuffle=True, seed=draw)
        try:
            fitted = fit_calibration(some, CalibrationRules())
        except ConfigError:
            continue
        found.append(measure(fitted.apply(rest["p_off"]), rest["is_off"]))
    words = f"{count} ({len(found)} of {DRAWS} choices; the others are refused)"
    means = np.array(found).mean(axis=0) if found else np.full(3, np.nan)
    return (words if len(found) < DRAWS else f"{count}, mean of {DRAWS} choices"), means


def by_command(folder: Path, labels: pl.DataFrame, rest: pl.DataFrame) -> Floats:
    """Return the figures of what the command writes for the rest."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "labels.csv"
        labels.select(
            "gap_id", is_off="is_off", source=pl.lit("SIMULATED"), date=pl.lit("2023-08-01")
        ).write_csv(path)
        found = calibrate(folder / "processed", path, Path(place) / "out")
    joined = rest.join(found.gaps, on="gap_id", validate="1:1")
    return measure(joined["p_off_calibrated"], joined["is_off"])


def tell(folder: Path, seed: int, shift: float) -> list[str]:
    """Return the table."""
    labels, rest = (shift_p(half, shift) for half in halve(read_truth(folder), seed))
    before = measure(rest["p_off"], rest["is_off"])
    rows = [("as published" if not shift else f"logit {shift:+g}", "none", before)]
    rows += [("calibrated", *measure_draws(labels, rest, count)) for count in COUNTS]
    if shift:
        fitted = fit_calibration(labels, CalibrationRules())
        whole = measure(fitted.apply(rest["p_off"]), rest["is_off"])
    else:
        whole = by_command(folder, labels, rest)
    rows.append(("calibrated", str(labels.height), whole))
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    lines += [f"| {p} | {n} | {e:.3f} | {b:.4f} | {s:.2f} |" for p, n, (e, b, s) in rows]
    return [f"SIMULATED: measured on {rest.height} gaps, {rest['is_off'].sum()} off.", "", *lines]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--shift", type=float, default=0.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = given.folder or Path(place)
        make_night(folder, given.seed)
        print("\n".join(tell(folder, given.seed, given.shift)))


if __name__ == "__main__":
    main()
