"""Plants faults one by one in a copy of the code; each must turn a test red (`make faults`).

docs/faults.md lists them; a test holds that every text to be replaced is still in the code, so
that a fault cannot quietly stop being planted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.night import REPOSITORY


@dataclass(frozen=True)
class Fault:
    """A change that must not go unnoticed, and the tests that are to notice it."""

    what: str
    file: str
    old: str
    new: str
    tests: str


SCENARIOS = "tests/test_reception_scenarios.py"
FAULTS = (
    Fault(
        "a gap must be longer than the limit, not as long",
        "pipeline/summaries.py",
        "day.to_next_s >= shortest_s",
        "day.to_next_s > shortest_s",
        "tests/test_gaps.py",
    ),
    Fault(
        "positions of a day are not sorted",
        "pipeline/summaries.py",
        'return positions.sort("mmsi", "segment", "seen_at", "lon", "lat")',
        "return positions",
        "tests/test_summaries.py",
    ),
    Fault(
        "ships are mixed: the next row counts whoever it is",
        "pipeline/ordered.py",
        'return self.changes("mmsi", "segment")',
        'return self.changes("segment")',
        "tests/test_gaps.py",
    ),
    Fault(
        "open gaps are lost",
        "pipeline/gaps.py",
        '(pl.col("sightings") > 1)\n',
        '(pl.col("sightings") > 10**9)\n',
        "tests/test_gaps.py",
    ),
    Fault(
        "minutes are taken for hours",
        "pipeline/gap_table.py",
        'duration_h=(pl.col("duration_s") / 3600.0)',
        'duration_h=(pl.col("duration_s") / 60.0)',
        "tests/test_gaps.py",
    ),
    Fault(
        "gaps over midnight are lost",
        "pipeline/gaps.py",
        "[inner.select(columns), crossing.select(columns)]",
        "[inner.select(columns)]",
        "tests/test_gaps.py",
    ),
    Fault(
        "a row dated in the future closes the books",
        "pipeline/gaps.py",
        'if last_24h >= max(least, rules.data_end_share * _median(whole_days["sightings"])):',
        "if last_24h >= 0:",
        "tests/test_gaps.py",
    ),
    Fault(
        "duplicates stay",
        "pipeline/clean.py",
        "unique = pl.concat([alone, merged.select(alone.columns)])",
        "unique = pl.concat([alone, several.select(alone.columns)])",
        "tests/test_clean.py",
    ),
    Fault(
        "latitude 91 is a place",
        "pipeline/clean.py",
        ".when(not_available)\n",
        ".when(not_available & False)\n",
        "tests/test_clean.py",
    ),
    Fault(
        "one MMSI is one ship",
        "pipeline/tracks.py",
        "if not breaks.any():",
        "if True:",
        "tests/test_tracks.py",
    ),
    Fault(
        "a sighting joins the oldest track it can reach",
        "pipeline/tracks.py",
        "for at in np.flatnonzero(km <= reach)[::-1]:",
        "for at in np.flatnonzero(km <= reach):",
        "tests/test_tracks.py",
    ),
    Fault(
        "a lone ping closes a gap",
        "pipeline/tracks.py",
        "if lone[at] and not (can_reach(kept, at) and can_reach(at, at + 1)):",
        "if False:",
        "tests/test_tracks.py",
    ),
    Fault(
        "a ship that left the region has a gap",
        "pipeline/causes.py",
        'cause=pl.when("left")',
        "cause=pl.when(pl.lit(value=False))",
        "tests/test_leaving.py",
    ),
    Fault(
        "exposure goes to the month of the later sighting",
        "pipeline/exposure.py",
        'start = pl.max_horizontal("off_at", "month")',
        'start = pl.col("off_at")',
        "tests/test_gaps.py",
    ),
    Fault(
        "left_region counts as a gap in the monthly table",
        "sql/marts/gap_ladder.sql",
        "left_region",
        "left_regiom",
        "tests/test_sql.py tests/test_rollup.py",
    ),
    Fault(
        "an IMO number needs no check digit",
        "pipeline/ships.py",
        'imo_is_valid(pl.col("imo"))',
        'pl.col("imo").is_not_null()',
        "tests/test_ships.py",
    ),
    Fault(
        "a simulated set is heard while it is off",
        "pipeline/simulate/radio.py",
        "kept = np.flatnonzero(~_find_off(heard.at_s, offs))",
        "kept = np.arange(len(heard.at_s))",
        "tests/test_simulate_radio.py",
    ),
    Fault(
        "a stay with the set off for half of it is a dark call",
        "pipeline/simulate/true_rows.py",
        'pl.col("off_s") >= stay_s - 1',
        'pl.col("off_s") >= stay_s / 2',
        "tests/test_simulate_world.py",
    ),
    Fault(
        "a visit is crossing whatever the ports beside it",
        "pipeline/simulate/known.py",
        "any_two[number] = any(there != here for there in neighbours)",
        "any_two[number] = len(neighbours) > 0",
        "tests/test_simulate_known.py",
    ),
    Fault(
        "a port stay of two months ago makes a visit crossing",
        "pipeline/simulate/known.py",
        "if away_s <= WITHIN_S",
        "if away_s <= 2 * WITHIN_S",
        "tests/test_simulate_known.py",
    ),
    Fault(
        "hours in which nobody could hear the ship count for its label",
        "pipeline/evaluate/hours.py",
        "axis=1) * self.is_hearable)",
        "axis=1))",
        "tests/test_evaluate_labels.py",
    ),
    Fault(
        "a gap is off if the set was off at any time in it",
        "pipeline/evaluate/labels.py",
        "rules.off_min_share * pl.col",
        "0.01 * pl.col",
        "tests/test_evaluate_labels.py",
    ),
    Fault(
        "tracks begin anew with every month",
        "pipeline/months.py",
        "self._open_ends(before) if before else None",
        "None",
        "tests/test_incremental.py",
    ),
    Fault(
        "a month linked before is taken whatever the month before it leaves open",
        "pipeline/months.py",
        "key_of(made_by, begins_with, edges)",
        "key_of(made_by, edges)",
        "tests/test_incremental.py",
    ),
    Fault(
        "a change by late rows is told as new data",
        "pipeline/history/compare.py",
        'return "late_data" if context.has_late_rows else "new_data"',
        'return "new_data"',
        "tests/test_history.py",
    ),
    Fault(
        "an area is out as soon as one of the stations that usually hear it is",
        "pipeline/health/areas.py",
        "found = (usual > 0) & (usual == out)",
        "found = (usual > 0) & (out > 0)",
        "tests/test_health.py",
    ),
    Fault(
        "a shelf keeps what no night names any more",
        "pipeline/nightly.py",
        "self.shelf.sweep(archive.names())",
        "pass",
        "tests/test_incremental.py tests/test_nights.py",
    ),
    Fault(
        "hours in which nobody else was heard count as silence",
        "pipeline/reception/rates.py",
        "shore_rate * (by_shore > 0) + space_rate * (by_space > 0)",
        "shore_rate + space_rate",
        "tests/test_reception.py",
    ),
    Fault(
        "a sighting after a long silence counts in rates",
        "pipeline/reception/window.py",
        "returns=is_heard & (silent >= rules.return_after_h)",
        "returns=is_heard & (silent < 0)",
        "tests/test_reception.py",
    ),
    Fault(
        "the own factor is drawn anew in every hour",
        "pipeline/reception/learn.py",
        "redraw=1 / rules.redraw_h",
        "redraw=0.9",
        "tests/test_reception.py",
    ),
    Fault(
        "an outage explains a gap however much silence it leaves",
        "pipeline/reception/why.py",
        'pl.col("duration_s") - pl.col("explained_s") < rules.gaps.shortest_s',
        'pl.col("explained_s") > 0',
        "tests/test_reception.py",
    ),
    Fault(
        "beacons bear no witness of gaps",
        "pipeline/months.py",
        "rules, ways, beacon_hours)",
        "rules, ways)",
        f"{SCENARIOS}::test_where_all_fall_silent_while_beacons_are_heard_sets_are_off",
    ),
    Fault(
        "lost ships are an outage though beacons are heard",
        "pipeline/health/lost.py",
        'pl.coalesce("are_beacons_lost", "are_flags_alike")',
        'pl.col("are_flags_alike")',
        f"{SCENARIOS}::test_where_all_fall_silent_while_beacons_are_heard_sets_are_off",
    ),
    Fault(
        "hours beyond an exit are live",
        "pipeline/reception/ways.py",
        "beyond = (after_h > until_h) | (before_h > from_h)",
        "beyond = pl.lit(value=False)",
        f"{SCENARIOS}::test_hours_in_which_a_ship_must_be_outside_are_not_live",
    ),
    Fault(
        "a ship stops in a silence whenever its way is slow",
        "pipeline/reception/window.py",
        "_find_changes(is_under_way, is_heard | begins)",
        "_find_changes(is_under_way, is_heard | ~is_heard)",
        "tests/test_reception.py",
    ),
    Fault(
        "ships in a silence lie on the straight line, over land too",
        "pipeline/reception/window.py",
        'lon=pl.coalesce("lon", "way_lon")',
        'lon=pl.col("lon")',
        "tests/test_reception.py",
    ),
)


def copy_code(folder: Path) -> Path:
    """Return a fresh copy of the code."""
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    made = ("demo", "accuracy", "simulation", "bench", "raw", "processed")
    ignored = shutil.ignore_patterns(".git", ".venv", *made, "__pycache__", ".*_cache")
    shutil.copytree(REPOSITORY, copy, ignore=ignored)
    return copy


def run_tests(copy: Path, tests: list[str]) -> int:
    """Return the exit code of some tests in a copy of the code."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests],
        cwd=copy,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    return done.returncode


def plant(fault: Fault, folder: Path) -> bool:
    """Return whether a test turned red with the fault in a copy of the code."""
    copy = copy_code(folder)
    path = copy / fault.file
    text = path.read_text("utf-8")
    if fault.old not in text:
        raise SystemExit(f"{fault.what}: {fault.old!r} is not in {fault.file} any more")
    path.write_text(text.replace(fault.old, fault.new), "utf-8")
    return run_tests(copy, fault.tests.split()) == 1


def main() -> None:
    """Plant every fault; end with 1 if one goes unnoticed."""
    unnoticed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        every = sorted({name for fault in FAULTS for name in fault.tests.split()})
        if run_tests(copy_code(Path(folder)), every) != 0:
            raise SystemExit("the tests are red without any fault: nothing can be told")
        print("    green without a fault", flush=True)
        for number, fault in enumerate(FAULTS, start=1):
            is_red = plant(fault, Path(folder))
            print(f"{number:2}. {'red ' if is_red else 'GREEN'} {fault.what}", flush=True)
            if not is_red:
                unnoticed.append(fault.what)
    sys.exit(1 if unnoticed else 0)


if __name__ == "__main__":
    main()
