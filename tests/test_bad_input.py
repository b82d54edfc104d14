"""Bad input: one clear line each, the right exit code, the other files still done, nothing lost."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests import night


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    errors: list[str]


def darkport(*arguments: str | Path) -> Finished:
    """Run the command as a user would, from another folder."""
    done = subprocess.run(
        [sys.executable, "-c", "from pipeline.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(night.REPOSITORY)},
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("darkport: ")]
    return Finished(done.returncode, done.stdout, lines)


def good_rows(mmsi: int = 273_000_111, hours: int = 60) -> pl.DataFrame:
    start = datetime(2023, 5, 1)
    instants = [start + timedelta(minutes=30 * step) for step in range(2 * hours)]
    # Silent for twenty hours, then heard again.
    instants += [instants[-1] + timedelta(hours=20), instants[-1] + timedelta(hours=20.5)]
    return pl.DataFrame(
        {
            "mmsi": [mmsi] * len(instants),
            "timestamp": instants,
            "longitude": [50.5] * len(instants),
            "latitude": [40.9] * len(instants),
        }
    )


def zip_bytes(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Path]:
    """Return what came of a night on one good file among bad ones."""
    folder = tmp_path_factory.mktemp("mixed")
    raw = folder / "raw"
    night.write_canonical(raw, "good", good_rows())
    csv = good_rows(273_000_222).write_csv().encode()
    bad = raw / "bad"
    bad.mkdir()
    (bad / "unknown.bin").write_bytes(b"\x93\x00\x01something else\xff" * 50)
    (bad / "prose.txt").write_text("Dear colleague, the files follow tomorrow.\n" * 20)
    (bad / "empty.csv").write_bytes(b"")
    (bad / "truncated.csv.gz").write_bytes(gzip.compress(csv)[:-40])
    (bad / "climbs.zip").write_bytes(zip_bytes("../../outside.csv", csv))
    (bad / "renamed.csv").write_bytes(csv.replace(b"latitude", b"lattitude", 1))
    pl.DataFrame(
        {
            "mmsi": [273_000_333],
            "timestamp": ["the first of May"],
            "longitude": [50.0],
            "latitude": [41.0],
        }
    ).write_parquet(bad / "text_times.parquet")
    (bad / "=cmd|' C calc'!A0.csv").write_text("no,header,here\n1,2,3\n")
    done = darkport("nightly", "--raw", raw, "--processed", folder / "processed")
    return done, folder


BAD_FILES = (
    "unknown.bin",
    "prose.txt",
    "empty.csv",
    "truncated.csv.gz",
    "climbs.zip",
    "renamed.csv",
    "text_times.parquet",
    "=cmd|' C calc'!A0.csv",
)


def test_the_night_ends_with_code_3(mixed: tuple[Finished, Path]) -> None:
    assert mixed[0].code == 3, mixed[0]


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_told_in_one_line(name: str, mixed: tuple[Finished, Path]) -> None:
    told = [line for line in mixed[0].errors if name in line]
    assert len(told) == 1, mixed[0].errors
    assert len(told[0]) < 400


def test_the_good_file_is_done(mixed: tuple[Finished, Path]) -> None:
    processed = mixed[1] / "processed"
    gaps = pl.read_parquet(processed / "gaps.parquet")
    assert gaps.select("mmsi", "duration_h").rows() == [(273_000_111, 20.0)]


def test_no_row_of_a_bad_file_is_used_and_none_is_lost(mixed: tuple[Finished, Path]) -> None:
    processed = mixed[1] / "processed"
    files = pl.read_parquet(processed / "files.parquet")
    bad = files.filter(pl.col("feed") == "bad")
    assert bad.height == len(BAD_FILES)
    assert bad["error"].null_count() == 0
    assert bad["read"].sum() == 0
    good = files.filter(pl.col("feed") == "good").row(0, named=True)
    assert good["read"] == good["accepted"] == good_rows().height


def test_the_zip_wrote_nothing_outside(mixed: tuple[Finished, Path]) -> None:
    assert not list(mixed[1].parent.rglob("outside.csv"))


def test_names_never_start_a_formula_in_a_csv(tmp_path: Path) -> None:
    from pipeline.store import write_csv

    write_csv(
        pl.DataFrame({"name": ["=1+1", "+7", "-3", "@a", "\tx", "plain", None]}), tmp_path / "n.csv"
    )
    cells = (tmp_path / "n.csv").read_text().splitlines()[1:]
    assert [cell.strip('"')[:1] for cell in cells[:5]] == ["'"] * 5
    assert cells[5] == "plain"


def test_when_no_file_can_be_read_nothing_is_published(tmp_path: Path) -> None:
    raw = tmp_path / "raw" / "feed"
    raw.mkdir(parents=True)
    (raw / "empty.csv").write_bytes(b"")
    done = darkport("nightly", "--raw", tmp_path / "raw", "--processed", tmp_path / "processed")
    assert done.code == 3
    assert len(done.errors) == 1
    assert not list((tmp_path / "processed").glob("*.parquet"))


def test_an_empty_raw_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    done = darkport("nightly", "--raw", tmp_path / "raw", "--processed", tmp_path / "processed")
    assert done.code == 3
    assert "no raw file" in done.errors[0]


def test_a_missing_raw_folder_is_a_usage_error(tmp_path: Path) -> None:
    done = darkport("nightly", "--raw", tmp_path / "none", "--processed", tmp_path / "processed")
    assert (done.code, len(done.errors)) == (2, 1)


def test_an_unknown_option_is_a_usage_error() -> None:
    assert darkport("nightly", "--nosuch").code == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything: cannot make it unreadable")
def test_an_unreadable_folder_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    night.write_canonical(tmp_path / "raw", "good", good_rows())
    closed = tmp_path / "raw" / "closed"
    closed.mkdir()
    closed.chmod(0)
    try:
        done = darkport("nightly", "--raw", tmp_path / "raw", "--processed", tmp_path / "out")
    finally:
        closed.chmod(0o755)
    assert done.code == 3
    assert "closed" in done.errors[0]
    assert (tmp_path / "out" / "gaps.parquet").exists()


def test_an_unreadable_folder_is_an_account_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for root, who can read everything: the operating system's refusal is put in."""
    night.write_canonical(tmp_path / "raw", "good", good_rows())
    (tmp_path / "raw" / "closed").mkdir()
    scandir = os.scandir

    def refuse(path: str | os.PathLike[str] = ".") -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    done = night.run(tmp_path / "raw", tmp_path / "processed")
    assert done.outcome.files_failed == (("closed", "folder cannot be read: Permission denied"),)
    assert done.table("gaps").height == 1


