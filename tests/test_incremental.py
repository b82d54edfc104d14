"""A night does again what changed, and nothing else; late, wrong and touched files (DESIGN 5)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import polars as pl
import pytest

from pipeline import ingest, inputs, store
from pipeline.nightly import Outcome
from pipeline.rules import Rules
from tests import night
from tests.nights_archive import HOUR
from tests.nights_model import OTHER_VALUES, Asked, make_light_sql, run
from tests.nights_published import read_bytes, tell_differences
from tests.worlds import GEO_SQUARES

DAYS = tuple(datetime(2023, *day) for day in ((4, 29), (4, 30), (5, 1), (5, 20), (6, 3), (6, 4)))
TRADER, TUG, LONER = 273_000_001, 273_000_052, 273_000_077

# What is derived from day to day and from month to month, as the manifest names it.
OF_DAYS = ("notes", "edges", "days")
OF_MONTHS = (
    *("month_notes", "lone_pings", "tracks", "month_sums"),
    *("judged", "ways", "reception", "health", "lost_ships"),
)


@pytest.fixture(scope="session")
def light_sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_light_sql(tmp_path_factory.mktemp("sql"))


@dataclass
class Archive:
    """A raw folder, the processed one beside it, and how nights are run on them."""

    folder: Path
    asked: Asked
    opened: list[str] = field(default_factory=list)
    hashed: list[str] = field(default_factory=list)

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def processed(self) -> Path:
        return self.folder / "processed"

    def write(self, name: str, rows: pl.DataFrame, feed: str = "coast") -> Path:
        return night.write_canonical(self.raw, feed, rows, name)

    def night(self, **changes: Any) -> Outcome:
        """Run a night; `opened` and `hashed` then name the raw files it looked into."""
        self.opened.clear()
        self.hashed.clear()
        return run(self.raw, self.processed, self.asked.but(**changes))

    def table(self, name: str) -> pl.DataFrame:
        return store.read_table(self.processed, name)

    def steps(self) -> dict[tuple[str, str], str]:
        """Return what each step of each day and month was made from, by (step, day or month)."""
        told = json.loads((self.processed / "manifest.json").read_text("utf-8"))["derived_from"]
        return {
            (step, when): name
            for part in ("days", "months")
            for when, steps in told[part].items()
            for step, name in steps.items()
            if isinstance(name, str)
        }

    def is_as_one_night(self, **changes: Any) -> bool:
        """Return whether a fresh night publishes the same; show what it does not."""
        fresh = self.folder / "fresh"
        run(self.raw, fresh, self.asked.but(**changes))
        found = tell_differences(self.processed, fresh)
        store.remove_tree(fresh)
        assert found == []
        return True


@pytest.fixture
def archive(tmp_path: Path, light_sql: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An empty archive in the whole world, and an eye on the raw files that nights open."""
    made = Archive(tmp_path, Asked(areas=night.whole_world(tmp_path), sql=light_sql))
    open_feed, hash_file = ingest.open_feed, store.hash_file

    def open_and_note(path: Path, *more: Any, **named: Any) -> Any:
        made.opened.append(path.name)
        return open_feed(path, *more, **named)

    def hash_and_note(path: Path) -> str:
        made.hashed.append(path.name)
        return hash_file(path)

    monkeypatch.setattr(ingest, "open_feed", open_and_note)
    monkeypatch.setattr(store, "hash_file", hash_and_note)
    # The files of a test are as old as the test: what a night could not tell, it would hash.
    monkeypatch.setattr(inputs, "RACY_NS", 0)
    return made


def heard(*instants: datetime, mmsi: int = TRADER, lat: float = 41.0) -> pl.DataFrame:
    """Return a ship at one place at some instants."""
    rows: list[Any] = [(mmsi, at, 51.0, lat) for at in instants]
    return night.sightings(rows, sog=0.2, receiver="terrestrial", station="s")


def day_of(day: datetime, hours: range = range(0, 24, 2), **more: Any) -> pl.DataFrame:
    """Return a ship heard every two hours of a day."""
    return heard(*(day + hour * HOUR for hour in hours), **more)


def types(mmsi: int, ship_type: int, day: datetime = DAYS[0]) -> pl.DataFrame:
    """Return static reports of a ship."""
    rows: list[Any] = [(mmsi, day + hour * HOUR, None, None) for hour in range(2)]
    return night.sightings(rows, ship_type=ship_type)


