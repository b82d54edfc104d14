"""Writes docs/accuracy.md: simulated worlds of several seeds, a night on each, all of them pooled.

`make accuracy` (hours of computing; `SEEDS="101 102" WORLDS="caspian" make accuracy` for less).
The seeds are used for nothing else: nothing was tuned on them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.evaluate import evaluate, read_run, write_evaluation
from tests.night import REPOSITORY, run_command

DOCS = REPOSITORY / "docs"
WORK = REPOSITORY / "data" / "accuracy"
SEEDS = (101, 102, 103, 104, 105)
WORLDS = ("caspian", "hard")


def run_one(world: str, seed: int, small: bool) -> Path:
    """Simulate one world and run the night on it; return its folder, the feed itself dropped."""
    folder = WORK / f"{'small-' if small else ''}{world}-{seed}"
    if (folder / "done.json").is_file():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    began = time.perf_counter()
    options = ["--world", world, "--seed", str(seed), *(["--small"] if small else [])]
    run_command("simulate", "--out", str(folder), *options)
    made = time.perf_counter()
    run_command("nightly", "--raw", str(folder / "raw"), "--processed", str(folder / "processed"))
    ended = time.perf_counter()
    shutil.rmtree(folder / "raw")
    shutil.rmtree(folder / "processed" / "positions")
    (folder / "done.json").write_text(
        json.dumps({"simulate_s": round(made - began, 1), "night_s": round(ended - made, 1)})
    )
    return folder


def main() -> None:
    """Run all worlds and seeds, evaluate each world over its seeds, write the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--worlds", nargs="+", default=list(WORLDS))
    options.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    options.add_argument("--small", action="store_true")
    options.add_argument("--docs", type=Path, default=DOCS)
    chosen = options.parse_args()
    jobs = [(world, seed) for world in chosen.worlds for seed in chosen.seeds]
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda job: run_one(*job, chosen.small), jobs))
    texts = []
    for world in chosen.worlds:
        runs = [
            read_run(folder / "processed", folder / "truth")
            for (name, _), folder in zip(jobs, folders, strict=True)
            if name == world
        ]
        out = WORK / f"evaluation-{world}"
        write_evaluation(evaluate(runs), out)
        text = (out / "evaluation.md").read_text("utf-8")
        for picture in sorted(out.glob("*.png")):
            target = chosen.docs / "accuracy" / f"{world}_{picture.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, target)
            text = text.replace(f"({picture.name})", f"(accuracy/{target.name})")
        texts.append(text)
    head = [
        "# Accuracy",
        "",
        "Written by `make accuracy` from SIMULATED worlds, whose truth is known; no ship in them"
        f" exists. Seeds {', '.join(map(str, chosen.seeds))}, used for nothing else. Bad figures"
        " are printed as they are.",
        "",
        "Stratum *vessel: heard on another track* holds gaps of tracks that never were (false"
        " places of interference, bit errors); *vessel: silent* is what is left.",
        "",
        "Gaps that a second provider labelled: [real_labels.md](real_labels.md).",
        "",
    ]
    (chosen.docs / "accuracy.md").write_text("\n".join(head) + "\n" + "\n".join(texts), "utf-8")


if __name__ == "__main__":
    main()
