"""Size of the report of an archive, and when its page can be used."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pipeline import report
from tests import night
from tests.browser import find_chromium, open_page
from tests.make_report import DESKTOP


def measure_report(processed: Path, folder: Path) -> dict[str, Any]:
    """Return CPU s of the page, its bytes, and ms until it can be used; None without Chromium."""
    began = time.process_time()
    page = report.write_report(processed, folder, night.GEO, with_figures=False)
    measured: dict[str, Any] = {
        "cpu_s": time.process_time() - began,
        "bytes": page.stat().st_size,
        "ready_ms": None,
    }
    if find_chromium():
        with open_page() as browser:
            browser.size(*DESKTOP)
            browser.show(page)
            measured["ready_ms"] = float(browser.run("document.documentElement.dataset.ready"))
    return measured


def tell_report(measured: dict[str, Any]) -> list[str]:
    """Return the figures of `measure_report` as lines of Markdown."""
    ready = "no Chromium at hand"
    if measured["ready_ms"] is not None:
        ready = f"usable after {measured['ready_ms'] / 1000:.2f} s in headless Chromium"
    return [
        "## The report",
        "",
        f"Of the largest archive at hand: {measured['bytes'] / 1e6:.2f} MB, made in"
        f" {measured['cpu_s']:.1f} CPU s without its figures, {ready}. Less than 5 MB and 2 s are"
        " asked.",
    ]