def write_days(made: Archive) -> None:
    """Write a file a day, three months, three ships."""
    for day in DAYS:
        frames = [day_of(day), day_of(day, range(1, 24, 5), mmsi=TUG, lat=41.2)]
        frames.append(day_of(day, range(0, 24, 11), mmsi=LONER, lat=41.9))
        made.write(f"{day:%Y-%m-%d}.csv", pl.concat(frames))
    made.write("types.csv", types(TUG, 52))


def write_silence(made: Archive) -> None:
    """Write a ship silent from hour 4 to hour 60 and from hour 64 on, and a witness."""
    made.write("ship.csv", day_of(DAYS[0], range(5)))
    for day in DAYS[:3]:
        made.write(f"witness-{day:%d}.csv", day_of(day, mmsi=LONER, lat=41.9))
    made.write("again.csv", day_of(DAYS[2], range(12, 17)))


def write_open_silence(made: Archive) -> None:
    """Write the same ship, not heard again."""
    write_silence(made)
    (made.raw / "coast" / "again.csv").unlink()


@pytest.fixture(scope="module")
def first_nights(tmp_path_factory: pytest.TempPathFactory, light_sql: Path) -> dict[str, Path]:
    """Return folders of raw files and the first night on them, to be copied."""
    folders: dict[str, Path] = {}
    for write in (write_days, write_silence, write_open_silence):
        folder = tmp_path_factory.mktemp(write.__name__)
        made = Archive(folder, Asked(areas=night.whole_world(folder), sql=light_sql))
        write(made)
        made.night()
        folders[write.__name__] = folder
    return folders


def copied(archive: Archive, folder: Path) -> Archive:
    """Give an empty archive raw files and a first night."""
    for part in ("raw", "processed"):
        copytree(folder / part, archive.folder / part, symlinks=True)
    return archive


@pytest.fixture
def days(archive: Archive, first_nights: dict[str, Path]) -> Archive:
    """An archive of some days in three months, after its first night."""
    return copied(archive, first_nights["write_days"])


@pytest.fixture
def silence(archive: Archive, first_nights: dict[str, Path]) -> Archive:
    """An archive with a closed gap and an open one of the same ship, after its first night."""
    return copied(archive, first_nights["write_silence"])


@pytest.fixture
def open_silence(archive: Archive, first_nights: dict[str, Path]) -> Archive:
    """An archive with an open gap, after its first night."""
    return copied(archive, first_nights["write_open_silence"])


def redone(archive: Archive, before: Mapping[tuple[str, str], str]) -> dict[str, set[str]]:
    """Return the days or months of which a step is not what it was before, by step."""
    found: dict[str, set[str]] = {}
    for (step, when), name in archive.steps().items():
        if before.get((step, when)) != name:
            found.setdefault(step, set()).add(when)
    return found


# ------------------------------------------------------------------------------ what is read


def test_a_night_reads_new_and_changed_raw_files_only(archive: Archive) -> None:
    archive.write("one.csv", day_of(DAYS[0]))
    archive.write("two.csv", day_of(DAYS[1]))
    # All of its rows are refused: it is of no day, and is remembered all the same.
    archive.write("zero.csv", day_of(DAYS[1], lat=91.0))
    archive.night()
    assert sorted(archive.opened) == ["one.csv", "two.csv", "zero.csv"]
    archive.write("three.csv", day_of(DAYS[2]))
    outcome = archive.night()
    assert (archive.opened, archive.hashed) == (["three.csv"], ["three.csv"])
    assert (outcome.changes.new, outcome.changes.changed) == (("coast/three.csv",), ())
    archive.write("one.csv", day_of(DAYS[0], range(0, 24, 3)))
    outcome = archive.night()
    assert (archive.opened, archive.hashed) == (["one.csv"], ["one.csv"])
    assert (outcome.changes.new, outcome.changes.changed) == ((), ("coast/one.csv",))
    assert archive.is_as_one_night()


