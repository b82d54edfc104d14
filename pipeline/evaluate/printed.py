"""The evaluation as files: JSON with every figure, a readable page, and pictures."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

from pipeline import store
from pipeline.evaluate.evaluation import Evaluation
from pipeline.evaluate.figures import draw_figures
from pipeline.evaluate.findings import NOT_YET, Finding
from pipeline.evaluate.gap_findings import TOPIC as OFF_TOPIC

HEAD = ("measure", "of", "value", "90 % interval", "n", "target", "verdict")


def write_evaluation(evaluation: Evaluation, out: Path) -> list[Path]:
    """Write `evaluation.json`, `evaluation.md` and figures into `out`; return the files."""
    page, figures = out / "evaluation.md", out / "evaluation.json"
    drawn = draw_figures(evaluation, out)
    store.write_json(as_json(evaluation), figures)
    page.write_text(write_page(evaluation, [path.name for path in drawn]), "utf-8")
    return [figures, page, *drawn]


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything of an evaluation as plain values; what is no number is null."""
    whole = {one.name: getattr(evaluation, one.name) for one in fields(evaluation)}
    rows = [one.as_row() for one in evaluation.findings]
    return _plain({**whole, "findings": rows, "offs": [asdict(one) for one in evaluation.offs]})


def write_page(evaluation: Evaluation, pictures: list[str]) -> str:
    """Return the readable page: a table a topic, strata of switch-offs in one of their own."""
    mark = "SIMULATED, " if evaluation.is_simulated else ""
    lines = [f"## Accuracy: {mark}{evaluation.title}", ""]
    if evaluation.is_simulated:
        lines += ["The feed is SIMULATED: no ship in it exists, and what is true is known.", ""]
    met, missed, later = (
        sum(one.verdict == word for one in evaluation.findings)
        for word in ("met", "missed", NOT_YET)
    )
    lines += [f"Targets met: {met}; missed: {missed}; not yet measurable: {later}.", ""]
    whole = [one for one in evaluation.findings if not _is_stratum(one)]
    for topic in dict.fromkeys(one.topic for one in whole):
        lines += [
            f"### {topic.capitalize()}",
            "",
            *lay_table([o for o in whole if o.topic == topic]),
        ]
        notes = dict.fromkeys(
            f"{', '.join(word for word in _name(one) if word and word != 'all')}: {one.note}"
            for one in whole
            if one.topic == topic and one.note and one.verdict != NOT_YET
        )
        lines += [*(f"- {note}" for note in notes), *([""] if notes else [])]
    strata = [one for one in evaluation.findings if _is_stratum(one)]
    if strata:
        lines += ["### Switch-offs by stratum", "", *_strata_table(strata)]
    lines += [f"![{name}]({name})" for name in pictures]
    return "\n".join(lines).rstrip() + "\n"


def _name(one: Finding) -> tuple[str, str, str]:
    return one.measure, one.subject, one.stratum


def _is_stratum(one: Finding) -> bool:
    return one.topic == OFF_TOPIC and one.stratum != "all"


def lay_table(findings: list[Finding]) -> list[str]:
    """Return a table with a row per finding, and an empty line."""
    rows = [HEAD, ("---",) * len(HEAD)]
    for one in findings:
        of = ", ".join(word for word in (one.subject, one.stratum) if word and word != "all")
        value = one.note if one.verdict == NOT_YET else show_number(one.value)
        interval = "" if one.low is None else f"{show_number(one.low)} to {show_number(one.high)}"
        count = "" if one.count is None else str(one.count)
        rows.append((one.measure, of, value, interval, count, one.target, one.verdict))
    return [*(f"| {' | '.join(row)} |" for row in rows), ""]


def _strata_table(findings: list[Finding]) -> list[str]:
    """Return a row per stratum and a column per measure and subject, intervals in brackets."""
    columns = list(dict.fromkeys((one.measure, one.subject) for one in findings))
    cells = {(one.stratum, one.measure, one.subject): one for one in findings}
    head = ["stratum", "n", *(f"{measure} {subject}".strip() for measure, subject in columns)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for stratum in dict.fromkeys(one.stratum for one in findings):
        row = [stratum, next(str(one.count) for one in findings if one.stratum == stratum)]
        for measure, subject in columns:
            one = cells.get((stratum, measure, subject))
            row.append("" if one is None else _with_interval(one))
        lines.append(f"| {' | '.join(row)} |")
    return [*lines, ""]


def _with_interval(one: Finding) -> str:
    ends = "" if one.low is None else f" ({show_number(one.low)}-{show_number(one.high)})"
    return f"{show_number(one.value)}{ends} {one.verdict}".rstrip()


def show_number(value: float | None) -> str:
    """Return a figure with about three digits; `-` for none."""
    if value is None:
        return "-"
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value
