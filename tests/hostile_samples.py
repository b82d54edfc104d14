"""A small sound file of every feed format, and the contract that any bytes must keep.

The seeds of tests/test_hostile.py and tests/fuzz_feeds.py; made here and from the samples of the
tests of the formats.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgpack
import polars as pl

from pipeline import clean
from pipeline.areas import Areas, load_areas
from pipeline.areas_folder import read_folder
from pipeline.errors import ConfigError, RawFileError
from pipeline.feeds import canonical, open_feed
from pipeline.feeds.base import REPORTS_SCHEMA, FeedFormat
from pipeline.feeds.formats import TABULAR_FORMATS
from pipeline.feeds.mapping import MappedFormat, MappingFile, load_mapping, to_layout
from pipeline.feeds.nmea import NMEA
from pipeline.feeds.records import RecordFormat
from pipeline.feeds.table import TableFormat
from pipeline.indicator import read_baseline
from pipeline.registry import read_registry
from pipeline.rules import CleanRules, FeedRules, load_rules, rules_frame
from pipeline.schema import REASONS
from pipeline.user_evidence import EvidenceFiles, read_evidence
from tests.night import GEO
from tests.test_feeds_json import envelope
from tests.test_feeds_nmea import POSITION, parts, pghp, tag
from tests.test_feeds_tabular import DMA_ROW

LONGEST_MESSAGE = 1_000
INT32_KEYS = ("row", "rows")

# Two ships and a base station, by canonical column.
ROWS: list[dict[str, Any]] = [
    {
        "mmsi": 273123456 + number,
        "timestamp": time,
        "received_at": time,
        "longitude": 49.5 + number,
        "latitude": 42.25,
        "sog": 10.1,
        "cog": 200.5,
        "heading": 511,
        "nav_status": 5,
        "message_type": kind,
        "ais_class": "A",
        "receiver": "satellite",
        "station": "FM103",
        "imo": 9627980,
        "name": "ANNA, KARENINA",
        "callsign": "UABC",
        "ship_type": 70,
        "length_m": 140,
        "beam_m": 16.5,
        "draught_m": 3.7,
        "destination": "BAKU",
        "eta": "01-12 10:00",
        "bow": 100,
        "stern": 40,
        "port": 8,
        "starboard": 8,
        "is_beacon": "Class A",
        "is_integers": time,
        "eta_month": 1,
        "eta_day": 12,
        "eta_hour": 10,
        "eta_minute": 0,
        "reason": None,
    }
    for number, (time, kind) in enumerate(
        (
            ("2023-01-11T12:00:00Z", 1),
            ("2023-01-11 12:00:01.25+03:30", 5),
            ("1673438402", 18),
            ("1673438403000", 4),
            ("20230111_120004", 24),
            ("11/01/2023 12:00:05", 27),
        )
    )
]


def in_sources(one: TableFormat | RecordFormat, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row in the provider's columns, with the columns that mark the format."""
    found = {field.sources[0]: row[name] for name, field in one.layout.fields.items()}
    there = {name.lower() for name in found}
    return found | {mark: "" for mark in sorted(one.layout.marks) if mark not in there}


def as_csv(rows: Iterable[dict[str, Any]], separator: str = ",") -> bytes:
    """Return the rows as delimited text with a header."""
    frame = pl.DataFrame([{key: str(value) for key, value in row.items()} for row in rows])
    return frame.write_csv(separator=separator).encode()


def as_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Return the rows as one JSON object a line."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_parquet() -> bytes:
    """Return canonical rows as Parquet."""
    buffer = io.BytesIO()
    at = datetime(2023, 1, 11, 12)
    names = [name for name in REPORTS_SCHEMA if name in ROWS[0] and name != "reason"]
    rows = [{name: row[name] for name in names} for row in ROWS]
    rows = [row | {"timestamp": at, "received_at": at, "is_beacon": False} for row in rows]
    pl.DataFrame(rows).write_parquet(buffer)
    return buffer.getvalue()


def as_nmea() -> bytes:
    """Return a log in several dialects."""
    first, second = parts()
    lines = [
        tag("s:a,c:1700000000") + POSITION,
        f"{POSITION},rFM103,1700000000",
        f"1700000001 {POSITION}",
        f"2012-11-07 22:30:33|273123456|41.5|50.2|{POSITION}",
        tag("g:1-2-7,s:a,c:1700000000") + first,
        tag("g:2-2-7") + second,
        f"2012-11-07 22:30:33|273123456|41.5|50.2|{first}",
        second,
        pghp(POSITION[-2:]),
        POSITION,
        "# a comment",
        "",
    ]
    return "\n".join(lines).encode()


