"""The table of docs/reliability.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.kills.bench import Verdict

BEGIN, END = "<!-- written by make kill-test -->", "<!-- to here -->"
HEAD = (
    "| kind of fault | trials | faults | old outputs found | new outputs found | torn |"
    " same bytes after the next run |",
    "|---|---|---|---|---|---|---|",
)


def make_table(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a Markdown table: a line a kind of fault, in the order in which they come."""
    kinds = list(dict.fromkeys(verdict.kind for verdict in verdicts))
    rows = [_tell_kind(kind, [one for one in verdicts if one.kind == kind]) for kind in kinds]
    return [*HEAD, *rows, _tell_kind("**all**", verdicts)]


def _tell_kind(kind: str, verdicts: Sequence[Verdict]) -> str:
    found = [state for verdict in verdicts for state in verdict.found]
    whole = sum(not verdict.problems for verdict in verdicts)
    counts = " | ".join(str(found.count(state)) for state in ("old", "new", "torn"))
    return f"| {kind} | {len(verdicts)} | {len(found)} | {counts} | {whole} of {len(verdicts)} |"


def write_page(page: Path, lines: Sequence[str]) -> None:
    """Replace what stands between the two marks of the page.

    Raises:
        ValueError: a mark is missing.
    """
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{page} lacks {BEGIN} or {END}")
    text = "\n".join([before + BEGIN, *lines, END + after])
    page.write_text(text, "utf-8")
