"""Where the page and its pictures lie, and what marks a part of the page."""

from __future__ import annotations

from tests.night import REPOSITORY

PAGE = REPOSITORY / "docs" / "simulation.md"
PICTURES = REPOSITORY / "docs" / "simulation"
COMMAND = ".venv/bin/python -m tests.make_simulation"
FROM_CODE = f"<!-- From code, held by a test: {COMMAND} --words -->"
COMPUTED = f"<!-- Computed from one world: {COMMAND} -->"
