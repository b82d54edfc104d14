"""JSON and msgpack feeds: framing, broken records, values of every provider, real samples."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from datetime import datetime, timedelta
from typing import Any

import msgpack
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import RawFileError
from pipeline.feeds import json_text
from pipeline.feeds.aishub import AISHUB_JSON
from pipeline.feeds.aisstream import AISSTREAM
from pipeline.feeds.barentswatch import BARENTSWATCH
from pipeline.feeds.formats import TABULAR_FORMATS
from pipeline.feeds.gfw import GPSDIO, MESSAGES_JSON
from pipeline.feeds.json_text import read_objects
from pipeline.feeds.records import RecordFormat
from tests.feed_reading import Unseekable, format_of, read, recognised, told, unpack
from tests.shared_data import sample

NOON = datetime(2023, 1, 11, 12, 0, 0)

POSITION = {
    "type": "Position",
    "messageType": 1,
    "courseOverGround": 200.5,
    "aisClass": "A",
    "altitude": None,
    "latitude": 68.9098,
    "longitude": 15.076792,
    "navigationalStatus": 5,
    "rateOfTurn": 0,
    "speedOverGround": 10.1,
    "trueHeading": 30,
    "mmsi": 257166400,
    "msgtime": "2023-01-11T12:00:00.4081445+00:00",
}
POSITION_TOLD = {
    "mmsi": 257_166_400,
    "timestamp": NOON + timedelta(microseconds=408_144),
    "longitude": 15.076792,
    "latitude": 68.9098,
    "sog": 10.1,
    "cog": 200.5,
    "heading": 30.0,
    "nav_status": 5,
    "ais_class": "A",
    "message_type": 1,
}

# ------------------------------------------------------------------------------ framing


def objects(raw: bytes, chunk_bytes: int = 1024) -> list[dict[str, Any] | None]:
    """Return the values of all objects, read in small pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "CHUNK_BYTES", chunk_bytes)
        return [found.value for found in read_objects(Unseekable(raw))]


