"""The built wheel, in an empty environment, started from another folder, finds its files."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests import night

pytestmark = pytest.mark.long


def run(*arguments: str | Path, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, arguments)), capture_output=True, text=True, cwd=cwd, env=env, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_runs_the_job_from_anywhere(tmp_path: Path) -> None:
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        tmp_path / "dist",
        night.REPOSITORY,
        cwd=tmp_path,
    )
    (wheel,) = (tmp_path / "dist").glob("darkport-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "pipeline/_geo/areas.toml" in names
    assert any(name.startswith("pipeline/_sql/marts/") for name in names)
    assert "pipeline/report/page/page.html" in names
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)
    darkport = tmp_path / "env" / "bin" / "darkport"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(darkport, "simulate", "--out", ".", "--small", "--days", "9", "--ships", "6", cwd=elsewhere)
    said = run(darkport, "nightly", "--raw", "raw", "--processed", "out", cwd=elsewhere)
    assert "sightings" in said
    assert (elsewhere / "out" / "darkport.duckdb").is_file()
    assert (elsewhere / "out" / "report" / "index.html").is_file()
    run(darkport, "doctor", "--raw", "raw", "--processed", "out", cwd=elsewhere)
