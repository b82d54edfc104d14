"""Outputs spoilt on purpose: the trials must notice each, or their silence says nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.kills import outputs
from tests.kills.bench import NEXT, Bench, Trial, Verdict
from tests.kills.child import call_in_child

SPOILT = "outputs spoilt on purpose, to see that it is noticed"


def plan_spoilt() -> list[Trial]:
    """Return a trial for each way to spoil outputs."""
    ways = (
        _cut_a_table,
        _lose_a_table,
        _add_a_day,
        _tell_another_run,
        _lose_a_run,
        _change_a_version,
        _change_the_database,
        _cut_the_database,
        _leave_a_result,
        _lose_a_result,
        _leave_half_a_generation,
        _leave_a_log,
        _leave_scratch,
        _leave_a_holder,
    )
    return [Trial(SPOILT, partial(spoil, way)) for way in ways]


def spoil(way: Callable[[Path], None], bench: Bench) -> Verdict:
    """Spoil the published outputs; the trials' own eyes must see it."""
    night = bench.nights[NEXT]
    bench.put_back(night)
    way(bench.processed)
    state, _ = bench.look_for(night)
    is_noticed = state == "torn" or bool(outputs.find_leftovers(bench.processed))
    problems = () if is_noticed else ("nobody noticed",)
    return Verdict(SPOILT, way.__name__.strip("_"), (), problems)


def _replace(path: Path, content: bytes) -> None:
    # A new file: the shelf shares the old one.
    path.unlink()
    path.write_bytes(content)


def _cut_a_table(processed: Path) -> None:
    path = (processed / "gaps.parquet").resolve()
    _replace(path, path.read_bytes()[:-100])


def _lose_a_table(processed: Path) -> None:
    (processed / "ships.parquet").unlink()


def _add_a_day(processed: Path) -> None:
    days = (processed / "positions").resolve()
    shutil.copytree(days / "date=2023-05-01", days / "date=2023-05-30")


def _tell_another_run(processed: Path) -> None:
    path = (processed / "manifest.json").resolve()
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"run": 2}), "utf-8")


def _lose_a_run(processed: Path) -> None:
    call_in_child(_write_first_rows, (processed / "runs.parquet").resolve(), 0)


def _change_a_version(processed: Path) -> None:
    part = next((processed / "gap_versions").resolve().glob("*.parquet"))
    call_in_child(_write_first_rows, part, 1)


def _write_first_rows(path: Path, count: int) -> None:
    import polars as pl

    pl.read_parquet(path).head(count).write_parquet(path)


def _change_the_database(processed: Path) -> None:
    call_in_child(_delete_a_row, str((processed / "darkport.duckdb").resolve()))


def _delete_a_row(path: str) -> None:
    import duckdb

    with duckdb.connect(path) as connection:
        connection.execute("delete from gaps where gap_id = (select min(gap_id) from gaps)")


def _cut_the_database(processed: Path) -> None:
    path = (processed / "darkport.duckdb").resolve()
    _replace(path, path.read_bytes()[: path.stat().st_size // 2])


def _leave_a_result(processed: Path) -> None:
    (processed / ".shelf" / "days" / ".new-0123").mkdir()


def _lose_a_result(processed: Path) -> None:
    shutil.rmtree(next((processed / ".shelf" / "days").glob("2023-*")))


def _leave_half_a_generation(processed: Path) -> None:
    (processed / ".generations" / "000099.new").mkdir()


def _leave_a_log(processed: Path) -> None:
    (processed / "darkport.duckdb.wal").write_bytes(b"log")


def _leave_scratch(processed: Path) -> None:
    (processed / ".scratch").mkdir()


def _leave_a_holder(processed: Path) -> None:
    (processed / ".lock").write_text('{"pid": 1}', "utf-8")