POINT_FEATURE = {
    "type": "Feature",
    "properties": {"mmsi": 257166400, "msgtime": "2023-01-11T12:00:00Z", "speedOverGround": 1},
    "geometry": {"type": "Point", "coordinates": [10.5, 60.5]},
}
DMA_RECORD = {
    "Timestamp": "2023-01-11T12:00:00Z",
    "MMSI": 219000001,
    "MsgType": "static_data",
    "Class": "Class A",
    "Position": {"type": "Point", "coordinates": [57.5, 10.25]},
    "SoG": 1.5,
    "CoG": 10,
}
POSITION_MESSAGE = envelope("PositionReport", MessageID=1, Latitude=42.5, Longitude=49.5)

MAPPING = MappingFile.model_validate(
    {
        "name": "harbour",
        "match": ["Vessel id"],
        "separator": ";",
        "decimal": ",",
        "fields": {
            "mmsi": "Vessel id",
            "timestamp": {
                "column": "Time",
                "time_format": "%d.%m.%Y %H:%M",
                "zone": "Europe/Moscow",
            },
            "received_at": {"column": "Seen", "time_format": "epoch_ms"},
            "longitude": {"column": "X", "unit": "1/600000deg"},
            "latitude": "Y",
            "sog": {"column": "Speed", "unit": "km/h"},
            "name": "Name",
        },
    }
)
HARBOUR = MappedFormat(MAPPING, to_layout(MAPPING))
HARBOUR_CSV = (
    "Vessel id;Time;Seen;X;Y;Speed;Name\n"
    "273123456;11.01.2023 12:00;1673438403000;29700000;42,5;10,5;АННА\n"
    '273123457;11.01.2023 12:01;;29700000;42,5;;"A;B"\n'
)


def make_seeds() -> dict[str, list[bytes]]:
    """Return sound files by name of the format; each is recognised as its format."""
    seeds: dict[str, list[bytes]] = {"nmea": [as_nmea()], "parquet": [as_parquet()]}
    for one in TABULAR_FORMATS:
        if isinstance(one, TableFormat):
            seeds[one.name] = [as_csv(in_sources(one, row) for row in ROWS)]
        elif isinstance(one, RecordFormat):
            seeds[one.name] = [as_lines(in_sources(one, row) for row in ROWS)]
    seeds["dma"].append(DMA_ROW.replace(",", ";").encode() + b"\n")
    seeds["canonical"].append(as_csv([{name: ROWS[0][name] for name in canonical.REQUIRED}], ";"))
    both = {"a": POSITION_MESSAGE, "b": POSITION_MESSAGE}
    seeds["aisstream"] = [as_lines([POSITION_MESSAGE, both])]
    seeds["aishub_json"].append(
        json.dumps([{"ERROR": False}, json.loads(seeds["aishub_json"][0].split(b"\n")[0])]).encode()
    )
    seeds["barentswatch"] += [
        json.dumps({"type": "FeatureCollection", "features": [POINT_FEATURE] * 2}).encode(),
        b"event:a\ndata:" + json.dumps(POINT_FEATURE).encode() + b"\n\n",
    ]
    seeds["dma_json"] = [as_lines([DMA_RECORD] * 2)]
    packed = [in_sources(_packed_records(), row) for row in ROWS]
    seeds["gpsdio"] = [b"".join(bytes(msgpack.packb(row) or b"") for row in packed)]
    seeds["harbour"] = [HARBOUR_CSV.encode(), HARBOUR_CSV.encode("cp1251")]
    return seeds


def _packed_records() -> RecordFormat:
    from pipeline.feeds.gfw import MESSAGES_JSON

    return MESSAGES_JSON


SEEDS = make_seeds()
FORMATS: dict[str, FeedFormat] = {one.name: one for one in (NMEA, *TABULAR_FORMATS, HARBOUR)}


# ----------------------------------------------------------------------------- the contract


class BrokenContractError(AssertionError):
    """A reader did what no bytes may make it do."""


