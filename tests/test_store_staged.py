"""What a raw file left comes back by day, every row once and in order."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import StorageError
from pipeline.store import StagedFile, read_staged, staged

FIRST = datetime(2023, 5, 1)
DAYS = [date(2023, 5, 1) + timedelta(days=number) for number in range(4)]
# Microseconds from the beginning: the borders of days on purpose.
DAY_US = 86_400_000_000
offsets = st.one_of(
    st.integers(0, 3 * DAY_US - 1),
    st.sampled_from([0, DAY_US - 1, DAY_US, DAY_US + 1, 2 * DAY_US - 1, 2 * DAY_US]),
)


def sightings(us: list[int], first_row: int = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "seen_at": [FIRST + timedelta(microseconds=value) for value in us],
            "row": range(first_row, first_row + len(us)),
        },
        schema={"seen_at": pl.Datetime("us"), "row": pl.Int64},
    )


@settings(max_examples=40, deadline=None)
@given(
    files=st.lists(st.lists(st.lists(offsets, max_size=12), max_size=4), min_size=1, max_size=3),
    buffer_rows=st.integers(1, 20),
)
def test_every_row_comes_back_once_on_its_day_in_order(
    files: list[list[list[int]]], buffer_rows: int
) -> None:
    with TemporaryDirectory() as folder:
        folders, wanted, row = [], [], 0
        for file_no, chunks in enumerate(files):
            folders.append(Path(folder, str(file_no)))
            file = StagedFile(folders[-1], buffer_rows)
            rows_of_file = 0
            for chunk in chunks:
                frame = sightings(chunk, row)
                file.add("sightings", frame)
                wanted += [(*values, file_no) for values in frame.iter_rows()]
                row += len(chunk)
                rows_of_file += len(chunk)
            counts = file.close()
            assert counts["rows"].sum() == rows_of_file
            assert counts.rows() == sorted(counts.rows())
        for day in DAYS:
            of_day = [values for values in wanted if values[0].date() == day]
            read = read_staged(folders, "sightings", day)
            assert (read.rows() if read is not None else []) == of_day
            assert read is None or read.schema["file_no"] == pl.Int32


def test_days_without_rows_kinds_without_rows_and_files_without_parts_are_none(
    tmp_path: Path,
) -> None:
    file = StagedFile(tmp_path / "a")
    file.add("beacons", sightings([0]))
    file.add("statics", sightings([]))
    assert file.close().rows() == [("beacons", date(2023, 5, 1), 1)]
    folders = [tmp_path / "a", tmp_path / "never made"]
    assert read_staged(folders, "beacons", date(2023, 5, 2)) is None
    assert read_staged(folders, "statics", date(2023, 5, 1)) is None
    assert read_staged([], "beacons", date(2023, 5, 1)) is None
    assert read_staged(folders[1:], "beacons", date(2023, 5, 1)) is None
    assert StagedFile(tmp_path / "b").close().schema == {
        "kind": pl.String,
        "date": pl.Date,
        "rows": pl.Int64,
    }


def test_the_file_number_is_the_place_among_the_folders_asked_for(tmp_path: Path) -> None:
    for name in "abc":
        file = StagedFile(tmp_path / name)
        file.add("statics", sightings([5], first_row=ord(name)))
        file.close()
    read = read_staged([tmp_path / "c", tmp_path / "a"], "statics", date(2023, 5, 1))
    assert read is not None
    assert read.select("row", "file_no").rows() == [(ord("c"), 0), (ord("a"), 1)]


def test_years_1_and_9999_are_days_like_any_other(tmp_path: Path) -> None:
    instants = [datetime(1, 1, 1), datetime(9999, 12, 30, 23, 59, 59, 999_999)]
    file = StagedFile(tmp_path)
    file.add("sightings", pl.DataFrame({"seen_at": instants}))
    assert file.close()["date"].to_list() == [date(1, 1, 1), date(9999, 12, 30)]
    for instant in instants:
        read = read_staged([tmp_path], "sightings", instant.date())
        assert read is not None
        assert read["seen_at"].to_list() == [instant]


def refused(*rows: int, text: str = "x") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "feed": "lake",
            "file": "lake/a.csv",
            "row": rows,
            "rows": 1,
            "reason": "bad_time",
            "text": text,
        },
        schema_overrides={"row": pl.Int64, "rows": pl.Int64},
    )


def read_refused(folder: Path) -> list[int]:
    return [
        row for path in sorted(folder.glob("rejected-*")) for row in pl.read_parquet(path)["row"]
    ]


def test_refused_rows_are_kept_in_the_order_given(tmp_path: Path) -> None:
    file = StagedFile(tmp_path, buffer_rows=3)
    for rows in ((9, 2), (5,), (), (7,), (1, 3, 4, 6)):
        file.add_rejected(refused(*rows))
    file.close()
    assert sorted(path.name for path in tmp_path.glob("rejected-*")) == [
        "rejected-000000.parquet",
        "rejected-000001.parquet",
    ]
    assert read_refused(tmp_path) == [9, 2, 5, 7, 1, 3, 4, 6]


def test_refused_rows_with_long_texts_do_not_pile_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "REJECTED_BUFFER_BYTES", 10_000)
    file = StagedFile(tmp_path)
    for row in range(1, 5):
        file.add_rejected(refused(row, text="y" * 6_000))
    assert len(list(tmp_path.glob("rejected-*"))) == 2
    file.close()
    assert read_refused(tmp_path) == [1, 2, 3, 4]


def test_the_order_of_many_rows_of_a_day_is_kept(tmp_path: Path) -> None:
    # Many row groups, each with the reports of several hours of one day.
    us = [(number * 7_919_000_003) % (3 * DAY_US) for number in range(200_000)]
    file = StagedFile(tmp_path)
    file.add("sightings", sightings(us))
    file.close()
    for number in range(3):
        read = read_staged([tmp_path], "sightings", DAYS[number])
        assert read is not None
        assert read["row"].to_list() == [
            row for row, value in enumerate(us) if value // DAY_US == number
        ]


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    us = [(number * 7_919_000_000) % (3 * DAY_US) for number in range(60_000)]
    for name in "ab":
        file = StagedFile(tmp_path / name)
        file.add("sightings", sightings(us))
        file.close()
    first, second = ((tmp_path / name / "sightings-000000.parquet").read_bytes() for name in "ab")
    assert first == second


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("parquet: IO error: No space left (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", refuse)
    file = StagedFile(tmp_path, buffer_rows=1)
    with pytest.raises(StorageError, match=r"sightings-000000\.parquet: No space left on device"):
        file.add("sightings", sightings([1]))
