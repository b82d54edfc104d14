"""Names of results by what they were made from: the same inputs, rules and code, the same name.

A result whose name is on the shelf need not be made again; a changed file, rule or line of code
changes the names of exactly what depends on it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import polars as pl

from pipeline.resources import PACKAGE
from pipeline.rules import Rules

# They look at finished tables or make raw ones: no result of a night depends on them.
NOT_IN_A_NIGHT = frozenset(
    [
        "simulate",
        "evaluate",
        "cli",
        "cli_nightly",
        "cli_remote",
        "cli_worlds",
        "doctor",
        "explain",
        "explain_calls",
        "explain_hours",
        "process",
        "progress",
        "bars",
        "paces",
        "remaining",
        "plan",
        "geobuild",
        "waterbuild",
        "waterbuild_mesh",
        "calibration",
        "calibration_labels",
        "calibration_gaps",
        "calibrate",
        "calibrate_page",
        "cli_calibrate",
        "nightly",
        "remote",
        "rollup",
    ]
)


def key_of(*parts: Any) -> str:
    """Return 20 hex digits that name these parts (anything JSON can say)."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()


def frame_key(*frames: pl.DataFrame) -> str:
    """Return 20 hex digits that name the rows of some frames, in their order."""
    digest = hashlib.blake2b(digest_size=10)
    for frame in frames:
        buffer = io.BytesIO()
        frame.rechunk().write_ipc(buffer)
        digest.update(buffer.getvalue())
    return digest.hexdigest()


def rows_key(rows: pl.DataFrame) -> str:
    """Return 20 hex digits that name some rows, in their order; quicker than `frame_key`.

    It stands on the library's own hash, which holds for one version of it (`code_key` names it).
    """
    digest = hashlib.blake2b(digest_size=10)
    digest.update(rows.hash_rows().to_numpy().tobytes())
    return digest.hexdigest()


def pick_rules(rules: Rules, *names: str) -> Mapping[str, Any]:
    """Return some thresholds by name: a whole group ("tracks") or one of it ("gaps.min_gap_s").

    Raises:
        AttributeError: there is no such group or threshold.
    """
    picked: dict[str, Any] = {}
    for name in names:
        group, _, threshold = name.partition(".")
        thresholds = getattr(rules, group)
        picked[name] = (
            getattr(thresholds, threshold) if threshold else thresholds.model_dump(mode="json")
        )
    return picked


@cache
def code_key() -> str:
    """Return 20 hex digits that name the code a night's results are made by, and polars.

    A changed line makes every result anew, as a polars whose results may differ does: a false
    alarm costs time, a missed one a wrong table.
    """
    digest = hashlib.blake2b(pl.__version__.encode(), digest_size=10)
    files = [*PACKAGE.rglob("*.py"), *(PACKAGE / "data").rglob("*")]
    for path in sorted(files):
        first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if path.is_file() and first not in NOT_IN_A_NIGHT:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()
