"""Where the sample files of other projects lie; they are no part of this repository."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


def sample(name: str) -> Path:
    """Return the path of a sample file; the test that asks is skipped where there is none."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"sample file {name} is not at hand")
    return path
