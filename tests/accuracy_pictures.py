"""Pictures of docs/accuracy.md that are of several worlds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.evaluate import Evaluation
from pipeline.evaluate.limits import EvaluationRules
from pipeline.evaluate.off_totals import ALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#555555")


def draw_recovery(judged: Mapping[str, Evaluation], path: Path) -> Path:
    """Write a picture: the sum of p_off of each world and seed over the true number."""
    figure, axes = _open_figure()
    ends: list[float] = [1.0]
    for number, (world, found) in enumerate(judged.items()):
        sums = [one.sums[ALL] for one in found.offs]
        true, expected = [one.true for one in sums], [one.expected for one in sums]
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(true, expected, "o", color=colour, alpha=0.8, label=world)
        ends += [*map(float, true), *expected]
    line = [0.0, 1.1 * max(ends)]
    axes.plot(line, line, color="#999999", linewidth=1, linestyle=":", label="expected = true")
    axes.fill_between(
        line, [0.9 * x for x in line], [1.1 * x for x in line], color="#999999", alpha=0.15
    )
    axes.set(xlabel="gaps truly off (12 h and more, rated year)", ylabel="sum of p_off")
    axes.set(xlim=line, ylim=(0, None))
    axes.legend(loc="upper left")
    figure.suptitle(
        "SIMULATED: recovery of the true number, a point a seed\nshaded: 0.9 to 1.1", fontsize=10
    )
    return _save(figure, path)


def draw_ratings(judged: Mapping[str, Evaluation], path: Path) -> Path:
    """Write a picture: the calls each world is rated by over the true ones, in both meanings."""
    figure, axes = _open_figure()
    rows = [row for found in judged.values() for row in found.classes]
    expected = [row["expected_12m"] for row in rows]
    spans = [
        [row["expected_12m"] - row["expected_12m_low"] for row in rows],
        [row["expected_12m_high"] - row["expected_12m"] for row in rows],
    ]
    every = [row["true_calls"] for row in rows]
    counted = [row["true_calls"] - row["true_glimpsed"] for row in rows]
    axes.plot(every, expected, "o", mfc="none", color="#999999", label="all true calls (METHOD 8)")
    axes.errorbar(
        counted, expected, spans, fmt="o", color=COLOURS[0], label="glimpsed left out (METHOD 6)"
    )
    end = 1.1 * max([1.0, *map(float, every), *expected])
    axes.plot([0, end], [0, end], color="#999999", linestyle=":", label="expected = true")
    rules = EvaluationRules()
    for limit in (rules.medium_from, rules.high_above):
        axes.axhline(limit, color="#999999", linewidth=0.5)
    axes.set(xlabel="true headline calls in the rated year", ylabel="expected, 90 % interval")
    axes.set(xlim=(-0.02 * end, end), ylim=(-0.02 * end, end))
    axes.legend(loc="upper left")
    figure.suptitle(
        "SIMULATED: what a year is rated by, a point a world and seed\n"
        "lines: from 5 on Medium, above 20 High",
        fontsize=10,
    )
    return _save(figure, path)


def _open_figure() -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the program's version the same figures are the same bytes.
    figure.savefig(path, dpi=120, metadata={"Software": None})
    return path