def as_lines(rows: list[Any]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def as_pretty_array(rows: list[Any]) -> str:
    return json.dumps(rows, indent=2)


def as_nested_arrays(rows: list[Any]) -> str:
    return json.dumps([[], [rows]])


def as_events(rows: list[Any]) -> str:
    head = ": connected\nretry: 3000\n\n"
    return head + "".join(f"event: ais\nid: 1\ndata: {json.dumps(row)}\n\n" for row in rows)


def as_http_dump(rows: list[Any]) -> str:
    return f"HTTP/2.0 200 OK\r\nContent-Type: application/json\r\n\r\n{json.dumps(rows)}"


def as_collection(rows: list[Any]) -> str:
    return '{"type": "FeatureCollection", "features": ' + json.dumps(rows) + ', "total": {"a": 1}}'


FRAMES = [as_lines, as_pretty_array, as_nested_arrays, as_events, as_http_dump, as_collection]
LEAF = st.none() | st.booleans() | st.text(max_size=8).map(lambda text: f"x{text}")
OBJECT = st.dictionaries(
    st.text(max_size=4),
    LEAF | st.lists(LEAF, max_size=3) | st.dictionaries(st.text(max_size=3), LEAF, max_size=3),
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(OBJECT, max_size=8), st.integers(1, 60))
def test_every_frame_gives_the_same_objects(rows: list[Any], chunk_bytes: int) -> None:
    for frame in FRAMES:
        assert objects(frame(rows).encode(), chunk_bytes) == rows, frame.__name__


def test_numbers_stay_the_texts_they_are() -> None:
    raw = b'{"a": 1.50, "b": -0, "c": 1e3, "d": NaN, "e": 12345678901234567890}'
    expected = {"a": "1.50", "b": "-0", "c": "1e3", "d": "NaN", "e": "12345678901234567890"}
    assert objects(raw) == [expected]


@pytest.mark.parametrize(
    ("raw", "broken"),
    [
        ('{"a": "1"}\n{"a": "2', '{"a": "2'),
        ('{"a": "1"}\n{"a": "2\n{"a": "3"}', '{"a": "2'),
        ('{"a": "1"}\n{"a": "2",\n{"a": "3"}', '{"a": "2",'),
        ('{"a": "1"}\n{"a": }\n{"a": "3"}', '{"a": }'),
        ('{"a": "1"}\nhello\n{"a": "3"}', "hello"),
        ('[{"a": "1"},{"a": },{"a": "3"}]', '{"a": }'),
        ('[\n {\n  "a": "1"\n },\n {\n  "a": \n },\n {\n  "a": "3"\n }\n]', '{\n  "a": \n }'),
        ('data: {"a": "1"}\n\ndata: {"a": \n\ndata: {"a": "3"}\n\n', '{"a": '),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [3, 1 << 20])
def test_a_broken_object_is_told_and_the_rest_is_read(
    raw: str, broken: str, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "CHUNK_BYTES", chunk_bytes)
    found = list(read_objects(io.BytesIO(raw.encode())))
    assert [one.value for one in found] in (
        [{"a": "1"}, None, {"a": "3"}],
        [{"a": "1"}, None],
    )
    assert found[1].text.rstrip() == broken.rstrip()
    assert (found[-1].value == {"a": "3"}) == ('"3"' in raw)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 4),
    st.text(st.sampled_from('{}[]",: \\n1a\x00'), max_size=20).map(lambda text: "?" + text)
    | st.text(st.sampled_from('{}[]",: \\n1a'), max_size=20).map(lambda text: '{"a":' + text),
    st.integers(1, 60),
)
def test_a_line_of_garbage_costs_no_other_line(at: int, garbage: str, chunk_bytes: int) -> None:
    rows = [{"number": f"row {number}", "list": [{}, {"x": None}]} for number in range(4)]
    lines = [json.dumps(row) for row in rows]
    raw = "\n".join([*lines[:at], garbage, *lines[at:]])
    found = objects(raw.encode(), chunk_bytes)
    assert [one for one in found if one in rows] == rows


def test_nesting_without_end_is_one_broken_object() -> None:
    raw = '{"a": "1"}\n' + '{"a":' * 100_000 + '\n{"a": "3"}'
    assert objects(raw.encode(), 1 << 20) == [{"a": "1"}, None, {"a": "3"}]


def test_latin_1_bytes_do_not_stop_the_reading() -> None:
    for chunk_bytes in (1, 1024):
        found = objects(b'\xef\xbb\xbf{"a": "\xe6\xc3\xa6"}', chunk_bytes)
        assert found == [{"a": "ææ"}]


# ------------------------------------------------------------------------------ BarentsWatch


@pytest.mark.parametrize("frame", [as_lines, as_pretty_array, as_events, as_http_dump])
def test_barentswatch_comes_in_every_frame(frame: Any) -> None:
    name, reports, texts = recognised(frame([POSITION] * 3).encode())
    assert (name, len(reports)) == ("barentswatch", 3)
    assert told(reports, 2) == POSITION_TOLD
    assert json.loads(texts[2]) == POSITION


def test_barentswatch_features_have_their_point_in_the_geometry() -> None:
    properties = {key: POSITION[key] for key in POSITION if key not in ("longitude", "latitude")}
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [15.076792, 68.9098]},
        "properties": properties,
    }
    for frame in (as_lines, as_collection):
        name, reports, _ = recognised(frame([feature]).encode())
        assert name == "barentswatch"
        assert told(reports) == POSITION_TOLD


