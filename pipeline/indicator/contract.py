"""What the scoring tool reads, as a version and as JSON (docs/scoring/README.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from pipeline.rules import METHOD_VERSION

# Semantic: a name that goes or means another thing is a new major version, a new name a minor one,
# other words a patch. In every row, as a CSV has no other place that all its readers see.
CONTRACT_VERSION = "1.0.0"
# METHOD 9.
NOT_MEASURED = (
    "positions falsified while the set is on",
    "stolen identities",
    "ships that never carry AIS",
    "cargo",
    "intent",
)


def tell_indicator(
    rows: pl.DataFrame, data_end: datetime, rules_hash: str, *, is_simulated: bool
) -> dict[str, Any]:
    """Return the content of indicator.json, as docs/indicator.schema.json describes it.

    Args:
        rows: table indicator.
        data_end: end of the data, UTC.
        rules_hash: name of the rules and areas.
        is_simulated: a simulated feed took part.
    """
    return {
        "contract_version": CONTRACT_VERSION,
        "indicator": "dark port calls",
        "method_version": METHOD_VERSION,
        "rules_hash": rules_hash,
        "data_end": f"{data_end.isoformat()}Z",
        "is_simulated": is_simulated,
        "not_measured": list(NOT_MEASURED),
        "rows": [{**row, "month": row["month"].isoformat()} for row in rows.iter_rows(named=True)],
    }
