"""The pictures of the page of the real tracks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipeline.evaluate.curves import reliability_points
from pipeline.evaluate.figures import COLOURS
from pipeline.evaluate.limits import EvaluationRules

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tests.make_real_tracks import Trial

RELIABILITY, SPREAD = "reliability.png", "p_off.png"
MARK = "real movements, SIMULATED switch-offs and losses"


def name_trial(trial: Trial) -> str:
    """Return the words for a trial."""
    planted = "" if trial.is_planted else ", nothing planted"
    return f"{trial.log}, {'cut' if trial.is_cut else 'as logged'}, loss {trial.loss}{planted}"


def draw_reliability(
    labelled: Mapping[Trial, pl.DataFrame], path: Path, limits: EvaluationRules
) -> None:
    """Draw the share planted over p_off, a line a trial."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    for number, (trial, gaps) in enumerate(labelled.items()):
        is_off = gaps["is_off"].cast(pl.Boolean).to_numpy()
        points = pl.DataFrame(reliability_points(is_off, gaps["p_off"].to_numpy(), limits))
        share = points["share"].to_numpy()
        ends = np.stack([share - points["low"].to_numpy(), points["high"].to_numpy() - share])
        colour = COLOURS[number % len(COLOURS)]
        line = "-" if number < len(COLOURS) else "--"
        axes.errorbar(
            points["p"].to_numpy(),
            share,
            ends,
            color=colour,
            marker="o",
            markersize=3,
            linestyle=line,
            linewidth=1,
            label=name_trial(trial),
        )
    axes.set(xlabel="p_off", ylabel="share truly off", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="lower right", fontsize=7)
    _save(figure, path, "bins of equal count, 90 % intervals")


def draw_spread(labelled: Mapping[Trial, pl.DataFrame], path: Path) -> None:
    """Draw how p_off is spread over planted and over lost gaps, a panel a trial."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1 + 1.3 * len(labelled)), layout="constrained")
    panels = figure.subplots(len(labelled), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (trial, gaps) in zip(panels, labelled.items(), strict=True):
        parts = [gaps.filter(pl.col("is_off") == off)["p_off"].to_numpy() for off in (False, True)]
        axes.hist(
            parts,
            np.linspace(0, 1, 21),
            color=list(COLOURS[:2]),
            label=["lost: on", "planted: off"],
        )
        axes.set_yscale("symlog", linthresh=10)
        axes.set_title(name_trial(trial), fontsize=8)
    panels[0].legend(fontsize=7)
    panels[-1].set_xlabel("p_off")
    _save(figure, path, "gaps by p_off")


def _save(figure: Figure, path: Path, words: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    figure.suptitle(f"{MARK}\n{words}", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120, metadata={"Software": None})
