"""Writes docs/accuracy.md: simulated worlds of several seeds, a night on each, all of them pooled.

    make accuracy                                   # all parts (hours of one core)
    PARTS="null recovery" SMALL_SEEDS="201 202" make accuracy
    PARTS="null=206,207 trends=203" PAGE=accuracy_more make accuracy    # a page of its own

The seeds are used for nothing else: nothing was tuned on them. A world whose night is done is not
run again (`data/accuracy/*/done.json`); a part left out is not on the page.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.evaluate import Evaluation, evaluate, read_run, write_evaluation
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.runs import CALL_FOLDERS, CALL_TABLES, PROCESSED_TABLES
from tests.accuracy_indicator import tell_indicator
from tests.accuracy_page import (
    MAIN_PAGE,
    tell_calls,
    tell_habits,
    tell_null,
    tell_recovery,
    tell_what_was_run,
)
from tests.accuracy_pictures import draw_ratings, draw_recovery
from tests.night import REPOSITORY, run_command

DOCS = REPOSITORY / "docs"
WORK = REPOSITORY / "data" / "accuracy"
SEEDS = (101, 102, 103, 104, 105)
SMALL_SEEDS = (201, 202, 203, 204, 205)
WORLDS = ("caspian", "hard")
# Part -> its worlds, small ones but in `main` and `null-large`.
PARTS = {
    "main": WORLDS,
    "null": ("null-no-off",),
    "null-calls": ("null-no-dark",),
    "recovery": ("off-few", "caspian", "off-many"),
    "patchy": ("patchy-no-off", "patchy-few", "patchy", "patchy-many"),
    "classes": ("class-3", "class-12", "class-20", "class-21", "class-60"),
    "trends": ("trend", "trend-feed"),
    "trends-more": ("trend-few", "trend-feed-double"),
    "intervals": ("caspian",),
    "null-large": ("null-no-off",),
}
# The worlds of `intervals` are among those of `recovery`.
USUAL_PARTS = tuple(part for part in PARTS if part not in ("intervals", "null-large"))
LARGE = ("main", "null-large")


@dataclass(frozen=True)
class Trial:
    """One world of a part in some seeds."""

    part: str
    world: str
    is_small: bool
    seeds: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of the world as its truth has it."""
        return f"{'small-' if self.is_small else ''}{self.world}"

    @property
    def jobs(self) -> list[tuple[str, int, bool]]:
        """What `run_one` takes, a seed each."""
        return [(self.world, seed, self.is_small) for seed in self.seeds]


def name_folder(world: str, seed: int, small: bool, days: int | None) -> Path:
    """Return where a world and its night lie."""
    length = f"-{days}d" if days else ""
    return WORK / f"{'small-' if small else ''}{world}-{seed}{length}"


def is_done(folder: Path) -> bool:
    """Return whether a world and its night ended before."""
    return (folder / "done.json").is_file()


def run_one(world: str, seed: int, small: bool, days: int | None) -> Path:
    """Simulate one world and run the night on it; return its folder: tables and truth."""
    folder = name_folder(world, seed, small, days)
    if is_done(folder):
        print(f"{folder.name}: done before", flush=True)
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    began = time.perf_counter()
    options = ["--world", world, "--seed", str(seed), *(["--small"] if small else [])]
    options += ["--days", str(days)] if days else []
    run_command("simulate", "--out", str(folder), *options)
    made = time.perf_counter()
    where = ["--raw", str(folder / "raw"), "--processed", str(folder / "processed")]
    # The report follows from the tables and is not judged.
    run_command("nightly", *where, "--no-report")
    ended = time.perf_counter()
    # Of gigabytes only what the evaluation reads is kept.
    (folder / "published").mkdir()
    for name in (*PROCESSED_TABLES, *CALL_TABLES):
        shutil.copy(folder / "processed" / f"{name}.parquet", folder / "published")
    for name in CALL_FOLDERS:
        shutil.copytree(folder / "processed" / name, folder / "published" / name)
    shutil.rmtree(folder / "raw")
    shutil.rmtree(folder / "processed")
    seconds = {"simulate_s": round(made - began, 1), "night_s": round(ended - made, 1)}
    (folder / "done.json").write_text(json.dumps(seconds))
    words = f"simulated in {seconds['simulate_s']} s, night {seconds['night_s']} s"
    print(f"{folder.name}: {words}", flush=True)
    return folder


