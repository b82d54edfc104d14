"""NMEA logs: each dialect's time and station, groups, checksums, and every field against pyais."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyais.encode import encode_dict
from pyais.messages import MSG_CLASS, int_bit_vector

from pipeline.feeds import open_feed
from pipeline.feeds.ais_layouts import USED_TYPES
from pipeline.feeds.ais_payload import ARMOUR, decode_payloads
from pipeline.feeds.base import REPORTS_SCHEMA
from pipeline.feeds.nmea import NMEA
from pipeline.feeds.nmea_groups import Groups, Part, to_messages
from pipeline.feeds.nmea_times import Context, read_lines
from pipeline.rules import FeedRules
from pipeline.schema import REASONS
from tests.shared_data import SHARED, sample

EPOCH = 1_700_000_000
AT = datetime(2023, 11, 14, 22, 13, 20)
STATIC_COLUMNS = ["imo", "name", "callsign", "ship_type", "length_m", "draught_m", "destination"]


# ----------------------------------------------------------------------- writing and reading


def checksum(text: str) -> str:
    return f"{reduce(xor, text.encode('latin-1'), 0):02X}"


def sealed(body: str, mark: str = "!") -> str:
    return f"{mark}{body}*{checksum(body)}"


def tag(inside: str) -> str:
    return f"\\{inside}*{checksum(inside)}\\"


def single(payload: str, talker: str = "AIVDM", fill: int = 0) -> str:
    return sealed(f"{talker},1,1,,A,{payload},{fill}")


def position(mmsi: int = 273_111_222, **more: Any) -> str:
    fields = {"lat": 41.5, "lon": 50.25, "speed": 12.3, "course": 187.4, "heading": 190}
    (sentence,) = encode_dict({"type": 1, "mmsi": mmsi, "status": 0, **fields, **more})
    return single(payload_of(sentence))


def payload_of(sentence: str) -> str:
    return sentence.split(",")[5]


PAYLOAD = payload_of(position())
POSITION = single(PAYLOAD)
STATIC = {
    "type": 5,
    "mmsi": 273_111_222,
    "imo": 9_074_729,
    "shipname": "VOLGA STAR",
    "callsign": "UABC",
    "ship_type": 70,
    "to_bow": 100,
    "to_stern": 39,
    "to_port": 8,
    "to_starboard": 7,
    "draught": 4.5,
    "destination": "BANDAR ANZALI",
    "month": 5,
    "day": 4,
    "hour": 13,
    "minute": 30,
}
STATIC_PAYLOAD = "".join(map(payload_of, encode_dict(STATIC)))


def parts(payload: str = STATIC_PAYLOAD, sequence: str = "3", talker: str = "AIVDM") -> list[str]:
    """Return the two sentences of a message of 424 bits."""
    return [
        sealed(f"{talker},2,1,{sequence},A,{payload[:40]},0"),
        sealed(f"{talker},2,2,{sequence},A,{payload[40:]},2"),
    ]


def read(log: str | bytes | Iterable[str], batch_rows: int = 100_000) -> pl.DataFrame:
    """Return the reports of a log, in order of row."""
    if not isinstance(log, str | bytes):
        log = "".join(line + "\n" for line in log)
    content = log.encode("latin-1") if isinstance(log, str) else log
    batches = list(NMEA.read(io.BytesIO(content), batch_rows))
    frames = [pl.DataFrame(schema=REPORTS_SCHEMA), *(batch.reports for batch in batches)]
    reports = pl.concat(frames)
    assert reports.schema == REPORTS_SCHEMA
    lines = content.removeprefix(b"\xef\xbb\xbf")
    assert reports["rows"].sum() == lines.count(b"\n") + (lines[-1:] not in (b"", b"\n"))
    assert set(reports["reason"].drop_nulls()) <= set(REASONS)
    assert not any(reports[name].null_count() for name in ("row", "rows", "is_beacon"))
    for batch in batches:
        texts = batch.texts(range(batch.reports.height))
        assert all(text.isprintable() for text in texts)
    return reports.sort("row")


def reasons(log: str | bytes | Iterable[str]) -> list[str | None]:
    return read(log)["reason"].to_list()


def only(log: str | bytes | Iterable[str]) -> dict[str, Any]:
    """Return the one report of a log that is a message."""
    (report,) = (row for row in read(log).iter_rows(named=True) if row["reason"] != "not_ais")
    return report


# ------------------------------------------------------------------------------------- dialects


@pytest.mark.parametrize(
    ("line", "time", "station"),
    [
        (tag(f"s:r08ACE,c:{EPOCH}") + POSITION, AT, "r08ACE"),
        (tag(f"c:{EPOCH},s:117") + POSITION, AT, "117"),
        (tag(f"g:1-2-0738,n:1218,s:D08MN-NO,c:{EPOCH}") + POSITION, AT, "D08MN-NO"),
        (tag(f"1G2:0738,s:x,c:{EPOCH}") + POSITION, AT, "x"),
        (tag(f"s:42809,c:{EPOCH},t:{EPOCH + 76}") + POSITION, AT, "42809"),
        (tag(f"s:rORB,q:u,c:{EPOCH},T:2023-11-14 22.13.20") + POSITION, AT, "rORB"),
        (tag("s:x,g:1-2-9") + tag(f"c:{EPOCH}") + POSITION, AT, "x"),
        (f"\\s:x,c:{EPOCH}\\{POSITION}", AT, "x"),
        (tag(f"c:{EPOCH}250") + POSITION, AT + timedelta(milliseconds=250), None),
        (tag(f"c:{EPOCH}.25") + POSITION, AT + timedelta(milliseconds=250), None),
        (tag(f"c:{EPOCH}250001") + POSITION, AT + timedelta(microseconds=250_001), None),
        (tag(f"c:{EPOCH}250001999") + POSITION, AT + timedelta(microseconds=250_001), None),
        (f"{POSITION},r003669946,{EPOCH}", AT, "r003669946"),
        (f"{POSITION},b003669980,{EPOCH}", AT, "b003669980"),
        (f"{POSITION},{EPOCH}", AT, None),
        (f"{POSITION},s28089,d-103,T39.44353985,x147521,r08TPHI1,{EPOCH}", AT, "r08TPHI1"),
        (
            f"{POSITION},d-109,S2105,t221316.00,T56.13718694,r003669946,{EPOCH},{EPOCH - 59}",
            AT,
            "r003669946",
        ),
        (f"2023-11-14 22:13:20|273111222|41.5|50.25|{POSITION}", AT, None),
        (f"2023-11-14T22:13:20Z {POSITION}", AT, None),
        (f"2023-11-14T22:13:20.5+00:00,{POSITION}", AT + timedelta(milliseconds=500), None),
        (f"{EPOCH}000000123 {POSITION}", AT, None),
        (f"{EPOCH} {tag('s:x')}{POSITION}", AT, "x"),
        # Believed first: the tag block, then what follows, then what stands before.
        (f"{tag(f's:x,c:{EPOCH}')}{POSITION},r9,{EPOCH + 5}", AT, "x"),
        (f"{EPOCH + 5} {POSITION},r9,{EPOCH}", AT, "r9"),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_the_time_of_a_line(line: str, time: datetime, station: str | None, ending: str) -> None:
    report = only(line + ending)
    assert (report["reason"], report["timestamp"], report["station"]) == (None, time, station)
    assert (report["mmsi"], report["latitude"], report["sog"]) == (273_111_222, 41.5, 12.3)
    assert report["received_at"] is None
    assert report["receiver"] is None


@pytest.mark.parametrize(
    "line",
    [
        POSITION,
        tag("s:x") + POSITION,
        f"2023-11-14T22:13:20 {POSITION}",  # of no known zone
        f"2023-11-14T22:13:20+03:30 {POSITION}",
        f"2023-11-14 22:13:20|{POSITION}",
        f"12345 {POSITION}",
        f"rx at {EPOCH} {POSITION}",
        f"{POSITION},b003660465",
        f"{POSITION},d-109,{EPOCH // 1000}",
    ],
)
def test_a_line_without_a_usable_time_has_none(line: str) -> None:
    report = only(line)
    assert (report["reason"], report["timestamp"]) == ("no_time", None)
    assert report["mmsi"] == 273_111_222


@pytest.mark.parametrize(
    "line",
    [
        tag("c:yesterday") + POSITION,
        tag("c:") + POSITION,
        tag("c:-5") + POSITION,
        tag(f"c:{EPOCH}{EPOCH}{EPOCH}") + POSITION,
        f"2023-13-14T22:13:20Z {POSITION}",
    ],
)
def test_a_time_that_cannot_be_read_is_a_bad_one(line: str) -> None:
    assert reasons(line) == ["bad_time"]


@pytest.mark.parametrize(
    "clock", ["$GPZDA,221320,14,11,2023,00,00", "$GPRMC,221320,A,4130,N,05015,E,0,0,141123,,,A"]
)
def test_a_receivers_clock_lends_no_time(clock: str) -> None:
    assert reasons([sealed(clock[1:], "$"), POSITION]) == ["not_ais", "no_time"]


def test_comments_and_other_sentences_are_no_ais() -> None:
    log = [
        f"# Opening log file at 2023-11-14 22:13 UTC,{EPOCH}.24",
        f"# {POSITION}",
        f"  #{POSITION}",
        "",
        "   ",
        sealed("SAVSI,r08NFTK1,7,235959.285433,2223,-94,26", "$"),
        sealed("AIVDM,1,1,,A,13aIkM@P00PJ@qPNL=e@0?wJ28JO,0", "$"),
        POSITION[1:],
        "\\s:",
        "\\si:AISD*3F\\",
        "\x00\x01\xfe",
    ]
    assert reasons(log) == ["not_ais"] * len(log)


def test_a_payload_that_looks_like_a_tag_is_none() -> None:
    payload = "1c:1234567890" + PAYLOAD[13:]
    assert only(single(payload))["reason"] == "no_time"
    assert only(tag(f"s:x,c:{EPOCH}") + single(payload))["timestamp"] == AT


@pytest.mark.parametrize("talker", ["AIVDM", "AIVDO", "BSVDM", "ABVDM", "SAVDM", "ANVDO", "--VDM"])
def test_any_talker_is_read(talker: str) -> None:
    assert only(tag(f"c:{EPOCH}") + single(PAYLOAD, talker))["reason"] is None


# --------------------------------------------------------------------------------------- $PGHP


def pghp(seal: str, station: str = "2190067", second: int = 20) -> str:
    body = f"PGHP,1,2023,11,14,22,13,{second},250,219,21,{station},1,{seal}"
    return sealed(body, "$")


LATER = AT + timedelta(milliseconds=250)


def test_a_pghp_line_gives_time_and_base_station() -> None:
    report = only([pghp(POSITION[-2:]), POSITION])
    assert (report["timestamp"], report["station"], report["row"]) == (LATER, "2190067", 2)


def test_a_tag_block_may_stand_between() -> None:
    assert only([pghp(POSITION[-2:]), "\\si:AISD*3F\\", POSITION])["timestamp"] == LATER


def test_a_pghp_line_seals_a_message_of_two_parts() -> None:
    first, second = parts()
    seal = f"{int(first[-2:], 16) ^ int(second[-2:], 16):02X}"
    report = only([pghp(seal), first, second])
    assert (report["timestamp"], report["row"], report["rows"]) == (LATER, 2, 2)
    # Another station's line, with its own time, may come between the parts.
    other = position(273_999_888)
    log = read([pghp(seal), first, pghp(other[-2:], second=21), other, second])
    assert log.filter(pl.col("reason").is_null())["timestamp"].to_list() == [
        LATER,
        LATER + timedelta(seconds=1),
    ]


def test_what_a_base_station_says_of_itself_is_sealed_with_00() -> None:
    own = single(PAYLOAD, "BSVDO")
    assert only([pghp("00"), own])["timestamp"] == LATER
    assert only([pghp("00"), POSITION])["reason"] == "no_time"


def test_a_pghp_line_lends_its_time_to_nothing_else() -> None:
    seal = POSITION[-2:]
    wrong = pghp(seal)[:-2] + ("00" if pghp(seal)[-2:] != "00" else "01")
    assert reasons([pghp(seal), POSITION, POSITION])[1:] == [None, "no_time"]
    assert reasons([pghp(seal), sealed("PSTT,30A,20231114", "$"), POSITION])[2] == "no_time"
    assert reasons([pghp(f"{int(seal, 16) ^ 1:02X}"), POSITION])[1] == "no_time"
    assert reasons([wrong, POSITION])[1] == "no_time"
    assert reasons([pghp(seal, second=61), POSITION])[1] == "bad_time"


def test_the_time_on_the_line_goes_before_the_pghp_line() -> None:
    report = only([pghp(POSITION[-2:]), f"{POSITION},{EPOCH}"])
    assert (report["timestamp"], report["station"]) == (AT, "2190067")


# -------------------------------------------------------------------------------------- groups


def test_parts_make_one_report() -> None:
    first, second = parts()
    report = only([tag(f"s:x,c:{EPOCH}") + first, tag(f"s:x,c:{EPOCH + 1}") + second])
    assert (report["row"], report["rows"], report["reason"]) == (1, 2, None)
    assert (report["timestamp"], report["station"]) == (AT, "x")
    assert report["name"] == "VOLGA STAR"


def test_later_lines_of_a_tag_group_take_time_and_station_from_its_first() -> None:
    first, second = parts()
    report = only([tag(f"g:1-2-77,s:x,c:{EPOCH}") + first, tag("g:2-2-77") + second])
    assert (report["timestamp"], report["station"], report["rows"]) == (AT, "x", 2)
    signal = sealed("SAVSI,x,7,235959.28,2223,-94,26", "$")
    late = [tag(f"g:1-2-77,s:x,c:{EPOCH}") + signal, tag("g:2-2-77") + POSITION]
    assert only(late)["timestamp"] == AT
    iec = [tag(f"1G2:77,s:x,c:{EPOCH}") + signal, tag("2G2:77") + POSITION]
    assert only(iec)["timestamp"] == AT


def test_a_tag_group_lends_its_time_to_no_other_group() -> None:
    head = tag(f"g:1-2-77,s:x,c:{EPOCH}") + POSITION
    assert reasons([head, tag("g:2-2-78") + POSITION]) == [None, "no_time"]
    assert reasons([head, POSITION]) == [None, "no_time"]
    assert reasons([head, *["#"] * 200, tag("g:2-2-77") + POSITION])[-1] == "no_time"
    spoilt = head.replace("c:17", "c:18")
    assert reasons([spoilt, tag("g:2-2-77") + POSITION]) == ["bad_checksum", "no_time"]


def test_groups_may_be_interleaved() -> None:
    one, other = parts(sequence="1"), parts(sequence="2")
    time = tag(f"c:{EPOCH}")
    log = read([time + one[0], time + other[0], time + POSITION, other[1], one[1]])
    assert log.select("row", "rows", "reason").rows() == [(1, 2, None), (2, 2, None), (3, 1, None)]


def test_stations_keep_groups_with_equal_numbers_apart() -> None:
    other = {**STATIC, "shipname": "DON", "destination": "BAKU"}
    renamed = parts("".join(map(payload_of, encode_dict(other))))
    a, b = tag(f"s:a,c:{EPOCH}"), tag(f"s:b,c:{EPOCH}")
    first, second = parts()
    log = read([a + first, b + renamed[0], a + second, b + renamed[1]])
    assert log.select("row", "rows", "name", "destination").rows() == [
        (1, 2, "VOLGA STAR", "BANDAR ANZALI"),
        (2, 2, "DON", "BAKU"),
    ]
    # A part that names no station fits any.
    assert read([a + first, second])["rows"].to_list() == [2]
    assert read([first, a + second]).select("rows", "station", "timestamp").rows() == [(2, "a", AT)]


def test_parts_that_miss_others_are_incomplete() -> None:
    first, second = parts()
    whole = [tag(f"c:{EPOCH}") + first, second]
    cases: list[tuple[list[str], list[tuple[int, int, str | None]]]] = [
        ([first], [(1, 1, "incomplete_group")]),
        ([second], [(1, 1, "incomplete_group")]),
        ([second, first], [(1, 1, "incomplete_group"), (2, 1, "incomplete_group")]),
        ([first, *whole], [(1, 1, "incomplete_group"), (2, 2, None)]),
        ([*whole, second], [(1, 2, None), (3, 1, "incomplete_group")]),
    ]
    for log, expected in cases:
        assert read(log).select("row", "rows", "reason").rows() == expected


def test_a_group_waits_two_hundred_lines() -> None:
    first, second = parts()
    for between, expected in ((199, None), (200, "incomplete_group")):
        log = read([tag(f"c:{EPOCH}") + first, *["#"] * between, second])
        assert log.filter(pl.col("reason") != "not_ais")["reason"].to_list() == (
            [] if expected is None else [expected] * 2
        )


def test_three_parts_with_one_lost_are_one_report() -> None:
    texts = [sealed(f"AIVDM,3,{number},1,A,{PAYLOAD},0") for number in (1, 2, 3)]
    assert read(texts[:2]).select("row", "rows", "reason").rows() == [(1, 2, "incomplete_group")]
    lost = read([texts[0], texts[2]]).select("row", "rows", "reason").rows()
    assert lost == [(1, 1, "incomplete_group"), (2, 1, "incomplete_group")]


def test_parts_share_their_messages_fate() -> None:
    first, second = parts()
    spoilt = second.replace(",2*", ",3*")
    log = read([tag(f"c:{EPOCH}") + first, spoilt])
    assert log.select("row", "rows", "reason").rows() == [(1, 2, "bad_checksum")]
    assert texts_of(f"{first}\r\n{second}\r\n".encode()) == [f"{first} {second}"]


# ----------------------------------------------------------------------------------- checksums


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (POSITION[:-2] + "zz", "bad_checksum"),
        (POSITION[:-3], "bad_checksum"),
        (POSITION[:40], "bad_checksum"),
        (POSITION.replace("A,1", "B,1"), "bad_checksum"),
        (POSITION[:30] + POSITION, "bad_checksum"),
        (POSITION.lower().replace("!aivdm", "!AIVDM"), "bad_checksum"),
        (tag(f"s:x,c:{EPOCH}").replace("s:x", "s:y") + POSITION, "bad_checksum"),
        (f"\\s:x,c:{EPOCH}*\\{POSITION}", "bad_checksum"),
        (tag(f"c:{EPOCH}") + "\\s:x*00\\" + POSITION, "bad_checksum"),
        (sealed("AIVDM,1,1,,A"), "undecodable"),
        (sealed(f"AIVDM,1,2,,A,{PAYLOAD},0"), "undecodable"),
        (sealed(f"AIVDM,x,1,,A,{PAYLOAD},0"), "undecodable"),
        (sealed(f"AIVDM,1,1,,A,{PAYLOAD},6"), "undecodable"),
        (single(""), "undecodable"),
        (single(PAYLOAD[:-1] + "X"), "undecodable"),
        (single(PAYLOAD[:-1] + "\xe9"), "undecodable"),
        (single(PAYLOAD[:-1]), "undecodable"),
        (single(PAYLOAD + "00"), "undecodable"),
        (single("0" + PAYLOAD[1:]), "undecodable"),
        (single("w" + PAYLOAD[1:]), "undecodable"),
        (single("H0000?1"), "undecodable"),
        (single("H00000<000000000000000000000"), "undecodable"),
        (single("802R5Ph0BkAgoPNCkQn0Q@sMKgww"), "other_message"),
        (single("9" + PAYLOAD[1:]), "other_message"),
        (single(";" + PAYLOAD[1:]), "other_message"),
    ],
)
def test_what_is_wrong_with_a_sentence_is_named(line: str, reason: str) -> None:
    timed = line if line.startswith("\\") else f"{line},{EPOCH}"
    assert reasons(timed) == [reason]


def test_lower_case_checksums_hold() -> None:
    assert only(f"{POSITION[:-2]}{POSITION[-2:].lower()},{EPOCH}")["reason"] is None


def test_a_miscounted_fill_does_no_harm() -> None:
    assert only(single(PAYLOAD, fill=5) + f",{EPOCH}")["latitude"] == 41.5


# --------------------------------------------------------------------------------------- texts


def texts_of(log: bytes) -> list[str]:
    return [
        text
        for batch in NMEA.read(io.BytesIO(log), 1_000)
        for text in batch.texts(range(batch.reports.height))
    ]


def test_texts_are_the_lines_and_printable() -> None:
    log = "# Нева\r\n".encode() + b"\xff\xfe\x00!\n" + POSITION.encode()
    assert texts_of(log) == ["# Нева", r"\xff\xfe\x00!", POSITION]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert only(b"\xef\xbb\xbf" + POSITION.encode() + f",{EPOCH}\n".encode())["reason"] is None


def test_a_line_of_ten_megabytes_is_one_row() -> None:
    log = b"x" * 10_000_000 + f"\n{POSITION},{EPOCH}\n!AIVDM,".encode() + b"1" * 10_000_000
    assert read(log).select("row", "reason").rows() == [
        (1, "not_ais"),
        (2, None),
        (3, "bad_checksum"),
    ]
    assert max(map(len, texts_of(log))) < 100_000


def test_an_empty_log_has_no_batch() -> None:
    assert list(NMEA.read(io.BytesIO(b""), 1_000)) == []


# ----------------------------------------------------------------------------------- recognition


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (POSITION.encode(), True),
        (b"# log\r\n\r\n$GPGGA,1*00\r\n" + POSITION.encode(), True),
        (tag(f"s:x,c:{EPOCH}").encode() + POSITION.encode(), True),
        (b"\\g:1-2-3*00\\\\s:x*00\\" + POSITION.encode(), True),
        (b"2012-11-07 22:30:33|352301000|-24.2|-119.0|" + POSITION.encode(), True),
        (b"2023-11-14T22:13:20.5Z " + POSITION.encode(), True),
        (b"\xef\xbb\xbf" + POSITION.encode(), True),
        (b"# " + POSITION.encode(), False),
        (b'{"nmea": "' + POSITION.encode() + b'"}', False),
        (b"time,sentence\n1,'" + POSITION.encode(), False),
        (b"mmsi,timestamp,longitude,latitude\n", False),
        (b"$GPGGA,1*00\n", False),
        (b"", False),
        (b"PAR1\x15\x04", False),
    ],
)
def test_a_log_is_told_by_its_sentences(head: bytes, expected: bool) -> None:
    assert NMEA.recognises(head) is expected


# ------------------------------------------------------------------------------------- payloads


def test_static_data_of_class_a() -> None:
    first, second = parts()
    report = only([tag(f"c:{EPOCH}") + first, second])
    assert {name: report[name] for name in REPORTS_SCHEMA if report[name] is not None} == {
        "row": 1,
        "rows": 2,
        "mmsi": 273_111_222,
        "timestamp": AT,
        "ais_class": "A",
        "message_type": 5,
        "imo": 9_074_729,
        "name": "VOLGA STAR",
        "callsign": "UABC",
        "ship_type": 70,
        "length_m": 139.0,
        "beam_m": 15.0,
        "draught_m": 4.5,
        "destination": "BANDAR ANZALI",
        "eta": "05-04 13:30",
        "is_beacon": False,
    }


def test_static_data_that_says_nothing_is_null() -> None:
    sentences = encode_dict({"type": 5, "mmsi": 273_111_222, "hour": 24, "minute": 60})
    report = only([f"{sentence},{EPOCH}" for sentence in sentences])
    assert (report["reason"], report["mmsi"]) == (None, 273_111_222)
    assert [report[name] for name in [*STATIC_COLUMNS, "beam_m", "eta"]] == [None] * 9


def sent(fields: dict[str, Any]) -> dict[str, Any]:
    (sentence,) = encode_dict(fields)
    return only(f"{sentence},{EPOCH}")


def test_what_is_not_available_stays_as_sent_but_for_type_27() -> None:
    lost = {"lat": 91, "lon": 181, "course": 360, "heading": 511, "status": 15}
    report = sent({"type": 1, "mmsi": 273_111_222, "speed": 102.3, **lost})
    names = ("latitude", "longitude", "sog", "cog", "heading", "nav_status", "ais_class")
    assert [report[name] for name in names] == [91, 181, 102.3, 360, 511, 15, "A"]
    far = sent(
        {"type": 27, "mmsi": 273_111_222, **lost, "speed": 63, "course": 511} | {"heading": 0}
    )
    assert [far[name] for name in names] == [91, 181, None, None, None, 15, None]


def test_class_b_and_its_static_parts() -> None:
    point = {"mmsi": 273_111_222, "lat": 41.5, "lon": 50.25, "speed": 5, "course": 90}
    assert sent({"type": 18, **point})["ais_class"] == "B"
    extended = sent({"type": 19, **point, "shipname": "NEVA", "ship_type": 37, "to_bow": 9})
    assert [extended[name] for name in ("name", "length_m", "latitude")] == ["NEVA", 9, 41.5]
    name = sent({"type": 24, "partno": 0, "mmsi": 273_111_222, "shipname": "NEVA"})
    assert [name[column] for column in ("name", "callsign", "longitude")] == ["NEVA", None, None]
    ship = {"type": 24, "partno": 1, "callsign": "UX1", "ship_type": 37}
    size = {"to_bow": 9, "to_stern": 3, "to_port": 2, "to_starboard": 2}
    report = sent({**ship, **size, "mmsi": 273_111_222})
    columns = ("name", "callsign", "ship_type", "length_m", "beam_m")
    assert [report[column] for column in columns] == [None, "UX1", 37, 12, 4]
    tender = sent({**ship, "mmsi": 982_731_112, "mothership_mmsi": 273_111_222})
    assert [tender[column] for column in columns] == [None, "UX1", 37, None, None]


def test_base_stations_and_aids_to_navigation_are_beacons() -> None:
    point = {"lat": 41.5, "lon": 50.25}
    base = sent({"type": 4, "mmsi": 2_734_411, **point, "year": 1999, "month": 1, "day": 1})
    assert [base[name] for name in ("is_beacon", "timestamp", "latitude")] == [True, AT, 41.5]
    assert sent({"type": 21, "mmsi": 992_731_112, **point})["is_beacon"] is True


def test_garbage_after_the_end_of_a_name_is_dropped() -> None:
    fields = {"type": 24, "partno": 0, "mmsi": 273_111_222}
    assert sent({**fields, "shipname": "NEVA @STAR"})["name"] == "NEVA"
    assert sent({**fields, "shipname": "@STAR"})["name"] is None


def bits_of(payload: str) -> str:
    return "".join(f"{ARMOUR.index(letter):06b}" for letter in payload)


def by_pyais(payload: str, fill: int = 0) -> dict[str, Any]:
    """Return the report's fields as pyais decodes them, in canonical units."""
    vector = int_bit_vector(payload.encode(), fill)
    kind = vector.get(0, 6)
    told = MSG_CLASS[kind].from_vector(vector).asdict(enum_as_int=True)
    fields: dict[str, Any] = {"message_type": kind, "mmsi": told["mmsi"]}
    fields["is_beacon"] = kind in (4, 21)
    if "lon" in told:
        fields |= {"longitude": told["lon"], "latitude": told["lat"]}
    if kind in (1, 2, 3, 18, 19, 27):
        fields |= {"sog": told["speed"], "cog": told["course"]}
        fields |= {"heading": told["heading"]} if kind != 27 else {}
    if kind == 27:
        fields["sog"] = None if told["speed"] == 63 else told["speed"]
        fields["cog"] = None if told["course"] == 511 else told["course"]
    if kind in (1, 2, 3, 27):
        # pyais makes a reserved status "undefined"; the bits say which one it was.
        fields["nav_status"] = vector.get(38 if kind != 27 else 40, 4)
    for column, name in (("name", "shipname"), ("callsign", "callsign")):
        if name in told and kind != 21:
            fields[column] = told[name].split("@")[0].strip(" ") or None
    if "to_bow" in told and kind != 21:
        fields["length_m"] = told["to_bow"] + told["to_stern"] or None
        fields["beam_m"] = told["to_port"] + told["to_starboard"] or None
    if kind in (5, 19, 24) and "ship_type" in told:
        # pyais makes an unknown ship type one it knows; the bits say what was sent.
        fields["ship_type"] = vector.get({5: 232, 19: 263, 24: 40}[kind], 8) or None
    if kind == 5:
        fields["imo"] = told["imo"] or None
        fields["draught_m"] = told["draught"] or None
        fields["destination"] = told["destination"].split("@")[0].strip(" ") or None
        month, day, hour, minute = (told[part] for part in ("month", "day", "hour", "minute"))
        is_whole = 1 <= month <= 12 and day and hour < 24 and minute < 60
        fields["eta"] = f"{month:02}-{day:02} {hour:02}:{minute:02}" if is_whole else None
    return fields


