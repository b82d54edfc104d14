"""The report: one file that a decision maker opens, made from the published tables alone.

sources    the tables, read once
rows       which gaps and calls the page holds
series     what is drawn by month
places     map, reception, feed health
ships      ships by repeated behaviour
words      the indicator in sentences
content    all of it as one JSON object
document   template, style, script and data as one HTML file
figures    the same figures as PNG and SVG
"""

from __future__ import annotations

from pathlib import Path

from pipeline import store
from pipeline.report.content import make_content
from pipeline.report.document import lay_out_page
from pipeline.report.figures import draw_figures
from pipeline.report.limits import ReportRules
from pipeline.report.sources import Sources, read_sources

FOLDER, PAGE, FIGURES = "report", "index.html", "figures"

__all__ = [
    "FIGURES",
    "FOLDER",
    "PAGE",
    "ReportRules",
    "Sources",
    "lay_out_page",
    "make_content",
    "read_sources",
    "write_report",
]


def write_report(
    tables: Path,
    out: Path,
    geo: Path,
    *,
    with_figures: bool = True,
    rules: ReportRules | None = None,
) -> Path:
    """Write `index.html`, and figures beside it, into folder `out`; return the page.

    Args:
        tables: folder of the published tables, or of those about to be.
        out: folder of the report.
        geo: geo folder the tables were made with.
        with_figures: PNG and SVG files too.
        rules: how much the page holds.

    Raises:
        UsageError: nothing is published in `tables`, or an earlier version published it.
        StorageError: the disk is full, a permission was lost, ...
    """
    limits = rules or ReportRules()
    sources = read_sources(tables)
    page = out / PAGE
    with store.storing(page):
        out.mkdir(parents=True, exist_ok=True)
        text = lay_out_page(make_content(sources, geo, limits))
        beside = page.with_name(f".{PAGE}.new")
        beside.write_text(text, "utf-8")
        if with_figures:
            draw_figures(sources, out / FIGURES, limits)
        # A reader finds the old page or the new one, whole.
        beside.replace(page)
    return page
