"""Hostile input: whatever a file holds, reports or one line; never a crash, a hang or lost rows."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import clean, feeds, store
from pipeline.errors import RawFileError
from pipeline.feeds import open_feed
from pipeline.feeds.formats import TABULAR_FORMATS
from pipeline.feeds.records import RecordFormat
from pipeline.feeds.table import TableFormat
from pipeline.rules import CleanRules, FeedRules
from tests import hostile_samples as samples
from tests.hostile_samples import POSITION_MESSAGE, ROWS, SEEDS, SETTINGS, in_sources
from tests.night import REPOSITORY
from tests.test_feeds_nmea import parts, sealed

PROFILE = settings(max_examples=40, deadline=None, derandomize=True, database=None)
CANONICAL = b"mmsi,timestamp,longitude,latitude,name\n"
GOOD = b"273123456,2023-01-11T12:00:00Z,49.5,42.5,ANNA\n"
CPU_LIMIT_S = 30


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "raw.dat"


def read(raw: bytes, path: Path, batch_rows: int = 1_000) -> samples.Read:
    """Return what the reader makes of some bytes; it must keep every promise, and not hang."""
    path.write_bytes(raw)
    started = time.process_time()
    found = samples.read_path(path, batch_rows)
    assert time.process_time() - started < CPU_LIMIT_S
    return found


# --------------------------------------------------------------------------- any bytes at all


@pytest.mark.parametrize(
    ("name", "raw"), [(name, raw) for name, seeds in SEEDS.items() for raw in seeds]
)
def test_the_seeds_are_sound(name: str, raw: bytes, scratch: Path) -> None:
    found = read(raw, scratch)
    assert (found.format, found.refusal) == (name, None)
    assert found.accepted >= min(found.rows, 2) - 1


@PROFILE
@given(st.binary(max_size=400))
def test_random_bytes_are_refused_or_read(raw: bytes) -> None:
    with scratch_file() as path:
        read(raw, path)


PIECES = [
    *(b"\0", b"\n", b"\r", b"\r\n", b'"', b"'", b",", b";", b"\\", b"{", b"}", b"[", b"\xff"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xc2\x85", b"\x0c", b"\xe2\x80\xa8", b"\xed\xa0\x80"),
    *(b"nan", b"-inf", b"1e400", b"9" * 400, b"0001-01-01T00:00:00Z", b"9999-12-31 23:59:59"),
    *(b"<script>", b"=cmd()", "\u202e\U0001f6a2".encode(), "Ж".encode("cp1251"), b"!AIVDM,"),
    *(b"\\s:a,c:170*00\\", b"*00", b"data:", b"null", b"PAR1", b"\xdf\xff\xff\xff\xff"),
]


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Draw a sound file with bytes flipped, inserted, cut, and lines swapped, repeated, joined."""
    raw = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        at, to = sorted(draw(st.integers(0, len(raw))) for _ in range(2))
        kind = draw(st.integers(0, 6))
        if kind == 0 and at < len(raw):
            raw = raw[:at] + bytes([draw(st.integers(0, 255))]) + raw[at + 1 :]
        elif kind == 1:
            raw = raw[:at] + draw(st.sampled_from(PIECES)) + raw[at:]
        elif kind == 2:
            raw = raw[:at] + raw[to:]
        elif kind == 3:
            raw = raw[:to] + raw[at:]
        elif kind == 4:
            raw = raw[:to]
        else:
            lines = raw.split(b"\n")
            first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[first], lines[second] = lines[second], lines[first]
            raw = (b"" if kind == 6 else b"\n").join(lines)
    return raw


ANY_SEED = st.sampled_from(sorted(SEEDS)).flatmap(lambda name: mutated(SEEDS[name]))


@settings(PROFILE, max_examples=120)
@given(ANY_SEED)
def test_mutated_files_are_refused_or_read(raw: bytes) -> None:
    with scratch_file() as path:
        read(raw, path, batch_rows=5)


@contextlib.contextmanager
def scratch_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "raw.dat")


@pytest.mark.parametrize("name", sorted(SEEDS))
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp1251", "utf-7"])
def test_other_encodings_are_refused_or_read(name: str, encoding: str, scratch: Path) -> None:
    for raw in SEEDS[name]:
        read(raw.decode("latin-1").encode(encoding, "replace"), scratch)


@pytest.mark.parametrize("line_end", [b"\r", b"\r\n", b"\n\r", b"\xc2\x85", b"\x0c", b"\n\n", b""])
def test_other_line_ends_are_refused_or_read(line_end: bytes, scratch: Path) -> None:
    for seeds in SEEDS.values():
        for raw in seeds:
            read(raw.replace(b"\n", line_end), scratch)


# ------------------------------------------------------------------- odd values in every column