def test_a_night_without_a_change_reads_nothing_says_so_and_publishes_the_same(
    archive: Archive,
) -> None:
    path = archive.write("one.csv", day_of(DAYS[0]))
    archive.night()
    before = read_bytes(archive.processed)
    outcome = archive.night()
    assert (archive.opened, archive.hashed, outcome.days_redone) == ([], [], 0)
    assert any("no raw file is new" in sentence for sentence in outcome.warnings)
    path.touch()
    outcome = archive.night()
    assert (archive.opened, archive.hashed, outcome.days_redone) == ([], ["one.csv"], 0)
    assert outcome.changes.changed == ()
    assert read_bytes(archive.processed) == before
    assert archive.table("runs")["versions_written"].to_list() == [0, 0, 0]


def test_other_bytes_of_the_same_size_and_time_are_noticed(archive: Archive) -> None:
    path = archive.write("one.csv", day_of(DAYS[0], lat=41.0))
    archive.write("two.csv", day_of(DAYS[1]))
    archive.night()
    stat = path.stat()
    path.write_text(path.read_text("utf-8").replace("41.0", "41.5"), "utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    outcome = archive.night()
    assert outcome.changes.changed == ("coast/one.csv",)
    assert archive.opened == ["one.csv"]
    assert archive.is_as_one_night()


def test_a_file_as_young_as_the_night_is_hashed_again_by_the_next(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "RACY_NS", 3_600 * 10**9)
    archive.write("one.csv", day_of(DAYS[0]))
    archive.night()
    archive.night()
    assert (archive.hashed, archive.opened) == (["one.csv"], [])


def test_rehashing_finds_what_sizes_and_times_do_not_tell(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "_stat", lambda path: (1, 1, 1, 1))
    path = archive.write("one.csv", day_of(DAYS[0]))
    archive.write("two.csv", day_of(DAYS[1]))
    archive.night()
    path.write_text(path.read_text("utf-8").replace("41.0", "41.5"), "utf-8")
    archive.night()
    assert (archive.hashed, archive.opened) == ([], [])
    outcome = archive.night(rehash=True)
    assert sorted(archive.hashed) == ["one.csv", "two.csv"]
    assert (archive.opened, outcome.changes.changed) == (["one.csv"], ("coast/one.csv",))


def test_a_file_that_could_not_be_read_is_read_once_it_changes(archive: Archive) -> None:
    archive.write("one.csv", day_of(DAYS[0]))
    bad = archive.raw / "coast" / "two.csv"
    bad.write_bytes(b"\x00\x01 no table")
    outcome = archive.night()
    assert [name for name, _ in outcome.files_failed] == ["coast/two.csv"]
    outcome = archive.night()
    assert (archive.opened, len(outcome.files_failed)) == ([], 1)
    archive.write("two.csv", day_of(DAYS[1]))
    outcome = archive.night()
    assert (archive.opened, outcome.files_failed) == (["two.csv"], ())
    assert archive.is_as_one_night()


MAPPING = """
name = "logger"
title = "logger of the port"

[fields]
mmsi = "ship"
timestamp = "at"
longitude = "x"
latitude = "y"
sog = { column = "v", unit = "kn" }
"""


def test_a_changed_mapping_reads_its_own_files_again(archive: Archive) -> None:
    archive.write("one.csv", day_of(DAYS[0]))
    folder = archive.raw / "logger"
    folder.mkdir()
    (folder / "mapping.toml").write_text(MAPPING, "utf-8")
    lines = [f"{LONER},{DAYS[0] + hour * HOUR:%FT%T}Z,51.0,41.0,10" for hour in range(5)]
    (folder / "log.csv").write_text("\n".join(["ship,at,x,y,v", *lines]) + "\n", "utf-8")
    archive.night()
    assert speeds(archive) == {10.0}
    (folder / "mapping.toml").write_text(MAPPING.replace('"kn"', '"km/h"'), "utf-8")
    archive.night()
    assert archive.opened == ["log.csv"]
    assert speeds(archive) == {round(10 / 1.852, 3)}
    assert archive.is_as_one_night()


def speeds(archive: Archive) -> set[float]:
    rows = night.Night(archive.night(), archive.processed).positions()
    return {round(one, 3) for one in rows.filter(pl.col("mmsi") == LONER)["sog_kn"]}


# --------------------------------------------------------------------------- what is done again


def test_a_late_row_does_its_own_day_again_and_links_the_months_from_it_on(
    days: Archive,
) -> None:
    before = days.steps()
    days.write("late.csv", heard(DAYS[3] + 3 * HOUR))
    outcome = days.night()
    assert days.opened == ["late.csv"]
    assert outcome.days_redone == 1
    steps = redone(days, before)
    assert [steps[step] for step in OF_DAYS] == [{"2023-05-20"}] * 3
    assert steps["month_notes"] == {"2023-05"}
    assert steps["tracks"] == {"2023-05", "2023-06"}
    assert steps["month_sums"] == {"2023-05", "2023-06"}
    assert days.is_as_one_night()


def test_a_new_day_at_the_end_does_no_other_day_again(days: Archive) -> None:
    before = days.steps()
    days.write("next.csv", day_of(datetime(2023, 6, 5)))
    outcome = days.night()
    assert (days.opened, outcome.days_redone) == (["next.csv"], 1)
    steps = redone(days, before)
    assert [steps[step] for step in OF_DAYS] == [{"2023-06-05"}] * 3
    assert [steps[step] for step in OF_MONTHS] == [{"2023-06"}] * len(OF_MONTHS)


def test_a_row_that_refutes_a_ping_of_an_earlier_day_does_that_day_again(
    archive: Archive,
) -> None:
    archive.write("one.csv", day_of(DAYS[0], range(12)))
    archive.write("far.csv", heard(DAYS[0] + 22 * HOUR, lat=70.0))
    archive.night()
    assert archive.table("rejected").is_empty()
    before = archive.steps()
    archive.write("two.csv", day_of(DAYS[1], range(6, 12)))
    archive.night()
    assert archive.table("rejected")["reason"].to_list() == ["unconfirmed"]
    steps = redone(archive, before)
    assert steps["notes"] == {"2023-04-30"}
    assert steps["days"] == {"2023-04-29", "2023-04-30"}
    assert archive.is_as_one_night()


def test_a_row_that_refutes_a_jump_of_an_earlier_day_finishes_that_day_again(
    archive: Archive,
) -> None:
    archive.write("one.csv", day_of(DAYS[0], range(12)))
    archive.write("far.csv", heard(DAYS[0] + 12 * HOUR, lat=70.0))
    archive.night()
    assert archive.table("rejected").is_empty()
    before = archive.steps()
    archive.write("two.csv", day_of(DAYS[1], range(6, 12)))
    archive.night()
    assert archive.table("rejected")["reason"].to_list() == ["jump"]
    steps = redone(archive, before)
    assert (steps["edges"], steps["days"]) == ({"2023-04-30"}, {"2023-04-29", "2023-04-30"})
    assert archive.is_as_one_night()


def test_a_late_row_takes_back_what_a_later_month_refused(archive: Archive) -> None:
    ping = DAYS[1] + 12 * HOUR
    archive.write("april.csv", pl.concat([day_of(DAYS[1], range(4)), heard(ping, lat=70.0)]))
    archive.write("may.csv", day_of(DAYS[2], range(12, 16)))
    archive.night()
    assert archive.table("rejected")["reason"].to_list() == ["unconfirmed"]
    archive.write("late.csv", heard(ping + HOUR, lat=70.1))
    archive.night()
    assert archive.table("rejected").is_empty()
    assert archive.is_as_one_night()


def test_a_ship_that_turns_out_to_be_fast_changes_the_days_in_which_it_was_in_pieces(
    archive: Archive,
) -> None:
    rows: list[Any] = [(LONER, DAYS[0] + hour * HOUR, 51.0, 41.0 + 0.75 * hour) for hour in (0, 1)]
    rows += [(LONER, DAYS[0] + 5 * HOUR, 51.0, 41.75)]
    archive.write(
        "one.csv",
        pl.concat(
            [
                night.sightings(rows),
                day_of(DAYS[0]).select("mmsi", "timestamp", "longitude", "latitude"),
            ]
        ),
    )
    archive.write("two.csv", day_of(DAYS[1]))
    archive.night()
    assert archive.table("tracks").filter(pl.col("mmsi") == LONER)["track"].n_unique() == 2
    before = archive.steps()
    archive.write("types.csv", types(LONER, 40, day=DAYS[1]))
    archive.night()
    assert archive.table("tracks").filter(pl.col("mmsi") == LONER)["track"].n_unique() == 1
    steps = redone(archive, before)
    assert (steps["notes"], steps["edges"]) == ({"2023-04-30"}, {"2023-04-29", "2023-04-30"})
    assert archive.is_as_one_night()


# Rules, are raw files read again, steps that are done again.
AFTER_RULES: tuple[tuple[tuple[str, ...], bool, tuple[str, ...]], ...] = (
    (
        (
            *("gaps.final_after_d", "gaps.calls_final_after_d", "gaps.ladder_h"),
            *("gaps.data_end_days", "ships.imo_min_share", "ships.ferry_min_stays"),
        ),
        False,
        (),
    ),
    (("causes.in_port_within_km", "causes.exit_within_h"), False, ("judged", "ways", "reception")),
    (("ships.tow_within_km",), False, ("judged", "ways", "reception")),
    (("reception.spread", "reception.passes"), False, ("ways", "reception")),
    (
        ("reception.coverage_below", "causes.laid_up_least_d"),
        False,
        ("judged", "ways", "reception"),
    ),
    (("gnss.least_ships", "gnss.least_flags"), False, ("month_sums", "reception")),
    (("health.least_share", "health.lost_factor"), False, ("health", "lost_ships")),
    (
        ("ships.stay_within_km", "ships.stay_max_speed_kn"),
        False,
        ("days", "month_sums", "judged", "ways", "reception"),
    ),
    (("gaps.positions_before_h",), False, ("tracks", "month_sums", "judged", "ways", "reception")),
    (
        ("gaps.min_gap_s",),
        False,
        ("edges", "days", "tracks", "month_sums", "judged", "ways", "reception", "lost_ships"),
    ),
    (("gaps.near_port_nm",), False, (*OF_DAYS, *OF_MONTHS)),
    (("tracks.confirm_after_h",), False, (*OF_DAYS, *OF_MONTHS)),
    (("clean.longest_text",), True, (*OF_DAYS, *OF_MONTHS)),
)


def test_a_changed_rule_does_again_what_hangs_on_it_and_nothing_else(days: Archive) -> None:
    before = days.steps()
    found = []
    for names, _, _ in AFTER_RULES:
        days.night(rules=with_rules(*names))
        found.append((names, bool(days.opened), set(redone(days, before))))
    assert found == [(names, is_read, set(steps)) for names, is_read, steps in AFTER_RULES]


def with_rules(*names: str) -> Rules:
    """Return the usual rules, those named with their other value."""
    given: dict[str, dict[str, Any]] = {}
    for name in names:
        group, _, rule = name.partition(".")
        given.setdefault(group, {})[rule] = OTHER_VALUES[name]
    return Rules.model_validate(given)


def test_changed_areas_are_asked_again_and_no_raw_file(archive: Archive) -> None:
    copytree(GEO_SQUARES, archive.folder / "geo")
    geo = {"areas": archive.folder / "geo"}
    rows = day_of(DAYS[0], lat=43.0)
    archive.write("one.csv", rows)
    archive.night(**geo)
    assert areas_of(archive) == {"north"}
    file = archive.folder / "geo" / "areas.toml"
    text = file.read_text("utf-8")
    file.write_text(text.split("[[month_areas]]")[0], "utf-8")
    outcome = archive.night(**geo)
    assert (archive.opened, outcome.days_redone) == ([], 1)
    assert areas_of(archive) == {"south"}
    assert archive.is_as_one_night(**geo)
    file.write_text(text, "utf-8")
    archive.night(**geo)
    assert areas_of(archive) == {"north"}


def areas_of(archive: Archive) -> set[str]:
    return set(archive.table("ship_months")["area"])


def test_a_changed_registry_does_no_day_again(days: Archive) -> None:
    before = days.steps()
    registry = days.folder / "registry.csv"
    header = "mmsi,imo,valid_from,valid_to,flag,fleet,source,analyst\n"
    registry.write_text(f"{header}{TRADER},,,,PAN,,a test,\n", "utf-8")
    outcome = days.night(registry=registry)
    assert (days.opened, outcome.days_redone, redone(days, before)) == ([], 0, {})
    gaps = days.table("gaps").filter(pl.col("mmsi") == TRADER)
    assert set(gaps["flag"]) == {"PAN"}
    versions = days.table("gap_versions").filter(pl.col("run") == 2)
    assert set(versions["gap_id"]) == set(gaps["gap_id"])
    assert set(versions["why"]) == {"relabelled"}
    assert days.is_as_one_night(registry=registry)


def test_an_earlier_end_of_the_data_and_back_again(days: Archive) -> None:
    before = read_bytes(days.processed)
    early = datetime(2023, 5, 20, 13)
    outcome = days.night(data_end=early)
    # The day that is cut, and the two that wait.
    assert (days.opened, outcome.days_redone) == ([], 3)
    assert days.is_as_one_night(data_end=early)
    days.night()
    assert read_bytes(days.processed) == before


# ----------------------------------------------------------------------------- wrong raw files


def test_a_removed_raw_file_is_gone_from_everything(days: Archive) -> None:
    before = read_bytes(days.processed)
    days.write("wrong.csv", pl.concat([day_of(DAYS[1], mmsi=279_000_001), day_of(DAYS[4])]))
    days.night()
    assert read_bytes(days.processed) != before
    (days.raw / "coast" / "wrong.csv").unlink()
    outcome = days.night()
    assert (days.opened, outcome.changes.removed) == ([], ("coast/wrong.csv",))
    assert outcome.days_redone == 2
    assert read_bytes(days.processed) == before


def test_a_replaced_raw_file_leaves_no_trace_of_what_it_held(days: Archive) -> None:
    path = days.raw / "coast" / "2023-05-20.csv"
    right, before = path.read_bytes(), read_bytes(days.processed)
    days.write(path.name, day_of(datetime(2023, 5, 21), mmsi=279_000_001))
    days.night()
    assert 279_000_001 in days.table("ships")["mmsi"]
    path.write_bytes(right)
    outcome = days.night()
    assert outcome.changes.changed == ("coast/2023-05-20.csv",)
    assert read_bytes(days.processed) == before


def test_a_wrong_file_that_split_a_gap_is_repaired_by_removing_it(silence: Archive) -> None:
    before, bytes_before = gaps_of_ship(silence), read_bytes(silence.processed)
    silence.write("wrong.csv", heard(DAYS[1] + 6 * HOUR))
    silence.night()
    assert len(gaps_of_ship(silence)) == len(before) + 1
    (silence.raw / "coast" / "wrong.csv").unlink()
    silence.night()
    assert read_bytes(silence.processed) == bytes_before
    told = [(change, why) for _, change, why in told_in_run(silence, 3)]
    assert told == [("changed", "raw_removed"), ("withdrawn", "raw_removed")]


# ------------------------------------------------------------- late messages, long gaps, daily runs


def gaps_of_ship(archive: Archive) -> list[tuple[str, int, int | None]]:
    """Return the gaps of the ship: id, and hours after the first midnight of both ends."""

    def hours(at: datetime | None) -> int | None:
        return None if at is None else round((at - DAYS[0]) / HOUR)

    rows = archive.table("gaps").filter(pl.col("mmsi") == TRADER).sort("off_at").to_dicts()
    return [(row["gap_id"], hours(row["off_at"]) or 0, hours(row["on_at"])) for row in rows]


def told_in_run(archive: Archive, number: int) -> list[tuple[str, str, str]]:
    """Return what a run told of the ship's gaps: id, change, why; in order of the off point."""
    told = archive.table("gap_versions").filter(
        (pl.col("run") == number) & (pl.col("mmsi") == TRADER)
    )
    return told.sort("off_at").select("gap_id", "change", "why").rows()


def test_a_late_message_near_the_end_closes_an_open_gap(open_silence: Archive) -> None:
    ((gap, off, on),) = gaps_of_ship(open_silence)
    assert (off, on) == (4, None)
    open_silence.write("late.csv", heard(DAYS[0] + 69 * HOUR))
    open_silence.night()
    assert gaps_of_ship(open_silence) == [(gap, 4, 69)]
    assert told_in_run(open_silence, 2) == [(gap, "closed", "late_data")]


def test_a_late_message_inside_an_open_gap_closes_it_and_opens_another(
    open_silence: Archive,
) -> None:
    ((gap, _, _),) = gaps_of_ship(open_silence)
    open_silence.write("late.csv", heard(DAYS[0] + 30 * HOUR))
    open_silence.night()
    (first, second) = gaps_of_ship(open_silence)
    assert (first, second[1:]) == ((gap, 4, 30), (30, None))
    assert told_in_run(open_silence, 2) == [
        (gap, "closed", "late_data"),
        (second[0], "opened", "late_data"),
    ]
    assert open_silence.is_as_one_night()


def test_a_late_message_inside_a_closed_gap_splits_it(silence: Archive) -> None:
    ((gap, off, on), still_open) = gaps_of_ship(silence)
    assert (off, on, still_open[1:]) == (4, 60, (64, None))
    silence.write("late.csv", heard(DAYS[0] + 30 * HOUR))
    silence.night()
    first, second, last = gaps_of_ship(silence)
    assert (first, second[1:], last) == ((gap, 4, 30), (30, 60), still_open)
    assert told_in_run(silence, 2) == [
        (gap, "changed", "late_data"),
        (second[0], "first_seen", "late_data"),
    ]


def test_late_messages_before_its_end_shorten_a_closed_gap(silence: Archive) -> None:
    (gap, _, _), _ = gaps_of_ship(silence)
    silence.write("late.csv", heard(*(DAYS[0] + hour * HOUR for hour in (50, 53, 56, 59))))
    silence.night()
    assert gaps_of_ship(silence)[0] == (gap, 4, 50)
    assert told_in_run(silence, 2)[0] == (gap, "changed", "late_data")


def test_a_late_message_after_its_beginning_makes_a_gap_another_one(silence: Archive) -> None:
    (gap, _, _), _ = gaps_of_ship(silence)
    silence.write("late.csv", heard(DAYS[0] + 6 * HOUR))
    silence.night()
    other, off, on = gaps_of_ship(silence)[0]
    assert (off, on) == (6, 60)
    assert told_in_run(silence, 2) == [
        (gap, "withdrawn", "late_data"),
        (other, "first_seen", "late_data"),
    ]


def test_late_messages_that_fill_a_gap_end_it(silence: Archive) -> None:
    (gap, _, _), still_open = gaps_of_ship(silence)
    silence.write("late.csv", heard(*(DAYS[0] + hour * HOUR for hour in range(5, 60, 3))))
    silence.night()
    assert gaps_of_ship(silence) == [still_open]
    assert told_in_run(silence, 2)[0] == (gap, "withdrawn", "late_data")


def test_an_open_gap_keeps_its_id_when_it_closes_weeks_later(open_silence: Archive) -> None:
    ids = [gap for gap, _, _ in gaps_of_ship(open_silence)]
    for number in (9, 25):
        day = DAYS[0] + number * timedelta(days=1)
        open_silence.write(f"witness-{number}.csv", day_of(day, mmsi=LONER, lat=41.9))
        open_silence.night()
        ids += [gap for gap, _, on in gaps_of_ship(open_silence) if on is None]
    open_silence.write("again.csv", day_of(DAYS[0] + timedelta(days=26), range(12)))
    open_silence.night()
    (gap, off, on), *_ = gaps_of_ship(open_silence)
    assert ids == [gap] * 3
    assert (off, on) == (4, 26 * 24)
    told = open_silence.table("gap_versions").filter(pl.col("gap_id") == gap).sort("version")
    assert told.select("change", "why").rows() == [("opened", "new_data"), ("closed", "closed")]


def test_37_gaps_of_two_days_and_more_are_found_by_daily_nights_as_by_one(
    archive: Archive,
) -> None:
    begin, end = datetime(2023, 5, 29), datetime(2023, 6, 3)
    rows: list[Any] = []
    for number in range(37):
        off = begin + (6 + number // 2) * HOUR
        on = off + (48 + number) * HOUR
        instants = [begin + hour * HOUR for hour in range(round((end - begin) / HOUR))]
        rows += [
            (273_000_100 + number, at, 50 + number / 10, 41.0)
            for at in instants
            if at <= off or at >= on
        ]
    frame = night.sightings(rows).with_columns(date=pl.col("timestamp").dt.date())
    for (day,), of_day in sorted(frame.partition_by("date", as_dict=True).items()):
        assert isinstance(day, date)
        archive.write(f"{day}.csv", of_day.drop("date"))
        archive.night()
    found = archive.table("gaps")
    assert found.filter((pl.col("duration_h") >= 48) & pl.col("is_closed")).height == 37
    assert found.height == 37
    told = archive.table("gap_versions")
    assert set(told["gap_id"]) == set(found["gap_id"])
    # While all are silent what is thought of each may change from night to night.
    ends = told.filter(pl.col("change") != "changed")
    assert ends["change"].value_counts().sort("change").rows() == [("closed", 37), ("opened", 37)]
    assert archive.is_as_one_night()
