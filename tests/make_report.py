"""Pictures of a report for docs/report/, and its size and time: `python -m tests.make_report`.

Needs a processed folder of a SIMULATED world (`--processed DIR`) and Chromium.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from PIL import Image

from pipeline import report
from tests.browser import Page, open_page
from tests.night import GEO, REPOSITORY

OUT = REPOSITORY / "docs" / "report"
DESKTOP, PHONE = (1280, 900), (390, 844)
COLOURS = 256  # of a picture in docs/: below 300 kB, and nothing is lost that a reader sees


@dataclass(frozen=True)
class View:
    """A picture: what of the page, how wide, light or dark, with the likeliest call chosen."""

    name: str
    section: str
    is_phone: bool = False
    is_dark: bool = False
    is_chosen: bool = False


VIEWS = (
    View("first_screen", "main"),
    View("months", "monthly"),
    View("map", "places", is_chosen=True),
    View("map_dark", "places", is_dark=True, is_chosen=True),
    View("ports", "ports"),
    View("ship", "story", is_chosen=True),
    View("phone_first_screen", "main", is_phone=True),
    View("phone_map", "places", is_phone=True),
    View("phone_ships", "ships", is_phone=True, is_chosen=True),
)


def main() -> None:
    """Make the report of `--processed`, take its pictures, and say how large and fast it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processed", type=Path, required=True)
    parser.add_argument("--report", type=Path, default=Path("data/report"))
    parser.add_argument(
        "--fullest", action="store_true", help="no pictures: the page filled to its limit"
    )
    given = parser.parse_args()
    sources = report.read_sources(given.processed)
    assert sources.is_simulated, "pictures in docs/ are of simulated worlds only"
    if given.fullest:
        fill_page(sources, given.report / "fullest.html")
        return
    started = time.process_time()
    page = report.write_report(given.processed, given.report, GEO, with_figures=False)
    print(f"page: {time.process_time() - started:.1f} CPU s, {page.stat().st_size / 1e6:.2f} MB")
    started = time.process_time()
    report.write_report(given.processed, given.report, GEO)
    print(f"page and figures: {time.process_time() - started:.1f} CPU s")
    with open_page() as browser:
        for view in VIEWS:
            take(browser, page, view)
        print(f"interactive after {browser.run('document.documentElement.dataset.ready')} ms")
        assert not browser.errors, browser.errors


def fill_page(sources: report.Sources, path: Path) -> None:
    """Make a page as full as it may be, of copies of a world's gaps; say size and time."""
    rules = report.ReportRules(least_h=4.0)
    copies = [
        sources.gaps.with_columns(
            gap_id=pl.format("{}{}", pl.lit(number), pl.col("gap_id").str.slice(2)),
            ship_id=pl.format("{} {}", "ship_id", pl.lit(number)),
            off_lon=pl.col("off_lon") + number / 100,
            off_lat=pl.col("off_lat") + number / 70,
        )
        for number in range(10, 10 + 2 * rules.rows_most // max(1, sources.gaps.height) + 1)
    ]
    content = report.make_content(replace(sources, gaps=pl.concat(copies)), GEO, rules)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.lay_out_page(content), "utf-8")
    with open_page() as browser:
        browser.size(*DESKTOP)
        browser.show(path)
        ready_ms = browser.run("document.documentElement.dataset.ready")
    print(
        f"{content['gaps']['rows'] + content['calls']['rows']} rows:"
        f" {path.stat().st_size / 1e6:.2f} MB, interactive after {ready_ms} ms"
    )


def take(browser: Page, page: Path, view: View) -> None:
    """Write one picture."""
    browser.size(*(PHONE if view.is_phone else DESKTOP), is_phone=view.is_phone)
    browser.media(is_dark=view.is_dark)
    browser.show(page)
    if view.is_chosen:
        browser.run("document.querySelector('#calls-table tbody button')?.click()")
    if view.section != "main":
        browser.run(
            "document.documentElement.style.scrollBehavior = 'auto';"
            f" document.getElementById('{view.section}').scrollIntoView()"
        )
    browser.run("new Promise((done) => setTimeout(done, 200))")
    path = browser.picture(OUT / f"{view.name}.png")
    Image.open(path).convert("RGB").quantize(COLOURS, kmeans=2).save(path, optimize=True)


if __name__ == "__main__":
    main()
