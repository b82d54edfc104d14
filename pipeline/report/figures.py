"""The report's figures as PNG and SVG files, for slides and papers; marked where simulated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipeline.report.limits import ReportRules
from pipeline.report.rows import find_first_month
from pipeline.report.sources import Sources
from pipeline.report.words import SCOPES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by colour-blind eyes; dark, lit, unheard, published.
DARK, LIT, UNHEARD, PUBLISHED, INK = "#b3460b", "#0068a5", "#80878f", "#7a5ea8", "#1b2430"
HEADLINE = next(iter(SCOPES))
FLAGS = {"RUS": "flag of Russia", "IRN": "flag of Iran"}
KINDS = ("png", "svg")
Fill = Callable[[Sources, ReportRules, "list[Axes]"], str]


def draw_figures(sources: Sources, out: Path, rules: ReportRules) -> list[Path]:
    """Write every figure as PNG and SVG into `out`, and return the files."""
    figures: tuple[tuple[str, Fill, int], ...] = (
        ("monthly_gaps", _draw_gaps, 2),
        ("monthly_calls", _draw_calls, 1),
        ("ports", _draw_ports, 1),
        ("reception", _draw_reception, 1),
    )
    if "sensitivity" in sources.optional:
        figures += (("sensitivity", _draw_sensitivity, 1),)
    return [
        path
        for name, fill, panels in figures
        for path in _draw(sources, rules, out / name, fill, panels)
    ]


def _draw(sources: Sources, rules: ReportRules, stem: Path, fill: Fill, panels: int) -> list[Path]:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Named by content, not by chance: the same figures are the same bytes.
    with rc_context({"svg.hashsalt": stem.name, "svg.fonttype": "none"}):
        figure = Figure(figsize=(8, 3 + 1.8 * panels), layout="constrained")
        FigureCanvasAgg(figure)
        axes = [figure.add_subplot(panels, 1, number + 1) for number in range(panels)]
        said = fill(sources, rules, axes)
        mark = "SIMULATED: " if sources.is_simulated else ""
        figure.suptitle(f"{mark}{said}\ndata until {sources.data_end:%Y-%m-%d}", fontsize=10)
        stem.parent.mkdir(parents=True, exist_ok=True)
        paths = [stem.with_suffix(f".{kind}") for kind in KINDS]
        for path in paths:
            nothing = {"Date": None} if path.suffix == ".svg" else {"Software": None}
            figure.savefig(path, dpi=120, metadata=nothing)
    return paths


def _draw_gaps(sources: Sources, rules: ReportRules, panels: list[Axes]) -> str:
    for axes, (flag, words) in zip(panels, FLAGS.items(), strict=True):
        rows = sources.monthly_gaps.filter(
            *(pl.col(name) == "all" for name in ("area", "port_group")),
            pl.col("flag") == flag,
            pl.col("fleet") == "merchant",
            pl.col("at_least_h") == rules.compared_h,
        ).sort("month")
        months = rows["month"].to_list()
        axes.plot(months, _floats(rows, "gaps"), color=INK, marker="o", markersize=3, label="gaps")
        axes.plot(months, _floats(rows, "expected_off"), color=DARK, label="of these, set off")
        axes.vlines(
            months,
            _floats(rows, "expected_off_low"),
            _floats(rows, "expected_off_high"),
            color=DARK,
            alpha=0.5,
        )
        told = sources.beside_ours.filter((pl.col("flag") == flag) & (pl.col("measure") == "gaps"))
        axes.plot(
            told["month"].to_list(),
            told["published"].to_list(),
            color=PUBLISHED,
            marker="D",
            linestyle="",
            markerfacecolor="none",
            label="published (LLI in CNA)",
        )
        axes.set(ylabel=f"a month, {words}")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
    return (
        f"gaps of {rules.compared_h} h and more of merchant ships, uncorrected; gaps are not calls"
    )


def _draw_calls(sources: Sources, rules: ReportRules, panels: list[Axes]) -> str:
    axes = panels[0]
    rows = sources.monthly_calls.filter(
        *(pl.col(name) == "all" for name in ("flag", "port_country", "port_group")),
        pl.col("scope") == HEADLINE,
    ).sort("month")
    months = rows["month"].to_list()
    axes.plot(months, _floats(rows, "expected_calls"), color=DARK, marker="o", label="dark")
    axes.vlines(
        months,
        _floats(rows, "expected_calls_low"),
        _floats(rows, "expected_calls_high"),
        color=DARK,
        alpha=0.5,
    )
    axes.plot(
        months, _floats(rows, "expected_unheard"), color=UNHEARD, linestyle="--", label="unheard"
    )
    axes.set(ylabel="expected calls a month")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    return "port calls of the headline scope that were not heard"


def _draw_ports(sources: Sources, rules: ReportRules, panels: list[Axes]) -> str:
    axes = panels[0]
    first = find_first_month(sources.data_end, rules.months_shown)
    parts = {"expected_calls": DARK, "expected_unheard": UNHEARD, "lit_calls": LIT}
    summed = (
        sources.monthly_calls.filter(
            pl.col("scope") == HEADLINE,
            pl.col("flag") == "all",
            pl.col("port_country") != "all",
            pl.col("port_group") != "all",
            pl.col("month") >= first,
        )
        .group_by("port_group")
        .agg(pl.col(list(parts)).sum())
        .filter(pl.sum_horizontal(*parts) > 0)
        .sort("expected_calls", "port_group", descending=[False, True])
    )
    left = [0.0] * summed.height
    for name, colour in parts.items():
        widths = _floats(summed, name)
        axes.barh(summed["port_group"].to_list(), widths, left=left, color=colour, label=name)
        left = [base + width for base, width in zip(left, widths, strict=True)]
    axes.set(xlabel=f"calls since {first:%Y-%m}")
    axes.legend(fontsize=8)
    return "calls of the headline scope by port group"


def _draw_reception(sources: Sources, rules: ReportRules, panels: list[Axes]) -> str:
    from matplotlib.patches import Rectangle

    axes = panels[0]
    first = find_first_month(sources.data_end, rules.months_shown)
    cells = (
        sources.cells.filter(pl.col("hour") >= pl.lit(first).cast(pl.Datetime("us")))
        .group_by("cell_lon_deg", "cell_lat_deg")
        .agg(share=pl.col("is_live").mean())
        .sort("cell_lon_deg", "cell_lat_deg")
    )
    for lon, lat, share in cells.iter_rows():
        axes.add_patch(Rectangle((lon, lat), 0.5, 0.5, color=LIT, alpha=0.06 + 0.84 * share, lw=0))
    axes.autoscale_view()
    axes.set(xlabel="longitude", ylabel="latitude", aspect=1.35)
    return f"share of hours with a ship in which somebody was heard, since {first:%Y-%m}"


def _draw_sensitivity(sources: Sources, rules: ReportRules, panels: list[Axes]) -> str:
    axes = panels[0]
    # Of a year that is not assessable there are no chances, whatever is chosen.
    rows = sources.optional["sensitivity"].filter(
        pl.col("scope") == HEADLINE, pl.col("p_low").is_not_null()
    )
    names = [f"{choice}: {value}" for choice, value in rows.select("choice", "value").iter_rows()]
    left = [0.0] * rows.height
    parts = {"p_low": LIT, "p_medium": UNHEARD, "p_high": DARK}
    for name, colour in parts.items():
        widths = _floats(rows, name)
        word = name.removeprefix("p_").capitalize()
        axes.barh(names, widths, left=left, color=colour, label=word)
        left = [base + width for base, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=7)
    axes.set(xlabel="probability of the class", xlim=(0, 1))
    if rows.height:
        axes.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
    return "the class of the last twelve months, headline scope, with one choice made anew"


def _floats(frame: pl.DataFrame, name: str) -> list[float]:
    return [float("nan") if value is None else float(value) for value in frame[name].to_list()]
