"""Every file in sql/ is one statement in the house style, and every example answers on rows."""

from __future__ import annotations

import configparser
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipeline import schema
from pipeline.rollup import MACROS, MARTS, make_macros, roll_up, run_checks, sentence_of
from pipeline.rules import Rules, rules_frame
from tests import builders

ROOT = Path(__file__).parent.parent
SQL = ROOT / "sql"
FILES = sorted(SQL.rglob("*.sql"))
EXAMPLES = sorted(path.stem for path in (SQL / "examples").glob("*.sql"))
PARAMETERS = {
    *("data_end", "method_version", "rules_hash", "contract_version", "published_counts_file"),
}
DATA_END = datetime(2023, 7, 20)

Row = dict[str, Any]


def name_of(path: Path) -> str:
    return str(path.relative_to(SQL))


# ------------------------------------------------------------------------------------------ style


def test_the_marts_and_macros_are_the_files_of_their_folders():
    assert sorted(MARTS) == sorted(path.stem for path in (SQL / "marts").glob("*.sql"))
    assert sorted(MACROS) == sorted(path.stem for path in (SQL / "macros").glob("*.sql"))
    assert {path.parent.name for path in FILES} == {"marts", "macros", "checks", "examples"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_one_select_or_macro(path):
    is_macro = path.parent.name == "macros"
    statements = duckdb.connect().extract_statements(path.read_text("utf-8"))
    wanted = duckdb.StatementType.CREATE if is_macro else duckdb.StatementType.SELECT
    assert [statement.type for statement in statements] == [wanted]
    if is_macro:
        made = f"\ncreate or replace macro {path.stem}("
        assert made in path.read_text("utf-8")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_marts_take_values_and_only_known_ones(path):
    (statement,) = duckdb.connect().extract_statements(path.read_text("utf-8"))
    allowed = PARAMETERS if path.parent.name == "marts" else set()
    assert statement.named_parameters <= allowed


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_first_line_says_what_the_rows_are(path):
    first = path.read_text("utf-8").splitlines()[0]
    if path.parent.name == "checks":
        assert first.startswith("-- ")
        assert first.endswith(".")
        assert " " in sentence_of(first)
    else:
        assert first.startswith("-- One row per ")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_clock_no_chance_no_template_no_zone(path):
    text = path.read_text("utf-8").lower()
    for word in ("now()", "current_date", "today()", "random(", "{{", "{%", "timestamptz"):
        assert word not in text


def test_sqlfluff_finds_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "sqlfluff", "lint", "sql", "--disable-progress-bar"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_sqlfluff_has_a_stand_in_for_every_value():
    config = configparser.ConfigParser()
    config.read(ROOT / ".sqlfluff", "utf-8")
    stand_ins = set(config["sqlfluff:templater:placeholder"]) - {"param_style"}
    assert stand_ins == PARAMETERS


def test_the_readme_names_every_mart_macro_and_example():
    text = (SQL / "README.md").read_text("utf-8")
    missing = [name for name in (*MARTS, *MACROS, *EXAMPLES) if f"`{name}`" not in text]
    assert missing == []


# ------------------------------------------------------------------------------ published figures


@pytest.fixture(scope="module")
def published() -> pl.DataFrame:
    with builders.connect(inputs()) as connection:
        roll_up(connection, SQL, parameters())
        return connection.sql("select * from published_counts").pl()


def value_of(published: pl.DataFrame, figure_id: str) -> float:
    return published.filter(figure_id=figure_id)["value"].item()


def test_published_counts_keep_the_rules_of_their_table(published):
    schema.PublishedCounts.validate(published)
    assert published["note"].null_count() == 0
    assert published.filter(pl.col("value").is_nan()).is_empty()


def test_table_5_is_complete(published):
    table_5 = published.filter(pl.col("source").str.contains("Table 5"))
    assert table_5.height == 12
    assert table_5["at_least_h"].null_count() == 12
    sums = table_5.group_by("flag", "measure").agg(pl.col("value").sum()).sort("flag", "measure")
    assert sums.rows() == [
        ("IRN", "gaps", 609.0),
        ("IRN", "ships", 142.0),
        ("RUS", "gaps", 1912.0),
        ("RUS", "ships", 455.0),
    ]


def test_computed_figures_follow_from_the_published_ones(published):
    before = sum(value_of(published, f"cna_text_rus_gaps_2022_{month:02}") for month in (5, 6, 7))
    assert before == 432
    assert value_of(published, "cna_figures_rus_gap_ratio") == round(1912 / before, 2)
    transits = {
        year: value_of(published, f"official_volga_don_transits_{year}") for year in (2021, 2022)
    }
    change = round(100 * (transits[2022] / transits[2021] - 1))
    assert value_of(published, "official_volga_don_change_2022") == change
    assert value_of(published, "windward_volga_don_change_2022") == 42


def test_figures_of_30_h_say_so(published):
    lli = published.filter(pl.col("figure_id").str.starts_with("lli_"))
    assert lli.height == 7
    assert lli["at_least_h"].unique().to_list() == [30]


# --------------------------------------------------------------------------- the examples, on rows

A, B, C, D = 273_000_001, 422_000_002, 273_000_003, 273_000_004
MAY, JUNE, JULY = date(2023, 5, 1), date(2023, 6, 1), date(2023, 7, 1)
NEAR = {"off_port_group": "astrakhan"}
DON = {"off_area": "volga_don"}
JUDGED = {"live_h": 3.0, "expected_receptions": 4.0}
AMIRABAD = {"off_port_group": "amirabad", "on_port_group": "astrakhan"}
OFF = {"cause": "probable_off", "p_off": 0.9, "p_off_low": 0.8, "p_off_high": 1.0} | {
    "live_h": 13.0,
    "witnesses": 6,
}
DOUBTED = {"cause": "unexplained", "p_off": 0.5, "p_off_low": 0.3, "p_off_high": 0.7} | {
    "live_h": 15.0,
    "witnesses": 2,
}


def gap(ship: int, off_at: datetime, hours: float | None, **more: Any) -> Row:
    on_at = None if hours is None else off_at + timedelta(hours=hours)
    return {"mmsi": ship, "off_at": off_at, "on_at": on_at, "data_end": DATA_END, **more}


def inputs() -> dict[str, pl.DataFrame]:
    """May and July have data, June has none."""
    gaps = [
        gap(A, datetime(2023, 5, 1), 30, name="VOLGA 1", **NEAR, **DOUBTED),
        gap(A, datetime(2023, 5, 9), 31.5, name="VOLGA 1", **NEAR, **OFF),
        gap(B, datetime(2023, 5, 4), 12, flag="IRN", name="=NEKA()", **NEAR, **JUDGED),
        gap(C, datetime(2023, 5, 5), 29.5, **DON),
        gap(B, datetime(2023, 5, 20), 400, flag="IRN", cause="left_region"),
        gap(C, datetime(2023, 7, 10), None, **DON),
        gap(D, datetime(2023, 5, 6), 40, fleet="ferry"),
        gap(A, datetime(2023, 5, 15, 10), 26, name="VOLGA 1", **AMIRABAD, **OFF),
    ]
    ship_months = [
        {"mmsi": A, "month": MAY, "port_group": "astrakhan", "sightings": 9, "ship_s": 360_000},
        {"mmsi": B, "month": MAY, "flag": "IRN", "port_group": "astrakhan", "ship_s": 180_000},
        {"mmsi": A, "month": MAY, "port_group": "amirabad"},
        {"mmsi": B, "month": MAY, "flag": "IRN"},
        {"mmsi": C, "month": MAY, "area": "volga_don", "ship_s": 36_000},
        {"mmsi": D, "month": MAY, "fleet": "ferry", "ship_s": 36_000},
        {"mmsi": C, "month": JULY, "area": "volga_don", "ship_s": 36_000},
    ]
    files = [
        {
            "feed": "north",
            "file": "north/a.csv",
            "format": "canonical",
            "read": 8,
            "accepted": 4,
            "duplicate": 1,
            "rejected": 3,
            "rejected_by_reason": '{"no_time": 1, "not_a_ship": 2}',
        },
        {"feed": "north", "file": "north/b.csv", "error": "no feed format", "format": None},
    ]
    seasons = [
        {
            "waterway": "volga_don_canal",
            "year": 2023,
            "opened_on": date(2023, 4, 1),
            "closed_on": date(2023, 7, 15),
        }
    ]
    heard = {"ships_present": 3, "ships_heard": 1, "is_live": True}
    cells = [
        {"hour": datetime(2023, 5, 1, 1), "area": "caspian", **heard, "expected_stopped": 2.0},
        {"hour": datetime(2023, 5, 4, 1), "area": "caspian", "ships_present": 1},
        {"hour": datetime(2023, 5, 4, 1), "cell_lon_deg": 0.5, "ships_present": 1},
    ]
    cells[1] |= {"is_live": True, "expected_stopped": 1.0, "expected_under_way": 1.5}
    cells[2] |= {**cells[1], "cell_lon_deg": 0.5, "ships_heard_by_satellite": 1}
    gap_hours = [
        {"gap_id": "gap-003", "hour": datetime(2023, 5, 4, hour), "is_live": hour == 1}
        for hour in (1, 2)
    ]
    cells[0]["expected_under_way"] = 2.5
    told = {"run": 1, "data_end": DATA_END, "change": "closed", "why": "closed"}
    may = {"off_at": datetime(2023, 5, 4), "month": MAY, "is_present": True}
    return {
        "gap_versions": builders.frame(schema.GapVersions, [{"gap_id": "gap-003", **told, **may}]),
        "runs": builders.frame(schema.Runs, [{"run": 1, "data_end": DATA_END}]),
        "gaps": builders.frame(schema.Gaps, gaps),
        "ship_months": builders.frame(schema.ShipMonths, ship_months),
        "files": builders.frame(schema.Files, files),
        "outage_hours": builders.frame(
            schema.OutageHours, [{"hour": datetime(2023, 5, 1, 5), "why": "receivers_out"}]
        ),
        "reception_cells": builders.frame(schema.ReceptionCells, cells),
        "gap_hours": builders.frame(schema.GapHours, gap_hours),
        **builders.no_voyages(),
        **calls_and_voyages(),
        **reports(),
        "rules": rules_frame(Rules()),
        "seasons": builders.frame(schema.Seasons, seasons),
    }


IRAN = {"port_group": "amirabad", "port_country": "IRN"}
CROSSING = {"in_ru_ir_crossing": True, "in_ru_ir_any": True, "in_any_flag_crossing": True}
HOME = {"from_group": "amirabad", "from_country": "IRN"} | {
    "to_group": "astrakhan",
    "to_country": "RUS",
}
OUT = {"from_group": "astrakhan", "from_country": "RUS"} | {
    "to_group": "amirabad",
    "to_country": "IRN",
}


def leg(ship: int, left_at: datetime, days: int, way: Row, passage: str = "lit") -> Row:
    at = {"left_at": left_at, "arrived_at": left_at + timedelta(days=days), "hours": 24.0 * days}
    which = {"month": left_at.date().replace(day=1), "passage": passage}
    return {"mmsi": ship, "is_crossing": True, "is_ru_ir_crossing": True, **at, **which, **way}


def calls_and_voyages() -> dict[str, pl.DataFrame]:
    """A has a dark call at Amirabad in May; B went dark on a leg in February and not since."""
    at = {"window_from": datetime(2023, 5, 15, 14), "window_to": datetime(2023, 5, 16, 8)}
    dark = [{"gap_ids": f"gap-{number:03}", "grade": "C"} for number in (1, 2, 3)]
    dark += [{"gap_ids": "gap-008", "grade": "B", "p_call": 0.85, **at, **IRAN, **CROSSING}]
    dark += [{"gap_ids": "gap-007", "grade": "D", "mmsi": D, **at, **IRAN}]
    stay = {"entered_at": datetime(2023, 5, 4), "left_at": datetime(2023, 5, 5), "stay_h": 24.0}
    lit = [{"mmsi": A, "stopped_h": 20.0, **stay, **IRAN, **CROSSING}]
    sums = {"expected_calls": 1.25, "expected_unheard": 0.25, "glimpsed": 1, **IRAN, **CROSSING}
    legs = [
        leg(A, datetime(2023, 5, 2, 8), 1, OUT),
        leg(A, datetime(2023, 5, 15), 3, HOME, "dark"),
        leg(A, datetime(2023, 5, 20), 2, OUT, "unheard"),
        leg(B, datetime(2023, 2, 1), 3, HOME, "dark"),
    ]
    passed = {"direction": "volga_to_don", "passage": "lit", "hours": 30.0, "season_days": 15}
    july = {"entered_at": datetime(2023, 7, 2), "left_at": datetime(2023, 7, 3, 6), "month": JULY}
    told = [("amirabad", "IRN", 0.75, 0.8, 0.05), ("none", None, 0.25, 0.1, 0.05)]
    candidates = [
        {"gap_id": "gap-008", "port_group": group, "country": country, "p_prior": prior}
        | {"p_call": dark_there, "p_unheard": unheard}
        for group, country, prior, dark_there, unheard in told
    ]
    return {
        "dark_port_calls": builders.frame(schema.DarkPortCalls, dark),
        "lit_port_calls": builders.frame(schema.LitPortCalls, lit),
        "call_sums": builders.frame(schema.CallSums, [sums]),
        "legs": builders.frame(schema.Legs, legs),
        "canal_transits": builders.frame(schema.CanalTransits, [{"mmsi": C, **passed, **july}]),
        "port_candidates": builders.frame(schema.VisitedCandidates, candidates),
    }


def reports() -> dict[str, pl.DataFrame]:
    """Draughts around gaps (D's is too old), names, and a station that was down for an hour."""

    def draught(ship: int, at: datetime, metres: float | None) -> Row:
        return {"mmsi": ship, "first_at": at, "last_at": at, "draught_m": metres}

    statics = [
        draught(A, datetime(2023, 4, 30), 3.0),
        draught(A, datetime(2023, 4, 30, 12), None),
        draught(A, datetime(2023, 5, 2, 6), 2.2),
        draught(A, datetime(2023, 5, 8), 2.2),
        draught(A, datetime(2023, 5, 11), 2.3),
        draught(A, datetime(2023, 5, 14), 2.3),
        draught(A, datetime(2023, 5, 17), 4.0),
        draught(D, datetime(2023, 3, 1), 4.0),
        draught(D, datetime(2023, 5, 9), 5.0),
    ]
    names = {A: "VOLGA 1", B: "=NEKA()", C: "DON", D: None}
    ships = [
        {"mmsi": ship, "ship_id": f"mmsi:{ship}", "name": name, "flag": "RUS"}
        for ship, name in names.items()
    ]
    ships[0]["imo"] = 9_990_002
    heard = {"feed": "north", "receiver": "terrestrial", "station": "cape", "expected": 4}
    health = [
        {"hour": datetime(2023, 5, 1, 4), "messages": 9, "ships": 3, "delay_s": 2, **heard},
        {"hour": datetime(2023, 5, 1, 5), "is_outage": True, "why": "silent", **heard},
        {"hour": datetime(2022, 5, 1, 5), "messages": 1, **heard},
    ]
    return {
        "statics": builders.frame(schema.Statics, statics),
        "ships": builders.frame(schema.Ships, ships),
        "watch_list": builders.frame(
            schema.WatchList, [{"imo": 9_990_002, "source": word} for word in ("one", "two")]
        ),
        "feed_health": builders.frame(schema.FeedHealth, health),
    }


def parameters() -> Row:
    return {"data_end": DATA_END, "method_version": "0.0.0", "rules_hash": "000000000000"}


@pytest.fixture(scope="module")
def analysts(tmp_path_factory):
    """The database as analysts open it: a file, read-only."""
    path = tmp_path_factory.mktemp("analysts") / "darkport.duckdb"
    with builders.connect(inputs()) as connection:
        roll_up(connection, SQL, parameters())
        make_macros(connection, SQL)
        assert run_checks(connection, SQL) == []
        connection.execute(f"attach '{path}' as saved")
        connection.execute("copy from database memory to saved")
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def ask(connection: duckdb.DuckDBPyConnection, example: str) -> pl.DataFrame:
    return connection.sql((SQL / "examples" / f"{example}.sql").read_text("utf-8")).pl()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_answers_with_rows(analysts, example):
    assert ask(analysts, example).height > 0


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_on_an_empty_database(example):
    tables = {name: frame.clear() for name, frame in inputs().items() if name != "rules"}
    with builders.connect({**tables, "rules": rules_frame(Rules())}) as connection:
        roll_up(connection, SQL, parameters())
        make_macros(connection, SQL)
        ask(connection, example)


def test_table_5_has_the_form_of_table_5(analysts):
    table_5 = ask(analysts, "table_5")
    assert table_5.columns[:5] == [
        "month",
        "russian_ships",
        "russian_gaps",
        "iranian_ships",
        "iranian_gaps",
    ]
    assert table_5.rows() == [
        ("2023-05", 1, 2, 0, 0, 2, 110.0, 1, 50.0, "final"),
        ("2023-06", None, None, None, None, None, None, None, None, "provisional"),
        ("2023-07", 0, 0, 0, 0, 1, 10.0, 0, 0.0, "provisional"),
    ]


def test_most_gaps_begin_near_astrakhan(analysts):
    top = ask(analysts, "gaps_by_port_group").row(0, named=True)
    assert (top["port_group"], top["gaps"], top["ship_hours"]) == ("astrakhan", 3, 150.0)
    assert top["gaps_per_1000_ship_hours"] == 20.0


def test_the_hours_of_a_gap_name_who_was_heard_there_and_by_satellite_anywhere(analysts):
    hours = analysts.sql("from hours_of_gap('gap-003')").pl()
    assert hours.select(
        pl.col("hour").dt.hour(), "area", "is_live", "ships_heard", "ships_heard_by_satellite"
    ).rows() == [(1, "caspian", True, 0, 1), (2, None, False, 0, 0)]
    assert analysts.sql("from hours_of_gap('gap-001')").fetchall() == []


def test_the_longest_silence_is_the_open_one(analysts):
    silences = ask(analysts, "longest_silences")
    assert silences.select("is_closed", "silent_h").rows()[:3] == [
        (False, 240.0),
        (True, 40.0),
        (True, 31.5),
    ]
    assert "left_region" not in silences["cause"].to_list()


def test_ships_near_astrakhan_in_the_last_complete_month_with_data(analysts):
    ships = ask(analysts, "ships_near_astrakhan")
    assert ships.select("month", "name", "gaps", "silent_h", "ship_hours").rows() == [
        (MAY, "VOLGA 1", 2, 61.5, 100.0),
        (MAY, "=NEKA()", 1, 12.0, 50.0),
    ]


def test_the_volga_don_stands_beside_its_season(analysts):
    months = ask(analysts, "volga_don_by_month")
    assert months.select("month", "season", "navigable_days", "gaps", "open_gaps").rows() == [
        ("2023-05", "open", 31, 1, 0),
        ("2023-06", "open", 30, None, None),
        ("2023-07", "open in part", 15, 0, 1),
    ]


def season_words(opened_on: date | None, closed_on: date | None, month: date) -> tuple[Any, ...]:
    """The season of one month under a season with these ends."""
    seasons = [
        {"waterway": "volga_don", "year": 2023, "opened_on": opened_on, "closed_on": closed_on}
    ]
    ships = [{"mmsi": A, "month": month}]
    tables = {
        **{name: frame.clear() for name, frame in inputs().items()},
        "rules": rules_frame(Rules()),
        "seasons": builders.frame(schema.Seasons, seasons),
        "ship_months": builders.frame(schema.ShipMonths, ships),
    }
    with builders.connect(tables) as connection:
        roll_up(connection, SQL, parameters())
        return ask(connection, "volga_don_by_month").select("season", "navigable_days").row(0)


@pytest.mark.parametrize(
    ("opened_on", "closed_on", "month", "said"),
    [
        (date(2023, 4, 1), date(2023, 12, 3), date(2023, 2, 1), ("closed", 0)),
        (date(2023, 4, 20), date(2023, 12, 3), date(2023, 4, 1), ("open in part", 11)),
        (None, None, date(2023, 5, 1), ("season_unknown", None)),
        (date(2023, 4, 1), None, date(2023, 5, 1), ("season_unknown", None)),
        (date(2023, 4, 1), None, date(2023, 3, 1), ("closed", None)),
    ],
)
def test_a_season_whose_dates_are_not_known_is_unknown(opened_on, closed_on, month, said):
    assert season_words(opened_on, closed_on, month) == said


def test_a_year_without_a_season_row_is_unknown(analysts):
    tables = {**inputs(), "seasons": builders.frame(schema.Seasons, [])}
    with builders.connect(tables) as connection:
        roll_up(connection, SQL, parameters())
        seasons = ask(connection, "volga_don_by_month")["season"].unique().to_list()
    assert seasons == ["season_unknown"]


def test_published_figures_stand_beside_ours(analysts):
    figures = ask(analysts, "published_figures")
    may = figures.filter(month="2023-05", flag="RUS", measure="gaps").row(0, named=True)
    assert (may["published"], may["ours"], may["ship_hours"]) == (657, 2, 110.0)
    assert may["note"].startswith("threshold and area are not published")


def test_feed_files_say_what_was_refused_and_why(analysts):
    files = ask(analysts, "feed_files")
    assert files.select("file", "read", "refused_because", "refused_as_a_whole").rows() == [
        ("north/a.csv", 8, "not_a_ship 2, no_time 1", None),
        ("north/b.csv", 0, None, "no feed format"),
    ]
    assert files["rejected_percent"].to_list() == [37.5, None]
