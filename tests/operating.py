"""The command as a machine runs it: in this process or in one of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from pipeline import cli
from tests import night

COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()"]


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code.
        out, err: what it wrote.
    """

    code: int
    out: str
    err: str

    @property
    def log(self) -> list[dict[str, Any]]:
        """The JSON log; fails where a line is anything else."""
        return [json.loads(line) for line in self.err.splitlines()]


@dataclass(frozen=True)
class Place:
    """Where nights are run on the whole world."""

    folder: Path

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def processed(self) -> Path:
        return self.folder / "processed"

    @property
    def options(self) -> list[str]:
        geo = night.whole_world(self.folder)
        return ["--raw", str(self.raw), "--processed", str(self.processed), "--areas", str(geo)]

    def deliver(self, name: str = "first.csv", day: int = 1, mmsi: int = 273_000_111) -> None:
        """Write a raw file: one ship, a sighting an hour for a day."""
        rows = [(mmsi, f"2023-05-{day:02d} {hour:02d}:00:00", 50.5, 40.9) for hour in range(24)]
        night.write_canonical(self.raw, "harbour", night.sightings(rows), name)


def run_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path
) -> Ended:
    """Run the command in this process."""
    monkeypatch.setattr(sys, "argv", ["darkport", *map(str, words)])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return Ended(ended.value.code, said.out, said.err)


@contextmanager
def usual_signals() -> Iterator[None]:
    """Let processes that are started meanwhile end on SIGINT, whatever this one does."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start(
    *words: str | Path,
    environment: dict[str, str] | None = None,
    stdout: int | IO[str] = subprocess.PIPE,
    stderr: int | IO[str] = subprocess.PIPE,
    command: list[str] | None = None,
) -> subprocess.Popen[str]:
    """Start the command in a process of its own, in another folder.

    A shell that puts the tests in the background has them ignore SIGINT, and children inherit that.
    """
    with usual_signals():
        return subprocess.Popen(
            [*(command or COMMAND), *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
            cwd="/",
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(night.REPOSITORY),
                **(environment or {}),
            },
        )


def finish(child: subprocess.Popen[str]) -> Ended:
    """Wait for a command started."""
    out, err = child.communicate(timeout=120)
    return Ended(child.returncode, out or "", err or "")


def check_out(root: Path) -> Place:
    """Return the data of a checkout that is set up: its Makefile, and its own command.

    Its Python leaves `python.was-run` when asked for anything, as installing does.
    """
    place = Place(root / "data")
    place.deliver("2023-05-01.csv")
    programs = root / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(night.REPOSITORY / name, root / name)
    command = " ".join(f"'{word}'" for word in COMMAND)
    geo = night.whole_world(place.folder)
    (programs / "darkport").write_text(
        f'#!/bin/sh\ncase "$1" in nightly|doctor) set -- "$@" --areas "{geo}";; esac\n'
        f'PYTHONPATH="{night.REPOSITORY}" exec {command} "$@"\n'
    )
    (programs / "python").write_text('#!/bin/sh\necho "$@" >> "$0.was-run"\nexit 1\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    (root / ".venv" / ".installed").touch()
    return place