def test_barentswatch_statics_and_aids_to_navigation() -> None:
    static = {
        "type": "Staticdata",
        "messageType": 5,
        "mmsi": 259102000,
        "msgtime": "2023-01-11T12:00:00+00:00",
        "imoNumber": 9020314,
        "callSign": "LCRI",
        "destination": "MALOY",
        "eta": "08170030",
        "name": "BIRGERSON",
        "draught": 40,
        "shipLength": None,
        "shipWidth": 7,
        "shipType": 30,
        "dimensionA": 5,
        "dimensionB": 16,
        "reportClass": "A",
    }
    aid = {"messageType": 21, "mmsi": 992571013, "msgtime": static["msgtime"], "name": "E39"}
    reports, _ = read(BARENTSWATCH, as_lines([static, aid]).encode())
    assert told(reports) == {
        "mmsi": 259_102_000,
        "timestamp": NOON,
        "ais_class": "A",
        "message_type": 5,
        "imo": 9_020_314,
        "name": "BIRGERSON",
        "callsign": "LCRI",
        "ship_type": 30,
        "length_m": 21.0,
        "beam_m": 7.0,
        "draught_m": 4.0,
        "destination": "MALOY",
        "eta": "08170030",
    }
    assert told(reports, 1)["is_beacon"] is True


# ------------------------------------------------------------------------------ AISStream


def envelope(kind: str, **message: Any) -> dict[str, Any]:
    return {
        "MessageType": kind,
        "MetaData": {
            "MMSI": 273123456,
            "ShipName": "FROM MEMORY",
            "latitude": 1.5,
            "longitude": 2.5,
            "time_utc": "2023-01-11 12:00:00.318353274 +0000 UTC",
        },
        "Message": {kind: {"UserID": 273123456, "Valid": True, **message}},
    }


ENVELOPE_TOLD = {"mmsi": 273_123_456, "timestamp": NOON + timedelta(microseconds=318_353)}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            envelope(
                "PositionReport",
                MessageID=1,
                Latitude=42.5,
                Longitude=49.5,
                Sog=10.1,
                Cog=200.5,
                TrueHeading=511,
                NavigationalStatus=5,
            ),
            {
                "message_type": 1,
                "ais_class": "A",
                "latitude": 42.5,
                "longitude": 49.5,
                "sog": 10.1,
                "cog": 200.5,
                "heading": 511.0,
                "nav_status": 5,
            },
        ),
        (
            envelope(
                "ExtendedClassBPositionReport",
                MessageID=19,
                Latitude=42.5,
                Longitude=49.5,
                Name="ANNA ",
                Type=30,
                Dimension={"A": 5, "B": 19, "C": 4, "D": 3},
            ),
            {
                "message_type": 19,
                "ais_class": "B",
                "latitude": 42.5,
                "longitude": 49.5,
                "name": "ANNA",
                "ship_type": 30,
                "length_m": 24.0,
                "beam_m": 7.0,
            },
        ),
        (
            envelope(
                "ShipStaticData",
                MessageID=5,
                ImoNumber=9627980,
                CallSign="UABC",
                Name="ANNA",
                Type=70,
                Dimension={"A": 100, "B": 40, "C": 8, "D": 8},
                Eta={"Month": 1, "Day": 12, "Hour": 10, "Minute": 0},
                MaximumStaticDraught=3.7,
                Destination="BAKU",
            ),
            {
                "message_type": 5,
                "ais_class": "A",
                "imo": 9_627_980,
                "callsign": "UABC",
                "name": "ANNA",
                "ship_type": 70,
                "length_m": 140.0,
                "beam_m": 16.0,
                "draught_m": 3.7,
                "destination": "BAKU",
                "eta": "01-12 10:00",
            },
        ),
        (
            envelope(
                "StaticDataReport",
                MessageID=24,
                ReportA={"Name": "ANNA", "Valid": True},
                ReportB={"CallSign": "UABC", "ShipType": 52, "Valid": False},
            ),
            {"message_type": 24, "ais_class": "B", "name": "ANNA"},
        ),
        (
            envelope(
                "StaticDataReport",
                MessageID=24,
                ReportA={"Name": "ANNA", "Valid": False},
                ReportB={"CallSign": "UABC", "ShipType": 52, "Valid": True},
            ),
            {"message_type": 24, "ais_class": "B", "callsign": "UABC", "ship_type": 52},
        ),
        (
            envelope(
                "LongRangeAisBroadcastMessage",
                MessageID=27,
                Latitude=42.5,
                Longitude=49.5,
                Sog=63,
                Cog=511,
            ),
            {"message_type": 27, "latitude": 42.5, "longitude": 49.5},
        ),
        (
            envelope("BaseStationReport", MessageID=4, Latitude=42.5, Longitude=49.5),
            {"message_type": 4, "latitude": 42.5, "longitude": 49.5, "is_beacon": True},
        ),
        (
            envelope("AidsToNavigationReport", MessageID=21, Latitude=42.5, Longitude=49.5, Type=3),
            {"message_type": 21, "latitude": 42.5, "longitude": 49.5, "is_beacon": True},
        ),
        (envelope("BinaryAcknowledge", MessageID=7), {"reason": "other_message"}),
        (envelope("UnknownMessage"), {"reason": "other_message"}),
        (
            envelope("StandardSearchAndRescueAircraftReport", Latitude=1, Longitude=2),
            {"reason": "other_message"},
        ),
    ],
)
def test_aisstream_messages(one: dict[str, Any], expected: dict[str, Any]) -> None:
    name, reports, texts = recognised(json.dumps(one).encode())
    assert name == "aisstream"
    assert told(reports) == ENVELOPE_TOLD | expected
    assert json.loads(texts[0]) == one


