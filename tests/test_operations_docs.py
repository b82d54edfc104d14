"""docs/operations.md: every command on it works, every log line is as it is written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from pipeline import cli, store
from pipeline.rules import OperationRules, Rules
from pipeline.store.lock import LOCK
from tests import night
from tests.operating import Place, check_out, finish, start

PAGE = (night.REPOSITORY / "docs" / "operations.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """Return the blocks of the page in one language, in order."""
    return [text for name, text in BLOCK.findall(PAGE) if name == language]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The machine of the page, after all its commands were run."""
    root = tmp_path_factory.mktemp("server")
    place = check_out(root / "srv" / "darkport")
    elsewhere = Place(root / "srv" / "darkport" / "incoming")
    elsewhere.deliver("2023-05-02.csv", day=2)
    (elsewhere.raw / "harbour" / "2023-05-02.csv").rename(elsewhere.folder / "2023-05-02.csv")
    for block in blocks("sh"):
        run_there(place, block)
    return place


def run_there(place: Place, script: str) -> str:
    """Run a script as written on the page, with its folders elsewhere; return what it printed."""
    root = place.folder.parent
    script = f"cd '{root}'\n" + script.replace("/srv/", f"{root.parent}/")
    done = finish(start("-euc", script, command=["bash"]))
    assert done.code == 0, (script, done.out, done.err)
    return done.out


def test_every_command_works(server: Place) -> None:
    runs = store.read_table(server.processed, "runs")
    # Numbers go on over withdrawal, restoring and a shelf that was deleted.
    assert runs["run"].to_list() == list(range(1, runs.height + 1))
    assert runs["files_new"].to_list()[:3] == [1, 0, 1]
    assert runs["files_removed"].sum() == 1
    assert not (server.raw / "harbour" / "2023-05-02.csv").exists()
    root = server.folder.parent
    assert (root / "data" / "outputs" / "positions").is_dir()
    assert not any(path.is_symlink() for path in (root / "data" / "outputs").rglob("*"))
    moved = root.parent / "elsewhere" / "data" / "processed"
    assert (moved / "gaps.parquet").is_file()
    assert not list((root / ".venv").rglob("*.was-run"))


def test_what_was_moved_is_read_on_without_deriving_anything(server: Place) -> None:
    moved = Place(server.folder.parent.parent / "elsewhere" / "data")
    assert (moved.processed / LOCK).exists()
    outcome = night.run(moved.raw, moved.processed, night.whole_world(server.folder)).outcome
    assert outcome.days_redone == 0


def test_the_crontab_works(server: Place) -> None:
    lines = [line for line in blocks("crontab")[0].splitlines() if line[:1].isdigit()]
    assert len(lines) == 2
    for line in lines:
        command = line.split(maxsplit=5)[5]
        assert "%" not in command
        assert run_there(server, command) == ""
    assert (server.folder / "nightly.log").read_text().startswith("run ")
    assert "ok   last run" in (server.folder / "doctor.txt").read_text()


def test_queries_and_python_work(server: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for query in blocks("sql"):
        with store.open_database(server.processed / store.DATABASE) as connection:
            connection.sql(query).fetchall()
    for script in blocks("python"):
        exec(script.replace('"data/', f'"{server.folder}/'), {})
    assert "open_gaps" in capsys.readouterr().out


def test_the_units_start_the_command_with_what_it_may_write() -> None:
    service, timer = (RawConfigParser(strict=False) for _ in range(2))
    for parser, text in zip((service, timer), blocks("ini"), strict=True):
        parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
        parser.read_string(text)
    program, command = service["Service"]["ExecStart"].split()
    assert program.removeprefix("/srv/darkport/") == ".venv/bin/darkport"
    assert command in {one.callback.__name__ for one in cli.app.registered_commands if one.callback}
    assert service["Service"]["ReadWritePaths"].endswith("data/processed")
    assert service["Service"]["WorkingDirectory"] == "/srv/darkport"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_no_fault_with_the_units(tmp_path: Path) -> None:
    names = ("darkport.service", "darkport.timer")
    for name, text in zip(names, blocks("ini"), strict=True):
        # The user and the program are not on this machine.
        lines = [line for line in text.splitlines() if not re.match("User=|Group=|Working", line)]
        unit = "\n".join(lines).replace("/srv/darkport/.venv/bin/darkport", "/bin/true")
        (tmp_path / name).write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in names)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    faults = [line for line in done.stderr.splitlines() if "darkport." in line]
    assert faults == []


def test_the_log_lines_of_the_page_have_the_fields_of_a_real_log(server: Place) -> None:
    shown = [json.loads(line) for line in blocks("json")[0].splitlines()]
    said = run_there(server, "DARKPORT_LOG=json make -s nightly 2> data/log.txt").strip()
    log = (server.folder / "log.txt").read_text().splitlines()
    real = {line["event"]: line for line in map(json.loads, log)}
    with store.hold_lock(server.processed):
        real["failed"] = finish(start("nightly", *server.options, "--log", "json")).log[-1]
    for line in shown:
        assert list(line) == list(real[line["event"]])
    summary = next(text for name, text in BLOCK.findall(PAGE) if not name)
    pattern = re.sub(r"\d+", r"\\d+", re.escape(summary.strip()))
    assert re.fullmatch(pattern.replace("warnings", "warnings?"), said), said


def test_options_and_thresholds_named_on_the_page_exist() -> None:
    listed = finish(start("nightly", "--help")).out + finish(start("doctor", "--help")).out
    for option in set(re.findall(r"`(--[a-z-]+)", PAGE)):
        assert option in listed, option
    rules = Rules().bands
    assert (rules.day_least_share, rules.day_most_factor) == (0.2, 5.0)
    assert OperationRules().run_max_age_h == 36


def test_the_page_names_no_folder_of_a_real_machine() -> None:
    roots = set(re.findall(r"(?<![\w.>/*])/(\w+)/", PAGE))
    assert roots <= {"srv", "etc", "dev"}


def test_links_of_the_page_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (night.REPOSITORY / "docs" / link).exists(), link
