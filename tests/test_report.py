"""The report: one file that works from disk; what it holds, says and leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline import report, schema, store
from pipeline.cli import app
from pipeline.errors import UsageError
from pipeline.nightly import Job, report_again, roll_up_again, run_night
from pipeline.report.packing import HOLE, as_script_json, pack_frame, pack_sentences
from pipeline.report.rows import choose_rows, find_first_month
from pipeline.report.words import SCOPES, tell_indicator
from pipeline.rules import Rules
from tests import builders, night
from tests.browser import Page, find_chromium, open_page
from tests.night import GEO

DATA_END = datetime(2023, 8, 1)
HOSTILE = "</script><img src=http://x.invalid/a onerror=alert(1)>\u202e\x00 =HYPERLINK()"
SAFE = "</script><img src=http://x.invalid/a onerror=alert(1)>   =HYPERLINK()"
SCOPE = next(iter(SCOPES))
MONTHS = [date(2022, month, 1) for month in range(8, 13)] + [
    date(2023, month, 1) for month in range(1, 8)
]
# Heard for some hours, then for 40 h not.
TIMES = [*((10, hour) for hour in range(8)), *((11, hour) for hour in (23,)), (12, 0), (12, 1)]
SHIPS = {1: 273_000_001, 2: 422_000_002}


def gap(number: int, ship: int, off_at: datetime, hours: float, **more: Any) -> dict[str, Any]:
    return {
        "gap_id": f"gap-{number}",
        "mmsi": SHIPS[ship],
        "ship_id": f"mmsi:{SHIPS[ship]}",
        "name": HOSTILE if ship == 1 else "PLAIN",
        "flag": "RUS" if ship == 1 else "IRN",
        "off_at": off_at,
        "on_at": off_at + timedelta(hours=hours),
        **{"off_lon": 50.0, "off_lat": 42.0, "on_lon": 51.0, "on_lat": 40.0},
        **{"p_off": 0.9, "p_off_low": 0.8, "p_off_high": 0.95, "cause": "probable_off"},
        "reasons": f"Silent for {hours} h. Probability 0.9 (90 % interval 0.8 to 0.95).",
        **more,
    }


GAPS = [
    gap(1, 1, datetime(2023, 5, 10), 40),
    gap(2, 1, datetime(2023, 6, 10), 12),  # of a call: shown though short
    gap(3, 2, datetime(2023, 6, 12), 31, p_off=0.1, p_off_low=0.05, p_off_high=0.2),
    gap(4, 2, datetime(2023, 6, 20), 29),  # too short
    gap(5, 2, datetime(2021, 1, 5), 99),  # too old
    gap(6, 2, datetime(2023, 7, 1), 50, cause="left_region"),  # in no count of gaps
]
CALLS = [
    {
        **{"call_id": "call-b", "mmsi": SHIPS[1], "name": HOSTILE, "port_group": "amirabad"},
        **{"port_country": "IRN", "gap_ids": "gap-2", "grade": "B", "p_off": 0.9, "p_call": 0.85},
        **{"window_from": datetime(2023, 6, 10, 2), "window_to": datetime(2023, 6, 10, 9)},
        **{"month": date(2023, 6, 1), "families": "draught", "slack_h": 7.0},
        **{"on_watch_list": True, "last_verdict": "disagree", "last_reviewed_by": HOSTILE},
        **{"in_ru_ir_crossing": True, "in_ru_ir_any": True, "in_any_flag_crossing": True},
        "reasons": "It can have been at amirabad between 2023-06-10 02:00 UTC and 09:00 UTC.",
    }
]


SPIKE = {
    **{"month": date(2023, 6, 1), "flags": "RUS", "at_least_h": 30, "gaps": 4, "expected": 1.0},
    **{"limit": 3.0, "is_spike": True, "why": "4 gaps where 1.0 are foreseen"},
}


def indicator_rows(**last: Any) -> list[dict[str, Any]]:
    told = {"why": "not assessable: too few months", "rating": "not assessable"}
    rows = [{"month": month, "scope": scope, **told} for month in MONTHS for scope in SCOPES]
    return [row | (last if row["month"] >= date(2023, 6, 1) else {}) for row in rows]


def monthly_calls() -> list[dict[str, Any]]:
    told: dict[str, Any] = {"expected_calls": 0.5, "expected_unheard": 0.25, "lit_calls": 3}
    whole = {"flag": "all", "port_country": "all", "port_group": "all"}
    port = {"flag": "all", "port_country": "IRN", "port_group": "amirabad"}
    return [
        {"month": month, "scope": scope, **place, **told}
        for month in MONTHS
        for scope in SCOPES
        for place in (whole, port)
    ]


def monthly_gaps() -> list[dict[str, Any]]:
    told = {"ships_seen": 9, "ship_hours": 700.5, "gaps": 4, "expected_off": 1.5}
    told |= {"expected_off_low": 1.0, "expected_off_high": 2.0, "ships_with_gap": 2}
    return [
        {"month": month, "flag": flag, "fleet": fleet, "area": "all", "port_group": "all"}
        | {"at_least_h": hours, **told}
        for month in MONTHS
        for flag in ("all", "RUS", "IRN")
        for fleet in ("all", "merchant")
        for hours in (4, 30)
    ]


def cells_and_health() -> dict[str, list[dict[str, Any]]]:
    hours = [datetime(2023, 7, 1, hour) for hour in range(4)]
    cell = {"cell_lon_deg": 50.0, "cell_lat_deg": 42.0, "ships_present": 2}
    unit = {"feed": "f", "receiver": "terrestrial", "station": HOSTILE}
    return {
        "reception_cells": [
            {"hour": hour, **cell, "is_live": number > 0, "ships_heard": number > 0}
            for number, hour in enumerate(hours)
        ],
        "feed_health": [
            {"hour": hour, **unit, "messages": 5, "is_outage": number == 0}
            for number, hour in enumerate(hours)
        ],
    }


def write_tables(folder: Path, **changed: list[dict[str, Any]]) -> Path:
    """Write the tables a report reads, and its manifest; return the folder."""
    rows: dict[str, list[dict[str, Any]]] = {
        **{"gaps": GAPS, "dark_port_calls": CALLS, "indicator": indicator_rows()},
        **{"monthly_gaps": monthly_gaps(), "monthly_dark_port_calls": monthly_calls()},
        **cells_and_health(),
        "spikes": [SPIKE],
        "indicator_years": [{"calendar_year": 2022, "scope": SCOPE, "rating": "not assessable"}],
        "files": [{"feed": "simulated_x", "first_at": datetime(2022, 8, 1), "read": 10}],
        **changed,
    }
    for name in (
        *("lit_port_calls", "legs", "canal_transits", "published_counts", "outage_hours"),
        *("rules", *rows),
    ):
        table = store.TABLES[name]
        store.write_table(builders.frame(table, rows.get(name, [])), name, folder)
    beside = pl.DataFrame(
        {
            "month": [date(2023, 6, 1)],
            **{
                "flag": ["RUS"],
                "area": [None],
                "measure": ["gaps"],
                "published": [625.0],
                "ours": [4],
            },
            **{"ships_seen": [9], "ship_hours": [700.5], "status": ["final"]},
            **{"source": ["a report"], "note": ["threshold not published"]},
        }
    )
    store.write_parquet(beside, folder / "published_beside_ours.parquet")
    manifest = {"run": 3, "data_end": DATA_END.isoformat() + "Z", "is_simulated": True}
    manifest |= {"method_version": "0.0.0", "rules_hash": "0" * 12, "warnings": [HOSTILE]}
    store.write_json(manifest, folder / "manifest.json")
    return folder


class Parsed(HTMLParser):
    """What a browser makes of the markup: elements with their attributes, and embedded data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][1].get("id") == "data":
            self.data += data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_tables(tmp_path_factory.mktemp("report") / "processed")
    return report.write_report(folder, folder / "report", GEO)