LENGTHS = {4: 28, 5: 71, 18: 28, 19: 52, 21: 46, 24: 28, 27: 16, 1: 28, 2: 28, 3: 28}


@st.composite
def payloads(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(sorted(LENGTHS)))
    rest = draw(
        st.text(st.sampled_from(ARMOUR), min_size=LENGTHS[kind] - 1, max_size=LENGTHS[kind] - 1)
    )
    return ARMOUR[kind] + rest


@settings(max_examples=60, deadline=None)
@given(st.lists(payloads(), min_size=1, max_size=40))
@example([ARMOUR[kind] + "w" * (length - 1) for kind, length in LENGTHS.items()])
@example([ARMOUR[kind] + "0" * (length - 1) for kind, length in LENGTHS.items()])
def test_random_payloads_say_what_pyais_says(texts: list[str]) -> None:
    fill = [2 if len(text) == 71 else 4 if len(text) == 46 else 0 for text in texts]
    messages = pl.DataFrame({"row": range(len(texts)), "payload": texts, "fill": fill})
    decoded = decode_payloads(messages).sort("row")
    for text, bits, report in zip(texts, fill, decoded.iter_rows(named=True), strict=True):
        if text[0] == "H" and int(bits_of(text)[38:40], 2) > 1:
            assert report["reason"] == "undecodable"
            continue
        expected = by_pyais(text, bits)
        assert {name: report.get(name) for name in expected} == expected
        assert report["reason"] is None


