"""A night as cron and log collectors see it: log, summary, exit codes, pipes, signals, make."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from pipeline import inputs, nightly, process, store
from pipeline.nightly import Outcome
from pipeline.progress import choose_log
from tests import night
from tests.operating import COMMAND, Ended, Place, check_out, finish, run_here, start

SUMMARY = re.compile(
    r"run \d+: \d+ new, \d+ changed, \d+ gone, \d+ failed of \d+ raw files;"
    r" \d+ rows, \d+ sightings, \d+ gaps, \d+ open; \d+ days redone;"
    r" data until \d{4}-\d\d-\d\d \d\d:\d\d UTC; \d+ warnings?; \d+\.\d s; written to \S+"
)
LOGFMT = re.compile(r"time=\S+Z level=(info|warning) event=.+")

Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("DARKPORT_LOG", raising=False)
    return lambda *words: run_here(capsys, monkeypatch, *words)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with one published night on one file; a night more on it changes nothing."""
    place = Place(tmp_path_factory.mktemp("published"))
    place.deliver()
    night.run(place.raw, place.processed)
    return place


@pytest.fixture
def fresh(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.deliver()
    return place


@pytest.fixture(scope="module")
def told(published: Place) -> dict[str, Ended]:
    """What two nights without news said, by the form of their log."""
    return {
        "text": finish(start("nightly", *published.options)),
        "json": finish(start("nightly", *published.options, "--log", "json", "--json")),
    }


# ---------------------------------------------------------------------------- log and summary


def test_a_json_log_is_one_object_a_line_and_ends_with_figures(told: dict[str, Ended]) -> None:
    log = told["json"].log
    assert all(list(line)[:3] == ["time", "level", "event"] for line in log)
    stages = [line["stage"] for line in log if line["event"] == "progress"]
    assert {"reading raw files", "writing tables"} <= set(stages)
    last = log[-1]
    assert (last["event"], last["exit_code"], told["json"].code) == ("finished", 0, 0)
    assert (last["files_new"], last["rows_read"], last["warnings"]) == (0, 24, 1)
    assert last["data_end"] == "2023-05-02T00:00:00Z"
    assert [line["words"] for line in log if line["level"] == "warning"] == [
        "no raw file is new, changed or gone since the last run"
    ]


def test_json_on_standard_output_is_the_whole_outcome(told: dict[str, Ended]) -> None:
    said = json.loads(told["json"].out)
    assert set(said) == {field.name for field in fields(Outcome)} | {"exit_code"}
    assert said["changes"] == {"new": [], "changed": [], "removed": []}
    assert said["warnings"] and said["seconds"]


def test_a_text_log_is_logfmt_and_warns_in_lines_of_level_warning(told: dict[str, Ended]) -> None:
    lines = told["text"].err.splitlines()
    assert all(LOGFMT.fullmatch(line) for line in lines)
    assert [line.split('event="')[1] for line in lines if "level=warning" in line] == [
        'no raw file is new, changed or gone since the last run"'
    ]


def test_a_night_ends_with_one_summary_line(told: dict[str, Ended]) -> None:
    out = told["text"].out
    assert SUMMARY.fullmatch(out.removesuffix("\n")), out
    assert "run 2: 0 new, 0 changed, 0 gone, 0 failed of 1 raw files; 24 rows, 24 sight" in out
    assert "; 1 warning; " in out


def test_no_colour_in_a_pipe(told: dict[str, Ended]) -> None:
    assert not any("\x1b" in done.out + done.err for done in told.values())


def test_an_unknown_form_of_the_log_is_a_usage_error(
    published: Place, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKPORT_LOG", "loud")
    done = run("nightly", *published.options)
    assert (done.code, "DARKPORT_LOG" in done.err, done.err.count("\n")) == (2, True, 1)


def test_what_strangers_wrote_stays_on_its_line(fresh: Place, run: Run) -> None:
    (fresh.raw / "harbour" / "x\n\x1b[31mdarkport: all is well.csv").write_text("no,header\n1,2\n")
    odd = fresh.folder / "out\n\x1b[31m"
    done = run("nightly", *fresh.options, "--processed", odd, "--log", "none")
    assert (done.code, done.err.count("\n"), done.out.count("\n")) == (3, 1, 1)
    assert "\x1b" not in done.err + done.out
    assert store.read_table(odd, "files").height == 2


def test_a_json_log_says_what_strangers_wrote_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = choose_log("json")
    log.refuse("x\ny.csv", "no \x1b[31mheader")
    log.warn("ship\u2028name")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("error", "raw file not read"),
        ("warning", "warning"),
    ]
    assert lines[0]["file"] == "x\ny.csv"


# --------------------------------------------------------------------------------- exit codes


def test_a_failure_is_the_last_line_of_a_json_log_with_its_code(published: Place, run: Run) -> None:
    with store.hold_lock(published.processed, "somebody"):
        done = run("nightly", *published.options, "--log", "json")
    last = done.log[-1]
    assert (done.code, last["exit_code"], last["level"]) == (5, 5, "error")
    assert "somebody" in last["words"]
    assert done.out == ""


def test_a_failure_is_one_line_in_a_mail(published: Place, run: Run) -> None:
    with store.hold_lock(published.processed, "somebody"):
        done = run("nightly", *published.options, "--log", "none")
    assert done.code == 5
    assert re.fullmatch(r"darkport: .* is locked by process \d+ .*\n", done.err)


def test_what_nobody_expected_is_code_1_with_its_traceback(
    published: Place, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_: object) -> None:
        raise RuntimeError("over\nboard")

    monkeypatch.setattr(nightly, "run_night", fall)
    log = run("nightly", *published.options, "--log", "json").log
    assert (len(log), log[0]["exit_code"]) == (1, 1)
    assert "in fall" in log[0]["traceback"]
    text = run("nightly", *published.options)
    assert text.code == 1
    assert "in fall" in text.err
    assert text.err.endswith("\ndarkport: unexpected RuntimeError: over board\n")


def test_counts_out_of_their_bands_are_code_4_until_they_are_accepted(
    fresh: Place, run: Run
) -> None:
    options = [*fresh.options, "--log", "none"]
    assert run("nightly", *options).code == 0
    before = (fresh.processed / "files.parquet").read_bytes()
    bad = night.sightings([(273_000_111, f"2023-05-02 {h:02d}:00:00", 50.5, 95.0) for h in (1, 2)])
    night.write_canonical(fresh.raw, "harbour", bad, "second.csv")
    refused = run("nightly", *options)
    assert refused.code == 4
    assert "--accept-counts" in refused.err
    assert (fresh.processed / "files.parquet").read_bytes() == before
    assert run("nightly", *options, "--accept-counts").code == 0
    runs = store.read_table(fresh.processed, "runs")
    assert runs["is_accepted_out_of_bands"].to_list() == [False, True]


@pytest.mark.usefixtures("told")
def test_rehash_reads_the_bytes_of_every_file(
    published: Place, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The nights of `told` found the file old enough for its times to be trusted.
    hashed: list[Path] = []

    def note(path: Path) -> str:
        hashed.append(path)
        return original(path)

    original = store.hash_file
    monkeypatch.setattr(inputs.store, "hash_file", note)
    run("nightly", *published.options)
    assert hashed == []
    run("nightly", *published.options, "--rehash")
    assert [path.name for path in hashed] == ["first.csv"]


def test_outputs_among_the_raw_files_are_a_usage_error(fresh: Place, run: Run) -> None:
    done = run("nightly", "--raw", fresh.raw, "--processed", fresh.raw / "out")
    assert (done.code, (fresh.raw / "out").exists()) == (2, False)
    assert "outputs would be read as raw files" in done.err


def test_a_folder_whose_name_is_no_text_is_a_usage_error(fresh: Place, run: Run) -> None:
    done = run("nightly", "--raw", fresh.raw, "--processed", fresh.folder / os.fsdecode(b"o\xff"))
    assert (done.code, done.err.count("\n")) == (2, 1)


def test_an_instant_beyond_time_is_a_usage_error(fresh: Place, run: Run) -> None:
    done = run("nightly", *fresh.options, "--data-end", "0001-01-01T00:00+14:00")
    assert (done.code, "is no instant" in done.err) == (2, True)


# ------------------------------------------------------------------------- streams of a machine


@pytest.mark.parametrize(
    "closing", [">&- 2> /dev/full <&-", "2>&1 | true"], ids=["closed and full", "broken"]
)
def test_a_night_nobody_listens_to_is_published_all_the_same(
    published: Place, closing: str
) -> None:
    before = store.read_table(published.processed, "runs").height
    words = " ".join(f"'{word}'" for word in (*COMMAND, "nightly", *published.options))
    shell = ["bash", "-c", f"set -o pipefail; {words} {closing}"]
    # No locale, and an encoding that lacks most letters.
    environment = {"LC_ALL": "C", "PYTHONIOENCODING": "latin-1"}
    done = finish(start(command=shell, environment=environment))
    assert done.code == 0
    assert store.read_table(published.processed, "runs").height == before + 1


def test_a_reader_that_has_read_enough_ends_a_command_quietly() -> None:
    words = " ".join(f"'{word}'" for word in (*COMMAND, "feeds"))
    done = finish(start(command=["bash", "-c", f"{words} | true; exit ${{PIPESTATUS[0]}}"]))
    assert (done.code, done.err) == (128 + signal.SIGPIPE, "")


def read_terminal(child: subprocess.Popen[str], parent: int) -> str:
    said = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # what Linux says where nobody has the other end open
            break
        if not part:
            break
        said += part
    child.wait(60)
    os.close(parent)
    return said.decode()


def test_a_terminal_gets_a_bar_without_colour_if_so_asked_and_its_cursor_back(
    published: Place,
) -> None:
    parent, terminal = pty.openpty()
    environment = {"TERM": "xterm", "NO_COLOR": "1"}
    with os.fdopen(terminal, "w") as other_end:
        child = start("nightly", *published.options, environment=environment, stderr=other_end)
    said = read_terminal(child, parent)
    assert child.stdout is not None and SUMMARY.match(child.stdout.read())
    child.stdout.close()
    assert "writing tables" in said
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")
    assert not re.search(r"\x1b\[[0-9;]*m", said.replace("\x1b[0m", ""))


# ------------------------------------------------------------------------------------ signals


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A published place whose next night has enough to do to be met by a signal."""
    place = Place(tmp_path_factory.mktemp("busy"))
    place.deliver()
    night.run(place.raw, place.processed)
    for day in range(2, 29):
        place.deliver(f"day-{day:02d}.csv", day)
    return place


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_night_cleanly(busy: Place, sent: signal.Signals) -> None:
    before = (busy.processed / "files.parquet").read_bytes()
    shutil.rmtree(busy.processed / ".shelf")
    child = start("nightly", *busy.options, "--log", "json")
    assert child.stderr is not None
    assert json.loads(child.stderr.readline())["event"] == "progress"
    child.send_signal(sent)
    # `timeout` sends the same signal to the process and to its group.
    child.send_signal(sent)
    done = finish(child)
    last = done.log[-1]
    assert (done.code, last["exit_code"], last["event"]) == (128 + sent, 128 + sent, "failed")
    assert sent.name in last["words"]
    assert done.out == ""
    assert (busy.processed / ".lock").read_bytes() == b""
    assert (busy.processed / "files.parquet").read_bytes() == before
    with store.hold_lock(busy.processed) as left_by:
        assert left_by is None


def test_a_hangup_that_is_ignored_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with process.stopping_on_signals():
            signal.raise_signal(signal.SIGHUP)
            process.raise_if_stopped()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stop_that_a_library_made_an_error_of_is_a_stop() -> None:
    with process.stopping_on_signals():
        with pytest.raises(RuntimeError):
            try:
                signal.raise_signal(signal.SIGTERM)
            except process.Stopped:
                raise RuntimeError("query interrupted") from None
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(process.Stopped, match="SIGTERM"):
            process.raise_if_stopped()
        cause = process.find_cause(RuntimeError("query interrupted"))
    assert isinstance(cause, process.Stopped)
    assert cause.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


# --------------------------------------------------------------------------------------- make


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return check_out(tmp_path_factory.mktemp("check out"))


def make(checkout: Place, *words: str, environment: dict[str, str] | None = None) -> Ended:
    root = str(checkout.folder.parent)
    return finish(
        start("-s", "-C", root, "nightly", *words, environment=environment, command=["make"])
    )


def test_make_nightly_says_one_line_and_installs_nothing(checkout: Place) -> None:
    done = make(checkout)
    assert (done.code, done.err) == (0, "")
    assert SUMMARY.fullmatch(done.out.removesuffix("\n")), done.out
    assert not list((checkout.folder.parent / ".venv").rglob("*.was-run"))
    assert (checkout.processed / "gaps.parquet").exists()


def test_make_nightly_hands_on_options_and_the_form_of_the_log(checkout: Place) -> None:
    done = make(checkout, "NIGHTLY=--json --rehash", environment={"DARKPORT_LOG": "json"})
    assert done.log[-1]["event"] == "finished"
    assert json.loads(done.out)["exit_code"] == 0


def test_make_nightly_tells_the_code_of_a_failure(checkout: Place) -> None:
    with store.hold_lock(checkout.processed, "somebody"):
        done = make(checkout)
    # make has one code for all failures; its own line holds the command's.
    assert done.code == 2
    assert "locked by" in done.err
    assert "Error 5" in done.err