def test_an_aisstream_message_without_its_time_or_sender_is_told() -> None:
    whole = envelope("PositionReport", MessageID=1, Latitude=42.5, Longitude=49.5)
    no_time = {**whole, "MetaData": {"MMSI": 273123456}}
    no_meta = {key: whole[key] for key in ("MessageType", "Message")}
    error = {"error": "Api Key Is Not Valid"}
    reports, _ = read(AISSTREAM, as_lines([whole, no_time, no_meta, error]).encode())
    assert reports["reason"].to_list() == [None, "no_time", "no_time", "no_mmsi"]
    assert reports["mmsi"].to_list() == [273_123_456] * 3 + [None]


# ------------------------------------------------------------------------------ AISHub

AISHUB_ROW = {
    "MMSI": 273123456,
    "TIME": "2023-01-11 12:00:00 GMT",
    "LONGITUDE": 49.5,
    "LATITUDE": 38.9,
    "COG": 200.5,
    "SOG": 10.1,
    "HEADING": 511,
    "ROT": 0,
    "NAVSTAT": 5,
    "IMO": 0,
    "NAME": "ANNA",
    "CALLSIGN": "UABC",
    "TYPE": 70,
    "A": 100,
    "B": 40,
    "C": 8,
    "D": 8,
    "DRAUGHT": 3.7,
    "DEST": "BAKU",
    "ETA": "01-12 10:00",
}
AISHUB_INTEGERS = AISHUB_ROW | {
    "TIME": "1673438400",
    "LONGITUDE": 29_700_000,
    "LATITUDE": 23_340_000,
    "COG": 2005,
    "SOG": 101,
    "DRAUGHT": 37,
}


