"""CSV and Parquet feeds: values, units, refusals, real samples, and what is written comes back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import RawFileError
from pipeline.feeds import delimited, open_feed, values
from pipeline.feeds.aishub import AISHUB
from pipeline.feeds.base import REPORTS_SCHEMA
from pipeline.feeds.canonical import CANONICAL
from pipeline.feeds.delimited import read_blocks
from pipeline.feeds.dialect import Dialect, decode
from pipeline.feeds.dma import DMA
from pipeline.feeds.formats import TABULAR_FORMATS
from pipeline.feeds.instants import instants, instants_as
from pipeline.feeds.parquet import PARQUET
from pipeline.rules import FeedRules
from pipeline.schema import REASONS
from tests.feed_reading import Unseekable, format_of, read, recognised, told, unpack
from tests.shared_data import SHARED, sample

NOON = datetime(2023, 1, 11, 12, 0, 0)


def instant(text: str | None) -> datetime | None:
    return instants(pl.Series("time", [text], dtype=pl.String)).item()


# ------------------------------------------------------------------------------ times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-01-11T12:00:00", NOON),
        ("2023-01-11 12:00:00", NOON),
        ("2023-01-11T12:00:00Z", NOON),
        ("2023-01-11T12:00Z", NOON),
        ("2023-01-11 12:00", NOON),
        (" 2023-01-11 12:00:00 ", NOON),
        ("2023-01-11 12:00:00 UTC", NOON),
        ("2023-01-11 12:00:00 GMT", NOON),
        ("2023-01-11 12:00:00+00:00", NOON),
        ("2023-01-11 12:00:00+00", NOON),
        ("2023-01-11T15:30:00+03:30", NOON),
        ("2023-01-11T08:00:00-0400", NOON),
        ("2023-01-11 12:00:00.5", NOON + timedelta(seconds=0.5)),
        ("2023-01-11 12:00:00.000001 UTC", NOON + timedelta(microseconds=1)),
        ("2023-01-11T12:00:00.4081445+00:00", NOON + timedelta(microseconds=408_144)),
        ("2023-01-11 12:00:00.143077274 +0000 UTC", NOON + timedelta(microseconds=143_077)),
        ("20230111_120000", NOON),
        ("11/01/2023 12:00:00", NOON),
        ("11/01/2023 12:00", NOON),
        ("1673438400", NOON),
        ("1673438400.25", NOON + timedelta(seconds=0.25)),
        ("1673438400000", NOON),
        ("13/13/2023 12:00", None),
        ("01/13/2023 12:00", None),
        ("2023-02-30 12:00:00", None),
        ("2023-01-11 12:00:00 or so", None),
        ("2023-01-11", None),
        ("noon", None),
        ("-5", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_by_its_shape(text: str | None, expected: datetime | None) -> None:
    assert instant(text) == expected


def test_times_of_several_shapes_stand_in_one_column() -> None:
    texts = pl.Series("time", ["2023-01-11T12:00:00", "1673438400", "11/01/2023 12:00", "NA"])
    assert instants(texts).to_list() == [NOON, NOON, NOON, None]


def test_a_clock_time_that_comes_twice_or_never_is_not_read() -> None:
    texts = pl.Series(["2023-03-26 02:30:00", "2023-10-29 02:30:00", "2023-07-01 12:00:00"])
    expected = [None, None, datetime(2023, 7, 1, 10)]
    assert instants(texts, "Europe/Berlin").to_list() == expected


def test_a_zone_in_the_text_goes_before_the_zone_of_the_feed() -> None:
    texts = pl.Series(["2023-07-01 12:00:00Z", "2023-07-01 12:00:00"])
    expected = [datetime(2023, 7, 1, 12), datetime(2023, 7, 1, 8, 30)]
    assert instants(texts, "Asia/Tehran").to_list() == expected


@settings(deadline=None)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["T", " "]),
)
def test_iso_times_agree_with_the_standard_library(
    moment: datetime, offset_min: int, between: str
) -> None:
    zoned = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset_min)))
    assert instant(zoned.isoformat(sep=between)) == moment


def test_a_stated_format_reads_no_other() -> None:
    texts = pl.Series(["12/31/2020 03:30", "2020-12-31 00:00:00"])
    read_month_first = instants_as("%m/%d/%Y %H:%M", "Asia/Tehran")
    assert read_month_first(texts).to_list() == [datetime(2020, 12, 31), None]
    assert instants_as("iso")(texts).to_list() == [None, datetime(2020, 12, 31)]


# ------------------------------------------------------------------------------ values


def value(reader: values.Reader, text: str | None) -> Any:
    return (
        pl.DataFrame({"text": [text]}, schema={"text": pl.String})
        .select(reader(pl.col("text")))
        .item()
    )


@pytest.mark.parametrize(
    ("reader", "text", "expected"),
    [
        (values.words, " ANNA ", "ANNA"),
        *((values.words, word, None) for word in ("", "NA", "None", "nan", "NULL", "\\N")),
        *((values.words, word, None) for word in ("Unknown", "Undefined", "  ")),
        (values.number, " -12.50 ", -12.5),
        (values.number, "inf", None),
        (values.number, "nan", None),
        (values.number, "1e400", None),
        (values.number, "12,5", None),
        (values.whole, "5.0", 5),
        (values.whole, "5.5", None),
        (values.whole, "9007199254740993", 9_007_199_254_740_993),
        (values.imo_number, "IMO9627980", 9_627_980),
        (values.imo_number, "9627980.0", 9_627_980),
        (values.imo_number, "Unknown", None),
        (values.ais_class, "Class A", "A"),
        (values.ais_class, "b", "B"),
        (values.ais_class, "Base Station", None),
        (values.ais_class, "AtoN", None),
        (values.message_type, "AIS.18", 18),
        (values.message_type, "18", 18),
        (values.receiver, "Satellite", "satellite"),
        (values.receiver, "dynamic", None),
        (values.nav_status, "Under way using engine", 0),
        (values.nav_status, "7.0", 7),
        (values.nav_status, "Unknown value", None),
        (values.ship_type, "Cargo", 70),
        (values.ship_type, "80", 80),
        (values.ship_type, "Undefined", None),
    ],
)
def test_a_text_is_read_as(reader: values.Reader, text: str | None, expected: Any) -> None:
    assert value(reader, text) == expected


def test_the_words_for_not_available_survive_a_change_of_unit() -> None:
    raw = pl.DataFrame({"sog": [1023.0], "cog": [3600.0], "lat": [54_600_000.0]})
    tenth, degree = values.scaled(1, 10), values.scaled(1, 600_000)
    scaled = raw.select(tenth(pl.col("sog", "cog")), degree(pl.col("lat")))
    assert scaled.row(0) == (102.3, 360.0, 91.0)


# ------------------------------------------------------------------------------ delimited text


def cut(
    raw: bytes, columns: int, separator: str = ",", batch_rows: int = 1
) -> tuple[list[tuple[str | None, ...]], list[bool], list[str]]:
    """Return fields, malformed flags and raw texts of all records."""
    names = tuple(str(number) for number in range(columns))
    dialect = Dialect(names, separator, has_header=False)
    rows: list[tuple[str | None, ...]] = []
    flags: list[bool] = []
    texts: list[str] = []
    for block in read_blocks(b"", Unseekable(raw), dialect, names, batch_rows):
        rows += block.table.rows()
        flags += block.is_malformed.to_list()
        texts += block.raw_texts(range(len(block.table)))
    return rows, flags, texts


@pytest.mark.parametrize(
    ("raw", "rows"),
    [
        (b"1,2\n3,4\n", [("1", "2"), ("3", "4")]),
        (b"1,2\r\n3,4\r\n", [("1", "2"), ("3", "4")]),
        (b"1,2\n\n\r\n3,4", [("1", "2"), ("3", "4")]),
        (b'1,"a,b"\n', [("1", "a,b")]),
        (b'1,"a ""b"" c"\n', [("1", 'a "b" c')]),
        (b'1,"two\nlines"\n3,4\n', [("1", "two\nlines"), ("3", "4")]),
        (b'1,"one\n\nblank"\n3,4\n', [("1", "one\n\nblank"), ("3", "4")]),
        (b'1,JOHN "X" DOE\n', [("1", 'JOHN "X" DOE')]),
        (b'1,5" GUN\n3,4\n', [("1", '5" GUN'), ("3", "4")]),
        (b"1,\xe6\xf8\n3,\xc3\xa6\n", [("1", "æø"), ("3", "æ")]),
        (b"1,a\x00b\n", [("1", "a\0b")]),
        (b"1,a\x0bb\n", [("1", "a\x0bb")]),
        (b"", []),
        (b"\n\n", []),
    ],
)
def test_records_are_cut_as_written(raw: bytes, rows: list[tuple[str, ...]]) -> None:
    found, flags, _ = cut(raw, 2)
    assert found == rows
    assert not any(flags)


@pytest.mark.parametrize(
    "broken",
    [b"1", b"1,2,3", b'1,"two', b'"1,2', b'1,"a"b', b'"1" 2,"3', b",,"],
)
def test_a_malformed_record_is_kept_with_its_text_and_the_rest_is_read(broken: bytes) -> None:
    found, flags, texts = cut(b"1,2\n" + broken + b"\n3,4\n" + b"5,6\n" * 40, 2)
    assert found[:3] == [("1", "2"), (None, None), ("3", "4")]
    assert flags == [False, True] + [False] * 41
    assert texts[1] == broken.decode()


def test_a_stray_quote_costs_one_record_even_at_the_end_of_a_block() -> None:
    lines = [b"%d,%d" % (number, number) for number in range(3000)]
    for at in range(0, 3000, 97):
        lines[at] = b'%d,"' % at
    found, flags, _ = cut(b"\n".join(lines), 2)
    assert len(found) == 3000
    assert [at for at, flag in enumerate(flags) if flag] == list(range(0, 3000, 97))


def test_a_record_without_end_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_RECORD_BYTES", 10_000)
    with pytest.raises(RawFileError, match="16 MiB"):
        cut(b"1" * 100_000, 2)


def test_a_long_record_is_put_together_from_many_blocks() -> None:
    raw = b'1,"' + b"x" * 3_000_000 + b'"\n3,4\n'
    found, _, _ = cut(raw, 2)
    assert [len(row[1] or "") for row in found] == [3_000_000, 1]


FIELD = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(FIELD, min_size=width, max_size=width), max_size=12)
    ),
    st.sampled_from([",", ";", "\t", " "]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(8, 200),
)
def test_what_a_csv_writer_writes_is_read(
    rows: list[list[str]], separator: str, quoting: int, line_end: str, block_bytes: int
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=line_end)
    writer.writerows(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "MIN_BLOCK_BYTES", block_bytes)
        found, flags, _ = cut(text.getvalue().encode(), len(rows[0]) if rows else 2, separator)
    assert [[field or "" for field in row] for row in found] == rows
    assert not any(flags)


# ------------------------------------------------------------------------------ refusals of rows

CANONICAL_HEADER = "mmsi,timestamp,longitude,latitude,name,message_type\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("273123456,2023-01-11 12:00:00,49.5,42.5,,", None),
        ("273123456,2023-01-11 12:00:00,181,91,,", None),
        ("273123456,2023-01-11 12:00:00,,,ANNA,5", None),
        ("273123456,2023-01-11 12:00:00,,,,", "no_content"),
        ("273123456,2023-01-11 12:00:00,,,,8", "other_message"),
        ("273123456,2023-01-11 12:00:00,49.5,42.5,,9", "other_message"),
        ("273123456,,49.5,42.5,,", "no_time"),
        ("273123456,NULL,49.5,42.5,,", "no_time"),
        ("273123456,yesterday,49.5,42.5,,", "bad_time"),
        (",2023-01-11 12:00:00,49.5,42.5,,", "no_mmsi"),
        ("ANNA,2023-01-11 12:00:00,49.5,42.5,,", "malformed_row"),
        ("273123456,2023-01-11 12:00:00,east,42.5,,", "malformed_row"),
        ("273123456,2023-01-11 12:00:00,49.5,,,", "malformed_row"),
        ("273123456,2023-01-11 12:00:00,49.5,42.5,", "malformed_row"),
        ("273123456,2023-01-11 12:00:00,49.5,42.5,,,", "malformed_row"),
    ],
)
def test_a_row_that_cannot_be_used_stays_with_its_reason(row: str, reason: str | None) -> None:
    good = "273999999,2023-01-11 12:00:00,49.5,42.5,,\n"
    reports, texts = read(CANONICAL, (CANONICAL_HEADER + good + row + "\n" + good).encode())
    assert reports["reason"].to_list() == [None, reason, None]
    assert texts[1] == row
    assert reason is None or reason in REASONS


def test_static_and_beacon_rows_are_told_by_their_message_type() -> None:
    rows = "273123456,2023-01-11 12:00:00,,,ANNA,24\n2731234,2023-01-11 12:00:00,49.5,42.5,,4\n"
    reports, _ = read(CANONICAL, (CANONICAL_HEADER + rows).encode())
    assert reports["ais_class"].to_list() == ["B", None]
    assert reports["is_beacon"].to_list() == [False, True]


def test_long_range_words_for_not_available_are_no_values() -> None:
    header = "mmsi,timestamp,longitude,latitude,sog,cog,message_type\n"
    row = "273123456,2023-01-11 12:00:00,49.5,42.5,63,511,"
    reports, _ = read(CANONICAL, f"{header}{row}27\n{row}1\n".encode())
    assert reports.select("sog", "cog").rows() == [(None, None), (63.0, 511.0)]


# ------------------------------------------------------------------------------ formats


def test_the_canonical_feed_has_every_column() -> None:
    header = (
        "mmsi,timestamp,longitude,latitude,sog,cog,heading,nav_status,ais_class,message_type,"
        "receiver,station,received_at,imo,name,callsign,ship_type,length_m,beam_m,draught_m,"
        "destination,eta,anything_else"
    )
    row = (
        "273123456,2023-01-11T12:00:00Z,49.5,42.5,10.1,200.5,511,5,A,1,satellite,FM103,"
        '2023-01-11T12:05:00Z,9627980,"ANNA, KARENINA",UABC,70,140,16.5,3.7,BAKU,01-12 10:00,x'
    )
    name, reports, _ = recognised(f"\ufeff{header}\r\n{row}\r\n".encode())
    assert name == "canonical"
    assert told(reports) == {
        "mmsi": 273_123_456,
        "timestamp": NOON,
        "longitude": 49.5,
        "latitude": 42.5,
        "sog": 10.1,
        "cog": 200.5,
        "heading": 511.0,
        "nav_status": 5,
        "ais_class": "A",
        "message_type": 1,
        "receiver": "satellite",
        "station": "FM103",
        "received_at": NOON + timedelta(minutes=5),
        "imo": 9_627_980,
        "name": "ANNA, KARENINA",
        "callsign": "UABC",
        "ship_type": 70,
        "length_m": 140.0,
        "beam_m": 16.5,
        "draught_m": 3.7,
        "destination": "BAKU",
        "eta": "01-12 10:00",
    }


DMA_COLUMNS = (
    "# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational status,ROT,SOG,COG,Heading,"
    "IMO,Callsign,Name,Ship type,Cargo type,Width,Length,Type of position fixing device,Draught,"
    "Destination,ETA,Data source type"
)
DMA_ROW = (
    "11/01/2023 12:00:00,Class A,219000001,57.5,10.25,Under way using engine,0.0,10.1,200.5,199,"
    "9627980,OXYZ,ANNA,Cargo,No additional information,16,140,GPS,3.7,AARHUS,"
    "12/01/2023 10:00:00,AIS"
)
DMA_TOLD = {
    "mmsi": 219_000_001,
    "timestamp": NOON,
    "longitude": 10.25,
    "latitude": 57.5,
    "sog": 10.1,
    "cog": 200.5,
    "heading": 199.0,
    "nav_status": 0,
    "ais_class": "A",
    "imo": 9_627_980,
    "callsign": "OXYZ",
    "name": "ANNA",
    "ship_type": 70,
    "beam_m": 16.0,
    "length_m": 140.0,
    "draught_m": 3.7,
    "destination": "AARHUS",
    "eta": "12/01/2023 10:00:00",
}


def semicolons(row: str) -> str:
    """Return the row as in the dialect without a header: decimal commas."""
    return ";".join(
        field.replace(".", ",") if field.replace(".", "").isdigit() else field
        for field in row.split(",")
    )


@pytest.mark.parametrize(
    "text",
    [
        f"{DMA_COLUMNS}\n{DMA_ROW}\n",
        f"{DMA_COLUMNS},A,B,C,D\n{DMA_ROW},100,40,8,8\n",
        f"{semicolons(DMA_ROW)}\n",
        f"{semicolons(DMA_ROW)};100;40;8;8\n",
        f"{DMA_ROW}\n",
    ],
)
def test_danish_day_files_come_in_three_dialects(text: str) -> None:
    name, reports, texts = recognised(text.encode())
    assert name == "dma"
    assert told(reports) == DMA_TOLD
    assert texts == [text.splitlines()[-1]]


def test_danish_rows_of_other_kinds_are_told_apart() -> None:
    kinds = ("Base Station", "AtoN", "Class B", "SAR Airborne")
    row = ",{},219000001,91.0,0.0,Unknown value,,,,,Unknown,,,Undefined,,,,Undefined,,,,AIS\n"
    rows = "".join("11/01/2023 12:00:00" + row.format(kind) for kind in kinds)
    reports, _ = read(DMA, f"{DMA_COLUMNS}\n{rows}".encode())
    assert reports["is_beacon"].to_list() == [True, True, False, False]
    assert reports["ais_class"].to_list() == [None, None, "B", None]
    assert told(reports, 2).keys() == {"mmsi", "timestamp", "longitude", "latitude", "ais_class"}


NOAA_2025 = (
    "mmsi,base_date_time,longitude,latitude,sog,cog,heading,vessel_name,imo,call_sign,"
    "vessel_type,status,length,width,draft,cargo,transceiver"
)


def test_noaa_from_2025_has_longitude_first_and_nulls() -> None:
    row = "367000001,2023-01-11 12:00:00,-70.75,43.25,8.8,,,ANNA,IMO9627980,WDI,70,,140,16,3.7,70,B"
    name, reports, _ = recognised(f"{NOAA_2025}\n{row}\n".encode())
    assert name == "noaa_2025"
    assert told(reports) == {
        "mmsi": 367_000_001,
        "timestamp": NOON,
        "longitude": -70.75,
        "latitude": 43.25,
        "sog": 8.8,
        "name": "ANNA",
        "imo": 9_627_980,
        "callsign": "WDI",
        "ship_type": 70,
        "length_m": 140.0,
        "beam_m": 16.0,
        "draught_m": 3.7,
        "ais_class": "B",
    }


def test_spire_has_static_rows_between_positions() -> None:
    header = (
        "created_at,timestamp,mmsi,msg_type,latitude,longitude,speed,course,heading,rot,imo,name,"
        "call_sign,draught,destination,collection_type"
    )
    rows = (
        "2023-01-11T12:03:00Z,2023-01-11T12:00:00Z,273123456,1,42.5,49.5,102.3,360.0,511,-128,,,,,,"
        "satellite\n"
        "2023-01-11T12:03:00Z,2023-01-11T12:00:00Z,273123456,5,,,,,,,9627980,ANNA,UABC,3.7,BAKU,"
        "dynamic\n"
    )
    name, reports, _ = recognised(f"{header}\n{rows}".encode())
    assert name == "spire"
    common = {"mmsi": 273_123_456, "timestamp": NOON, "received_at": NOON + timedelta(minutes=3)}
    assert told(reports, 0) == common | {
        "longitude": 49.5,
        "latitude": 42.5,
        "sog": 102.3,
        "cog": 360.0,
        "heading": 511.0,
        "message_type": 1,
        "ais_class": "A",
        "receiver": "satellite",
    }
    assert told(reports, 1) == common | {
        "message_type": 5,
        "ais_class": "A",
        "imo": 9_627_980,
        "name": "ANNA",
        "callsign": "UABC",
        "draught_m": 3.7,
        "destination": "BAKU",
    }


AISHUB_HEADER = (
    "MMSI,TIME,LONGITUDE,LATITUDE,COG,SOG,HEADING,ROT,NAVSTAT,IMO,NAME,CALLSIGN,TYPE,A,B,C,D,"
    "DRAUGHT,DEST,ETA\n"
)


@pytest.mark.parametrize(
    "row",
    [
        '273123456,"2023-01-11 12:00:00 GMT",49.5,38.9,200.5,10.1,511,0,5,0,"ANNA","UABC",70,'
        '100,40,8,8,3.7,"BAKU","01-12 10:00"',
        '273123456,"1673438400",29700000,23340000,2005,101,511,0,5,0,"ANNA","UABC",70,100,40,8,8,37,'
        '"BAKU","01-12 10:00"',
    ],
)
def test_aishub_rows_are_in_words_or_in_ais_integers(row: str) -> None:
    name, reports, _ = recognised((AISHUB_HEADER + row).encode())
    assert name == "aishub"
    assert told(reports) == {
        "mmsi": 273_123_456,
        "timestamp": NOON,
        "longitude": 49.5,
        "latitude": 38.9,
        "sog": 10.1,
        "cog": 200.5,
        "heading": 511.0,
        "nav_status": 5,
        "name": "ANNA",
        "callsign": "UABC",
        "ship_type": 70,
        "length_m": 140.0,
        "beam_m": 16.0,
        "draught_m": 3.7,
        "destination": "BAKU",
        "eta": "01-12 10:00",
    }


# ------------------------------------------------------------------------------ refusals of files


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (DMA_COLUMNS.replace("MMSI", "Ship id"), "column 'MMSI' is missing; the file has 'Times"),
        (NOAA_2025.replace("base_date_time", "time"), "column 'base_date_time' is missing"),
        (
            "MMSI,BaseTime,LAT,LON,SOG,VesselName,IMO,CallSign,VesselType",
            "'BaseDateTime' is missing",
        ),
        ("ssvid,time,lat,lon,seg_id", "column 'timestamp' is missing"),
        (
            "mmsi,timestamp,lon,latitude",
            "column 'longitude' is missing; the file has 'mmsi', 'time",
        ),
        ("MMSI,Timestamp,Longitude,Latitude", "column 'mmsi' is missing; the file has 'MMSI'"),
        ("mmsi,timestamp,longitude,latitude,mmsi", "there are 2 columns 'mmsi'"),
    ],
)
def test_a_renamed_column_refuses_the_file_in_one_line(header: str, message: str) -> None:
    feed = format_of(header.encode() + b"\n1,2\n")
    assert feed is not None
    with pytest.raises(RawFileError, match=message) as caught:
        read(feed, header.encode() + b"\n1,2\n")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"hello world\n",
        b"mmsi\n",
        b"a,b,c\n1,2,3\n",
        b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24\n",
        b"\x00\x01\x02\x03" * 100,
        "mmsi,timestamp,longitude,latitude\n".encode("utf-16"),
        b"{",
        b"[1, 2, 3]",
        b"mmsi," * 20_000,
    ],
)
def test_what_is_no_known_table_is_not_recognised(raw: bytes) -> None:
    assert format_of(raw) is None


# ------------------------------------------------------------------------------ Parquet


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=3)
    return sink.getvalue()


def canonical_table(**columns: Any) -> pa.Table:
    rows = {
        "mmsi": pa.array([273_123_456] * 5, pa.int32()),
        "timestamp": pa.array([NOON] * 5, pa.timestamp("us")),
        "longitude": [49.5] * 5,
        "latitude": [42.5] * 5,
    }
    return pa.table(rows | columns)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tehran", "+03:30"])
def test_parquet_times_become_utc_without_a_zone(unit: str, zone: str | None) -> None:
    aware = NOON.replace(tzinfo=UTC) if zone else NOON
    times = pa.array([aware] * 5, pa.timestamp(unit, zone))
    reports, _ = read(PARQUET, parquet(canonical_table(timestamp=times)))
    assert reports["timestamp"].to_list() == [NOON] * 5


def test_parquet_comes_from_a_stream_that_cannot_be_wound_back() -> None:
    columns = {
        "name": pa.array(["ANNA", None, "Unknown", "", "EVA"]).dictionary_encode(),
        "imo": pa.array([9_627_980, 0, None, 1, 2], pa.int64()),
        "sog": pa.array([float("nan"), float("inf"), 102.3, 0.1, None]),
        "unknown_column": [1, 2, 3, 4, 5],
    }
    raw = parquet(canonical_table(**columns))
    reports, texts = read(PARQUET, Unseekable(raw), batch_rows=2)
    assert reports["name"].to_list() == ["ANNA", None, None, None, "EVA"]
    assert reports["imo"].to_list() == [9_627_980, None, None, 1, 2]
    assert reports["sog"].to_list() == [None, None, 102.3, 0.1, None]
    assert '"mmsi":273123456' in texts[0]
    assert '"timestamp":"2023-01-11T12:00:00' in texts[0]


def noaa_table(**columns: Any) -> pa.Table:
    rows = {
        "mmsi": [367_000_001, 367_000_002],
        "base_date_time": pa.array([NOON] * 2, pa.timestamp("ns")),
        "sog": [8.8, None],
        "vessel_name": ["ANNA", None],
        "vessel_type": pa.array([70, None], pa.int16()),
        "call_sign": ["WDI", None],
        "draft": [3.7, None],
        "transceiver": ["A", "B"],
    }
    return pa.table(rows | columns)


def test_geoparquet_of_noaa_has_its_position_in_a_point() -> None:
    points = [shapely.to_wkb(shapely.Point(-70.75, 43.25)), None]
    reports, texts = read(PARQUET, parquet(noaa_table(geometry=points)))
    assert reports.select("longitude", "latitude").rows() == [(-70.75, 43.25), (None, None)]
    assert reports["reason"].to_list() == [None, "no_content"]
    assert reports["ship_type"].to_list() == [70, None]
    assert '"longitude":-70.75' in texts[0]


def test_a_geometry_that_is_no_point_is_malformed() -> None:
    line = shapely.to_wkb(shapely.LineString([(0, 0), (1, 1)]))
    reports, _ = read(PARQUET, parquet(noaa_table(geometry=[line, b"nonsense"])))
    assert reports["reason"].to_list() == ["malformed_row"] * 2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (canonical_table(timestamp=["2023-01-11"] * 5), "'timestamp' is string, not a timestamp"),
        (canonical_table(timestamp=[1] * 5), "'timestamp' is int64, not a timestamp"),
        (canonical_table(latitude=[b"1"] * 5), "'latitude' is binary, not a number"),
        (canonical_table().drop_columns("mmsi"), "column 'mmsi' is missing"),
        (pa.table({"a": [1]}), "no known columns; the file has 'a'"),
    ],
)
def test_an_unfit_parquet_is_refused_in_one_line(table: pa.Table, message: str) -> None:
    with pytest.raises(RawFileError, match=message) as caught:
        read(PARQUET, parquet(table))
    assert "\n" not in str(caught.value)


def test_a_damaged_parquet_is_refused_in_one_line() -> None:
    raw = parquet(canonical_table())
    for damaged in (raw[:-10], b"PAR1", raw[:40] + b"\xff" * 60 + raw[100:]):
        with pytest.raises(RawFileError, match="unreadable"):
            read(PARQUET, damaged)


# ------------------------------------------------------------------------------ round trips

WORD = st.from_regex(r"[A-Z0-9][A-Z0-9 ,;\"'.>-]{0,12}[A-Z0-9]", fullmatch=True).filter(
    lambda word: word.lower() not in values.MISSING_WORDS
)
TENTHS = st.integers(0, 1023).map(lambda tenths: tenths / 10)
MINUTES = st.integers(-54_600_000, 54_600_000).map(lambda units: units / 600_000)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "mmsi": st.integers(0, 999_999_999),
            "timestamp": st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(
                lambda moment: moment.replace(microsecond=0)
            ),
            "longitude": MINUTES,
            "latitude": MINUTES,
            "sog": st.none() | TENTHS,
            "cog": st.none() | TENTHS,
            "heading": st.none() | st.integers(0, 511).map(float),
            "nav_status": st.none() | st.integers(0, 8),
            "name": st.none() | WORD,
            "callsign": st.none() | WORD,
            "ship_type": st.none() | st.sampled_from([30, 52, 60, 70, 80]),
            "draught_m": st.none() | st.integers(0, 255).map(lambda tenths: tenths / 10),
            "destination": st.none() | WORD,
        }
    ),
    min_size=1,
    max_size=20,
)
STATUS_WORDS = {code: word for word, code in values.NAV_STATUSES.items()}
TYPE_WORDS = {code: word for word, code in values.SHIP_TYPES.items()}


def write_csv(header: str, rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header.strip().split(","), *rows])
    return text.getvalue().encode()


def as_canonical(rows: list[dict[str, Any]]) -> bytes:
    return write_csv(",".join(rows[0]), [list(row.values()) for row in rows])


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    schema = {"nav_status": pl.Int16, "ship_type": pl.Int16, "sog": pl.Float64, "cog": pl.Float64}
    texts = dict.fromkeys(("name", "callsign", "destination"), pl.String)
    numbers = dict.fromkeys(("heading", "draught_m"), pl.Float64)
    frame = pl.DataFrame(rows, schema_overrides=schema | texts | numbers)
    frame.write_parquet(sink)
    return sink.getvalue()


def as_dma(rows: list[dict[str, Any]]) -> bytes:
    def fields(row: dict[str, Any]) -> list[Any]:
        return [
            row["timestamp"].strftime("%d/%m/%Y %H:%M:%S"),
            "Class A",
            row["mmsi"],
            row["latitude"],
            row["longitude"],
            STATUS_WORDS.get(row["nav_status"], "Unknown value").capitalize(),
            "",
            row["sog"],
            row["cog"],
            row["heading"],
            "Unknown",
            row["callsign"] or "Unknown",
            row["name"],
            TYPE_WORDS.get(row["ship_type"], "Undefined").capitalize(),
            *[""] * 4,
            row["draught_m"],
            row["destination"],
            "",
            "AIS",
        ]

    return write_csv(DMA_COLUMNS, [fields(row) for row in rows])


def as_aishub(rows: list[dict[str, Any]], *, in_integers: bool) -> bytes:
    def fields(row: dict[str, Any]) -> list[Any]:
        def unit(name: str, factor: int) -> Any:
            given = row[name] is not None and in_integers
            return round(row[name] * factor) if given else row[name]

        moment = row["timestamp"]
        seconds = int(moment.replace(tzinfo=UTC).timestamp())
        return [
            row["mmsi"],
            seconds if in_integers else moment.strftime("%Y-%m-%d %H:%M:%S GMT"),
            unit("longitude", 600_000),
            unit("latitude", 600_000),
            unit("cog", 10),
            unit("sog", 10),
            row["heading"],
            "",
            row["nav_status"],
            0,
            row["name"],
            row["callsign"],
            row["ship_type"],
            *[""] * 4,
            unit("draught_m", 10),
            row["destination"],
            "",
        ]

    return write_csv(AISHUB_HEADER, [fields(row) for row in rows])


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_what_is_written_in_a_format_comes_back(drawn: list[dict[str, Any]]) -> None:
    rows = [{name: row[name] for name in REPORTS_SCHEMA if name in row} for row in drawn]
    written = (
        (CANONICAL, as_canonical(rows)),
        (PARQUET, as_parquet(rows)),
        (DMA, as_dma(rows)),
        (AISHUB, as_aishub(rows, in_integers=False)),
        (AISHUB, as_aishub(rows, in_integers=True)),
    )
    for feed, raw in written:
        assert feed.recognises(raw)
        reports, _ = read(feed, raw, batch_rows=7)
        assert reports.select(rows[0].keys()).to_dicts() == rows, feed.name
        assert reports["reason"].is_null().all()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 20))
def test_no_bytes_behind_a_header_stop_the_reading(garbage: bytes, batch_rows: int) -> None:
    reports, texts = read(CANONICAL, CANONICAL_HEADER.encode() + garbage, batch_rows + 1)
    records = [line for line in garbage.split(b"\n") if line.strip(b"\r")]
    assert len(reports) <= len(records)
    kept = sum(len(text.replace("\r", "").replace("\n", "")) for text in texts)
    assert kept == sum(len(decode(record).replace("\r", "")) for record in records)


def test_every_format_says_what_it_is_and_needs() -> None:
    names = [feed.name for feed in TABULAR_FORMATS]
    assert len(set(names)) == len(names)
    for feed in TABULAR_FORMATS:
        assert feed.title
        assert feed.needs
        assert "\n" not in feed.needs


# ------------------------------------------------------------------------------ real files

# file, format, rows, reasons, latitude 91, smallest and greatest latitude and longitude but 91 and
# 181, first and last instant: as measured by others on the same files.
SAMPLES: list[tuple[Any, ...]] = [
    ("csv/dma_like_sample_ship_220614000.csv", "ship_sample", 3300, {}, 0,
     (57.00, 57.69, 11.59, 11.99), "2023-03-01 00:01:46", "2023-03-01 23:59:51"),
    ("csv/exactearth_aisdb_20210701.csv.gz", "exactearth", 2498, {"other_message": 30}, 11,
     (-53.17, 79.94, -179.86, 179.79), "2021-07-01 00:00:41", "2021-07-01 23:59:36"),
    ("csv/gfw_pyseas_position_messages_201801.csv.zip", "gfw", 19846, {}, 0,
     (22.29, 54.71, -179.98, 179.92), "2018-01-01 00:12:19", "2018-01-31 23:59:37"),
    ("csv/gfw_research_messages_150400453.csv.gz", "gfw", 6963, {}, 0,
     (-81.80, 35.05, -179.99, 179.99), "2020-12-20 08:49:00", "2022-12-31 23:11:00"),
    ("csv/gfw_research_messages_150402951_01dec2021_15feb2022.csv.gz", "gfw", 14558, {}, 0,
     (-46.14, -44.98, -60.74, -60.01), "2021-12-01 02:23:36", "2022-02-14 22:15:21"),
    ("csv/gfw_research_messages_412334074_seg1.csv.gz", "gfw", 12492, {}, 0,
     (-42.33, -35.18, -56.61, -50.11), "2022-06-26 17:05:55", "2022-08-11 13:42:05"),
    ("csv/gfw_research_messages_implausible_speed_research_messages_150_412.csv.gz", "gfw", 388,
     {}, 0, (-53.75, 41.17, -179.59, 179.41), "2020-01-01 14:43:26", "2022-12-28 16:14:03"),
    ("csv/gfw_research_messages_overlapping_seg_check.csv.gz", "gfw", 7135, {}, 0,
     (-46.70, 2.03, -60.76, 89.77), "2021-12-05 03:43:08", "2022-05-15 17:03:47"),
    ("csv/marinetraffic_boat-positions_202103.csv.gz", "marinetraffic_positions", 22287,
     {"no_mmsi": 22287}, 0, (29.77, 31.80, 32.01, 32.79), "2021-03-20 00:00:00",
     "2021-03-24 12:52:00"),
    ("csv/marinetraffic_tile_opentnsim.csv", "marinetraffic_tile", 1250, {"no_mmsi": 1250}, 0,
     (51.82, 52.27, 3.11, 4.59), None, None),
    ("csv/noaa_classic_aisdb_20230101.csv", "noaa", 1000, {}, 0,
     (17.59, 49.52, -157.88, -64.80), "2023-01-11 00:00:00", "2023-01-11 23:59:01"),
    ("csv/orbcomm_ints_tanker_9327138_2013.csv.gz", "orbcomm_integers", 39254, {}, 1,
     (-24.46, 85.16, -120.06, 103.94), "2013-07-27 00:40:44", "2014-07-31 07:19:51"),
    ("csv/skytruth_orbcomm_processed_10k.csv.gz", "skytruth", 9280, {}, 0,
     (-66.14, 38.62, -68.30, 62.79), "2012-01-03 02:48:25", "2012-12-31 17:59:53"),
    ("csv/skytruth_orbcomm_raw_10k.csv.gz", "skytruth", 10000, {}, 720,
     (-66.14, 38.62, -68.30, 62.79), "2012-01-01 03:47:40", "2012-12-31 17:59:53"),
    ("csv/spaceeyes_marmara_2022-02-16.csv", "spaceeyes", 500, {}, 0,
     (40.39, 45.09, 27.47, 41.61), "2022-02-16 00:02:00", "2022-02-16 23:56:00"),
    ("events/gfw_pyseas_gap_positions_ee.csv.zip", "gfw", 41844, {}, 0,
     (-16.71, -15.82, -133.41, -129.50), "2018-12-23 11:44:12", "2018-12-28 04:25:31"),
    ("events/gfw_pyseas_gap_positions_gfw.csv.zip", "gfw", 2119, {}, 0,
     (-16.51, -15.82, -133.41, -129.50), "2018-12-24 00:28:08", "2018-12-28 04:20:03"),
]  # fmt: skip


@pytest.mark.parametrize("case", SAMPLES, ids=lambda case: case[0])
def test_a_sample_is_read_to_its_last_row(case: tuple[Any, ...]) -> None:
    file, name, rows, reasons, not_available, box, first, last = case
    found, reports, texts = recognised(unpack(sample(file)), batch_rows=5000)
    assert (found, len(reports)) == (name, rows)
    assert dict(reports["reason"].drop_nulls().value_counts().iter_rows()) == reasons
    assert all(texts)
    assert (reports["latitude"] == 91).sum() == not_available
    places = reports.filter(pl.col("latitude") != 91)
    measured = [
        bound(places[name])
        for name in ("latitude", "longitude")
        for bound in (pl.Series.min, pl.Series.max)
    ]
    assert [round(float(one), 2) for one in measured] == pytest.approx(box, abs=0.011)
    times = reports["timestamp"]
    assert (str(times.min()), str(times.max())) == (str(first), str(last))


def test_every_row_of_a_sample_agrees_with_a_plain_csv_reader() -> None:
    raw = unpack(sample("csv/exactearth_aisdb_20210701.csv.gz"))
    _, reports, texts = recognised(raw, batch_rows=100)
    rows = list(csv.DictReader(io.StringIO(raw.decode())))
    assert texts == raw.decode().splitlines()[1:]
    assert reports["mmsi"].to_list() == [int(row["MMSI"]) for row in rows]
    for column, name in (("Longitude", "longitude"), ("COG", "cog"), ("Heading", "heading")):
        expected = [float(row[column]) if row[column] not in ("", "None") else None for row in rows]
        assert reports[name].to_list() == expected


def test_static_rows_of_exactearth_are_complete() -> None:
    _, reports, _ = recognised(unpack(sample("csv/exactearth_aisdb_20210701.csv.gz")))
    ship = told(reports.filter(pl.col("name") == "GH ZONDA"))
    assert ship == {
        "mmsi": 538_007_407,
        "timestamp": datetime(2021, 7, 1, 5, 20, 52),
        "ais_class": "A",
        "message_type": 5,
        "imo": 9_436_472,
        "name": "GH ZONDA",
        "callsign": "V7MF3",
        "ship_type": 71,
        "length_m": 231.0,
        "beam_m": 32.0,
        "draught_m": 8.7,
        "destination": "BLUFF",
        "eta": "06-30 19:00",
    }


def test_every_file_of_the_providers_is_read_or_refused_in_one_line() -> None:
    sample("INDEX.md")
    files = [path for folder in ("csv", "json", "events") for path in (SHARED / folder).iterdir()]
    refused: set[str] = set()
    for path in files:
        try:
            rows = sum(len(batch.reports) for batch in open_feed(path, FeedRules()).batches)
        except RawFileError as error:
            assert len(str(error).splitlines()) == 1
            refused.add(path.name)
        else:
            assert rows
    assert refused == {
        # No messages but gaps, counts, voyages and expected answers.
        "archimedes_vessels_annotated.csv.gz",
        "black_sea_grain_initiative_voyages.csv",
        "dma_dark_candidates_baltic.csv",
        "gfw_labelled_gaps_94823_v20210816.parquet",
        "gfw_labelled_gaps_published_scores.json",
        "gfw_pipe-gaps_2021-2023-gaps_per_country.csv",
        "gfw_pipe-gaps_open_gaps.json",
        "gfw_pyseas_gaps_data.csv.zip",
        # Nothing in it says what it is: a mapping file must.
        "archimedes_vessels.csv.gz",
    }