# ------------------------------------------------------------------------------------ any log

PIECES = [
    "#",
    "",
    "\\si:AISD*3F\\",
    POSITION,
    POSITION[:-1],
    tag(f"s:a,c:{EPOCH}") + POSITION,
    tag(f"g:1-2-7,s:a,c:{EPOCH}") + parts(sequence="1")[0],
    tag("g:2-2-7") + parts(sequence="1")[1],
    tag(f"g:1-3-7,s:a,c:{EPOCH}") + "$SAVSI",
    tag("g:2-3-7") + POSITION,
    *(f"{part},rB,{EPOCH}" for part in parts(sequence="1")),
    *parts(sequence="2"),
    pghp(POSITION[-2:]),
    pghp("00"),
    single(PAYLOAD, "BSVDO"),
    "\xff\x00,!AIVDM,",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=60), st.integers(1, 7), st.booleans())
def test_every_line_is_in_one_report_however_it_is_cut(
    pieces: list[str], batch_rows: int, is_ended: bool
) -> None:
    log = "\n".join(pieces) + ("\n" if is_ended else "")
    whole = read(log)
    assert read(log, batch_rows).equals(whole)
    assert whole["row"].is_unique().all()


def pair_of(sequence: str, station: str, ending: str = "") -> list[str]:
    first, second = parts(sequence=sequence)
    return [tag(f"s:{station},c:{EPOCH}") + first + ending, tag(f"s:{station}") + second + ending]