def test_an_invalid_polygon_is_a_usage_error_in_one_line(tmp_path: Path) -> None:
    night.write_canonical(tmp_path / "raw", "good", good_rows())
    geo = tmp_path / "geo"
    geo.mkdir()
    (geo / "areas.toml").write_text(
        'name = "bow tie"\nfeatures = ["a.geojson"]\ndefault_month_area = "other"\n'
    )
    bow_tie = [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]
    properties = {
        "id": "sea",
        "name": "Sea",
        "kind": "sea",
        "country": None,
        "port_group": None,
        "source": "own",
        "licence": "CC0",
    }
    feature = {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": bow_tie},
    }
    (geo / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    done = darkport(
        "nightly", "--raw", tmp_path / "raw", "--processed", tmp_path / "out", "--areas", geo
    )
    assert done.code == 2
    assert len(done.errors) == 1
    assert "sea" in done.errors[0]
    assert "Self-intersection" in done.errors[0]


def test_a_second_run_is_refused_while_the_first_holds_the_lock(tmp_path: Path) -> None:
    from pipeline import store

    night.write_canonical(tmp_path / "raw", "good", good_rows())
    with store.hold_lock(tmp_path / "out"):
        done = darkport("nightly", "--raw", tmp_path / "raw", "--processed", tmp_path / "out")
    assert done.code == 5
    assert str(os.getpid()) in done.errors[0]


def test_a_failed_check_leaves_last_nights_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.errors import CheckError

    night.write_canonical(tmp_path / "raw", "good", good_rows())
    before = night.run(tmp_path / "raw", tmp_path / "out").table("gaps")
    sql = tmp_path / "sql"
    import shutil

    shutil.copytree(night.SQL, sql)
    (sql / "checks" / "nobody_is_silent.sql").write_text(
        "-- Nobody is silent.\nselect gap_id from gaps\n"
    )
    night.write_canonical(tmp_path / "raw", "good", good_rows(273_000_444), "more.csv")
    monkeypatch.setattr(night, "SQL", sql)
    with pytest.raises(CheckError, match="Nobody is silent"):
        night.run(tmp_path / "raw", tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out" / "gaps.parquet").equals(before)
