"""The user's proofs, reviews and watch list: what is read, what is refused (METHOD 6)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline import store
from pipeline.areas import load_areas
from pipeline.errors import ConfigError
from pipeline.user_evidence import NO_EVIDENCE, Evidence, EvidenceFiles, read_evidence
from tests.night import GEO

AREAS = load_areas(GEO)
HEADERS = {
    "confirmations": "mmsi,imo,port,seen_at,is_present,source,analyst,entered_on",
    "reviews": "call_id,verdict,reason,analyst,reviewed_on",
    "watch_list": "mmsi,imo,source,analyst,listed_on,note",
}
TITLES = {"confirmations": "confirmations", "reviews": "reviews", "watch_list": "watch list"}
SOUND = {
    "confirmations": "273000001,,neka,2024-09-04T07:30:00Z,yes,an image,me,2024-09-10",
    "reviews": "0123456789abcdef,agree,seen it,me,2024-09-10",
    "watch_list": ",9627980,a report,me,2024-09-10,",
}
IMO = 9_627_980


def read(folder: Path, name: str, *lines: str) -> Evidence:
    path = folder / f"{name}.csv"
    path.write_text("\n".join([HEADERS[name], *lines, ""]), "utf-8")
    return read_evidence(EvidenceFiles(**{name: path}), AREAS)


def test_without_files_there_is_nothing(tmp_path: Path) -> None:
    found = read_evidence(EvidenceFiles(), AREAS)
    for name in HEADERS:
        assert getattr(found, name).equals(getattr(NO_EVIDENCE, name))
        assert getattr(read(tmp_path, name), name).equals(getattr(NO_EVIDENCE, name))


@pytest.mark.parametrize("port", ["neka", "Port_Neka", "amirabad", "AMIRABAD", "port_amirabad"])
def test_a_port_is_known_by_its_name_its_id_or_its_group(port: str, tmp_path: Path) -> None:
    line = SOUND["confirmations"].replace("neka", port)
    (row,) = read(tmp_path, "confirmations", line).confirmations.to_dicts()
    assert row == {
        "mmsi": 273_000_001,
        "imo": None,
        "port": port,
        "port_group": "amirabad",
        "seen_at": datetime(2024, 9, 4, 7, 30),
        "is_present": True,
        "source": "an image",
        "analyst": "me",
        "entered_on": date(2024, 9, 10),
    }


def test_reviews_and_watch_list_are_read(tmp_path: Path) -> None:
    (review,) = read(tmp_path, "reviews", SOUND["reviews"]).reviews.to_dicts()
    assert (review["verdict"], review["reviewed_on"]) == ("agree", date(2024, 9, 10))
    (entry,) = read(tmp_path, "watch_list", SOUND["watch_list"]).watch_list.to_dicts()
    assert (entry["mmsi"], entry["imo"], entry["note"]) == (None, IMO, None)


@pytest.mark.parametrize(
    ("name", "old", "new", "column", "expected"),
    [
        ("confirmations", "273000001,", "273000001,9627980", "mmsi", "not both"),
        ("confirmations", "273000001", "2730", "mmsi", "nine digits"),
        ("confirmations", "273000001,", ",9627981", "imo", "check digit"),
        ("confirmations", "neka", "atlantis", "port", "a port group"),
        ("confirmations", "2024-09-04T07:30:00Z", "2024-09-04", "seen_at", "an instant in UTC"),
        ("confirmations", "07:30:00Z", "07:30:00+03:00", "seen_at", "an instant in UTC"),
        ("confirmations", "yes", "perhaps", "is_present", "yes or no"),
        ("confirmations", "yes", "", "is_present", "yes or no"),
        ("confirmations", "an image", "", "source", "a text"),
        ("confirmations", "an image", "an\x1b[31m image", "source", "control characters"),
        ("confirmations", ",me,", ",,", "analyst", "a text"),
        ("confirmations", "2024-09-10", "2024-09-31", "entered_on", "a date"),
        ("confirmations", "2024-09-10", "2024-09-10T00:00", "entered_on", "a date"),
        ("reviews", "0123456789abcdef", "call-1", "call_id", "16 hex digits"),
        ("reviews", "agree", "guessed", "verdict", "agree, disagree, undecided"),
        ("reviews", "seen it", "", "reason", "a text"),
        ("reviews", "2024-09-10", "", "reviewed_on", "a date"),
        ("watch_list", "9627980", "", "mmsi", "either an mmsi or an imo"),
        ("watch_list", "a report", "", "source", "a text"),
        ("watch_list", "2024-09-10", "10.09.2024", "listed_on", "a date"),
    ],
)
def test_what_is_refused_names_file_line_and_column(
    name: str, old: str, new: str, column: str, expected: str, tmp_path: Path
) -> None:
    line = SOUND[name].replace(old, new, 1)
    assert line != SOUND[name]
    with pytest.raises(ConfigError) as error:
        read(tmp_path, name, SOUND[name], line)
    message = str(error.value)
    start = f"{TITLES[name]} {tmp_path / name}.csv, line 3, column {column}: found "
    assert message.startswith(start)
    assert f"expected {expected}" in message or expected in message.split("expected")[1]
    assert message.isprintable()


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_another_header_and_no_file_are_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="line 1, column header: found 'a, b', expected the col"):
        read_evidence(EvidenceFiles(**{name: path}), AREAS)
    with pytest.raises(ConfigError, match=TITLES[name]):
        read_evidence(EvidenceFiles(**{name: tmp_path / "none.csv"}), AREAS)


@pytest.mark.parametrize("name", sorted(HEADERS))
def test_hostile_texts_stay_texts_and_start_no_formula(name: str, tmp_path: Path) -> None:
    hostile = "=cmd|'/c calc'!A1 <script>alert(1)</script> '; drop table gaps; --"
    old = {"confirmations": "an image", "reviews": "seen it", "watch_list": "a report"}[name]
    frame = getattr(read(tmp_path, name, SOUND[name].replace(old, hostile)), name)
    assert frame["reason" if name == "reviews" else "source"].to_list() == [hostile]
    store.write_csv(frame, tmp_path / "out.csv")
    assert "'=cmd" in (tmp_path / "out.csv").read_text("utf-8")
