"""The history: what changed in a night and why, and what any past night told, twice over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pipeline import history, schema, store
from pipeline.errors import CheckError, SchemaError
from pipeline.history import Basis, Context
from pipeline.rollup import MACROS, make_macros, roll_up, run_checks, sentence_of
from pipeline.rules import Rules, rules_frame
from tests import builders

SQL = Path(__file__).parent.parent / "sql"
EVENING, NEXT_EVENING = datetime(2023, 5, 10), datetime(2023, 5, 11)
NO_GAPS = builders.frame(schema.Gaps, [])
NO_VERSIONS = builders.frame(schema.GapVersions, [])
NO_RUNS = builders.frame(schema.Runs, [])
# What macro `hours_of_gap` reads.
NO_HOURS = {
    "reception_cells": builders.frame(schema.ReceptionCells, []),
    "gap_hours": builders.frame(schema.GapHours, []),
}
RULES = {"rules": rules_frame(Rules())}

Row = dict[str, Any]


def gap(gap_id: str = "a", **more: Any) -> Row:
    return {"gap_id": gap_id, "off_at": datetime(2023, 5, 9), "imo": 9_000_001, **more}


def gaps(*rows: Row, data_end: datetime = EVENING) -> pl.DataFrame:
    return builders.frame(schema.Gaps, [{"data_end": data_end, **row} for row in rows])


def basis(data_end: datetime, **more: str) -> Basis:
    words = {"method_version": "1", "rules_hash": "r", "code_hash": "c", **more}
    return Basis(data_end, **words)


def context(
    run: int = 2,
    now: Basis | None = None,
    before: Basis | None = basis(EVENING),  # noqa: B008
    **more: Any,
) -> Context:
    usual = {"is_raw_removed": False, "has_late_rows": True, "shortest_s": 14_400}
    return Context(
        run=run,
        now=now or basis(NEXT_EVENING),
        before=before,
        **{**usual, "final_after_d": 45, **more},
    )


def first_night(*rows: Row) -> pl.DataFrame:
    """Return the versions of a first run with these gaps."""
    started = context(run=1, now=basis(EVENING), before=None)
    return history.compare_gaps(NO_GAPS, gaps(*rows), history.list_known(NO_VERSIONS), started)


def second_night(before: list[Row], after: list[Row], **more: Any) -> pl.DataFrame:
    """Return the versions that a second run adds."""
    known = history.list_known(first_night(*before))
    told = gaps(*after, data_end=NEXT_EVENING)
    return history.compare_gaps(gaps(*before), told, known, context(**more))


def told(versions: pl.DataFrame) -> list[tuple[str, str]]:
    return versions.select("change", "why").rows()


# ------------------------------------------------------------------------------- what, and why


def test_a_first_run_tells_every_gap_as_new_data():
    versions = first_night(gap("a"), gap("b", on_at=datetime(2023, 5, 9, 6)))
    assert versions.select("gap_id", "version", "run", "change", "why").rows() == [
        ("a", 1, 1, "opened", "new_data"),
        ("b", 1, 1, "first_seen", "new_data"),
    ]
    schema.GapVersions.validate(versions)
    assert versions["was_final"].to_list() == [False, False]


def test_a_night_that_changes_nothing_adds_nothing():
    assert second_night([gap()], [gap()]).is_empty()


def test_what_changes_every_night_makes_no_version():
    other = {"status": "final", "reasons": "x", "method_version": "x", "rules_hash": "x"}
    moved = {"p_off_low": 0.1, "p_off_high": 0.9, "live_h": 3.0, "expected_receptions": 4.0}
    moved |= {"witnesses": 5, "weakly_identified": True, "own_factor": 0.5}
    moved |= {"log_odds_before": -4.0, "log_odds_silence": 6.0, "p_off_direct": 0.5}
    assert second_night([gap()], [gap(data_end=NEXT_EVENING, **other, **moved)]).is_empty()
    assert set(history.SILENT) == {"data_end", *other, *moved}


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        (0.411, 0.449, False),
        (0.449, 0.451, True),
        (None, 0.0, True),
        (0.7, None, True),
        (1.0, 0.999, True),
    ],
)
def test_p_off_makes_a_version_at_every_other_step(
    before: float | None, after: float | None, is_told: bool
) -> None:
    found = second_night([gap(p_off=before)], [gap(p_off=after)])
    assert found.height == int(is_told)
    if is_told:
        assert found["why"].to_list() == ["rejudged"]


def test_every_other_column_makes_a_version():
    before, known = gaps(gap()), history.list_known(first_night(gap()))
    others = {
        pl.String: pl.lit("other"),
        pl.Boolean: pl.lit(value=True),
        pl.Date: pl.lit(date(1999, 1, 1)),
        pl.Datetime: pl.lit(datetime(1999, 1, 1)),
    }
    for column, dtype in schema.polars_schema(schema.Gaps).items():
        if column not in ("gap_id", *history.SILENT):
            other = others.get(dtype.base_type(), pl.lit(77)).cast(dtype)
            after = before.with_columns(other.alias(column))
            versions = history.compare_gaps(before, after, known, context())
            assert versions["gap_id"].to_list() == ["a"], column
            # is_closed is told by `change`, duration_h by duration_s.
            words = versions["what"][0] or ""
            assert words.startswith(f"{column}: ") or column in ("is_closed", "duration_h")


def test_versions_are_numbered_for_each_gap():
    first = first_night(gap("a"), gap("b"))
    label = gap("a", fleet="ferry")
    known = history.list_known(first)
    second = history.compare_gaps(gaps(gap("a"), gap("b")), gaps(label, gap("b")), known, context())
    third = history.compare_gaps(
        gaps(label, gap("b")),
        gaps(gap("a"), gap("b", p_off=0.5)),
        history.add_known(known, second),
        context(run=3),
    )
    assert third.select("gap_id", "version").rows() == [("a", 3), ("b", 2)]
    every = pl.concat([first, second, third])
    assert_frame_equal(
        history.list_known(every),
        history.add_known(history.add_known(known, second), third),
    )


NEW = datetime(2023, 5, 9, 21)
ON_OLD, ON_NEW = datetime(2023, 5, 9, 20), EVENING
MOVED = {"on_lon": 50.0, "on_lat": 40.0}


@pytest.mark.parametrize(
    ("before", "after", "change", "why"),
    [
        # 21 h + 4 h lies beyond the evening: nobody could have seen the gap then.
        ([], [gap(off_at=NEW)], "opened", "new_data"),
        ([], [gap(off_at=NEW, on_at=NEXT_EVENING)], "first_seen", "new_data"),
        # 20 h + 4 h is the evening itself: an open gap of 4 h was told then.
        ([], [gap(off_at=ON_OLD)], "opened", "late_data"),
        ([], [gap(on_at=ON_OLD)], "first_seen", "late_data"),
        ([gap()], [gap(on_at=ON_NEW)], "closed", "closed"),
        ([gap()], [gap(on_at=ON_NEW, fleet="ferry", p_off=0.1)], "closed", "closed"),
        ([gap()], [gap(on_at=ON_NEW - timedelta(seconds=1))], "closed", "late_data"),
        ([gap(on_at=ON_OLD)], [gap()], "reopened", "late_data"),
        ([gap(on_at=ON_OLD)], [gap(on_at=datetime(2023, 5, 9, 5))], "changed", "late_data"),
        ([gap(on_at=ON_OLD)], [gap(on_at=ON_OLD, **MOVED)], "changed", "late_data"),
        # The ping that ended it was refuted by the next one.
        ([gap(on_at=ON_OLD)], [gap(on_at=ON_NEW)], "changed", "new_data"),
        ([gap()], [], "withdrawn", "late_data"),
        ([gap()], [gap(fleet="ferry", flag="IRN", name="X")], "changed", "relabelled"),
        ([gap()], [gap(p_off=0.4, cause="unexplained")], "changed", "rejudged"),
        ([gap()], [gap(p_off=0.4, fleet="ferry")], "changed", "rejudged"),
        ([gap()], [gap(positions_12h_before=7)], "changed", "late_data"),
        ([gap()], [gap(positions_12h_before=7, fleet="ferry")], "changed", "late_data"),
    ],
)
def test_a_change_is_named_with_its_reason(before, after, change, why):
    assert told(second_night(before, after)) == [(change, why)]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"is_raw_removed": True}, "raw_removed"),
        ({"has_late_rows": False}, "new_data"),
        ({"now": basis(NEXT_EVENING, code_hash="d")}, "software"),
        ({"now": basis(NEXT_EVENING, code_hash="d", rules_hash="s")}, "rules"),
        (
            {"now": basis(NEXT_EVENING, code_hash="d", rules_hash="s", method_version="2")},
            "method",
        ),
    ],
)
def test_what_the_run_did_names_the_reason_where_no_instant_proves_another(more, why):
    stays = gap("b", off_at=datetime(2023, 5, 8))
    assert told(second_night([gap(), stays], [stays], **more)) == [("withdrawn", why)]
    assert told(second_night([stays], [gap(), stays], **more)) == [("opened", why)]
    assert told(second_night([gap()], [gap(positions_12h_before=7)], **more)) == [("changed", why)]
    # These could not be told the night before, whatever else changed.
    assert told(second_night([], [gap(off_at=NEW)], **more)) == [("opened", "new_data")]
    assert told(second_night([gap()], [gap(on_at=ON_NEW)], **more)) == [("closed", "closed")]


def test_an_earlier_end_of_the_data_is_a_reason_of_its_own():
    earlier = basis(datetime(2023, 5, 9, 12))
    on_at = datetime(2023, 5, 9, 12)
    assert told(second_night([gap(on_at=on_at)], [gap()], now=earlier)) == [
        ("reopened", "earlier_data_end")
    ]
    off_at = datetime(2023, 5, 9, 9)
    assert told(second_night([gap(off_at=off_at)], [], now=earlier)) == [
        ("withdrawn", "earlier_data_end")
    ]
    off_at = datetime(2023, 5, 9, 8)
    assert told(second_night([gap(off_at=off_at)], [], now=earlier)) == [("withdrawn", "late_data")]


def test_a_gap_that_was_withdrawn_returns_under_its_number():
    first = first_night(gap())
    gone = history.compare_gaps(gaps(gap()), NO_GAPS, history.list_known(first), context())
    known = history.add_known(history.list_known(first), gone)
    back = history.compare_gaps(NO_GAPS, gaps(gap()), known, context(run=3))
    assert back.select("version", "change", "is_present", "what").row(0) == (
        3,
        "returned",
        True,
        None,
    )
    assert gone.select("version", "is_present", "what").row(0) == (2, False, None)


@pytest.mark.parametrize(("final_after_d", "was_final"), [(9, True), (10, False)])
def test_a_change_in_a_final_month_says_so(final_after_d, was_final):
    april = gap(off_at=datetime(2023, 4, 20))
    label = {**april, "fleet": "ferry"}
    for before, after in (([april], [label]), ([april], []), ([], [april])):
        versions = second_night(before, after, final_after_d=final_after_d)
        assert versions["was_final"].to_list() == [was_final], (before, after)


def test_the_history_must_fit_the_gaps_it_goes_on_from():
    known = history.list_known(first_night(gap("a")))
    with pytest.raises(CheckError, match="1 gaps without a version, 1 versions without a gap"):
        history.compare_gaps(gaps(gap("b")), NO_GAPS, known, context())


def test_a_history_may_begin_long_after_the_gaps():
    none = history.list_known(NO_VERSIONS)
    versions = history.compare_gaps(
        gaps(gap()), gaps(gap()), none, context(run=1, now=basis(NEXT_EVENING), before=None)
    )
    assert told(versions) == [("opened", "new_data")]


# -------------------------------------------------------------------------------- what, in words


def words_of(before: Row, after: Row) -> str:
    return second_night([gap(**before)], [gap(**after)])["what"].item()


def test_what_says_old_and_new_value_of_every_changed_column():
    assert words_of({"imo": None, "p_off": 0.25}, {"fleet": "ferry", "p_off": 0.5}) == (
        "imo: none -> 9000001; fleet: merchant -> ferry; p_off: 0.25 -> 0.5"
    )
    assert words_of({}, {"on_at": ON_NEW, "on_is_outside": False}) == (
        "on_at: none -> 2023-05-10 00:00:00; on_is_outside: none -> no; duration_s: none -> 86400"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ('A"; p_off: 0 -> 1', '"A\\"; p_off: 0 -> 1"'),
        ("back\\slash", '"back\\\\slash"'),
        ("line\nbreak\u2028\u202eright\x00", '"line break  right "'),
        ("\U0001f6a2 " + "ы" * 60, '"\U0001f6a2 ' + "ы" * 38 + '..."'),
        ("<script>", '"<script>"'),
        ("$1 {} \\1", '"$1 {} \\\\1"'),
        ("none", '"none"'),
        ("", '""'),
        (None, "none"),
    ],
)
def test_a_name_is_quoted_shortened_and_on_one_line(name, said):
    assert words_of({"name": "VOLGA"}, {"name": name}) == f'name: "VOLGA" -> {said}'


@given(old=st.text(max_size=50), new=st.text(max_size=50))
@settings(max_examples=25)
def test_no_name_can_pass_for_another_change(old, new):
    if old == new:
        return
    what = words_of({"name": old}, {"name": new})
    assert len(what.splitlines()) == 1
    outside = what.replace("\\\\", "").replace('\\"', "").split('"')[::2]
    assert outside == ["name: ", " -> ", ""]


# -------------------------------------------------------------------- any night again, both ways


@dataclass(frozen=True)
class Night:
    """A made-up night: its gaps and what they stand on."""

    run: int
    data_end: datetime
    gaps: pl.DataFrame


def tell_history(nights: list[Night]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (gap_versions, runs) after these nights."""
    parts: dict[str, pl.DataFrame] = {}
    runs, before, known = NO_RUNS, NO_GAPS, history.list_known(NO_VERSIONS)
    for night in nights:
        new = history.compare_gaps(
            before,
            night.gaps,
            known,
            replace(context(night.run, basis(night.data_end)), before=history.last_basis(runs)),
        )
        part = history.name_part(night.data_end)
        parts[part] = history.append_versions(parts.get(part, NO_VERSIONS), new)
        runs = history.append_run(runs, run_row(night))
        known, before = history.add_known(known, new), night.gaps
    return pl.concat([NO_VERSIONS, *parts.values()]), runs