def parse_part(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a part and its own seeds, none where those of all parts hold: `null=206,207`.

    Raises:
        ArgumentTypeError: there is no such part, or a seed is no number.
    """
    part, _, seeds = text.partition("=")
    if part not in PARTS:
        raise argparse.ArgumentTypeError(f"no part {part!r}: {', '.join(PARTS)}")
    try:
        return part, tuple(int(seed) for seed in seeds.split(",") if seed)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"seeds of {part} are no numbers: {seeds!r}") from error


def plan_trials(chosen: argparse.Namespace) -> list[Trial]:
    """Return the worlds and seeds of the chosen parts."""
    trials = []
    for part, own_seeds in chosen.parts:
        is_small = part not in LARGE or chosen.small
        seeds = own_seeds or (chosen.seeds if part in LARGE else chosen.small_seeds)
        for world in chosen.worlds if part == "main" else PARTS[part]:
            trials.append(Trial(part, world, is_small, tuple(seeds)))
    return [pick_done(trial, chosen.days) for trial in trials] if chosen.done else trials


def pick_done(trial: Trial, days: int | None) -> Trial:
    """Return a trial with the seeds that ended before, and say which are left out."""
    done = tuple(
        seed for world, seed, small in trial.jobs if is_done(name_folder(world, seed, small, days))
    )
    left_out = sorted(set(trial.seeds) - set(done))
    if left_out:
        print(f"{trial.name}: left out, not done: {', '.join(map(str, left_out))}", flush=True)
    return replace(trial, seeds=done)


def judge(trial: Trial, folders: dict[tuple[str, int, bool], Path]) -> Evaluation:
    """Return the evaluation of a trial over its seeds, and write it beside its worlds."""
    began = time.perf_counter()
    places = [folders[job] for job in trial.jobs]
    runs = [read_run(folder / "published", folder / "truth") for folder in places]
    found = evaluate(runs)
    write_evaluation(found, WORK / f"evaluation-{trial.name}")
    print(f"{trial.name}: evaluated in {time.perf_counter() - began:.1f} s", flush=True)
    return found


def tell_main(trial: Trial, pictures: Path) -> str:
    """Return the whole evaluation of a world as text, its pictures copied into `pictures`."""
    out = WORK / f"evaluation-{trial.name}"
    text = (out / "evaluation.md").read_text("utf-8")
    for picture in sorted(out.glob("*.png")):
        target = pictures / f"{trial.world}_{picture.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, target)
        text = text.replace(f"({picture.name})", f"({pictures.name}/{target.name})")
    return text


def tell_command(chosen: argparse.Namespace) -> str:
    """Return the command that writes a page."""
    if chosen.page == MAIN_PAGE:
        return "make accuracy"
    parts = [
        f"{part}={','.join(map(str, seeds))}" if seeds else part for part, seeds in chosen.parts
    ]
    return f'make accuracy PARTS="{" ".join(parts)}" PAGE={chosen.page}'


def tell_page(judged: dict[Trial, Evaluation], pictures: Path, command: str) -> str:
    """Return the page: what was run, the main worlds, then the parts that stand on totals."""
    rules = EvaluationRules()
    seeds = {trial.name: trial.seeds for trial in judged}
    lines = tell_what_was_run(seeds, pictures.name, command)
    lines += [tell_main(trial, pictures) for trial in judged if trial.part == "main"]
    by_part: dict[str, dict[str, Evaluation]] = {}
    for trial, found in judged.items():
        by_part.setdefault(trial.part, {})[trial.name] = found
    for part in ("null", "null-large"):
        if part in by_part:
            lines += tell_null(part, by_part[part])
    for part in ("recovery", "patchy"):
        if part in by_part:
            nulls = {n: f for n, f in by_part[part].items() if all(o.is_null for o in f.offs)}
            others = {name: f for name, f in by_part[part].items() if name not in nulls}
            picture = draw_recovery(others, pictures / f"{part}.png")
            lines += tell_recovery(part, others, f"{pictures.name}/{picture.name}", rules)
            lines += tell_null(part, nulls) if nulls else []
    by_name = {name: found for part in by_part.values() for name, found in part.items()}
    lines += tell_calls(by_name)
    picture = draw_ratings(by_name, pictures / "ratings.png")
    lines += tell_indicator(by_name, rules, f"{pictures.name}/{picture.name}")
    return "\n".join([*lines, *tell_habits(by_part, rules)]).rstrip() + "\n"


def read_options() -> argparse.Namespace:
    """Return what the command line chose."""
    options = argparse.ArgumentParser(description=__doc__)
    usual = [(part, ()) for part in USUAL_PARTS]
    options.add_argument("--parts", nargs="+", type=parse_part, default=usual)
    options.add_argument("--worlds", nargs="+", default=list(WORLDS), help="of part main")
    options.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), help="large worlds")
    options.add_argument("--small-seeds", nargs="+", type=int, default=list(SMALL_SEEDS))
    options.add_argument("--small", action="store_true", help="small worlds in all parts")
    options.add_argument("--days", type=int, help="shorter worlds: a trial of this command only")
    options.add_argument("--done", action="store_true", help="only worlds that ended before")
    options.add_argument("--jobs", type=int, default=2, help="worlds at a time")
    options.add_argument("--docs", type=Path, default=DOCS)
    options.add_argument("--page", default=MAIN_PAGE, help="name of the page and its pictures")
    return options.parse_args()


def main() -> None:
    """Run all worlds and seeds of the chosen parts, evaluate each world, write the page."""
    chosen = read_options()
    trials = [trial for trial in plan_trials(chosen) if trial.seeds]
    # The same small world may serve two parts.
    jobs = list(dict.fromkeys(job for trial in trials for job in trial.jobs))
    with ThreadPoolExecutor(chosen.jobs) as pool:
        folders = dict(
            zip(
                jobs,
                pool.map(lambda job: run_one(job[0], job[1], job[2], chosen.days), jobs),
                strict=True,
            )
        )
    judged = {trial: judge(trial, folders) for trial in trials}
    pictures = chosen.docs / chosen.page
    pictures.mkdir(parents=True, exist_ok=True)
    page = tell_page(judged, pictures, tell_command(chosen))
    (chosen.docs / f"{chosen.page}.md").write_text(page, "utf-8")


if __name__ == "__main__":
    main()
