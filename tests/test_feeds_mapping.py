"""A feed format of the user's own: what a mapping file may say, and what it reads."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import ConfigError, RawFileError
from pipeline.feeds.mapping import MappedFormat, load_mapping
from tests.feed_reading import Unseekable, read, told, unpack
from tests.shared_data import sample

NOON = datetime(2023, 1, 11, 12, 0, 0)

LOGGER = """
name = "logger"
title = "logger of the port"
separator = ";"
decimal = ","

[fields]
mmsi = "ship"
timestamp = { column = "local time", time_format = "%d.%m.%Y %H:%M:%S", zone = "Asia/Tehran" }
longitude = { column = "x", unit = "1/10000min" }
latitude = { column = "y", unit = "1/600000deg" }
sog = { column = "v", unit = "km/h" }
cog = { column = "c", unit = "0.1deg" }
draught_m = { column = "d", unit = "cm" }
nav_status = "state"
name = "name"
"""
LOGGER_TEXT = (
    "ship;local time;x;y;v;c;d;state;name;else\n"
    "273123456;11.01.2023 15:30:00;29700000;23340000;18,52;2005;370;Moored;ANNA;1\n"
)


@pytest.fixture
def mapping_of(tmp_path: Path) -> Any:
    def load(text: str) -> MappedFormat:
        file = tmp_path / "mapping.toml"
        file.write_text(text, "utf-8")
        return load_mapping(file)

    return load


def test_units_times_and_zones_become_canonical(mapping_of: Any) -> None:
    feed = mapping_of(LOGGER)
    assert feed.recognises(LOGGER_TEXT.encode())
    reports, texts = read(feed, LOGGER_TEXT.encode())
    assert told(reports) == {
        "mmsi": 273_123_456,
        "timestamp": NOON,
        "longitude": 49.5,
        "latitude": 38.9,
        "sog": 10.0,
        "cog": 200.5,
        "draught_m": 3.7,
        "nav_status": 5,
        "name": "ANNA",
    }
    assert texts == LOGGER_TEXT.splitlines()[1:]
    assert (feed.name, feed.title) == ("logger", "logger of the port")
    assert "local time" in feed.needs


def test_rows_that_do_not_fit_the_mapping_are_told(mapping_of: Any) -> None:
    rows = "273123456;2023-01-11 15:30:00;1;1;;;;;;\n273123456;;1;1;;;;;;\n1;2\n"
    header = LOGGER_TEXT.splitlines()[0]
    reports, _ = read(mapping_of(LOGGER), f"{header}\n{rows}".encode())
    assert reports["reason"].to_list() == ["bad_time", "no_time", "malformed_row"]


HEADERLESS = """
name = "archimedes"
files = ["archimedes_vessels*", "*/x.csv"]
separator = " "
has_header = false
columns = ["id", "lon", "lat", "epoch"]