def run_row(night: Night) -> Row:
    words = {"method_version": "1", "rules_hash": "r", "code_hash": "c"}
    return builders.row(schema.Runs, run=night.run, data_end=night.data_end, **words)


@st.composite
def draw_night(draw: st.DrawFn, run: int) -> Night:
    rows = []
    for number in draw(st.sets(st.integers(0, 5))):
        # Open gaps reach from below 24 h to beyond 72 h, some to the very second of a rung.
        off_at = datetime(2023, 5, 26) + timedelta(hours=16 * number)
        off_at = datetime(2023, 4, 30) if number == 0 else off_at
        hours = draw(st.sampled_from([None, 4, 12, 31]))
        rows.append(
            gap(
                f"gap-{number}",
                mmsi=273_000_001 + number // 2,
                off_at=off_at,
                on_at=None if hours is None else off_at + timedelta(hours=hours),
                name=draw(st.sampled_from([None, "A", "B"])),
                fleet=draw(st.sampled_from(["merchant", "ferry"])),
                flag=draw(st.sampled_from(["RUS", "IRN", None])),
                cause=draw(st.sampled_from([None, "left_region"])),
                p_off=draw(st.sampled_from([None, 0.25])),
            )
        )
    # Nights may repeat or go back, and cross into another month.
    data_end = datetime(2023, 5, 30) + timedelta(days=draw(st.integers(0, 3)))
    return Night(run, data_end, gaps(*rows, data_end=data_end).sort("gap_id"))


