"""`darkport sql`: which editor opens, read-only, on which paths, and with which questions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipeline import store
from pipeline.errors import UsageError
from pipeline.rollup import make_macros, roll_up
from pipeline.sql_editor import QUESTIONS, find_editor
from tests import builders
from tests.night import REPOSITORY, SQL
from tests.test_bad_input import darkport
from tests.test_sql import inputs, parameters

SHELL = shutil.which("duckdb", path=str(Path(sys.executable).parent))
needs_shell = pytest.mark.skipif(SHELL is None, reason="duckdb-cli is not installed here")


@pytest.fixture(scope="module")
def processed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database built as a night builds it, beside a day of positions."""
    folder = tmp_path_factory.mktemp("it's here")
    day = folder / "positions/date=2023-07-19"
    day.mkdir(parents=True)
    sighting = builders.frame(builders.schema.Positions, [{"mmsi": 273_000_001, "segment": 1}])
    sighting.write_parquet(day / "positions.parquet")
    connection = store.open_build(folder / store.DATABASE)
    for name, given in inputs().items():
        connection.register("given", given)
        connection.execute(f"create table {name} as select * from given")
        connection.unregister("given")
    roll_up(connection, SQL, parameters())
    make_macros(connection, SQL)
    store.make_views(connection)
    store.comment_tables(connection)
    store.finish_build(connection, folder / store.DATABASE)
    return folder


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make an editor of a name that tells what it was started with, alone on the path."""
    beside = tmp_path / "bin"
    beside.mkdir()
    monkeypatch.setenv("PATH", str(beside))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "executable", str(beside / "python"))

    def make(name: str) -> None:
        script = beside / name
        script.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', "utf-8")
        script.chmod(0o755)

    return make


def statements(text: str) -> list[str]:
    return [part.query for part in duckdb.connect().extract_statements(text)]


@pytest.mark.parametrize("statement", statements(QUESTIONS))
def test_every_first_question_has_an_answer(processed: Path, statement: str) -> None:
    with store.open_database(processed / store.DATABASE) as connection:
        assert len(connection.sql(statement).fetchall()) > 0


def test_a_query_is_answered_without_an_editor(processed: Path) -> None:
    asked = "from ships_dark_near('amirabad') select name, expected_off"
    done = darkport("sql", asked, "--processed", processed, "--json")
    assert (done.code, json.loads(done.out)) == (0, [{"name": "VOLGA 1", "expected_off": 0.9}])
    assert "| VOLGA 1 " in darkport("sql", asked, "--processed", processed).out


def test_a_name_cannot_steer_the_terminal(processed: Path) -> None:
    done = darkport("sql", "select 'A' || chr(27) || '[2J' as name", "--processed", processed)
    assert done.code == 0
    assert "\x1b" not in done.out and "[2J" in done.out


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from ships_dark_nea('x')", 'Did you mean "ships_dark_near"'),
        ("slect", "syntax error"),
        ("drop table gaps", "read-only"),
        ("from ships_dark_near('amirabad', 'June')", "invalid date"),
    ],
)
def test_a_query_that_is_refused_is_one_line(processed: Path, query: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        store.run_query(processed, query)
    assert "\n" not in str(refused.value)


def test_without_an_editor_it_says_what_to_install(program, processed: Path) -> None:
    with pytest.raises(UsageError, match=r"darkport\[analyst\]"):
        find_editor(processed / store.DATABASE)


def test_harlequin_opens_read_only_with_paths_set(program, processed: Path, tmp_path: Path) -> None:
    program("duckdb")
    program("harlequin")
    editor = find_editor(processed / store.DATABASE)
    assert Path(editor.command[0]).name == "harlequin"
    assert editor.command[1] == "-r"
    assert editor.command[-1] == str(processed / store.DATABASE)
    start = Path(editor.command[editor.command.index("--init-path") + 1])
    assert start.is_relative_to(tmp_path / "cache" / "darkport")
    # What an analyst wrote in Harlequin for other work is not touched.
    assert editor.environment == {"XDG_CACHE_HOME": str(tmp_path / "cache" / "darkport")}
    with duckdb.connect(str(processed / store.DATABASE), read_only=True) as connection:
        for statement in statements(start.read_text("utf-8")):
            connection.execute(statement)
        assert connection.sql("select count(*) from positions").fetchall() == [(1,)]


def test_a_home_that_cannot_be_written_to_does_not_keep_it_shut(
    program, processed: Path, tmp_path: Path
) -> None:
    program("harlequin")
    (tmp_path / "cache").write_text("a file in the way", "utf-8")
    editor = find_editor(processed / store.DATABASE)
    assert editor.command[1:] == ["-r", str(processed / store.DATABASE)]


def test_the_shell_of_duckdb_prints_the_questions(program, processed: Path) -> None:
    program("duckdb")
    editor = find_editor(processed / store.DATABASE)
    assert editor.command[1] == "-readonly"
    printed = [part for part in editor.command if part.startswith(".print ")]
    assert len(printed) == sum(1 for line in QUESTIONS.splitlines() if line)
    # It takes the line between double quotes as it stands.
    assert '"' not in QUESTIONS


@needs_shell
def test_the_command_opens_the_shell_of_version_1_5(processed: Path, tmp_path: Path) -> None:
    if shutil.which("harlequin", path=str(Path(sys.executable).parent)):
        pytest.skip("harlequin is installed here and needs a terminal")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "sql", "--processed", str(processed)],
        input=".mode csv\nselect version();\n"
        "select name, probable_calls from ships_dark_near('amirabad');\n"
        "select count(*) from positions;\ncreate table mine as select 1;\n",
        env={**os.environ, "PATH": "/usr/bin:/bin"},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "from ships_dark_near('amirabad');" in done.stdout
    assert "v1.5" in done.stdout
    assert "VOLGA 1" in done.stdout
    assert "read-only" in done.stderr


@needs_shell
def test_every_example_answers_in_version_1_5(processed: Path) -> None:
    assert SHELL is not None
    for path in sorted((SQL / "examples").glob("*.sql")):
        done = subprocess.run(
            [SHELL, "-readonly", "-csv", str(processed / store.DATABASE)],
            input=path.read_text("utf-8"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), path.stem
        with store.open_database(processed / store.DATABASE) as connection:
            rows = connection.sql(path.read_text("utf-8")).fetchall()
        assert len(done.stdout.splitlines()) >= len(rows) + 1 > 1, path.stem
