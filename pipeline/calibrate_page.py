"""What a calibration is, in figures, words and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pipeline.calibration import Calibration, group_column
from pipeline.rules import CalibrationRules

SHOWN_P = (0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99)
STAGES = {"before": "#555555", "after": "#0072b2"}  # told apart by colour-blind eyes
HEAD = ("", "labels", "mean probability", "share off", "90 % interval", "Brier score")


def sum_up(
    fitted: Calibration,
    given: pl.DataFrame,
    reliability: pl.DataFrame,
    gaps: pl.DataFrame,
    rules: CalibrationRules,
) -> dict[str, Any]:
    """Return the facts of a calibration as plain values.

    Args:
        fitted: the map.
        given: `read_calibration_labels`.
        reliability: `check_calibration` of those with a p_off.
        gaps: `calibrate_gaps`.
        rules: number of folds and draws.
    """
    labels = given.drop_nulls("p_off")
    whole = reliability.filter(pl.col("bin").is_null()).rows_by_key("stage", named=True)
    least, most = labels["p_off"].min(), labels["p_off"].max()
    return {
        "method": fitted.method,
        "intercept": fitted.intercept,
        "slope": fitted.slope,
        "labels": fitted.labels,
        "labels_off": fitted.off,
        "labels_without_p_off": given.height - labels.height,
        "ships": labels[group_column(labels)].n_unique(),
        "folds": rules.folds,
        "draws": rules.draws,
        "calibration_error": {stage: whole[stage][0]["calibration_error"] for stage in STAGES},
        "brier": {stage: whole[stage][0]["brier"] for stage in STAGES},
        "map": dict(zip(map(str, SHOWN_P), fitted.apply(pl.Series(SHOWN_P)).round(6), strict=True)),
        "gaps": gaps.height,
        "gaps_beyond_labels": gaps.filter(~pl.col("p_off").is_between(least, most)).height,
        "labels_p_off": [least, most],
        "sum_p_off": round(gaps["p_off"].sum(), 6),
        "sum_p_off_calibrated": round(gaps["p_off_calibrated"].sum(), 6),
    }


def tell_outcome(facts: dict[str, Any]) -> str:
    """Return in one line what was fitted, on what, and whether it helped."""
    error = facts["calibration_error"]
    left_out = facts["labels_without_p_off"]
    return (
        f"{_mark(facts)}{facts['method']} map from {facts['labels']} labels"
        f" ({facts['labels_off']} off{f'; {left_out} without p_off left out' if left_out else ''})"
        f" for {facts['gaps']} gaps; calibration error in cross-validation"
        f" {error['before']:.3f} before, {error['after']:.3f} after; p_off stays the headline"
    )


def tell_page(facts: dict[str, Any], reliability: pl.DataFrame, picture: str) -> str:
    """Return the page: what was fitted and on what, reliability as table and picture."""
    lines = [
        f"# {_mark(facts)}p_off calibrated on labels",
        "",
        *(["The feed is SIMULATED: no ship in it exists.", ""] if facts["is_simulated"] else []),
        "The published p_off is uncalibrated and stays the headline; no published table changed.",
        "",
        f"- Labels: {facts['labels']} of gaps with a p_off, {facts['labels_off']} of them off, of"
        f" {facts['ships']} ships (file hash {facts['labels_hash']});"
        f" {facts['labels_without_p_off']} of gaps without p_off left out.",
        f"- Fitted: {_tell_map(facts)}",
        f"- {_tell_gain(facts)}",
        f"- Gaps: {facts['gaps']} have a p_off; {facts['gaps_beyond_labels']} of them lie outside"
        f" the p_off of all labels ({facts['labels_p_off'][0]:.6f} to"
        f" {facts['labels_p_off'][1]:.6f}): for those the map is carried on.",
        f"- Sum over these gaps: p_off {facts['sum_p_off']:.1f}, calibrated"
        f" {facts['sum_p_off_calibrated']:.1f}.",
        f"- Intervals: {facts['draws']} maps, each from the labels of ships drawn again, on the"
        " ends of p_off's own interval.",
        "- Labels are rarely a fair sample: where they were sought among suspicious gaps, or come"
        " from one authority, so does the calibration.",
        "",
        "| p_off | calibrated |",
        "|---|---|",
        *(f"| {p} | {calibrated:.3f} |" for p, calibrated in facts["map"].items()),
        "",
        f"## Reliability, {facts['folds']} folds by ship",
        "",
        "After: each label by a map fitted without the labels of its ship.",
        "",
        *_tell_table(reliability),
        "",
        f"![reliability before and after]({picture})",
    ]
    return "\n".join(lines) + "\n"


def draw_reliability(reliability: pl.DataFrame, path: Path, *, is_simulated: bool) -> None:
    """Draw the share off over the mean probability of each bin, before and after."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle=":")
    for stage, colour in STAGES.items():
        rows = reliability.filter(pl.col("bin").is_not_null(), pl.col("stage") == stage)
        p, share = rows["p_mean"], rows["off_share"]
        ends = [share - rows["off_share_low"], rows["off_share_high"] - share]
        axes.errorbar(
            p.to_list(),
            share.to_list(),
            yerr=[end.clip(0).to_list() for end in ends],
            color=colour,
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=1,
            label=stage,
        )
    axes.set(xlabel="mean probability of off", ylabel="share off", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")
    mark = "SIMULATED: " if is_simulated else ""
    figure.suptitle(
        f"{mark}labels in bins of equal count, 90 % intervals;\nafter: in cross-validation",
        fontsize=10,
    )
    # Without the program's version the same figures are the same bytes.
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _mark(facts: dict[str, Any]) -> str:
    return "SIMULATED: " if facts["is_simulated"] else ""


def _tell_map(facts: dict[str, Any]) -> str:
    if facts["method"] == "isotonic":
        return "isotonic regression, with one label against the run beyond each end."
    level = " It is level: the labels contradict p_off's ranking." if facts["slope"] <= 0 else ""
    return (
        f"sigmoid({facts['intercept']:.3f} + {facts['slope']:.3f} logit p_off), Platt's"
        f" targets.{level}"
    )


def _tell_gain(facts: dict[str, Any]) -> str:
    error, brier = facts["calibration_error"], facts["brier"]
    words = (
        f"In cross-validation: calibration error {error['before']:.3f} before and"
        f" {error['after']:.3f} after, Brier score {brier['before']:.4f} and {brier['after']:.4f}."
    )
    if brier["after"] >= brier["before"]:
        words += " On these labels the map predicts no better than p_off: take p_off."
    return words


def _tell_table(reliability: pl.DataFrame) -> list[str]:
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for row in reliability.iter_rows(named=True):
        name = row["stage"] if row["bin"] is not None else f"{row['stage']}, all"
        lines.append(
            f"| {name} | {row['labels']} | {row['p_mean']:.4f} | {row['off_share']:.4f} |"
            f" {row['off_share_low']:.3f} to {row['off_share_high']:.3f} | {row['brier']:.4f} |"
        )
    return lines
