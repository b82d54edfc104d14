"""Writes docs/indicator.schema.json, and the files of a version of the contract for later readers.

`python -m tests.make_contract`; a version's files, once written, are never written again: what
readers of today do with them is what `tests/test_contract.py` asks. SIMULATED: built by hand.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dataframely as dy

from pipeline import schema, store
from pipeline.indicator import CONTRACT_VERSION, tell_indicator
from tests.night import REPOSITORY

SCHEMA = REPOSITORY / "docs" / "indicator.schema.json"
VERSIONS = REPOSITORY / "tests" / "contract"
TABLES = ("monthly_dark_port_calls", "indicator")
# Columns of table indicator that came after 1.0.0: files of earlier versions have none of them.
ADDED_LATER: frozenset[str] = frozenset()
RATING = (
    r"^(not assessable|(Low|Medium|High)|Low or Medium|Medium or High|Low or High"
    r"|at least (Low|Medium))$"
)
# What a column may hold besides what its type says.
MORE: dict[str, dict[str, Any]] = {
    "scope": {"enum": ["all", "any_flag_crossing", "ru_ir_any", "ru_ir_crossing"]},
    "rating": {"pattern": RATING},
    "report_rating": {"pattern": RATING.upper().replace("NOT ASSESSABLE", "not assessable")},
    "report_arrow": {"enum": list(schema.ARROWS)},
    "count_trend": {"enum": [*schema.TRENDS, None]},
    "rate_trend": {"enum": [*schema.TRENDS, None]},
    "contract_version": {"pattern": r"^1\.[0-9]+\.[0-9]+$"},
}
PROBABILITIES = ("p_low", "p_medium", "p_high")
DATE = r"^[0-9]{4}-[0-9]{2}-01$"


def describe() -> str:
    """Return docs/indicator.schema.json: the fields of table indicator, said in the schema."""
    columns = schema.Indicator.columns()
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "indicator.json",
        "description": (
            "Contract of the scoring tool, version 1 (docs/scoring/README.md). Readers leave alone"
            " what they do not know: a new minor version adds fields."
        ),
        "type": "object",
        "required": [
            *("contract_version", "indicator", "method_version", "rules_hash", "data_end"),
            *("is_simulated", "not_measured", "rows"),
        ],
        "properties": {
            "contract_version": {"type": "string", **MORE["contract_version"]},
            "indicator": {"const": "dark port calls"},
            "method_version": {"type": "string"},
            "rules_hash": {"type": "string"},
            "data_end": {
                "description": "end of the data, UTC",
                "type": "string",
                "pattern": r"^[0-9-]{10}T[0-9:.]{8,15}Z$",
            },
            "is_simulated": {"description": "a SIMULATED feed took part", "type": "boolean"},
            "not_measured": {
                "description": "what no figure here speaks of",
                "type": "array",
                "items": {"type": "string"},
            },
            "rows": {
                "description": "one per complete month (end of a trailing year) and scope",
                "type": "array",
                "items": {
                    "type": "object",
                    "required": [name for name in columns if name not in ADDED_LATER],
                    "properties": {
                        name: describe_column(name, column) for name, column in columns.items()
                    },
                },
            },
        },
    }
    return json.dumps(content, indent=2) + "\n"


def describe_column(name: str, column: Any) -> dict[str, Any]:
    """Return what the JSON Schema says of one column of table indicator."""
    kinds: dict[type[Any], str] = {dy.Int64: "integer", dy.Float64: "number"}
    kind = kinds.get(type(column), "string")
    said: dict[str, Any] = {
        "description": column.description,
        "type": [kind, "null"] if column.nullable else kind,
    }
    if isinstance(column, dy.Date):
        said["pattern"] = DATE
    if kind != "string":
        said["minimum"] = 0
    if name in PROBABILITIES:
        said["maximum"] = 1
    return said | MORE.get(name, {})


def write_world(folder: Path) -> None:
    """Write what the scoring tool reads, of thirteen months built by hand (SIMULATED)."""
    # They bring pytest with them, which a plain `make docs` does not need.
    from tests.test_indicator import hidden, rolled_calls, year_seen

    months = [date(2022 + at // 12, at % 12 + 1, 1) for at in range(6, 19)]
    pairs = [hidden(2 * at, month, 0.8, mmsi=273_000_001 + at) for at, month in enumerate(months)]
    pairs += [hidden(2 * at + 1, month, 0.3) for at, month in enumerate(months[::3])]
    base = {
        **{"scope": "ru_ir_crossing", "flag": "all", "area": "all", "port_group": "all"},
        **{"at_least_h": 30, "gaps": 1, "expected_calls": 0.05, "visits": 40.0},
        "observability": 1.0,
    }
    data_end = datetime(2023, 8, 1)
    feed = {"feed": "simulated_by_hand", "file": "simulated_by_hand/a.csv"}
    connection = rolled_calls(
        pairs,
        year_seen(months),
        data_end=data_end,
        files=[feed],
        base=[{**base, "month": date(2021, month, 1)} for month in range(1, 13)],
    )
    frames = {
        name: store.validate(
            connection.sql(f"select * from {name} order by all").pl(), schema.TABLES[name]
        )
        for name in TABLES
    }
    for name, frame in frames.items():
        store.write_parquet(frame, folder / f"{name}.parquet")
        store.write_csv(frame, folder / f"{name}.csv")
    told = tell_indicator(frames["indicator"], data_end, "000000000000", is_simulated=True)
    store.write_json(told, folder / "indicator.json")


def main() -> None:
    """Write the JSON Schema; write the files of this version where there are none."""
    SCHEMA.write_text(describe(), "utf-8")
    if not (VERSIONS / f"v{CONTRACT_VERSION}").exists():
        write_world(VERSIONS / f"v{CONTRACT_VERSION}")


if __name__ == "__main__":
    main()