@dataclass(frozen=True)
class Read:
    """What came of a raw file: its rows by fate, or why it was refused."""

    format: str | None
    rows: int
    accepted: int
    refusal: str | None


def read_path(path: Path, batch_rows: int = 1_000) -> Read:
    """Return what the reader makes of a raw file, every promise held against it.

    Raises:
        BrokenContractError: naming the promise that is broken; any other exception but those of
            this project's own is one, too.
    """
    rules = FeedRules().model_copy(update={"batch_rows": batch_rows})
    name, rows, accepted = None, 0, 0
    try:
        opened = open_feed(path, rules, [HARBOUR])
        name = opened.format
        for batch in opened.batches:
            read, good = hold_batch(batch.reports, batch.texts(range(batch.reports.height)))
            rows += read
            accepted += good
    except RawFileError as error:
        return Read(name, 0, 0, hold_refusal(error))
    return Read(name, rows, accepted, None)


def hold_refusal(error: RawFileError) -> str:
    """Return the message of a refusal after holding it against what one must be."""
    message = str(error)
    if not message.strip() or not message.isprintable():
        raise BrokenContractError(f"no printable line: {message!r}") from error
    if len(message) > LONGEST_MESSAGE:
        raise BrokenContractError(f"{len(message)} characters in one message") from error
    if "unexpected" in message:
        raise BrokenContractError(message) from error
    return message


def hold_batch(
    reports: pl.DataFrame, texts: list[str], *, is_partly_told: bool = False
) -> tuple[int, int]:
    """Return (rows, rows accepted) of a batch after holding it against the contract.

    Args:
        reports: of the batch.
        texts: of all rows, or of some.
        is_partly_told: whether `texts` are those of some rows.
    """
    if reports.schema != REPORTS_SCHEMA:
        raise BrokenContractError("columns are not those of schema.Reports")
    if len(texts) != reports.height and not is_partly_told:
        raise BrokenContractError("not one text per report")
    for text in texts:
        text.encode()
    if any(reports[column].null_count() for column in ("row", "rows", "is_beacon")):
        raise BrokenContractError("a report has no row, no count of rows or is no beacon either")
    if reports.height and not (reports["rows"] >= 1).all():
        raise BrokenContractError("a report stands for less than one row")
    if not (reports["row"].is_sorted() and reports["row"].is_unique().all()):
        raise BrokenContractError("rows are out of order or told twice")
    judged = clean.judge_reports(reports, CleanRules())
    unknown = set(judged["reason"].drop_nulls()) - set(REASONS)
    if unknown:
        raise BrokenContractError(f"reasons nobody knows: {unknown}")
    accepted = judged.filter(pl.col("reason").is_null())
    for pick in (clean.pick_sightings, clean.pick_statics, clean.pick_beacons):
        picked = pick(judged)
        # What the night does with instants: as Python's and as days.
        picked["seen_at"].to_list()
        picked["seen_at"].dt.date().to_list()
        if "received_at" in picked.columns:
            picked["received_at"].to_list()
        if not set(picked["row"]) <= set(accepted["row"]):
            raise BrokenContractError(f"{pick.__name__} picks a refused row")
    parted = judged.filter(
        ~(pl.col("is_position") | pl.col("is_static") | pl.col("is_beacon"))
        & pl.col("reason").is_null()
    )
    if parted.height:
        raise BrokenContractError("an accepted row is neither sighting, static report nor beacon")
    return int(judged["rows"].sum()), int(accepted["rows"].sum())


def read_directly(feed: FeedFormat, raw: bytes, batch_rows: int) -> None:
    """Read bytes that the format would not recognise, the contract held."""
    try:
        for batch in feed.read(io.BytesIO(raw), batch_rows):
            hold_batch(batch.reports, batch.texts(range(batch.reports.height)))
    except RawFileError as error:
        hold_refusal(error)


# ------------------------------------------------------------------------------ users' files