@pytest.fixture(scope="module")
def content(page: Path) -> dict[str, Any]:
    return json.loads(Parsed(page.read_text("utf-8")).data)


def unpack(packed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return rows as the page's script reads them."""
    columns = {
        name: column
        if isinstance(column, list)
        else [None if at is None else column["words"][at] for at in column["at"]]
        for name, column in packed["columns"].items()
    }
    return [
        {name: column[number] for name, column in columns.items()}
        for number in range(packed["rows"])
    ]


# --------------------------------------------------------------------------- what it holds


def test_the_page_holds_long_gaps_and_gaps_of_calls_of_the_last_months(
    content: dict[str, Any],
) -> None:
    assert [row["gap_id"] for row in unpack(content["gaps"])] == ["gap-1", "gap-2", "gap-3"]
    assert [row["call"] for row in unpack(content["gaps"])] == [None, "B", None]
    assert [row["call_id"] for row in unpack(content["calls"])] == ["call-b"]


def test_the_page_says_how_much_it_leaves_out(content: dict[str, Any]) -> None:
    assert content["counts"]["gaps_all"] == 6
    assert content["counts"]["gaps_long"] == 2
    assert content["counts"]["gaps_shown"] == 3
    assert content["counts"]["gaps_of_calls_shown"] == 1
    assert "1 graded calls of 1 since 2021-08" in content["left_out"][0]
    assert "6 gaps" in content["left_out"][1]


def test_beyond_the_limit_calls_and_their_gaps_stay_and_the_likeliest_long_gaps_follow() -> None:
    gaps = builders.frame(schema.Gaps, GAPS)
    calls = builders.frame(schema.DarkPortCalls, CALLS)
    three = choose_rows(gaps, calls, DATA_END, report.ReportRules(rows_most=3))
    assert three.gaps["gap_id"].to_list() == ["gap-1", "gap-2"]
    none = choose_rows(gaps, calls, DATA_END, report.ReportRules(rows_most=1))
    assert (none.calls.height, none.gaps["gap_id"].to_list()) == (0, ["gap-1"])


def test_an_open_gap_counts_by_what_it_has_reached() -> None:
    rows = [
        gap(1, 1, DATA_END - timedelta(hours=hours), 1, on_at=None, on_lon=None, on_lat=None)
        | {"gap_id": f"open-{hours}"}
        for hours in (29, 30)
    ]
    gaps = builders.frame(schema.Gaps, rows)
    calls = builders.frame(schema.DarkPortCalls, [])
    chosen = choose_rows(gaps, calls, DATA_END, report.ReportRules())
    assert chosen.gaps["gap_id"].to_list() == ["open-30"]


@pytest.mark.parametrize(
    ("data_end", "first"),
    [(datetime(2023, 8, 1), date(2023, 7, 1)), (datetime(2023, 8, 1, 1), date(2023, 8, 1))],
)
def test_the_end_of_the_data_is_exclusive(data_end: datetime, first: date) -> None:
    assert find_first_month(data_end, 1) == first


def test_ships_are_told_by_what_they_did_again_and_again(content: dict[str, Any]) -> None:
    first, second = unpack(content["ships"])
    assert (first["mmsi"], first["calls_b"], first["probable_offs"]) == (SHIPS[1], 1, 2)
    # Gap 5 is too old and gap 6 left the region.
    assert (second["gaps"], second["long_gaps"], second["probable_offs"]) == (2, 1, 1)


def test_reception_and_health_are_shares_of_hours(content: dict[str, Any]) -> None:
    (cell,) = unpack(content["cells"])
    assert (cell["hours"], cell["live_hours"], cell["ship_hours"]) == (4, 3, 8)
    assert cell["heard_ship_hours"] == 3
    (unit,) = unpack(content["health"])
    assert (unit["hours"], unit["outage_hours"], unit["messages"]) == (4, 1, 20)


def test_texts_come_back_from_their_sentences() -> None:
    texts = ["On 2023-05-10 07:04:05 UTC at 0.9 kn. Again: 12.", "No number.", "", "a|b 3", HOLE]
    packed = pack_sentences(texts)
    told = []
    for numbers, values in zip(packed["at"], packed["values"], strict=True):
        words = "".join(packed["sentences"][number] for number in numbers)
        rest = iter(values.split("|"))
        told.append(re.sub(HOLE, lambda _, rest=rest: next(rest), words))
    assert told == [*texts[:3], "a/b 3", " "]


def test_packed_columns_say_what_the_frame_said() -> None:
    frame = pl.DataFrame({"a": ["x", "x", None, "y", "x", "x"], "b": [1.5, None, 2.0, 0, 1, 3]})
    assert unpack(pack_frame(frame)) == frame.to_dicts()


# --------------------------------------------------------------------------- what it says


def tell(**last: Any) -> dict[str, Any]:
    indicator = builders.frame(schema.Indicator, indicator_rows(**last))
    calls = builders.frame(schema.MonthlyDarkPortCalls, monthly_calls())
    return tell_indicator(indicator, calls, report.ReportRules())[0]


def test_where_nothing_is_rated_the_page_says_so_and_gives_the_sum() -> None:
    told = tell()
    assert told["rating"] == "not assessable"
    assert told["headline"] == ("In the 12 months to 2023-07, not assessable: too few months.")
    assert any("not given" in line for line in told["sure"])
    assert any("add up to 6.0" in line for line in told["sure"])
    assert sum("trend: not given" in line for line in told["since"]) == 2


def test_a_rating_stands_with_its_probabilities_interval_and_beginning() -> None:
    told = tell(
        **{
            "rating": "Medium",
            "why": "Medium: 9.0 expected.",
            "p_low": 0.1,
            "p_medium": 0.85,
            "p_high": 0.05,
        },
        **{"expected_12m": 9.0, "expected_12m_low": 6.5, "expected_12m_high": 12.0},
        **{"calls_12m_a": 1, "calls_12m_b": 4, "upper_bound_12m": 1234},
        **{"count_trend": "Upward", "count_ratio": 1.6, "count_ratio_low": 1.2},
        **{"count_ratio_high": 2.1, "baseline": "2020-2021", "raw_gap_ratio": 4.4},
    )
    assert told["headline"] == "In the 12 months to 2023-07, Medium: 9.0 expected."
    sure, since = " ".join(told["sure"]), " ".join(told["since"])
    assert "Low 0.10, Medium 0.85, High 0.05" in sure
    assert "9.0 (90 % interval 6.5 to 12.0)" in sure
    assert "1 calls of grade A, 4 of grade B" in sure
    assert "no more calls than the 1,234 closed gaps" in sure
    assert "has been Medium since 2023-06" in since
    assert "Upward, 1.60 times (1.20 to 2.10) against 2020-2021" in since
    assert "Calls per visit, trend: not given" in since
    assert "4.40 times those of the base period" in since


def test_without_a_whole_month_nothing_is_rated(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, indicator=[])
    content = report.make_content(report.read_sources(folder), GEO, report.ReportRules())
    assert content["headlines"][0]["headline"].startswith("Not rated: no month")


def test_a_sensitivity_table_is_shown_where_there_is_one(tmp_path: Path) -> None:
    folder = write_tables(tmp_path)
    frame = pl.DataFrame({"rule": ["near_nm"], "value": [10.0], "expected_12m": [7.5]})
    store.write_parquet(frame, folder / "sensitivity.parquet")
    content = report.make_content(report.read_sources(folder), GEO, report.ReportRules())
    assert content["optional"]["sensitivity"] == {
        "columns": ["rule", "value", "expected_12m"],
        "rows": [["near_nm", 10, 7.5]],
    }


@pytest.mark.parametrize("p_low", [0.9, None])
def test_the_class_under_other_choices_is_a_figure(tmp_path: Path, p_low: float | None) -> None:
    folder = write_tables(tmp_path / "processed")
    told = {"scope": SCOPE, "rating": "Low", "p_low": p_low, "p_medium": 0.1, "p_high": 0.0}
    rows = [{**told, "choice": choice, "value": "30 h"} for choice in ("headline", "shortest gap")]
    store.write_table(builders.frame(store.TABLES["sensitivity"], rows), "sensitivity", folder)
    report.write_report(folder, tmp_path / "out", tmp_path / "no_geo")
    drawing = tmp_path / "out" / report.FIGURES / "sensitivity.svg"
    text = drawing.read_text("utf-8")
    assert "SIMULATED" in text
    assert ("shortest gap: 30 h" in text) == (p_low is not None)


def test_waters_without_shoreline_have_a_page_all_the_same(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "processed")
    page = report.write_report(folder, tmp_path / "out", tmp_path / "no_geo", with_figures=False)
    map_of = json.loads(Parsed(page.read_text("utf-8")).data)["map"]
    assert map_of == {"waters": [], "lines": [], "ports": []}


def test_tables_of_an_earlier_version_are_one_line(tmp_path: Path) -> None:
    folder = write_tables(tmp_path)
    calls = store.read_table(folder, "dark_port_calls").drop("on_watch_list")
    store.write_parquet(calls, folder / "dark_port_calls.parquet")
    with pytest.raises(UsageError, match=r"made by another version.*run darkport nightly"):
        report.read_sources(folder)


def test_where_nothing_is_published_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run darkport nightly"):
        report.write_report(tmp_path, tmp_path / "out", GEO)


# --------------------------------------------------------------------------- one safe file


def test_the_page_is_one_file_that_loads_nothing(page: Path) -> None:
    text = page.read_text("utf-8")
    parsed = Parsed(text)
    loading = {"src", "href", "srcset", "data", "action", "poster", "background"}
    loaded = [
        value
        for _, attributes in parsed.elements
        for name, value in attributes.items()
        if name in loading and value and not value.startswith("#")
    ]
    assert loaded == []
    assert "@import" not in text
    assert "url(" not in text
    policies = [told.get("content") for tag, told in parsed.elements if tag == "meta"]
    assert any(policy and policy.startswith("default-src 'none'") for policy in policies[:2])
    assert len(text.encode()) < 1_000_000


def test_strangers_words_are_data_and_no_markup(page: Path, content: dict[str, Any]) -> None:
    text = page.read_text("utf-8")
    assert HOSTILE not in text
    tags = [tag for tag, _ in Parsed(text).elements]
    assert tags.count("script") == 2
    assert "img" not in tags
    assert unpack(content["ships"])[0]["name"] == SAFE.strip()


@pytest.mark.parametrize("text", [HOSTILE, "<!--", "]]>", "\u2028", "&lt;", '"', "\\"])
def test_json_in_a_script_is_read_back_and_cannot_end_it(text: str) -> None:
    written = as_script_json({"name": text})
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == {"name": text}


def test_the_same_tables_give_the_same_files(page: Path, tmp_path: Path) -> None:
    again = report.write_report(page.parents[1], tmp_path, GEO)
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert {Path(name).suffix for name in names} == {".html", ".png", ".svg"}
    for name in names:
        assert (tmp_path / name).read_bytes() == (page.parent / name).read_bytes(), name
    assert again.read_bytes() == page.read_bytes()


def test_simulated_figures_say_so(page: Path) -> None:
    drawings = sorted((page.parent / report.FIGURES).glob("*.svg"))
    assert len(drawings) == 4
    assert all("SIMULATED" in path.read_text("utf-8") for path in drawings)


def read_colours() -> list[dict[str, str]]:
    """Return the colours of the light and of the dark page."""
    style = (Path(report.__file__).parent / "page" / "page.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    return [dict(re.findall(r"--(\w+): (#\w+);", block)) for block in blocks]


def brightness(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    digits = colour[1:7] if len(colour) > 4 else "".join(2 * letter for letter in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(share * one for share, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize(
    ("ink", "paper", "least"),
    [
        *((ink, paper, 4.5) for ink in ("ink", "soft", "accent") for paper in ("paper", "card")),
        *(("mark", "markpaper", 4.5), ("pick", "paper", 4.5), ("mid", "paper", 4.5)),
        *((name, "paper", 3.0) for name in ("dark", "unheard", "lit", "weak")),
    ],
)
def test_text_and_marks_stand_out(ink: str, paper: str, least: float, is_dark: bool) -> None:
    colours = read_colours()[is_dark]
    bright = sorted((brightness(colours[ink]), brightness(colours[paper])), reverse=True)
    assert (bright[0] + 0.05) / (bright[1] + 0.05) >= least


# --------------------------------------------------------------------------- with the night


def test_a_night_publishes_its_report_and_later_runs_make_it_again(tmp_path: Path) -> None:
    rows = [(SHIPS[1], f"2023-05-{day:02}T{hour:02}:00:00Z", 49.5, 42.5) for day, hour in TIMES]
    night.write_canonical(tmp_path / "raw", "a_feed", night.sightings(rows, name=HOSTILE))
    job = Job(
        **{"raw": tmp_path / "raw", "processed": tmp_path / "out", "sql_folder": night.SQL},
        **{"areas_folder": GEO, "rules": Rules(), "with_report": True},
    )
    outcome = run_night(job)
    assert "making the report" in outcome.seconds
    page = tmp_path / "out" / report.FOLDER / report.PAGE
    first = page.read_text("utf-8")
    assert not json.loads(Parsed(first).data)["is_simulated"]
    assert json.loads(Parsed(first).data)["counts"]["gaps_shown"] == 1
    assert report_again(tmp_path / "out", GEO, with_figures=False) == page
    assert page.read_text("utf-8") == first
    assert not (page.parent / report.FIGURES).exists()
    page.unlink()
    roll_up_again(job)
    assert page.read_text("utf-8") == first
    assert (page.parent / report.FIGURES / "monthly_gaps.svg").is_file()


def test_the_command_writes_it_elsewhere_without_touching_the_tables(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    processed = page.parents[1]
    before = sorted(processed.rglob("*"))
    app(
        ["report", "--processed", str(processed), "--out", str(tmp_path), "--no-figures"],
        standalone_mode=False,
    )
    assert capsys.readouterr().out == f"open {tmp_path / report.PAGE}\n"
    assert (tmp_path / report.PAGE).read_bytes() == page.read_bytes()
    assert sorted(processed.rglob("*")) == before


# --------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    if find_chromium() is None:
        pytest.skip("no Chromium here: Debian's package chromium brings it")
    with open_page() as opened:
        yield opened


def shown(browser: Page, number: str) -> list[int]:
    """Return the figures of the line that says how many rows are shown."""
    text = browser.run("document.getElementById('count').textContent")
    return [int(one) for one in re.findall(r"\d+", text)][: 4 if number == "all" else 1]


def test_the_page_opens_without_a_network_an_error_or_a_request(browser: Page, page: Path) -> None:
    browser.size(1280, 900)
    browser.show(page)
    assert browser.errors == []
    assert browser.requests == [page.resolve().as_uri()]
    assert "Not assessable" in browser.run("document.getElementById('rating').textContent")
    assert browser.run("!document.getElementById('mark').hidden")
    assert shown(browser, "all") == [3, 3, 1, 1]


def test_a_hostile_name_is_text(browser: Page, page: Path) -> None:
    browser.show(page)
    assert browser.run("document.querySelectorAll('img').length") == 0
    names = browser.run(
        "[...document.querySelectorAll('#ships-table button')].map((one) => one.textContent)"
    )
    assert SAFE.strip() in names
    assert browser.errors == []


def test_spikes_years_and_what_users_brought_are_shown(browser: Page, page: Path) -> None:
    browser.show(page)
    assert "2023-06, RUS: 4 gaps where 1.0 are foreseen" in browser.run(
        "document.getElementById('beside').textContent"
    )
    assert "spike" in browser.run("document.getElementById('monthly-charts').textContent")
    assert "Calendar years" in browser.run("document.getElementById('indicator').textContent")
    calls = browser.run("document.getElementById('calls-table').textContent")
    assert "watch list (no evidence), reviewed: disagree" in calls


def set_field(browser: Page, name: str, value: str) -> None:
    browser.run(
        f"(() => {{ const one = document.getElementById({name!r}); one.value = {value!r};"
        " one.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )


@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ("f-flag", "IRN", [1, 3, 0, 1]),
        ("f-grade", "B", [1, 3, 1, 1]),
        ("f-grade", "none", [2, 3, 0, 1]),
        ("f-p", "0.8", [2, 3, 1, 1]),
        ("f-from", "2023-06", [2, 3, 1, 1]),
        ("f-to", "2023-05", [1, 3, 0, 1]),
        ("f-text", "plain", [1, 3, 0, 1]),
    ],
)
def test_filters_change_what_is_shown(
    browser: Page, page: Path, field: str, value: str, left: list[int]
) -> None:
    browser.show(page)
    set_field(browser, field, value)
    assert shown(browser, "all") == left
    rows = browser.run("document.querySelectorAll('#gaps-table tbody tr').length")
    assert rows == left[0]
    # The view is in the address, and opens again from it.
    fragment = browser.run("location.hash")
    browser.show(page, fragment)
    assert shown(browser, "all") == left
    browser.run("document.getElementById('f-reset').click()")
    assert shown(browser, "all") == [3, 3, 1, 1]
    assert browser.errors == []


def test_a_chosen_ship_is_chosen_in_every_table_and_figure(browser: Page, page: Path) -> None:
    browser.show(page)
    browser.run("document.querySelector('#ships-table tbody button').click()")
    marked = "document.querySelectorAll('#{} tr[aria-selected=true]').length"
    assert browser.run(marked.format("gaps-table")) == 2
    assert browser.run(marked.format("calls-table")) == 1
    assert browser.run(marked.format("ships-table")) == 1
    for figure in ("indicator-chart", "monthly-charts", "ports-chart", "reception-map", "story"):
        assert browser.run(f"document.querySelectorAll('#{figure} .c-pick').length") > 0, figure
    assert "The story of" in browser.run("document.getElementById('story').textContent")
    assert SAFE.strip() in browser.run("document.getElementById('chosen').textContent")
    browser.run("document.getElementById('chosen-clear').click()")
    assert (
        browser.run(
            "document.querySelectorAll('[aria-selected=true], .c-pick:not(.legend *)').length"
        )
        == 0
    )
    assert browser.errors == []


def test_the_map_tells_its_gaps_by_keyboard(browser: Page, page: Path) -> None:
    browser.show(page)
    browser.run(
        "(() => { const map = document.getElementById('map'); map.focus();"
        " map.dispatchEvent(new KeyboardEvent('keydown', {key: 'n', bubbles: true})); })()"
    )
    told = browser.run("document.getElementById('detail').textContent")
    assert "Silent for 40 h. Probability 0.9 (90 % interval 0.8 to 0.95)." in told
    colours = browser.run(
        "(() => { const map = document.getElementById('map'); const pixels = map.getContext('2d')"
        ".getImageData(0, 0, map.width, map.height).data; const seen = new Set();"
        " for (let at = 0; at < pixels.length; at += 4) seen.add(pixels[at] * 65536 +"
        " pixels[at + 1] * 256 + pixels[at + 2]); return seen.size; })()"
    )
    assert colours > 20


@pytest.mark.parametrize("is_dark", [False, True])
def test_a_phone_scrolls_one_way_only(browser: Page, page: Path, is_dark: bool) -> None:
    browser.size(390, 844, is_phone=True)
    browser.media(is_dark=is_dark)
    browser.show(page)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(18, 23, 29)" if is_dark else "rgb(255, 255, 255)")
    browser.media()
    browser.size(1280, 900)


def test_every_figure_has_words_and_a_table(browser: Page, page: Path) -> None:
    browser.show(page)
    without = browser.run(
        "[...document.querySelectorAll('figure')].filter((one) => !one.closest('#story') &&"
        " (!one.querySelector('figcaption').textContent || !one.querySelector('details') ||"
        " !one.querySelector('svg[role=img][aria-label]'))).map((one) => one.textContent)"
    )
    assert without == []
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.run("new Promise((done) => setTimeout(done, 50))")
    empty = browser.run(
        "[...document.querySelectorAll('details')].filter((one) => !one.querySelector('tbody'))"
        ".map((one) => one.textContent)"
    )
    assert empty == []
    assert browser.errors == []
