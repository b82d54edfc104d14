"""Section 4: the truth tables, and what world.json holds."""

from __future__ import annotations

from pipeline.simulate.truth import TRUTH_TABLES
from tests.make_docs import tell_columns
from tests.simulation_page.marks import FROM_CODE

# What `world.json` holds; a test compares it with a world.
WORLD_KEYS = {
    "is_simulated": "true",
    "name": "named world it started from, `small-` before it for the small form",
    "seed": "its seed",
    "start": "first instant, UTC, ISO",
    "end": "first instant after it, UTC, ISO",
    "rated_from": "first instant of the rated time: the last twelve months, or the setting",
    "private_shape": "shape of the Gamma factor `private` (METHOD 8, reference likelihood)",
    "clipped": "nothing from outside the region is in the feed",
    "format": "format of the feed's files",
    "settings_hash": "hash of all settings",
    "settings": "all settings as used, in the tree of section 5",
}


def tell_truth() -> str:
    """Return section 4: the truth tables and what world.json holds."""
    lines = [
        "## 4. Truth tables",
        "",
        FROM_CODE,
        "",
        "Written to `truth/` beside the feed, one Parquet file each, from"
        " `pipeline/simulate/truth.py`. Instants are UTC without a zone; rows are sorted by the"
        " key. Evaluation reads these and nothing else of the simulator.",
    ]
    for name, table in TRUTH_TABLES.items():
        lines += ["", f"### {name}", "", *tell_columns(table)]
    lines += ["", "### world.json", "", "| key | what |", "|---|---|"]
    lines += [f"| {key} | {words} |" for key, words in WORLD_KEYS.items()]
    return "\n".join(lines)
