"""Writes docs/simulation.md and docs/simulation/*.png: what a simulated world is, beside figures.

    .venv/bin/python -m tests.make_simulation            # a world, its night, figures, pictures
    .venv/bin/python -m tests.make_simulation --words    # what comes from code alone (seconds)

A test holds the parts that come from code. The figures are computed from one world, which
`--folder` keeps; a folder that holds it already is read as it is.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.night import REPOSITORY
from tests.simulation_page.figures import tell_figures
from tests.simulation_page.marks import PAGE
from tests.simulation_page.measured import report_progress, set_scene
from tests.simulation_page.page import lay_page, read_figures


def main() -> None:
    """Write the page and the pictures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--words", action="store_true", help="only what comes from code")
    options.add_argument("--folder", type=Path, help="keep the world here, or read it from here")
    chosen = options.parse_args()
    if chosen.words:
        figures = read_figures(PAGE.read_text("utf-8"))
    elif chosen.folder:
        figures = tell_figures(set_scene(chosen.folder))
    else:
        with tempfile.TemporaryDirectory() as folder:
            figures = tell_figures(set_scene(Path(folder)))
    PAGE.write_text(lay_page(figures), "utf-8")
    report_progress(f"{PAGE.relative_to(REPOSITORY)} written")


if __name__ == "__main__":
    main()
