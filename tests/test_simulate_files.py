"""Files of a simulated world: what the project's own readers find in them, in every format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pyais.encode import encode_dict
from pyais.stream import FileReaderStream

from pipeline import clean
from pipeline.errors import UsageError
from pipeline.feeds import open_feed
from pipeline.rules import CleanRules, FeedRules
from pipeline.simulate import feedfiles
from pipeline.simulate.dma_rows import NAV_STATUS_WORDS, SHIP_TYPE_WORDS
from pipeline.simulate.feedfiles import WRITERS, complete, write_feed_files
from pipeline.simulate.model import Heard, HeardStatics, Identity, Timeline, Vessel
from pipeline.simulate.nmea_lines import nmea_lines
from pipeline.simulate.rows import COLUMNS, beacon_rows, position_rows, static_rows

FORMATS = list(WRITERS)
WITH_STATIONS = ["parquet", "csv", "nmea"]
START = datetime(2022, 1, 30)
DAY_S = 86_400
STATIONS = ("sim_astrakhan", "sim_anzali")
FEEDS = ("simulated_coast", "simulated_south")
HOSTILE = 'A "B", C;D\'E*F'
SIGHTING = ["mmsi", "seen_at", "lon", "lat", "sog_kn", "cog_deg", "heading_deg", "nav_status"]


# ----------------------------------------------------------------------------- a small world


def vessel(ais_class: str = "A", **more: Any) -> Vessel:
    """Return a vessel that changes its MMSI after two days."""
    own = Vessel(
        number=0,
        imo=9_990_002,
        fleet="merchant",
        habit="russia_iran",
        ship_type=79,
        ais_class=ais_class,
        length_m=139.6,
        beam_m=16.7,
        draught_light_m=2.1,
        draught_laden_m=4.2,
        speed_kn=9.0,
        antenna=1.0,
        is_habitual=False,
        home="RUS",
        tug=None,
        identities=(
            Identity(0.0, 273_990_001, "RUS", HOSTILE, "UBSIM1"),
            Identity(2.0 * DAY_S, 422_990_001, "IRN", "Sim Two", "EPSIM1"),
        ),
    )
    return replace(own, **more)


def heard(at_s: list[int], **more: Any) -> Heard:
    """Return receptions by the first station, all values told."""
    count = len(at_s)
    given: dict[str, Any] = {
        "lon_deg": 48.0 + np.arange(count) / 7,
        "lat_deg": 46.0 - np.arange(count) / 9,
        "sog_kn": np.full(count, 9.26),
        "cog_deg": np.full(count, 187.43),
        "heading_deg": np.full(count, 188.0),
        "nav_status": np.zeros(count, np.int8),
        "message_type": np.ones(count, np.int8),
        "kind": np.zeros(count, np.int8),
        "station": np.zeros(count, np.int16),
        "delay_s": np.full(count, 2.0),
        "is_copy": np.zeros(count, np.bool_),
    }
    values = {name: np.asarray(value) for name, value in (given | more).items()}
    return Heard(at_s=np.array(at_s), **values)


def rows(who: Vessel | None = None, at_s: list[int] | None = None, **more: Any) -> pl.DataFrame:
    """Return the rows of some receptions."""
    return position_rows(who or vessel(), heard(at_s or [60], **more), STATIONS, FEEDS, START)


def timeline(*voyages: tuple[float, str, float]) -> Timeline:
    """Return a timeline of which only what the crew typed is told."""
    zeros = np.zeros(2)
    return Timeline(
        at_s=np.array([0.0, 1e7]),
        lon_deg=zeros,
        lat_deg=zeros,
        nav_status=np.zeros(1, np.int8),
        speed_kn=np.zeros(1),
        episode=np.zeros(1, np.int32),
        visits=(),
        stops=(),
        voyage_sent=voyages,
    )


def statics(who: Vessel, at_s: list[int], *voyages: tuple[float, str, float]) -> pl.DataFrame:
    """Return the rows of static reports heard by the second station."""
    count = len(at_s)
    received = HeardStatics(
        np.array(at_s), np.zeros(count, np.int8), np.ones(count, np.int16), np.ones(count)
    )
    return static_rows(who, received, timeline(*voyages), STATIONS, FEEDS, START)


def beacons() -> pl.DataFrame:
    """Return the rows of a base station and of an aid to navigation."""
    table = pl.DataFrame(
        {
            "mmsi": [2_734_999, 992_734_999],
            "at_s": [100, 200],
            "lon_deg": [48.01, 47.61],
            "lat_deg": [46.31, 45.01],
            "message_type": [4, 21],
            "kind": [0, 0],
            "station": [0, 0],
            "delay_s": [1.0, 1.0],
        }
    )
    return beacon_rows(table, STATIONS, FEEDS, START)


def small_world() -> list[pl.DataFrame]:
    """Return rows of every kind: both classes, type 27, satellite, missing values, beacons."""
    nothing = {"sog_kn": [102.3], "cog_deg": [360.0], "heading_deg": [511.0], "nav_status": [15]}
    small = vessel("B", imo=None, identities=(Identity(0.0, 273_990_009, "RUS", "LODKA", ""),))
    return [
        rows(at_s=[0, 60, 3 * DAY_S], kind=[0, 1, 0], station=[0, 1, 1]),
        rows(at_s=[600], message_type=[27], kind=[1]),
        rows(at_s=[700], **nothing),
        rows(small, [30, 90], heading_deg=[511.0, 12.0]),
        statics(vessel(), [120, 3 * DAY_S + 60], (0.0, "Astrakhan, RU", 4.2)),
        statics(small, [130]),
        beacons(),
    ]


# ------------------------------------------------------------------------------------ reading


def judged(path: Path) -> pl.DataFrame:
    """Return all reports of a file as the job judges them; none may be refused."""
    batches = open_feed(path, FeedRules()).batches
    reports = pl.concat([batch.reports for batch in batches])
    found = clean.judge_reports(reports, CleanRules())
    assert found["reason"].drop_nulls().to_list() == []
    return found


def read_all(files: list[Path], pick: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([pick(judged(path)) for path in files])


def sightings(frames: list[pl.DataFrame], out: Path, file_format: Any) -> pl.DataFrame:
    """Return the sightings the job finds in the files of `frames`."""
    found = read_all(write_feed_files(frames, out, file_format), clean.pick_sightings)
    return found.sort("mmsi", "seen_at", "station", "lon")


def static_reports(frames: list[pl.DataFrame], out: Path, file_format: Any) -> pl.DataFrame:
    return read_all(write_feed_files(frames, out, file_format), clean.pick_statics)


# --------------------------------------------------------------------------------- every format


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_gives_the_same_sightings(tmp_path: Path, file_format: str) -> None:
    expected = sightings(small_world(), tmp_path / "expected", "parquet")
    found = sightings(small_world(), tmp_path / "found", file_format)
    assert found.height == 7
    assert found.select(SIGHTING).sort(SIGHTING).equals(expected.select(SIGHTING).sort(SIGHTING))


def test_sightings_are_where_and_when_the_vessel_was_heard(tmp_path: Path) -> None:
    found = sightings([rows(at_s=[60], kind=[1], station=[2])], tmp_path, "parquet")
    (row,) = found.rows(named=True)
    assert row["seen_at"] == START + timedelta(minutes=1)
    assert row["received_at"] == START + timedelta(seconds=62)
    assert (row["lon"], row["lat"]) == (48.0, 46.0)
    assert row["sog_kn"] == pytest.approx(9.3)
    assert row["cog_deg"] == pytest.approx(187.4)
    assert (row["heading_deg"], row["nav_status"], row["ais_class"]) == (188, 0, "A")
    assert (row["message_type"], row["receiver"], row["station"]) == (1, "satellite", "simsat-3")


@pytest.mark.parametrize("file_format", WITH_STATIONS)
def test_stations_and_message_types_come_back(tmp_path: Path, file_format: str) -> None:
    found = sightings(small_world(), tmp_path, file_format)
    heard_by = found.filter(pl.col("message_type") == 1)["station"].unique().to_list()
    assert sorted(heard_by) == ["sim_anzali", "sim_astrakhan", "simsat-2"]
    assert sorted(found["message_type"].unique()) == [1, 18, 27]


@pytest.mark.parametrize("file_format", FORMATS)
def test_static_reports_arrive(tmp_path: Path, file_format: str) -> None:
    made = [statics(vessel(), [60], (0.0, "Neka, IR", 3.26))]
    (row,) = static_reports(made, tmp_path, file_format).rows(named=True)
    # The Danish files tell the first digit of the ship type alone.
    assert row["ship_type"] == (70 if file_format == "dma" else 79)
    assert (row["mmsi"], row["imo"], row["callsign"]) == (273_990_001, 9_990_002, "UBSIM1")
    assert (row["length_m"], row["beam_m"]) == (140, 17)
    assert row["draught_m"] == pytest.approx(3.3)
    assert (row["destination"], row["ais_class"]) == ("NEKA, IR", "A")


@pytest.mark.parametrize("file_format", FORMATS)
def test_names_with_commas_and_quotes_survive(tmp_path: Path, file_format: str) -> None:
    found = static_reports([statics(vessel(), [60])], tmp_path, file_format)
    assert found["name"].to_list() == [HOSTILE]


@pytest.mark.parametrize("file_format", FORMATS)
def test_class_b_tells_name_and_size_but_no_voyage(tmp_path: Path, file_format: str) -> None:
    made = [statics(vessel("B"), [60], (0.0, "BAKU", 3.0))]
    found = static_reports(made, tmp_path, file_format)
    assert found["name"].drop_nulls().to_list() == [HOSTILE]
    assert found["callsign"].drop_nulls().to_list() == ["UBSIM1"]
    assert found["length_m"].drop_nulls().to_list() == [140]
    assert found["ais_class"].unique().to_list() == ["B"]
    for name in ("imo", "draught_m", "destination"):
        assert found[name].drop_nulls().to_list() == []


@pytest.mark.parametrize("file_format", FORMATS)
def test_beacons_are_beacons_and_no_ships(tmp_path: Path, file_format: str) -> None:
    files = write_feed_files([beacons()], tmp_path, file_format)
    found = read_all(files, clean.pick_beacons).sort("mmsi")
    assert found["mmsi"].to_list() == [2_734_999, 992_734_999]
    assert found["lon"].to_list() == [48.01, 47.61]
    assert found["seen_at"].to_list() == [START + timedelta(seconds=at) for at in (100, 200)]
    assert read_all(files, clean.pick_sightings).is_empty()


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_rows_give_the_same_bytes_in_any_order(
    tmp_path: Path, file_format: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = write_feed_files(small_world(), tmp_path / "once", file_format)
    monkeypatch.setattr(feedfiles, "SPOOLED_ROWS", 2)
    singles = [row for frame in small_world() for row in frame.iter_slices(1)]
    again = write_feed_files(reversed(singles), tmp_path / "again", file_format)
    assert [path.name for path in once] == [path.name for path in again]
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


@pytest.mark.parametrize("file_format", FORMATS)
def test_text_written_in_pieces_is_the_same_text(
    tmp_path: Path, file_format: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = write_feed_files(small_world(), tmp_path / "once", file_format)
    monkeypatch.setattr(feedfiles, "TEXT_ROWS", 2)
    again = write_feed_files(small_world(), tmp_path / "again", file_format)
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]


# ------------------------------------------------------------------------------------- files


def test_a_late_row_stands_in_the_file_of_its_arrival(tmp_path: Path) -> None:
    made = rows(at_s=[60, 120], delay_s=[5.0, 3.0 * DAY_S])
    files = write_feed_files([made], tmp_path, "parquet")
    assert [path.name for path in files] == ["2022-01.parquet", "2022-02.parquet"]
    late = pl.read_parquet(files[1])
    assert late["timestamp"].to_list() == [START + timedelta(seconds=120)]
    assert late["received_at"].to_list() == [START + timedelta(days=3, seconds=120)]


def test_files_may_hold_a_day_each(tmp_path: Path) -> None:
    files = write_feed_files([rows(at_s=[0, DAY_S, DAY_S + 60])], tmp_path, "csv", "day")
    assert [path.name for path in files] == ["2022-01-30.csv", "2022-01-31.csv"]
    assert [pl.read_csv(path).height for path in files] == [1, 2]


def test_a_file_stands_in_the_folder_of_its_feed(tmp_path: Path) -> None:
    made = rows(at_s=[0, 60, 120], kind=[0, 0, 1], station=[0, 1, 0])
    files = write_feed_files([made], tmp_path, "nmea")
    feeds = ["simulated_coast", "simulated_satellite", "simulated_south"]
    assert [path.parent.name for path in files] == feeds
    assert sorted(path.name for path in tmp_path.iterdir()) == feeds


def test_rows_stand_in_order_of_arrival(tmp_path: Path) -> None:
    made = rows(at_s=[0, 60, 120], delay_s=[500.0, 1.0, 2.0])
    (path,) = write_feed_files([made], tmp_path, "csv")
    arrived = pl.read_csv(path)["received_at"].to_list()
    assert arrived == sorted(arrived)
    assert arrived[-1] == "2022-01-30T00:08:20Z"


def test_nothing_is_left_behind_when_making_the_rows_fails(tmp_path: Path) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield rows()
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_feed_files(frames(), tmp_path, "csv")
    assert list(tmp_path.iterdir()) == []


def test_a_world_without_receptions_has_no_files(tmp_path: Path) -> None:
    nobody = rows(at_s=[60])[:0]
    assert write_feed_files([nobody], tmp_path, "nmea") == []


def test_an_unknown_format_is_told(tmp_path: Path) -> None:
    unknown: Any = "xml"
    with pytest.raises(UsageError, match="no format 'xml'; there are parquet, csv, nmea, dma"):
        write_feed_files([], tmp_path, unknown)
    with pytest.raises(UsageError, match="no period 'xml'"):
        write_feed_files([], tmp_path, "csv", unknown)


# -------------------------------------------------------------------------------------- rows


def test_the_mmsi_and_name_are_those_of_the_time() -> None:
    made = rows(at_s=[2 * DAY_S - 1, 2 * DAY_S])
    assert made["mmsi"].to_list() == [273_990_001, 422_990_001]
    told = statics(vessel(), [2 * DAY_S - 1, 2 * DAY_S])
    assert told["name"].to_list() == [HOSTILE, "SIM TWO"]


def test_draught_and_destination_are_as_the_crew_last_typed_them() -> None:
    voyages = ((0.0, "ASTRAKHAN", 4.1), (1000.0, "ANZALI", 2.9))
    told = statics(vessel(), [999, 1000], *voyages)
    assert told["destination"].to_list() == ["ASTRAKHAN", "ANZALI"]
    assert told["draught_m"].to_list() == pytest.approx([4.1, 2.9])
    untold = statics(vessel(), [999])
    assert untold.select("destination", "draught_m").row(0) == (None, None)


def test_feeds_may_be_told_by_the_name_of_the_station() -> None:
    by_name = dict(zip(STATIONS, FEEDS, strict=True))
    made = position_rows(vessel(), heard([0, 60], station=[0, 1]), STATIONS, by_name, START)
    assert made["feed"].to_list() == list(FEEDS)


def test_rows_have_the_canonical_types() -> None:
    for frame in small_world():
        for name, dtype in frame.schema.items():
            assert dtype == COLUMNS[name], name
        assert frame["received_at"].null_count() == 0


def test_values_that_are_not_available_stay_the_senders_words() -> None:
    nothing: dict[str, Any] = {
        "lon_deg": [181.0, np.nan],
        "lat_deg": [91.0, 45.0],
        "sog_kn": [102.3, np.nan],
        "cog_deg": [360.0, np.nan],
        "heading_deg": [511.0, np.nan],
    }
    made = rows(at_s=[0, 60], **nothing)
    assert made["longitude"].to_list() == [181, 181]
    assert made["latitude"].to_list() == [91, 91]
    assert made["sog"].to_list() == pytest.approx([102.3, 102.3])
    assert made["cog"].to_list() == [360, 360]
    assert made["heading"].to_list() == [511, 511]


def test_rounding_never_turns_a_value_into_not_available() -> None:
    made = rows(cog_deg=[359.97], heading_deg=[359.7], sog_kn=[102.24])
    assert made["cog"].to_list() == [0]
    assert made["heading"].to_list() == [0]
    assert made["sog"].to_list() == pytest.approx([102.2])


def test_type_27_is_told_in_tenths_of_minutes_and_whole_knots() -> None:
    told = rows(message_type=[27], lon_deg=[50.1234], lat_deg=[-0.0004])
    assert told["longitude"].to_list() == [50.123333]
    assert told["latitude"].to_list() == [0]
    assert told["sog"].to_list() == [9]
    assert told["cog"].to_list() == [187]
    assert told["heading"].to_list() == [None]


def test_class_b_sends_no_navigational_status() -> None:
    made = rows(vessel("B"), [0])
    assert made.select("message_type", "nav_status").row(0) == (18, None)


# -------------------------------------------------------------------------------- NMEA and DMA


def lines_of(frame: pl.DataFrame) -> list[str]:
    return nmea_lines(complete(frame))


POSITION_SENT: dict[str, Any] = {"mmsi": 273_990_001, "lon": 48.0, "lat": 46.0}
FINE_SENT = POSITION_SENT | {"speed": 9.3, "course": 187.4, "heading": 188, "second": 1}
SHIP_SENT = {"to_bow": 70, "to_stern": 70, "to_port": 8, "to_starboard": 9}
BEACON_SENT = {"epfd": 1, "lon": 48.01, "lat": 46.31}


@pytest.mark.parametrize(
    ("frame", "fields"),
    [
        (rows(at_s=[1]), [FINE_SENT | {"type": 1, "status": 0, "maneuver": 0}]),
        (rows(vessel("B"), [1]), [FINE_SENT | {"type": 18}]),
        (
            rows(at_s=[1], message_type=[27], nav_status=[5]),
            [POSITION_SENT | {"type": 27, "status": 5, "speed": 9, "course": 187}],
        ),
        (
            statics(vessel(), [1], (0.0, "NEKA", 4.1)),
            [
                SHIP_SENT
                | {"type": 5, "mmsi": 273_990_001, "imo": 9_990_002, "callsign": "UBSIM1"}
                | {"shipname": HOSTILE, "ship_type": 79, "destination": "NEKA", "draught": 4.1}
                | {"epfd": 1, "hour": 24, "minute": 60}
            ],
        ),
        (
            statics(vessel("B"), [1]),
            [
                {"type": 24, "partno": 0, "mmsi": 273_990_001, "shipname": HOSTILE},
                SHIP_SENT
                | {"type": 24, "partno": 1, "mmsi": 273_990_001, "ship_type": 79}
                | {"callsign": "UBSIM1"},
            ],
        ),
        (
            beacons()[:1],
            [
                BEACON_SENT
                | {"type": 4, "mmsi": 2_734_999, "year": 2022, "month": 1, "day": 30}
                | {"hour": 0, "minute": 1, "second": 40}
            ],
        ),
    ],
    ids=["1", "18", "27", "5", "24", "4"],
)
def test_payloads_are_those_of_pyais(frame: pl.DataFrame, fields: list[dict[str, Any]]) -> None:
    expected = [
        sentence.split(",")[5]
        for message in fields
        for sentence in encode_dict(message, talker_id="AI", sentence_type="VDM")
    ]
    found = [line.split("!")[1].split(",")[5] for line in lines_of(frame)]
    # pyais writes 8 spare bits behind a name of class B, which the standard leaves out.
    assert [payload.rstrip("0") for payload in found] == [
        payload.rstrip("0") for payload in expected
    ]


def test_pyais_reads_every_sentence_and_finds_its_seals_whole(tmp_path: Path) -> None:
    for path in write_feed_files(small_world(), tmp_path, "nmea"):
        with FileReaderStream(str(path)) as stream:
            messages = list(stream)
        assert messages
        for message in messages:
            message.decode()
            assert message.is_valid
            assert message.tag_block is not None
            message.tag_block.init()
            assert message.tag_block.is_valid


def test_an_aid_to_navigation_says_that_it_is_simulated(tmp_path: Path) -> None:
    path = tmp_path / "aid.nmea"
    path.write_text("\r\n".join([*lines_of(beacons()[1:]), ""]), "ascii")
    with FileReaderStream(str(path)) as stream:
        (aid,) = [message.decode().asdict() for message in stream]
    assert (aid["msg_type"], aid["mmsi"], aid["name"]) == (21, 992_734_999, "SIMULATED")
    assert (aid["lon"], aid["lat"]) == (47.61, 45.01)


def test_a_static_report_is_two_sentences_of_one_tag_group() -> None:
    first, second = lines_of(statics(vessel(), [1]))
    assert first.startswith("\\g:1-2-0,s:sim_anzali,c:1643500801*")
    assert second.startswith("\\g:2-2-0*")
    assert first.split("!")[1].startswith("AIVDM,2,1,0,A,")
    assert second.split("!")[1].startswith("AIVDM,2,2,0,A,")


def test_no_sentence_is_longer_than_82_characters() -> None:
    for frame in small_world():
        assert max(len(line.split("\\")[-1]) for line in lines_of(frame)) <= 80


def test_any_place_is_the_same_sighting_in_nmea_and_parquet(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    count = 4000
    made = [
        rows(
            at_s=list(range(count)),
            lon_deg=random.uniform(-180, 180, count),
            lat_deg=random.uniform(-90, 90, count),
            sog_kn=random.uniform(0, 102, count),
            cog_deg=random.uniform(0, 360, count),
            heading_deg=random.uniform(0, 360, count),
            message_type=random.choice([1, 27], count),
        )
    ]
    one = sightings(made, tmp_path / "one", "parquet").select(SIGHTING)
    other = sightings(made, tmp_path / "other", "nmea").select(SIGHTING)
    assert one.height == count
    assert one.equals(other)


def test_danish_words_are_the_readers_words() -> None:
    from pipeline.feeds import values

    for words, read in (
        (NAV_STATUS_WORDS, values.nav_status),
        (SHIP_TYPE_WORDS, values.ship_type),
    ):
        table = pl.DataFrame({"code": list(words), "word": list(words.values())})
        found = table.select(read(pl.col("word"))).to_series().to_list()
        tens = [code if 30 <= code < 40 or 50 <= code < 60 else code // 10 * 10 for code in words]
        assert found == (list(words) if words is NAV_STATUS_WORDS else tens)


def test_a_danish_row_is_written_as_the_provider_writes_it(tmp_path: Path) -> None:
    (path,) = write_feed_files([rows(at_s=[60], nav_status=[5])], tmp_path, "dma")
    header, row = path.read_text("utf-8").splitlines()
    assert header.startswith("# Timestamp,Type of mobile,MMSI,Latitude,Longitude,Navigational st")
    assert row.startswith(
        "30/01/2022 00:01:00,Class A,273990001,46.0,48.0,Moored,,9.3,187.4,188,Unknown,Unknown,"
    )
    assert open_feed(path, FeedRules()).format == "dma"