[fields]
mmsi = { column = "id" }
timestamp = { column = "epoch", time_format = "epoch_s" }
longitude = { column = "lon", unit = "deg" }
latitude = { column = "lat" }
"""


def test_a_file_without_a_header_is_known_by_name_and_number_of_fields(mapping_of: Any) -> None:
    feed = mapping_of(HEADERLESS)
    head = b"5 23.48402 37.35515 1722468684\n"
    assert feed.matches_file("archimedes_vessels.csv.gz", head)
    assert feed.matches_file("2024/x.csv", head)
    assert not feed.matches_file("other.csv", head)
    assert not feed.matches_file("archimedes_vessels.csv.gz", b"5 23.48402 37.35515\n")
    reports, _ = read(feed, head)
    assert told(reports) == {
        "mmsi": 5,
        "timestamp": datetime(2024, 7, 31, 23, 31, 24),
        "longitude": 23.48402,
        "latitude": 37.35515,
    }


def test_the_tracks_of_archimedes_are_read_to_the_last_row(mapping_of: Any) -> None:
    raw = unpack(sample("csv/archimedes_vessels.csv.gz"))
    reports, _ = read(mapping_of(HEADERLESS), raw, batch_rows=5000)
    assert len(reports) == len(raw.splitlines())
    assert reports["reason"].is_null().all()
    assert reports["mmsi"].n_unique() == 5


def test_match_names_columns_that_are_not_used(mapping_of: Any) -> None:
    feed = mapping_of(LOGGER.replace("separator", 'match = ["ship", "else"]\nseparator'))
    assert feed.recognises(LOGGER_TEXT.encode())
    assert not feed.recognises(LOGGER_TEXT.replace("else", "other").encode())


def test_a_missing_column_refuses_the_file(mapping_of: Any) -> None:
    feed = mapping_of(LOGGER.replace("separator", 'match = ["ship"]\nseparator'))
    raw = LOGGER_TEXT.replace(";v;", ";speed;").encode()
    assert feed.recognises(raw)
    with pytest.raises(RawFileError, match="logger of the port: column 'v' is missing"):
        read(feed, raw)


PARQUET = """
name = "lake"
[fields]
mmsi = "ship"
timestamp = { column = "t", TIME }
longitude = "x"
latitude = "y"
sog = { column = "v", unit = "m/s" }
"""


@pytest.mark.parametrize(
    ("time", "values"),
    [
        ('time_format = "epoch_ms"', pa.array([1_673_438_400_000])),
        ('time_format = "epoch_s"', pa.array([1_673_438_400.0])),
        ('time_format = "iso"', pa.array(["2023-01-11T12:00:00Z"])),
        ('time_format = "%Y/%m/%d %H:%M", zone = "Asia/Tehran"', pa.array(["2023/01/11 15:30"])),
        ('zone = "Asia/Tehran"', pa.array([datetime(2023, 1, 11, 15, 30)], pa.timestamp("ms"))),
        ('zone = "Asia/Tehran"', pa.array([NOON], pa.timestamp("us", "UTC"))),
    ],
)
def test_parquet_is_mapped_too(mapping_of: Any, time: str, values: pa.Array) -> None:
    rows = {"ship": [273_123_456], "t": values, "x": [49.5], "y": [42.5], "v": [18.52]}
    sink = io.BytesIO()
    pq.write_table(pa.table(rows), sink)
    feed = mapping_of(PARQUET.replace("TIME", time))
    assert feed.recognises(sink.getvalue())
    for stream in (io.BytesIO(sink.getvalue()), Unseekable(sink.getvalue())):
        reports, _ = read(feed, stream)
        assert told(reports) == {
            "mmsi": 273_123_456,
            "timestamp": NOON,
            "longitude": 49.5,
            "latitude": 42.5,
            "sog": 36.0,
        }


def test_parquet_times_without_a_format_must_be_timestamps(mapping_of: Any) -> None:
    rows = {"ship": [1], "t": ["2023-01-11"], "x": [1.0], "y": [1.0], "v": [1.0]}
    sink = io.BytesIO()
    pq.write_table(pa.table(rows), sink)
    with pytest.raises(RawFileError, match="column 't' is string, not a timestamp"):
        read(mapping_of(PARQUET.replace("TIME", 'zone = "UTC"')), sink.getvalue())


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('name = "logger"', 'name = "Logger 1"', "name: "),
        ('title = "logger of the port"', "titel = 1", "titel: "),
        ('unit = "km/h"', 'unit = "mph"', "sog: unit 'mph' is not known, but kn, 0.1kn"),
        ('unit = "km/h"', 'units = "km/h"', "fields.sog.units: "),
        ('mmsi = "ship"', "", "mmsi must be given"),
        ('mmsi = "ship"', 'mmsi = { column = "ship", unit = "kn" }', "mmsi: unit 'kn'"),
        ('mmsi = "ship"', 'mmsi = "ship"\nspeed = "v"', "speed is none of mmsi, timestamp"),
        (
            'name = "name"',
            'name = { column = "name", zone = "UTC+3" }',
            "'UTC\\+3' is no time zone",
        ),
        ('name = "name"', 'name = { column = "name", time_format = "iso" }', "for times only"),
        ("Asia/Tehran", "Asia/Atlantis", "zone: "),
        ("%d.%m.%Y %H:%M:%S", "dd.mm.yyyy", "time_format: "),
        ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S%z", "zone is for times that tell none"),
        ('separator = ";"', 'separator = ";;"', "separator: "),
        ('separator = ";"', "has_header = false", "columns must be given"),
        ('separator = ";"', 'columns = ["a"]', "columns must be given"),
        ('separator = ";"', 'has_header = false\ncolumns = ["ship"]', "'local time' is not in col"),
        ("[fields]", "[fields", "no valid TOML"),
        ('longitude = { column = "x", unit = "1/10000min" }', "", "must be given together"),
    ],
)
def test_a_wrong_mapping_file_names_the_key(
    mapping_of: Any, before: str, after: str, message: str
) -> None:
    assert before in LOGGER
    with pytest.raises(ConfigError, match=message) as caught:
        mapping_of(LOGGER.replace(before, after))
    assert "mapping.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_mapping_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mapping file .*none\.toml: No such file"):
        load_mapping(tmp_path / "none.toml")