# Whole messages mostly, so that keys without any odd part are many.
PAIRS = [
    *(pair_of(sequence, station) for sequence in "123" for station in ("a", "b")),
    *(pair_of("1", "a", "\x1c\r"), parts(sequence="2"), parts(PAYLOAD, "2", "ABVDM")),
    [POSITION],
    *([line] for line in pair_of("1", "a")),
    list(reversed(pair_of("2", "b"))),
    [pair_of("3", "a")[0], pair_of("3", "b")[1]],
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PAIRS), max_size=14), st.integers(0, 20))
@example([pair_of("1", "a")[:1], pair_of("1", "b"), pair_of("1", "a")[1:]], 0)
@example([pair_of("1", "a"), pair_of("1", "a")[1:]], 1)
def test_pairs_taken_at_once_are_the_messages_of_part_after_part(
    pieces: list[list[str]], first_block: int
) -> None:
    log = "".join(f"{line}\n" for piece in pieces for line in piece)
    lines = read_lines(log.encode("latin-1"), Context())
    several = lines.filter(pl.col("total") > 1)
    at_once, one_by_one = Groups(), Groups()
    found = [at_once.take(several.head(first_block)), at_once.take(several.slice(first_block))]
    found.append(to_messages(at_once.close()))
    rows = several.select(Part._fields).iter_rows()
    wanted = [group for row in rows for group in one_by_one.add(Part(*row))]
    wanted += one_by_one.close()
    assert pl.concat(found).sort("row").equals(to_messages(wanted).sort("row"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(content: bytes) -> None:
    read(content.removeprefix(b"\xef\xbb\xbf"))


# ------------------------------------------------------------------------------------- samples

# What each sample holds: positions of ships, static reports, beacons, and rows refused by reason.
# All are rows as sent: duplicates, and positions "not available", are still in.
SAMPLES: dict[str, tuple[int, int, int, dict[str, int]]] = {
    "nmea/aisdb_test_data_20211101.nm4.gz": (917, 46, 16, {"not_ais": 3, "other_message": 4}),
    "nmea/dma_AisAbnormal_538004030_drift_1.ais.gz": (5029, 223, 0, {"not_ais": 10629}),
    "nmea/dma_AisAbnormal_ais-sample.txt.gz": (24688, 130, 1259, {"not_ais": 54100}),
    "nmea/dma_AisLib_stream_example.txt": (2988, 498, 166, {"not_ais": 4051, "other_message": 411}),
    "nmea/gfw_ais-listener_mixed-nmea.txt": (
        19,
        2,
        0,
        {"bad_checksum": 1, "no_time": 21, "not_ais": 1},
    ),
    "nmea/gfw_ais-listener_nmea-with-tagblock.txt": (
        8220,
        1132,
        137,
        {"incomplete_group": 1, "other_message": 99},
    ),
    "nmea/gfw_ais-tools_mixed_types.nmea": (30, 15, 10, {"no_time": 55, "other_message": 54}),
    "nmea/gfw_ais-tools_multi-part.nmea": (0, 10, 0, {"no_time": 20, "other_message": 73}),
    "nmea/gpsd_ais-nmea.log": (144, 21, 0, {"no_time": 177, "not_ais": 1317, "other_message": 6}),
    "nmea/gpsd_sample.aivdm": (12, 11, 6, {"no_time": 33, "not_ais": 1003, "other_message": 85}),
    "nmea/libais_typeexamples.nmea": (5, 2, 2, {"other_message": 17}),
    "nmea/opencpn_stupan.se-10112-tcp.log.gz": (
        1084,
        78,
        71,
        {"no_time": 1264, "not_ais": 943, "other_message": 31},
    ),
    "nmea/pyais_nmea_data_sample.txt": (
        762,
        2,
        6,
        {"incomplete_group": 20, "no_time": 770, "other_message": 8, "undecodable": 100},
    ),
    "nmea/signalk_nais400-merrimac.log": (
        555,
        40,
        38,
        {"no_time": 668, "not_ais": 62, "other_message": 35},
    ),
    "nmea/spacequest_sq1.ais": (28, 0, 0, {}),
    "nmea/uscg_ccom_2016-07-28_aa.nmea.gz": (
        42224,
        2066,
        10795,
        {"not_ais": 40598, "other_message": 2945, "undecodable": 2},
    ),
}

# The inventory counts sentences of three talkers only and leaves out what its tool could not join;
# here `!--VDM` and all parts count.
TYPES_BEYOND_THE_INVENTORY = {
    "nmea/dma_AisLib_stream_example.txt": {1: 3, 3: 1, 4: 1, 5: 8, 20: 2},
    # The inventory counts sentences that stand in comments, and one part without its "!".
    "nmea/gpsd_sample.aivdm": {6: -1, 8: -2, 24: -1, 25: -2},
}
# It calls the cut last line undecodable as well as without a checksum, and counts two sentences
# of gpsd's sample that stand in comments.
UNDECODABLE_BEYOND_THE_INVENTORY = {
    "nmea/gfw_ais-listener_mixed-nmea.txt": -1,
    "nmea/gpsd_sample.aivdm": -2,
}
LARGE_LINES = 20_000


def read_sample(name: str) -> pl.DataFrame:
    feed = open_feed(sample(name), FeedRules())
    assert feed.format == "nmea"
    return pl.concat([batch.reports for batch in feed.batches]).sort("row")


def lines_of(name: str) -> list[str]:
    content = sample(name).read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    return content.decode("latin-1").split("\n")


def count(reports: pl.DataFrame) -> tuple[int, int, int, dict[str, int]]:
    """Return positions of ships, static reports, beacons and rows refused by reason."""
    is_beacon, kind = pl.col("is_beacon"), pl.col("message_type")
    counts = reports.filter(kind.is_in(USED_TYPES)).select(
        (pl.col("longitude").is_not_null() & ~is_beacon).sum().alias("positions"),
        kind.is_in([5, 19, 24]).sum().alias("statics"),
        is_beacon.sum().alias("beacons"),
    )
    refused = reports.filter(pl.col("reason").is_not_null())
    by_reason = refused.group_by("reason").agg(pl.col("rows").sum()).sort("reason")
    return (*counts.row(0), dict(by_reason.iter_rows()))


def inventory(name: str) -> dict[str, Any]:
    """Return what the samples' inventory says of a file."""
    sample(name)
    text = (SHARED / "INDEX.md").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"`{name}`"))
    found = re.search(
        r"lines (\d+), .* bad checksum (\d+), no checksum (\d+), undecodable (\d+), .*"
        r"types \{(.*?)\}, positions (\d+): lat91 (\d+)",
        line,
    )
    assert found
    lines, bad, missing, undecodable, types, positions, lost = found.groups()
    return {
        "lines": int(lines),
        "bad_checksum": int(bad) + int(missing),
        "undecodable": int(undecodable),
        "types": {int(key): int(value) for key, value in re.findall(r"(\d+): (\d+)", types)},
        "positions": int(positions),
        "lost": int(lost),
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_to_the_end(name: str) -> None:
    reports = read_sample(name)
    lines = lines_of(name)
    assert reports["rows"].sum() == len(lines) - (lines[-1] == "")
    assert count(reports) == SAMPLES[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_agrees_with_the_inventory(name: str) -> None:
    told, reports = inventory(name), read_sample(name)
    types = dict(reports["message_type"].drop_nulls().value_counts().iter_rows())
    beyond = TYPES_BEYOND_THE_INVENTORY.get(name, {})
    assert {kind: types.get(kind, 0) - beyond.get(kind, 0) for kind in told["types"]} == told[
        "types"
    ]
    refused = count(reports)[3]
    assert reports["rows"].sum() == told["lines"]
    assert refused.get("bad_checksum", 0) == told["bad_checksum"]
    undecodable = refused.get("undecodable", 0)
    assert undecodable - UNDECODABLE_BEYOND_THE_INVENTORY.get(name, 0) == told["undecodable"]
    # It counts whatever has a latitude, so the weather, aircraft and corrections of 8, 9, 11 and
    # 17 too: files without these must agree to the position.
    points = reports.filter(pl.col("longitude").is_not_null())
    if not {8, 9, 11, 17} & types.keys():
        assert points.height == told["positions"]
        assert points.filter(pl.col("latitude") == 91).height == told["lost"]
    else:
        others = sum(types.get(kind, 0) for kind in (8, 9, 11, 17))
        assert 0 <= told["positions"] - points.height <= others


def messages_of(lines: list[str]) -> dict[int, tuple[str, int]]:
    """Return payload and fill of each whole message by the row of its first part, naively."""
    begun: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    messages: dict[int, tuple[str, int]] = {}
    sentence = re.compile(r"!(..VD[MO]),(\d),(\d),(\d?),([^,]*),([^,]*),(\d)\*")
    for row, line in enumerate(lines, start=1):
        found = sentence.search(line)
        if found is None or line.startswith("#"):
            continue
        talker, total, part, sequence, channel, payload, fill = found.groups()
        key = (talker, total, sequence, channel)
        group = [*(begun.pop(key, []) if part != "1" else []), (row, payload)]
        if len(group) == int(part) == int(total):
            messages[group[0][0]] = ("".join(text for _, text in group), int(fill))
        else:
            begun[key] = group
    return messages


@pytest.mark.parametrize("name", SAMPLES)
def test_a_samples_messages_say_what_pyais_says(name: str) -> None:
    """Every field of every message; of the large logs every seventh message."""
    lines, reports = lines_of(name), read_sample(name)
    step = 7 if len(lines) > LARGE_LINES else 1
    decoded = reports.filter(
        pl.col("message_type").is_in(USED_TYPES)
        & (pl.col("reason").is_null() | pl.col("reason").is_in(["no_time", "bad_time"]))
    )
    messages = messages_of(lines)
    compared = 0
    for report in decoded.gather_every(step).iter_rows(named=True):
        expected = by_pyais(*messages[report["row"]])
        assert {column: report[column] for column in expected} == expected
        compared += 1
    assert compared or name.endswith("multi-part.nmea")


def json_objects(name: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a file, one after the other, whatever stands between."""
    text, decoder, at = sample(name).read_text("utf-8"), json.JSONDecoder(), 0
    found = []
    while (at := text.find("{", at)) >= 0:
        one, at = decoder.raw_decode(text, at)
        found.append(one)
    return found


def as_gpsd(report: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Return, in gpsd's names, what the report says of what gpsd told."""
    names = {"mmsi": "mmsi", "lon": "longitude", "lat": "latitude", "imo": "imo"}
    if told["type"] not in (4, 21):
        names |= {"heading": "heading", "callsign": "callsign", "shipname": "name"}
        names |= {"speed": "sog", "course": "cog", "status": "nav_status", "draught": "draught_m"}
        names |= {"shiptype": "ship_type", "destination": "destination"}
    if told["type"] == 24:
        # gpsd joins the two parts of type 24; here each says what it carries.
        names = {key: name for key, name in names.items() if report[name] is not None}
    return {key: report[name] for key, name in names.items() if key in told}


def scaled(told: dict[str, Any]) -> dict[str, Any]:
    """Return an unscaled gpsd object in degrees, knots and metres."""
    if told["scaled"]:
        return told
    per_degree = 600 if told["type"] == 27 else 600_000
    tenths = () if told["type"] == 27 else ("speed", "course")
    return (
        told
        | {key: told[key] / per_degree for key in ("lon", "lat") if key in told}
        | {key: told[key] / 10 for key in (*tenths, "draught") if key in told}
    )


GPSD_SAYS_NULL_WITH_ZERO = {
    "imo",
    "draught",
    "shiptype",
    "destination",
    "callsign",
    "shipname",
}
# gpsd keeps part A of type 24 for itself until part B comes; these two never get one.
NOT_TOLD_BY_GPSD = {(24, 271_041_511), (24, 271_020_195)}


@pytest.mark.parametrize("name", ["nmea/gpsd_sample.aivdm.js.chk", "nmea/gpsd_sample.aivdm.ju.chk"])
def test_gpsds_sample_says_what_gpsd_says(name: str) -> None:
    told = [scaled(one) for one in json_objects(name) if one.get("type") in USED_TYPES]
    reports = read_sample("nmea/gpsd_sample.aivdm").filter(
        pl.col("message_type").is_in(USED_TYPES) & (pl.col("reason") == "no_time")
    )
    rest = list(reports.iter_rows(named=True))
    for one in told:
        matches = [
            report
            for report in rest
            if (report["message_type"], report["mmsi"]) == (one["type"], one["mmsi"])
        ]
        # Both parts of a type 24 stand for gpsd's one object; what is sent twice is told twice.
        for report in matches if one["type"] == 24 else matches[:1]:
            rest.remove(report)
            expected = {key: one[key] for key in as_gpsd(report, one)}
            for key in GPSD_SAYS_NULL_WITH_ZERO & expected.keys():
                expected[key] = expected[key] or None
            # gpsd prints type 27, which counts tenths of a minute, with four decimals.
            precision = 5e-5 if one["type"] == 27 else 6e-7
            assert as_gpsd(report, one) == pytest.approx(expected, abs=precision)
    assert {(report["message_type"], report["mmsi"]) for report in rest} == NOT_TOLD_BY_GPSD


def test_libais_examples_say_what_libais_says() -> None:
    reports = read_sample("nmea/libais_typeexamples.nmea")
    told = {
        (one["type"], one["mmsi"]): one
        for one in json_objects("nmea/libais_typeexamples.json")
        if one["type"] in USED_TYPES
    }
    compared = 0
    for report in reports.filter(pl.col("reason").is_null()).iter_rows(named=True):
        one = told[report["message_type"], report["mmsi"]]
        names = {"x": "longitude", "lon": "longitude", "lat": "latitude", "speed": "sog"}
        names |= {"course": "cog", "heading": "heading", "shipname": "name", "callsign": "callsign"}
        if report["is_beacon"]:
            names = {"lon": "longitude", "lat": "latitude"}
        found = {key: report[name] for key, name in names.items() if one.get(key) is not None}
        # libais calculates with single precision.
        assert found == pytest.approx({key: one[key] for key in found}, abs=1e-4)
        compared += 1
    assert compared == 9
    # Of the two epochs of a line the first one is the time.
    first = lines_of("nmea/libais_typeexamples.nmea")[0].split(",")
    times = [datetime.fromtimestamp(int(epoch), UTC).replace(tzinfo=None) for epoch in first[-2:]]
    assert (reports["timestamp"][0], reports["station"][0]) == (times[0], "r003669946")


def test_orbcomm_tag_blocks_say_what_libais_says() -> None:
    """The sentences are made from what libais decoded: its tagged log is not at hand."""
    for one in json_objects("nmea/libais_tagblock.json"):
        time = datetime.fromisoformat(one["tagblock_timestamp"]).replace(tzinfo=UTC)
        inside = f"s:{one['tagblock_station']},q:u,c:{int(time.timestamp())},T:{one['tagblock_T']}"
        fields = {
            key: value for key, value in one.items() if key not in ("turn", "imo", "timestamp")
        }
        # Single precision; pyais cuts off where it encodes.
        fields |= {key: round(one[key], 1) for key in ("speed", "course") if key in one}
        sentences = encode_dict(fields)
        if len(sentences) == 1:
            log = [tag(inside) + sentences[0]]
        else:
            log = [tag(f"g:{n}-2-1604,{inside}") + text for n, text in enumerate(sentences, 1)]
        report = only(log)
        assert report["timestamp"] == time.replace(tzinfo=None)
        assert report["station"] == one["tagblock_station"]
        if "lon" in one:
            found = [report[key] for key in ("longitude", "latitude", "sog", "cog")]
            assert found == pytest.approx(
                [one[key] for key in ("lon", "lat", "speed", "course")], abs=1e-4
            )
        else:
            assert report["name"] == one["shipname"]


def test_spacequest_rows_are_those_of_its_csv() -> None:
    reports = read_sample("nmea/spacequest_sq1.ais")
    with sample("nmea/spacequest_sq1.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert reports.height == len(rows)
    for report, row in zip(reports.iter_rows(named=True), rows, strict=True):
        assert report["timestamp"] == datetime.fromisoformat(row["datetime"])
        assert report["mmsi"] == int(row["MMSI"])
        for ours, theirs in (
            ("latitude", "latitude"),
            ("longitude", "longitude"),
            ("heading", "true_heading"),
            ("sog", "sog"),
            ("cog", "cog"),
        ):
            assert report[ours] == pytest.approx(float(row[theirs]), rel=1e-6)
