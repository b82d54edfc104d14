"""Dated proof beside calls: grades A and X, labels, visits of candidates, imaging requests."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import call_places, dark_calls, imaging, proofs, schema
from pipeline.explain import find_story
from pipeline.simulate.settings import read_world
from pipeline.simulate.world import simulate
from pipeline.user_evidence import Evidence, EvidenceFiles
from tests import builders, night
from tests.test_bad_input import darkport
from tests.test_dark_calls import (
    AMIRABAD,
    AREAS,
    KNOWN,
    OFF_AMIRABAD,
    RULES,
    SHIP,
    at,
    candidate,
    gap,
    said,
)

IMO = 9_627_980
DATA_END = datetime(2023, 8, 1)
Row = dict[str, Any]


def proof(hour: float, *, is_present: bool = True, group: str = "olya", **more: Any) -> Row:
    usual = {"mmsi": SHIP, "imo": None, "port": group, "port_group": group, "source": "an image"}
    return {**usual, "seen_at": at(hour), "is_present": is_present, "analyst": "me", **more}


def grade(
    gaps: list[Row],
    rows: list[Row],
    *confirmed: Row,
    statics: list[Row] | None = None,
    reviews: list[Row] | None = None,
    listed: list[Row] | None = None,
) -> tuple[list[Row], pl.DataFrame]:
    """Return dark_port_calls by grade and group, and call_sums."""
    given = Evidence(
        builders.frame(schema.Confirmations, confirmed),
        builders.frame(schema.Reviews, reviews or []),
        builders.frame(schema.WatchList, listed or []),
    )
    placed = call_places.place_calls(
        builders.frame(schema.Gaps, gaps),
        builders.frame(schema.PortCandidates, rows),
        KNOWN,
        AREAS,
        RULES,
        given.confirmations,
    )
    told = builders.frame(schema.Statics, statics or [])
    found = dark_calls.list_dark_calls(placed, told, RULES, DATA_END, "0" * 12, given)
    return found.sort("grade", "port_group").to_dicts(), dark_calls.sum_calls(placed, RULES)


# ------------------------------------------------------------------------------- grades A and X


def test_dated_proof_inside_the_window_makes_grade_a_whatever_p_call() -> None:
    for p_call in (0.05, 0.5, 0.95):
        calls, sums = grade([gap(0, 50)], [candidate(1, "olya", p_call)], proof(20))
        (call,) = calls
        assert (call["grade"], call["families"], call["p_call"]) == ("A", "outside", p_call)
        assert "there at 2023-05-01 20:00 UTC by an image" in call["reasons"]
        # Trends and sums count it by its P_call: proof follows the press (METHOD 7).
        assert sums["expected_calls"].to_list() == [p_call]


def test_grade_a_asks_for_a_set_that_was_probably_off() -> None:
    rows = [candidate(1, "olya", 0.45)]
    for p_off, expected in ((0.5, "A"), (0.499, "C")):
        (call,), _ = grade([gap(0, 50, p_off=p_off)], rows, proof(20))
        assert (call["grade"], call["families"]) == (expected, "outside")
    assert "p_off is below 0.5" in call["reasons"]
    assert grade([gap(0, 50, p_off=0.4)], [candidate(1, "olya", 0.3)], proof(20))[0] == []


@pytest.mark.parametrize(
    ("hour", "is_inside"), [(12, True), (40, True), (11.99, False), (41, False)]
)
def test_proof_outside_the_window_does_nothing(hour: float, is_inside: bool) -> None:
    rows = [candidate(1, "olya", 0.5)]
    plain = grade([gap(0, 50)], rows)
    for is_present, expected in ((True, "A"), (False, "X")):
        found = grade([gap(0, 50)], rows, proof(hour, is_present=is_present))
        assert found[0][0]["grade"] == (expected if is_inside else "C")
        if not is_inside:
            assert found[0] == plain[0]
            assert found[1].equals(plain[1])


def test_proof_of_another_ship_or_port_does_nothing() -> None:
    rows = [candidate(1, "olya", 0.5)]
    for other in (
        proof(20, mmsi=SHIP + 1),
        proof(20, group="anzali"),
        proof(20, mmsi=None, imo=IMO),
    ):
        (call,), _ = grade([gap(0, 50)], rows, other)
        assert (call["grade"], call["families"]) == ("C", None)
    by_imo = proof(20, mmsi=None, imo=IMO)
    (call,), _ = grade([gap(0, 50, imo=IMO)], rows, by_imo)
    assert call["grade"] == "A"


def test_refuted_calls_keep_a_row_and_add_nothing() -> None:
    rows = [candidate(1, "olya", 0.9), candidate(1, "anzali", 0.05)]
    (call,), sums = grade([gap(0, 50)], rows, proof(20, is_present=False))
    assert (call["grade"], call["port_group"], call["p_call"]) == ("X", "olya", 0.9)
    assert "not there at 2023-05-01 20:00 UTC by an image" in call["reasons"]
    assert sums.select("port_group", "expected_calls", "expected_unheard").rows() == [
        ("anzali", 0.05, 0.05)
    ]
    # An unlikely one is told too: the analyst entered it.
    (call,), _ = grade([gap(0, 50)], [candidate(1, "olya", 0.1)], proof(20, is_present=False))
    assert call["grade"] == "X"


def test_where_one_port_is_refuted_the_next_likely_one_stands() -> None:
    rows = [candidate(1, "olya", 0.45), candidate(1, "amirabad", 0.42)]
    calls, sums = grade([gap(0, 50)], rows, proof(20, is_present=False))
    found = [(call["grade"], call["port_group"]) for call in calls]
    assert found == [("C", "amirabad"), ("X", "olya")]
    assert len({call["call_id"] for call in calls}) == 2
    assert sums["expected_calls"].to_list() == [0.42]
    # What is refuted is no second call either.
    assert "olya" not in calls[0]["reasons"]


def test_grades_go_by_the_first_match_of_x_a_d_b_c() -> None:
    moved = [said(-5, draught_m=3.0), said(55, draught_m=5.0)]
    rows = [candidate(1, "olya", 0.85)]
    blind = [gap(0, 50, cause="unobservable")]
    yes, no = proof(20), proof(21, is_present=False)

    def first(gaps: list[Row], *confirmed: Row) -> str:
        (call,), _ = grade(gaps, rows, *confirmed, statics=moved)
        return call["grade"]

    assert first(blind, yes, no) == "X"
    assert first(blind, yes) == "A"
    assert first(blind, no) == "X"
    assert first(blind) == "D"
    assert first([gap(0, 50)]) == "B"
    assert grade([gap(0, 50)], rows)[0][0]["grade"] == "C"
    # Contradicting proofs are both told.
    (call,), _ = grade([gap(0, 50)], rows, yes, no)
    assert "there at 2023-05-01 20:00" in call["reasons"]
    assert "not there at 2023-05-01 21:00" in call["reasons"]


def test_proof_names_the_port_before_the_likeliest_one() -> None:
    rows = [candidate(1, "anzali", 0.7), candidate(1, "olya", 0.1)]
    (call,), _ = grade([gap(0, 50)], rows, proof(20))
    assert (call["grade"], call["port_group"]) == ("A", "olya")


def test_proof_of_one_gap_confirms_its_visit() -> None:
    gaps = [gap(0, 30, on=OFF_AMIRABAD), gap(31, 60, off=OFF_AMIRABAD)]
    window = {"window_from": at(32), "window_to": at(58)}
    rows = [candidate(1, "amirabad", 0.6), candidate(2, "amirabad", 0.7, **window)]
    (call,), sums = grade(gaps, rows, proof(50, group="amirabad"))
    assert (call["grade"], call["gap_ids"], call["p_call"]) == ("A", "gap-001;gap-002", 0.7)
    assert sums["expected_calls"].to_list() == [0.7]
    # Refuted in one gap it may have been there in the other.
    calls, sums = grade(gaps, rows, proof(50, group="amirabad", is_present=False))
    assert [(call["grade"], call["gap_ids"]) for call in calls] == [
        ("C", "gap-001"),
        ("X", "gap-002"),
    ]
    assert sums["expected_calls"].to_list() == [0.6]


def test_a_glimpsed_gap_is_no_dark_call_for_any_proof() -> None:
    found = grade(
        [gap(0, 50, off=AMIRABAD)],
        [candidate(1, "amirabad", 0.6)],
        proof(20, group="amirabad"),
        proof(22, group="amirabad", is_present=False),
    )
    assert found[0] == []


def test_a_destination_alone_is_a_family_only_where_it_is_another_word_and_is_said_to_be_weak() -> (
    None
):
    rows = [candidate(1, "olya", 0.9)]
    for before, after, expected in (
        ("BANDAR ANZALI", "bandar-anzali.", "C"),
        ("OLYA", ">>>", "C"),
        ("", "OLYA", "C"),
        ("NEKA", "OLYA", "B"),
        ("АСТРАХАНЬ", "ОЛЯ", "B"),
    ):
        told = [said(-5, destination=before), said(55, destination=after)]
        (call,), _ = grade([gap(0, 50)], rows, statics=told)
        assert call["grade"] == expected, (before, after)
    assert "weak" in call["reasons"]
    assert "40-52 %" in call["reasons"]


# --------------------------------------------------------------------------------------- labels


def test_a_watch_list_is_a_label_and_no_evidence() -> None:
    rows = [candidate(1, "olya", 0.9)]
    plain, _ = grade([gap(0, 50, imo=IMO)], rows)
    assert plain[0]["on_watch_list"] is False
    for entry in ({"mmsi": SHIP}, {"imo": IMO}):
        listed, _ = grade([gap(0, 50, imo=IMO)], rows, listed=[entry])
        assert listed[0] == {**plain[0], "on_watch_list": True}
    others, _ = grade([gap(0, 50)], rows, listed=[{"mmsi": SHIP + 1}, {"imo": IMO}])
    assert others[0]["on_watch_list"] is False


def test_the_last_review_stands_beside_the_grade_and_not_over_it() -> None:
    rows = [candidate(1, "olya", 0.9)]
    (plain,), _ = grade([gap(0, 50)], rows)

    def review(verdict: str, day: int, analyst: str) -> Row:
        told = {"call_id": plain["call_id"], "verdict": verdict, "analyst": analyst}
        return {**told, "reviewed_on": date(2023, 9, day)}

    reviews = [review("disagree", 2, "a"), review("agree", 2, "b"), review("undecided", 1, "c")]
    (call,), _ = grade([gap(0, 50)], rows, reviews=reviews)
    labels = ("last_verdict", "last_reviewed_by", "last_reviewed_on")
    assert [call[name] for name in labels] == ["agree", "b", date(2023, 9, 2)]
    assert {**call, **dict.fromkeys(labels)} == plain
    frames = (builders.frame(schema.Reviews, reviews), pl.DataFrame([plain]))
    assert proofs.warn_of_reviews(*frames) == []
    assert "1 calls" in proofs.warn_of_reviews(frames[0], frames[1].clear())[0]


# ----------------------------------------------------------------------- visits, imaging requests


def test_candidates_name_the_visit_of_their_row() -> None:
    gaps = [gap(0, 30, on=OFF_AMIRABAD), gap(31, 60, off=OFF_AMIRABAD), gap(900, 950)]
    rows = [candidate(1, "amirabad", 0.6), candidate(2, "amirabad", 0.7), candidate(3, "olya", 0.1)]
    rows.append(candidate(1, "anzali", 0.1))
    calls, _ = grade(gaps, rows)
    listed = builders.frame(schema.PortCandidates, rows)
    found = proofs.name_visits(listed, builders.frame(schema.DarkPortCalls, calls))
    visit = calls[0]["visit_id"]
    assert found["visit_id"].to_list() == [visit, visit, None, None]
    assert found.drop("visit_id").equals(listed)


def test_imaging_is_asked_where_it_settles_most() -> None:
    def call(number: int, p_call: float, grade: str) -> Row:
        return {
            "call_id": f"=call-{number}",
            "p_call": p_call,
            "grade": grade,
            "port_group": "neka",
        }

    calls = [call(1, 0.9, "B"), call(2, 0.55, "C"), call(3, 0.5, "A"), call(4, 0.5, "D")]
    calls = [{**row, "port_group": "amirabad"} for row in [*calls, call(5, 0.5, "X")]]
    rows = builders.frame(schema.DarkPortCalls, calls)
    ships = builders.frame(schema.Ships, [{"mmsi": rows["mmsi"][0], "length_m": 138.5}])
    found = imaging.list_requests(rows, proofs.list_port_groups(AREAS), ships, "0" * 12)
    assert found["call_id"].to_list() == ["=call-2", "=call-1"]
    assert found["priority"].to_list() == pytest.approx([0.55 * 0.45, 0.9 * 0.1])
    assert found["length_m"].to_list() == [138.5, 138.5]
    lon, lat = found.select("lon", "lat").row(0)
    km = AREAS.straight_km_to_groups(*(pl.Series([x]).to_numpy() for x in (lon, lat)))
    groups = AREAS.port_groups()["port_group"].to_list()
    assert km[0, groups.index("amirabad")] < 10
    unknown = imaging.list_requests(rows, proofs.list_port_groups(AREAS), ships.clear(), "0" * 12)
    assert unknown["length_m"].to_list() == [None, None]


# ---------------------------------------------------------------------------------------- nights

WORLD = read_world("demo", None, True, start=datetime(2023, 5, 20), days=20, vessels={"ships": 12})
HOSTILE = "=an image <b>of</b> it"


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, night.Night]:
    """Return a night without proof, the next one with proofs of two gaps, and one more without."""
    folder = tmp_path_factory.mktemp("proofs")
    simulate(WORLD, 7, night.GEO, folder)
    raw, processed = folder / "raw", folder / "processed"

    def run(evidence: EvidenceFiles) -> night.Night:
        return night.run(raw, processed, areas=night.GEO, evidence=evidence)

    plain = run(EvidenceFiles())
    kept = folder / "plain"
    keep(plain, kept)
    no, yes = pick_candidates(plain)
    lines = [
        "mmsi,imo,port,seen_at,is_present,source,analyst,entered_on",
        f"{no['mmsi']},,{no['port_group']},{middle(no)},no,{HOSTILE},me,2024-01-01",
        f"{yes['mmsi']},,{yes['port_group']},{middle(yes)},yes,{HOSTILE},me,2024-01-01",
    ]
    (folder / "c.csv").write_text("\n".join(lines), "utf-8")
    listed = f"mmsi,imo,source,analyst,listed_on,note\n{yes['mmsi']},,list,me,2024-01-01,=1+1\n"
    (folder / "w.csv").write_text(listed, "utf-8")
    confirmed = run(EvidenceFiles(confirmations=folder / "c.csv", watch_list=folder / "w.csv"))
    keep(confirmed, folder / "confirmed")
    run(EvidenceFiles())
    return {
        "plain": night.Night(plain.outcome, kept),
        "confirmed": night.Night(confirmed.outcome, folder / "confirmed"),
        "again": night.Night(plain.outcome, processed),
    }


def keep(done: night.Night, folder: Path) -> None:
    """Copy what a night published: the next one moves its own in."""
    shutil.copytree(done.processed / ".current", folder)


def pick_candidates(done: night.Night) -> tuple[Row, Row]:
    """Return two gaps with a port group in reach that neither end lies in, set probably off."""
    gaps = done.table("gaps").filter(pl.col("p_off") >= 0.5)
    near = call_places.find_gap_ends_in_port(gaps, AREAS, RULES).select(
        "gap_id", "off_in_group", "on_in_group"
    )
    here = pl.col("port_group")
    found = (
        done.table("port_candidates")
        .filter(here != "none")
        .join(gaps.select("gap_id", "mmsi"), on="gap_id")
        .join(near, on="gap_id", how="left")
        .filter(here.ne_missing(pl.col("off_in_group")), here.ne_missing(pl.col("on_in_group")))
        .sort("p_call", "gap_id", descending=[True, False])
        .unique("mmsi", keep="first", maintain_order=True)
    )
    first, second = found.head(2).to_dicts()
    return first, second


def middle(row: Row) -> str:
    at_middle: datetime = row["window_from"] + (row["window_to"] - row["window_from"]) / 2
    return (at_middle - timedelta(microseconds=at_middle.microsecond)).isoformat() + "Z"


def test_a_new_proof_grades_again_on_the_next_night(nights: dict[str, night.Night]) -> None:
    done = nights["confirmed"]
    assert done.outcome.days_redone == 0
    plain, calls = (nights[name].table("dark_port_calls") for name in ("plain", "confirmed"))
    assert set(plain["grade"]) <= {"B", "C", "D"}
    found = calls.filter(pl.col("grade").is_in(["A", "X"]))
    assert sorted(found["grade"]) == ["A", "X"]
    assert done.table("confirmations").height == 2
    assert found.filter(pl.col("grade") == "A")["on_watch_list"].to_list() == [True]
    sums = [
        nights[name].table("call_sums")["expected_calls"].sum() for name in ("plain", "confirmed")
    ]
    (refuted,) = found.filter(pl.col("grade") == "X")["p_call"]
    assert sums[0] - sums[1] == pytest.approx(refuted, abs=1e-5)
    monthly = done.table("monthly_dark_port_calls").filter(
        pl.col("scope") == "all",
        *(pl.col(name) == "all" for name in ("flag", "port_country", "port_group")),
    )
    assert monthly["calls_a"].sum() == 1
    counted = monthly.select("calls_a", "calls_b", "calls_c", "calls_d").sum().row(0)
    assert sum(counted) == calls.height - 1


def test_without_the_file_all_is_as_it_was(nights: dict[str, night.Night]) -> None:
    for name in ("dark_port_calls", "call_sums", "port_candidates", "imaging_requests", "gaps"):
        assert nights["again"].table(name).equals(nights["plain"].table(name)), name
    assert nights["again"].table("confirmations").is_empty()


def test_every_visit_of_a_call_is_named_in_its_candidates(nights: dict[str, night.Night]) -> None:
    for done in nights.values():
        calls = done.table("dark_port_calls")
        found = done.table("port_candidates").drop_nulls("visit_id")
        assert found.height == calls["gap_ids"].str.split(";").list.len().sum()
        assert set(found["visit_id"]) == set(calls["visit_id"])


def test_the_list_of_images_lies_among_the_outputs(nights: dict[str, night.Night]) -> None:
    done = nights["confirmed"]
    with (done.processed / "imaging_requests.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    calls = done.table("dark_port_calls").filter(pl.col("grade").is_in(["B", "C"]))
    assert {row["call_id"] for row in rows} == set(calls["call_id"])
    wanted = ("port_group", "lon", "lat", "window_from", "window_to", "length_m", "priority")
    header = (done.processed / "imaging_requests.csv").read_text().splitlines()[0].split(",")
    assert set(wanted) <= set(header)


def test_a_call_is_told_with_its_proof_its_ports_and_what_else(
    nights: dict[str, night.Night],
) -> None:
    done = nights["confirmed"]
    for call in done.table("dark_port_calls").filter(pl.col("grade").is_in(["A", "X"])).to_dicts():
        story = find_story(done.processed, call["call_id"])
        text = "\n".join(story.lines)
        assert f"Call   {call['call_id']}, grade {call['grade']}" in story.lines[0]
        for part in (
            *call["gap_ids"].split(";"),
            call["port_group"],
            "inside the window",
            HOSTILE,
            "by habits",
            "none",
            "it called nowhere",
            "Scopes",
            "Switching off can be lawful",
        ):
            assert part in text, part
        facts = story.facts["call_story"]
        reached = {row["port_group"] for row in facts["candidates"]} - {"none"}
        assert reached | set(facts["unreachable"]) == set(AREAS.port_groups()["port_group"])
        assert not reached & set(facts["unreachable"])
        assert ("X, unreachable" in text) == bool(facts["unreachable"])
        (last,) = [line for line in story.lines if line.strip().startswith("in all  ")]
        _, _, prior, off, on, *_ = last.split(":")[0].split()
        assert float(prior) == pytest.approx(1, abs=0.001)
        assert float(off) + float(on) == pytest.approx(1, abs=0.002)
    listed = done.table("dark_port_calls").filter(pl.col("grade") == "A")["call_id"][0]
    assert any(line.startswith("Watch") for line in find_story(done.processed, listed).lines)


def test_strangers_names_are_told_on_one_line(nights: dict[str, night.Night]) -> None:
    from pipeline.explain_calls import CallStory, tell_call

    call = nights["plain"].table("dark_port_calls").row(0, named=True)
    odd = "A\x1b[31m\nB\u202e"
    review = {"verdict": "agree", "analyst": odd, "reason": odd, "reviewed_on": date(2023, 1, 1)}
    entry = {"source": odd, "analyst": odd, "listed_on": date(2023, 1, 1)}
    told = {**entry, "entered_on": date(2023, 1, 1), "seen_at": call["window_from"]}
    proof_row = {**told, "is_present": True, "is_inside": False}
    story = CallStory(
        {**call, "name": odd, "reasons": odd}, [], [], [], [proof_row], [review], [entry]
    )
    lines = tell_call(story)
    assert all(line.isprintable() for line in lines)
    assert any("outside the window: it says nothing" in line for line in lines)


def test_the_command_takes_the_files_and_refuses_a_wrong_one_in_one_line(
    nights: dict[str, night.Night], tmp_path: Path
) -> None:
    raw = nights["again"].processed.parent / "raw"
    (tmp_path / "r.csv").write_text("call_id,verdict,reason,analyst,reviewed_on\nx,agree,y,z,\n")
    given = ("--raw", raw, "--processed", tmp_path / "out", "--reviews", tmp_path / "r.csv")
    done = darkport("nightly", *given)
    assert done.code == 2
    assert "r.csv, line 2, column call_id: found 'x', expected 16 hex digits" in done.errors[-1]
    found = darkport("doctor", *given, "--json")
    (finding,) = [one for one in json.loads(found.out)["findings"] if one["what"] == "evidence"]
    assert "line 2" in finding["words"]
