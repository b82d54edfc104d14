"""Trials of nights that find results on the shelf damaged, or the shelf or links gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.kills import outputs
from tests.kills.bench import DONE, NEXT, Bench, Night, Trial, Verdict
from tests.kills.trials import OF_RAW_FILES, even_sample, judge_error

SHELF = "a result on the shelf is damaged"
PUBLISHED = "a file of the published night is damaged"
NO_SHELF = "the shelf is removed"
LINKS_LOST = "`.current` or other links are lost"


def plan_shelf(bench: Bench, count: int) -> list[Trial]:
    """Return trials that damage results on the shelf in every way, of every kind."""
    shelf = bench.nights[NEXT].start / ".shelf"
    results = [
        sorted(path.relative_to(shelf).as_posix() for path in kind.iterdir() if path.is_dir())
        for kind in sorted(shelf.glob("[!.]*"))
    ]
    harms = (_cut_files, _cut_in_place, _fill_with_garbage, _empty_files, _empty_folder, _be_file)
    every = [
        Trial(SHELF, partial(damage_shelf, harm, name))
        for harm in harms
        for names in results
        for name in even_sample(names, 2)
    ]
    return [every[place] for place in even_sample(range(len(every)), count)]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _replace_file(path: Path, content: bytes) -> None:
    # A new file: what is published shares the old one.
    path.unlink()
    path.write_bytes(content)


def _cut_files(folder: Path) -> None:
    for path in _files(folder):
        content = path.read_bytes()
        _replace_file(path, content[: len(content) // 2])


def _cut_in_place(folder: Path) -> None:
    for path in _files(folder):
        os.truncate(path, path.stat().st_size // 2)


def _fill_with_garbage(folder: Path) -> None:
    for path in _files(folder):
        _replace_file(path, b"\xff\x00garbage" * 100)


def _empty_files(folder: Path) -> None:
    for path in _files(folder):
        _replace_file(path, b"")


def _empty_folder(folder: Path) -> None:
    for path in _files(folder):
        path.unlink()


def _be_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("no folder", "utf-8")


def damage_shelf(harm: Callable[[Path], None], name: str, bench: Bench) -> Verdict:
    """Damage one result on the shelf; then run the night."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    harm(bench.processed / ".shelf" / name)
    return _run_and_judge(bench, night, SHELF, f"{name}: {harm.__name__.strip('_')}")


def _run_and_judge(bench: Bench, night: Night, kind: str, words: str) -> Verdict:
    """Run once; the outputs must be the new ones, or the old ones and an error that says why."""
    child = bench.run()
    state, problems = bench.look_for(night)
    problems += judge_error(child, state)
    if not problems and child.code == DONE:
        problems += outputs.find_leftovers(bench.processed)
    return Verdict(kind, f"{words}; {child.told()[:1]}", (state,), tuple(problems))


def plan_published() -> list[Trial]:
    """Return trials that cut what a night reads of the published one."""
    current = ".current"
    names = (
        *(f"{current}/.state/{name}" for name in ("files.json", "shelf.json", "counts.json")),
        *(f"{current}/.state/{name}" for name in ("known.parquet", "days.parquet")),
        *(f"{current}/{name}" for name in ("manifest.json", "runs.parquet", "gaps.parquet")),
        f"{current}/gap_versions/2023-05.parquet",
    )
    return [Trial(PUBLISHED, partial(damage_published, name)) for name in names]


def damage_published(name: str, bench: Bench) -> Verdict:
    """Cut a file of the published night; the next one says what to do, and leaves all as it is."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    path = bench.processed / name
    whole = path.read_bytes()
    _replace_file(path, whole[: len(whole) // 2])
    child = bench.run()
    lines = [line for line in child.told() if not line.startswith(OF_RAW_FILES)]
    problems = []
    if child.code != 1 or child.is_unexpected() or len(lines) != 1 or "back-up" not in lines[0]:
        problems.append(f"ended with {child.code} and said {child.log[-1500:]}")
    _replace_file(path, whole)
    state, words = bench.look_for(night)
    problems += words + bench.repair(night)
    return Verdict(PUBLISHED, f"{name}; {lines}", (state,), tuple(problems))


def plan_lost() -> list[Trial]:
    """Return trials that lose the shelf or links."""
    shelves = (".shelf", ".shelf/days", ".shelf/files", ".shelf/notes", ".shelf/tracks")
    links = (".current", "gaps.parquet", "positions", "darkport.duckdb", "manifest.json")
    return [
        *(Trial(NO_SHELF, partial(lose, NO_SHELF, (name,))) for name in shelves),
        *(
            Trial(LINKS_LOST, partial(lose, LINKS_LOST, names))
            for names in (*((name,) for name in links), links, (".current", ".shelf"))
        ),
    ]


def lose(kind: str, names: tuple[str, ...], bench: Bench) -> Verdict:
    """Remove something that a run needs; then run the night."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    for name in names:
        path = bench.processed / name
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path)
    return _run_and_judge(bench, night, kind, ", ".join(names))
