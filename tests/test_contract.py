"""What the scoring tool reads: described, versioned, and read by the examples of docs/scoring."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipeline import schema
from pipeline.indicator import CONTRACT_VERSION
from tests import make_contract, night
from tests.night import REPOSITORY

SCORING = REPOSITORY / "docs" / "scoring"
VERSIONS = sorted(make_contract.VERSIONS.glob("v*"))
JQ = shutil.which("jq")
KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


# ------------------------------------------------------------------------- a small JSON Schema


def is_kind(value: Any, kind: str) -> bool:
    if kind in KINDS:
        return isinstance(value, KINDS[kind])
    numbers = {"integer": int, "number": (int, float)}[kind]
    return isinstance(value, numbers) and not isinstance(value, bool)


SAYS_NOTHING = ("$schema", "title", "description")
# Word -> is it kept? A word about another kind of value is kept.
KEPT: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, given: any(
        is_kind(value, kind) for kind in ([given] if isinstance(given, str) else given)
    ),
    "const": lambda value, given: value == given,
    "enum": lambda value, given: value in given,
    "pattern": lambda value, given: not is_kind(value, "string") or bool(re.search(given, value)),
    "minimum": lambda value, given: not is_kind(value, "number") or value >= given,
    "maximum": lambda value, given: not is_kind(value, "number") or value <= given,
    "required": lambda value, given: not is_kind(value, "object") or set(given) <= set(value),
}


def find_faults(value: Any, said: dict[str, Any], at: str = "$") -> list[str]:
    """Return where a value is not as a schema says; of draft 2020-12 what ours uses."""
    faults: list[str] = []
    for word, given in said.items():
        if word == "properties":
            for name in sorted(set(given) & set(value if is_kind(value, "object") else ())):
                faults += find_faults(value[name], given[name], f"{at}.{name}")
        elif word == "items":
            for number, one in enumerate(value if is_kind(value, "array") else ()):
                faults += find_faults(one, given, f"{at}[{number}]")
        elif word not in SAYS_NOTHING and not KEPT[word](value, given):
            faults.append(f"{at}: {word}")
    return faults


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return json.loads(make_contract.SCHEMA.read_text("utf-8"))


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same world as of the files kept, written by the code of today."""
    folder = tmp_path_factory.mktemp("today")
    make_contract.write_world(folder)
    return folder


def load(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "indicator.json").read_text("utf-8"))


# ------------------------------------------------------------------------- described


def test_the_schema_is_current() -> None:
    assert make_contract.SCHEMA.read_text("utf-8") == make_contract.describe()


def test_what_is_written_today_is_as_described(today: Path, described: dict[str, Any]) -> None:
    told = load(today)
    assert find_faults(told, described) == []
    assert told["contract_version"] == CONTRACT_VERSION
    assert {row["rating"] for row in told["rows"]} > {"not assessable"}
    assert list(told["rows"][0]) == sorted(schema.Indicator.columns())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"p_low": 1.5}, "$.rows[0].p_low: maximum"),
        ({"p_low": "0.5"}, "$.rows[0].p_low: type"),
        ({"p_low": True}, "$.rows[0].p_low: type"),
        ({"rating": None}, "$.rows[0].rating: type"),
        ({"rating": "Very high"}, "$.rows[0].rating: pattern"),
        ({"report_rating": "High"}, "$.rows[0].report_rating: pattern"),
        ({"report_arrow": "left"}, "$.rows[0].report_arrow: enum"),
        ({"month": "2023-05"}, "$.rows[0].month: pattern"),
        ({"calls_12m_a": 0.5}, "$.rows[0].calls_12m_a: type"),
        ({"expected_12m": -1}, "$.rows[0].expected_12m: minimum"),
        ({"contract_version": "2.0.0"}, "$.rows[0].contract_version: pattern"),
    ],
)
def test_the_schema_refuses_what_is_not_in_the_contract(
    today: Path, described: dict[str, Any], change: dict[str, Any], fault: str
) -> None:
    told = load(today)
    told["rows"][0] |= change
    assert find_faults(told, described) == [fault]