@pytest.mark.parametrize("row", [AISHUB_ROW, AISHUB_INTEGERS])
def test_aishub_rows_are_in_words_or_in_ais_integers(row: dict[str, Any]) -> None:
    head = {"ERROR": False, "USERNAME": "U", "FORMAT": "HUMAN", "RECORDS": 2}
    name, reports, texts = recognised(json.dumps([head, [row, row]]).encode())
    assert (name, len(reports)) == ("aishub_json", 2)
    assert told(reports, 1) == {
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
    assert json.loads(texts[1]) == row


def test_an_error_of_aishub_refuses_the_file() -> None:
    raw = b'[{"ERROR":true,"USERNAME":"U","ERROR_MESSAGE":"Too frequent requests!"}]'
    assert format_of(raw) is AISHUB_JSON
    with pytest.raises(RawFileError, match="Too frequent requests!"):
        read(AISHUB_JSON, raw)


# ------------------------------------------------------------------------------ refusals of files


def test_json_without_a_valid_record_is_refused_in_one_line() -> None:
    with pytest.raises(RawFileError, match="no valid record"):
        read(BARENTSWATCH, b'{"mmsi": 1,\n{"mmsi": 2,\n')


def test_a_renamed_field_is_told_in_one_line() -> None:
    renamed = {("MSGTIME_UTC" if key == "msgtime" else key): POSITION[key] for key in POSITION}
    raw = as_lines([renamed]).encode()
    assert format_of(raw) is BARENTSWATCH
    with pytest.raises(RawFileError, match="no record has 'msgtime'; the first has 'type'"):
        read(BARENTSWATCH, raw)


@pytest.mark.parametrize("raw", [b"{}", b"[]", b'{"a": 1}', b"[[[", b'{"ssvid": 1, "gap_id": 2}'])
def test_other_json_is_not_recognised(raw: bytes) -> None:
    assert format_of(raw) is None


# ------------------------------------------------------------------------------ msgpack

MESSAGE = {
    "mmsi": 273123456,
    "timestamp": "2023-01-11T12:00:00.000000Z",
    "lat": 42.5,
    "lon": 49.5,
    "type": 1,
    "status": "5",
    "speed": 10.100000381469727,
    "tagblock_station": "rORBCOMM009u",
}


def test_gpsdio_messages_are_read_and_a_cut_one_is_told() -> None:
    packed = msgpack.packb(MESSAGE)
    name, reports, texts = recognised(packed * 3 + packed[:20], batch_rows=2)
    assert name == "gpsdio"
    assert reports["reason"].to_list() == [None, None, None, "malformed_row"]
    assert texts[3] == "20 bytes that are no whole message"
    assert told(reports, 2) == {
        "mmsi": 273_123_456,
        "timestamp": NOON,
        "longitude": 49.5,
        "latitude": 42.5,
        "sog": 10.100000381469727,
        "nav_status": 5,
        "ais_class": "A",
        "message_type": 1,
        "station": "rORBCOMM009u",
    }


@pytest.mark.parametrize("garbage", [b"\xc1", b"\x05"])
def test_garbage_between_gpsdio_messages_refuses_the_file(garbage: bytes) -> None:
    packed = msgpack.packb(MESSAGE)
    with pytest.raises(RawFileError, match=rf"byte {len(packed)}"):
        read(GPSDIO, packed + garbage + packed)


# ------------------------------------------------------------------------------ real files

RECORD_FORMATS = [one for one in TABULAR_FORMATS if isinstance(one, RecordFormat)]

SAMPLES: list[tuple[str, str, int, dict[str, int], int]] = [
    ("aisstream_message_examples.json", "aisstream", 20, {"other_message": 13}, 5),
    ("aisstream_position_report_2022.json", "aisstream", 1, {}, 1),
    ("barentswatch_combined_broken.txt", "barentswatch", 19, {"malformed_row": 1}, 18),
    ("barentswatch_combined_full_geojson.txt.gz", "barentswatch", 514, {}, 514),
    ("barentswatch_combined_full_json.txt.gz", "barentswatch", 500, {}, 500),
    ("barentswatch_get_latest_ais.txt.gz", "barentswatch", 1472, {}, 1396),
    ("dma_json_cs418.json", "dma_json", 500, {}, 469),
    ("gfw_gpsdio-segment_416000000.json.gz", "gfw_json", 1668, {}, 1668),
    ("gfw_gpsdio-segment_538004505.msg.gz", "gpsdio", 1566, {}, 1566),
    ("gfw_gpsdio-segment_segmented-416000000.json.gz", "gfw_json", 1668, {}, 1668),
    ("gfw_pipe-gaps_sample_messages.json", "gfw_json", 84, {"no_content": 1}, 83),
]


@pytest.mark.parametrize(("file", "name", "rows", "reasons", "positions"), SAMPLES)
def test_a_sample_is_read_to_its_last_record(
    file: str, name: str, rows: int, reasons: dict[str, int], positions: int
) -> None:
    found, reports, texts = recognised(unpack(sample(f"json/{file}")))
    assert (found, len(reports)) == (name, rows)
    assert dict(reports["reason"].drop_nulls().value_counts().iter_rows()) == reasons
    assert reports["longitude"].count() == reports["latitude"].count() == positions
    assert all(texts)


def test_the_samples_of_one_track_agree_with_each_other() -> None:
    """The second file holds the first one's messages in another order, with their segments."""
    files = ("416000000.json.gz", "segmented-416000000.json.gz")
    key = ["timestamp", "longitude", "latitude"]
    first, second = (
        recognised(unpack(sample(f"json/gfw_gpsdio-segment_{file}")))[1].select(key).sort(key)
        for file in files
    )
    assert first.equals(second)


def test_danish_json_has_latitude_first() -> None:
    _, reports, _ = recognised(unpack(sample("json/dma_json_cs418.json")))
    assert told(reports) == {
        "mmsi": 304_858_000,
        "timestamp": datetime(2020, 11, 18),
        "longitude": 13.371672,
        "latitude": 55.218332,
        "sog": 10.8,
        "cog": 94.3,
        "heading": 97.0,
        "nav_status": 0,
        "ais_class": "A",
    }
    assert reports["is_beacon"].sum() == 44
    within = reports.filter(
        pl.col("latitude").is_between(53, 60) & pl.col("longitude").is_between(4, 17)
    )
    assert len(within) == reports["latitude"].count()


def test_an_array_longer_than_memory_allows_is_read_in_batches() -> None:
    """An endless array: the first batches come although its end never does."""

    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.is_begun = False

        def read(self, size: int = -1) -> bytes:
            start, self.is_begun = (b"" if self.is_begun else b"["), True
            return start + (json.dumps(POSITION).encode() + b",") * (size // 300)

    batches = itertools.islice(BARENTSWATCH.read(Endless(), 500), 3)
    assert [len(batch.reports) for batch in batches] == [500] * 3


KNOWN_KEYS = sorted(
    {
        source
        for feed in RECORD_FORMATS
        for one in feed.layout.fields.values()
        for source in one.sources
    }
    | {"MessageType", "Message", "MetaData", "Position", "coordinates", "properties", "geometry"}
    | {"PositionReport", "Dimension", "ReportA", "ERROR"}
)
VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["PositionReport", "\ud800", "2023-01-11T12:00:00Z", "1" * 30]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KNOWN_KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(KNOWN_KEYS), VALUE, max_size=8), max_size=4),
    st.sampled_from(RECORD_FORMATS),
)
def test_records_of_any_form_are_read_or_refused(rows: list[Any], feed: RecordFormat) -> None:
    raw = as_lines(rows).encode()
    feed.recognises(raw)
    with contextlib.suppress(RawFileError):
        read(feed, raw)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60).map(lambda more: b"\x81" + more))
def test_bytes_of_any_form_are_messages_or_refused(raw: bytes) -> None:
    GPSDIO.recognises(raw)
    with contextlib.suppress(RawFileError):
        read(GPSDIO, raw)


def test_gfw_messages_in_json_lines() -> None:
    row = {"ssvid": "412331104", "timestamp": 1673438400.0, "lat": 45.4, "lon": 80.6, "course": 1}
    reports, _ = read(MESSAGES_JSON, as_lines([row]).encode())
    assert told(reports)["timestamp"] == NOON