HISTORIES = st.integers(1, 5).flatmap(
    lambda nights: st.tuples(*(draw_night(run) for run in range(1, nights + 1)))
)


def held(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("gap_id", *history.STATE)


@given(nights=HISTORIES)
@settings(max_examples=25)
def test_every_run_can_be_told_again_as_it_was(nights):
    versions, runs = tell_history(nights)
    for night in nights:
        again = history.gaps_at_run(versions, runs, night.run)
        assert_frame_equal(held(again), held(night.gaps))
        assert again.select("run", "data_end").unique().rows() in (
            [],
            [(night.run, night.data_end)],
        )


@given(nights=HISTORIES)
@settings(max_examples=25)
def test_as_of_after_every_night_is_the_table_of_that_night(nights):
    versions, runs = tell_history(nights)
    for count, night in enumerate(nights, start=1):
        if night.data_end == max(other.data_end for other in nights[:count]):
            until = pl.col("run") <= count
            as_of = history.gaps_as_of(versions.filter(until), runs.filter(until), night.data_end)
            assert_frame_equal(held(as_of), held(night.gaps))


@given(nights=HISTORIES)
@settings(max_examples=8)
def test_the_database_tells_the_same_as_polars(nights):
    versions, runs = tell_history(nights)
    tables = {"gap_versions": versions, "runs": runs, **RULES, **NO_HOURS}
    with builders.connect(tables) as connection:
        thresholds = (SQL / "marts" / "thresholds.sql").read_text("utf-8")
        connection.execute(f"create table thresholds as {thresholds}")
        builders.add_empty_tables(connection)
        make_macros(connection, SQL)
        for day in range(5):
            up_to = datetime(2023, 5, 29, 12) + timedelta(days=day)
            in_sql = connection.sql("select * from gaps_as_of($up_to)", params={"up_to": up_to})
            in_polars = history.gaps_as_of(versions, runs, up_to)
            assert_frame_equal(in_sql.pl(), in_polars)
            assert_frame_equal(monthly(connection, up_to), count_months(in_polars))


@given(nights=HISTORIES)
@settings(max_examples=8)
def test_versions_are_only_added_and_numbered_in_order(nights):
    versions, _ = tell_history(nights)
    schema.GapVersions.validate(versions)
    before, _ = tell_history(nights[:-1])
    assert_frame_equal(
        versions.filter(pl.col("run") < len(nights)).sort("gap_id", "version"),
        before.sort("gap_id", "version"),
    )
    for (_,), rows in versions.sort("run").group_by("gap_id", maintain_order=True):
        assert rows["version"].to_list() == list(range(1, rows.height + 1))
        assert rows["run"].is_unique().all()


def test_of_several_runs_with_the_same_data_the_last_is_told():
    nights = [
        Night(1, EVENING, gaps(gap("a"))),
        Night(2, EVENING, gaps(gap("b"))),
        Night(3, EVENING - timedelta(days=1), gaps(gap("c"))),
    ]
    versions, runs = tell_history(nights)
    assert history.find_run_as_of(runs, EVENING) == 2
    assert history.find_run_as_of(runs, EVENING - timedelta(hours=1)) == 3
    assert history.find_run_as_of(runs, datetime(2022, 1, 1)) is None
    assert history.gaps_as_of(versions, runs, EVENING)["gap_id"].to_list() == ["b"]
    assert history.gaps_as_of(versions, runs, datetime(2022, 1, 1)).is_empty()


# ----------------------------------------------------------------------------------------- files


def test_a_run_goes_to_the_file_of_the_month_of_its_data():
    assert history.name_part(datetime(2023, 5, 31, 23)) == "2023-05"
    assert history.name_part(datetime(2023, 6, 1)) == "2023-06"


def test_a_run_is_added_once_and_behind_the_others():
    first = first_night(gap("b"), gap("a"))
    second = second_night([gap("b"), gap("a")], [gap("a", fleet="ferry")])
    both = history.append_versions(first, second)
    assert both.select("run", "gap_id").rows() == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    with pytest.raises(CheckError, match="run 2 cannot be added behind run 2"):
        history.append_versions(both, second)
    assert_frame_equal(history.append_versions(both, NO_VERSIONS), both)


def test_a_run_takes_the_next_number_and_every_column():
    night = Night(1, EVENING, NO_GAPS)
    runs = history.append_run(NO_RUNS, run_row(night))
    assert history.next_run(runs) == 2
    assert history.last_basis(runs) == basis(EVENING)
    assert history.last_basis(NO_RUNS) is None
    with pytest.raises(CheckError, match="expected run 2, found 1"):
        history.append_run(runs, run_row(night))
    with pytest.raises(SchemaError, match="missing"):
        history.append_run(NO_RUNS, {"run": 1})


# -------------------------------------------------------------------------------- in the database


def database(
    versions: pl.DataFrame, runs: pl.DataFrame, told: pl.DataFrame, data_end: datetime
) -> duckdb.DuckDBPyConnection:
    """Return a database as the night leaves it, as far as the history needs it."""
    months = told.select("month", "mmsi", "ship_id", "flag", "fleet").unique().sort(pl.all())
    ship_months = [{**row, "sightings": 1, "ship_s": 3600} for row in months.iter_rows(named=True)]
    connection = builders.connect(
        {
            "gaps": told,
            "ship_months": builders.frame(schema.ShipMonths, ship_months),
            "dark_port_calls": builders.frame(schema.DarkPortCalls, []),
            "outage_hours": builders.frame(schema.OutageHours, []),
            **NO_HOURS,
            **builders.no_voyages(),
            "files": builders.frame(schema.Files, []),
            **RULES,
            "gap_versions": versions,
            "runs": runs,
        }
    )
    values = {"data_end": data_end, "method_version": "0.0.0", "rules_hash": "0" * 12}
    roll_up(connection, SQL, values)
    builders.add_empty_tables(connection)
    assert make_macros(connection, SQL) == list(MACROS)
    return connection


COUNTS = ["ships_with_gap", "gaps", "open_gaps", "left_region"]
CELL = ["month", "flag", "fleet", "at_least_h"]


def monthly(connection: duckdb.DuckDBPyConnection, up_to: datetime) -> pl.DataFrame:
    told = connection.sql("select * from monthly_gaps_as_of($up_to)", params={"up_to": up_to}).pl()
    return told.select(*CELL, *COUNTS).sort(CELL)


def count_months(as_of: pl.DataFrame) -> pl.DataFrame:
    """Return what monthly_gaps_as_of must tell, counted one row after the other."""
    cells: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in as_of.iter_rows(named=True):
        kind = "gaps" if row["is_closed"] else "open_gaps"
        kind = "left_region" if row["cause"] == "left_region" else kind
        until = row["on_at"] if row["is_closed"] else row["data_end"]
        for flag in (row["flag"] or "unknown", "all"):
            for fleet in (row["fleet"], "all"):
                for hours in Rules().gaps.ladder_h:
                    cell = cells.setdefault(
                        (row["month"], flag, fleet, hours),
                        {"ships": set(), "gaps": 0, "open_gaps": 0, "left_region": 0},
                    )
                    if until - row["off_at"] >= timedelta(hours=hours):
                        cell[kind] += 1
                        cell["ships"] |= {row["ship_id"]} if kind == "gaps" else set()
    rows = [
        (*key, len(cell["ships"]), cell["gaps"], cell["open_gaps"], cell["left_region"])
        for key, cell in cells.items()
    ]
    types = dict.fromkeys(COUNTS, pl.Int64)
    columns = {
        "month": pl.Date,
        "flag": pl.String,
        "fleet": pl.String,
        "at_least_h": pl.Int64,
        **types,
    }
    return pl.DataFrame(rows, schema=columns, orient="row").sort(CELL)


@given(nights=HISTORIES)
@settings(max_examples=4)
def test_the_last_run_counts_as_the_monthly_table_does(nights):
    versions, runs = tell_history([*nights, replace(nights[-1], run=len(nights) + 1)])
    last = replace(nights[-1], data_end=datetime(2023, 6, 3))
    runs = runs.with_columns(
        data_end=pl.when(pl.col("run") == len(nights) + 1)
        .then(pl.lit(last.data_end))
        .otherwise("data_end")
    )
    with database(versions, runs, last.gaps, last.data_end) as connection:
        published = connection.sql(
            "select * from monthly_gaps where area = 'all' and port_group = 'all'"
        ).pl()
        as_of = monthly(connection, last.data_end)
    joined = as_of.join(published, on=CELL, how="left", suffix="_published")
    for name in COUNTS:
        assert joined[name].to_list() == joined[f"{name}_published"].to_list()
    silent = published.filter(pl.sum_horizontal(COUNTS) > 0)
    assert silent.join(as_of, on=CELL, how="anti").is_empty()


REPORTED = [
    Night(
        1,
        datetime(2023, 6, 9),
        gaps(
            gap("a", off_at=datetime(2023, 5, 1), on_at=datetime(2023, 5, 2)),
            gap("b", off_at=datetime(2023, 5, 20)),
        ),
    ),
    Night(
        2,
        datetime(2023, 6, 12),
        gaps(
            gap("a", off_at=datetime(2023, 5, 1), on_at=datetime(2023, 5, 2)),
            gap("b", off_at=datetime(2023, 5, 20)),
            gap("c", off_at=datetime(2023, 5, 3), on_at=datetime(2023, 5, 4), flag="IRN"),
        ),
    ),
    Night(
        3,
        datetime(2023, 6, 20),
        gaps(
            gap("b", off_at=datetime(2023, 5, 20), on_at=datetime(2023, 6, 19)),
            gap("c", off_at=datetime(2023, 5, 3), on_at=datetime(2023, 5, 4), flag="IRN", name="="),
            gap("d", off_at=datetime(2023, 6, 15), on_at=datetime(2023, 6, 16)),
            data_end=datetime(2023, 6, 20),
        ),
    ),
]


def ask(connection: duckdb.DuckDBPyConnection, example: str) -> pl.DataFrame:
    return connection.sql((SQL / "examples" / f"{example}.sql").read_text("utf-8")).pl()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The database as it is built by the night, closed, and opened again under another name."""
    path = tmp_path_factory.mktemp("published") / "built.duckdb"
    versions, runs = tell_history(REPORTED)
    made = database(versions, runs, REPORTED[-1].gaps, REPORTED[-1].data_end)
    with store.open_build(path) as connection:
        tables = ("gaps", "gap_versions", "runs", "thresholds", "monthly_gaps", *NO_HOURS)
        for name in tables:
            connection.register("given", made.sql(f"select * from {name}").pl())
            connection.execute(f"create table {name} as select * from given")
            connection.unregister("given")
        builders.add_empty_tables(connection)
        make_macros(connection, SQL)
    made.close()
    renamed = path.rename(path.with_name("darkport.duckdb"))
    with store.open_database(renamed) as connection:
        yield connection


def test_may_as_reported_ten_days_later_beside_may_today(published):
    assert ask(published, "as_reported").rows() == [
        (date(2023, 5, 1), "IRN", 1, datetime(2023, 6, 9), 0, 1, 0, 0),
        (date(2023, 5, 1), "RUS", 1, datetime(2023, 6, 9), 1, 1, 1, 0),
        (date(2023, 5, 1), "all", 1, datetime(2023, 6, 9), 1, 2, 1, 0),
    ]


def test_what_changed_since_last_night_says_why(published):
    changed = ask(published, "what_changed")
    assert changed.select("gap_id", "run", "change", "why").rows() == [
        ("a", 3, "withdrawn", "late_data"),
        ("c", 3, "changed", "relabelled"),
        ("b", 3, "closed", "closed"),
        ("d", 3, "first_seen", "new_data"),
    ]
    assert changed["what"].to_list()[1] == 'name: none -> "="'


def test_macros_take_a_date_and_words_beside_an_instant(published):
    for up_to in ("date '2023-06-12'", "'2023-06-12'", "timestamp '2023-06-12 00:00:00'"):
        assert published.sql(f"select distinct run from gaps_as_of({up_to})").fetchall() == [(2,)]
    before = "select * from gaps_as_of('2023-06-08 23:59:59')"
    assert published.sql(before).fetchall() == []
    assert published.sql(before.replace("gaps", "monthly_gaps")).fetchall() == []


def test_a_macro_says_what_it_gives(published):
    comments = dict(
        published.sql(
            "select function_name, comment from duckdb_functions()"
            " where function_type = 'table_macro' and not internal"
        ).fetchall()
    )
    assert comments == {
        name: sentence_of((SQL / "macros" / f"{name}.sql").read_text("utf-8")) for name in MACROS
    }


@pytest.mark.parametrize("example", ["as_reported", "what_changed"])
def test_examples_of_the_history_run_where_there_is_none_yet(example):
    with database(NO_VERSIONS, NO_RUNS, NO_GAPS, EVENING) as connection:
        assert ask(connection, example).is_empty()
        assert run_checks(connection, SQL) == []


def test_as_reported_is_null_where_no_run_had_data_by_then():
    nights = [replace(REPORTED[2], run=1)]
    with database(*tell_history(nights), nights[0].gaps, nights[0].data_end) as connection:
        told = ask(connection, "as_reported")
    assert told.select("run_then", "gaps_then", "open_gaps_then").unique().rows() == [
        (None, None, None)
    ]
    assert told.filter(flag="all")["gaps_now"].to_list() == [2]


def test_macros_without_the_history_stop_with_a_line():
    with builders.connect({}) as connection, pytest.raises(SchemaError, match="gaps_as_of"):
        make_macros(connection, SQL)