SQUARE: dict[str, Any] = {
    "type": "Feature",
    "properties": {
        "id": "sea",
        "name": "Sea",
        "kind": "port",
        "country": "IRN",
        "port_group": "neka",
        "source": "own",
        "licence": "CC0",
    },
    "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
}
GEOJSON = json.dumps({"type": "FeatureCollection", "features": [SQUARE]}).encode()
AREAS = b"""name = "a"
features = ["areas.geojson"]
region = "areas.geojson"
seasons = "seasons.csv"
closures = "closures.csv"
default_month_area = "other"
month_areas = [{ id = "caspian", of = ["sea"] }]
"""
DATED = {
    "seasons.csv": b"waterway,year,opened_on,closed_on,days,source\n"
    b"sea,2021,2021-04-01,2021-12-03,,x\n",
    "closures.csv": b"waterway,closed_from,closed_to,reason,source\n"
    b"sea,2021-05-09T00:00:00,2021-05-13T00:00:00,x,x\n",
}
SETTINGS: dict[str, list[bytes]] = {
    "mapping.toml": [
        b"""name = "harbour"
title = "Harbour"
match = ["A"]
files = ["*.csv"]
separator = ";"
decimal = ","
[fields]
mmsi = "A"
timestamp = { column = "B", time_format = "%d.%m.%Y %H:%M", zone = "Europe/Moscow" }
longitude = { column = "C", unit = "0.1deg" }
latitude = "D"
""",
        b'name = "a"\nhas_header = false\ncolumns = ["a", "b"]\n'
        b'fields = { mmsi = "a", timestamp = "b" }\n',
    ],
    "rules.toml": [
        b"""[feeds]
batch_rows = 5000
archive_max_ratio = 10.5
[clean]
earliest_time = "2001-01-01T00:00:00"
reject_not_a_ship = false
[gaps]
ladder_h = [4, 6]
min_gap_s = 10
"""
    ],
    "registry.csv": [
        b"mmsi,imo,flag,fleet,valid_from,valid_to,source,analyst\n"
        b"273123456,,RUS,,2023-05-01,2023-06-01T06:00:00Z,own,me\n"
        b",9627980,,merchant,,,own,\n"
    ],
    "confirmations.csv": [
        b"mmsi,imo,port,seen_at,is_present,source,analyst,entered_on\n"
        b"273123456,,aktau,2023-05-01T06:00:00Z,yes,own image,me,2023-06-01\n"
        b",9627980,port_aktau,2023-05-01 06:00,no,\xd0\xb8,me,2023-06-01\n"
    ],
    "reviews.csv": [
        b"call_id,verdict,reason,analyst,reviewed_on\n"
        b"0123456789abcdef,disagree,=1+1,me,2023-06-01\n"
    ],
    "watch_list.csv": [b"mmsi,imo,source,analyst,listed_on,note\n273123456,,own,me,2023-06-01,\n"],
    "baseline.csv": [
        b"month,scope,flag,area,port_group,at_least_h,ships,gaps,ship_hours,expected_calls,visits,"
        b"observability,source\n"
        b"2021-05,ru_ir_crossing,all,all,all,30,40,120,9000.5,1.5,60,0.8,own\n"
        b"2020-05-01,all,RUS,caspian,none,30,,7,,,,,own\n"
    ],
    "areas.toml": [AREAS],
    "areas.geojson": [GEOJSON],
}


@cache
def ports() -> Areas:
    """Return the ports that confirmations may name."""
    return load_areas(GEO)


def hold_settings(name: str, raw: bytes, folder: Path) -> str | None:
    """Return why a user's file is refused, None where it is not; the contract held."""
    for other, content in {"areas.toml": AREAS, "areas.geojson": GEOJSON, **DATED}.items():
        (folder / other).write_bytes(content)
    (folder / name).write_bytes(raw)
    return read_settings(name, folder)


def read_settings(name: str, folder: Path) -> str | None:
    """Return why the user's file in a folder is refused, None where it is not."""
    path = folder / name
    read = {
        "mapping.toml": lambda: load_mapping(path),
        "rules.toml": lambda: rules_frame(load_rules(path)),
        "registry.csv": lambda: read_registry(path),
        "confirmations.csv": lambda: read_evidence(EvidenceFiles(confirmations=path), ports()),
        "reviews.csv": lambda: read_evidence(EvidenceFiles(reviews=path), ports()),
        "watch_list.csv": lambda: read_evidence(EvidenceFiles(watch_list=path), ports()),
        "baseline.csv": lambda: read_baseline(path),
    }.get(name, lambda: read_folder(folder))
    try:
        read()
    except ConfigError as error:
        message = str(error)
        if not message.strip() or not message.isprintable() or len(message) > LONGEST_MESSAGE:
            raise BrokenContractError(f"no printable line: {message!r}") from error
        return message
    return None