def test_a_missing_field_is_a_fault_and_an_unknown_one_is_none(
    today: Path, described: dict[str, Any]
) -> None:
    told = load(today)
    told["rows"][0]["added_later"] = 1
    assert find_faults(told, described) == []
    del told["rows"][0]["rating"], told["data_end"]
    assert sorted(find_faults(told, described)) == ["$.rows[0]: required", "$: required"]


# ------------------------------------------------------------------------- earlier versions


def test_this_version_has_its_files() -> None:
    names = {f"v{CONTRACT_VERSION}"} | {"v1.0.0"}
    assert names <= {folder.name for folder in VERSIONS}


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_files_of_earlier_versions_are_as_described_today(
    folder: Path, described: dict[str, Any]
) -> None:
    assert find_faults(load(folder), described) == []


@pytest.mark.parametrize("name", make_contract.TABLES)
@pytest.mark.parametrize("folder", VERSIONS, ids=lambda folder: folder.name)
def test_columns_of_earlier_versions_are_still_there(folder: Path, name: str) -> None:
    earlier = pl.read_parquet(folder / f"{name}.parquet")
    now = schema.polars_schema(schema.TABLES[name])
    assert {column: now.get(column) for column in earlier.columns} == dict(earlier.schema)
    text = pl.read_csv(folder / f"{name}.csv", infer_schema=False)
    assert text.columns == earlier.columns
    assert text.height == earlier.height > 0
    version = folder.name.removeprefix("v")
    assert set(text["contract_version"]) == set(earlier["contract_version"]) == {version}
    # What this version wrote is read without loss as the types of today.
    schema.conform(
        earlier.select(column for column in now if column in earlier), schema.TABLES[name]
    )


def test_the_files_of_this_version_are_what_is_written_today(today: Path) -> None:
    """The form, and the figures of a world in which most is certain."""
    kept = make_contract.VERSIONS / f"v{CONTRACT_VERSION}"
    for name in make_contract.TABLES:
        one, other = (pl.read_parquet(path / f"{name}.parquet") for path in (kept, today))
        assert one.schema == other.schema
        key = [column for column in one.columns if column in ("month", "scope", "flag")]
        assert one.select(key).equals(other.select(key))
    assert load(kept).keys() == load(today).keys()


# ------------------------------------------------------------------------- the report's form


def test_the_report_s_form_is_the_class_in_capitals_and_the_arrow_of_the_trend(today: Path) -> None:
    rows = pl.read_parquet(today / "indicator.parquet")
    last = rows.filter(scope="ru_ir_crossing").sort("month").row(-1, named=True)
    assert (last["rating"], last["report_rating"]) == ("Medium", "MEDIUM")
    assert (last["count_trend"], last["report_arrow"]) == ("Upward", "up")
    first = rows.filter(scope="all").sort("month").row(0, named=True)
    assert (first["report_rating"], first["report_arrow"]) == ("not assessable", "not assessable")


@pytest.mark.parametrize(
    ("trend", "arrow"),
    [("No change", "→"), ("Downward", "↓"), ("Upward", "↑"), ("Undetermined", "undetermined")],
)
def test_every_trend_has_its_arrow_or_its_word(today: Path, trend: str, arrow: str) -> None:
    """The mart's expression and the example's, on a trend of each kind."""
    mart = (night.SQL / "marts" / "indicator.sql").read_text("utf-8")
    (said,) = re.findall(r"case trends\.count_trend.*?end as report_arrow", mart, re.DOTALL)
    with duckdb.connect() as connection:
        connection.execute(
            f"create table indicator as select indicator.* replace ('{trend}' as count_trend)"
            f" from '{today / 'indicator.parquet'}' as indicator"
        ).fetchall()
        connection.execute(
            "create or replace table indicator as select trends.* replace"
            f" ({said.replace('as report_arrow', '')} as report_arrow) from indicator as trends"
        ).fetchall()
        example = (night.SQL / "examples" / "table_4.sql").read_text("utf-8")
        found = connection.sql(example).pl()
    assert set(found["trend"]) == {arrow}
    assert found["rating"].to_list()[-1] == "MEDIUM"


# ------------------------------------------------------------------------- readers


def read_by_python(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, str(SCORING / "reader.py"), str(folder))


