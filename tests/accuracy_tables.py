"""Tables of docs/accuracy.md: findings of several worlds, a row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pipeline.evaluate import Evaluation
from pipeline.evaluate.findings import Finding
from pipeline.evaluate.printed import lay_table


def tell_findings(
    judged: Mapping[str, Evaluation], is_wanted: Callable[[Finding], bool]
) -> list[str]:
    """Return the table of some findings of several worlds, the world named in each row."""
    return lay_rows(
        [
            replace(one, subject=f"{world}: {one.subject}" if one.subject else world)
            for world, found in judged.items()
            for one in found.findings
            if is_wanted(one)
        ]
    )


def lay_rows(rows: list[Finding]) -> list[str]:
    """Return the table of some findings, and below it the sums each stands on."""
    notes = dict.fromkeys(
        f"- {one.subject or one.measure}"
        f"{'' if one.stratum == 'all' else f', {one.stratum}'}: {one.note}"
        for one in rows
        if one.note
    )
    return [*lay_table(rows), *notes, *([""] if notes else [])]


def lay_head(columns: Sequence[str]) -> list[str]:
    """Return the first two lines of a table."""
    return [lay_row(columns), f"|{' --- |' * len(columns)}"]


def lay_row(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"
