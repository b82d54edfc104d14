"""Pictures of an evaluation; every one says SIMULATED where its feed is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.evaluate.world_findings import CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pipeline.evaluate.evaluation import Evaluation

COLOURS = ("#0072b2", "#d55e00", "#555555", "#009e73")  # told apart by colour-blind eyes


def draw_figures(evaluation: Evaluation, out: Path) -> list[Path]:
    """Write the figures there is something to show in, and return their files."""
    drawn: list[Path] = []
    curves = evaluation.curves
    if curves.get("reliability"):
        drawn.append(_draw(evaluation, out / "reliability.png", _draw_reliability))
    if curves.get("port_groups"):
        drawn.append(_draw(evaluation, out / "port_groups.png", _draw_port_groups))
    if curves.get("precision_recall"):
        drawn.append(_draw(evaluation, out / "precision_recall.png", _draw_precision))
    if evaluation.months:
        drawn.append(_draw(evaluation, out / "monthly.png", _draw_months, panels=2))
    if evaluation.classes:
        drawn.append(_draw(evaluation, out / "p_class.png", _draw_classes))
    return drawn


def _draw(
    evaluation: Evaluation,
    path: Path,
    fill: Callable[[Evaluation, list[Axes]], str],
    panels: int = 1,
) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7 if panels == 1 else 9, 3.2 + 2.4 * panels), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(panels, 1, number + 1) for number in range(panels)]
    said = fill(evaluation, axes)
    mark = "SIMULATED: " if evaluation.is_simulated else ""
    figure.suptitle(f"{mark}{said}\n{evaluation.title}", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without the program's version the same figures are the same bytes.
    figure.savefig(path, dpi=120, metadata={"Software": None})
    return path


def _draw_reliability(evaluation: Evaluation, panels: list[Axes]) -> str:
    _draw_shares(panels[0], evaluation.curves["reliability"])
    panels[0].set(xlabel="mean probability of off", ylabel="share truly off")
    return "reliability, bins of equal count, 90 % intervals"


def _draw_port_groups(evaluation: Evaluation, panels: list[Axes]) -> str:
    _draw_shares(panels[0], evaluation.curves["port_groups"])
    panels[0].set(xlabel="mean probability of the likeliest port group", ylabel="share right")
    return "likeliest port group or no call, two candidate groups and more"


def _draw_shares(axes: Axes, curves: dict[str, list[dict[str, Any]]]) -> None:
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    for colour, (subject, points) in zip(COLOURS, curves.items(), strict=False):
        shares = [point["share"] for point in points]
        below = [point["share"] - point["low"] for point in points]
        above = [point["high"] - point["share"] for point in points]
        axes.errorbar(
            [point["p"] for point in points],
            shares,
            yerr=[below, above],
            color=colour,
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=1,
            label=subject,
        )
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")


def _draw_precision(evaluation: Evaluation, panels: list[Axes]) -> str:
    axes = panels[0]
    for colour, (subject, points) in zip(
        COLOURS, evaluation.curves["precision_recall"].items(), strict=False
    ):
        axes.plot(
            [point["recall"] for point in points],
            [point["precision"] for point in points],
            color=colour,
            label=subject,
        )
    axes.set(xlabel="recall of off gaps", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower left")
    return "precision and recall of gaps of 12 h and more"


def _draw_months(evaluation: Evaluation, panels: list[Axes]) -> str:
    months = sorted({row["month"] for row in evaluation.months})
    gaps = {
        "true_off_gaps": "truly off, 12 h and more",
        "gaps_at_least_12h": "all gaps of 12 h and more",
        "gaps_at_least_30h": "all gaps of 30 h and more",
        "expected_off": "expected off",
    }
    calls = {
        "true_dark_calls": "true dark calls, all",
        "true_headline_calls": "true dark calls, headline scope",
        "near_port_gaps": "gaps near a port",
        "expected_calls": "expected calls, headline scope",
    }
    for axes, names in zip(panels, (gaps, calls), strict=True):
        for colour, (name, words) in zip(COLOURS, names.items(), strict=True):
            _plot_mean(axes, evaluation.months, months, name, words, colour)
        axes.set_ylabel("a month, mean of runs")
        axes.set_yscale("symlog", linthresh=10)
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8, ncols=2)
    return "monthly totals; bars: published 90 % intervals"


def _plot_mean(
    axes: Axes,
    rows: tuple[dict[str, Any], ...],
    months: list[Any],
    name: str,
    words: str,
    colour: str,
) -> None:
    """Plot the mean over runs of a monthly figure, with its interval where it has one."""

    def mean(column: str) -> list[float]:
        values = [
            [row[column] for row in rows if row["month"] == month and row.get(column) is not None]
            for month in months
        ]
        return [sum(one) / len(one) if one else float("nan") for one in values]

    line = mean(name)
    if all(value != value for value in line):  # noqa: PLR0124 - NaN: nobody fills it yet
        return
    axes.plot(months, line, color=colour, marker="o", markersize=3, linewidth=1, label=words)
    if f"{name}_low" in rows[0] and any(row[f"{name}_low"] is not None for row in rows):
        axes.vlines(months, mean(f"{name}_low"), mean(f"{name}_high"), color=colour, alpha=0.5)


def _draw_classes(evaluation: Evaluation, panels: list[Axes]) -> str:
    axes = panels[0]
    rows = sorted(
        evaluation.classes, key=lambda row: (row["true_calls"], row["world"], row["seed"])
    )
    bottom = [0.0] * len(rows)
    for colour, name in zip(("#56b4e9", "#e69f00", "#d55e00"), CLASSES, strict=True):
        heights = [row[name] for row in rows]
        axes.bar(range(len(rows)), heights, bottom=bottom, color=colour, label=f"P({name})")
        bottom = [base + height for base, height in zip(bottom, heights, strict=True)]
    axes.set_xticks(
        range(len(rows)),
        [f"{row['true_calls']} ({row['true_class']})" for row in rows],
        rotation=90,
        fontsize=7,
    )
    axes.set(xlabel="true headline calls in the rated year (class)", ylabel="probability")
    axes.legend(loc="lower right", fontsize=8)
    return "P(class) by world"