def read_by_jq(folder: Path) -> subprocess.CompletedProcess[str]:
    assert JQ is not None
    return run(JQ, "-r", "-f", str(SCORING / "reader.jq"), str(folder / "indicator.json"))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def read_by_sql(folder: Path) -> str:
    with duckdb.connect(config={"file_search_path": str(folder)}) as connection:
        text = (SCORING / "reader.sql").read_text("utf-8")
        ((told,),) = connection.execute(text).fetchall()
    return f"{told}\n"


FOLDERS = [*VERSIONS, None]


@pytest.fixture(params=FOLDERS, ids=[*(one.name for one in VERSIONS), "today"])
def readable(request: pytest.FixtureRequest, today: Path) -> Path:
    return request.param or today


def test_python_reads_every_version(readable: Path) -> None:
    done = read_by_python(readable)
    assert (done.returncode, done.stderr) == (0, "")
    headline, why, month = done.stdout.splitlines()
    assert headline == "2023-07-01 | MEDIUM | up"
    assert why.startswith("Medium: ") and why.endswith("from a SIMULATED feed")
    assert re.fullmatch(r"calls of the month: [0-9]+\.[0-9]", month)


def test_sql_reads_the_same(readable: Path) -> None:
    assert read_by_sql(readable) == read_by_python(readable).stdout


@pytest.mark.skipif(JQ is None, reason="jq is not installed")
def test_jq_reads_the_same_but_for_the_months(readable: Path) -> None:
    done = read_by_jq(readable)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == read_by_python(readable).stdout.splitlines()[:2]


@pytest.mark.parametrize("version", ["2.0.0", None])
def test_readers_refuse_a_major_version_they_do_not_know(
    today: Path, tmp_path: Path, version: str | None
) -> None:
    told = load(today) | {"contract_version": version}
    if version is None:
        del told["contract_version"]
    (tmp_path / "indicator.json").write_text(json.dumps(told), "utf-8")
    words = f"contract {version or 'none'}: this reader knows version 1"
    done = read_by_python(tmp_path)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", words)
    if JQ is not None:
        done = read_by_jq(tmp_path)
        assert done.returncode != 0
        assert (done.stdout, words in done.stderr) == ("", True)


def test_sql_refuses_a_major_version_it_does_not_know(today: Path, tmp_path: Path) -> None:
    for name in make_contract.TABLES:
        frame = pl.read_parquet(today / f"{name}.parquet")
        frame.with_columns(contract_version=pl.lit("2.0.0")).write_parquet(
            tmp_path / f"{name}.parquet"
        )
    with pytest.raises(duckdb.Error, match=r"contract 2\.0\.0: this reader knows version 1"):
        read_by_sql(tmp_path)


@pytest.mark.parametrize("name", ["reader.py", "reader.sql", "reader.jq"])
def test_a_reader_is_short_and_the_page_names_it(name: str) -> None:
    lines = (SCORING / name).read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 27
    assert name in (SCORING / "README.md").read_text("utf-8")


# ------------------------------------------------------------------------- through a night


def test_a_night_writes_the_contract(tmp_path: Path, described: dict[str, Any]) -> None:
    begin = datetime(2023, 5, 1)
    rows = [(273_000_001, begin + timedelta(hours=12 * at), 50.0, 40.0) for at in range(70)]
    done = night.run(
        _write(tmp_path / "raw", rows), tmp_path / "processed", data_end=datetime(2023, 6, 4)
    )
    told = load(done.processed)
    assert find_faults(told, described) == []
    assert [row["month"] for row in told["rows"]] == ["2023-05-01"] * 4
    for name in make_contract.TABLES:
        text = pl.read_csv(done.processed / f"{name}.csv", infer_schema=False)
        assert set(text["contract_version"]) == {CONTRACT_VERSION}
    headline, _, month = read_by_python(done.processed).stdout.splitlines()
    assert headline == "2023-05-01 | not assessable | not assessable"
    assert month == "calls of the month: 0.0"
    choices = done.table("sensitivity")
    assert set(choices.drop_nulls("rating")["rating"]) == {"not assessable"}
    assert (done.processed / "sensitivity.csv").is_file()


def _write(raw: Path, rows: list[Any]) -> Path:
    night.write_canonical(raw, "coast", night.sightings(rows))
    return raw