ODD_TIMES = [
    *("0000-01-01 00:00:00", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "-1", "nan", "inf"),
    *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "+10000-1-1 01:01:01", "1e308"),
    *("+262142-1-1 1:1:1", "-262143-1-1 1:1:1", "99999999999", "99999999999999", "1e13"),
    *("31/12/9999 23:59:59", "01/01/0000 00:00", "99991231_235959", "2023-02-30 00:00:00"),
    *("2023-01-11T12:00:00+99:99", "2023-01-11T12:00:00." + "9" * 40, "٢٠٢٣-01-11 12:00:00"),
]
ODD_NUMBERS = [
    *("-0", "+1", "0x10", "1_000", "1e400", "-1e-400", "infinity", "9" * 400, "91", "181", "½"),
    *("9223372036854775808", "18446744073709551616", "1e18", "-2147483649", "102.3", "٥", "1,5"),
]
ODD_TEXTS = [
    *("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "@SUM(1)", "'; drop table gaps; --"),
    *("\u202e\u2066ANNA", "\U0001f6a2" * 30, "a\0b", "a\x1b[31mb", "A" * 5_000, "\u2028", "@@@@"),
    *("a;b|c\td", "{}", "[]", "null", "\ufeff", "\x85", "e\u0301" * 100),
]
ODD = [*ODD_TIMES, *ODD_NUMBERS, *ODD_TEXTS]
TEXT_FORMATS = [one for one in TABULAR_FORMATS if isinstance(one, TableFormat | RecordFormat)]


@pytest.mark.parametrize("feed", TEXT_FORMATS, ids=lambda one: one.name)
def test_odd_values_in_any_column_touch_no_other_row(
    feed: TableFormat | RecordFormat, scratch: Path
) -> None:
    good = in_sources(feed, ROWS[0])
    rows = [good | {column: odd} for column in good for odd in ODD]
    write = samples.as_csv if isinstance(feed, TableFormat) else samples.as_lines
    found = read(write([good, *rows, good]), scratch)
    assert found.refusal is None
    assert found.rows == len(rows) + 2
    # Its messages are nested: side by side they are none.
    assert feed.name == "aisstream" or found.accepted > 2


@pytest.mark.parametrize("feed", TEXT_FORMATS, ids=lambda one: one.name)
def test_columns_renamed_dropped_and_doubled(
    feed: TableFormat | RecordFormat, scratch: Path
) -> None:
    good = in_sources(feed, ROWS[0])
    write = samples.as_csv if isinstance(feed, TableFormat) else samples.as_lines
    for column in list(good)[::4]:
        read(write([{name: value for name, value in good.items() if name != column}]), scratch)
        read(write([{"<x>\u202e" if n == column else n: v for n, v in good.items()}]), scratch)
        doubled = write([good]).replace(b"\n", b"," + column.encode() + b"\n", 1)
        read(doubled, scratch)


def test_odd_texts_are_kept_as_they_were_sent(scratch: Path) -> None:
    sent = ["<script>alert(1)</script>", "=cmd()", 'A"B', "\u202eANNA", "\U0001f6a2"]
    good = {name: ROWS[0][name] for name in ("mmsi", "timestamp", "longitude", "latitude")}
    scratch.write_bytes(samples.as_csv({**good, "name": name} for name in sent))
    (batch,) = open_feed(scratch, FeedRules()).batches
    assert batch.reports["name"].to_list() == sent


def test_what_no_ship_can_send_is_left_out(scratch: Path) -> None:
    rules = CleanRules()
    good = {name: ROWS[0][name] for name in ("mmsi", "timestamp", "longitude", "latitude")}
    good |= {"name": "A" * rules.longest_text, "received_at": "2023-01-11T12:00:05Z"}
    odd = good | {"name": "A" * (rules.longest_text + 1), "received_at": "9999-12-31T00:00:00Z"}
    last = good | {"timestamp": "2099-12-31T23:59:59Z"}
    late = good | {"timestamp": rules.latest_time}
    scratch.write_bytes(samples.as_csv([good, odd, last, late]))
    (batch,) = open_feed(scratch, FeedRules()).batches
    judged = clean.judge_reports(batch.reports, rules)
    assert judged["reason"].to_list() == [None, None, None, "bad_time"]
    assert judged["name"].is_null().to_list() == [False, True, False, False]
    assert judged["received_at"].is_null().to_list() == [False, True, False, False]


# ------------------------------------------------------------------- inputs that broke something


def csv_at(time: str) -> bytes:
    return CANONICAL + GOOD.replace(b"2023-01-11T12:00:00Z", time.encode())


def json_after(raw: bytes) -> bytes:
    return SEEDS["gfw_json"][0] + raw


def packed_after(raw: bytes) -> bytes:
    return SEEDS["gpsdio"][0] + raw


def nmea_dated(line_start: str) -> bytes:
    return "\n".join(line_start + part for part in parts()).encode()


def pghp_dated(year: int) -> bytes:
    first, second = parts()
    seal = f"{int(first[-2:], 16) ^ int(second[-2:], 16):02X}"
    line = sealed(f"PGHP,1,{year},1,1,0,0,0,0,219,21,,1,{seal}", "$")
    return "\n".join((line, first, second)).encode()


NESTED = b"[" * 100_000 + b"]" * 100_000
ENVELOPES = json.dumps({"a": POSITION_MESSAGE, "b": POSITION_MESSAGE}).encode()
LOG = SEEDS["nmea"][0] + b"\n"
STATION_GROUPS = b"".join(
    b"\\s:%d*00\\!AIVDM,9,1,1,A,111,0*00\n" % number for number in range(20_000)
)

# What it is, bytes, rows, rows accepted. Each crashed, hung or overflowed, or is next to one that
# did.
ONCE_BROKEN: list[tuple[str, bytes, int, int]] = [
    ("year 10000 after a zone", csv_at("9999-12-31T23:59:59-14:00"), 1, 0),
    ("year 262142", csv_at("+262142-1-1 1:1:1"), 1, 0),
    ("year 9999", csv_at("9999-12-31T23:59:59Z"), 1, 0),
    ("year 1", csv_at("0001-01-01T00:00:00Z"), 1, 0),
    ("year 0 before the parts of a group", nmea_dated("0000-01-01 00:00:00|1|1|1|"), 2, 0),
    ("year 0 in $PGHP before a group", pghp_dated(0), 3, 0),
    ("year 99999 in $PGHP before a group", pghp_dated(99_999), 3, 0),
    ("a list 900 deep", json_after(b'{"ssvid":' + b"[" * 900 + b"]" * 900 + b"}\n"), 7, 6),
    ("a list 100,000 deep", json_after(b'{"a":' + NESTED + b"}\n"), 7, 6),
    ("objects 100,000 deep", json_after(b'{"a":' * 100_000 + b"1" + b"}" * 100_000), 7, 6),
    ("objects deeper by the line", json_after(b'{"a":\n' * 5_000), 5_006, 6),
    ("a number of 10,000 digits", json_after(b'{"ssvid":' + b"1" * 10_000 + b"}\n"), 7, 6),
    ("the same in an envelope", ENVELOPES.replace(b"42.5", b"1" * 10_000), 2, 0),
    ("100,000 broken objects", json_after(b"{x}" * 100_000), 100_006, 6),
    ("10,000 broken objects, one a line", json_after(b"{\n" * 10_000), 10_006, 6),
    ("blanks after a broken object", json_after(b'{"a" x}' + b" " * 200_000 + b"1"), 7, 6),
    ("a text without end", json_after(b'{"a":"' + b"x" * 2_000_000), 7, 6),
    ("halves of characters", json_after(b'{"\\ud800":1,"ssvid":"\\udfff"}\n'), 7, 6),
    ("msgpack: 1,000 deep", packed_after(b"\x81\xa5ssvid" + b"\x91" * 1_000 + b"\x01"), 7, 6),
    ("msgpack: keys of bytes", packed_after(b"\x81\xa5ssvid\x81\xc4\x01a\x01"), 7, 6),
    ("msgpack: 2 GB to come", packed_after(b"\x81\xa5ssvid\xdb\x7f\xff\xff\xff"), 7, 6),
    ("a line of 10 MB", CANONICAL + GOOD + b"x" * 10_000_000 + b"\n" + GOOD, 3, 2),
    ("a million empty lines", CANONICAL + GOOD + b"\n" * 1_000_000 + GOOD, 2, 2),
    ("1 MB in quotes", CANONICAL + GOOD + b'"' + b"a" * 1_000_000 + b'"\n' + GOOD, 3, 2),
    ("20,000 lone quotes", CANONICAL + GOOD + b'"\n' * 20_000 + GOOD, 20_002, 2),
    ("2 MB of no UTF-8", CANONICAL + GOOD + b"\xff" * 2_000_000 + b"\n" + GOOD, 3, 2),
    ("NUL in a name", CANONICAL + GOOD.replace(b"ANNA", b"A\0NA"), 1, 1),
    ("32,000 columns", CANONICAL.strip() + b"," * 32_000 + b"\n" + GOOD, 1, 0),
    ("a name of 200,000 letters", CANONICAL + GOOD.replace(b"ANNA", b"A" * 200_000), 1, 1),
    ("nmea: 10 MB of payload", b"!AIVDM,1,1,,A," + b"1" * 10_000_000 + b",0*00\n" + LOG, 13, 9),
    ("nmea: 200,000 empty lines", LOG + b"\n" * 200_000, 200_012, 9),
    ("nmea: groups of 20,000 stations that never end", STATION_GROUPS + LOG, 20_012, 9),
    ("nmea: a tag block without end", LOG + b"\\s:a,c:1" + b"0" * 1_000_000, 13, 9),
    ("nmea: backslashes first", b"\\" * 60_000 + b"\n" + LOG, 13, 9),
]


@pytest.mark.parametrize(
    ("raw", "rows", "accepted"),
    [one[1:] for one in ONCE_BROKEN],
    ids=[one[0] for one in ONCE_BROKEN],
)
def test_what_once_broke_a_reader_no_longer_does(
    raw: bytes, rows: int, accepted: int, scratch: Path
) -> None:
    found = read(raw, scratch, batch_rows=200_000)
    assert (found.refusal, found.rows, found.accepted) == (None, rows, accepted)


def test_an_answer_that_is_an_error_is_told_in_one_line(scratch: Path) -> None:
    row = json.loads(SEEDS["aishub_json"][0].split(b"\n")[0])
    words = "too\nmany\x00 requests\u202e" + "x" * 5_000
    found = read(json.dumps({**row, "ERROR": True, "ERROR_MESSAGE": words}).encode(), scratch)
    assert "too many  requests" in str(found.refusal)


def test_a_block_holds_few_rows_though_the_first_line_is_long(scratch: Path) -> None:
    scratch.write_bytes(CANONICAL + b"a" * 60_000 + b"\n" + b"a\n" * 1_000_000)
    rules = FeedRules(batch_rows=10_000)
    heights = [batch.reports.height for batch in open_feed(scratch, rules).batches]
    assert sum(heights) == 1_000_001
    assert max(heights) < 200_000


@pytest.mark.parametrize(
    "line",
    [
        b"!AIVDM,1,1,,A," + b"1" * 60_000 + b",0*00\n",
        b'{"ssvid":1,"timestamp":1,"lat":1,"lon":1,"x":"' + b"x" * 60_000 + b'"}\n',
    ],
    ids=["nmea", "json"],
)
def test_a_batch_of_long_records_is_short(line: bytes, scratch: Path) -> None:
    scratch.write_bytes(line * 1_200)
    assert len(list(open_feed(scratch, FeedRules()).batches)) > 1


class Panicking:
    """A format whose reader does what it must not."""

    name = "panicking"
    title = needs = ""

    def __init__(self, error: Callable[[], object]) -> None:
        self.error = error

    def recognises(self, head: bytes) -> bool:
        return True

    def read(self, stream: object, batch_rows: int) -> Iterator[object]:
        self.error()
        yield


def panic() -> None:
    pl.Series([2**62]).cast(pl.Datetime("ms")).cast(pl.Datetime("us"))


def run_dry() -> None:
    raise MemoryError


@pytest.mark.parametrize("error", [panic, run_dry, lambda: {}["no"], lambda: 1 // 0])
def test_a_fault_of_a_reader_refuses_its_file_alone(
    error: Callable[[], object], scratch: Path
) -> None:
    scratch.write_bytes(b"anything")
    opened = open_feed(scratch, FeedRules(), [Panicking(error)])  # pyright: ignore
    with pytest.raises(RawFileError, match=feeds.UNEXPECTED) as caught:
        list(opened.batches)
    assert caught.value.__cause__ is not None
    assert str(caught.value).isprintable()


# ------------------------------------------------------------------------------------- Parquet


def parquet(rows: int = 2, **columns: Any) -> bytes:
    """Return canonical Parquet with some columns of their own; None leaves one out."""
    table = {
        "mmsi": pa.array([273123456] * rows, pa.int64()),
        "timestamp": pa.array([1_673_438_402_000_000] * rows, pa.timestamp("us")),
        "longitude": pa.array([49.5] * rows, pa.float64()),
        "latitude": pa.array([42.5] * rows, pa.float64()),
        **columns,
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table({n: one for n, one in table.items() if one is not None}), buffer)
    return buffer.getvalue()


FAR = 2**62
ODD_COLUMNS: dict[str, pa.Array] = {
    "list": pa.array([[1], [2]]),
    "struct": pa.array([{"a": 1}, None]),
    "map": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    "bytes": pa.array([b"\xff\x00", None]),
    "two bytes": pa.array([b"ab", b"cd"], pa.binary(2)),
    "yes and no": pa.array([True, None]),
    "nothing": pa.nulls(2),
    "decimal": pa.array([Decimal("1.5"), None]),
    "decimal of 76 digits": pa.array([Decimal("1" * 60), None], pa.decimal256(76, 2)),
    "date": pa.array([2**31 - 1, 1], pa.date32()),
    "time": pa.array([1, 2], pa.time64("us")),
    "duration": pa.array([FAR, 2], pa.duration("us")),
    "milliseconds": pa.array([FAR, -FAR], pa.timestamp("ms")),
    "microseconds": pa.array([FAR, -FAR], pa.timestamp("us")),
    "nanoseconds": pa.array([FAR, -FAR], pa.timestamp("ns")),
    "seconds": pa.array([2**40, 1], pa.timestamp("s")),
    "zoned": pa.array([1, FAR], pa.timestamp("ms", "+03:30")),
    "zone of nobody": pa.array([1, 2], pa.timestamp("ms", "Nowhere/No")),
    "dictionary": pa.array(["1", "x"]).dictionary_encode(),
    "dictionary of numbers": pa.array([1, 2]).dictionary_encode(),
    "half": pa.array([1.0, 2.0], pa.float16()),
    "no numbers": pa.array([float("nan"), float("inf")]),
    "unsigned": pa.array([2**64 - 1, 1], pa.uint64()),
    "texts": pa.array(["a" * 100_000, "\u2028\n"], pa.large_string()),
}


@pytest.mark.parametrize("kind", sorted(ODD_COLUMNS))
def test_parquet_columns_of_any_type_are_refused_or_read(kind: str, scratch: Path) -> None:
    for column in ("mmsi", "timestamp", "longitude", "sog", "name", "imo", "received_at", "eta"):
        read(parquet(**{column: ODD_COLUMNS[kind]}), scratch)


@pytest.mark.parametrize("kind", ["milliseconds", "microseconds"])
def test_parquet_instants_outside_the_calendar_are_bad_times(kind: str, scratch: Path) -> None:
    scratch.write_bytes(parquet(timestamp=ODD_COLUMNS[kind]))
    (batch,) = open_feed(scratch, FeedRules()).batches
    assert batch.reports["reason"].to_list() == ["bad_time"] * 2
    assert str(FAR) in batch.texts([0])[0]


def test_parquet_texts_that_are_no_utf_8_are_latin_1(scratch: Path) -> None:
    sound = parquet(name=pa.array(["ANNA", "MARI"]))
    scratch.write_bytes(sound.replace(b"ANNA", b"\xadNN\xff"))
    (batch,) = open_feed(scratch, FeedRules()).batches
    assert batch.reports["name"].to_list() == ["\xadNN\xff", "MARI"]
    assert "MARI" in batch.texts([1])[0]


def noaa_points(*points: bytes | None) -> bytes:
    rows = len(points)
    texts = dict.fromkeys(("vessel_name", "call_sign", "transceiver"), pa.array(["A"] * rows))
    numbers = dict.fromkeys(("vessel_type", "draft"), pa.array([1] * rows))
    time = pa.array([1_673_438_402_000_000] * rows, pa.timestamp("us"))
    left_out = dict.fromkeys(("timestamp", "longitude", "latitude"))
    own = {"base_date_time": time, "geometry": pa.array(points, pa.binary())}
    return parquet(rows, **left_out, **own, **texts, **numbers)


def test_a_geometry_nested_a_million_deep_is_no_point(scratch: Path) -> None:
    point = b"\x01\x01\x00\x00\x00" + struct.pack("<dd", 49.5, 42.5)
    nested = b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * 1_000_000 + point
    found = read(noaa_points(point, nested, b"", None), scratch)
    # The last has no place, and a name: a static report.
    assert (found.rows, found.accepted) == (4, 2)


def test_parquet_footers_of_any_kind_are_refused(scratch: Path) -> None:
    sound = parquet()
    for raw in (
        sound[:-10],
        sound[:-8] + b"\xff\xff\xff\x7fPAR1",
        sound[:-8] + b"\0\0\0\0PAR1",
        sound[:-4] + b"PARE",
        b"PAR1",
        b"PAR1PAR1",
        b"PAR1" + bytes(20) + b"PAR1",
    ):
        assert read(raw, scratch).refusal is not None


def test_parquet_without_rows_or_columns_or_with_ten_thousand(scratch: Path) -> None:
    assert read(parquet(0), scratch) == samples.Read("parquet", 0, 0, None)
    buffer = io.BytesIO()
    pq.write_table(pa.table({}), buffer)
    assert "no known columns" in str(read(buffer.getvalue(), scratch).refusal)
    many = {f"c{number}": pa.array([1, 2]) for number in range(10_000)}
    assert read(parquet(**many), scratch).accepted == 2


def test_parquet_of_runs_of_one_value_is_not_read_for_days(scratch: Path) -> None:
    rows = 3_000_000
    same = pa.array([0] * rows, pa.int64())
    columns = {"longitude": same, "latitude": same, "timestamp": same.cast(pa.timestamp("us"))}
    found = read(parquet(0, mmsi=same, **columns), scratch)
    assert "3,000,000 rows in" in str(found.refusal)


def test_parquet_of_huge_texts_is_not_read(scratch: Path) -> None:
    name = pa.array(["A" * 110_000_000])
    assert "bytes in 1 rows" in str(read(parquet(1, name=name), scratch).refusal)


def test_a_long_text_a_hundred_thousand_times_is_no_bomb(scratch: Path) -> None:
    rows = 100_000
    name = pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array(["A" * 100_000]))
    scratch.write_bytes(parquet(rows, name=name))
    batches = open_feed(scratch, FeedRules()).batches
    assert sum(batch.reports["name"].null_count() for batch in batches) == rows


# ------------------------------------------------------------------------------------ archives


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def patched(packed: bytes, at: int, new: bytes) -> bytes:
    """Return a zip with bytes of the first entry of its directory changed."""
    start = packed.index(b"PK\x01\x02") + at
    return packed[:start] + new + packed[start + len(new) :]


def symlink_member() -> bytes:
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped((link, b"/etc/passwd"))


def directory_of(names: int) -> bytes:
    """Return a zip that holds nothing but a directory of one-letter names."""
    entry = b"PK\x01\x02" + struct.pack("<6H3I5H2I", *(20, 20), *[0] * 7, 1, *[0] * 6)
    directory = (entry + b"a") * names
    end = struct.pack("<4H2IH", 0, 0, names & 0xFFFF, names & 0xFFFF, len(directory), 4, 0)
    return b"PK\x03\x04" + directory + b"PK\x05\x06" + end


CSV = CANONICAL + GOOD
ANY_PLACE = (("C:\\x.csv", CSV), ("CON", CSV), ("/etc/x.csv", CSV))
ARCHIVES: list[tuple[str, bytes, int | str]] = [
    ("a name of control characters", zipped(("a\n\x1b[31m\u202e.csv", CSV)), 1),
    ("a name of 10,000 letters", zipped(("a" * 10_000 + ".csv", b"prose")), "no known feed format"),
    ("a member without a name", patched(zipped(("x", CSV)), 28, b"\0\0\1\0"), "cannot be unpacked"),
    ("drive letters, devices, absolute paths", zipped(*ANY_PLACE), 3),
    ("a path that climbs", zipped(("a/../../x.csv", CSV)), "climbs out"),
    ("a symbolic link", symlink_member(), "it begins '/etc/passwd'"),
    ("twenty members", zipped(*((f"{number}.csv", CSV) for number in range(20))), 20),
    ("something before it", b"PK\x03\x04junk" * 9 + zipped(("a.csv", CSV)), 1),
    ("something after it", zipped(("a.csv", CSV)) + b"x" * 100_000, "damaged or truncated"),
    ("bzip2 within", zipped(("a.csv", CSV), how=zipfile.ZIP_BZIP2), 1),
    ("LZMA within", zipped(("a.csv", CSV), how=zipfile.ZIP_LZMA), 1),
    ("a member that says it is empty", patched(zipped(("a.csv", CSV)), 24, bytes(4)), "Bad CRC-32"),
    ("a method of nobody", patched(zipped(("a.csv", CSV)), 10, b"\x63\x00"), "cannot be unpacked"),
    ("an encrypted member", patched(zipped(("a.csv", CSV)), 8, b"\x01\x00"), "is encrypted"),
    ("a directory of 100,000 names", directory_of(100_000), "its directory has 4,7"),
    ("the same, packed", gzip.compress(directory_of(100_000)), "its directory has 4,7"),
    ("zeros after gzip", gzip.compress(CSV) + bytes(100), 1),
    ("a gzip name without end", b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 500_000, "is truncated"),
    ("50,000 empty gzip members", gzip.compress(CSV) + gzip.compress(b"") * 50_000, 1),
    ("50,000 empty zstd frames", zstandard.compress(CSV) + zstandard.compress(b"") * 50_000, 1),
]


@pytest.mark.parametrize(
    ("raw", "expected"), [one[1:] for one in ARCHIVES], ids=[one[0] for one in ARCHIVES]
)
def test_odd_archives_are_read_or_refused(raw: bytes, expected: int | str, scratch: Path) -> None:
    found = read(raw, scratch)
    if isinstance(expected, int):
        assert (found.refusal, found.accepted) == (None, expected)
    else:
        assert expected in str(found.refusal)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_the_same_name_are_all_read(scratch: Path) -> None:
    assert read(zipped(("a.csv", CSV), ("a.csv", CSV)), scratch).accepted == 2


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_broken_packing_of_any_method_is_told(how: int, scratch: Path) -> None:
    packed = zipped(("a.csv", CSV), how=how)
    for at in range(40, 80, 5):
        read(packed[:at] + b"\xff" * 10 + packed[at + 10 :], scratch)


def test_many_members_are_measured_together(scratch: Path) -> None:
    member = gzip.compress(CSV + b"\n" * 950_000)
    rules = FeedRules(archive_max_ratio=100.0, archive_ratio_from_bytes=1_000_000)
    scratch.write_bytes(zipped(*((f"{number}.gz", member) for number in range(10))))
    with pytest.raises(RawFileError, match="more than 100 times its size"):
        list(open_feed(scratch, rules).batches)


# Not getrusage: a process begins with the peak of the one that started it.
READ_ALONE = """
import sys, time
from pathlib import Path
from pipeline.errors import RawFileError
from pipeline.feeds import open_feed
from pipeline.rules import FeedRules
started = time.process_time()
try:
    rules = FeedRules(archive_ratio_from_bytes=20_000_000)
    for batch in open_feed(Path(sys.argv[1]), rules).batches:
        pass
    print("read")
except RawFileError as error:
    print(error)
status = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
print(time.process_time() - started)
"""


def test_a_bomb_takes_little_memory_and_time(tmp_path: Path) -> None:
    sound, bomb = tmp_path / "sound.csv", tmp_path / "bomb.gz"
    sound.write_bytes(CSV)
    lines = io.BytesIO()
    with gzip.GzipFile(fileobj=lines, mode="wb", compresslevel=9) as packed:
        packed.write(CSV)
        for _ in range(60):
            packed.write(b"\n" * 1_000_000)
    bomb.write_bytes(gzip.compress(lines.getvalue()))
    _, usual_mb, _ = read_alone(sound)
    told, peak_mb, cpu_s = read_alone(bomb)
    assert "unpacks to more than 1,000 times its size" in told
    assert peak_mb < usual_mb + 300
    assert cpu_s < CPU_LIMIT_S


def read_alone(path: Path) -> tuple[str, int, float]:
    """Return (what was told, peak memory in MB, CPU seconds) of reading a file on its own."""
    done = subprocess.run(
        [sys.executable, "-c", READ_ALONE, path],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=300,
        check=True,
    )
    told, peak, seconds = done.stdout.splitlines()
    return told, int(peak), float(seconds)


# -------------------------------------------------------------------- names and kinds of files

NAMES = [
    *(b"a\nb.csv", b"'; drop.csv", b'a"b.csv', b"a|b;c.csv", b"-rf.csv", b"=cmd().csv"),
    *("\U0001f6a2\u202e.csv".encode(), b"\xff\xfe.csv", b"a" * 251 + b".csv", b"*.csv", b"[a].csv"),
    *(b" .csv", b"a\\b.csv", b"%s.csv", b"{0}.csv", b"\x1b[31m.csv", b"CON", b"~.csv", b"$HOME"),
]


@pytest.mark.parametrize("name", NAMES, ids=[f"name {number}" for number in range(len(NAMES))])
def test_files_of_any_name_are_found_and_read(name: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "feed"
    folder.mkdir(parents=True)
    path = folder / os.fsdecode(name)
    path.write_bytes(CSV)
    (found,), unreadable = store.find_raw_files(tmp_path / "raw")
    assert (found, unreadable) == (path, [])
    assert samples.read_path(found).accepted == 1
    path.write_bytes(b"prose")
    assert "no known feed format" in str(samples.read_path(found).refusal)


def make_socket(path: Path) -> None:
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)


SPECIAL: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": make_socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": lambda path: path.mkdir(),
    "broken link": lambda path: path.symlink_to("nowhere"),
    "link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("kind", sorted(SPECIAL))
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    SPECIAL[kind](path)
    assert within_seconds(10, lambda: samples.read_path(path)).refusal is not None


@pytest.mark.parametrize("kind", sorted(SPECIAL))
def test_hashing_what_is_no_file_ends_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    SPECIAL[kind](path)
    with pytest.raises((OSError, RawFileError)):
        within_seconds(10, lambda: store.hash_file(path))


def test_a_folder_that_leads_back_to_itself_is_looked_at_once(tmp_path: Path) -> None:
    feed = tmp_path / "raw" / "feed"
    feed.mkdir(parents=True)
    (feed / "a.csv").write_bytes(CSV)
    for name, target in (("loop", feed), ("again", feed), ("up", tmp_path / "raw")):
        (feed / name).symlink_to(target)
    found, _ = within_seconds(10, lambda: store.find_raw_files(tmp_path / "raw"))
    assert found == [feed / "a.csv"]


def test_a_folder_named_like_a_file_is_looked_into(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "x.csv"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(CSV)
    assert store.find_raw_files(tmp_path / "raw")[0] == [folder / "a.csv"]


def within_seconds(seconds: float, work: Callable[[], Any]) -> Any:
    """Return what `work` returns or raise what it raises; fail where it takes longer."""
    done: list[tuple[bool, Any]] = []

    def run() -> None:
        try:
            done.append((True, work()))
        except (Exception, pl.exceptions.PanicException) as error:  # noqa: BLE001
            done.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert done, f"still at it after {seconds} s"
    is_result, value = done[0]
    if not is_result:
        raise value
    return value


CHANGES: dict[str, Callable[[Path], object]] = {
    "vanishes": Path.unlink,
    "is emptied": lambda path: path.write_bytes(b""),
    "is overwritten": lambda path: path.write_bytes(b"\xff" * 500_000),
    "grows": lambda path: append(path, GOOD * 100),
    "is cut": lambda path: os.truncate(path, path.stat().st_size // 2),
}


def append(path: Path, more: bytes) -> None:
    with path.open("ab") as stream:
        stream.write(more)


@pytest.mark.parametrize("change", sorted(CHANGES))
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda raw: zipped(("a.csv", raw))])
def test_a_file_that_changes_while_it_is_read_is_refused_or_read(
    change: str, pack: Callable[[bytes], bytes], scratch: Path
) -> None:
    scratch.write_bytes(pack(CANONICAL + GOOD * 4_000))
    opened = open_feed(scratch, FeedRules(batch_rows=1_000))
    CHANGES[change](scratch)
    try:
        for batch in opened.batches:
            samples.hold_batch(batch.reports, batch.texts([0]), is_partly_told=True)
    except RawFileError as error:
        samples.hold_refusal(error)


# ------------------------------------------------------------------------------- users' files

SETTING_PIECES = [
    *(b"\0", b"\r", b'"', b"[", b"{", b"\xff", b"nan", b"inf", b"-1", b"9" * 5_000, b"'" * 3),
    *("\u202e".encode(), b"1e999", b"[" * 5_000, b"a." * 2_000, b"0000-01-01", b"true", b"\\u0000"),
]


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_users_files_that_are_sound_are_read(name: str, tmp_path: Path) -> None:
    for raw in SETTINGS[name]:
        assert samples.hold_settings(name, raw, tmp_path) is None


@PROFILE
@given(data=st.data())
def test_users_files_of_any_content_are_read_or_told(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(SETTINGS)))
    raw = data.draw(mutated(SETTINGS[name]) | st.binary(max_size=200))
    piece, at = data.draw(st.sampled_from(SETTING_PIECES)), data.draw(st.integers(0, len(raw)))
    with scratch_file() as path:
        samples.hold_settings(name, raw, path.parent)
        samples.hold_settings(name, raw[:at] + piece + raw[at:], path.parent)


@pytest.mark.parametrize("kind", sorted(SPECIAL))
@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_users_files_that_are_no_files_are_told_at_once(
    name: str, kind: str, tmp_path: Path
) -> None:
    samples.hold_settings(name, SETTINGS[name][0], tmp_path)
    (tmp_path / name).unlink()
    SPECIAL[kind](tmp_path / name)
    assert within_seconds(10, lambda: samples.read_settings(name, tmp_path))


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("rules.toml", b"2001-01-01T00:00:00", b"the beginning", "earliest_time"),
        ("rules.toml", b"2001-01-01T00:00:00", b"2001-01-01T00:00:00+03:00", "without a zone"),
        ("rules.toml", b"min_gap_s = 10", b"min_gap_s = 1" + b"0" * 400, "min_gap_s is beyond"),
        ("rules.toml", b"min_gap_s = 10", b"min_gap_s = 1" + b"0" * 5_000, "no valid TOML"),
        ("rules.toml", b"10.5", b"inf", "finite"),
        ("rules.toml", b"[gaps]", b"[gaps]\na = " + b"[" * 100_000, "no valid TOML"),
        ("mapping.toml", b"title", b"a = " + b"{a=" * 50_000 + b"\ntitle", "no valid TOML"),
        ("mapping.toml", b"Harbour", b"Harbour\x00", "no valid TOML"),
        ("mapping.toml", b"Europe/Moscow", b"../../etc/passwd", "no time zone"),
        ("mapping.toml", b"%d.%m.%Y", b"%d.%m.%Y %3", "no strptime pattern"),
        ("mapping.toml", b"%H:%M", b"%H:%M:%S.%f", "%.f reads a fraction"),
        ("areas.toml", b'["areas.geojson"]', b'["a\\u0000b"]', "no name of a file"),
        ("areas.toml", b'["areas.geojson"]', b'["."]', "no regular file"),
        ("areas.geojson", b'"Sea"', b"[" * 100_000, "no valid JSON"),
        ("areas.geojson", b'"Sea"', b"1" * 10_000, "no valid JSON"),
        ("areas.geojson", b"[1, 0]", b"[1e400, 0]", "coordinates"),
        ("areas.geojson", b"[1, 0]", b"[NaN, 0]", "coordinates"),
        ("registry.csv", b"own", b'"own', "line"),
        ("registry.csv", b"2023-05-01", b"9999-99-99", "valid_from"),
        ("baseline.csv", b"2021-05", b"0000-05", "column month"),
        ("baseline.csv", b"9000.5", b"1e400", "column ship_hours"),
        ("baseline.csv", b"caspian", b"", "column area"),
    ],
    ids=lambda one: one[:40] if isinstance(one, str) else "",
)
def test_bad_values_in_users_files_are_named(
    name: str, old: bytes, new: bytes, said: str, tmp_path: Path
) -> None:
    raw = SETTINGS[name][0].replace(old, new, 1)
    assert raw != SETTINGS[name][0]
    assert said in str(samples.hold_settings(name, raw, tmp_path))


def test_settings_of_two_megabytes_are_refused_unread(tmp_path: Path) -> None:
    told = samples.hold_settings("rules.toml", b"#" * 2_000_000, tmp_path)
    assert "more than 1,048,576 bytes" in str(told)
