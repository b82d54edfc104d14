"""A user's labels against the published gaps: calibrated probabilities in a folder of their own.

Nothing that a night published is changed. The folder is made like the outputs themselves: at every
instant the old calibration is there whole, or the new one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline import store
from pipeline.calibrate_page import draw_reliability, sum_up, tell_page
from pipeline.calibration import check_calibration, fit_calibration
from pipeline.calibration_gaps import calibrate_gaps
from pipeline.calibration_labels import TITLE, read_calibration_labels
from pipeline.errors import UsageError, printable
from pipeline.process import is_text
from pipeline.rules import CalibrationRules
from pipeline.schema import GapsCalibrated
from pipeline.user_files import read_bytes

FOLDER = "calibration"  # in the processed folder, where no other is asked for
TABLE, FACTS, PAGE = "gaps_calibrated", "calibration.json", "calibration.md"
READ = ("gap_id", "mmsi", "p_off", "p_off_low", "p_off_high", "method_version", "rules_hash")
OF_THE_NIGHT = ("run", "data_end", "method_version", "rules_hash")


@dataclass(frozen=True, eq=False)
class Calibrated:
    """What was found: columns of GapsCalibrated, of `check_calibration`, and the facts of both."""

    gaps: pl.DataFrame
    reliability: pl.DataFrame
    facts: dict[str, Any]


def calibrate(
    processed: Path, labels_file: Path, out: Path, rules: CalibrationRules | None = None
) -> Calibrated:
    """Return the published gaps calibrated on a file of labels, after writing them into `out`.

    Raises:
        UsageError: nothing is published in `processed`, or `out` is a folder of outputs.
        ConfigError: the labels cannot be read, are of unknown gaps, too few, or of one answer.
        LockedError: another run writes there.
        StorageError: the disk is full, ...
    """
    _refuse_outputs(processed, out)
    found = find_calibrated(processed, labels_file, rules or CalibrationRules())
    with store.hold_lock(out, "darkport calibrate"):
        outputs = store.Outputs(out)
        outputs.sweep(keep_before=True)
        new = outputs.begin()
        _write(found, new)
        outputs.commit(new)
    return found


def find_calibrated(processed: Path, labels_file: Path, rules: CalibrationRules) -> Calibrated:
    """Return the published gaps calibrated on a file of labels; writes nothing.

    Raises:
        UsageError, ConfigError: as `calibrate`.
    """
    # One night's, whatever is published meanwhile.
    night = store.Outputs(processed).current or processed
    manifest = store.read_manifest(night)
    gaps = store.read_table(night, "gaps", READ)
    given = read_calibration_labels(labels_file, gaps, rules)
    labels = given.drop_nulls("p_off")
    fitted = fit_calibration(labels, rules)
    reliability = check_calibration(labels, rules)
    mapped = calibrate_gaps(gaps, labels, rules).join(
        gaps.select("gap_id", "method_version", "rules_hash"), on="gap_id", maintain_order="left"
    )
    facts = {
        "is_simulated": bool(manifest.get("is_simulated", False)),
        "night": {name: manifest.get(name) for name in OF_THE_NIGHT},
        "labels_file": printable(labels_file.name),
        "labels_hash": _hash(read_bytes(labels_file, TITLE)),
        **sum_up(fitted, given, reliability, mapped, rules),
    }
    return Calibrated(store.validate(mapped, GapsCalibrated), reliability, facts)


def tell_calibrated(processed: Path, gap: dict[str, Any]) -> list[str]:
    """Return the line on a gap's calibrated probability; none where there is no calibration."""
    path = processed / FOLDER / f"{TABLE}.parquet"
    if gap["p_off"] is None or not store.is_whole_parquet(path):
        return []
    rows = store.read_parquet(path).filter(pl.col("gap_id") == gap["gap_id"])
    if rows.is_empty() or rows["p_off"][0] != gap["p_off"]:
        return ["Labels were of an earlier p_off: darkport calibrate tells anew what they say"]
    row = rows.row(0, named=True)
    return [
        f"Labels make of it {row['p_off_calibrated']:.3f}, interval"
        f" {row['p_off_calibrated_low']:.3f} to {row['p_off_calibrated_high']:.3f}"
        f" (see {processed / FOLDER / PAGE})"
    ]


def _refuse_outputs(processed: Path, out: Path) -> None:
    """Refuse to publish over a night's outputs, here or of another processed folder.

    Raises:
        UsageError: saying what stands in `out`.
    """
    if not is_text(out):
        raise UsageError(f"--out {out}: the tables' writer needs a name in UTF-8")
    current = store.Outputs(out).current
    holds_others = current is not None and not (current / FACTS).is_file()
    if out.resolve() == processed.resolve() or holds_others:
        raise UsageError(f"--out {out} holds the outputs of a night: choose a folder of its own")


def _write(found: Calibrated, folder: Path) -> None:
    picture = "reliability.png"
    store.write_parquet(found.gaps, folder / f"{TABLE}.parquet")
    store.write_csv(found.gaps, folder / f"{TABLE}.csv")
    store.write_csv(found.reliability, folder / "reliability.csv")
    store.write_json(found.facts, folder / FACTS)
    with store.storing(folder):
        draw_reliability(
            found.reliability, folder / picture, is_simulated=found.facts["is_simulated"]
        )
        page = tell_page(found.facts, found.reliability, picture)
        (folder / PAGE).write_text(page, "utf-8")


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
